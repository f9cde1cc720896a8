"""How many co-acting pairs a group would show if it behaved like everybody else.

Margins with the group left out, as in design 3.3: outside–outside pairs over outside actions, the
members' own activity kept; each pair counts each author or domain once, seen and expected alike
(the evidence cap). One layer is counted once a run; a group then costs what it touched. The room
knows no single pair's λ (that is ``null``) and no class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect.columns import first_rows
from klieg.detect.timed import ragged
from klieg.tables import SECOND, WindowCount

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Actions, Bool, Strata

__all__ = [
    "Outside",
    "expected_of_pairs",
    "expected_pairs",
    "prepare",
    "rows_of",
    "window_counts",
]

BINS_PER_OCTAVE: Final = 2
"""Chances and targets fall in bins of equal ratio, each at its mean: exact while z·S is small."""


ENUMERATED: Final = 20_000_000
"""Pairs of members' acts up to which a group's pairs are made one by one."""


@dataclass(frozen=True, slots=True)
class Outside:
    """One layer's pair counts, ready to leave any group out."""

    actions: Actions
    stratum: I32  # (n_objects,)
    windows: I64  # (W,) microseconds
    totals: I64  # (n_objects, W) pairs on each object within each window
    order: I64  # (n,) rows by object
    starts: I64  # (n_objects + 1,) rows of object i are order[starts[i]:starts[i + 1]]
    home: I64  # (n_objects,) its (stratum, target): an object without one is its own
    home_stratum: I64  # (n_homes,)
    by_home: F64  # (n_homes, W) Σ totals
    acts: F64  # (C,) E_c
    squares: F64  # (C,) Σ over accounts of (n_a^c)²


def prepare(actions: Actions, strata: Strata, config: Config, engine: Engine) -> Outside:
    """Count a layer once."""
    windows = np.array(config.windows_s, np.int64) * SECOND
    totals = engine.pair_totals(
        actions.account, actions.object, actions.time, actions.n_objects, windows, None
    )
    order = np.argsort(actions.object, kind="stable")
    starts = np.searchsorted(actions.object[order], np.arange(actions.n_objects + 1))
    target = np.full(actions.n_objects, -1, np.int64)
    target[actions.object] = actions.target
    own = len(actions.target_labels) + np.arange(actions.n_objects)
    width = len(actions.target_labels) + actions.n_objects
    key = strata.object_stratum.astype(np.int64) * width + np.where(target < 0, own, target)
    names, home = np.unique(key, return_inverse=True)
    by_home = np.zeros((len(names), len(windows)))
    for w in range(len(windows)):
        by_home[:, w] = np.bincount(home, weights=totals[:, w], minlength=len(names))
    pool = strata.object_stratum[actions.object].astype(np.int64)
    mine, count = np.unique(actions.account * np.int64(strata.size) + pool, return_counts=True)
    squares = np.bincount(mine % strata.size, weights=count.astype(np.float64) ** 2)
    return Outside(
        actions,
        strata.object_stratum,
        windows,
        totals,
        order,
        starts.astype(np.int64),
        home.astype(np.int64),
        names // max(width, 1),
        by_home,
        np.bincount(pool, minlength=strata.size).astype(np.float64),
        np.pad(squares, (0, strata.size - len(squares))).astype(np.float64),
    )


def window_counts(
    outside: Outside, members: I32, config: Config, engine: Engine
) -> tuple[WindowCount, ...]:
    """Member pairs within each window of the ladder, beside what everybody else leads to expect."""
    seen = _seen(outside, rows_of(outside, members), engine)
    chance = expected_pairs(outside, members, engine)
    tail = engine.poisson_tail(seen, chance)
    return tuple(
        WindowCount(w, int(x), float(e), float(p))
        for w, x, e, p in zip(config.windows_s, seen, chance, tail, strict=True)
    )


def _seen(outside: Outside, rows: I64, engine: Engine) -> I64:
    """(W,) pairs of the accounts in these rows within each window, each target once a pair.

    Thousands in one burst make pairs by the billion. Then each target gives what its fullest object
    shows, counted without making a pair: from below, so the excess is never overstated.
    """
    actions = outside.actions
    touched, number = np.unique(actions.object[rows], return_inverse=True)
    first = rows[first_rows(actions.account[rows].astype(np.int64) * len(touched) + number)]
    totals = engine.pair_totals(
        actions.account[first],
        np.searchsorted(touched, actions.object[first]).astype(np.int32),
        actions.time[first],
        len(touched),
        outside.windows,
        None,
    )
    if totals[:, -1].sum() > ENUMERATED:
        aim = np.full(len(touched), -1, np.int64)
        np.maximum.at(aim, number, actions.target[rows].astype(np.int64))
        aim = np.where(aim < 0, len(actions.target_labels) + touched, aim)
        names, place = np.unique(aim, return_inverse=True)
        fullest = np.zeros((len(names), len(outside.windows)), np.int64)
        np.maximum.at(fullest, place, totals)
        most: I64 = fullest.sum(axis=0)
        return most
    edges = engine.count_pairs(
        actions.account[rows],
        actions.object[rows],
        actions.time[rows],
        actions.target[rows],
        actions.n_accounts,
        outside.windows,
        1,
        None,
        1,
    ).edges
    counted: I64 = edges.capped.astype(np.int64).sum(axis=0)
    return counted


def expected_pairs(outside: Outside, members: I32, engine: Engine) -> F64:
    """(W,) Σ over member pairs of Σ_c Σ_T [1 − exp(−n_a n_b S_T / (E² − Σ n²))], G left out."""
    n, ordered = _room(outside, members)
    pairs = 2 * _left_out(outside, members, rows_of(outside, members), engine)
    out = np.zeros(len(outside.windows))
    for c in np.flatnonzero((n > 0).sum(axis=0) >= 2):
        if ordered[c] > 0.5:
            chance, times = _chances(n[:, c] / np.sqrt(ordered[c]))
            out += _capped(chance, times, pairs[outside.home_stratum == c])
    return out


def expected_of_pairs(outside: Outside, members: I32, left: I32, right: I32, engine: Engine) -> F64:
    """(p, W) what chance expects of each pair of members, the whole group left out.

    The sum over targets is not capped here, which can only expect more: ``n_a n_b S / (E² − Σ n²)``
    over the strata, and never less than one outside pair a stratum and window that both act in.
    """
    n, ordered = _room(outside, members)
    pairs = 2 * _left_out(outside, members, rows_of(outside, members), engine)
    a, b = np.searchsorted(members, left), np.searchsorted(members, right)
    out = np.zeros((len(left), len(outside.windows)))
    for c in np.flatnonzero((n > 0).sum(axis=0) >= 2):
        if ordered[c] > 0.5:
            slots = np.maximum(pairs[outside.home_stratum == c].sum(axis=0), 2.0)
            out += np.outer(n[a, c] * n[b, c] / ordered[c], slots)
    return out


def _room(outside: Outside, members: I32) -> tuple[F64, F64]:
    """(members, C) acts of each member by stratum, and (C,) ordered pairs of outside acts."""
    rows = rows_of(outside, members)
    size = len(outside.acts)
    pool = outside.stratum[outside.actions.object[rows]].astype(np.int64)
    who = np.searchsorted(members, outside.actions.account[rows])
    n = np.bincount(who * size + pool, minlength=len(members) * size).astype(np.float64)
    n = n.reshape(len(members), size)
    left = outside.acts - n.sum(axis=0)
    return n, left**2 - (outside.squares - (n**2).sum(axis=0))


def rows_of(outside: Outside, members: I32) -> I64:
    """Rows of the layer's actions that are the members', ascending."""
    inside: Bool = np.zeros(outside.actions.n_accounts, np.bool_)
    inside[members] = True
    return np.flatnonzero(inside[outside.actions.account])


def _left_out(outside: Outside, members: I32, rows: I64, engine: Engine) -> F64:
    """(n_homes, W) outside–outside pairs: only objects that a member touched are counted again."""
    actions = outside.actions
    inside = np.zeros(actions.n_accounts, np.bool_)
    inside[members] = True
    touched = np.unique(actions.object[rows])
    near = ragged(outside.order, outside.starts, touched)
    near = near[~inside[actions.account[near]]]
    fresh = engine.pair_totals(
        actions.account[near],
        np.searchsorted(touched, actions.object[near]).astype(np.int32),
        actions.time[near],
        len(touched),
        outside.windows,
        None,
    )
    change = fresh - outside.totals[touched]
    pairs = outside.by_home.copy()
    for w in range(len(outside.windows)):
        pairs[:, w] += np.bincount(
            outside.home[touched], weights=change[:, w], minlength=len(pairs)
        )
    return np.maximum(pairs, 0.0)


def _chances(part: F64) -> tuple[F64, F64]:
    """Chance of a slot pair for every pair of members, binned: (bins,) mean, (bins,) how many."""
    level, times = np.unique(part[part > 0], return_counts=True)
    i, j = np.triu_indices(len(level))
    product = level[i] * level[j]
    count = np.where(i == j, times[i] * (times[i] - 1) / 2, times[i] * times[j])
    return _binned(product, count)


def _capped(chance: F64, times: F64, pairs: F64) -> F64:
    """(W,) Σ over bins of chances and of targets of 1 − exp(−z·S)."""
    out = np.zeros(pairs.shape[1])
    for w in range(pairs.shape[1]):
        slots, targets = _binned(pairs[:, w], np.ones(len(pairs)))
        out[w] = times @ -np.expm1(-np.outer(chance, slots)) @ targets
    return out


def _binned(value: F64, weight: F64) -> tuple[F64, F64]:
    """Bins of equal ratio over the positive values: their weighted mean and their weight."""
    keep = (value > 0) & (weight > 0)
    value, weight = value[keep], weight[keep]
    if not len(value):
        return value, weight
    place = np.floor(np.log2(value) * BINS_PER_OCTAVE).astype(np.int64)
    place -= place.min()
    total = np.bincount(place, weights=weight).astype(np.float64)
    mean = np.bincount(place, weights=weight * value) / np.maximum(total, 1e-300)
    return mean[total > 0], total[total > 0]
