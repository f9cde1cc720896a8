"""Pairs inside the groups that stand, tested with their group left out of what chance expects.

A crew that shares objects hardly anybody else touched fills the margins it is tested against: its
own pairs are what "chance" then expects, and few of them pass alone. Its group test does not have
that fault, so the pairs of a group that stands are tested once more against outside–outside pairs
over outside actions (design 3.3), all of them together under Benjamini–Hochberg: families chosen
first, their members then (Benjamini & Bogomolov 2014). Such an edge is *grouped*; whether a pair is
*validated* on its own does not change. The room searches nothing and gives no class.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from klieg.detect import error_control, outside
from klieg.detect.parallel import spread
from klieg.tables import Edges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Finding, Layer, Network, ScoredEdges, Strata

__all__ = ["MOST_MEMBERS", "confirm"]

MOST_MEMBERS: Final = 2_000
"""Groups with more members are shown as a whole: a pair each would be millions of edges."""

_COLUMNS: Final = ("left", "right", "n", "capped", "first", "last")


class _Inside(NamedTuple):
    """Pairs of one group on one layer, with what chance expects of them from outside."""

    pairs: int  # all pairs of its members
    edges: Edges  # those that met on ``weak_count`` objects or more
    expected: F64  # (p, W)
    p_window: F64  # (p, W)


def confirm(found: Sequence[Finding], network: Network, config: Config, engine: Engine) -> Network:
    """The same network, with the pairs that each finding bears out marked or added as ``grouped``.

    Only the signals a finding names are looked at. A pair that was not kept before comes in with
    the expectation and p of this test, neither weak nor validated.
    """
    layers = dict(network.layers)
    for name, layer in network.layers.items():
        groups = [
            np.array(sorted(m.account for m in f.members), np.int32)
            for f in found
            if name in f.signals and len(f.members) <= MOST_MEMBERS
        ]
        if groups:
            layers[name] = _confirmed(layer, network.flat[name], groups, config, engine)
    return replace(network, layers=layers)


def _confirmed(
    layer: Layer, plain: Strata, groups: list[I32], config: Config, engine: Engine
) -> Layer:
    # of both opinions on the pools the one that expects more: a crew can be a pool of its own
    counted = tuple(
        outside.prepare(layer.actions, pools, config, engine) for pools in (layer.strata, plain)
    )
    tested = list(spread(lambda g: _tested(counted, g, config, engine), groups, config, size=len))
    width = len(config.windows_s)
    p = np.concatenate([np.minimum(1.0, width * t.p_window.min(axis=1)) for t in tested])
    bound = error_control.threshold(p, sum(t.pairs for t in tested), config.false_alarms)
    kept = np.flatnonzero((p <= bound) & (bound > 0.0))
    if not len(kept):
        return layer
    joined = _Inside(
        0,
        _stacked([t.edges for t in tested]),
        np.concatenate([t.expected for t in tested]),
        np.concatenate([t.p_window for t in tested]),
    )
    return replace(layer, scored=_marked(layer.scored, joined, p, kept, layer.actions.n_accounts))


def _tested(
    counted: tuple[outside.Outside, ...], members: I32, config: Config, engine: Engine
) -> _Inside:
    actions = counted[0].actions
    rows = outside.rows_of(counted[0], members)
    edges = engine.count_pairs(
        actions.account[rows],
        actions.object[rows],
        actions.time[rows],
        actions.target[rows],
        actions.n_accounts,
        counted[0].windows,
        config.weak_count,
        None,
        1,
    ).edges
    expected = np.maximum(
        *(outside.expected_of_pairs(o, members, edges.left, edges.right, engine) for o in counted)
    )
    x = edges.capped.astype(np.int64)
    # as for any pair: a window with too few shared objects is no evidence
    tail = engine.poisson_tail(x.ravel(), expected.ravel()).reshape(x.shape)
    tail[x < config.weak_count] = 1.0
    n = len(members)
    return _Inside(n * (n - 1) // 2, edges, expected, tail)


def _stacked(parts: list[Edges]) -> Edges:
    return Edges(*(np.concatenate([getattr(e, k) for e in parts]) for k in _COLUMNS))


def _marked(
    scored: ScoredEdges, tested: _Inside, p: F64, kept: I64, n_accounts: int
) -> ScoredEdges:
    """Mark the kept pairs that are there, add those that are not; sorted by (left, right)."""
    old = scored.edges.left.astype(np.int64) * n_accounts + scored.edges.right
    new = tested.edges.left[kept].astype(np.int64) * n_accounts + tested.edges.right[kept]
    # two groups may share a pair: its smaller p counts
    first = np.lexsort((p[kept], new))
    first = first[np.diff(new[first], prepend=-1) != 0]
    kept, new = kept[first], new[first]
    grouped = scored.grouped | np.isin(old, new)
    fresh = kept[~np.isin(new, old)]
    order = np.argsort(np.concatenate((old, new[~np.isin(new, old)])), kind="stable")

    def column(mine: np.ndarray, added: np.ndarray) -> np.ndarray:
        return np.concatenate((mine, added.astype(mine.dtype)))[order]

    none, edges, n = np.zeros(len(fresh), np.bool_), scored.edges, len(fresh)
    return replace(
        scored,
        edges=Edges(
            *(column(getattr(edges, k), getattr(tested.edges, k)[fresh]) for k in _COLUMNS)
        ),
        expected=column(scored.expected, tested.expected[fresh]),
        p_window=column(scored.p_window, tested.p_window[fresh]),
        best=column(scored.best, tested.p_window[fresh].argmin(axis=1)),
        p=column(scored.p, p[fresh]),
        e=column(scored.e, np.zeros(n)),
        q=column(scored.q, np.ones(n)),
        weak=column(scored.weak, none),
        validated=column(scored.validated, none),
        grouped=column(grouped, ~none),
    )
