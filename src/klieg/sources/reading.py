"""From names of files to posts: recognise each, read it, account for every row, put all together.

The only room of this floor that knows every other one. It chooses no signal and keeps nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from klieg.errors import InputError, KliegError
from klieg.sockets import Executor, Input, Progress, Source, silent
from klieg.sources.acts import REMOVED as REMOVED_ACTS
from klieg.sources.acts import beside
from klieg.sources.archives import members
from klieg.sources.assembly import combine
from klieg.sources.desk import Desk, Quarantine
from klieg.sources.formats import Format
from klieg.sources.inputs import beginning
from klieg.sources.loading import Load, Reading, read_one, read_shard, recognise, scores, unpack
from klieg.sources.paging import small_pages
from klieg.sources.remote import expand, fetched, is_remote
from klieg.tables import POSTS, Intake, Posts, Reject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["preview", "read", "recognise"]

_log = logging.getLogger(__name__)
_HERE = 1 << 62  # more bytes than any file has: no worker finds such a one

REMOVED = ("duplicate_id", "duplicate_text", "deleted", *REMOVED_ACTS)
"""Counts of rows that were read and are not in the result; all other counts are remarks."""


@small_pages()
def read(
    names: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    max_bad: float = 0.01,
    quarantine: Path | None = None,
    progress: Progress = silent,
    executor: Executor | None = None,
    acts: pa.Table | None = None,
) -> tuple[Posts, Intake]:
    """Posts of one or more inputs, each in any known format, and what became of every row.

    A name may be a file, a pattern such as ``"dump/*.parquet"`` or the same in a remote store
    (``s3://``, ``gs://``). With an ``executor`` its workers read the files, one a shard. ``acts``
    (rows of ACTS) join those that the inputs hold.

    Bad rows are counted by reason and written to ``quarantine`` (JSONL); an input in which their
    share is above ``max_bad`` raises InputError. Rows read = posts + acts + duplicates + deleted +
    rejected + neither, always.
    """
    if not names:
        raise InputError("no input given; name a file, or - for standard input")
    names = members(expand(names))
    with Quarantine(quarantine) as keep:
        loads = _told_apart(
            _loads(names, format, dict(mapping or {}), keep, max_bad, executor, progress)
        )
    deleted = [d for load in loads for d in load.desk.deleted]
    closed = [c for load in loads for c in load.desk.closed]
    posts, counts, notes = combine(_handed(loads), deleted, closed=closed, progress=progress)
    more = [] if acts is None else [acts]
    posts, acted = beside(posts, [*_acts(loads), *more], deleted, closed)
    return posts, _intake(loads, posts, counts | acted, notes, beyond=acts)


def _handed(loads: list[Load]) -> Iterator[pa.Table]:
    """Every table, given away: their memory is free as soon as it is not needed."""
    for load in loads:
        yield from load.tables
        load.tables = []


def _acts(loads: list[Load]) -> Iterator[pa.Table]:
    """Every batch of acts, given away."""
    for load in loads:
        yield from (pa.Table.from_batches([batch]) for batch in load.desk.acts)
        load.desk.acts = []


def preview(
    names: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    rows: int = 10,
) -> list[dict[str, Any]]:
    """How each input would be read, judged by its first 64 KiB: nothing is kept or written."""
    found = []
    for name in members(expand(names)):
        with fetched(name, name) as opened:
            found.append(_previewed(opened, format, dict(mapping or {}), rows))
    return found


def _loads(
    names: Sequence[str],
    format_: str | None,
    mapping: dict[str, str],
    keep: Quarantine,
    max_bad: float,
    executor: Executor | None,
    progress: Progress,
) -> list[Load]:
    """Every input, read here or by workers, in the order named; each one's bad rows judged."""
    loads: list[Load] = []
    packed = _by_workers(executor, names, format_, mapping) if executor else repeat(None)
    for i, name in enumerate(names):
        progress(f"reading {Path(name).name}", i, len(names))
        found = next(packed)
        if found is None and executor is not None and _size(name) != _HERE:
            _log.warning("%s is not there for the workers: read on this machine", name)
        loads.append(
            unpack(found, keep)
            if found
            else read_one(name, format_, mapping, keep, progress=progress)
        )
        loads[-1].desk.check(max_bad)
    return loads


def _by_workers(
    executor: Executor, names: Sequence[str], format_: str | None, mapping: dict[str, str]
) -> Iterator[tuple[NDArray[np.uint8], str] | None]:
    paths = [name if is_remote(name) else str(Path(name).absolute()) for name in names]
    sizes = [-1 if is_remote(name) else _size(name) for name in names]
    shared = Reading(
        tuple(names),
        tuple(paths),
        tuple(sizes),
        format_ or "",
        tuple(sorted(mapping.items())),
        0 if executor.name == "threads" else 1,
    )
    return executor.map(read_shard, shared, [(k, k + 1) for k in range(len(names))], 0)


def _size(name: str) -> int:
    """Bytes of a file that others may have too; ``_HERE`` for a pipe or a member of an archive."""
    path = Path(name)
    return path.stat().st_size if name != "-" and path.is_file() else _HERE


def _told_apart(loads: list[Load]) -> list[Load]:
    """Give files of the same name in different folders different names in ``row:`` ids."""
    seen: Counter[str] = Counter()
    for load in loads:
        base = Path(load.name).name
        seen[base] += 1
        if seen[base] > 1:
            load.tables = [_renamed(t, base, f"{base}#{seen[base]}") for t in load.tables]
    return loads


def _renamed(table: pa.Table, old: str, new: str) -> pa.Table:
    import pyarrow.compute as pc

    ids = table.column("post_id")
    own = pc.starts_with(ids, f"row:{old}:")
    moved = pc.replace_substring(ids, f"row:{old}:", f"row:{new}:", max_replacements=1)
    schema = table.schema
    table = table.set_column(
        schema.get_field_index("post_id"), schema.field("post_id"), pc.if_else(own, moved, ids)
    )
    files = pa.chunked_array([pa.repeat(new, table.num_rows)])
    return table.set_column(
        schema.get_field_index("source_file"), schema.field("source_file"), files
    )


def _intake(
    loads: list[Load],
    posts: Posts,
    counts: dict[str, int],
    notes: tuple[str, ...],
    beyond: pa.Table | None,
) -> Intake:
    rejected: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    said: list[str] = []
    for load in loads:
        rejected.update(load.desk.rejected)
        skipped.update(load.desk.skipped)
        said += [n for n in load.desk.notes if n not in said]
        said += [f"{Path(load.name).name}: {loser}" for loser in load.desk.losers]
    inputs = [_described(load) for load in loads]
    if beyond is not None:
        inputs.append({"path": "(acts)", "format": "arrow", "rows": beyond.num_rows})
    rows = sum(load.desk.rows for load in loads) + (beyond.num_rows if beyond is not None else 0)
    counts = counts | {f"not_a_post_{kind}": n for kind, n in sorted(skipped.items())}
    gone = sum(counts.get(k, 0) for k in REMOVED) + sum(skipped.values()) + sum(rejected.values())
    kept = posts.n + posts.n_acts
    assert rows == kept + gone, f"{rows} rows read, {kept} posts and acts, {gone} accounted for"
    return Intake(
        inputs=tuple(inputs),
        rows=rows,
        posts=posts.n,
        counts=dict(sorted(counts.items())),
        rejected=dict(sorted(rejected.items())),
        notes=(*said, *notes, *_clock_note(posts)),
    )


def _clock_note(posts: Posts) -> tuple[str, ...]:
    if posts.resolution < 60:
        return ()
    unit = {60: "minutes", 3600: "hours", 86400: "days"}.get(posts.resolution, "coarse steps")
    return (f"the clock of some posts ticks in {unit}: shorter windows are not valid",)


def _described(load: Load) -> dict[str, object]:
    return {
        "path": Path(load.name).name,
        "format": load.format,
        "sha256": load.sha256,
        "rows": load.desk.rows,
        "mapping": dict(sorted(load.desk.mapping.items())),
    }


def _previewed(
    opened: Input, format_: str | None, mapping: dict[str, str], rows: int
) -> dict[str, Any]:
    source = recognise(opened, format=format_)
    sure = {s.name: score for score, s in scores(opened) if score > 0}
    rejects: list[Reject] = []
    desk = Desk(opened.name, rejects.append)
    found: dict[str, Any] = {
        "input": opened.name,
        "format": source.name,
        "score": sure.get(source.name, 0.0),
        "others": {k: v for k, v in sure.items() if k != source.name},
    }
    try:
        table = _sample(source, opened, mapping, desk)
    except KliegError as error:
        return {**found, "error": str(error)}
    return {
        **found,
        "mapping": dict(sorted(desk.mapping.items())),
        "losers": desk.losers,
        "looked_at": desk.rows,
        "not_posts": dict(desk.skipped),
        "acts": desk.n_acts,
        "rejected": dict(desk.rejected),
        "rejects": [
            f"row {r.line}: {r.reason}" + (f" ({r.column} = {r.value!r})" if r.column else "")
            for r in rejects[:5]
        ],
        "notes": desk.notes,
        "rows": [_shown(row) for row in _first(table, desk, rows)],
    }


def _first(table: pa.Table, desk: Desk, rows: int) -> list[dict[str, Any]]:
    """The first posts, then the first acts, as many as are to be shown."""
    found: list[dict[str, Any]] = table.slice(0, rows).to_pylist()
    for batch in desk.acts:
        found += batch.slice(0, max(rows - len(found), 0)).to_pylist()
    return found


def _sample(source: Source, opened: Input, mapping: dict[str, str], desk: Desk) -> pa.Table:
    if isinstance(source, Format):
        return source.sample(opened, mapping, desk)
    with beginning(opened) as short:
        batches = list(source.read(short, mapping, desk))
    return pa.Table.from_batches(batches) if batches else POSTS.empty_table()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    empty: tuple[object, ...] = (None, [], {})
    return {k: v for k, v in row.items() if v not in empty and k not in {"source_file"}}
