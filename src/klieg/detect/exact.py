"""The exact tail of a pair: a Poisson-binomial over what it could have met on, target by target.

Poisson's tail bounds it from above for x ≥ λ + 1 (Hoeffding 1956), loosely only where single
targets are likely: few targets, two busy accounts. Each target's chance is that of the fitted
margins, ``1 − Π(1 − p_ai p_bi ρ_i)``. Where habits, age or popularity raised what the pair was
tested at, nobody knows on which targets, and Poisson's tail, the largest of its mean, stays. So it
can only lower a p, and only where the fit is all there is. The room sets no threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import null
from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.null import Margins, Slots
    from klieg.detect.scoring import Study
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, U32, Actions

__all__ = ["beside", "chances", "tails"]

REACH, MOST = 100.0, 500
"""How far above the level a pair may lie to be asked, and how many, the nearest first."""

NEAR = 1e-9
"""Part of λ by which it may differ from the fit's: rounding."""


def beside(
    actions: Actions, study: Study, level: float, config: Config, engine: Engine
) -> tuple[int, int]:
    """(pairs within REACH of the level that were not validated, those that exactly would be).

    A check, as shuffles are: in worlds it changed no verdict (dev/LOG.md), so p stays Poisson's.
    """
    p = study.tests.p[study.rows]
    near = np.flatnonzero((p > level) & (p <= min(REACH * level, config.weak_p)))
    near = near[np.argsort(p[near], kind="stable")[:MOST]]
    if not len(near):
        return 0, 0
    edges, seen = study.edges, study.edges.capped[near]
    each = tails(
        actions,
        study.measured.first,
        edges.left[near],
        edges.right[near],
        seen,
        study.expected[near],
        config,
        engine,
    )
    smallest = np.where(seen >= config.weak_count, each, 1.0).min(axis=1)
    return len(near), int(np.count_nonzero(len(config.windows_s) * smallest <= level))


def tails(
    actions: Actions,
    margins: Margins,
    left: I32,
    right: I32,
    seen: U32,
    expected: F64,
    config: Config,
    engine: Engine,
) -> F64:
    """(p, W) P[at least ``seen``] of pairs, exactly; Poisson's where λ was raised.

    ``seen`` and ``expected`` (p, W): capped co-actions and the λ they were tested at; ``margins``
    those of all pairs, before any gave back its excess. O(objects of
    the pools both accounts are in · seen) a pair and window: for pairs near a level, not for all.
    """
    slots, totals = margins.slots, null.pair_totals(actions, config, engine, None)
    fitted = null.expected_capped(margins, left, right, threads=config.threads)
    plain = np.abs(expected - fitted) <= NEAR * fitted
    out = engine.poisson_tail(
        np.ascontiguousarray(seen.reshape(-1), dtype=np.int64),
        np.ascontiguousarray(expected.reshape(-1)),
    ).reshape(seen.shape)
    for w in range(seen.shape[1]):
        live = np.flatnonzero(totals[:, w])
        live = live[np.argsort(slots.target[live], kind="stable")]
        for k in np.flatnonzero(plain[:, w] & (seen[:, w] >= expected[:, w] + 1.0)):
            q = chances(slots, int(left[k]), int(right[k]), live, totals[live, w])
            level = _raised(q, float(expected[k, w]))
            if level is None:
                continue
            starts = np.array([0, len(level)], np.int64)
            n = np.array([seen[k, w]], np.int64)
            told = float(engine.poisson_binomial_tail(starts, level, n)[0])
            out[k, w] = min(float(out[k, w]), told)
    return out


def chances(slots: Slots, a: int, b: int, live: I64, totals: I64) -> F64:
    """(targets,) chance to meet on each, of those that both may be on.

    ``live`` objects side by side by target, ``totals`` the pairs of acts on each within the window.
    """
    acts = np.zeros((2, len(slots.total)))
    for row, account in enumerate((a, b)):
        own = slice(slots.starts[account], slots.starts[account + 1])
        acts[row, slots.stratum[own]] = slots.count[own]
    home = slots.home[live]
    both = (acts[:, home] > 0).all(axis=0)
    live, totals, home = live[both], totals[both], home[both]
    q = np.empty(len(live))
    for c in np.unique(home):
        here = np.flatnonzero(home == c)
        fit, kind = slots.fits[c], slots.kind[live[here]]
        p = [_between(fit.chance, slots.nodes, acts[row, c])[kind] for row in (0, 1)]
        q[here] = np.minimum(1.0, p[0] * p[1] * totals[here] / fit.weight[kind])
    first = np.flatnonzero(np.r_[True, np.diff(slots.target[live]) != 0]) if len(live) else live
    return 1.0 - np.multiply.reduceat(1.0 - q, first) if len(first) else q


def _between(chance: F64, nodes: F64, degree: float) -> F64:
    """(K,) the fit's chances at a degree, between its nodes by the logarithm."""
    high = int(np.clip(np.searchsorted(nodes, degree), 1, max(len(nodes) - 1, 1)))
    low = min(high - 1, len(nodes) - 1)
    high = min(high, len(nodes) - 1)
    if low == high or degree <= nodes[low]:
        return np.asarray(chance[low])
    share = min(np.log(degree / nodes[low]) / np.log(nodes[high] / nodes[low]), 1.0)
    told: F64 = chance[low] * (1.0 - share) + chance[high] * share
    return told


def _raised(q: F64, mean: float) -> F64 | None:
    """The chances brought to add up to ``mean``, which was read from a table, none beyond 1.

    None if so few targets cannot: then nothing is known of the shape.
    """
    q = q[q > 0.0]
    if not len(q) or len(q) <= mean:
        return None
    filled: F64 = _filled(q, mean)
    return filled


@compiled
def _filled(q: F64, mean: float) -> F64:
    """See ``_raised``: what is cut at 1 is spread over the others until nothing is."""
    out: F64 = q * (mean / q.sum())
    for _ in range(60):
        over = 0.0
        free = 0.0
        for i in range(len(out)):
            if out[i] > 1.0:
                over += out[i] - 1.0
                out[i] = 1.0
            elif out[i] < 1.0:
                free += out[i]
        if over <= 1e-12 or free <= 0.0:
            break
        for i in range(len(out)):
            if out[i] < 1.0:
                out[i] *= 1.0 + over / free
    for i in range(len(out)):
        out[i] = min(out[i], 1.0)
    return out
