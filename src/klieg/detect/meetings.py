"""Every pair of accounts that shares enough objects within one window, however crowded.

An overlap join with a prefix filter (Chaudhuri et al. 2006): objects are put in one order, the most
crowded last, and each account leaves up to x − 1 of its last ones out of the walk, where x is the
fewest that a pair of it must share. Of what two accounts share no more is left out than the larger
of both numbers, so each such pair meets in the walk, and the largest bursts are hardly ever walked.
Whoever meets often enough is asked for: what chance expects of the pair says how much would be
enough, and only where that can be reached are the shared objects counted. Where even so there is
too much to walk, the objects that cost most are set aside as massed: a pair that was not made for
that lies in their bursts, and the answer says who was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.chances import of_pair
from klieg.engine import shards
from klieg.engine.compiled import column, compiled
from klieg.engine.live import company
from klieg.engine.windows import by_object, group_rows, spans
from klieg.tables import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.detect.chances import Chances
    from klieg.tables import F64, I32, I64, Actions, Bool

__all__ = ["Plan", "Walk", "join", "plan"]

ASKED = 15.0
"""Steps of a walk that asking for one pair costs, about."""

RARER = 0.5
"""Of those met n times in a walk, about so many are met once more."""

MOST = 4_000_000
"""Pairs found in a window beyond which more is massed."""

CUTS = 64
"""Ranges of accounts a walk is cut into."""

STEADY = 64
"""Rows stop being dropped once a round drops less than one in this many."""


@dataclass(frozen=True, slots=True)
class Walk:
    """The rows that are walked, account by account."""

    account: I32  # (m,) in (object, time) order
    starts: I64  # (A + 1,) of the next three columns
    object: I32  # (m,)
    lo: I32  # (m,) [lo, hi) of ``account``: who acted within the window, the account among them
    hi: I32  # (m,)


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows that may matter in one window, account by account, and how they are walked."""

    window: int  # microseconds
    names: I32  # (A,) the accounts that matter, those with most rows first; below, their places
    starts: I64  # (A + 1,) rows of account a, the next two columns: starts[a] … starts[a + 1]
    object: I32  # (n,) ascending within an account
    time: I64  # (n,) ascending within an object
    fewest: I32  # (A,) objects a pair must share
    out: I32  # (A,) objects left out of the walk
    walk: Walk
    steps: I64  # (A,) rows met where an account's rows are walked

    @property
    def cost(self) -> int:
        """Steps of the whole walk."""
        return int(self.steps.sum())


def plan(actions: Actions, fewest: I32, seconds: int) -> Plan:
    """Rows of accounts that may share ``fewest`` (n_accounts,) objects or more; 0 means none."""
    window = seconds * SECOND
    account, object_, time, burst = _rows(actions, fewest, window)
    held = np.bincount(account, minlength=actions.n_accounts)
    names = np.flatnonzero(held).astype(np.int32)
    # the busiest are met most: side by side their marks stay in the processor's cache
    names = names[np.argsort(-held[names], kind="stable")]
    place = np.zeros(actions.n_accounts, np.int32)
    place[names] = np.arange(len(names))
    account, few = place[account], np.ascontiguousarray(fewest[names])
    rank = _rank(object_, burst)
    starts, row = group_rows(account, np.arange(len(account)), len(names))
    out = np.zeros(len(names), np.int32)
    walked = np.zeros(len(account), np.bool_)
    _choose(starts, row, object_, burst, rank, few, out, walked)
    walk, steps = _walk_of(account, object_, time, np.flatnonzero(walked), window, len(names))
    return Plan(window, names, starts, object_[row], time[row], few, out, walk, steps)


def _rows(actions: Actions, fewest: I32, window: int) -> tuple[I32, I32, I64, I64]:
    """(account, object, time, others within the window) of rows that may matter, object by object.

    A row matters if somebody else is there, and its account meets somebody on enough objects.
    """
    account = column(actions.account, np.int32, "account")
    rows = np.flatnonzero((fewest > 0)[account])
    account = account[rows]
    object_ = column(actions.object, np.int32, "object")[rows]
    time = column(actions.time, np.int64, "time")[rows]
    order = by_object(object_, time, actions.n_objects)
    account, object_, time = account[order], object_[order], time[order]
    ladder = np.array([window], np.int64)
    while True:
        before = len(account)
        lo, hi = spans(object_, time, np.ones(before, np.uint8), ladder)
        objects = np.zeros(actions.n_accounts, np.int32)
        keep = company(account, object_, lo, hi, objects)
        keep &= (objects >= fewest)[account]
        if keep.all():
            break
        account, object_, time = account[keep], object_[keep], time[keep]
        if (before - len(account)) * STEADY < before:
            lo, hi = spans(object_, time, np.ones(len(account), np.uint8), ladder)
            break
    return account, object_, time, (hi - lo).astype(np.int64)


def _rank(object: I32, burst: I64) -> I64:  # noqa: A002
    """(objects,) place of each in the one order: by the pairs on it, then by number."""
    pairs = np.bincount(object, weights=burst, minlength=int(object.max(initial=-1)) + 1)
    rank = np.empty(len(pairs), np.int64)
    rank[np.argsort(pairs, kind="stable")] = np.arange(len(pairs))
    return rank


def _walk_of(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    rows: I64,
    window: int,
    n: int,
) -> tuple[Walk, I64]:
    """The walked rows with whom they meet among each other, and (n,) steps of each account."""
    account, object_ = account[rows], object[rows]
    lo, hi = spans(object_, time[rows], np.ones(len(rows), np.uint8), np.array([window], np.int64))
    starts, row = group_rows(account, np.arange(len(rows)), n)
    steps = np.bincount(account, weights=hi - lo, minlength=n).astype(np.int64)
    return Walk(account, starts, object_[row], lo[row], hi[row]), steps


def join(
    plan: Plan, chances: Chances, bars: F64, budget: int, threads: int
) -> tuple[I32, I32, I32, I64]:
    """(left, right, shared objects, massed objects) in (left, right) order.

    Every pair that shares ``fewest`` of both or more within the window, and so many that chance
    expects no more than ``bars`` of it (any number from ``len(bars)`` on), is among them, or both
    accounts are on one of the massed objects. ``budget`` bounds the steps of the walk.
    """
    cost = _by_object(plan)
    dearest = np.argsort(-cost, kind="stable")
    left_over = plan.cost - np.cumsum(cost[dearest])
    out = 0 if plan.cost <= budget else 1 + int(np.flatnonzero(left_over <= budget)[0])
    while True:
        massed = np.zeros(len(cost), np.bool_)
        massed[dearest[:out]] = True
        pairs, full = _walk(plan, chances, bars, massed, threads)
        if not full:
            break
        # the next dearest halve what is left to walk
        rest = left_over[out - 1] if out else plan.cost
        out += 1 + int(np.flatnonzero(left_over[out:] <= rest // 2)[0])
    both = plan.names[pairs[:, :2]].reshape(-1, 2)
    left, right = both.min(axis=1), both.max(axis=1)
    order = np.lexsort((right, left))
    return left[order], right[order], pairs[order, 2], np.sort(dearest[:out])


def _by_object(plan: Plan) -> I64:
    walk = plan.walk
    size = int(plan.object.max(initial=-1)) + 1
    return np.bincount(walk.object, weights=walk.hi - walk.lo, minlength=size).astype(np.int64)


def _walk(
    plan: Plan, chances: Chances, bars: F64, massed: Bool, threads: int
) -> tuple[NDArray[np.int32], bool]:
    """(k, 3) places of both accounts and shared objects, and whether there were more than MOST."""
    # cut the same for any number of threads: what is too many must not depend on it
    cuts = shards.equal_ranges(plan.steps, CUTS)
    each = max(MOST // max(len(cuts), 1), 1)
    walk = plan.walk.account, plan.walk.starts, plan.walk.object, plan.walk.lo, plan.walk.hi
    rows = plan.starts, plan.object, plan.time

    def part(first: int, stop: int) -> NDArray[np.int32]:
        return _pairs(
            first,
            stop,
            walk,
            massed,
            rows,
            plan.names,
            plan.fewest,
            plan.out,
            chances,
            bars,
            plan.window,
            each,
        )

    found = shards.run(part, cuts, threads)
    pairs = np.concatenate([np.zeros((0, 3), np.int32), *found])
    return pairs, any(len(part) > each for part in found)


@compiled
def _choose(
    starts: I64,
    row: I64,
    object: I32,  # noqa: A002
    burst: I64,
    rank: I64,
    fewest: I32,
    out: I32,
    walked: Bool,
) -> None:
    """How many of its most crowded objects each account leaves out: what costs least.

    Every one spares its steps, and makes more of those who are met have to be asked for.
    """
    for a in range(len(starts) - 1):
        first, stop = starts[a], starts[a + 1]
        weight = np.empty(stop - first, np.int64)
        place = np.empty(stop - first, np.int64)
        k = 0
        left = 0
        for e in range(first, stop):
            i = row[e]
            if e == first or object[i] != object[row[e - 1]]:
                weight[k] = 0
                place[k] = rank[object[i]]
                k += 1
            weight[k - 1] += burst[i]
            left += burst[i]
        order = np.argsort(-place[:k])
        least, bar = np.float64(left), np.int64(len(rank))
        for n in range(1, min(max(fewest[a] - 1, 0), k) + 1):
            left -= weight[order[n - 1]]
            asked = left * RARER ** (fewest[a] - n - 1)
            if left + ASKED * asked < least:
                least, bar = left + ASKED * asked, place[order[n - 1]]
                out[a] = n
        for e in range(first, stop):
            walked[row[e]] = rank[object[row[e]]] < bar


@compiled
def _pairs(
    first: int,
    stop: int,
    walk: tuple[I32, I64, I32, I32, I32],
    massed: Bool,
    rows: tuple[I64, I32, I64],
    names: I32,
    fewest: I32,
    left_out: I32,
    chances: Chances,
    bars: F64,
    window: int,
    most: int,
) -> NDArray[np.int32]:
    """(k, 3) pairs of an account in [first, stop) and a later one, and what they share."""
    account, begin, on, lo, hi = walk
    starts, object, time = rows  # noqa: A001
    met = np.zeros(len(fewest), np.int32)
    last = np.full(len(fewest), -1, np.int32)
    near = np.empty(len(fewest) + 1, np.int32)
    out = np.empty((256, 3), np.int32)
    size = 0
    for a in range(first, stop):
        n = np.int32(0)
        for i in range(begin[a], begin[a + 1]):
            o = on[i]
            if massed[o]:
                continue
            for j in range(lo[i], hi[i]):
                # without a branch: whether the other is new here is anybody's guess
                b = account[j]
                new = np.int32(last[b] != o)
                met[b] += new
                last[b] = o
                near[n] = b
                n += new & np.int32(met[b] == 1)
        for k in range(n):
            b = near[k]
            most_shared = met[b] + max(left_out[a], left_out[b])
            met[b] = 0
            last[b] = -1
            need = max(fewest[a], fewest[b])
            if b <= a or most_shared < need or size > most:
                continue
            # what chance expects may be asked only once the sum of what could be shared is known
            lam = of_pair(names[a], names[b], chances)
            if most_shared < len(bars) and lam > bars[most_shared]:
                continue
            shared = _shared(
                starts[a], starts[a + 1], starts[b], starts[b + 1], object, time, window
            )
            if shared >= need and (shared >= len(bars) or lam <= bars[shared]):
                if size == len(out):
                    wider = np.empty((2 * size, 3), np.int32)
                    wider[:size] = out
                    out = wider
                out[size, 0], out[size, 1], out[size, 2] = a, b, shared
                size += 1
    return out[:size].copy()


@compiled
def _shared(
    i: int,
    i_end: int,
    j: int,
    j_end: int,
    object: I32,  # noqa: A002
    time: I64,
    window: int,
) -> int:
    """Objects on which the account of rows [i, i_end) met the one of [j, j_end) in the window."""
    n = 0
    while i < i_end and j < j_end:
        mine, other = object[i], object[j]
        if mine < other:
            i += 1
        elif mine > other:
            j += 1
        else:
            gap = time[i] - time[j]
            if abs(gap) <= window:
                n += 1
                while i < i_end and object[i] == mine:
                    i += 1
            elif gap < 0:
                i += 1
            else:
                j += 1
    return n
