"""The kernel that counts given pairs: walk the quieter account's actions in the busier one's.

Actions stand account by account in (target, object, time) order, so "once per object" and "once
per target" are compares with the last one seen. The room knows no Python objects and no threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.tables import I32, I64, U32

__all__ = ["Index", "by_account", "merge"]

FAR = 2**63 - 1
"""Later than any time, longer than any delay."""


class Index(NamedTuple):
    """Actions account by account, each account's in (target, object, time) order."""

    starts: I64  # (n_accounts + 1,)
    object: I32  # (n,)
    target: I32  # (n,)
    time: I64  # (n,)
    n_objects: int


@compiled
def by_account(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    aim: I32,
    n_accounts: int,
) -> tuple[I64, I32, I32, I64, int]:
    """The columns of an ``Index``; ``aim`` gives each object a number that its target shares."""
    starts = np.zeros(n_accounts + 1, np.int64)
    for a in account:
        starts[a + 1] += 1
    for a in range(n_accounts):
        starts[a + 1] += starts[a]
    place = starts[:n_accounts].copy()
    n = len(account)
    objects, targets, times = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int64)
    for i in range(n):
        p = place[account[i]]
        place[account[i]] = p + 1
        objects[p] = object[i]
        targets[p] = aim[object[i]]
        times[p] = time[i]
    return starts, objects, targets, times, len(aim)


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
    where = np.full((index.n_objects, 2), -1, np.int32)
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
    where: I32,
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
