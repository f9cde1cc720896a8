"""Scan the real data sets as a user would, and write results/real_data.csv and the results table.

``python benchmarks/real_data.py [--only NAME]`` reads the folder named by KLIEG_DATA; nothing of it
is kept but counts. "Operation" is an account the data set's authors attribute to an operation.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow.parquet as pq

from measure import KLIEG, run, save

DATA = Path(os.environ.get("KLIEG_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETS: dict[str, tuple[str, list[str]]] = {
    "mix_airline_2015": ("mix_airline_2015.parquet", []),
    "io_ira_twitter_dev": ("io_ira_twitter_dev.parquet", []),
    "organic_twitter_dev": ("organic_twitter_dev.parquet", ["--map", "collection=source"]),
    "io_ira + organic": ("io_ira_twitter_dev.parquet", ["organic_twitter_dev.parquet"]),
    "german_elections": ("german_elections.parquet", []),
    "russian_coord_tweets": ("russian_coord_tweets.parquet", []),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    chosen = parser.parse_args()
    rows = []
    jobs = {
        name: (DATA / file, [str(DATA / f) if f.endswith(".parquet") else f for f in more])
        for name, (file, more) in SETS.items()
    }
    for path in sorted((DATA / "payloads").glob("*/*")):
        if path.suffix in (".jsonl", ".json", ".csv", ".tsv") and path.name != "manifest.json":
            jobs[f"{path.parent.name}/{path.name}"] = (path, [])
    for name, (path, flags) in jobs.items():
        if chosen.only and chosen.only not in name:
            continue
        rows.append(_scan(name, path, flags))
        print(rows[-1], flush=True)
    if not chosen.only:
        print(save("real_data", rows, seed=0))


def _scan(name: str, path: Path, flags: list[str]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "case.klieg"
        taken = run([KLIEG, "scan", str(path), "-o", str(out), "-q", *flags])
        row: dict[str, object] = {
            "data": name,
            "exit": taken.code,
            "rows": 0,
            "posts": 0,
            "seconds": round(taken.seconds, 1),
            "peak_mib": round(taken.peak_mib),
            "expected": "",
            "validated": "",
            "shuffled": "",
            "findings": "",
            "operation_found": "",
            "ordinary_flagged": "",
            "says": _said(taken.err) if taken.code else "",
        }
        if taken.code == 0:
            # in a process of its own: a child's peak memory counts its parent's at the start
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
                row.update(apart.submit(_read, out, path).result())
        return row


def _said(err: str) -> str:
    """The last line of stderr without the folder the data lie in."""
    last = err.strip().splitlines()[-1] if err.strip() else ""
    return last.replace(f"{DATA}{os.sep}", "").replace(f"{DATA.resolve()}{os.sep}", "")[:200]


def _read(saved: Path, path: Path) -> dict[str, object]:
    import klieg

    case = klieg.open(saved)
    stats = [layer.stat for layer in case.layers if layer.stat.signal != "multiplex"]
    kinds: dict[str, int] = {}
    for f in case.findings:
        key = f"{f.class_} ({f.band})"
        kinds[key] = kinds.get(key, 0) + 1
    standing = {m.account for f in case.findings for m in f.members}
    accused = {m.account for f in case.findings if f.class_ == "coordinated" for m in f.members}
    truth = operation(path)
    names = case.posts.account_ids.to_pylist()
    ours = {i for i, n in enumerate(names) if n in truth}
    return {
        "rows": case.intake.rows,
        "posts": case.intake.posts,
        "expected": round(sum(s.expected_false for s in stats), 3),
        "validated": sum(s.validated for s in stats),
        "shuffled": sum(s.shuffled[0] for s in stats if s.shuffled),
        "findings": "; ".join(f"{n} {k}" for k, n in sorted(kinds.items())) or "none",
        "operation_found": f"{len(standing & ours)}/{len(ours)}" if ours else "",
        "ordinary_flagged": f"{len(accused - ours)} coordinated, {len(standing - ours)} in any",
    }


def operation(path: Path) -> set[str]:
    """Accounts labelled as an operation's, by the data set's own column."""
    if path.suffix != ".parquet":
        return set()

    names = pq.read_schema(path).names
    if "label" in names:
        table = pq.read_table(path, columns=["account", "label"]).to_pylist()
        return {str(r["account"]) for r in table if r["label"] == "io"}
    if path.name.startswith("io_ira"):
        return set(map(str, pq.read_table(path, columns=["account"])["account"].to_pylist()))
    return set()


if __name__ == "__main__":
    main()
