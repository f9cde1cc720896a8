"""Where the search looks first: dense pieces of the weak graphs, and the fans of one target.

Leiden with the constant Potts model (Traag 2011) on unweighted edges, so that a resolution is a
density: never modularity, which makes giant organic communities. Knows graphs and nothing of
bursts or evidence; what it proposes is tested elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import graspologic_native
import numpy as np

from klieg.tables import SECOND, WeakGraph

if TYPE_CHECKING:
    from scipy import sparse

    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import I32, I64, Actions

__all__ = ["SPARSE", "TIGHT", "densities", "fans", "pieces"]

SPARSE = 0.03
"""A density always searched beside ``cpm_gamma``: groups that evasion has thinned out."""

TIGHT = 0.5
"""A density searched in the windows from LONG on: quasi-cliques inside organic company."""

LONG = 21_600
"""Seconds from which a window is long."""

SMALL = 8
"""A connected component of so few accounts has a density of ¼ at least: it is one piece."""

FAN_WINDOWS = (60, 600, 3600)
"""Windows in seconds in which the fans of one target are looked for."""

FAN_OBJECTS = 4
"""Objects two fans share, more than twice what the evidence cap lets them keep."""


def densities(graph: WeakGraph, config: Config) -> tuple[float, ...]:
    """The densities at which a weak graph is cut, ascending."""
    long = (TIGHT,) if graph.window >= LONG else ()
    return tuple(sorted({SPARSE, *config.cpm_gamma, *long}))


def pieces(left: I32, right: I32, gammas: Iterable[float], seed: int) -> list[list[I32]]:
    """Per density, the groups of three or more accounts that Leiden cuts; accounts ascending.

    Each connected component is cut by itself, so that what happens elsewhere in the graph changes
    nothing. Largest piece first, then by its first account.
    """
    gammas = tuple(gammas)
    if len(left) == 0:
        return [[] for _ in gammas]
    accounts, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
    n = len(accounts)
    a, b = ends[: len(left)], ends[len(left) :]
    ones = np.ones(2 * len(left))
    # a fifth of a second together: a case without weak edges need not wait for them
    from scipy import sparse
    from scipy.sparse import csgraph

    graph = sparse.csr_array((ones, (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(n, n))
    _, component = csgraph.connected_components(graph, directed=False)
    order = np.argsort(component, kind="stable")
    graph = graph[order][:, order]
    graph.sum_duplicates()
    graph.data[:] = 1.0
    cuts = np.concatenate([[0], np.cumsum(np.bincount(component))])
    found: list[list[I32]] = [[] for _ in gammas]
    for first, last in pairwise(cuts):
        if last - first < 3:
            continue
        here = accounts[order[first:last]].astype(np.int32)
        for gamma, kept in zip(gammas, found, strict=True):
            kept.extend(_cut(graph, here, int(first), int(last), gamma, seed))
    return [sorted(kept, key=lambda piece: (-len(piece), int(piece[0]))) for kept in found]


def fans(actions: Actions, config: Config, engine: Engine) -> list[WeakGraph]:
    """Pairs that share many objects of few targets, one graph a window: the cap hides these.

    A pair counts if it shares four objects or more within the window and at most half of them
    under different targets. Windows that the ladder lacks are left out.
    """
    windows = tuple(w for w in config.windows_s if w in FAN_WINDOWS)
    if actions.n == 0 or not windows or not (actions.target >= 0).any():
        return []
    counted = engine.count_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        np.array(windows, np.int64) * SECOND,
        FAN_OBJECTS,
        config.occupancy,
        config.threads,
    ).edges
    graphs = []
    for i, window in enumerate(windows):
        n, capped = counted.n[:, i], counted.capped[:, i]
        kept = (n >= FAN_OBJECTS) & (2 * capped.astype(np.int64) <= n)
        graphs.append(
            WeakGraph(actions.signal, window, True, counted.left[kept], counted.right[kept])
        )
    return graphs


def _cut(
    graph: sparse.csr_array, here: I32, first: int, last: int, gamma: float, seed: int
) -> list[I32]:
    if last - first <= SMALL:
        return [np.sort(here)]
    labels = _leiden(graph, first, last, gamma, seed)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels))
    parts = np.split(here[order], ends[:-1])
    return [np.sort(part) for part in parts if len(part) >= 3]


def _leiden(graph: sparse.csr_array, first: int, last: int, gamma: float, seed: int) -> I64:
    """(last − first,) community of each node of one component, a block of the graph's rows."""
    begin, end = graph.indptr[first], graph.indptr[last]
    _, community = graspologic_native.leiden_csr(
        (graph.indptr[first : last + 1] - begin).astype(np.int64),
        (graph.indices[begin:end] - first).astype(np.int32),
        graph.data[begin:end].astype(np.float64),
        last - first,
        resolution=gamma,
        randomness=1e-8,
        iterations=1,
        use_modularity=False,
        seed=seed,
    )
    labels = np.zeros(last - first, np.int64)
    labels[np.fromiter(community.keys(), np.int64)] = np.fromiter(community.values(), np.int64)
    return labels
