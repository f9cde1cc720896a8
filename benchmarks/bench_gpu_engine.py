"""Co-actions a second of the gpu engine on a device, beside the compiled engine on the same rows.

``python benchmarks/bench_gpu_engine.py [--device cuda] [--rows 1000000] [--small]`` counts the same
work with both: all pairs within 60 s; the ladder to 24 h with the occupancy cap; its candidates
scored again; the pair totals of the ladder; and checks that every integer is the same. Each device
is warmed up first and waited for; medians. Writes results/gpu_engine.csv with the device and the
versions. A co-action is a pair of actions of two accounts on one object within the widest window.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from bench_engine import SEED, world
from klieg.config import WINDOWS, Config
from klieg.engine import cpu, gpu
from measure import save

Work = Callable[[Any], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="", help="cuda, cuda:N, mps, cpu; the best by default")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument(
        "--threads", type=int, default=1, help="torch's on the processor; waiting ones spin [1]"
    )
    parser.add_argument("--small", action="store_true", help="100,000 rows, 3 repeats")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.rows, chosen.repeats = 100_000, 3
    torch.set_num_threads(chosen.threads)
    columns = world(chosen.rows)
    engines = {
        gpu.device_of(Config(device=chosen.device)): gpu.engine(Config(device=chosen.device)),
        "compiled": cpu.engine(Config()),
    }
    cpu.warm()
    rows: list[dict[str, object]] = []
    for name, co_actions, work in works(columns, engines["compiled"]):
        answers = []
        for place, engine in engines.items():
            answer, wall_s, cpu_s = timed(lambda e=engine, w=work: w(e), chosen.repeats)
            answers.append(answer)
            rows.append(
                {
                    "work": name,
                    "engine": engine.name,
                    "on": place,
                    "rows": chosen.rows,
                    "co_actions": co_actions,
                    "wall_s": round(wall_s, 4),
                    "cpu_s": round(cpu_s, 4),
                    "co_actions_a_wall_s": round(co_actions / wall_s),
                    "co_actions_a_cpu_s": round(co_actions / cpu_s),
                    "repeats": chosen.repeats,
                    "versions": f"torch {torch.__version__}, numpy {np.__version__}",
                }
            )
            print(rows[-1], flush=True)
        assert same(*answers), f"{name}: the engines differ"
    print(save("gpu_engine", rows, seed=SEED))


def works(columns: tuple[Any, ...], engine: Any) -> list[tuple[str, int, Work]]:
    """What is measured: its name, the co-actions in it, and the call."""
    minute, ladder = (np.array(w, np.int64) * 1_000_000 for w in ([60], WINDOWS))
    objects = int(columns[1].max()) + 1
    near = int(engine.pair_totals(*columns[:3], objects, minute, None).sum())
    capped = int(engine.pair_totals(*columns[:3], objects, ladder, 100).max(axis=1).sum())
    every = int(engine.pair_totals(*columns[:3], objects, ladder, None)[:, -1].sum())
    found = engine.count_pairs(*columns, ladder, 2, 100, 0).edges
    return [
        ("all pairs within 60 s", near, lambda e: e.count_pairs(*columns, minute, 1, None, 0)),
        (
            "pairs with 2 objects within 60 s",
            near,
            lambda e: e.count_pairs(*columns, minute, 2, None, 0),
        ),
        (
            "ladder to 24 h, 2 objects, cap 100",
            capped,
            lambda e: e.count_pairs(*columns, ladder, 2, 100, 0),
        ),
        (
            "candidates scored again (co-actions: pairs)",
            int(found.size),
            lambda e: e.rescore_pairs(*columns, ladder, found.left, found.right, 0),
        ),
        (
            "pair totals of the ladder",
            every,
            lambda e: e.pair_totals(*columns[:3], objects, ladder, None),
        ),
    ]


def timed(work: Callable[[], Any], repeats: int) -> tuple[Any, float, float]:
    """The last result, and the median wall and CPU seconds; it ends with results on the host."""
    work()
    wall_s, cpu_s = [], []
    result = None
    for _ in range(repeats):
        result = None
        began, started = time.perf_counter(), time.process_time()
        result = work()
        cpu_s.append(time.process_time() - started)
        wall_s.append(time.perf_counter() - began)
    return result, statistics.median(wall_s), statistics.median(cpu_s)


def same(one: Any, other: Any) -> bool:
    """Whether two answers hold the same integers."""
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


if __name__ == "__main__":
    main()
