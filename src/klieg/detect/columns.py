"""Columns of dense ids: distinct values, numbering by first appearance, the commonest vote.

Ties go to what came first in the rows, never to the smaller id: ids follow no order of names, and
rows stand in time. Dense ids are counted in buckets, without a sort of the rows. The room knows no
account, object or stratum, only integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.engine.compiled import column, compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I32, I64

__all__ = [
    "appearance",
    "distinct",
    "first_rows",
    "numbered",
    "plurality",
    "spread",
    "tally",
    "tally_by",
]

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
    return _plurality(
        column(group, np.int32, "group"),
        column(vote, np.int32, "vote"),
        n_groups,
        int(vote.max(initial=-1)) + 1,
    )


@compiled
def _plurality(group: I32, vote: I32, n_groups: int, n_votes: int) -> I32:
    """See ``plurality``: groups of one mind need no counting, and most are."""
    winner = np.full(n_groups, -1, np.int32)
    divided = np.zeros(n_groups, np.bool_)
    for i in range(len(group)):
        if vote[i] >= 0:
            if winner[group[i]] < 0:
                winner[group[i]] = vote[i]
            divided[group[i]] |= winner[group[i]] != vote[i]
    rows = np.flatnonzero(divided[group] & (vote >= 0))
    starts, votes = _buckets(group[rows], vote[rows], n_groups)
    often = np.zeros(n_votes, np.int64)
    for g in range(n_groups):
        most = 0
        for v in votes[starts[g] : starts[g + 1]]:
            often[v] += 1
        # in the order in which they were cast: of equals the first stays
        for v in votes[starts[g] : starts[g + 1]]:
            if often[v] > most:
                most = often[v]
                winner[g] = v
            often[v] = 0
    return winner


@compiled
def numbered(code: I32, n_codes: int) -> tuple[I64, I32]:
    """``appearance`` of few different codes, 0 … ``n_codes`` − 1, in one pass."""
    number = np.full(n_codes, -1, np.int32)
    first = np.empty(n_codes, np.int64)
    out = np.empty(len(code), np.int32)
    found = 0
    for i in range(len(code)):
        if number[code[i]] < 0:
            number[code[i]] = found
            first[found] = i
            found += 1
        out[i] = number[code[i]]
    return first[:found].copy(), out


@compiled
def spread(group: I32, member: I32, n_groups: int, n_members: int) -> I64:
    """(n_groups,) how many different members each group has; both columns are dense ids (n,)."""
    starts, members = _buckets(group, member, n_groups)
    last = np.full(n_members, -1, np.int32)
    found = np.zeros(n_groups, np.int64)
    for g in range(n_groups):
        for i in range(starts[g], starts[g + 1]):
            if last[members[i]] != g:
                last[members[i]] = g
                found[g] += 1
    return found


@compiled
def tally_by(group: I32, member: I32, n_groups: int, n_members: int) -> tuple[I64, I32, I64]:
    """Each group's members, ascending, and how often: group g's are starts[g] … starts[g + 1]."""
    starts, members = _buckets(group, member, n_groups)
    often = np.zeros(n_members, np.int64)
    times = np.empty(len(members), np.int64)
    entries = np.zeros(n_groups + 1, np.int64)
    k = 0
    for g in range(n_groups):
        own = np.sort(members[starts[g] : starts[g + 1]])
        for m in own:
            often[m] += 1
        for m in own:
            if often[m] > 0:
                # never past what is still to be read: a group has at most as many entries as rows
                members[k] = m
                times[k] = often[m]
                often[m] = 0
                k += 1
        entries[g + 1] = k
    return entries, members[:k].copy(), times[:k].copy()


@compiled
def _buckets(group: I32, member: I32, n_groups: int) -> tuple[I64, I32]:
    """Where each group's rows begin, and the members group by group, in the order of the rows."""
    starts = np.zeros(n_groups + 1, np.int64)
    for g in group:
        starts[g + 1] += 1
    for g in range(n_groups):
        starts[g + 1] += starts[g]
    place = starts[:-1].copy()
    members = np.empty(len(group), np.int32)
    for i in range(len(group)):
        members[place[group[i]]] = member[i]
        place[group[i]] += 1
    return starts, members
