"""Numbers that stand for the values of a column: codes, hashes, truth; for whole columns at a time.

What is compared, sorted or counted a million times is cheaper as a number than as a string. Where
a number may stand for two values, it says so. The room knows columns, not what they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from klieg.sources.looks import all_digits, laid_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import Bool

    U64 = NDArray[np.uint64]

__all__ = ["coded", "constant", "hashed", "numbers", "spread", "truth", "valid"]

_DIGITS = 19  # of the longest numbers that fit 64 bits, whatever they are
_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits as if drawn: products are well spread
_NO_BYTES = np.zeros(0, np.uint8)


def coded(column: Any) -> tuple[Any, Any]:
    """Every different value, by first appearance, and (n,) int64 which of them each row holds."""
    chunks = column.dictionary_encode().chunks  # of one dictionary, the last chunk's
    if not chunks:
        return pa.array([], column.type), np.zeros(0, np.int64)
    code = np.concatenate([np.asarray(chunk.indices) for chunk in chunks])
    return chunks[-1].dictionary, code.astype(np.int64)


def spread(number: Any) -> U64:
    """(n,) numbers whose highest bits differ as if drawn, where the given ones differ at all."""
    mixed: U64 = number.astype(np.uint64) * _MIX
    return mixed


def numbers(strings: Any) -> U64 | None:
    """(n,) the whole numbers that a column in chunks holds, equal if and only if the strings are.

    None where a value is null, no number, longer than 19 digits or with a zero in front.
    """
    found = [np.zeros(0, np.uint64)]
    for chunk in strings.chunks:
        if chunk.null_count or not all_digits(chunk):
            return None
        begins, ends, code = laid_out(chunk)
        size = ends - begins
        if size.max(initial=0) > _DIGITS or ((code[begins] == 48) & (size > 1)).any():
            return None
        found.append(np.asarray(chunk.cast(pa.uint64())))
    return np.concatenate(found)


def hashed(strings: Any, last: int = 256) -> U64:
    """(n,) a number of 64 bits for each value of a column in chunks: equal values, equal numbers.

    It hears of the length and of the ``last`` bytes. Values that differ there share a number by
    chance once in 2^64, or where somebody means them to: who must know looks at those that do. What
    is null counts as empty.
    """
    found = [_hash(chunk, last) for chunk in strings.chunks]
    return np.concatenate([np.zeros(0, np.uint64), *found])


def _hash(strings: Any, last: int) -> U64:
    begins, ends, code = laid_out(strings)
    if len(code) < 8:
        code = np.concatenate([code, np.zeros(8, np.uint8)])
    # eight bytes from any place on
    words = np.ndarray((len(code) - 7,), "<u8", np.ascontiguousarray(code), strides=(1,))
    size = (ends - begins).astype(np.int64)
    found = (size.astype(np.uint64) + np.uint64(1)) * _MIX
    short = np.flatnonzero(size < 8)
    if len(short):
        at = np.minimum(begins[short], len(words) - 1)  # the last values end where the bytes do
        word = words[at] >> (8 * (begins[short] - at)).astype(np.uint64)
        kept = (np.uint64(1) << (8 * size[short]).astype(np.uint64)) - np.uint64(1)
        found[short] = _mixed(found[short], word & kept)
    rows: Any = np.flatnonzero(size >= 8) if len(short) else slice(None)
    for k in range(8, last + 8, 8):
        at = np.maximum(ends[rows] - k, begins[rows])
        found[rows] = _mixed(found[rows], words[at])
        longer = size[rows] > k
        if not longer.all():
            rows = np.arange(len(size))[rows][longer]
        if not longer.any():
            break
    return found


def _mixed(into: U64, word: Any) -> U64:
    mixed: U64 = (into ^ word) * _MIX
    return mixed ^ (mixed >> np.uint64(29))


def constant(strings: Any) -> bool:
    """Whether a column in chunks holds one and the same value in every row, and no null."""
    if strings.null_count or not len(strings):
        return False
    chunks = [chunk for chunk in strings.chunks if len(chunk)]
    value = chunks[0][0].as_py().encode()
    return all(_holds_only(chunk, value) for chunk in chunks)


def _holds_only(strings: Any, value: bytes) -> bool:
    begins, ends, code = laid_out(strings)
    if ends[-1] - begins[0] != len(value) * len(begins) or not value:
        return False
    even = begins - begins[0] == np.arange(len(begins), dtype=np.int32) * np.int32(len(value))
    rows = code[begins[0] : ends[-1]].reshape(len(begins), len(value))
    return bool(even.all() and (rows == np.frombuffer(value, np.uint8)).all())


def truth(column: Any) -> Bool:
    """(n,) the values of a column of booleans; null is False. (Arrow's own way goes bit by bit.)"""
    found = [_bits(c.buffers()[1], c.offset, len(c)) for c in _chunks(column)]
    whole = np.concatenate([np.zeros(0, np.bool_), *found])
    return whole & valid(column) if column.null_count else whole


def valid(column: Any) -> Bool:
    """(n,) whether each row holds a value."""
    if not column.null_count or column.null_count == len(column):
        return np.full(len(column), not column.null_count)
    found = [
        _bits(c.buffers()[0], c.offset, len(c)) if c.null_count else np.ones(len(c), np.bool_)
        for c in _chunks(column)
    ]
    return np.concatenate(found)


def _chunks(column: Any) -> Any:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _bits(buffer: Any, offset: int, n: int) -> Bool:
    raw = np.frombuffer(buffer, np.uint8)[offset // 8 : (offset + n + 7) // 8] if n else _NO_BYTES
    return np.unpackbits(raw, bitorder="little")[offset % 8 :][:n].view(np.bool_)
