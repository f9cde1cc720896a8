"""DuckDB's type words as a Polars schema, so that both bare readers are asked for the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl
from duckdb.sqltypes import DuckDBPyType


def schema_of(columns: Mapping[str, str]) -> dict[str, Any]:
    """Polars types by column name."""
    return {name: _type(duckdb.type(word)) for name, word in columns.items()}


def _type(kind: DuckDBPyType) -> Any:
    plain = {"varchar": pl.String, "bigint": pl.Int64, "boolean": pl.Boolean}
    if kind.id in plain:
        return plain[kind.id]
    if kind.id == "list":
        return pl.List(_type(dict(kind.children)["child"]))
    return pl.Struct({name: _type(inner) for name, inner in kind.children})
