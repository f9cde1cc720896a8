"""Who a coordinated group follows, told apart from who acts with it: by who comes first.

Whoever is imitated is nearly always ahead: its acts are followed by members, and it comes after
them no oftener than chance has it. Only the acts in which it came after the others are its own
doing. A leader whom a crew waits for looks the same, so such an account is not called a member; it
is named apart. The room takes names away and never adds one; it knows no class and searches no set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import clock, core, narrowing
from klieg.detect.timed import rows_of
from klieg.tables import SECOND
from klieg.tables.verdicts import Followed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from klieg.detect.core import Clocked
    from klieg.detect.reading import Reading, Run
    from klieg.tables import F64, I32, I64, Bool, Group

__all__ = ["Order", "apart", "order_of", "sentence", "without"]

CHANCE: Final = 0.01
"""Chance of naming any member of a group apart whose members' order is a matter of luck."""

PART: Final = 1 / 3
"""Of the pairs beyond chance in which the others come after: who has fewer hardly ever follows."""

FIRST: Final = 0.5
"""Share of its objects on which it comes first of all: in a quick half of a crew none does."""

FEWEST: Final = 3
TILTS: Final = np.r_[0.0, np.geomspace(0.2, 20.0, 24)]
"""Tilts at which the chance of an order is bounded; the best one is taken."""


@dataclass(frozen=True, slots=True)
class Order:
    """Each member's place in the order of the group, over the objects it shares."""

    objects: I64  # (g,) objects on which another member was within the window
    lead: F64  # (g,) share of those others who came after it, averaged over the objects
    first: F64  # (g,) share of the objects on which none of them came before; ties are shared
    behind: F64  # (g,) pairs in which it came after another within the window; ties count half
    chance: F64  # (g,) how many of them the usual pace explains
    luck: F64  # (g,) bound on the chance of coming first so often if any order is as likely


def without(
    run: Run, group: Group, parts: Iterable[str], read: Reading
) -> tuple[Group | None, tuple[Followed, ...]]:
    """The group without those it follows, weighed by itself, and who they are.

    The group itself and nobody where it follows none; None where the rest does not stand.
    ``parts`` are the signals that carry the group.
    """
    if not run.clock.windows or len(group.members) <= FEWEST:
        return group, ()
    window, layers = core.deciding(run, parts, read)
    found = apart(layers, group.members, window)
    if not found:
        return group, ()
    members = np.setdiff1d(group.members, [f.account for f in found]).astype(np.int32)
    home = group.layer if len(layers) > 1 else read.signal
    rest = narrowing.weighed(run, group, members, home)
    if rest is None:
        return None, found
    return replace(rest, halves=_apart(group, found), stability=group.stability), found


def _apart(group: Group, found: Sequence[Followed]) -> tuple[I32 | None, I32 | None]:
    """What each half of the days found, without them: the clock is still read where no search was.

    Halves are of the days, so they are a fair reading only if the group was found on both.
    """
    names = [f.account for f in found]
    first, second = (
        None if half is None else np.setdiff1d(half, names).astype(np.int32)
        for half in group.halves
    )
    return first, second


def sentence(found: Sequence[Followed]) -> tuple[str, ...]:
    """What to say of those who were named apart; nothing of nobody."""
    if not found:
        return ()
    many = len(found) > 1
    who = f"{len(found):,} accounts are" if many else "One account is"
    lead, behind = (sum(getattr(f, n) for f in found) for n in ("lead", "behind"))
    expected = sum(f.expected for f in found)
    return (
        f"{who} followed by the group and {'are' if many else 'is'} not counted in it: of the "
        f"members near {'them' if many else 'it'} on one object {lead / len(found):.0%} came "
        f"after, and {behind:,.0f} times {'one of them' if many else 'it'} came after a member "
        f"where {expected:,.1f} are usual. {'Each' if many else 'It'} may be its leader or may be "
        "imitated; nothing here tells which.",
    )


def apart(layers: Sequence[Clocked], members: I32, window: int) -> tuple[Followed, ...]:
    """The members (ascending) who come first beyond luck and hardly ever follow beyond chance.

    One at a time, the clearest first, since each one changes what the others follow. ``layers``:
    each with (J,) what chance expects of a pair of acts on each object that two members acted on.
    """
    kept, out = np.ones(len(members), np.bool_), []
    while kept.sum() > FEWEST:
        order = order_of(layers, members, window, kept)
        beyond = order.behind - order.chance
        enough = PART * float(np.quantile(beyond[kept], core.STRONGEST))
        lucky = order.luck < CHANCE / len(members)
        ahead = kept & lucky & (order.first >= FIRST) & (beyond < enough)
        if not ahead.any():
            break
        one = int(np.where(ahead, order.luck, np.inf).argmin())
        kept[one] = False
        out.append(
            Followed(
                int(members[one]),
                int(order.objects[one]),
                float(order.lead[one]),
                float(order.behind[one]),
                float(order.chance[one]),
            )
        )
    return tuple(sorted(out, key=lambda f: f.account))


def order_of(layers: Sequence[Clocked], members: I32, window: int, kept: Bool) -> Order:
    """Where each member stands in time among those that are kept."""
    size = len(members)
    objects, lead, leading = np.zeros(size, np.int64), np.zeros(size), np.zeros(size)
    behind, chance = np.zeros(size), np.zeros(size)
    tilted = np.zeros((len(TILTS), size))
    for timed, usual in layers:
        _, rows, place, _ = clock.shared(timed, rows_of(timed, members))
        who = np.searchsorted(members, timed.account[rows])
        use = kept[who]
        who, place, at = who[use], place[use], timed.clipped[rows[use]]
        before, tied, after = _sides(at, window)
        acts = np.bincount(place, minlength=len(usual))
        others = before + tied + after
        late = before + tied / 2
        behind += np.bincount(who, weights=late, minlength=size)
        expected = usual[place] * (acts[place] - 1) / 2
        chance += np.bincount(who, weights=expected, minlength=size)
        # an account's first act on a thing speaks for its order there, later ones repeat it
        _, first = np.unique(place * size + who, return_index=True)
        first = first[others[first] > 0]
        mine, among = who[first], others[first]
        share = (after + tied / 2)[first] / among
        objects += np.bincount(mine, minlength=size)
        lead += np.bincount(mine, weights=share, minlength=size)
        ahead = np.where(before[first] == 0, 1 / (1 + tied[first]), 0.0)
        leading += np.bincount(mine, weights=ahead, minlength=size)
        for i, tilt in enumerate(TILTS):
            # Chernoff: P(Σ X ≥ s) ≤ e^{−tilt·s} Π E e^{tilt·X}, X = 1 with chance 1/(k + 1)
            each = np.log1p(np.expm1(tilt) / (among + 1)) - tilt * ahead
            tilted[i] += np.bincount(mine, weights=each, minlength=size)
    luck = np.exp(np.minimum(tilted.min(axis=0), 0.0))
    n = np.maximum(objects, 1)
    return Order(objects, lead / n, leading / n, behind, chance, luck)


def _sides(at: I64, window: int) -> tuple[F64, F64, F64]:
    """(rows,) others on the same object within the window: earlier, in the same instant, later."""
    reach = window * SECOND
    low = np.searchsorted(at, at - reach, side="left")
    left = np.searchsorted(at, at, side="left")
    right = np.searchsorted(at, at, side="right")
    high = np.searchsorted(at, at + reach, side="right")
    sides = (left - low, right - left - 1, high - right)
    earlier, same, later = (np.asarray(s, np.float64) for s in sides)
    return earlier, same, later
