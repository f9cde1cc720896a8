"""What chance expects of a pair: how often two accounts meet if slots of a pool go to anyone.

An object's own attention curve is kept (breaking news makes many pairs, and S counts them); *who*
fills its slots is exchangeable inside the stratum. ``λ_ab(w) = Σ_c n_a n_b S_c(w) / (E_c² − Σn²)``:
the sparse limit of permuting labels, with pairs of an account with itself left out, so that λ
over all pairs sums to the pairs seen. The capped form counts each target once over the whole
period, in λ as in x. The room knows no thresholds, no p-values and no groups beyond their rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.capped import NODES_PER_OCTAVE, CappedTable, tabulate
from klieg.detect.shuffle import shuffle
from klieg.engine.compiled import column, compiled
from klieg.tables import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Actions, Strata

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
    scale: F64  # (C,) 1 / (E_c² − Σ_a n_a²): the weight of an ordered pair of actions, 0 if none
    pairs: F64  # (C, W) S_c(w) = Σ 2·C_i(w)
    capped: CappedTable


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
    left_out: NDArray[np.bool_] | None = None,
) -> Margins:
    """Margins from the pairs counted on each object, ``totals`` (n_objects, W)."""
    size = strata.size
    count = acts.count
    if left_out is not None:
        owner = np.repeat(np.arange(len(acts.starts) - 1), np.diff(acts.starts))
        count = np.where(left_out[owner], 0.0, count)
    total: F64 = np.bincount(acts.stratum, weights=count, minlength=size).astype(np.float64)
    ordered = total**2 - np.bincount(acts.stratum, weights=count**2, minlength=size)
    scale: F64 = np.where(ordered > 0.5, 1.0 / np.maximum(ordered, 1.0), 0.0)
    top = np.zeros(size)
    np.maximum.at(top, acts.stratum, acts.count)
    stratum, per_target = _by_target(actions, strata, 2 * totals)
    pairs = np.zeros((size, len(windows)))
    np.add.at(pairs, stratum, per_target)
    z_max = min(float((top**2 * scale).max(initial=0.0)), 1.0)
    return Margins(windows, acts, total, scale, pairs, tabulate(stratum, per_target, size, z_max))


def _by_target(actions: Actions, strata: Strata, totals: I64) -> tuple[NDArray[np.int64], I64]:
    """((t,) stratum, (t, W) S_T) of every target on which anybody met; no target: the object."""
    target = np.full(actions.n_objects, -1, np.int64)
    np.maximum.at(target, actions.object, actions.target)
    own = np.flatnonzero(target < 0)
    target[own] = len(actions.target_labels) + own
    live = np.flatnonzero(totals.any(axis=1))
    width = len(actions.target_labels) + actions.n_objects
    key = strata.object_stratum[live].astype(np.int64) * width + target[live]
    found, place = np.unique(key, return_inverse=True)
    per_target = np.stack(
        [
            np.bincount(place, weights=totals[live, w], minlength=len(found))
            for w in range(totals.shape[1])
        ],
        axis=1,
    )
    return found // max(width, 1), np.rint(per_target).astype(np.int64)


def expected(margins: Margins, left: I32, right: I32) -> tuple[F64, F64]:
    """((p, W) uncapped, (p, W) capped) co-actions that chance expects of each pair.

    The capped one counts each target at most once; it is read from above, at most 1.4 % too high.
    Where a target lies in several strata their chances are added: too high again, never too low.
    """
    acts, table = margins.activity, margins.capped
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
        table.first,
        table.value,
        table.slope,
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
    first: int,
    value: F64,
    slope: F64,
    free: F64,
    capped: F64,
) -> None:
    """Merge the strata of both accounts and add up what each of them expects."""
    nodes = value.shape[2]
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
            i += 1
            j += 1
            if z <= 0.0:
                continue
            k = min(int(np.floor(NODES_PER_OCTAVE * np.log2(z) + 0.5)) - first, nodes - 1)
            at = 2.0 ** ((first + k) / NODES_PER_OCTAVE)
            for w in range(pairs.shape[1]):
                linear = z * pairs[c, w]
                free[p, w] += linear
                if k < 0:
                    capped[p, w] += linear
                else:
                    capped[p, w] += min(linear, value[c, w, k] + slope[c, w, k] * (z - at))
