"""Which group is which, through windows in which each was found by itself: weeks, or cases.

Who shares members, or some members and what they act on, is the same group, by the assignment of
the greatest overlap in all (Kuhn 1955; Jonker & Volgenant 1987, by scipy). What is left over was
born, or split off; an identity without a group sleeps, or merged into another. Objects alone never
link: two crews may push one thing. The room knows keys and counts, no names, and no test: a link is
a description, not evidence.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from klieg.detect.history import CHANGED

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from klieg.tables import F64

__all__ = ["Identity", "Seen", "Step", "link", "overlap"]

SAME: Final = 0.3  # overlap from which on two groups are one
SOME: Final = 0.1  # of the members at least, whatever they act on
PART: Final = 0.5  # of a group's members that came from, or went to, another


@dataclass(frozen=True, slots=True)
class Seen:
    """A group as found in one window: its name there, its members and what they acted on."""

    name: str  # unique among all windows' groups, such as "2024-03 f-0123456789ab"
    members: frozenset[Hashable]  # keys that mean the same account in every window
    objects: frozenset[Hashable] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """What became of an identity in one window."""

    window: int
    state: str  # born, split, returned, grew, shrank, steady, dormant, merged
    name: str  # of the group in it; "" while dormant or merged
    members: int
    joined: int  # members that were not there when it was last seen
    left: int  # and members that are no longer
    other: str = ""  # the identity it split from or merged into


@dataclass(frozen=True, slots=True)
class Identity:
    """A group followed through windows, from the one in which it was born."""

    id: str  # g- and 12 hex digits, by its first window and name
    steps: tuple[Step, ...]


@dataclass(slots=True)
class _Living:
    id: str
    last: Seen
    steps: list[Step] = field(default_factory=list)
    over: bool = False  # merged into another


def link(windows: Sequence[Sequence[Seen]]) -> tuple[Identity, ...]:
    """Identities of the groups of following windows, by birth; each window's groups in its order.

    A group that slept is still looked for. The same windows give the same answer whatever the
    members' keys are, if only equal ones stay equal.
    """
    known: list[_Living] = []
    for number, found in enumerate(windows):
        living = [one for one in known if not one.over]
        pairs = _assigned([one.last for one in living], found)
        matched = {new: living[old] for old, new in pairs}
        before = {one.id: one.last for one in living}
        for new, one in sorted(matched.items()):
            one.steps.append(_again(one, found[new], number))
        for new, group in enumerate(found):
            if new not in matched:
                known.append(_new(group, number, matched, before))
        for one in living:
            if one.steps[-1].window < number:
                one.steps.append(_gone(one, number, found, matched))
                one.over = one.steps[-1].state == "merged"
        for new, one in matched.items():
            one.last = found[new]
    return tuple(Identity(one.id, tuple(one.steps)) for one in known)


def overlap(one: Seen, other: Seen) -> float:
    """0 … 1: Jaccard's index of members, or its mean with that of objects if that is larger."""
    members, objects = _jaccard(one.members, other.members), _jaccard(one.objects, other.objects)
    return max(members, (members + objects) / 2) if members >= SOME else 0.0


def _jaccard(one: frozenset[Hashable], other: frozenset[Hashable]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


def _assigned(old: Sequence[Seen], new: Sequence[Seen]) -> list[tuple[int, int]]:
    """Pairs of the assignment with the greatest sum of overlaps, those below SAME left out."""
    gain: F64 = np.array([[overlap(a, b) for b in new] for a in old]).reshape(len(old), len(new))
    gain[gain < SAME] = 0.0
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if gain[i, j] > 0.0]


def _again(one: _Living, group: Seen, number: int) -> Step:
    size, was = len(group.members), len(one.last.members)
    state = "steady"
    if one.steps[-1].state == "dormant":
        state = "returned"
    elif abs(size - was) > CHANGED * was:
        state = "grew" if size > was else "shrank"
    new, gone = len(group.members - one.last.members), len(one.last.members - group.members)
    return Step(number, state, group.name, size, new, gone)


def _new(group: Seen, number: int, matched: dict[int, _Living], before: dict[str, Seen]) -> _Living:
    """Born, or split off an identity that goes on in another group of this window."""
    going_on = {one.id for one in matched.values()}
    held = [(len(group.members & last.members), id_) for id_, last in before.items()]
    most = max((n for n, id_ in held if id_ in going_on), default=0)
    parent = next((id_ for n, id_ in held if n == most and id_ in going_on), "")
    came = bool(parent) and most >= PART * len(group.members)
    told = f"{number}:{group.name}".encode()
    living = _Living("g-" + hashlib.sha256(told).hexdigest()[:12], group)
    state, other = ("split", parent) if came else ("born", "")
    size = len(group.members)
    joined = size - most if came else size
    living.steps.append(Step(number, state, group.name, size, joined, 0, other))
    return living


def _gone(one: _Living, number: int, found: Sequence[Seen], matched: dict[int, _Living]) -> Step:
    """Asleep, or merged into an identity that most of its members are in now."""
    for new, other in sorted(matched.items()):
        stayed = len(one.last.members & found[new].members)
        if stayed >= PART * len(one.last.members):
            return Step(number, "merged", "", 0, 0, len(one.last.members), other.id)
    return Step(number, "dormant", "", 0, 0, 0)
