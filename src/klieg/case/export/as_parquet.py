"""Parquet (zstd) of one table of a case. The room knows tables, not cases."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["write_parquet"]

ROW_GROUP = 131_072


def write_parquet(table: pa.Table, path: str | Path) -> None:
    """Write a table; equal tables give equal bytes however they were chunked."""
    schema = table.schema.remove_metadata()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, max(table.num_rows, 1), ROW_GROUP):
            part = table.slice(start, ROW_GROUP).combine_chunks().replace_schema_metadata()
            writer.write_table(part, row_group_size=ROW_GROUP)
