"""Executors: order kept, look-ahead bounded, a failing shard named, nobody waits after an error."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.config import Config
from klieg.engine.executors import AHEAD
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


def test_executors_say_how_many_run_at_once() -> None:
    assert THREADS.workers(3) == 3
    assert THREADS.workers(0) >= 1
