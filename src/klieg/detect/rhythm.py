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
    from collections.abc import Iterator

    from klieg.tables import F64, I32, I64, U8, Actions, Strata

__all__ = [
    "AGES",
    "Cells",
    "LaidOut",
    "ages",
    "lay_out",
    "measure",
    "pairs_by_cell",
    "raised",
    "sizes",
    "sums",
]

BLOCK = DAY // 8
AGES = (60, 600, 3600, 21600, 86400)
"""Seconds since an object's first act at which a slot becomes one of the next class."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How the pairs of a layer lie over one kind of cell."""

    n: int  # cells a stratum
    of: U8  # (n,) cell of each action
    home: I32  # (n_objects,) stratum of each object; −1: its actions are not looked at
    fill: F64  # (C, W, n, n) S_c^{dd'} / (E_cd E_cd')
    flat: F64  # (C, W) S_c / E_c²


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Slots in (object, time) order."""

    row: I64  # (n,) where each stood in the layer
    object: I32  # (n,)
    time: I64  # (n,)
    first: I64  # (n_objects,) microseconds of the first act on each object


def lay_out(actions: Actions) -> LaidOut:
    """A layer's slots object by object."""
    time = column(actions.time, np.int64, "time")
    object_ = column(actions.object, np.int32, "object")
    order = by_object(object_, time, actions.n_objects)
    objects, times = object_[order], time[order]
    first = np.zeros(actions.n_objects, np.int64)
    begin = np.flatnonzero(np.r_[True, objects[1:] != objects[:-1]]) if len(order) else order
    first[objects[begin]] = times[begin]
    return LaidOut(order, objects, times, first)


def measure(actions: Actions, strata: Strata, windows: I64) -> tuple[Cells, ...]:
    """Count the pairs of each stratum and window by the cells of both acts: hours, then ages."""
    if not actions.n:
        return ()
    slots = lay_out(actions)
    time = column(actions.time, np.int64, "time")
    object_ = column(actions.object, np.int32, "object")
    hours = _hours(time, week_start(int(time.min())))
    old = ages(object_, time, slots.first)
    home = column(strata.object_stratum, np.int32, "object_stratum")
    told = []
    for cell, n in ((hours, 16), (old, len(AGES) + 1)):
        size = sizes(object_, cell, home, strata.size, n)
        pairs = pairs_by_cell(
            slots.object, slots.time, cell[slots.row], home, strata.size, n, windows
        )
        told.append(_cells(cell, home, size, pairs))
    return tuple(told)


def ages(object: I32, time: I64, first: I64) -> U8:  # noqa: A002
    """(n,) class of each slot by the time since its object's ``first`` act."""
    return _ages(object, time, first, np.array(AGES) * SECOND)


def sizes(object: I32, cell: U8, home: I32, n_strata: int, n: int) -> F64:  # noqa: A002
    """(C, n) acts of each stratum by their cell."""
    size = np.zeros((n_strata, n))
    _fill(object, cell, home, size)
    return size


def pairs_by_cell(
    object: I32,  # noqa: A002
    time: I64,
    cell: U8,
    home: I32,
    n_strata: int,
    n: int,
    windows: I64,
) -> F64:
    """(C, W, n, n) ordered pairs of acts on one object within each window, by both cells.

    Rows in (object, time) order. An account's own repeats are counted too: there are next to none
    within a day.
    """
    pairs = np.zeros((n_strata, len(windows), n, n))
    _count(object, time, cell, home, windows, pairs)
    pairs += pairs.transpose(0, 1, 3, 2)
    return pairs


def raised(
    actions: Actions, kinds: tuple[Cells, ...], n_windows: int, left: I32, right: I32
) -> F64:
    """(p, W) factor ≥ 1 by which the pair's hours or haste raise what chance expects."""
    factor = np.ones((len(left), n_windows))
    for told, blind in sums(actions, kinds, left, right):
        ratio = np.divide(told, blind, out=np.ones_like(told), where=blind > 0)
        factor = np.maximum(factor, ratio)
    return factor


def sums(
    actions: Actions, kinds: tuple[Cells, ...], left: I32, right: I32
) -> Iterator[tuple[F64, F64]]:
    """Of each kind (p, W) twice: what its cells expect of each pair, and what strata alone do."""
    if not len(left) or not kinds:
        return
    who, place = np.unique(np.concatenate((left, right)), return_inverse=True)
    number = np.full(actions.n_accounts, -1, np.int32)
    number[who] = np.arange(len(who))
    rows = np.flatnonzero(number[actions.account] >= 0)
    actor, on = number[actions.account[rows]], actions.object[rows]
    a, b = place[: len(left)], place[len(left) :]
    for cells in kinds:
        home = cells.home[on]
        at = np.flatnonzero(home >= 0)
        of = home[at] * np.int32(cells.n) + cells.of[rows[at]]
        held = tally_by(actor[at], of, len(who), len(cells.flat) * cells.n)
        told, blind = np.zeros((2, len(a), cells.flat.shape[1]))
        _weigh(a, b, *held, cells.fill, cells.flat, told, blind)
        yield told, blind


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
    """Add to (C, W, n, n) the pairs of acts on one object; the later act's cell is the row."""
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
