"""Second and third nulls: accounts awake at the same hours, or equally fast, meet without a plan.

Slots are told apart by a cell: the three hours of the day and weekday or weekend in which they lie,
or the age of their object. ``λ' = Σ_{c,d,d'} n_a^{cd} n_b^{cd'} S_c^{dd'} / (E_cd E_cd')`` stands
beside the same without cells; the larger of the two ratios, never below 1, raises what chance
expects of a pair. The room knows nothing of thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.columns import tally_by
from klieg.detect.interest import DAY, week_start
from klieg.engine.compiled import column, compiled
from klieg.engine.windows import by_object
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, U8, Actions, Strata

__all__ = ["AGES", "Cells", "measure", "raised"]

BLOCK = DAY // 8
AGES = (60, 600, 3600, 21600, 86400)
"""Seconds since an object's first act at which a slot becomes one of the next class."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How the pairs of a layer lie over one kind of cell."""

    n: int  # cells a stratum
    of: U8  # (n,) cell of each action
    home: I32  # (n_objects,) stratum of each object
    fill: F64  # (C, W, n, n) S_c^{dd'} / (E_cd E_cd')
    flat: F64  # (C, W) S_c / E_c²


def measure(actions: Actions, strata: Strata, windows: I64) -> tuple[Cells, ...]:
    """Count the pairs of each stratum and window by the cells of both acts: hours, then ages."""
    if not actions.n:
        return ()
    time = column(actions.time, np.int64, "time")
    object_ = column(actions.object, np.int32, "object")
    order = by_object(object_, time, actions.n_objects)
    objects, times = object_[order], time[order]
    first = np.zeros(actions.n_objects, np.int64)
    begin = np.flatnonzero(np.r_[True, objects[1:] != objects[:-1]])
    first[objects[begin]] = times[begin]
    hours = _hours(time, week_start(int(time.min())))
    ages = _ages(object_, time, first, np.array(AGES) * SECOND)
    home = column(strata.object_stratum, np.int32, "object_stratum")
    told = []
    for cell, n in ((hours, 16), (ages, len(AGES) + 1)):
        size = np.zeros((strata.size, n))
        _fill(object_, cell, home, size)
        pairs = np.zeros((strata.size, len(windows), n, n))
        _count(objects, times, cell[order], home, windows, pairs)
        told.append(_cells(cell, home, size, pairs))
    return tuple(told)


def raised(
    actions: Actions, kinds: tuple[Cells, ...], n_windows: int, left: I32, right: I32
) -> F64:
    """(p, W) factor ≥ 1 by which the pair's hours or haste raise what chance expects."""
    factor = np.ones((len(left), n_windows))
    if not len(left):
        return factor
    who, place = np.unique(np.concatenate((left, right)), return_inverse=True)
    number = np.full(actions.n_accounts, -1, np.int32)
    number[who] = np.arange(len(who))
    rows = np.flatnonzero(number[actions.account] >= 0)
    actor = number[actions.account[rows]]
    for cells in kinds:
        of = cells.home[actions.object[rows]] * np.int32(cells.n) + cells.of[rows]
        ratio = _ratio(cells, actor, of, place[: len(left)], place[len(left) :])
        factor = np.maximum(factor, ratio)
    return factor


def _ratio(cells: Cells, who: I32, of: I32, a: I64, b: I64) -> F64:
    """(p, W) λ' over the same without cells; ``who`` did an act in the cell ``of`` (rows,)."""
    told, blind = np.zeros((2, len(a), cells.flat.shape[1]))
    n_who = int(max(a.max(), b.max())) + 1
    held = tally_by(who, of, n_who, len(cells.flat) * cells.n)
    _weigh(a, b, *held, cells.fill, cells.flat, told, blind)
    return np.divide(told, blind, out=np.ones_like(told), where=blind > 0)


@compiled
def _weigh(
    a: I64,
    b: I64,
    starts: I64,
    slot: I32,
    times: I64,
    fill: F64,
    flat: F64,
    told: F64,
    blind: F64,
) -> None:
    """Add to (p, W) what cells expect of each pair, and what the strata alone do.

    Account a's acts lie in the cells ``slot[starts[a]:starts[a + 1]]``, ascending, ``times`` each.
    Pair by pair: a product of matrices would round a pair by what others stand beside it.
    """
    n = fill.shape[2]
    for p in range(len(a)):
        i, i_end = starts[a[p]], starts[a[p] + 1]
        j, j_end = starts[b[p]], starts[b[p] + 1]
        while i < i_end and j < j_end:
            c = slot[i] // n
            if slot[j] // n != c:
                if c < slot[j] // n:
                    i += 1
                else:
                    j += 1
                continue
            i_stop, j_stop, mine, other = i, j, 0, 0
            while i_stop < i_end and slot[i_stop] // n == c:
                mine += times[i_stop]
                i_stop += 1
            while j_stop < j_end and slot[j_stop] // n == c:
                other += times[j_stop]
                j_stop += 1
            for w in range(flat.shape[1]):
                for x in range(i, i_stop):
                    for y in range(j, j_stop):
                        rate = fill[c, w, slot[x] % n, slot[y] % n]
                        told[p, w] += times[x] * times[y] * rate
                blind[p, w] += mine * other * flat[c, w]
            i, j = i_stop, j_stop


@compiled
def _hours(time: I64, origin: int) -> U8:
    """(n,) weekday blocks 0–7, weekend blocks 8–15, from the start of the first act's week."""
    cells = np.empty(len(time), np.uint8)
    for i in range(len(time)):
        block = (time[i] - origin) // BLOCK
        cells[i] = block % 8 + 8 * (block // 8 % 7 >= 5)
    return cells


@compiled
def _ages(object: I32, time: I64, first: I64, ages: I64) -> U8:  # noqa: A002
    """(n,) class of each slot by the time since its object's ``first`` act."""
    cells = np.zeros(len(time), np.uint8)
    for i in range(len(time)):
        age = time[i] - first[object[i]]
        for k in range(len(ages)):
            cells[i] += age >= ages[k]
    return cells


@compiled
def _fill(object: I32, cell: U8, home: I32, size: F64) -> None:  # noqa: A002
    """Add to (C, n) the acts of each stratum by their cell."""
    for i in range(len(object)):
        size[home[object[i]], cell[i]] += 1.0


def _cells(cell: U8, home: I32, size: F64, pairs: F64) -> Cells:
    pairs += pairs.transpose(0, 1, 3, 2)
    room = (size[:, :, None] * size[:, None, :])[:, None]
    return Cells(
        size.shape[1],
        cell,
        home,
        np.divide(pairs, room, out=np.zeros_like(pairs), where=room > 0),
        pairs.sum(axis=(2, 3)) / np.maximum(size.sum(axis=1) ** 2, 1.0)[:, None],
    )


@compiled
def _count(
    object: I32,  # noqa: A002
    time: I64,
    of: U8,
    home: I32,
    windows: I64,
    pairs: F64,
) -> None:
    """Add to (C, W, n, n) the pairs of acts on one object, in (object, time) order.

    An account's own repeats are counted too: there are next to none within a day. The later act's
    cell is the row.
    """
    n = pairs.shape[2]
    for w in range(len(windows)):
        held = np.zeros(n)  # acts on this object within the window, by cell
        lo = 0
        for i in range(len(time)):
            if i > 0 and object[i] != object[i - 1]:
                held[:] = 0.0
                lo = i
            while time[i] - time[lo] > windows[w]:
                held[of[lo]] -= 1.0
                lo += 1
            c, d = home[object[i]], of[i]
            for before in range(n):
                pairs[c, w, d, before] += held[before]
            held[d] += 1.0
