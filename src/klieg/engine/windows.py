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
    ascending = bool((times[1:] >= times[:-1]).all())
    order = np.arange(n) if ascending else np.argsort(times, kind="stable")
    n_objects = int(objects.max()) + 1 if n else 0
    row = group_rows(objects, order, n_objects)[1]
    return Sorted(row, accounts[row], objects[row], times[row])


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
    n = len(time)
    rungs[:] = 0
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
            # occupancy grows with the window: once over the cap, always over it
            rungs[i] += hi - lo - 1 <= cap


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
    n = len(time)
    fewest = len(windows)
    for i in range(n):
        fewest = min(fewest, rungs[i])
    for w in range(fewest, len(windows)):
        lo = 0
        hi = 0
        over = 0  # actions over the cap in [lo, hi)
        for i in range(n):
            if i == 0 or object[i] != object[i - 1]:
                lo = i
                hi = i
                over = 0
            while hi < n and object[hi] == object[i] and time[hi] - time[i] <= windows[w]:
                over += rungs[hi] <= w
                hi += 1
            while time[i] - time[lo] > windows[w]:
                over -= rungs[lo] <= w
                lo += 1
            if over > 0:
                counts[account[i], w] += 1


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
    widest = np.zeros(len(windows) + 1, np.int64)
    for i in range(n):
        widest[rungs[i]] += 1
    for w in range(len(windows)):
        if widest[w + 1] == 0:
            continue
        lo = 0
        hi = 0
        for i in range(n):
            if i == 0 or object[i] != object[i - 1]:
                lo = i
                hi = i
            while time[i] - time[lo] > windows[w]:
                lo += 1
            while hi < n and object[hi] == object[i] and time[hi] - time[i] <= windows[w]:
                hi += 1
            if rungs[i] == w + 1:
                first[i] = lo
                stop[i] = hi
    return first, stop


@compiled
def _pairs_within(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    keep: Bool,
    window: int,
    sign: int,
    totals: I64,
) -> None:
    """Add ``sign`` × the pairs of kept rows within ``window``, alike in account and object."""
    lo = 0
    kept = 0  # kept rows in [lo, i)
    for i in range(len(time)):
        if i > 0 and (object[i] != object[i - 1] or account[i] != account[i - 1]):
            lo = i
            kept = 0
        while time[i] - time[lo] > window:
            kept -= keep[lo]
            lo += 1
        if keep[i]:
            totals[object[i]] += sign * kept
            kept += 1


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
    by_account = group_rows(actions.account, np.arange(n), n_accounts)[1]
    own = group_rows(actions.object, by_account, n_objects)[1]
    everyone = np.zeros(n, np.int32)
    keep = np.ones((len(ladder), n), np.bool_)
    if cap is not None:
        crowd = occupancy_sorted(actions.object, actions.time, ladder)
        keep[:] = (crowd <= cap).T
    totals = np.zeros((len(ladder), n_objects), np.int64)
    grouped = actions.account[own], actions.object[own], actions.time[own]
    for w, window in enumerate(ladder.tolist()):
        _pairs_within(everyone, actions.object, actions.time, keep[w], window, 1, totals[w])
        _pairs_within(*grouped, keep[w][own], window, -1, totals[w])
    return np.ascontiguousarray(totals.T)
