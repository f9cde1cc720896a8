"""DuckDB's JSON reader, for whole files at once: what the fast paths share.

DuckDB is imported when a file is read, not when one is recognised, so that a dry run stays light.
A file that is not what the fast path takes makes it give up, and the tolerant path takes over. The
room knows JSON lines, no format of posts.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from klieg.sources.limits import limits
from klieg.sources.lines import MAX_DEPTH, MAX_LINE, longer_than, survey

__all__ = ["LARGE", "GaveUp", "batches", "open_reader", "structure"]

LARGE = 4 << 20
"""Bytes from which starting DuckDB pays. Both paths give the same posts."""

VERY_LARGE = 64 << 20
"""Bytes from which loading Numba, and compiling once a machine, is cheaper than doing without."""

MAX_SHAPES = 100_000
_PATTERN = re.compile(r"[*?\[{]")


class GaveUp(Exception):
    """The file is not what the fast path takes; nothing was counted."""


@contextmanager
def open_reader(path: Path) -> Iterator[tuple[Any, Path]]:
    """A DuckDB connection that may touch one file, and the name by which it knows that file.

    What DuckDB cannot read, and lines that are too long, are ``GaveUp``. The names in a file, and
    the file's own, are hostile: nothing else can be opened through this connection, and a name
    that DuckDB would take for a pattern (``posts[1].jsonl``) is given another for a while.
    """
    import duckdb

    if longer_than(path, MAX_LINE):
        raise GaveUp("a line is longer than 8 MiB")
    with tempfile.TemporaryDirectory(prefix="klieg-") as folder, duckdb.connect() as db:
        safe = path.absolute()
        if _PATTERN.search(str(safe)):
            safe = Path(folder) / "input"
            safe.symlink_to(path.absolute())
        allowed = limits()
        db.execute("SET preserve_insertion_order = true; SET enable_progress_bar = false")
        db.execute(f"SET threads = {allowed.threads}; SET memory_limit = '{allowed.memory}B'")
        db.execute(f"SET temp_directory = {_text(Path(folder) / 'spill')}")
        db.execute(f"SET allowed_paths = [{_text(safe)}]")
        db.execute(f"SET allowed_directories = [{_text(Path(folder))}]")
        db.execute("SET enable_external_access = false; SET lock_configuration = true")
        try:
            yield db, safe
        except (duckdb.Error, pa.ArrowException) as error:
            # through an Arrow stream DuckDB's errors come as Arrow's
            if not isinstance(error, duckdb.Error) and "duckdb.org" not in str(error):
                raise
            raise GaveUp(str(error).splitlines()[0][:160]) from error


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def batches(
    db: Any,
    query: str,
    path: Path,
    columns: Mapping[str, str],
    size: int,
    *,
    told: Callable[[int, int, str], None],
    known_lines: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """The batches of a query over ``read_json($path, …, columns = $columns)``, in file order.

    ``told`` hears how many rows are done, of about how many.

    Gives up at the end if the file holds blank lines, since records would not be lines then, or
    lines nested deeper than the tolerant path takes: DuckDB passes over what is in them. Who has
    looked for the latter says how many lines there are.
    """
    found = db.sql(query, params={"path": str(path), "longest": MAX_LINE, "columns": columns})
    reader = (
        found.to_arrow_reader(size)
        if hasattr(found, "to_arrow_reader")
        else found.fetch_arrow_reader(size)
    )
    rows, about = 0, _rows_about(path)
    with ThreadPoolExecutor(1) as beside:
        surveyed = beside.submit(_surveyed, path) if known_lines is None else None
        for batch in reader:
            rows += batch.num_rows
            told(rows, max(rows, about), "rows")
            yield batch
        lines, deep = surveyed.result() if surveyed else (known_lines, False)
    if deep:
        raise GaveUp(f"a line is nested deeper than {MAX_DEPTH}")
    if rows != lines:
        raise GaveUp("it holds blank lines")


def _surveyed(path: Path) -> tuple[int, bool]:
    if path.stat().st_size < VERY_LARGE:
        return survey(path)
    from klieg.sources import skeletons  # (loads Numba)

    return skeletons.survey(path)


def _rows_about(path: Path) -> int:
    """How many lines the whole file has if they are as long as those at its start."""
    with path.open("rb") as file:
        start = file.read(1 << 20)
    return path.stat().st_size * start.count(b"\n") // max(len(start), 1)


def structure(db: Any, path: Path, lines: Sequence[str] | None = None) -> dict[str, Any]:
    """The keys of all records, merged: objects as dictionaries, lists as lists, else a word.

    The words are ``NULL`` (never a value), ``plain`` (text, numbers, truth) and, inside the objects
    of a list only, ``mixed``. Gives up if a key holds an object in one record and not in another.
    ``lines`` are some of the file's that stand for all of them.
    """
    # (json_group_structure would do this in one call, and 15 GB)
    whole = (
        "read_ndjson_objects($path, compression = 'uncompressed', maximum_object_size = $longest)"
    )
    records = whole if lines is None else "(SELECT unnest($lines::VARCHAR[]) AS json)"
    query = f"SELECT DISTINCT json_structure(json)::VARCHAR FROM {records} LIMIT {MAX_SHAPES}"
    whole_file = {"path": str(path), "longest": MAX_LINE}
    shapes = db.sql(query, params=whole_file if lines is None else {"lines": lines}).fetchall()
    if len(shapes) >= MAX_SHAPES:
        raise GaveUp(f"its records have {MAX_SHAPES:,} different shapes and more")
    merged: Any = "NULL"
    for (shape,) in shapes:
        try:
            one = msgspec.json.decode(shape) if shape else None
        except RecursionError as error:
            raise GaveUp(f"a line is nested deeper than {MAX_DEPTH}") from error
        if not isinstance(one, dict):
            raise GaveUp("some lines hold no object")
        merged = _merged(merged, _words(one))
    return merged if isinstance(merged, dict) else {}


def _words(shape: Any, *, in_list: bool = False) -> Any:
    """One record in our words; DuckDB says JSON for ``{}`` and for what differs in a list."""
    if isinstance(shape, dict):
        return {key: _words(inner, in_list=in_list) for key, inner in shape.items()}
    if isinstance(shape, list):
        element = shape[0] if shape else "NULL"
        if element == "JSON":
            raise GaveUp("a list holds things of several kinds")
        return [_words(element, in_list=True)]
    if shape == "JSON":
        return "mixed" if in_list else "NULL"
    return "NULL" if shape == "NULL" else "plain"


def _merged(a: Any, b: Any) -> Any:
    if "NULL" in (a, b):
        return b if a == "NULL" else a
    if isinstance(a, dict) and isinstance(b, dict):
        return a | {key: _merged(a.get(key, "NULL"), shape) for key, shape in b.items()}
    if isinstance(a, list) and isinstance(b, list):
        return [_merged(a[0], b[0])]
    if isinstance(a, str) and isinstance(b, str):
        return "mixed" if "mixed" in (a, b) else "plain"
    raise GaveUp("a key holds values of several kinds")
