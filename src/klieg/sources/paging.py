"""Small pages of memory while files are read: big ones cost more than they save there.

Arrow's allocator and NumPy ask Linux for pages of 2 MiB, and the kernel blanks each whole when it
is first touched, and again each time it was given back between: reading a table of 0.2 GB blanked
1.9 GB, a third of its CPU time. The room knows one switch of the kernel's and nothing of files;
where there is no such switch, nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

__all__ = ["small_pages"]

_SET, _GET = 41, 42  # PR_SET_THP_DISABLE, PR_GET_THP_DISABLE of prctl(2), since Linux 3.15
_lock = threading.Lock()
_inside = 0


@contextmanager
def small_pages() -> Iterator[None]:
    """No huge pages for memory that this process first touches inside; as before afterwards.

    The switch is the whole process's, so the last of several threads to leave turns it back; if
    it was on before anyone entered, it is left alone.
    """
    global _inside
    mine = False
    with _lock:
        if _inside or _switch(_GET) == 0:
            mine = bool(_inside) or _switch(_SET, 1) == 0
            _inside += mine
    try:
        yield
    finally:
        with _lock:
            _inside -= mine
            if mine and not _inside:
                _switch(_SET, 0)


def _switch(what: int, value: int = 0) -> int:
    control = _prctl()
    zero = ctypes.c_ulong(0)
    return -1 if control is None else int(control(what, ctypes.c_ulong(value), zero, zero, zero))


@cache
def _prctl() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).prctl
    except (OSError, AttributeError):  # another C library
        return None
