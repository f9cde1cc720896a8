"""How far the pair kernel is from the limit: the same loop in C, on the same actions, one thread.

``python benchmarks/bench_limit.py [--small]`` compiles limit.c with ``cc -O3 -march=native``, makes
the heavy-tailed actions of bench_engine, prepares them once, and counts: all pairs within 60 s at
1M, pairs with two objects at 1M and within 10 s at 10M, and the whole ladder with the occupancy
cap. Both must give the same pairs, counts and times. CPU seconds are medians of runs in turn;
bytes are those of the accounts of all windows, which no way of counting by account can leave
unread, beside the bandwidth of copying an array. Writes results/limit.csv.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench_engine import world
from klieg.config import WINDOWS
from klieg.engine import cpu, live
from klieg.engine.accumulate import Work, accumulate
from measure import save

SEED = 11
HERE = Path(__file__).parent
LADDER = list(WINDOWS)
RUNS = (
    (1_000_000, [60], 1, None),
    (1_000_000, [60], 2, None),
    (1_000_000, LADDER, 2, 100),
    (10_000_000, [10], 2, None),
    (10_000_000, LADDER, 2, 100),
)


class CWork(ctypes.Structure):
    _fields_ = [
        ("n_accounts", ctypes.c_int64),
        *[(name, ctypes.c_void_p) for name in Work._fields],
    ]


class Kept(ctypes.Structure):
    _fields_ = [
        ("rows", ctypes.c_int64),
        ("room", ctypes.c_int64),
        ("kept", ctypes.POINTER(ctypes.c_int32)),
        ("span", ctypes.POINTER(ctypes.c_int64)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="100,000 actions, 1 run of each")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    repeats = 1 if chosen.small else chosen.repeats
    cpu.warm()
    speed = copying()
    print(f"an array is copied at {speed / 1e9:.1f} GB a second, reads and writes", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(Path(folder))
        made: dict[int, Any] = {}
        rows = []
        for n, windows, min_n, cap in RUNS:
            n = n // 10 if chosen.small else n
            if n not in made:
                made = {n: world(n)}
            rows.append(measured(library, made[n], windows, min_n, cap, repeats, speed))
            print(rows[-1], flush=True)
    print(save("limit", rows, seed=SEED))


def compiled(folder: Path) -> Any:
    out = folder / "limit.so"
    flags = ["-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, str(HERE / "limit.c"), "-o", str(out)], check=True)
    return ctypes.CDLL(str(out))


def measured(
    library: Any,
    columns: Any,
    windows: list[int],
    min_n: int,
    cap: int | None,
    repeats: int,
    speed: float,
) -> dict[str, object]:
    """Both kernels in turn on the same prepared actions."""
    n_accounts = columns[4]
    ladder = np.array(windows, np.int64) * 1_000_000
    begin = time.process_time()
    given = live.given(*columns)
    order = live.ranks(given)
    ordered = live.ordered(given, order)
    dropped = np.zeros((n_accounts, len(ladder)), np.int64)
    rungs = live.rungs_of(ordered, ladder, cap, dropped)
    work = live.indexed(
        live.pruned(ordered, rungs, n_accounts, ladder, min_n), order.aim, n_accounts
    )
    prepared = time.process_time() - begin
    ours, theirs = [], []
    for _ in range(repeats):
        begin = time.process_time()
        book, span, _ = accumulate(0, n_accounts, work, ladder, min_n, 2**62)
        ours.append(time.process_time() - begin)
        begin = time.process_time()
        kept = in_c(library, work, ladder, min_n)
        theirs.append(time.process_time() - begin)
        same(book, span, kept)
        library.release(ctypes.byref(kept))
    numba_s, c_s = statistics.median(ours), statistics.median(theirs)
    co_actions = int(larger(work))
    scanned = 4 * int(work.mass.sum())
    return {
        "rows": len(columns[0]),
        "windows_s": " ".join(map(str, windows)),
        "min_n": min_n,
        "cap": cap,
        "pairs": len(book),
        "co_actions": co_actions,
        "numba_cpu_s": round(numba_s, 3),
        "c_cpu_s": round(c_s, 3),
        "ratio": round(numba_s / c_s, 3),
        "prepare_cpu_s": round(prepared, 3),
        "co_actions_a_cpu_s": round(co_actions / numba_s),
        "window_bytes": scanned,
        "copy_bytes_a_s": round(speed),
        "bandwidth_share": round(scanned / numba_s / speed, 4),
        "repeats": repeats,
    }


def in_c(library: Any, work: Work, ladder: Any, min_n: int) -> Kept:
    n_accounts = len(work.mass)
    pointers = [ctypes.c_void_p(values.ctypes.data) for values in work]
    kept = Kept()
    library.accumulate(
        ctypes.c_int64(0),
        ctypes.c_int64(n_accounts),
        ctypes.byref(CWork(n_accounts, *pointers)),
        ctypes.c_void_p(ladder.ctypes.data),
        ctypes.c_int32(len(ladder)),
        ctypes.c_int32(min_n),
        ctypes.byref(kept),
    )
    return kept


def same(book: Any, span: Any, kept: Kept) -> None:
    """The same pairs, counts and times, in the same order."""
    assert kept.rows == len(book)
    if len(book):
        assert np.array_equal(np.ctypeslib.as_array(kept.kept, book.shape), book)
        assert np.array_equal(np.ctypeslib.as_array(kept.span, span.shape), span)


def larger(work: Work) -> int:
    """Co-actions: meetings with an account of larger index, half of those of two accounts."""
    own = 0
    for a in np.flatnonzero(work.mass):
        rows = slice(work.starts[a], work.starts[a + 1])
        where = work.row[rows]  # ascending: an account's actions stand in that order
        own += int(
            (np.searchsorted(where, work.hi[rows]) - np.searchsorted(where, work.lo[rows])).sum()
        )
    return (int(work.mass.sum()) - own) // 2


def copying() -> float:
    """Bytes a second, read and written, of copying an array that fits in no cache."""
    source = np.ones(2**25, np.int64)
    target = np.empty_like(source)
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        np.copyto(target, source)
        taken.append(time.perf_counter() - begin)
    return 2 * source.nbytes / min(taken)


if __name__ == "__main__":
    main()
