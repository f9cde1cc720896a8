"""Cheap looks at whole columns of strings that spare the costly work where it would change nothing.

Arrow keeps a column's characters in one run of bytes and the places where its values begin in
another; a few bytes a row say whether cleaning could do anything. The answers err on one side:
what is said to be clean is. The room knows bytes, not what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I64, Bool

__all__ = [
    *("all_ascii", "all_digits", "all_of", "any_empty", "begins_with", "laid_out"),
    *("may_be_blank", "suspects"),
]

_PIECE = 1 << 15  # rows, and
_FEW = 1 << 19  # bytes looked at in one go: what fits the processor's own memory
_N, _A = np.uint8(ord("N")), np.uint8(ord("a"))  # words for *absent* begin with N, n, a
_LONGEST_ABSENT = 6


def suspects(strings: Any) -> I64:
    """Rows of a string array that trimming, or taking out words for *absent*, might change.

    A row that is not among them has a value without white space at its ends that is neither empty
    nor one of the words, or has none.
    """
    return _rows(strings, _odd)


def may_be_blank(strings: Any) -> I64:
    """Rows whose value might be empty or nothing but white space; the others' is not."""
    return _rows(strings, _odd_first)


def begins_with(strings: Any, first: bytes) -> Bool:
    """Where a value begins with one of these bytes: (n,)."""
    found = np.zeros(len(strings), np.bool_)
    if strings.null_count == len(strings):
        return found
    begins, ends, code = laid_out(strings)
    wanted = np.zeros(256, np.bool_)
    wanted[list(first)] = True
    for i in range(0, len(begins), _PIECE):
        piece = begins[i : i + _PIECE]
        some = ends[i : i + _PIECE] > piece
        found[i : i + _PIECE] = wanted[code[np.where(some, piece, 0)]] & some
    there: Bool = _valid(strings, found)
    return there


def any_empty(strings: Any) -> bool:
    """Whether some value is the empty string."""
    if strings.null_count == len(strings):
        return False
    begins, ends, _ = laid_out(strings)
    empty = begins == ends
    return bool((empty if not strings.null_count else _valid(strings, empty)).any())


def _rows(strings: Any, odd: Callable[[Any, Any, Any], Any]) -> I64:
    """Rows with a value that is odd, looked for in pieces that fit the processor's memory."""
    if strings.null_count == len(strings):
        return np.zeros(0, np.int64)
    begins, ends, code = laid_out(strings)
    starts = range(0, len(begins), _PIECE)
    found = [
        i + np.flatnonzero(odd(begins[i : i + _PIECE], ends[i : i + _PIECE], code)) for i in starts
    ]
    rows: I64 = np.concatenate([np.zeros(0, np.int64), *found])
    if strings.null_count and len(rows):
        rows = rows[np.asarray(strings.is_valid())[rows]]
    return rows


def _odd(begins: Any, ends: Any, code: Any) -> Any:
    size = ends - begins
    empty = size == 0
    if empty.all():
        return empty
    # of an empty value, bytes of its neighbours: it is odd whatever they are
    first, last = code.take(begins, mode="clip"), code.take(ends - 1, mode="clip")
    odd = empty | _blank_first(first) | (last < 33) | (last.view(np.int8) < -64)
    absent = (first == _N) | (first == _N + 32) | (first == _A)
    return odd | (absent & (size <= _LONGEST_ABSENT))


def _odd_first(begins: Any, ends: Any, code: Any) -> Any:
    empty = ends == begins
    return empty if empty.all() else empty | _blank_first(code.take(begins, mode="clip"))


def _blank_first(first: Any) -> Any:
    """Bytes of white space, and those with which Unicode's other white space begins."""
    return (first < 33) | (first == 0xC2) | (first - np.uint8(0xE1) < 3)


def all_digits(strings: Any) -> bool:
    """Whether every value is one or more of the digits 0 to 9 (or null)."""
    return all_of(strings, b"0123456789")


def all_ascii(strings: Any) -> bool:
    """Whether no value holds a byte beyond ASCII, and so none that is not UTF-8."""
    begins, ends, code = laid_out(strings)
    if not len(begins):
        return True
    used = code[begins[0] : ends[-1]]
    return all(int(used[i : i + _FEW].max(initial=0)) < 128 for i in range(0, len(used), _FEW))


def all_of(strings: Any, allowed: bytes) -> bool:
    """Whether every value is one or more of these bytes (or null)."""
    begins, ends, code = laid_out(strings)
    if not len(begins) or _valid(strings, ends == begins).any():
        return not len(begins)
    used = code[begins[0] : ends[-1]]
    if allowed == b"0123456789":
        pieces = (used[i : i + _FEW] - np.uint8(48) for i in range(0, len(used), _FEW))
        return all(int(p.max(initial=0)) < 10 for p in pieces)
    good = np.zeros(256, np.bool_)
    good[list(allowed)] = True
    return all(bool(good[used[i : i + _FEW]].all()) for i in range(0, len(used), _FEW))


def laid_out(strings: Any) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    """Where each value begins and ends, and the bytes: of ``pa.string()`` only."""
    assert pa.types.is_string(strings.type), strings.type
    _, offsets, data = strings.buffers()
    if offsets is None or not len(strings):
        nothing = np.zeros(len(strings), np.int32)
        return nothing, nothing, np.zeros(1, np.uint8)
    at = np.frombuffer(offsets, np.int32)[strings.offset :][: len(strings) + 1]
    code = np.frombuffer(data, np.uint8) if data is not None and data.size else None
    return at[:-1], at[1:], np.zeros(1, np.uint8) if code is None else code


def _valid(strings: Any, rows: Any) -> Any:
    """Those of the marked rows that hold a value."""
    return rows & np.asarray(strings.is_valid()) if strings.null_count else rows
