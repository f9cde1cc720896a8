"""Order actions on the device and find, for each, the others on its object within a window.

Windows are looked up on a *clock*: the running sum of the gaps between neighbouring actions, each
cut at a little more than the widest window, which any step to another object counts as. So one
sorted column of 64-bit integers holds every object, and no window reaches across two. Where even
that sum would not fit (windows of thousands of years), each window is bisected within its object.
The room does not know pairs of accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from klieg.engine.compiled import column
from klieg.engine.gpu_device import Place, roomy
from klieg.engine.windows import MAX_TIME, checked, window_list
from klieg.errors import EngineError

if TYPE_CHECKING:
    from klieg.tables import I64

__all__ = [
    "Line",
    "bisect",
    "line",
    "occupancy",
    "pair_totals",
    "reach",
    "times",
    "within",
]

CLOCK_LIMIT = 2.0**62
"""A clock that ran beyond this could not be moved by a window without leaving 64 bits."""


@dataclass(frozen=True, slots=True)
class Line:
    """Rows group by group, each group's in time order: what windows are looked up in."""

    group: Tensor  # (n,) ascending
    time: Tensor  # (n,) int64
    clock: Tensor | None  # (n,) int64; None where it would not fit
    longest: int  # microseconds: no two rows of a group are further apart


def times(time: object, length: int) -> I64:
    """Times as the engine takes them; EngineError for one outside ± 2**62 microseconds."""
    stamps = column(time, np.int64, "time", length)
    if length and (stamps.min() <= -MAX_TIME or stamps.max() >= MAX_TIME):
        raise EngineError("times must lie within ± 2**62 microseconds")
    return stamps


def by_group(group: Tensor, time: Tensor) -> Tensor:
    """(n,) the rows in (group, time) order; rows alike in both keep their order."""
    if bool((time[1:] >= time[:-1]).all()):
        return torch.sort(group, stable=True).indices
    order = torch.sort(time, stable=True).indices
    return order[torch.sort(group[order], stable=True).indices]


def fresh(*columns: Tensor) -> Tensor:
    """(n,) whether a row differs from the one before it in any column; the first one does."""
    change = torch.ones_like(columns[0], dtype=torch.bool)
    if len(change) > 1:
        change[1:] = columns[0][1:] != columns[0][:-1]
        for more in columns[1:]:
            change[1:] |= more[1:] != more[:-1]
    return change


def line(group: Tensor, time: Tensor, widest: int) -> Line:
    """The line of rows in (group, time) order, for windows up to ``widest`` microseconds."""
    if len(time) == 0:
        return Line(group, time, time, 0)
    start = fresh(group)
    heads = torch.nonzero(start).squeeze(1)
    tails = torch.cat((heads[1:], heads.new_tensor([len(time)]))) - 1
    longest = int((time[tails] - time[heads]).max())
    far = min(widest, longest) + 1
    gap = torch.zeros_like(time)
    gap[1:] = torch.where(start[1:], far, (time[1:] - time[:-1]).clamp(max=far))
    # the sum in doubles may be off by a part in 10^7, never by a factor of two
    clock = None if _sum(gap) > CLOCK_LIMIT / 2 else torch.cumsum(gap, 0)
    return Line(group, time, clock, longest)


def _sum(gap: Tensor) -> float:
    # halves of 31 bits sum exactly in 64, also on devices without doubles
    high = int((gap >> 31).sum())
    return float(high) * 2.0**31 + float(int((gap & (2**31 - 1)).sum()))


def within(rows: Line, window: int | Tensor) -> tuple[Tensor, Tensor]:
    """[lo, hi) (n,) int64 of the rows of each one's group with ``|t1 − t2| ≤ window``.

    ``window`` in microseconds, one for all or one a row; a negative one reaches nobody (lo = hi).
    """
    if isinstance(window, Tensor):
        width = window.clamp(max=rows.longest)
    else:
        width = torch.full_like(rows.time, min(window, rows.longest))
    if rows.clock is not None:
        lo = torch.searchsorted(rows.clock, rows.clock - width)
        hi = torch.searchsorted(rows.clock, rows.clock + width, right=True)
    else:
        start, stop = reach(rows.group)
        lo = bisect(rows.time, start, stop, rows.time - width)
        hi = bisect(rows.time, start, stop, rows.time + width, right=True)
    return lo, torch.where(width < 0, lo, hi)


def reach(group: Tensor) -> tuple[Tensor, Tensor]:
    """[start, stop) (n,) int64 of each row's group."""
    heads = torch.nonzero(fresh(group)).squeeze(1)
    sizes = torch.diff(heads, append=heads.new_tensor([len(group)]))
    start = torch.repeat_interleave(heads, sizes)
    return start, start + torch.repeat_interleave(sizes, sizes)


def bisect(
    values: Tensor, lo: Tensor, hi: Tensor, wanted: Tensor, *, right: bool = False
) -> Tensor:
    """First place in [lo, hi) of ascending values that is ≥ ``wanted`` (``right``: > it), or hi."""
    longest = int((hi - lo).max()) if len(lo) else 0
    for _ in range(longest.bit_length()):
        middle = (lo + hi) >> 1
        seen = values[middle.clamp(max=len(values) - 1)]
        later = ((seen <= wanted) if right else (seen < wanted)) & (lo < hi)
        lo, hi = torch.where(later, middle + 1, lo), torch.where(later, hi, middle)
    return lo


@roomy
def occupancy(at: Place, object: object, time: object, windows: object) -> NDArray[np.int32]:  # noqa: A002
    """(n, W) other actions on the same object within each window, in the order given."""
    ladder = window_list(windows)
    objects = checked(object, "object")
    group, stamps = at.tensor(objects), at.tensor(times(time, len(objects)))
    order = by_group(group, stamps)
    counts = crowd(line(group[order], stamps[order], int(ladder[-1])), ladder)
    placed = torch.empty_like(counts)
    placed[order] = counts
    return placed.cpu().numpy()


def crowd(rows: Line, windows: I64) -> Tensor:
    """(n, W) int32 other rows of the same group within each window."""
    counts = rows.time.new_empty((len(rows.time), len(windows)), dtype=torch.int32)
    for w, window in enumerate(windows.tolist()):
        lo, hi = within(rows, window)
        counts[:, w] = hi - lo - 1
    return counts


@roomy
def pair_totals(
    at: Place,
    account: object,
    object: object,  # noqa: A002
    time: object,
    n_objects: int,
    windows: object,
    cap: int | None,
) -> I64:
    """(n_objects, W) unordered pairs of actions of different accounts within each window.

    All pairs of an object less those of an account with itself; both are sums over rows of how
    many kept rows come before each within the window, so no pair is made.
    """
    ladder = window_list(windows)
    objects = checked(object, "object", n_objects)
    accounts = checked(account, "account", length=len(objects))
    group, who = at.tensor(objects), at.tensor(accounts)
    stamps = at.tensor(times(time, len(objects)))
    order = by_group(group, stamps)
    group, who, stamps = group[order], who[order], stamps[order]
    rows = line(group, stamps, int(ladder[-1]))
    keep = None if cap is None else crowd(rows, ladder) <= cap
    by_account = torch.sort(who, stable=True).indices
    own = by_account[torch.sort(group[by_account], stable=True).indices]
    same = torch.cumsum(fresh(group[own], who[own]), 0)
    mine = line(same, stamps[own], int(ladder[-1]))
    bounds = torch.searchsorted(group, torch.arange(n_objects + 1, device=group.device).int())
    totals = np.empty((n_objects, len(ladder)), np.int64)
    for w, window in enumerate(ladder.tolist()):
        kept = torch.ones_like(group, dtype=torch.bool) if keep is None else keep[:, w]
        every = _before(rows, window, kept) - _before(mine, window, kept[own])
        totals[:, w] = _between(every, bounds).cpu().numpy()
    return totals


def _before(rows: Line, window: int, keep: Tensor) -> Tensor:
    """(n,) kept rows before each kept one within the window; 0 for the others."""
    so_far = running(keep)
    lo, _ = within(rows, window)
    return (so_far[:-1] - so_far[lo]) * keep


def running(values: Tensor) -> Tensor:
    """(n + 1,) int64 sums of the first 0 … n values."""
    total = values.new_zeros(len(values) + 1, dtype=torch.int64)
    torch.cumsum(values, 0, dtype=torch.int64, out=total[1:])
    return total


def _between(values: Tensor, bounds: Tensor) -> Tensor:
    """Sums of ``values[bounds[k]:bounds[k + 1]]``."""
    return torch.diff(running(values)[bounds])
