"""Which acts meet: the rows of the same object within the window, as each of the two tools says.

Whole times are compared as integers. Where times have fractions the tools compare floating-point
numbers, each in its own way, and so does this room: one asks whether t2 lies between t1 − w and
t1 + w, the other whether |t1 − t2| ≤ w, which differs in the last digit. The room does not know
what a meeting counts for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from klieg.engine.compiled import compiled
from klieg.engine.windows import group_rows

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, Bool

    Times = I64 | F64

__all__ = ["Acts", "Clock", "Met", "clock", "meetings", "picked"]

WHOLE = 2**62
"""Whole times below this many seconds are compared as integers."""
DIGITS = 2**53
T = TypeVar("T", bound=np.generic)


class Acts(NamedTuple):
    """One row an act, in any order."""

    account: I32  # (n,) code
    post: I32  # (n,) code of the message
    object: I32  # (n,) code
    time: F64  # (n,) seconds


class Met(NamedTuple):
    """The acts that meet another, in (object, time) order; act i meets rows lo[i] … hi[i] − 1."""

    account: I32
    post: I32
    row: I64  # where each stood among the acts
    tick: I64  # the time in ticks
    lo: I32
    hi: I32
    ticks: int  # ticks in a second

    @property
    def pairs(self) -> int:
        """Ordered pairs of acts that meet, those of one account too."""
        return int((self.hi - self.lo).sum(dtype=np.int64)) - len(self.lo)


class Clock(NamedTuple):
    """Times as they are compared, the window in the same unit, and ticks for sums of delays."""

    time: Times
    window: float
    tick: I64
    ticks: int


def clock(seconds: F64, window: float) -> Clock:
    """Integers where all times are whole; else floats, and ticks as fine as 53 bits allow."""
    if not len(seconds):
        return Clock(np.zeros(0, np.int64), int(min(window, WHOLE)), np.zeros(0, np.int64), 1)
    far = float(np.abs(seconds).max())
    if far < WHOLE and (seconds == np.floor(seconds)).all():
        whole = seconds.astype(np.int64)
        return Clock(whole, math.floor(min(window, WHOLE)), whole, 1)
    digits = 9 if far == 0 else min(9, math.floor(math.log10(DIGITS / far))) if far < WHOLE else 0
    ticks = 10 ** max(digits, 0)
    finite = np.where(np.abs(seconds) < WHOLE, seconds, 0.0)
    return Clock(seconds, window, np.rint(finite * ticks).astype(np.int64), ticks)


def meetings(acts: Acts, window: float, *, difference: bool) -> Met:
    """Every act with another on its object within ``window`` seconds (inclusive).

    ``difference``: by |t1 − t2| ≤ w; else by t1 − w ≤ t2 ≤ t1 + w. A time that is no number (nan)
    meets nothing.
    """
    row = np.flatnonzero(_in_company(acts))
    account, post, object_ = acts.account[row], acts.post[row], acts.object[row]
    time, span, tick, ticks = clock(acts.time[row], window)
    order = np.arange(len(row))
    if not (time[1:] >= time[:-1]).all():
        order = np.argsort(time, kind="stable")
    order = group_rows(object_, order, int(object_.max(initial=-1)) + 1)[1]
    account, post, row, tick = account[order], post[order], row[order], tick[order]
    lo, hi = np.empty(len(row), np.int32), np.empty(len(row), np.int32)
    _ranges(object_[order], time[order], time.dtype.type(span), difference, lo, hi)
    n = len(lo)
    # floating-point sums may let an act be met by one that it does not meet itself
    by = np.cumsum(np.bincount(lo, minlength=n + 1) - np.bincount(hi, minlength=n + 1))[:n]
    return picked(Met(account, post, row, tick, lo, hi, ticks), (hi - lo > 1) | (by > 1))


def picked(met: Met, keep: Bool) -> Met:
    """Only these acts; the ranges are those that remain of theirs."""
    if keep.all():
        return met
    before = np.zeros(len(keep) + 1, np.int32)
    np.cumsum(keep, out=before[1:])
    lo, hi = before[met.lo[keep]], before[met.hi[keep]]
    columns = met.account[keep], met.post[keep], met.row[keep], met.tick[keep]
    return Met(*columns, lo, hi, met.ticks)


def _in_company(acts: Acts) -> Bool:
    """(n,) acts with a time, on objects that at least two acts are on."""
    keep = ~np.isnan(acts.time)
    counts = np.bincount(acts.object[keep])
    keep[keep] = counts[acts.object[keep]] > 1
    return keep


@compiled
def _ranges(
    object: I32,  # noqa: A002
    time: NDArray[T],
    window: T,
    difference: bool,
    lo: I32,
    hi: I32,
) -> None:
    """[lo, hi) of each act, (object, time) order; both ends only ever move forward."""
    first = 0
    stop = 0
    for i in range(len(time)):
        if i == 0 or object[i] != object[i - 1]:
            first = i
            stop = i
        now = time[i]
        if difference:
            while now - time[first] > window:
                first += 1
            while stop < len(time) and object[stop] == object[i] and time[stop] - now <= window:
                stop += 1
        else:
            while time[first] < now - window:
                first += 1
            while stop < len(time) and object[stop] == object[i] and time[stop] <= now + window:
                stop += 1
        lo[i] = first
        hi[i] = max(stop, i + 1)
