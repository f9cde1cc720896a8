"""From names of files to posts: recognise each, read it, account for every row, put all together.

The only room of this floor that knows every other one. It chooses no signal and keeps nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from klieg.config import Config
from klieg.errors import InputError, KliegError
from klieg.sockets import Input, Progress, Source, factory, silent
from klieg.sockets import names as registered
from klieg.sources.assembly import combine
from klieg.sources.desk import Desk, Quarantine
from klieg.sources.formats import Format
from klieg.sources.inputs import beginning, open_input
from klieg.sources.no_posts import what_it_is
from klieg.sources.peek import peek
from klieg.tables import POSTS, Intake, Posts, Reject

__all__ = ["preview", "read", "recognise"]

SURE = 0.5
KNOWN = 0.8  # a format with marks of its own; below it stand tables by their column names
REMOVED = ("duplicate_id", "duplicate_text", "deleted")
"""Counts of posts that were read and are not in the result; all other counts are remarks."""


def recognise(
    input: Input,  # noqa: A002 - the word of the glossary
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
) -> Source:
    """The source that is surest of this input, or the one named.

    Raises InputError, listing the candidates, if none is sure or two are equally so.
    """
    if format is not None:
        made: Source = factory("sources", format)(Config())
        return made
    scored = _scores(input)
    (best, source), rest = scored[0], scored[1:]
    ties = [s.name for score, s in rest if score == best]
    if best < KNOWN and (what := what_it_is(peek(input.head), input.head)):
        raise InputError(what, path=input.name)
    if best < SURE or ties:
        listed = ", ".join(f"{s.name} ({score:.2f})" for score, s in scored if score > 0)
        what = "could be several formats" if ties and best > 0 else "no known format"
        raise InputError(
            f"{what}: {listed or 'nothing fits'}. Say which with --format NAME; known are "
            + ", ".join(registered("sources")),
            path=input.name,
        )
    return source


def read(
    names: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    max_bad: float = 0.01,
    quarantine: Path | None = None,
    progress: Progress = silent,
) -> tuple[Posts, Intake]:
    """Posts of one or more inputs, each in any known format, and what became of every row.

    Bad rows are counted by reason and written to ``quarantine`` (JSONL); an input in which their
    share is above ``max_bad`` raises InputError. Rows read = posts + duplicates + deleted +
    rejected + no posts, always.
    """
    if not names:
        raise InputError("no input given; name a file, or - for standard input")
    with Quarantine(quarantine) as keep:
        loads = []
        for i, name in enumerate(names):
            progress(f"reading {Path(name).name}", i, len(names))
            loads.append(_load(name, format, dict(mapping or {}), keep, max_bad))
        loads = _told_apart(loads)
    tables = [t for load in loads for t in load.tables]
    deleted = [d for load in loads for d in load.desk.deleted]
    posts, counts, notes = combine(tables, deleted, progress=progress)
    return posts, _intake(loads, posts, counts, notes)


def preview(
    names: Sequence[str],
    *,
    format: str | None = None,  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    rows: int = 10,
) -> list[dict[str, Any]]:
    """How each input would be read, judged by its first 64 KiB: nothing is kept or written."""
    return [_previewed(open_input(name), format, dict(mapping or {}), rows) for name in names]


@dataclass(slots=True)
class _Load:
    """One input, read."""

    input: Input
    source: Source
    tables: list[pa.Table]
    desk: Desk
    sha256: str


def _scores(source: Input) -> list[tuple[float, Source]]:
    made = [factory("sources", name)(Config()) for name in registered("sources")]
    scored = [(round(float(s.sniff(source.head, source.name)), 4), s) for s in made]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].name))


def _load(
    name: str, format_: str | None, mapping: dict[str, str], keep: Quarantine, max_bad: float
) -> _Load:
    opened = open_input(name)
    source = recognise(opened, format=format_)
    desk = Desk(name, keep)
    with ThreadPoolExecutor(1) as beside:  # hashing waits for the disk, reading for the processor
        digest = beside.submit(_sha256, opened.path)
        batches = list(source.read(opened, mapping, desk))
    tables = [pa.Table.from_batches(batches)] if batches else []
    handed = sum(t.num_rows for t in tables)
    # a stranger's source may not count its rows: what it handed on and refused is all we know
    settled = handed + sum(desk.rejected.values()) + sum(desk.skipped.values())
    desk.rows = desk.rows or settled
    assert desk.rows == settled, f"{source.name}: {desk.rows} rows read, {settled} accounted for"
    if mapping and not desk.mapping:
        desk.note(
            f"the mapping was not used: {source.name} has fields of its own; to map columns, "
            "say --format tabular"
        )
    desk.check(max_bad)
    return _Load(opened, source, tables, desk, digest.result())


def _told_apart(loads: list[_Load]) -> list[_Load]:
    """Give files of the same name in different folders different names in ``row:`` ids."""
    seen: Counter[str] = Counter()
    for load in loads:
        base = Path(load.input.name).name
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
    loads: list[_Load], posts: Posts, counts: dict[str, int], notes: tuple[str, ...]
) -> Intake:
    rejected: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    said: list[str] = []
    for load in loads:
        rejected.update(load.desk.rejected)
        skipped.update(load.desk.skipped)
        said += [n for n in load.desk.notes if n not in said]
        said += [f"{Path(load.input.name).name}: {loser}" for loser in load.desk.losers]
    rows = sum(load.desk.rows for load in loads)
    counts = counts | {f"not_a_post_{kind}": n for kind, n in sorted(skipped.items())}
    gone = sum(counts.get(k, 0) for k in REMOVED) + sum(skipped.values()) + sum(rejected.values())
    assert rows == posts.n + gone, f"{rows} rows read, {posts.n} posts, {gone} accounted for"
    return Intake(
        inputs=tuple(_described(load) for load in loads),
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


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _described(load: _Load) -> dict[str, object]:
    return {
        "path": Path(load.input.name).name,
        "format": load.source.name,
        "sha256": load.sha256,
        "rows": load.desk.rows,
        "mapping": dict(sorted(load.desk.mapping.items())),
    }


def _previewed(
    opened: Input, format_: str | None, mapping: dict[str, str], rows: int
) -> dict[str, Any]:
    source = recognise(opened, format=format_)
    scores = {s.name: score for score, s in _scores(opened) if score > 0}
    rejects: list[Reject] = []
    desk = Desk(opened.name, rejects.append)
    found: dict[str, Any] = {
        "input": opened.name,
        "format": source.name,
        "score": scores.get(source.name, 0.0),
        "others": {k: v for k, v in scores.items() if k != source.name},
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
        "rejected": dict(desk.rejected),
        "rejects": [
            f"row {r.line}: {r.reason}" + (f" ({r.column} = {r.value!r})" if r.column else "")
            for r in rejects[:5]
        ],
        "notes": desk.notes,
        "rows": [_shown(row) for row in table.slice(0, rows).to_pylist()],
    }


def _sample(source: Source, opened: Input, mapping: dict[str, str], desk: Desk) -> pa.Table:
    if isinstance(source, Format):
        return source.sample(opened, mapping, desk)
    with beginning(opened) as short:
        batches = list(source.read(short, mapping, desk))
    return pa.Table.from_batches(batches) if batches else POSTS.empty_table()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    empty: tuple[object, ...] = (None, [], {})
    return {k: v for k, v in row.items() if v not in empty and k not in {"source_file"}}
