"""What a group's members did together: joint acts, the posts in them, windows, rhythm.

Reads one layer's bursts and rows, adds them up and names them. The room tests nothing: what is
surprising is said by ``bursts``, what is benign by ``clock`` and ``lookalikes``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import bursts, null
from klieg.detect.timed import ragged
from klieg.tables import SECOND, JointAct, WindowCount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.config import Config
    from klieg.detect.bursts import Terms, Tilings
    from klieg.detect.null import Activity, Margins
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Actions, Bool, Layer

__all__ = [
    "Outside",
    "acts",
    "expected_joined",
    "joined",
    "posts_of",
    "prepare_outside",
    "rhythm",
    "rows_of",
    "together",
    "window_counts",
]

MOST_ACTS: Final = 200
SLOWEST_GAP: Final = 86_400  # seconds: two acts a day apart are no rhythm
SAME_SECOND: Final = 1.0  # seconds, exclusive


def together(terms: Terms) -> Bool:
    """(u,) bursts in which two or more members met and which speak for the group."""
    joint: Bool = (terms.k >= 2) & (terms.weight > 0)
    return joint


def rows_of(terms: Terms, chosen: Bool) -> I32:
    """Rows of Actions in the chosen bursts."""
    return terms.rows[np.repeat(chosen, np.diff(terms.starts))]


def posts_of(actions: Actions, tilings: Tilings, members: I32, window: int) -> I64:
    """Rows of Posts in joint bursts of either offset, ascending."""
    found = []
    for offset in bursts.OFFSETS:
        terms = bursts.terms(tilings, members, window, offset)
        found.append(actions.post[rows_of(terms, together(terms))])
    return np.unique(np.concatenate(found))


def acts(found: Mapping[str, tuple[Actions, Terms]]) -> tuple[JointAct, ...]:
    """The strongest joint acts over all signals; ties by time, then by signal."""
    ranked: list[tuple[float, int, str, int]] = []
    for name, (actions, terms) in found.items():
        for j in np.flatnonzero(together(terms)):
            first = int(actions.time[terms.rows[terms.starts[j]]])
            ranked.append((-float(terms.weight[j]), first, name, int(j)))
    return tuple(_act(name, *found[name], j) for _, _, name, j in sorted(ranked)[:MOST_ACTS])


def joined(terms: Terms) -> int:
    """Acts by which a member joined another in a burst: Σ (k − 1) over bursts with company."""
    return int(np.maximum(terms.k - 1, 0).sum())


def expected_joined(
    tilings: Tilings, members: I32, terms: Terms, window: int, offset: float
) -> float:
    """The same count under chance, read from everybody else's bursts: Σ E[(K − 1)⁺].

    Each slot an outsider took falls to a member with odds n_G : (E − n_G), independently; so a
    burst that only members made promises nothing, and a random group expects what it shows.
    """
    lattice = tilings.lattice
    t = tilings.windows.index(window) * len(bursts.OFFSETS) + bursts.OFFSETS.index(offset)
    share = bursts.shares(tilings, members)
    odds = np.minimum(share / np.maximum(1 - share, 1e-12), 1.0)
    total = 0.0
    for c in np.flatnonzero(share > 0):
        own = slice(lattice.counted[t, c], lattice.counted[t, c + 1])
        total += float(_beyond(lattice.counted_actors[own], odds[c]) @ lattice.counted_bursts[own])
    mine = odds[tilings.strata.object_stratum[terms.object]]
    total += float((_beyond(terms.m - terms.k, mine) - _beyond(terms.m, mine)).sum())
    return max(total, 0.0)


def _beyond(slots: F64 | I32, p: F64 | float) -> F64:
    """E[(K − 1)⁺] of K ~ Binomial(slots, p): the mean, less one, plus the chance of none."""
    n = np.asarray(slots, np.float64)
    return np.maximum(n * p - 1 + (1 - p) ** n, 0.0)


@dataclass(frozen=True, slots=True)
class Outside:
    """One layer's pair counts, so that a group can be left out at the cost of what it touched."""

    layer: Layer
    activity: Activity
    totals: I64  # (n_objects, W) pairs on each object within each window
    order: I64  # (n,) rows by object
    starts: I64  # (n_objects + 1,) rows of object i are order[starts[i]:starts[i + 1]]


def prepare_outside(layer: Layer, config: Config, engine: Engine) -> Outside:
    """Count a layer's pairs once, for :func:`window_counts`."""
    actions = layer.actions
    order = np.argsort(actions.object, kind="stable")
    totals = engine.pair_totals(
        actions.account,
        actions.object,
        actions.time,
        actions.n_objects,
        null.ladder(config),
        None,
    )
    starts = np.searchsorted(actions.object[order], np.arange(actions.n_objects + 1))
    return Outside(
        layer, null.activity(actions, layer.strata), totals, order, starts.astype(np.int64)
    )


def window_counts(
    outside: Outside, members: I32, config: Config, engine: Engine
) -> tuple[WindowCount, ...]:
    """Member pairs within each window of the ladder, beside what everybody else leads to expect.

    Each pair counts each target once (the evidence cap), seen and expected alike.
    """
    actions = outside.layer.actions
    member = np.zeros(actions.n_accounts, np.bool_)
    member[members] = True
    rows = np.flatnonzero(member[actions.account])
    edges = engine.count_pairs(
        actions.account[rows],
        actions.object[rows],
        actions.time[rows],
        actions.target[rows],
        actions.n_accounts,
        null.ladder(config),
        1,
        None,
        1,
    ).edges
    i, j = np.triu_indices(len(members), 1)
    margins = _without(outside, member, rows, config, engine)
    chance = null.expected(margins, members[i], members[j])[1].sum(axis=0)
    seen = edges.capped.astype(np.int64).sum(axis=0)
    tail = engine.poisson_tail(seen, chance)
    return tuple(
        WindowCount(w, int(x), float(e), float(p))
        for w, x, e, p in zip(config.windows_s, seen, chance, tail, strict=True)
    )


def rhythm(found: Sequence[tuple[Actions, Terms]]) -> dict[str, float]:
    """Gaps between members who act next after one another on one object, in seconds.

    ``median``, and the shares ``same_second``, ``3_to_60_s`` and ``over_10_min``; ``gaps`` counts
    them. Gaps of more than a day are no gaps.
    """
    gaps = []
    for actions, terms in found:
        rows = np.unique(terms.rows)
        rows = rows[np.lexsort((rows, actions.time[rows], actions.object[rows]))]
        other = np.diff(actions.account[rows]) != 0
        same = np.diff(actions.object[rows]) == 0
        gap = np.diff(actions.time[rows]) / SECOND
        gaps.append(gap[same & other & (gap <= SLOWEST_GAP)])
    every = np.concatenate(gaps) if gaps else np.zeros(0)
    if not len(every):
        return {}
    return {
        "gaps": float(len(every)),
        "median": float(np.median(every)),
        "same_second": float((every < SAME_SECOND).mean()),
        "3_to_60_s": float(((every >= 3) & (every <= 60)).mean()),
        "over_10_min": float((every > 600).mean()),
    }


def _act(signal: str, actions: Actions, terms: Terms, j: int) -> JointAct:
    rows = terms.rows[terms.starts[j] : terms.starts[j + 1]]
    return JointAct(
        signal,
        actions.labels[int(terms.object[j])].as_py(),
        tuple(actions.post[rows].tolist()),
        int(terms.k[j]),
        int(terms.m[j]),
        float(terms.mu[j]),
        float(terms.weight[j]),
    )


def _without(outside: Outside, member: Bool, rows: I64, config: Config, engine: Engine) -> Margins:
    """Margins of everybody else: only objects that a member touched are counted again."""
    actions = outside.layer.actions
    touched = np.unique(actions.object[rows])
    near = ragged(outside.order, outside.starts, touched)
    near = near[~member[actions.account[near]]]
    totals = outside.totals.copy()
    totals[touched] = engine.pair_totals(
        actions.account[near],
        np.searchsorted(touched, actions.object[near]).astype(np.int32),
        actions.time[near],
        len(touched),
        null.ladder(config),
        None,
    )
    return null.weigh(
        outside.activity,
        actions,
        outside.layer.strata,
        null.ladder(config),
        totals,
        left_out=member,
    )
