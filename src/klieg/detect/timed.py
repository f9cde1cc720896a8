"""One layer laid out for the clock: acts by object and time, first sights, scores of haste.

Built once a run for each layer, read for each group. The room knows neither groups nor what is
usual; it only makes "which of these rows lie within w on one object" a binary search.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.tables import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import F64, I32, I64, Actions

__all__ = [
    "HORIZON",
    "TEXTUAL",
    "WINDOWS",
    "Timed",
    "clocked",
    "later",
    "lay_out",
    "ragged",
    "rows_of",
    "within",
]

WINDOWS: Final = (60, 600, 3600, 10800)
"""Seconds the clock is read at, whatever the ladder: at 6 h nothing separates (design 3.5)."""

HORIZON: Final = WINDOWS[-1] * SECOND

TEXTUAL: Final = frozenset({"copies", "paraphrases", "hashtags", "hashtag_pairs"})
"""Layers whose objects hardly exist outside a group: their pace is taken from links."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One layer's acts by object and time, an account at most once an object in HORIZON."""

    account: I32  # (n,)
    object: I32  # (n,) ascending
    time: I64  # (n,) microseconds, ascending inside an object
    starts: I64  # (n_objects + 1,) rows of object i are starts[i]:starts[i + 1]
    by_account: I64  # (n,) rows grouped by account
    account_starts: I64  # (n_accounts + 1,) into by_account
    actors: I32  # (n_objects,) distinct accounts
    born: I64  # (n_objects,) microseconds: first sight
    clipped: I64  # (n,) a clock on which rows are ≤ w apart iff same object and |Δt| ≤ w ≤ HORIZON
    score: F64  # (n,) normal score of the age inside its popularity class; NaN if alone
    pairs_within: I64  # (n_objects, W) pairs of different accounts' acts within each window
    target: I32  # (n_objects,) author or domain, numbered; an object without one is its own
    repeats: bool  # whether any account acted twice on one object


def lay_out(actions: Actions, windows: tuple[int, ...]) -> Timed:
    """The layer's acts by object and time, with all that is counted once."""
    order = np.argsort(actions.object, kind="stable")
    account, obj, time = actions.account[order], actions.object[order], actions.time[order]
    key = obj.astype(np.int64) * actions.n_accounts + account
    by_key = np.argsort(key, kind="stable")
    again = np.zeros(len(key), bool)
    same = np.diff(key[by_key]) == 0
    again[by_key[1:]] = same & (np.diff(time[by_key]) <= HORIZON)
    repeats = bool((same & ~again[by_key[1:]]).any())
    actors = np.bincount(
        obj[by_key[np.r_[True, ~same]]] if len(key) else obj, minlength=actions.n_objects
    )
    account, obj, time = account[~again], obj[~again], time[~again]
    starts = np.searchsorted(obj, np.arange(actions.n_objects + 1)).astype(np.int64)
    born = np.zeros(actions.n_objects, np.int64)
    used = starts[:-1] < starts[1:]
    born[used] = time[starts[:-1][used]]
    by_account = np.argsort(account, kind="stable")
    clock = _clip(obj, time)
    within = np.zeros((actions.n_objects, len(windows)), np.int64)
    for j, w in enumerate(windows):
        within[:, j] = np.bincount(
            obj, weights=later(clock, w * SECOND), minlength=actions.n_objects
        )
    return Timed(
        account,
        obj,
        time,
        starts,
        by_account,
        np.searchsorted(account[by_account], np.arange(actions.n_accounts + 1)).astype(np.int64),
        actors.astype(np.int32),
        born,
        clock,
        _scores(time - born[obj], actors[obj]),
        within,
        _targets(actions.object, actions.target, actions.n_objects),
        repeats,
    )


def _targets(obj: I32, target: I32, n_objects: int) -> I32:
    known = np.full(n_objects, -1, np.int64)
    known[obj] = target
    # numbered behind the real targets, so that no object shares its stand-in with a target
    own = int(target.max(initial=-1)) + 1 + np.arange(n_objects)
    return np.where(known >= 0, known, own).astype(np.int32)


def _clip(label: NDArray[np.integer], value: I64) -> I64:
    """A running clock whose steps stop at HORIZON + 1, also where the label changes.

    Rows must stand by label and then value. Two rows are at most w ≤ HORIZON apart on it exactly
    if they share the label and their values are; and it cannot overflow.
    """
    if not len(value):
        return np.zeros(0, np.int64)
    step = np.minimum(np.diff(value), HORIZON + 1)
    step[np.diff(label) != 0] = HORIZON + 1
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(step)])


def later(clock: I64, window: int) -> I64:
    """(n,) how many later rows lie within the window of each."""
    return np.searchsorted(clock, clock + window, side="right") - np.arange(1, len(clock) + 1)


def _scores(age: I64, actors: NDArray[np.integer]) -> F64:
    """Normal scores of the age inside classes of log2 actors; equal ages share the middle rank."""
    score = np.full(len(age), np.nan)
    class_ = np.minimum(np.log2(np.maximum(actors, 1)).astype(np.int64), 9)
    order = np.lexsort((age, class_))
    order = order[class_[order] > 0]
    if not len(order):
        return score
    c, a = class_[order], age[order]
    size = np.bincount(c, minlength=10)
    first = np.r_[0, np.cumsum(size)[:-1]][c]
    fresh = np.r_[True, (np.diff(c) != 0) | (np.diff(a) != 0)]
    run = np.flatnonzero(fresh)
    length = np.diff(np.r_[run, len(c)])
    middle = np.repeat(run + length / 2, length)
    from scipy.special import ndtri  # a tenth of a second that a quiet case need not wait

    score[order] = ndtri((middle - first) / size[c])
    return score


def rows_of(layer: Timed, members: I32) -> I64:
    """Rows of these accounts, ascending, so by object and then time."""
    return np.sort(ragged(layer.by_account, layer.account_starts, members))


def clocked(label: NDArray[np.integer], value: I64) -> I64:
    """The same clock for rows in any order: within w exactly if one label and |Δ| ≤ w ≤ HORIZON."""
    order = np.lexsort((value, label))
    clock = np.empty(len(value), np.int64)
    clock[order] = _clip(label[order], value[order])
    return clock


def ragged(values: I64, starts: I64, rows: NDArray[np.integer]) -> I64:
    """The concatenated slices values[starts[r]:starts[r + 1]]."""
    begin, length = starts[rows], starts[rows + 1] - starts[rows]
    offset = np.repeat(begin - np.cumsum(length) + length, length)
    return values[offset + np.arange(int(length.sum()))]


def within(clock: I64, obj: I64, n: int, windows: tuple[int, ...]) -> I64:
    """(W, n) pairs of these rows within each window, by object. Rows by object and time."""
    if not len(windows):
        return np.zeros((0, n), np.int64)
    after = np.arange(1, len(clock) + 1)
    return np.array(
        [
            np.bincount(
                obj,
                weights=np.searchsorted(clock, clock + w * SECOND, side="right") - after,
                minlength=n,
            )
            for w in windows
        ]
    ).astype(np.int64)
