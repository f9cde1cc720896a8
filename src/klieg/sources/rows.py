"""Posts found one at a time, as dictionaries, packed into batches: the end of the tolerant path.

A dictionary has the words of POSTS; its ``time`` (and ``account.created_at``) may be written any
way ``times`` reads. The room knows no format.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from klieg.tables import POSTS, Reject

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
) -> Iterator[pa.RecordBatch]:
    """Batches of ``(line, post)``; posts without account or readable time go to the desk.

    ``resolution`` is the tick of the platform's own clock in seconds (0: finer than a second).
    """
    chunk: list[tuple[int, dict[str, Any]]] = []
    for item in stream:
        chunk.append(item)
        if len(chunk) >= BATCH // 4:  # dictionaries are heavy
            yield _batch(chunk, desk, file, platform, resolution)
            chunk = []
    if chunk:
        yield _batch(chunk, desk, file, platform, resolution)


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
    chunk: list[tuple[int, dict[str, Any]]], desk: Desk, file: str, platform: str, resolution: int
) -> pa.RecordBatch:
    lines = [line for line, _ in chunk]
    posts = [post for _, post in chunk]
    raw = [text_of(p.get("time")) for p in posts]
    stamps = times.parse(pa.array(raw, pa.string()), name="time", path=desk.name)
    columns = {f.name: _column(f, posts) for f in POSTS if f.name not in _COMPUTED}
    columns["time"] = pa.array(stamps.us).cast(POSTS.field("time").type)
    columns["resolution"] = pa.array(np.full(len(posts), resolution, np.int32))
    columns["platform"] = pa.array([p.get("platform") or platform for p in posts], pa.string())
    columns["source_file"] = pa.repeat(file, len(posts))
    columns["source_row"] = pa.array(lines, pa.int64())
    columns["account"] = _accounts(posts, desk)
    columns["lang"] = codes(pa.array([text_of(p.get("lang")) for p in posts], pa.string()))
    for name in IDS:
        columns[name], _ = lossless(columns[name])
    named = pa.array([f"row:{file}:{line}" for line in lines], pa.string())
    columns["post_id"] = pc.coalesce(columns["post_id"], named)
    batch = pa.RecordBatch.from_arrays([columns[f.name] for f in POSTS], schema=POSTS)
    return batch.filter(pa.array(_sifted(batch, stamps.ok, raw, desk)))


_COMPUTED = {"time", "resolution", "platform", "source_file", "source_row", "account", "lang"}


def _column(field: pa.Field, posts: list[dict[str, Any]]) -> Any:
    if pa.types.is_string(field.type):
        return pa.array([text_of(p.get(field.name)) for p in posts], pa.string())
    if field.name in _LISTS:
        lists = [_texts(p.get(field.name)) for p in posts]
        return tidy(pa.array(lists, field.type), field.name)
    if field.name == "metrics":
        return pa.array([_counts(p.get("metrics")) for p in posts], field.type)
    if field.name in {"media", "objects"}:
        return pa.array([_structs(p.get(field.name)) for p in posts], field.type)
    return pa.array([p.get(field.name) for p in posts], field.type)


def _counts(given: dict[str, Any] | None) -> dict[str, int | None] | None:
    return {k: whole(v) for k, v in given.items()} if given else None


def _structs(given: list[dict[str, Any]] | None) -> list[dict[str, str | None]] | None:
    return [{k: text_of(v) for k, v in item.items()} for item in given] if given else None


def _texts(value: object) -> list[str | None] | None:
    return [text_of(v) for v in value] if isinstance(value, list) else None


def _accounts(posts: list[dict[str, Any]], desk: Desk) -> Any:
    given: list[dict[str, Any]] = [p.get("account") or {} for p in posts]
    kind = POSTS.field("account").type
    born = times.parse(
        pa.array([text_of(a.get("created_at")) for a in given], pa.string()),
        name="account.created_at",
        path=desk.name,
    )
    parts = [
        pa.array([text_of(a.get("handle")) for a in given], pa.string()),
        pa.array([text_of(a.get("name")) for a in given], pa.string()),
        pa.array(born.us, mask=~born.ok).cast(kind.field("created_at").type),
        pa.array([whole(a.get("followers")) for a in given], pa.int64()),
        pa.array([whole(a.get("following")) for a in given], pa.int64()),
        pa.array(
            [v if isinstance(v := a.get("verified"), bool) else None for a in given], pa.bool_()
        ),
    ]
    return pa.StructArray.from_arrays(
        parts, fields=list(kind), mask=pa.array([not a for a in given])
    )


def _sifted(batch: pa.RecordBatch, ok: Any, raw: list[str | None], desk: Desk) -> Any:
    keep = np.ones(batch.num_rows, np.bool_)
    nameless = np.asarray(batch.column("account_id").is_null())
    for rows, column, reason in (
        (nameless, "account_id", "no_account"),
        (~ok, "time", "no_readable_time"),
    ):
        for i in np.flatnonzero(rows & keep):
            value = raw[int(i)] if column == "time" else None
            line = batch.column("source_row")[int(i)].as_py()
            desk(Reject(desk.name, line, column, value, reason))
        keep &= ~rows
    return keep
