"""Second pass: what improbable pairs did beyond chance leaves what chance expects of everybody.

A crew on things of its own is an interest to whoever finds interests, and so a pool; there its own
pairs are most of S, and chance "expects" of each what the crew did. The pairs that look improbable
all the same (p < ``weak_p``) therefore give back their excess over chance, all but one meeting
each, and all that may be kept are tested again. Without a plan hardly any pair is that improbable:
nothing is given back, and nothing changes. Shuffles take the same pass. The room sets no threshold
between true and false.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import attention, null, rhythm
from klieg.detect.error_control import pair_tests

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.scoring import Measured, Part
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, Actions

__all__ = ["second_pass"]

ROUNDS = 2
"""A pair that a crew hid in the first round shows its excess in the second."""

KEPT = 0.95
"""Part of a pool's pairs from which on nothing is taken: λ would hardly change."""


def second_pass(
    actions: Actions, known: Measured, few: Part, config: Config, engine: Engine
) -> tuple[Measured, Part]:
    """The layer's margins without the excess of improbable pairs, and its few tested by them.

    ``few`` are all candidates that may be kept (``scoring.slimmed``); their p changes, no other's.
    """
    first, edges = known.margins, few.edges
    rows = np.flatnonzero(few.tests.p < config.weak_p)
    habits = _habits(actions, known, edges.left[rows], edges.right[rows])
    every = None
    margins = first
    for _ in range(ROUNDS):
        pairs = edges.left[rows], edges.right[rows]
        chance = _raised(null.expected_free(first, *pairs, threads=config.threads), habits)
        share = _left_over(first, null.attributed(first, *pairs, edges.n[rows] - chance - 1.0))
        if (share >= KEPT).all():
            return known, few
        margins = replace(first, pairs=first.pairs * share)
        if every is None:
            every = _habits(actions, known, edges.left, edges.right)
        lam = null.expected_capped(margins, edges.left, edges.right, threads=config.threads)
        lam = _raised(lam, every)
        tests = pair_tests(
            edges.capped, lam, engine, least=config.weak_count, level=config.false_alarms
        )
        few = replace(few, expected=lam, tests=tests)
        rows = np.flatnonzero(tests.p < config.weak_p)
        habits = every[0][rows], every[1][rows]
    return replace(known, margins=margins), few


def _habits(actions: Actions, known: Measured, left: I32, right: I32) -> tuple[F64, F64]:
    """(p, W) twice: by how much habits raise λ, and what popular things explain at least."""
    pairs = len(known.margins.windows), left, right
    return (
        rhythm.raised(actions, known.habits, *pairs),
        attention.expected(actions, known.attention, *pairs),
    )


def _raised(lam: F64, habits: tuple[F64, F64]) -> F64:
    return np.maximum(lam * habits[0], habits[1])


def _left_over(margins: null.Margins, excess: F64) -> F64:
    """(C, W) part of each pool's pairs that stays; ``excess`` counts unordered ones."""
    gone = np.divide(
        2.0 * excess, margins.pairs, out=np.zeros_like(excess), where=margins.pairs > 0
    )
    share: F64 = np.clip(1.0 - gone, 0.0, 1.0)
    return np.where(share >= KEPT, 1.0, share)
