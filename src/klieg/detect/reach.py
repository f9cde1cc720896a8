"""How few things an account must share with somebody before that pair could be validated.

A pair that the occupancy cap kept from being proposed shares at most ``kept + min(D_a, D_b)``
objects within a window (``dropped`` is D), and sharing x of them means a minimum of activity on
both sides, from which chance expects a minimum of meetings. Both together bound the pair's p from
below, so of each account it can be said from how many shared objects on it is worth looking at, or
that it never is. Nothing here is an estimate: what is out of reach cannot be validated. The room
makes no pair and knows no threshold but the one it is given.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from klieg.engine import shards
from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.null import Margins
    from klieg.tables import F64, I32, I64, U8, Bool

__all__ = ["MANY", "fewest", "saturated"]

MANY = 255
"""Dropped actions are told apart up to here: an account with as many may share any number."""

LONGEST = 200
"""Shared objects up to which the bound is followed; an account that needs more needs as many."""

SLACK = 1e-6
"""Nats by which the bound is loosened: it rounds, and must not round a pair away."""


def saturated(dropped: I64) -> U8:
    """(n_accounts, W) dropped actions, ``MANY`` standing for that many or more."""
    return np.minimum(dropped, MANY).astype(np.uint8)


def fewest(margins: Margins, dropped: U8, able: Bool, level: float, config: Config) -> I32:
    """(n_accounts, W) objects that a pair of the account must share to reach p ≤ ``level``.

    Of pairs that are no candidates of the capped count: they share fewer than ``weak_count``
    objects outside of crowded windows. 0 where no such pair of the account can reach it.
    ``dropped`` as ``saturated`` gives it; ``margins`` without a cap; ``level`` is at most ½.
    """
    slots = margins.slots
    out = np.zeros(dropped.shape, np.int32)
    if level <= 0.0 or not dropped.any():
        return out
    most = np.ones(len(slots.total))
    np.maximum.at(most, slots.stratum, slots.count)
    ends = np.searchsorted(slots.nodes, most).clip(max=len(slots.nodes) - 1)
    busy = np.flatnonzero(able & (dropped > 0).any(axis=1))
    bar = math.log(level / dropped.shape[1]) + SLACK
    held = (slots.starts, slots.stratum, slots.count, slots.scale, margins.pairs)
    table = np.ascontiguousarray(margins.capped)

    def part(first: int, stop: int) -> None:
        few = busy[first:stop]
        _fewest(few, dropped, *held, slots.nodes, ends, table, bar, config.weak_count, out)

    shards.run(part, shards.equal_ranges(np.diff(slots.starts)[busy], 16), config.threads)
    return out


@compiled
def _fewest(
    accounts: I64,
    dropped: U8,
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
        for w in range(dropped.shape[1]):
            lost = int(dropped[a, w])
            if lost == 0:
                continue
            reach = least - 1 + lost if lost < MANY else LONGEST + 1
            k = 0
            for e in range(starts[a], starts[a + 1]):
                c = stratum[e]
                weight = scale[c] * pairs[c, w] * count[e]
                # where nobody met within the window no object can have been shared
                if weight > 0.0:
                    room[k] = min(count[e], np.float64(reach))
                    rate[k] = weight * _slowest(table[c, w], nodes, ends[c], count[e], room[k])
                    k += 1
            out[a, w] = _first(rate[:k], room[:k], reach, least, bar)


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
def _first(rate: F64, room: F64, reach: int, least: int, bar: float) -> int:
    """The first number of shared objects that may be improbable enough; 0 if none within reach.

    The objects lie where they cost least: strata fill up in the order of their rates. A Poisson
    tail is no less than its first term, and no less than a half up to its mean.
    """
    order = np.argsort(rate)
    lam, x, at = 0.0, 0, 0
    used = 0.0
    while x < reach and x < LONGEST:
        while at < len(order) and used + 1.0 > room[order[at]]:
            at += 1
            used = 0.0
        if at == len(order):
            return 0
        lam += rate[order[at]]
        used += 1.0
        x += 1
        if x < least or lam >= x:
            continue
        if lam <= 0.0 or x * math.log(lam) - lam - math.lgamma(x + 1.0) <= bar:
            return x
    return LONGEST if reach > LONGEST else 0
