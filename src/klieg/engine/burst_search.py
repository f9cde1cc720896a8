"""Compiled search over bursts: weigh many candidate groups, and accounts in or out of one.

Greedy and approximate (log factors come from a table, good to 1e-3 nats): it decides where to look,
never what stands; that is ``Engine.burst_evidence``'s to say. Knows nothing of prices, thresholds
or graphs. Kernels release the interpreter lock; scratch arrays come in and go out all zero.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from klieg.engine.bursts import log_mean, log_mix
from klieg.engine.compiled import compiled
from klieg.engine.lattice import FULL, KNOWN, Lattice, change, known, row

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

__all__ = ["FULL", "empty", "fill", "ln", "marginals", "screen", "shares"]

NOTHING = -1e30
"""ln 0, near enough: the table's first row speaks for whatever is so rare."""


@compiled
def ln(x: float) -> float:
    """ln x; NOTHING at 0."""
    return math.log(x) if x > 0.0 else NOTHING


@compiled
def _acts_by_pool(lattice: Lattice, members: I32) -> F64:
    starts, pool = lattice.starts, lattice.pool
    own = np.zeros(len(lattice.size))
    for a in members:
        for i in range(starts[a], starts[a + 1]):
            own[pool[i]] += 1.0
    return own


@compiled
def shares(lattice: Lattice, members: I32, frame: I32) -> tuple[F64, Flags, F64]:
    """(C,) chance that a slot of the stratum is a member's, whether the parent says so, acts.

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
    return share, full, own


@compiled
def _quiet(
    table: F64, lns: F64, bursts: F64, first: int, last: int, ln_share: float, w: int
) -> float:
    """Σ over a stratum's bursts (a stretch of the histogram) of the log factor at k = 0."""
    total = 0.0
    if ln_share > NOTHING:
        for h in range(first, last):
            total += bursts[h] * known(table, 0, row(lns[h] + ln_share), w)
    return total


@compiled
def _meet(
    lattice: Lattice, members: I32, tiling: int, counts: I32, alone: F64, seen: I32, pool: I32
) -> int:
    """Count the members in each burst; the bursts come out in ``seen``, their strata in ``pool``.

    ``alone`` (C,) holds the members' acts and keeps those that met nobody.
    """
    begin, met, home = lattice.met_starts[tiling], lattice.met, lattice.met_pool
    n = 0
    for a in members:
        for e in range(begin[a], begin[a + 1]):
            u, c = met[e], home[e]
            alone[c] -= 1.0
            if u >= 0:
                if counts[u] == 0:
                    seen[n], pool[n] = u, c
                    n += 1
                counts[u] += 1
    return n


@compiled
def _weigh(
    lattice: Lattice,
    alone: F64,
    share: F64,
    tiling: int,
    seen: I32,
    pool: I32,
    counts: I32,
    out: F64,
) -> None:
    """Add up one tiling's log factors; the counts of the bursts in ``seen`` go back to zero."""
    table, rates, logs, weights = lattice.table, lattice.rates, lattice.logs, lattice.weights
    actors, base, lns = lattice.actors, lattice.actor_starts[tiling], lattice.lns
    counted, n_lns, n_u = lattice.counted[tiling], lattice.counted_lns, lattice.counted_bursts
    ln_share = np.empty(len(share))
    for c in range(len(share)):
        ln_share[c] = ln(share[c])
        if share[c] > 0.0:
            for h in range(counted[c], counted[c + 1]):
                at = row(n_lns[h] + ln_share[c])
                for w in range(len(out)):
                    out[w] += n_u[h] * known(table, 0, at, w)
            at = row(ln_share[c])
            for w in range(len(out)):
                out[w] += alone[c] * known(table, 1, at, w)
    for i in range(len(seen)):
        k = counts[seen[i]]
        counts[seen[i]] = 0
        ln_mu = lns[actors[base + seen[i]]] + ln_share[pool[i]]
        at = row(ln_mu)
        if k < KNOWN:
            for w in range(len(out)):
                out[w] += known(table, k, at, w)
        else:
            mean = log_mean(k, math.exp(ln_mu), rates, logs)
            for w in range(len(out)):
                out[w] += log_mix(weights[w], mean) - known(table, 0, at, w)


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
        share, _, own = shares(lattice, members, frame)
        share *= inflation
        seen = np.empty(int(own.sum()), np.int32)
        pool = np.empty(len(seen), np.int32)
        for t in range(len(tilings)):
            alone = own.copy()
            n = _meet(lattice, members, tilings[t], counts, alone, seen, pool)
            _weigh(lattice, alone, share, tilings[t], seen[:n], pool[:n], counts, out[g, t])
    return out


@compiled
def fill(lattice: Lattice, members: I32, tiling: int, counts: I32) -> None:
    """Count the members in each burst of one tiling."""
    begin, met = lattice.met_starts[tiling], lattice.met
    for a in members:
        for e in range(begin[a], begin[a + 1]):
            if met[e] >= 0:
                counts[met[e]] += 1


@compiled
def empty(lattice: Lattice, members: I32, tiling: int, counts: I32) -> None:
    """The counts of the members' bursts back to zero."""
    begin, met = lattice.met_starts[tiling], lattice.met
    for a in members:
        for e in range(begin[a], begin[a + 1]):
            if met[e] >= 0:
                counts[met[e]] = 0


@compiled
def _rise(
    lattice: Lattice, members: I32, own: F64, old: F64, new: F64, tiling: int, w: int, counts: I32
) -> F64:
    """(C,) nats gained in each stratum if the logarithm of its share goes from old to new."""
    table, rates, logs, omega = lattice.table, lattice.rates, lattice.logs, lattice.weights[w]
    begin, met, home = lattice.met_starts[tiling], lattice.met, lattice.met_pool
    actors, base, lns = lattice.actors, lattice.actor_starts[tiling], lattice.lns
    alone = own.copy()
    rise = np.zeros(len(own))
    for a in members:
        for e in range(begin[a], begin[a + 1]):
            u, c = met[e], home[e]
            alone[c] -= 1.0
            if u >= 0 and counts[u] > 0:
                k, ln_m = counts[u], lns[actors[base + u]]
                counts[u] = -k
                rise[c] += change(table, rates, logs, omega, w, 0, k, ln_m + new[c])
                rise[c] -= change(table, rates, logs, omega, w, 0, k, ln_m + old[c])
    for c in range(len(own)):
        first, last = lattice.counted[tiling, c], lattice.counted[tiling, c + 1]
        rise[c] += _quiet(
            table, lattice.counted_lns, lattice.counted_bursts, first, last, new[c], w
        )
        rise[c] -= _quiet(
            table, lattice.counted_lns, lattice.counted_bursts, first, last, old[c], w
        )
        if alone[c] > 0.0:
            rise[c] += alone[c] * change(table, rates, logs, omega, w, 0, 1, new[c])
            rise[c] -= alone[c] * change(table, rates, logs, omega, w, 0, 1, old[c])
    return rise


@compiled
def _tolls(
    lattice: Lattice,
    members: I32,
    share: F64,
    full: Flags,
    own: F64,
    tiling: int,
    w: int,
    sign: int,
    counts: I32,
) -> F64:
    """(C,) nats that one more act of the stratum (``sign`` −1: one less) moves through the shares.

    A secant over one member's worth of acts: good for an account of ordinary activity.
    """
    moved = np.empty(len(share))
    old = np.empty(len(share))
    new = np.empty(len(share))
    for c in range(len(share)):
        moved[c] = share[c] * (1.0 + sign / max(len(members), 2))
        if share[c] == 0.0 and sign > 0 and lattice.size[c] > 0.0:
            moved[c] = 1.0 / lattice.size[c]
        old[c], new[c] = ln(share[c]), ln(moved[c])
    rise = _rise(lattice, members, own, old, new, tiling, w, counts)
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
    starts, pool, actors, lns = lattice.starts, lattice.pool, lattice.actors, lattice.lns
    begin, met, home = lattice.met_starts[tiling], lattice.met, lattice.met_pool
    base = lattice.actor_starts[tiling]
    share, full, own = shares(lattice, members, members)
    fill(lattice, members, tiling, counts)
    toll = _tolls(lattice, members, share, full, own, tiling, w, sign, counts)
    chance = np.empty(len(share))
    lone = np.empty(len(share))
    for c in range(len(share)):
        chance[c] = ln(max(share[c], 1.0 / max(lattice.size[c], 1.0)))
        lone[c] = sign * change(table, rates, logs, omega, w, 0, 1, chance[c])
    out = np.zeros(len(others))
    for o in range(len(others)):
        a = others[o]
        for i in range(starts[a], starts[a + 1]):
            out[o] += toll[pool[i]] + lone[pool[i]]
        for e in range(begin[a], begin[a + 1]):
            u, c = met[e], home[e]
            out[o] -= lone[c]
            if u >= 0:
                k, ln_m = abs(counts[u]), lns[actors[base + u]]
                out[o] += change(table, rates, logs, omega, w, k, k + sign, ln_m + chance[c])
    empty(lattice, members, tiling, counts)
    return out
