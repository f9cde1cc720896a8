"""The trace of haste: reposts within seconds of the original, by whom and of which author.

The object is the author and how fast: two accounts meet on it if both keep passing that author on
at once, whether or not they ever took the same post. So a crew that shares the posts out among
itself, and never meets on one, is seen. A repost that was not hasty is an act on a thing of its
own: it meets nobody, but it says how much its account passes on at leisure. When the original was
made is read from the original, or from its id. The room knows times and ids; nothing of chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.idtimes import UNKNOWN, known_times
from klieg.signals.acts import Shares, act, column, per_platform
from klieg.tables import POSTS, SECOND, Actions

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Signal
    from klieg.tables import I32, Posts

__all__ = ["CLASSES", "FastReposts", "fast_repost"]

CLASSES: Final = (10, 60)
"""Seconds after the original within which a repost is of a class of haste."""

CLOCK: Final = 1
"""Seconds: a coarser clock cannot tell 10 s from a minute; what it timed is no act."""


@dataclass(slots=True)
class FastReposts:
    """Passing on an author's posts within seconds of their being made."""

    name: str = "fast_repost"
    version: str = "1"
    sentence: str = (
        "These {accounts} accounts passed on posts of the same {objects} authors within seconds of "
        "their being made, within {window} of each other, {times} times."
    )

    def actions(self, posts: Posts) -> Actions:
        """Who passed an author on in haste, once a day, account and author."""
        return act(self.name, posts, _shares(posts), repeats="daily")

    def examples(self) -> Sequence[pa.Table]:
        """An author's three posts, each passed on within seconds by another account."""
        start = datetime(2024, 1, 1, tzinfo=UTC)
        rows = []
        for i in range(3):
            made = {"platform": "x", "resolution": 0, "time": start + timedelta(minutes=i)}
            rows.append(made | {"post_id": f"p{i}", "account_id": "author", "kind": "post"})
            rows.append(
                made
                | {"post_id": f"r{i}", "account_id": f"a{i}", "kind": "repost"}
                | {"repost_of": f"p{i}", "time": start + timedelta(minutes=i, seconds=4)}
            )
        return [pa.Table.from_pylist(rows, schema=POSTS)]


def fast_repost(config: Config, **ports: object) -> Signal:
    """Passing on posts of the same authors within seconds of their being made."""
    return FastReposts()


def _shares(posts: Posts) -> Shares:
    """All reposts whose haste can be told, if any was hasty."""
    of = column(posts, "repost_of")
    rows = np.flatnonzero(of.is_valid().to_numpy(zero_copy_only=False))
    take = pa.array(rows)
    of, platform = of.take(take), column(posts, "platform").take(take)
    born = known_times(posts, of, platform)
    # ids carry milliseconds while a post's own time may be cut to the second: 1 s early is at once
    age = np.where(born == UNKNOWN, np.int64(-2 * SECOND), posts.time[rows] - born)
    ticks = pc.fill_null(column(posts, "resolution").take(take), posts.resolution).to_numpy()
    author = _authors(posts, of, platform, take)
    good = (age >= -SECOND) & (ticks <= CLOCK) & author.is_valid().to_numpy(zero_copy_only=False)
    own = pc.equal(author, column(posts, "account_id").take(take))
    good &= ~np.asarray(pc.fill_null(own, False))
    hasty = age <= CLASSES[-1] * SECOND
    good &= bool((good & hasty).any())
    keep, rows, hasty = pa.array(good), rows[good], pa.array(hasty[good])
    author = per_platform(posts, rows, author.filter(keep))
    seconds = pa.array([*map(str, CLASSES), ""]).take(pa.array(_class(age[good])))
    key = pc.binary_join_element_wise(author, " within ", seconds, " s", "")
    alone = pc.binary_join_element_wise("at leisure: ", pa.array(rows).cast(pa.string()), "")
    key = pc.if_else(hasty, key, alone)
    return Shares(rows, key, key, pc.if_else(hasty, author, pa.scalar(None, pa.string())))


def _class(age: np.ndarray) -> I32:
    """(n,) the first class of haste that holds each age in microseconds."""
    limits = np.array(CLASSES) * SECOND
    return np.searchsorted(limits, age, side="left").astype(np.int32)


def _authors(posts: Posts, of: pa.Array, platform: pa.Array, take: pa.Array) -> pa.Array:
    """Whose each reposted post is: as given, else as that post itself says."""
    own = pc.binary_join_element_wise(column(posts, "platform"), column(posts, "post_id"), "\x1f")
    found = pc.index_in(pc.binary_join_element_wise(platform, of, "\x1f"), own)
    return pc.coalesce(
        column(posts, "repost_of_account").take(take), column(posts, "account_id").take(found)
    )
