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

from klieg.detect.interest import DAY, week_start
from klieg.engine.compiled import compiled
from klieg.engine.windows import sort_actions
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, Actions, Strata

__all__ = ["AGES", "Cells", "measure", "raised"]

BLOCK = DAY // 8
AGES = (60, 600, 3600, 21600, 86400)
"""Seconds since an object's first act at which a slot becomes one of the next class."""


@dataclass(frozen=True, slots=True)
class Cells:
    """How the pairs of a layer lie over one kind of cell."""

    n: int  # cells a stratum
    of: I32  # (n,) stratum · cells + cell of each action
    fill: F64  # (C, W, n, n) S_c^{dd'} / (E_cd E_cd')
    flat: F64  # (C, W) S_c / E_c²


def measure(actions: Actions, strata: Strata, windows: I64) -> tuple[Cells, ...]:
    """Count the pairs of each stratum and window by the cells of both acts: hours, then ages."""
    if not actions.n:
        return ()
    order = sort_actions(actions.account, actions.object, actions.time).row
    kinds = (_hours(actions), 16), (_ages(actions, order), len(AGES) + 1)
    return tuple(_measure(actions, strata, windows, order, cell, n) for cell, n in kinds)


def raised(
    actions: Actions, kinds: tuple[Cells, ...], n_windows: int, left: I32, right: I32
) -> F64:
    """(p, W) factor ≥ 1 by which the pair's hours or haste raise what chance expects."""
    factor = np.ones((len(left), n_windows))
    if not len(left):
        return factor
    who, place = np.unique(np.concatenate((left, right)), return_inverse=True)
    number = np.full(actions.n_accounts, -1, np.int64)
    number[who] = np.arange(len(who))
    rows = np.flatnonzero(number[actions.account] >= 0)
    actor = number[actions.account[rows]]
    for cells in kinds:
        ratio = _ratio(cells, actor, cells.of[rows], place[: len(left)], place[len(left) :])
        factor = np.maximum(factor, ratio)
    return factor


def _ratio(cells: Cells, who: I64, of: I32, a: I64, b: I64) -> F64:
    """(p, W) λ' over the same without cells; ``who`` did an act in the cell ``of`` (rows,)."""
    told, blind = np.zeros((2, len(a), cells.flat.shape[1]))
    order = np.argsort(of, kind="stable")
    bounds = np.searchsorted(of[order], np.arange(len(cells.flat) + 1) * cells.n)
    n_who = int(max(a.max(), b.max())) + 1
    for c in np.flatnonzero(cells.flat.any(axis=1)):
        rows = order[bounds[c] : bounds[c + 1]]
        slot = who[rows] * cells.n + of[rows] - c * cells.n
        own = np.bincount(slot, minlength=n_who * cells.n).reshape(n_who, -1).astype(np.float64)
        total = own.sum(axis=1)
        both = np.flatnonzero(total[a] * total[b] > 0)
        x, y = own[a[both]], own[b[both]]
        for w in range(told.shape[1]):
            told[both, w] += np.einsum("ij,ij->i", x @ cells.fill[c, w], y)
            blind[both, w] += total[a[both]] * total[b[both]] * cells.flat[c, w]
    return np.divide(told, blind, out=np.ones_like(told), where=blind > 0)


def _hours(actions: Actions) -> I64:
    """(n,) weekday blocks 0–7, weekend blocks 8–15, from the start of the first act's week."""
    block = (actions.time - week_start(int(actions.time.min()))) // BLOCK
    cells: I64 = block % 8 + 8 * (block // 8 % 7 >= 5)
    return cells


def _ages(actions: Actions, order: I64) -> I64:
    """(n,) class of each slot by the time since its object's first act."""
    first = np.zeros(actions.n_objects, np.int64)
    first[actions.object[order[::-1]]] = actions.time[order[::-1]]
    age = actions.time - first[actions.object]
    return np.searchsorted(np.array(AGES) * SECOND, age, side="right")


def _measure(
    actions: Actions, strata: Strata, windows: I64, order: I64, cell: I64, n: int
) -> Cells:
    of = (strata.object_stratum[actions.object] * np.int32(n) + cell).astype(np.int32)
    size = np.bincount(of, minlength=strata.size * n).reshape(-1, n).astype(np.float64)
    pairs = np.zeros((strata.size, len(windows), n, n))
    _count(actions.object[order], actions.time[order], of[order], windows, pairs)
    pairs += pairs.transpose(0, 1, 3, 2)
    room = (size[:, :, None] * size[:, None, :])[:, None]
    return Cells(
        n,
        of,
        np.divide(pairs, room, out=np.zeros_like(pairs), where=room > 0),
        pairs.sum(axis=(2, 3)) / np.maximum(size.sum(axis=1) ** 2, 1.0)[:, None],
    )


@compiled
def _count(object: I32, time: I64, of: I32, windows: I64, pairs: F64) -> None:  # noqa: A002
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
                held[of[lo] % n] -= 1.0
                lo += 1
            c, d = of[i] // n, of[i] % n
            for before in range(n):
                pairs[c, w, d, before] += held[before]
            held[d] += 1.0
