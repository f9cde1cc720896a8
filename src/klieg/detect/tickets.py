"""What a group pays for having been searched: one price for all sets, a smaller one for few.

``s_G = .45 e_G π(G) + .225 e_G^B / K_A [found on A] + .225 e_G^A / K_B [found on B]``, and
``.1 e'_G π(G)`` for who is asked again when those that stand are taken out: over all sets and
whatever the searches did, Σ s has mean at most 1 if accounts are exchangeable inside the pools, so
a group stands if s ≥ 1/false_alarms. Where the acts cannot be parted the first is .9 e_G π(G), and
where there are two kinds of pools each has half of all. The room searches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import court

if TYPE_CHECKING:
    from klieg.detect.bursts import Tilings
    from klieg.detect.court import Court, Weighed
    from klieg.detect.halves import Held
    from klieg.tables import I32

__all__ = ["WHOLE", "Hall", "Score", "opened", "quick", "rho", "score", "siblings"]

WHOLE = -1
"""The ticket of a search that saw everything; 0 and 1 are those of the halves."""

AGAIN, HALF = 0.1, 0.225
"""Shares of the tickets; what the search over everything gets is the rest."""


@dataclass(frozen=True, slots=True)
class Hall:
    """All courts of a run, for one thread at a time: of the whole, and of each half."""

    whole: tuple[Court, ...]  # one a kind of pools
    halves: tuple[tuple[Court, ...], ...]  # [half][kind]; none where the acts were not parted
    held: Held | None
    turn: tuple[dict[bytes, int], ...]  # of each half: the sets it handed over
    share: float  # ln of the share of the ticket of a search over everything
    half: float  # … and of that of each half; both divided by the kinds of pools


@dataclass(frozen=True, slots=True)
class Score:
    """ln s_G against one kind of pools, and the ticket that gives most of it."""

    log_s: float
    ticket: int  # WHOLE, or the half that the group was found on
    log_e: float  # of that ticket
    price: float  # of that ticket: log_s is at least log_e − price
    whole: float  # ln of what the search over everything gives alone


def opened(
    names: Sequence[str],
    kinds: Sequence[Sequence[Tilings]],
    held: Held | None,
    n_accounts: int,
    *,
    again: bool = False,
) -> Hall:
    """Courts with scratch space of their own; ``again``: what stood is taken out."""
    halves = held.tilings if held else ()
    return Hall(
        tuple(court.opened(names, tilings, n_accounts) for tilings in kinds),
        tuple(tuple(court.opened(names, t, n_accounts) for t in half) for half in halves),
        held,
        tuple({m.tobytes(): i for i, m in enumerate(f)} for f in held.found) if held else (),
        math.log((AGAIN if again else 1 - AGAIN - (2 * HALF if held else 0)) / len(kinds)),
        math.log(HALF / len(kinds)),
    )


def score(hall: Hall, kind: int, group: Weighed) -> Score:
    """ln s of a group, weighed in the whole; the halves' evidence by the engine."""
    return _score(hall, kind, group, exact=True)


def quick(hall: Hall, kind: int, group: Weighed) -> Score:
    """The same by the search's table: good to a hundredth of a nat or so."""
    return _score(hall, kind, group, exact=False)


def rho(
    hall: Hall, kind: int, group: Weighed, best: Score, bar: float, *, coarse: bool = False
) -> float:
    """The largest factor on every expected count at which its best ticket alone still stands.

    ``coarse`` as ``court.rho`` has it.
    """
    if best.ticket == WHOLE:
        return court.rho(hall.whole[kind], group, bar + best.price, coarse=coarse)
    other = hall.halves[1 - best.ticket][kind]
    weighed = court.weigh(other, group.members)
    return court.rho(other, weighed, bar + best.price, coarse=coarse)


def siblings(hall: Hall, members: I32, least: float) -> tuple[I32 | None, I32 | None]:
    """On each half, the set found there that is most like these members; None below ``least``.

    Likeness is the Jaccard index; of equals the stronger one.
    """
    if hall.held is None:
        return None, None
    return _nearest(hall.held.found[0], members, least), _nearest(
        hall.held.found[1], members, least
    )


def _nearest(found: Sequence[I32], members: I32, least: float) -> I32 | None:
    best: I32 | None = None
    for other in found:
        both = len(np.intersect1d(other, members, assume_unique=True))
        like = both / (len(other) + len(members) - both)
        if like >= least and (best is None or like > least):
            best, least = other, like
    return best


def _score(hall: Hall, kind: int, group: Weighed, *, exact: bool) -> Score:
    whole = group.log_e - group.net
    alone = group.net + hall.share
    tickets = [Score(alone, WHOLE, group.log_e, whole - hall.share, alone)]
    for half, turn in enumerate(hall.turn):
        if group.members.tobytes() in turn:
            other = hall.halves[1 - half][kind]
            told = court.weigh(other, group.members)
            if exact:
                told = court.exact(other, told)
            cost = math.log(len(turn)) - hall.half
            tickets.append(Score(told.log_e - cost, half, told.log_e, cost, alone))
    best = max(tickets, key=lambda t: t.log_s)
    together = best.log_s + math.log(sum(math.exp(t.log_s - best.log_s) for t in tickets))
    return Score(together, best.ticket, best.log_e, best.price, alone)
