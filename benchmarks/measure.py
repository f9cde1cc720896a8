"""Run one command and say how long it took and how much memory it held: shared by the benches.

Wall seconds and the peak resident size of the process tree's largest process, from the kernel.
"""

from __future__ import annotations

import csv
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
KLIEG = str(Path(sys.executable).with_name("klieg"))


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run cost."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    code: int
    out: str
    err: str


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Taken:
    """Run to the end; os.wait4 knows this child's memory and CPU time alone. Never raises."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **(env or {})},
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Taken(
            seconds,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024,
            child.returncode,
            out.read().decode("utf-8", "replace"),
            err.read().decode("utf-8", "replace"),
        )


def save(name: str, rows: Sequence[Mapping[str, object]], *, seed: int) -> Path:
    """Write ``results/<name>.csv``; every row carries device, commit, seed and date."""
    RESULTS.mkdir(exist_ok=True)
    stamp = {"device": device(), "commit": commit(), "seed": seed, "date": time.strftime("%F")}
    path = RESULTS / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *stamp])
        writer.writeheader()
        writer.writerows({**row, **stamp} for row in rows)
    return path


def device() -> str:
    """Processor and cores, without the host's name."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return f"{model}, {os.cpu_count()} cores"


def commit() -> str:
    """The commit measured; marked if the tree differs from it."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    dirty = subprocess.run(
        [*git, "status", "--porcelain", "--", "../src"], capture_output=True, text=True
    )
    return head.stdout.strip() + ("+" if dirty.stdout.strip() else "")
