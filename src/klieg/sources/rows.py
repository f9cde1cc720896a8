"""Posts found one at a time, as dictionaries, packed into batches: the end of the tolerant path.

A dictionary has the words of POSTS, or those of ACTS where it holds ``act``; its ``time`` is a
count of the unit that the format is known to use, or a date that says itself which is its day and
which its month. One record's odd value never costs another: nothing here raises. The room knows no
format.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources import times
from klieg.sources.desk import Desk
from klieg.sources.formats import BATCH
from klieg.sources.frames import lossless
from klieg.sources.languages import codes
from klieg.sources.lists import tidy
from klieg.tables import ACTS, POSTS, Reject

__all__ = ["IDS", "pack", "text_of", "whole"]

IDS = (
    *("post_id", "account_id", "repost_of", "repost_of_account"),
    *("reply_to", "reply_to_account", "quote_of"),
)
"""Columns of ids: one in float notation has lost digits and is null."""
_LISTS = ("urls", "hashtags", "mentions")


def pack(
    stream: Iterator[tuple[int, dict[str, Any]]],
    desk: Desk,
    *,
    file: str,
    platform: str,
    resolution: int,
    unit: int = 0,
) -> Iterator[pa.RecordBatch]:
    """Batches of ``(line, post)``; posts without account or readable time go to the desk.

    So do acts, whole or not: they are no posts.

    ``resolution`` is the tick of the platform's own clock in seconds (0: finer than a second).
    ``unit`` says how many of the times' numbers make a second; 0: times are written dates, and a
    number is taken for seconds, milliseconds or microseconds by its own size.
    """
    chunk: list[tuple[int, dict[str, Any]]] = []
    acts: list[tuple[int, dict[str, Any]]] = []
    for item in stream:
        (acts if "act" in item[1] else chunk).append(item)
        if len(chunk) >= BATCH // 4:  # dictionaries are heavy
            yield _batch(chunk, desk, file, platform, resolution, unit)
            chunk = []
        elif len(acts) >= BATCH:
            desk.act(_acts(acts, desk, file, platform, resolution, unit))
            acts = []
    if acts:
        desk.act(_acts(acts, desk, file, platform, resolution, unit))
    if chunk:
        yield _batch(chunk, desk, file, platform, resolution, unit)


def text_of(value: object) -> str | None:
    """A value as a string Arrow can hold: lone surrogates mended, empty is null."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, (bool, dict, list)):
        return None
    return str(value)


def whole(value: object) -> int | None:
    """A count, or null where there is none to trust."""
    fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value if fits else None  # type: ignore[return-value]


def _batch(
    chunk: list[tuple[int, dict[str, Any]]],
    desk: Desk,
    file: str,
    platform: str,
    resolution: int,
    unit: int,
) -> pa.RecordBatch:
    lines = [line for line, _ in chunk]
    posts = [post for _, post in chunk]
    written = [p.get("time") for p in posts]
    us, ok = _counted(written, unit) if unit else _dated(written, desk)
    columns = {f.name: _column(f, posts) for f in POSTS if f.name not in _COMPUTED}
    columns["time"] = pa.array(us).cast(POSTS.field("time").type)
    columns["resolution"] = pa.array(np.full(len(posts), resolution, np.int32))
    columns["platform"] = pa.array([p.get("platform") or platform for p in posts], pa.string())
    columns["source_file"] = pa.repeat(file, len(posts))
    columns["source_row"] = pa.array(lines, pa.int64())
    columns["account"] = _accounts(posts, desk)
    columns["lang"] = codes(_strings([p.get("lang") for p in posts]))
    for name in IDS:
        columns[name], _ = lossless(columns[name])
    named = pa.array([f"row:{file}:{line}" for line in lines], pa.string())
    columns["post_id"] = pc.coalesce(columns["post_id"], named)
    batch = pa.RecordBatch.from_arrays([columns[f.name] for f in POSTS], schema=POSTS)
    missing = {
        "no_account": ("account_id", np.asarray(batch.column("account_id").is_null())),
        "no_readable_time": ("time", ~ok),
    }
    return batch.filter(pa.array(_sifted(batch, missing, written, desk)))


def _acts(
    chunk: list[tuple[int, dict[str, Any]]],
    desk: Desk,
    file: str,
    platform: str,
    resolution: int,
    unit: int,
) -> pa.RecordBatch:
    acts = [act for _, act in chunk]
    written = [a.get("time") for a in acts]
    us, ok = _counted(written, unit) if unit else _dated(written, desk)
    columns = {f.name: _strings([a.get(f.name) for a in acts]) for f in ACTS if f.name in _WORDS}
    for name in ("account_id", "object_id", "object_account", "act_id"):
        columns[name], _ = lossless(columns[name])
    columns["platform"] = pc.coalesce(columns["platform"], pa.scalar(platform))
    columns["time"] = pa.array(us).cast(ACTS.field("time").type)
    columns["resolution"] = pa.array(np.full(len(acts), resolution, np.int32))
    columns["source_file"] = pa.repeat(file, len(acts))
    columns["source_row"] = pa.array([line for line, _ in chunk], pa.int64())
    missing = {
        "no_account": ("account_id", np.asarray(columns["account_id"].is_null())),
        "no_object": ("object_id", np.asarray(columns["object_id"].is_null())),
        "no_readable_time": ("time", ~ok),
    }
    batch = pa.RecordBatch.from_arrays([columns[f.name] for f in ACTS], schema=ACTS)
    return batch.filter(pa.array(_sifted(batch, missing, written, desk)))


_WORDS = (
    *("platform", "account_id", "act", "object_id", "value", "object_account"),
    *("act_id", "collection"),
)
_COMPUTED = {"time", "resolution", "platform", "source_file", "source_row", "account", "lang"}
# a date that is no mere number, and has no day and month that could be told either way
_SELF_EVIDENT = r"^\s*(?:\d{4}-\d{1,2}-\d{1,2}|[A-Za-z]{3,9},? )"


def _dated(written: list[Any], desk: Desk) -> tuple[Any, Any]:
    """(µs, whether readable) of written dates; those with slashes are none."""
    column = _strings(written)
    dates = pc.if_else(pc.match_substring_regex(column, _SELF_EVIDENT), column, None)
    found = times.parse(dates, name="time", path=desk.name)
    us, ok = found.us, found.ok
    rest = np.flatnonzero(~ok & np.asarray(dates.is_null()) & np.asarray(column.is_valid()))
    if len(rest):
        us, ok = us.copy(), ok.copy()
        us[rest], ok[rest] = _counted([written[i] for i in rest.tolist()], 0)
    return us, ok


def _counted(written: list[Any], unit: int) -> tuple[Any, Any]:
    """(µs, whether readable) of numbers, however they are written; unit 0: by their size."""
    us = [_ticks(value, unit) for value in written]
    ok = np.array([u is not None for u in us], np.bool_)
    return np.array([u or 0 for u in us], np.int64), ok


def _ticks(value: Any, unit: int) -> int | None:
    if isinstance(value, str):
        try:
            value = int(value) if value.isascii() and value.isdigit() else float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if not 0 <= value < 1e17:  # no number at all, either
        return None
    looks = 1 if value < 1e11 else 1_000 if value < 1e14 else times.US
    if unit not in {0, looks}:  # seconds where the format has microseconds are nobody's time
        return None
    us = round(value * (times.US // looks))
    return us if times.EARLIEST <= us < times.LATEST else None


def _column(field: pa.Field, posts: list[dict[str, Any]]) -> Any:
    values = [p.get(field.name) for p in posts]
    if pa.types.is_string(field.type):
        return _strings(values)
    if field.name in _LISTS:
        return tidy(_lists(values, field.type), field.name)
    if field.name == "metrics":
        return _metrics(values)
    if field.name in {"media", "objects"}:
        return pa.array([_structs(v) for v in values], field.type)
    return pa.array(values, field.type)


def _strings(values: list[Any]) -> Any:
    """Strings whole columns at a time; value by value where some are none that Arrow can hold."""
    try:
        column = pa.array(values, pa.string())
    except (pa.ArrowException, UnicodeError):
        return pa.array([text_of(v) for v in values], pa.string())
    return pc.if_else(pc.equal(column, ""), None, column)


def _lists(values: list[Any], kind: pa.DataType) -> Any:
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, UnicodeError):
        return pa.array([_texts(v) for v in values], kind)


def _metrics(values: list[dict[str, Any] | None]) -> Any:
    kind = POSTS.field("metrics").type
    given: list[dict[str, Any]] = [v or {} for v in values]
    parts = [pa.array([whole(g.get(f.name)) for g in given], pa.int64()) for f in kind]
    mask = pa.array([not v for v in values])
    return pa.StructArray.from_arrays(parts, fields=list(kind), mask=mask)


def _structs(given: list[dict[str, Any]] | None) -> list[dict[str, str | None]] | None:
    return [{k: text_of(v) for k, v in item.items()} for item in given] if given else None


def _texts(value: object) -> list[str | None] | None:
    return [text_of(v) for v in value] if isinstance(value, list) else None


def _accounts(posts: list[dict[str, Any]], desk: Desk) -> Any:
    given: list[dict[str, Any]] = [p.get("account") or {} for p in posts]
    kind = POSTS.field("account").type
    born, known = _dated([a.get("created_at") for a in given], desk)
    parts = [
        _strings([a.get("handle") for a in given]),
        _strings([a.get("name") for a in given]),
        pa.array(born, mask=~known).cast(kind.field("created_at").type),
        pa.array([whole(a.get("followers")) for a in given], pa.int64()),
        pa.array([whole(a.get("following")) for a in given], pa.int64()),
        pa.array(
            [v if isinstance(v := a.get("verified"), bool) else None for a in given], pa.bool_()
        ),
    ]
    return pa.StructArray.from_arrays(
        parts, fields=list(kind), mask=pa.array([not a for a in given])
    )


def _sifted(
    batch: pa.RecordBatch, missing: dict[str, tuple[str, Any]], written: list[Any], desk: Desk
) -> Any:
    """Rows that lack nothing; the others go to the desk, each with the first thing it lacks."""
    keep = np.ones(batch.num_rows, np.bool_)
    for reason, (column, rows) in missing.items():
        for i in np.flatnonzero(rows & keep):
            value = text_of(written[int(i)]) if column == "time" else None
            line = batch.column("source_row")[int(i)].as_py()
            desk(Reject(desk.name, line, column, value, reason))
        keep &= ~rows
    return keep
