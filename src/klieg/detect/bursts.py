"""Bursts of one layer, and what they say about a group: the log evidence, its terms, its price.

Each object's time is tiled by every window, at two offsets; in a burst of m accounts a group with
share f of the pool is expected μ = m·f times. Knows one layer at a time and nothing of the search:
any set of accounts may be asked about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.engine import burst_search
from klieg.engine.bursts import log_factors
from klieg.engine.lattice import ALONE, FULL, Lattice, by_key, encode, meetings, table
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Actions, Strata

__all__ = [
    "MASS",
    "OFFSETS",
    "WEIGHTS",
    "Terms",
    "Tilings",
    "acts_of",
    "by_mass",
    "log_evidence",
    "log_evidence_at",
    "log_mean_exp",
    "net",
    "prepare",
    "price",
    "rates",
    "repool",
    "shares",
    "terms",
]

OFFSETS = (0.0, 0.5)
"""Where a tiling starts, in windows: acts that one tiling cuts apart meet in the other."""

MASS = 1_000
DENSE = 0.05
"""Members, or a share of a pool, from which on bursts are weighed by binomial factors.

``E r^K ≤ (1 + f(r − 1))^m ≤ e^{(r − 1)mf}`` for K of m slots, f the group's share of the pool
(Hoeffding 1963): both are valid, and the first says more. For small groups, of which f is next to
nothing, they are alike; who has a tenth of a layer or more is its own chance by the second. By the
first lone acts would speak too, for whoever acts where nobody is: they are left out.
"""

WEIGHTS = (0.95, 0.99, 0.999, 0.9999)
"""ω grid: the share of bursts in which a group does nothing out of the ordinary."""


@dataclass(frozen=True, slots=True)
class Tilings:
    """One layer cut into bursts by every window and offset; about 64 bytes a row and ladder."""

    actions: Actions
    strata: Strata
    windows: tuple[int, ...]  # (W,) seconds
    order: I32  # (n,) the row of Actions that stands at each place of the lattice
    lattice: Lattice  # tilings in the order (window, offset): 2·W of them
    engine: Engine

    @property
    def n_accounts(self) -> int:
        return self.actions.n_accounts


@dataclass(frozen=True, slots=True)
class Terms:
    """What every burst that a group touches says, in one tiling."""

    object: I32  # (u,)
    k: I32  # (u,) members in the burst
    m: I32  # (u,) all distinct accounts in it
    mu: F64  # (u,) members chance would put there
    weight: F64  # (u,) nats relative to k = 0, at the best ω
    starts: I64  # (u + 1,) ragged: burst i holds rows[starts[i]:starts[i + 1]]
    rows: I32  # rows of Actions, one a member and burst, in time order
    omega: float  # the best ω
    base: float  # nats of all bursts at k = 0: log evidence = base + Σ weight


def rates(n_accounts: int) -> F64:
    """r grid {3, 10, 30, …} up to about the number of accounts, 300 at least.

    An act earns at most ln r: with r ≤ 300 small groups would drown in the price of a big crowd.
    """
    grid = [3.0 * 10.0**i for i in range(9)] + [10.0 ** (i + 1) for i in range(9)]
    return np.array(sorted(r for r in grid if r <= max(300, n_accounts)))


def prepare(actions: Actions, strata: Strata, config: Config, engine: Engine) -> Tilings:
    """Cut a layer into bursts for every window of the ladder and both offsets."""
    order = _in_order(actions)
    account = np.ascontiguousarray(actions.account[order])
    object_ = np.ascontiguousarray(actions.object[order])
    time = np.ascontiguousarray(actions.time[order])
    place, starts = by_key(account, actions.n_accounts)
    n_tilings = len(OFFSETS) * len(config.windows_s)
    code = np.empty((actions.n, n_tilings), np.int32)
    actors = []
    for t in range(n_tilings):
        window = config.windows_s[t // len(OFFSETS)] * SECOND
        phase = int(OFFSETS[t % len(OFFSETS)] * window)
        ids, count = engine.tiles(object_, time, window, phase)
        actors.append(encode(ids, count, account, actions.n_accounts, code[:, t]))
    grid, weights = rates(actions.n_accounts), np.array(WEIGHTS)
    met_starts, met, met_act = meetings(code, starts, place)
    every = np.concatenate([*actors, np.ones(1, np.int32)])
    lattice = Lattice(
        account=account,
        stratum=np.zeros(0, np.int32),
        code=code,
        starts=starts,
        place=place,
        pool=np.zeros(0, np.int32),
        met_starts=met_starts,
        met=met,
        met_act=met_act,
        met_pool=np.zeros(0, np.int32),
        actor_starts=np.cumsum([0, *map(len, actors)]).astype(np.int64),
        actors=every[:-1],
        lns=np.log(np.maximum(np.arange(every.max() + 1), 1)),
        size=np.zeros(0),
        parent=np.zeros(0, np.int32),
        parent_size=np.zeros(0),
        counted=np.zeros((n_tilings, 1), np.int64),
        counted_actors=np.zeros(0),
        counted_bursts=np.zeros(0),
        counted_lns=np.zeros(0),
        rates=grid,
        logs=np.log(grid),
        weights=weights,
        table=table(grid, weights),
    )
    bare = Tilings(actions, strata, config.windows_s, order, lattice, engine)
    return repool(bare, strata)


def repool(tilings: Tilings, strata: Strata) -> Tilings:
    """The same bursts weighed against other pools (with or without interest)."""
    lattice, order = tilings.lattice, tilings.order
    n_strata = strata.size
    pool = strata.object_stratum[tilings.actions.object[order]].astype(np.int32)
    size = np.bincount(pool, minlength=n_strata).astype(np.float64)
    parent = strata.parent.astype(np.int32)
    n_parents = int(parent.max()) + 1 if n_strata else 0
    counted = np.zeros((lattice.code.shape[1], n_strata + 1), np.int64)
    found_m, found_n, done = [np.zeros(0)], [np.zeros(0)], 0
    for t in range(len(counted)):
        where, m, bursts = _histogram(lattice, pool, n_strata, t)
        counted[t] = done + np.searchsorted(where, np.arange(n_strata + 1))
        found_m.append(m)
        found_n.append(bursts)
        done += len(m)
    actors = np.concatenate(found_m)
    pooled = lattice._replace(
        stratum=pool,
        pool=pool[lattice.place],
        met_pool=pool[lattice.met_act],
        size=size,
        parent=parent,
        parent_size=np.bincount(parent, size, n_parents).astype(np.float64),
        counted=counted,
        counted_actors=actors,
        counted_bursts=np.concatenate(found_n),
        counted_lns=np.log(actors),
    )
    return replace(tilings, strata=strata, lattice=pooled)


def shares(tilings: Tilings, members: I32) -> F64:
    """(C,) chance that a slot of each stratum is a member's: n_G / E.

    Of a stratum that holds more of the group than FULL the parent pool speaks: a pool must be
    bigger than what it tests.
    """
    lattice = tilings.lattice
    own = np.bincount(lattice.stratum[acts_of(lattice, members)], minlength=len(lattice.size))
    of_parent = np.bincount(lattice.parent, own, minlength=len(lattice.parent_size))
    share = own / np.maximum(lattice.size, 1.0)
    above = (of_parent / np.maximum(lattice.parent_size, 1.0))[lattice.parent]
    return np.asarray(np.where(share > FULL, above, share))


def log_evidence(tilings: Tilings, members: I32, *, inflation: float = 1.0) -> F64:
    """(W, 2, Ω) ln Π_u [ω + (1 − ω)·mean_r r^k e^{−(r−1)φμ}] of every tiling; φ = ``inflation``.

    Each is the logarithm of an e-value: its mean is ≤ 1 if accounts are exchangeable inside the
    strata, for any group chosen without looking (Vovk & Wang 2021).
    """
    at = np.arange(tilings.lattice.code.shape[1])
    cells = log_evidence_at(tilings, members, at, inflation=inflation)
    return cells.reshape(len(tilings.windows), len(OFFSETS), len(WEIGHTS))


def log_evidence_at(tilings: Tilings, members: I32, at: I64, *, inflation: float = 1.0) -> F64:
    """(t, Ω) the same for some tilings, numbered in the order (window, offset)."""
    lattice = tilings.lattice
    usual = shares(tilings, members)
    share = usual * inflation
    acts = acts_of(lattice, members)
    out = np.zeros((len(at), len(lattice.weights)))
    massed = by_mass(tilings, members, usual)
    for i, t in enumerate(at if len(acts) else ()):
        burst, _, actors, stratum, _ = _touched(lattice, acts, t)
        base = _base(lattice, share, t, massed)
        if massed:
            k = np.bincount(burst, minlength=len(actors))
            out[i] = base + _weight(lattice, k, actors, share[stratum], massed).sum(axis=1)
            continue
        out[i] = tilings.engine.burst_evidence(
            burst,
            actors,
            share[stratum],
            _base(lattice, share, t, massed),
            lattice.rates,
            lattice.weights,
        )
    return out


def by_mass(tilings: Tilings, members: I32, share: F64 | None = None) -> bool:
    """Whether these are so many, or so much of a pool, that bursts are weighed by binomials."""
    if len(members) > MASS:
        return True
    if share is None:  # asked of every candidate: the compiled sum
        who = np.ascontiguousarray(members, np.int32)
        share = burst_search.shares(tilings.lattice, who, np.zeros(0, np.int32))[0]
    return len(share) > 0 and float(share.max()) > DENSE


def terms(tilings: Tilings, members: I32, window: int, offset: float) -> Terms:
    """What each burst that the members touch says; ``window`` in seconds, ``offset`` in windows."""
    lattice = tilings.lattice
    t = tilings.windows.index(window) * len(OFFSETS) + OFFSETS.index(offset)
    share = shares(tilings, members)
    burst, acts, actors, stratum, first = _touched(lattice, acts_of(lattice, members), t)
    k = np.bincount(burst, minlength=len(actors)).astype(np.int64)
    mu = actors * share[stratum]
    massed = by_mass(tilings, members, share)
    weight = _weight(lattice, k, actors, share[stratum], massed)
    base = _base(lattice, share, t, massed)
    best = int(np.argmax(base + weight.sum(axis=1)))
    by_burst = np.lexsort((acts, burst))
    return Terms(
        object=tilings.actions.object[tilings.order[first]],
        k=k.astype(np.int32),
        m=actors,
        mu=mu,
        weight=weight[best],
        starts=np.concatenate([[0], np.cumsum(k)]).astype(np.int64),
        rows=tilings.order[acts[by_burst]],
        omega=WEIGHTS[best],
        base=float(base[best]),
    )


def price(n_accounts: int, size: int) -> float:
    """−ln π(G) = ln N + ln binom(N, |G|): what it costs to have searched every group there is."""
    if n_accounts <= 0:
        return 0.0
    ways = math.lgamma(n_accounts + 1) - math.lgamma(size + 1) - math.lgamma(n_accounts - size + 1)
    return math.log(n_accounts) + ways


def log_mean_exp(cells: F64) -> float:
    """ln of the mean of e-values given by their logarithms, whatever the array's shape."""
    flat = np.sort(cells, axis=None)
    top = flat[-1]
    return float(top + np.log(np.exp(flat - top).sum() / len(flat)))


def net(layers: Iterable[Tilings], members: I32, n_accounts: int) -> float:
    """ln e_G + ln π(G), e_G the mean over layers, windows, offsets and ω."""
    cells = [log_evidence(tilings, members).ravel() for tilings in layers]
    return log_mean_exp(np.concatenate(cells)) - price(n_accounts, len(members))


def _in_order(actions: Actions) -> I32:
    """Rows by object and time, ties in row order."""
    rows = np.lexsort((actions.time,)) if (np.diff(actions.time) < 0).any() else None
    object_ = actions.object if rows is None else actions.object[rows]
    order, _ = by_key(np.require(object_, np.int32, ["C", "W"]), actions.n_objects)
    return order if rows is None else rows[order].astype(np.int32)


def _histogram(lattice: Lattice, pool: I32, n_strata: int, t: int) -> tuple[I64, F64, F64]:
    """(stratum, m, bursts) of one tiling, sorted by stratum then m; lone acts are m = 1."""
    code = lattice.code[:, t]
    m = lattice.actors[lattice.actor_starts[t] : lattice.actor_starts[t + 1]]
    home = np.zeros(len(m), np.int64)
    home[code[code >= 0]] = pool[code >= 0]
    width = int(m.max()) + 1 if len(m) else 2
    alone = pool[code == ALONE].astype(np.int64) * width + 1
    key, bursts = _tally(np.concatenate([home * width + m, alone]), width * n_strata)
    return key // width, (key % width).astype(np.float64), bursts.astype(np.float64)


def _tally(key: I64, bound: int) -> tuple[I64, I64]:
    if bound > 4 * len(key) + 1_000_000:
        distinct, times = np.unique(key, return_counts=True)
        return distinct, times.astype(np.int64)
    count = np.bincount(key, minlength=1)
    distinct = np.flatnonzero(count)
    return distinct, count[distinct]


def acts_of(lattice: Lattice, members: I32) -> I64:
    """Places in the lattice of all acts of the members."""
    begin, end = lattice.starts[members], lattice.starts[np.asarray(members) + 1]
    length = end - begin
    skip = np.repeat(begin - np.concatenate([[0], np.cumsum(length)[:-1]]), length)
    places: I64 = lattice.place[skip + np.arange(length.sum())].astype(np.int64)
    return places


def _touched(lattice: Lattice, acts: I64, t: int) -> tuple[I32, I64, I32, I32, I64]:
    """Bursts of one tiling that these acts are in, renumbered; lone acts are bursts of one.

    Burst of each counted act, the act, then by burst: distinct actors, stratum, first act.
    """
    code = lattice.code[acts, t]
    acts, code = acts[code >= ALONE], code[code >= ALONE]
    key = np.where(code >= 0, code.astype(np.int64), -1 - acts)
    hit, first, burst = np.unique(key, return_index=True, return_inverse=True)
    actors = np.ones(len(hit), np.int32)
    actors[hit >= 0] = lattice.actors[lattice.actor_starts[t] + hit[hit >= 0]]
    return (
        burst.astype(np.int32),
        acts,
        actors,
        lattice.stratum[acts[first]],
        acts[first],
    )


def _weight(lattice: Lattice, k: I64, m: I32, share: F64, massed: bool) -> F64:
    """(Ω, n) nats of bursts with k members of m accounts, beyond what they say at k = 0."""
    none = np.zeros_like(k)
    return _factors(lattice, k, m, share, massed) - _factors(lattice, none, m, share, massed)


def _factors(lattice: Lattice, k: I64, m: I32 | F64, share: F64 | float, massed: bool) -> F64:
    """(Ω, n) log factors of bursts: Poisson ones, or binomial ones of a MASS or a DENSE group."""
    if not massed:
        return log_factors(k, np.asarray(m * share), lattice.rates, lattice.weights)
    r = lattice.rates[:, None]
    powers = k * np.log(r) - m * np.log1p(np.minimum(share, 1.0) * (r - 1.0))
    mean = np.logaddexp.reduce(powers, axis=0) - np.log(len(r))
    omega = lattice.weights[:, None]
    return np.where(m > 1, np.logaddexp(np.log(omega), np.log1p(-omega) + mean), 0.0)


def _base(lattice: Lattice, share: F64, t: int, massed: bool) -> F64:
    """(Ω,) Σ over all bursts of one tiling of the log factor at k = 0."""
    total = np.zeros(len(lattice.weights))
    for c in np.flatnonzero(share > 0):
        own = slice(lattice.counted[t, c], lattice.counted[t, c + 1])
        m = lattice.counted_actors[own]
        quiet = _factors(lattice, np.zeros(len(m), np.int64), m, share[c], massed)
        total += quiet @ lattice.counted_bursts[own]
    return total
