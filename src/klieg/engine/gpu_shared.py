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

__all__ = ["Shared", "Tally", "folded", "merged", "rung_masks", "tallied"]


@dataclass(frozen=True, slots=True)
class Shared:
    """What pairs shared, record by record."""

    pair: Tensor  # (m,) int32 or int64 key of the pair
    object: Tensor  # (m,) int32
    rungs: Tensor  # (m,) int32: bit w is set if they met on it in rung w
    early: Tensor  # (m,) int64
    late: Tensor  # (m,) int64

    def rows(self, keep: Tensor) -> Shared:
        return Shared(*(getattr(self, f.name)[keep] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Tally:
    """Pairs and their counts, in the order of their keys."""

    pair: Tensor  # (p,)
    n: Tensor  # (p, W) int32
    capped: Tensor  # (p, W) int32
    first: Tensor  # (p,) int64
    last: Tensor  # (p,) int64


def rung_masks(first: Tensor, top: Tensor | int) -> Tensor:
    """(m,) int32 with the bits ``first … top`` set; ``top`` ≤ 30."""
    low = (1 << torch.arange(32, device=first.device)) - 1
    return (low[top + 1] - low[first]).int()


def _sized(heads: Tensor, n: int) -> Tensor:
    """How many rows each run holds that starts at ``heads`` (ascending, the first at 0)."""
    return torch.diff(heads, append=heads.new_tensor([n]))


def folded(parts: Sequence[Shared]) -> Shared:
    """One record a pair and object, in (pair, object) order.

    Within each pair the objects must ascend through the parts as they are given.
    """
    every = Shared(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Shared)))
    return merged(every.rows(torch.sort(every.pair, stable=True).indices))


def merged(shared: Shared) -> Shared:
    """Records in (pair, object) order, those alike in both made one."""
    start = fresh(shared.pair, shared.object)
    heads = torch.nonzero(start).squeeze(1)
    if len(heads) == len(start):
        return shared
    run = torch.cumsum(start, 0)
    longest = int(_sized(heads, len(start)).max())
    return Shared(
        shared.pair[heads],
        shared.object[heads],
        _over_runs(shared.rungs, run, longest, torch.bitwise_or)[heads],
        _over_runs(shared.early, run, longest, torch.minimum)[heads],
        _over_runs(shared.late, run, longest, torch.maximum)[heads],
    )


def _over_runs(
    values: Tensor, run: Tensor, longest: int, join: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """At each run's first row, ``join`` over the whole run (Hillis and Steele 1986).

    ``join`` must not mind a value counted twice: or, minimum, maximum. Steps: log2 of the longest.
    """
    step = 1
    out = values
    while step < longest:
        joined = out.clone()
        joined[:-step] = torch.where(
            run[step:] == run[:-step], join(out[:-step], out[step:]), out[:-step]
        )
        out = joined
        step *= 2
    return out


def tallied(shared: Shared, aims: Tensor, width: int, min_n: int) -> Tally:
    """Counts of each pair that reaches ``min_n`` in some rung; ``aims`` is each object's target.

    Records in (pair, object) order, one a pair and object; within a pair targets ascend too.
    """
    aim = aims[shared.object]
    start = fresh(shared.pair)
    heads = torch.nonzero(start).squeeze(1)
    bounds = torch.cat((heads, heads.new_tensor([len(start)])))
    by_aim = fresh(shared.pair, aim)
    run = torch.cumsum(by_aim, 0)
    aim_heads = torch.nonzero(by_aim).squeeze(1)
    most = int(_sized(aim_heads, len(start)).max()) if len(heads) else 0
    aim_rungs = _over_runs(shared.rungs, run, most, torch.bitwise_or) * by_aim
    n = _bit_sums(shared.rungs, bounds, width)
    capped = _bit_sums(aim_rungs, bounds, width)
    enough = torch.nonzero(n.amax(1) >= min_n).squeeze(1)
    pair_run = torch.cumsum(start, 0)
    longest = int(_sized(heads, len(start)).max()) if len(heads) else 0
    first = _over_runs(shared.early, pair_run, longest, torch.minimum)[heads]
    last = _over_runs(shared.late, pair_run, longest, torch.maximum)[heads]
    return Tally(shared.pair[heads][enough], n[enough], capped[enough], first[enough], last[enough])


def _bit_sums(masks: Tensor, bounds: Tensor, width: int) -> Tensor:
    """(p, W) how many masks of each pair have each bit."""
    sums = masks.new_empty((len(bounds) - 1, width))
    for w in range(width):
        sums[:, w] = torch.diff(running(masks >> w & 1)[bounds])
    return sums
