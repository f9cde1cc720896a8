"""Batches put aside until all are there: in memory while there is room, else in a passing file.

The file is uncompressed Arrow, mapped when it is read, so that what comes back is a table like any
other; its pages count as memory only until ``memory.let_go``. It has no name in any folder: nothing
is left behind, however the run ends. The room knows no post and no format.
"""

from __future__ import annotations

import errno
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import IO, Any

import pyarrow as pa

from klieg.errors import EngineError
from klieg.memory import human, let_go, mapped
from klieg.sources.limits import Room, limits

__all__ = ["Shelf", "is_mapped", "lies_on_disk"]

_places: weakref.WeakKeyDictionary[Any, tuple[int, int]] = weakref.WeakKeyDictionary()
"""First and last address of every mapped file that is still in use."""


class Shelf:
    """Batches of one schema, in the order in which they were put.

    What all shelves of a run hold in memory is counted together (``Limits.room``); the one that is
    put something when that is full goes over to a file. Batches of a mapped file cost no memory
    and stay where they are. They are counted until they are handed on, with ``lasting`` to the end
    of the run. ``on_file`` asks for a file from the start. Threads other than the run's own must be
    told the ``room``.
    """

    def __init__(
        self, room: Room | None = None, *, on_file: bool = False, lasting: bool = False
    ) -> None:
        self._lasting = lasting
        self._room = room or limits().room
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0
        self._aside: _Aside | None = None
        if on_file:
            self._aside = _Aside(self._room.folder if self._room else "")

    def put(self, batch: pa.RecordBatch) -> None:
        """Keep a batch. EngineError where the disk is full."""
        if self._aside is not None:
            self._aside.write(batch)
            return
        self._held.append(batch)
        if self._room is None or is_mapped(batch):
            return
        self._bytes += batch.nbytes
        self._room.held += batch.nbytes
        if self._room.held > self._room.most:
            self._room.used = True
            self._aside = _Aside(self._room.folder)
            for waiting in self._held:
                self._aside.write(waiting)
            self._held = []
            self._uncount()

    def __del__(self) -> None:
        self._settle()
        if self._aside is not None:
            self._aside.close()

    def put_all(self, batches: Iterable[pa.RecordBatch]) -> Shelf:
        """Keep many; the shelf itself."""
        for batch in batches:
            self.put(batch)
        return self

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All of them, given away one by one: the shelf is then empty."""
        if self._aside is not None:
            held, self._aside = self._aside.read(), None
        else:
            held, self._held = self._held, []
        self._settle()
        held.reverse()
        while held:
            yield held.pop()

    def table(self, schema: pa.Schema | None = None) -> pa.Table:
        """All of them as one table, given away; of ``schema`` if there are none."""
        held = self._aside.read() if self._aside is not None else self._held
        self._aside = None
        self._settle()
        return pa.Table.from_batches(held, schema=None if held else schema)

    def _settle(self) -> None:
        if not self._lasting:
            self._uncount()

    def _uncount(self) -> None:
        if self._room is not None:
            self._room.held -= self._bytes
        self._bytes = 0


def is_mapped(batch: pa.RecordBatch) -> bool:
    """Whether a batch lies in a file that some shelf mapped."""
    places = list(_places.values())
    if not places:
        return False
    buffers = (b for column in batch.columns for b in column.buffers())
    at = next((b.address for b in buffers if b is not None and b.size), None)
    return at is not None and any(first <= at < last for first, last in places)


def lies_on_disk(table: pa.Table) -> bool:
    """Whether a table, or a part of it, lies in passing files and not in memory."""
    return any(is_mapped(batch) for batch in table.to_batches())


class _Aside:
    """A passing file of batches without a name."""

    def __init__(self, folder: str) -> None:
        # a set TMPDIR is what the user says of passing files: it goes before any other place
        self.folder = os.environ.get("TMPDIR") or folder or tempfile.gettempdir()
        try:
            self.file: IO[bytes] = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115
        except OSError as error:
            raise EngineError(
                f"no place for passing files in {self.folder}: {error}; set TMPDIR"
            ) from error
        self.writer: Any = None

    def write(self, batch: pa.RecordBatch) -> None:
        try:
            if self.writer is None:
                self.writer = pa.ipc.new_file(pa.PythonFile(self.file, "w"), batch.schema)
            self.writer.write_batch(batch)
        except OSError as error:
            raise self._full(error, batch.nbytes) from error

    def read(self) -> list[pa.RecordBatch]:
        """Every batch, mapped: the file goes with the last of them. To be asked for once."""
        try:
            if self.writer is not None:
                self.writer.close()
                self.writer = None
            self.file.flush()
        except OSError as error:
            raise self._full(error, 0) from error
        held = mapped(self.file)  # (a map needs no open file)
        self.close()
        whole = pa.py_buffer(held)
        _places[held] = whole.address, whole.address + whole.size
        reader = pa.ipc.open_file(whole)
        let_go()
        return [reader.get_batch(i) for i in range(reader.num_record_batches)]

    def close(self) -> None:
        self.writer = None
        self.file.close()

    def _full(self, error: OSError, more: int) -> OSError | EngineError:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return error
        held = human(self.file.tell())
        return EngineError(
            f"the disk is full: posts beside {held} of them do not fit in {self.folder}; set "
            "TMPDIR to a larger one, or raise --memory"
        )
