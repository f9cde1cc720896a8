"""Families of copied texts at a million posts: seconds and memory of each step.

``python benchmarks/bench_copies.py [--posts 1000000] [--keep FOLDER]`` simulates a world, takes the
texts of its posts, and times what the signal ``copies`` does with them, step by step: normal forms,
shingles, near copies, edited texts, families. The same for the real tweets of KLIEG_DATA, where
they are. The join of edited texts is checked against all pairs of a sample of the texts. Every
world is a process of its own, so the peak is its own; writes results/copies.csv.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from klieg.config import Config
from klieg.engine import cpu
from klieg.signals.wording import text_families
from klieg.text import has_words, normalise, shingle_codes
from measure import KLIEG, run, save

SEED = 11
POSTS_AN_ACCOUNT = 22
SAMPLE = 3_000
DATA = Path(os.environ.get("KLIEG_DATA", Path(__file__).parents[2] / "shared" / "data"))
REAL = "io_ira_twitter_dev"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="reuse or keep the simulated world here")
    parser.add_argument("--texts", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.texts:
        print(json.dumps(steps(pq.read_table(chosen.texts).column("text"))))
        return
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        texts = Path(scratch) / "texts.parquet"
        pq.write_table(simulated(chosen.keep or Path(scratch), chosen.posts), texts)
        rows += timed(f"simulated, {chosen.posts:,} posts asked for", texts)
        if (DATA / f"{REAL}.parquet").exists():
            table = pq.read_table(DATA / f"{REAL}.parquet", columns=["text"])
            pq.write_table(table.cast(pa.schema([("text", pa.string())])), texts)
            rows += timed(REAL, texts)
    print(save("copies", rows, seed=SEED))


def simulated(folder: Path, posts: int) -> pa.Table:
    """The texts of a simulated world that are no reposts."""
    folder.mkdir(exist_ok=True)
    world = folder / f"world-{posts}.jsonl"
    if not world.exists():
        accounts = str(posts // POSTS_AN_ACCOUNT)
        made = run([KLIEG, "simulate", str(world), "--accounts", accounts, "--seed", str(SEED)])
        if made.code:
            sys.exit(f"klieg simulate ended with {made.code}: {made.err}")
    wanted = pj.ParseOptions(
        explicit_schema=pa.schema([("text", pa.string())]), unexpected_field_behavior="ignore"
    )
    texts = pj.read_json(world, parse_options=wanted).column("text")
    return pa.table({"text": texts.filter(pc.invert(pc.starts_with(texts, "RT @")))})


def timed(name: str, texts: Path) -> list[dict[str, object]]:
    """One row a step, and one for all of them."""
    taken = run([sys.executable, __file__, "--texts", str(texts)])
    if taken.code:
        sys.exit(f"{name} ended with {taken.code}: {taken.err}")
    rows: list[dict[str, object]] = [
        {"data": name, **step} for step in json.loads(taken.out.splitlines()[-1])
    ]
    for row in rows:
        print(row, flush=True)
    return rows


@dataclass(slots=True)
class Watch:
    """Wall and CPU seconds (of all threads) between calls, and the peak so far, by step."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def lap(self, step: str, found: int) -> None:
        wall, used = time.perf_counter(), time.process_time()
        lap = {"step": step, "found": found}
        lap |= {"wall_s": round(wall - self.wall, 2), "cpu_s": round(used - self.cpu, 2)}
        lap["peak_mib"] = peak_mib()
        self.steps.append(lap)
        self.wall, self.cpu = wall, used


def peak_mib() -> int:
    """This program's peak so far, without the check that follows and whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return round(int(next(n for n in lines if n.startswith("VmHWM")).split()[1]) / 1024)


@dataclass(slots=True)
class WatchedEngine:
    """The engine's two joins, timed; what comes before each is the making of its shingles."""

    engine: cpu.CpuEngine
    watch: Watch

    def near_copies(self, starts: Any, values: Any, tau: float, seed: int) -> Any:
        self.watch.lap("lengths, runs of 3 characters", len(values))
        found = self.engine.near_copies(starts, values, tau, seed)
        self.watch.lap("pairs of near copies", len(found[0]))
        return found

    def similar_sets(self, starts: Any, values: Any, tau: float) -> Any:
        self.watch.lap("runs of 2 words", len(values))
        found = self.engine.similar_sets(starts, values, tau)
        self.watch.lap("pairs of edited texts", len(found[0]))
        return found


def steps(texts: pa.ChunkedArray) -> list[dict[str, Any]]:
    """Every step's seconds and what it found, the sum last."""
    cpu.warm()
    config = Config()
    threads = os.cpu_count() or 1
    watch = Watch()
    normal = normalise(texts.combine_chunks().dictionary_encode().dictionary, threads=threads)
    distinct = pc.unique(normal.filter(has_words(normal)))
    watch.lap("distinct normal forms", len(distinct))
    family = text_families(distinct, config, WatchedEngine(cpu.engine(config), watch))  # type: ignore[arg-type]
    watch.lap("families of two or more", int((np.bincount(family) > 1).sum()))
    total = {"step": "all steps", "found": len(texts)}
    total |= {k: round(sum(s[k] for s in watch.steps), 2) for k in ("wall_s", "cpu_s")}
    total["peak_mib"] = watch.steps[-1]["peak_mib"]
    check(distinct, config.edited_jaccard)
    return [*watch.steps, total]


def check(distinct: pa.Array, tau: float) -> None:
    """The join misses no pair and makes none up: all pairs of a sample, by a product of matrices.

    Half the sample is drawn at random; the others are texts that begin as one of these, which is
    where similar ones are.
    """
    draw = np.random.default_rng(SEED)
    rows = np.sort(draw.choice(len(distinct), min(SAMPLE, len(distinct)) // 2, replace=False))
    order = pc.sort_indices(distinct).to_numpy().astype(np.int64)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = np.union1d(rows, order[np.minimum(place[rows] + 1, len(order) - 1)])
    starts, values = shingle_codes(distinct.take(pa.array(rows)), 2, "word")
    left, right, score = cpu.engine(Config()).similar_sets(starts, values, tau)
    codes = np.unique(values, return_inverse=True)[1]
    holds = np.zeros((len(rows), int(codes.max()) + 1), np.float32)
    holds[np.repeat(np.arange(len(rows)), np.diff(starts)), codes] = 1
    shared = (holds @ holds.T).astype(np.float64)
    size = np.diff(starts).astype(np.float64)
    either = np.maximum(size[:, None] + size[None, :] - shared, 1)
    i, j = np.nonzero(np.triu(shared / either >= tau, 1))
    assert len(i) and np.array_equal(i, left) and np.array_equal(j, right)
    assert np.array_equal((shared / either)[i, j], score)


if __name__ == "__main__":
    main()
