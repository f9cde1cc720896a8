"""Compiled search over bursts: weigh many candidate groups, and accounts in or out of one.

Greedy and approximate (log factors come from a table, good to 1e-3 nats): it decides where to look,
never what stands; that is ``Engine.burst_evidence``'s to say. Knows nothing of prices, thresholds
or graphs. Kernels release the interpreter lock; scratch arrays come in and go out all zero.
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
Flags = NDArray[np.bool_]

__all__ = [
    "ALONE",
    "FULL",
    "Lattice",
    "companions",
    "company",
    "encode",
    "marginals",
    "screen",
    "table",
]

ALONE = -1
"""Code of an act whose burst holds nobody else. A repeat by the same account in burst u is −2 − u:
it counts for the account's activity, not for the burst."""

NOBODY = -(2**31)
"""Code of a repeat in a burst that holds nobody else."""

FULL = 0.03
"""A group with more of a pool's actions than this is weighed by its share of the parent pool."""

CROWD = 20
"""Strangers a member up to which a burst bonds the members in it."""

KNOWN = 5
LOW = -23.0
STEP = 0.015
POINTS = 2200
"""The table: k = 0 … 4, ln μ from −23 in steps of 0.015 up to 10."""


class Lattice(NamedTuple):
    """One layer's bursts in T tilings, as plain arrays; acts stand in (object, time) order."""

    account: I32  # (n,) of each act
    stratum: I32  # (n,) of each act's object
    code: I32  # (n, T) burst of the act in that tiling, ALONE, or a repeat
    starts: I64  # (A + 1,) where each account's acts begin in `place`
    place: I32  # (n,) acts, account by account
    actor_starts: I64  # (T + 1,) where each tiling's bursts begin in `actors`
    actors: I32  # (bursts of two or more,) distinct actors
    size: F64  # (C,) actions of each stratum
    parent: I32  # (C,)
    parent_size: F64  # (P,)
    counted: I64  # (T, C + 1) where each stratum's histogram begins
    counted_actors: F64  # (h,) m …
    counted_bursts: F64  # (h,) … and how many bursts have it
    rates: F64  # (R,) r grid
    logs: F64  # (R,) ln r
    weights: F64  # (Ω,) ω grid
    table: F64  # (KNOWN, POINTS, Ω) log factor by k and ln μ


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
def table(rates: F64, weights: F64) -> F64:
    """(KNOWN, POINTS, Ω) ln[ω + (1 − ω)·mean_r r^k e^{−(r−1)μ}] on the grid of ln μ."""
    out = np.empty((KNOWN, POINTS, len(weights)))
    logs = np.log(rates)
    for k in range(KNOWN):
        for i in range(POINTS):
            mean = log_mean(k, math.exp(LOW + STEP * i), rates, logs)
            for w in range(len(weights)):
                out[k, i, w] = log_mix(weights[w], mean)
    return out


@compiled
def _row(mu: float) -> float:
    """Where ln μ lies on the grid: its row, and a fraction of the step to the next."""
    if mu <= 0.0:
        return 0.0
    return min(max((math.log(mu) - LOW) / STEP, 0.0), POINTS - 1.001)


@compiled
def _known(table: F64, k: int, at: float, w: int) -> float:
    row = int(at)
    low = table[k, row, w]
    return float(low + (at - row) * (table[k, row + 1, w] - low))


@compiled
def _change(
    table: F64, rates: F64, logs: F64, omega: float, w: int, k: int, j: int, mu: float
) -> float:
    """Log factor at j members less that at k; nothing where μ is 0."""
    if mu <= 0.0:
        return 0.0
    at = _row(mu)
    before = _known(table, k, at, w) if k < KNOWN else log_mix(omega, log_mean(k, mu, rates, logs))
    after = _known(table, j, at, w) if j < KNOWN else log_mix(omega, log_mean(j, mu, rates, logs))
    return after - before


@compiled
def _acts_by_pool(lattice: Lattice, members: I32) -> F64:
    own = np.zeros(len(lattice.size))
    for a in members:
        for i in range(lattice.starts[a], lattice.starts[a + 1]):
            own[lattice.stratum[lattice.place[i]]] += 1.0
    return own


@compiled
def _shares(lattice: Lattice, members: I32, frame: I32) -> tuple[F64, Flags]:
    """(C,) chance that a slot of the stratum is a member's, and whether the parent says so.

    ``frame`` are the accounts whose acts decide which strata are full; nobody: the members.
    """
    own = _acts_by_pool(lattice, members)
    judged = _acts_by_pool(lattice, frame) if len(frame) else own
    of_parent = np.zeros(len(lattice.parent_size))
    for c in range(len(own)):
        of_parent[lattice.parent[c]] += own[c]
    share = np.zeros(len(own))
    full = np.zeros(len(own), np.bool_)
    for c in range(len(own)):
        if judged[c] > FULL * lattice.size[c]:
            full[c] = True
            share[c] = of_parent[lattice.parent[c]] / lattice.parent_size[lattice.parent[c]]
        elif own[c] > 0.0:
            share[c] = own[c] / lattice.size[c]
    return share, full


@compiled
def _quiet(
    table: F64, actors: F64, bursts: F64, first: int, last: int, share: float, w: int
) -> float:
    """Σ over a stratum's bursts (a stretch of the histogram) of the log factor at k = 0."""
    total = 0.0
    if share > 0.0:
        for h in range(first, last):
            total += bursts[h] * _known(table, 0, _row(actors[h] * share), w)
    return total


@compiled
def _weigh(lattice: Lattice, members: I32, share: F64, tiling: int, counts: I32, out: F64) -> None:
    code, place, starts, stratum = lattice.code, lattice.place, lattice.starts, lattice.stratum
    table, rates, logs, weights = lattice.table, lattice.rates, lattice.logs, lattice.weights
    actors, base = lattice.actors, lattice.actor_starts[tiling]
    alone = np.zeros(len(share))
    for a in members:
        for i in range(starts[a], starts[a + 1]):
            p = place[i]
            u = code[p, tiling]
            if u >= 0:
                counts[u] += 1
            elif u == ALONE:
                alone[stratum[p]] += 1.0
    out[:] = 0.0
    for c in range(len(share)):
        if share[c] > 0.0:
            for h in range(lattice.counted[tiling, c], lattice.counted[tiling, c + 1]):
                at = _row(lattice.counted_actors[h] * share[c])
                for w in range(len(out)):
                    out[w] += lattice.counted_bursts[h] * _known(table, 0, at, w)
            at = _row(share[c])
            for w in range(len(out)):
                out[w] += alone[c] * (_known(table, 1, at, w) - _known(table, 0, at, w))
    for a in members:
        for i in range(starts[a], starts[a + 1]):
            p = place[i]
            u = code[p, tiling]
            if u < 0 or counts[u] <= 0:
                continue
            k, mu = counts[u], actors[base + u] * share[stratum[p]]
            counts[u] = 0
            at = _row(mu)
            mean = log_mean(k, mu, rates, logs) if k >= KNOWN else 0.0
            for w in range(len(out)):
                if k < KNOWN:
                    out[w] += _known(table, k, at, w) - _known(table, 0, at, w)
                else:
                    out[w] += log_mix(weights[w], mean) - _known(table, 0, at, w)


@compiled
def screen(
    lattice: Lattice,
    group_starts: I64,
    groups: I32,
    tilings: I64,
    inflation: float,
    frame: I32,
    counts: I32,
) -> F64:
    """(G, tilings, Ω) log evidence of many candidate groups, ragged rows of ``groups``.

    ``inflation`` multiplies every expected count. ``frame`` are the accounts that decide which
    strata are full; nobody: each group for itself. Parts of a group are compared in its frame.
    """
    n_groups = len(group_starts) - 1
    out = np.zeros((n_groups, len(tilings), len(lattice.weights)))
    for g in range(n_groups):
        members = groups[group_starts[g] : group_starts[g + 1]]
        share, _ = _shares(lattice, members, frame)
        share *= inflation
        for t in range(len(tilings)):
            _weigh(lattice, members, share, tilings[t], counts, out[g, t])
    return out


@compiled
def _fill(lattice: Lattice, members: I32, tiling: int, counts: I32) -> None:
    code, place, starts = lattice.code, lattice.place, lattice.starts
    for a in members:
        for i in range(starts[a], starts[a + 1]):
            u = code[place[i], tiling]
            if u >= 0:
                counts[u] += 1


@compiled
def _empty(lattice: Lattice, members: I32, tiling: int, counts: I32) -> None:
    code, place, starts = lattice.code, lattice.place, lattice.starts
    for a in members:
        for i in range(starts[a], starts[a + 1]):
            u = code[place[i], tiling]
            if u >= 0:
                counts[u] = 0


@compiled
def _tolls(
    lattice: Lattice,
    members: I32,
    share: F64,
    full: Flags,
    tiling: int,
    w: int,
    sign: int,
    counts: I32,
) -> F64:
    """(C,) nats that one more act of the stratum (``sign`` −1: one less) moves through the shares.

    A secant over one member's worth of acts: good for an account of ordinary activity.
    """
    table, rates, logs, omega = lattice.table, lattice.rates, lattice.logs, lattice.weights[w]
    code, place, starts, stratum = lattice.code, lattice.place, lattice.starts, lattice.stratum
    actors, base = lattice.actors, lattice.actor_starts[tiling]
    n_m, n_u = lattice.counted_actors, lattice.counted_bursts
    moved = np.empty(len(share))
    rise = np.zeros(len(share))
    for c in range(len(share)):
        moved[c] = share[c] * (1.0 + sign / max(len(members), 2))
        if share[c] == 0.0 and sign > 0 and lattice.size[c] > 0.0:
            moved[c] = 1.0 / lattice.size[c]
        first, last = lattice.counted[tiling, c], lattice.counted[tiling, c + 1]
        rise[c] = _quiet(table, n_m, n_u, first, last, moved[c], w)
        rise[c] -= _quiet(table, n_m, n_u, first, last, share[c], w)
    for a in members:
        for i in range(starts[a], starts[a + 1]):
            p = place[i]
            u, c = code[p, tiling], stratum[p]
            m, k = 1, 1
            if u >= 0:
                m, k = actors[base + u], counts[u]
                counts[u] = -abs(k)
            if (u >= 0 and k > 0) or u == ALONE:
                rise[c] += _change(table, rates, logs, omega, w, 0, k, m * moved[c])
                rise[c] -= _change(table, rates, logs, omega, w, 0, k, m * share[c])
    of_parent = np.zeros(len(lattice.parent_size))
    toll = np.zeros(len(share))
    for c in range(len(share)):
        if moved[c] != share[c]:
            slope = rise[c] / abs(moved[c] - share[c])
            if full[c]:
                of_parent[lattice.parent[c]] += slope / lattice.parent_size[lattice.parent[c]]
            else:
                toll[c] = slope / lattice.size[c]
    for c in range(len(share)):
        toll[c] += of_parent[lattice.parent[c]]
    return toll


@compiled
def marginals(
    lattice: Lattice, members: I32, others: I32, sign: int, tiling: int, w: int, counts: I32
) -> F64:
    """(others,) nats the log evidence gains when each joins (+1) or, a member, leaves (−1)."""
    table, rates, logs, omega = lattice.table, lattice.rates, lattice.logs, lattice.weights[w]
    code, place, starts, stratum = lattice.code, lattice.place, lattice.starts, lattice.stratum
    actors, base, size = lattice.actors, lattice.actor_starts[tiling], lattice.size
    share, full = _shares(lattice, members, members)
    _fill(lattice, members, tiling, counts)
    toll = _tolls(lattice, members, share, full, tiling, w, sign, counts)
    out = np.zeros(len(others))
    for o in range(len(others)):
        for i in range(starts[others[o]], starts[others[o] + 1]):
            p = place[i]
            u, c = code[p, tiling], stratum[p]
            out[o] += toll[c]
            chance = max(share[c], 1.0 / size[c])
            if u >= 0:
                k, mu = abs(counts[u]), actors[base + u] * chance
                out[o] += _change(table, rates, logs, omega, w, k, k + sign, mu)
            elif u == ALONE:
                out[o] += sign * _change(table, rates, logs, omega, w, 0, 1, chance)
    _empty(lattice, members, tiling, counts)
    return out


@compiled
def company(
    lattice: Lattice,
    members: I32,
    tiling: int,
    w: int,
    worth: float,
    counts: I32,
    tally: I32,
) -> tuple[I32, I32]:
    """Outsiders in at least two bursts of the group where one more member is worth > ``worth``.

    Account ids in ascending order, and how many such bursts each is in. A burst with too many
    strangers is worth nothing and is skipped, so the walk stays short whatever the crowd.
    """
    table, rates, logs, omega = lattice.table, lattice.rates, lattice.logs, lattice.weights[w]
    share, _ = _shares(lattice, members, members)
    base = lattice.actor_starts[tiling]
    _fill(lattice, members, tiling, counts)
    met = [np.int32(0) for _ in range(0)]
    for a in members:
        for p in lattice.place[lattice.starts[a] : lattice.starts[a + 1]]:
            u = lattice.code[p, tiling]
            if u < 0 or counts[u] <= 0:
                continue
            k, m = counts[u], lattice.actors[base + u]
            counts[u] = -k
            mu = m * share[lattice.stratum[p]]
            if m == k or _change(table, rates, logs, omega, w, k, k + 1, mu) <= worth:
                continue
            first = p
            while first > 0 and _burst(lattice.code[first - 1, tiling]) == u:
                first -= 1
            while first < len(lattice.account) and _burst(lattice.code[first, tiling]) == u:
                if lattice.code[first, tiling] >= 0:
                    other = lattice.account[first]
                    if tally[other] == 0:
                        met.append(other)
                    tally[other] += 1
                first += 1
    for a in members:
        tally[a] = 0
    _empty(lattice, members, tiling, counts)
    kept = [other for other in met if tally[other] >= 2]
    found = np.empty(len(kept), np.int32)
    times = np.empty(len(kept), np.int32)
    for i in range(len(kept)):
        found[i] = kept[i]
    found.sort()
    for i in range(len(found)):
        times[i] = tally[found[i]]
    for other in met:
        tally[other] = 0
    return found, times


@compiled
def _burst(code: int) -> int:
    if code >= ALONE:
        return code
    return -2 - code


@compiled
def companions(
    lattice: Lattice,
    members: I32,
    tiling: int,
    counts: I32,
) -> tuple[I32, I32, I32]:
    """(left, right, shared) bursts that pairs of members share; left < right, shared ≥ 1.

    ``members`` ascending, few enough for a square table. Bursts that are crowded with strangers
    (more than CROWD a member) are no bond and are left out.
    """
    size = len(members)
    base = lattice.actor_starts[tiling]
    table = np.zeros((size, size), np.int32)
    _fill(lattice, members, tiling, counts)
    for i in range(size):
        for p in lattice.place[lattice.starts[members[i]] : lattice.starts[members[i] + 1]]:
            u = lattice.code[p, tiling]
            if u < 0 or counts[u] < 2 or lattice.actors[base + u] > CROWD * counts[u]:
                continue
            # each pair once: the later act of the two looks back
            q = p - 1
            while q >= 0 and _burst(lattice.code[q, tiling]) == u:
                j = np.searchsorted(members, lattice.account[q])
                if lattice.code[q, tiling] >= 0 and j < size and members[j] == lattice.account[q]:
                    table[min(i, j), max(i, j)] += 1
                q -= 1
    _empty(lattice, members, tiling, counts)
    left, right = np.nonzero(table)
    shared = np.empty(len(left), np.int32)
    for e in range(len(left)):
        shared[e] = table[left[e], right[e]]
    return members[left], members[right], shared
