"""Score given pairs exactly on the device: each action of the quieter account finds its nearest.

A pair costs its quieter account's actions, looked up among the busier one's on the same object;
only the nearest, the earliest and the latest within the widest window are read, so an account that
acted on one object a million times costs no more. Chunks are ranges of pairs. The room does not
know who proposed the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from klieg.engine.gpu_device import Place, roomy
from klieg.engine.gpu_order import bisect, fresh
from klieg.engine.gpu_pairs import Ordered, by_target
from klieg.engine.gpu_shared import Shared, merged, rung_masks, rungs, tallied
from klieg.engine.windows import checked, window_list
from klieg.errors import EngineError
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.tables import I64

__all__ = ["rescore_pairs"]


@dataclass(frozen=True, slots=True)
class _Index:
    """Actions account by account, each account's in (target, object, time) order."""

    object: Tensor  # (n,) int32
    time: Tensor  # (n,) int64
    starts: Tensor  # (n_accounts + 1,) int64
    groups: Tensor  # (g,) int64 ascending: account · n_objects + object
    bounds: Tensor  # (g + 1,) int64 where each group's rows start
    n_objects: int


@roomy
def rescore_pairs(
    at: Place,
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: object,
    left: object,
    right: object,
) -> Edges:
    """Exact counts of the given pairs (sorted, left < right), no cap; zeros if they never met."""
    ladder = window_list(windows)
    a = checked(left, "left", n_accounts)
    b = checked(right, "right", n_accounts, len(a))
    if (a >= b).any():
        raise EngineError("every pair must have left < right")
    actions = by_target(at, account, object, time, target, n_accounts, ladder)
    index = _indexed(at, actions, n_accounts)
    n = np.zeros((len(a), len(ladder)), np.uint32)
    capped, first, last = np.zeros_like(n), np.zeros(len(a), np.int64), np.zeros(len(a), np.int64)
    size = np.diff(index.starts.cpu().numpy())
    swap = size[a] < size[b]
    busier, other = np.where(swap, b, a), np.where(swap, a, b)
    widths = at.tensor(ladder)
    for begin, end in _ranges(size[other], at.scannable(len(ladder))):
        near = at.tensor(busier[begin:end]), at.tensor(other[begin:end])
        shared = _nearest(index, *near, widths)
        tally = tallied(shared, actions.aims, len(ladder), 0)
        rows = begin + tally.pair.cpu().numpy()
        n[rows], capped[rows] = tally.n.cpu().numpy(), tally.capped.cpu().numpy()
        first[rows], last[rows] = tally.first.cpu().numpy(), tally.last.cpu().numpy()
    return Edges(a, b, n, capped, first, last)


def _ranges(mass: I64, capacity: int) -> list[tuple[int, int]]:
    """Ranges of pairs whose quieter accounts hold ``capacity`` actions at most, or one pair."""
    total = np.concatenate(([0], np.cumsum(mass + 1)))
    ranges, first = [], 0
    while first < len(mass):
        stop = int(np.searchsorted(total, total[first] + capacity, side="right")) - 1
        ranges.append((first, max(first + 1, stop)))
        first = ranges[-1][1]
    return ranges


def _indexed(at: Place, actions: Ordered, n_accounts: int) -> _Index:
    order = torch.sort(actions.account, stable=True).indices
    account, group = actions.account[order], actions.rows.group[order]
    n_objects = max(len(actions.aims), 1)
    heads = torch.nonzero(fresh(account, group)).squeeze(1)
    return _Index(
        group,
        actions.rows.time[order],
        torch.searchsorted(account, at.arange(n_accounts + 1).int()),
        account[heads].long() * n_objects + group[heads],
        torch.cat((heads, heads.new_tensor([len(account)]))),
        n_objects,
    )


def _nearest(index: _Index, busier: Tensor, other: Tensor, windows: Tensor) -> Shared:
    """Records of pairs 0, 1, …: each object that both acted on within the widest window."""
    size = index.starts[other + 1] - index.starts[other]
    pair = torch.repeat_interleave(size)
    before = torch.cumsum(size, 0) - size
    own = index.starts[other][pair] + torch.arange(len(pair), device=pair.device) - before[pair]
    key = busier[pair].long() * index.n_objects + index.object[own]
    place = torch.searchsorted(index.groups, key)
    met = index.groups[place.clamp(max=max(len(index.groups) - 1, 0))] == key
    pair, own, place = pair[met], own[met], place[met]
    lo, hi = index.bounds[place], index.bounds[place + 1]
    moment, wide = index.time[own], int(windows[-1])
    # the neighbours before and after; where there is none, the other stands in for it
    after = bisect(index.time, lo, hi, moment)
    delay = torch.minimum(
        (moment - index.time[torch.where(after > lo, after - 1, lo)]).abs(),
        (moment - index.time[torch.where(after < hi, after, hi - 1)]).abs(),
    )
    near = delay <= wide
    pair, own, moment, delay = pair[near], own[near], moment[near], delay[near]
    lo, hi = lo[near], hi[near]
    begin = bisect(index.time, lo, hi, moment - wide)
    end = bisect(index.time, lo, hi, moment + wide, right=True)
    return merged(
        Shared(
            pair,
            index.object[own],
            rung_masks(rungs(delay, windows), len(windows) - 1),
            torch.minimum(moment, index.time[begin]),
            torch.maximum(moment, index.time[end - 1]),
        )
    )
