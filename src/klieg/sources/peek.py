"""Looks at the first bytes of an input and says what shape they have: columns or keys.

What every format is recognised by, worked out once. A head may end in the middle of a record (one
line of JSON can be megabytes long), so keys are also read from torn JSON. The room knows shapes,
not formats.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import msgspec

__all__ = ["Peek", "decode", "encoding_of", "flat", "peek", "plain_name"]

PARQUET_HEAD = b"PAR1\n"
DEPTH = 4  # objects inside objects that become dotted names
DELIMITERS = (",", ";", "\t", "|")
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|[{}\[\]]')


@dataclass(frozen=True, slots=True)
class Peek:
    """The shape of an input's first 64 KiB."""

    kind: str  # "jsonl", "json" (one document), "csv", "parquet"
    columns: tuple[str, ...]  # header of a table, or dotted key paths, lists transparent
    delimiter: str = ""  # of a table
    encoding: str = "utf-8"
    index: bool = False  # rows hold one more field than the header: an unnamed index column

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self.columns)

    def has(self, *names: str) -> bool:
        """Whether every column or path is there, spelled exactly so."""
        return self.paths.issuperset(names)


@lru_cache(maxsize=64)
def peek(head: bytes) -> Peek:
    """The shape of these bytes; never raises."""
    if head.startswith(PARQUET_HEAD):
        header = head[len(PARQUET_HEAD) :].decode("utf-8", "replace")
        return Peek("parquet", tuple(next(csv.reader(io.StringIO(header)), [])))
    encoding = encoding_of(head)
    text = decode(head, encoding).lstrip("\ufeff")
    body = text.lstrip()
    if body[:1] == "{" or (body[:1] == "[" and body[1:].lstrip()[:1] in {"{", "["}):
        return Peek(_json_kind(body), tuple(_json_paths(body)), encoding=encoding)
    return _table(text, encoding)


def encoding_of(head: bytes) -> str:
    """UTF-16 by its mark, UTF-8 otherwise (lines that are not are mended where they are read)."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8"


def decode(raw: bytes, encoding: str) -> str:
    """Text of a head that may end in the middle of a character."""
    return raw.decode(encoding, "ignore" if encoding == "utf-8" else "replace")


@lru_cache(maxsize=4096)
def plain_name(column: str) -> str:
    """A column's name without case, dots, dashes and spaces: ``"Tweet.Created_At"`` → letters."""
    return "".join(c for c in column.lower() if c.isalnum())


def _json_kind(body: str) -> str:
    first, newline, _ = body.partition("\n")
    if body[0] == "[":
        return "json"
    if not newline:
        return "jsonl"
    try:
        msgspec.json.decode(first)
    except msgspec.DecodeError:
        # a pretty-printed document opens a bracket and goes on below
        return "json" if first.rstrip()[-1:] in "{[,:" else "jsonl"
    return "jsonl"


def _json_paths(body: str) -> list[str]:
    found: dict[str, None] = {}
    lines = body.split("\n")
    for line in lines[:200]:
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            continue
        found.update(dict.fromkeys(_paths(record, "", DEPTH)))
    return list(found or dict.fromkeys(_torn_paths(body)))


def _paths(value: object, prefix: str, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path
            yield from _paths(inner, path, depth - 1)
    elif isinstance(value, list):
        for inner in value[:3]:
            yield from _paths(inner, prefix, depth)


def _torn_paths(body: str) -> Iterator[str]:
    """Key paths of JSON that breaks off: brackets are followed, values are passed over."""
    stack: list[str] = []
    key = ""
    for match in _TOKEN.finditer(body):
        token = match.group(0)
        if token in "{[":
            stack.append(key)
            key = "" if token == "{" else key
        elif token in "}]":
            if stack:
                stack.pop()
            key = ""
        elif match.group(2):
            key = match.group(1)
            path = ".".join(p for i, p in enumerate([*stack, key]) if p and (not i or p))
            if len(stack) <= 9:
                yield _squeezed(path)


def _squeezed(path: str) -> str:
    # a list repeats its key for the objects inside it: data.data.id is data.id
    parts = path.split(".")
    return ".".join(p for i, p in enumerate(parts) if i == 0 or p != parts[i - 1])


def _table(text: str, encoding: str) -> Peek:
    lines = text.split("\n")
    whole = "\n".join(lines[:-1]) if len(lines) > 1 else text
    best: tuple[int, int] = (-1, -1)
    chosen = Peek("csv", (), ",", encoding)
    for delimiter in DELIMITERS:
        # a torn quote swallows what follows it: lines are also read each for itself
        ways = _rows(whole, delimiter), _rows_by_line(whole, delimiter)
        rows = ways[1] if _agreement(ways[1]) > 0.9 else max(ways, key=_agreement)
        if not rows:
            continue
        header, body = rows[0], rows[1:]
        width = len(header)
        agree = sum(len(r) == width for r in body)
        longer = sum(len(r) == width + 1 for r in body)
        score = (max(agree, longer) * 2 >= len(body), width)
        if (int(score[0]), score[1]) > best:
            best = (int(score[0]), score[1])
            index = bool(body) and longer > agree
            columns = tuple(h.strip() for h in header)
            chosen = Peek("csv", columns, delimiter, encoding, index)
    return chosen


def _agreement(rows: list[list[str]]) -> float:
    """The share of rows as long as the first, or one longer (an unnamed index)."""
    if len(rows) < 2:
        return -1.0
    return sum(len(r) in {len(rows[0]), len(rows[0]) + 1} for r in rows[1:]) / (len(rows) - 1)


def _rows_by_line(text: str, delimiter: str) -> list[list[str]]:
    lines = [line for line in text.split("\n")[:51] if line.strip()]
    return [row for line in lines[:50] for row in _rows(line, delimiter)]


def _rows(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) >= 50:
                break
    except csv.Error:
        return rows
    return rows


def flat(record: object, prefix: str = "", depth: int = DEPTH) -> dict[str, object]:
    """A JSON object as dotted columns: ``{"user": {"id": 1}}`` → ``{"user.id": 1}``.

    Lists of objects become one list a key (``tags.name``), other lists stay as they are.
    """
    found: dict[str, object] = {}
    if not isinstance(record, dict):
        return found
    for key, value in record.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict) and depth:
            found.update(flat(value, path, depth - 1))
        elif value == []:
            continue  # nothing in it tells whether it would hold words or objects
        elif isinstance(value, list) and depth and isinstance(value[0], dict):
            inner: dict[str, list[object]] = {}
            for item in value:
                for name, part in flat(item, path, 0).items():
                    inner.setdefault(name, []).append(part)
            found.update(inner)
        else:
            found[path] = value
    return found
