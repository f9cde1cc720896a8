"""Weigh one group over all layers at once: its net, what each member brings, how far it stands.

A court holds every layer of a run against one kind of pools. Sweeps use the search's table of log
factors, what is reported comes from the engine. Knows nothing of how a group was found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import bursts, refine
from klieg.detect.bursts import OFFSETS, Tilings

if TYPE_CHECKING:
    from klieg.detect.refine import Bench
    from klieg.tables import F64, I32, I64

__all__ = [
    "Court",
    "Weighed",
    "drops",
    "exact",
    "joint_acts",
    "opened",
    "place",
    "prune",
    "rho",
    "weigh",
]

NEAR = 30.0
"""Nats below the strongest cell from which a cell moves no digit of a mean of e-values."""

FEW = 50
"""Members up to which each is taken out for real to see what is lost."""

REACH = 4
"""Tilings that are followed when expected counts are raised: the strongest ones."""


@dataclass(frozen=True, slots=True)
class Court:
    """All layers of a run against one kind of pools; belongs to one thread at a time."""

    names: tuple[str, ...]
    tilings: tuple[Tilings, ...]
    work: tuple[Bench, ...]
    n_accounts: int


@dataclass(frozen=True, slots=True)
class Weighed:
    """A group and its log evidence in every layer, tiling and ω."""

    members: I32
    cells: F64  # (layers, tilings, Ω) nats
    log_e: float  # ln of the mean of all cells' e-values
    net: float  # … less the price of the group


def opened(names: Sequence[str], tilings: Sequence[Tilings], n_accounts: int) -> Court:
    """A court over these layers, with scratch space of its own."""
    work = tuple(refine.bench(t.lattice, t.n_accounts) for t in tilings)
    return Court(tuple(names), tuple(tilings), work, n_accounts)


def weigh(court: Court, members: I32) -> Weighed:
    """The group by the search's table: good to a hundredth of a nat or so."""
    return _weighed(court, members, np.stack(_cells(court, members, None, 1.0)))


def exact(court: Court, group: Weighed) -> Weighed:
    """The same by the engine, wherever that moves the mean."""
    cells = group.cells.copy()
    for layer, near in enumerate(_near(group)):
        at = np.flatnonzero(near)
        if len(at):
            cells[layer, at] = bursts.log_evidence_at(court.tilings[layer], group.members, at)
    return _weighed(court, group.members, cells)


def prune(court: Court, group: Weighed) -> tuple[Weighed, F64]:
    """Take out whoever net is better without, one at a time unless many; and the drops left."""
    lost = drops(court, group)
    while len(group.members) > 3:
        worst = np.argsort(lost, kind="stable")[: max(1, len(group.members) // 30)]
        worst = worst[lost[worst] < 0]
        if not len(worst):
            break
        smaller = weigh(court, np.delete(group.members, worst))
        if smaller.net <= group.net:
            break
        group = smaller
        lost = drops(court, group)
    return group, lost


def drops(court: Court, group: Weighed) -> F64:
    """(g,) nats of net lost without each member (of many: by what each brings alone).

    The same pools count as full with and without them: what a member brings, not what their acts
    do to a threshold.
    """
    members, cells = group.members, group.cells
    left = np.full((len(members), *cells.shape), -np.inf)
    rest = [np.delete(members, i) for i in range(len(members))] if len(members) <= FEW else []
    for layer, near in enumerate(_near(group)):
        work, at = court.work[layer], np.flatnonzero(near)
        if rest and len(at) and bursts.by_mass(court.tilings[layer], members):
            tiled = court.tilings[layer]
            left[:, layer, at] = [bursts.log_evidence_at(tiled, r, at) for r in rest]
            continue
        if rest and len(at):
            left[:, layer, at] = refine.weigh(work, rest, at, frame=members)
            continue
        for t, w in np.argwhere(cells[layer] > cells.max() - NEAR):
            left[:, layer, t, w] = cells[layer, t, w] + refine.leaving(work, members, t, w)
    price = bursts.price(court.n_accounts, len(members) - 1)
    return group.net - (np.array([bursts.log_mean_exp(c) for c in left]) - price)


def place(court: Court, group: Weighed) -> tuple[int, int, float]:
    """(layer, window in seconds, offset) of the strongest tiling."""
    layer, t, _ = (int(i) for i in np.unravel_index(group.cells.argmax(), group.cells.shape))
    return layer, court.tilings[layer].windows[t // len(OFFSETS)], OFFSETS[t % len(OFFSETS)]


def joint_acts(court: Court, group: Weighed) -> int:
    """Bursts of the strongest tiling that hold two members or more."""
    layer, window, offset = place(court, group)
    return int((bursts.terms(court.tilings[layer], group.members, window, offset).k >= 2).sum())


def rho(court: Court, group: Weighed, least: float, *, coarse: bool = False) -> float:
    """The largest factor on every expected count at which ln e is still ``least``.

    Follows the strongest tilings alone, so it may be a little too small, never too large.
    ``coarse``: by the bound that small groups are weighed by, whatever the group's size.
    """
    strength = group.cells.max(axis=2)
    kept = strength >= np.sort(strength, axis=None)[-min(REACH, strength.size)]
    at = [np.flatnonzero(k) for k in kept]

    def stands(factor: float) -> bool:
        each = _cells(court, group.members, at, factor, coarse=coarse)
        cells = np.concatenate([found.ravel() for found in each])
        log_e = bursts.log_mean_exp(cells) + math.log(len(cells) / group.cells.size)
        return log_e >= least

    low, high = 1.0, 2.0
    while high < 1e6 and stands(high):
        low, high = high, 2 * high
    for _ in range(6):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if stands(middle) else (low, middle)
    return low


def _cells(
    court: Court,
    members: I32,
    at: Sequence[I64] | None,
    inflation: float,
    *,
    coarse: bool = False,
) -> list[F64]:
    """(tilings, Ω) of every layer, by the table; by the exact formula where they are a mass."""
    every = [np.arange(t.lattice.code.shape[1]) for t in court.tilings]
    chosen = every if at is None else at
    return [
        bursts.log_evidence_at(tilings, members, own, inflation=inflation)
        if not coarse and bursts.by_mass(tilings, members)
        else refine.weigh(work, [members], own, inflation=inflation)[0]
        for tilings, work, own in zip(court.tilings, court.work, chosen, strict=True)
    ]


def _weighed(court: Court, members: I32, cells: F64) -> Weighed:
    log_e = bursts.log_mean_exp(cells)
    return Weighed(members, cells, log_e, log_e - bursts.price(court.n_accounts, len(members)))


def _near(group: Weighed) -> F64:
    """(layers, tilings) whether a tiling moves the mean."""
    return np.asarray(group.cells.max(axis=2) > group.cells.max() - NEAR)
