"""Components of a set of pairs and tiles of time, on the device.

Equal to ``reference.components`` and ``reference_bursts.tiles``. The room does not know accounts,
weights or layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from klieg.engine.compiled import column
from klieg.engine.gpu_device import Place, roomy
from klieg.engine.gpu_order import by_group, fresh
from klieg.engine.reference_bursts import MONDAY, WEEK
from klieg.engine.windows import checked

if TYPE_CHECKING:
    from klieg.tables import I32

__all__ = ["components", "tiles"]


@roomy
def tiles(at: Place, object: object, time: object, window: int, phase: int) -> tuple[I32, int]:  # noqa: A002
    """(n,) dense id of (object, floor((time − origin + phase) / window)), and how many."""
    objects = column(object, np.int32, "object")
    stamps = column(time, np.int64, "time", len(objects))
    if not len(objects):
        return np.zeros(0, np.int32), 0
    origin = (int(stamps.min()) - MONDAY) // WEEK * WEEK + MONDAY
    group = at.tensor(objects)
    tile = torch.div(at.tensor(stamps) - (origin - phase), window, rounding_mode="floor")
    order = by_group(group, tile)
    dense = torch.cumsum(fresh(group[order], tile[order]), 0) - 1
    ids = torch.empty_like(group)
    ids[order] = dense.int()
    return ids.cpu().numpy(), int(dense[-1]) + 1


@roomy
def components(at: Place, left: object, right: object, n: int) -> I32:
    """(n,) component of each node, numbered by smallest node first; a lone node is its own.

    Each round hangs every tree's root under the smallest root an edge joins it to and flattens the
    trees (Shiloach and Vishkin 1982), until both ends of every edge have one root.
    """
    a = checked(left, "left", n)
    ends = at.tensor(a).long(), at.tensor(checked(right, "right", n, len(a))).long()
    root = at.arange(n)
    while n and len(a):
        roots = root[ends[0]], root[ends[1]]
        apart = torch.nonzero(roots[0] != roots[1]).squeeze(1)
        if not len(apart):
            break
        # an edge whose ends have one root has nothing more to say
        ends, roots = (ends[0][apart], ends[1][apart]), (roots[0][apart], roots[1][apart])
        root.scatter_reduce_(0, torch.maximum(*roots), torch.minimum(*roots), "amin")
        while not torch.equal(above := root[root], root):
            root = above
    number = torch.cumsum(root == at.arange(n), 0) - 1
    return number[root].int().cpu().numpy()
