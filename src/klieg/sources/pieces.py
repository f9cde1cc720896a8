"""One huge JSON document, read piece by piece: the members of its lists, never the whole of it.

What a document says about a list before it (its siblings that are plain values) comes with every
member. A document that breaks off is read as far as it goes. The room knows JSON, no format.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Iterator
from typing import IO, Any

import ijson  # type: ignore[import-untyped]

from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.lines import MAX_DEPTH
from klieg.sources.peek import encoding_of
from klieg.tables import Reject

__all__ = ["ANY", "members"]

ANY = "*"
"""The step of a path into any member of a list."""

_CHUNK = 1 << 16
_FAR = 64 << 20  # bytes without a member: a value that large would fill the memory
_Event = tuple[str, Any]


def members(
    source: Input, desk: Desk, lists: Collection[tuple[str, ...]], *, torn: bool = True
) -> Iterator[tuple[int, dict[str, Any], Any]]:
    """``(number, siblings, member)`` of every list at one of these paths, in order; counts them.

    Members nested deeper than 64 are told to the desk; so is the place where a document breaks off,
    unless ``torn`` is False (a dry run looks at its beginning only).
    """
    number = 0
    with source.path.open("rb") as file:
        reader = _Reader(file, encoding_of(source.head))
        try:
            for siblings, member in _walk(reader, {*lists}):
                number, reader.since = number + 1, 0
                desk.rows += 1
                if member is _DEEP:
                    reason = f"nested_deeper_than_{MAX_DEPTH}"
                    desk(Reject(desk.name, number, None, None, reason))
                else:
                    yield number, siblings, member
        except (ijson.JSONError, _TooFar, ValueError, ArithmeticError) as error:
            if torn:
                desk.rows += 1
                reason = "too_large" if isinstance(error, _TooFar) else "not_json"
                desk(Reject(desk.name, number + 1, None, str(error)[:200], reason))
                desk.note(f"the document cannot be read past its item {number:,}")


_DEEP = object()


class _TooFar(Exception):
    """So many bytes without a member that one value must be holding them."""


class _Reader:
    """A file as the parser wants it: UTF-8 whatever it was, without marks and NUL bytes."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._first = True
        self.since = 0

    def read(self, size: int = _CHUNK) -> bytes:
        if not size:  # the parser asks for nothing to see what it would get
            return b""
        text = ""
        while not text and (raw := self._file.read(size)):
            self.since += len(raw)
            text = self._decoder.decode(raw)
        if self.since > _FAR:
            raise _TooFar(f"more than {_FAR >> 20} MiB without an item")
        if self._first:
            text, self._first = text.lstrip("\ufeff"), False
        return text.replace("\0", " ").encode("utf-8", "replace")


def _walk(reader: _Reader, lists: set[tuple[str, ...]]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Events outside members are followed by hand; inside one, ``_built`` takes them."""
    events: Iterator[_Event] = ijson.basic_parse(
        reader,
        buf_size=_CHUNK,
        use_float=True,  # (without, long numbers crash the parser)
    )
    path: list[str] = []  # the keys that lead to the open containers
    siblings: list[dict[str, Any]] = [{}]
    key, wanted = "", False
    for event, value in events:
        if event == "map_key":
            key = value
        elif event in {"start_map", "start_array"}:
            if wanted:
                yield siblings[-2], _built(events, event)
                continue
            path.append(key)
            if len(path) > MAX_DEPTH:
                raise ijson.JSONError(f"nested deeper than {MAX_DEPTH}")
            siblings.append({})
            key = ANY
            wanted = event == "start_array" and tuple(path[1:]) in lists
        elif event in {"end_map", "end_array"}:
            siblings.pop()
            path.pop()
            wanted = False
            key = ANY
        elif wanted:
            yield siblings[-2], value
        else:
            siblings[-1][key] = value


def _built(events: Iterator[_Event], opening: str) -> Any:
    """The container that was just opened, with all that is in it; ``_DEEP`` if it is too deep."""
    root: Any = {} if opening == "start_map" else []
    stack, keys = [root], [""]
    depth = 1
    for event, value in events:
        if event == "map_key":
            if depth <= MAX_DEPTH:
                keys[-1] = value
            continue
        if event in {"end_map", "end_array"}:
            depth -= 1
            if depth < len(stack):
                stack.pop()
                keys.pop()
            if not depth:
                break
            continue
        opened = event in {"start_map", "start_array"}
        depth += opened
        if depth > MAX_DEPTH:
            root = _DEEP
            continue
        if opened:
            value = {} if event == "start_map" else []
        top = stack[-1]
        if isinstance(top, dict):
            top[keys[-1]] = value
        else:
            top.append(value)
        if opened:
            stack.append(value)
            keys.append("")
    return root
