"""Compile a kernel with Numba, keep its machine code on disk, and say where it is kept.

Compiling all kernels takes some seconds once per machine; afterwards they load from the cache. The
cache folder is ``NUMBA_CACHE_DIR`` if set, else ``__pycache__`` beside the module, else (an
installation that cannot be written to) Numba's folder in the user's own cache. Where none can be
written kernels still run, compiled anew in each process: ``cache_state`` says so. Kernels release
the GIL and are never ``parallel=True``: threads, processes and clusters all drive the same
function over shards. The room does not know what the kernels compute.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from klieg.errors import EngineError

__all__ = ["CacheState", "cache_state", "column", "compiled"]

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=np.generic)

_log = logging.getLogger(__name__)
_kernels: list[Any] = []


@dataclass(frozen=True, slots=True)
class CacheState:
    """Where compiled kernels are kept, and whether they will be found again next time."""

    folder: str  # "" if no folder can be written
    writable: bool
    kernels: int  # kernels known so far
    advice: str  # one sentence, empty if all is well


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """``function`` compiled to machine code at its first call; cached on disk where possible.

    Call it with one set of types only (see ``column``): every further set compiles anew.
    """
    try:
        kernel: Any = njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # Numba found no folder to write to: slower to start, never wrong
        _log.info("no writable cache folder for %s: it will compile anew", function.__name__)
        kernel = njit(nogil=True)(function)
    _kernels.append(kernel)
    typed: Callable[P, R] = kernel
    return typed


def column(values: object, dtype: type[S], name: str, length: int | None = None) -> NDArray[S]:
    """``values`` as the contiguous, writable (n,) array that kernels were compiled for.

    Copies only where it must (Numba counts a read-only array as another type and would compile
    again). EngineError if it is not one-dimensional, not of ``length``, or loses digits.
    """
    given = np.asarray(values)
    if given.ndim != 1 or (length is not None and len(given) != length):
        wanted = "(n,)" if length is None else f"({length},)"
        raise EngineError(f"{name} has shape {given.shape}; expected {wanted}")
    if given.dtype != dtype and len(given) and not np.can_cast(given.dtype, dtype):
        back = given.astype(dtype)
        if not np.array_equal(back.astype(given.dtype), given):
            raise EngineError(f"{name} does not fit {np.dtype(dtype).name}")
    needed: NDArray[S] = np.require(given, dtype, ["C", "W", "A"])
    return needed


def cache_state(kernels: Sequence[Any] | None = None) -> CacheState:
    """Where the kernels' machine code is kept: what ``klieg doctor`` prints."""
    known = _kernels if kernels is None else list(kernels)
    folders = {
        str(k._cache.cache_path) for k in known if getattr(k._cache, "cache_path", None) is not None
    }
    folder = min(folders, default="")
    writable = bool(folder) and os.access(folder if Path(folder).is_dir() else ".", os.W_OK)
    advice = (
        ""
        if writable
        else "kernels compile anew in every process (some seconds): "
        "set NUMBA_CACHE_DIR to a folder that can be written"
    )
    return CacheState(folder, writable, len(known), advice)
