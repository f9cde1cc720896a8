"""Run the pair kernel over ranges of accounts on an executor, a bounded number of pairs at a time.

A shard whose pairs would not fit stops early, and the rest of its range is cut anew. The room does
not know where the actions came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine import shards
from klieg.engine.accumulate import Work, accumulate
from klieg.engine.executors import AHEAD
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I64

__all__ = ["Counting", "Part", "count_shard", "counted", "joined", "limit_of", "row_bytes"]

Part = tuple[NDArray[np.int32], "I64", int]
"""Rows left, right, n, capped; first and last; the account at which the shard stopped."""


class Counting(NamedTuple):
    """What the shards of one count share."""

    work: Work
    windows: I64
    min_n: int
    limit: int  # rows after which a shard stops


def row_bytes(width: int) -> int:
    """Bytes of a kept pair: two accounts, two counts a window, first and last."""
    return 24 + 8 * width


def limit_of(budget: int, width: int, workers: int) -> int:
    """Rows after which a shard stops, for all that are under way to fit in ``budget`` bytes."""
    # a list that grows holds each row twice
    return max(budget // (2 * row_bytes(width) * (AHEAD * workers + 1)), 256)


def count_shard(shared: Counting, first: int, stop: int) -> Part:
    """The pairs whose left account lies in [first, stop), as ``accumulate`` gives them."""
    return accumulate(first, stop, shared.work, shared.windows, shared.min_n, shared.limit)


def counted(
    shared: Counting, first: int, stop: int, executor: Executor, threads: int
) -> Iterator[Part]:
    """The kept pairs of the accounts [first, stop), in order, shard by shard."""
    mass = shared.work.mass[first:stop]
    cuts = shards.equal_ranges(mass, shards.SHARDS_PER_THREAD * executor.workers(threads))
    ranges = [(first + a, first + b) for a, b in cuts]
    results = executor.map(count_shard, shared, ranges, threads)
    for part, (_, end) in zip(results, ranges, strict=True):
        yield part
        if part[2] < end:
            yield from counted(shared, part[2], end, executor, threads)


def joined(parts: list[Part], width: int) -> Edges:
    """All parts' pairs as columns; each part's own copy is let go as soon as it is read."""
    total = sum(len(book) for book, _, _ in parts)
    left, right = np.empty(total, np.int32), np.empty(total, np.int32)
    n, capped = np.empty((total, width), np.uint32), np.empty((total, width), np.uint32)
    first, last = np.empty(total, np.int64), np.empty(total, np.int64)
    stop = total
    while parts:
        book, span, _ = parts.pop()
        rows = slice(stop - len(book), stop)
        left[rows], right[rows] = book[:, 0], book[:, 1]
        n[rows], capped[rows] = book[:, 2 : 2 + width], book[:, 2 + width :]
        first[rows], last[rows] = span[:, 0], span[:, 1]
        stop = rows.start
    return Edges(left, right, n, capped, first, last)
