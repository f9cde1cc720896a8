"""The core of a group: the members whose own pairs keep its clock.

The ratio of a group is that of all its pairs, so twenty who act as one can speak for eighty of
their community who never did. Here every member is asked alone. It can only take away: who is in no
core is not accused, and a core must stand by itself and is timed on the days that did not choose
it. The room searches no set and knows no class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import clock, narrowing
from klieg.detect.timed import TEXTUAL, rows_of
from klieg.tables import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from klieg.detect.clock import Timing
    from klieg.detect.halves import Parting
    from klieg.detect.reading import Reading, Run
    from klieg.detect.timed import Timed
    from klieg.tables import F64, I32, I64, Bool, Group

    Clocked = tuple[Timed, F64]

__all__ = ["STRONGEST", "Clocked", "core", "deciding", "keepers"]

PART: Final = 1 / 3
"""Of the pairs beyond chance that the strongest tenth have: who has fewer only came across them."""

STRONGEST: Final = 0.9
FEWEST: Final = 3
ROUNDS: Final = 40


def core(run: Run, group: Group, parts: Iterable[str], read: Reading) -> Group | None:
    """The group itself where every member keeps its clock; the core, weighed alone; None where
    the core does not stand. ``parts`` are the signals that carry the group."""
    if not run.clock.windows or len(group.members) <= FEWEST:
        return group
    window, layers = deciding(run, parts, read)
    members = keepers(layers, group.members, window)
    if len(members) == len(group.members):
        return group
    if len(members) < FEWEST:
        return None
    home = group.layer if len(layers) > 1 else read.signal
    found = narrowing.weighed(run, group, members, home)
    if found is None:
        return None
    return replace(found, halves=_by_half(run, group, layers, window), stability=group.stability)


def deciding(run: Run, parts: Iterable[str], read: Reading) -> tuple[int, list[Clocked]]:
    """The window that tells the group from chance best, and the layers that decided its class.

    Each layer with (J,) what chance expects of a pair of acts on each object that it shares.
    """
    kind = read.signal in TEXTUAL
    joined = [n for n in parts if (n in TEXTUAL) == kind] if len(read.timings) > 1 else []
    window = _window(run, read)
    return window, [
        (run.clock.layers[name], _usual(run, t, window, textual=kind))
        for name, t in zip(joined or [read.signal], read.timings, strict=True)
    ]


def keepers(
    layers: Sequence[Clocked],
    members: I32,
    window: int,
    *,
    chosen: Callable[[I64], Bool] | None = None,
) -> I32:
    """Members (ascending) whose own pairs within the window are in step with the others'.

    A member of a group whose pairs are R times as many as usual is likelier to have come by chance
    if its own are fewer than (R − 1) / ln R times (two Poisson laws; one standard error is
    forgiven). Those leave, and who has too few pairs at all, a tenth of the group at a time.
    ``layers``: each with (J,) what chance expects of a pair of acts on each object that two
    members acted on; ``chosen``: which times count, all if None.
    """
    rows = [_Rows.of(timed, usual, members, chosen) for timed, usual in layers]
    kept = np.ones(len(members), np.bool_)
    for _ in range(ROUNDS):
        seen, chance = np.zeros(len(members)), np.zeros(len(members))
        for each in rows:
            each.count(kept, window, seen, chance)
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


@dataclass(frozen=True, slots=True)
class _Rows:
    """A group's acts of one layer on objects it shares."""

    who: I64  # (r,) place of the member
    thing: I64  # (r,) place of the object
    clipped: I64  # (r,)
    usual: F64  # (J,)

    @classmethod
    def of(
        cls, timed: Timed, usual: F64, members: I32, chosen: Callable[[I64], Bool] | None
    ) -> _Rows:
        _, rows, place, _ = clock.shared(timed, rows_of(timed, members))
        use = np.ones(len(rows), np.bool_) if chosen is None else chosen(timed.time[rows])
        who = np.searchsorted(members, timed.account[rows[use]])
        return cls(who, place[use], timed.clipped[rows[use]], usual)

    def count(self, kept: Bool, window: int, seen: F64, chance: F64) -> None:
        """Add each member's pairs with the others that are kept, and what chance expects."""
        use = kept[self.who]
        who, thing = self.who[use], self.thing[use]
        acts = np.bincount(thing, minlength=len(self.usual))
        expected = self.usual[thing] * (acts[thing] - 1)
        seen += np.bincount(who, weights=_near(self.clipped[use], window), minlength=len(seen))
        chance += np.bincount(who, weights=expected, minlength=len(seen))


def _by_half(
    run: Run, group: Group, layers: Sequence[Clocked], window: int
) -> tuple[I32 | None, I32 | None]:
    """The cores that either half of the days would have chosen, to be timed on the other."""
    how = run.parting
    if how is None:
        return None, None
    found: list[I32 | None] = []
    for half in (0, 1):
        chosen = _on(how, half)
        mine = keepers(layers, group.members, window, chosen=chosen)
        found.append(mine if len(mine) >= FEWEST else None)
    return found[0], found[1]


def _on(how: Parting, half: int) -> Callable[[I64], Bool]:
    return lambda time: np.asarray(how.of(time) == half, np.bool_)


def _even(ratio: float) -> float:
    """The ratio at which a count speaks for ``ratio`` times the usual as much as for the usual."""
    return (ratio - 1) / math.log(ratio) if ratio > 1.0001 else 1.0


def _window(run: Run, read: Reading) -> int:
    """The window that tells the group from chance best."""
    textual = read.signal in TEXTUAL
    seen = sum(t.observed.sum(axis=1).astype(np.float64) for t in read.timings)
    usual = sum((t.pace if textual else t.event).sum(axis=1) for t in read.timings)
    pairs = zip(np.atleast_1d(seen), np.atleast_1d(usual), strict=True)
    return run.clock.windows[int(np.argmax([_told(float(x), float(e)) for x, e in pairs]))]


def _told(seen: float, usual: float) -> float:
    """Nats between a count and the usual one; 0 where it is smaller."""
    if seen <= usual or usual <= 0:
        return 0.0
    return seen * math.log(seen / usual) - seen + usual


def _usual(run: Run, timing: Timing, window: int, *, textual: bool) -> F64:
    """(J,) what chance expects of one pair of acts on each object, within the window."""
    whole = (timing.pace if textual else timing.event)[run.clock.windows.index(window)]
    acts = timing.acts.astype(np.float64)
    return np.asarray(np.minimum(whole / np.maximum(acts * (acts - 1) / 2, 1.0), 1.0))


def _near(clipped: I64, window: int) -> F64:
    """(rows,) others within the window on the same object; rows by object and time."""
    reach = window * SECOND
    after = np.searchsorted(clipped, clipped + reach, side="right")
    before = np.searchsorted(clipped, clipped - reach, side="left")
    return np.asarray(after - before - 1, np.float64)
