"""The tolerant path: JSON read line by line, so that one bad line costs one line.

A line may hold at most 8 MiB and be nested at most 64 deep; what is longer, deeper or torn is told
to the desk. Files that hold one JSON document (a list of posts, or an object around one) are read
here too. The room knows JSON, not posts.
"""

from __future__ import annotations

import codecs
import io
import mmap
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import numpy as np

from klieg.errors import InputError
from klieg.sockets import Input
from klieg.sources.desk import VALUE_LIMIT, Desk
from klieg.sources.peek import encoding_of
from klieg.tables import Reject

__all__ = [
    "MAX_DEPTH",
    "MAX_LINE",
    "deep_line",
    "document",
    "documents",
    "head_records",
    "longer_than",
    "mended",
    "raw_records",
    "records",
    "shown",
    "survey",
]

MB = 1_000_000
_SURVEYED = 1 << 18  # bytes at a time: more, and each pass would ask for fresh memory
MAX_LINE = 8 << 20
MAX_DEPTH = 64
MAX_DOCUMENT = 512 << 20
# half of a surrogate pair: no character, and refused by strict readers
_LONE = re.compile(
    rb"((?<!\\)(?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def records(source: Input, desk: Desk) -> Iterator[tuple[int, Any]]:
    """``(line number, object)`` of every whole line; counts every line that is not blank."""
    for number, raw in raw_records(source, desk):
        try:
            yield number, _decoded(raw, desk)
        except _Bad as bad:
            desk(Reject(source.name, number, None, shown(raw), str(bad)))


def raw_records(source: Input, desk: Desk) -> Iterator[tuple[int, bytes]]:
    """``(line number, bytes)`` of every line that may be decoded: none too long or too deep."""
    encoding = encoding_of(source.head)
    for number, raw in _lines(source.path, encoding, desk, source.name):
        desk.rows += 1
        if too_deep(raw):
            reason = f"nested_deeper_than_{MAX_DEPTH}"
            desk(Reject(source.name, number, None, shown(raw), reason))
        else:
            yield number, raw


def documents(source: Input, desk: Desk) -> Iterator[tuple[int, Any]]:
    """``(number, object)`` of a file that is one JSON document: the list of objects inside it."""
    for number, item in enumerate(_inner_list(document(source)), 1):
        desk.rows += 1
        yield number, item


def document(source: Input) -> Any:
    """A file that is one JSON document, whole; InputError if it is torn, too large or too deep."""
    size = source.path.stat().st_size
    if size > MAX_DOCUMENT:
        raise InputError(
            "one JSON document of more than 512 MiB; write one object a line (jq -c '.[]')",
            path=source.name,
        )
    raw = source.path.read_bytes().decode(encoding_of(source.head), "replace").lstrip("\ufeff")
    if too_deep(raw.encode()):
        raise InputError(f"JSON nested deeper than {MAX_DEPTH}", path=source.name)
    try:
        try:
            return msgspec.json.decode(raw)
        except msgspec.DecodeError:
            return msgspec.json.decode(_LONE.sub(rb"\1\\ufffd", raw.encode()).replace(b"\0", b""))
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(
            f"not valid JSON ({error}); if it holds one object a line, end each with a newline",
            path=source.name,
        ) from error


def head_records(head: bytes, kind: str) -> list[Any]:
    """The whole records in a head, for a preview: at most 1,000."""
    text = head.decode(encoding_of(head), "replace").lstrip("\ufeff")
    try:
        if kind == "json":
            return _inner_list(msgspec.json.decode(text))[:1000]
    except msgspec.DecodeError:
        return []
    found = []
    for line in text.split("\n")[:1000]:
        try:
            found.append(msgspec.json.decode(line))
        except (msgspec.DecodeError, RecursionError):
            continue
    return found


def survey(path: Path) -> tuple[int, bool]:
    """Lines of a file, blank ones too, and whether one of them is nested deeper than allowed.

    A last line without its end counts.
    """
    count, deep, rest = 0, False, b""
    with path.open("rb") as file:
        while piece := file.read(_SURVEYED):
            block, newline, tail = piece.rpartition(b"\n")
            if not newline:  # in the middle of a long line
                rest += piece
                continue
            block, rest = rest + block + newline, tail
            # a line that opens few brackets is not deep; the other bytes are dropped to see it
            ends = np.flatnonzero(
                np.frombuffer(block.translate(None, _NOT_OPENING), np.uint8) == 10
            )
            count += len(ends)
            crowded = np.diff(ends, prepend=-1).max() > MAX_DEPTH + 1
            deep = deep or (bool(crowded) and deep_line(block))
    return count + bool(rest), deep or too_deep(rest)


_NOT_OPENING = bytes(b for b in range(256) if b not in b"{[\n")
_NO_BRACKET = bytes(b for b in range(256) if b not in b"{[]}\n")


def deep_line(block: bytes) -> bool:
    """Whether one of these lines (all end in a newline) is nested too deep; a bound goes first."""
    code = np.frombuffer(block.translate(None, _NO_BRACKET), np.uint8)
    step = ((code == 123) | (code == 91)).astype(np.int64) - ((code == 125) | (code == 93))
    ends = np.flatnonzero(code == 10)
    depth = np.cumsum(step)
    starts = np.r_[0, ends[:-1] + 1]
    deepest = np.maximum.reduceat(depth, starts) - np.r_[0, depth[ends[:-1]]]
    suspects = np.flatnonzero(deepest > MAX_DEPTH)
    if not len(suspects):
        return False
    lines = block.split(b"\n")
    return any(too_deep(lines[i]) for i in suspects.tolist())


def longer_than(path: Path, limit: int) -> bool:
    """Whether some line is longer than ``limit`` bytes; looks at few bytes of the rest."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        start, size = 0, len(whole)
        while size - start > limit:
            end = whole.rfind(b"\n", start, start + limit + 1)
            if end < 0:
                return True
            start = end + 1
    return False


def too_deep(raw: bytes) -> bool:
    """Whether brackets outside strings nest deeper than allowed; a cheap bound goes first."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return False
    code = np.frombuffer(raw, np.uint8)
    step = (code == 123).astype(np.int8) + (code == 91) - (code == 125) - (code == 93)
    if np.cumsum(step, dtype=np.int64).max() <= MAX_DEPTH:
        return False
    return _depth(raw) > MAX_DEPTH


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    inside = escaped = False
    for b in raw:
        if inside:
            inside, escaped = escaped or b != 34, b == 92 and not escaped
        elif b == 34:
            inside = True
        elif b in b"{[":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif b in b"}]":
            depth -= 1
    return deepest


class _Bad(Exception):
    """Why a line cannot be used."""


def _decoded(raw: bytes, desk: Desk) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError as error:
        raise _Bad(f"nested_deeper_than_{MAX_DEPTH}") from error
    try:
        found = msgspec.json.decode(mended(raw, desk))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Bad("not_json") from error
    return found


def mended(raw: bytes, desk: Desk) -> bytes:
    """A line that is not UTF-8 is read as Windows-1252, and said so; NUL bytes are taken out."""
    if b"\\u" in raw:
        raw = _LONE.sub(rb"\1\\ufffd", raw)
    if b"\0" in raw:
        desk.note("NUL bytes were taken out of some lines")
        raw = raw.replace(b"\0", b"")
    try:
        raw.decode()
    except UnicodeDecodeError:
        desk.note("some lines are not UTF-8 and were read as Windows-1252")
        return raw.decode("cp1252", "replace").encode()
    return raw


def _lines(path: Path, encoding: str, desk: Desk, name: str) -> Iterator[tuple[int, bytes]]:
    size, done = path.stat().st_size // MB, 0
    with path.open("rb") as plain:
        file = _as_utf8(plain) if encoding == "utf-16" else plain
        for number in count(1):
            if not (raw := file.readline(MAX_LINE + 1)):
                return
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            done += len(raw)
            if done // MB != (done - len(raw)) // MB:
                desk.read(done // MB, size, "MB")
            if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
                desk.rows += 1
                desk(Reject(name, number, None, shown(raw), "line_longer_than_8_MiB"))
                _pass_over(file)
            elif raw.strip():
                yield number, raw


def _as_utf8(file: IO[bytes]) -> IO[bytes]:
    """UTF-16 as UTF-8, in pieces; half a character at the end, and what is none, is replaced."""
    return cast("IO[bytes]", io.BufferedReader(_Recoded(file), 1 << 20))


class _Recoded(io.RawIOBase):
    """The bytes of a UTF-16 stream as UTF-8."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._rest = file, b""
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        while not self._rest:
            piece = self._file.read(1 << 16)
            self._rest = self._decoder.decode(piece, final=not piece).encode("utf-8", "replace")
            if not piece and not self._rest:
                return 0
        n = min(len(room), len(self._rest))
        room[:n], self._rest = self._rest[:n], self._rest[n:]
        return n


def _pass_over(file: IO[bytes]) -> None:
    while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
        pass


def shown(raw: bytes) -> str:
    """The start of a line, as the quarantine keeps it."""
    return raw[:VALUE_LIMIT].decode("utf-8", "replace").rstrip()


def _inner_list(document: Any) -> list[Any]:
    """The list of objects in a document: itself, or the only one found inside."""
    if isinstance(document, list):
        return document
    level = [document] if isinstance(document, dict) else []
    for _ in range(4):
        lists = [
            v
            for d in level
            for v in d.values()
            if isinstance(v, list) and v and isinstance(v[0], dict)
        ]
        if len(lists) == 1:
            return lists[0]
        level = [v for d in level for v in d.values() if isinstance(v, dict)]
    return [document]
