"""One input as tables of posts: recognise its format, read it, account for every row.

What was read can be packed into two plain values and opened elsewhere, so that a worker on another
machine may read a file and hand it on. The room knows one input at a time and no run.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from klieg.config import Config
from klieg.errors import InputError
from klieg.sockets import Input, Progress, Source, factory, silent
from klieg.sockets import names as registered
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.limits import within
from klieg.sources.no_posts import what_it_is
from klieg.sources.peek import peek
from klieg.sources.remote import fetched
from klieg.sources.shelf import Shelf
from klieg.tables import POSTS, Reject

__all__ = ["Load", "Reading", "pack", "read_one", "read_shard", "recognise", "scores", "unpack"]

SURE = 0.5
KNOWN = 0.8  # a format with marks of its own; below it stand tables by their column names
_COUNTERS = ("rejected", "skipped")
_TOLD = tuple(f.name for f in fields(Desk) if f.name not in ("name", "keep", "meter", "acts"))


@dataclass(slots=True)
class Load:
    """One input, read."""

    name: str
    format: str
    tables: list[pa.Table]
    desk: Desk
    sha256: str


class Reading(NamedTuple):
    """What workers that read files need to know; shard k is file k."""

    names: tuple[str, ...]  # as the user named them
    paths: tuple[str, ...]  # where they lie, for every machine
    sizes: tuple[int, ...]  # bytes; −1 where only the remote store knows
    format: str
    mapping: tuple[tuple[str, str], ...]
    threads: int  # for one file: 1 where each core reads another, 0 where all read one


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
    scored = scores(input)
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


def scores(source: Input) -> list[tuple[float, Source]]:
    """Every source with how sure it is, surest first."""
    made = [factory("sources", name)(Config()) for name in registered("sources")]
    scored = [(round(float(s.sniff(source.head, source.name)), 4), s) for s in made]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].name))


def read_one(
    name: str,
    format: str | None,  # noqa: A002 - the word of the command line
    mapping: dict[str, str],
    keep: Callable[[Reject], None],
    *,
    path: str | None = None,
    progress: Progress = silent,
) -> Load:
    """Read one input, a file here or a remote one; ``path`` says where it lies if not at its name.

    Raises InputError for what cannot be read at all; the share of bad rows is the caller's to
    judge (``Load.desk.check``).
    """
    with fetched(name, path or name) as opened:
        source = recognise(opened, format=format)
        desk = Desk(name, keep, meter=_meter(name, progress))
        # hashing waits for the disk, reading for the processor
        with ThreadPoolExecutor(1) as beside:
            digest = beside.submit(_sha256, opened.path)
            reads = source.pieces if isinstance(source, Format) else source.read
            posts = Shelf(lasting=True).put_all(reads(opened, mapping, desk)).table(POSTS)
        tables = [posts] if posts.num_rows else []
    handed = sum(t.num_rows for t in tables) + desk.n_acts
    # a stranger's source may not count its rows: what it handed on and refused is all we know
    settled = handed + sum(desk.rejected.values()) + sum(desk.skipped.values())
    desk.rows = desk.rows or settled
    assert desk.rows == settled, f"{source.name}: {desk.rows} rows read, {settled} accounted for"
    asked = {field.split(":")[0] if field.startswith("time:") else field for field in mapping}
    if mapping and not any(desk.mapping.get(f) in mapping.values() for f in asked):
        desk.note(
            f"the mapping was not used: {source.name} has fields of its own; to map columns, "
            "say --format tabular"
        )
    return Load(name, source.name, tables, desk, digest.result())


def _meter(name: str, progress: Progress) -> Callable[[int, int, str], None]:
    stage = f"reading {Path(name).name}"
    return lambda done, of, unit: progress(f"{stage}: {unit}", done, of)


def read_shard(shared: Reading, first: int, stop: int) -> tuple[NDArray[np.uint8], str] | None:
    """File ``first`` as a worker reads it, packed; None where this machine does not have it."""
    assert stop == first + 1, "a shard of reading is one file"
    path, size = Path(shared.paths[first]), shared.sizes[first]
    if size >= 0 and not (path.is_file() and path.stat().st_size == size):
        return None
    rejects: list[Reject] = []
    with within(threads=shared.threads):
        read = read_one(
            shared.names[first],
            shared.format or None,
            dict(shared.mapping),
            rejects.append,
            path=shared.paths[first],
        )
    return pack(read, rejects)


def pack(read: Load, rejects: list[Reject]) -> tuple[NDArray[np.uint8], str]:
    """A load as Arrow IPC bytes and a JSON text: what travels between machines."""
    sink = pa.BufferOutputStream()
    _stream(sink, read.tables)
    posts_end = sink.tell()
    _stream(sink, [pa.Table.from_batches([batch]) for batch in read.desk.acts])
    said: dict[str, Any] = {k: getattr(read.desk, k) for k in _TOLD}
    said |= {"name": read.name, "format": read.format, "sha256": read.sha256}
    said["posts_end"] = posts_end
    said["rejects"] = [asdict(r) for r in rejects]
    # a lone surrogate in a bad value stays as it is: JSON's own escapes carry it
    return np.frombuffer(sink.getvalue(), np.uint8), json.dumps(said)


def _stream(sink: pa.BufferOutputStream, tables: list[pa.Table]) -> None:
    if tables:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(sink, tables[0].schema, options=options) as stream:
            for table in tables:
                stream.write_table(table)


def unpack(packed: tuple[NDArray[np.uint8], str], keep: Callable[[Reject], None]) -> Load:
    """The load that was packed; its rejected rows go to ``keep``."""
    data, text = packed
    said = json.loads(text)
    for reject in said["rejects"]:
        keep(Reject(**reject))
    desk = Desk(said["name"], keep)
    for name in _TOLD:
        value = said[name]
        if isinstance(value, list):  # JSON has no tuples
            value = [tuple(v) if isinstance(v, list) else v for v in value]
        setattr(desk, name, Counter(value) if name in _COUNTERS else value)
    posts, acts = data[: said["posts_end"]], data[said["posts_end"] :]
    tables = [pa.ipc.open_stream(pa.py_buffer(posts)).read_all()] if len(posts) else []
    if len(acts):
        desk.acts = pa.ipc.open_stream(pa.py_buffer(acts)).read_all().to_batches()
    return Load(said["name"], said["format"], tables, desk, said["sha256"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
