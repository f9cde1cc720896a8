"""Executors: order kept, look-ahead bounded, a failing shard named, nobody waits after an error."""

from __future__ import annotations

import pickle
import threading
import time
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.config import Config
from klieg.engine.cpu import CpuEngine
from klieg.engine.executors import AHEAD, ThreadExecutor
from klieg.engine.marks import job_key
from klieg.engine.trees import fold, unfold
from klieg.errors import EngineError, InputError
from klieg.sockets import make

THREADS = make("executors", "threads", Config())
BEGUN: list[int] = []
GATE = threading.Event()


def summed(shared: tuple[Any, int], first: int, stop: int) -> tuple[int, int]:
    values, factor = shared
    return first, int(values[first:stop].sum()) * factor


def noted(shared: tuple[()], first: int, stop: int) -> int:
    BEGUN.append(first)
    return first


def bad_at_three(shared: tuple[type[Exception]], first: int, stop: int) -> int:
    if first == 3:
        raise shared[0]("too odd")
    return first


def stuck(shared: tuple[()], first: int, stop: int) -> int:
    if first == 0:
        raise ValueError("at once")
    GATE.wait(20)
    return first


@given(st.lists(st.integers(0, 99), max_size=30), st.integers(1, 9), st.integers(0, 5))
def test_executors_threads_are_the_plain_loop(values: list[int], step: int, threads: int) -> None:
    shared = np.array(values, np.int64), 3
    ranges = [(a, min(a + step, len(values))) for a in range(0, len(values), step)]
    plain = [summed(shared, a, b) for a, b in ranges]
    assert list(THREADS.map(summed, shared, ranges, threads)) == plain


@pytest.mark.parametrize("threads", [1, 3])
def test_executors_look_only_a_little_ahead(threads: int) -> None:
    BEGUN.clear()
    results = THREADS.map(noted, (), [(k, k + 1) for k in range(100)], threads)
    assert next(results) == 0
    time.sleep(0.05)
    assert len(BEGUN) <= AHEAD * threads + 1
    assert list(results) == list(range(1, 100))


@pytest.mark.parametrize("threads", [1, 4])
def test_executors_name_the_shard_that_failed(threads: int) -> None:
    ranges = [(k, k + 1) for k in range(8)]
    with pytest.raises(EngineError, match=r"shard 3 … 4 of bad_at_three failed: ValueError: too"):
        list(THREADS.map(bad_at_three, (ValueError,), ranges, threads))
    with pytest.raises(InputError, match=r"^too odd") as raised:
        list(THREADS.map(bad_at_three, (InputError,), ranges, threads))
    assert raised.value.__notes__ == ["in shard 3 … 4 of bad_at_three"]


def test_executors_wait_for_nobody_after_an_error() -> None:
    GATE.clear()
    began = time.perf_counter()
    with pytest.raises(EngineError, match="at once"):
        list(THREADS.map(stuck, (), [(k, k + 1) for k in range(4)], 2))
    waited = time.perf_counter() - began
    GATE.set()
    assert waited < 10


class Sealed(ThreadExecutor):
    """Sends as a cluster does, by name and by value, and looks whether anything was written to."""

    calls: ClassVar[list[str]] = []

    def map(self, function: Any, shared: Any, ranges: Any, threads: int) -> Any:
        self.calls.append(function.__name__)
        there, sent = pickle.loads(pickle.dumps((function, shared)))
        for cut in ranges:
            before = job_key(function, sent)
            result = there(sent, *cut)
            assert job_key(function, sent) == before, (
                f"{function.__name__} writes to what it shares"
            )
            yield unfold(*fold(pickle.loads(pickle.dumps(result))))


def test_executors_every_shard_of_the_engine_may_run_elsewhere() -> None:
    rng = np.random.default_rng(5)
    n = 3000
    rows = (
        rng.integers(0, 300, n).astype(np.int32),
        np.minimum(rng.zipf(1.4, n), 400).astype(np.int32),
        rng.integers(0, 10**8, n),
        rng.integers(-1, 50, n).astype(np.int32),
        300,
        np.array([10**5, 10**7], np.int64),
    )
    texts = [np.unique(rng.integers(0, 60, 12)) for _ in range(300)]
    starts = np.cumsum([0] + [len(t) for t in texts]).astype(np.int64)
    codes = np.concatenate(texts).astype(np.uint64)
    here, there = CpuEngine(2), CpuEngine(2, executor=Sealed())
    a, b = (e.count_pairs(*rows, 1, 50, 2).edges for e in (here, there))
    assert a.size > 100
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("rescore_pairs", (*rows, a.left, a.right, 2)),
        ("near_copies", (starts, codes, 0.5, 7)),
        ("similar_sets", (starts, codes, 0.5)),
    ]
    pairs = [(a, b)] + [(getattr(here, m)(*r), getattr(there, m)(*r)) for m, r in calls]
    for one, other in pairs:
        parts = zip(columns(one), columns(other), strict=True)
        assert all(x.tobytes() == y.tobytes() for x, y in parts)
    assert len(set(Sealed.calls)) >= 5


def columns(found: Any) -> list[Any]:
    """The arrays of edges, or of a tuple."""
    if isinstance(found, tuple):
        return list(found)
    return [getattr(found, f) for f in ("left", "right", "n", "capped", "first", "last")]


def test_executors_say_how_many_run_at_once() -> None:
    assert THREADS.workers(3) == 3
    assert THREADS.workers(0) >= 1
