"""What counting by acts means, in plain Python: slow, and meant to be read.

``engine/acts.py`` must give these integers exactly. The room knows no object and no window: whoever
asks says which rows an act meets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from klieg.tables import ActEdges

if TYPE_CHECKING:
    from klieg.tables import I32, I64, Bool

__all__ = ["act_company", "count_acts"]


def meetings(account: I32, post: I32, lo: I32, hi: I32) -> Iterator[tuple[int, int]]:
    """Rows (i, j) where act i meets act j of another account and another post."""
    for i in range(len(account)):
        for j in range(lo[i], hi[i]):
            if account[i] != account[j] and post[i] != post[j]:
                yield i, j


def act_company(account: I32, post: I32, lo: I32, hi: I32) -> I64:
    """(n,) how many acts of another account and post each act meets."""
    counts = np.zeros(len(account), np.int64)
    for i, _ in meetings(account, post, lo, hi):
        counts[i] += 1
    return counts


def count_acts(
    account: I32,
    post: I32,
    time: I64,
    lo: I32,
    hi: I32,
    anchor: Bool,
    n_accounts: int,
    min_n: int,
    directed: bool,
) -> ActEdges:
    """Every edge with ``n ≥ min_n`` in (left, right) order."""
    posts: dict[tuple[int, int], set[int]] = defaultdict(set)
    delays: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, j in meetings(account, post, lo, hi):
        a, b = int(account[i]), int(account[j])
        if anchor[i] or anchor[j]:
            posts[a, b].add(int(post[i]))
            if a < b:
                delays[a, b].append(abs(int(time[i]) - int(time[j])))
    n = (
        {e: len(p) for e, p in posts.items()}
        if directed
        else {e: len(d) for e, d in delays.items()}
    )
    kept = sorted(edge for edge, weight in n.items() if weight >= min_n)
    return ActEdges(
        np.array([a for a, _ in kept], np.int32),
        np.array([b for _, b in kept], np.int32),
        np.array([n[edge] for edge in kept], np.int64),
        np.array([0 if directed else sum(delays[edge]) for edge in kept], np.int64),
    )
