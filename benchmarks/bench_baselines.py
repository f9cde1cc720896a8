"""klieg and every baseline on real operations: AUC, at matched volume, and each one's own rule.

``python benchmarks/bench_baselines.py [--small]`` reads the folder named by KLIEG_DATA and writes
results/baselines_real.csv. "Operation" is an account the data set's authors attribute to one.
Nothing is fitted or split: no method sees a label. ``--small`` is the airline's data alone and
keeps nothing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import klieg
from klieg.evaluation.baselines import weighed
from klieg.sources.simulate import TrueGroup, Truth
from measure import save
from real_data import DATA, operation

SETS = {
    "mix_airline_2015": ("mix_airline_2015.parquet",),
    "io_ira in organic": ("io_ira_twitter_dev.parquet", "organic_twitter_dev.parquet"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    rows = []
    for name, files in list(SETS.items())[: 1 if small else None]:
        for row in _weigh(name, [DATA / f for f in files]):
            rows.append(row)
            print(row, flush=True)
    if not small:
        print(save("baselines_real", rows, seed=0))


def _weigh(name: str, files: list[Path]) -> list[dict[str, object]]:
    since = time.process_time()
    case = klieg.scan(files)
    accounts = tuple(sorted(operation(files[0])))
    truth = Truth.of((TrueGroup("campaign:operation-1", "operation", accounts, ()),))
    print(f"{name}: {case.posts.n:,} posts, {time.process_time() - since:.0f} CPU s", flush=True)
    return [
        {
            "data": name,
            "method": w.method,
            "accounts": w.accounts,
            "operation": w.positive,
            "auc": _short(w.auc),
            "auc_matched": _short(w.auc_matched),
            "named": w.named,
            "right": w.right,
            "precision": _short(w.precision),
            "recall": _short(w.recall),
        }
        for w in weighed(case, truth)
    ]


def _short(value: float) -> float | str:
    return "" if value != value else round(value, 4)


if __name__ == "__main__":
    main()
