"""What each account shared, and when, as the baselines read it: plain codes, nothing judged.

One rule for all of them, so that they differ in what they make of it only. Read straight from the
posts and not through klieg's signals. The room knows no score and no truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg import text, urls
from klieg.tables import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.tables import I32, I64, Bool, Posts

__all__ = ["FAST_S", "TAGS", "WORDS", "Shares", "Trace", "joined", "meetings", "traces"]

FAST_S = 10
"""Seconds after the original within which a repost is a fast one."""
TAGS = 3
"""Hashtags a sequence has at least."""
WORDS = 4
"""Words a text has at least."""
PARTNERS = 400
"""Acts behind it on one object that an act is compared with: a viral post makes n², and says
nothing."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Acts of one kind."""

    account: I32  # (n,)
    object: I64  # (n,) codes 0 … n_objects − 1
    time: I64  # (n,) microseconds
    n_objects: int

    @property
    def n(self) -> int:
        return len(self.account)


@dataclass(frozen=True, slots=True)
class Shares:
    """Everything the baselines read of some posts."""

    n_accounts: int
    volume: I64  # (A,) posts
    by: Mapping[str, Trace]  # repost, link, hashtags, fast repost, reply, copies, phrases


def traces(posts: Posts) -> Shares:
    """Reposts, links, hashtag sequences, fast reposts, replies, equal texts, runs of words."""
    own = _own(posts)
    normal = text.normalise(posts.table["text"].combine_chunks().filter(pa.array(own)))
    rows = np.flatnonzero(own)
    long = text.token_counts(normal) >= WORDS
    copies = _coded(posts, rows[long], normal.filter(pa.array(long)))
    starts, phrases = text.shingle_codes(normal, 3, "word")
    said = np.repeat(np.arange(len(rows)), np.diff(starts))
    return Shares(
        posts.n_accounts,
        np.bincount(posts.account, minlength=posts.n_accounts).astype(np.int64),
        {
            "repost": _reposts(posts),
            "link": _links(posts),
            "hashtags": _hashtags(posts, rows),
            "fast repost": _fast(posts),
            "reply": _column(posts, "reply_to"),
            "copies": copies,
            "phrases": _coded(posts, rows[said], pa.array(phrases)),
        },
    )


def joined(shares: Shares, names: tuple[str, ...]) -> Trace:
    """Several traces as one, their objects kept apart."""
    picked = [shares.by[n] for n in names]
    starts = np.cumsum([0, *(t.n_objects for t in picked)])
    return Trace(
        np.concatenate([t.account for t in picked]),
        np.concatenate([t.object + s for t, s in zip(picked, starts, strict=False)]),
        np.concatenate([t.time for t in picked]),
        int(starts[-1]),
    )


def meetings(trace: Trace, window_s: float) -> tuple[I64, I64, I64]:
    """Distinct (account, other account, object) with two acts at most ``window_s`` apart.

    Gives three (m,) arrays, left < right, sorted. An act is compared with the next ``PARTNERS``.
    """
    order = np.lexsort((trace.account, trace.time, trace.object))
    who, what, when = trace.account[order].astype(np.int64), trace.object[order], trace.time[order]
    found: list[I64] = []
    for step in range(1, PARTNERS + 1):
        near = what[step:] == what[:-step]
        near &= when[step:] - when[:-step] <= window_s * SECOND
        if not near.any():
            break
        rows = np.flatnonzero(near)
        a, b = who[rows], who[rows + step]
        apart = a != b
        pair = np.stack([np.minimum(a, b), np.maximum(a, b), what[rows]], axis=1)[apart]
        found.append(pair)
    if not found:
        none = np.empty(0, np.int64)
        return none, none.copy(), none.copy()
    left, right, thing = np.unique(np.concatenate(found), axis=0).T
    return left, right, thing


def _own(posts: Posts) -> Bool:
    """(n,) posts in an account's own words: no reposts, and a text."""
    repost = pc.is_valid(posts.table["repost_of"])
    said = pc.is_valid(posts.table["text"])
    kind = pc.fill_null(pc.equal(posts.table["kind"], "repost"), False)
    own: Bool = pc.and_not(said, pc.or_(repost, kind)).to_numpy()
    return own


def _reposts(posts: Posts) -> Trace:
    """Which post was passed on; by its text where a collection does not say which."""
    repost = pc.fill_null(pc.equal(posts.table["kind"], "repost"), False)
    named = pc.binary_join_element_wise("id", posts.table["repost_of"], " ")
    said = pc.binary_join_element_wise("text", posts.table["text"], " ")
    unnamed = pc.if_else(repost, said, pa.scalar(None, pa.string()))
    return _labelled(posts, pc.coalesce(named, unnamed).combine_chunks())


def _column(posts: Posts, name: str) -> Trace:
    return _labelled(posts, posts.table[name].combine_chunks())


def _labelled(posts: Posts, column: pa.Array) -> Trace:
    rows = np.flatnonzero(pc.is_valid(column).to_numpy(zero_copy_only=False))
    return _coded(posts, rows, column.drop_null())


def _links(posts: Posts) -> Trace:
    column = posts.table["urls"].combine_chunks()
    flat = urls.canonical_url(pc.list_flatten(column))
    parent = pc.list_parent_indices(column)
    known = pc.is_valid(flat)
    return _coded(posts, parent.filter(known).to_numpy(), flat.filter(known))


def _hashtags(posts: Posts, rows: I64) -> Trace:
    column = posts.table["hashtags"].combine_chunks().take(pa.array(rows))
    enough = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy()) >= TAGS
    chosen = column.filter(pa.array(enough))
    return _coded(posts, rows[enough], pc.utf8_lower(pc.binary_join(chosen, " ")))


def _fast(posts: Posts) -> Trace:
    """Reposts within ``FAST_S`` of an original that is in the data; the object is its author."""
    ids = posts.table["post_id"].combine_chunks()
    of = posts.table["repost_of"].combine_chunks()
    source = pc.fill_null(pc.index_in(of, ids), -1).to_numpy()
    rows = np.flatnonzero(source >= 0)
    delay = posts.time[rows] - posts.time[source[rows]]
    rows = rows[(delay >= 0) & (delay <= FAST_S * SECOND)]
    author = posts.account[source[rows]]
    return _trace(posts, rows, author.astype(np.int64), posts.n_accounts)


def _coded(posts: Posts, rows: I64, labels: pa.Array) -> Trace:
    coded = labels.dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    named = codes >= 0
    return _trace(posts, np.asarray(rows)[named], codes[named], len(coded.dictionary))


def _trace(posts: Posts, rows: I64, codes: I64, n: int) -> Trace:
    return Trace(posts.account[rows], codes, posts.time[rows], n)
