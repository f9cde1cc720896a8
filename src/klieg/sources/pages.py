"""JSON of platforms' interfaces, taken apart: pages into objects, objects into posts or not.

Fields are fetched by tolerant getters, since platforms change their answers without a word: what is
missing, or has another shape than expected, is missing. The room knows no platform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.lines import documents, records
from klieg.sources.peek import peek
from klieg.tables import Reject

__all__ = ["at", "count", "items", "moment", "number", "objects", "posts", "words_at"]

Made = dict[str, Any] | str
"""A post as ``rows.pack`` takes it, or a word for what else the object is."""


def at(value: Any, *path: str | int) -> Any:
    """What lies at a path of keys and positions; None where the way there breaks off.

    >>> at({"a": [{"b": 7}]}, "a", 0, "b"), at({"a": []}, "a", 0, "b"), at(None, "a")
    (7, None, None)
    """
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = (
                value[step]
                if isinstance(value, list) and -len(value) <= step < len(value)
                else None
            )
        if value is None:
            return None
    return value


def words_at(value: Any, *path: str | int) -> str | None:
    """A string or whole number at a path, as a string; anything else is missing."""
    found = at(value, *path)
    if isinstance(found, str):
        return found or None
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else None


def number(value: Any, *path: str | int) -> int | None:
    """A whole number at a path, also where it is written as a string (``"1024"``)."""
    found = at(value, *path)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 18:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def count(value: Any, *paths: str) -> int | None:
    """The whole number at the first of several dotted paths that has one; 0 is one.

    >>> count({"stats": {"likes": 0}}, "likes", "stats.likes")
    0
    """
    found = (number(value, *path.split(".")) for path in paths)
    return next((n for n in found if n is not None), None)


def moment(value: Any, *path: str | int) -> str | None:
    """Seconds since 1970 at a path, as a date; what is no such number is given back as it stands.

    >>> moment({"t": "1714557600"}, "t"), moment({"t": "soon"}, "t")
    ('2024-05-01T10:00:00+00:00', 'soon')
    """
    found = words_at(value, *path)
    seconds = number(found)
    try:
        return found if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return found


def objects(value: Any, *path: str | int) -> list[dict[str, Any]]:
    """The JSON objects in a list at a path; an empty list where there are none."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def items(
    source: Input, desk: Desk, unroll: Callable[[dict[str, Any]], Sequence[Any] | None]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """``(line, object)`` of an input of JSON, pages taken apart.

    ``unroll`` gives the objects of a page, or None for what is no page. Every object counts as a
    row; an empty page is one row, counted as such; what is no object goes to the desk.
    """
    one = peek(source.head).kind == "json"
    for line, record in documents(source, desk) if one else records(source, desk):
        page = unroll(record) if isinstance(record, dict) else None
        if page is None:
            page = [record]
        elif not page:
            desk.skip("empty_page")
            continue
        desk.rows += len(page) - 1
        for item in page:
            if isinstance(item, dict):
                yield line, item
            else:
                desk(Reject(source.name, line, None, str(item)[:200], "not_an_object"))


def posts(
    stream: Iterator[tuple[int, dict[str, Any]]], make: Callable[[dict[str, Any]], Made], desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The posts among objects; others are counted under the word that ``make`` gives them."""
    for line, item in stream:
        made = make(item)
        if isinstance(made, str):
            desk.skip(made)
        else:
            yield line, made
