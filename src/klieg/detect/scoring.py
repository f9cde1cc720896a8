"""One layer's pairs: who is eligible, which pairs are candidates, what each scores exactly.

Real and shuffled actions take this same path. Candidates come from bursts within the occupancy
cap, are scored exactly without it, and what the cap can have cost a pair is bounded in nats. The
room knows no other layer and sets no threshold between true and false.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import crowds, hubs, null, rhythm
from klieg.detect.columns import distinct
from klieg.detect.error_control import PairTests, pair_tests
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine, PairCounts
    from klieg.tables import F64, I32, I64, Actions, Bool, Strata

__all__ = ["Study", "eligible", "slim", "study"]

_TARGETED = ("repost", "link")
"""Signals in which an account must act on two authors or domains before its edges count."""


@dataclass(frozen=True, slots=True)
class Study:
    """One layer after counting and before any threshold."""

    slots: null.Slots  # the layer's pools, fitted
    habits: tuple[rhythm.Cells, ...]
    able: Bool  # (n_accounts,) eligible accounts
    pairs: int  # all pairs of eligible accounts: this layer's m
    counts: PairCounts | None  # under the occupancy cap: what the search looks at; None once slim
    rows: I64  # (k,) which candidates the next three columns are of: all, until slim
    edges: Edges  # (k,) candidates of eligible accounts, counted exactly
    expected: F64  # (k, W) capped
    tests: PairTests  # p and e of every candidate, the rest (k,)
    omitted: float  # nats that a pair which is no candidate can have had
    crowds: tuple[crowds.Found, ...]


def study(
    actions: Actions,
    strata: Strata,
    config: Config,
    engine: Engine,
    *,
    unshuffled: Study | None = None,
) -> Study:
    """Count, score and test the pairs of one layer.

    ``unshuffled`` is the study of the actions that these are a shuffle of: a shuffle leaves how
    often each account acts in each pool, and what time each slot has, as they were.
    """
    windows = null.ladder(config)
    able = eligible(actions, config)
    counts = engine.count_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        windows,
        config.weak_count,
        config.occupancy,
        config.threads,
    )
    left, right, seen, found = _candidates(actions, counts, able, config, engine)
    edges = engine.rescore_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        windows,
        left,
        right,
        config.threads,
    )
    if unshuffled is None:
        slots, habits = null.slots(actions, strata), rhythm.measure(actions, strata, windows)
    else:
        slots, habits = unshuffled.slots, unshuffled.habits
    margins = null.weigh(slots, null.pair_totals(actions, config, engine, None), config)
    expected = null.expected_capped(margins, left, right, threads=config.threads)
    tests = _tests(actions, habits, edges, expected, config, engine)
    n = int(np.count_nonzero(able))
    return Study(
        slots,
        habits,
        able,
        n * (n - 1) // 2,
        counts,
        np.arange(edges.size),
        edges,
        expected,
        tests,
        hubs.omitted_bound(counts.dropped, able, seen, config),
        found,
    )


def slim(study: Study, config: Config) -> Study:
    """The same without counts, and with the columns of those candidates alone that may be kept.

    Benjamini–Hochberg needs every p, but no pair is weak or validated whose p is above both levels.
    """
    rows = np.flatnonzero(study.tests.p < max(config.weak_p, config.false_alarms))
    tests, edges = study.tests, study.edges
    return replace(
        study,
        counts=None,
        rows=rows,
        edges=Edges(
            edges.left[rows],
            edges.right[rows],
            edges.n[rows],
            edges.capped[rows],
            edges.first[rows],
            edges.last[rows],
        ),
        expected=study.expected[rows],
        tests=replace(tests, p_window=tests.p_window[rows], best=tests.best[rows]),
    )


def _tests(
    actions: Actions,
    habits: tuple[rhythm.Cells, ...],
    edges: Edges,
    expected: F64,
    config: Config,
    engine: Engine,
) -> PairTests:
    """Test the pairs; those that look improbable again, with λ raised in place by their habits."""
    test = partial(pair_tests, engine=engine, least=config.weak_count, level=config.false_alarms)
    tests = test(edges.capped, expected)
    rows = np.flatnonzero(tests.p < config.weak_p)
    expected[rows] *= rhythm.raised(
        actions, habits, len(config.windows_s), edges.left[rows], edges.right[rows]
    )
    again = test(edges.capped[rows], expected[rows])
    for name in ("p_window", "best", "p", "e"):
        getattr(tests, name)[rows] = getattr(again, name)
    return tests


def _candidates(
    actions: Actions, counts: PairCounts, able: Bool, config: Config, engine: Engine
) -> tuple[I32, I32, I32, tuple[crowds.Found, ...]]:
    """Eligible pairs (left, right) worth an exact score; whom no cap held back; the crowds."""
    seen = hubs.crowded(counts.dropped, able)
    again = hubs.pairs_without_cap(actions, seen, null.ladder(config), config, engine)
    found = crowds.find(actions.signal, actions, counts.dropped, able, config, engine)
    left, right = counts.edges.left, counts.edges.right
    for more in (again, crowds.pairs(found)):
        if len(more[0]):
            left, right = hubs.join_pairs((left, right), more, actions.n_accounts)
    both = able[left] & able[right]
    return left[both], right[both], seen, found


def eligible(actions: Actions, config: Config) -> Bool:
    """(n_accounts,) enough distinct objects and, for reposts and links, two distinct targets."""
    able = _distinct(actions, actions.object.astype(np.int64)) >= config.min_objects
    targeted = actions.target >= 0
    if actions.signal in _TARGETED and targeted.any():
        # an object whose author is unknown counts as a target of its own
        aim = np.where(targeted, actions.target, len(actions.target_labels) + actions.object)
        able &= _distinct(actions, aim.astype(np.int64)) >= 2
    return able


def _distinct(actions: Actions, value: I64) -> I64:
    """(n_accounts,) how many different values each account has."""
    width = int(value.max(initial=0)) + 1
    key = distinct(actions.account.astype(np.int64) * width + value)
    return np.bincount(key // width, minlength=actions.n_accounts)
