"""The engine on a graphics card (PyTorch, any device) behind the socket: integers on the device.

What counts runs on the device and equals ``engine/reference.py`` integer for integer: occupancy,
pairs, acts, tiles, components; near vectors too. What is rounded or walks hash tables (tails, burst
evidence, near copies and similar sets) runs in the compiled kernels of the processor, so that a
case holds the same bytes whatever the device; ``ran_on`` says which is which, and ``klieg doctor``
and ``run.json`` name the device. The room only passes on: it does not know what counts are for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from klieg.engine import cpu, pairs, reference
from klieg.errors import EngineError, MissingExtra
from klieg.memory import size_of
from klieg.sockets import PairCounts
from klieg.tables import Edges

try:
    from klieg.engine import gpu_acts, gpu_graph, gpu_order, gpu_pairs, gpu_rescore, gpu_vectors
    from klieg.engine.gpu_device import Place, available, described, place
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise MissingExtra("the gpu engine", "pip install 'klieg[gpu]'") from missing

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.tables import F64, I32, I64, ActEdges, Bool

    U64 = NDArray[np.uint64]

__all__ = ["COMPILED", "GpuEngine", "device_of", "engine", "ran_on"]

_log = logging.getLogger(__name__)

COMPILED = (
    "burst_evidence",
    "near_copies",
    "poisson_binomial_tail",
    "poisson_tail",
    "similar_sets",
)
"""Methods that run in the compiled kernels of the processor, whatever the device."""


@dataclass(frozen=True, slots=True)
class GpuEngine:
    """Counts on ``at``; the device, its memory and ``threads`` change how fast, never what."""

    at: Place
    budget: int  # bytes that the kept pairs may take on the host
    compiled: cpu.CpuEngine  # runs the methods in COMPILED
    name: str = "gpu"

    def occupancy(self, object: I32, time: I64, windows: I64) -> NDArray[np.int32]:  # noqa: A002
        return gpu_order.occupancy(self.at, object, time, windows)

    def pair_totals(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        n_objects: int,
        windows: I64,
        cap: int | None,
    ) -> I64:
        return gpu_order.pair_totals(self.at, account, object, time, n_objects, windows, cap)

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
        batches = self.pair_batches(
            account, object, time, target, n_accounts, windows, min_n, cap, threads
        )
        width = len(windows)
        return PairCounts(_joined(batches, width, self.budget, min_n), batches.dropped)

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
    ) -> gpu_pairs.Batches:
        return gpu_pairs.pair_batches(
            self.at, account, object, time, target, n_accounts, windows, min_n, cap
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
        return gpu_rescore.rescore_pairs(
            self.at, account, object, time, target, n_accounts, windows, left, right
        )

    def act_company(self, account: I32, post: I32, lo: I32, hi: I32) -> I64:
        return gpu_acts.act_company(self.at, account, post, lo, hi)

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
        return gpu_acts.count_acts(
            self.at, account, post, time, lo, hi, anchor, n_accounts, min_n, directed=directed
        )

    def tiles(self, object: I32, time: I64, window: int, phase: int) -> tuple[I32, int]:  # noqa: A002
        return gpu_graph.tiles(self.at, object, time, window, phase)

    def burst_evidence(
        self, burst: I32, actors: I32, share: F64, base: F64, rates: F64, weights: F64
    ) -> F64:
        return self.compiled.burst_evidence(burst, actors, share, base, rates, weights)

    def near_copies(self, starts: I64, values: U64, tau: float, seed: int) -> tuple[I32, I32, F64]:
        return self.compiled.near_copies(starts, values, tau, seed)

    def similar_sets(self, starts: I64, values: U64, tau: float) -> tuple[I32, I32, F64]:
        return self.compiled.similar_sets(starts, values, tau)

    def similar_pairs(
        self,
        a: NDArray[np.float32],
        b: NDArray[np.float32],
        tau: float,
        times: tuple[I64, I64],
        window: int,
    ) -> tuple[I32, I32, NDArray[np.float32]]:
        return gpu_vectors.similar_pairs(self.at, a, b, tau, times, window)

    def poisson_tail(self, n: NDArray[np.int64], lam: F64) -> F64:
        return self.compiled.poisson_tail(n, lam)

    def poisson_binomial_tail(self, starts: I64, probs: F64, n: I64) -> F64:
        return self.compiled.poisson_binomial_tail(starts, probs, n)

    def components(self, left: I32, right: I32, n: int) -> I32:
        return gpu_graph.components(self.at, left, right, n)


def engine(config: Config, **ports: object) -> GpuEngine:
    """The factory behind ``--engine gpu``: on ``config.device``, or the best device that counts.

    ConfigError for a device that is not here; EngineError for one asked for by name that counts
    wrongly, while one that was only the best there is is passed over, with a warning in the log.
    """
    compiled = cpu.engine(config, **ports)
    for name in [config.device] if config.device else available():
        made = _on(name, config, compiled)
        try:
            _trusted(made)
        except EngineError as unfit:
            if config.device or name == "cpu":
                raise
            _log.warning("%s; passing it over", unfit)
            continue
        break
    _log.info("gpu engine on %s; %s compiled", described(made.at.device), ", ".join(COMPILED))
    return made


def _on(device: str, config: Config, compiled: cpu.CpuEngine) -> GpuEngine:
    memory = size_of(config.memory)
    return GpuEngine(place(device, memory), memory or pairs.BUDGET, compiled)


def device_of(config: Config) -> str:
    """What ``klieg doctor`` and ``run.json`` call the device that the engine would count on."""
    return described(engine(config).at.device)


def ran_on(engine: GpuEngine) -> dict[str, str]:
    """Method → where it runs: the device, or the compiled kernels of the processor."""
    methods = [m for m in dir(reference.ReferenceEngine) if m[0] != "_" and m != "name"]
    here = described(engine.at.device)
    return {m: "compiled, on the processor" if m in COMPILED else here for m in methods}


def _trusted(engine: GpuEngine) -> None:
    """EngineError unless the device counts a small world as the specification does.

    Not every device has sorts and sums of whole 64-bit integers; a wrong one must not be found out
    by its findings. The processor is the device that the tests run on.
    """
    if engine.at.device.type == "cpu":
        return
    draw = np.random.default_rng(0)
    account, object_ = draw.integers(0, 9, (2, 60)).astype(np.int32)
    time = draw.integers(0, 200, 60) + 2**61 + 1
    ladder = np.array([5, 50], np.int64)
    args = account, object_, time, object_ // 3, 9, ladder
    wanted = reference.count_pairs(*args, 2, 6)
    pairs_ = wanted.edges.left, wanted.edges.right
    exact = reference.rescore_pairs(*args[:4], ladder, *pairs_)
    here = described(engine.at.device)
    try:
        counted = engine.count_pairs(*args, 2, 6, 1).edges
        scored = engine.rescore_pairs(*args, *pairs_, 1)
    except (RuntimeError, TypeError) as error:  # what torch raises for an operation it lacks
        why = str(error).partition("\n")[0]
        raise EngineError(f"{here} cannot count 64-bit integers: {why}") from error
    for got, want in ((counted, wanted.edges), (scored, exact)):
        for column in ("left", "right", "n", "capped", "first", "last"):
            if not np.array_equal(getattr(got, column), getattr(want, column)):
                raise EngineError(
                    f"{here} does not count whole 64-bit integers: its {column} differ from the "
                    "specification's"
                )


def _joined(batches: gpu_pairs.Batches, width: int, budget: int, min_n: int) -> Edges:
    """All batches as one; EngineError where the pairs outgrow the budget."""
    limit = budget // (2 * (24 + 8 * width))
    parts, size = [_none(width)], 0
    for part in batches:
        parts.append(part)
        size += part.size
        if size > limit:
            raise EngineError(
                f"more than {limit:,} pairs share {min_n} or more objects, which is over the "
                f"memory budget of {budget:,} bytes: raise min_n, lower the occupancy cap, "
                "shorten the windows, or raise the budget"
            )
    columns = ("left", "right", "n", "capped", "first", "last")
    return Edges(*(np.concatenate([getattr(p, c) for p in parts]) for c in columns))


def _none(width: int) -> Edges:
    ids, counts, times = np.zeros(0, np.int32), np.zeros((0, width), np.uint32), np.zeros(0)
    return Edges(ids, ids, counts, counts, times.astype(np.int64), times.astype(np.int64))
