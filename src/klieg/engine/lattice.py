"""The bursts of one layer as plain arrays, and the table of log factors that the search reads.

Who is in which burst is kept twice: act by act, and account by account without the acts that met
nobody, which are most of them where windows are short. Knows nothing of groups; the kernels that
weigh them are in ``burst_search`` and ``burst_company``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine.bursts import log_mean, log_mix
from klieg.engine.compiled import compiled

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

__all__ = ["ALONE", "FULL", "KNOWN", "Lattice", "by_key", "change", "encode", "known", "meetings"]
__all__ += ["row", "table"]

ALONE = -1
"""Code of an act whose burst holds nobody else. A repeat by the same account in burst u is −2 − u:
it counts for the account's activity, not for the burst."""

NOBODY = -(2**31)
"""Code of a repeat in a burst that holds nobody else."""

FULL = 0.03
"""A group with more of a pool's actions than this is weighed by its share of the parent pool."""

KNOWN = 9
LOW = -23.0
STEP = 0.015
POINTS = 2200
"""The table: k = 0 … 8, ln μ from −23 in steps of 0.015 up to 10."""


class Lattice(NamedTuple):
    """One layer's bursts in T tilings, as plain arrays; acts stand in (object, time) order."""

    account: I32  # (n,) of each act
    stratum: I32  # (n,) of each act's object
    code: I32  # (n, T) burst of the act in that tiling, ALONE, or a repeat
    starts: I64  # (A + 1,) where each account's acts begin in `place` and `pool`
    place: I32  # (n,) acts, account by account
    pool: I32  # (n,) their strata
    met_starts: I64  # (T, A + 1) where each account's acts in company begin in `met`
    met: I32  # (e,) codes but ALONE, tiling by tiling, account by account
    met_act: I32  # (e,) the act
    met_pool: I32  # (e,) its stratum
    actor_starts: I64  # (T + 1,) where each tiling's bursts begin in `actors`
    actors: I32  # (bursts of two or more,) distinct actors
    lns: F64  # (largest burst + 1,) ln m of every m
    size: F64  # (C,) actions of each stratum
    parent: I32  # (C,)
    parent_size: F64  # (P,)
    counted: I64  # (T, C + 1) where each stratum's histogram begins
    counted_actors: F64  # (h,) m …
    counted_bursts: F64  # (h,) … and how many bursts have it
    counted_lns: F64  # (h,) ln m
    rates: F64  # (R,) r grid
    logs: F64  # (R,) ln r
    weights: F64  # (Ω,) ω grid
    table: F64  # (KNOWN, POINTS, Ω) log factor at k = 0, and what k adds to it, by ln μ


@compiled
def by_key(key: I32, count: int) -> tuple[I32, I64]:
    """Rows in the order of their key (0 … count − 1), ties in row order; (count + 1,) starts."""
    starts = np.zeros(count + 1, np.int64)
    for k in key:
        starts[k + 1] += 1
    for k in range(count):
        starts[k + 1] += starts[k]
    free = starts[:-1].copy()
    order = np.empty(len(key), np.int32)
    for i in range(len(key)):
        order[free[key[i]]] = i
        free[key[i]] += 1
    return order, starts


@compiled
def encode(
    ids: I32,
    count: int,
    account: I32,
    n_accounts: int,
    code: I32,
) -> I32:
    """Write the codes of one tiling's acts; (bursts of two or more,) their distinct actors.

    ``ids`` of ``count`` bursts, each burst's acts side by side.
    """
    last = np.full(n_accounts, -1, np.int32)
    m = np.zeros(count, np.int32)
    for i in range(len(ids)):
        if last[account[i]] != ids[i]:
            last[account[i]] = ids[i]
            m[ids[i]] += 1
    number = np.full(count, -1, np.int32)
    kept = 0
    for u in range(count):
        if m[u] > 1:
            number[u] = kept
            kept += 1
    last[:] = -1
    for i in range(len(ids)):
        u = ids[i]
        repeat = last[account[i]] == u
        last[account[i]] = u
        if m[u] > 1:
            code[i] = -2 - number[u] if repeat else number[u]
        else:
            # who comes back to a burst of their own counts once there
            code[i] = NOBODY if repeat else ALONE
    return m[m > 1]


@compiled
def meetings(code: I32, starts: I64, place: I32) -> tuple[I64, I32, I32]:
    """(T, A + 1) starts, codes and acts of all that is not ALONE, account by account."""
    n_tilings, n_accounts = code.shape[1], len(starts) - 1
    begin = np.zeros((n_tilings, n_accounts + 1), np.int64)
    for a in range(n_accounts):
        for i in range(starts[a], starts[a + 1]):
            for t in range(n_tilings):
                if code[place[i], t] != ALONE:
                    begin[t, a + 1] += 1
    total = 0
    for t in range(n_tilings):
        begin[t, 0] = total
        for a in range(n_accounts):
            begin[t, a + 1] += begin[t, a]
        total = begin[t, n_accounts]
    free = begin[:, 0].copy()
    met = np.empty(total, np.int32)
    act = np.empty(total, np.int32)
    for p in place:
        for t in range(n_tilings):
            if code[p, t] != ALONE:
                met[free[t]] = code[p, t]
                act[free[t]] = p
                free[t] += 1
    return begin, met, act


@compiled
def table(rates: F64, weights: F64) -> F64:
    """(KNOWN, POINTS, Ω) ln[ω + (1 − ω)·mean_r r^k e^{−(r−1)μ}] on the grid of ln μ.

    In full for k = 0; for the others what they add to that.
    """
    out = np.empty((KNOWN, POINTS, len(weights)))
    logs = np.log(rates)
    for k in range(KNOWN):
        for i in range(POINTS):
            mean = log_mean(k, math.exp(LOW + STEP * i), rates, logs)
            for w in range(len(weights)):
                out[k, i, w] = log_mix(weights[w], mean)
                if k > 0:
                    out[k, i, w] -= out[0, i, w]
    return out


@compiled
def row(ln_mu: float) -> float:
    """Where ln μ lies on the grid: its row, and a fraction of the step to the next."""
    return min(max((ln_mu - LOW) / STEP, 0.0), POINTS - 1.001)


@compiled
def known(table: F64, k: int, at: float, w: int) -> float:
    """The table's entry: the log factor at k = 0, or what k adds to it."""
    i = int(at)
    low = table[k, i, w]
    return float(low + (at - i) * (table[k, i + 1, w] - low))


@compiled
def _beyond(
    table: F64, rates: F64, logs: F64, omega: float, w: int, k: int, at: float, ln_mu: float
) -> float:
    """Log factor at k members less that at none; ``at`` is the row of ln μ."""
    if k == 0:
        return 0.0
    if k < KNOWN:
        return known(table, k, at, w)
    return log_mix(omega, log_mean(k, math.exp(ln_mu), rates, logs)) - known(table, 0, at, w)


@compiled
def change(
    table: F64, rates: F64, logs: F64, omega: float, w: int, k: int, j: int, ln_mu: float
) -> float:
    """Log factor at j members less that at k. Arrays one by one: a Lattice is dear to hand over."""
    at = row(ln_mu)
    after = _beyond(table, rates, logs, omega, w, j, at, ln_mu)
    return after - _beyond(table, rates, logs, omega, w, k, at, ln_mu)
