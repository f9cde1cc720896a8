"""``Wed May 01 10:00:00 +0000 2024``, X's own way to write a time, whole columns at once.

Every value stands in the same 30 bytes, so that a column is a table of digits. The room knows this
one way; ``times`` knows all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from klieg.sources.times import civil

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["long_form"]

_LENGTH = 30
_FORM = b"Www Mmm 00 00:00:00 +0000 0000"
_FIXED = [3, 7, 10, 13, 16, 19, 20, 21, 22, 23, 24, 25]
_DIGITS = [8, 9, 11, 12, 14, 15, 17, 18, 26, 27, 28, 29]
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def long_form(strings: Any) -> Any:
    """A string array as timestamps (µs, without zone), null where null; None if one is none."""
    n = len(strings)
    some = strings.drop_null() if strings.null_count else strings
    if not len(some):
        return pa.nulls(n, pa.timestamp("us"))
    _, offsets, data = some.buffers()
    at = np.frombuffer(offsets, np.int32)[some.offset :][: len(some) + 1]
    if data is None or (np.diff(at) != _LENGTH).any():
        return None
    code = np.frombuffer(data, np.uint8)[at[0] : at[-1]].reshape(-1, _LENGTH)
    us = _read(code)
    if us is None:
        return None
    if not strings.null_count:
        return pa.array(us).cast(pa.timestamp("us"))
    valid = np.asarray(strings.is_valid())
    whole = np.zeros(n, np.int64)
    whole[valid] = us
    return pa.array(whole, mask=~valid).cast(pa.timestamp("us"))


def _read(code: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    columns = np.ascontiguousarray(code.T)
    fixed = all((columns[k] == _FORM[k]).all() for k in _FIXED)
    digit = {k: columns[k].astype(np.int64) - 48 for k in _DIGITS}
    if not fixed or any((d < 0).any() or (d > 9).any() for d in digit.values()):
        return None
    day, month = _named(columns[:3], _DAYS), _named(columns[4:7], _MONTHS)
    if (day < 0).any() or (month < 0).any():
        return None

    def two(k: int) -> NDArray[np.int64]:
        number: NDArray[np.int64] = digit[k] * 10 + digit[k + 1]
        return number

    us, fits = civil(two(26) * 100 + two(28), month + 1, two(8), two(11), two(14), two(17))
    return us if fits.all() else None


def _named(letters: NDArray[np.uint8], names: list[str]) -> NDArray[np.int64]:
    """Which of the names stands in each row: −1 for none. Their letters make a number."""
    given = (letters[0].astype(np.int64) << 16) | (letters[1].astype(np.int64) << 8) | letters[2]
    known = np.array([int.from_bytes(name.encode(), "big") for name in names])
    order = np.argsort(known)
    at = np.minimum(np.searchsorted(known, given, sorter=order), len(names) - 1)
    found = order[at]
    which: NDArray[np.int64] = np.where(known[found] == given, found, -1)
    return which
