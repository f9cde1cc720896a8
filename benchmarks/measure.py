"""Run one command and say how long it took and how much memory it held: shared by the benches.

Wall seconds and the peak resident size of the process tree's largest process, from the kernel.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
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
    """Run to the end; os.wait4 knows this child's memory and CPU time alone. Never raises.

    The kernel counts the memory that a child's parent held when it was made as the child's: so a
    process that was forked when this module was imported, and stays small, makes them.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        asked = {"command": list(command), "env": {**os.environ, **(env or {})}}
        seconds, cpu, peak, code = _launcher(asked, out.fileno(), err.fileno())
        out.seek(0)
        err.seek(0)
        texts = (f.read().decode("utf-8", "replace") for f in (out, err))
        return Taken(seconds, cpu, peak, code, *texts)


def _serve(channel: socket.socket) -> None:
    """The small process: runs what it is sent, answers with what it cost."""
    while True:
        message, files, _, _ = socket.recv_fds(channel, 1 << 20, 2)
        if not message:
            return
        asked = json.loads(message)
        start = time.perf_counter()
        child = subprocess.Popen(
            asked["command"],
            stdin=subprocess.DEVNULL,
            stdout=files[0],
            stderr=files[1],
            env=asked["env"],
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        for file in files:
            os.close(file)
        cpu = usage.ru_utime + usage.ru_stime
        channel.send(json.dumps([seconds, cpu, usage.ru_maxrss / 1024, child.returncode]).encode())


def _start() -> Callable[[object, int, int], tuple[float, float, float, int]]:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    if os.fork() == 0:
        here.close()
        try:
            _serve(there)
        finally:
            os._exit(0)
    there.close()

    def ask(asked: object, out: int, err: int) -> tuple[float, float, float, int]:
        socket.send_fds(here, [json.dumps(asked).encode()], [out, err])
        seconds, cpu, peak, code = json.loads(here.recv(1 << 12))
        return seconds, cpu, peak, code

    return ask


_launcher = _start()


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
