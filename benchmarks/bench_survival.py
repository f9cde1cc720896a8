"""What findings survive, over worlds of both generators: controls, dealt delays, squares, cost.

``python benchmarks/bench_survival.py [--seeds 51001 …] [--accounts 4000] [--deals 0] [--small]``

Worlds as ``fit_posteriors.py`` draws them, on other seeds. Of every class: groups that stand, those
that would be ``coordinated`` with delays dealt anew (none should), those beyond all their controls
by net and by joint acts, re-tests that stand, and the share of a scan's CPU seconds that all of it
took (one thread). ``--deals N`` searches each world again on N deals (nothing of it should be
``coordinated``). Writes results/survival.csv.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from fit_posteriors import GENERATORS, world_of
from klieg import pipeline
from klieg.case import Case
from klieg.config import Config
from klieg.detect import survival
from klieg.evaluation.dealt import CLASSES, searched_again
from klieg.tables import Finding
from measure import save

SPENT = [0.0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(51_001, 51_011)))
    parser.add_argument("--accounts", type=int, default=4000)
    parser.add_argument("--deals", type=int, default=0, help="searches on dealt delays, each world")
    parser.add_argument("--small", action="store_true", help="one small world of each generator")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.seeds, chosen.accounts, chosen.deals = [51_001], 1500, 1
    survival.tested = timed(survival.tested)
    found: list[tuple[str, Finding]] = []
    whole, again = dict.fromkeys(GENERATORS, 0.0), dict.fromkeys(GENERATORS, 0)
    spent = dict.fromkeys(GENERATORS, 0.0)
    for seed in chosen.seeds:
        for generator in GENERATORS:
            case, seconds, ours = scanned(generator, seed, chosen.accounts)
            whole[generator] += seconds
            spent[generator] += ours
            found += [(generator, f) for f in case.findings]
            rows = searched_again(case, range(chosen.deals), threads=1) if chosen.deals else []
            again[generator] += sum(int(str(row["coordinated"])) for row in rows[1:])
            print(generator, seed, len(case.findings), f"{ours / seconds:.1%}", flush=True)
    rows = []
    for generator in GENERATORS:
        mine = [f for g, f in found if g == generator]
        for class_ in CLASSES:
            own = [f for f in mine if f.class_ == class_]
            if own:
                rows.append({"generator": generator, "class": class_, **told(own)})
        rows.append(
            {
                "generator": generator,
                "class": "all",
                **told(mine),
                "searched again: coordinated": again[generator] if chosen.deals else "",
                "share of CPU": round(spent[generator] / whole[generator], 3),
            }
        )
    head = list(rows[-1])
    whole_rows = [{name: row.get(name, "") for name in head} for row in rows]
    for row in whole_rows:
        print(row)
    print(save("survival", whole_rows, seed=chosen.seeds[0]))


def timed(inner: Any) -> Any:
    """The same function, its CPU seconds added up."""

    def spied(*given: Any) -> Any:
        begun = time.process_time()
        answer = inner(*given)
        SPENT[0] += time.process_time() - begun
        return answer

    return spied


def scanned(generator: str, seed: int, accounts: int) -> tuple[Case, float, float]:
    """A world's case, the scan's CPU seconds, and those of what findings survive."""
    world = world_of(generator, seed, accounts)
    SPENT[0] = 0.0
    begun = time.process_time()
    case = pipeline.scan(world.posts, config=Config(seed=seed, threads=1))
    return case, time.process_time() - begun, SPENT[0]


def told(found: Sequence[Finding]) -> dict[str, object]:
    """Counts and shares over some findings."""
    beside = [f.controls for f in found if f.controls and f.controls.nets]
    squares = [r for f in found for r in f.retests if r.what in ("window", "chance", "fewer acts")]
    return {
        "groups": len(found),
        "dealt: coordinated": sum(f.dealt == "coordinated" for f in found),
        "with controls": len(beside),
        "above all by net": sum(c.net > c.nets[-1] for c in beside),
        "above all by joint acts": sum(c.joint > c.joints[-1] for c in beside),
        "alike in activity": sum("activity" in c.matched for c in beside),
        "alike in pool": sum("pool" in c.matched for c in beside),
        **{
            f"squares: {what}": round(float(np.mean(kept)), 3) if kept else ""
            for what in ("window", "chance", "fewer acts")
            if (kept := [r.stands for r in squares if r.what == what]) is not None
        },
    }


if __name__ == "__main__":
    main()
