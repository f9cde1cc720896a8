"""The core of a group: the members whose own pairs keep its clock.

The ratio of a group is that of all its pairs, so twenty who act as one can speak for eighty of
their community who never did. Here every member is asked alone. It can only take away: who is in no
core is not accused, and a core must stand by itself and is timed on the days that did not choose
it. The room searches no set and knows no class.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import clock, narrowing
from klieg.detect.timed import TEXTUAL, rows_of
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.detect.reading import Reading, Run
    from klieg.detect.timed import Timed
    from klieg.tables import F64, I32, I64, Bool, Group

__all__ = ["core", "keepers"]

PART: Final = 0.25
"""Of the pairs beyond chance that the strongest tenth have: who has fewer only came across them."""

STRONGEST: Final = 0.9
FEWEST: Final = 3
ROUNDS: Final = 40


def core(run: Run, group: Group, read: Reading) -> Group | None:
    """The group itself where every member keeps its clock; the core, weighed alone; None where
    the core does not stand."""
    if len(read.timings) != 1 or not run.clock.windows or len(group.members) <= FEWEST:
        return group
    timed, window = run.clock.layers[read.signal], _window(run, read)
    members = keepers(timed, group.members, _expected(run, read), window)
    if len(members) == len(group.members):
        return group
    if len(members) < FEWEST:
        return None
    found = narrowing.weighed(run, group, members, read.signal)
    if found is None:
        return None
    return replace(found, halves=_by_half(run, group, read), stability=group.stability)


def keepers(
    timed: Timed,
    members: I32,
    usual: F64,
    window: int,
    *,
    chosen: Bool | None = None,
) -> I32:
    """Members (ascending) whose own pairs within the window are in step with the others'.

    A member of a group whose pairs are R times as many as usual is likelier to have come by chance
    if its own are fewer than (R − 1) / ln R times (two Poisson laws; one standard error is
    forgiven). Those leave, and who has too few pairs at all, a tenth of the group at a time.
    ``usual``: (J,) what chance expects of a pair of acts on each object that two members acted on;
    ``chosen``: (rows,) which acts of the layer count, all if None.
    """
    joint, rows, place, _ = clock.shared(timed, rows_of(timed, members))
    kept = np.ones(len(members), np.bool_)
    who = np.searchsorted(members, timed.account[rows])
    counted = np.ones(len(rows), np.bool_) if chosen is None else chosen[rows]
    for _ in range(ROUNDS):
        use = kept[who] & counted
        met = _near(timed.clipped[rows[use]], window)
        acts = np.bincount(place[use], minlength=len(joint))
        expected = usual[place[use]] * (acts[place[use]] - 1)
        seen = np.bincount(who[use], weights=met, minlength=len(members))
        chance = np.bincount(who[use], weights=expected, minlength=len(members))
        whole = seen.sum() / max(float(chance.sum()), 1e-9)
        own = np.where(kept, (seen + np.sqrt(seen) + 0.5) / (chance + 0.5), np.inf)
        beyond = np.where(kept, seen - chance, np.inf)
        enough = PART * float(np.quantile(beyond[kept], STRONGEST))
        apart = (own < _even(whole)) | (beyond + np.sqrt(seen) < enough)
        late = np.flatnonzero(apart & kept)
        if not len(late) or kept.sum() <= FEWEST:
            break
        worst = late[np.argsort(beyond[late], kind="stable")]
        kept[worst[: max(1, int(kept.sum()) // 10)]] = False
    return members[kept]


def _by_half(run: Run, group: Group, read: Reading) -> tuple[I32 | None, I32 | None]:
    """The cores that either half of the days would have chosen, to be timed on the other."""
    if run.parting is None:
        return None, None
    timed, window = run.clock.layers[read.signal], _window(run, read)
    found: list[I32 | None] = []
    for half in (0, 1):
        chosen = run.parting.of(timed.time) == half
        mine = keepers(timed, group.members, _expected(run, read), window, chosen=chosen)
        found.append(mine if len(mine) >= FEWEST else None)
    return found[0], found[1]


def _even(ratio: float) -> float:
    """The ratio at which a count speaks for ``ratio`` times the usual as much as for the usual."""
    return (ratio - 1) / math.log(ratio) if ratio > 1.0001 else 1.0


def _window(run: Run, read: Reading) -> int:
    """The window that tells the group from chance best."""
    seen, usual = read.timings[0].observed, _against(read)
    told = [_told(float(x.sum()), float(e.sum())) for x, e in zip(seen, usual, strict=True)]
    return run.clock.windows[int(np.argmax(told))]


def _told(seen: float, usual: float) -> float:
    """Nats between a count and the usual one; 0 where it is smaller."""
    if seen <= usual or usual <= 0:
        return 0.0
    return seen * math.log(seen / usual) - seen + usual


def _against(read: Reading) -> F64:
    """(W, J) the expectation that decides."""
    timing = read.timings[0]
    return timing.pace if read.signal in TEXTUAL else timing.event


def _expected(run: Run, read: Reading) -> F64:
    """(J,) what chance expects of one pair of acts on each object, within the window."""
    acts = read.timings[0].acts.astype(np.float64)
    whole = _against(read)[run.clock.windows.index(_window(run, read))]
    return np.asarray(np.minimum(whole / np.maximum(acts * (acts - 1) / 2, 1.0), 1.0))


def _near(clipped: I64, window: int) -> F64:
    """(rows,) others within the window on the same object; rows by object and time."""
    reach = window * SECOND
    after = np.searchsorted(clipped, clipped + reach, side="right")
    before = np.searchsorted(clipped, clipped - reach, side="left")
    return np.asarray(after - before - 1, np.float64)
