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
from klieg.sources.limits import limits
from klieg.sources.order import canonical, gather, joined
from klieg.tables import POSTS, Intake, Posts

__all__ = ["assemble", "combine"]

MINUTE_US = 60_000_000
_ROW = "row:"
_LONG = 256  # rows that follow each other, on average, that are better taken as one


def assemble(tables: Sequence[pa.Table], *, progress: Progress = silent) -> tuple[Posts, Intake]:
    """Posts from Arrow tables with (some of) the columns of POSTS, as if read from a file."""
    whole = [_conform(t) for t in tables]
    rows = sum(t.num_rows for t in whole)
    posts, counts, notes = combine(whole, (), progress=progress)
    inputs = tuple({"path": "(table)", "format": "arrow", "rows": t.num_rows} for t in whole)
    return posts, Intake(inputs, rows, posts.n, counts, {}, notes)


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
    keep = np.ones(table.num_rows, np.bool_)
    gone = _named(table, "post_id", deleted) | _named(table, "account_id", closed)
    if gone.any():
        counts["deleted"] = int(gone.sum())
        keep &= ~gone
    order = canonical(table)
    order = order[keep[order]]
    if not _all_differ(table.column("post_id")):
        order, table, same = _one_per_id(table, order)
        counts.update(same)
    order, copies = _one_per_minute(table, order, who)
    if copies:
        counts["duplicate_text"] = copies
    ids = table.column("post_id")
    rows = int(np.asarray(pc.starts_with(ids, _ROW).combine_chunks())[order].sum())
    if rows:
        counts["row_id"] = rows
    notes = _notes(counts, nul)
    columns = dict(zip(POSTS.names, table.columns, strict=True))
    del table, ids
    return _interned(_taken(columns, order), who, order), counts, notes


@dataclass(frozen=True, slots=True)
class _Who:
    """The account of each row before names are looked at again: an id and a platform in one."""

    code: Any  # (n,) int64: id · platforms + platform
    ids: Any  # string: every account id
    platforms: Any  # string: every platform

    @classmethod
    def of(cls, table: pa.Table) -> _Who:
        ids, code = _coded(table.column("account_id"))
        places, place = _coded(table.column("platform"))
        if len(places) > 1:
            code = code * len(places) + place
        return cls(code, ids, places)


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


def _all_differ(ids: Any) -> bool:
    """Whether ids are numbers and no two are equal; False where it would take long to say."""
    if ids.null_count or not pc.all(pc.ascii_is_decimal(ids)).as_py():
        return False
    # one number has one writing: no zeros in front, and small enough for 64 bits
    longest = pc.max(pc.binary_length(ids)).as_py()
    if longest > 19 or pc.any(pc.starts_with(ids, "0")).as_py():
        return False
    number = np.sort(np.asarray(ids.cast(pa.uint64())))
    return not bool((number[1:] == number[:-1]).any())


def _coded(column: Any) -> tuple[Any, Any]:
    """Every different value, by first appearance, and (n,) int64 which of them each row holds."""
    chunks = column.dictionary_encode().chunks  # of one dictionary, the last chunk's
    if not chunks:
        return pa.array([], pa.string()), np.zeros(0, np.int64)
    code = np.concatenate([np.asarray(chunk.indices) for chunk in chunks])
    return chunks[-1].dictionary, code.astype(np.int64)


def _named(table: pa.Table, column: str, given: Iterable[tuple[str, str]]) -> Any:
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


def _one_per_id(table: pa.Table, order: Any) -> tuple[Any, pa.Table, dict[str, int]]:
    """Keep the first row of each (platform, post_id) in canonical order; join their objects."""
    platform, post = _coded(table.column("platform"))[1], _coded(table.column("post_id"))[1]
    key = (platform * (post.max(initial=0) + 1) + post)[order]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    if len(first) == len(order):
        return order, table, {}
    head = first[inverse]  # position in order of the row that stays
    extra = np.flatnonzero(head != np.arange(len(order)))
    counts = {"duplicate_id": len(extra)}
    mine, theirs = order[head[extra]], order[extra]
    differs = _differ(table, mine, theirs, ("account_id", "text", "time"))
    if differs.any():
        counts["conflicting_id"] = len(np.unique(mine[differs]))
    same_account = ~_differ(table, mine, theirs, ("account_id",))
    if table.column("objects").null_count < table.num_rows:
        owner = np.arange(table.num_rows)
        owner[theirs[same_account]] = mine[same_account]
        owner[theirs[~same_account]] = -1
        table = _joined_objects(table, owner)
    return order[np.sort(first)], table, counts


def _differ(table: pa.Table, a: Any, b: Any, columns: tuple[str, ...]) -> Any:
    differs = np.zeros(len(a), np.bool_)
    for name in columns:
        column = table.column(name)
        one, two = gather(column, a), gather(column, b)
        same = pc.or_(pc.equal(one, two).fill_null(False), pc.and_(one.is_null(), two.is_null()))
        differs |= ~np.asarray(same)
    return differs


def _joined_objects(table: pa.Table, owner: Any) -> pa.Table:
    """Give every kept row the distinct objects of the rows it stands for, sorted."""
    column = table.column("objects").combine_chunks()
    parents = owner[np.asarray(pc.list_parent_indices(column))]
    items = column.flatten()
    flat = pa.table(
        {
            "owner": pa.array(parents),
            "trace": pc.struct_field(items, "trace"),
            "id": pc.struct_field(items, "id"),
        }
    ).filter(pa.array(parents >= 0))
    unique = flat.group_by(["owner", "trace", "id"]).aggregate([])
    unique = unique.sort_by([("owner", "ascending"), ("trace", "ascending"), ("id", "ascending")])
    sizes = np.bincount(np.asarray(unique["owner"]), minlength=table.num_rows)
    kind = POSTS.field("objects").type
    structs = pa.StructArray.from_arrays(
        [unique["trace"].combine_chunks(), unique["id"].combine_chunks()],
        fields=list(kind.value_type),
    )
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
    lists = pa.ListArray.from_arrays(offsets, structs, type=kind, mask=pa.array(sizes == 0))
    return table.set_column(table.schema.get_field_index("objects"), POSTS.field("objects"), lists)


def _one_per_minute(table: pa.Table, order: Any, who: _Who) -> tuple[Any, int]:
    """One account, one minute, one text: one post, even under two ids; the first is kept."""
    minute = np.asarray(table.column("time").cast(pa.int64())) // MINUTE_US
    worded = np.asarray(table.column("text").is_valid().combine_chunks())[order]
    minute -= minute.min(initial=0)
    pair = (who.code * (minute.max(initial=0) + 1) + minute)[order]
    places = np.flatnonzero(worded)
    places, group = _sharing(pair[places], places)
    if not len(places):
        return order, 0
    text = gather(table.column("text"), order[places])
    # texts that are equal but for white space have as many letters: few need a closer look
    width = np.int64(1) << 31
    close, group = _sharing(group * width + _letters(text), np.arange(len(places)))
    if not len(close):
        return order, 0
    text, places = gather(text, close), places[close]
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), r"\s+", " ")
    _, first = np.unique(group * len(places) + _coded(text)[1], return_index=True)
    drop = np.ones(len(places), np.bool_)
    drop[first] = False
    stays = np.ones(len(order), np.bool_)
    stays[places[drop]] = False
    return order[stays], int(drop.sum())


def _sharing(key: Any, rows: Any) -> tuple[Any, Any]:
    """Those rows, ascending, whose key another row has too, and a number for each key."""
    by = np.argsort(key, kind="stable")
    ranked = key[by]
    new = np.ones(len(by), np.bool_)
    new[1:] = ranked[1:] != ranked[:-1]
    alone = new.copy()
    alone[:-1] &= new[1:]
    found, number = by[~alone], np.cumsum(new)[~alone]
    back = np.argsort(found, kind="stable")
    return rows[found[back]], number[back].astype(np.int64)


def _letters(texts: Any) -> Any:
    """(n,) int64 ASCII characters in each text that are no white space."""
    found = []
    for chunk in texts.chunks:
        _, offsets, data = chunk.buffers()
        at = np.frombuffer(offsets, np.int32)[chunk.offset :][: len(chunk) + 1]
        code = np.frombuffer(data, np.uint8) if data is not None else _NO_BYTES
        for first in range(0, len(chunk), _FEW):  # small enough for the processor's own memory
            ends = at[first : first + _FEW + 1]
            seen = np.zeros(ends[-1] - ends[0] + 1, np.int32)
            np.cumsum((code[ends[0] : ends[-1]] - np.uint8(33)) < 95, out=seen[1:])
            found.append(np.diff(seen[ends - ends[0]]))
    return np.concatenate(found).astype(np.int64)


_NO_BYTES = np.zeros(0, np.uint8)
_FEW = 1 << 12  # rows


def _taken(columns: dict[str, Any], order: Any) -> pa.Table:
    """The rows in order, each column in one piece; ``columns`` is emptied, for the memory."""
    breaks = np.flatnonzero(np.diff(order) != 1) + 1
    few = len(breaks) * _LONG < len(order)
    runs = [(order[a], b - a) for a, b in pairwise([0, *breaks, len(order)])] if few else []

    def taken(name: str) -> Any:
        column = columns.pop(name)
        return joined(column, runs) if few else gather(column, order)

    beside = min(2, limits().threads)
    with ThreadPoolExecutor(beside) as pool:  # two columns at a time: more would take more memory
        return pa.Table.from_arrays(list(pool.map(taken, POSTS.names)), schema=POSTS)


def _interned(table: pa.Table, who: _Who, order: Any) -> Posts:
    """Accounts numbered by first appearance; an id on two platforms is two accounts."""
    coded = pa.array(who.code[order]).dictionary_encode()
    code, width = np.asarray(coded.dictionary), max(len(who.platforms), 1)
    tick = pc.max(table.column("resolution")).as_py()
    return Posts(
        table=table,
        account=np.asarray(coded.indices).astype(np.int32),
        time=np.asarray(table.column("time").cast(pa.int64())).astype(np.int64),
        account_ids=who.ids.take(pa.array(code // width)),
        account_platforms=who.platforms.take(pa.array(code % width)),
        resolution=0 if tick is None else int(tick),
    )
