"""Compiled bursts: cut each object's time into tiles, weigh how many members each one holds.

Equal to ``engine/reference_bursts.py``, which says what is computed and why. Knows nothing of
groups, strata or prices; every kernel releases the interpreter lock and takes plain arrays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64

__all__ = ["burst_evidence", "log_factors", "log_mean", "log_mix", "tiles"]

WEEK = 7 * 86_400_000_000
MONDAY = 4 * 86_400_000_000


def tiles(object: I32, time: I64, window: int, phase: int) -> tuple[I32, int]:  # noqa: A002
    """(n,) dense id of (object, floor((time − origin + phase) / window)), and how many there are.

    One linear pass where rows already stand in (object, time) order, a sort before it otherwise.
    """
    if len(time) == 0:
        return np.zeros(0, np.int32), 0
    origin = (int(time.min()) - MONDAY) // WEEK * WEEK + MONDAY
    if _ordered(object, time):
        ids, count = _dense(object, time, origin - phase, window)
        return ids, int(count)
    order = np.lexsort((time, object))
    sorted_ids, count = _dense(object[order], time[order], origin - phase, window)
    ids = np.empty_like(sorted_ids)
    ids[order] = sorted_ids
    return ids, int(count)


def burst_evidence(burst: I32, actors: I32, share: F64, base: F64, rates: F64, weights: F64) -> F64:
    """(Ω,) Σ over all bursts of ln[ω + (1 − ω)·mean_r r^k e^{−(r−1)μ}], μ = actors·share."""
    return _evidence(np.sort(burst), actors, share, base, rates, weights)


@compiled
def _ordered(object: I32, time: I64) -> bool:  # noqa: A002
    for i in range(1, len(time)):
        if object[i] < object[i - 1] or (object[i] == object[i - 1] and time[i] < time[i - 1]):
            return False
    return True


@compiled
def _dense(object: I32, time: I64, origin: int, window: int) -> tuple[I32, int]:  # noqa: A002
    ids = np.empty(len(time), np.int32)
    burst = -1
    last_object = np.int32(-1)
    last_tile = np.int64(-1)
    for i in range(len(time)):
        tile = (time[i] - origin) // window
        if burst < 0 or object[i] != last_object or tile != last_tile:
            burst += 1
            last_object, last_tile = object[i], tile
        ids[i] = burst
    return ids, burst + 1


@compiled
def log_mean(k: int, mu: float, rates: F64, logs: F64) -> float:
    """ln mean_r r^k e^{−(r−1)μ}, safe for any k; ``logs`` are ln r."""
    top = k * logs[0] - (rates[0] - 1.0) * mu
    for i in range(1, len(rates)):
        top = max(top, k * logs[i] - (rates[i] - 1.0) * mu)
    total = 0.0
    for i in range(len(rates)):
        total += math.exp(k * logs[i] - (rates[i] - 1.0) * mu - top)
    return float(top + math.log(total / len(rates)))


@compiled
def log_mix(omega: float, mean: float) -> float:
    """ln[ω + (1 − ω)·e^mean], safe for any mean."""
    if mean > 0.0:
        return mean + math.log(omega * math.exp(-mean) + (1.0 - omega))
    return math.log1p((1.0 - omega) * math.expm1(mean))


@compiled
def log_factors(k: I64, mu: F64, rates: F64, weights: F64) -> F64:
    """(Ω, n) ln[ω + (1 − ω)·mean_r r^k e^{−(r−1)μ}]: what one burst says about a group."""
    out = np.empty((len(weights), len(k)))
    logs = np.log(rates)
    for i in range(len(k)):
        mean = log_mean(k[i], mu[i], rates, logs)
        for w in range(len(weights)):
            out[w, i] = log_mix(weights[w], mean)
    return out


@compiled
def _evidence(burst: I32, actors: I32, share: F64, base: F64, rates: F64, weights: F64) -> F64:
    out = base.astype(np.float64)
    logs = np.log(rates)
    i = 0
    while i < len(burst):
        u = burst[i]
        k = 0
        while i < len(burst) and burst[i] == u:
            k += 1
            i += 1
        mu = actors[u] * share[u]
        seen, absent = log_mean(k, mu, rates, logs), log_mean(0, mu, rates, logs)
        for w in range(len(weights)):
            out[w] += log_mix(weights[w], seen) - log_mix(weights[w], absent)
    return out
