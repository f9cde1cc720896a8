"""CSV that a spreadsheet can open without running anything in it.

A text cell that a spreadsheet would take for a formula gets an apostrophe in front, and control
characters are written visibly; ``raw_cells`` opts out of both. The room knows tables, not cases.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

import pyarrow as pa

__all__ = ["instant", "safe_cell", "write_csv"]

BATCH = 65_536
# what may stand before a formula without stopping a spreadsheet from seeing it
_QUOTES = "\"'`´‘’‚‛“”„‟«»‹›＂＇"
_BEFORE = re.compile(
    rf"[\s{_QUOTES}\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
)
_WHOLE_NUMBER = re.compile(r"-\d+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def write_csv(table: pa.Table, out: str | Path | TextIO, *, raw_cells: bool = False) -> None:
    """Write a table with a header (UTF-8, comma, line feed) to a path or an open text file.

    Times are ISO 8601 UTC, null is empty, lists and structs are JSON.
    """
    if isinstance(out, (str, Path)):
        with Path(out).open("w", encoding="utf-8", newline="") as file:
            write_csv(table, file, raw_cells=raw_cells)
        return
    # the csv module leaves a carriage return bare, and only raw cells can still hold one
    quoting: Literal[0, 1] = csv.QUOTE_ALL if raw_cells else csv.QUOTE_MINIMAL
    writer = csv.writer(out, lineterminator="\n", quoting=quoting)
    writer.writerow(table.column_names)
    writers = [_cells(field.type, raw=raw_cells) for field in table.schema]
    for batch in table.to_batches(max_chunksize=BATCH):
        columns = [
            [cell(value) for value in _values(column)]
            for cell, column in zip(writers, batch.columns, strict=True)
        ]
        writer.writerows(zip(*columns, strict=True))


def safe_cell(text: str) -> str:
    """The text with an apostrophe in front if a spreadsheet might run it (8.2).

    That is: after any spaces, quotes and invisible characters it starts with = + - @ (full-width
    and other compatible forms too), or it starts with a tab or carriage return. A whole negative
    number is no formula: ids of some platforms are.
    """
    before = _BEFORE.match(text)
    lead = before.group() if before else ""
    first = unicodedata.normalize("NFKC", text[len(lead) : len(lead) + 1])[:1]
    runs = first in ("=", "+", "-", "@") or "\t" in lead or "\r" in lead
    shown = _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)
    return f"'{shown}" if runs and not _WHOLE_NUMBER.fullmatch(text) else shown


def instant(micros: int | None) -> str:
    """Microseconds as ISO 8601 in UTC, fractions only where there are any; "" for none."""
    if micros is None:
        return ""
    seconds, fraction = divmod(micros, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{fraction:06d}Z" if fraction else f"{moment}Z"


def _cells(kind: pa.DataType, *, raw: bool) -> Callable[[Any], str]:
    if pa.types.is_timestamp(kind):
        return instant
    if pa.types.is_string(kind):
        return _text if raw else lambda value: "" if value is None else safe_cell(value)
    if pa.types.is_boolean(kind):
        return lambda value: "" if value is None else str(value).lower()
    if pa.types.is_nested(kind):
        return lambda value: (
            "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
        )
    return _text


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _values(column: pa.Array) -> list[Any]:
    values: list[Any] = (
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    ).to_pylist()
    return values
