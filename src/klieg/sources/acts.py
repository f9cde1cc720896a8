"""Puts acts together beside the posts: each once, in canonical order, taken-back ones gone.

Canonical order is (time, platform, act, object), then how active an account is; names come last.
An account that only acts is numbered after all that post, by its first act. Whole columns at a
time. The room knows acts and who posted, not where either came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.columns import listed
from klieg.tables import ACTS, Acts, Posts

__all__ = ["REMOVED", "UNDONE", "WORDS", "beside", "conform"]

REMOVED = ("duplicate_act", "withdrawn_act", "withdrawal")
"""Counts of rows that were read as acts and are not in the result."""

WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("like", "likes", "liked", "favorite", "favourite", "favorited", "fav", "heart"), "like"
    ),
    **dict.fromkeys(("follow", "follows", "followed", "subscribe", "subscribed"), "follow"),
    **dict.fromkeys(("block", "blocks", "blocked"), "block"),
    **dict.fromkeys(("vote", "votes", "voted"), "vote"),
    **dict.fromkeys(("report", "reports", "reported", "flag", "flagged"), "report"),
    **dict.fromkeys(("rating", "ratings", "rate", "rates", "rated"), "rating"),
}
"""The word for an act, in whichever form it was written; other words stay as they are."""

_VERBS = ("like", "favorite", "favourite", "follow", "subscribe", "block", "vote", "report")
UNDONE: Mapping[str, str] = {
    f"{prefix}{verb}": WORDS.get(verb, verb) for prefix in ("un", "un_") for verb in _VERBS
}
"""A word that takes an earlier act back, and the act."""

MOST_KINDS = 20
_LARGEST = 1 << 62
_NOWHERE = "unknown"
_WHAT = ("platform", "act", "object_id", "value")


def conform(table: pa.Table) -> pa.Table:
    """A table with (some of) the columns of ACTS as ACTS; what is missing is null."""
    n = table.num_rows
    columns = []
    for field in ACTS:
        if field.name in table.column_names:
            columns.append(table.column(field.name).cast(field.type))
        elif field.name == "platform":
            columns.append(pa.chunked_array([pa.repeat(_NOWHERE, n)]))
        else:
            columns.append(pa.chunked_array([pa.nulls(n, field.type)]))
    return pa.Table.from_arrays(columns, schema=ACTS)


def beside(
    posts: Posts,
    tables: Iterable[pa.Table],
    deleted: Iterable[tuple[str, str]] = (),
    closed: Iterable[tuple[str, str]] = (),
) -> tuple[Posts, dict[str, int]]:
    """The posts with the acts beside them, and what was counted.

    ``tables`` hold rows of ACTS. ``deleted`` are (platform, act_id) taken back, ``closed``
    (platform, account_id) of deleted accounts. An act such as ``unlike`` takes back every earlier
    like of the same account on the same object. The same account, act, object and time, or the
    same act_id, is one act: the first is kept.
    """
    table = pa.concat_tables([ACTS.empty_table(), *tables])
    if not table.num_rows:
        return posts, {}
    table, taken = _at_home(posts, table)
    read = _Coded.of(table)
    order = _canonical(table, read)
    gone = listed(table, "act_id", deleted) | listed(table, "account_id", closed)
    back = np.asarray(pc.is_in(table.column("act"), pa.array(sorted(UNDONE))).combine_chunks())
    gone |= _undone(table, read, back)
    counts = {"withdrawal": int(back.sum()), "withdrawn_act": int((gone & ~back).sum())}
    counts["platform_taken_from_posts"] = taken
    order = order[~(gone | back)[order]]
    once = _once(table, read, order)
    counts["duplicate_act"] = len(order) - len(once)
    kept = table.take(pa.array(once)).combine_chunks()
    counts |= _kinds(kept)
    return _numbered(posts, kept, read, once), {k: n for k, n in sorted(counts.items()) if n}


def _at_home(posts: Posts, table: pa.Table) -> tuple[pa.Table, int]:
    """Acts of no platform are on that of the posts, if those are all of one; how many they were."""
    places = pc.unique(posts.account_platforms)
    homeless = pc.equal(table.column("platform"), _NOWHERE)
    taken = pc.sum(homeless).as_py() or 0
    if len(places) != 1 or places[0].as_py() == _NOWHERE or not taken:
        return table, 0
    at = table.schema.get_field_index("platform")
    own = pc.if_else(homeless, places[0], table.column(at))
    return table.set_column(at, table.schema.field(at), own), int(taken)


@dataclass(frozen=True, slots=True)
class _Coded:
    """Who, what and when of every row as integers."""

    time: Any  # (n,) int64 microseconds
    account: Any  # (n,) int64: id × platforms + platform
    ids: pa.Array  # string: every account id
    platforms: pa.Array  # string: every platform
    thing: Any  # (n,) int64: platform, act (undone or not) and object
    what: Any  # (n,) int64: the thing and its value

    @classmethod
    def of(cls, table: pa.Table) -> _Coded:
        ids, account = _codes(table.column("account_id"))
        platforms, place = _codes(table.column("platform"))
        acts, act = _codes(table.column("act"))
        done, which = _codes(pa.chunked_array([_done(acts)]))
        thing = place * len(done) + which[act]
        thing = _joint(thing, _codes(table.column("object_id"))[1])
        return cls(
            np.asarray(table.column("time").cast(pa.int64())).astype(np.int64),
            account * len(platforms) + place,
            ids,
            platforms,
            thing,
            _joint(thing, _codes(table.column("value"))[1]),
        )


def _done(acts: pa.Array) -> pa.Array:
    return pa.array([UNDONE.get(act, act) for act in acts.to_pylist()], pa.string())


def _codes(column: Any) -> tuple[pa.Array, Any]:
    """Every different value, and (n,) int64 which of them each row holds; null is one more."""
    chunks = column.dictionary_encode().chunks  # of one dictionary, the last chunk's
    if not chunks:
        return pa.array([], pa.string()), np.zeros(0, np.int64)
    names = chunks[-1].dictionary
    held = [np.asarray(chunk.indices.fill_null(len(names))) for chunk in chunks]
    return names, np.concatenate(held).astype(np.int64)


def _joint(one: Any, two: Any) -> Any:
    """(n,) one code for two; made dense only where it would outgrow 64 bits."""
    width = int(two.max(initial=0)) + 1
    if int(one.max(initial=0)) + 1 > _LARGEST // width:
        one = np.unique(one, return_inverse=True)[1].astype(np.int64)
    return one * width + two


def _canonical(table: pa.Table, read: _Coded) -> Any:
    """(n,) int64 row numbers by time; of equal times by what was done, and names last."""
    order = np.argsort(read.time, kind="stable")
    ranked = read.time[order]
    same = np.flatnonzero(ranked[1:] == ranked[:-1])
    slots = np.union1d(same, same + 1)
    if not len(slots):
        return order
    rows = order[slots]
    keys = {"time": pa.array(ranked[slots])}
    keys |= {name: table.column(name).take(pa.array(rows)) for name in _WHAT}
    keys["activity"] = pa.array(np.bincount(read.account)[read.account[rows]])
    for name in ("account_id", "act_id", "object_account", "collection", "resolution"):
        keys[name] = table.column(name).take(pa.array(rows))
    for name in ("source_file", "source_row"):
        keys[name] = table.column(name).take(pa.array(rows))
    frame = pa.table({k: v for k, v in keys.items() if v.null_count < len(v)})
    ways = [(name, "ascending") for name in frame.column_names]
    order[slots] = rows[np.asarray(pc.sort_indices(frame, ways))]
    return order


def _undone(table: pa.Table, read: _Coded, back: Any) -> Any:
    """(n,) acts that the same account took back at the same moment or later."""
    if not back.any():
        return back
    key = np.unique(_joint(read.account, read.thing), return_inverse=True)[1]
    last = np.full(int(key.max()) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, key[back], read.time[back])
    gone: Any = read.time <= last[key]
    return gone


def _once(table: pa.Table, read: _Coded, order: Any) -> Any:
    """The rows in their order, each act once."""
    time = read.time[order]
    # equal times stand together: only rows that share one can be the same act
    moment = np.cumsum(np.r_[False, time[1:] != time[:-1]]) if len(time) else time
    key = _joint(_joint(moment, read.account[order]), read.what[order])
    first = np.sort(np.unique(key, return_index=True)[1])
    order = order[first]
    ids = table.column("act_id")
    if ids.null_count == len(ids):
        return order
    names, code = _codes(ids)
    here = code[order] * (len(read.platforms) + 1) + read.account[order] % len(read.platforms)
    named = code[order] < len(names)
    keep = ~named
    keep[np.flatnonzero(named)[np.unique(here[named], return_index=True)[1]]] = True
    return order[keep]


def _kinds(table: pa.Table) -> dict[str, int]:
    """How many acts of each kind, the commonest by name."""
    found = pc.value_counts(table.column("act")).to_pylist()
    ranked = sorted(found, key=lambda c: (-c["counts"], c["values"]))
    counts = {f"act_{c['values']}": int(c["counts"]) for c in ranked[:MOST_KINDS]}
    rest = sum(int(c["counts"]) for c in ranked[MOST_KINDS:])
    return counts | ({"act_of_other_kinds": rest} if rest else {})


def _numbered(posts: Posts, table: pa.Table, read: _Coded, rows: Any) -> Posts:
    """The posts with these acts; accounts as the posts number them, new ones behind."""
    code = read.account[rows]
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    turn = np.argsort(first)  # by first act
    rank = np.empty(len(turn), np.int64)
    rank[turn] = np.arange(len(turn))
    own = code[first[turn]]
    ids = read.ids.take(pa.array(own // len(read.platforms)))
    platforms = read.platforms.take(pa.array(own % len(read.platforms)))
    index = _known(posts, ids, platforms)
    new = index < 0
    index[new] = posts.n_accounts + np.arange(int(new.sum()))
    mask = pa.array(new)
    tick = pc.max(table.column("resolution")).as_py()
    return replace(
        posts,
        account_ids=_more(posts.account_ids, ids.filter(mask)),
        account_platforms=_more(posts.account_platforms, platforms.filter(mask)),
        resolution=max(posts.resolution, int(tick or 0)),
        acts=Acts(table, index[rank[inverse]].astype(np.int32), read.time[rows]),
    )


def _more(one: pa.Array, two: pa.Array) -> pa.Array:
    return pa.concat_arrays([one.cast(pa.string()), two.cast(pa.string())])


def _known(posts: Posts, ids: pa.Array, platforms: pa.Array) -> Any:
    """(k,) int64 number of each account among the posts', −1 where it never posted."""
    found = np.full(len(ids), -1, np.int64)
    for platform in pc.unique(platforms).to_pylist():
        here = np.flatnonzero(np.asarray(pc.equal(platforms, platform)))
        theirs = np.flatnonzero(np.asarray(pc.equal(posts.account_platforms, platform)))
        if not len(theirs):
            continue
        at = pc.index_in(ids.take(pa.array(here)), posts.account_ids.take(pa.array(theirs)))
        held = np.asarray(at.fill_null(-1)).astype(np.int64)
        found[here[held >= 0]] = theirs[held[held >= 0]]
    return found
