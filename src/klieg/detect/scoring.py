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
from klieg.detect.columns import spread
from klieg.detect.error_control import PairTests, pair_tests
from klieg.engine.compiled import column, compiled
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
    margins: null.Margins
    once: bool  # whether no account acted on an object twice
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
    objects = _objects(actions)
    able, once = _able(actions, objects, config), int(objects.sum()) == actions.n
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
    edges = _exact(actions, counts, left, right, config, engine)
    if unshuffled is None:
        slots, habits = null.slots(actions, strata), rhythm.measure(actions, strata, windows)
    else:
        slots, habits = unshuffled.slots, unshuffled.habits
    if unshuffled is not None and once and unshuffled.once:
        # where nobody acts twice on an object, its pairs are those of its times alone
        margins = unshuffled.margins
    else:
        margins = null.weigh(slots, null.pair_totals(actions, config, engine, None), config)
    expected = null.expected_capped(margins, left, right, threads=config.threads)
    tests = _tests(actions, habits, edges, expected, config, engine)
    n = int(np.count_nonzero(able))
    return Study(
        slots,
        habits,
        margins,
        once,
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


def _exact(
    actions: Actions, counts: PairCounts, left: I32, right: I32, config: Config, engine: Engine
) -> Edges:
    """Counts of the pairs without a cap; those from which it took nothing are read as they are.

    ``dropped`` counts every act of an account that is over the cap in a window, or that one over
    it falls near: an account without any, in any window, met all it would have met without a cap,
    so a pair is counted anew only where both accounts have one. Pairs that were not proposed
    come from such accounts alone, or are not found among the counts and counted anew.
    """
    lost: Bool = counts.dropped.max(axis=1, initial=0) > 0
    seen = counts.edges
    width = np.int64(max(actions.n_accounts, 1))
    place = np.searchsorted(seen.left * width + seen.right, left * width + right)
    known = np.minimum(place, max(seen.size - 1, 0))
    again = lost[left] & lost[right]
    if seen.size:
        again |= (seen.left[known] != left) | (seen.right[known] != right)
    else:
        again[:] = True
    told = np.flatnonzero(again)
    anew = engine.rescore_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        null.ladder(config),
        left[told],
        right[told],
        config.threads,
    )
    if len(told) == len(left):
        return anew
    n, capped = seen.n[known], seen.capped[known]
    first, last = seen.first[known], seen.last[known]
    n[told], capped[told], first[told], last[told] = anew.n, anew.capped, anew.first, anew.last
    return Edges(left, right, n, capped, first, last)


def eligible(actions: Actions, config: Config) -> Bool:
    """(n_accounts,) enough distinct objects and, for reposts and links, two distinct targets."""
    return _able(actions, _objects(actions), config)


def _able(actions: Actions, objects: I64, config: Config) -> Bool:
    able: Bool = objects >= config.min_objects
    if actions.signal in _TARGETED:
        # an object whose author is unknown counts as a target of its own
        able &= _several(
            column(actions.account, np.int32, "account"),
            column(actions.object, np.int32, "object"),
            column(actions.target, np.int32, "target"),
            actions.n_accounts,
        )
    return able


def _objects(actions: Actions) -> I64:
    """(n_accounts,) different objects of each account."""
    return spread(
        column(actions.account, np.int32, "account"),
        column(actions.object, np.int32, "object"),
        actions.n_accounts,
        actions.n_objects,
    )


@compiled
def _several(account: I32, object: I32, target: I32, n_accounts: int) -> Bool:  # noqa: A002
    """(n_accounts,) whether an account acted on two targets or more; all where there are none."""
    several = np.zeros(n_accounts, np.bool_)
    first = np.full(n_accounts, -1, np.int64)
    aimed = False
    for i in range(len(account)):
        aimed |= target[i] >= 0
        aim = np.int64(target[i]) if target[i] >= 0 else (np.int64(object[i]) | np.int64(1) << 32)
        if first[account[i]] < 0:
            first[account[i]] = aim
        several[account[i]] |= first[account[i]] != aim
    if not aimed:
        several[:] = True
    return several
