"""Weak graphs: pairs a little too close in one layer and window, for the search alone.

Bursts with more followers than the occupancy cap leave counts and expectations alike, or breaking
news would swamp both. Nothing here is ever shown or counted as a finding: the group test pays for
whatever the search does with it. The room knows no groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import null
from klieg.tables import WeakGraph

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.scoring import Study
    from klieg.sockets import Engine
    from klieg.tables import Actions, Strata

__all__ = ["weak_graphs"]


def weak_graphs(
    name: str,
    actions: Actions,
    pools: tuple[tuple[Strata, bool], ...],  # strata, and whether they hold interest
    study: Study,
    config: Config,
    engine: Engine,
) -> tuple[WeakGraph, ...]:
    """Every non-empty weak graph of one layer: for each window, with each kind of strata.

    A pair is weak in a window if its capped count there is at least ``weak_count`` and
    ``W · p < weak_p``.
    """
    edges = study.counts.edges
    both = study.able[edges.left] & study.able[edges.right]
    left, right, x = edges.left[both], edges.right[both], edges.capped[both]
    windows = null.ladder(config)
    totals = engine.pair_totals(
        actions.account,
        actions.object,
        actions.time,
        actions.n_objects,
        windows,
        config.occupancy,
    )
    graphs = []
    for strata, interest in pools:
        acts = null.activity(actions, strata)
        margins = null.weigh(acts, actions, strata, windows, totals)
        _, lam = null.expected(margins, left, right)
        for w, seconds in enumerate(config.windows_s):
            rows = np.flatnonzero(x[:, w] >= config.weak_count)
            tail = engine.poisson_tail(x[rows, w].astype(np.int64), lam[rows, w].copy())
            rows = rows[len(windows) * tail < config.weak_p]
            if len(rows):
                graphs.append(WeakGraph(name, seconds, interest, left[rows], right[rows]))
    return tuple(graphs)
