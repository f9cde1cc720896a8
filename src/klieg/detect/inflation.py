"""By how much the expected co-actions of organic pairs fall short: φ ≥ 1, one a signal and window.

The smallest factor on λ at which no more organic pairs than chance promises are as improbable as
``LEVEL``. ``benchmarks/bench_inflation.py`` fits it on one half of the accounts and days and tries
it on the other, and writes the packaged, versioned file. The room scores no pair.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import F64, I64

__all__ = ["LEVEL", "Inflation", "fit", "packaged", "read", "sentence", "tail_ratio"]

FILE: Final = "inflation.json"
LEVEL: Final = 1e-5
LEAST: Final = 2  # co-actions of an edge, below which nothing is called one
LUCK: Final = 0.05
MOST: Final = 64.0
ROUNDS: Final = 40


@dataclass(frozen=True, slots=True)
class Inflation:
    """The packaged factors; a signal or window that was not fitted has none, which is 1."""

    version: str
    factors: dict[str, dict[int, float]]  # signal → window in seconds → φ

    def of(self, signal: str, windows: Sequence[int]) -> tuple[float, ...]:
        """(W,) φ of each window."""
        known = self.factors.get(signal, {})
        return tuple(known.get(w, 1.0) for w in windows)


def tail_ratio(
    observed: I64, expected: F64, pairs: float, *, level: float = LEVEL, factor: float = 1.0
) -> float:
    """#{P[Poisson(φ λ) ≥ x] ≤ level} / (level · pairs).

    ``observed``, ``expected`` (k,) of every pair that could be as improbable; ``pairs`` is how many
    there were in all.
    """
    if pairs <= 0:
        return 0.0
    from scipy.special import gammainc  # P[Poisson(λ) ≥ x] = the regularised γ(x, λ); only benches

    x = np.maximum(np.asarray(observed, np.float64), LEAST)
    p = np.where(np.asarray(observed) >= LEAST, gammainc(x, factor * np.asarray(expected)), 1.0)
    return float(np.count_nonzero(p <= level) / (level * pairs))


def fit(observed: I64, expected: F64, pairs: float, *, level: float = LEVEL) -> float:
    """The smallest φ ≥ 1 whose tail ratio is at most 1; ``MOST`` where none is.

    1 where the excess is no more than luck (a Poisson count of ``level · pairs`` is as high once in
    twenty): two pairs where one and a half are promised call for nothing. Rounded up to a
    hundredth, since a sample says no finer.
    """
    from scipy.special import gammainc

    ratio = tail_ratio(observed, expected, pairs, level=level)
    promised = level * pairs
    if ratio <= 1 or gammainc(round(ratio * promised), promised) >= LUCK:
        return 1.0
    low, high = 1.0, MOST
    if tail_ratio(observed, expected, pairs, level=level, factor=high) > 1:
        return MOST
    for _ in range(ROUNDS):
        middle = float(np.sqrt(low * high))
        fits = tail_ratio(observed, expected, pairs, level=level, factor=middle) <= 1
        low, high = (low, middle) if fits else (middle, high)
    return float(np.ceil(high * 100 - 1e-6) / 100)


@cache
def packaged() -> Inflation:
    """The factors that come with klieg."""
    return read(json.loads((files("klieg.detect") / FILE).read_text(encoding="utf-8")))


def read(found: dict[str, Any]) -> Inflation:
    """Factors from their file's contents; ValueError for one below 1."""
    factors = {
        signal: {int(w): float(f) for w, f in each.items()}
        for signal, each in found["factors"].items()
    }
    for signal, each in factors.items():
        if any(not 1 <= f <= MOST for f in each.values()):
            raise ValueError(f"an inflation of {signal} is outside 1 … {MOST:g}")
    return Inflation(str(found["version"]), factors)


def sentence(found: Inflation) -> str:
    """What was fitted, in words."""
    above = {
        f"{signal} {window} s: {factor:g}"
        for signal, each in found.factors.items()
        for window, factor in each.items()
        if factor > 1
    }
    told = "; ".join(sorted(above)) if above else "1 for every signal and window that was fitted"
    return f"Inflation φ of the expected co-actions (file {found.version}): {told}."
