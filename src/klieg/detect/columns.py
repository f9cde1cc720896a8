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

__all__ = ["appearance", "distinct", "first_rows", "plurality", "tally"]

_ROOM = 4  # a table of so many slots a row is cheaper than a sort


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
    low, n = int(values.min(initial=0)), len(values)
    if int(values.max(initial=0)) - low > _ROOM * n:
        _, first, code = np.unique(values, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return first[order], rank[code]
    slot = values - low
    first = np.full(int(slot.max(initial=-1)) + 1, n)
    first[slot[::-1]] = np.arange(n - 1, -1, -1)  # of several writes to a slot the last one holds
    new = np.zeros(n + 1, np.bool_)
    new[first] = True
    number = np.cumsum(new) - 1
    return np.flatnonzero(new[:n]), number[first[slot]]


def tally(values: I64) -> tuple[I64, I64]:
    """(the distinct values, ascending, how often each stands there); values are not negative.

    >>> tally(np.array([3, 1, 3]))
    (array([1, 3]), array([1, 2]))
    """
    if int(values.max(initial=0)) > _ROOM * len(values):
        found, times = np.unique(values, return_counts=True)
        return found, times
    times = np.bincount(values)
    found = np.flatnonzero(times)
    return found, times[found]


def first_rows(values: I64) -> I64:
    """(distinct,) rows, ascending, at which each distinct value first stands.

    >>> first_rows(np.array([7, 5, 7, 9]))
    array([0, 1, 3])
    """
    ordered = np.sort(values)
    repeated = distinct(ordered[1:][ordered[1:] == ordered[:-1]])
    keep = np.ones(len(values), np.bool_)
    if len(repeated):
        place = np.minimum(np.searchsorted(repeated, values), len(repeated) - 1)
        rows = np.flatnonzero(repeated[place] == values)
        keep[rows] = False
        keep[rows[np.unique(values[rows], return_index=True)[1]]] = True
    return np.flatnonzero(keep)


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
    owner, cast = group[rows], vote[rows]
    winner[owner] = cast
    divided = np.zeros(n_groups, np.bool_)
    divided[owner[winner[owner] != cast]] = True
    rows = rows[divided[owner]]  # most groups are of one mind: only the others are counted
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
