"""The layers of a case as rows of its database, and back, index for index.

``edge`` is what a query wants to see: a pair at its best window. The exact arrays (every window,
the pools of the objects) stand beside it as packed blocks, which is what opening a case reads. The
room knows the tables of ``migrations`` and no file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from klieg import memory
from klieg.case.columns import kept_as, numbers, pack, restore_actions, strings, unpack
from klieg.case.rows import insert
from klieg.case.run import window_ladder
from klieg.case.values import as_text, hints, restore
from klieg.tables import Actions, Edges, Layer, NullStat, Posts, ScoredEdges, Strata

if TYPE_CHECKING:
    from klieg.case.case import Case

__all__ = ["read_layers", "write_layers"]

STAT = (
    *("signal", "actions", "objects", "eligible", "pairs", "candidates", "validated", "weak"),
    *("expected_false", "threshold"),
)
ROWS_A_STATEMENT = 60  # binding many rows at once halves the time a million edges take
EDGES_AT_ONCE = 4096 * ROWS_A_STATEMENT
EDGES: Mapping[str, Any] = {
    "left": np.int32,
    "right": np.int32,
    "n": np.uint32,
    "capped": np.uint32,
    "first": np.int64,
    "last": np.int64,
}
SCORES: Mapping[str, Any] = {
    "expected": np.float64,
    "p_window": np.float64,
    "best": np.uint8,
    "p": np.float64,
    "e": np.float64,
    "q": np.float64,
    "weak": np.bool_,
    "validated": np.bool_,
    "grouped": np.bool_,
}
NUMBERS: Mapping[str, Any] = {"object": np.int32, "target": np.int32}
ACTS: Mapping[str, Any] = {
    "account": np.int32,
    "time": np.int64,
    "post": np.int64,
    **NUMBERS,
}


def write_layers(db: sqlite3.Connection, case: Case) -> None:
    """Insert every layer: bookkeeping, edges, and the blocks that restore it exactly."""
    for i, layer in enumerate(case.layers):
        if memory.short():
            memory.release()
        actions, strata, scored = layer.actions, layer.strata, layer.scored
        kept = kept_as(actions, case.posts)
        windows = scored.edges.n.shape[1]
        row = (
            *(i, actions.signal, actions.n, actions.n_objects, len(actions.target_labels)),
            *(int(actions.n_accounts), scored.edges.size, windows, kept),
            *(as_text(strata.names), as_text(strata.parent_names)),
        )
        insert(db, "layer", [row])
        if scored.edges.size:
            _write_edges(db, i, scored, window_ladder(case.run, windows))
        _write_blocks(db, i, "edge", {**_fields(scored.edges, EDGES), **_fields(scored, SCORES)})
        _write_blocks(db, i, "pool", {"object": strata.object_stratum.astype(np.int32)})
        _write_blocks(db, i, "parent", {"stratum": strata.parent.astype(np.int32)})
        if kept == "numbered":
            _write_blocks(db, i, "act", _fields(actions, NUMBERS))
        elif kept == "whole":
            _write_blocks(db, i, "act", _fields(actions, ACTS))
            _write_blocks(db, i, "label", {"label": actions.labels})
            _write_blocks(db, i, "target", {"label": actions.target_labels})
        detail = {name: getattr(layer.stat, name) for name in hints(NullStat) if name not in STAT}
        scalars = (_scalar(getattr(layer.stat, name)) for name in STAT)
        insert(db, "null_stat", [(i, *scalars, as_text(detail))])


def read_layers(db: sqlite3.Connection, posts: Posts, acts: pa.Table) -> tuple[Layer, ...]:
    """The layers; ``acts`` are the act columns of the parquet."""
    rows = db.execute("select layer, signal, strata, parent_strata from layer order by layer")
    return tuple(
        Layer(
            _actions(db, i, signal, posts, acts),
            Strata(
                numbers(_block(db, i, "pool")["object"]),
                numbers(_block(db, i, "parent")["stratum"]),
                tuple(json.loads(names)),
                tuple(json.loads(parents)),
            ),
            _scored(db, i, signal),
            _stat(db, i),
        )
        for i, signal, names, parents in rows.fetchall()
    )


def _write_edges(
    db: sqlite3.Connection, layer: int, scored: ScoredEdges, ladder: tuple[int, ...]
) -> None:
    pick = (np.arange(scored.edges.size), scored.best)
    columns: list[NDArray[Any]] = [
        np.full(scored.edges.size, layer),
        scored.edges.left,
        scored.edges.right,
        scored.edges.n[pick],
        scored.expected[pick],
        np.array(ladder)[scored.best],
        scored.p,
        scored.q,
        scored.validated.astype(np.uint8),
        scored.grouped.astype(np.uint8),
    ]
    for start in range(0, scored.edges.size, EDGES_AT_ONCE):
        _insert_many(db, "edge", [c[start : start + EDGES_AT_ONCE].tolist() for c in columns])


def _insert_many(db: sqlite3.Connection, table: str, columns: list[list[Any]]) -> None:
    """Insert rows given as columns, many rows a statement."""
    width, size = len(columns), len(columns[0])
    flat: list[Any] = [None] * (width * size)
    for k, column in enumerate(columns):
        flat[k::width] = column
    one = f"({','.join('?' * width)})"
    step = ROWS_A_STATEMENT * width
    whole = len(flat) // step * step
    db.executemany(
        f"insert into {table} values {','.join([one] * ROWS_A_STATEMENT)}",
        (flat[at : at + step] for at in range(0, whole, step)),
    )
    db.executemany(
        f"insert into {table} values {one}",
        (flat[at : at + width] for at in range(whole, len(flat), width)),
    )


def _write_blocks(
    db: sqlite3.Connection, layer: int, what: str, columns: Mapping[str, NDArray[Any] | pa.Array]
) -> None:
    insert(db, "block", ((layer, what, part, data) for part, data in enumerate(pack(columns))))


def _block(db: sqlite3.Connection, layer: int, what: str) -> pa.Table:
    rows = db.execute(
        "select data from block where layer = ? and what = ? order by part", (layer, what)
    )
    return unpack(chain.from_iterable(rows))


def _actions(
    db: sqlite3.Connection, layer: int, signal: str, posts: Posts, acts: pa.Table
) -> Actions:
    """From the parquet's columns as far as they say it, from the layer's blocks where not."""
    kept, accounts = db.execute(
        "select acts, accounts from layer where layer = ?", (layer,)
    ).fetchone()
    if kept == "columns":
        return restore_actions(signal, acts, posts)
    table = _block(db, layer, "act")
    if kept == "numbered":
        pair = numbers(table["object"]), numbers(table["target"])
        return restore_actions(signal, acts, posts, pair)
    return Actions(
        signal=signal,
        **{name: numbers(table[name]) for name in ACTS},
        labels=strings(_block(db, layer, "label")["label"]),
        target_labels=strings(_block(db, layer, "target")["label"]),
        n_accounts=accounts,
    )


def _scored(db: sqlite3.Connection, layer: int, signal: str) -> ScoredEdges:
    table = _block(db, layer, "edge")
    if "grouped" not in table.column_names:  # a case of the first schema
        table = table.append_column("grouped", pa.repeat(pa.scalar(False), table.num_rows))
    return ScoredEdges(
        signal=signal,
        edges=Edges(**{name: numbers(table[name]) for name in EDGES}),
        **{name: numbers(table[name]) for name in SCORES},
    )


def _stat(db: sqlite3.Connection, layer: int) -> NullStat:
    columns = ",".join(STAT)
    *row, detail = db.execute(
        f"select {columns}, detail from null_stat where layer = ?", (layer,)
    ).fetchone()
    value = {**dict(zip(STAT, row, strict=True)), **json.loads(detail)}
    stat: NullStat = restore(NullStat, value)
    return stat


def _fields(value: object, kinds: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(getattr(value, name), kind) for name, kind in kinds.items()}


def _scalar(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
