"""How few things an account must share with somebody before that pair could be validated.

A pair that the occupancy cap kept from being proposed shares at most ``kept + min(D_a, D_b)``
objects within a window, where D counts acts in crowded windows; and sharing x of them means a
minimum of activity on both sides, from which chance expects a minimum of meetings. Both together
bound the pair's p from below, so of each account it can be said from how many shared objects on it
is worth looking at, or that it never is. Nothing here is an estimate: what is out of reach cannot
be validated. The room makes no pair and knows no threshold but the one it is given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from klieg.engine import shards
from klieg.engine.compiled import column, compiled
from klieg.engine.windows import by_object, dropped_near, rungs_allowed
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.null import Margins, Slots
    from klieg.tables import F64, I32, I64, U8, U32, Actions, Bool

__all__ = ["MANY", "fewest", "lost", "within"]

MANY = 255
"""Dropped actions are told apart up to here: an account with as many may share any number."""

LONGEST = 200
"""Shared objects up to which the bound is followed; an account that needs more needs as many."""

SLACK = 1e-6
"""Nats by which the bound is loosened: it rounds, and must not round a pair away."""


def lost(actions: Actions, slots: Slots, config: Config) -> U8:
    """(entries, W) acts in crowded windows of each account in each stratum it acts in.

    Those over the occupancy cap and those that one over it falls near, as the engine's ``dropped``
    counts them, but by stratum: ``slots.starts`` says which entries are an account's. ``MANY``
    stands for that many or more.
    """
    account = column(actions.account, np.int32, "account")
    object_ = column(actions.object, np.int32, "object")
    out = np.zeros((len(slots.stratum), len(config.windows_s)), np.uint8)
    # an object with no more acts than the cap is crowded in no window
    popular = np.bincount(object_, minlength=actions.n_objects) > config.occupancy
    rows = np.flatnonzero(popular[object_])
    if not len(rows):
        return out
    time = column(actions.time, np.int64, "time")[rows]
    account, object_ = account[rows], object_[rows]
    order = by_object(object_, time, actions.n_objects)
    account, object_, time = account[order], object_[order], time[order]
    entry = np.empty(len(rows), np.int32)
    _entries(account, slots.home[object_].astype(np.int32), slots.starts, slots.stratum, entry)
    windows = np.array(config.windows_s, np.int64) * SECOND
    rungs = np.empty(len(rows), np.uint8)
    rungs_allowed(object_, time, windows, config.occupancy, rungs)
    used, place = np.unique(entry, return_inverse=True)
    counts = np.zeros((len(used), len(windows)), np.int64)
    dropped_near(place.astype(np.int32), object_, time, rungs, windows, counts)
    out[used] = np.minimum(counts, MANY)
    return out


@compiled
def _entries(account: I32, home: I32, starts: I64, stratum: I32, entry: I32) -> None:
    """Which entry of its account each row belongs to."""
    for i in range(len(account)):
        e = starts[account[i]]
        while stratum[e] != home[i]:
            e += 1
        entry[i] = e


def fewest(margins: Margins, crowded: U8, able: Bool, level: float, config: Config) -> I32:
    """(n_accounts, W) objects that a pair of the account must share to reach p ≤ ``level``.

    Of pairs that are no candidates of the capped count: they share fewer than ``weak_count``
    objects outside of crowded windows. 0 where no such pair of the account can reach it.
    ``crowded`` as ``lost`` gives it; ``margins`` without a cap; ``level`` is at most ½.
    """
    slots, width = margins.slots, crowded.shape[1]
    out = np.zeros((len(able), width), np.int32)
    if level <= 0.0 or not crowded.any():
        return out
    most = np.ones(len(slots.total))
    np.maximum.at(most, slots.stratum, slots.count)
    ends = np.searchsorted(slots.nodes, most).clip(max=len(slots.nodes) - 1)
    owner = np.repeat(np.arange(len(able)), np.diff(slots.starts))
    touched = np.zeros(len(able), np.bool_)
    touched[owner[crowded.any(axis=1)]] = True
    busy = np.flatnonzero(able & touched)
    bar = math.log(level / width) + SLACK
    held = (slots.starts, slots.stratum, slots.count, slots.scale, margins.pairs)
    table = np.ascontiguousarray(margins.capped)

    def part(first: int, stop: int) -> None:
        few = busy[first:stop]
        _fewest(few, crowded, *held, slots.nodes, ends, table, bar, config.weak_count, out)

    shards.run(part, shards.equal_ranges(np.diff(slots.starts)[busy], 16), config.threads)
    return out


@compiled
def within(
    again: Bool,
    left: I32,
    right: I32,
    seen: U32,
    place: I64,
    dropped: I64,
    expected: F64,
    bars: F64,
) -> None:
    """Leave ``again`` true of those pairs alone that may be improbable enough in some window.

    ``seen[place[p]]`` (W,) counts pair p under the cap, which took from it no more than the
    ``dropped`` (n_accounts, W) actions of the account that has fewer; from ``bars`` (of
    ``chances.bars``) up chance expects too much, and the habits that raise λ are still to come.
    """
    for p in range(len(left)):
        if not again[p]:
            continue
        again[p] = False
        for w in range(expected.shape[1]):
            gone = min(dropped[left[p], w], dropped[right[p], w])
            most = np.int64(seen[place[p], w]) + gone
            if most >= len(bars) or expected[p, w] <= bars[most]:
                again[p] = True
                break


@compiled
def _fewest(
    accounts: I64,
    crowded: U8,
    starts: I64,
    stratum: I32,
    count: F64,
    scale: F64,
    pairs: F64,
    nodes: F64,
    ends: I64,
    table: F64,
    bar: float,
    least: int,
    out: I32,
) -> None:
    for a in accounts:
        size = starts[a + 1] - starts[a]
        rate, room = np.empty(size), np.empty(size)
        for w in range(crowded.shape[1]):
            k = 0
            for e in range(starts[a], starts[a + 1]):
                c = stratum[e]
                weight = scale[c] * pairs[c, w] * count[e]
                # where nobody met within the window no object can have been shared
                if weight > 0.0 and crowded[e, w] > 0:
                    room[k] = count[e]
                    if crowded[e, w] < MANY:
                        room[k] = min(room[k], np.float64(crowded[e, w]))
                    # of this stratum they may share what is not crowded too
                    most = min(count[e], room[k] + least - 1)
                    rate[k] = weight * _slowest(table[c, w], nodes, ends[c], count[e], most)
                    k += 1
            if k > 0:
                out[a, w] = _first(rate[:k], room[:k], least, bar)


@compiled
def _slowest(table: F64, nodes: F64, end: int, own: float, most: float) -> float:
    """Least λ an object shared, over whom it may be shared with; over ``own``'s sparse rate.

    ``table`` (D, D) fitted over sparse; the other's degree is any up to ``nodes[end]``, and no
    less than what is shared, which is at most ``most``.
    """
    a = 0
    while a + 1 < len(nodes) - 1 and nodes[a + 1] <= own:
        a += 1
    u = 0.0
    if own > nodes[a]:
        u = min(1.0, math.log(own / nodes[a]) / math.log(nodes[a + 1] / nodes[a]))
    least = np.inf
    before = table[a, 0] * (1.0 - u) + table[a + 1, 0] * u
    for b in range(1, max(end, 1) + 1):
        here = table[a, b] * (1.0 - u) + table[a + 1, b] * u
        least = min(least, max(1.0, nodes[b - 1] / most) * min(before, here))
        before = here
    return float(least)


@compiled
def _first(rate: F64, room: F64, least: int, bar: float) -> int:
    """The first number of shared objects that may be improbable enough; 0 if there is none.

    ``least`` − 1 of them may lie outside of crowded windows and are taken to cost nothing; the
    others lie where they cost least: strata fill up in the order of their rates. A Poisson tail is
    no less than its first term, and no less than a half up to its mean.
    """
    order = np.argsort(rate)
    lam, x, at = 0.0, least - 1, 0
    used = 0.0
    while x < LONGEST:
        while at < len(order) and used + 1.0 > room[order[at]]:
            at += 1
            used = 0.0
        if at == len(order):
            return 0
        lam += rate[order[at]]
        used += 1.0
        x += 1
        if lam >= x:
            continue
        if lam <= 0.0 or x * math.log(lam) - lam - math.lgamma(x + 1.0) <= bar:
            return x
    return LONGEST
