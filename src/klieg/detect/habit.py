"""How often a group's members come close by habit alone: by acting at once on everything.

The share of member pairs on *different* objects whose delays since the object's first sight agree
says how close two of them come on one object without any plan. Knows one group's rows in one layer
and nothing of what others do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect.timed import clocked, within
from klieg.tables import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.detect.timed import Timed
    from klieg.tables import F64, I32, I64, Bool

    Index = NDArray[np.int64]

__all__ = ["habits"]

TEMPOS: Final = 4  # classes of members by how quick they usually are
SHRINK_HABIT: Final = 20.0  # pairs' worth of the pooled habit each class pair starts with


def habits(
    timed: Timed, rows: I64, obj: Index, counted: Bool, n: int, windows: tuple[int, ...]
) -> tuple[I64, F64]:
    """Observed and expected pairs of acts that were not the first on their object.

    Rows are those of members on the ``n`` objects they share, each at place ``obj``; only pairs of
    ``counted`` rows are observed and expected. Expected: the share of member pairs *across*
    objects whose delays agree within the window, by how quick either member usually is (quick ones
    meet on more than their share), times the pairs on each object.
    """
    delay = timed.time[rows] - timed.born[timed.object[rows]]
    late = delay > 0
    rows, obj, delay, counted = rows[late], obj[late], delay[late], counted[late]
    account = timed.account[rows]
    tempo = _tempo(account, delay)
    on_object = _by_tempo(tempo, obj, account, n, repeats=timed.repeats)
    everywhere = _by_tempo(tempo, np.zeros_like(obj), account, 1, repeats=True)[0]
    across = everywhere - on_object.sum(axis=0)
    asked = on_object
    if not counted.all():
        asked = _by_tempo(tempo[counted], obj[counted], account[counted], n, repeats=timed.repeats)
    observed = within(timed.clipped[rows[counted]], obj[counted], n, windows)
    expected = np.zeros((len(windows), n))
    together = _agreeing(tempo, timed.clipped[rows], windows)
    anyone = _agreeing(tempo, delay, windows)
    itself = _agreeing(tempo, clocked(account, delay), windows)
    for j in range(len(windows)):
        agree = np.maximum(anyone[j] - itself[j] - together[j], 0)
        # half a pair more, so that a habit nobody could have shown is never read as impossible
        pooled = min((agree.sum() + 0.5) / (across.sum() + 1), 1.0)
        share = (agree + SHRINK_HABIT * pooled) / (across + SHRINK_HABIT)
        expected[j] = (asked * np.clip(share, 0.0, 1.0)).sum(axis=(1, 2))
    return observed, expected


def _tempo(account: I32, delay: I64) -> Index:
    """(rows,) the quarter of the acts, by the acting member's median delay; 0 the quickest."""
    order = np.lexsort((delay, account))
    who, first, acts = np.unique(account[order], return_index=True, return_counts=True)
    median = delay[order][first + acts // 2]
    ranked = np.lexsort((who, median))
    done = np.cumsum(acts[ranked]) - acts[ranked]
    class_ = np.zeros(len(who), np.int64)
    class_[ranked] = done * TEMPOS // max(len(account), 1)
    return class_[np.searchsorted(who, account)]


def _by_tempo(tempo: Index, obj: Index, account: I32, n: int, *, repeats: bool) -> F64:
    """(n, TEMPOS, TEMPOS) pairs of different members' acts on each object, above the diagonal."""
    acts = np.bincount(obj * TEMPOS + tempo, minlength=n * TEMPOS).reshape(n, TEMPOS)
    pairs = np.triu(acts[:, :, None] * acts[:, None, :], 1).astype(np.float64)
    own = acts.astype(np.float64)
    if repeats:  # an account's acts all have its tempo: its own pairs lie on the diagonal
        width = int(account.max(initial=0)) + 1
        key, first, times = np.unique(obj * width + account, return_index=True, return_counts=True)
        place = key // width * TEMPOS + tempo[first]
        squares = np.bincount(place, weights=times.astype(np.float64) ** 2, minlength=n * TEMPOS)
        own = squares.astype(np.float64).reshape(n, TEMPOS)
    diagonal = np.arange(TEMPOS)
    pairs[:, diagonal, diagonal] = (acts**2 - own) / 2
    return pairs


def _agreeing(tempo: Index, value: I64, windows: tuple[int, ...]) -> I64:
    """(W, TEMPOS, TEMPOS) pairs of rows whose values lie within each window, above the diagonal."""
    parts = [np.sort(value[tempo == c]) for c in range(TEMPOS)]
    out = np.zeros((len(windows), TEMPOS, TEMPOS), np.int64)
    for j, w in enumerate(windows):
        for p, x in enumerate(parts):
            for q in range(p, TEMPOS):
                y = parts[q]
                after = np.searchsorted(y, x + w * SECOND, side="right")
                if p == q:
                    out[j, p, q] = (after - np.arange(1, len(x) + 1)).sum()
                else:
                    out[j, p, q] = (after - np.searchsorted(y, x - w * SECOND)).sum()
    return out
