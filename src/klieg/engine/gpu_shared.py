"""Fold co-actions into what pairs share, and pairs into counts: sort, then reduce runs of equals.

A record is one pair on one object: the rungs (windows of the ladder) in which they met on it as
bits, and the earliest and latest time of a meeting. Everything is an integer and every sort is
stable, so the same records come out whatever the device and however the work was cut. The room
does not know where co-actions come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from klieg.engine.gpu_order import fresh, running

__all__ = ["Shared", "Tally", "folded", "merged", "rung_masks", "rungs", "tallied"]


@dataclass(frozen=True, slots=True)
class Shared:
    """What pairs shared, record by record."""

    pair: Tensor  # (m,) int32 or int64 key of the pair
    object: Tensor  # (m,) int32
    rungs: Tensor  # (m,) int32: bit w is set if they met on it in rung w
    early: Tensor  # (m,) int64
    late: Tensor  # (m,) int64

    def rows(self, keep: Tensor) -> Shared:
        return Shared(*(getattr(self, f.name).index_select(0, keep) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Tally:
    """Pairs and their counts, in the order of their keys."""

    pair: Tensor  # (p,)
    n: Tensor  # (p, W) int32
    capped: Tensor  # (p, W) int32
    first: Tensor  # (p,) int64
    last: Tensor  # (p,) int64


def rungs(delay: Tensor, windows: Tensor) -> Tensor:
    """(m,) int32 the first window of the ladder that holds each delay; none is over the last."""
    # a compare a rung: a binary search over a few rungs branches, and costs ten times as much
    rung = torch.zeros_like(delay, dtype=torch.int32)
    for window in windows[:-1]:
        rung += delay > window
    return rung


def rung_masks(first: Tensor, top: Tensor | int) -> Tensor:
    """(m,) int32 with the bits ``first … top`` set; ``top`` ≤ 30."""
    low = ((1 << torch.arange(32, device=first.device)) - 1).int()
    above = low[top + 1] if isinstance(top, int) else low.index_select(0, top + 1)
    return above - low.index_select(0, first)


def folded(parts: Sequence[Shared]) -> Shared:
    """One record a pair and object, in (pair, object) order.

    Within each pair the objects must ascend through the parts as they are given.
    """
    every = Shared(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Shared)))
    return merged(every.rows(torch.sort(every.pair, stable=True).indices))


def merged(shared: Shared) -> Shared:
    """Records in (pair, object) order, those alike in both made one."""
    heads = _heads(fresh(shared.pair, shared.object))
    if len(heads) == len(shared.pair):
        return shared
    joins = (torch.bitwise_or, torch.minimum, torch.maximum)
    reduced = _over_runs((shared.rungs, shared.early, shared.late), joins, heads)
    return Shared(
        shared.pair.index_select(0, heads), shared.object.index_select(0, heads), *reduced
    )


def tallied(shared: Shared, aims: Tensor, width: int, min_n: int) -> Tally:
    """Counts of each pair that reaches ``min_n`` in some rung; ``aims`` is each object's target.

    Records in (pair, object) order, one a pair and object; within a pair targets ascend too.
    """
    heads = _heads(fresh(shared.pair))
    bounds = _bounds(heads, len(shared.pair))
    n = _bit_sums(shared.rungs, bounds, width)
    by_aim = fresh(shared.pair, aims.index_select(0, shared.object))
    [met] = _over_runs((shared.rungs,), (torch.bitwise_or,), _heads(by_aim))
    capped = _bit_sums(met, running(by_aim).index_select(0, bounds), width)
    joins = (torch.minimum, torch.maximum)
    first, last = _over_runs((shared.early, shared.late), joins, heads)
    enough = _heads(n.amax(1) >= min_n)
    columns = (shared.pair.index_select(0, heads), n, capped, first, last)
    return Tally(*(c.index_select(0, enough) for c in columns))


def _heads(start: Tensor) -> Tensor:
    return torch.nonzero(start).squeeze(1)


def _bounds(heads: Tensor, n: int) -> Tensor:
    return torch.cat((heads, heads.new_tensor([n])))


def _over_runs(
    values: Sequence[Tensor], joins: Sequence[Callable[[Tensor, Tensor], Tensor]], heads: Tensor
) -> list[Tensor]:
    """``join`` of each column over the runs of rows that start at ``heads``; the first at 0.

    Runs of one row, which most are, are only copied. The others double what each row has joined
    until the longest is done (Hillis and Steele 1986); ``join`` must not mind a value counted
    twice: or, minimum, maximum.
    """
    out = [v.index_select(0, heads) for v in values]
    sizes = torch.diff(_bounds(heads, len(values[0])))
    many = _heads(sizes > 1)
    if not len(many):
        return out
    size = sizes.index_select(0, many)
    first = torch.cumsum(size, 0) - size
    run = torch.repeat_interleave(size)
    place = torch.arange(len(run), device=run.device)
    rows = place + (heads.index_select(0, many) - first).index_select(0, run)
    columns = [v.index_select(0, rows) for v in values]
    step, longest = 1, int(size.max())
    while step < longest:
        same = run[step:] == run[:-step]
        for k, join in enumerate(joins):
            old = columns[k]
            columns[k] = old.clone()
            columns[k][:-step] = torch.where(same, join(old[:-step], old[step:]), old[:-step])
        step *= 2
    for k, column in enumerate(columns):
        out[k][many] = column.index_select(0, first)
    return out


def _bit_sums(masks: Tensor, bounds: Tensor, width: int) -> Tensor:
    """(p, W) how many masks of each pair have each bit."""
    sums = masks.new_empty((len(bounds) - 1, width))
    for w in range(width):
        sums[:, w] = torch.diff(running(masks >> w & 1).index_select(0, bounds))
    return sums
