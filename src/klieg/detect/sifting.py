"""A layer's candidates scored piece by piece, so that few of them are in memory at once.

Without a memory budget the one piece is all of them. Within one, the engine's batches go to disk
first, so that its indices are gone when pairs are scored, and of each piece only the p and e of
every pair and the columns of those that may be kept stay; of a shuffle only counts do. The room
knows no threshold between true and false, and no other layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg import memory
from klieg.detect import error_control, null, reach, scoring, second_look, trimming, weak
from klieg.detect.error_control import PairTests
from klieg.detect.scoring import Study
from klieg.engine.spill import Scratch
from klieg.tables import Edges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klieg.config import Config
    from klieg.detect.scoring import Measured
    from klieg.sockets import Engine, PairBatches
    from klieg.tables import I64, Actions, Strata, WeakGraph

__all__ = ["Tally", "glance", "survey", "tally"]

PAIR = 600
"""Bytes a candidate takes while it is scored."""

PART = 8
"""One in so many bytes of the budget is for the candidates of a piece."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a shuffle is asked for: how many of its pairs are how improbable."""

    candidates: int
    below: int  # at or below a given p
    weak: int
    tail: tuple[int, ...]  # at or below each of ``error_control.ALPHAS``
    histogram: I64
    pairs: int  # all pairs of eligible accounts


def survey(
    actions: Actions, strata: Strata, flat: Strata, config: Config, engine: Engine
) -> tuple[Study, tuple[WeakGraph, ...]]:
    """A layer's slim study and its weak graphs: ``scoring.study``, ``slim`` and ``weak_graphs``."""
    source = _Source(actions, config, engine)
    known = scoring.measured(actions, strata, config, engine, plain=flat)
    more = scoring.beside(actions, known.able, source.dropped, config, engine)
    opinions = weak.opinions(actions, flat, known.slots, config, engine)
    graphs: list[list[weak.Pairs]] = []

    def looked_at() -> Iterator[Edges]:
        for counts in source.pieces():
            graphs.append(weak.weak_pairs(opinions, known.able, counts, config, engine))
            yield counts

    kept, rows, done = [], [], 0
    p, e = [], []
    for part in scoring.scored(actions, known, more, source.dropped, looked_at(), config, engine):
        few, own = scoring.slimmed(part, config)
        kept.append(few)
        rows.append(own + done)
        done += len(part.tests.p)
        p.append(part.tests.p)
        e.append(part.tests.e)
    width = len(config.windows_s)
    row = np.concatenate([np.zeros(0, np.int64), *rows])
    known, few = trimming.second_pass(actions, known, scoring.joined(kept, width), config, engine)
    every_p, every_e = _whole(p), _whole(e)
    every_p[row], every_e[row] = few.tests.p, few.tests.e
    tests = PairTests(few.tests.p_window, few.tests.best, every_p, every_e)
    found = Study(known, None, row, few.edges, few.expected, tests, more.omitted, more.crowds)
    return found, weak.joined(actions.signal, opinions, graphs, config)


def glance(actions: Actions, flat: Strata, config: Config, engine: Engine) -> tuple[WeakGraph, ...]:
    """The weak graphs of a layer against pools without interest, and nothing else of it."""
    source = _Source(actions, config, engine)
    able = scoring.eligible(actions, config)
    opinions = weak.opinions(actions, flat, null.slots(actions, flat), config, engine)
    graphs = [weak.weak_pairs(opinions, able, counts, config, engine) for counts in source.pieces()]
    return weak.joined(actions.signal, opinions, graphs, config)


def tally(
    actions: Actions,
    strata: Strata,
    real: Measured | None,
    level: float,
    config: Config,
    engine: Engine,
    *,
    again: bool = False,
    plain: Strata | None = None,
) -> Tally:
    """Count the pairs of a shuffle; ``real`` is what was measured of the data it is one of.

    None where slots moved in time, so that nothing of it holds; ``plain`` pools are needed then.

    ``again``: whether the data took validated pairs from the second look, so that a shuffle must
    have it too, or chance would look quieter than they.
    """
    source = _Source(actions, config, engine)
    known = scoring.measured(actions, strata, config, engine, plain=plain, unshuffled=real)
    more = scoring.beside(actions, known.able, source.dropped, config, engine)
    candidates, kept = 0, []
    bins = error_control.histogram(np.zeros(0))
    tail = np.zeros(len(error_control.ALPHAS), np.int64)
    for part in scoring.scored(
        actions, known, more, source.dropped, source.pieces(), config, engine
    ):
        few, rows = scoring.slimmed(part, config)
        kept.append(few)
        rest = np.delete(part.tests.p, rows)
        candidates += len(part.tests.p)
        tail += error_control.tail(rest)
        bins += error_control.histogram(rest)
    few = scoring.joined(kept, len(config.windows_s))
    known, few = trimming.second_pass(actions, known, few, config, engine)
    p = few.tests.p
    below = int(np.count_nonzero(p <= level))
    if again:
        counted = second_look.keys(few.edges)[p <= level]
        below += _late(actions, known, counted, level, config, engine)
    return Tally(
        candidates,
        below,
        int(np.count_nonzero(p < config.weak_p)),
        tuple((tail + error_control.tail(p)).tolist()),
        bins + error_control.histogram(p),
        known.pairs,
    )


def _late(
    actions: Actions,
    known: Measured,
    counted: I64,
    level: float,
    config: Config,
    engine: Engine,
) -> int:
    """Pairs with p ≤ ``level`` that the cap kept out and that were not counted."""
    crowded = reach.lost(actions, known.slots, config)
    again = second_look.pairs_within(actions, known, crowded, level, config, engine)
    return int(np.count_nonzero(~np.isin(second_look.keys(again.part.edges), counted)))


class _Source:
    """The counts under the cap, in memory or on disk, in pieces that fit."""

    def __init__(self, actions: Actions, config: Config, engine: Engine) -> None:
        budget = memory.size_of(config.memory)
        asked = scoring.proposed(actions, config)
        self._width = len(config.windows_s)
        if budget is None:
            counts = engine.count_pairs(*asked)
            self.dropped: I64 = counts.dropped
            self._whole: Edges | None = counts.edges
            return
        self._whole = None
        self._rows = max(budget // (PART * PAIR), 256)
        batches = engine.pair_batches(*asked)
        self.dropped = batches.dropped
        self._scratch, self._size = _put_aside(batches)

    def pieces(self) -> Iterator[Edges]:
        if self._whole is not None:
            yield self._whole
            return
        for first in range(0, self._size, self._rows):
            yield _read(self._scratch, first, min(self._rows, self._size - first), self._width)


def _put_aside(batches: PairBatches) -> tuple[Scratch, int]:
    scratch, size = Scratch(), 0
    for edges in batches:
        scratch.append("pairs", [getattr(edges, name) for name in Edges.__slots__])
        size += edges.size
    return scratch, size


def _read(scratch: Scratch, first: int, count: int, width: int) -> Edges:
    kind = np.dtype((np.uint32, (width,)))
    kinds = np.int32, np.int32, kind, kind, np.int64, np.int64
    left, right, n, capped, since, until = scratch.read("pairs", kinds, first, count)
    return Edges(left, right, n, capped, since, until)


def _whole(columns: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0), *columns])
