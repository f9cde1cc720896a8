"""What an account sees: a post chosen by interest, popularity and age, or by whom it follows.

A pool is anything that can be acted on (posts, stories) with a time, a community and a weight. The
room knows no kinds of post and no text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klieg.tables import F64, I64

__all__ = ["Follows", "Pool", "choose", "follows", "latest", "pool"]

_SPAN = 2**42  # more milliseconds than any world has


@dataclass(frozen=True, slots=True)
class Pool:
    """Things to act on, ordered by community and time, with running weights."""

    row: I64  # (n,) what the caller calls them
    key: I64  # (n,) community · span + time, ascending
    heap: F64  # (n + 1,) running weight
    by_author: I64  # (n,) rows ordered by (author, time)
    author_key: I64  # (n,) author · span + time, ascending


@dataclass(frozen=True, slots=True)
class Follows:
    """Whom each account follows most, nearest first."""

    authors: I64  # (people, f)
    outlets: I64  # (people, 3) accounts of the outlets it reads
    closeness: F64  # (people,) how much its circle keeps to itself, 0 … 1


def pool(row: I64, time: I64, community: I64, author: I64, weight: F64) -> Pool:
    """A pool of the given things; all arguments (n,)."""
    order = np.lexsort((time, community))
    mine = np.lexsort((time, author))
    return Pool(
        row[order],
        community[order] * _SPAN + time[order],
        np.concatenate([[0.0], np.cumsum(weight[order])]),
        row[mine],
        author[mine] * _SPAN + time[mine],
    )


def choose(rng: np.random.Generator, pool: Pool, community: I64, time: I64, age: F64) -> I64:
    """(n,) a row about ``age`` milliseconds old at ``time``, by weight; −1 where nothing fits."""
    u = rng.random(len(time))
    base = community * _SPAN
    out = np.full(len(time), -1, np.int64)
    # look close to the wanted age first, then ever further back
    for near, far, extra in ((1.6, 1.6, 0), (3.0, 4.0, 5 * 60_000), (20.0, 12.0, 3_600_000)):
        newest = np.maximum(time - (age / near).astype(np.int64), 0)
        oldest = np.maximum(time - (age * far).astype(np.int64) - extra, 0)
        low = np.searchsorted(pool.key, base + oldest)
        high = np.searchsorted(pool.key, base + newest)
        open_ = (out < 0) & (high > low)
        mass = pool.heap[low] + u * (pool.heap[high] - pool.heap[low])
        found = np.clip(np.searchsorted(pool.heap, mass, side="right") - 1, low, high - 1)
        out[open_] = pool.row[found[open_]]
    return out


def follows(
    rng: np.random.Generator,
    community: I64,
    second: I64,
    circle: I64,
    fame: F64,
    press: tuple[I64, I64],
    *,
    of: int = 12,
) -> Follows:
    """Followed authors, drawn by fame from the account's two communities. All (n,).

    Among the six it follows most closely are favourites that its whole circle shares, some of
    them its own members: niches that nobody organised, the hardest thing to tell from a campaign.
    A circle also reads the same outlets; ``press`` is their accounts and communities.
    """
    order = np.argsort(community, kind="stable")
    heap = np.concatenate([[0.0], np.cumsum(fame[order])])
    edge = np.searchsorted(community[order], np.arange(community.max() + 2))
    which = np.where(rng.random((len(fame), of)) < 0.8, community[:, None], second[:, None])
    # a second community may be one nobody here calls home
    which = np.where(edge[which + 1] > edge[which], which, community[:, None])
    low, high = heap[edge[which]], heap[edge[which + 1]]
    mass = low + rng.random((len(fame), of)) * (high - low)
    found = np.searchsorted(heap, mass, side="right") - 1
    authors = order[np.clip(found, 0, len(fame) - 1)]
    _, first, niche = np.unique(circle, return_index=True, return_inverse=True)
    shared = authors[first, -8:]  # its first account's tastes become the circle's
    shared[:, ::2] = _insiders(rng, niche, len(first), fame)
    # from circles in name only to those that hardly look elsewhere
    closeness = rng.beta(0.9, 1.1, len(first))[niche]
    near = rng.random((len(fame), 6)) < closeness[:, None]
    pick = (shared.shape[1] * rng.random((len(fame), 6)) ** 1.5).astype(np.int64)
    authors[:, :6] = np.where(near, shared[niche[:, None], pick], authors[:, :6])
    return Follows(authors, _readings(rng, community[first], press)[niche], closeness)


def _insiders(rng: np.random.Generator, niche: I64, circles: int, fame: F64) -> I64:
    """(circles, 4) members of each circle, the better known more often."""
    score = np.log(fame) + rng.gumbel(size=(4, len(fame)))
    order = [np.lexsort((-s, niche)) for s in score]
    first = np.searchsorted(niche[order[0]], np.arange(circles))
    return np.column_stack([o[first] for o in order])


def _readings(rng: np.random.Generator, community: I64, press: tuple[I64, I64]) -> I64:
    """(circles, 3) outlets of each circle's community."""
    account, home = press
    order = np.argsort(home, kind="stable")
    low, high = (np.searchsorted(home[order], community, side=s) for s in ("left", "right"))
    drawn = low[:, None] + (rng.random((len(community), 3)) * (high - low)[:, None]).astype(int)
    return np.asarray(account[order[np.minimum(drawn, len(order) - 1)]], np.int64)


def latest(pool: Pool, author: I64, time: I64, *, within: int) -> I64:
    """(n,) the author's newest row at that time, −1 if older than ``within`` milliseconds."""
    if len(pool.author_key) == 0:
        return np.full(len(author), -1, np.int64)
    found = np.searchsorted(pool.author_key, author * _SPAN + time) - 1
    safe = np.maximum(found, 0)
    key = pool.author_key[safe]
    fits = (found >= 0) & (key // _SPAN == author) & (time - key % _SPAN <= within)
    return np.where(fits, pool.by_author[safe], -1)
