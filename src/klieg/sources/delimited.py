"""CSV and TSV as columns of strings: Arrow's reader first, record by record where it gives up.

The fast path takes a clean file whole. On anything odd (torn quotes, rows of the wrong length,
bytes that are not UTF-8) the file is read again record by record, every record that can be saved
is, and a note says so. The room knows commas and quotes, not posts.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from klieg.errors import InputError
from klieg.sockets import Input
from klieg.sources.desk import VALUE_LIMIT, Desk
from klieg.sources.lines import mended
from klieg.sources.peek import Peek, peek
from klieg.sources.shelf import Shelf
from klieg.tables import Reject

__all__ = ["header_of", "preview_rows", "read_table"]

MAX_FIELD = 1 << 20
LOOK_AHEAD = 1 << 20  # bytes a quoted field may span before its opening quote is taken as torn
WASTE = 64 << 20  # bytes of look-ahead in vain before the quotes are given up altogether
BLOCK = 8 << 20
_SMALL = 1 << 17  # bytes that stay in the processor's own memory while they are counted
PIECE = 1 << 16  # records that are turned from Python's strings into Arrow's at a time
MB = 1_000_000
MAX_LINE = 64 << 20  # bytes the csv module may take as one field before it is refused


def header_of(shape: Peek) -> list[str]:
    """Column names, made unique: a second ``text`` is ``text#2``, an unnamed one ``column#3``."""
    names: list[str] = []
    raw = (["", *shape.columns] if shape.index else list(shape.columns)) or ["column"]
    for i, name in enumerate(raw, 1):
        unique = name or f"column#{i}"
        names.append(f"{unique}#{i}" if unique in names else unique)
    return names


def read_table(source: Input, columns: Sequence[str], desk: Desk) -> tuple[pa.Table, Any]:
    """The wanted columns as strings, and the record number of each row (the first is 1)."""
    shape = peek(source.head)
    try:
        if shape.encoding != "utf-8":
            raise pa.ArrowInvalid("it is not UTF-8")
        table = _at_once(source.path, shape, columns, desk)
        one_line_each = table.num_rows + 1 == _lines(source.path)
        if not one_line_each and not quotes_pair_up(source.path, shape.delimiter):
            raise pa.ArrowInvalid("its quotes do not pair up")
        if any((pc.max(pc.binary_length(c)).as_py() or 0) > MAX_FIELD for c in table.columns):
            raise pa.ArrowInvalid("a field is longer than 1 MiB")
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        reason = str(error).splitlines()[0][:160]
        desk.note(f"read record by record, as the fast path gave up ({reason})")
        return _record_by_record(source, shape, columns, desk)
    desk.rows += table.num_rows
    return table, pa.array(np.arange(1, table.num_rows + 1))


def quotes_pair_up(path: Path, delimiter: str) -> bool:
    """Whether every quote opens after, or closes before, a delimiter, a line's end or a quote.

    Arrow's reader takes a torn quote for the start of a field and swallows rows up to the next one
    without a word; in a file that passes here there is none.
    """
    beside = np.zeros(256, np.bool_)
    beside[[ord(delimiter), 10, 13, 34]] = True
    before, parity = b"\n", 0
    with path.open("rb") as file:
        chunk = file.read(BLOCK).removeprefix(b"\xef\xbb\xbf")
        while chunk:
            following = file.read(BLOCK)
            code = np.frombuffer(before + chunk + (following[:1] or b"\n"), np.uint8)
            at = np.flatnonzero(code[1:-1] == 34) + 1
            opens = (np.arange(len(at)) + parity) % 2 == 0
            if not beside[np.where(opens, code[at - 1], code[at + 1])].all():
                return False
            parity = (parity + len(at)) % 2
            before, chunk = chunk[-1:], following
    return parity == 0


def _lines(path: Path) -> int:
    """Lines of a file; −1 if quotes are left open or lines end in the old way (a lone ``\\r``).

    Where a table has as many rows (and its header), no row spans two lines, so that no torn quote
    swallowed one; a torn quote inside its line leaves the wrong number of fields.
    """
    count, quotes, last = 0, 0, 10
    room, same = bytearray(_SMALL), np.empty(_SMALL, np.bool_)
    whole = np.frombuffer(room, np.uint8)
    with path.open("rb", buffering=0) as file:
        while held := file.readinto(room):
            code = whole[:held]
            count += int(np.count_nonzero(np.equal(code, 10, out=same[:held])))
            quotes += int(np.count_nonzero(np.equal(code, 34, out=same[:held])))
            returns = np.flatnonzero(np.equal(code, 13, out=same[:held]))
            if last == 13 and code[0] != 10:
                return -1
            if len(returns) and (code[returns[returns < held - 1] + 1] != 10).any():
                return -1
            last = int(code[-1])
    return -1 if quotes % 2 or last == 13 else count + (last != 10)


def preview_rows(head: bytes, columns: Sequence[str]) -> pa.Table:
    """The whole records of a head as strings: what a dry run looks at."""
    shape = peek(head)
    text = head.decode(shape.encoding, "replace").lstrip("\ufeff")
    cut = text.rfind("\n")
    names = header_of(shape)
    lines = text[: cut + 1] if len(head) >= 1 << 16 and cut > 0 else text
    rows = [
        r
        for r in csv.reader(io.StringIO(lines, newline=""), delimiter=shape.delimiter)
        if len(r) == len(names)
    ][1 if not shape.index else 0 :]
    return pa.table({c: pa.array([r[names.index(c)] for r in rows], pa.string()) for c in columns})


def _at_once(path: Path, shape: Peek, columns: Sequence[str], desk: Desk) -> pa.Table:
    names = header_of(shape)
    read = pacsv.ReadOptions(column_names=names, skip_rows=1, block_size=BLOCK)
    parse = pacsv.ParseOptions(delimiter=shape.delimiter, newlines_in_values=True)
    convert = pacsv.ConvertOptions(
        include_columns=list(columns),
        column_types={c: pa.string() for c in names},
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        null_values=[""],
    )
    kept, done, size = Shelf(), 0, path.stat().st_size // MB
    # Never closed by us: a thread of Arrow's may still be reading ahead when the reader gives up,
    # and would go on to read from whatever is opened next under the same number.
    file = pa.OSFile(str(path))  # a path would be unpacked by its suffix
    with pacsv.open_csv(  # piece by piece is cheaper than all at once, and says how far it is
        file, read_options=read, parse_options=parse, convert_options=convert
    ) as pieces:
        for batch in pieces:
            kept.put(batch)
            done += 1
            desk.read(done * BLOCK // MB, size, "MB")  # the file itself is read ahead
        return kept.table(pieces.schema)


def _record_by_record(
    source: Input, shape: Peek, columns: Sequence[str], desk: Desk
) -> tuple[pa.Table, Any]:
    names = header_of(shape)
    slots = [names.index(c) for c in columns]
    kept: list[list[str | None]] = [[] for _ in columns]
    numbers: list[int] = []
    read = Shelf()
    read.put(_texts(columns, kept))
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    lines = _Ahead(_text_lines(source, shape, desk))
    if lines.at(0) is not None:  # a mark of the encoding alone has no header
        lines.drop(_record(lines, shape.delimiter, len(shape.columns))[1])
    for record, (line, row, raw) in enumerate(
        _salvaged(lines, shape.delimiter, len(names), source), 1
    ):
        desk.rows += 1
        if row is None or any(len(row[slot]) > MAX_FIELD for slot in slots):
            reason = "torn_row" if row is None else "field_longer_than_1_MiB"
            desk(Reject(source.name, line, None, raw[:VALUE_LIMIT], reason))
            continue
        numbers.append(record)
        for column, slot in zip(kept, slots, strict=True):
            column.append(row[slot] or None)
        if kept and len(kept[0]) >= PIECE:
            read.put(_texts(columns, kept))
            kept = [[] for _ in columns]
    read.put(_texts(columns, kept))
    return read.table(), pa.array(numbers, pa.int64())


def _texts(columns: Sequence[str], kept: list[list[str | None]]) -> pa.RecordBatch:
    values = [pa.array(v, pa.string()) for v in kept]
    return pa.RecordBatch.from_arrays(values, names=list(columns))


def _text_lines(source: Input, shape: Peek, desk: Desk) -> Iterator[str]:
    """Lines as text, their ends kept; of an endless one no more than MAX_LINE, the rest lost."""
    size, done = source.path.stat().st_size // MB, 0
    with source.path.open("rb") as file:
        if shape.encoding != "utf-8":
            text = io.TextIOWrapper(file, shape.encoding, "replace", newline="")
            while line := text.readline(MAX_LINE):
                yield line.lstrip("\ufeff") if not done else line
                done = 1
            return
        while raw := file.readline(MAX_LINE):
            long = len(raw) == MAX_LINE and not raw.endswith(b"\n")
            while long and (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            raw = raw if done else raw.removeprefix(b"\xef\xbb\xbf")
            done += len(raw)
            yield mended(raw, desk).decode()
            if done // MB != (done - len(raw)) // MB:
                desk.read(done // MB, size, "MB")


class _Ahead:
    """Lines that can be looked at before they are taken: only those looked at are held."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._held, self.taken = lines, deque[str](), 0

    def at(self, i: int) -> str | None:
        """The i-th line from here; None behind the last."""
        while len(self._held) <= i:
            line = next(self._lines, None)
            if line is None:
                return None
            self._held.append(line)
        return self._held[i]

    def drop(self, n: int) -> None:
        """Take n lines."""
        for _ in range(n):
            self._held.popleft()
        self.taken += n


def _salvaged(
    lines: _Ahead, delimiter: str, width: int, source: Input
) -> Iterator[tuple[int, list[str] | None, str]]:
    """``(line, fields or None, raw)`` of each record; a torn one costs its first line only."""
    wasted = 0
    while (first := lines.at(0)) is not None:
        if not first.strip():
            lines.drop(1)
            continue
        row, used = _record(lines, delimiter, width)
        if row is None:
            wasted += sum(len(lines.at(k) or "") for k in range(1, used))
            if wasted > WASTE:
                raise InputError(
                    "the quotes do not pair up; is this really a CSV file?",
                    path=source.name,
                    line=lines.taken + 1,
                )
            used = 1
        yield lines.taken + 1, row, first
        lines.drop(used)


def _record(lines: _Ahead, delimiter: str, width: int) -> tuple[list[str] | None, int]:
    """The record that starts here and how many lines it took (or was looked for in)."""
    first = lines.at(0)
    assert first is not None
    raw, used = first, 1
    while True:
        try:
            row = next(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                # quotes that nobody doubled: the line alone is taken, if its own quotes pair up
                row = _line_alone(first, delimiter)
                fits = len(row) == width and first.count('"') % 2 == 0
                return (row, 1) if fits else (None, used)
        else:
            return (row if len(row) == width else None), used
        # an open quote: go on to the next line that holds one
        while True:
            line = lines.at(used)
            if line is None or len(raw) > LOOK_AHEAD:
                return None, used
            raw += line
            used += 1
            if '"' in line:
                break


def _line_alone(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a carriage return inside a field that no quotes hold together
        return []
