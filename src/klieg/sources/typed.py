"""Formats whose records are JSON objects of a known shape: decoded, checked, told as posts.

A format says which keys it reads as a ``TypedDict``; other keys are passed over undecoded. A record
whose keys hold something else costs itself, and the path and the value at fault are told. The room
knows JSON and shapes, no platform.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from klieg.sockets import Input
from klieg.sources.desk import VALUE_LIMIT, Desk
from klieg.sources.formats import Format, Reader
from klieg.sources.inputs import file_name
from klieg.sources.lines import document, mended, raw_records, shown
from klieg.sources.peek import Peek, peek
from klieg.sources.rows import pack
from klieg.tables import Reject

__all__ = [
    "Decoder",
    "WrongShape",
    "checked",
    "convert",
    "count",
    "decode",
    "ident",
    "json_format",
    "told",
]

Decoder = msgspec.json.Decoder[Any]
Post = Callable[[Any, Desk], "dict[str, Any] | None"]
Items = Callable[[Any], "Sequence[msgspec.Raw] | None"]
_PATH = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class WrongShape(Exception):
    """A record that cannot be a post: which of its fields is at fault, and what it holds."""

    def __init__(self, column: str | None, value: object, reason: str = "wrong_shape") -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


def json_format(
    name: str,
    recognised: Callable[[Peek], float],
    record: Any,
    post: Post,
    samples: tuple[bytes, ...],
    *,
    fields: Mapping[str, str],
    platform: str,
    resolution: int,
    unit: int = 0,
    items: Items | None = None,
) -> Format:
    """A format of JSON records, one a line, in a list, or in pages.

    ``record`` is the TypedDict of a record and of a page. ``items`` gives the records of a page,
    not yet decoded, and None for what is no page. ``post`` makes a post in the words of POSTS, or
    tells the desk what else it is and gives None; it may raise WrongShape. ``fields`` says, for a
    dry run, which key becomes which field. ``resolution`` and ``unit`` are those of ``rows.pack``.
    """
    decoder = msgspec.json.Decoder(record)

    def read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
        desk.mapping.update(fields)
        posts = told(checked(source, desk, decoder, items), desk, post)
        yield from pack(
            posts,
            desk,
            file=file_name(source),
            platform=platform,
            resolution=resolution,
            unit=unit,
        )

    reader: Reader = read
    return Format(name, recognised, reader, samples)


def checked(
    source: Input, desk: Desk, decoder: Decoder, items: Items | None = None
) -> Iterator[tuple[int, Any]]:
    """``(line, record)`` of every record of the right shape, pages taken apart; counts them all."""
    for line, raw in _raw(source, desk):
        for record in _opened(raw, line, decoder, items, desk, ""):
            yield line, record


def _opened(
    raw: bytes | msgspec.Raw, line: int, decoder: Decoder, items: Items | None, desk: Desk, at: str
) -> Iterator[Any]:
    """A record, or those of a page, or of the pages in it; a bad one costs no other."""
    try:
        found = decode(raw, decoder, desk, at)
    except WrongShape as wrong:
        desk(Reject(desk.name, line, wrong.column, _short(wrong.value), wrong.reason))
        return
    page = items(found) if items is not None else None
    if page is None:
        yield found
        return
    desk.rows += len(page) - 1
    if not page:
        desk.rows += 1
        desk.skip("empty_page")
    for i, inner in enumerate(page):
        yield from _opened(inner, line, decoder, items, desk, f"{at}[{i}]")


def told(
    stream: Iterator[tuple[int, Any]], desk: Desk, post: Post
) -> Iterator[tuple[int, dict[str, Any]]]:
    """``(line, post)`` of every record that is one; what ``post`` cannot use is rejected."""
    for line, record in stream:
        try:
            made = post(record, desk)
        except WrongShape as wrong:
            desk(Reject(desk.name, line, wrong.column, _short(wrong.value), wrong.reason))
            continue
        if made is not None:
            yield line, made


def decode(raw: bytes | msgspec.Raw, decoder: Decoder, desk: Desk, at: str = "") -> Any:
    """One record of the decoder's shape. ``at`` is the path of ``raw`` in the line it stands in.

    Raises WrongShape. What is no UTF-8, and half characters, are mended as everywhere.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _wrong(error, bytes(raw), at) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError as error:
        raise WrongShape(at or None, shown(bytes(raw)), "nested_too_deep") from error
    better = mended(bytes(raw), desk)
    try:
        return decoder.decode(better)
    except msgspec.ValidationError as error:
        raise _wrong(error, better, at) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongShape(at or None, shown(bytes(raw)), "not_json") from error


def convert(value: Any, shape: Any) -> Any:
    """A value that is decoded already, of the shape of a TypedDict. Raises WrongShape."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        match = _PATH.search(str(error))
        path = match.group(1) if match else ""
        if not path:
            raise WrongShape(None, value, "not_an_object") from error
        raise WrongShape(path, _at(value, path)) from error


def ident(value: object) -> str | None:
    """An id as a string; None where there is none, or where it was a float that lost digits."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def count(value: object) -> int | None:
    """A count; None where there is none, or where −1 stands for *unknown*."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if fits else None  # type: ignore[return-value]


def _raw(source: Input, desk: Desk) -> Iterator[tuple[int, bytes]]:
    """The records of an input as bytes: its lines, or the members of its one JSON list."""
    if peek(source.head).kind == "jsonl":
        yield from raw_records(source, desk)
        return
    found = document(source)
    for number, member in enumerate(found if isinstance(found, list) else [found], 1):
        desk.rows += 1
        yield number, msgspec.json.encode(member)


def _wrong(error: msgspec.ValidationError, raw: bytes, at: str) -> WrongShape:
    match = _PATH.search(str(error))
    path = match.group(1) if match else ""
    if not path and not at:
        return WrongShape(None, shown(raw), "not_an_object")
    column = f"{at}.{path}" if at and path else at or path
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # torn behind the bad field
        return WrongShape(at or None, shown(raw), "not_json")
    return WrongShape(column, _at(value, path))


def _at(value: Any, path: str) -> Any:
    """What stands at msgspec's path, as far as it leads."""
    for index, key in _STEP.findall(path):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif key and isinstance(value, dict) and key in value:
            value = value[key]
    return value


def _short(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value if value is None else value[:VALUE_LIMIT]
    return repr(value)[:VALUE_LIMIT]
