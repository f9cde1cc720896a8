"""Put actions in (target, object, time) order, drop what can never pair, and index the rest.

This is the plan of the pair engine: it costs a few passes over the columns, makes no pair, and
says exactly how much there is to scan. An object of one action, an action without company inside
its window, an account with company on fewer than ``min_n`` objects: none of them can be in a pair
that is kept, and each that goes may make others go. The room does not know pairs of accounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from klieg.engine.accumulate import Work
from klieg.engine.compiled import column, compiled
from klieg.engine.windows import MAX_TIME, checked, dropped_near, rungs_allowed, spans
from klieg.errors import EngineError

if TYPE_CHECKING:
    from klieg.tables import I32, I64, U8, Bool

__all__ = [
    "Given",
    "Live",
    "Ordered",
    "Ranks",
    "company",
    "enough",
    "given",
    "index_rows",
    "indexed",
    "ordered",
    "pruned",
    "ranked",
    "ranks",
    "rungs_of",
    "sort_rows",
    "tally_objects",
]

STEADY = 64
"""Rows stop being dropped once a round drops less than one in this many."""


class Given(NamedTuple):
    """The columns as they came, checked."""

    account: I32  # (n,)
    object: I32  # (n,)
    time: I64  # (n,)
    target: I32  # (n,)


class Ranks(NamedTuple):
    """Objects in (target, object) order; an object without target is a target of its own."""

    rank: I32  # (n_objects,) −1 for an object of fewer than two actions: it makes no pair
    aim: I32  # (ranks,) first rank with the same target


class Ordered(NamedTuple):
    """Actions in (target, object, time) order, those on objects of one action left out."""

    account: I32  # (n,)
    object: I32  # (n,) rank
    time: I64  # (n,)


class Live(NamedTuple):
    """What may still pair, in (target, object, time) order."""

    account: I32  # (n,)
    object: I32  # (n,) rank
    time: I64  # (n,)
    rungs: U8  # (n,) how many windows, narrow ones first, the action may pair in
    lo: I32  # (n,) [lo, hi): the actions within its widest window
    hi: I32  # (n,)


def given(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
) -> Given:
    """The columns as the kernels take them; EngineError for what breaks the contract."""
    objects = checked(object, "object")
    n = len(objects)
    accounts = checked(account, "account", n_accounts, n)
    times = column(time, np.int64, "time", n)
    if n and (times.min() <= -MAX_TIME or times.max() >= MAX_TIME):
        raise EngineError("times must lie within ± 2**62 microseconds")
    return Given(accounts, objects, times, column(target, np.int32, "target", n))


def ranks(columns: Given) -> Ranks:
    """Number the objects by (target, object)."""
    n_objects = int(columns.object.max(initial=-1)) + 1
    count, aim = np.zeros(n_objects, np.int32), np.full(n_objects, -1, np.int32)
    tally_objects(columns.object, columns.target, count, aim)
    return ranked(count, aim)


def ranked(count: I32, aim: I32) -> Ranks:
    """The same from each object's number of actions and its target (−1: none)."""
    return Ranks(*_ranked(count, aim, int(aim.max(initial=-1)) + 1))


def ordered(columns: Given, order: Ranks) -> Ordered:
    """A stable sort by rank; times that already ascend cost nothing more."""
    account, object_, time = columns.account, columns.object, columns.time
    if not bool((time[1:] >= time[:-1]).all()):
        by_time = np.argsort(time, kind="stable")
        account, object_, time = account[by_time], object_[by_time], time[by_time]
    return Ordered(*sort_rows(account, object_, time, order.rank, len(order.aim)))


def rungs_of(rows: Ordered, windows: I64, cap: int | None, dropped: I64) -> U8:
    """(n,) rungs each action may pair in; adds to ``dropped`` (n_accounts, W) what the cap drops.

    ``rows`` may be all, or all actions on some of the objects.
    """
    rungs = np.full(len(rows.account), len(windows), np.uint8)
    if cap is not None:
        rungs_allowed(rows.object, rows.time, windows, cap, rungs)
        dropped_near(rows.account, rows.object, rows.time, rungs, windows, dropped)
    return rungs


def pruned(rows: Ordered, rungs: U8, n_accounts: int, windows: I64, min_n: int) -> Live:
    """What may pair: rows without company, or of accounts with too little, go until few do."""
    account, object_, time = rows
    del rows
    while True:
        lo, hi = spans(object_, time, rungs, windows)
        objects = np.zeros(n_accounts, np.int32)
        keep = company(account, object_, lo, hi, objects)
        n, kept = len(account), enough(account, objects, min_n, keep)
        if kept == n:
            return Live(account, object_, time, rungs, lo, hi)
        del lo, hi
        account = account[keep]
        object_ = object_[keep]
        time = time[keep]
        rungs = rungs[keep]
        if n - kept < n // STEADY:
            return Live(account, object_, time, rungs, *spans(object_, time, rungs, windows))


def indexed(live: Live, aim: I32, n_accounts: int) -> Work:
    """The live actions account by account."""
    index = index_rows(live.account, live.object, live.lo, live.hi, n_accounts)
    starts, row, object_, lo, hi, mass = index
    own = live.time, live.rungs
    return Work(starts, row, object_, lo, hi, *own, live.account, *own, aim, mass)


@compiled
def tally_objects(object: I32, target: I32, count: I32, aim: I32) -> None:  # noqa: A002
    """Add each object's actions to ``count``; ``aim`` becomes the largest target it is given."""
    for i in range(len(object)):
        o = object[i]
        count[o] += 1
        aim[o] = max(aim[o], target[i])


@compiled
def _ranked(count: I32, aim: I32, n_aims: int) -> tuple[I32, I32]:
    """See ``Ranks``: a counting sort by target, objects without one after all others."""
    place = np.zeros(n_aims + 2, np.int64)
    for o in range(len(count)):
        if count[o] > 1:
            place[(aim[o] if aim[o] >= 0 else n_aims) + 1] += 1
    for t in range(n_aims + 1):
        place[t + 1] += place[t]
    rank = np.full(len(count), -1, np.int32)
    first = np.empty(place[n_aims + 1], np.int32)
    begin = place[: n_aims + 1].copy()
    for o in range(len(count)):
        if count[o] > 1:
            t = aim[o] if aim[o] >= 0 else n_aims
            rank[o] = place[t]
            first[place[t]] = begin[t] if t < n_aims else place[t]
            place[t] += 1
    return rank, first


@compiled
def sort_rows(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    rank: I32,
    n_ranks: int,
) -> tuple[I32, I32, I64]:
    """Stable sort by rank: first by its high bits, so that the rest is sorted inside the cache."""
    shift = 0
    while n_ranks >> shift > 1024:
        shift += 1
    coarse = (n_ranks >> shift) + 1
    place = np.zeros(coarse + 1, np.int64)
    for i in range(len(object)):
        r = rank[object[i]]
        if r >= 0:
            place[(r >> shift) + 1] += 1
    for c in range(coarse):
        place[c + 1] += place[c]
    begin = place.copy()
    n = place[coarse]
    accounts, ranks_, times = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int64)
    for i in range(len(object)):
        r = rank[object[i]]
        if r >= 0:
            p = place[r >> shift]
            place[r >> shift] = p + 1
            accounts[p] = account[i]
            ranks_[p] = r
            times[p] = time[i]
    if shift > 0:
        for c in range(coarse):
            part = slice(begin[c], begin[c + 1])
            _sort_part(accounts[part], ranks_[part], times[part], c << shift, 1 << shift)
    return accounts, ranks_, times


@compiled
def _sort_part(accounts: I32, ranks_: I32, times: I64, least: int, width: int) -> None:
    """Stable counting sort in place of ranks in [least, least + width)."""
    if len(ranks_) < 2:
        return
    place = np.zeros(width + 1, np.int64)
    for r in ranks_:
        place[r - least + 1] += 1
    for k in range(width):
        place[k + 1] += place[k]
    old_accounts, old_ranks, old_times = accounts.copy(), ranks_.copy(), times.copy()
    for i in range(len(old_ranks)):
        k = old_ranks[i] - least
        p = place[k]
        place[k] = p + 1
        accounts[p] = old_accounts[i]
        ranks_[p] = old_ranks[i]
        times[p] = old_times[i]


@compiled
def company(
    account: I32,
    object: I32,  # noqa: A002
    lo: I32,
    hi: I32,
    objects: I32,
) -> Bool:
    """Whether an action meets another account; adds each account's objects of that kind."""
    n = len(account)
    keep = np.empty(n, np.bool_)
    # where the next action of another account stands: a window may hold one account alone
    other = np.empty(n, np.int32)
    for i in range(n - 1, -1, -1):
        other[i] = i + 1
        if i + 1 < n and account[i + 1] == account[i]:
            other[i] = other[i + 1]
    last = np.full(len(objects), -1, np.int32)
    for i in range(n):
        keep[i] = hi[i] > lo[i] and other[lo[i]] < hi[i]
        a = account[i]
        if keep[i] and last[a] != object[i]:
            last[a] = object[i]
            objects[a] += 1
    return keep


@compiled
def enough(account: I32, objects: I32, min_n: int, keep: Bool) -> int:
    """Keep no action of an account with company on fewer than ``min_n`` objects; how many stay."""
    kept = 0
    for i in range(len(account)):
        keep[i] = keep[i] and objects[account[i]] >= min_n
        kept += keep[i]
    return kept


@compiled
def index_rows(
    account: I32,
    object: I32,  # noqa: A002
    lo: I32,
    hi: I32,
    n_accounts: int,
) -> tuple[I64, I32, I32, I32, I32, I64]:
    """starts, row, object, lo, hi account by account, and each account's Σ (hi − lo)."""
    n = len(account)
    starts = np.zeros(n_accounts + 1, np.int64)
    mass = np.zeros(n_accounts, np.int64)
    for i in range(n):
        starts[account[i] + 1] += 1
        mass[account[i]] += hi[i] - lo[i]
    for a in range(n_accounts):
        starts[a + 1] += starts[a]
    place = starts[:n_accounts].copy()
    row, objects = np.empty(n, np.int32), np.empty(n, np.int32)
    first, stop = np.empty(n, np.int32), np.empty(n, np.int32)
    for i in range(n):
        p = place[account[i]]
        place[account[i]] = p + 1
        row[p] = i
        objects[p] = object[i]
        first[p] = lo[i]
        stop[p] = hi[i]
    return starts, row, objects, first, stop, mass
