"""What Ray costs beside threads of one process, on the same shards, the same bytes checked.

``python benchmarks/bench_ray.py [--rows 10000000] [--small]`` counts the pairs of heavy-tailed
actions (at most 10 s apart, two objects or more) on as many cores three ways: threads of this
process, Ray on this machine, and a cluster of raylets of one core each on this machine (the code
path of several machines). Starting Ray and loading the kernels is timed apart. CPU seconds are of
this process and every process below it, from /proc (Linux). Writes results/ray.csv.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench_engine import SEED, Columns, world
from klieg.engine.cpu import CpuEngine
from measure import save

WINDOW = np.array([10], np.int64) * 1_000_000
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="1,000,000 rows, once")
    chosen = parser.parse_args()
    rows, repeats = (1_000_000, 1) if chosen.small else (chosen.rows, chosen.repeats)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    print(f"{rows:,} actions, {chosen.cores} cores, {repeats} runs each", flush=True)
    columns, few = world(rows), world(50_000)
    found: list[dict[str, object]] = []
    wanted = b""
    for place in ("threads", "ray, this machine", f"ray, {chosen.cores} raylets"):
        start, engine, close = _placed(place, chosen.cores, few)
        runs = [_timed(engine, columns) for _ in range(repeats)]
        close()
        wanted = wanted or runs[0][2]
        found.append(
            {
                "place": place,
                "rows": rows,
                "cores": chosen.cores,
                "repeats": repeats,
                "start_s": round(start, 2),
                "cpu_s": round(statistics.median(r[0] for r in runs), 2),
                "wall_s": round(statistics.median(r[1] for r in runs), 2),
                "pairs": len(wanted) // 32,
                "same_bytes": all(r[2] == wanted for r in runs),
            }
        )
        base = float(str(found[0]["cpu_s"])), float(str(found[0]["wall_s"]))
        found[-1]["cpu_ratio"] = round(float(str(found[-1]["cpu_s"])) / base[0], 2)
        found[-1]["wall_ratio"] = round(float(str(found[-1]["wall_s"])) / base[1], 2)
        print(found[-1], flush=True)
    if not chosen.small:
        print(save("ray", found, seed=SEED))


def _placed(place: str, cores: int, few: Columns) -> tuple[float, CpuEngine, Callable[[], None]]:
    """Seconds to start and to load every kernel, the engine, and how to end it."""
    since = time.perf_counter()
    if place == "threads":
        engine, close = CpuEngine(cores), _nothing
    else:
        from klieg.engine.ray_executor import RayExecutor

        cluster = None if place == "ray, this machine" else _cluster(cores)
        executor = RayExecutor("" if cluster is None else cluster.address, cores)
        engine = CpuEngine(cores, executor=executor)

        def close() -> None:
            executor.close()
            if cluster is not None:
                cluster.shutdown()

    engine.count_pairs(*few, WINDOW, 2, None, cores)
    return time.perf_counter() - since, engine, close


def _nothing() -> None:
    pass


def _cluster(cores: int) -> Any:
    from ray.cluster_utils import Cluster

    logging.getLogger("ray").setLevel(logging.ERROR)
    one = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=one)
    for _ in range(cores - 1):
        cluster.add_node(**one)
    cluster.wait_for_nodes()
    return cluster


def _timed(engine: CpuEngine, columns: Columns) -> tuple[float, float, bytes]:
    """CPU and wall seconds of one count, and the bytes of what came of it."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    edges = engine.count_pairs(*columns, WINDOW, 2, None, engine.threads).edges
    cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    parts = (edges.left, edges.right, edges.n, edges.capped, edges.first, edges.last)
    return cpu, wall, b"".join(part.tobytes() for part in parts)


def _cpu_seconds() -> float:
    """Of this process and every living one below it."""
    parent: dict[int, int] = {}
    spent: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        parent[int(folder.name)] = int(words[1])
        spent[int(folder.name)] = sum(map(int, words[11:15])) / TICK
    ours = {os.getpid()}
    while more := {pid for pid, above in parent.items() if above in ours} - ours:
        ours |= more
    return sum(spent.get(pid, 0.0) for pid in ours)


if __name__ == "__main__":
    main()
