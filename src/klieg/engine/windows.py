"""Sort actions by object, find who else acted within each window, and count them exactly.

Two pointers walk each object's actions once per window, so the cost is n · W whatever the bursts.
These counts are the plan of the pair engine: they cost little and always come first. The room does
not know pairs of accounts; ``pairs`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from klieg.engine.compiled import column, compiled
from klieg.errors import EngineError

if TYPE_CHECKING:
    from klieg.tables import I32, I64, U8, Bool

__all__ = [
    "MAX_TIME",
    "Sorted",
    "by_object",
    "checked",
    "dropped_near",
    "group_rows",
    "occupancy",
    "occupancy_sorted",
    "pair_totals",
    "rungs_allowed",
    "sort_actions",
    "spans",
    "window_list",
]

MAX_TIME = 2**62
"""Times lie within ± this many microseconds (146,000 years), so that differences fit in int64."""

MAX_WINDOWS = 31
"""Rungs of a pair on an object are bits of one int32."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Actions in (object, time) order."""

    row: I64  # (n,) where each stood in the input
    account: I32  # (n,)
    object: I32  # (n,)
    time: I64  # (n,)


def checked(ids: object, name: str, limit: int | None = None, length: int | None = None) -> I32:
    """Dense ids as the kernels take them; EngineError for a negative one or one ≥ ``limit``."""
    values = column(ids, np.int32, name, length)
    if len(values) and (values.min() < 0 or (limit is not None and values.max() >= limit)):
        raise EngineError(f"{name} must lie in 0 … {'' if limit is None else limit - 1}")
    return values


def window_list(windows: object) -> I64:
    """Windows in microseconds, ascending, at most 31, below 2^61; EngineError otherwise."""
    values = column(windows, np.int64, "windows")
    good = 1 <= len(values) <= MAX_WINDOWS and values[0] >= 0 and values[-1] < MAX_TIME // 2
    if not good or (np.diff(values) <= 0).any():
        raise EngineError(f"windows must be 1 … {MAX_WINDOWS} ascending microseconds")
    return values


def sort_actions(account: object, object: object, time: object) -> Sorted:  # noqa: A002
    """(object, time) order by a stable counting sort; times that already ascend cost nothing."""
    objects = checked(object, "object")
    n = len(objects)
    accounts = checked(account, "account", length=n)
    times = column(time, np.int64, "time", n)
    if n and (times.min() <= -MAX_TIME or times.max() >= MAX_TIME):
        raise EngineError("times must lie within ± 2**62 microseconds")
    row = by_object(objects, times, int(objects.max()) + 1 if n else 0)
    return Sorted(row, accounts[row], objects[row], times[row])


def by_object(object: I32, time: I64, n_objects: int) -> I64:  # noqa: A002
    """(n,) rows in (object, time) order, equal ones as they stand."""
    ascending = bool((time[1:] >= time[:-1]).all())
    order = np.arange(len(time)) if ascending else np.argsort(time, kind="stable")
    return group_rows(object, order, n_objects)[1]


@compiled
def group_rows(key: I32, order: I64, n_keys: int) -> tuple[I64, I64]:
    """Stable counting sort: ``rows[starts[k]:starts[k + 1]]`` has key k, in the given order."""
    starts = np.zeros(n_keys + 1, np.int64)
    for i in range(len(key)):
        starts[key[i] + 1] += 1
    for k in range(n_keys):
        starts[k + 1] += starts[k]
    place = starts[:-1].copy()
    rows = np.empty(len(key), np.int64)
    for p in range(len(order)):
        i = order[p]
        k = key[i]
        rows[place[k]] = i
        place[k] += 1
    return starts, rows


@compiled
def occupancy_sorted(object: I32, time: I64, windows: I64) -> NDArray[np.int32]:  # noqa: A002
    """(n, W) other actions on the same object within each window; (object, time) order."""
    n = len(time)
    counts = np.empty((n, len(windows)), np.int32)
    for w in range(len(windows)):
        window = windows[w]
        lo = 0
        hi = 0
        for i in range(n):
            if i == 0 or object[i] != object[i - 1]:
                lo = i
                hi = i
            while time[i] - time[lo] > window:
                lo += 1
            while hi < n and object[hi] == object[i] and time[hi] - time[i] <= window:
                hi += 1
            counts[i, w] = hi - lo - 1
    return counts


@compiled
def rungs_allowed(object: I32, time: I64, windows: I64, cap: int, rungs: U8) -> None:  # noqa: A002
    """Set ``rungs`` (n,): in how many windows, narrow ones first, at most ``cap`` others act."""
    n, first = len(time), 0
    rungs[:] = len(windows)
    while first < n:
        stop = first + 1
        while stop < n and object[stop] == object[first]:
            stop += 1
        if stop - first - 1 > cap:
            rungs[first:stop] = 0
            for w in range(len(windows)):
                lo, hi = first, first
                for i in range(first, stop):
                    while time[i] - time[lo] > windows[w]:
                        lo += 1
                    while hi < stop and time[hi] - time[i] <= windows[w]:
                        hi += 1
                    # occupancy grows with the window: once over the cap, always over it
                    rungs[i] += hi - lo - 1 <= cap
        first = stop


@compiled
def dropped_near(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    rungs: U8,
    windows: I64,
    counts: I64,
) -> None:
    """Add to ``counts`` (n_accounts, W) the actions with one over the cap in their window."""
    n, first = len(time), 0
    while first < n:
        stop = first
        fewest = len(windows)
        while stop < n and object[stop] == object[first]:
            fewest = min(fewest, rungs[stop])
            stop += 1
        for w in range(fewest, len(windows)):
            lo, hi = first, first
            over = 0  # actions over the cap in [lo, hi)
            for i in range(first, stop):
                while hi < stop and time[hi] - time[i] <= windows[w]:
                    over += rungs[hi] <= w
                    hi += 1
                while time[i] - time[lo] > windows[w]:
                    over -= rungs[lo] <= w
                    lo += 1
                if over > 0:
                    counts[account[i], w] += 1
        first = stop


@compiled
def spans(
    object: I32,  # noqa: A002
    time: I64,
    rungs: U8,
    windows: I64,
) -> tuple[I32, I32]:
    """[lo, hi) of the actions on the same object within each action's own widest window."""
    n = len(time)
    first = np.zeros(n, np.int32)
    stop = np.zeros(n, np.int32)
    begin = 0
    while begin < n:
        end = begin
        widest = np.int64(0)  # a bit for every number of rungs that occurs on the object
        while end < n and object[end] == object[begin]:
            widest |= np.int64(1) << np.int64(rungs[end])
            end += 1
        for w in range(len(windows)):
            if widest >> (w + 1) & 1 == 0:
                continue
            lo, hi = begin, begin
            for i in range(begin, end):
                while time[i] - time[lo] > windows[w]:
                    lo += 1
                while hi < end and time[hi] - time[i] <= windows[w]:
                    hi += 1
                if rungs[i] == w + 1:
                    first[i] = lo
                    stop[i] = hi
        begin = end
    return first, stop


@compiled
def _pairs_within(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    rungs: U8,
    windows: I64,
    sign: int,
    totals: I64,
) -> None:
    """Add ``sign`` × the pairs of rows alike in account and object to ``totals`` (n_objects, W).

    Of each window the rows with more than so many ``rungs`` (n,) alone.
    """
    n, first = len(time), 0
    while first < n:
        stop = first + 1
        while stop < n and object[stop] == object[first] and account[stop] == account[first]:
            stop += 1
        if stop - first > 1:
            for w in range(len(windows)):
                lo = first
                kept = 0  # in [lo, i)
                pairs = 0
                for i in range(first, stop):
                    while time[i] - time[lo] > windows[w]:
                        kept -= rungs[lo] > w
                        lo += 1
                    if rungs[i] > w:
                        pairs += kept
                        kept += 1
                totals[object[first], w] += sign * pairs
        first = stop


@compiled
def _acted_twice(account: I32, object: I32, n_accounts: int, twice: Bool) -> None:  # noqa: A002
    """Mark (n_objects,) those with two actions of one account; rows stand object by object."""
    last = np.full(n_accounts, -1, np.int32)
    for i in range(len(account)):
        if last[account[i]] == object[i]:
            twice[object[i]] = True
        last[account[i]] = object[i]


def occupancy(object: object, time: object, windows: object) -> NDArray[np.int32]:  # noqa: A002
    """(n, W) other actions on the same object within each window, in the order given."""
    ladder = window_list(windows)
    objects = checked(object, "object")
    actions = sort_actions(objects, objects, time)
    counts = np.empty((len(objects), len(ladder)), np.int32)
    counts[actions.row] = occupancy_sorted(actions.object, actions.time, ladder)
    return counts


def pair_totals(
    account: object,
    object: object,  # noqa: A002
    time: object,
    n_objects: int,
    windows: object,
    cap: int | None,
) -> I64:
    """(n_objects, W) unordered pairs of actions of different accounts within each window.

    All pairs of an object (everyone taken for one account) less those of an account with itself:
    both are counted by two pointers, so a viral object costs no more than its rows.
    """
    ladder = window_list(windows)
    checked(object, "object", n_objects)
    actions = sort_actions(account, object, time)
    n = len(actions.row)
    n_accounts = int(actions.account.max()) + 1 if n else 0
    rungs = np.full(n, len(ladder), np.uint8)
    if cap is not None:
        rungs_allowed(actions.object, actions.time, ladder, cap, rungs)
    totals = np.zeros((n_objects, len(ladder)), np.int64)
    everyone = np.zeros(n, np.int32)
    _pairs_within(everyone, actions.object, actions.time, rungs, ladder, 1, totals)
    # an account's pairs with itself: of the objects alone on which one acted twice
    twice = np.zeros(n_objects, np.bool_)
    _acted_twice(actions.account, actions.object, n_accounts, twice)
    rows = np.flatnonzero(twice[actions.object])
    account_, object_ = actions.account[rows], actions.object[rows]
    by_account = group_rows(account_, np.arange(len(rows)), n_accounts)[1]
    order = group_rows(object_, by_account, n_objects)[1]
    own = rows[order]
    grouped = account_[order], object_[order], actions.time[own]
    _pairs_within(*grouped, rungs[own], ladder, -1, totals)
    return totals
