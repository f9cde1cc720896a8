"""Structs and lists of an Arrow batch taken apart and put together, without touching their text.

Nested columns are a few integers a row over flat ones, so that going into them costs next to
nothing where expressions over each row's list are dear. The room knows no format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.looks import any_empty, begins_with

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import Bool

__all__ = [
    "Items",
    "Shaper",
    "all_null",
    "at",
    "chosen",
    "either",
    "filled",
    "firsts",
    "gathered",
    "items",
    "kept",
    "no_word",
    "owner_of",
    "together",
    "true",
]

Items = tuple["NDArray[np.int64]", Any]
"""The row of each item, rising, and the items."""


def at(column: Any, path: str) -> Any:
    """A field inside structs; null where one of them is."""
    return pc.struct_field(column, path.split("."))


def items(lists: Any, path: str = "") -> Items:
    """The items of every row's list, or a field of them; of lists in lists with ``items`` again."""
    inner = lists.flatten()
    rows = np.asarray(pc.list_parent_indices(lists)).astype(np.int64, copy=False)
    return rows, at(inner, path) if path else inner


def firsts(lists: Any) -> Any:
    """The first item of every row's list; null where there is none."""
    rows, values = items(lists)
    begin = np.flatnonzero(np.diff(rows, prepend=-1))
    slots = np.full(len(lists), -1, np.int64)
    slots[rows[begin]] = begin
    return values.take(pa.array(slots, mask=slots < 0))


def filled(text: Any) -> Any:
    """A column of strings, the empty ones null."""
    return pc.if_else(pc.equal(text, ""), None, text) if any_empty(text) else text


def either(first: Any, second: Any) -> Any:
    """The first where it holds a word that is not empty, else the second."""
    first = filled(first)
    return first if all_null(second) else pc.coalesce(first, second)


def together(first: Items, *more: Items) -> Items:
    """The items of several lists a row as one: those of the first go first."""
    some = [found for found in (first, *more) if len(found[0])]
    if len(some) < 2:
        return some[0] if some else first
    rows = np.concatenate([found[0] for found in some])
    values = pa.concat_arrays([found[1] for found in some])
    order = np.argsort(rows, kind="stable")
    return rows[order], values.take(pa.array(order))


def kept(found: Items, keep: Bool) -> Items:
    """Those items that are to be kept."""
    return found if keep.all() else (found[0][keep], found[1].filter(pa.array(keep)))


def gathered(n: int, found: Items, known: Bool | None = None) -> Any:
    """Items as a list a row; null where the row is not ``known``."""
    rows, values = found
    offsets = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=n), out=offsets[1:])
    mask = None if known is None or known.all() else pa.array(~known)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)


def true(mask: Any) -> Bool:
    """A mask of Arrow as NumPy's; null is False."""
    held: Bool = np.asarray(mask.fill_null(False) if mask.null_count else mask)
    return held


def all_null(column: Any) -> bool:
    """Whether a column holds nothing at all."""
    return bool(column.null_count == len(column))


def chosen(mask: Bool, column: Any) -> Any:
    """The column where ``mask`` is True, null elsewhere."""
    if mask.all() or all_null(column):
        return column
    if not mask.any():
        return pa.nulls(len(column), column.type)
    return pc.if_else(pa.array(mask), column, None)


def no_word(text: Any) -> Bool:
    """Where a column that should hold words begins like an object or a list of JSON."""
    return begins_with(text, b"{[")


def owner_of(text: Any, pattern: str) -> Any:
    """The first group of a pattern, of the few or many values that are there."""
    if all_null(text):
        return text
    if text.null_count * 2 < len(text):
        return _first_group(text, pattern)
    rows = np.flatnonzero(np.asarray(text.is_valid()))
    slots = np.full(len(text), -1, np.int64)
    slots[rows] = np.arange(len(rows))
    return _first_group(text.drop_null(), pattern).take(pa.array(slots, mask=slots < 0))


def _first_group(text: Any, pattern: str) -> Any:
    return pc.struct_field(pc.extract_regex(text, pattern), 0)


Shaper = Callable[[pa.RecordBatch], dict[str, Any]]
"""The columns that ``queried`` wants, from those that DuckDB read."""
