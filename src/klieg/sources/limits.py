"""How many threads and how much memory reading may take: said once, heard by every reader.

``within`` sets both for what runs inside it; outside, a core a thread and DuckDB's 2 GB. Arrow's
threads are the process's own, so they are put back at the end. The room knows no format.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import pyarrow as pa

from klieg.memory import size_of

__all__ = ["Limits", "Room", "limits", "within"]


@dataclass(slots=True)
class Room:
    """What of the posts of one run may be held in memory, and what is; shelves count it."""

    most: int  # bytes
    folder: str = ""  # where the rest is put; "": where the system puts passing files
    held: int = 0
    used: bool = False  # whether anything went to a file


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader may take."""

    threads: int  # ≥ 1
    memory: int  # bytes for the buffers of DuckDB; what is read is not among them
    room: Room | None = None  # for what is read; None: no limit


_DUCKDB = 2_000_000_000
_now: ContextVar[Limits | None] = ContextVar("limits", default=None)


def limits() -> Limits:
    """What holds here and now."""
    return _now.get() or Limits(os.cpu_count() or 1, _DUCKDB)


@contextmanager
def within(*, threads: int = 0, memory: str = "", room: Room | None = None) -> Iterator[None]:
    """Read with at most ``threads`` (0: one a core) and ``memory`` such as ``"4GiB"`` ("": 2 GB).

    A quarter of the memory is DuckDB's, since what it hands over lives beside it; what of that may
    stay in memory, ``room`` says.
    """
    cores = os.cpu_count() or 1
    budget = size_of(memory)
    share = min(_DUCKDB, max(budget // 4, 64 << 20)) if budget else _DUCKDB
    before = pa.cpu_count(), pa.io_thread_count()
    token = _now.set(Limits(threads or cores, share, room))
    try:
        if threads:
            pa.set_cpu_count(threads)
            pa.set_io_thread_count(max(1, min(threads, before[1])))
        yield
    finally:
        _now.reset(token)
        if threads:
            pa.set_cpu_count(before[0])
            pa.set_io_thread_count(before[1])
