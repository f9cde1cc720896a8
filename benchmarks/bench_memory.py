"""A scan under budgets: what it holds and takes, and that the case is the same bytes.

``python benchmarks/bench_memory.py [--small]`` simulates worlds of about one and three million
posts as X API v2 JSONL, scans each without a budget and under several, and writes
results/memory.csv. A budget that is too small must be refused; one that is taken must be kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from measure import KLIEG, run, save

SEED = 11
POSTS_AN_ACCOUNT = 26
PLAN = {1_050_000: ("", "3GiB", "2GiB", "1536MiB", "1GiB"), 3_200_000: ("", "4GiB", "3GiB", "2GiB")}
SMALL = {50_000: ("", "2GiB", "600MiB", "300MiB")}
SLACK = 1.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--keep", type=Path, help="reuse or keep the simulated worlds here")
    chosen = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(exist_ok=True)
        for posts, budgets in (SMALL if chosen.small else PLAN).items():
            world = folder / f"world-{posts}.jsonl"
            if not world.exists():
                accounts = str(posts // POSTS_AN_ACCOUNT)
                made = run(
                    [KLIEG, "simulate", str(world), "--accounts", accounts, "--seed", str(SEED)]
                )
                if made.code:
                    sys.exit(made.err)
            rows += _scans(world, budgets, Path(scratch))
    if not chosen.small:
        print(save("memory", rows, seed=SEED))


def _scans(world: Path, budgets: tuple[str, ...], scratch: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    first: dict[str, str] = {}
    case = scratch / "world.klieg"
    for budget in budgets:
        asked = ["--memory", budget] if budget else []
        taken = run([KLIEG, "scan", str(world), "--force", "-q", "-o", str(case), *asked])
        row: dict[str, object] = {
            "file_mib": world.stat().st_size >> 20,
            "budget": budget or "none",
            "ended": "finished" if taken.code == 0 else "refused",
            "posts": "",
            "lay": "",
            "seconds": round(taken.seconds, 1),
            "cpu_seconds": round(taken.cpu_seconds, 1),
            "peak_mib": round(taken.peak_mib),
            "said": "",
        }
        if taken.code:
            row["said"] = taken.err.strip().splitlines()[-1]
        else:
            told = json.loads((scratch / "world.run.json").read_text())
            row |= {"posts": told["counts"]["posts"], "lay": told["place"]["posts"]}
            first = first or told["outputs"]
            assert told["outputs"] == first, f"{budget}: the case differs"
            if budget:
                most = _mib(budget) * SLACK
                assert taken.peak_mib <= most, f"{budget} broken: {taken.peak_mib:.0f} MiB"
        print(row, flush=True)
        rows.append(row)
    return rows


def _mib(budget: str) -> float:
    return float(budget[:-3]) * {"MiB": 1, "GiB": 1024}[budget[-3:]]


if __name__ == "__main__":
    main()
