"""Parquet as columns of plain types, row group by row group: only the wanted columns are touched.

A file may be hostile: what it says of its size is judged before anything is unpacked, strings that
are not UTF-8 are mended, and columns of kinds that no post has are left out and named. The room
knows Parquet, not posts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from klieg.errors import InputError
from klieg.sockets import Input
from klieg.sources.archives import FLOOR, MAX_RATIO, MAX_UNPACKED
from klieg.sources.desk import Desk
from klieg.sources.looks import all_ascii
from klieg.sources.shelf import Shelf

__all__ = ["first_rows", "read_table"]

_ROWS_A_BYTE = 100  # more rows than this for each byte of the file hold nothing
_FEW = 1 << 18  # rows whose text fits one Arrow array
_LEVELS = 4  # structs in structs that become dotted names


def read_table(source: Input, pick: Callable[[Sequence[str]], list[str]], desk: Desk) -> pa.Table:
    """The wanted columns (structs flattened to dotted names) of every row, in order."""
    try:
        with pq.ParquetFile(source.path) as file:
            _believable(file.metadata, source)
            columns = _wanted(file.schema_arrow, pick)
            kept, done = Shelf(), 0
            for i in range(file.num_row_groups):
                group = file.read_row_group(i, columns=columns)
                done += group.num_rows
                desk.read(done, file.metadata.num_rows, "rows")
                kept.put_all(_plain(group, pick, desk).to_batches())
            return kept.table(_plain(file.schema_arrow.empty_table(), pick, desk).schema)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"a broken Parquet file ({error})", path=source.name) from error


def first_rows(source: Input, pick: Callable[[Sequence[str]], list[str]], desk: Desk) -> pa.Table:
    """The same of the first 1,000 rows: what a dry run looks at."""
    try:
        with pq.ParquetFile(source.path) as file:
            _believable(file.metadata, source)
            columns = _wanted(file.schema_arrow, pick)
            batch = next(file.iter_batches(batch_size=1000, columns=columns), None)
            empty = file.schema_arrow.empty_table()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"a broken Parquet file ({error})", path=source.name) from error
    return _plain(empty if batch is None else pa.Table.from_batches([batch]), pick, desk)


def _believable(about: Any, source: Input) -> None:
    size = source.path.stat().st_size
    unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    if unpacked > min(MAX_UNPACKED, max(FLOOR, MAX_RATIO * size)):
        raise InputError(
            f"a Parquet file that says it unpacks to more than {MAX_RATIO} times its size, or than "
            "50 GiB; if it is not a bomb, write it again in several files",
            path=source.name,
        )
    if about.num_rows > max(FLOOR, _ROWS_A_BYTE * size):
        raise InputError("a Parquet file of more rows than it can hold", path=source.name)


def _wanted(schema: pa.Schema, pick: Callable[[Sequence[str]], list[str]]) -> list[str]:
    """Top columns that are wanted, or that hold objects in which something may be."""
    return [f.name for f in schema if pa.types.is_struct(f.type) or pick([f.name])]


def _plain(table: pa.Table, pick: Callable[[Sequence[str]], list[str]], desk: Desk) -> pa.Table:
    for _ in range(_LEVELS - 1):
        table = table.flatten()
    names = pick(table.column_names)
    columns = [table.column(table.column_names.index(n)) for n in names]
    return pa.table([_stored(c, n, desk) for c, n in zip(columns, names, strict=True)], names=names)


def _stored(column: Any, name: str, desk: Desk) -> Any:
    """A column as text, numbers, times, truth or lists of text; of nulls if it is none of these."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):  # JSON that calls itself so; no other gets here
        return _stored(column.cast(kind.storage_type), name, desk)
    if pa.types.is_dictionary(kind) or kind in (pa.string_view(), pa.binary_view()):
        inner = kind.value_type if pa.types.is_dictionary(kind) else pa.string()
        return _stored(column.cast(inner), name, desk)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _mended(column, name, desk)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _mended(column, name, desk)
    if _is_plain(kind):
        return column
    desk.note(f"{name} was not read: it holds values of type {kind}")
    return pa.chunked_array([pa.nulls(len(column), pa.string())])


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_list(kind) or types.is_large_list(kind):
        return types.is_nested(kind.value_type) or _is_text(kind.value_type)
    return bool(
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_timestamp(kind)
        or types.is_date(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
    )


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind))


def _mended(column: Any, name: str, desk: Desk) -> Any:
    """Text, and bytes that are text; what is not UTF-8 is replaced, and said so."""
    chunks = []
    for chunk in (c.slice(i, _FEW) for c in column.chunks for i in range(0, len(c), _FEW)):
        if pa.types.is_string(chunk.type) and all_ascii(chunk):
            chunks.append(chunk)
            continue
        try:
            chunk.validate(full=True)
            chunks.append(chunk.cast(pa.string()))
        except pa.ArrowInvalid:
            desk.note(f"{name} holds bytes that are not UTF-8: they were replaced")
            raw = chunk.cast(pa.binary()) if pa.types.is_string(chunk.type) else chunk
            texts = [None if v is None else v.decode("utf-8", "replace") for v in raw.to_pylist()]
            chunks.append(pa.array(texts, pa.string()))
    return pa.chunked_array(chunks, pa.string())
