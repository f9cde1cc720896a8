"""Count the co-actions of pairs, account by account: no pair is ever merged or shuffled.

Each account scans the windows of its own actions and accumulates its partners of larger index.
Shards are ranges of accounts of equal window mass, which spreads a viral object over all threads;
one whose pairs would not fit stops early, and the rest of its range is cut anew. The room does not
know what a count means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine import shards
from klieg.engine.accumulate import Work, accumulate
from klieg.engine.executors import AHEAD, ThreadExecutor
from klieg.engine.live import given, indexed, live_rows, ordered, ranks
from klieg.engine.windows import window_list
from klieg.errors import EngineError
from klieg.sockets import PairCounts
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I64

    Part = tuple[NDArray[np.int32], I64, int]

__all__ = ["BUDGET", "Batches", "Plan", "count_pairs", "count_shard", "pair_batches", "plan"]

BUDGET = 8 * 2**30
"""Bytes to work in where the caller sets no budget."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What counting would take, known exactly before it starts."""

    rows: int
    live: int  # actions with company in a window where they may pair
    scanned: int  # actions looked at: twice the co-actions, and each account's own
    bytes: int  # working memory, without the kept pairs


def count_pairs(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: object,
    min_n: int,
    cap: int | None,
    threads: int,
    *,
    budget: int = BUDGET,
    executor: Executor | None = None,
) -> PairCounts:
    """Every pair with ``n ≥ min_n`` in some window; what the occupancy cap dropped, by account.

    EngineError if the kept pairs would take more than ``budget`` bytes: raise ``min_n`` or set a
    cap. The result does not depend on ``threads`` (0: one a core).
    """
    columns = account, object, time, target, n_accounts
    batches = pair_batches(*columns, windows, min_n, cap, threads, budget=budget, executor=executor)
    width = batches.dropped.shape[1]
    most = budget // (2 * row_bytes(width))
    done, parts = 0, []
    for part in batches.parts():
        parts.append(part)
        done += len(part[0])
        if done > most:
            raise EngineError(
                f"more than {most:,} pairs share {min_n} or more objects, which is over the "
                f"memory budget of {budget:,} bytes: raise min_n, lower the occupancy cap, "
                "shorten the windows, raise the budget, or read them in batches"
            )
    return PairCounts(_joined(parts, width), batches.dropped)


def pair_batches(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: object,
    min_n: int,
    cap: int | None,
    threads: int,
    *,
    budget: int = BUDGET,
    executor: Executor | None = None,
) -> Batches:
    """The pairs of ``count_pairs`` in batches: only those under way are ever in memory."""
    ladder = window_list(windows)
    work, dropped = _prepare(account, object, time, target, n_accounts, ladder, min_n, cap)
    return Batches(work, ladder, min_n, dropped, threads, budget, executor or ThreadExecutor())


def row_bytes(width: int) -> int:
    """Bytes of a kept pair: two accounts, two counts a window, first and last."""
    return 24 + 8 * width


class Counting(NamedTuple):
    """What the shards of one count share."""

    work: Work
    windows: I64
    min_n: int
    limit: int  # rows after which a shard stops


def count_shard(shared: Counting, first: int, stop: int) -> Part:
    """The pairs whose left account lies in [first, stop), as ``accumulate`` gives them."""
    return accumulate(first, stop, shared.work, shared.windows, shared.min_n, shared.limit)


@dataclass(frozen=True, slots=True)
class Batches:
    """Prepared work: each iteration counts it, one shard after another."""

    work: Work
    windows: I64
    min_n: int
    dropped: I64
    threads: int
    budget: int
    executor: Executor

    def parts(self) -> Iterator[Part]:
        """The kept pairs of each shard, in order of accounts."""
        # a quarter of the budget for pairs: those asked for, and those counted ahead of them;
        # a list that grows holds each twice
        workers = self.executor.workers(self.threads)
        at_once = 2 * row_bytes(len(self.windows)) * (AHEAD * workers + 1)
        limit = max(self.budget // 4 // at_once, 256)
        shared = Counting(self.work, self.windows, self.min_n, limit)
        return self._parts(shared, workers, 0, len(self.work.mass))

    def _parts(self, shared: Counting, workers: int, first: int, stop: int) -> Iterator[Part]:
        count = shards.SHARDS_PER_THREAD * workers
        ranges = [
            (first + a, first + b)
            for a, b in shards.equal_ranges(shared.work.mass[first:stop], count)
        ]
        results = self.executor.map(count_shard, shared, ranges, self.threads)
        for part, (_, end) in zip(results, ranges, strict=True):
            yield part
            if part[2] < end:
                yield from self._parts(shared, workers, part[2], end)

    def __iter__(self) -> Iterator[Edges]:
        for part in self.parts():
            if len(part[0]):
                yield _joined([part], len(self.windows))


def plan(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: object,
    min_n: int,
    cap: int | None,
) -> Plan:
    """What ``count_pairs`` with the same arguments would take: exact counts, no pair made."""
    ladder = window_list(windows)
    work, _ = _prepare(account, object, time, target, n_accounts, ladder, min_n, cap)
    n, live = len(np.asarray(account)), len(work.row)
    book = min(int(work.mass.max(initial=0)), n_accounts) * (44 + 8 * len(ladder))
    return Plan(n, live, int(work.mass.sum()), 30 * n + 41 * live + book)


def _prepare(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: I64,
    min_n: int,
    cap: int | None,
) -> tuple[Work, I64]:
    """Drop what can never reach ``min_n``, and index the rest by account."""
    columns = given(account, object, time, target, n_accounts)
    order = ranks(columns)
    dropped = np.zeros((n_accounts, len(windows)), np.int64)
    live = live_rows(ordered(columns, order), n_accounts, windows, min_n, cap, dropped)
    return indexed(live, order.aim, n_accounts), dropped


def _joined(parts: list[Part], width: int) -> Edges:
    """All shards' pairs as columns; each shard's own copy is let go as soon as it is read."""
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
