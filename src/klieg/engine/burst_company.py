"""Who else was there: outsiders in a group's bursts, and the bursts that members share.

Compiled, like the rest of the search, and as approximate. Knows nothing of prices or graphs; what
it finds is for the search to try. Scratch arrays come in and go out all zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from klieg.engine.burst_search import empty, fill, ln, marginals, screen, shares
from klieg.engine.compiled import compiled
from klieg.engine.lattice import ALONE, Lattice, by_key, change, encode, meetings, table

I32 = NDArray[np.int32]

__all__ = ["CROWD", "companions", "company", "warm"]

CROWD = 20
"""Strangers a member up to which a burst bonds the members in it."""


@compiled
def _burst(code: int) -> int:
    if code >= ALONE:
        return code
    return -2 - code


@compiled
def company(
    lattice: Lattice,
    members: I32,
    tiling: int,
    w: int,
    worth: float,
    counts: I32,
    tally: I32,
) -> tuple[I32, I32]:
    """Outsiders in at least two bursts of the group where one more member is worth > ``worth``.

    Account ids in ascending order, and how many such bursts each is in. A burst with too many
    strangers is worth nothing and is skipped, so the walk stays short whatever the crowd.
    """
    table, rates, logs, omega = lattice.table, lattice.rates, lattice.logs, lattice.weights[w]
    code, actors, base = lattice.code[:, tiling], lattice.actors, lattice.actor_starts[tiling]
    begin, codes, home = lattice.met_starts[tiling], lattice.met, lattice.met_pool
    share, _, _ = shares(lattice, members, members)
    fill(lattice, members, tiling, counts)
    met = [np.int32(0) for _ in range(0)]
    for a in members:
        for e in range(begin[a], begin[a + 1]):
            u = codes[e]
            if u < 0 or counts[u] <= 0:
                continue
            k, m = counts[u], actors[base + u]
            counts[u] = -k
            ln_mu = lattice.lns[m] + ln(share[home[e]])
            if m == k or change(table, rates, logs, omega, w, k, k + 1, ln_mu) <= worth:
                continue
            first = lattice.met_act[e]
            while first > 0 and _burst(code[first - 1]) == u:
                first -= 1
            while first < len(lattice.account) and _burst(code[first]) == u:
                if code[first] >= 0:
                    other = lattice.account[first]
                    if tally[other] == 0:
                        met.append(other)
                    tally[other] += 1
                first += 1
    for a in members:
        tally[a] = 0
    empty(lattice, members, tiling, counts)
    return _often(met, tally)


@compiled
def _often(met: list[np.int32], tally: I32) -> tuple[I32, I32]:
    """Those met twice or more, ascending, and how often; the tally goes back to zero."""
    kept = [other for other in met if tally[other] >= 2]
    found = np.empty(len(kept), np.int32)
    times = np.empty(len(kept), np.int32)
    for i in range(len(kept)):
        found[i] = kept[i]
    found.sort()
    for i in range(len(found)):
        times[i] = tally[found[i]]
    for other in met:
        tally[other] = 0
    return found, times


@compiled
def companions(lattice: Lattice, members: I32, tiling: int, counts: I32) -> tuple[I32, I32, I32]:
    """(left, right, shared) bursts that pairs of members share; left < right, shared ≥ 1.

    ``members`` ascending, few enough for a square table. Bursts that are crowded with strangers
    (more than CROWD a member) are no bond and are left out.
    """
    code, actors, base = lattice.code[:, tiling], lattice.actors, lattice.actor_starts[tiling]
    begin, met, act = lattice.met_starts[tiling], lattice.met, lattice.met_act
    size = len(members)
    table = np.zeros((size, size), np.int32)
    fill(lattice, members, tiling, counts)
    for i in range(size):
        a = members[i]
        for e in range(begin[a], begin[a + 1]):
            u = met[e]
            if u < 0 or counts[u] < 2 or actors[base + u] > CROWD * counts[u]:
                continue
            # each pair once: the later act of the two looks back
            q = act[e] - 1
            while q >= 0 and _burst(code[q]) == u:
                j = np.searchsorted(members, lattice.account[q])
                if code[q] >= 0 and j < size and members[j] == lattice.account[q]:
                    table[min(i, j), max(i, j)] += 1
                q -= 1
    empty(lattice, members, tiling, counts)
    left, right = np.nonzero(table)
    shared = np.empty(len(left), np.int32)
    for e in range(len(left)):
        shared[e] = table[left[e], right[e]]
    return members[left], members[right], shared


def warm() -> None:
    """Compile (or load) every kernel of the search by running each once on next to nothing."""
    nobody, pair = np.zeros(0, np.int32), np.array([0, 1], np.int32)
    code, grid = np.zeros((2, 2), np.int32), np.array([3.0, 10.0])
    place, starts = by_key(pair, 2)
    actors = encode(np.zeros(2, np.int32), 1, pair, 2, code[:, 0])
    met_starts, met, met_act = meetings(code, starts, place)
    lattice = Lattice(
        account=pair,
        stratum=np.zeros(2, np.int32),
        code=code,
        starts=starts,
        place=place,
        pool=np.zeros(2, np.int32),
        met_starts=met_starts,
        met=met,
        met_act=met_act,
        met_pool=np.zeros(2, np.int32),
        actor_starts=np.array([0, 1, 2]),
        actors=np.concatenate([actors, actors]),
        lns=np.log(np.array([1.0, 1.0, 2.0])),
        size=np.array([2.0]),
        parent=np.zeros(1, np.int32),
        parent_size=np.array([2.0]),
        counted=np.array([[0, 1], [0, 1]]),
        counted_actors=np.array([2.0]),
        counted_bursts=np.array([1.0]),
        counted_lns=np.log(np.array([2.0])),
        rates=grid,
        logs=np.log(grid),
        weights=np.array([0.95]),
        table=table(grid, np.array([0.95])),
    )
    counts, tally = np.zeros(1, np.int32), np.zeros(2, np.int32)
    screen(lattice, np.array([0, 2]), pair, np.array([0]), 1.0, nobody, counts)
    marginals(lattice, pair[:1], pair[1:], 1, 0, 0, counts)
    company(lattice, pair[:1], 0, 0, 0.0, counts, tally)
    companions(lattice, pair, 0, counts)
