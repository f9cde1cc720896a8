"""From a verdict to the benign explanation that fits the posts best, and what it may excuse.

The class table reads the clock; this room asks the other signs. Nothing is hidden by it: whatever
is explained stays a finding with its evidence, named. ``coordinated`` gives way only to what a
crew cannot put on without giving itself away. The room measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from klieg.detect import institutions, occasions, records
from klieg.detect.classes import Verdict
from klieg.detect.lookalikes import AT_LEAST
from klieg.detect.loyalty import TESTED
from klieg.tables import LookAlike

if TYPE_CHECKING:
    from klieg.detect.loyalty import Loyalty
    from klieg.detect.signs import Signs
    from klieg.tables import Breadth, Clock

__all__ = ["Known", "explain", "taste"]

SOME: Final = 8.0  # authors in effect: fans of some, above it a shared interest
GENERIC: Final = frozenset({"shared interest", "template"})
"""Explanations that a truer word may replace."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a finding beside its verdict."""

    signs: Signs
    clock: Clock
    breadth: Breadth
    authors: Loyalty | None  # in the deciding signal, where its objects are somebody's
    moments: Loyalty | None  # the same by hours in place of authors
    copies: int = 0  # members that only copy another one; 0 if the group stands without them
    platforms: int = 1


def explain(verdict: Verdict, known: Known) -> Verdict:
    """The verdict, or the look-alike that explains the finding better."""
    if verdict.class_ == "abstain":
        return verdict
    found = _given_away(known) if _open(verdict) else None
    if found is None and verdict.class_ == "amplification":
        found = institutions.service(known.signs) or institutions.debunk(known.signs)
    if found is None and verdict.class_ == "suggestive":
        found = _left_open(verdict.subclass, known)
    if found is None and _open(verdict) and verdict.class_ != "coordinated":
        found = (
            records.crawl(known.signs)
            or occasions.giveaway(known.signs)
            or institutions.advocacy(known.signs)
        )
    return Verdict("look-alike", found.kind, found) if found else verdict


def taste(known: Known) -> LookAlike | None:
    """Habit explains when they act, and a taste for the same sources explains on what."""
    if known.clock.habit[1] >= AT_LEAST:
        return None
    for loyalty, what in ((known.authors, "authors"), (known.moments, "evenings")):
        if loyalty and _explains(loyalty):
            few = "fans" if loyalty.sources <= SOME else "shared interest"
            return LookAlike(
                "shared event" if what == "evenings" else few,
                f"Of {loyalty.posts:,} posts of the {what} they favour ({loyalty.sources:.0f} in "
                f"effect) members share {loyalty.ratio:.1f} times what each one's own share of "
                f"each leads to expect, and they are {known.clock.habit[0]:.1f} times as "
                "simultaneous as their habits explain: people of one taste, each for themselves, "
                "look like this.",
            )
    return None


def _explains(loyalty: Loyalty) -> bool:
    return loyalty.tested >= TESTED and 0 < max(loyalty.ratio, loyalty.bound) < AT_LEAST


def _open(verdict: Verdict) -> bool:
    """Whether another explanation may be given: not where one is named that says it all."""
    if verdict.look_alike is not None:
        return verdict.look_alike.kind in GENERIC
    return verdict.class_ != "amplification"


def _given_away(known: Known) -> LookAlike | None:
    """What may excuse even ``coordinated``."""
    if known.copies:
        return records.bridge(known.copies, known.signs.members, known.platforms)
    return (
        institutions.collective(known.signs)
        or records.imported(known.signs)
        or institutions.scheduler(known.signs)
    )


def _left_open(subclass: str, known: Known) -> LookAlike | None:
    signs = known.signs
    if subclass == "few texts":
        return (
            institutions.debunk(signs)
            or institutions.app(signs)
            or occasions.template_or_petition(known.clock, signs)
            or occasions.with_everybody(known.clock, known.breadth, signs)
        )
    if subclass == "narrow":
        return records.crawl(signs) or institutions.service(signs) or taste(known)
    return records.crawl(signs) or taste(known)
