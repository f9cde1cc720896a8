"""CPU seconds and memory of the pair engine from 10^5 to 10^8 actions, in budgets that are kept.

``python benchmarks/bench_curve.py [--small]`` writes made-up actions to ``.npy`` files (a longer
period at the same rate: 200,000 objects a million actions, accounts n / 10), counts pairs of two
objects over the whole ladder with the occupancy cap, each size in a process of its own that reads
the files in pieces and holds to ``--memory``, and again in smaller and smaller budgets. Writes
results/curve.csv and the plot docs/curve.svg. The largest takes 2 GB of disk for the columns, and
as much again for what does not fit in memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from klieg.config import WINDOWS, Config
from klieg.engine import cpu
from klieg.engine.blocks import Blocks
from klieg.engine.spill import resident
from measure import run, save

SEED = 12
STEP = 1_000_000
SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000)
PLOT = Path(__file__).parents[1] / "docs" / "curve.svg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="up to 10^6 actions, no plot")
    parser.add_argument("--memory", default="8GiB", help="budget of the curve")
    parser.add_argument("--sizes", type=int, nargs="*")
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "MEMORY"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        count(Path(chosen.one[0]), chosen.one[1])
        return
    sizes = chosen.sizes or (SIZES[:3] if chosen.small else SIZES)
    cpu.warm()
    rows: list[dict[str, object]] = []
    for n in sizes:
        tight = () if n < STEP else ("1GiB", "512MiB") if n <= 10 * STEP else ("4GiB",)
        with tempfile.TemporaryDirectory() as folder:
            world(Path(folder), n)
            print(f"{n:,} actions written", flush=True)
            for memory in (chosen.memory, *tight):
                rows.append(measured(folder, n, memory))
                print(rows[-1], flush=True)
    for n in sizes:
        answers = {row["digest"] for row in rows if row["rows"] == n and row["digest"]}
        assert len(answers) == 1, f"{n} actions in different memory gave different pairs"
    print(save("curve", rows, seed=SEED))
    if not chosen.small:
        PLOT.write_text(plot([row for row in rows if row["memory"] == chosen.memory]))
        print(PLOT)


def measured(folder: str, n: int, memory: str) -> dict[str, object]:
    """Count in a process of its own."""
    taken = run([sys.executable, __file__, "--one", folder, memory])
    row: dict[str, object] = {"rows": n, "memory": memory}
    if taken.code != 0:
        sys.exit(taken.err)
    told = json.loads(taken.out)
    budget = cpu.memory_bytes(memory) or 1
    row |= told | {
        "us_a_row": round(1e6 * told["cpu_s"] / n, 3),
        "whole_process_cpu_s": round(taken.cpu_seconds, 2),
        "peak_mib": round(taken.peak_mib, 1),
        "peak_of_budget": round(taken.peak_mib * 2**20 / budget, 3),
    }
    return row


def count(folder: Path, memory: str) -> None:
    """What the process of one measurement does: prints what it found as JSON."""
    columns = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in "aotg"]
    n = len(columns[0])
    ladder = np.array(WINDOWS, np.int64) * 1_000_000
    engine = cpu.engine(Config(memory=memory))
    cpu.warm()
    base = resident()
    begin = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter()
    batches = engine.pair_batches(*columns, accounts(n), ladder, 2, 100, 0)
    pairs, largest = 0, 0
    hashes = [hashlib.blake2b(digest_size=4) for _ in range(6)]
    for edges in batches:
        columns_ = edges.left, edges.right, edges.n, edges.capped, edges.first, edges.last
        for one, values in zip(hashes, columns_, strict=True):
            one.update(np.ascontiguousarray(values))
        pairs, largest = pairs + edges.size, max(largest, edges.size)
    end = resource.getrusage(resource.RUSAGE_SELF)
    work = batches.work
    told = {
        "pairs": pairs,
        "cpu_s": round(end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime, 3),
        "wall_s": round(time.perf_counter() - wall, 3),
        "base_mib": round(base / 2**20, 1),
        "parts": len(work.bounds) - 1 if isinstance(work, Blocks) else 1,
        "largest_batch": largest,
        "digest": "".join(one.hexdigest() for one in hashes),
    }
    print(json.dumps(told))


def accounts(n: int) -> int:
    return max(n // 10, 10)


def world(folder: Path, n: int) -> None:
    """account, object, time (µs) and target columns, a million actions at a time."""
    draw = np.random.default_rng(SEED)
    names = {"a": np.int32, "o": np.int32, "t": np.int64, "g": np.int32}
    files = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (n,))
        for name, dtype in names.items()
    }
    weight = 1.0 / np.arange(1, STEP // 5 + 1) ** 0.9
    popularity = np.cumsum(weight) / weight.sum()
    for first in range(0, n, STEP):
        rows = min(STEP, n - first)
        object_ = np.searchsorted(popularity, draw.random(rows))
        born = draw.random(STEP // 5) * 20.0
        burst = draw.lognormal(np.log(20 * 60), 1.2, rows) / 86_400
        days = born[object_] + np.where(draw.random(rows) < 0.5, burst, draw.exponential(1.5, rows))
        order = np.argsort(days, kind="stable")
        object_, days = object_[order], np.minimum(days[order], 29.9)
        part = slice(first, first + rows)
        # a few accounts act a lot: the density of u^3 falls as a power
        files["a"][part] = (accounts(n) * draw.random(rows) ** 3).astype(np.int32)
        files["o"][part] = object_ + first // 5
        files["t"][part] = ((first // STEP * 30 + days) * 86_400).astype(np.int64) * 1_000_000
        files["g"][part] = (object_ + first // 5) // 10
    for file in files.values():
        file.flush()


def plot(rows: Sequence[dict[str, object]]) -> str:
    """CPU seconds (line) and peak memory (dashes) against actions, both axes logarithmic."""
    sides = {"cpu_s": ("CPU seconds", "#1b5e8c", ""), "peak_mib": ("peak MiB", "#b3541e", "6 4")}
    points = {key: [(float(str(r["rows"])), float(str(r[key]))) for r in rows] for key in sides}
    ys = [y for line in points.values() for _, y in line]
    low, high = np.floor(np.log10(min(ys))), np.ceil(np.log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        return 70 + 160 * (np.log10(x) - 5), 330 - 300 * (np.log10(y) - low) / (high - low)

    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 380" role="img" '
        'font-family="sans-serif" font-size="13"><title>CPU seconds and memory of counting pairs, '
        "from a hundred thousand to a hundred million actions</title>"
        '<rect width="600" height="380" fill="white"/>'
    ]
    for power in range(5, 9):
        x = at(10.0**power, 1.0)[0]
        out.append(f'<path d="M{x:.0f} 30V330" stroke="#ddd"/>')
        out.append(f'<text x="{x:.0f}" y="350" text-anchor="middle">10^{power}</text>')
    for power in range(int(low), int(high) + 1):
        y = at(1e5, 10.0**power)[1]
        out.append(f'<path d="M70 {y:.0f}H550" stroke="#ddd"/>')
        out.append(f'<text x="62" y="{y + 4:.0f}" text-anchor="end">{10.0**power:g}</text>')
    out.append('<text x="310" y="372" text-anchor="middle">actions</text>')
    for k, (key, (words, colour, dash)) in enumerate(sides.items()):
        path = "L".join("{:.1f} {:.1f}".format(*at(x, y)) for x, y in points[key])
        out.append(
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
            f'<text x="80" y="{48 + 18 * k}" fill="{colour}">{words}</text>'
        )
    return "\n".join([*out, "</svg>", ""])


if __name__ == "__main__":
    main()
