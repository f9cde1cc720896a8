"""Connected components of a set of pairs by union-find. Knows no weights and no layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.engine.compiled import compiled
from klieg.engine.windows import checked

if TYPE_CHECKING:
    from klieg.tables import I32

__all__ = ["components"]


def components(left: I32, right: I32, n: int) -> I32:
    """(n,) component of each node, numbered by smallest node first; a lone node is its own."""
    a = checked(left, "left", n)
    return _components(a, checked(right, "right", n, len(a)), n)


@compiled
def _components(left: I32, right: I32, n: int) -> I32:
    parent = np.arange(n).astype(np.int32)
    for i in range(len(left)):
        a = left[i]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        b = right[i]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        # the smaller node stays the root, so that roots come first when they are numbered
        if a < b:
            parent[b] = a
        else:
            parent[a] = b
    found = 0
    labels = np.empty(n, np.int32)
    for node in range(n):
        above = parent[node]
        if above == node:
            labels[node] = found
            found += 1
        else:
            labels[node] = labels[above]  # above < node, so it is labelled already
    return labels
