"""The canonical order of posts: a total order by content, blind to the order of the rows.

(time, platform, post_id) decides; where rows have no id of their own, or share one, what they say
decides, then how active their accounts are, and names last. The room knows how to sort, nothing
else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.memory import let_go

__all__ = ["WIDE", "canonical", "gather", "joined"]

WIDE = 1 << 30  # bytes of a column from which it is gathered in pieces
PIECE = 1 << 20

_ROW = "row:"
_WORDS = ("text", "kind", "repost_of", "reply_to", "quote_of", "root_id", "repost_of_account")
_MORE = ("reply_to_account", "lang", "client", "collection", "resolution")
_LISTS = ("urls", "hashtags", "mentions")
_STRUCTS = {
    "metrics": ("likes", "reposts", "replies", "views"),
    "account": ("followers", "following", "created_at", "handle", "name", "verified"),
}


def canonical(table: pa.Table, time: Any, number: Any = None) -> Any:
    """(n,) int64 row numbers in canonical order.

    ``time`` is the table's, (n,) int64; ``number`` its post ids as numbers (n,) uint64 if all are
    and all posts are of one platform, else None.
    """
    n = table.num_rows
    rises = time[1:] >= time[:-1]
    order = np.arange(n) if rises.all() else np.argsort(time, kind="stable")
    if n < 2:
        return order
    ranked = time[order]
    same = np.flatnonzero(ranked[1:] == ranked[:-1])
    if not len(same):
        return order
    tied = np.zeros(n, np.bool_)
    tied[same] = tied[same + 1] = True
    slots = np.flatnonzero(tied)
    rows = order[slots]
    order[slots] = rows[_by_id(table, rows, time, number)]
    return order


def gather(column: Any, rows: Any) -> Any:
    """The rows of a chunked column, in the order asked for, whatever its size.

    Arrow's own ``take`` first joins the chunks, and a column of strings holds at most 2 GiB.
    """
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(rows), column.type)])
    few = len(rows) < len(column) // 4 and column.num_chunks > 1  # joining would cost more
    if column.nbytes < WIDE and not few:
        whole = column.combine_chunks()
        let_go()
        taken = whole.take(pa.array(rows))
        return taken if isinstance(taken, pa.ChunkedArray) else pa.chunked_array([taken])
    ends = np.cumsum([len(c) for c in column.chunks])
    pieces = []
    for start in range(0, len(rows), PIECE):
        own = rows[start : start + PIECE]
        home = np.searchsorted(ends, own, side="right")
        order = np.argsort(home, kind="stable")
        parts = []
        for k in np.unique(home):
            local = own[home == k] - (ends[k] - len(column.chunk(k)))
            parts.append(column.chunk(k).take(pa.array(local)))
        back = np.empty(len(own), np.int64)
        back[order] = np.arange(len(own))
        pieces.append(pa.concat_arrays(parts).take(pa.array(back)))
    return pa.chunked_array(pieces, type=column.type)


def joined(column: Any, runs: Sequence[tuple[int, int]]) -> Any:
    """Runs of rows (first, how many) of a chunked column, in one piece if it is not too wide."""
    chunks = [c for first, rows in runs for c in column.slice(first, rows).chunks]
    whole = pa.chunked_array(chunks, column.type)
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(whole), column.type)])
    if whole.num_chunks <= 1 or whole.nbytes >= WIDE:
        return whole
    return pa.chunked_array([whole.combine_chunks()])


def _by_id(table: pa.Table, rows: Any, time: Any, number: Any) -> Any:
    """Positions in ``rows`` by (time, platform, own id); what is still tied, by content."""
    if number is not None:
        order = _by_number(time[rows], number[rows])
        if order is not None:
            return order
    ids = gather(table.column("post_id"), rows)
    own = pc.if_else(pc.starts_with(ids, _ROW), None, ids)  # null sorts last
    keys = pa.table(
        {
            "time": pa.array(time[rows]),
            "platform": gather(table.column("platform"), rows),
            "id": own,
        }
    )
    order = np.array(pc.sort_indices(keys, [(k, "ascending") for k in keys.column_names]))
    group = _runs(keys, order)
    size = np.bincount(group)
    slots = np.flatnonzero(size[group] > 1)
    if len(slots):
        inner = order[slots]
        order[slots] = inner[_by_content(table, rows[inner], group[slots])]
    return order


def _by_number(time: Any, number: Any) -> Any:
    """Positions by (time, id), for times that ascend and the numbers that ids are.

    None if two rows have both in common, or if numbers do not sort as their digits do, because one
    has more.
    """
    if len(str(number.min())) != len(str(number.max())):
        return None
    later = time[1:] > time[:-1]
    order = np.arange(len(time))
    if not (later | (number[1:] > number[:-1])).all():
        order = np.lexsort((number, time))
        number = number[order]
        if not (later | (number[1:] > number[:-1])).all():
            return None
    return order


def _runs(keys: pa.Table, order: Any) -> Any:
    """(n,) number of the run of equal keys that each place in ``order`` belongs to."""
    new = np.zeros(len(order), np.bool_)
    for name in keys.column_names:
        coded = keys.column(name).combine_chunks().dictionary_encode().indices
        code = np.asarray(coded.fill_null(-1))[order]
        new[1:] |= code[1:] != code[:-1]
    return np.cumsum(new)


def _by_content(table: pa.Table, rows: Any, group: Any) -> Any:
    account = np.asarray(table.column("account_id").combine_chunks().dictionary_encode().indices)
    activity = np.bincount(account)[account]
    keys: dict[str, Any] = {"group": pa.array(group)}
    for name in _WORDS:
        keys[name] = gather(table.column(name), rows)
    keys["objects"] = _objects_as_text(table, rows)
    keys["activity"] = pa.array(activity[rows])
    keys["account"] = gather(table.column("account_id"), rows)
    for name in _MORE:
        keys[name] = gather(table.column(name), rows)
    for name in _LISTS:
        lists = gather(table.column(name), rows)
        keys[name] = pc.binary_join(lists, "\x1f")
    for name, parts in _STRUCTS.items():
        struct = gather(table.column(name), rows)
        for part in parts:
            keys[f"{name}.{part}"] = pc.struct_field(struct, part)
    for name in ("source_file", "source_row"):
        keys[name] = gather(table.column(name), rows)
    frame = pa.table({k: v for k, v in keys.items() if v.null_count < len(v)})
    return np.asarray(pc.sort_indices(frame, [(k, "ascending") for k in frame.column_names]))


def _objects_as_text(table: pa.Table, rows: Any) -> Any:
    lists = gather(table.column("objects"), rows).combine_chunks()
    items = lists.flatten()
    words = pc.binary_join_element_wise(
        pc.struct_field(items, "trace"), pc.struct_field(items, "id"), "\x1e"
    )
    sizes = np.asarray(pc.list_value_length(lists).fill_null(0))
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, words), "\x1f")
