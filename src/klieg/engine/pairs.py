"""Count the co-actions of pairs, account by account: no pair is ever merged or shuffled.

Each account scans the windows of its own actions and accumulates its partners of larger index in a
small hash table (Gustavson 1978, sparse products by rows). Actions are visited in (target, object)
order, so "once per object" and "once per target" are compares with the last one seen. Shards are
ranges of accounts of equal window mass, which spreads a viral object over all threads. The room
does not know what a count means.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine import shards
from klieg.engine.accumulate import Index, Work, accumulate, merge
from klieg.engine.compiled import column, compiled
from klieg.engine.executors import ThreadExecutor
from klieg.engine.windows import (
    Sorted,
    checked,
    dropped_near,
    group_rows,
    occupancy_sorted,
    sort_actions,
    spans,
    window_list,
)
from klieg.errors import EngineError
from klieg.sockets import PairCounts
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I32, I64, U32

    Part = tuple[NDArray[np.int32], I64]

__all__ = ["BUDGET", "Batches", "Plan", "count_pairs", "pair_batches", "plan", "rescore_pairs"]

_log = logging.getLogger(__name__)

BUDGET = 8 * 2**30
"""Bytes that kept pairs may take where the caller sets no budget."""


MOST = 2**62
"""No limit on the pairs of a shard."""


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
    ladder = window_list(windows)
    actions, targets = _by_target(account, object, time, target, n_accounts)
    work, dropped = _prepare(actions, targets, n_accounts, ladder, min_n, cap)
    width = len(ladder)
    limit = budget // (2 * (24 + 8 * width))
    done, parts = 0, []
    batches = Batches(work, ladder, min_n, dropped, threads, executor or ThreadExecutor())
    for part in batches.parts():
        parts.append(part)
        done += len(part[0])
        if done > limit:
            raise EngineError(
                f"more than {limit:,} pairs share {min_n} or more objects, which is over the "
                f"memory budget of {budget:,} bytes: raise min_n, lower the occupancy cap, "
                "shorten the windows, or raise the budget"
            )
    return PairCounts(_joined(parts, width), dropped)


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
    executor: Executor | None = None,
) -> Batches:
    """The pairs of ``count_pairs`` in batches: only those under way are ever in memory."""
    ladder = window_list(windows)
    actions, targets = _by_target(account, object, time, target, n_accounts)
    work, dropped = _prepare(actions, targets, n_accounts, ladder, min_n, cap)
    return Batches(work, ladder, min_n, dropped, threads, executor or ThreadExecutor())


class Counting(NamedTuple):
    """What the shards of one count share."""

    work: Work
    windows: I64
    min_n: int


def count_shard(shared: Counting, first: int, stop: int) -> Part:
    """The pairs whose left account lies in [first, stop), as ``accumulate`` gives them."""
    return accumulate(first, stop, shared.work, shared.windows, shared.min_n, MOST)


@dataclass(frozen=True, slots=True)
class Batches:
    """Prepared work: each iteration counts it, one shard after another."""

    work: Work
    windows: I64
    min_n: int
    dropped: I64
    threads: int
    executor: Executor

    def parts(self) -> Iterator[Part]:
        """The kept pairs of each shard, in order of accounts."""
        count = shards.SHARDS_PER_THREAD * shards.thread_count(self.threads)
        ranges = shards.equal_ranges(self.work.mass, count)
        shared = Counting(self.work, self.windows, self.min_n)
        return self.executor.map(count_shard, shared, ranges, self.threads)

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
    actions, targets = _by_target(account, object, time, target, n_accounts)
    work, _ = _prepare(actions, targets, n_accounts, ladder, min_n, cap)
    n, live = len(actions.row), len(work.time)
    largest = int(work.mass.max(initial=0))
    book = min(largest, n_accounts) * (44 + 8 * len(ladder))
    return Plan(n, live, int(work.mass.sum()), 56 * n + 48 * live + book)


def rescore_pairs(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: object,
    left: object,
    right: object,
    threads: int,
    *,
    executor: Executor | None = None,
) -> Edges:
    """Exact counts of the given pairs (sorted, left < right), no cap; zeros where they never met.

    Each pair walks the actions of its quieter account and looks them up in the busier one's.
    """
    ladder = window_list(windows)
    a = checked(left, "left", n_accounts)
    b = checked(right, "right", n_accounts, len(a))
    if (a >= b).any():
        raise EngineError("every pair must have left < right")
    actions, targets = _by_target(account, object, time, target, n_accounts)
    starts, rows = group_rows(actions.account, np.arange(len(actions.row)), n_accounts)
    ranks = actions.object[rows]
    n_objects = int(ranks.max(initial=-1)) + 1
    index = Index(starts, ranks, targets[rows], actions.time[rows], n_objects)
    length = np.diff(starts)
    busier = np.where(length[a] >= length[b], a, b)
    other = a + b - busier
    order = np.argsort(busier, kind="stable")
    fresh = np.diff(busier[order], prepend=-1) != 0
    weight = length[other[order]] + np.where(fresh, length[busier[order]], 0)
    cuts = shards.equal_ranges(weight, shards.SHARDS_PER_THREAD * shards.thread_count(threads))
    shared = Scoring(busier[order], other[order], index, ladder)
    n = np.zeros((len(a), len(ladder)), np.uint32)
    capped = np.zeros((len(a), len(ladder)), np.uint32)
    span = np.zeros((len(a), 2), np.int64)
    done = 0
    for part in (executor or ThreadExecutor()).map(score_shard, shared, cuts, threads):
        pairs = order[done : done + len(part[0])]
        n[pairs], capped[pairs], span[pairs] = part
        done += len(pairs)
    return Edges(a, b, n, capped, span[:, 0].copy(), span[:, 1].copy())


class Scoring(NamedTuple):
    """What the shards of one scoring share."""

    busier: I32  # (pairs,) ascending
    other: I32  # (pairs,)
    actions: Index
    windows: I64


def score_shard(shared: Scoring, first: int, stop: int) -> tuple[U32, U32, I64]:
    """Counts (k, W) twice and spans (k, 2) of the pairs [first, stop)."""
    n = np.zeros((stop - first, len(shared.windows)), np.uint32)
    capped = np.zeros_like(n)
    spans = np.zeros((stop - first, 2), np.int64)
    busier, other = shared.busier[first:stop], shared.other[first:stop]
    merge(busier, other, shared.actions, shared.windows, n, capped, spans)
    return n, capped, spans


def _by_target(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
) -> tuple[Sorted, I32]:
    """Actions in (target, object, time) order and the rank of each one's target.

    ``Sorted.object`` is then the object's rank in that order. An object without target (−1) ranks
    as a target of its own, after all others.
    """
    objects = checked(object, "object")
    aims = column(target, np.int32, "target", len(objects))
    accounts = checked(account, "account", n_accounts, len(objects))
    n_objects = int(objects.max()) + 1 if len(objects) else 0
    aim = np.full(n_objects, -1, np.int64)
    _largest(objects, aims, aim)
    n_aims = int(aim.max(initial=-1)) + 1
    aim = np.where(aim < 0, n_aims + np.arange(n_objects), aim)
    by_aim = np.argsort(aim, kind="stable")
    rank = np.empty(n_objects, np.int32)
    rank[by_aim] = np.arange(n_objects, dtype=np.int32)
    fresh = np.diff(aim[by_aim], prepend=-1) != 0
    aim_rank = (np.cumsum(fresh) - 1).astype(np.int32)
    actions = sort_actions(accounts, rank[objects], time)
    return actions, aim_rank[actions.object]


def _prepare(
    actions: Sorted, targets: I32, n_accounts: int, windows: I64, min_n: int, cap: int | None
) -> tuple[Work, I64]:
    """Drop what can never reach ``min_n``, and index the rest by account."""
    n = len(actions.row)
    rung = np.full(n, len(windows) - 1, np.int32)
    dropped = np.zeros((n_accounts, len(windows)), np.int64)
    if cap is not None:
        # occupancy grows with the window, so the rungs allowed are the first ones
        crowd = occupancy_sorted(actions.object, actions.time, windows)
        rung = ((crowd <= cap).sum(axis=1) - 1).astype(np.int32)
        dropped_near(actions.account, actions.object, actions.time, rung, windows, dropped)
    account, object_, time = actions.account, actions.object, actions.time
    # twice: dropping accounts with too few objects thins the windows of the others
    for _ in range(2):
        lo, hi = spans(object_, time, rung, windows)
        live = np.flatnonzero(_live(account, object_, lo, hi, n_accounts, min_n))
        account, object_, time = account[live], object_[live], time[live]
        rung, targets = rung[live], targets[live]
    lo, hi = spans(object_, time, rung, windows)
    starts, rows = group_rows(account, np.arange(len(account)), n_accounts)
    mass = np.bincount(account, hi - lo, n_accounts).astype(np.int64)
    work = Work(account, object_, targets, time, rung, lo, hi, starts, rows, mass)
    _log.debug("%d of %d actions live, %d to scan", len(time), n, mass.sum())
    return work, dropped


def _joined(parts: list[tuple[NDArray[np.int32], I64]], width: int) -> Edges:
    """All shards' pairs as columns; each shard's own copy is let go as soon as it is read."""
    total = sum(len(book) for book, _ in parts)
    left, right = np.empty(total, np.int32), np.empty(total, np.int32)
    n, capped = np.empty((total, width), np.uint32), np.empty((total, width), np.uint32)
    first, last = np.empty(total, np.int64), np.empty(total, np.int64)
    stop = total
    while parts:
        book, span = parts.pop()
        rows = slice(stop - len(book), stop)
        left[rows], right[rows] = book[:, 0], book[:, 1]
        n[rows], capped[rows] = book[:, 2 : 2 + width], book[:, 2 + width :]
        first[rows], last[rows] = span[:, 0], span[:, 1]
        stop = rows.start
    return Edges(left, right, n, capped, first, last)


@compiled
def _largest(key: I32, value: I32, largest: I64) -> None:
    """``largest[k]``: the largest value of each key, if larger than it was."""
    for i in range(len(key)):
        if value[i] > largest[key[i]]:
            largest[key[i]] = value[i]


@compiled
def _live(
    account: I32,
    object: I32,  # noqa: A002
    lo: I32,
    hi: I32,
    n_accounts: int,
    min_n: int,
) -> NDArray[np.bool_]:
    """Whether an action has company and its account has company on ``min_n`` objects or more."""
    seen = np.full(n_accounts, -1, np.int32)
    objects = np.zeros(n_accounts, np.int32)
    for i in range(len(account)):
        if hi[i] - lo[i] > 1 and seen[account[i]] != object[i]:
            seen[account[i]] = object[i]
            objects[account[i]] += 1
    live = np.empty(len(account), np.bool_)
    for i in range(len(account)):
        live[i] = hi[i] - lo[i] > 1 and objects[account[i]] >= min_n
    return live
