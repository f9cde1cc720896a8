"""Lists written as text (``['a', 'b']``, ``[a, b]``, ``a b``, ``a|b``) as real lists.

Whole columns at a time. The room knows how lists are written, not what they mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.looks import all_of
from klieg.sources.marks import truth, valid

__all__ = ["listed", "tidy"]

_EMPTY = pa.array(["", "NA", "None", "nan", "NaN", "null", "absent"])
_MARK = "\n"
_UNMARKED = bytes(b for b in range(32, 256) if b not in b"\"'()[],;|")  # blanks alone divide


def listed(column: Any, field: str, n: int) -> Any:
    """A column as ``list<string>``: null where unknown, empty where the input says there is none.

    ``field`` is ``"urls"``, ``"hashtags"`` (lower case, without ``#``) or ``"mentions"`` (without
    ``@``).
    """
    kind = pa.list_(pa.string())
    if column is None:
        return pa.nulls(n, kind)
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(flat.type):
        flat = flat.cast(flat.type.value_type)
    if pa.types.is_list(flat.type) or pa.types.is_large_list(flat.type):
        if pa.types.is_nested(flat.type.value_type):
            return pa.nulls(n, kind)
        return tidy(flat.cast(kind), field)
    text = flat.cast(pa.string())
    coded = text.dictionary_encode()  # the same lists come again and again, "[]" most of all
    if len(coded.dictionary) > n // 2:
        return _parted(text, field)
    return _parted(coded.dictionary, field).take(coded.indices)


def _parted(text: Any, field: str) -> Any:
    text = pc.utf8_trim_whitespace(text)
    text = pc.if_else(pc.is_in(text, _EMPTY), None, text)
    if all_of(text, _UNMARKED):
        return tidy(pc.split_pattern(text, " "), field)
    return tidy(pc.split_pattern(_split_marks(text, field), _MARK), field)


def tidy(lists: Any, field: str) -> Any:
    """Trim every item, drop the empty ones and repeats of marks; null lists stay null."""
    if not len(lists):
        return pa.array([], pa.list_(pa.string()))
    items = lists.flatten()
    at = np.asarray(lists.offsets).astype(np.int64)
    at -= at[0]
    if at[-1] != len(items):  # something lies behind a null
        at = np.append(0, np.cumsum(np.asarray(pc.list_value_length(lists).fill_null(0))))
    items = pc.utf8_trim(items, " \t\r\n\"'[](){}" if field != "urls" else " \t\r\n\"'")
    if field == "hashtags":
        items = pc.utf8_lower(pc.utf8_ltrim(items, "#＃"))
    elif field == "mentions":
        items = pc.utf8_ltrim(items, "@＠")
    keep = truth(pc.not_equal(items, ""))
    if not keep.all():
        items = items.filter(pa.array(keep))
        at = np.append(0, np.cumsum(keep))[at]
    mask = pa.array(~valid(lists)) if lists.null_count else None
    return pa.ListArray.from_arrays(pa.array(at.astype(np.int32)), items, mask=mask)


def _split_marks(text: Any, field: str) -> Any:
    inner = pc.replace_substring_regex(text, r"^(?:c\()?[\[\(]+|[\]\)]+$", "")
    if field != "urls":
        return pc.replace_substring_regex(inner, r"[\"'\s,;|]+", _MARK)
    # commas and brackets may stand inside an address: only those before the next one split
    inner = pc.replace_substring_regex(inner, r"[\"']\s*[,;]\s*[\"']", _MARK)
    inner = pc.replace_substring_regex(inner, r"[\s,;|]+(https?://|www\.)", _MARK + r"\1")
    return pc.replace_substring_regex(inner, r"\s+|\s*\|\s*", _MARK)
