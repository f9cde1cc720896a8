"""How much more simultaneous a group is than benign life explains: ratios with lower bounds.

Given who acted on what, member pairs on one object are counted within each window and set against
three expectations (design 3.5): A the pace of comparable outsiders, B the same lifted by what
others did on those very objects, C the group's own habit of reacting to anything. All counts are
exact: expectations are sums over speed classes and time zones, not over sampled pairs. The room
knows no class and no threshold, and it never reads a text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from klieg.detect import pace
from klieg.detect.habit import habits
from klieg.detect.timed import TEXTUAL, rows_of, within
from klieg.tables import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from klieg.detect.halves import Parting
    from klieg.detect.pace import ClockData, PaceTable
    from klieg.detect.timed import Timed
    from klieg.tables import F64, I32, I64, Bool

    Index = NDArray[np.int64]
    Read = tuple[float, float, int]

__all__ = ["COMPANY", "LEAST_PAIRS", "LEAST_TARGETS", "Timing", "bounds", "gate", "lower_bound"]
__all__ += ["beside", "shared", "timing", "weaker"]

DEVIATIONS: Final = 2.9  # standard errors below the ratio: one in 500 under a normal law
LEAST_TARGETS: Final = 5  # authors or domains a jackknife needs
LEAST_PAIRS: Final = 8  # simultaneous pairs a bound needs
COMPANY: Final = 5  # outsiders on an object that make it company (design: 10; dev/LOG.md)


@dataclass(frozen=True, slots=True)
class Timing:
    """A group's member pairs in one layer, summed by object: what every ratio is made from."""

    target: I32  # (J,) author or domain, for the jackknife
    outsiders: I32  # (J,) distinct accounts on the object that are no members
    members: I32  # (J,) distinct members on it
    acts: I32  # (J,) acts of members on it
    observed: I64  # (W, J) member pairs within each window
    pace: F64  # (W, J) expected, A
    event: F64  # (W, J) expected, B
    later: I64  # (W, J) observed, of pairs where neither was the first on the object
    habit: F64  # (W, J) expected of those, C
    pairs: int  # member pairs in all
    source: str  # the layer the pace was counted in, or "stored"


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Acts by object, speed class and time zone: all that an expectation over pairs needs."""

    acts: F64  # (J, SPEEDS, 24)
    squares: F64  # (J, SPEEDS) Σ over accounts of acts²: takes an account's own pairs out


@dataclass(frozen=True, slots=True)
class _Own:
    """The members' rows on objects that two of them acted on."""

    rows: I64  # (r,) ascending
    obj: Index  # (r,) place of the object among those J
    counted: Bool  # (r,) whether the row may be half of a pair


def gate(data: ClockData, layer: str, members: I32, *, stored: bool = False) -> Clock:
    """The clock of one group (ascending members) in one layer."""
    return bounds(data.windows, [timing(data, layer, members, stored=stored)])


def timing(
    data: ClockData,
    layer: str,
    members: I32,
    *,
    stored: bool = False,
    on: tuple[Parting, int] | None = None,
) -> Timing:
    """Member pairs by object beside their three expectations.

    ``stored`` asks for the stored organic pace: for runs whose outsiders are mostly candidates
    themselves. ``on`` counts only pairs of acts of one half; what is usual is read from all acts.
    """
    timed = data.layers[layer]
    joint, rows, obj, count = shared(timed, rows_of(timed, members))
    own = _Own(rows, obj, _counted(timed, rows, on))
    table = _table(data, layer, members, joint, count, stored=stored)
    category = data.category.copy()
    category[members] = _own_category(data, members)
    inside = _crowd(timed, rows, obj, category, len(joint))
    outside = _outsiders(timed, joint, members, category)
    # a crew must not make its own things popular; texts hardly exist outside their group
    ordinary = 0 if layer in TEXTUAL else count - 2
    popularity = pace.same_popularity(timed.actors[joint] - ordinary)
    company = timed.pairs_within[joint].T - within(
        timed.clipped[rows], obj, len(joint), data.windows
    )
    pairing = rows[own.counted], obj[own.counted]
    observed = within(timed.clipped[pairing[0]], pairing[1], len(joint), data.windows)
    later, habit = habits(timed, own.rows, own.obj, own.counted, len(joint), data.windows)
    paired = _crowd(timed, *pairing, category, len(joint))
    ours, theirs = _meetings(paired, paired), _meetings(outside, outside)
    theirs += _meetings(inside, outside)
    expected = np.zeros(observed.shape)
    event = np.zeros(observed.shape)
    for j in range(len(data.windows)):
        share = pace.by_object(table, j, popularity)
        expected[j] = _sum(ours, share)
        lift = np.maximum(1.0, (company[j] + 0.5) / (_sum(theirs, share) + 0.5))
        event[j] = _sum(ours, np.minimum(1.0, share * lift[:, None, None, None]))
    return Timing(
        timed.target[joint],
        timed.actors[joint] - count,
        count,
        np.bincount(obj, minlength=len(joint)).astype(np.int32),
        observed,
        expected,
        event,
        later,
        habit,
        round(float(ours.sum())),
        table.source,
    )


def beside(timings: Sequence[Timing]) -> Timing:
    """One layer's timings of different pairs, taken together: each half of the acts, say."""

    def of(name: str) -> list[Any]:
        return [getattr(t, name) for t in timings]

    return Timing(
        target=np.concatenate(of("target")),
        outsiders=np.concatenate(of("outsiders")),
        members=np.concatenate(of("members")),
        acts=np.concatenate(of("acts")),
        observed=np.concatenate(of("observed"), axis=1),
        pace=np.concatenate(of("pace"), axis=1),
        event=np.concatenate(of("event"), axis=1),
        later=np.concatenate(of("later"), axis=1),
        habit=np.concatenate(of("habit"), axis=1),
        pairs=sum(of("pairs")),
        source=timings[0].source,
    )


def _counted(timed: Timed, rows: I64, on: tuple[Parting, int] | None) -> Bool:
    if on is None:
        return np.ones(len(rows), np.bool_)
    how, half = on
    counted: Bool = how.of(timed.time[rows]) == half
    return counted


def bounds(windows: tuple[int, ...], timings: Sequence[Timing]) -> Clock:
    """Ratios and lower bounds over one layer, or several taken together; best window each."""
    target = _apart([t.target for t in timings])
    observed = _aligned([t.observed for t in timings])
    event = _aligned([t.event for t in timings])
    expected = _aligned([t.pace for t in timings])
    later = _aligned([t.later for t in timings])
    habit = _aligned([t.habit for t in timings])
    company = np.concatenate([t.outsiders for t in timings]) >= COMPANY
    return Clock(
        _best(windows, observed, expected, target),
        _best(windows, observed, event, target),
        _best(windows, observed[:, company], event[:, company], target[company]),
        _best(windows, later, habit, target),
        sum(t.pairs for t in timings),
        tuple(int(x) for x in observed.sum(axis=1)),
        tuple(float(x) for x in expected.sum(axis=1)),
    )


def weaker(whole: Clock, crossed: Clock) -> Clock:
    """Of each ratio the one with the lower bound: what both say at least.

    What a half of the days found is not all of the group, and often its core: read where no search
    looked, but of others than those who are named. So it may take away and never add.
    """

    def least(one: Read, other: Read) -> Read:
        return min(one, other, key=lambda read: (read[1], read[0]))

    return replace(
        whole,
        pace=least(whole.pace, crossed.pace),
        event=least(whole.event, crossed.event),
        event_outsiders=least(whole.event_outsiders, crossed.event_outsiders),
        habit=least(whole.habit, crossed.habit),
    )


def lower_bound(observed: F64, expected: F64, target: I32) -> tuple[float, float]:
    """R = Σ observed / Σ expected, and R·e^{−2.9 se} from the delete-one-target jackknife.

    The bound is 0 with fewer than LEAST_TARGETS targets or LEAST_PAIRS pairs: too little to say.
    """
    names, index = np.unique(target, return_inverse=True)
    x = np.bincount(index, weights=observed, minlength=len(names))
    e = np.bincount(index, weights=expected, minlength=len(names))
    if x.sum() <= 0:
        return 0.0, 0.0
    ratio = float(x.sum() / max(e.sum(), 1e-9))
    n = len(names)
    if n < LEAST_TARGETS or x.sum() < LEAST_PAIRS:
        return ratio, 0.0
    without = np.log(np.maximum(x.sum() - x, 0.5) / np.maximum(e.sum() - e, 1e-9))
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    return ratio, float(ratio * np.exp(-DEVIATIONS * error))


def _best(
    windows: tuple[int, ...], observed: F64, expected: F64, target: I32
) -> tuple[float, float, int]:
    found = [
        (*lower_bound(x, e, target), w) for x, e, w in zip(observed, expected, windows, strict=True)
    ]
    # on a tie the shortest window: max keeps the first of equals
    return max(found, key=lambda f: (f[1], f[0]), default=(0.0, 0.0, 0))


def shared(timed: Timed, rows: I64) -> tuple[Index, I64, Index, I32]:
    """Objects with ≥ 2 members, the members' rows on them, each row's place, members each."""
    obj = timed.object[rows]
    key = obj.astype(np.int64) * (len(timed.account_starts) - 1) + timed.account[rows]
    once = np.unique(key) // (len(timed.account_starts) - 1)
    names, count = np.unique(once, return_counts=True)
    joint = names[count >= 2]
    keep = np.isin(obj, joint)
    place = np.searchsorted(joint, obj[keep])
    return joint, rows[keep], place, count[count >= 2].astype(np.int32)


def _table(
    data: ClockData, layer: str, members: I32, joint: Index, count: I32, *, stored: bool
) -> PaceTable:
    if stored:
        return pace.organic_table(data.windows)
    source = layer
    if layer in TEXTUAL:
        source = next((n for n in ("link", "repost") if n in data.pairs), "stored")
    dominated = joint[2 * count >= data.layers[layer].actors[joint]]
    return pace.outside_table(data, source, members, dominated, inside=layer)


def _own_category(data: ClockData, members: I32) -> NDArray[np.int16]:
    """Speed class and zone of each member, from objects that no other member acted on.

    Otherwise a plan that makes its members fast would pass as their nature.
    """
    total, acts = np.zeros(len(members)), np.zeros(len(members), np.int64)
    for name, timed in data.layers.items():
        if name in pace.AGELESS:
            continue
        rows = rows_of(timed, members)
        joint = shared(timed, rows)[0]
        alone = rows[~np.isin(timed.object[rows], joint) & ~np.isnan(timed.score[rows])]
        who = np.searchsorted(members, timed.account[alone])
        total += np.bincount(who, weights=timed.score[alone], minlength=len(members))
        acts += np.bincount(who, minlength=len(members))
    speed = total / (acts + pace.SHRINK_SPEED)
    return pace.categories(speed, data.zone[members], data.cuts)


def _crowd(timed: Timed, rows: I64, obj: Index, category: NDArray[np.int16], n: int) -> _Crowd:
    account = timed.account[rows]
    size = n * pace.CATEGORIES
    place = obj * pace.CATEGORIES + category[account]
    acts: F64 = np.bincount(place, minlength=size).astype(np.float64)
    squares: F64 = acts
    if timed.repeats:
        key, times = np.unique(obj * len(category) + account, return_counts=True)
        place = key // len(category) * pace.CATEGORIES + category[key % len(category)]
        weight = times.astype(np.float64) ** 2
        squares = np.bincount(place, weights=weight, minlength=size).astype(np.float64)
    shape = (n, pace.SPEEDS, 24)
    return _Crowd(acts.reshape(shape), squares.reshape(shape).sum(axis=2))


def _outsiders(timed: Timed, joint: Index, members: I32, category: NDArray[np.int16]) -> _Crowd:
    begin, length = timed.starts[joint], timed.starts[joint + 1] - timed.starts[joint]
    first = np.cumsum(length) - length
    obj = np.repeat(np.arange(len(joint)), length)
    rows = np.arange(int(length.sum())) + np.repeat(begin - first, length)
    member = np.zeros(len(category), bool)
    member[members] = True
    keep = ~member[timed.account[rows]]
    return _crowd(timed, rows[keep], obj[keep], category, len(joint))


def _meetings(left: _Crowd, right: _Crowd) -> F64:
    """(J, SPEEDS, SPEEDS, 2) pairs of different accounts' acts by speeds, far and near in zone.

    Inside one crowd the two speeds are ordered, so every pair is counted by halves.
    """
    around = right.acts + np.roll(right.acts, 1, axis=2) + np.roll(right.acts, -1, axis=2)
    close = left.acts @ around.transpose(0, 2, 1)
    every = left.acts.sum(axis=2)[:, :, None] * right.acts.sum(axis=2)[:, None, :]
    out = np.stack([every - close, close], axis=3)
    if left is right:
        speed = np.arange(pace.SPEEDS)
        out[:, speed, speed, 1] -= left.squares
        out /= 2
    return np.asarray(np.maximum(out, 0.0))


def _sum(meetings: F64, share: F64) -> F64:
    """(J,) Σ share over the pairs."""
    total: F64 = (meetings * share).sum(axis=(1, 2, 3))
    return total


def _apart(targets: Sequence[I32]) -> I32:
    """Targets of several layers in one numbering, none shared between layers."""
    shift, parts = 0, []
    for target in targets:
        parts.append(target + shift)
        shift += int(target.max(initial=-1)) + 1
    return np.concatenate(parts)


def _aligned(parts: Sequence[I64] | Sequence[F64]) -> F64:
    return np.concatenate(parts, axis=1).astype(np.float64)
