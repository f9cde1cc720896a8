"""Reading, timed: klieg beside DuckDB and Polars on the same file, format by format.

``python benchmarks/bench_ingest.py [--rows 1000000] [--small]`` writes one simulated world in ten
files and reads each in child processes. CPU-seconds and the peak of memory are taken around the
reading alone: each reader has read the first 200 rows before, so that imports are over (klieg's
DuckDB and Numba too: they are loaded when a large file is read). Readers take turns, and of
several runs the median counts, for every reader. Four readers:

- ``klieg``: ``klieg.sources.read``, from the file's name to posts: recognised, hashed, every row
  validated and accounted for, times and lists read, each post once, canonical order, accounts
  numbered;
- ``klieg batches``: the first half of it, ``source.read``, until batches of posts are out;
- ``duckdb`` and ``polars``: the same columns of the same file as an Arrow table, declared (JSON) or
  inferred (CSV), nothing else.

Two ratios are told, both over the faster of the two bare readers: ``ratio``, which is judged, to
posts that the engine can use, and ``batches_ratio``, to batches of posts, which is nearer to what
the bare readers do. Writes results/ingest.csv.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from measure import save

SEED = 11
READERS = ("klieg", "klieg batches", "duckdb", "polars")
TARGET = {"jsonl": 3.0, "csv": 2.0, "parquet": 2.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--small", action="store_true", help="100,000 rows, one run each, no file")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--only", default="", help="formats whose name holds this")
    parser.add_argument("--keep", type=Path, help="reuse or keep the files here")
    parser.add_argument("--child", nargs=2, metavar=("READER", "PATH"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(_timed(*chosen.child)))
        return
    rows = 100_000 if chosen.small else chosen.rows
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        names = _written(folder, rows, chosen.only)
        found = [_compared(folder / name, 1 if chosen.small else chosen.repeat) for name in names]
    for row in found:
        reached = [word for word in ("batches_ratio", "ratio") if row[word] <= row["target"]]
        print(
            f"{row['format']:16} {row['ratio']:5.2f} to posts, {row['batches_ratio']:5.2f} to "
            f"batches, of the faster bare reader's CPU; at most {row['target']}: "
            + {0: "not met", 1: "met to batches only", 2: "met"}[len(reached)]
        )
    if not chosen.small and not chosen.only:
        print(save("ingest", found, seed=SEED))


def _written(folder: Path, rows: int, only: str) -> list[str]:
    from ingest_files import FILES, world

    folder.mkdir(exist_ok=True)
    wanted = [f for f in FILES if only in f.name]
    missing = [f for f in wanted if not (folder / f.name).exists()]
    if missing:
        posts = world(rows, SEED)
        for file in missing:
            print(f"writing {file.name}: {posts.num_rows:,} posts", flush=True)
            file.write(posts, folder / file.name)
    for f in wanted:
        _begin(folder / f.name)
    return [f.name for f in wanted]


def _beginning(path: Path) -> Path:
    """The same file's first 200 rows, beside it."""
    return path.parent / "beginnings" / path.name


def _begin(path: Path) -> None:
    import pyarrow.parquet as pq

    short = _beginning(path)
    short.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            pq.write_table(file.read_row_group(0).slice(0, 200), short)
        return
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file, opener(short, "wb") as out:
        out.writelines(islice(file, 201))


def _compared(path: Path, repeat: int) -> dict[str, Any]:
    runs: dict[str, list[dict[str, float]]] = {reader: [] for reader in READERS}
    for _ in range(repeat):  # in turns: what else the machine does then meets all of them
        for reader in READERS:
            runs[reader].append(_run(reader, path))
    taken = {reader: _middle(found) for reader, found in runs.items()}
    bare = min(taken["duckdb"]["cpu"], taken["polars"]["cpu"])
    rows = int(taken["klieg"]["rows"])
    row: dict[str, Any] = {
        "format": path.name,
        "rows": rows,
        "bytes": path.stat().st_size,
        "ratio": round(taken["klieg"]["cpu"] / bare, 2),
        "target": TARGET[_kind(path.name)],
        "batches_ratio": round(taken["klieg batches"]["cpu"] / bare, 2),
    }
    for reader, cost in taken.items():
        word = reader.replace(" ", "_")
        row[f"{word}_cpu_s"] = round(cost["cpu"], 2)
        row[f"{word}_rows_per_cpu_s"] = round(rows / cost["cpu"])
        row[f"{word}_peak_mib"] = round(cost["peak"])
    print(
        f"{path.name:16} {rows:>9,} rows  klieg {row['klieg_cpu_s']:6.2f} CPU-s "
        f"({row['klieg_batches_cpu_s']:.2f} to batches), {row['klieg_peak_mib']:,} MiB;  duckdb "
        f"{row['duckdb_cpu_s']:.2f}, {row['duckdb_peak_mib']:,} MiB;  polars "
        f"{row['polars_cpu_s']:.2f}, {row['polars_peak_mib']:,} MiB",
        flush=True,
    )
    return row


def _kind(name: str) -> str:
    return next(f.kind for f in _files() if f.name == name)


def _files() -> tuple[Any, ...]:
    from ingest_files import FILES

    return FILES


def _run(reader: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", reader, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{reader} on {path.name} ended with {done.returncode}: {done.stderr}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _middle(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: median(run[key] for run in runs) for key in runs[0]}


def _timed(reader: str, path: str) -> dict[str, float]:
    read: Callable[[str], int] = _PREPARED[reader](path)
    read(str(_beginning(Path(path))))  # libraries loaded, formats found: not what a row costs
    before = resource.getrusage(resource.RUSAGE_SELF)
    rows = read(path)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "peak": _peak(), "rows": rows}


def _peak() -> float:
    # MiB. Not ru_maxrss: a child begins with its parent's
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _klieg(path: str) -> Callable[[str], int]:
    from klieg.sources import read

    _loaded(path)
    return lambda name: read([name])[1].rows


def _loaded(path: str) -> None:
    """What klieg loads when a large file of JSON is read: what that costs is no row's."""
    if not path.endswith(".jsonl"):
        return
    import duckdb  # noqa: F401

    from klieg.sources.skeletons import skeletons

    skeletons(_beginning(Path(path)), most=1000, room=1 << 20)


def _klieg_batches(path: str) -> Callable[[str], int]:
    from klieg.sources import open_input, recognise
    from klieg.sources.desk import Desk
    from klieg.sources.paging import small_pages

    _loaded(path)

    def reading(name: str) -> int:
        opened = open_input(name)
        desk = Desk(name, lambda reject: None)
        with small_pages():  # as when they are read to be put together
            batches = list(recognise(opened).read(opened, {}, desk))
        return sum(b.num_rows for b in batches)

    return reading


def _duckdb(path: str) -> Callable[[str], int]:
    import duckdb

    file = next(f for f in _files() if f.name == Path(path).name)
    if isinstance(file.columns, Mapping):
        query = "SELECT * FROM read_json($path, format = 'newline_delimited', columns = $columns)"
        given: dict[str, object] = {"columns": dict(file.columns)}
    else:
        wanted = ", ".join(f'"{c}"' for c in file.columns)
        query = f"SELECT {wanted} FROM read_{file.kind}($path)"
        given = {}

    def reading(name: str) -> int:
        table = duckdb.sql(query, params={**given, "path": name}).to_arrow_table()
        return int(table.num_rows)

    return reading


def _polars(path: str) -> Callable[[str], int]:
    import polars as pl

    from ingest_polars import schema_of

    file = next(f for f in _files() if f.name == Path(path).name)

    def reading(name: str) -> int:
        if isinstance(file.columns, Mapping):
            frame = pl.scan_ndjson(name, schema=schema_of(file.columns)).collect()
        elif file.kind == "csv":
            frame = pl.scan_csv(name).select(file.columns).collect()
        else:
            frame = pl.scan_parquet(name).select(file.columns).collect()
        return int(frame.to_arrow().num_rows)

    return reading


_PREPARED: dict[str, Callable[[str], Callable[[str], int]]] = {
    "klieg": _klieg,
    "klieg batches": _klieg_batches,
    "duckdb": _duckdb,
    "polars": _polars,
}

if __name__ == "__main__":
    main()
