"""Columns of dense ids: distinct values, numbering by first appearance, the commonest vote.

Ties go to what came first in the rows, never to the smaller id: ids follow no order of names, and
rows stand in time. The room knows no account, object or stratum, only integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I32, I64

__all__ = ["appearance", "distinct", "plurality"]


def distinct(values: I64) -> I64:
    """The distinct values, ascending. A sort: ``np.unique`` hashes, ten times slower on millions.

    >>> distinct(np.array([3, 1, 3]))
    array([1, 3])
    """
    ordered = np.sort(values)
    if not len(ordered):
        return ordered
    found: I64 = ordered[np.r_[True, ordered[1:] != ordered[:-1]]]
    return found


def appearance(values: I64) -> tuple[I64, I64]:
    """(rows at which each distinct value first stands, each row's number in that order).

    >>> appearance(np.array([7, 5, 7, 9]))
    (array([0, 1, 3]), array([0, 1, 0, 2]))
    """
    _, first, code = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[code]


def plurality(group: NDArray[np.integer], vote: NDArray[np.integer], n_groups: int) -> I32:
    """(n_groups,) the commonest vote of each group; ties to the one cast first; −1: no vote.

    ``group`` and ``vote`` are (n,); votes below 0 do not count.

    >>> plurality(np.array([0, 0, 0, 1, 2]), np.array([5, 3, 3, 2, -1]), 3)
    array([ 3,  2, -1], dtype=int32)
    """
    rows = np.flatnonzero(vote >= 0)
    winner = np.full(n_groups, -1, np.int32)
    if not len(rows):
        return winner
    width = int(vote.max()) + 1
    key, first, votes = np.unique(
        group[rows].astype(np.int64) * width + vote[rows], return_index=True, return_counts=True
    )
    owner = key // width
    order = np.lexsort((first, -votes, owner))
    top = order[np.r_[True, owner[order][1:] != owner[order][:-1]]]
    winner[owner[top]] = (key[top] % width).astype(np.int32)
    return winner
