"""Weak graphs: pairs a little too close in one layer and window, for the search alone.

Bursts with more followers than the occupancy cap leave counts and expectations alike, or breaking
news would swamp both. Nothing here is ever shown or counted as a finding: the group test pays for
whatever the search does with it. The room knows no groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import null
from klieg.tables import WeakGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.config import Config
    from klieg.detect.scoring import Study
    from klieg.sockets import Engine
    from klieg.tables import I32, Actions, Bool, Edges, Strata

__all__ = ["Opinion", "joined", "opinions", "weak_graphs", "weak_pairs"]

Pairs = tuple["I32", "I32"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What chance expects of the counts under the cap, by one way to make pools."""

    interest: bool
    margins: null.Margins


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
    held = opinions(actions, flat, study.slots, config, engine)
    found = weak_pairs(held, study.able, study.counts.edges, config, engine)
    return joined(name, held, [found], config)


def opinions(
    actions: Actions, flat: Strata, slots: null.Slots, config: Config, engine: Engine
) -> tuple[Opinion, ...]:
    """The layer's own pools, and those without interest where they differ."""
    totals = null.pair_totals(actions, config, engine, config.occupancy)
    held = [Opinion(True, null.weigh(slots, totals, config))]
    if not np.array_equal(flat.object_stratum, slots.home):
        held.append(Opinion(False, null.weigh(null.slots(actions, flat), totals, config)))
    return tuple(held)


def weak_pairs(
    opinions: Sequence[Opinion], able: Bool, edges: Edges, config: Config, engine: Engine
) -> list[Pairs]:
    """(left, right) of the weak pairs among ``edges``: of each opinion, of each window in turn."""
    both = able[edges.left] & able[edges.right]
    left, right, x = edges.left[both], edges.right[both], edges.capped[both]
    asked = x >= config.weak_count
    found = []
    for opinion in opinions:
        lam = null.expected_capped(
            opinion.margins, left, right, asked=asked, threads=config.threads
        )
        for w in range(len(config.windows_s)):
            rows = np.flatnonzero(asked[:, w])
            tail = engine.poisson_tail(x[rows, w].astype(np.int64), lam[rows, w].copy())
            rows = rows[len(config.windows_s) * tail < config.weak_p]
            found.append((left[rows], right[rows]))
    return found


def joined(
    name: str, opinions: Sequence[Opinion], parts: Sequence[list[Pairs]], config: Config
) -> tuple[WeakGraph, ...]:
    """The graphs of all ``parts``, each as ``weak_pairs`` gives it, empty ones left out."""
    turns = [(o.interest, seconds) for o in opinions for seconds in config.windows_s]
    graphs = []
    for k, (interest, seconds) in enumerate(turns):
        left, right = (np.concatenate([part[k][side] for part in parts]) for side in (0, 1))
        if len(left):
            graphs.append(WeakGraph(name, seconds, interest, left, right))
    return tuple(graphs)
