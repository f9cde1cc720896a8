"""The table that turns a standing group's measurements into a class (design 3.5, in its order).

One signal at a time; pure functions of breadth, clock and look-alike tests. The room computes
nothing itself, and it knows no names, no posts and no bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from klieg.detect import lookalikes
from klieg.detect.lookalikes import AT_LEAST, MOSTLY
from klieg.detect.timed import TEXTUAL
from klieg.tables import RETOLD

if TYPE_CHECKING:
    from klieg.detect.lookalikes import Crowding, Domains, Lead
    from klieg.tables import Breadth, Class, Clock, LookAlike

__all__ = ["ORDER", "Case", "Verdict", "abstain", "classify"]

ORDER: Final[tuple[Class, ...]] = (
    "coordinated",
    "amplification",
    "suggestive",
    "look-alike",
    "abstain",
)
"""Strongest first."""

TAGS: Final = frozenset({"hashtags"})
TAGS_AT_LEAST: Final = 5.0  # event tags are simultaneous by nature
BEYOND_HABIT: Final = 1.25
"""Bound on the own habit that is enough where taste cannot explain what they act on either."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a group in one signal."""

    signal: str
    members: int
    breadth: Breadth
    clock: Clock
    threshold: float  # nats: ln(1 / false_alarms)
    outside_excess: bool  # more pairs than everybody else's behaviour leads to expect
    crowding: Crowding
    domains: Domains | None = None  # textual signals only
    lead: Lead | None = None  # textual signals only
    chosen: float = 0.0  # bound on joint choices over what each one's taste for authors predicts


@dataclass(frozen=True, slots=True)
class Verdict:
    """A class, its reason, and how far the deciding bound is above its threshold."""

    class_: Class
    subclass: str = ""
    look_alike: LookAlike | None = None
    margin: float = 0.0  # the smallest deciding bound, in units where AT_LEAST is the threshold


def classify(case: Case) -> Verdict:
    """The class of one signal's evidence."""
    if case.signal in RETOLD:
        return _retold(case)
    return _textual(case) if case.signal in TEXTUAL else _timed(case)


def abstain(why: str) -> Verdict:
    """What cannot be tested is not judged."""
    return Verdict("abstain", why)


def _timed(case: Case) -> Verdict:
    breadth, clock = case.breadth, case.clock
    interest = lookalikes.breaking_news(clock, case.crowding) or lookalikes.shared_interest(clock)
    if breadth.net_without_two < case.threshold:
        if lookalikes.fans(breadth, case.threshold):
            return Verdict("amplification", "one source")
        return _look_alike(interest) or Verdict("suggestive", "narrow")
    if interest:
        return _look_alike(interest) or Verdict("look-alike")
    event, habit, company = clock.event[1], clock.habit[1], clock.event_outsiders[1]
    if event == 0:
        return Verdict("suggestive", "too few joint acts to time")
    if habit < (BEYOND_HABIT if case.chosen >= AT_LEAST else AT_LEAST):
        private = breadth.private_share >= MOSTLY
        return Verdict("suggestive", "private objects" if private else "fast responders")
    if company < AT_LEAST:
        return Verdict("suggestive", "own clock, too few outsiders")
    return _coordinated(case, min(event, habit, company))


def _retold(case: Case) -> Verdict:
    """What clocks and company cannot weigh: at most suggestive, whatever the numbers say.

    The objects are authors and hours, so the clock of an object says nothing; alerts explain haste,
    and schedulers, shifts and live evenings explain common hours.
    """
    hasty = case.signal != "synchrony"
    if case.breadth.net_without_two < case.threshold:
        if hasty and lookalikes.fans(case.breadth, case.threshold):
            return Verdict("amplification", "one source")
        return Verdict("suggestive", "narrow" if hasty else "few days")
    return Verdict("suggestive", "fast responders" if hasty else "common hours")


def _textual(case: Case) -> Verdict:
    breadth, clock = case.breadth, case.clock
    if breadth.net_without_two < case.threshold:
        return Verdict("suggestive", "few texts")
    benign = lookalikes.template(clock)
    if benign is None and case.domains:
        benign = lookalikes.brand_or_syndication(case.domains, case.members)
    if benign is None and case.lead:
        benign = lookalikes.mirror(case.lead, case.members)
    if benign is None and case.signal in TAGS:
        benign = lookalikes.shared_event(clock)
    if benign:
        return _look_alike(benign) or Verdict("look-alike")
    bound = clock.pace[1]
    if bound == 0:
        return Verdict("suggestive", "too few joint acts to time")
    if case.signal in TAGS:
        if bound < TAGS_AT_LEAST:
            return Verdict("suggestive", "event tags")
        return _coordinated(case, bound * AT_LEAST / TAGS_AT_LEAST)
    return _coordinated(case, bound)


def _coordinated(case: Case, margin: float) -> Verdict:
    if not case.outside_excess:
        return Verdict("suggestive", "no excess without the group's own acts")
    return Verdict("coordinated", margin=margin)


def _look_alike(found: LookAlike | None) -> Verdict | None:
    return Verdict("look-alike", found.kind, found) if found else None
