"""A network as the tools write it: named edges in order of their names, batch after batch.

Edges are counted over ranks of names, so that they come sorted and a pair is named smaller id
first, whatever the order of the rows. Nothing is held but one batch, unless a table is asked for.
The room does not know which tool is followed, nor any file format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.errors import InputError
from klieg.parity.arrow import number_array, numbers

if TYPE_CHECKING:
    from klieg.parity.intern import Names
    from klieg.tables import F64, I32, ActEdges

__all__ = ["DIRECTED", "UNDIRECTED", "LikeNetwork", "ranked"]

DIRECTED = pa.schema([("source", pa.string()), ("target", pa.string()), ("weight", pa.int64())])
UNDIRECTED = pa.schema(
    [
        ("account_a", pa.string()),
        ("account_b", pa.string()),
        ("weight", pa.int64()),
        ("avg_time_delta", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class LikeNetwork:
    """The network another tool would return; iterate for batches, or ask for a table."""

    like: str  # cnt, coortweet
    network: str  # co_retweet, …; of CooRTweet co-share
    schema: pa.Schema
    names: pa.Array  # (a,) large_string: accounts that can have an edge, sorted
    count: Callable[[], Iterator[ActEdges]] = field(repr=False)  # over indices into names
    ticks: int = 1  # ticks in a second of the delays
    threshold: float | None = None  # edges weigh strictly more: the quantile that was asked for
    pairs: int = 0  # pairs of acts that met
    notes: tuple[str, ...] = ()  # where the tool itself would have done otherwise, and why

    @property
    def directed(self) -> bool:
        return bool(self.schema == DIRECTED)

    def delays(self, edges: ActEdges) -> F64:
        """(p,) mean seconds between the two acts of a pair."""
        means: F64 = edges.delay / (edges.n * self.ticks)
        return means

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches of ``schema``, sorted by the two names; counted anew each time."""
        for edges in self.count():
            ends = [self.names.take(number_array(codes)) for codes in (edges.left, edges.right)]
            columns = [*(pc.cast(end, pa.string()) for end in ends), number_array(edges.n)]
            if not self.directed:
                columns.append(number_array(self.delays(edges)))
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def to_table(self) -> pa.Table:
        """All edges at once."""
        return pa.Table.from_batches(self, self.schema)


def ranked(account: I32, names: Names) -> tuple[I32, pa.Array]:
    """(n,) the place of each account's name among those that occur, and these names, sorted.

    Names are sorted by their bytes. Raises InputError if one is not UTF-8.
    """
    occurs = np.zeros(names.size, np.bool_)
    occurs[account] = True
    codes = np.flatnonzero(occurs)
    strings = names.strings(codes)
    order = numbers(pc.array_sort_indices(strings), np.uint64).astype(np.int64)
    rank = np.empty(names.size, np.int32)
    rank[codes[order]] = np.arange(len(codes), dtype=np.int32)
    try:
        return rank[account], strings.take(number_array(order)).cast(pa.large_string())
    except pa.ArrowInvalid as error:
        raise InputError("an account's id is not UTF-8; save the file as UTF-8") from error
