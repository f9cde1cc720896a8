"""JSON lines of any keys as columns of strings, whole files at once: the generic fast path.

One pass learns the keys of every record, a second reads the wanted ones. Columns, names and values
are those of the tolerant path. The room knows keys, not what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from klieg.sources.duck import GaveUp, batches, open_reader, structure
from klieg.sources.formats import BATCH
from klieg.sources.lines import MAX_DEPTH
from klieg.sources.peek import DEPTH
from klieg.sources.shelf import Shelf

__all__ = ["read_columns"]

MANY = 64 << 20  # bytes from which finding the lines that differ is cheaper than parsing all twice
MOST_SAMPLES, SAMPLES_ROOM = 20_000, 64 << 20

_Leaves = dict[str, tuple[tuple[str, ...], str]]


def read_columns(
    path: Path,
    pick: Callable[[Sequence[str]], list[str]],
    told: Callable[[int, int, str], None] = lambda done, of, unit: None,
) -> pa.Table:
    """The wanted columns (dotted names, strings, lists as JSON text) of every line, in order."""
    with open_reader(path) as (db, known):
        leaves: _Leaves = {}
        shapes, lines = _shapes(db, known)
        _find(shapes, (), leaves, DEPTH)
        wanted = {name: leaves[name] for name in pick(list(leaves))}
        if not wanted:
            raise GaveUp("no column of it is wanted")
        if any(kind == "mixed" for _, kind in wanted.values()):
            raise GaveUp("a wanted key holds values of several kinds")
        top = sorted({keys[0] for keys, _ in wanted.values()})
        columns = {key: _type(key, list(wanted.values())) for key in top}
        selected = ", ".join(f"{_value(*leaf)} AS {_quoted(n)}" for n, leaf in wanted.items())
        query = (
            f"SELECT {selected} FROM read_json($path, format = 'newline_delimited', "
            "compression = 'uncompressed', maximum_object_size = $longest, columns = $columns)"
        )
        given = batches(db, query, known, columns, BATCH, told=told, known_lines=lines)
        table = Shelf().put_all(given).table(pa.schema([]))
    empty = [n for n in table.column_names if table.column(n).null_count == table.num_rows]
    return table.drop_columns(empty).cast(
        pa.schema([(n, pa.string()) for n in table.column_names if n not in empty])
    )


def _shapes(db: Any, path: Path) -> tuple[dict[str, Any], int | None]:
    """Every key of a file, and how many lines it has where that was counted on the way."""
    if path.stat().st_size < MANY:
        return structure(db, path), None
    # Numba is loaded, and once a machine compiles, for files that repay it
    from klieg.sources.skeletons import skeletons

    found = skeletons(path, most=MOST_SAMPLES, room=SAMPLES_ROOM)
    if found.deep:
        raise GaveUp(f"a line is nested deeper than {MAX_DEPTH}")
    if not found.complete:
        return structure(db, path), None
    try:
        samples = [line.decode() for line in found.samples if line.strip()]
    except UnicodeDecodeError as error:
        raise GaveUp("a line is not UTF-8") from error
    return structure(db, path, samples), found.lines


def _find(merged: Mapping[str, Any], above: tuple[str, ...], leaves: _Leaves, depth: int) -> None:
    """Every dotted name, where its value lies and its kind: plain, list, inner or mixed."""
    for key, kind in merged.items():
        keys = (*above, key)
        name = ".".join(keys)
        if name in leaves:
            raise GaveUp(f"two keys are called {name}")
        if isinstance(kind, dict):
            if depth:
                _find(kind, keys, leaves, depth - 1)
            else:
                leaves[name] = keys, "mixed"
        elif isinstance(kind, list):
            _find_in_list(kind, keys, leaves, depth)
        elif kind != "NULL":
            leaves[name] = keys, kind


def _find_in_list(kind: list[Any], keys: tuple[str, ...], leaves: _Leaves, depth: int) -> None:
    inner = kind[0] if kind else "NULL"
    name = ".".join(keys)
    if isinstance(inner, dict) and depth:
        for key, value in inner.items():
            if value != "NULL":
                leaves[f"{name}.{key}"] = (*keys, key), "inner" if value == "plain" else "mixed"
    elif isinstance(inner, (dict, list)) or inner == "mixed":
        leaves[name] = keys, "mixed"
    elif inner != "NULL":
        leaves[name] = keys, "list"


def _type(top: str, leaves: list[tuple[tuple[str, ...], str]]) -> str:
    """The DuckDB type of a top key that holds all of its wanted leaves."""
    own = [(keys[1:], kind) for keys, kind in leaves if keys[0] == top]
    if any(not keys for keys, _ in own):
        return "VARCHAR"
    inside = sorted({keys[0] for keys, _ in own})
    fields = ", ".join(f"{_quoted(key)} {_type(key, own)}" for key in inside)
    a_list = any(kind == "inner" and len(keys) == 1 for keys, kind in own)
    return f"STRUCT({fields})" + ("[]" if a_list else "")


def _value(keys: tuple[str, ...], kind: str) -> str:
    if kind != "inner":
        path = ".".join(_quoted(key) for key in keys)
        return f"nullif({path}, '[]')" if kind == "list" else path
    path = ".".join(_quoted(key) for key in keys[:-1])
    items = f"list_transform({path}, lambda item: item.{_quoted(keys[-1])})"
    kept = f"list_filter({items}, lambda item: item IS NOT NULL)"
    return f"CASE WHEN len({kept}) > 0 THEN to_json({kept})::VARCHAR END"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
