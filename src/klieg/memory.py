"""What this process holds, what it may hold, and giving back what it no longer needs.

A budget is kept by whoever can spill or split; where nobody can, going on above it would be a
silent breach, so ``keep_within`` ends the run with what it takes. The room does not know what the
memory is for.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import sys
import weakref
from functools import cache
from pathlib import Path
from typing import IO, Any

from klieg.errors import ConfigError, EngineError

__all__ = [
    "SLACK",
    "human",
    "keep_within",
    "let_go",
    "mapped",
    "peak",
    "release",
    "resident",
    "short",
    "size_of",
]

SLACK = 1.1
"""A budget is kept if the peak is at most this many times the budget."""

_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
_POWERS = {"b": 0, "kib": 1, "mib": 2, "gib": 3, "tib": 4}


def size_of(text: str) -> int | None:
    """The bytes of a size such as ``4GiB``; None where there is no budget.

    ConfigError for anything else.

    >>> size_of("512 MiB"), size_of("")
    (536870912, None)
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]iB|B)?\s*", text, re.IGNORECASE)
    if match is None or float(match[1]) == 0.0:
        raise ConfigError("memory", text, "a number with KiB, MiB, GiB, or empty")
    return int(float(match[1]) * 1024.0 ** _POWERS[(match[2] or "B").lower()])


def human(size: float) -> str:
    """Bytes as a person says them.

    >>> human(2.5 * 2**30), human(300 * 2**20)
    ('2.5 GiB', '300 MiB')
    """
    if size >= 2**30:
        return f"{size / 2**30:.1f} GiB"
    return f"{size / 2**20:.{0 if size >= 10 * 2**20 else 1}f} MiB"


def resident() -> int:
    """Bytes of this process in memory now; elsewhere than on Linux its most so far, or 0."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return _most()
    return int(pages) * _page()


def peak() -> int:
    """The most bytes this process has held; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _most()
    # (not ru_maxrss: a child's begins with what its parent held)
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else _most()


def mapped(file: IO[bytes]) -> mmap.mmap:
    """A file's bytes, to read only, in pages that ``let_go`` lets go of; it may not be empty."""
    held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _maps.add(held)
    return held


def short() -> bool:
    """Whether files are mapped: what they hold did not fit, so each stage gives back its own."""
    return bool(_maps)


def let_go() -> None:
    """Let go of the pages of files that ``mapped`` mapped: they come back when they are read.

    They count as memory of this process for as long as nobody says so.
    """
    if hasattr(mmap, "MADV_DONTNEED"):
        for held in list(_maps):
            held.madvise(mmap.MADV_DONTNEED)


def release() -> None:
    """Give freed memory back to the system, Arrow's and the C library's, and pages of files."""
    let_go()
    arrow: Any = sys.modules.get("pyarrow")  # never loaded for this alone
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


def keep_within(budget: int | None, what: str, need: int = 0) -> None:
    """EngineError if ``need`` bytes, or the most that was held, are over the budget.

    ``what`` was being done: "reading", "the null model". A budget of None is none.
    """
    if budget is None:
        return
    held = max(need, peak())
    if held > budget * SLACK:
        verb = "takes about" if need >= held else "has taken"
        raise EngineError(
            f"{what} {verb} {human(held)}, and --memory allows {human(budget)}: allow more, look "
            "at fewer signals, or scan a part of the data"
        )


@cache
def _page() -> int:
    return os.sysconf("SC_PAGE_SIZE")


def _most() -> int:
    try:
        import resource  # not on Windows
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@cache
def _trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):  # another C library: it gives back by itself, or never
        return None
