"""Who follows whom: heavy-tailed fame, communities, and neighbours who follow each other.

The room knows accounts and their communities; no post and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I32, I64

__all__ = ["Crowd", "Graph", "crowd", "followees"]


@dataclass(frozen=True, slots=True)
class Crowd:
    """The accounts that can be followed, community by community, and how known they are."""

    order: I64  # (n,) rows by community
    edge: I64  # (communities + 2,) where each begins in ``order``
    heap: F64  # (n + 1,) running fame in that order
    place: I64  # (n,) where each account stands in ``order``


@dataclass(frozen=True, slots=True)
class Graph:
    """Followed accounts of each account: ``to[start[a] : start[a + 1]]``, the closest first."""

    start: I64
    to: I32

    def draw(self, rng: np.random.Generator, row: I64, n: int) -> I64:
        """(rows, n) followed accounts, close ones more often."""
        low = self.start[row][:, None]
        size = (self.start[row + 1] - self.start[row])[:, None]
        at = low + (size * rng.random((len(row), n)) ** 1.7).astype(np.int64)
        return self.to[at].astype(np.int64)


def crowd(who: People) -> Crowd:
    """The crowd of these people."""
    order = np.argsort(who.community, kind="stable")
    place = np.empty(who.n, np.int64)
    place[order] = np.arange(who.n)
    edge = np.searchsorted(who.community[order], np.arange(int(who.community.max()) + 3))
    heap = np.concatenate([[0.0], np.cumsum(who.fame[order] + 0.02)])
    return Crowd(order, edge, heap, place)


def followees(
    rng: np.random.Generator, many: Crowd, community: I64, second: I64, place: I64
) -> Graph:
    """Whom each of the given accounts follows; ``place`` (n,) is where in the crowd it lives.

    Some thirty each, very unequal: neighbours in the crowd, the known of its community, the known
    of its second one.
    """
    n = len(community)
    degree = np.clip(rng.lognormal(np.log(28), 0.8, n), 6, 300).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(degree)])
    row = np.repeat(np.arange(n), degree)
    rank = (np.arange(len(row)) - start[row]) / degree[row]
    home = np.where(rank < 0.8, community[row], second[row])
    last = len(many.edge) - 2
    home = np.where(home <= last, home, community[row])
    # a second community may be one nobody here calls home
    empty = many.edge[np.minimum(home, last) + 1] == many.edge[np.minimum(home, last)]
    home = np.where(empty, community[row], home)
    home = np.minimum(home, last)
    low, high = many.heap[many.edge[home]], many.heap[many.edge[home + 1]]
    mass = low + rng.random(len(row)) * (high - low)
    known = np.searchsorted(many.heap, mass, side="right") - 1
    # neighbours: the first fifth, within some twenty places either way
    near = place[row] + np.round(rng.laplace(0, 12, len(row))).astype(np.int64)
    at = np.where(rank < 0.22, near, known)
    at = np.clip(at, 0, len(many.order) - 1)
    return Graph(start, many.order[at].astype(np.int32))
