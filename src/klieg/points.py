"""Arrow texts as arrays of code points and back: the ground that text and URL rules stand on.

A slice of texts becomes one array, each text closed by ``END``, so that a rule can be a mask over
many texts at once. The room knows no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I64, U32

    Texts: TypeAlias = pa.Array | pa.ChunkedArray

__all__ = [
    "END",
    "Texts",
    "by_slice",
    "cut",
    "decode",
    "encode",
    "over_slices",
    "points_of",
    "slices",
    "to_arrow",
]

T = TypeVar("T")

END = 0x1E
"""Record separator: closes each text."""

_SLICE = 1_000_000  # bytes of text worked on at once: what caches hold


def encode(text: str) -> U32:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def decode(points: NDArray[np.uint32]) -> str:
    """The text of code points."""
    return points.astype(np.uint32, copy=False).tobytes().decode("utf-32-le", "surrogatepass")


def slices(array: Texts) -> Iterator[pa.Array]:
    """The array in slices of at most 1 MB and 2¹⁶ texts; a longer text is a slice of its own."""
    for chunk in array.chunks if isinstance(array, pa.ChunkedArray) else [array]:
        sizes = pc.fill_null(pc.binary_length(chunk), 0).to_numpy(zero_copy_only=False)
        total = np.cumsum(sizes.astype(np.int64))
        start = 0
        while start < len(chunk):
            done = int(total[start - 1]) if start else 0
            stop = int(np.searchsorted(total, done + _SLICE, side="right"))
            stop = min(max(stop, start + 1), start + (1 << 16), len(chunk))
            yield chunk.slice(start, stop - start)
            start = stop


def over_slices(array: Texts, rule: Callable[[pa.Array], T], threads: int = 1) -> Iterator[T]:
    """The rule's answers for every slice, in order; NumPy lets several threads help."""
    if threads < 2:
        yield from map(rule, slices(array))
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(rule, slices(array))


def by_slice(array: Texts, rule: Callable[[pa.Array], pa.Array], threads: int = 1) -> Texts:
    """The rule applied to every slice: same shape, nulls stay null."""

    def nulls_kept(part: pa.Array) -> pa.Array:
        done = rule(part)
        if part.null_count:
            done = pc.if_else(part.is_valid(), done, pa.scalar(None, pa.string()))
        return done

    parts = list(over_slices(array, nulls_kept, threads))
    if isinstance(array, pa.ChunkedArray):
        return pa.chunked_array(parts, pa.string())
    return pa.concat_arrays(parts or [pa.nulls(0, pa.string())])


def points_of(part: pa.Array) -> tuple[U32, I64]:
    """Code points of all texts, each closed by ``END``, and where those stand."""
    if not len(part):
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    mark = chr(END)
    clean = pc.fill_null(part.cast(pa.string()), "")
    if pc.any(pc.match_substring(clean, mark)).as_py():
        clean = pc.replace_substring(clean, mark, " ")
    one = pa.ListArray.from_arrays(pa.array([0, len(clean)], pa.int32()), clean)
    points = encode(pc.binary_join(one, mark)[0].as_py() + mark)
    return points, np.flatnonzero(points == END)


def to_arrow(points: U32) -> pa.Array:
    """Texts closed by ``END`` as an Arrow array."""
    data = np.frombuffer(decode(points).encode("utf-8", "replace"), np.uint8)
    ends = np.flatnonzero(data == END)
    offsets = np.concatenate(([0], ends - np.arange(len(ends)))).astype(np.int32)
    return pa.StringArray.from_buffers(
        len(ends), pa.py_buffer(offsets), pa.py_buffer(data[data != END])
    )


def cut(points: U32, first: I64, last: I64) -> pa.Array:
    """The pieces ``[first, last)`` of the points, as an Arrow array of strings."""
    sizes = last - first
    out = np.full(int(sizes.sum()) + len(first), END, np.uint32)
    begin = np.cumsum(sizes) - sizes
    step = np.arange(int(sizes.sum()))
    row = np.repeat(np.arange(len(first)), sizes)
    out[step + row] = points[step + np.repeat(first - begin, sizes)]
    return to_arrow(out)
