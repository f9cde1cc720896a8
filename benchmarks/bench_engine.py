"""The pair engine on a million heavy-tailed actions, beside DuckDB's join on the same work.

``python benchmarks/bench_engine.py [--rows 1000000]`` makes actions with Zipf objects, bursts
(median 20 min), a daily rhythm and planted groups; counts all pairs at 60 s, then the whole ladder
with the occupancy cap and the candidates scored again exactly; checks that DuckDB finds the same
pairs; writes results/engine.csv. CPU seconds are of all threads; medians where a run is short.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import duckdb
import numba
import numpy as np

from klieg.config import WINDOWS, Config
from klieg.engine import cpu, pairs
from measure import save

SEED = 11
DAY = 86_400
Columns = tuple[Any, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    columns = world(chosen.rows)
    engine = cpu.engine(Config())
    cpu.warm()
    minute = np.array([60], np.int64) * 1_000_000
    ladder = np.array(WINDOWS, np.int64) * 1_000_000
    rows: list[dict[str, object]] = []

    def add(name: str, repeats: int, work: Callable[[], Any], count: Callable[[Any], int]) -> Any:
        result, cpu_s, wall_s = timed(work, repeats)
        rows.append(
            {
                "work": name,
                "rows": chosen.rows,
                "pairs": count(result),
                "cpu_s": round(cpu_s, 3),
                "wall_s": round(wall_s, 3),
                "repeats": repeats,
                "versions": f"numba {numba.__version__}, duckdb {duckdb.__version__}, "
                f"numpy {np.__version__}",
            }
        )
        print(rows[-1], flush=True)
        return result

    def size(counted: Any) -> int:
        return int(counted.edges.size)

    all_pairs = add(
        "all pairs within 60 s",
        chosen.repeats,
        lambda: engine.count_pairs(*columns, minute, 1, None, 0),
        size,
    )
    found = add(
        "DuckDB, time buckets: all pairs within 60 s",
        1,
        lambda: database(columns, 60),
        lambda found: len(found["n"]),
    )
    edges = all_pairs.edges
    assert np.array_equal(found["l"], edges.left) and np.array_equal(found["r"], edges.right)
    assert np.array_equal(found["n"], edges.n[:, 0])
    del all_pairs, edges, found
    add(
        "pairs with 2 objects within 60 s",
        chosen.repeats,
        lambda: engine.count_pairs(*columns, minute, 2, None, 0),
        size,
    )
    candidates = add(
        "ladder to 24 h, 2 objects, cap 100",
        chosen.repeats,
        lambda: engine.count_pairs(*columns, ladder, 2, 100, 0),
        size,
    ).edges
    add(
        "candidates scored again, exactly",
        chosen.repeats,
        lambda: engine.rescore_pairs(*columns, ladder, candidates.left, candidates.right, 0),
        lambda edges: int(edges.size),
    )
    add(
        "pair totals of the ladder (pairs: all co-actions at 24 h)",
        chosen.repeats,
        lambda: engine.pair_totals(*columns[:3], int(columns[1].max()) + 1, ladder, None),
        lambda totals: int(totals[:, -1].sum()),
    )
    plan = pairs.plan(*columns, ladder, 2, 100)
    print(plan)
    print(save("engine", rows, seed=SEED))


def world(n: int) -> Columns:
    """account, object, time (µs), target, n_accounts: a month, accounts n / 10, objects n / 5."""
    draw = np.random.default_rng(SEED)
    accounts, objects = n // 10, n // 5
    popularity = 1.0 / np.arange(1, objects + 1) ** 0.9
    object_ = np.searchsorted(np.cumsum(popularity) / popularity.sum(), draw.random(n))
    activity = np.sort(draw.pareto(1.3, accounts) + 1.0)
    account = np.searchsorted(np.cumsum(activity) / activity.sum(), draw.random(n))
    # half of an object's actions follow within a burst, half in the days after, by day
    born = draw.random(objects) * 29 * DAY
    burst = draw.lognormal(np.log(20 * 60), 1.2, n)
    days = draw.exponential(1.5 * DAY, n)
    hours = DAY * (0.5 + 0.18 * draw.normal(size=n))
    late = np.floor(days / DAY) * DAY + hours - born[object_] % DAY
    second = born[object_] + np.where(draw.random(n) < 0.5, burst, np.abs(late))
    for group in range(20):  # 20 accounts × 15 objects within a minute
        members = draw.choice(accounts, 20, replace=False)
        rows = draw.choice(n, 300, replace=False)
        account[rows] = np.tile(members, 15)
        object_[rows] = np.repeat(draw.choice(np.arange(objects // 2, objects), 15), 20)
        second[rows] = group * DAY + np.repeat(draw.random(15) * DAY, 20) + draw.random(300) * 60
    order = np.argsort(second, kind="stable")
    target = draw.integers(0, objects // 10, objects)
    return (
        account[order].astype(np.int32),
        object_[order].astype(np.int32),
        (second[order]).astype(np.int64) * 1_000_000,
        target[object_[order]].astype(np.int32),
        accounts,
    )


def database(columns: Columns, window: int) -> dict[str, Any]:
    """All pairs within the window by a join on (object, time bucket), which beats a range join."""
    db = duckdb.connect()
    db.register("given", dict(zip("aot", columns[:3], strict=True)))
    db.execute("create table acts as select a, o, t // 1000000 t from given")
    return db.execute(f"""
        with near as (
            select x.a xa, y.a ya, x.o
            from (select *, unnest([t // {window} - 1, t // {window}, t // {window} + 1]) b
                  from acts) x
            join (select *, t // {window} b from acts) y
            on x.o = y.o and x.b = y.b and x.a < y.a and abs(x.t - y.t) <= {window})
        select xa l, ya r, count(distinct o) n from near group by all order by l, r""").fetchnumpy()


def timed(work: Callable[[], Any], repeats: int) -> tuple[Any, float, float]:
    """The last result, and the median CPU and wall seconds."""
    cpu_s, wall_s = [], []
    result = None
    for _ in range(repeats):
        result = None
        started, began = time.process_time(), time.perf_counter()
        result = work()
        cpu_s.append(time.process_time() - started)
        wall_s.append(time.perf_counter() - began)
    return result, statistics.median(cpu_s), statistics.median(wall_s)


if __name__ == "__main__":
    main()
