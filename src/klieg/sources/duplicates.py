"""Each post once: rows that share an id, and rows of one account with one text in one minute.

Whole columns at a time: numbers and hashes say which few rows may be alike, and only those are
looked at as what they are. The room knows rows in canonical order, and drops all but the first of
those that are one post; which order that is, it is told.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.marks import coded, hashed, spread, valid
from klieg.sources.order import gather
from klieg.tables import POSTS

__all__ = ["one_per_id", "one_per_minute"]

MINUTE_US = 60_000_000
PIECE = 1 << 16  # rows whose minutes are looked through at a time
_TAIL = 16  # bytes at the end of an id: mostly they tell it from all others
_FEW = 1 << 12  # rows
_NO_BYTES = np.zeros(0, np.uint8)


def one_per_id(
    table: pa.Table, order: Any, number: Any, place: Any
) -> tuple[Any, pa.Table, dict[str, int]]:
    """Keep the first row of each (platform, post_id) in canonical order; join their objects.

    ``number`` is the ids as numbers, (n,) uint64, where they all are, else None; ``place`` the
    platform of each row, (n,) int64, or None if there is one only.
    """
    ids = table.column("post_id")
    mark = hashed(ids, _TAIL) if number is None else number
    if place is not None:
        mark = mark ^ spread(place)
    some = _repeated(mark[order])  # positions in order
    if len(some) and number is None:  # ids that end alike: they are looked at whole
        some = some[_repeated(hashed(gather(ids, order[some])))]
    if not len(some):
        return order, table, {}
    rows = order[some]
    key = coded(gather(ids, rows))[1]
    if place is not None:
        key = key * (place.max(initial=0) + 1) + place[rows]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return order, table, {}
    head = first[inverse]  # position in rows of the row that stays
    extra = np.flatnonzero(head != np.arange(len(rows)))
    counts = {"duplicate_id": len(extra)}
    mine, theirs = rows[head[extra]], rows[extra]
    differs = _differ(table, mine, theirs, ("account_id", "text", "time"))
    if differs.any():
        counts["conflicting_id"] = len(np.unique(mine[differs]))
    same_account = ~_differ(table, mine, theirs, ("account_id",))
    if table.column("objects").null_count < table.num_rows:
        owner = np.arange(table.num_rows)
        owner[theirs[same_account]] = mine[same_account]
        owner[theirs[~same_account]] = -1
        table = _joined_objects(table, owner)
    stays = np.ones(len(order), np.bool_)
    stays[some[extra]] = False
    return order[stays], table, counts


def _repeated(mark: Any) -> Any:
    """Positions, ascending, of every mark that stands more than once."""
    if (mark[1:] > mark[:-1]).all():
        return np.zeros(0, np.int64)
    ranked = np.sort(mark)
    twice = ranked[1:][ranked[1:] == ranked[:-1]]
    if not len(twice):
        return np.zeros(0, np.int64)
    at = np.searchsorted(twice, mark)
    return np.flatnonzero(twice[np.minimum(at, len(twice) - 1)] == mark)


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


def one_per_minute(table: pa.Table, order: Any, time: Any, who: Any) -> tuple[Any, int]:
    """One account, one minute, one text: one post, even under two ids; the first is kept.

    ``time`` (microseconds) and ``who`` (the account) are (n,) int64 of the table's rows.
    """
    text = table.column("text")
    if text.null_count == len(text):
        return order, 0
    own = order[valid(text)[order]] if text.null_count else order
    some, group = _same_minute(who[own], time[own] // MINUTE_US)
    if not len(some):
        return order, 0
    text = gather(text, own[some])
    # texts that are equal but for white space have as many letters: few need a closer look
    width = np.int64(1) << 31
    close, group = _sharing(group * width + _letters(text), np.arange(len(some)))
    if not len(close):
        return order, 0
    text, rows = gather(text, close), own[some[close]]
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), r"\s+", " ")
    _, first = np.unique(group * len(rows) + coded(text)[1], return_index=True)
    drop = np.ones(len(rows), np.bool_)
    drop[first] = False
    stays = np.ones(table.num_rows, np.bool_)
    stays[rows[drop]] = False
    return order[stays[order]], int(drop.sum())


def _same_minute(who: Any, minute: Any) -> tuple[Any, Any]:
    """Positions, ascending, that share account and minute with another, and which they share.

    Minutes ascend, so that a piece of whole minutes needs no look at the others.
    """
    found, groups, start, known = [], [], 0, 0
    while start < len(who):
        stop = min(start + PIECE, len(who))
        if stop < len(who):
            stop = int(np.searchsorted(minute, minute[stop - 1], "right"))
        own = minute[start:stop]
        key = who[start:stop] * (own[-1] - own[0] + 1) + (own - own[0])
        maybe = _maybe_shared(key)
        rows, group = _sharing(key[maybe], maybe)
        found.append(rows + start)
        groups.append(group + known)
        known += len(maybe) + 1
        start = stop
    nothing = np.zeros(0, np.int64)
    return np.concatenate([nothing, *found]), np.concatenate([nothing, *groups])


def _maybe_shared(key: Any) -> Any:
    """Positions, ascending, of keys that others may have: all that are shared, and a few more."""
    bits = max(int(8 * len(key)).bit_length(), 4)
    slot = (spread(key) >> np.uint64(64 - bits)).astype(np.int64)
    mine = np.arange(len(key), dtype=np.int32)
    last = np.empty(1 << bits, np.int32)
    last[slot] = mine
    other = last[slot]
    beaten = other != mine
    shared = beaten.copy()
    shared[other[beaten]] = True
    return np.flatnonzero(shared)


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
