"""Puts batches of posts together: each post once, in canonical order, accounts interned.

Canonical order is (time, platform, post_id); rows without an id of their own are ordered by what
they say, so that neither the order of the rows nor that of the files changes anything but the row
numbers. Whole columns at a time. The room knows posts, not where they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sockets import Progress, silent
from klieg.sources.acts import beside, conform
from klieg.sources.columns import listed
from klieg.sources.duplicates import one_per_id, one_per_minute
from klieg.sources.limits import Room, limits
from klieg.sources.marks import coded, constant, numbers, truth
from klieg.sources.order import canonical, gather, joined
from klieg.sources.shelf import Shelf
from klieg.tables import POSTS, Intake, Posts

__all__ = ["assemble", "combine"]

_ROW = "row:"
_LONG = 256  # rows that follow each other, on average, that are better taken as one


def assemble(tables: Sequence[pa.Table], *, progress: Progress = silent) -> tuple[Posts, Intake]:
    """Posts from Arrow tables with (some of) the columns of POSTS, as if read from a file.

    A table with a column ``act`` holds acts (columns of ACTS), which go beside the posts.
    """
    acted = [conform(t) for t in tables if "act" in t.column_names]
    whole = [_conform(t) for t in tables if "act" not in t.column_names]
    rows = sum(t.num_rows for t in tables)
    posts, counts, notes = combine(whole, (), progress=progress)
    posts, more = beside(posts, acted)
    inputs = tuple({"path": "(table)", "format": "arrow", "rows": t.num_rows} for t in tables)
    return posts, Intake(inputs, rows, posts.n, counts | more, {}, notes)


def combine(
    tables: Iterable[pa.Table],
    deleted: Iterable[tuple[str, str]],
    *,
    closed: Iterable[tuple[str, str]] = (),
    progress: Progress = silent,
) -> tuple[Posts, dict[str, int], tuple[str, ...]]:
    """All posts of a run, and what was counted on the way.

    ``deleted`` are (platform, post_id) that the input itself takes back, ``closed`` the (platform,
    account_id) of accounts that it says are deleted. ``duplicate_id`` and
    ``duplicate_text`` rows are gone, ``deleted`` ones too; ``row_id`` and ``conflicting_id`` count
    posts that stayed.
    """
    progress("posts in order", 0, None)
    table = pa.concat_tables([POSTS.empty_table(), *tables])
    table, nul = _without_nul(table)
    counts: dict[str, int] = {}
    who = _Who.of(table)
    gone = listed(table, "post_id", deleted) | listed(table, "account_id", closed)
    if gone.any():
        counts["deleted"] = int(gone.sum())
    time = np.asarray(table.column("time").cast(pa.int64())).astype(np.int64, copy=False)
    number = numbers(table.column("post_id"))
    order = canonical(table, time, number if who.place is None else None)
    if gone.any():
        order = order[~gone[order]]
    order, table, same = one_per_id(table, order, number, who.place)
    counts.update(same)
    order, copies = one_per_minute(table, order, time, who.code)
    if copies:
        counts["duplicate_text"] = copies
    rows = 0 if number is not None else _nameless(table.column("post_id"), order)
    if rows:
        counts["row_id"] = rows
    notes = _notes(counts, nul)
    columns = dict(zip(POSTS.names, table.columns, strict=True))
    del table
    return _interned(_taken(columns, order), who, order, time), counts, notes


@dataclass(frozen=True, slots=True)
class _Who:
    """The account of each row before names are looked at again: an id and a platform in one."""

    code: Any  # (n,) int64: id · platforms + platform
    place: Any  # (n,) int64: platform; None if all posts are of one
    ids: Any  # string: every account id
    platforms: Any  # string: every platform

    @classmethod
    def of(cls, table: pa.Table) -> _Who:
        ids, code = coded(table.column("account_id"))
        platform = table.column("platform")
        if constant(platform):
            return cls(code, None, ids, platform.slice(0, 1).combine_chunks())
        places, place = coded(platform)
        if len(places) > 1:
            code = code * len(places) + place
        return cls(code, place if len(places) > 1 else None, ids, places)


def _nameless(ids: Any, order: Any) -> int:
    return int(truth(pc.starts_with(ids, _ROW))[order].sum())


def _notes(counts: dict[str, int], nul: int) -> tuple[str, ...]:
    notes = []
    if nul:
        notes.append(f"NUL characters were taken out of {nul:,} rows")
    if counts.get("conflicting_id"):
        notes.append(
            f"{counts['conflicting_id']:,} ids stand on rows that differ in account, time or text; "
            "the earliest row of each was kept"
        )
    return tuple(notes)


def _conform(table: pa.Table) -> pa.Table:
    n = table.num_rows
    columns = []
    for field in POSTS:
        if field.name in table.column_names:
            columns.append(table.column(field.name).cast(field.type))
        elif field.name == "platform":
            columns.append(pa.chunked_array([pa.repeat("unknown", n)]))
        elif field.name == "post_id":
            columns.append(pa.chunked_array([pa.array([f"row:table:{i + 1}" for i in range(n)])]))
        else:
            columns.append(pa.chunked_array([pa.nulls(n, field.type)]))
    return pa.Table.from_arrays(columns, schema=POSTS)


def _without_nul(table: pa.Table) -> tuple[pa.Table, int]:
    touched = 0
    for i, field in enumerate(table.schema):
        if not pa.types.is_string(field.type):
            continue
        column = table.column(i)
        if not _holds_zero(column):
            continue
        hit = pc.sum(pc.match_substring(column, "\0")).as_py() or 0
        if hit:
            touched = max(touched, hit)
            table = table.set_column(i, field, pc.replace_substring(column, "\0", ""))
    return table, touched


def _holds_zero(column: Any) -> bool:
    """Whether a zero byte lies among a column's strings (or in what its nulls hide)."""
    for chunk in column.chunks:
        _, offsets, data = chunk.buffers()
        if not len(chunk) or offsets is None or data is None:
            continue
        ends = np.frombuffer(offsets, np.int32)[chunk.offset :][: len(chunk) + 1]
        held = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
        if len(held) and held.min() == 0:
            return True
    return False


def _taken(columns: dict[str, Any], order: Any) -> pa.Table:
    """The rows in order, each column in one piece; ``columns`` is emptied, for the memory."""
    breaks = np.flatnonzero(np.diff(order) != 1) + 1
    few = len(breaks) * _LONG < len(order)
    runs = [(order[a], b - a) for a, b in pairwise([0, *breaks, len(order)])] if few else []

    room = limits().room
    tight = room is not None and room.used

    def taken(name: str) -> Any:
        column = columns.pop(name)
        column = joined(column, runs) if few else gather(column, order)
        return _put_aside(column, room) if tight and room is not None else column

    beside = 1 if tight else min(2, limits().threads)
    with ThreadPoolExecutor(beside) as pool:  # two columns at a time: more would take more memory
        return pa.Table.from_arrays(list(pool.map(taken, POSTS.names)), schema=POSTS)


def _put_aside(column: Any, room: Room) -> Any:
    """A column in a passing file of its own: in one piece, as it would be in memory."""
    schema = pa.schema([("column", column.type)])
    shelf = Shelf(room, on_file=True)
    for chunk in column.chunks:
        shelf.put(pa.RecordBatch.from_arrays([chunk], schema=schema))
    return shelf.table(schema).column(0)


def _interned(table: pa.Table, who: _Who, order: Any, time: Any) -> Posts:
    """Accounts numbered by first appearance; an id on two platforms is two accounts."""
    accounts = pa.array(who.code[order]).dictionary_encode()
    code, width = np.asarray(accounts.dictionary), max(len(who.platforms), 1)
    tick = pc.max(table.column("resolution")).as_py()
    return Posts(
        table=table,
        account=np.asarray(accounts.indices).astype(np.int32),
        time=time[order],
        account_ids=who.ids.take(pa.array(code // width)),
        account_platforms=who.platforms.take(pa.array(code % width)),
        resolution=0 if tick is None else int(tick),
    )
