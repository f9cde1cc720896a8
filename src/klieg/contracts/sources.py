"""What a source promises: it knows its own format and no other, and every row is accounted for.

Every check runs over the plugin's own examples, whole, damaged and compressed. The room knows what
posts must look like, not what any format is.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from klieg.config import Config
from klieg.contracts.promise import Check, ContractBroken, Plugin, expect
from klieg.errors import InputError
from klieg.sockets import Source, factory, names
from klieg.sources import open_input
from klieg.sources.desk import Desk
from klieg.sources.formats import BATCH
from klieg.sources.inputs import HEAD
from klieg.tables import POSTS, Reject

__all__ = ["CHECKS"]

SURE = 0.5


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    """What came of one input."""

    batches: list[pa.RecordBatch]
    rejects: list[Reject]
    desk: Desk

    @property
    def table(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, POSTS)

    @property
    def settled(self) -> int:
        """Rows handed on, refused, or counted as neither posts nor acts."""
        handed = sum(b.num_rows for b in self.batches) + self.desk.n_acts
        return int(handed) + len(self.rejects) + sum(self.desk.skipped.values())


def _read(source: Source, content: bytes, *, plain: bool = False) -> _Reading:
    """Read bytes as a file; ``plain`` hands the source a bare callable for its rejects."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts"
        path.write_bytes(content)
        opened = open_input(str(path))
        rejects: list[Reject] = []
        desk = Desk(opened.name, rejects.append)
        batches = list(source.read(opened, {}, rejects.append if plain else desk))
    for batch in batches:
        expect(
            isinstance(batch, pa.RecordBatch) and batch.schema.equals(POSTS),
            "read() should give Arrow record batches with exactly the columns of "
            "klieg.tables.POSTS (times in UTC, microseconds)",
        )
    return _Reading(batches, rejects, desk)


def _examples(plugin: Plugin) -> Sequence[bytes]:
    found: Sequence[bytes] = plugin.made().examples()
    return found


def _sure(source: Source, head: bytes) -> float:
    score = source.sniff(head[:HEAD], "posts")
    expect(
        isinstance(score, (int, float)) and 0.0 <= score <= 1.0,
        f"sniff() should give a number from 0 to 1; it gives {score!r}",
    )
    return float(score)


def _others(plugin: Plugin) -> list[Source]:
    return [factory("sources", n)(Config()) for n in names("sources") if n != plugin.name]


def _without_place(table: pa.Table) -> pa.Table:
    return table.drop_columns(["source_file"])


# --- recognising ---------------------------------------------------------------------------------


def _named(plugin: Plugin) -> None:
    name = plugin.made().name
    expect(
        name == plugin.name,
        f"`name` should be the name it is registered under, {plugin.name!r}; it is {name!r}",
    )


def _has_examples(plugin: Plugin) -> None:
    examples = _examples(plugin)
    expect(len(examples), "examples() should hold at least one small input")
    for i, example in enumerate(examples):
        expect(isinstance(example, bytes), f"example {i} should be bytes, as they lie in a file")
        read = _read(plugin.made(), example)
        held = read.table.num_rows + read.desk.n_acts
        expect(held, f"example {i} should hold posts or acts; none was read")
        refused = [r.reason for r in read.rejects]
        expect(not refused, f"example {i} should read without a bad row; refused: {refused}")


def _recognises(plugin: Plugin) -> None:
    source = plugin.made()
    for i, example in enumerate(_examples(plugin)):
        own = _sure(source, example)
        expect(own > SURE, f"sniff() of example {i} should be above {SURE}; it is {own}")
        for other in _others(plugin):
            score = other.sniff(example[:HEAD], "posts")
            expect(
                own > score,
                f"sniff() of example {i} should be the highest of all installed sources; it is "
                f"{own}, {other.name} says {score}",
            )


def _modest(plugin: Plugin) -> None:
    source = plugin.made()
    for other in _others(plugin):
        for i, example in enumerate(other.examples()):
            theirs, mine = other.sniff(example[:HEAD], "posts"), _sure(source, example)
            expect(
                mine < theirs,
                f"sniff() of example {i} of {other.name} should be lower than its own {theirs}; "
                f"it is {mine}",
            )


def _nothing() -> Iterator[bytes]:
    rng = np.random.default_rng(7)
    yield b""
    yield b"\n"
    yield b"Dear all,\n\nthe meeting, as agreed, is on Monday.\n"
    for size in (1, 17, 4_096, HEAD):
        yield rng.bytes(size)
        yield rng.integers(32, 127, size, np.uint8).tobytes()


def _strangers(plugin: Plugin) -> None:
    source = plugin.made()
    for head in _nothing():
        score = _sure(source, head)
        expect(
            score <= SURE,
            f"sniff() of {len(head)} bytes of nothing should be at most {SURE}; it is {score}",
        )
    for example in _examples(plugin):
        for share in range(1, 16):  # a head may end anywhere, even inside a character
            _sure(source, example[: len(example) * share // 16])


# --- posts ---------------------------------------------------------------------------------------


def _strings(array: pa.Array) -> Iterator[pa.Array]:
    """Every array of strings inside a column, however deep."""
    kind = array.type
    if pa.types.is_string(kind):
        yield array
    elif pa.types.is_list(kind):
        yield from _strings(array.flatten())
    elif pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            yield from _strings(pc.struct_field(array, [i]))


def _proper(table: pa.Table) -> None:
    """What holds of every table of posts, whatever was read."""
    for field in POSTS:
        column = table.column(field.name).combine_chunks()
        if not field.nullable:
            expect(column.null_count == 0, f"`{field.name}` should never be null; it is somewhere")
        for strings in _strings(column):
            bare = pc.any(pc.equal(strings, "")).as_py()
            expect(not bare, f"an empty string in `{field.name}` should be null")
    tick = pc.min(table.column("resolution")).as_py()
    expect(tick is None or tick >= 0, f"`resolution` should be seconds, 0 or more; it is {tick}")


def _posts(plugin: Plugin) -> None:
    for example in _examples(plugin):
        _proper(_read(plugin.made(), example).table)


def _grown(example: bytes) -> bytes:
    """The example's lines after the first, over and over, until they make more than one batch."""
    first, *others = example.rstrip(b"\n").split(b"\n")
    again = b"".join(b"\n" + line for line in others or [first])
    return first + again * (BATCH // max(len(others), 1) + 1) + b"\n"


def _batches(plugin: Plugin) -> None:
    """The example as it is, and grown to two batches where its format allows lines to repeat."""
    source = plugin.made()
    for content in (*_examples(plugin), _grown(_examples(plugin)[0])):
        try:
            sizes = [b.num_rows for b in _read(source, content).batches]
        except InputError:
            continue
        expect(
            max(sizes, default=0) <= BATCH,
            f"a batch should hold {BATCH:,} rows at most; one holds {max(sizes, default=0):,}",
        )


def _accounted(plugin: Plugin) -> None:
    source = plugin.made()
    for i, example in enumerate(_examples(plugin)):
        for content in (example, *_torn(example)):
            read = _read(source, content)
            # a source that keeps no count leaves the desk's at 0: what it settled is all we know
            expect(
                read.desk.rows in (0, read.settled),
                f"of example {i}, {read.desk.rows} rows were read and {read.settled} accounted for "
                "as posts, rejects or counted",
            )


# --- damage --------------------------------------------------------------------------------------


def _torn(example: bytes) -> Iterator[bytes]:
    """The example without the end of its last line, in several lengths: a torn last record."""
    body = example.rstrip()
    last = body.rfind(b"\n") + 1
    for share in (0.75, 0.9):
        yield body[: last + max(int((len(body) - last) * share), 1)]


def _cut_short(plugin: Plugin) -> None:
    source = plugin.made()
    for i, example in enumerate(_examples(plugin)):
        whole = _read(source, example).settled
        for torn in _torn(example):
            try:
                read = _read(source, torn)
            except InputError as error:
                raise ContractBroken(
                    f"example {i} cut short should be read as far as it goes; it raised {error}"
                ) from error
            _proper(read.table)
            expect(
                read.settled >= whole,
                f"of example {i} cut short no row may vanish: {whole} rows when whole, "
                f"{read.settled} posts, rejects and counted when cut",
            )


def _broken_off(plugin: Plugin) -> None:
    """Cut anywhere, even in its header, an input reads or says what is wrong."""
    source = plugin.made()
    for i, example in enumerate(_examples(plugin)):
        for share in range(1, 12):
            content = example[: len(example) * share // 12] or b"\n"
            try:
                read = _read(source, content)
            except ContractBroken:
                raise
            except InputError:
                continue
            except Exception as error:
                raise ContractBroken(
                    f"example {i} cut at {len(content)} bytes should read or raise InputError; "
                    f"it raised {error!r}"
                ) from error
            _proper(read.table)


def _bad_rows(plugin: Plugin) -> None:
    source = plugin.made()
    for i, example in enumerate(_examples(plugin)):
        whole = _read(source, example)
        more = _read(source, example.rstrip(b"\n") + b"\n~ this is no row ~\n")
        expect(
            len(more.rejects) > len(whole.rejects),
            f"a line of nonsense after example {i} should go to reject(); it went nowhere",
        )
        for reject in more.rejects:
            expect(
                isinstance(reject, Reject) and reject.reason,
                f"reject() should be handed a klieg.tables.Reject with a reason, not {reject!r}",
            )


# --- what must change nothing --------------------------------------------------------------------


def _deterministic(plugin: Plugin) -> None:
    source = plugin.made()
    for i, example in enumerate(_examples(plugin)):
        for content in (example, *_torn(example)):
            first = _read(source, content)
            for again in (_read(source, content), _read(plugin.made(), content, plain=True)):
                same = _without_place(first.table).equals(_without_place(again.table))
                expect(same, f"example {i} read twice should give the same posts")
                expect(
                    [r.reason for r in first.rejects] == [r.reason for r in again.rejects],
                    f"example {i} read twice should give the same rejects, through a Desk or a "
                    "plain callable",
                )


_PACKED: tuple[tuple[str, Any], ...] = (
    ("gzip", gzip.compress),
    ("Zstandard", zstandard.ZstdCompressor().compress),
)


def _compressed(plugin: Plugin) -> None:
    source = plugin.made()
    for i, example in enumerate(_examples(plugin)):
        plain = _without_place(_read(source, example).table)
        for packing, pack in _PACKED:
            other = _without_place(_read(source, pack(example)).table)
            expect(
                plain.equals(other),
                f"example {i} packed with {packing} should give the same posts "
                "(klieg.sources.inputs.unpacked opens both)",
            )


CHECKS = (
    Check("named", "It has the name it is registered under.", _named),
    Check(
        "examples", "Its examples are bytes that hold posts or acts, none refused.", _has_examples
    ),
    Check("recognises", "It is surer of its own examples than any other source.", _recognises),
    Check("modest", "It is less sure of another format's examples than that format is.", _modest),
    Check(
        "strangers", "It is not sure of bytes that are no posts, and raises at none.", _strangers
    ),
    Check("posts", "Posts have every required column and no empty string.", _posts),
    Check("batches", f"Batches hold {BATCH:,} rows at most.", _batches),
    Check("accounted", "Rows read are posts, rejects or counted; none is lost.", _accounted),
    Check(
        "cut_short", "An input cut short loses no whole row and refuses the torn one.", _cut_short
    ),
    Check("broken_off", "Cut anywhere, an input reads or raises InputError.", _broken_off),
    Check("bad_rows", "A row that is none goes to reject() with a reason.", _bad_rows),
    Check("deterministic", "The same bytes give the same posts and rejects.", _deterministic),
    Check("compressed", "Packed with gzip or Zstandard, the posts are the same.", _compressed),
)
"""Every promise of a source."""
