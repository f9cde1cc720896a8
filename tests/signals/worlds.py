"""Posts for the tests of signals: a few rows by hand, or a whole table, in canonical order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.tables import POSTS, Posts

START = datetime(2024, 1, 1, tzinfo=UTC)


def row(account: str, seconds: float = 0, **columns: object) -> dict[str, object]:
    """One post; ``post_id`` is made of account and time unless given."""
    return {
        "platform": "x",
        "post_id": f"{account}-{seconds:g}",
        "account_id": account,
        "time": START + timedelta(seconds=seconds),
        **columns,
    }


def posts_of(rows: Iterable[dict[str, object]] | pa.Table) -> Posts:
    """Posts in canonical order, accounts interned by first appearance."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=POSTS)
    table = table.sort_by([(name, "ascending") for name in ("time", "platform", "post_id")])
    key = pc.binary_join_element_wise(table["platform"], table["account_id"], "\x1f")
    coded = key.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks() if coded.num_chunks else pa.array([], pa.string())
        coded = coded if isinstance(coded, pa.DictionaryArray) else coded.dictionary_encode()
    account = coded.indices.to_numpy().astype(np.int32)
    first = np.unique(account, return_index=True)[1]
    return Posts(
        table=table,
        account=account,
        time=table["time"].cast(pa.int64()).to_numpy(),
        account_ids=table["account_id"].take(pa.array(first)).combine_chunks(),
        account_platforms=table["platform"].take(pa.array(first)).combine_chunks(),
        resolution=0,
    )


def table_of(columns: dict[str, object]) -> pa.Table:
    """A POSTS table from some columns, the others null."""
    n = len(next(iter(columns.values())))  # type: ignore[arg-type]
    return pa.table(
        {
            f.name: pa.array(columns[f.name], f.type)
            if f.name in columns and not isinstance(columns[f.name], (pa.Array, pa.ChunkedArray))
            else columns[f.name].cast(f.type)  # type: ignore[union-attr]
            if f.name in columns
            else pa.nulls(n, f.type)
            for f in POSTS
        },
        schema=POSTS,
    )
