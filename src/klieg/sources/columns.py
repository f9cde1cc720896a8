"""Edits of a table's columns before they are named: the first one filled, rows left out.

What formats with a fixed header need where one column is not yet one field. Chunks stay chunks, so
that no column of strings outgrows Arrow's 2 GiB. The room knows columns, no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.frames import ABSENT, Frame, lossless

__all__ = ["first_filled", "is_lossy", "joined", "keep", "listed", "put"]


def first_filled(frame: Frame, *names: str) -> Any:
    """The first value of each row among these columns (those that are there); null if none has.

    The usual words for *absent* (``NA``, ``None``, …) and blanks count as nothing.
    """
    found = _nothing(frame)
    for name in names:
        if name in frame.table.column_names:
            found = pc.coalesce(found, _filled(frame.table.column(name)))
    return found


def joined(frame: Frame, *names: str) -> Any:
    """The values of several columns in one, with spaces between; null where all are empty."""
    parts = [_filled(frame.table.column(n)) for n in names if n in frame.table.column_names]
    if not parts:
        return _nothing(frame)
    blank = [pc.fill_null(p, "") for p in parts]
    whole = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*blank, " "))
    return pc.if_else(pc.equal(whole, ""), None, whole)


def put(frame: Frame, columns: Mapping[str, Any]) -> Frame:
    """The frame with these columns set or added."""
    table = frame.table
    for name, column in columns.items():
        at = table.column_names.index(name) if name in table.column_names else -1
        table = table.append_column(name, column) if at < 0 else table.set_column(at, name, column)
    return Frame(table, frame.row, frame.file)


def keep(frame: Frame, mask: Any) -> Frame:
    """The rows where a column of booleans is true; null counts as false."""
    rows = np.asarray(pc.fill_null(mask, False).combine_chunks())
    if rows.all():
        return frame
    return Frame(frame.table.filter(pa.array(rows)), frame.row.filter(pa.array(rows)), frame.file)


def listed(table: pa.Table, column: str, given: Iterable[tuple[str, str]]) -> Any:
    """(n,) rows whose (platform, column) is among the given ones."""
    hit = np.zeros(table.num_rows, np.bool_)
    by_platform: dict[str, list[str]] = {}
    for platform, name in given:
        by_platform.setdefault(platform, []).append(name)
    for platform, names in sorted(by_platform.items()):
        here = pc.and_(
            pc.equal(table.column("platform"), platform),
            pc.is_in(table.column(column), pa.array(names, pa.string())),
        )
        hit |= np.asarray(here.combine_chunks())
    return hit


def is_lossy(column: Any) -> bool:
    """Whether some id is written in float notation, its last digits lost."""
    return any(bool(lossless(chunk)[1].any()) for chunk in column.chunks)


def _nothing(frame: Frame) -> Any:
    return pa.chunked_array([pa.nulls(frame.table.num_rows, pa.string())])


def _filled(column: Any) -> Any:
    if pa.types.is_nested(column.type):
        return pa.chunked_array([pa.nulls(len(column), pa.string())])
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.is_in(text, value_set=ABSENT), None, text)
