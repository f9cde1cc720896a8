"""A network to a file, in the format its suffix names: CSV and Parquet in batches, graphs whole.

Cells of a CSV are the ids as they are, in quotes where they must be, and delays to the microsecond.
The room knows formats, not how the edges were counted.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from klieg.case.whole import whole
from klieg.engine.compiled import compiled
from klieg.errors import ConfigError
from klieg.parity.arrow import number_array

if TYPE_CHECKING:
    from klieg.parity.edges import LikeNetwork
    from klieg.tables import I32, I64, U8, ActEdges

    Cells = tuple[I64, U8]

__all__ = ["SUFFIXES", "write_csv", "write_network"]

SUFFIXES = (".csv", ".parquet", ".graphml", ".gexf")
SLICE = 1 << 18
"""Edges written at once: some 10 MB of lines."""


def write_network(network: LikeNetwork, path: str | Path) -> int:
    """Write to ``path``, whole or not at all; how many edges. Raises ConfigError, StoreError."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError("format", path.name, " | ".join(SUFFIXES))
    with whole(path) as file:
        if suffix == ".csv":
            with file.open("wb") as out:
                return write_csv(network, out)
        if suffix == ".parquet":
            return _write_parquet(network, file)
        # its library is heavy to load: only whoever wants a graph pays for it
        edges: int = import_module("klieg.parity.drawing").write_graph(network, file, suffix)
        return edges


def write_csv(network: LikeNetwork, out: IO[bytes]) -> int:
    """Write header and edges to an open binary file; how many edges."""
    out.write((",".join(network.schema.names) + "\n").encode())
    names = _cells(_quoted(network.names))
    edges = 0
    for batch in network.count():
        for first in range(0, batch.size, SLICE):
            rows = slice(first, first + SLICE)
            delays = None if network.directed else network.delays(batch)[rows]
            out.write(_block(names, batch, rows, delays))
        edges += batch.size
    return edges


def _block(names: Cells, edges: ActEdges, rows: slice, delays: np.ndarray | None) -> memoryview:
    left, right, n = edges.left[rows], edges.right[rows], edges.n[rows]
    last = np.zeros(len(left) + 1, np.int64), np.zeros(0, np.uint8)
    if delays is not None:
        last = _cells(pc.cast(pc.round(number_array(delays), 6), pa.large_string()))
    starts, _ = names
    sizes = np.diff(starts)
    # at most 20 digits, three commas and the end of the line
    room = int(sizes[left].sum() + sizes[right].sum() + last[0][-1]) + 24 * len(left)
    block = np.empty(room, np.uint8)
    return block[: _lines(left, right, n, *names, *last, block)].data


def _cells(strings: pa.Array) -> Cells:
    """(n + 1,) where each string of a large_string array starts, and the bytes."""
    if not len(strings):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    starts = np.frombuffer(strings.buffers()[1], np.int64, len(strings) + 1, 8 * strings.offset)
    data = strings.buffers()[2]
    # copies: kernels take writable arrays
    return starts.copy(), np.frombuffer(data, np.uint8).copy() if data else np.zeros(0, np.uint8)


def _quoted(names: pa.Array) -> pa.Array:
    """Names as cells: in quotes where they hold a comma, a quote or the end of a line."""
    odd = pc.match_substring_regex(names, '[,"\r\n]')
    if not pc.any(odd).as_py():
        return names
    quote, nothing = (pa.scalar(text, pa.large_string()) for text in ('"', ""))
    doubled = pc.replace_substring(names, '"', '""')
    return pc.if_else(odd, pc.binary_join_element_wise(quote, doubled, quote, nothing), names)


@compiled
def _lines(
    left: I32,
    right: I32,
    n: I64,
    starts: I64,
    names: U8,
    last_starts: I64,
    last: U8,
    out: U8,
) -> int:
    """Write ``left,right,n[,last]`` and a line feed for each edge; how many bytes."""
    at = 0
    digits = np.empty(20, np.uint8)
    for i in range(len(left)):
        for end in (left[i], right[i]):
            for k in range(starts[end], starts[end + 1]):
                out[at] = names[k]
                at += 1
            out[at] = 44
            at += 1
        value = n[i]
        size = 0
        while value > 0 or size == 0:
            digits[size] = 48 + value % 10
            value //= 10
            size += 1
        for k in range(size):
            out[at] = digits[size - 1 - k]
            at += 1
        if last_starts[i + 1] > last_starts[i]:
            out[at] = 44
            at += 1
            for k in range(last_starts[i], last_starts[i + 1]):
                out[at] = last[k]
                at += 1
        out[at] = 10
        at += 1
    return at


def _write_parquet(network: LikeNetwork, file: Path) -> int:
    edges = 0
    with pq.ParquetWriter(file, network.schema, compression="zstd") as writer:
        for batch in network:
            writer.write_batch(batch)
            edges += batch.num_rows
    return edges
