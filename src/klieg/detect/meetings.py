"""Every pair of accounts that shares so many objects within one window, however crowded.

An overlap join with a prefix filter (Chaudhuri et al. 2006): two accounts that share x objects
share one outside of the x − 1 most crowded of either, so the largest bursts are hardly ever walked.
Each account brings its own x. Where even so there is too much to walk, the objects that cost most
are set aside as massed: a pair that was not made for that lies in their bursts, and the answer says
who was. The room knows nothing of chance: x is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.engine import shards
from klieg.engine.compiled import column, compiled
from klieg.engine.live import company
from klieg.engine.windows import by_object, group_rows, spans
from klieg.tables import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I32, I64, Actions, Bool

__all__ = ["Plan", "join", "plan"]

VERIFIED = 4
"""Steps of a walk that looking up one pair costs, about."""

MOST = 4_000_000
"""Pairs found in a window beyond which more is massed."""

CUTS = 64
"""Ranges of accounts a walk is cut into."""

STEADY = 64
"""Rows stop being dropped once a round drops less than one in this many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows that may matter in one window, account by account, and how they are walked."""

    window: int  # microseconds
    names: I32  # (A,) the accounts that matter, ascending; below, their places in this list
    account: I32  # (n,) in (object, time) order
    starts: I64  # (A + 1,) rows of account a, the next five columns: starts[a] … starts[a + 1]
    object: I32  # (n,) ascending within an account
    time: I64  # (n,) ascending within an object
    lo: I32  # (n,) [lo, hi) of ``account``: who acted within the window, the account among them
    hi: I32  # (n,)
    walked: Bool  # (n,) not among the account's most crowded objects
    fewest: I32  # (A,) objects a pair must share
    steps: I64  # (A,) rows met where an account's rows are walked

    @property
    def cost(self) -> int:
        """Steps of the whole walk."""
        return int(self.steps.sum())


def plan(actions: Actions, fewest: I32, seconds: int) -> Plan:
    """Rows of accounts that may share ``fewest`` (n_accounts,) objects or more; 0 means none."""
    account = column(actions.account, np.int32, "account")
    rows = np.flatnonzero((fewest > 0)[account])
    window = seconds * SECOND
    account = account[rows]
    object_ = column(actions.object, np.int32, "object")[rows]
    time = column(actions.time, np.int64, "time")[rows]
    order = by_object(object_, time, actions.n_objects)
    account, object_, time = account[order], object_[order], time[order]
    one, ladder = np.ones(0, np.uint8), np.array([window], np.int64)
    while True:
        before = len(account)
        one = np.ones(before, np.uint8)
        lo, hi = spans(object_, time, one, ladder)
        objects = np.zeros(actions.n_accounts, np.int32)
        keep = company(account, object_, lo, hi, objects)
        keep &= (objects >= fewest)[account]
        if keep.all():
            break
        account, object_, time = account[keep], object_[keep], time[keep]
        if (before - len(account)) * STEADY < before:
            lo, hi = spans(object_, time, np.ones(len(account), np.uint8), ladder)
            break
    names = np.flatnonzero(np.bincount(account, minlength=actions.n_accounts)).astype(np.int32)
    place = np.zeros(actions.n_accounts, np.int32)
    place[names] = np.arange(len(names))
    account, few = place[account], np.ascontiguousarray(fewest[names])
    starts, row = group_rows(account, np.arange(len(account)), len(names))
    columns = object_[row], time[row], lo[row], hi[row]
    walked, steps = np.zeros(len(account), np.bool_), np.zeros(len(names), np.int64)
    _choose(starts, columns[0], *columns[2:], few, walked, steps)
    return Plan(window, names, account, starts, *columns, walked, few, steps)


def join(plan: Plan, budget: int, threads: int) -> tuple[I32, I32, I32, I64]:
    """(left, right, shared objects, massed objects) in (left, right) order.

    Every pair that shares ``fewest`` of both or more within the window is among them, or both
    accounts are on one of the massed objects. ``budget`` bounds the steps of the walk.
    """
    cost = _by_object(plan)
    dearest = np.argsort(-cost, kind="stable")
    left_over = plan.cost - np.cumsum(cost[dearest])
    out = 0 if plan.cost <= budget else 1 + int(np.flatnonzero(left_over <= budget)[0])
    while True:
        massed = np.zeros(len(cost), np.bool_)
        massed[dearest[:out]] = True
        left, right, shared, full = _walk(plan, massed, threads)
        if not full:
            break
        # the next dearest halve what is left to walk
        rest = left_over[out - 1] if out else plan.cost
        out += 1 + int(np.flatnonzero(left_over[out:] <= rest // 2)[0])
    order = np.lexsort((right, left))
    return (
        plan.names[left[order]],
        plan.names[right[order]],
        shared[order],
        np.sort(dearest[:out]),
    )


def _by_object(plan: Plan) -> I64:
    steps = (plan.hi - plan.lo)[plan.walked].astype(np.int64)
    cost = np.zeros(int(plan.object.max(initial=-1)) + 1, np.int64)
    np.add.at(cost, plan.object[plan.walked], steps)
    return cost


def _walk(plan: Plan, massed: Bool, threads: int) -> tuple[I32, I32, I32, bool]:
    """(left, right, shared objects, whether there were more than MOST of them)."""
    # cut the same for any number of threads: what is too many must not depend on it
    cuts = shards.equal_ranges(plan.steps, CUTS)
    each = max(MOST // max(len(cuts), 1), 1)
    rows = plan.starts, plan.object, plan.time, plan.lo, plan.hi, plan.walked & ~massed[plan.object]

    def part(first: int, stop: int) -> NDArray[np.int32]:
        return _pairs(first, stop, plan.account, *rows, plan.fewest, plan.window, each)

    found = shards.run(part, cuts, threads)
    pairs = np.concatenate([np.zeros((0, 3), np.int32), *found])
    full = any(len(part) > each for part in found)
    return pairs[:, 0].copy(), pairs[:, 1].copy(), pairs[:, 2].copy(), full


@compiled
def _choose(
    starts: I64,
    object: I32,  # noqa: A002
    lo: I32,
    hi: I32,
    fewest: I32,
    walked: Bool,
    steps: I64,
) -> None:
    """Leave each account's most crowded objects out of the walk: all but one of those it needs,
    or, where looking up whoever is met once would cost more, all but two."""
    for a in range(len(starts) - 1):
        first, stop = starts[a], starts[a + 1]
        weight = np.empty(stop - first, np.int64)
        begin = np.empty(stop - first + 1, np.int64)
        k = 0
        for i in range(first, stop):
            if i == first or object[i] != object[i - 1]:
                weight[k] = 0
                begin[k] = i
                k += 1
            weight[k - 1] += hi[i] - lo[i]
        begin[k] = stop
        order = np.argsort(-weight[:k])
        out = min(max(fewest[a] - 1, 0), k)
        rest = 0
        for i in range(out, k):
            rest += weight[order[i]]
        if out > 0 and VERIFIED * rest > rest + weight[order[out - 1]]:
            out -= 1
            rest += weight[order[out]]
        steps[a] = rest
        for i in range(out, k):
            for e in range(begin[order[i]], begin[order[i] + 1]):
                walked[e] = True


@compiled
def _pairs(
    first: int,
    stop: int,
    account: I32,
    starts: I64,
    object: I32,  # noqa: A002
    time: I64,
    lo: I32,
    hi: I32,
    walked: Bool,
    fewest: I32,
    window: int,
    most: int,
) -> NDArray[np.int32]:
    """(k, 3) pairs whose left account lies in [first, stop), and what they share."""
    met = np.zeros(len(fewest), np.int32)
    last = np.full(len(fewest), -1, np.int32)
    near = np.empty(len(fewest), np.int32)
    out = np.empty((256, 3), np.int32)
    size = 0
    for a in range(first, stop):
        n, unwalked = 0, 0
        for i in range(starts[a], starts[a + 1]):
            o = object[i]
            if not walked[i]:
                unwalked += i == starts[a] or object[i - 1] != o
                continue
            for j in range(lo[i], hi[i]):
                b = account[j]
                if b > a and last[b] != o:
                    if met[b] == 0:
                        near[n] = b
                        n += 1
                    met[b] += 1
                    last[b] = o
        for k in range(n):
            b = near[k]
            need = max(fewest[a], fewest[b])
            # what was not walked may be shared as well
            enough = met[b] + unwalked >= need
            met[b] = 0
            last[b] = -1
            if not enough or size > most:
                continue
            shared = _shared(
                starts[a], starts[a + 1], starts[b], starts[b + 1], object, time, window
            )
            if shared >= need:
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
