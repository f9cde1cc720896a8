"""Who else was there: busy accounts that a group's own evidence is too coarse to name.

The test of a group counts all its acts as one rate, so a member who posts ten times as much as the
others costs more than it brings, and is pruned. Here each outsider is asked alone, given where the
group's own acts lie. Knows one layer and one group that stands; what joins changes nothing about
whether it does.

Given the places of the group's acts, the slots left in its bursts are filled by everybody else. In
how many of them an outsider is, is a sum of negatively associated indicators, so its upper tail is
at most that of a Poisson law of the same mean once it is one above it (Hoeffding 1956).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import bursts
from klieg.engine.lattice import ALONE

if TYPE_CHECKING:
    from klieg.detect.bursts import Tilings
    from klieg.engine.lattice import Lattice
    from klieg.tables import F64, I32, I64

__all__ = ["company", "joined", "tails"]

PART: Final = 0.5
"""Of the bursts that the median member shares: who was in fewer is company and no member."""

LEAST: Final = 3
"""Bursts with others that an account must be in to be asked."""


def joined(
    tilings: Tilings, members: I32, window: int, offset: float, n_accounts: int, false_alarms: float
) -> tuple[I32, F64]:
    """Accounts that belong to the group as well, and −ln p of each less what asking all costs.

    None of the ``n_accounts`` joins by chance with a probability above ``false_alarms``: the best
    p over all tilings is paid for by their number. Who is asked is chosen at the group's own
    tiling (``window`` in seconds, ``offset`` in windows).
    """
    lattice = tilings.lattice
    home = tilings.windows.index(window) * len(bursts.OFFSETS) + bursts.OFFSETS.index(offset)
    x, _, own = company(lattice, members, home)
    enough = max(float(LEAST), PART * float(np.median(own)))
    asked = np.flatnonzero(x >= enough)
    if not len(asked):
        return asked.astype(np.int32), np.zeros(0)
    every = range(lattice.code.shape[1])
    p = np.stack([tails(lattice, members, t, asked) for t in every]).min(axis=0) * len(every)
    gained = -np.log(np.maximum(p, 1e-300)) - math.log(n_accounts)
    kept = gained >= -math.log(false_alarms)
    return asked[kept].astype(np.int32), gained[kept]


def company(lattice: Lattice, members: I32, t: int) -> tuple[I64, F64, I64]:
    """(accounts,) bursts with two members or more that each outsider was in; (bursts,) slots that
    the group left in them; and (g,) how many of them each member was in, of tiling ``t``."""
    inside = np.zeros(len(lattice.starts) - 1, np.bool_)
    inside[members] = True
    code = lattice.code[:, t]
    met = code > ALONE
    mine = met & inside[lattice.account]
    n = int(lattice.actor_starts[t + 1] - lattice.actor_starts[t])
    k = np.bincount(code[mine], minlength=n)
    telling = np.zeros(n + 1, np.bool_)
    telling[:-1] = k >= 2
    there = met & telling[np.where(met, code, n)]
    x = np.bincount(lattice.account[there], minlength=len(inside))
    own = x[members].astype(np.int64)
    x[members] = 0
    actors = lattice.actors[lattice.actor_starts[t] : lattice.actor_starts[t + 1]]
    left = np.where(telling[:-1], actors - k, 0).astype(np.float64)
    return x.astype(np.int64), left, own


def tails(lattice: Lattice, members: I32, t: int, asked: I64) -> F64:
    """(asked,) bound on the chance that each is in so many of the group's bursts, at a tiling."""
    x, left, _ = company(lattice, members, t)
    n_pools = len(lattice.size)
    acts = bursts.acts_of(lattice, members)
    others = lattice.size - np.bincount(lattice.stratum[acts], minlength=n_pools)
    code = lattice.code[:, t]
    first = np.zeros(len(left), np.int64)
    met = np.flatnonzero(code > ALONE)
    first[code[met]] = lattice.stratum[met]
    slots = np.bincount(first, weights=left, minlength=n_pools)  # of each pool, by its bursts
    rate = slots / np.maximum(others, 1.0)
    mu = np.array(
        [rate[lattice.stratum[bursts.acts_of(lattice, np.array([a]))]].sum() for a in asked]
    )
    from scipy.special import gammainc  # a tenth of a second that a quiet case need not wait

    seen = x[asked].astype(np.float64)
    # P[Poisson(μ) ≥ x] = γ(x, μ) / Γ(x); below μ + 1 the bound does not hold
    above = (seen > 0) & (seen >= mu + 1)
    return np.where(above, gammainc(np.maximum(seen, 1.0), mu), 1.0)
