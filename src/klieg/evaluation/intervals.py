"""95 % intervals: Clopper–Pearson for shares, a bootstrap over worlds for means.

The room knows numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Estimate", "mean", "ratio", "share"]


_DRAWS = 2000
FEW = 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95 % interval, and how many things it was counted on. NaN: nothing there."""

    value: float
    low: float
    high: float
    n: int


def share(hits: int, n: int) -> Estimate:
    """``hits`` of ``n`` with the exact interval of Clopper & Pearson 1934.

    Nothing seen among n leaves an upper bound of 1 − 0.025^(1/n).

    >>> round(share(0, 100).high, 4)
    0.0362
    """
    if not n:
        return Estimate(float("nan"), 0.0, 1.0, 0)
    low = stats.beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    return Estimate(hits / n, float(low), float(high), n)


def mean(values: Sequence[float]) -> Estimate:
    """The mean of one number a world, with a percentile bootstrap (seed fixed)."""
    return ratio(values, [1.0] * len(values))


def ratio(over: Sequence[float], under: Sequence[float]) -> Estimate:
    """Σ over / Σ under, one pair a world; worlds are drawn anew for the interval.

    Of fewer than ``FEW`` worlds a bootstrap says nothing: the interval is NaN.
    """
    a, b = np.asarray(over, float), np.asarray(under, float)
    nothing = float("nan")
    if not len(a) or b.sum() <= 0:
        return Estimate(nothing, nothing, nothing, len(a))
    if len(a) < FEW:
        return Estimate(float(a.sum() / b.sum()), nothing, nothing, len(a))
    rows = np.random.default_rng(0).integers(0, len(a), (_DRAWS, len(a)))
    drawn = a[rows].sum(axis=1), b[rows].sum(axis=1)
    fits = drawn[1] > 0
    low, high = np.quantile(drawn[0][fits] / drawn[1][fits], [0.025, 0.975])
    return Estimate(float(a.sum() / b.sum()), float(low), float(high), len(a))
