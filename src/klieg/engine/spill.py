"""Columns that do not fit in memory: read in pieces, and put aside in files of a passing folder.

Files are raw arrays, read back explicitly: pages of a mapped file would count as memory held. The
folder lies where ``TMPDIR`` says and goes when nothing needs it any more, after an error or Ctrl-C
too. The room does not know what the columns mean.
"""

from __future__ import annotations

import errno
import mmap
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from klieg.errors import EngineError

__all__ = ["Scratch", "on_file", "piece", "pieces", "unmapped"]


class Scratch:
    """A folder of raw columns; gone with the last reference to it, or at the end of the process."""

    def __init__(self) -> None:
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="klieg-"))
        except OSError as error:
            raise EngineError(f"no folder for passing files: {error}; set TMPDIR") from error
        self.remove = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def append(self, name: str, columns: Sequence[NDArray[Any]]) -> None:
        """Add rows to the columns kept under a name: one file a column."""
        for k, values in enumerate(columns):
            raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
            try:
                with (self.folder / f"{name}.{k}").open("ab") as file:
                    file.write(raw.data)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
                raise EngineError(
                    f"the disk is full: {raw.nbytes:,} more bytes do not fit in "
                    f"{self.folder.parent}; set TMPDIR to a larger one, or raise the memory budget"
                ) from error

    def read(
        self, name: str, dtypes: Sequence[Any], first: int = 0, count: int = -1
    ) -> list[NDArray[Any]]:
        """Rows of the columns kept under a name; none if nothing was."""
        return [
            _from(self.folder / f"{name}.{k}", np.dtype(dtype), first, count)
            for k, dtype in enumerate(dtypes)
        ]

    def drop(self, name: str) -> None:
        """Delete the columns kept under a name."""
        for file in self.folder.glob(f"{name}.*"):
            file.unlink()


def _from(path: Path, dtype: np.dtype[Any], first: int, count: int, start: int = 0) -> NDArray[Any]:
    if not path.exists() or count == 0:
        return np.empty(0, dtype)
    return np.fromfile(path, dtype, count, offset=start + first * dtype.itemsize)


def on_file(values: object) -> bool:
    """Whether a column is a whole mapped file, as ``np.load(path, mmap_mode="r")`` gives it."""
    return isinstance(values, np.memmap) and isinstance(values.base, mmap.mmap)


def piece(values: Any, first: int, stop: int) -> NDArray[Any]:
    """Rows [first, stop) of a column; those of a mapped file are read, not mapped in."""
    if on_file(values) and values.ndim == 1:
        return _from(Path(values.filename), values.dtype, first, stop - first, values.offset)
    rows: NDArray[Any] = np.asarray(values)[first:stop]
    return rows


def unmapped(values: object) -> None:
    """Let go of the pages of a column that is a whole mapped file; they come back when read."""
    shared = on_file(values) and cast("Any", values).mode in ("r", "r+")
    if shared and hasattr(mmap, "MADV_DONTNEED"):
        cast("Any", values).base.madvise(mmap.MADV_DONTNEED)


def pieces(columns: Sequence[Any], n: int, rows: int) -> Iterator[list[NDArray[Any]]]:
    """``rows`` rows of every column at a time."""
    for first in range(0, n, rows):
        yield [piece(values, first, min(first + rows, n)) for values in columns]
