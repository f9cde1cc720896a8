"""Reads the two tools' own tables, a batch at a time, keeping numbers only: codes and seconds.

The events frame (``object_id, account_id, content_id, timestamp_share``) and the eight columns of
the coordination-network-toolkit; CSV or TSV (plain, .gz, .zst; a BOM is no matter) or Parquet. Ids
are text, byte for byte; times are what Python's ``float`` makes of them. The room does not know
what a network is: it is told which columns to fetch.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from klieg.errors import InputError
from klieg.parity.arrow import numbers
from klieg.sources.inputs import PARQUET

if TYPE_CHECKING:
    from klieg.sockets import Input
    from klieg.tables import F64

__all__ = ["EVENTS", "MESSAGES", "Sheet", "batches", "expected_rows", "open_sheet", "seconds"]

EVENTS = ("object_id", "account_id", "content_id", "timestamp_share")
MESSAGES = (
    *("message_id", "user_id", "username", "repost_id"),
    *("reply_id", "message", "timestamp", "urls"),
)
_KEYS = {"events": EVENTS, "messages": ("message_id", "user_id", "timestamp")}
_KNOWN = {*EVENTS, *MESSAGES}
BLOCK = 4 << 20
BATCH = 1 << 16
MOST_EXPECTED = 20_000_000
"""Rows that room is made for ahead of time, whatever a file's first lines promise."""
_CODECS = {"gz": "gzip", "zst": "zstd"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One opened input: which of the two layouts it has, and how its columns are spelt."""

    source: Input
    layout: str  # events, messages
    spelt: Mapping[str, str]  # column → as it stands in the header
    delimiter: str  # "" in Parquet


def open_sheet(source: Input, *, prefer: str) -> Sheet:
    """Tell an input's layout by its header; a file that has both is ``prefer``.

    Raises InputError if it is no table of either kind.
    """
    delimiter, header = _header(source)
    # two columns of one name could each be meant; the tools would take the first, or the last
    twice = [c for c in dict.fromkeys(header) if c in _KNOWN and header.count(c) > 1]
    if twice:
        raise InputError(f"has two columns called {twice[0]}", path=source.name)
    spelt: dict[str, str] = {}
    for column in header:
        spelt.setdefault(column.strip().lower(), column)
    spelt |= {column: column for column in header}
    fits = [layout for layout, keys in _KEYS.items() if all(k in spelt for k in keys)]
    if not fits:
        raise InputError(
            f"no table of either tool: wanted the columns {', '.join(EVENTS)}, or "
            f"{', '.join(MESSAGES)}; the header is {', '.join(header[:12])}",
            path=source.name,
        )
    layout = prefer if prefer in fits else fits[0]
    return Sheet(source, layout, spelt, delimiter)


def expected_rows(sheet: Sheet) -> int:
    """About how many rows an uncompressed file holds, by the length of its first lines."""
    head = sheet.source.head
    lines = head.count(b"\n")
    if sheet.source.compression or not sheet.delimiter or lines < 2:
        return 0
    return min(int(sheet.source.path.stat().st_size / len(head) * lines), MOST_EXPECTED)


def batches(sheet: Sheet, columns: Sequence[str]) -> Iterator[tuple[int, list[pa.Array]]]:
    """The first row's number (from 1) and these columns, as binary arrays, batch after batch.

    Raises InputError for a column that is not there or a row that is cut short.
    """
    missing = [column for column in columns if column not in sheet.spelt]
    if missing:
        raise InputError(f"has no column {', '.join(missing)}", path=sheet.source.name)
    wanted = [sheet.spelt[column] for column in columns]
    rows = 1
    try:
        for batch in _parquet(sheet, wanted) if not sheet.delimiter else _csv(sheet, wanted):
            arrays = [_binary(batch.column(batch.schema.get_field_index(c))) for c in wanted]
            yield rows, arrays
            rows += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, EOFError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(f"cannot be read as a table: {reason}", path=sheet.source.name) from error


def seconds(times: pa.Array, sheet: Sheet, row: int) -> F64:
    """(n,) what ``float`` makes of each; InputError names the first that is no number."""
    try:
        text = times.cast(pa.string())
        if text.null_count:
            raise pa.ArrowInvalid("a time is missing")
        found = numbers(pc.cast(text, pa.float64()), np.float64)
    except pa.ArrowInvalid:
        return np.array([_second(t, sheet, row + i) for i, t in enumerate(times.to_pylist())])
    return found


def _second(raw: bytes | None, sheet: Sheet, row: int) -> float:
    text = (raw or b"").decode("utf-8", "replace")
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            "the time must be a number of seconds",
            path=sheet.source.name,
            line=row + 1,
            column=sheet.spelt["timestamp_share" if sheet.layout == "events" else "timestamp"],
            value=text,
        ) from error


def _header(source: Input) -> tuple[str, list[str]]:
    head = source.head
    if head.startswith(PARQUET):
        return "", next(csv.reader([head.removeprefix(PARQUET + b"\n").decode()]), [])
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("a table in UTF-16; save the file as UTF-8", path=source.name)
    lines = head.decode("utf-8-sig", "replace").splitlines()
    line = next((line for line in lines if line.strip()), "")
    delimiter = max(",\t;", key=line.count)
    return delimiter, next(csv.reader([line], delimiter=delimiter), [])


def _csv(sheet: Sheet, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    kinds = {column: pa.binary() for column in wanted}
    codec = _CODECS.get(sheet.source.compression)
    with pa.OSFile(str(sheet.source.path)) as file:
        stream = pa.CompressedInputStream(file, codec) if codec else file
        try:
            reader = pacsv.open_csv(
                stream,
                pacsv.ReadOptions(block_size=BLOCK),
                pacsv.ParseOptions(delimiter=sheet.delimiter, newlines_in_values=True),
                pacsv.ConvertOptions(
                    include_columns=list(dict.fromkeys(wanted)), column_types=kinds
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            raise
        yield from reader


def _parquet(sheet: Sheet, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(sheet.source.path) as file:
        yield from file.iter_batches(BATCH, columns=list(dict.fromkeys(wanted)))


def _binary(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_binary(kind):
        return column
    if pa.types.is_timestamp(kind):
        column = pc.divide(pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64()), 1e6)
    if pa.types.is_floating(column.type):
        # shortest digits that give the number back, as float() would read it
        column = pa.array([None if v is None else repr(v) for v in column.to_pylist()], pa.string())
    return pc.cast(pc.cast(column, pa.string()), pa.binary())
