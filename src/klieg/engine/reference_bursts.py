"""The specification of bursts in plain NumPy: cut each object's time into tiles, weigh who came.

Slow and obvious on purpose: ``engine/bursts.py`` must give the same integers and, within 1e-9
relative, the same floats. Knows nothing of groups, strata or prices; a burst is only an id, the
number of its distinct actors, and the chance that one of them is a member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64

__all__ = ["burst_evidence", "log_factor", "tiles"]

WEEK = 7 * 86_400_000_000
"""Microseconds in a week."""

MONDAY = 4 * 86_400_000_000
"""1970-01-05, the first Monday, in microseconds."""


def tiles(object: I32, time: I64, window: int, phase: int) -> tuple[I32, int]:  # noqa: A002
    """(n,) dense id of (object, floor((time − origin + phase) / window)), and how many there are.

    ``time``, ``window`` and ``phase`` in microseconds; the origin is the Monday before the first
    action, so whole weeks shift nothing. Ids ascend with (object, tile).
    """
    if len(time) == 0:
        return np.zeros(0, np.int32), 0
    origin = (time.min() - MONDAY) // WEEK * WEEK + MONDAY
    tile = (time - origin + phase) // window
    keys, ids = np.unique(np.stack([object.astype(np.int64), tile]), axis=1, return_inverse=True)
    return ids.reshape(-1).astype(np.int32), keys.shape[1]


def log_factor(k: I64, mu: F64, rates: F64, weights: F64) -> F64:
    """(Ω, n) ln[ω + (1 − ω)·mean_r r^k e^{−(r−1)μ}]: what one burst says about a group.

    If k were a draw without replacement with mean μ, each factor would have mean ≤ 1
    (Hoeffding 1963), whatever r and ω.
    """
    r = rates[:, None]
    powers = k * np.log(r) - (r - 1) * mu
    mean = np.logaddexp.reduce(powers, axis=0) - np.log(len(rates))
    omega = weights[:, None]
    return np.asarray(np.logaddexp(np.log(omega), np.log1p(-omega) + mean))


def burst_evidence(burst: I32, actors: I32, share: F64, base: F64, rates: F64, weights: F64) -> F64:
    """(Ω,) ``base`` plus, for each burst a member is in, what it says beyond k = 0.

    ``burst`` holds one entry a member and burst, ``base`` the sum over *all* bursts at k = 0.
    """
    hit, k = np.unique(burst, return_counts=True)
    mu = actors[hit] * share[hit]
    gained = log_factor(k, mu, rates, weights) - log_factor(0 * k, mu, rates, weights)
    return np.asarray(base + gained.sum(axis=1))
