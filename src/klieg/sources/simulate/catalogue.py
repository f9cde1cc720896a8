"""Every world by name: what is planted under it, and what it stands for in one line.

Names go to ``simulate(worlds=…)`` and ``klieg simulate --world``; several may stand together. The
room draws nothing and knows no detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from klieg.errors import ConfigError
from klieg.sources.simulate.campaigns import Campaign
from klieg.sources.simulate.evasion import Batch, Evasion, below_the_windows
from klieg.sources.simulate.lookalikes import LookAlike

__all__ = ["CATALOGUE", "Planned", "planned"]

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Planned:
    """What a name plants."""

    about: str  # one line
    campaigns: tuple[Campaign, ...] = ()
    look_alikes: tuple[LookAlike, ...] = ()


def _crew(about: str, **knobs: object) -> Planned:
    return Planned(about, (replace(Campaign("repost"), **knobs),))  # type: ignore[arg-type]


def _hiding(about: str, campaign: Campaign | None = None, **evasion: object) -> Planned:
    base = campaign or Campaign("repost")
    return Planned(about, (replace(base, evasion=Evasion(**evasion)),))  # type: ignore[arg-type]


def _alike(about: str, *planted: LookAlike) -> Planned:
    return Planned(about, (), planted)


_CREWS = {
    "crew": _crew("20 accounts repost 10 posts, uniform within 10 min"),
    "crew-1s": _crew("the same within 1 s", jitter_s=1.0),
    "crew-30min": _crew("… exponential, mean 30 min", jitter_s=1800.0, delays="exponential"),
    "crew-log-30min": _crew("… log-normal, median 30 min", jitter_s=1800.0, delays="log-normal"),
    "crew-3h": _crew("… uniform within 3 h", jitter_s=3 * _HOUR),
    "crew-6h": _crew("… uniform within 6 h", jitter_s=6 * _HOUR),
    "crew-24h": _crew("… uniform within 24 h", jitter_s=24 * _HOUR),
    "wide-crew": _crew("40 accounts, 5 acts each, within 1 h", size=40, acts=5, jitter_s=_HOUR),
    "link-crew": Planned("24 accounts post 10 links within 10 min", (Campaign("link", 24),)),
    "copies-crew": Planned("18 accounts, 8 texts, letter by letter", (Campaign("copies", 18, 8),)),
    "edited-crew": Planned("18 accounts, 8 texts, each edited", (Campaign("edited", 18, 8),)),
    "tags-crew": Planned("22 accounts, 10 sequences of hashtags", (Campaign("hashtags", 22),)),
    "replies-crew": Planned("20 accounts answer the same 10 posts", (Campaign("replies"),)),
    "mixed-crew": Planned("reposts, links and copies in turn", (Campaign("mixed", acts=12),)),
    "instant-crew": Planned(
        "reposts within 2 min of the post itself", (Campaign("instant", jitter_s=120.0),)
    ),
    "private-links-crew": Planned(
        "links to pages that nobody else shares, within 1 h",
        (Campaign("private links", jitter_s=_HOUR),),
    ),
}

_TEXTS = Campaign("copies", size=20, acts=10, jitter_s=_HOUR)

_HIDDEN = {
    "edits-crew": _hiding(
        "copies in which every phrase but the core is one's own", _TEXTS, edits=1.0
    ),
    "paraphrase-crew": _hiding("texts that share no wording, within 1 h", _TEXTS, paraphrase=1.0),
    "paraphrase-crew-10min": _hiding(
        "texts that share no wording, within 10 min",
        replace(_TEXTS, jitter_s=600.0),
        paraphrase=1.0,
    ),
    "half-paraphrase-crew": _hiding("half of the texts rewritten", _TEXTS, paraphrase=0.5),
    "paraphrase-links-crew": Planned(
        "links in one's own words, and paraphrased texts, within 1 h",
        (replace(Campaign("mixed", acts=12), jitter_s=_HOUR, evasion=Evasion(paraphrase=1.0)),),
    ),
    "rotating-crew": _crew(
        "30 accounts, another third of them each time", size=30, participation=1 / 3
    ),
    "teams-crew": _hiding("30 accounts in three standing teams", Campaign("repost", 30), teams=3),
    "camouflaged-crew": _crew("nine of ten posts are ordinary", camouflage=0.9),
    "buried-crew": _crew("nineteen of twenty posts are ordinary", camouflage=0.95),
    "narrow-crew": _hiding("two authors pushed, five posts each", targets=2),
    "multilingual-crew": _hiding("members of three languages", languages=3),
    "translated-crew": _hiding(
        "one message in three languages", _TEXTS, languages=3, paraphrase=1.0
    ),
    "framing-crew": _hiding("imitates 8 ordinary accounts, 6 reposts of each", framed=8),
    "framing-few-crew": _hiding(
        "imitates 2 ordinary accounts, 14 reposts of each, and has 4 acts of its own",
        Campaign("repost", acts=4),
        framed=2,
        framed_acts=14,
    ),
    "framing-only-crew": _hiding(
        "imitates 4 ordinary accounts, 10 reposts of each, and does hardly anything else",
        Campaign("repost", acts=2),
        framed=4,
        framed_acts=10,
    ),
    "framing-ahead-crew": _hiding(
        "imitates 2 ordinary accounts, 14 reposts of each, and comes first in half of them",
        Campaign("repost", acts=4),
        framed=2,
        framed_acts=14,
        framed_ahead=0.5,
    ),
    "framing-popular-crew": _hiding(
        "imitates 8 accounts that share most with others, 8 of their most shared reposts",
        Campaign("repost", acts=6),
        framed=8,
        framed_acts=8,
        framed_popular=True,
    ),
    "batch-crew": _hiding("accounts made in 6 h, numbered handles, one client", batch=Batch()),
    "relay-crew": Planned(
        "eight authors passed on within 10 s, each post by two of 20 accounts in turn",
        (Campaign("instant", acts=12, jitter_s=4.0, evasion=Evasion(teams=10, targets=8)),),
    ),
    "window-crew-60s": Planned(
        "61 s and more between any two on one post, one act an author",
        (Campaign("repost", evasion=below_the_windows(60.0)),),
    ),
    "window-crew-10min": Planned(
        "612 s and more between any two on one post, one act an author, two teams",
        (Campaign("repost", evasion=below_the_windows(600.0, teams=2)),),
    ),
    "window-crew-1h": Planned(
        "3,672 s and more between any two on one post, one act an author, four teams",
        (Campaign("repost", acts=6, evasion=below_the_windows(3600.0, teams=4)),),
    ),
}

_ALIKE = {
    "fans": _alike("notifications on for one author", LookAlike("fans", 30)),
    "fans-of-several": _alike(
        "notifications on for six authors", LookAlike("fans of several", 30, sources=6)
    ),
    "syndication": _alike("one wire text, each on its own site", LookAlike("syndication", 14, 25)),
    "syndication-wire": _alike(
        "one wire text on the wire's site", LookAlike("syndication", 14, 25, wire=True)
    ),
    "event": _alike("breaking news", LookAlike("breaking news", 600, 4)),
    "share-button": _alike("an app's sentence with its link", LookAlike("share button", 90, 6)),
    "petition": _alike("a text, a page, many signers", LookAlike("petition", 150, 5)),
    "one-brand": _alike("outlets of one brand, same second", LookAlike("one brand", 6, 20)),
    "declared-collective": _alike(
        "a collective that says so", LookAlike("declared collective", 12, 15)
    ),
    "weather": _alike("town weather at the full hour", LookAlike("weather service", 20, 60)),
    "quakes": _alike("passes on seismic reports", LookAlike("quake service", 12, 25)),
    "giveaway": _alike("repost and reply to win", LookAlike("giveaway", 80, 10)),
    "protest": _alike("one day, one cause", LookAlike("protest day", 400, 5)),
    "chant": _alike("the same line at each goal", LookAlike("sports chant", 60, 12)),
    "office": _alike("an agency's slots", LookAlike("office scheduler", 10, 20)),
    "fact-checkers": _alike("one debunk, repeated", LookAlike("fact-checkers", 7, 8)),
    "appeals": _alike("SOS lists after a flood", LookAlike("disaster appeal", 250, 8)),
    "prayer-app": _alike("readings at the hour", LookAlike("prayer app", 120, 20)),
    "game-app": _alike("a game's boast", LookAlike("game app", 80, 8)),
    "advocacy": _alike("staff share the firm's posts", LookAlike("employee advocacy", 40, 12)),
    "party-branches": _alike("head office and branches", LookAlike("party branches", 40, 12)),
    "bridged": _alike("accounts and their bridges", LookAlike("bridged accounts", 30, 40)),
    "mirror": _alike("three accounts, one text", LookAlike("mirror", 3, 60)),
    "archive-import": _alike("old links, one evening", LookAlike("archive import", 25, 40)),
    "crawl-stamps": _alike("times are the crawler's", LookAlike("crawl stamps", 200, 25)),
    "migration": _alike("a wave of new accounts", LookAlike("migration wave", 80, 2)),
    "small-language": _alike("few speakers, four papers", LookAlike("small language", 120, 25)),
    "group-chat": _alike("a private chat passes posts on", LookAlike("group chat", 35, 12)),
    "plain-niche": _alike("one taste, any pace", LookAlike("plain niche", 40, 12)),
    "fast-niche": _alike("one taste, everybody quick", LookAlike("fast niche", 40, 12)),
    "zone-niche": _alike("one taste, one time zone", LookAlike("time-zone niche", 40, 12)),
    "alert-niche": _alike("one taste, alerts on", LookAlike("alert niche", 40, 12)),
    "event-niche": _alike("one taste, live evenings", LookAlike("event niche", 40, 12)),
}

CATALOGUE: dict[str, Planned] = {
    "quiet": Planned("nothing planted at all"),
    **_CREWS,
    **_HIDDEN,
    **_ALIKE,
}
"""Name → what it plants, at the sizes that worlds of 3,000 … 8,000 accounts can carry."""


def planned(names: Sequence[str]) -> tuple[tuple[Campaign, ...], tuple[LookAlike, ...]]:
    """Campaigns and look-alikes of all these names; ConfigError for one that is not known."""
    for name in names:
        if name not in CATALOGUE:
            near = get_close_matches(name, CATALOGUE, 1)
            raise ConfigError(
                "world",
                name,
                "a name that `klieg simulate --list` prints",
                nearest=near[0] if near else None,
            )
    chosen = [CATALOGUE[n] for n in names]
    return (
        tuple(c for p in chosen for c in p.campaigns),
        tuple(a for p in chosen for a in p.look_alikes),
    )
