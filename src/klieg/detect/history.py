"""A finding's history, period by period: born, grew, shrank, slept, came back.

It reads the posts and acts that took part and nothing else, so it describes a group and tests
nothing. Days where the data span less than three weeks, then weeks, then four weeks; weeks begin
on Monday (UTC), so that shifting all times by whole weeks changes nothing. The room knows no names.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg import evidence
from klieg.detect.interest import DAY, WEEK, week_start
from klieg.tables import Appearance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import I32, I64, Finding, Posts

__all__ = ["CHANGED", "period", "timeline", "told"]

CHANGED: Final = 0.1  # of its size, from which on a group grew or shrank
DAILY: Final = 21  # days up to which a history is told by the day
WEEKLY: Final = 60  # weeks up to which it is told by the week


def told(found: Sequence[Finding], posts: Posts) -> tuple[Finding, ...]:
    """The findings, each with its history over the span of all posts and acts."""
    if not found:
        return ()
    who, when = evidence.accounts(posts), evidence.times(posts)
    span = {"first": int(when.min()), "last": int(when.max())}
    out = []
    for finding in found:
        rows = np.array([*finding.posts, *(posts.n + act for act in finding.acts)], np.int64)
        out.append(replace(finding, history=timeline(who[rows], when[rows], **span)))
    return tuple(out)


def period(first: int, last: int) -> int:
    """Microseconds of a period in which to tell a history: days, weeks, or four weeks."""
    span = last - first
    return DAY if span < DAILY * DAY else WEEK if span < WEEKLY * WEEK else 4 * WEEK


def timeline(account: I32, time: I64, *, first: int, last: int) -> tuple[Appearance, ...]:
    """One group's history, from its first active period to the data's last.

    ``account`` and ``time`` (n,) of the posts and acts that took part; ``first`` and ``last`` are
    the data's. A group is active in a period with posts of two members or more.
    """
    if not len(time):
        return ()
    step = period(first, last)
    origin = week_start(first)
    index = (time - origin) // step
    out: list[Appearance] = []
    before: set[int] = set()
    ever: set[int] = set()
    for number in range(int(index.min()), int((last - origin) // step) + 1):
        who = set(account[index == number].tolist())
        start = origin + number * step
        if len(who) < 2:
            if out:
                out.append(Appearance(start, step, 0, 0, 0, 0, "dormant"))
            continue
        state = _state(out, len(who), len(before))
        posts = int(np.count_nonzero(index == number))
        gone = len(before - who)
        out.append(Appearance(start, step, len(who), len(who - ever), gone, posts, state))
        before = who
        ever |= who
    return tuple(out)


def _state(told: Sequence[Appearance], size: int, was: int) -> str:
    if not told:
        return "born"
    if told[-1].state == "dormant":
        return "returned"
    if abs(size - was) <= CHANGED * was:
        return "steady"
    return "grew" if size > was else "shrank"
