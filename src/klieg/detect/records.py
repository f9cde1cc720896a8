"""Look-alikes that the record makes: imports, a crawler's times, accounts copied elsewhere.

Where a time is not the time of an act, or two accounts are one by design, simultaneity says
nothing. Pure functions; the room knows no class.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.tables import SECOND, LookAlike

if TYPE_CHECKING:
    from klieg.detect.signs import Signs
    from klieg.tables import I32, I64, Actions

__all__ = ["bridge", "crawl", "followers", "imported"]

NEARLY_ALL: Final = 0.8
PASSES: Final = 0.5  # share of the members' other posts in a fiftieth of the cycle (even: 2 %)
ELSEWHERE: Final = 0.1  # the same share of others, at most
MANY: Final = 10  # accounts: a crawler visits whoever is there, a few pages may post by the hour
LEAST: Final = 5  # texts that a copy follows
QUICK: Final = 120.0  # seconds
STEADY: Final = 0.8


def imported(signs: Signs) -> LookAlike | None:
    """Each account's joint posts in one run, faster than a hand: old posts brought along."""
    if signs.machine.runs < NEARLY_ALL:
        return None
    return LookAlike(
        "import",
        f"{signs.machine.runs:.0%} of the accounts made nearly all their joint posts in one run, "
        "ten or more with less than 5 s between them: an import of old posts looks like this, and "
        "its times are not those of the acts.",
    )


def crawl(signs: Signs) -> LookAlike | None:
    """What the members post besides falls into one fiftieth of a cycle, others' posts do not."""
    mine, theirs = signs.passes
    if signs.members < MANY or mine < PASSES or theirs > ELSEWHERE:
        return None
    return LookAlike(
        "crawl times",
        f"{mine:.0%} of what the members posted besides falls into one fiftieth of a cycle of "
        f"hours (others' posts: {theirs:.0%}): these are times of a crawler's rounds, not of acts.",
    )


def bridge(pairs: int, members: int, platforms: int) -> LookAlike:
    """The group does not stand without accounts that only copy another one of it."""
    where = "on another platform" if platforms > 1 else "here"
    return LookAlike(
        "bridge" if platforms > 1 else "mirror",
        f"{pairs:,} of {members:,} accounts post nothing but what another one posted seconds "
        f"before, {where}; without them the group does not stand: bridges and mirrors work like "
        "this.",
    )


def followers(actions: Actions, members: I32, posts: I64) -> I32:
    """Members that copy another one: a steady few seconds behind, with nearly all they post.

    ``posts`` (accounts,) all posts of each account. Of two that copy each other neither is one.
    """
    rows = np.flatnonzero(np.isin(actions.account, members))
    order = rows[np.lexsort((actions.time[rows], actions.account[rows], actions.object[rows]))]
    thing, who = actions.object[order], actions.account[order]
    first = np.r_[True, (np.diff(thing) != 0) | (np.diff(who) != 0)] if len(order) else []
    order = order[first]
    acts: dict[int, dict[int, int]] = {}
    beside: dict[int, list[int]] = {}
    for row in order.tolist():
        account, text = int(actions.account[row]), int(actions.object[row])
        acts.setdefault(account, {})[text] = int(actions.time[row])
        beside.setdefault(text, []).append(account)
    found = []
    for copy, mine in acts.items():
        least = max(LEAST, NEARLY_ALL * posts[copy])
        if len(mine) < least:
            continue
        met = Counter(a for text in mine for a in beside[text] if a != copy)
        if any(n >= least and _follows(acts[a], mine) for a, n in met.items()):
            found.append(copy)
    return np.array(sorted(found), np.int32)


def _follows(leader: dict[int, int], copy: dict[int, int]) -> bool:
    lag = np.array([copy[t] - leader[t] for t in sorted(leader.keys() & copy.keys())]) / SECOND
    median = float(np.median(lag))
    steady = np.abs(lag - median) <= max(median / 2, 2.0)
    return bool(0 < median <= QUICK and steady.mean() >= STEADY and (lag > 0).mean() >= STEADY)
