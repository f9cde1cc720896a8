"""One trial of an importer: bytes are read as a file, and whatever they are, promises hold.

Held: nothing is raised but InputError; rows read are posts, acts, rejects and what is counted as
neither; the columns are exactly those of POSTS and ACTS; times lie between 1970 and 2100; how the
rows are cut into pieces changes nothing; no account comes from nowhere. Used by the fuzzers and by
nothing else.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import klieg.sources
from klieg.errors import InputError
from klieg.sockets import Source
from klieg.sources import open_input
from klieg.sources.acts import beside
from klieg.sources.assembly import combine
from klieg.sources.desk import Desk
from klieg.sources.reading import REMOVED
from klieg.tables import ACTS, POSTS, Reject

EARLIEST, LATEST = 0, 4_102_444_800_000_000  # 1970 … 2100, microseconds
PIECES = {"BATCH": 8, "PIECE": 2}  # rows that are handled at once, where a room says so


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of some bytes: posts, acts, an account of the rest, or the refusal of the whole."""

    table: pa.Table
    acts: pa.Table
    rows: int
    reasons: list[str]
    skipped: dict[str, int]
    deleted: list[tuple[str, str]]
    refused: str | None = None

    @property
    def settled(self) -> int:
        """Rows handed on, refused, or counted as neither posts nor acts."""
        handed = int(self.table.num_rows) + int(self.acts.num_rows)
        return handed + len(self.reasons) + sum(self.skipped.values())


def trial(source: Source, content: bytes, path: Path, *, whole: bool = False) -> Reading:
    """Read some bytes in every way and raise AssertionError where a promise is broken.

    ``whole`` also puts the posts in order, merges and counts them, as a scan would.
    """
    path.write_bytes(content)
    score = source.sniff(content[: 1 << 16], path.name)
    assert 0.0 <= score <= 1.0, f"sniff() gave {score}"
    reading = _reading(source, path)
    if reading.refused is None:
        assert reading.rows == reading.settled, (
            f"{reading.rows} rows read, {reading.settled} accounted for: {reading.table.num_rows} "
            f"posts, {reading.acts.num_rows} acts, {reading.reasons}, {reading.skipped}"
        )
        for table in (reading.table, reading.acts):
            _proper(table)
            _from_somewhere(table, content)
    with in_small_pieces():
        again = _reading(source, path)
    _same(reading, again)
    if whole:
        posts, counts, _ = combine([reading.table], reading.deleted)
        posts, more = beside(posts, [reading.acts], reading.deleted)
        gone = sum((counts | more).get(k, 0) for k in REMOVED)
        kept, given = posts.n + posts.n_acts, reading.table.num_rows + reading.acts.num_rows
        assert kept + gone == given, f"{posts.n} posts, {posts.n_acts} acts, {counts}, {more}"
    return reading


def _reading(source: Source, path: Path) -> Reading:
    rejects: list[Reject] = []
    desk = Desk(path.name, rejects.append)
    try:
        opened = open_input(str(path))
        batches = list(source.read(opened, {}, desk))
    except InputError as refusal:
        nothing = POSTS.empty_table(), ACTS.empty_table()
        return Reading(*nothing, 0, [], {}, [], str(refusal))
    for batch in batches:
        assert batch.schema.equals(POSTS), f"columns are not those of POSTS: {batch.schema}"
    for batch in desk.acts:
        assert batch.schema.equals(ACTS), f"columns are not those of ACTS: {batch.schema}"
    assert all(isinstance(r, Reject) and r.reason for r in rejects), rejects
    assert len(rejects) == sum(desk.rejected.values())
    reasons = sorted(r.reason for r in rejects)
    table = pa.Table.from_batches(batches, POSTS)
    acts = pa.Table.from_batches(desk.acts, ACTS)
    return Reading(table, acts, desk.rows, reasons, dict(desk.skipped), desk.deleted)


def _proper(table: pa.Table) -> None:
    table.validate(full=True)
    for field in table.schema:
        if not field.nullable:
            assert not table.column(field.name).null_count, f"{field.name} is null somewhere"
    names = ("platform", "post_id", "account_id", "text", "lang", "client", "act", "object_id")
    for name in (*names, "value", "object_account", "act_id"):
        if name not in table.column_names:
            continue
        blank = pc.any(pc.equal(table.column(name), "")).as_py()
        assert not blank, f"an empty string in {name} should be null"
    time = table.column("time").cast(pa.int64())
    if table.num_rows:
        first, last = pc.min(time).as_py(), pc.max(time).as_py()
        assert EARLIEST <= first <= last < LATEST, f"times from {first} to {last}"


def _same(one: Reading, two: Reading) -> None:
    """The same rows, however they were cut into pieces."""
    assert (one.refused is None) == (two.refused is None), (
        f"in large pieces: {one.refused!r}, in small ones: {two.refused!r}"
    )
    assert (one.rows, one.reasons, one.skipped) == (two.rows, two.reasons, two.skipped)
    assert one.table.equals(two.table), "rows differ when cut into smaller pieces"
    assert one.acts.equals(two.acts), "acts differ when cut into smaller pieces"


def _from_somewhere(table: pa.Table, content: bytes) -> None:
    """Every word and number in an account's name stands in the input, be it in two places."""
    if not table.num_rows:
        return
    held = " ".join(_WORD.findall(_readable(content).lower()))
    for account in table.column("account_id").unique().to_pylist():
        for word in _WORD.findall(account.lower()):
            two = any(word[:i] in held and word[i:] in held for i in range(3, len(word) - 2))
            assert word in held or two, f"account {account!r} came from nowhere"


def _readable(content: bytes) -> str:
    bare = content.replace(b"\0", b"")  # readers take zero bytes out
    texts = [c.decode(e, "replace") for c in (content, bare) for e in ("utf-8", "cp1252", "utf-16")]
    for text in (texts[0], texts[3]):
        for line in (*text.split("\n"), text):
            with suppress(ValueError, RecursionError):
                texts.extend(_strings(json.loads(line)))
    return "\n".join([*texts, *(text.replace("\0", "") for text in texts)])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif value is not None:
        yield str(value)


_WORD = re.compile(r"[^\W\d_]+|\d+")


def _rooms() -> list[Any]:
    found = pkgutil.walk_packages(klieg.sources.__path__, "klieg.sources.")
    return [importlib.import_module(m.name) for m in found]


_ROOMS = _rooms()


@contextmanager
def in_small_pieces() -> Iterator[None]:
    """Every room of the sources handles a few rows at a time."""
    before = [
        (room, name, getattr(room, name))
        for room in _ROOMS
        for name in PIECES
        if isinstance(getattr(room, name, None), int)
    ]
    try:
        for room, name, _ in before:
            setattr(room, name, PIECES[name])
        yield
    finally:
        for room, name, value in before:
            setattr(room, name, value)
