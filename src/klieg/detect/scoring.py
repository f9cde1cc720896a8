"""One layer's pairs: who is eligible, which pairs are candidates, what each scores exactly.

Real and shuffled actions take this same path. Candidates come from bursts within the occupancy
cap, are scored exactly without it, and what the cap can have cost a pair is bounded in nats. The
room knows no other layer and sets no threshold between true and false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import null
from klieg.detect.columns import distinct
from klieg.detect.error_control import PairTests, pair_tests

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine, PairCounts
    from klieg.tables import F64, I64, Actions, Bool, Edges, Strata

__all__ = ["Study", "eligible", "study"]

_TARGETED = ("repost", "link")
"""Signals in which an account must act on two authors or domains before its edges count."""


@dataclass(frozen=True, slots=True)
class Study:
    """One layer after counting and before any threshold."""

    slots: null.Slots  # the layer's pools, fitted
    able: Bool  # (n_accounts,) eligible accounts
    pairs: int  # all pairs of eligible accounts: this layer's m
    counts: PairCounts  # under the occupancy cap: what the search looks at
    edges: Edges  # (p,) candidates of eligible accounts, counted exactly
    expected: F64  # (p, W) capped
    tests: PairTests
    omitted: float  # nats that a pair which is no candidate can have had


def study(actions: Actions, strata: Strata, config: Config, engine: Engine) -> Study:
    """Count, score and test the pairs of one layer."""
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
    both = able[counts.edges.left] & able[counts.edges.right]
    edges = engine.rescore_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        windows,
        counts.edges.left[both],
        counts.edges.right[both],
        config.threads,
    )
    slots = null.slots(actions, strata)
    margins = null.weigh(slots, null.pair_totals(actions, config, engine, None), config)
    expected = null.expected_capped(margins, edges.left, edges.right, threads=config.threads)
    n = int(np.count_nonzero(able))
    return Study(
        slots,
        able,
        n * (n - 1) // 2,
        counts,
        edges,
        expected,
        pair_tests(edges.capped, expected, engine, least=config.weak_count),
        _omitted(counts.dropped, able, config),
    )


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


def _omitted(dropped: I64, able: Bool, config: Config) -> float:
    """Nats that the cap can have taken from one pair, at most, in its worst window.

    A pair loses at most the smaller of its accounts' dropped actions, each worth at most
    ln(active accounts / cap): so the second largest count in each window bounds them all.
    """
    counts = dropped[able]
    if len(counts) < 2 or not counts.any():
        return 0.0
    second = np.partition(counts, len(counts) - 2, axis=0)[-2]
    worth = max(0.0, float(np.log(len(counts) / config.occupancy)))
    return float(second.max()) * worth
