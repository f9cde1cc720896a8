"""What chance expects of a pair: how often two accounts meet if slots of a pool go to anyone.

An object's own attention curve is kept (breaking news makes many pairs, and C counts them); *who*
fills its slots is exchangeable inside the stratum: ``λ_ab(w) = Σ_c Σ_{i∈c} p_ai p_bi ρ_i(w)``, with
chances ``p`` fitted to both margins and ρ scaled so that λ over all pairs of an object sums to the
pairs seen on it. The capped form counts each target once over the whole period, in λ as in x. The
room knows no thresholds, no p-values and no groups beyond their rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import fitted
from klieg.detect.shuffle import shuffle
from klieg.engine.compiled import column, compiled
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Actions, Bool, Strata

__all__ = [
    "Activity",
    "Margins",
    "activity",
    "expected",
    "leave_out",
    "margins",
    "shuffle",
    "weigh",
]


@dataclass(frozen=True, slots=True)
class Activity:
    """Who acted how often in which stratum, compressed by account."""

    starts: I64  # (A + 1,) entries of account a: starts[a] … starts[a + 1]
    stratum: I32  # (entries,) ascending within an account
    count: F64  # (entries,) n_a^c
    total: F64  # (C,) E_c


@dataclass(frozen=True, slots=True)
class Margins:
    """Everything λ needs, so that a pair costs O(strata it shares)."""

    windows: I64  # (W,) microseconds
    activity: Activity
    total: F64  # (C,) E_c: actions that fill the slots (without a group that is left out)
    scale: F64  # (C,) 1 / (E_c² − Σ_a n_a²): weight of an ordered pair in the sparse limit, or 0
    pairs: F64  # (C, W) S_c(w) = Σ 2·C_i(w)
    nodes: F64  # (D,) degrees at which the fit is tabulated
    free: F64  # (C, W, D, D) ln of fitted λ over the sparse limit, uncapped
    capped: F64  # (C, W, D, D) the same, each target counted once


def margins(
    actions: Actions, strata: Strata, config: Config, engine: Engine, *, cap: int | None = None
) -> Margins:
    """Margins of one layer. With ``cap``, bursts of more followers leave S (for the search)."""
    windows = ladder(config)
    totals = engine.pair_totals(
        actions.account, actions.object, actions.time, actions.n_objects, windows, cap
    )
    return weigh(activity(actions, strata), actions, strata, windows, totals)


def leave_out(
    actions: Actions, strata: Strata, members: I32, config: Config, engine: Engine
) -> Margins:
    """Margins of everybody but ``members``: outside–outside pairs over outside actions.

    The members' own n_a are kept, so λ of member pairs can be read from the result. This is the
    form that does not inflate λ: for random groups of any size the factor is 1.
    """
    inside = np.zeros(actions.n_accounts, np.bool_)
    inside[members] = True
    out = ~inside[actions.account]
    windows = ladder(config)
    totals = engine.pair_totals(
        actions.account[out],
        actions.object[out],
        actions.time[out],
        actions.n_objects,
        windows,
        None,
    )
    return weigh(activity(actions, strata), actions, strata, windows, totals, left_out=inside)


def ladder(config: Config) -> I64:
    """(W,) the windows in microseconds."""
    return np.array(config.windows_s, np.int64) * SECOND


def activity(actions: Actions, strata: Strata) -> Activity:
    """Count each account's actions per stratum."""
    width = max(strata.size, 1)
    pool = strata.object_stratum[actions.object].astype(np.int64)
    key, count = np.unique(actions.account * np.int64(width) + pool, return_counts=True)
    starts = np.searchsorted(key // width, np.arange(actions.n_accounts + 1))
    return Activity(
        starts.astype(np.int64),
        (key % width).astype(np.int32),
        count.astype(np.float64),
        np.bincount(pool, minlength=strata.size).astype(np.float64),
    )


def weigh(
    acts: Activity,
    actions: Actions,
    strata: Strata,
    windows: I64,
    totals: I64,
    *,
    left_out: Bool | None = None,
) -> Margins:
    """Margins from the pairs counted on each object, ``totals`` (n_objects, W).

    ``left_out`` (n_accounts,) marks accounts whose actions ``totals`` does not hold.
    """
    size = strata.size
    owner = np.repeat(np.arange(actions.n_accounts), np.diff(acts.starts))
    inside = np.ones(len(owner), np.bool_) if left_out is None else ~left_out[owner]
    count = np.where(inside, acts.count, 0.0)
    total: F64 = np.bincount(acts.stratum, weights=count, minlength=size).astype(np.float64)
    ordered = total**2 - np.bincount(acts.stratum, weights=count**2, minlength=size)
    rows = slice(None) if left_out is None else ~left_out[actions.account]
    degree = np.bincount(actions.object[rows], minlength=actions.n_objects)
    pairs = np.zeros((size, len(windows)))
    np.add.at(pairs, strata.object_stratum, 2.0 * totals)
    nodes = fitted.nodes_up_to(float(acts.count.max(initial=1.0)))
    margins = Margins(
        windows=windows,
        activity=acts,
        total=total,
        scale=np.where(ordered > 0.5, 1.0 / np.maximum(ordered, 1.0), 0.0),
        pairs=pairs,
        nodes=nodes,
        free=np.zeros((size, len(windows), len(nodes), len(nodes))),
        capped=np.zeros((size, len(windows), len(nodes), len(nodes))),
    )
    for c in range(size):
        own = (acts.stratum == c) & inside
        objects = np.flatnonzero(strata.object_stratum == c)
        _tabulate(margins, c, acts.count[own].astype(np.int64), objects, degree, totals, actions)
    return margins


def _tabulate(
    margins: Margins,
    c: int,
    account_degree: I64,
    objects: I64,
    object_degree: I64,
    totals: I64,
    actions: Actions,
) -> None:
    """Fill the tables of one stratum in place: ln(fitted / sparse) at every two nodes."""
    live = totals[objects, -1] > 0
    if not live.any():
        return
    target = _targets(actions)[objects]
    chances, kind = fitted.fit(account_degree, object_degree[objects], margins.nodes)
    order = np.flatnonzero(live)[np.argsort(target[live], kind="stable")]
    rate = totals[objects[order]] / chances.weight[kind[order], None]
    cuts = np.flatnonzero(np.r_[True, np.diff(target[order]) != 0, True])
    fitted.tabulate(
        chances.chance,
        rate,
        kind[order].astype(np.int32),
        cuts.astype(np.int64),
        margins.free[c],
        margins.capped[c],
    )
    sparse = np.outer(margins.nodes, margins.nodes) * margins.scale[c]
    for table in (margins.free[c], margins.capped[c]):
        base = sparse * margins.pairs[c][:, None, None]
        np.divide(table, base, out=table, where=base > 0)
        np.log(table, out=table, where=table > 0)


def _targets(actions: Actions) -> I64:
    """(n_objects,) the target an object belongs to; one without is its own."""
    target = np.full(actions.n_objects, -1, np.int64)
    np.maximum.at(target, actions.object, actions.target)
    own = np.flatnonzero(target < 0)
    target[own] = len(actions.target_labels) + own
    return target


def expected(margins: Margins, left: I32, right: I32) -> tuple[F64, F64]:
    """((p, W) uncapped, (p, W) capped) co-actions that chance expects of each pair.

    Between tabulated degrees the logarithm of fitted over sparse is interpolated. Where a target
    lies in several strata their chances are added: too high, never too low.
    """
    acts = margins.activity
    free = np.zeros((len(left), len(margins.windows)))
    capped = np.zeros_like(free)
    _expected(
        column(left, np.int32, "left"),
        column(right, np.int32, "right"),
        acts.starts,
        acts.stratum,
        acts.count,
        margins.scale,
        margins.pairs,
        margins.nodes,
        margins.free,
        margins.capped,
        free,
        capped,
    )
    return free, capped


@compiled
def _expected(
    left: I32,
    right: I32,
    starts: I64,
    stratum: I32,
    count: F64,
    scale: F64,
    pairs: F64,
    nodes: F64,
    table_free: F64,
    table_capped: F64,
    free: F64,
    capped: F64,
) -> None:
    """Merge the strata of both accounts and add up what each of them expects."""
    for p in range(len(left)):
        i, i_end = starts[left[p]], starts[left[p] + 1]
        j, j_end = starts[right[p]], starts[right[p] + 1]
        while i < i_end and j < j_end:
            if stratum[i] < stratum[j]:
                i += 1
                continue
            if stratum[i] > stratum[j]:
                j += 1
                continue
            c = stratum[i]
            z = count[i] * count[j] * scale[c]
            a, u = _between(nodes, count[i])
            b, v = _between(nodes, count[j])
            i += 1
            j += 1
            for w in range(pairs.shape[1]):
                sparse = z * pairs[c, w]
                if sparse > 0.0:
                    free[p, w] += sparse * np.exp(_bilinear(table_free[c, w], a, b, u, v))
                    capped[p, w] += sparse * np.exp(_bilinear(table_capped[c, w], a, b, u, v))


@compiled
def _between(nodes: F64, degree: float) -> tuple[int, float]:
    """Node at or below a degree, and how far (in logarithms) it is towards the next."""
    low, high = 0, len(nodes) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if nodes[middle] <= degree:
            low = middle
        else:
            high = middle
    return low, np.log(degree / nodes[low]) / np.log(nodes[high] / nodes[low])


@compiled
def _bilinear(table: F64, a: int, b: int, u: float, v: float) -> float:
    upper = table[a, b] * (1.0 - v) + table[a, b + 1] * v
    lower = table[a + 1, b] * (1.0 - v) + table[a + 1, b + 1] * v
    value: float = upper * (1.0 - u) + lower * u
    return value
