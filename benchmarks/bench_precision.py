"""Whether edges are true ones: 400 planted accounts in heavy-tailed traffic, 10 k to 3 M rows.

``python benchmarks/bench_precision.py [--rows 10000 100000 1000000 3000000] [--seeds 1 2 3 4 5]``

Twenty groups of twenty accounts share ten objects each within eight seconds; everybody else acts on
objects of Zipf popularity with log-normal delays. ``klieg scan`` runs at its default settings; an
edge counts if it is validated on its own or grouped (confirmed inside a group that stands), and is
true if both ends are of one planted group. Beside it, at its published defaults (10 s, 2
participations; every edge, and those above the median weight), the rule of CooRTweet on the same
file by ``klieg network``. Writes results/precision.csv.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from measure import KLIEG, Taken, run, save

DAY = 86_400
GROUPS, SIZE, SHARED, TOGETHER = 20, 20, 10, 8.0
Pairs = set[tuple[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 10**6, 3 * 10**6])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--small", action="store_true", help="10,000 and 100,000 rows, one seed")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.rows, chosen.seeds = [10_000, 100_000], [1]
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for n, seed in itertools.product(chosen.rows, chosen.seeds):
            file = Path(folder) / "events.parquet"
            truth = write(file, n, seed)
            for rule, found, taken in (*ours(file, folder), *theirs(file, folder)):
                rows.append({"rows": n, "world": seed, "rule": rule, **score(found, truth, taken)})
                print(rows[-1], flush=True)
    print(save("precision", [*rows, *summary(rows)], seed=chosen.seeds[0]))


def summary(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Median and least of all worlds, a row each of every size and rule."""
    told = []
    for n, rule in dict.fromkeys((r["rows"], r["rule"]) for r in rows):
        own = [r for r in rows if (r["rows"], r["rule"]) == (n, rule)]
        for name, of in (("median", np.median), ("least", np.min)):
            row: dict[str, object] = {"rows": n, "world": name, "rule": rule}
            for column in ("edges", "precision", "recall", "cpu_s", "peak_mib"):
                values = [float(str(r[column])) for r in own if r[column] != ""]
                row[column] = round(float(of(values)), 4) if values else ""
            told.append(row)
            print(row, flush=True)
    return told


def write(path: Path, n: int, seed: int) -> Pairs:
    """An events frame of ``n`` rows; the pairs of accounts planted together."""
    draw = np.random.default_rng(seed)
    ordinary = n - GROUPS * SIZE * SHARED
    accounts, objects = max(n // 10, 600), max(n // 5, 200)
    popularity = np.cumsum(np.arange(1, objects + 1) ** -0.8)
    activity = np.cumsum(draw.pareto(1.5, accounts) + 1)
    thing = np.searchsorted(popularity / popularity[-1], draw.random(ordinary))
    who = np.searchsorted(activity / activity[-1], draw.random(ordinary))
    born = draw.random(objects) * 13 * DAY
    when = born[thing] + draw.lognormal(np.log(3600), 1.5, ordinary)
    members = draw.choice(accounts, (GROUPS, SIZE), replace=False)
    shared = draw.integers(objects // 4, objects, (GROUPS, SHARED))
    start = born[shared] + draw.random((GROUPS, SHARED)) * DAY
    shape = (GROUPS, SHARED, SIZE)
    joint = start[:, :, None] + draw.random(shape) * TOGETHER
    who = np.concatenate((who, np.broadcast_to(members[:, None, :], shape).ravel()))
    thing = np.concatenate((thing, np.broadcast_to(shared[:, :, None], shape).ravel()))
    when = np.concatenate((when, joint.ravel()))
    order = np.argsort(when, kind="stable")
    columns = {
        "object_id": np.char.add("o", thing[order].astype(str)),
        "account_id": np.char.add("u", who[order].astype(str)),
        "content_id": np.char.add("c", np.arange(n).astype(str)),
        "timestamp_share": (1_700_000_000 + when[order]).astype(np.int64),
    }
    pq.write_table(pa.table(columns), path)
    names = [sorted(f"u{account}" for account in group) for group in members]
    return {pair for group in names for pair in itertools.combinations(group, 2)}


def ours(file: Path, folder: str) -> list[tuple[str, Pairs, Taken]]:
    """Validated edges alone, and with the grouped ones: the coordination network at defaults."""
    case, edges = Path(folder) / "events.klieg", Path(folder) / "edges.parquet"
    taken = run([KLIEG, "scan", str(file), "-o", str(case), "--no-report", "--force", "-q"])
    # (not asked here but of the case itself: what a user would open)
    wrote = run([KLIEG, "export", str(case), "--table", "edges", "-o", str(edges), "--force"])
    if taken.code or wrote.code:
        raise SystemExit(taken.err + wrote.err)
    table = pq.read_table(edges)
    table = table.filter(pa.compute.equal(table["signal"], "object"))
    validated = np.array(table["validated"])
    grouped = np.array(table["grouped"])
    return [
        ("klieg: validated edges", pairs(table, "left", "right", validated), taken),
        (
            "klieg: network (validated or grouped)",
            pairs(table, "left", "right", validated | grouped),
            taken,
        ),
    ]


def theirs(file: Path, folder: str) -> list[tuple[str, Pairs, Taken]]:
    """CooRTweet's rule by the parity mode: every edge, and those above the median weight."""
    edges, found = Path(folder) / "peer.csv", []
    rule = ["--like", "coortweet", "--time-window", "10", "--min-participation", "2"]
    for name, more in (
        ("CooRTweet: 10 s, 2 participations", []),
        ("CooRTweet: the same, above the median weight", ["--edge-weight", "0.5"]),
    ):
        taken = run([KLIEG, "network", str(file), *rule, *more, "-o", str(edges), "--force"])
        if taken.code:
            raise SystemExit(taken.err)
        table = pacsv.read_csv(edges)
        kept = np.ones(table.num_rows, np.bool_)
        found.append((name, pairs(table, "account_a", "account_b", kept), taken))
    return found


def pairs(table: pa.Table, left: str, right: str, kept: Any) -> Pairs:
    a, b = table[left].cast(pa.string()).to_pylist(), table[right].cast(pa.string()).to_pylist()
    return {(min(a[i], b[i]), max(a[i], b[i])) for i in np.flatnonzero(kept)}


def score(found: Pairs, truth: Pairs, taken: Taken) -> dict[str, object]:
    true = len(found & truth)
    return {
        "edges": len(found),
        "precision": round(true / len(found), 4) if found else "",
        "recall": round(true / len(truth), 4),
        "cpu_s": round(taken.cpu_seconds, 1),
        "peak_mib": round(taken.peak_mib),
    }


if __name__ == "__main__":
    main()
