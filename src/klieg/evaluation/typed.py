"""Which words of a finding name each planted look-alike rightly.

The left side is what a world planted, the right side what klieg may call it; the planted word
itself is always right. The room knows no finding and no case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ADMITTED", "ONE_SOURCE", "names_rightly"]

_INTEREST = ("shared interest", "niche", "fans")

_TYPED: Final[Mapping[str, tuple[str, ...]]] = {
    "fans": ("shared interest",),
    "syndication": ("one brand",),
    "breaking news": ("shared interest", "shared event"),
    "share button": ("template", "app posts"),
    "one brand": ("syndication", "mirror", "scheduler"),
    "fans of several": _INTEREST,
    "petition": ("template", "share button"),
    "giveaway": ("contest",),
    "protest day": ("protest", "shared event", "breaking news"),
    "sports chant": ("chant", "shared event"),
    "disaster appeal": ("appeal", "shared event"),
    "prayer app": ("app posts", "template", "share button"),
    "game app": ("app posts", "template", "share button"),
    "declared collective": ("one brand", "scheduler"),
    "weather service": ("benign automation", "scheduler", "template"),
    "quake service": ("benign automation", "syndication", "one brand"),
    "office scheduler": ("scheduler",),
    "fact-checkers": ("debunk", "syndication"),
    "employee advocacy": ("one brand", "fans"),
    "party branches": ("one brand", "syndication"),
    "bridged accounts": ("bridge", "mirror"),
    "mirror": ("bridge",),
    "archive import": ("import",),
    "crawl stamps": ("crawl times",),
    "migration wave": ("migration", "template", "share button", "shared event"),
    "small language": ("shared interest", "template", "share button"),
    "group chat": ("private channel", "shared interest"),
    "plain niche": _INTEREST,
    "fast niche": (*_INTEREST, "fast responders"),
    "time-zone niche": _INTEREST,
    "alert niche": (*_INTEREST, "alerts"),
    "event niche": (*_INTEREST, "shared event", "breaking news"),
}

ADMITTED: Final = frozenset({"group chat"})
"""They do act together by arrangement: ``coordinated`` is no mistake about them."""

ONE_SOURCE: Final = frozenset({"fans", "employee advocacy", "party branches"})
"""One author or firm is pushed: ``amplification`` says so and is right."""


def names_rightly(planted: str, word: str) -> bool:
    """Whether a finding that is explained by ``word`` explains what was ``planted``."""
    return word == planted or word in _TYPED.get(planted, ())
