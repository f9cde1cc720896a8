"""From shares to actions: one act a post, repeats dropped, objects numbered by first appearance.

A *share* is one post naming one object; a post may name many. This room turns any signal's shares
into its ``Actions`` by the rules of 3.1. It knows no trace: what counts as a share is said by
``sharing`` and ``wording``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.tables import SECOND, Actions

if TYPE_CHECKING:
    from klieg.tables import I32, I64, Bool, Posts

__all__ = ["DAY", "TRACES", "Shares", "act", "column", "explode", "join", "per_platform", "ready"]

DAY = 86_400 * SECOND

TRACES = ("copies", "domain", "hashtags", "image", "link", "mention", "reply", "repost")
"""Traces with a signal of their own; ready-made objects of any other trace go to ``object``."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Posts and the objects they name. Rows ascend by post; a post's objects keep their order."""

    post: I64  # (m,) row of Posts
    key: pa.Array  # (m,) string: what makes two objects the same
    label: pa.Array  # (m,) string: what the object is called; its first share's label stands
    target: pa.Array  # (m,) string or null: author or domain; the first one known stands


def act(
    signal: str, posts: Posts, shares: Shares, *, repeats: Literal["never", "daily", "always"]
) -> Actions:
    """The actions of one signal.

    All objects of a post are one act: the rarest is kept, by number of accounts that name it. An
    object that nobody else names can join nobody, so it is kept only where a post has no other
    (otherwise a unique decoy beside it would void a link). Ties go to the object seen first. Then
    an account's repeats on one object are dropped: all of them (``never``), those less than 24 h
    after its last action that was kept (``daily``), or none (``always``).
    """
    coded = shares.key.dictionary_encode()
    code = coded.indices.to_numpy().astype(np.int64)
    size = len(coded.dictionary)
    account = posts.account[shares.post].astype(np.int64)
    chosen = _rarest(shares.post, code, account, size)
    post, kept = shares.post[chosen], code[chosen]
    again = _repeats(account[chosen], kept, posts.time[post], size, repeats)
    post, kept = post[~again], kept[~again]
    used, number = _by_first_appearance(kept, size)
    targets, target_labels = _targets(code, shares.target, size)
    target, target_used = _by_first_appearance(targets[used], len(target_labels), spare=True)
    return Actions(
        signal=signal,
        account=posts.account[post],
        object=number,
        time=posts.time[post],
        post=post,
        target=target_used[number],
        labels=shares.label.take(pa.array(_first(code, size)[used])),
        target_labels=target_labels.take(pa.array(target)),
        n_accounts=posts.n_accounts,
    )


def _rarest(post: I64, code: I64, account: I64, size: int) -> I64:
    """One share per post: the index of its rarest object's."""
    if not len(post):
        return post
    begin = np.flatnonzero(np.diff(post, prepend=-1))
    if len(begin) == len(post):
        return begin
    pairs = np.unique(account * size + code)
    actors = np.bincount(pairs % size, minlength=size)
    rarity = np.where(actors < 2, len(post) + 1, actors)  # at most one actor a share
    best = np.minimum.reduceat(rarity[code] * size + code, begin) % size
    hits = np.flatnonzero(code == np.repeat(best, np.diff(np.append(begin, len(post)))))
    return hits[np.flatnonzero(np.diff(post[hits], prepend=-1))]


def _repeats(account: I64, code: I64, time: I64, size: int, rule: str) -> Bool:
    """Which actions repeat an earlier one of the same account on the same object."""
    again = np.zeros(len(account), bool)
    if rule == "always":
        return again
    key = account * size + code
    order = np.argsort(key, kind="stable")  # rows ascend in time, so groups do too
    same = np.diff(key[order], prepend=-1) == 0
    if rule == "never":
        again[order] = same
        return again
    group = np.cumsum(~same) - 1
    begin = np.flatnonzero(~same)
    rank = np.arange(len(order)) - begin[group] if len(order) else group
    rows = np.flatnonzero(rank)
    rows = rows[np.argsort(rank[rows], kind="stable")]
    last = time[order[begin]]
    # the k-th action of every account and object at once, k = 1, 2, …
    for at in np.split(rows, np.flatnonzero(np.diff(rank[rows])) + 1):
        now = time[order[at]]
        late = now - last[group[at]] < DAY
        again[order[at[late]]] = True
        last[group[at[~late]]] = now[~late]
    return again


def _first(code: I64, size: int) -> I64:
    """(size,) index of the first row of each code."""
    first = np.full(size, len(code), np.int64)
    np.minimum.at(first, code, np.arange(len(code)))
    return first


def _by_first_appearance(code: I64, size: int, *, spare: bool = False) -> tuple[I64, I32]:
    """The codes in use in order of first appearance, and the rows in that numbering.

    With ``spare`` a code of −1 stays −1.
    """
    real = code[code >= 0] if spare else code
    first = _first(real, size)
    used = np.argsort(first, kind="stable")[: int((first < len(real)).sum())]
    number = np.full(size + 1, -1, np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return used, number[code]


def _targets(code: I64, target: pa.Array, size: int) -> tuple[I64, pa.Array]:
    """(size,) each object's target (−1: none known), and the targets' labels."""
    found = np.full(size, -1, np.int64)
    coded = target.dictionary_encode()
    known = np.flatnonzero(coded.indices.is_valid().to_numpy(zero_copy_only=False))
    if len(known):
        number = pc.fill_null(coded.indices, 0).to_numpy().astype(np.int64)
        first = _first(code[known], size)
        have = first < len(known)
        found[have] = number[known[first[have]]]
    return found, coded.dictionary.cast(pa.string())


# --- reading columns -----------------------------------------------------------------------------


def column(posts: Posts, name: str, *fields: str) -> pa.Array:
    """A column (or a field inside a struct column) of the posts, as one array."""
    whole = posts.table.column(name).combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.nulls(0, whole.type)
    for field in fields:
        whole = pc.struct_field(whole, field)
    return whole


def explode(lists: pa.Array) -> tuple[I64, pa.Array]:
    """(rows, values) of a list column, nulls and empty lists gone."""
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    values = pc.list_flatten(lists)
    good = values.is_valid().to_numpy(zero_copy_only=False)
    return (rows, values) if good.all() else (rows[good], values.filter(pa.array(good)))


def ready(posts: Posts, *traces: str, others: bool = False) -> Shares:
    """Ready-made objects of the given traces; with ``others`` those of any trace but these."""
    rows, values = explode(column(posts, "objects"))
    trace, key = pc.struct_field(values, "trace"), pc.struct_field(values, "id")
    known = pc.fill_null(pc.is_in(trace, pa.array(traces, pa.string())), False)
    wanted = pc.and_(pc.invert(known) if others else known, pc.is_valid(key))
    good = wanted.to_numpy(zero_copy_only=False)
    key = key.filter(wanted)
    if others:
        kind = pc.fill_null(trace.filter(wanted), "object")
        key = pc.binary_join_element_wise(kind, key, ":")
    return Shares(rows[good], key, key, pa.nulls(len(key), pa.string()))


def join(first: Shares, second: Shares) -> Shares:
    """Ready-made shares, and the second kind of those posts that have none of the first."""
    fresh = ~np.isin(second.post, first.post)
    keep = pa.array(fresh)
    post = np.concatenate([first.post, second.post[fresh]])
    order = np.argsort(post, kind="stable")
    take = pa.array(order)
    return Shares(
        post[order],
        pa.concat_arrays([first.key, second.key.filter(keep)]).take(take),
        pa.concat_arrays([first.label, second.label.filter(keep)]).take(take),
        pa.concat_arrays([first.target, second.target.filter(keep)]).take(take),
    )


def per_platform(posts: Posts, rows: I64, ids: pa.Array) -> pa.Array:
    """Ids made unique across platforms: as they are where the posts are all of one platform."""
    platform = column(posts, "platform")
    if len(pc.unique(platform)) < 2:
        return ids
    return pc.binary_join_element_wise(platform.take(pa.array(rows)), ids, ":")
