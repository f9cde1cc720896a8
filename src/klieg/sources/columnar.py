"""A file of any shape as a frame of columns: CSV, Parquet, JSON lines or one JSON document.

The fast readers go first; what they cannot take is read line by line, and a note says so. The room
knows shapes of files; which columns are wanted, and what they mean, it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from klieg.sockets import Input
from klieg.sources import delimited, duck, parquet
from klieg.sources.desk import Desk
from klieg.sources.frames import Frame
from klieg.sources.json_fast import read_columns
from klieg.sources.lines import documents, head_records, records
from klieg.sources.peek import flat, peek
from klieg.tables import Reject

__all__ = ["head", "load"]


def load(source: Input, pick: Callable[[Sequence[str]], list[str]], desk: Desk) -> Frame:
    """The wanted columns of every row (dotted names; JSON as text), and where each row stood."""
    shape = peek(source.head)
    file = Path(source.name).name if source.name != "-" else "stdin"
    if shape.kind == "csv":
        table, row = delimited.read_table(source, pick(delimited.header_of(shape)), desk)
        return Frame(table, row, file)
    if shape.kind == "parquet":
        table = parquet.read_table(source, pick, desk)
        desk.rows += table.num_rows
        return Frame(table, pa.array(np.arange(1, table.num_rows + 1)), file)
    if shape.kind == "jsonl" and source.path.stat().st_size >= duck.LARGE:
        try:
            table = read_columns(source.path, pick, desk.read)
        except duck.GaveUp as why:
            desk.note(f"read line by line, as the fast path gave up ({why})")
        else:
            desk.rows += table.num_rows
            return Frame(table, pa.array(np.arange(1, table.num_rows + 1)), file)
    stream = records(source, desk) if shape.kind == "jsonl" else documents(source, desk)
    return Frame(*_objects(stream, pick, source, desk), file)


def _objects(
    stream: Iterator[tuple[int, Any]],
    pick: Callable[[Sequence[str]], list[str]],
    source: Input,
    desk: Desk,
) -> tuple[pa.Table, Any]:
    """JSON objects as columns of strings (lists as JSON text), keys as dotted names."""
    columns: dict[str, list[str | None]] = {}
    seen: dict[str, bool] = {}
    numbers: list[int] = []
    for number, record in stream:
        if not isinstance(record, dict):
            desk(Reject(source.name, number, None, str(record)[:200], "not_an_object"))
            continue
        for key, value in flat(record).items():
            if key not in seen:
                seen[key] = bool(pick([key]))
            if seen[key] and value is not None:
                column = columns.setdefault(key, [])
                column.extend([None] * (len(numbers) - len(column)))
                if len(column) == len(numbers):
                    column.append(_written(value))
        numbers.append(number)
    for column in columns.values():
        column.extend([None] * (len(numbers) - len(column)))
    table = pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()})
    return table, pa.array(numbers, pa.int64())


def _written(value: object) -> str | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        value = [item for item in value if item is not None]
    return msgspec.json.encode(value).decode() if value else None


def head(source: Input, pick: Callable[[Sequence[str]], list[str]], desk: Desk) -> Frame:
    """The same of the first rows only: what a dry run looks at."""
    shape = peek(source.head)
    file = Path(source.name).name
    if shape.kind == "csv":
        table = delimited.preview_rows(source.head, pick(delimited.header_of(shape)))
    elif shape.kind == "parquet":
        table = parquet.first_rows(source, pick, desk)
    else:
        stream = iter(enumerate(head_records(source.head, shape.kind), 1))
        table, _ = _objects(stream, pick, source, desk)
    desk.rows = table.num_rows
    return Frame(table, pa.array(np.arange(1, table.num_rows + 1)), file)
