"""The gpu engine on any device (here the processor) against the specification and the compiled one.

Chunks are made a few actions small, so that every case crosses chunks and busy accounts are cut.
"""

from __future__ import annotations

import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from klieg.config import Config
from klieg.engine import cpu, gpu, gpu_device, gpu_order, gpu_pairs, gpu_scan, reference
from klieg.engine.gpu_device import COUNTED, SCANNED, Place
from klieg.errors import ConfigError, EngineError
from klieg.pipeline import scan
from klieg.sockets import PairCounts, names
from klieg.sources.simulate import simulate
from klieg.tables import Edges

from .worlds import WINDOWS, World, big_world, world, worlds

CPU = cpu.engine(Config())
REF = reference.engine(Config())
GPU = gpu.engine(Config(device="cpu"))

CAPS = st.sampled_from([None, 0, 1, 2, 4])
SCANNABLE = st.sampled_from([1, 2, 3, 7, 40, 10_000])


def small(actions: int) -> gpu.GpuEngine:
    """The engine with chunks of about that many scanned actions."""
    return replace(GPU, at=Place(torch.device("cpu"), actions * (SCANNED + 3 * COUNTED)))


def same_edges(a: Edges, b: Edges) -> None:
    for name in ("left", "right", "n", "capped", "first", "last"):
        x, y = getattr(a, name), getattr(b, name)
        assert x.dtype == y.dtype and x.shape == y.shape, name
        assert np.array_equal(x, y), name


def same_counts(a: PairCounts, b: PairCounts) -> None:
    same_edges(a.edges, b.edges)
    assert a.dropped.dtype == b.dropped.dtype and np.array_equal(a.dropped, b.dropped)


# --- pairs ---------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(worlds(), st.integers(1, 3), CAPS, SCANNABLE)
def test_gpu_pairs_equal_the_specification(
    w: World, min_n: int, cap: int | None, scannable: int
) -> None:
    got = small(scannable).count_pairs(*w.rows, WINDOWS, min_n, cap, 1)
    same_counts(got, REF.count_pairs(*w.rows, WINDOWS, min_n, cap, 1))


@settings(max_examples=100, deadline=None)
@given(worlds(), st.data(), SCANNABLE)
def test_gpu_pairs_rescored_equal_the_specification(
    w: World, data: st.DataObject, scannable: int
) -> None:
    every = [(a, b) for a in range(w.n_accounts) for b in range(a + 1, w.n_accounts)]
    some = sorted(data.draw(st.lists(st.sampled_from(every), unique=True))) if every else []
    left, right = (np.array([pair[k] for pair in some], np.int32) for k in (0, 1))
    got = small(scannable).rescore_pairs(*w.rows, WINDOWS, left, right, 1)
    same_edges(got, REF.rescore_pairs(*w.rows, WINDOWS, left, right, 1))


@settings(max_examples=100, deadline=None)
@given(worlds(), CAPS)
def test_gpu_totals_and_occupancy_equal_the_specification(w: World, cap: int | None) -> None:
    got = GPU.occupancy(w.object, w.time, WINDOWS)
    want = REF.occupancy(w.object, w.time, WINDOWS)
    assert got.dtype == want.dtype and np.array_equal(got, want)
    totals = GPU.pair_totals(w.account, w.object, w.time, 7, WINDOWS, cap)
    expected = REF.pair_totals(w.account, w.object, w.time, 7, WINDOWS, cap)
    assert totals.dtype == expected.dtype and np.array_equal(totals, expected)


@settings(max_examples=100, deadline=None)
@given(worlds(), st.data(), CAPS)
def test_gpu_windows_of_any_size_and_times_of_any_size(
    w: World, data: st.DataObject, cap: int | None
) -> None:
    """Times 2^62 apart and windows of 2^60: no clock holds them, each window is bisected."""
    ladder = np.array(data.draw(st.sampled_from([[0], [1, 2**60], [2**61 - 1]])), np.int64)
    far = np.array([-(2**62) + 1, 0, 2**62 - 10_000], np.int64)
    where = data.draw(
        st.lists(st.integers(0, 2), min_size=len(w.time), max_size=len(w.time)).map(np.array)
    )
    time = (w.time - (w.time.min() if len(w.time) else 0)) + far[where.astype(np.int64)]
    rows = (w.account, w.object, time, w.target, w.n_accounts)
    same_counts(
        small(7).count_pairs(*rows, ladder, 1, cap, 1), REF.count_pairs(*rows, ladder, 1, cap, 1)
    )
    totals = GPU.pair_totals(*rows[:3], 7, ladder, cap)
    assert np.array_equal(totals, REF.pair_totals(*rows[:3], 7, ladder, cap))


def test_gpu_windows_are_bisected_where_no_clock_holds_them() -> None:
    ends = torch.tensor([-(2**62) + 1, 2**62 - 1], dtype=torch.int64)
    wide = gpu_order.line(torch.tensor([0, 0]), ends, 2**61)
    assert wide.clock is not None and wide.longest == 2**63 - 2
    many = gpu_order.line(torch.arange(4).repeat_interleave(2), ends.repeat(4), 2**61)
    assert many.clock is None
    lo, hi = gpu_order.within(many, 2**61)
    assert (hi - lo).tolist() == [1] * 8


@pytest.mark.parametrize(("min_n", "cap"), [(1, None), (2, None), (2, 20)])
def test_gpu_pairs_equal_the_compiled_engine(min_n: int, cap: int | None) -> None:
    w = big_world(0, n=1_500)
    want = CPU.count_pairs(*w.rows, WINDOWS, min_n, cap, 1)
    assert want.edges.size > 50
    for scannable in (20_000, 10**7):
        same_counts(small(scannable).count_pairs(*w.rows, WINDOWS, min_n, cap, 1), want)
    edges = want.edges
    exact = CPU.rescore_pairs(*w.rows, WINDOWS, edges.left, edges.right, 1)
    same_edges(small(5_000).rescore_pairs(*w.rows, WINDOWS, edges.left, edges.right, 1), exact)


def test_gpu_batches_are_bounded_and_in_order() -> None:
    w = big_world(1, n=500)
    parts = list(small(1_000).pair_batches(*w.rows, WINDOWS, 1, None, 1))
    assert len(parts) > 10
    # an account that scans more than a chunk has a batch of its own, of its partners only
    assert all(0 < p.size <= 1_000 or len(set(p.left.tolist())) == 1 for p in parts)
    edges = [np.stack((p.left, p.right)) for p in parts]
    whole = GPU.count_pairs(*w.rows, WINDOWS, 1, None, 1).edges
    assert np.array_equal(np.concatenate(edges, axis=1), np.stack((whole.left, whole.right)))


def test_gpu_pairs_of_one_crowded_object_cost_no_memory() -> None:
    # 100,000 actions on one object in a day, and 30,000 accounts on one object within 30 s
    draw = np.random.default_rng(0)
    ladder = np.array([10, 60, 600, 3600, 21600, 86400], np.int64) * 1_000_000
    time = np.concatenate((draw.integers(0, 86_400, 100_000), draw.integers(0, 30, 30_000)))
    object_ = np.repeat(np.array([0, 1], np.int32), [100_000, 30_000])
    account = np.concatenate((draw.integers(0, 30_000, 100_000), np.arange(30_000)))
    rows = account.astype(np.int32), object_, time * 1_000_000, np.full(130_000, -1, np.int32)
    same_counts(
        GPU.count_pairs(*rows, 30_000, ladder, 2, 100, 0),
        CPU.count_pairs(*rows, 30_000, ladder, 2, 100, 0),
    )
    totals = GPU.pair_totals(*rows[:3], 2, ladder, None)
    assert totals[1, 1] == 30_000 * 29_999 // 2  # all of them within 60 s
    with pytest.raises(EngineError, match="memory budget"):
        replace(GPU, budget=1_000_000).count_pairs(*rows, 30_000, ladder[:1], 1, None, 0)


class Held(TorchDispatchMode):
    """Counts the bytes of the tensors that live at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for made in out if isinstance(out, (tuple, list)) else (out,):
            # views and in-place results hold no memory of their own
            if isinstance(made, torch.Tensor) and made._base is None and not hasattr(made, "held"):
                made.held = True
                self.now += made.nbytes
                self.most = max(self.most, self.now)
                weakref.finalize(made, self.free, made.nbytes)
        return out

    def free(self, size: int) -> None:
        self.now -= size


@pytest.mark.parametrize(("width", "min_n"), [(1, 1), (6, 2), (31, 1)])
def test_gpu_chunks_never_take_more_than_the_budget(width: int, min_n: int) -> None:
    """The worst there is: one account meets everybody, each a pair of its own, nobody is dropped.

    It scans more than a chunk holds, and so do the others together.
    """
    others = np.arange(1, 1_501)
    account = np.concatenate((np.zeros(40, int), others, others)).astype(np.int32)
    object_ = np.concatenate((np.arange(40), others % 20, 20 + others % 20)).astype(np.int32)
    time = np.concatenate((np.zeros(40, int), others, others))
    rows = account, object_, time, object_, 1_501
    ladder = np.arange(2_000, 2_000 + width)
    chunk = 2_500 * (SCANNED + COUNTED * width)
    engine = replace(GPU, at=Place(torch.device("cpu"), chunk))
    batches = engine.pair_batches(*rows, ladder, min_n, 10_000, 1)
    assert batches.live.scan.mass[1] > 2_900
    with Held() as held:
        found = sum(part.size for part in batches)
    assert found > 50_000 and chunk // 3 < held.most <= chunk


def test_gpu_pairs_of_two_accounts_that_hammer_one_object() -> None:
    """Two accounts, 500 actions each at one moment: 250,000 meetings, one pair, one object."""
    rows = world([(k % 2, 0, 0) for k in range(1_000)], 2, [-1]).rows
    got = small(100_000).count_pairs(*rows, WINDOWS, 1, None, 1).edges
    assert got.n.tolist() == [[1, 1, 1]] and got.capped.tolist() == [[1, 1, 1]]
    both = np.array([0], np.int32), np.array([1], np.int32)
    assert GPU.rescore_pairs(*rows, WINDOWS, *both, 1).n.tolist() == [[1, 1, 1]]


def test_gpu_pairs_of_nothing_and_of_one() -> None:
    none = [np.zeros(0, kind) for kind in (np.int32, np.int32, np.int64, np.int32)]
    one = [c[:1] for c in big_world(0).rows[:4]]
    for rows, n in ((none, 0), (none, 3), (one, 300)):
        got = GPU.count_pairs(*rows, n, WINDOWS, 1, 100, 0)
        assert got.edges.size == 0 and got.edges.n.shape == (0, 3)
        assert got.dropped.shape == (n, 3) and not got.dropped.any()
        assert GPU.pair_totals(*rows[:3], 200, WINDOWS, 5).sum() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"account": np.array([0, 9], np.int32)},
        {"account": np.array([0, -1], np.int32)},
        {"object": np.array([0, -2], np.int32)},
        {"time": np.array([0, 2**62], np.int64)},
        {"time": np.array([0], np.int64)},
        {"windows": np.array([60, 10], np.int64)},
        {"windows": np.array([2**61], np.int64)},
    ],
)
def test_gpu_pairs_refuse_what_breaks_the_contract(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "account": np.array([0, 1], np.int32),
        "object": np.array([0, 0], np.int32),
        "time": np.array([0, 5], np.int64),
        "target": np.array([-1, -1], np.int32),
        "n_accounts": 2,
        "windows": WINDOWS,
        "min_n": 1,
        "cap": None,
        "threads": 1,
    }
    assert GPU.count_pairs(**good).edges.size == 1
    with pytest.raises(EngineError):
        GPU.count_pairs(**(good | change))


def test_gpu_totals_refuse_what_breaks_the_contract() -> None:
    ids, times = np.array([0, 1], np.int32), np.array([0, 5], np.int64)
    for account, object_, time in (
        (ids - 1, ids, times),
        (ids, ids + 1, times),
        (ids, ids, times + 2**62),
        (ids, ids, times[:1]),
    ):
        with pytest.raises(EngineError):
            GPU.pair_totals(account, object_, time, 2, WINDOWS, None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=20), st.integers(1, 12))
def test_gpu_chunks_hold_every_account_once_and_no_more_than_fits(
    mass: list[int], capacity: int
) -> None:
    total = np.concatenate(([0], np.cumsum(mass))).astype(np.int64)
    ranges = gpu_scan.chunks(total, capacity)
    within = [a for first, stop in ranges for a in range(first, stop)]
    assert within == sorted(set(within))
    assert {a for a, m in enumerate(mass) if m} <= set(within)
    for first, stop in ranges:
        held = int(total[stop] - total[first])
        assert held <= capacity or sum(m > 0 for m in mass[first:stop]) == 1


# --- acts ----------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(worlds(), st.data(), st.integers(1, 3), st.booleans(), SCANNABLE)
def test_gpu_acts_equal_the_specification(
    w: World, data: st.DataObject, min_n: int, directed: bool, scannable: int
) -> None:
    n = len(w.time)
    w = w.permuted(np.lexsort((w.time, w.object)))
    meets = (w.object[:, None] == w.object) & (np.abs(w.time[:, None] - w.time) <= 60)
    lo = meets.argmax(axis=1).astype(np.int32) if n else np.zeros(0, np.int32)
    hi = (lo + meets.sum(axis=1)).astype(np.int32)
    post = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), np.int32)
    anchor = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), np.bool_)
    engine = small(scannable)
    company = engine.act_company(w.account, post, lo, hi)
    assert np.array_equal(company, REF.act_company(w.account, post, lo, hi))
    args = (w.account, post, w.time, lo, hi, anchor, w.n_accounts, min_n, directed, 1)
    got, want = list(engine.count_acts(*args)), list(REF.count_acts(*args))
    assert bool(got) == bool(want)
    for column in ("left", "right", "n", "delay") if want else ():
        joined = np.concatenate([getattr(g, column) for g in got])
        assert joined.dtype == getattr(want[0], column).dtype
        assert np.array_equal(joined, getattr(want[0], column)), column


# --- components, tiles, vectors ------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.data())
def test_gpu_components_equal_the_specification(n: int, data: st.DataObject) -> None:
    node = st.integers(0, n - 1)
    edges = data.draw(st.lists(st.tuples(node, node), max_size=40))
    left, right = (np.array([e[k] for e in edges], np.int32) for k in (0, 1))
    got, want = GPU.components(left, right, n), REF.components(left, right, n)
    assert got.dtype == want.dtype and np.array_equal(got, want)


def test_gpu_components_of_a_long_path_in_the_worst_order() -> None:
    order = np.random.default_rng(5).permutation(20_000).astype(np.int32)
    for nodes in (
        order,
        np.arange(20_000, dtype=np.int32),
        np.arange(20_000, dtype=np.int32)[::-1],
    ):
        assert not GPU.components(nodes[:-1], nodes[1:], 20_000).any()


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(1, 700), st.integers(0, 700))
def test_gpu_tiles_equal_the_specification(w: World, window: int, phase: int) -> None:
    got, count = GPU.tiles(w.object, w.time, window, phase)
    want, expected = REF.tiles(w.object, w.time, window, phase)
    assert count == expected and got.dtype == want.dtype and np.array_equal(got, want)


@pytest.mark.parametrize("precision", ["highest", "medium"])
def test_gpu_vectors_equal_the_compiled_engine_to_the_byte(precision: str) -> None:
    """Random, planted, equal and near-tau vectors; blocks of every shape; coarse products."""
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(500, 32))
    rows[100:400] = rows[draw.integers(0, 40, 300)] + draw.normal(size=(300, 32)) * 0.25
    rows[400:430] = rows[0]
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    times = draw.integers(0, 3_000, 500)
    tau = float(np.float32(rows[100].astype(np.float64) @ rows[101].astype(np.float64)))
    args = (rows, rows[::2].copy(), max(tau, 0.5), (times, times[::2].copy()), 1_000)
    want = CPU.similar_pairs(*args)
    assert len(want[0]) > 1_000
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        for scannable in (300, 10**6):
            for x, y in zip(small(scannable).similar_pairs(*args), want, strict=True):
                assert x.dtype == y.dtype and x.tobytes() == y.tobytes()
    finally:
        torch.set_float32_matmul_precision(before)


# --- a whole scan --------------------------------------------------------------------------------


def test_gpu_scan_gives_the_bytes_of_the_compiled_engine(tmp_path: Path) -> None:
    """Everything of a case but the engine's name: what is rounded is rounded by one arithmetic."""
    posts = simulate(accounts=300, days=3).posts
    cases = []
    for name in ("cpu", "gpu"):
        case = scan(posts, config=Config(engine=name, device="cpu"))
        assert case.run.engine == name and len(case.findings) > 2
        run = replace(case.run, engine="", config={**case.run.config, "engine": ""})
        path = tmp_path / f"{name}.klieg"
        replace(case, run=run).save(path)
        cases.append(path.read_bytes())
    assert cases[0] == cases[1]


# --- device --------------------------------------------------------------------------------------


def test_gpu_device_that_is_not_here_is_refused_by_name() -> None:
    assert gpu_device.chosen("cpu").type == "cpu"
    for name in ("tpu", "cpu:x", "cuda:99"):
        with pytest.raises(ConfigError, match="found here"):
            gpu_device.chosen(name)


def test_gpu_device_best_one_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert gpu_device.chosen("").type == "cuda"
    assert gpu_device.chosen("cuda:1").index == 1
    with pytest.raises(ConfigError):
        gpu_device.chosen("cuda:2")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8_000, 10_000))
    assert gpu_device.place("cuda", None).chunk == 4_000
    assert gpu_device.place("cuda", 1_000).chunk == 1_000
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 10_000))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
    with pytest.raises(EngineError, match="a card has no free memory"):
        gpu_device.place("cuda", None)


def test_gpu_memory_knob_bounds_the_chunks() -> None:
    assert gpu.engine(Config(device="cpu", memory="1MiB")).at.chunk == 2**20
    assert gpu.engine(Config(device="cpu")).at.chunk == gpu_device.CACHED


class Elsewhere:
    """The processor under another device's name, so that it must earn its trust."""

    device = torch.device("mps")

    def scannable(self, width: int) -> int:
        return 1_000

    def tensor(self, values: Any) -> torch.Tensor:
        return torch.from_numpy(values)

    def arange(self, stop: int) -> torch.Tensor:
        return torch.arange(stop)


def lossy(group: Any, time: Any, widest: int) -> Any:
    """A device that loses the digits of a double beyond 2^53."""
    return gpu_order.line(group, time.double().long(), widest)


def lacking(*args: Any) -> Any:
    raise NotImplementedError("'sort' is not implemented for 'Long'")


@pytest.mark.parametrize(
    ("worse", "said"), [(lossy, "does not count whole"), (lacking, "cannot count")]
)
def test_gpu_device_that_counts_wrongly_is_refused_or_passed_over(
    worse: Any, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    honest = gpu_device.place
    monkeypatch.setattr(gpu, "available", lambda: ["mps", "cpu"])
    monkeypatch.setattr(gpu, "described", lambda device: f"the {device.type}")
    monkeypatch.setattr(
        gpu, "place", lambda name, memory: Elsewhere() if name == "mps" else honest(name, memory)
    )
    monkeypatch.setattr(gpu_pairs, "line", worse)
    with pytest.raises(EngineError, match=said):
        gpu.engine(Config(device="mps"))
    assert gpu.engine(Config()).at.device.type == "cpu"
    assert "passing it over" in caplog.text and said in caplog.text
    monkeypatch.setattr(gpu_pairs, "line", gpu_order.line)
    assert gpu.engine(Config()).at.device.type == "mps"


def test_gpu_device_that_runs_out_of_memory_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    w = big_world(0, n=50)
    batches = GPU.pair_batches(*w.rows, WINDOWS, 1, None, 1)
    monkeypatch.setattr(torch, "sort", full)
    with pytest.raises(EngineError, match="ran out of memory"):
        GPU.occupancy(w.object, w.time, WINDOWS)
    with pytest.raises(EngineError, match="--engine cpu"):
        list(batches)


def test_gpu_says_what_ran_where() -> None:
    where = gpu.ran_on(GPU)
    assert set(gpu.COMPILED) < set(where)
    assert where["count_pairs"].startswith("cpu: ") and where["count_acts"].startswith("cpu: ")
    assert {where[m] for m in gpu.COMPILED} == {"compiled, on the processor"}


def test_gpu_engine_is_registered_and_torch_stays_away_from_the_others() -> None:
    assert "gpu" in names("engines")
    script = (
        "import sys, klieg.engine.cpu, klieg.engine.reference, klieg.pipeline, klieg.cli;"
        "from klieg.sockets import names; names('engines'); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_gpu_engine_without_torch_says_how_to_install_it() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from klieg.errors import MissingExtra\nfrom klieg.sockets import factory\n"
        "try:\n    factory('engines', 'gpu')\nexcept MissingExtra as e:\n    print(e, e.exit_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("Run: pip install 'klieg[gpu]' 5")
