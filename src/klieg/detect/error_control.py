"""From counts and expectations to p, e and q: what evidence is worth, and how much is enough.

Benjamini–Hochberg decides; Benjamini–Yekutieli and e-BH are counted beside it. Pairs never seen
have p = 1 and e ≤ 1: they take part as numbers only. The room knows no actions and no strata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from klieg.sockets import Engine
    from klieg.tables import F64, U8, U32

__all__ = [
    "ALPHAS",
    "BINS",
    "RATES",
    "PairTests",
    "adjusted",
    "by_threshold",
    "e_threshold",
    "histogram",
    "pair_tests",
    "tail",
    "tail_ratio",
    "threshold",
]

ALPHAS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
"""Levels at which the tail of p is compared with chance."""

BINS = tuple(float(b) for b in np.arange(0, 15.5, 0.5))
"""Edges of the surprise histogram, −log10 p; the last bin holds all beyond it too."""

RATES = (3.0, 10.0, 30.0, 100.0, 300.0)
"""How many times more often than chance a pair may meet: e-values bet on all of them alike."""

_LARGEST = 600.0  # ln e beyond which an e-value is no longer told apart: e^600 is a finite double


@dataclass(frozen=True, slots=True)
class PairTests:
    """Each pair's evidence in one layer."""

    p_window: F64  # (p, W) uncorrected
    best: U8  # (p,) window of the smallest p
    p: F64  # (p,) min(1, W · min_w p)
    e: F64  # (p,) averaged over windows; 0 where it could not count


def pair_tests(x: U32, lam: F64, engine: Engine, *, least: int, level: float) -> PairTests:
    """Poisson tails of counts (p, W) at expectations (p, W), over the ladder of windows.

    A window in which a pair has fewer than ``least`` counts proves nothing, however small its
    expectation: it does not enter the minimum (its p counts as 1). By Chernoff's bound e is at most
    1 over the smallest tail; where that is below 1/``level``, the least that e-BH asks of any pair,
    e is left at 0.
    """
    size, windows = x.shape
    tail = engine.poisson_tail(
        np.ascontiguousarray(x.reshape(-1), dtype=np.int64), np.ascontiguousarray(lam.reshape(-1))
    ).reshape(size, windows)
    counted = np.where(x >= least, tail, 1.0)
    best = counted.argmin(axis=1) if windows and size else np.zeros(size, np.int64)
    smallest = counted[np.arange(size), best]
    e = np.zeros(size)
    rows = np.flatnonzero(tail.min(axis=1, initial=1.0) <= level)
    e[rows] = _e_value(x[rows], lam[rows])
    return PairTests(tail, best.astype(np.uint8), np.minimum(1.0, windows * smallest), e)


def _e_value(x: U32, lam: F64) -> F64:
    """(p,) mean over windows and r of ``r^x e^{−(r−1)λ}``: its mean is at most 1 under chance."""
    total = np.zeros(x.shape)
    for r in RATES:
        total += np.exp(np.minimum(x * np.log(r) - (r - 1.0) * lam, _LARGEST))
    mean: F64 = total.mean(axis=1) / len(RATES)
    return mean


def adjusted(p: F64, m: int) -> F64:
    """(n,) Benjamini–Hochberg q of the smallest of ``m`` p-values, those not given being 1.

    >>> adjusted(np.array([0.01, 0.001]), 10)
    array([0.05, 0.01])
    """
    # a p of n/m or more has a q of 1 whatever its rank, and lowers nobody's: ranks end at n
    rows = np.flatnonzero(p * m < len(p))
    low = p[rows]
    order = np.argsort(low, kind="stable")
    raw = low[order] * m / np.arange(1, len(low) + 1)
    q = np.ones_like(p)
    q[rows[order]] = np.minimum(1.0, np.minimum.accumulate(raw[::-1])[::-1])
    return q


def threshold(p: F64, m: int, level: float) -> float:
    """The largest p that Benjamini–Hochberg rejects at ``level`` among ``m``; 0 if none."""
    rejected = p[adjusted(p, m) <= level]
    return float(rejected.max(initial=0.0))


def by_threshold(p: F64, m: int, level: float) -> float:
    """The same for Benjamini–Yekutieli, which holds under any dependence."""
    return threshold(p, m, level / _harmonic(m))


def e_threshold(e: F64, m: int, level: float) -> float:
    """The smallest e that e-BH rejects at ``level`` among ``m``; infinite if none."""
    # one that is too small for the last rank is too small for every rank
    ordered = np.sort(e[e * len(e) >= m / level])[::-1]
    enough = np.flatnonzero(ordered * np.arange(1, len(ordered) + 1) >= m / level)
    return float(ordered[enough[-1]]) if len(enough) else float("inf")


def tail(p: F64) -> tuple[int, ...]:
    """``#{p ≤ α}`` for each of ``ALPHAS``."""
    return tuple(int(np.count_nonzero(p <= a)) for a in ALPHAS)


def tail_ratio(tail: Sequence[int], m: int) -> tuple[float, ...]:
    """``#{p ≤ α} / (mα)`` for each of ``ALPHAS``: at most 1 if chance is described well."""
    return tuple(k / (m * a) if m else 0.0 for k, a in zip(tail, ALPHAS, strict=True))


def histogram(p: F64) -> NDArray[np.int64]:
    """(bins,) pairs per bin of −log10 p."""
    surprise = np.minimum(-np.log10(np.maximum(p, 1e-300)), BINS[-1])
    return np.histogram(surprise, np.array(BINS))[0].astype(np.int64)


def _harmonic(m: int) -> float:
    exact = 10_000
    if m <= exact:
        return float((1.0 / np.arange(1, max(m, 1) + 1)).sum())
    return float(np.log(m) + np.euler_gamma + 1 / (2 * m))
