"""Benign explanations, each tested on a finding's evidence and named if it fits.

Pure functions: numbers in, a ``LookAlike`` with its reason or None out. The room knows neither the
class a finding ends up with (that is ``classes``) nor where its numbers came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.tables import SECOND, LookAlike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import F64, I32, I64, Breadth, Clock

__all__ = [
    "AT_LEAST",
    "Crowding",
    "Domains",
    "Lead",
    "brand_or_syndication",
    "breaking_news",
    "crowding",
    "domains",
    "fans",
    "lead",
    "mirror",
    "shared_event",
    "shared_interest",
    "template",
]

AT_LEAST: Final = 1.5  # half again as much simultaneity as the best benign explanation
FEW_SOURCES: Final = 3.0  # effective authors or domains
BRAND: Final = 10  # members of one brand, at most
MOSTLY: Final = 0.8
WIRE: Final = frozenset(
    {
        "afp.com",
        "ansa.it",
        "ap.org",
        "apnews.com",
        "bloomberg.com",
        "businesswire.com",
        "dpa.com",
        "efe.com",
        "globenewswire.com",
        "interfax.ru",
        "presseportal.de",
        "prnewswire.com",
        "reuters.com",
        "tass.com",
        "upi.com",
        "xinhuanet.com",
    }
)
"""Sites of news agencies: whoever links there shares a wire."""

_FEW_OBJECTS: Final = 3
_NEWS_COMPANY: Final = 20.0  # outsiders in the same burst
_LEADS: Final = 0.9
_STEADY: Final = 0.8
_QUICK: Final = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Domains:
    """Where the members' joint posts link to."""

    linked: float  # share of joint posts with a link
    top_two: float  # share of them on the two most linked domains
    own: float  # share of them on a domain that one member alone links to
    names: tuple[str, ...]  # most linked first


@dataclass(frozen=True, slots=True)
class Lead:
    """Who is first when members do the same."""

    share: float  # share of objects on which the most frequent first account was first
    lag: float  # seconds, median, of the others behind it
    steady: float  # share of the lags within a factor of two of the median (or 2 s)
    coverage: float  # share of all the members' posts that are joint


@dataclass(frozen=True, slots=True)
class Crowding:
    """How the evidence lies on objects, and who else was in its bursts."""

    top_objects: float  # share of the evidence on the three strongest objects
    company: float  # outsiders in a burst, mean weighted by evidence


def domains(account: I32, domain: Sequence[str]) -> Domains:
    """Summary of the domains that joint posts link to; ``""`` stands for no link."""
    linked = [(int(a), d) for a, d in zip(account, domain, strict=True) if d]
    if not linked:
        return Domains(0.0, 0.0, 0.0, ())
    count: dict[str, int] = {}
    users: dict[str, set[int]] = {}
    for a, d in linked:
        count[d] = count.get(d, 0) + 1
        users.setdefault(d, set()).add(a)
    # equal counts by name, so that the order says nothing about rows
    names = sorted(count, key=lambda d: (-count[d], d))
    return Domains(
        len(linked) / len(account),
        sum(count[d] for d in names[:2]) / len(linked),
        sum(n for d, n in count.items() if len(users[d]) == 1) / len(linked),
        tuple(names[:5]),
    )


def lead(account: I32, object: I32, time: I64, posts: int) -> Lead:  # noqa: A002
    """Who is first on the joint objects; rows of members only, ``posts`` all they ever posted."""
    order = np.lexsort((np.arange(len(time)), time, object))
    account, obj, time = account[order], object[order], time[order]
    first = np.flatnonzero(np.r_[True, np.diff(obj) != 0][: len(obj)])
    if not len(first):
        return Lead(0.0, 0.0, 0.0, 0.0)
    start = np.repeat(time[first], np.diff(np.r_[first, len(obj)]))
    behind = np.ones(len(obj), bool)
    behind[first] = False
    lag = (time - start)[behind] / SECOND
    median = float(np.median(lag)) if len(lag) else 0.0
    near = np.abs(lag - median) <= np.maximum(median / 2, 2.0)
    return Lead(
        float(np.bincount(account[first]).max() / len(first)),
        median,
        float(near.mean()) if len(lag) else 0.0,
        len(obj) / max(posts, 1),
    )


def crowding(object: I32, k: I32, m: I32, weight: F64) -> Crowding:  # noqa: A002
    """Evidence of joint bursts by object, and the company in them."""
    total = float(weight.sum())
    if total <= 0:
        return Crowding(0.0, 0.0)
    by_object = np.sort(np.bincount(np.unique(object, return_inverse=True)[1], weights=weight))
    return Crowding(
        float(by_object[-_FEW_OBJECTS:].sum() / total), float(((m - k) * weight).sum() / total)
    )


def fans(breadth: Breadth, threshold: float) -> LookAlike | None:
    """Everything hangs on one or two authors or domains, three at most in effect."""
    if breadth.net_without_two >= threshold or breadth.effective_targets > FEW_SOURCES:
        return None
    named = ", ".join(f"{name} ({share:.0%})" for name, share in breadth.top_targets[:2])
    return LookAlike(
        "fans",
        f"Without its two strongest sources ({named}) the group would not stand: fans of a source "
        "look exactly like this.",
    )


def shared_interest(clock: Clock) -> LookAlike | None:
    """No more simultaneous than others were on the very same things."""
    ratio, bound, window = clock.event
    if bound >= AT_LEAST or (bound == 0 and ratio >= AT_LEAST):
        return None
    return LookAlike(
        "shared interest",
        f"The members are {ratio:.1f} times as simultaneous as others on the same things "
        f"({_at_least(bound)}, within {_span(window)}): a shared interest explains that.",
    )


def breaking_news(clock: Clock, crowd: Crowding) -> LookAlike | None:
    """Shared interest on a few things that drew many others at the same moment."""
    if (
        shared_interest(clock) is None
        or crowd.top_objects < MOSTLY
        or crowd.company < _NEWS_COMPANY
    ):
        return None
    return LookAlike(
        "breaking news",
        f"{crowd.top_objects:.0%} of the evidence lies on at most three things, in moments that "
        f"drew {crowd.company:.0f} other accounts on average: news breaks like this.",
    )


def template(clock: Clock) -> LookAlike | None:
    """The same words at independent times: a template, a share button, a petition."""
    ratio, bound, window = clock.pace
    if bound >= AT_LEAST or (bound == 0 and ratio >= AT_LEAST):
        return None
    return LookAlike(
        "template",
        f"The same words, at times that are {ratio:.1f} times as close as any two accounts' on "
        f"one thing ({_at_least(bound)}, within {_span(window)}): a template, a share button or a "
        "petition works like this.",
    )


def shared_event(clock: Clock) -> LookAlike | None:
    """Outsiders were there in numbers, and as simultaneous: an event set the clock."""
    ratio, bound, window = clock.event
    measured = clock.event_outsiders[1] > 0
    if not measured or max(bound, clock.event_outsiders[1]) >= AT_LEAST:
        return None
    return LookAlike(
        "shared event",
        f"Others who used the same tags were as simultaneous: {ratio:.1f} times their measure "
        f"({_at_least(bound)}, within {_span(window)}).",
    )


def brand_or_syndication(found: Domains, members: int) -> LookAlike | None:
    """The joint posts link to one or two domains, or each member to its own."""
    if found.linked < MOSTLY:
        return None
    wire = [d for d in found.names if d in WIRE]
    if found.top_two < MOSTLY and found.own < MOSTLY and not wire:
        return None
    where = (
        f"{found.own:.0%} of the linked posts lead to a domain that one member alone links to"
        if found.own >= MOSTLY
        else f"{found.top_two:.0%} of the linked posts lead to {' and '.join(found.names[:2])}"
    )
    if members <= BRAND and not wire:
        return LookAlike("one brand", f"{where}: the outlets of one brand publish like this.")
    return LookAlike("syndication", f"{where}: outlets that carry one wire publish like this.")


def mirror(found: Lead, members: int) -> LookAlike | None:
    """One account always first, the others a steady few seconds behind, with nearly everything."""
    if (
        members < 2
        or found.share < _LEADS
        or found.steady < _STEADY
        or found.lag > _QUICK
        or found.coverage < MOSTLY
    ):
        return None
    return LookAlike(
        "mirror",
        f"One account is first on {found.share:.0%} of the texts, the others follow by "
        f"{found.lag:.0f} s, and {found.coverage:.0%} of all their posts are such copies: a mirror "
        "or a cross-poster works like this.",
    )


def _at_least(bound: float) -> str:
    return f"at least {bound:.1f}" if bound > 0 else "too few to bound"


def _span(seconds: int) -> str:
    for size, word in ((3600, "h"), (60, "min")):
        if (seconds > size and seconds % size == 0) or seconds == size == 3600:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
