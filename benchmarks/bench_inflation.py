"""How far organic pairs are in the tail, and the inflation φ that would bring them back to 1.

``python benchmarks/bench_inflation.py [--worlds 3] [--write] [--small]``

Worlds of both makers with nothing planted (6,000 accounts, 14 days) and, where they are at hand,
the real organic posts of ``KLIEG_DATA``. Each is cut twice: accounts in two halves by a hash of
their id, days by parity. φ is fitted on one half of the accounts on even days, for each signal and
window on all worlds of a kind together, and tried on the other accounts on odd days. Seeds 61,001
and on, which no reported figure uses. Writes results/inflation.csv and, with ``--write``, the file
that klieg ships: of each signal and window the largest φ that any kind of data asks for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import klieg
from klieg import pipeline
from klieg.config import Config
from klieg.detect import inflation
from klieg.sources.simulate import simulate
from klieg.tables import MULTIPLEX
from measure import save
from real_data import DATA

FIRST_SEED = 61_001
REAL = "organic_twitter_dev"
DAY = 86_400_000_000
VERSION = "1"

Tail = tuple[np.ndarray, np.ndarray, int]  # observed, expected (k,), pairs in all
Found = dict[tuple[str, int], list[Tail]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=3, help="of each maker")
    parser.add_argument("--accounts", type=int, default=6000)
    parser.add_argument("--write", action="store_true", help="replace the packaged file")
    parser.add_argument("--small", action="store_true", help="one small world of each maker")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.worlds, chosen.accounts = 1, 2000
    rows: list[dict[str, object]] = []
    for kind in ("attention", "feeds", REAL):
        fitted, tried = _tails(kind, chosen.worlds, chosen.accounts)
        for key in sorted(fitted):
            rows.append(_row(kind, key, fitted[key], tried.get(key, [])))
            print(rows[-1], flush=True)
    factors: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        signal, window = str(row["signal"]), str(row["window_s"])
        before = factors[signal].get(window, 1.0)
        factors[signal][window] = max(before, float(str(row["phi"])))
    if chosen.write:
        path = Path(klieg.__file__).parent / "detect" / inflation.FILE
        about: dict[str, object] = {
            "version": VERSION,
            "klieg": klieg.__version__,
            "commit": _commit(),
        }
        about |= {"date": datetime.now(UTC).date().isoformat(), "level": inflation.LEVEL}
        seeds = [FIRST_SEED, FIRST_SEED + chosen.worlds - 1]
        found: dict[str, object] = {**about, "seeds": seeds, "factors": factors}
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(path)
    print(save("inflation", rows, seed=FIRST_SEED))


def _tails(kind: str, worlds: int, accounts: int) -> tuple[Found, Found]:
    """What each half of the accounts and days holds, over all data of a kind."""
    halves: tuple[Found, Found] = (defaultdict(list), defaultdict(list))
    for i in range(1 if kind == REAL else worlds):
        posts = _posts(kind, FIRST_SEED + i, accounts)
        for half in (0, 1) if posts is not None else ():
            for key, tail in _layers(_half(posts, half)).items():
                halves[half][key].append(tail)
    return halves


def _posts(kind: str, seed: int, accounts: int) -> pa.Table | None:
    if kind == REAL:
        path = DATA / f"{REAL}.parquet"
        if not path.exists():
            return None
        return pipeline.read(path, mapping={"collection": "source"})[0].table
    return simulate(
        seed=seed,
        accounts=accounts,
        days=14,
        generator=kind,  # type: ignore[arg-type]
        worlds=["quiet"],
    ).posts


def _half(posts: pa.Table, half: int) -> pa.Table:
    """The accounts of one half, on the days of its parity."""
    ids = pc.unique(posts["account_id"])
    mine = [int(hashlib.sha256(str(i).encode()).hexdigest()[:8], 16) % 2 for i in ids.to_pylist()]
    chosen = ids.filter(pa.array([m == half for m in mine]))
    times = posts["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    days = pa.array((times // DAY) % 2 == half)
    return posts.filter(pc.and_(pc.is_in(posts["account_id"], chosen), days))


def _layers(posts: pa.Table) -> dict[tuple[str, int], Tail]:
    case = pipeline.scan(posts, config=Config(shuffles=0, controls=0, threads=1))
    found = {}
    for layer in case.layers:
        signal, edges = layer.stat.signal, layer.scored
        if signal == MULTIPLEX or not layer.stat.pairs:
            continue
        for j, window in enumerate(Config().windows_s):
            # every kept pair; whatever p ≤ 1e-5 in a window is kept, for W · 1e-5 < 1e-3
            observed = edges.edges.capped[:, j].astype(np.int64)
            found[signal, int(window)] = observed, edges.expected[:, j], layer.stat.pairs
    return found


def _row(
    kind: str, key: tuple[str, int], fitted: list[Tail], tried: list[Tail]
) -> dict[str, object]:
    phi = inflation.fit(*_pooled(fitted))
    seen, there = _pooled(fitted), _pooled(tried) if tried else (np.zeros(0), np.zeros(0), 0)
    return {
        "data": kind,
        "signal": key[0],
        "window_s": key[1],
        "pairs": seen[2],
        "tail ratio": round(inflation.tail_ratio(*seen), 3),
        "phi": phi,
        "other half: pairs": there[2],
        "other half: tail ratio": round(inflation.tail_ratio(*there), 3),
        "other half: tail ratio with phi": round(inflation.tail_ratio(*there, factor=phi), 3),
    }


def _pooled(tails: list[Tail]) -> Tail:
    return (
        np.concatenate([t[0] for t in tails]),
        np.concatenate([t[1] for t in tails]),
        sum(t[2] for t in tails),
    )


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(
        asked, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
