"""Make a candidate better: grow it, prune it, split what does not belong together.

Works in one layer and against one set of pools, on the search's approximate evidence, and may be as
greedy as it likes: the test that follows pays for every group there is. Knows no graph, no
threshold and no other layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.bursts import OFFSETS, price
from klieg.detect.candidates import pieces
from klieg.engine.burst_company import companions, company
from klieg.engine.burst_search import marginals, screen

if TYPE_CHECKING:
    from klieg.engine.lattice import Lattice
    from klieg.tables import F64, I32, I64

__all__ = [
    "Bench",
    "Spot",
    "bench",
    "best",
    "improve",
    "leap",
    "leaving",
    "one_not_two",
    "split",
    "weigh",
]

WORTH = 1.5
"""Nats that one more member must be worth to a burst for its strangers to be looked at."""

GLIMPSE = 0.5
"""The same while leaping, when a burst says little yet."""

LEAP = 64
LEAPS = 6
"""Accounts a leap gathers at most, and the steps it takes."""

LARGE = 100
"""Members from which only the neighbouring windows are compared."""

MANY = 2000
"""Members beyond which nobody looks whether a group should be split."""

NOBODY = np.zeros(0, np.int32)

TIED = 0.25
"""Density of shared bursts that holds a part of a group together."""

ROUNDS = 8
"""Turns of growing and pruning; most groups are done after two."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One layer to work on, with scratch arrays that belong to one thread at a time."""

    lattice: Lattice
    n_accounts: int
    counts: I32
    tally: I32
    spots: dict[tuple[bytes, ...], Spot] = field(default_factory=dict)  # what `best` has answered


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a group is strongest."""

    tiling: int
    omega: int
    log_e: float  # nats, at that tiling and ω
    net: float  # … less the price of the group


def bench(lattice: Lattice, n_accounts: int) -> Bench:
    """Scratch arrays for one thread: all zero between calls."""
    bursts = int(np.diff(lattice.actor_starts).max(initial=0))
    return Bench(lattice, n_accounts, np.zeros(bursts, np.int32), np.zeros(n_accounts, np.int32))


def weigh(
    work: Bench,
    groups: list[I32],
    tilings: I64 | None = None,
    *,
    inflation: float = 1.0,
    frame: I32 = NOBODY,
) -> F64:
    """(G, tilings, Ω) approximate log evidence of each group.

    ``frame``: the group of which these are parts, so that the same pools count as full for all.
    """
    if tilings is None:
        tilings = np.arange(work.lattice.code.shape[1])
    starts = np.concatenate([[0], np.cumsum([len(g) for g in groups])]).astype(np.int64)
    rows = np.concatenate([*groups, NOBODY]).astype(np.int32)
    return screen(work.lattice, starts, rows, tilings, inflation, frame, work.counts)


def best(work: Bench, members: I32, tilings: I64 | None = None, *, frame: I32 = NOBODY) -> Spot:
    """The tiling and ω (of all or some tilings) at which these members are strongest."""
    some = b"" if tilings is None else tilings.tobytes()
    asked = (members.tobytes(), some, frame.tobytes())
    found = work.spots.get(asked)
    if found is None:
        cells = weigh(work, [members], tilings, frame=frame)[0]
        row, omega = divmod(int(cells.argmax()), cells.shape[1])
        log_e = float(cells[row, omega])
        tiling = row if tilings is None else int(tilings[row])
        found = Spot(tiling, omega, log_e, log_e - price(work.n_accounts, len(members)))
        work.spots[asked] = found
    return found


def improve(
    work: Bench, members: I32, *, equal: float = 0.0, limit: int | None = None
) -> tuple[I32, Spot]:
    """Grow and prune in turns while net rises.

    With ``equal``, nobody joins who brings less than that part of what a member brings on average:
    a crew inside a community of shared interest stays a crew. It grows to ``limit`` at most.
    """
    limit = work.n_accounts if limit is None else limit
    spot = best(work, members)
    for _ in range(ROUNDS):
        bigger = _grow(work, members, spot, equal, limit)
        around = _around(work, spot) if len(bigger) > LARGE else None
        finer = _prune(work, bigger, best(work, bigger, around))
        there = best(work, finer, around)
        if there.net <= spot.net + 1e-6:
            break
        members, spot = finer, there
    return members, spot


def leap(work: Bench, members: I32) -> I32:
    """Whoever fits a small piece best, up to LEAP accounts, whether or not net rises on the way.

    A thin group is worth its price only when nearly whole: from eight members of forty every
    single step up costs more than it brings, and greedy growth stays where it is.
    """
    spot = best(work, members)
    for _ in range(LEAPS):
        others = _others(work, members, spot, GLIMPSE)[: 8 * LEAP]
        at = (spot.tiling, spot.omega, work.counts)
        keep = -marginals(work.lattice, members, members, -1, *at)
        join = marginals(work.lattice, members, others, 1, *at)
        everyone = np.concatenate([members, others])
        ranked = np.argsort(-np.concatenate([keep, join]), kind="stable")
        chosen = np.sort(everyone[ranked[: max(min(LEAP, 2 * len(members)), len(members))]])
        if np.array_equal(chosen, members):
            break
        members = chosen
    return members


def _others(work: Bench, members: I32, spot: Spot, worth: float) -> I32:
    """Outsiders in two telling bursts or more, those in most of them first."""
    others, met = company(
        work.lattice, members, spot.tiling, spot.omega, worth, work.counts, work.tally
    )
    return others[np.argsort(-met, kind="stable")]


def _around(work: Bench, spot: Spot) -> I64:
    """The tiling of a spot and its neighbours: the windows next to it, at both offsets."""
    first = max(spot.tiling // len(OFFSETS) - 1, 0) * len(OFFSETS)
    last = min(first + 3 * len(OFFSETS), work.lattice.code.shape[1])
    return np.arange(first, last)


def leaving(work: Bench, members: I32, tiling: int, omega: int) -> F64:
    """(g,) nats of log evidence that a tiling gains when each member leaves, to first order."""
    return marginals(work.lattice, members, members, -1, tiling, omega, work.counts)


def one_not_two(work: Bench, a: I32, b: I32) -> bool:
    """Whether the acts of a and b are better told by one group than by two.

    Two groups that never meet raise each other's expected counts: each act loses ln 2 when they
    are joined. One group cut in two pays twice for every burst it shares. ``ln binom`` is what it
    costs to say who is in which half.
    """
    both = np.union1d(a, b).astype(np.int32)
    apart = best(work, a, frame=both).log_e + best(work, b, frame=both).log_e
    return apart <= best(work, both).log_e + _ways([len(a), len(b)])


def split(work: Bench, members: I32, spot: Spot, seed: int) -> list[I32]:
    """The parts that are better told as separate groups, strongest first; one part if none."""
    if len(members) > MANY:
        return [members]
    left, right, shared = companions(work.lattice, members, spot.tiling, work.counts)
    floor, before = 1, 0
    while floor <= shared.max(initial=0):
        close = shared >= floor
        floor *= 2
        if close.sum() == before:  # the graph that was just cut
            continue
        before = close.sum()
        parts = pieces(left[close], right[close], (TIED,), seed)[0]
        apart = _told_apart(work, parts)
        if len(apart) > 1:
            apart = _with_everyone(members, apart, left, right, shared)
            value = sum(best(work, part, frame=members).log_e for part in apart)
            if value > spot.log_e + _ways([len(part) for part in apart]):
                return apart
    return [members]


def _told_apart(work: Bench, parts: list[I32]) -> list[I32]:
    """Parts joined, strongest first, with the first one that they are one group with."""
    apart: list[I32] = []
    for part in sorted(parts, key=lambda p: -best(work, p).log_e):
        for i, other in enumerate(apart):
            if one_not_two(work, other, part):
                apart[i] = np.union1d(other, part)
                break
        else:
            apart.append(part)
    return apart


def _with_everyone(members: I32, parts: list[I32], left: I32, right: I32, shared: I32) -> list[I32]:
    """The parts, and whoever is in none put where most of their shared bursts are."""
    home = np.full(len(members), -1)
    for i, part in enumerate(parts):
        home[np.searchsorted(members, part)] = i
    a, b = np.searchsorted(members, left), np.searchsorted(members, right)
    ties = np.zeros((len(members), len(parts)))
    for one, other in ((a, b), (b, a)):
        known = home[other] >= 0
        np.add.at(ties, (one[known], home[other[known]]), shared[known])
    home = np.where(home < 0, ties.argmax(axis=1), home)
    return [members[home == i] for i in range(len(parts))]


def _ways(sizes: list[int]) -> float:
    """ln of the number of ways to deal accounts into parts of these sizes."""
    return math.lgamma(sum(sizes) + 1) - sum(math.lgamma(size + 1) for size in sizes)


def _cell(work: Bench, members: I32, spot: Spot) -> float:
    """Net at one tiling and ω."""
    value = weigh(work, [members], np.array([spot.tiling]))[0, 0, spot.omega]
    return float(value) - price(work.n_accounts, len(members))


def _grow(work: Bench, members: I32, spot: Spot, equal: float, limit: int) -> I32:
    current = _cell(work, members, spot)
    for _ in range(ROUNDS):
        others = _others(work, members, spot, WORTH)[: max(200, 2 * len(members))]
        if not len(others):
            break
        gains = marginals(work.lattice, members, others, 1, spot.tiling, spot.omega, work.counts)
        gains -= math.log((work.n_accounts - len(members)) / (len(members) + 1.0) + 1e-9)
        average = (current + price(work.n_accounts, len(members))) / len(members)
        enough = int((gains > max(0.0, equal * average)).sum())
        keen = others[np.argsort(-gains, kind="stable")][:enough]
        keen = keen[: min(max(3, len(members)), max(limit - len(members), 0))]
        while len(keen):
            bigger = np.union1d(members, keen).astype(np.int32)
            value = _cell(work, bigger, spot)
            if value > current:
                break
            keen = keen[: len(keen) // 2]
        if not len(keen):
            break
        members, current = bigger, value
    return members


def _prune(work: Bench, members: I32, spot: Spot) -> I32:
    """Remove whoever net is better without: one at a time, a thirtieth at a time when many."""
    current = _cell(work, members, spot)
    while len(members) > 3:
        gains = marginals(work.lattice, members, members, -1, spot.tiling, spot.omega, work.counts)
        gains += math.log((work.n_accounts - len(members) + 1.0) / len(members))
        worst = np.argsort(-gains, kind="stable")[: max(1, len(members) // 30)]
        worst = worst[gains[worst] > -0.5]
        while len(worst):
            smaller = np.delete(members, worst)
            value = _cell(work, smaller, spot)
            if value > current:
                break
            worst = worst[: len(worst) // 2]
        if not len(worst):
            break
        members, current = smaller, value
    return members
