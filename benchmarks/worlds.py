"""Worlds with known truth, other seeds and sizes than those anything was built on.

``python benchmarks/worlds.py`` simulates worlds of 3,000 and 30,000 accounts with and without
campaigns, scans each, and writes results/worlds.csv: what was found of what was planted, who was
flagged that should not be, and how many edges the shuffled data gave at the real threshold.
"""

from __future__ import annotations

import argparse
import time

import klieg
from klieg.case import Case
from measure import save

SEEDS = (1001, 1002, 1003, 1004)
BIG = (2001, 2002)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one world of each kind")
    quick = parser.parse_args().quick
    rows = []
    for accounts, seeds in ((3_000, SEEDS), (30_000, BIG)):
        for seed in seeds[:1] if quick else seeds:
            for quiet in (False, True):
                rows.append(_world(accounts, seed, quiet=quiet))
                print(rows[-1], flush=True)
    if not quick:
        print(save("worlds", rows, seed=0))


def _world(accounts: int, seed: int, *, quiet: bool) -> dict[str, object]:
    chosen = {"campaigns": ()} if quiet else {}
    world = klieg.simulate(seed=seed, accounts=accounts, **chosen)
    since = time.perf_counter()
    case = klieg.scan(world.posts)
    seconds = time.perf_counter() - since
    scores = klieg.evaluate(case, world.truth)
    planted = scores.campaigns
    return {
        "accounts": accounts,
        "world": seed,
        "campaigns": len(planted),
        "posts": case.posts.n,
        "seconds": round(seconds, 1),
        "standing": len(case.findings),
        "found": sum(c.recall > 0.5 for c in planted),
        "coordinated": sum(c.class_ == "coordinated" for c in planted),
        "mean_recall": _mean([c.recall for c in planted]),
        "mean_purity": _mean([c.purity for c in planted if c.recall > 0]),
        "look_alikes_coordinated": sum(
            x.verdict == "called coordinated" for x in scores.look_alikes
        ),
        "false_coordinated": scores.false_coordinated,
        "strong": sum(f.band == "strong" for f in case.findings),
        "ordinary_flagged": scores.ordinary_flagged,
        "posts_precision": _mean([scores.posts_precision] if planted else []),
        **_edges(case),
    }


def _edges(case: Case) -> dict[str, object]:
    """Shuffled edges at the real threshold / max(real edges, 1) / q: at most 1 is the promise."""
    stats = [layer.stat for layer in case.layers if layer.stat.signal != "multiplex"]
    real = sum(s.validated for s in stats)
    shuffled = sum(sum(s.shuffled) / max(len(s.shuffled), 1) for s in stats)
    dial = float(str(case.run.config["false_alarms"]))
    return {
        "validated": real,
        "shuffled": shuffled,
        "shuffled_over_real_over_q": round(shuffled / max(real, 1) / dial, 3),
    }


def _mean(values: list[float]) -> float | str:
    return round(sum(values) / len(values), 3) if values else ""


if __name__ == "__main__":
    main()
