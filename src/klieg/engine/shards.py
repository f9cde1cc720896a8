"""Cut work into ranges of equal weight and run them on threads: any split, the same answer.

A shard is a range ``[first, stop)`` of accounts, pairs or texts whose results depend on no other
shard, so results joined in range order are the same bytes for any number of shards or threads. The
same ranges serve processes and clusters. The room does not know what the work is.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHARDS_PER_THREAD", "equal_ranges", "run", "thread_count"]

T = TypeVar("T")

SHARDS_PER_THREAD = 8
"""More shards than threads, so that a range that costs more than its weight does not stall all."""


def thread_count(threads: int) -> int:
    """The threads to use: ``threads``, or one a usable core if it is 0."""
    if threads > 0:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def equal_ranges(weight: NDArray[np.int64], shards: int) -> list[tuple[int, int]]:
    """At most ``shards`` non-empty ranges that cover ``weight`` (n,) with about equal sums.

    >>> equal_ranges(np.array([9, 1, 1, 1, 9]), 3)
    [(0, 1), (1, 4), (4, 5)]
    >>> equal_ranges(np.array([], dtype=np.int64), 4)
    []
    """
    n = len(weight)
    # one is added to each so that stretches without weight are cut too
    total = np.concatenate(([0], np.cumsum(weight.astype(np.float64) + 1.0)))
    targets = total[-1] * np.arange(1, max(1, shards)) / max(1, shards)
    # the cut nearest to each target
    above = np.searchsorted(total, targets)
    below = np.maximum(above - 1, 0)
    cuts = np.where(targets - total[below] < total[np.minimum(above, n)] - targets, below, above)
    bounds = np.unique(np.concatenate(([0], cuts, [n])))
    return [(a, b) for a, b in itertools.pairwise(bounds.tolist())]


def run(work: Callable[[int, int], T], ranges: Sequence[tuple[int, int]], threads: int) -> list[T]:
    """``work(first, stop)`` of every range, in range order, on ``threads`` threads (0: all)."""
    workers = min(thread_count(threads), len(ranges))
    if workers <= 1:
        return [work(first, stop) for first, stop in ranges]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda r: work(*r), ranges))
