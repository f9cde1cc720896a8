"""What a built-in format is made of: a name, how to recognise it, how to read it, examples.

Every format of ours is one value of this kind, found through the same entry points as a
stranger's. The room knows no format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from klieg.sockets import Input
from klieg.sources.desk import Desk, desk_of
from klieg.sources.inputs import beginning, unpacked
from klieg.sources.peek import Peek, peek
from klieg.tables import POSTS, Reject

__all__ = ["BATCH", "Format", "either"]

BATCH = 65_536
Reader = Callable[[Input, Mapping[str, str], Desk], Iterator[pa.RecordBatch]]
"""Posts in batches of any size."""


@dataclass(frozen=True, slots=True)
class Format:
    """A source of posts in one format (socket ``Source``)."""

    name: str
    recognised: Callable[[Peek], float]
    reader: Reader
    samples: tuple[bytes, ...]
    sampler: Callable[[Input, Mapping[str, str], Desk], pa.Table] | None = None

    def sniff(self, head: bytes, name: str) -> float:
        """How sure, 0 … 1, that these bytes are this format; the name is not looked at."""
        return self.recognised(peek(head))

    def read(
        self,
        input: Input,  # noqa: A002 - the word of the glossary
        mapping: Mapping[str, str],
        reject: Callable[[Reject], None],
    ) -> Iterator[pa.RecordBatch]:
        """Batches of POSTS of at most 65,536 rows; a bad row goes to ``reject``."""
        for batch in self.pieces(input, mapping, desk_of(reject, input.name)):
            for first in range(0, max(batch.num_rows, 1), BATCH):
                yield batch.slice(first, BATCH)

    def pieces(
        self,
        input: Input,  # noqa: A002 - the word of the glossary
        mapping: Mapping[str, str],
        desk: Desk,
    ) -> Iterator[pa.RecordBatch]:
        """The same as long as they were made: what is to be put together need not be cut."""
        with unpacked(input, desk) as plain:
            yield from self.reader(plain, mapping, desk)

    def sample(self, input: Input, mapping: Mapping[str, str], desk: Desk) -> pa.Table:  # noqa: A002
        """The posts at the start of an input, for a dry run."""
        if self.sampler is not None:
            return self.sampler(input, mapping, desk)
        with beginning(input) as short:
            batches = list(self.reader(short, mapping, desk))
        return pa.Table.from_batches(batches) if batches else POSTS.empty_table()

    def examples(self) -> Sequence[bytes]:
        """Small hand-made inputs of this format."""
        return self.samples

    def __call__(self, config: object, **ports: Any) -> Format:
        """The entry point's factory: a built-in format needs no configuration."""
        return self


def either(name: str, *shapes: Format) -> Format:
    """One format that comes in several shapes, such as pages of JSON and a table of the same.

    An input is read as the shape that is surest of it; of equals, the first.
    """

    def suited(source: Input) -> Format:
        shape = peek(source.head)
        return max(shapes, key=lambda s: s.recognised(shape))

    def reader(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
        yield from suited(source).reader(source, mapping, desk)

    def sampler(source: Input, mapping: Mapping[str, str], desk: Desk) -> pa.Table:
        return suited(source).sample(source, mapping, desk)

    samples = tuple(sample for shape in shapes for sample in shape.samples)
    return Format(name, lambda p: max(s.recognised(p) for s in shapes), reader, samples, sampler)
