"""What chance expects of one pair in one window, asked inside a kernel pair by pair.

The same sum as ``null.expected_capped``, and the most that chance may expect of a pair that shares
so many objects, if it is to be improbable enough. The room makes no pairs and sets no level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from klieg.detect import null
from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64

    Chances: TypeAlias = tuple[I64, I32, F64, F64, I64, F64, F64]

__all__ = ["bars", "in_window", "of_pair"]

SLACK = 1e-6
"""Part by which a bar is raised: it rounds, and must not round a pair away."""

FOLLOWED = 512
"""Shared objects up to which a bar is told."""

HALVINGS = 60


def in_window(margins: null.Margins, w: int) -> Chances:
    """What λ in the ``w``-th window is read from.

    ``null.Slots``'s starts (A + 1,), strata and counts (entries,); the sparse rate of two acts in
    each stratum (C,); where each number of acts lies among the tabulated degrees, and how far
    towards the next (most + 1,); fitted over sparse (C, D, D), each target counted once.
    """
    starts, stratum, count, scale, pairs, node, part_way, table = null.held(margins, margins.capped)
    rate: F64 = scale * pairs[:, w]
    return starts, stratum, count, rate, node, part_way, table[..., w].copy()


def bars(level: float, engine: Engine) -> F64:
    """(FOLLOWED,) λ at which a Poisson tail from x on is just above ``level``, by x; 0 for none.

    ``level`` is at most ½: the tail from x on is more at λ = x.
    """
    shared = np.arange(FOLLOWED)
    low, high = np.zeros(FOLLOWED), shared.astype(np.float64)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = engine.poisson_tail(shared, middle) > level
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return high * (1.0 + SLACK)


@compiled
def of_pair(a: int, b: int, chances: Chances) -> float:
    """λ of the accounts ``a`` and ``b``: strata of both are merged and summed in their order."""
    starts, stratum, count, weight, node, part_way, table = chances
    i, i_end = starts[a], starts[a + 1]
    j, j_end = starts[b], starts[b + 1]
    total = 0.0
    while i < i_end and j < j_end:
        if stratum[i] < stratum[j]:
            i += 1
            continue
        if stratum[i] > stratum[j]:
            j += 1
            continue
        c = stratum[i]
        x, u = node[int(count[i])], part_way[int(count[i])]
        y, v = node[int(count[j])], part_way[int(count[j])]
        upper = table[c, x, y] * (1.0 - v) + table[c, x, y + 1] * v
        lower = table[c, x + 1, y] * (1.0 - v) + table[c, x + 1, y + 1] * v
        total += count[i] * count[j] * weight[c] * (upper * (1.0 - u) + lower * u)
        i += 1
        j += 1
    return total
