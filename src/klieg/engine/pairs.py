"""Count the co-actions of pairs, account by account: no pair is ever merged or shuffled.

Each account scans the windows of its own actions and accumulates its partners of larger index.
Shards are ranges of accounts of equal window mass, which spreads a viral object over all threads;
one whose pairs would not fit stops early, and the rest of its range is cut anew. The room does not
know what a count means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from klieg.engine.accumulate import Work
from klieg.engine.blocks import Blocks, block_parts, blocks
from klieg.engine.counting import (
    Counting,
    Part,
    count_shard,
    counted,
    joined,
    limit_of,
    row_bytes,
)
from klieg.engine.executors import ThreadExecutor
from klieg.engine.live import given, indexed, ordered, pruned, ranks, rungs_of
from klieg.engine.slabs import ROW, on_disk, tally, together
from klieg.engine.spill import on_file, piece
from klieg.engine.windows import window_list
from klieg.errors import EngineError
from klieg.memory import human
from klieg.sockets import PairCounts
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I64

__all__ = ["BUDGET", "Batches", "Plan", "count_pairs", "count_shard", "pair_batches", "plan"]

BUDGET = 8 * 2**30
"""Bytes to work in where the caller sets no budget."""

OBJECT = 28
"""Bytes an object while objects are numbered."""

ACCOUNT = 32
"""Bytes an account while actions are indexed."""


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
    return PairCounts(joined(parts, width), batches.dropped)


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
    columns = account, object, time, target
    work, dropped = _prepare(columns, n_accounts, ladder, min_n, cap, budget)
    return Batches(work, ladder, min_n, dropped, threads, budget, executor or ThreadExecutor())


@dataclass(frozen=True, slots=True)
class Batches:
    """Prepared work: each iteration counts it, one shard after another."""

    work: Work | Blocks
    windows: I64
    min_n: int
    dropped: I64
    threads: int
    budget: int
    executor: Executor

    def parts(self) -> Iterator[Part]:
        """The kept pairs, in (left, right) order, a quarter of the budget at a time."""
        workers = self.executor.workers(self.threads)
        limit = limit_of(self.budget // 4, len(self.windows), workers)
        if isinstance(self.work, Blocks):
            how = self.windows, self.min_n, limit, self.executor, self.threads
            return block_parts(self.work, *how)
        shared = Counting(self.work, self.windows, self.min_n, limit)
        return counted(shared, 0, len(self.work.mass), self.executor, self.threads)

    def __iter__(self) -> Iterator[Edges]:
        for part in self.parts():
            if len(part[0]):
                yield joined([part], len(self.windows))


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
    columns = account, object, time, target
    work, _ = _in_memory(columns, n_accounts, ladder, min_n, cap)
    n, live = len(np.asarray(account)), len(work.row)
    return Plan(n, live, int(work.mass.sum()), ROW * n)


def _prepare(
    columns: tuple[Any, ...],
    n_accounts: int,
    windows: I64,
    min_n: int,
    cap: int | None,
    budget: int,
) -> tuple[Work | Blocks, I64]:
    """Drop what can never reach ``min_n``, and index the rest by account; on disk if need be."""
    n = len(columns[0])
    read = sum(on_file(values) for values in columns) * 5 * n
    if read + ROW * n + ACCOUNT * n_accounts <= budget // 2:
        return _in_memory(columns, n_accounts, windows, min_n, cap)
    seen = tally(columns, n, n_accounts, max(budget // (8 * ROW), 256))
    fixed = OBJECT * len(seen.actions) + (ACCOUNT + 8 * len(windows)) * n_accounts
    room = budget * 3 // 4 - fixed
    if room < 8 * ROW:
        raise EngineError(
            f"{n_accounts:,} accounts and {len(seen.actions):,} objects alone take {human(fixed)}, "
            f"more than the memory budget of {human(budget)} allows beside the rest: "
            f"it must be {human(fixed * 4 // 3 + 2**26)} or more"
        )
    if read + ROW * n <= room:
        return _in_memory(columns, n_accounts, windows, min_n, cap)
    dropped = np.zeros((n_accounts, len(windows)), np.int64)
    slabs = on_disk(columns, n, seen, n_accounts, windows, min_n, cap, dropped, room)
    del seen
    if ROW * sum(slabs.rows) <= room:
        return indexed(together(slabs, windows), slabs.aim, n_accounts), dropped
    return blocks(slabs, room), dropped


def _in_memory(
    columns: tuple[Any, ...], n_accounts: int, windows: I64, min_n: int, cap: int | None
) -> tuple[Work, I64]:
    account, object_, time, target = (piece(values, 0, len(values)) for values in columns)
    whole = given(account, object_, time, target, n_accounts)
    order = ranks(whole)
    rows = ordered(whole, order)
    del whole, account, object_, time, target
    dropped = np.zeros((n_accounts, len(windows)), np.int64)
    rungs = rungs_of(rows, windows, cap, dropped)
    live = pruned(rows, rungs, n_accounts, windows, min_n)
    return indexed(live, order.aim, n_accounts), dropped
