"""Evidence of a pair, day after day, on which one may look each morning and stop when one likes.

``E_T = mean_r r^{Σx_t} e^{−(r−1)Σλ_t}``: x_t are the pair's co-actions inside day t, λ_t what that
day's margins alone expect of it, whatever happened before. Under chance each day multiplies a
pair's evidence by a factor of mean at most 1 (docs/method.md), so E_T is an e-value at any moment,
chosen by looking at it or not, and e-BH over all pairs holds on the evidence of *that* moment. A
running maximum is no e-value: who stood once and fell again is no alert. Nor may a pair's clock
start when it first meets: every day counts against it, those before it was seen too. The room
knows no stream; who has one hands it the acts of whole days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import error_control, halves, null, scoring
from klieg.detect.error_control import RATES
from klieg.detect.interest import DAY, week_start

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, U32, Actions, Bool, Strata

__all__ = ["Days", "alerts", "follow", "process"]

_LARGEST = 600.0  # ln E beyond which evidence is no longer told apart


@dataclass(frozen=True, slots=True)
class Days:
    """Pairs followed over the days of a layer."""

    start: I64  # (T,) microseconds at which each day begins; days without acts are left out
    seen: U32  # (p, T, W) co-actions inside the day, at most one a target over all days
    expected: F64  # (p, T, W) by the day's own margins
    evidence: F64  # (p, T) E after each day, averaged over windows


def process(seen: U32 | I64, expected: F64) -> F64:
    """(p, T) E_T of counts and expectations (p, T, W), cumulated over days.

    The mean over r and windows of products over days: not the product of means, so that evidence
    of one kind adds up.

    >>> process(np.array([[[1], [1]]]), np.zeros((1, 2, 1))).round(1).tolist()
    [[88.6, 20201.8]]
    """
    x, lam = np.cumsum(seen, axis=1, dtype=np.float64), np.cumsum(expected, axis=1)
    total = np.zeros(x.shape)
    for r in RATES:
        total += np.exp(np.minimum(x * np.log(r) - (r - 1.0) * lam, _LARGEST))
    mean: F64 = total.mean(axis=2) / len(RATES)
    return mean


def alerts(evidence: F64, pairs: int, level: float) -> Bool:
    """(p,) who is in the e-BH set at this moment, among ``pairs``, those not given having 0."""
    alert: Bool = evidence >= error_control.e_threshold(evidence, pairs, level)
    return alert


def follow(
    actions: Actions, strata: Strata, left: I32, right: I32, config: Config, engine: Engine
) -> Days:
    """The evidence of the pairs (p,) after each day of a layer.

    Co-actions that cross midnight (UTC) belong to no day and do not count. Which pairs are asked
    may be chosen by looking: E of the others is not needed, and e-BH counts all of them.
    """
    windows = null.ladder(config)
    if not actions.n:
        none = np.zeros((len(left), 0, len(windows)))
        return Days(np.zeros(0, np.int64), none.astype(np.uint32), none, none[:, :, 0])
    origin = week_start(int(actions.time.min()))
    day = (actions.time - origin) // DAY
    numbers = np.unique(day)
    # pulled apart, so that no window reaches from one day into the next
    pulled = replace(actions, time=actions.time + day * (DAY + int(windows.max())))
    seen, expected = [], []
    before = np.zeros((len(left), len(windows)), np.uint32)
    for number in numbers:
        so_far = halves.rows(pulled, np.flatnonzero(day <= number))
        counts = engine.rescore_pairs(
            so_far.account,
            so_far.object,
            so_far.time,
            so_far.target,
            so_far.n_accounts,
            windows,
            left,
            right,
            config.threads,
        ).capped
        seen.append(counts - before)
        before = counts
        today = halves.rows(actions, np.flatnonzero(day == number))
        known = scoring.measured(today, strata, config, engine)
        lam = null.expected_capped(known.margins, left, right, threads=config.threads)
        expected.append(scoring.raised(today, known, lam, left, right))
    x, lam = np.stack(seen, axis=1), np.stack(expected, axis=1)
    return Days(origin + numbers * DAY, x, lam, process(x, lam))
