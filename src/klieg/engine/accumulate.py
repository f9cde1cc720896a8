"""The kernel that counts pairs: accumulate each account's partners in a small hash table.

Gustavson's sparse product by rows (1978), in two passes where a pair must share two objects or
more: nine pairs in ten meet on one object only, so a first pass without branches marks in a small
table of hashes who may have been met on two, and only those are counted exactly. Actions are
visited in (target, object) order, so "once per object" and "once per target" are compares with the
last one seen. A set of rungs (windows of the ladder) is a bit mask. The room knows no Python
objects and no threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.tables import I32, I64, U8

__all__ = ["Work", "accumulate"]

T = TypeVar("T", bound=np.generic)
U64 = np.uint64

FAR = 2**63 - 1
"""Later than any time, longer than any delay."""

KNUTH = 2654435769
"""Multiplicative hashing: 2^32 over the golden ratio."""

MARKS = 2**20
"""Partners that hashes are marked for: of more, more collide, and memory stays put."""

BLOCK = 1024
"""Partners looked at together."""


class Work(NamedTuple):
    """Live actions account by account, and in (target, object, time) order those they may meet."""

    starts: I64  # (n_accounts + 1,)
    row: I32  # (n,) account a's actions, in order of objects: places in ``time`` and ``rungs``
    object: I32  # (n,) rank by (target, object)
    lo: I32  # (n,) [lo, hi): whom the action may meet, places in ``partner``
    hi: I32  # (n,)
    time: I64  # (n,)
    rungs: U8  # (n,) how many windows, narrow ones first, the action may pair in
    partner: I32  # (m,) account of the actions that are met
    partner_time: I64  # (m,)
    partner_rungs: U8  # (m,)
    aim: I32  # (n_objects,) first object with the same target; one without target is its own
    mass: I64  # (n_accounts,) Σ (hi − lo)


class Book(NamedTuple):
    """The partners of one account."""

    table: I32  # hash table of entries, −1 where free
    # account, masks of the rungs that the last object and its target gave, that object, n, capped
    entries: I32  # (k, 4 + 2W)
    span: I64  # (k, 2)


@compiled
def accumulate(
    first: int, stop: int, work: Work, windows: I64, min_n: int, limit: int
) -> tuple[NDArray[np.int32], I64, int]:
    """Pairs whose left account lies in [first, stop), sorted: (k, 2 + 2W) and first, last (k, 2).

    Columns: left, right, n (W), capped (W). Stops before an account once there are ``limit``
    rows, and says at which: ``stop`` if it came to the end.
    """
    width = len(windows)
    n_accounts = len(work.starts) - 1
    marks = np.empty(1 << 8, np.int32)
    book = Book(
        np.empty(1 << 10, np.int32),
        np.empty((256, 4 + 2 * width), np.int32),
        np.empty((256, 2), np.int64),
    )
    # pages never written cost nothing, so room for all there can be saves copies
    room = 256 + min(work.mass[first:stop].sum() // (2 * min_n * min_n), limit, 2**24)
    kept = np.empty((room, 2 + 2 * width), np.int32)
    kept_span = np.empty((room, 2), np.int64)
    k = 0
    a = first
    while a < stop and k < limit:
        bits = 0
        if work.mass[a] > 0 and min_n > 1:
            bits = _bits(min(work.mass[a], n_accounts - a, MARKS))
            if len(marks) < 1 << bits:
                marks = np.empty(1 << bits, np.int32)
            actions = slice(work.starts[a], work.starts[a + 1])
            spans = work.object[actions], work.lo[actions], work.hi[actions]
            if not _mark(np.int32(a), spans, work.partner, marks, bits):
                a += 1
                continue
        if work.mass[a] > 0:
            size, book = _gather(a, work, windows, marks, bits, book)
            order = _enough(book.entries, size, width, min_n, n_accounts)
            while k + len(order) > len(kept):
                kept = _doubled(kept)
                kept_span = _doubled(kept_span)
            _write(a, order, book.entries, book.span, kept[k:], kept_span[k:])
            k += len(order)
        a += 1
    return kept[:k], kept_span[:k], a


@compiled
def _write(a: int, order: I32, entries: I32, span: I64, kept: I32, kept_span: I64) -> None:
    """Write the rows of account a's partners ``order``."""
    for k in range(len(order)):
        e = order[k]
        kept[k, 0] = a
        kept[k, 1] = entries[e, 0]
        for column in range(4, entries.shape[1]):
            kept[k, column - 2] = entries[e, column]
        kept_span[k, 0] = span[e, 0]
        kept_span[k, 1] = span[e, 1]


@compiled
def _bits(entries: int) -> int:
    """Bits of a hash table that is at most half full."""
    bits = 4
    while (1 << bits) < 2 * entries:
        bits += 1
    return bits


@compiled
def _doubled(rows: NDArray[T]) -> NDArray[T]:
    more = np.empty((2 * len(rows), rows.shape[1]), rows.dtype)
    more[: len(rows)] = rows
    return more


@compiled
def _place(account: np.int32, shift: np.uint64) -> np.uint64:
    return ((U64(account) * U64(KNUTH)) & U64(0xFFFFFFFF)) >> shift


@compiled
def _mark(
    least: np.int32, actions: tuple[I32, I32, I32], partner: I32, marks: I32, bits: int
) -> bool:
    """Per hash: 0 if nobody of it was met, o + 1 if on object o alone, −1 if on two or more.

    Whether any is −1. Without branches, as they would often be guessed wrongly. Hashes that
    collide mark too many, never too few.
    """
    marks[: 1 << bits] = 0
    shift = U64(32 - bits)
    object_, lo, hi = actions
    lowest = np.int32(0)
    for p in range(len(object_)):
        here = np.int32(object_[p] + 1)
        for j in range(U64(lo[p]), U64(hi[p])):
            b = partner[j]
            place = _place(b, shift)
            seen = marks[place]
            now = here if (seen == 0) | (seen == here) else np.int32(-1)
            now = now if b > least else seen
            marks[place] = now
            lowest |= now
    return bool(lowest < 0)


@compiled
def _select(
    lo: np.uint64, hi: np.uint64, least: np.int32, partner: I32, marks: I32, bits: int, near: I32
) -> int:
    """Write to ``near`` the places in [lo, hi) of larger accounts; marked ones if bits > 0."""
    shift = U64(32 - bits)
    k = U64(0)
    if bits:
        for j in range(lo, hi):
            b = partner[j]
            near[k] = j
            k += U64((b > least) & (marks[_place(b, shift)] < 0))
    else:
        for j in range(lo, hi):
            near[k] = j
            k += U64(partner[j] > least)
    return int(k)


@compiled
def _gather(
    a: int, work: Work, windows: I64, marks: I32, bits: int, book: Book
) -> tuple[int, Book]:
    """Fill ``book`` with account a's partners of larger index; how many, and the book, grown."""
    width = len(windows)
    partner, partner_time, partner_rungs = work.partner, work.partner_time, work.partner_rungs
    table, entries, span = book.table, book.entries, book.span
    table_bits = 6
    table[: 1 << table_bits] = -1
    near = np.empty(BLOCK, np.int32)
    size = 0
    for p in range(work.starts[a], work.starts[a + 1]):
        i, here = work.row[p], work.object[p]
        moment, rungs, aim = work.time[i], work.rungs[i], work.aim[here]
        for block in range(work.lo[p], work.hi[p], BLOCK):
            end = min(block + BLOCK, work.hi[p])
            found = _select(U64(block), U64(end), np.int32(a), partner, marks, bits, near)
            while size + found > len(entries):
                entries = _doubled(entries)
                span = _doubled(span)
            if 2 * (size + found) > 1 << table_bits:
                table_bits = _bits(2 * (size + found))
                table = _table(entries, size, table, table_bits)
            for f in range(found):
                j = near[f]
                other = partner_time[j]
                r, top = 0, 1
                if width > 1:
                    # with one window only actions that may pair in it are live
                    while abs(other - moment) > windows[r]:
                        r += 1
                    top = min(rungs, partner_rungs[j])
                    if r >= top:
                        continue
                e = _entry(table, table_bits, entries, size, partner[j])
                if e == size:
                    size += 1
                    entries[e, 0] = partner[j]
                    for column in range(1, 4 + 2 * width):
                        entries[e, column] = 0
                    entries[e, 3] = -1
                    span[e, 0] = FAR
                    span[e, 1] = -FAR
                span[e, 0] = min(span[e, 0], moment, other)
                span[e, 1] = max(span[e, 1], moment, other)
                _note(entries, e, here, aim, r, top, width)
    return size, Book(table, entries, span)


@compiled
def _table(entries: I32, size: int, table: I32, bits: int) -> I32:
    """The hash table of the first ``size`` entries with 2^bits places."""
    if len(table) < 1 << bits:
        table = np.empty(1 << bits, np.int32)
    table[: 1 << bits] = -1
    for e in range(size):
        # it is not there yet, so this writes it
        _entry(table, bits, entries, e, entries[e, 0])
    return table


@compiled
def _entry(table: I32, bits: int, book: I32, size: int, partner: np.int32) -> int:
    """Where the partner's entry is; a new one goes to ``size``."""
    mask = U64((1 << bits) - 1)
    slot = _place(partner, U64(32 - bits))
    while table[slot] >= 0:
        if book[table[slot], 0] == partner:
            return int(table[slot])
        slot = (slot + U64(1)) & mask
    table[slot] = size
    return size


@compiled
def _note(entries: I32, e: int, here: int, aim: int, r: int, top: int, width: int) -> None:
    """Count a co-action in rungs r … top − 1 of entry e, once an object, once a target."""
    last = entries[e, 3]
    entries[e, 3] = here
    if width == 1:
        entries[e, 4] += last != here
        entries[e, 5] += last < aim
        return
    if last != here:
        entries[e, 1] = 0
        if last < aim:
            entries[e, 2] = 0
    for w in range(r, top):
        bit = 1 << w
        if entries[e, 1] & bit == 0:
            entries[e, 1] |= bit
            entries[e, 4 + w] += 1
            if entries[e, 2] & bit == 0:
                entries[e, 2] |= bit
                entries[e, 4 + width + w] += 1


@compiled
def _enough(book: I32, size: int, width: int, min_n: int, n_accounts: int) -> I32:
    """Entries with a count ≥ min_n, in the order of their accounts."""
    order = np.empty(size, np.int32)
    found = 0
    for e in range(size):
        for w in range(width):
            if book[e, 4 + w] >= min_n:
                order[found] = e
                found += 1
                break
    if found <= 64:
        for f in range(1, found):
            e = order[f]
            g = f
            while g > 0 and book[order[g - 1], 0] > book[e, 0]:
                order[g] = order[g - 1]
                g -= 1
            order[g] = e
        return order[:found]
    return _by_account(book, order[:found], n_accounts)


@compiled
def _by_account(book: I32, order: I32, n_accounts: int) -> I32:
    """``order`` sorted by account: by its lowest byte, then the next, …"""
    other = np.empty_like(order)
    shift = 0
    while n_accounts >> shift > 0:
        place = np.zeros(257, np.int64)
        for e in order:
            place[((book[e, 0] >> shift) & 255) + 1] += 1
        for d in range(256):
            place[d + 1] += place[d]
        for e in order:
            d = (book[e, 0] >> shift) & 255
            other[place[d]] = e
            place[d] += 1
        order, other = other, order
        shift += 8
    return order
