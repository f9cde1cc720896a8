"""The whole way, timed: a million posts, a thousand, ten; and the help page.

``python benchmarks/bench_scan.py [--posts 1000000]`` simulates a world as X API v2 JSONL in a
scratch folder, scans it as a user would, and writes results/scan.csv. Medians where a run is short.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import KLIEG, Taken, run, save

SEED = 11
POSTS_AN_ACCOUNT = 24.4  # what the simulator makes of its defaults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="reuse or keep the simulated world here")
    chosen = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(exist_ok=True)
        world = folder / f"world-{chosen.posts}.jsonl"
        if not world.exists():
            accounts = int(chosen.posts / POSTS_AN_ACCOUNT)
            made = run(
                [KLIEG, "simulate", str(world), "--accounts", str(accounts), "--seed", str(SEED)]
            )
            rows.append(_row("simulate", chosen.posts, [made]))
        rows.append(_row("klieg --help", 0, [run([KLIEG, "--help"]) for _ in range(9)]))
        for name, lines in (("ten", 10), ("thousand", 1000)):
            _head(world, folder / f"{name}.jsonl", lines)
        dry = [KLIEG, "scan", "--dry-run", str(folder / "ten.jsonl")]
        rows.append(_row("scan --dry-run, 10 rows", 10, [run(dry) for _ in range(7)]))
        small = [KLIEG, "scan", str(folder / "thousand.jsonl"), "--force", "-q"]
        small += ["-o", str(folder / "thousand.klieg")]
        cold = {"NUMBA_CACHE_DIR": str(Path(scratch) / "cold")}
        rows.append(_row("scan, 1,000 posts, first run", 1000, [run(small, env=cold)]))
        run(small)
        rows.append(_row("scan, 1,000 posts, warm", 1000, [run(small) for _ in range(5)]))
        whole = [KLIEG, "scan", str(world), "--force", "-o", str(folder / "world.klieg")]
        taken = run(whole)
        print(taken.out, taken.err, file=sys.stderr)
        with world.open("rb") as file:
            posts = sum(1 for _ in file)
        rows.append(_row("scan, all signals, one shuffle", posts, [taken]))
        shutil.copy(folder / "world.run.json", Path(__file__).parent / "results" / "scan.run.json")
    for row in rows:
        print(row)
    print(save("scan", rows, seed=SEED))


def _row(what: str, posts: int, runs: list[Taken]) -> dict[str, object]:
    bad = [r for r in runs if r.code]
    if bad:
        sys.exit(f"{what} ended with {bad[0].code}: {bad[0].err}")
    return {
        "what": what,
        "posts": posts,
        "runs": len(runs),
        "seconds": round(statistics.median(r.seconds for r in runs), 3),
        "cpu_seconds": round(statistics.median(r.cpu_seconds for r in runs), 3),
        "peak_mib": round(statistics.median(r.peak_mib for r in runs)),
    }


def _head(source: Path, target: Path, lines: int) -> None:
    with source.open("rb") as file, target.open("wb") as out:
        for _, line in zip(range(lines), file, strict=False):
            out.write(line)


if __name__ == "__main__":
    main()
