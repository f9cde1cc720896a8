"""Whole scans of what makes pairs by the billion: viral days, live events, thousands at once.

``python benchmarks/bench_crowds.py [--small]`` scans, each in a process of its own, ordinary link
traffic with: one object of 100,000 acts in a day; 30,000 accounts on one object within 30 s; the
same 30,000 on three and on six objects; 1,000 accounts on eight. Writes results/crowds.csv: CPU
seconds, peak memory, the crowd found, whose members the findings are, and how they are classed.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np
import pyarrow as pa

import klieg
from klieg.config import Config
from klieg.tables import POSTS, SECOND, TIME
from measure import run, save

SEED = 1
DAY = 86_400
MONDAY = 4 * DAY + 2_900 * 7 * DAY
ORDINARY = 60_000  # accounts, with six acts and two thirds each on average
WORLDS: dict[str, tuple[int, int, int]] = {  # crowd, objects, acts in a day on one object
    "ordinary traffic": (0, 0, 0),
    "one object, 100,000 acts in a day": (0, 0, 100_000),
    "30,000 accounts on one object in 30 s": (30_000, 1, 0),
    "30,000 accounts on three objects in 30 s each": (30_000, 3, 0),
    "30,000 accounts on six objects in 30 s each": (30_000, 6, 0),
    "1,000 accounts on eight objects in 30 s each": (1_000, 8, 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of it; nothing is saved")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    scale = 10 if chosen.small else 1
    if chosen.child:
        print(json.dumps(scanned(*WORLDS[chosen.child], scale)))
        return
    rows: list[dict[str, object]] = []
    for name in WORLDS:
        small = ["--small"] if chosen.small else []
        taken = run([sys.executable, __file__, "--child", name, *small])
        if taken.code:
            raise SystemExit(f"{name}: exit {taken.code}\n{taken.err}")
        told = json.loads(taken.out.splitlines()[-1])
        rows.append(
            {
                "world": name,
                "cpu_s": round(taken.cpu_seconds, 1),
                "wall_s": round(taken.seconds, 1),
                "peak_mib": round(taken.peak_mib),
                **told,
            }
        )
        print(rows[-1], flush=True)
    if not chosen.small:
        print(save("crowds", rows, seed=SEED))


def scanned(crowd: int, objects: int, day: int, scale: int) -> dict[str, object]:
    """What a scan says: posts, pairs in crowds, and each finding's class and members."""
    ordinary = ORDINARY // scale
    table = posts(ordinary, crowd // scale, objects, day // scale)
    case = klieg.scan(table, config=Config(signals=("link",)))
    stat = case.layers[0].stat
    ids = case.posts.account_ids.to_pylist()
    told = []
    for finding in case.findings:
        inside = sum(int(ids[m.account]) >= ordinary for m in finding.members)
        told.append(f"{finding.class_}: {len(finding.members)} accounts, {inside} of the crowd")
    return {
        "posts": case.posts.n,
        "crowds": stat.crowds,
        "crowd_pairs": stat.crowd_pairs,
        "crowd_scored": stat.crowd_scored,
        "crowd_possible": stat.crowd_possible,
        "second_level": stat.second_level,
        "validated": stat.validated,
        "findings": "; ".join(told),
    }


def posts(ordinary: int, crowd: int, objects: int, day: int) -> pa.Table:
    """Zipf links in bursts over three weeks; members of the crowd do one ordinary act besides."""
    draw = np.random.default_rng(SEED)
    acts = ordinary * 20 // 3
    things = acts // 5
    popular = np.cumsum(1.0 / np.arange(1, things + 1) ** 0.9)
    active = np.cumsum(draw.pareto(1.3, ordinary) + 1.0)
    born = draw.random(things) * 20 * DAY
    who = [np.searchsorted(active / active[-1], draw.random(acts)), ordinary + np.arange(crowd)]
    what = [np.searchsorted(popular / popular[-1], draw.random(acts + crowd))]
    burst = draw.lognormal(np.log(1200), 1.2, acts + crowd)
    late = draw.exponential(1.5 * DAY, acts + crowd)
    when = [born[what[0]] + np.where(draw.random(acts + crowd) < 0.5, burst, late)]
    for j in range(objects):
        who.append(ordinary + np.arange(crowd))
        what.append(np.full(crowd, things + j))
        when.append(DAY * (3 + 2 * j) + 4000 + draw.random(crowd) * 30)
    who.append(draw.integers(0, ordinary, day))
    what.append(np.full(day, things + 99))
    when.append(5 * DAY + draw.random(day) * DAY)
    return _table(*(np.concatenate(x) for x in (who, what, when)), things)


def _table(who: np.ndarray, what: np.ndarray, when: np.ndarray, things: int) -> pa.Table:
    n, sites = len(who), max(things // 10, 1)
    columns = {f.name: pa.nulls(n, f.type) for f in POSTS}
    columns["platform"] = pa.repeat(pa.scalar("x"), n)
    columns["post_id"] = pa.array(np.arange(n)).cast(pa.string())
    columns["account_id"] = pa.array(who).cast(pa.string())
    columns["time"] = pa.array((MONDAY + when.astype(np.int64)) * SECOND).cast(TIME)
    columns["lang"] = pa.repeat(pa.scalar("en"), n)
    columns["urls"] = pa.array(
        [[f"https://s{x % sites if x < things else f'c{x}'}.org/{x}"] for x in what.tolist()]
    )
    return pa.table(columns, schema=POSTS)


if __name__ == "__main__":
    main()
