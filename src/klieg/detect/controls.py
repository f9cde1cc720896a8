"""Matched controls: sets of comparable accounts outside every finding, weighed as the group was.

For each member an account is drawn that posts as much, acts as fast, keeps the same hours and
shares its pool; the very same statistics are taken of such a set. A group of busy people who share
an interest looks like its controls, a crew does not. The room searches nothing, judges nothing and
changes no evidence: it shows what comparable people look like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg import evidence
from klieg.detect import bursts, clock, pace, refine
from klieg.detect.timed import HORIZON, later, rows_of
from klieg.tables import MULTIPLEX, Controls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from klieg.detect.bursts import Tilings
    from klieg.detect.reading import Run
    from klieg.tables import F64, I32, I64, Finding, Group, Posts

    U64 = NDArray[np.uint64]

__all__ = ["ACTIVITY", "Field", "draw", "keys", "mix", "of_group", "opened"]

ACTIVITY, SPEED, ZONE, POOL = "activity", "speed", "time zone", "pool"

RESERVE: Final = 30  # the accounts most like a member from which one is drawn for each set
SHARED: Final = 3  # … or so many times the members that want the same ones
WORK: Final = 3_000_000  # acts of all sets together, from which on fewer are drawn
FEWEST: Final = 20
TIMED: Final = 5  # sets whose clock is read: each takes as long as a group's own
ALIKE: Final = 1.25  # mean activity of the sets over the group's, from which it is not matched
SHOWN: Final = 2  # decimals: the order in which a set's acts are added up moves the thirteenth
MOSTLY: Final = 0.8  # share of accounts that must be alike before it is said that they are

# what a difference weighs: a factor e of posts, of acts in the layer (joint acts go by its square),
# a class of speed, an hour, another pool
PER_POSTS, PER_ACTS, PER_SPEED, PER_HOUR, PER_POOL = 1.0, 3.0, 0.4, 0.1, 1.5


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of every account of a run when comparable ones are looked for."""

    key: U64  # (A,) a fingerprint of when it acts: draws and ties go by it, never by a number
    posts: F64  # (A,) ln(1 + rows of evidence)
    speed: I64  # (A,) class
    zone: I64  # (A,) 0 … 23
    pool: I64  # (A,) where most of its acts are, interest and all; −1 for none
    free: I64  # (F,) accounts outside every group, ascending


@dataclass(frozen=True, slots=True)
class _Traits:
    """Accounts by what they are compared in, one row each."""

    posts: F64
    acts: F64
    speed: I64
    zone: I64
    pool: I64


def opened(run: Run, groups: Sequence[Group]) -> Field:
    """Every account's fingerprint and habits; whoever is in a group is not drawn."""
    who = evidence.accounts(run.posts)
    n = run.posts.n_accounts
    count = np.bincount(who, minlength=n)
    inside = np.zeros(n, np.bool_)
    for group in groups:
        inside[group.members] = True
    speed, zone = np.divmod(run.clock.category.astype(np.int64), 24)
    layers = run.network.layers
    home = MULTIPLEX if MULTIPLEX in layers else max(layers, key=lambda x: (layers[x].actions.n, x))
    actions = layers[home].actions
    pool = layers[home].strata.object_stratum[actions.object]
    return Field(
        keys(run.posts),
        np.log1p(count),
        speed,
        zone,
        _plurality(actions.account, pool, n),
        np.flatnonzero(~inside & (count > 0)),
    )


def of_group(run: Run, field: Field, group: Group, finding: Finding) -> Controls:
    """The group's net, joint acts and clock, and those of its controls."""
    tilings = run.tiled(group)
    home = tilings[group.layer]
    acts = np.bincount(home.actions.account, minlength=len(field.key))
    few = WORK // max(int(acts[group.members].sum()), 1)
    count = min(run.config.controls, max(few, FEWEST))
    sets = draw(field, group.members, acts, count, seed=run.config.seed)
    every = [group.members, *sets]
    carried = [t for name, t in tilings.items() if name in (group.layer, *finding.signals)]
    nets = _nets(carried, every, run.posts.n_accounts)
    joints = _joined(home, every, group.window, group.offset)
    events = _events(run, finding, every)
    return Controls(
        matched=_matched(field, group.members, acts, sets),
        net=round(float(nets[0]), SHOWN),
        nets=tuple(sorted(round(float(x), SHOWN) for x in nets[1:])),
        joint=int(joints[0]),
        joints=tuple(sorted(map(int, joints[1:]))),
        event=round(events[0], SHOWN) if events else 0.0,
        events=tuple(sorted(round(x, SHOWN) for x in events[1:])),
    )


def draw(field: Field, members: I32, acts: I64, count: int, *, seed: int) -> list[I32]:
    """Up to ``count`` sets of as many free accounts as there are members, each account once a set.

    ``acts`` (A,) are acts in the layer at hand. None where too few accounts are free.
    """
    if len(field.free) < 2 * len(members) or count < 1:
        return []
    mine = _profiles(_traits(field, members, acts))
    names, profile, wanted = np.unique(mine, axis=0, return_inverse=True, return_counts=True)
    profile = profile.ravel()
    theirs = _traits(field, field.free, acts)
    reserve = [
        _nearest(names[p], theirs, field.key[field.free], max(RESERVE, SHARED * int(wanted[p])))
        for p in range(len(names))
    ]
    used_at = np.unique(np.concatenate(reserve))
    places = [np.searchsorted(used_at, r) for r in reserve]
    used = np.zeros((count, len(used_at)), np.bool_)
    turn = mix(np.arange(count, dtype=np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B9))
    taken = np.zeros((count, len(members)), np.int64)
    whole = np.ones(count, np.bool_)
    rows, never = np.arange(count), np.uint64(2**64 - 1)
    for i in np.argsort(field.key[members], kind="stable"):
        place = places[profile[i]]
        own = mix(field.key[members[i]] ^ turn)
        lot = mix(field.key[field.free[used_at[place]]][None, :] ^ own[:, None])
        lot[used[:, place]] = never
        pick = lot.argmin(axis=1)
        whole &= lot[rows, pick] != never
        taken[:, i] = used_at[place[pick]]
        used[rows, place[pick]] = True
    return [np.sort(field.free[row]).astype(np.int32) for row in taken[whole]]


def keys(posts: Posts) -> U64:
    """(A,) a number that says when each account acted: the same whatever it is called.

    Two accounts that did everything at the same instants share one.
    """
    who, when = evidence.accounts(posts), evidence.times(posts)
    order = np.argsort(who, kind="stable")
    parts = mix((when[order] - evidence.first_time(posts)).astype(np.uint64))
    ends = np.cumsum(parts, dtype=np.uint64)  # wraps, and so do differences of it
    stop = np.cumsum(np.bincount(who, minlength=posts.n_accounts))
    total = np.concatenate([np.zeros(1, np.uint64), ends])[np.concatenate([[0], stop])]
    return mix(np.diff(total))


def mix(x: U64) -> U64:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _plurality(account: I32, pool: I32, n: int) -> I64:
    """(n,) the pool in which each account acts most; of equals the first; −1 for who never does."""
    width = int(pool.max(initial=0)) + 1
    pair, count = np.unique(account.astype(np.int64) * width + pool, return_counts=True)
    order = np.lexsort((pair, -count, pair // width))
    who = pair[order] // width
    first = np.r_[True, np.diff(who) != 0] if len(who) else np.zeros(0, np.bool_)
    found = np.full(n, -1, np.int64)
    found[who[first]] = pair[order][first] % width
    return found


def _traits(field: Field, who: I32 | I64, acts: I64) -> _Traits:
    return _Traits(
        field.posts[who],
        np.log1p(acts[who]),
        field.speed[who],
        field.zone[who],
        field.pool[who],
    )


def _profiles(traits: _Traits) -> F64:
    """(g, 5) the same, activity rounded to a quarter: who is alike wants the same accounts."""
    rounded = [np.round(4 * x) / 4 for x in (traits.posts, traits.acts)]
    return np.column_stack([*rounded, traits.speed, traits.zone, traits.pool]).astype(np.float64)


def _nearest(profile: F64, theirs: _Traits, key: U64, count: int) -> I64:
    """Places of the free accounts most like a profile, ascending; ties by fingerprint."""
    posts, acts, speed, zone, pool = profile
    hours = np.abs(theirs.zone - zone)
    away = (
        PER_POSTS * np.abs(theirs.posts - posts)
        + PER_ACTS * np.abs(theirs.acts - acts)
        + PER_SPEED * np.abs(theirs.speed - speed)
        + PER_HOUR * np.maximum(np.minimum(hours, 24 - hours) - 1, 0)
        + PER_POOL * (theirs.pool != pool)
    )
    rank = np.minimum(away * 1024, 2**20).astype(np.uint64) << np.uint64(40) | key >> np.uint64(24)
    if count >= len(rank):
        return np.arange(len(rank))
    nearest: I64 = np.sort(np.argpartition(rank, count - 1)[:count])
    return nearest


def _matched(field: Field, members: I32, acts: I64, sets: Sequence[I32]) -> tuple[str, ...]:
    """In what the sets are like the group: nothing is claimed that does not hold."""
    if not sets:
        return ()
    every = np.concatenate(sets)
    times = len(sets)
    found = []
    levels = [(np.expm1(field.posts[every]).sum(), np.expm1(field.posts[members]).sum())]
    levels.append((acts[every].sum(), acts[members].sum()))
    if all(theirs / times * ALIKE >= mine >= theirs / times / ALIKE for theirs, mine in levels):
        found.append(ACTIVITY)
    for name, trait, near in (
        (SPEED, field.speed, 1),
        (ZONE, field.zone // 3, 1),
        (POOL, field.pool, 0),
    ):
        if _overlap(trait[members], trait[every], near) >= MOSTLY:
            found.append(name)
    return tuple(found)


def _overlap(mine: I64, theirs: I64, near: int) -> float:
    """What two distributions over whole numbers share, a difference of ``near`` forgiven."""
    low = min(mine.min(), theirs.min())
    size = int(max(mine.max(), theirs.max()) - low) + 1
    a = np.bincount(mine - low, minlength=size) / len(mine)
    b = np.bincount(theirs - low, minlength=size) / len(theirs)
    if not near:
        return float(np.minimum(a, b).sum())
    return float(1 - np.abs(np.cumsum(a - b)).max()) if size > 1 else 1.0


def _nets(tilings: Sequence[Tilings], sets: Sequence[I32], n_accounts: int) -> F64:
    """(sets,) ln e less the price, each set over the layers at hand, windows, offsets and ω."""
    if len(sets[0]) > bursts.MASS:
        return np.array([bursts.net(tilings, who, n_accounts) for who in sets])
    cells = [
        refine.weigh(refine.bench(t.lattice, t.n_accounts), list(sets)).reshape(len(sets), -1)
        for t in tilings
    ]
    price = bursts.price(n_accounts, len(sets[0]))
    return np.array([bursts.log_mean_exp(row) for row in np.concatenate(cells, axis=1)]) - price


def _joined(tilings: Tilings, sets: Sequence[I32], window: int, offset: float) -> I64:
    """(sets,) acts by which one of a set joined another in a burst: Σ (k − 1)."""
    t = tilings.windows.index(window) * len(bursts.OFFSETS) + bursts.OFFSETS.index(offset)
    lattice = tilings.lattice
    acts = [bursts.acts_of(lattice, who) for who in sets]
    owner = np.repeat(np.arange(len(sets)), [len(a) for a in acts])
    code = lattice.code[np.concatenate(acts), t]
    met = code >= 0
    width = int(lattice.actor_starts[t + 1] - lattice.actor_starts[t]) + 1
    burst, times = np.unique(owner[met] * width + code[met], return_counts=True)
    owners = np.bincount(burst // width, weights=times - 1, minlength=len(sets))
    return owners.astype(np.int64)


def _events(run: Run, finding: Finding, sets: Sequence[I32]) -> list[float]:
    """Lower bounds of the clock ratio B, of the group and of its controls.

    A set with too few pairs near in time has none, so few need to be timed; of many the first.
    """
    signal = next((s for s in finding.signals if s in run.clock.layers), None)
    if signal is None or signal in pace.AGELESS or not run.clock.windows:
        return []
    timed = run.clock.layers[signal]
    found: list[float] = []
    asked = 0
    for who in sets:
        near = timed.clipped[rows_of(timed, who)]
        if later(near, HORIZON).sum() < clock.LEAST_PAIRS:
            found.append(0.0)
        elif asked < TIMED + 1:
            asked += 1
            read = clock.bounds(run.clock.windows, [clock.timing(run.clock, signal, who)])
            found.append(read.event[1])
        else:
            break
    return found
