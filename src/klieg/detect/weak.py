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
    flat: Strata,
    study: Study,
    config: Config,
    engine: Engine,
) -> tuple[WeakGraph, ...]:
    """Every non-empty weak graph of one layer: each window, with the layer's strata and with flat.

    A pair is weak in a window if its capped count there is at least ``weak_count`` and
    ``W · p < weak_p``. Where a layer has no interest strata its two graphs are alike, and only the
    one with ``interest=True`` is given.
    """
    if study.counts is None:
        raise ValueError("a slim study has no counts to make a weak graph from")
    edges = study.counts.edges
    both = study.able[edges.left] & study.able[edges.right]
    left, right, x = edges.left[both], edges.right[both], edges.capped[both]
    asked = x >= config.weak_count
    totals = null.pair_totals(actions, config, engine, config.occupancy)
    pools = [(study.slots, True)]
    if not np.array_equal(flat.object_stratum, study.slots.home):
        pools.append((null.slots(actions, flat), False))
    graphs = []
    for slots, interest in pools:
        margins = null.weigh(slots, totals, config)
        lam = null.expected_capped(margins, left, right, asked=asked, threads=config.threads)
        for w, seconds in enumerate(config.windows_s):
            rows = np.flatnonzero(asked[:, w])
            tail = engine.poisson_tail(x[rows, w].astype(np.int64), lam[rows, w].copy())
            rows = rows[len(config.windows_s) * tail < config.weak_p]
            if len(rows):
                graphs.append(WeakGraph(name, seconds, interest, left[rows], right[rows]))
    return tuple(graphs)
