"""What an account did together with itself: the loops that CooRTweet keeps if it is told to.

Pairs of acts of one account that meet, without making any: an account's acts stand in order of
place, so those that one meets are a range of them. The room knows ranges of acts, not why they
meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from klieg.parity.spans import Met, picked
from klieg.tables import ActEdges

if TYPE_CHECKING:
    from klieg.tables import Bool

__all__ = ["own_pairs", "with_loops"]


def own_pairs(met: Met, anchor: Bool) -> ActEdges:
    """Loops (left = right) of the accounts: pairs of acts of one account, of which one is anchor.

    n pairs and their delays in ticks; accounts without a loop are left out.
    """
    n_accounts = int(met.account.max(initial=-1)) + 1
    n, delay = np.zeros(n_accounts, np.int64), np.zeros(n_accounts, np.int64)
    for sign, part in ((1, met), (-1, picked(met, ~anchor))):
        order = np.argsort(part.account, kind="stable")
        size = len(order)
        key = part.account[order].astype(np.int64) * (size + 1) + order
        reach = part.account.astype(np.int64) * (size + 1) + part.hi
        stop = np.searchsorted(key, reach)
        place = np.empty(size, np.int64)
        place[order] = np.arange(size)
        count = stop - place - 1
        upto = np.concatenate(([0], np.cumsum(part.tick[order])))
        np.add.at(n, part.account, sign * count)
        delays = upto[stop] - upto[place + 1] - count * part.tick
        np.add.at(delay, part.account, sign * delays)
    found = np.flatnonzero(n).astype(np.int32)
    return ActEdges(found, found, n[found], delay[found])


def with_loops(edges: Iterable[ActEdges], loops: ActEdges, least: int) -> Iterator[ActEdges]:
    """The same batches, each with the loops of weight ≥ ``least`` that belong before its end."""
    begin, heavy = 0, loops.n >= least
    left, n, delay = loops.left[heavy], loops.n[heavy], loops.delay[heavy]
    for batch in edges:
        end = int(np.searchsorted(left, batch.left[-1], side="right"))
        own = slice(begin, end)
        both = np.concatenate((left[own], batch.left)), np.concatenate((left[own], batch.right))
        order = np.lexsort(both[::-1])
        weights = np.concatenate((n[own], batch.n))
        delays = np.concatenate((delay[own], batch.delay))
        yield ActEdges(both[0][order], both[1][order], weights[order], delays[order])
        begin = end
    if begin < len(left):
        yield ActEdges(left[begin:], left[begin:], n[begin:], delay[begin:])
