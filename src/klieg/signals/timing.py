"""The trace of synchrony: beginning to post at the same time, whatever is posted.

The object is a stretch of three hours in one language; an act is the first post after a pause. Who
begins in which minutes of the stretch is what is compared, against accounts that are as active at
those hours: the layer's pools are hours of the day (``detect.strata``). The stretch's day is the
target, so that the evening of a match or a march is one target and not many things. The room knows
times and languages; nothing of pairs or chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.signals.acts import DAY, Shares, act, column
from klieg.tables import POSTS, SECOND, Actions

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Signal
    from klieg.tables import I32, I64, Posts

__all__ = ["PAUSE", "STRETCH", "Synchrony", "sittings", "synchrony"]

PAUSE: Final = 3600 * SECOND
"""Microseconds without a post after which an account begins anew: its own rush is no company."""

STRETCH: Final = 3 * 3600 * SECOND
"""Microseconds: the blocks in which rhythm is kept, here as in the second null."""

_WEEK: Final = 7 * DAY
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(slots=True)
class Synchrony:
    """Beginning to post at the same time, on whatever subject."""

    name: str = "synchrony"
    version: str = "1"
    sentence: str = (
        "These {accounts} accounts began to post within {window} of each other in {objects} "
        "stretches of three hours, {times} times."
    )

    def actions(self, posts: Posts) -> Actions:
        """Who began to post when: every first post after an hour's pause."""
        return act(self.name, posts, _shares(posts), repeats="always")

    def examples(self) -> Sequence[pa.Table]:
        """Three accounts that begin within a minute, on three subjects, two days running."""
        start = datetime(2024, 1, 1, 9, tzinfo=UTC)
        rows = [
            {
                "platform": "x",
                "post_id": f"{day}-{i}",
                "account_id": f"a{i}",
                "time": start + timedelta(days=day, seconds=20 * i),
                "text": f"what I did on day {day}, as number {i}",
                "lang": "en",
            }
            for day in range(2)
            for i in range(3)
        ]
        return [pa.Table.from_pylist(rows, schema=POSTS)]


def synchrony(config: Config, **ports: object) -> Signal:
    """Beginning to post at the same time."""
    return Synchrony()


def sittings(account: I32, time: I64) -> I64:
    """Rows that open a sitting: an account's first post, and each after an hour without one.

    Rows stand in time order; the answer ascends.
    """
    order = np.argsort(account, kind="stable")
    fresh = np.ones(len(order), np.bool_)
    same = np.diff(account[order]) == 0
    fresh[1:] = ~same | (np.diff(time[order]) >= PAUSE)
    return np.sort(order[fresh])


def _shares(posts: Posts) -> Shares:
    rows = sittings(posts.account, posts.time)
    origin = (int(posts.time[0]) + 3 * DAY) // _WEEK * _WEEK - 3 * DAY if posts.n else 0
    stretch, number = np.unique((posts.time[rows] - origin) // STRETCH, return_inverse=True)
    days, hours = np.divmod(stretch, DAY // STRETCH)
    day = [f"{_DAYS[d % 7]} of week {d // 7 + 1}" for d in days.tolist()]
    when = [
        f"{d}, {3 * h:02}:00–{3 * h + 3:02}:00 UTC"
        for d, h in zip(day, hours.tolist(), strict=True)
    ]
    take = pa.array(rows)
    parts = [
        pc.fill_null(column(posts, name).take(take), "")
        for name in ("platform", "collection", "lang")
    ]
    said = pa.array(when, pa.string()).take(pa.array(number))
    key = pc.binary_join_element_wise(said, *parts, "\x1f")
    label = pc.if_else(
        pc.equal(parts[-1], ""), said, pc.binary_join_element_wise(said, parts[-1], ", ")
    )
    return Shares(rows, key, label, pa.array(day, pa.string()).take(pa.array(number)))
