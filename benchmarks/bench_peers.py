"""klieg network beside the coordination-network-toolkit, end to end, on the same files.

``python benchmarks/bench_peers.py [--rows 100000,1000000,3000000,10000000] [--skip-cnt] [--small]``
installs coordination-network-toolkit 1.5.2 (PyPI) in an environment of its own, writes reposts in
the toolkit's CSV (objects n/5 with popularity ~ rank^-0.8, accounts n/4, delays log-normal with a
median of 1 h, ids in order of time), runs both on the same file (process start, reading, computing,
writing), checks that their edges are the same, and writes results/peers.csv. CPU seconds are of all
processes; klieg's are the median of three runs, its kernels compiled before. Beside the sizes, two
stresses: one object with 100,000 actions in a day, and bursts on one object within 30 s.

``--skip-cnt`` takes the toolkit's figures, and its edges where they are still in ``--folder``, from
the run before. The toolkit's own command line fails to write CSV in 1.5.2 (a TypeError), so its
library's writer is called. CooRTweet needs R and is not run here; measured elsewhere on data of
this kind it took 42 CPU seconds for 100,000 rows, 205 for 300,000, and had no answer for 1,000,000
within 14 GB.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from measure import KLIEG, RESULTS, Taken, run, save

SEED = 5
DAY = 86_400
PEER = "coordination-network-toolkit"
VERSION = "1.5.2"
SIZES = (100_000, 1_000_000, 3_000_000, 10_000_000)

# the toolkit's own functions in the order of its command line, in one process: cheapest for it
SCRIPT = """
import sys
from coordination_network_toolkit.compute_networks import compute_co_retweet_parallel
from coordination_network_toolkit.output import output_gephi_csv
from coordination_network_toolkit.preprocess import preprocess_csv_files
if __name__ == "__main__":
    database, posts, edges, window, least, cores = sys.argv[1:]
    preprocess_csv_files(database, [posts])
    window, least, cores = int(window), int(least), int(cores)
    compute_co_retweet_parallel(database, window, n_threads=cores, min_edge_weight=least)
    output_gephi_csv(database, "co_retweet", edges)
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One file and what is asked of it."""

    name: str
    rows: int
    window: int  # seconds
    least: int  # smallest weight of an edge
    peer: bool = True  # whether the toolkit can do it in reasonable time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(map(str, SIZES)), help="sizes, comma-separated")
    parser.add_argument("--skip-cnt", action="store_true", help="reuse the toolkit's figures")
    parser.add_argument(
        "--small", action="store_true", help="100,000 rows, small stresses, none kept"
    )
    parser.add_argument("--no-stress", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "klieg-peers")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    sizes = [100_000] if chosen.small else [int(n) for n in chosen.rows.split(",")]
    cases = [Case(f"reposts {n:,}", n, 60, 2) for n in sizes]
    if not chosen.no_stress:
        cases += stresses(small=chosen.small)
    before = earlier()
    peer = None if chosen.skip_cnt else environment(chosen.folder)
    warm(chosen.folder)
    rows: list[dict[str, object]] = []
    for case in cases:
        for row in compare(case, chosen.folder, peer, before, chosen.repeats):
            rows.append(row)
            print(row, flush=True)
        if not chosen.small:
            save("peers", rows, seed=SEED)


def stresses(*, small: bool) -> list[Case]:
    if small:
        return [Case("one object", 20_000, 60, 2), Case("burst", 1_000, 30, 1)]
    return [
        Case("one object", 100_000, 60, 2),
        Case("burst", 3_000, 30, 1),
        # 9·10^8 ordered pairs, none of which can weigh 2: the toolkit makes them all
        Case("burst", 30_000, 30, 2, peer=False),
    ]


def compare(
    case: Case,
    folder: Path,
    peer: Path | None,
    before: dict[tuple[str, int], dict[str, str]],
    repeats: int,
) -> Iterator[dict[str, object]]:
    """The toolkit's row, if there is one, and klieg's with the ratio and whether edges agree."""
    posts = folder / f"{case.name.split()[0]}-{case.rows}.csv"
    if not posts.exists():
        write(case, posts)
    theirs, ours = posts.with_suffix(".cnt.csv"), posts.with_suffix(".klieg.csv")
    cost: float | None = None
    if case.peer and peer is not None:
        taken = toolkit(peer, posts, theirs, case)
        cost = taken.cpu_seconds
        yield told(case, f"{PEER} {VERSION}", [taken], theirs)
    elif (case.name, case.rows) in before:
        kept = before[case.name, case.rows]
        cost = float(kept["cpu_s"])
        yield {name: kept[name] for name in FIELDS} | {"tool": kept["tool"]}
    words = ["network", str(posts), "--like", "cnt", "--time-window", str(case.window)]
    words += ["--min-edge-weight", str(case.least), "-o", str(ours), "--force"]
    runs = [checked(run([KLIEG, *words])) for _ in range(repeats)]
    row = told(case, "klieg", runs, ours)
    same = str(same_edges(theirs, ours)) if theirs.exists() else "not compared"
    ratio = round(cost / float(str(row["cpu_s"])), 1) if cost else ""
    yield row | {"same_edges": same, "ratio": ratio}


FIELDS = (
    *("case", "rows", "window_s", "min_weight", "tool", "cpu_s", "wall_s", "peak_mib", "edges"),
    *("same_edges", "ratio"),
)


def told(case: Case, tool: str, runs: list[Taken], edges: Path) -> dict[str, object]:
    return {
        "case": case.name,
        "rows": case.rows,
        "window_s": case.window,
        "min_weight": case.least,
        "tool": tool,
        "cpu_s": round(statistics.median(r.cpu_seconds for r in runs), 2),
        "wall_s": round(statistics.median(r.seconds for r in runs), 2),
        "peak_mib": round(max(r.peak_mib for r in runs)),
        "edges": len(table(edges)),
        "same_edges": "",
        "ratio": "",
    }


def toolkit(python: Path, posts: Path, edges: Path, case: Case) -> Taken:
    script, database = posts.with_suffix(".py"), posts.with_suffix(".db")
    script.write_text(SCRIPT, encoding="utf-8")
    remove(database)
    words = [database, posts, edges, case.window, case.least, os.cpu_count() or 1]
    taken = checked(run([str(python), str(script), *map(str, words)]))
    remove(database)
    return taken


def remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def checked(taken: Taken) -> Taken:
    if taken.code:
        raise SystemExit(f"ended with {taken.code}: {taken.err[-2000:]}")
    return taken


def same_edges(theirs: Path, ours: Path) -> bool:
    return bool(table(theirs).equals(table(ours)))


def table(path: Path) -> pa.Table:
    """source, target, weight, sorted."""
    columns = ["source", "target", "weight"]
    kinds = {"source": pa.string(), "target": pa.string(), "weight": pa.int64()}
    options = pacsv.ConvertOptions(include_columns=columns, column_types=kinds)
    found = pacsv.read_csv(path, convert_options=options)
    return found.sort_by([("source", "ascending"), ("target", "ascending")]).combine_chunks()


def environment(folder: Path) -> Path:
    """The Python of an environment that holds the toolkit and nothing of ours."""
    home = folder / f"cnt-{VERSION}"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        print(f"installing {PEER} {VERSION} in {home}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", f"{PEER}=={VERSION}"]
        subprocess.run(install, check=True)
    return python


def earlier() -> dict[tuple[str, int], dict[str, str]]:
    path = RESULTS / "peers.csv"
    if not path.exists():
        return {}
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return {(r["case"], int(r["rows"])): r for r in rows if r["tool"].startswith(PEER)}


def warm(folder: Path) -> None:
    """One run on next to nothing, so that kernels are compiled and files of the system cached."""
    case = Case("reposts", 1_000, 60, 1)
    write(case, folder / "warm.csv")
    words = ["--like", "cnt", "--time-window", "60", "-o", str(folder / "warm.klieg.csv")]
    checked(run([KLIEG, "network", str(folder / "warm.csv"), *words, "--force"]))


def write(case: Case, path: Path) -> None:
    """Reposts in the toolkit's eight columns, in order of time."""
    rng = np.random.default_rng([SEED, case.rows])
    n = case.rows
    if case.name == "one object":
        target, account = np.zeros(n, np.int64), rng.integers(0, n // 4, n)
        time = np.sort(rng.integers(0, DAY, n))
    elif case.name == "burst":
        target, account = np.zeros(n, np.int64), np.arange(n)
        time = np.sort(rng.integers(0, 30, n))
    else:
        popular = np.cumsum(np.arange(1, n // 5 + 1) ** -0.8)
        target = np.searchsorted(popular / popular[-1], rng.random(n))
        born = rng.integers(0, 30 * DAY, n // 5)
        delay = rng.lognormal(np.log(3600), 1.5, n)
        time = (born[target] + delay).astype(np.int64)
        order = np.argsort(time, kind="stable")
        target, time = target[order], time[order]
        account = rng.integers(0, n // 4, n)
    ids = 1_300_000_000_000_000_000 + np.arange(n) * 1_000 + rng.integers(0, 1_000, n)
    user, post = text(700_000_000 + account * 13), text(1_200_000_000_000_000_000 + target * 7_919)
    nothing = pa.nulls(n, pa.string()).fill_null("")
    columns = {
        "message_id": text(ids),
        "user_id": user,
        "username": pc.binary_join_element_wise("user_", user, ""),
        "repost_id": post,
        "reply_id": nothing,
        "message": pc.binary_join_element_wise("RT what somebody wrote in ", post, ""),
        "timestamp": text(1_600_000_000 + time),
        "urls": nothing,
    }
    pacsv.write_csv(pa.table(columns), path, pacsv.WriteOptions(quoting_style="none"))


def text(numbers: np.ndarray) -> pa.Array:
    return pc.cast(pa.array(numbers), pa.string())


if __name__ == "__main__":
    main()
