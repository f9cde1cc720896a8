"""When accounts post: time zones, mornings and evenings, weekends, sessions.

Times are int64 milliseconds since the start of the world. The room knows no post and no text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from klieg.tables import F64, I64

__all__ = ["DAY", "HOUR", "MINUTE", "Clock", "clock"]

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_QUARTER = 15 * MINUTE
CHRONOTYPES = 8
"""From early birds to night owls: the same day, shifted by −2.5 … +4.5 hours."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The horizon and, for each chronotype, how its activity is spread over it."""

    days: int
    intensity: F64  # (chronotypes, quarters) relative, 1 at the peak
    cumulative: F64  # (chronotypes · quarters,) ascending, chronotype c within (c, c + 1]

    @property
    def end(self) -> int:
        return self.days * DAY

    def draw(self, rng: np.random.Generator, kind: NDArray[np.integer], zone: I64) -> I64:
        """(n,) times for accounts of this chronotype and offset from UTC (milliseconds)."""
        quarters = self.intensity.shape[1]
        u = rng.random(len(kind))
        found = np.searchsorted(self.cumulative, kind + u, side="right")
        quarter = np.clip(found - kind * quarters, 0, quarters - 1)
        within = rng.integers(0, _QUARTER, len(kind))
        return np.asarray((quarter * _QUARTER + within - zone) % self.end, np.int64)

    def awake(self, time: I64, kind: NDArray[np.integer], zone: I64) -> F64:
        """(n,) how active an account of this chronotype is at that time, 1 at its peak."""
        quarter = ((time + zone) % self.end) // _QUARTER
        return np.asarray(self.intensity[kind, quarter], np.float64)


def clock(start: datetime, days: int) -> Clock:
    """The clock of a world: weekdays follow the calendar of ``start``."""
    hour = np.arange(96) / 4.0
    rows = []
    for shift in np.linspace(-2.5, 4.5, CHRONOTYPES):
        weekday = _day(hour - shift, (8.0, 12.5, 20.0), (0.6, 0.7, 1.0))
        weekend = 0.85 * _day(hour - shift, (11.0, 15.5, 21.0), (0.6, 0.7, 1.0))
        week = [weekend if (start.weekday() + d) % 7 >= 5 else weekday for d in range(days)]
        rows.append(np.concatenate(week))
    intensity = np.array(rows)
    share = intensity / intensity.sum(axis=1, keepdims=True)
    cumulative = np.cumsum(share, axis=1) + np.arange(len(rows))[:, None]
    relative = intensity / intensity.max(axis=1, keepdims=True)
    return Clock(days, relative, np.asarray(cumulative.ravel(), np.float64))


def _day(hour: F64, peaks: tuple[float, ...], heights: tuple[float, ...]) -> F64:
    distance = np.abs((hour[:, None] - np.array(peaks) + 12) % 24 - 12)
    humps = np.exp(-0.5 * (distance / 2.3) ** 2) * np.array(heights)
    return np.asarray(humps.sum(axis=1) + 0.03, np.float64)


def sessions(rng: np.random.Generator, account: NDArray[np.integer], time: I64, end: int) -> I64:
    """Pull about half of the posts towards another of the same account, minutes after it.

    ``account`` must be grouped. Gives heavy-tailed gaps: seconds inside a sitting, hours between.
    """
    n = len(account)
    first = np.flatnonzero(np.r_[True, account[1:] != account[:-1]]) if n else np.empty(0, int)
    size = np.diff(np.r_[first, n])
    starts, sizes = np.repeat(first, size), np.repeat(size, size)
    leader = starts + (rng.random(n) * np.ceil(sizes * 0.45)).astype(np.int64)
    follows = np.arange(n) - starts >= np.ceil(sizes * 0.45)
    gap = (rng.lognormal(np.log(150_000), 1.3, n)).astype(np.int64) + 2_000
    return np.asarray(np.where(follows, (time[leader] + gap) % end, time), np.int64)
