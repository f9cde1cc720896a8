"""Shards on Ray: the same bytes on two raylets, and what dies costs its own shards only.

One cluster of two raylets serves all tests. Functions of this room travel by value, since Ray's
workers cannot import it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from klieg.config import Config
from klieg.engine import pairs
from klieg.engine.cpu import CpuEngine
from klieg.engine.executors import ThreadExecutor
from klieg.engine.ray_executor import RayExecutor
from klieg.engine.trees import fold
from klieg.errors import ConfigError, EngineError, InputError
from klieg.sockets import make

ray = pytest.importorskip("ray")
NodeAffinitySchedulingStrategy = pytest.importorskip(
    "ray.util.scheduling_strategies"
).NodeAffinitySchedulingStrategy
RANGES = [(k, k + 1) for k in range(12)]


@pytest.fixture(scope="module")
def executor(ray_address: str) -> RayExecutor:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return RayExecutor(ray_address)


def actions(n: int) -> tuple[Any, ...]:
    """Heavy-tailed objects, few accounts: pairs enough for every shard."""
    rng = np.random.default_rng(n)
    return (
        rng.integers(0, n // 4, n).astype(np.int32),
        np.minimum(rng.zipf(1.4, n), n // 5).astype(np.int32),
        rng.integers(0, 10**9, n),
        rng.integers(-1, 50, n).astype(np.int32),
        n // 4,
        np.array([10**5, 10**7], np.int64),
    )


def same(a: Any, b: Any) -> bool:
    fields = ("left", "right", "n", "capped", "first", "last")
    return all(getattr(a, f).tobytes() == getattr(b, f).tobytes() for f in fields)


def whereabouts(shared: Any, first: int, stop: int) -> tuple[str, int, bool, bool]:
    values, _ = shared
    time.sleep(0.2)
    node = ray.get_runtime_context().get_node_id()
    return node, int(values[first]), values.flags.writeable, values.flags.owndata


def test_ray_shares_without_a_copy_and_uses_every_machine(executor: RayExecutor) -> None:
    values = np.arange(1_000_000)
    found = list(executor.map(whereabouts, (values, "x"), RANGES, 0))
    assert [v for _, v, _, _ in found] == list(range(12))
    assert len({node for node, _, _, _ in found}) == 2
    # looks writable, so that no kernel compiles again, and is no copy
    assert all(writeable and not own for _, _, writeable, own in found)


def test_ray_engine_gives_the_bytes_of_threads(executor: RayExecutor) -> None:
    world = actions(20_000)
    here, there = CpuEngine(1), CpuEngine(0, executor=executor)
    a, b = here.count_pairs(*world, 1, 50, 1), there.count_pairs(*world, 1, 50, 0)
    assert a.edges.size > 1000
    assert same(a.edges, b.edges) and np.array_equal(a.dropped, b.dropped)
    some = a.edges.left[::3], a.edges.right[::3]
    assert same(here.rescore_pairs(*world, *some, 1), there.rescore_pairs(*world, *some, 0))
    batches = list(there.pair_batches(*world, 1, 50, 0))
    assert np.array_equal(np.concatenate([x.left for x in batches]), a.edges.left)


def test_ray_similar_texts_are_those_of_threads(executor: RayExecutor) -> None:
    rng = np.random.default_rng(3)
    texts = [np.unique(rng.integers(0, 60, 12)) for _ in range(600)]
    starts = np.cumsum([0] + [len(t) for t in texts]).astype(np.int64)
    values = np.concatenate(texts).astype(np.uint64)
    here, there = CpuEngine(1), CpuEngine(0, executor=executor)
    for method, rest in (("near_copies", (0.5, 7)), ("similar_sets", (0.5,))):
        a = getattr(here, method)(starts, values, *rest)
        b = getattr(there, method)(starts, values, *rest)
        assert len(a[0]) and [x.tobytes() for x in a] == [x.tobytes() for x in b]


def test_ray_works_through_a_small_memory_too(executor: RayExecutor) -> None:
    world = actions(20_000)
    whole = CpuEngine(1).count_pairs(*world, 2, 50, 1).edges
    batches = list(pairs.pair_batches(*world, 2, 50, 0, budget=1_000_000, executor=executor))
    assert len(batches) > 1  # the actions lie in parts on disk
    for field in ("left", "right", "n", "capped", "first", "last"):
        joined = np.concatenate([getattr(batch, field) for batch in batches])
        assert joined.tobytes() == getattr(whole, field).tobytes()


def no_new_kernels(shared: Any, first: int, stop: int) -> tuple[int, int]:
    from klieg.engine import accumulate, pairs

    pairs.count_shard(shared, first, stop)
    kernel: Any = accumulate.accumulate
    return len(kernel.signatures), sum(kernel.stats.cache_misses.values())


def counting(n: int) -> tuple[Any, list[tuple[int, int]]]:
    """What ``count_pairs`` shares and the ranges it cuts, caught on their way."""
    caught: list[Any] = []

    class Catch(ThreadExecutor):
        def map(self, function: Any, shared: Any, ranges: Any, threads: int) -> Any:
            caught.append((shared, list(ranges)))
            return super().map(function, shared, ranges, threads)

    list(pairs.pair_batches(*actions(n), 1, 50, 2, executor=Catch()))
    shared, ranges = caught[0]
    return shared, ranges


def test_ray_workers_load_kernels_and_compile_none(executor: RayExecutor) -> None:
    shared, ranges = counting(5_000)
    found = list(executor.map(no_new_kernels, shared, ranges, 0))
    assert {signatures for signatures, _ in found} == {1}
    assert {misses for _, misses in found} == {0}


def written(tree: Any) -> tuple[Any, list[tuple[str, bytes]]]:
    form, arrays = fold(tree)
    return form, [(a.dtype.str, a.tobytes()) for a in arrays]


def dies_once(shared: Any, first: int, stop: int) -> Any:
    """Counts pairs; the worker of one shard is killed in the middle of it, the first time."""
    counted, log, victim = shared
    with Path(log).open("a") as file:
        file.write(f"{first}\n")
    if first == victim and not Path(log + ".killed").exists():
        Path(log + ".killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pairs.count_shard(counted, first, stop)


def test_ray_a_killed_worker_costs_its_shard(executor: RayExecutor, tmp_path: Path) -> None:
    counted, ranges = counting(20_000)
    log = tmp_path / "log"
    victim = ranges[len(ranges) // 2][0]
    found = list(executor.map(dies_once, (counted, str(log), victim), ranges, 0))
    plain = [pairs.count_shard(counted, *cut) for cut in ranges]
    assert [written(part) for part in found] == [written(part) for part in plain]
    assert sum(len(part[0]) for part in found) > 1000
    runs = Counter(int(line) for line in log.read_text().splitlines())
    assert Path(f"{log}.killed").exists()
    assert runs == Counter({first: 2 if first == victim else 1 for first, _ in ranges})


def always_dies(shared: Any, first: int, stop: int) -> int:
    if first == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return first


def test_ray_a_shard_that_always_dies_is_named(executor: RayExecutor) -> None:
    with pytest.raises(EngineError, match="shard 3 … 4 of always_dies was lost 4 times"):
        list(executor.map(always_dies, (), RANGES[:4], 0))


def raises(shared: Any, first: int, stop: int) -> int:
    if first == 2:
        raise ZeroDivisionError("by nothing")
    if first == 5:
        raise InputError("torn", path="a.csv", line=7)
    if first == 8:
        raise ConfigError("memory", "x", "a size")
    return first


@pytest.mark.parametrize(
    ("cut", "kind", "says"),
    [
        (2, EngineError, r"shard 2 … 3 of raises failed: ZeroDivisionError: by nothing"),
        (5, InputError, r"a\.csv, line 7: torn"),
        (8, ConfigError, r"memory = 'x': allowed is a size"),
    ],
)
def test_ray_errors_arrive_as_they_were(
    executor: RayExecutor, cut: int, kind: type[Exception], says: str
) -> None:
    results = executor.map(raises, (), [(k, k + 1) for k in range(cut - 1, cut + 2)], 0)
    assert next(results) == cut - 1
    with pytest.raises(kind, match=says) as raised:
        next(results)
    if kind is InputError:
        assert raised.value.line == 7  # type: ignore[attr-defined]


def noted(shared: Any, first: int, stop: int) -> int:
    with Path(shared[0]).open("a") as file:
        file.write(f"{first}\n")
    return first


def test_ray_looks_only_a_little_ahead_and_tells_how_far(
    executor: RayExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int | None]] = []
    monkeypatch.setattr(executor, "progress", lambda *said: told.append(said))
    monkeypatch.setattr(executor, "patience", 0.0)
    log = tmp_path / "log"
    results = executor.map(noted, (str(log),), RANGES, 1)
    assert next(results) == 0
    time.sleep(0.5)
    assert len(log.read_text().splitlines()) <= 3
    assert list(results) == list(range(1, 12))
    assert told == [("ray: noteds", k, 12) for k in range(12)]


def test_ray_finished_shards_are_kept(ray_address: str, tmp_path: Path) -> None:
    config = Config(executor="ray", ray_address=ray_address, resume=str(tmp_path / "kept"))
    log = tmp_path / "log"
    for _ in range(2):
        assert list(make("executors", "ray", config).map(noted, (str(log),), RANGES, 0)) == list(
            range(12)
        )
    assert Counter(log.read_text().split()) == Counter(map(str, range(12)))


def slow(shared: Any, first: int, stop: int) -> int:
    with Path(shared[0]).open("a") as file:
        file.write(f"{first} {ray.get_runtime_context().get_node_id()}\n")
    time.sleep(0.1)
    return first


def test_ray_a_machine_that_dies_costs_its_shards(
    ray_cluster: Any, executor: RayExecutor, tmp_path: Path
) -> None:
    third = ray_cluster.add_node(num_cpus=1, include_dashboard=False)
    ray_cluster.wait_for_nodes()
    there = NodeAffinitySchedulingStrategy(third.node_id, soft=False)
    ray.get(ray.remote(lambda: None).options(scheduling_strategy=there).remote())  # a worker is up
    log = tmp_path / "log"
    ranges = [(k, k + 1) for k in range(40)]
    found, alive = [], True
    for result in executor.map(slow, (str(log),), ranges, 3):
        found.append(result)
        if alive and third.node_id in log.read_text():
            ray_cluster.remove_node(third, allow_graceful=False)
            alive = False
    assert not alive and found == list(range(40))
    runs = Counter(int(line.split()[0]) for line in log.read_text().splitlines())
    assert set(runs) == set(range(40))
    # again: what ran on it, or had its result in its memory only and was not fetched yet
    assert runs.total() <= 40 + 6 and max(runs.values()) <= 2
