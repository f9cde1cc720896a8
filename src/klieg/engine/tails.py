"""Tail probabilities, accurate to the last digits where they are tiny: Poisson, Poisson-binomial.

Sums of positive terms only, so that nothing cancels; the smaller side is the one summed. The room
does not know what is being counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from klieg.engine.compiled import column, compiled
from klieg.errors import EngineError

if TYPE_CHECKING:
    from klieg.tables import F64, I64

__all__ = ["SMALLEST", "poisson_binomial_tail", "poisson_tail"]

SMALLEST = float(np.finfo(np.float64).tiny)
"""No tail is reported smaller than the smallest normal double: logarithms stay finite."""

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def poisson_tail(n: NDArray[np.int64], lam: F64) -> F64:
    """(k,) P[Poisson(λ) ≥ n], elementwise; 1 where n ≤ 0, and never below 2.2e-308.

    EngineError for a λ that is negative or not a number. Relative error ≤ 1e-12 (Loader 2000).
    """
    counts = column(n, np.int64, "n")
    rates = column(lam, np.float64, "lam", len(counts))
    if not (rates >= 0.0).all():
        raise EngineError("every λ must be a number ≥ 0")
    out = np.empty(len(counts), np.float64)
    _poisson(counts, rates, out)
    return out


def poisson_binomial_tail(starts: I64, probs: F64, n: I64) -> F64:
    """(k,) P[Σ Bernoulli(p) ≥ n] of each row ``probs[starts[i]:starts[i + 1]]``; exact.

    Dynamic programming over the trials with "n or more" as a state of its own: O(trials · n).
    EngineError for a probability outside 0 … 1.
    """
    wanted = column(n, np.int64, "n")
    edges = column(starts, np.int64, "starts", len(wanted) + 1)
    chances = column(probs, np.float64, "probs")
    if not ((chances >= 0.0) & (chances <= 1.0)).all():
        raise EngineError("every probability must lie in 0 … 1")
    if (np.diff(edges) < 0).any() or edges[0] < 0 or edges[-1] > len(chances):
        raise EngineError("starts must ascend within probs")
    out = np.empty(len(wanted), np.float64)
    _poisson_binomial(edges, chances, wanted, out)
    return out


@compiled
def _stirling_error(n: float) -> float:
    """ln n! less Stirling's formula, n ≥ 16."""
    nn = n * n
    tail = (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / nn) / nn) / nn
    return (1.0 / 12.0 - (1.0 / 360.0 - tail) / nn) / n


@compiled
def _deviance(x: float, mean: float) -> float:
    """x ln(x / mean) + mean − x, without cancellation where x ≈ mean."""
    if abs(x - mean) < 0.1 * (x + mean):
        v = (x - mean) / (x + mean)
        total = (x - mean) * v
        term = 2.0 * x * v
        j = 1
        while True:
            term *= v * v
            more = total + term / (2 * j + 1)
            if more == total:
                return total
            total = more
            j += 1
    return x * math.log(x / mean) + mean - x


@compiled
def _point(n: int, lam: float) -> float:
    """P[Poisson(λ) = n], λ > 0."""
    if n < 16:
        return math.exp(n * math.log(lam) - lam - math.lgamma(n + 1.0))
    x = float(n)
    return math.exp(-_stirling_error(x) - _deviance(x, lam) - _HALF_LOG_2PI) / math.sqrt(x)


@compiled
def _poisson(n: I64, lam: F64, out: F64) -> None:
    for i in range(len(n)):
        k = n[i]
        rate = lam[i]
        if k <= 0 or math.isinf(rate):
            out[i] = 1.0
        elif rate == 0.0:
            out[i] = SMALLEST
        elif k > rate:
            term = _point(k, rate)
            total = term
            while term > 1e-17 * total:
                k += 1
                term *= rate / k
                total += term
            out[i] = max(total, SMALLEST)
        else:
            k -= 1
            term = _point(k, rate)
            below = term
            while k > 0 and term > 1e-17 * below:
                term *= k / rate
                k -= 1
                below += term
            out[i] = 1.0 - below


@compiled
def _poisson_binomial(starts: I64, probs: F64, n: I64, out: F64) -> None:
    widest = 1
    for i in range(len(n)):
        widest = max(widest, min(n[i], starts[i + 1] - starts[i]))
    state = np.empty(widest + 1, np.float64)
    for i in range(len(n)):
        wanted = n[i]
        trials = starts[i + 1] - starts[i]
        if wanted <= 0:
            out[i] = 1.0
            continue
        if wanted > trials:
            out[i] = SMALLEST
            continue
        state[: wanted + 1] = 0.0
        state[0] = 1.0
        for done in range(trials):
            p = probs[starts[i] + done]
            state[wanted] += state[wanted - 1] * p
            for k in range(min(done + 1, wanted - 1), 0, -1):
                state[k] = state[k] * (1.0 - p) + state[k - 1] * p
            state[0] *= 1.0 - p
        out[i] = max(state[wanted], SMALLEST)
