"""The engine that is used: compiled kernels (Numba) on threads, behind the socket.

Every method equals ``engine/reference.py``; what is compiled lives in the rooms beside this one.
The room only passes on: it does not know what the counts are for.
"""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from klieg.engine import acts, blocks, burst_company, bursts, pairs, rescore, similarity, tails
from klieg.engine import windows as spans
from klieg.engine.compiled import CacheState, cache_state, column
from klieg.engine.components import components as connected
from klieg.engine.executors import ThreadExecutor
from klieg.memory import human, resident, size_of

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Executor, PairBatches, PairCounts
    from klieg.tables import F64, I32, I64, ActEdges, Bool, Edges

    U64 = NDArray[np.uint64]

__all__ = ["CacheState", "CpuEngine", "cache_state", "engine", "warm"]

_log = logging.getLogger(__name__)

LEAST = 32 * 2**20
"""Bytes that counting may always take, whatever the process holds."""


@dataclass(frozen=True, slots=True)
class CpuEngine:
    """The compiled engine; ``threads`` and ``budget`` change how fast and how far, never what."""

    threads: int = 0  # for the methods that are not told: 0 is one a core
    budget: int = pairs.BUDGET  # bytes to work in
    executor: Executor = field(default_factory=ThreadExecutor)  # where shards run
    name: str = "cpu"
    whole: bool = False  # whether the budget counts what the process holds already

    def room(self) -> int:
        """Bytes to work in now: what the budget leaves, or the least that is always granted."""
        if not self.whole:
            return self.budget
        left = self.budget - resident()
        if left < LEAST:
            _log.warning(
                "the process holds %s already: working in %s beyond the memory budget of %s",
                human(resident()),
                human(LEAST),
                human(self.budget),
            )
        return max(left, LEAST)

    def occupancy(self, object: I32, time: I64, windows: I64) -> NDArray[np.int32]:  # noqa: A002
        return spans.occupancy(object, time, windows)

    def pair_totals(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        n_objects: int,
        windows: I64,
        cap: int | None,
    ) -> I64:
        return spans.pair_totals(account, object, time, n_objects, windows, cap)

    def count_pairs(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        min_n: int,
        cap: int | None,
        threads: int,
    ) -> PairCounts:
        return pairs.count_pairs(
            account,
            object,
            time,
            target,
            n_accounts,
            windows,
            min_n,
            cap,
            threads or self.threads,
            budget=self.room(),
            executor=self.executor,
        )

    def pair_batches(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        min_n: int,
        cap: int | None,
        threads: int,
    ) -> PairBatches:
        return pairs.pair_batches(
            account,
            object,
            time,
            target,
            n_accounts,
            windows,
            min_n,
            cap,
            threads or self.threads,
            budget=self.room(),
            executor=self.executor,
        )

    def rescore_pairs(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        left: I32,
        right: I32,
        threads: int,
    ) -> Edges:
        return rescore.rescore_pairs(
            account,
            object,
            time,
            target,
            n_accounts,
            windows,
            left,
            right,
            threads or self.threads,
            executor=self.executor,
        )

    def act_company(self, account: I32, post: I32, lo: I32, hi: I32) -> I64:
        return acts.act_company(account, post, lo, hi)

    def count_acts(
        self,
        account: I32,
        post: I32,
        time: I64,
        lo: I32,
        hi: I32,
        anchor: Bool,
        n_accounts: int,
        min_n: int,
        directed: bool,
        threads: int,
    ) -> Iterator[ActEdges]:
        return acts.count_acts(
            account,
            post,
            time,
            lo,
            hi,
            anchor,
            n_accounts,
            min_n,
            directed=directed,
            threads=threads or self.threads,
            budget=self.room(),
            executor=self.executor,
        )

    def tiles(self, object: I32, time: I64, window: int, phase: int) -> tuple[I32, int]:  # noqa: A002
        objects = column(object, np.int32, "object")
        return bursts.tiles(objects, column(time, np.int64, "time", len(objects)), window, phase)

    def burst_evidence(
        self, burst: I32, actors: I32, share: F64, base: F64, rates: F64, weights: F64
    ) -> F64:
        return bursts.burst_evidence(
            column(burst, np.int32, "burst"),
            column(actors, np.int32, "actors"),
            column(share, np.float64, "share", len(actors)),
            column(base, np.float64, "base", len(weights)),
            column(rates, np.float64, "rates"),
            column(weights, np.float64, "weights"),
        )

    def near_copies(self, starts: I64, values: U64, tau: float, seed: int) -> tuple[I32, I32, F64]:
        return similarity.near_copies(
            starts, values, tau, seed, threads=self.threads, executor=self.executor
        )

    def similar_sets(self, starts: I64, values: U64, tau: float) -> tuple[I32, I32, F64]:
        return similarity.similar_sets(
            starts, values, tau, threads=self.threads, executor=self.executor
        )

    def similar_pairs(
        self,
        a: NDArray[np.float32],
        b: NDArray[np.float32],
        tau: float,
        times: tuple[I64, I64],
        window: int,
    ) -> tuple[I32, I32, NDArray[np.float32]]:
        return similarity.similar_pairs(a, b, tau, times, window)

    def poisson_tail(self, n: NDArray[np.int64], lam: F64) -> F64:
        return tails.poisson_tail(n, lam)

    def poisson_binomial_tail(self, starts: I64, probs: F64, n: I64) -> F64:
        return tails.poisson_binomial_tail(starts, probs, n)

    def components(self, left: I32, right: I32, n: int) -> I32:
        return connected(left, right, n)


def engine(config: Config, **ports: object) -> CpuEngine:
    """The factory behind ``--engine cpu``; ConfigError for a ``memory`` that is no size.

    The port ``executor`` says where shards run; without it, on threads of this process.
    """
    budget = size_of(config.memory)
    given = cast("Executor | None", ports.get("executor")) or ThreadExecutor()
    return CpuEngine(config.threads, budget or pairs.BUDGET, given, whole=budget is not None)


def warm() -> float:
    """Compile (or load) every kernel by running each once on next to nothing; seconds taken."""
    began = clock.perf_counter()
    cpu = CpuEngine(threads=1)
    ids, times = np.array([0, 1, 0, 1], np.int32), np.array([0, 1, 2, 3], np.int64)
    objects, ladder = np.array([0, 0, 1, 1], np.int32), np.array([1, 10], np.int64)
    args = (ids, objects, times, ids, 2, ladder)
    cpu.occupancy(objects, times, ladder)
    cpu.pair_totals(ids, objects, times, 2, ladder, 5)
    cpu.count_pairs(*args, 1, 5, 1)
    cpu.rescore_pairs(*args, ids[:1], ids[1:2], 1)
    blocks.between(objects, times, np.ones(4, np.uint8), objects, times, ladder)
    spans_ = np.zeros(4, np.int32), np.full(4, 4, np.int32)
    cpu.act_company(ids, ids, *spans_)
    for directed in (True, False):
        list(cpu.count_acts(ids, ids, times, *spans_, np.ones(4, np.bool_), 2, 1, directed, 1))
    count = cpu.tiles(objects, times, 10, 0)[1]
    one, some = np.ones(1), np.full(count, 0.5)
    cpu.burst_evidence(ids[:1], np.ones(count, np.int32), some, one, one + 2.0, one * 0.5)
    starts, codes = np.array([0, 2, 4], np.int64), np.array([1, 2, 1, 2], np.uint64)
    cpu.near_copies(starts, codes, 0.5, 0)
    cpu.similar_sets(starts, codes, 0.5)
    cpu.poisson_tail(np.array([3], np.int64), one)
    cpu.poisson_binomial_tail(np.array([0, 1], np.int64), one * 0.5, np.array([1], np.int64))
    cpu.components(ids[:1], ids[1:2], 2)
    burst_company.warm()
    return clock.perf_counter() - began
