"""Ids as dense numbers: every distinct string of bytes gets the next code, batch after batch.

Equal bytes, equal code; nothing is normalised and nothing taken for a number, so ids of 64 bits are
safe. Codes come by first appearance. Strings lie one after another in a pool of 8-byte words, each
behind a word with its code and length; a hash table knows where. As long as strings only rise (or
only fall), as the ids of posts in order of time do, all are new and no table is made. The room does
not know what the strings name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.tables import I32, I64

    U64 = NDArray[np.uint64]
    Whole: TypeAlias = int | np.int64

__all__ = ["Names", "fresh"]

T = TypeVar("T", bound=np.generic)

FEWEST = 1 << 12
PLACE = (1 << 40) - 1
"""Low bits of a table entry: where the string lies in the pool, plus one; the rest is its hash."""


class Names:
    """The distinct strings met so far. ``expected`` (about how many) saves growing; 0: unknown."""

    __slots__ = ("_pool", "_starts", "_table", "_trend", "_used", "size")

    def __init__(self, expected: int = 0) -> None:
        room = max(FEWEST, expected)
        self.size = 0  # distinct strings
        self._used = 0  # words of the pool
        self._trend = 0  # 1: each string was above the one before; −1: below; 0: fewer than two
        # pages never written cost nothing
        self._pool: U64 = np.empty(4 * room, np.uint64)
        self._starts: I64 = np.empty(room, np.int64)
        self._table: U64 | None = None  # none needed while there is a trend

    def codes(self, strings: pa.Array) -> I32:
        """(n,) the code of each string of a binary array; null counts as the empty string."""
        offsets, words = _words(strings)
        n = len(offsets) - 1
        self._make_room(n, len(words))
        found = np.empty(n, np.int32)
        done = 0
        if self._table is None:
            done, self.size, self._used, self._trend = _follow(
                offsets, words, self._pool, self._starts, self.size, self._used, self._trend, found
            )
        if done < n:
            table = self._with_table(n)
            self.size, self._used = _intern(
                offsets[done:],
                words,
                table,
                self._pool,
                self._starts,
                self.size,
                self._used,
                found[done:],
            )
        return found

    def code(self, string: bytes) -> int:
        """The code of one string; −1 if it has not been met, and it is not entered then."""
        known = Names()
        known.codes(pa.array([string], pa.binary()))
        return int(_find(known._pool, 0, self._with_table(0), self._pool))

    def strings(self, codes: NDArray[np.integer] | None = None) -> pa.Array:
        """The strings of these codes, or all in code order, as large_binary."""
        chosen = np.arange(self.size) if codes is None else codes
        starts = self._starts[: self.size][chosen]
        sizes = (self._pool[starts] & np.uint64(0xFFFFFFFF)).astype(np.int64)
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        data = np.empty(int(offsets[-1]), np.uint8)
        _copy(self._pool, starts, offsets, data)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(starts), buffers)

    def _make_room(self, strings: int, words: int) -> None:
        # a string takes at most two words more than its bytes fill: its head and a last, part one
        self._pool = _grown(self._pool, self._used + words + 2 * strings + 1)
        self._starts = _grown(self._starts, self.size + strings)

    def _with_table(self, strings: int) -> U64:
        """The table, with room for so many more; it is made when the trend first breaks."""
        needed = 2 * (self.size + strings)
        if self._table is None or len(self._table) < needed:
            least = max(needed, 2 * len(self._starts) if self._table is None else 0)
            self._table = np.zeros(1 << (least - 1).bit_length(), np.uint64)
            _enter(self._pool, self._starts, self.size, self._table)
        return self._table


def fresh(codes: I32, known: int) -> NDArray[np.bool_]:
    """(n,) whether a code appears for the first time, where ``known`` came before the batch."""
    so_far = np.maximum.accumulate(np.concatenate((np.array([known - 1], np.int32), codes)))
    first: NDArray[np.bool_] = codes > so_far[:-1]
    return first


def _grown(values: NDArray[T], needed: int) -> NDArray[T]:
    if needed <= len(values):
        return values
    more = np.empty(max(2 * len(values), needed), values.dtype)
    more[: len(values)] = values
    return more


def _words(strings: pa.Array) -> tuple[I64, U64]:
    """(n + 1,) offsets in bytes, and the bytes as words, one more than they fill."""
    if strings.null_count:
        strings = strings.fill_null(b"")
    kind = strings.type
    wide = pa.types.is_large_binary(kind) or pa.types.is_large_string(kind)
    _, ends, data = strings.buffers()
    if not len(strings) or ends is None or data is None:
        return np.zeros(len(strings) + 1, np.int64), np.zeros(1, np.uint64)
    size = 8 if wide else 4
    offsets = np.frombuffer(
        ends, np.int64 if wide else np.int32, len(strings) + 1, strings.offset * size
    ).astype(np.int64)
    raw = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    words = np.empty(len(raw) // 8 + 2, np.uint64)
    words[-2:] = 0
    words.view(np.uint8)[: len(raw)] = raw
    offsets -= offsets[0]
    return offsets, words


@compiled
def _word(words: U64, first: Whole, left: Whole) -> np.uint64:
    """The next 8 bytes from byte ``first``, or the ``left`` < 8 that remain, then zeros."""
    k = first >> 3
    shift = np.uint64((first & 7) << 3)
    # in two steps, for a shift by 64 is no shift
    word: np.uint64 = (words[k] >> shift) | (
        (words[k + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    )
    if left < 8:
        word &= (np.uint64(1) << np.uint64(left << 3)) - np.uint64(1)
    return word


@compiled
def _mixed(h: np.uint64, word: np.uint64) -> np.uint64:
    h = (h ^ word) * np.uint64(0x9E3779B97F4A7C15)
    mixed: np.uint64 = h ^ (h >> np.uint64(29))
    return mixed


@compiled
def _hash(words: U64, first: Whole, size: Whole) -> np.uint64:
    """64 mixed bits of ``size`` bytes from byte ``first``."""
    h = np.uint64(size) * np.uint64(0xFF51AFD7ED558CCD)
    for done in range(0, size, 8):
        h = _mixed(h, _word(words, first + done, size - done))
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed: np.uint64 = h ^ (h >> np.uint64(32))
    return mixed


@compiled
def _place(h: np.uint64, words: U64, first: Whole, size: Whole, table: U64, pool: U64) -> Whole:
    """The slot where the string is, or the free one where it belongs."""
    mask = np.uint64(len(table) - 1)
    low = np.uint64(PLACE)
    slot = h & mask
    while table[slot] != 0:
        entry = table[slot]
        if (entry ^ h) & ~low == 0:
            at = np.int64(entry & low) - 1
            if np.int64(pool[at] & np.uint64(0xFFFFFFFF)) == size:
                done = 0
                at += 1
                while done < size and pool[at] == _word(words, first + done, size - done):
                    done += 8
                    at += 1
                if done >= size:
                    break
        slot = (slot + np.uint64(1)) & mask
    return np.int64(slot)


@compiled
def _sign(words: U64, first: Whole, size: Whole, pool: U64, at: Whole) -> int:
    """Whether a string is above (1), below (−1) or the same (0) as the one at ``at`` of the pool.

    Longer is above; of equal length the first byte that differs says.
    """
    other = np.int64(pool[at] & np.uint64(0xFFFFFFFF))
    if size != other:
        return 1 if size > other else -1
    for done in range(0, size, 8):
        at += 1
        word = _word(words, first + done, size - done)
        if word != pool[at]:
            for k in range(0, 64, 8):
                a = (word >> np.uint64(k)) & np.uint64(255)
                b = (pool[at] >> np.uint64(k)) & np.uint64(255)
                if a != b:
                    return 1 if a > b else -1
    return 0


@compiled
def _follow(
    offsets: I64,
    words: U64,
    pool: U64,
    starts: I64,
    size: int,
    used: int,
    trend: int,
    codes: I32,
) -> tuple[int, int, int, int]:
    """Take strings as new while they rise or fall: how many; size, words of the pool, trend."""
    n = len(codes)
    for i in range(n):
        first = offsets[i]
        length = offsets[i + 1] - first
        if size > 0:
            sign = _sign(words, first, length, pool, starts[size - 1])
            if sign == 0 or sign == -trend:
                return i, size, used, trend
            trend = sign
        codes[i] = size
        starts[size] = used
        pool[used] = (np.uint64(size) << np.uint64(32)) | np.uint64(length)
        used += 1
        for done in range(0, length, 8):
            pool[used] = _word(words, first + done, length - done)
            used += 1
        size += 1
    return n, size, used, trend


@compiled
def _intern(
    offsets: I64,
    words: U64,
    table: U64,
    pool: U64,
    starts: I64,
    size: int,
    used: int,
    codes: I32,
) -> tuple[int, int]:
    """Write the code of each string; how many distinct ones and words of the pool there are."""
    n = len(codes)
    hashes = np.empty(n, np.uint64)
    for i in range(n):
        hashes[i] = _hash(words, offsets[i], offsets[i + 1] - offsets[i])
    low = np.uint64(PLACE)
    for i in range(n):
        first = offsets[i]
        length = offsets[i + 1] - first
        slot = _place(hashes[i], words, first, length, table, pool)
        if table[slot] != 0:
            codes[i] = pool[np.int64(table[slot] & low) - 1] >> np.uint64(32)
            continue
        codes[i] = size
        starts[size] = used
        table[slot] = (hashes[i] & ~low) | np.uint64(used + 1)
        pool[used] = (np.uint64(size) << np.uint64(32)) | np.uint64(length)
        used += 1
        for done in range(0, length, 8):
            pool[used] = _word(words, first + done, length - done)
            used += 1
        size += 1
    return size, used


@compiled
def _enter(pool: U64, starts: I64, size: int, table: U64) -> None:
    """Fill an empty table with the strings known."""
    mask = np.uint64(len(table) - 1)
    low = np.uint64(PLACE)
    for code in range(size):
        at = starts[code]
        h = _hash(pool, 8 * (at + 1), np.int64(pool[at] & np.uint64(0xFFFFFFFF)))
        slot = h & mask
        while table[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = (h & ~low) | np.uint64(at + 1)


@compiled
def _find(other: U64, at: Whole, table: U64, pool: U64) -> Whole:
    """The code of the string at ``at`` of another pool, −1 if it is not known."""
    low = np.uint64(PLACE)
    size = np.int64(other[at] & np.uint64(0xFFFFFFFF))
    slot = _place(_hash(other, 8 * (at + 1), size), other, 8 * (at + 1), size, table, pool)
    if table[slot] == 0:
        return -1
    return np.int64(pool[np.int64(table[slot] & low) - 1] >> np.uint64(32))


@compiled
def _copy(pool: U64, starts: I64, offsets: I64, data: NDArray[np.uint8]) -> None:
    for i in range(len(starts)):
        at = starts[i] + 1
        for k in range(offsets[i + 1] - offsets[i]):
            shift = np.uint64((k & 7) << 3)
            data[offsets[i] + k] = (pool[at + (k >> 3)] >> shift) & np.uint64(255)
