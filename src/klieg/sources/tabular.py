"""The generic source: any CSV, TSV, JSONL, JSON or Parquet whose columns say what they are.

Columns are matched by the alias table or by ``--map``; which were chosen, and which lost, is told.
Formats with a fixed header (``fixed``) go the same way with their own mapping. The room knows
columns and files; the platforms' shapes stand in ``platforms``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from klieg.errors import InputError
from klieg.memory import let_go
from klieg.sockets import Input
from klieg.sources import columnar, delimited, times
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.frames import Frame, build, identifiers, words
from klieg.sources.limits import limits
from klieg.sources.names import candidates, checked, choose, wanted
from klieg.sources.peek import Peek, peek
from klieg.sources.shelf import Shelf
from klieg.tables import POSTS

__all__ = ["Derive", "fixed", "source"]

PIECE, FEWER = 1 << 20, 1 << 16  # rows at a time: without and with a budget
_FEW = 4096  # rows

_ID_FIELDS = {"post_id", "account_id"}


Derive = Callable[[Frame, Desk], Frame]
"""Changes a frame before its columns are named: joins, splits or drops what a header means."""
Load = Callable[[Input, Callable[[Sequence[str]], list[str]], Desk], Frame]


def fixed(
    name: str,
    required: Sequence[str],
    mapping: Mapping[str, str | Sequence[str]],
    samples: tuple[bytes, ...],
    *,
    platform: str | None = None,
    derive: Derive | None = None,
    reads: Sequence[str] = (),
) -> Format:
    """A table format known by its header: ``mapping`` is field → column, the rest is not read.

    Of several columns for one field the first that is there is taken. ``derive`` sees the columns
    of the mapping and those of ``reads``; it may add columns, and drop rows if it tells the desk.
    """
    choices = {f: (c,) if isinstance(c, str) else tuple(c) for f, c in mapping.items()}
    known = {*reads, *(c for choice in choices.values() for c in choice)}

    def recognised(shape: Peek) -> float:
        return 0.9 if shape.kind in {"csv", "parquet"} and shape.has(*required) else 0.0

    def posts(load: Load, source: Input, user: Mapping[str, str], desk: Desk) -> pa.Table:
        needed = known | {*user.values()}
        frame = load(source, lambda columns: [c for c in columns if c in needed], desk)
        if user:
            checked(user, _all(source, frame), path=source.name)
        frame = derive(frame, desk) if derive and frame.table.column_names else frame
        there = frame.table.column_names
        own = {f: next(c for c in t if c in there) for f, t in choices.items() if {*t} & {*there}}
        return _posts(source, frame, own | dict(user), desk, platform, alone=True)

    def reader(source: Input, user: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
        yield from posts(columnar.load, source, user, desk).to_batches()

    def sampler(source: Input, user: Mapping[str, str], desk: Desk) -> pa.Table:
        return posts(columnar.head, source, user, desk)

    return Format(name, recognised, reader, samples, sampler)


def _sample(source: Input, mapping: Mapping[str, str], desk: Desk) -> pa.Table:
    frame = columnar.head(source, lambda columns: wanted(columns, mapping), desk)
    return _posts(source, frame, mapping, desk, None)


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    frame = columnar.load(source, lambda columns: wanted(columns, mapping), desk)
    table = _posts(source, frame, mapping, desk, None)
    yield from table.to_batches()


def _posts(
    source: Input,
    frame: Frame,
    mapping: Mapping[str, str],
    desk: Desk,
    platform: str | None,
    *,
    alone: bool = False,
) -> pa.Table:
    """Choose a column for each field, read the times, and build posts."""
    orders = {f.partition(":")[2]: c for f, c in mapping.items() if f.startswith("time:")}
    plain = {f.partition(":")[0] if f.startswith("time:") else f: c for f, c in mapping.items()}
    columns = frame.table.column_names
    if (
        not columns and not len(frame.row) and desk.rejected
    ):  # nothing but bad rows: they are the message
        return POSTS.empty_table()
    if not alone:
        checked(mapping, _all(source, frame), path=source.name)
    if alone:
        chosen, losers = dict(plain), list[str]()
    else:
        rivals = {c for names in candidates(columns).values() if len(names) > 1 for c in names}
        filled = {c: _filled(frame.table.column(c), exact=c in rivals) for c in columns}
        for c in columns:
            if not filled[c] and frame.table.column(c).null_count < frame.table.num_rows:
                desk.note(f"{c} was not used: it holds nothing, or ids in float notation only")
        chosen, losers = choose(columns, filled, plain)
    stamps, column = _times(frame, chosen, plain, next(iter(orders), None), source, losers)
    chosen = {**chosen, "time": column} if column else chosen
    _demand(chosen, source)
    desk.mapping.update(chosen)
    desk.losers.extend(losers)
    for note in stamps.notes:
        desk.note(note)
    stamps = replace(stamps, resolution=_ticks(frame, chosen, stamps))
    posts = Shelf()
    for piece, own in _cut(frame, stamps):
        posts.put_all(build(piece, chosen, own, desk=desk, platform=platform).to_batches())
        let_go()
    if desk.lost:
        desk.note(f"{desk.lost:,} references in float notation were dropped")
    return posts.table(POSTS)


def _ticks(frame: Frame, chosen: Mapping[str, str], stamps: times.Times) -> Any:
    """The clock's tick of every row: each collection has a clock of its own."""
    groups = np.zeros(len(stamps.us), np.int64)
    if "collection" in chosen:
        names = words(frame.table.column(chosen["collection"]), len(groups))
        coded = names.fill_null("").dictionary_encode()
        groups = np.asarray(coded.indices).astype(np.int64)
    return times.settle(stamps.us, stamps.resolution, groups)


def _cut(frame: Frame, stamps: times.Times) -> Iterator[tuple[Frame, times.Times]]:
    """A long table in pieces, as it was read: one Arrow column of strings holds at most 2 GiB."""
    room, start = limits().room, 0
    rows = PIECE if room is None else FEWER
    for batch in frame.table.to_batches(max_chunksize=rows):
        end = start + batch.num_rows
        own = times.Times(
            stamps.us[start:end], stamps.ok[start:end], stamps.resolution[start:end], ()
        )
        table = pa.Table.from_batches([batch])
        yield Frame(table, frame.row.slice(start, batch.num_rows), frame.file), own
        start = end


_OBJECTS = {"jsonl", "json"}


def _all(source: Input, frame: Frame) -> list[str]:
    """Every column of a table, wanted or not, flattened as it will be read."""
    shape = peek(source.head)
    if shape.kind in _OBJECTS:
        return list(frame.table.column_names)
    if shape.kind == "csv":
        return delimited.header_of(shape)
    names: list[str] = []
    for field in pq.read_schema(source.path):
        names += _flattened(field, field.name)
    return names


def _flattened(field: pa.Field, name: str) -> list[str]:
    if not pa.types.is_struct(field.type):
        return [name]
    return [leaf for inner in field.type for leaf in _flattened(inner, f"{name}.{inner.name}")]


def _demand(chosen: Mapping[str, str], source: Input) -> None:
    missing = [f for f in ("account_id", "time") if f not in chosen]
    acted = ("text", "urls", "hashtags", "repost_of", "reply_to", "quote_of", "media_url")
    if not any(f in chosen for f in acted) and not any(f.startswith("trace:") for f in chosen):
        missing.append("text")
    if missing:
        columns = [c for c in peek(source.head).columns if c]
        shown = ", ".join(columns[:60]) + (", …" if len(columns) > 60 else "")
        raise InputError(
            f"no column for {' and '.join(missing)}. The columns are: {shown or 'none'}. Name them "
            + ", ".join(f"--map {f}=COLUMN" for f in missing),
            path=source.name,
        )


def _times(
    frame: Frame,
    chosen: Mapping[str, str],
    mapping: Mapping[str, str],
    order: str | None,
    source: Input,
    losers: list[str],
) -> tuple[times.Times, str | None]:
    """The best column of times: the most complete that is neither a clock nor a crawl's stamp."""
    table, n = frame.table, frame.table.num_rows
    if "time" not in chosen:
        empty = np.zeros(n, np.int64)
        return times.Times(empty, empty > 0, np.ones(n, np.int32), ()), None
    first = chosen["time"]
    beaten = [x.split(" rather than ")[1].split(" (")[0] for x in losers if x.startswith("time:")]
    crawled = []
    for name in [first, *(c for c in beaten if c in table.column_names)]:
        column = table.column(name)
        if "time" not in mapping and n and _text_like(column) and _of_day(column):
            continue
        stamps = times.parse(column, name=name, path=source.name, order=order)
        _demand_zone(stamps, column, name, source)
        if (stamps.resolution[stamps.ok] >= times.DAY).all() and chosen.get("clock") not in {
            None,
            name,
        }:
            stamps = _joined(table, name, chosen["clock"], stamps, source, order)
        if not times.is_crawl(stamps) or "time" in mapping:
            if name != first:
                losers.append(f"time: {name} rather than {first} (not the times of posts)")
            return stamps, name
        crawled.append(name)
    if crawled:
        raise InputError(
            "most rows share one time: the stamp of a crawl, not of the posts. Name the column of "
            "posting times with --map time=COLUMN (naming this one accepts it)",
            path=source.name,
            column=crawled[0],
        )
    raise InputError(
        "holds times of day without a date; name the column of dates with --map time=COLUMN",
        path=source.name,
        column=first,
    )


def _demand_zone(stamps: times.Times, column: Any, name: str, source: Input) -> None:
    """Raise InputError if most times cannot be read for a zone that is in no table."""
    if len(stamps.ok) > 2 * stamps.ok.sum() and (zone := times.unknown_zone(column)):
        raise InputError(
            f"the times name a zone klieg does not know, {zone!r}; write offsets such as +02:00",
            path=source.name,
            column=name,
        )


def _joined(
    table: pa.Table, date: str, clock: str, stamps: times.Times, source: Input, order: str | None
) -> times.Times:
    column = table.column(clock)
    if not times.is_clock(column):
        return stamps
    hours = pc.utf8_trim_whitespace(column.combine_chunks().cast(pa.string()))
    hours = pc.replace_substring_regex(hours, r"^(\d)(:|$)", r"0\1\2")
    bare = pc.match_substring_regex(hours, r"^\d\d$")
    whole = pc.if_else(bare, pc.binary_join_element_wise(hours, "00", ":"), hours)
    day = pa.array(stamps.us, mask=~stamps.ok).cast(pa.timestamp("us")).cast(pa.date32())
    both = pc.binary_join_element_wise(day.cast(pa.string()), whole, "T")
    joined = times.parse(both, name=f"{date} + {clock}", path=source.name, order=order)
    if pc.all(bare, skip_nulls=True).as_py():
        tick = np.where(joined.ok, times.HOUR, joined.resolution).astype(np.int32)
        return times.Times(joined.us, joined.ok, tick, joined.notes)
    return joined


def _of_day(column: Any) -> bool:
    # bare numbers are seconds since 1970, however small
    return times.is_clock(column) and bool(pc.any(pc.match_substring(column, ":")).as_py())


def _text_like(column: Any) -> bool:
    kind = column.type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_int8(kind)
    )


def _filled(column: Any, *, exact: bool) -> float:
    """The share of values that are there and usable; ids in float notation are not.

    Unless it is to be ``exact``, a column that holds one usable value counts as full.
    """
    n = len(column)
    if not n:  # a header without rows: every column is as good as its name
        return 1.0
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or _coded(kind)):
        return float(n - column.null_count) / n
    if not exact:  # mostly the first few say it
        pieces = (c.slice(i, _FEW) for c in column.chunks for i in range(0, len(c), _FEW))
        return 1.0 if any(_missing(piece) < len(piece) for piece in pieces) else 0.0
    return float(n - sum(_missing(chunk) for chunk in column.chunks)) / n


def _missing(values: Any) -> int:
    if values.null_count == len(values):
        return len(values)
    return int(identifiers(words(values, len(values)), len(values))[0].null_count)


def _coded(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind))


def _recognised(shape: Peek) -> float:
    """A table that names an account, a time and something acted on; less sure the less it says."""
    fields = candidates(shape.columns)
    score = (
        0.5 + 0.1 * ("account_id" in fields) + 0.1 * ("time" in fields) + 0.05 * ("text" in fields)
    )
    return score if len(shape.columns) > 1 or shape.kind != "csv" else 0.1


_SAMPLES = (
    b"id,user,created_at,text\n"
    b"1,ada,2024-05-01T10:00:00Z,hello world\n"
    b"2,bob,2024-05-01T10:00:07Z,hello again\n",
    b'{"id": "1", "author": {"id": "7", "username": "ada"}, "created_at": 1714557600, '
    b'"text": "hello"}\n',
)

source = Format("tabular", _recognised, _read, _SAMPLES, _sample)
