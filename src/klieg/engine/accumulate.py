"""The two kernels that count pairs: accumulate partners by account, and merge given accounts.

Both visit actions in (target, object, time) order. A set of rungs (windows of the ladder) is a
bit mask: what an object already gave a pair, and what its target did, are two masks that are
cleared when the next object or target comes. The room knows no Python objects and no threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.tables import I32, I64, U32

__all__ = ["Index", "Work", "accumulate", "merge"]

T = TypeVar("T", bound=np.generic)

FAR = 2**63 - 1
"""Later than any time, longer than any delay."""


class Work(NamedTuple):
    """Live actions in (target, object, time) order, indexed by account."""

    account: I32  # (n,)
    object: I32  # (n,) rank by (target, object)
    target: I32  # (n,) rank by target; an object without target has its own
    time: I64  # (n,)
    rung: I32  # (n,) widest window in which the action may pair
    lo: I32  # (n,) [lo, hi): the actions within that window
    hi: I32
    starts: I64  # (n_accounts + 1,)
    rows: I64  # (n,) account a's actions: rows[starts[a]:starts[a + 1]], in object order
    mass: I64  # (n_accounts,) Σ (hi − lo)


class Index(NamedTuple):
    """Actions account by account, each account's in (target, object, time) order."""

    starts: I64  # (n_accounts + 1,)
    object: I32  # (n,)
    target: I32  # (n,)
    time: I64  # (n,)
    n_objects: int


@compiled
def accumulate(
    first: int, stop: int, work: Work, windows: I64, min_n: int, limit: int
) -> tuple[NDArray[np.int32], I64]:
    """Pairs whose left account lies in [first, stop), sorted: (k, 2 + 2W) and first, last (k, 2).

    Columns: left, right, n (W), capped (W). Gives up, with k > limit rows, over ``limit``.
    """
    width = len(windows)
    bound = 1
    for a in range(first, stop):
        bound = max(bound, min(work.mass[a], len(work.starts)))
    # one entry a partner: account, object mask, target mask, object, target, n (W), capped (W)
    book = np.empty((bound, 5 + 2 * width), np.int32)
    span = np.empty((bound, 2), np.int64)
    table = np.empty(1 << _bits(bound), np.int32)
    order = np.empty(bound, np.int64)
    # pages never written cost nothing, so a generous start saves copies
    start = 256 + min(work.mass[first:stop].sum() // 4, 2**20)
    kept = np.empty((start, 2 + 2 * width), np.int32)
    kept_span = np.empty((start, 2), np.int64)
    k = 0
    for a in range(first, stop):
        if work.mass[a] == 0:
            continue
        size = _gather(a, work, windows, table, book, span)
        found = _enough(book, size, width, min_n, order)
        while k + found > len(kept):
            kept = _doubled(kept)
            kept_span = _doubled(kept_span)
        for f in range(found):
            e = order[f] & 0xFFFFFFFF
            kept[k, 0] = a
            kept[k, 1] = book[e, 0]
            for column in range(2 * width):
                kept[k, 2 + column] = book[e, 5 + column]
            kept_span[k, 0] = span[e, 0]
            kept_span[k, 1] = span[e, 1]
            k += 1
        if k > limit:
            break
    return kept[:k], kept_span[:k]


@compiled
def _bits(entries: int) -> int:
    """Bits of a hash table that is at most half full."""
    bits = 1
    while (1 << bits) < 2 * entries:
        bits += 1
    return bits


@compiled
def _doubled(rows: NDArray[T]) -> NDArray[T]:
    more = np.empty((2 * len(rows), rows.shape[1]), rows.dtype)
    more[: len(rows)] = rows
    return more


@compiled
def _gather(a: int, work: Work, windows: I64, table: I32, book: I32, span: I64) -> int:
    """Fill ``book`` and ``span`` with account a's partners of larger index; how many."""
    account, time, rung = work.account, work.time, work.rung
    bits = _bits(min(work.mass[a], len(work.starts)))
    table[: 1 << bits] = -1
    size = 0
    for p in range(work.starts[a], work.starts[a + 1]):
        i = work.rows[p]
        for j in range(work.lo[i], work.hi[i]):
            if account[j] <= a:
                continue
            delay = abs(time[j] - time[i])
            r = 0
            while delay > windows[r]:
                r += 1
            top = min(rung[i], rung[j])
            if r > top:
                continue
            e = _entry(table, bits, book, size, account[j])
            if e == size:
                size += 1
                book[e, 0] = account[j]
                for column in range(1, book.shape[1]):
                    book[e, column] = 0
                span[e, 0] = FAR
                span[e, 1] = -FAR
            span[e, 0] = min(span[e, 0], time[i], time[j])
            span[e, 1] = max(span[e, 1], time[i], time[j])
            _note(book, e, work.object[i], work.target[i], r, top, len(windows))
    return size


@compiled
def _entry(table: I32, bits: int, book: I32, size: int, partner: int) -> int:
    """Where the partner's entry is; a new one goes to ``size``. Knuth's multiplicative hash."""
    mask = (1 << bits) - 1
    slot = ((partner * 2654435769) & 0xFFFFFFFF) >> (32 - bits)
    while table[slot] >= 0:
        if book[table[slot], 0] == partner:
            return int(table[slot])
        slot = (slot + 1) & mask
    table[slot] = size
    return size


@compiled
def _note(
    book: I32,
    e: int,
    object: int,  # noqa: A002
    target: int,
    r: int,
    top: int,
    width: int,
) -> None:
    """Count a co-action with partner ``e`` in rungs r … top, once an object and once a target."""
    if book[e, 3] != object:
        book[e, 3] = object
        book[e, 1] = 0
        if book[e, 4] != target:
            book[e, 4] = target
            book[e, 2] = 0
    for w in range(r, top + 1):
        bit = 1 << w
        if book[e, 1] & bit == 0:
            book[e, 1] |= bit
            book[e, 5 + w] += 1
            if book[e, 2] & bit == 0:
                book[e, 2] |= bit
                book[e, 5 + width + w] += 1


@compiled
def _enough(book: I32, size: int, width: int, min_n: int, order: I64) -> int:
    """Entries with a count ≥ min_n, in the order of their accounts: low 32 bits of ``order``."""
    found = 0
    for e in range(size):
        for w in range(width):
            if book[e, 5 + w] >= min_n:
                order[found] = (np.int64(book[e, 0]) << 32) | e
                found += 1
                break
    order[:found].sort()
    return found


@compiled
def _after(time: I64, lo: int, hi: int, moment: int) -> int:
    """First place in [lo, hi) of ascending times that is later than ``moment``."""
    while lo < hi:
        middle = (lo + hi) // 2
        if time[middle] <= moment:
            lo = middle + 1
        else:
            hi = middle
    return lo


@compiled
def _nearest(
    time: I64,
    p: int,
    p_stop: int,
    q: int,
    q_stop: int,
    wide: int,
    span: I64,
) -> int:
    """Smallest delay from times [p, p_stop) to [q, q_stop), each ascending.

    Widens ``span`` (first, last) by the times of [p, p_stop) that have one of the others within
    ``wide``; a span of first > last holds none yet.
    """
    smallest = FAR
    for i in range(p, p_stop):
        while q + 1 < q_stop and abs(time[q + 1] - time[i]) <= abs(time[q] - time[i]):
            q += 1
        delay = abs(time[q] - time[i])
        smallest = min(smallest, delay)
        if delay <= wide:
            span[0] = min(span[0], time[i])
            span[1] = max(span[1], time[i])
    return smallest


@compiled
def merge(
    busier: I32,
    other: I32,
    index: Index,
    windows: I64,
    n: U32,
    capped: U32,
    spans: I64,
) -> None:
    """Count pairs (busier, other) into ``n`` and ``capped`` (pairs, W), ``spans`` (pairs, 2).

    Pairs come by their busier account, ascending: where each of its objects stands is written
    down once, and each pair then costs the other account's actions only.
    """
    span = np.empty(2, np.int64)
    # accounts come in ascending order: a place before the present one's rows is an earlier one's
    where = np.full((index.n_objects, 2), -1, np.int64)
    written = -1
    for pair in range(len(busier)):
        account = busier[pair]
        if account != written:
            written = account
            for p in range(index.starts[account], index.starts[account + 1]):
                if where[index.object[p], 0] < index.starts[account]:
                    where[index.object[p], 0] = p
                where[index.object[p], 1] = p + 1
        span[0] = FAR
        span[1] = -FAR
        _meet(account, other[pair], index, where, windows, n[pair], capped[pair], span)
        if span[0] <= span[1]:
            spans[pair, 0] = span[0]
            spans[pair, 1] = span[1]


@compiled
def _meet(
    account: int,
    other: int,
    index: Index,
    where: I64,
    windows: I64,
    n: U32,
    capped: U32,
    span: I64,
) -> None:
    """Count one pair; ``where`` (objects, 2) knows the rows of each of ``account``'s objects."""
    object_, time, width = index.object, index.time, len(windows)
    begin, wide = index.starts[account], windows[-1]
    q_end = index.starts[other + 1]
    aim = -1
    aim_rung = width  # smallest rung that the current target has given
    q = index.starts[other]
    while q < q_end:
        q_stop = q + 1
        while q_stop < q_end and object_[q_stop] == object_[q]:
            q_stop += 1
        p, p_stop = where[object_[q], 0], where[object_[q], 1]
        if p >= begin and p_stop - p > 8:
            # only actions within the widest window of the other's can matter
            p = _after(time, p, p_stop, time[q] - wide - 1)
            p_stop = _after(time, p, p_stop, time[q_stop - 1] + wide)
        if begin <= p < p_stop:
            delay = _nearest(time, p, p_stop, q, q_stop, wide, span)
            _nearest(time, q, q_stop, p, p_stop, wide, span)
            rung = 0
            while rung < width and delay > windows[rung]:
                rung += 1
            if index.target[q] != aim:
                aim = index.target[q]
                aim_rung = width
            for w in range(rung, width):
                n[w] += 1
            for w in range(rung, aim_rung):
                capped[w] += 1
            aim_rung = min(aim_rung, rung)
        q = q_stop
