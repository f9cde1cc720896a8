"""``klieg evaluate --suite``, kept for docs/results.md.

``python benchmarks/bench_suite.py [--small] [--full] [--large] [--seeds N] [--folder F]`` runs the
suite (or goes on with one that was stopped), and writes results/suite.csv and its other tables.
``--large`` runs the crews and niches of 8,000 accounts over 30 days alone and writes
results/suite_large.csv; ``--small`` is one seed and keeps nothing.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from klieg.evaluation.page import write
from klieg.evaluation.plan import FIRST_SEED, plan
from klieg.evaluation.suite import run_suite, stamp
from measure import save

TABLES = {
    "measures": "suite",
    "planted": "suite_planted",
    "look_alikes": "suite_look_alikes",
    "baselines": "suite_baselines",
    "smallest": "suite_smallest",
    "evasions": "suite_evasions",
    "collections": "suite_collections",
    "languages": "suite_languages",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path("klieg-suite"))
    chosen = parser.parse_args()
    sections = ("large",) if chosen.large else ()
    seeds = 1 if chosen.small else chosen.seeds
    trials = plan(full=chosen.full, seeds=seeds, sections=sections)
    records = run_suite(trials, chosen.folder, progress=_told)
    print(write(records, chosen.folder, stamp()))
    if chosen.small:
        return
    tables = {"planted": "suite_large"} if chosen.large else TABLES
    for table, name in tables.items():
        with (chosen.folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if rows:
            print(save(name, rows, seed=FIRST_SEED))


def _told(stage: str, done: int, total: int | None) -> None:
    print(stage, flush=True)


if __name__ == "__main__":
    main()
