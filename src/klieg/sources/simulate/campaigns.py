"""Planted campaigns: members act on the same objects within a jitter, among ordinary posts.

What they act on, outsiders act on as well. The accounts are ordinary in everything else. The room
knows no look-alike and no detector.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np

from klieg.errors import ConfigError
from klieg.sources.simulate.activity import draw_tags
from klieg.sources.simulate.drafts import KIND, MAX_TAGS, Draft
from klieg.sources.simulate.planting import (
    Ground,
    Planted,
    daytime,
    drafted,
    newcomers,
    planted,
    resting,
)
from klieg.sources.simulate.rhythm import HOUR, MINUTE
from klieg.sources.simulate.words import SLOTS, TOPICS

if TYPE_CHECKING:
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I32, I64

__all__ = ["DEFAULT_CAMPAIGNS", "Campaign", "plant_campaign"]

CampaignKind = Literal["repost", "link", "copies", "edited", "hashtags"]
_KINDS: tuple[CampaignKind, ...] = ("repost", "link", "copies", "edited", "hashtags")
_DELAYS = ("uniform", "exponential", "log-normal")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign to plant. The standard is 20 accounts × 10 joint acts within 10 minutes."""

    kind: CampaignKind
    size: int = 20  # accounts
    acts: int = 10  # joint acts of each member
    jitter_s: float = 600.0  # uniform: the whole spread; exponential: mean; log-normal: median
    delays: Literal["uniform", "exponential", "log-normal"] = "uniform"
    participation: float = 1.0  # share of the members in each joint act
    community: int | None = None  # None: drawn, larger communities more often
    camouflage: float | None = None  # share of ordinary posts; None: as active as anybody
    outsiders: int = 12  # ordinary accounts on each object, at least if the world has such

    def __post_init__(self) -> None:
        for knob, value, fits, allowed in (
            ("kind", self.kind, self.kind in _KINDS, ", ".join(_KINDS)),
            ("size", self.size, self.size >= 2, "2 or more accounts"),
            ("acts", self.acts, self.acts >= 1, "1 or more joint acts"),
            ("jitter_s", self.jitter_s, self.jitter_s >= 0, "0 or more seconds"),
            ("delays", self.delays, self.delays in _DELAYS, ", ".join(_DELAYS)),
            ("participation", self.participation, 0 < self.participation <= 1, "above 0, up to 1"),
            (
                "camouflage",
                self.camouflage,
                self.camouflage is None or 0 <= self.camouflage < 1,
                "0 up to, but not, 1",
            ),
        ):
            if not fits:
                raise ConfigError(f"campaign {knob}", value, allowed)

    @property
    def objects(self) -> int:
        return ceil(self.acts / self.participation)


DEFAULT_CAMPAIGNS = (
    Campaign("repost", size=20, acts=10, jitter_s=600),
    Campaign("link", size=24, acts=10, jitter_s=600),
    Campaign("copies", size=18, acts=8, jitter_s=1800),
    Campaign("edited", size=18, acts=8, jitter_s=1800),
    Campaign("hashtags", size=22, acts=10, jitter_s=900),
)
"""What ``klieg demo`` plants: every kind once."""


def plant_campaign(
    rng: np.random.Generator, ground: Ground, campaign: Campaign, label: str
) -> Planted:
    """The members' joint acts and their ordinary life around them."""
    community = _community(rng, ground, campaign)
    new = newcomers(
        rng, ground, campaign.size, community=community, rate=_rate(rng, ground, campaign)
    )
    member, thing = _who_does_what(rng, campaign)
    made = _MAKERS[campaign.kind](rng, ground, campaign, community, member, thing, new)
    joint, tags = made
    return planted(
        rng,
        ground,
        joint,
        new,
        label=label,
        kind=campaign.kind,
        members=ground.base + np.arange(campaign.size),
        tags=tags,
        parameters=asdict(campaign) | {"community": community, "objects": campaign.objects},
    )


def _community(rng: np.random.Generator, ground: Ground, campaign: Campaign) -> int:
    among = ground.scene.among
    drawn = int(rng.choice(among.size, p=among.weight))
    if campaign.community is None:
        return drawn
    if not 0 <= campaign.community < among.size:
        raise ConfigError("campaign community", campaign.community, f"0 … {among.size - 1}")
    return campaign.community


def _rate(rng: np.random.Generator, ground: Ground, campaign: Campaign) -> F64 | None:
    noise = rng.gamma(12.0, 1 / 12.0, campaign.size)
    if campaign.camouflage is None:
        return None
    ordinary = campaign.acts * campaign.camouflage / (1 - campaign.camouflage)
    return np.asarray(noise * ordinary / ground.scene.clock.days, np.float64)


def _who_does_what(rng: np.random.Generator, campaign: Campaign) -> tuple[I64, I64]:
    order = np.argsort(rng.random((campaign.size, campaign.objects)), axis=1, kind="stable")
    thing = order[:, : campaign.acts]
    member = np.repeat(np.arange(campaign.size), campaign.acts)
    return member, thing.ravel()


def _delays(rng: np.random.Generator, campaign: Campaign, n: int) -> I64:
    scale = campaign.jitter_s * 1000
    if campaign.delays == "exponential":
        drawn = rng.exponential(scale, n)
    elif campaign.delays == "log-normal":
        drawn = rng.lognormal(np.log(max(scale, 1)), 1.0, n)
    else:
        drawn = rng.random(n) * scale
    return drawn.astype(np.int64)


def _orders(rng: np.random.Generator, ground: Ground, community: int, created: I64) -> I64:
    """(n,) when the word goes out: minutes to hours after creation, by day if there is a choice."""
    zone = np.full(len(created), ground.scene.among.zone[community] * HOUR)
    best, score = created, np.full(len(created), -np.inf)
    for _ in range(6):
        wait = rng.lognormal(np.log(50 * MINUTE), 0.9, len(created)).astype(np.int64)
        at = np.minimum(created + 3 * MINUTE + wait, ground.scene.clock.end - HOUR // 2)
        awake = ground.scene.clock.awake(at, np.full(len(at), 2), zone)
        value = np.log(awake + 0.02) + 0.5 * rng.gumbel(size=len(at))
        best, score = np.where(value > score, at, best), np.maximum(score, value)
    return np.maximum(best, created + MINUTE)


_Made = tuple[Draft, list[str]]


def _reposts(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> _Made:
    draft = ground.around.draft
    acted = draft.ref[draft.kind == KIND["repost"]]
    popularity = np.bincount(acted, minlength=draft.n)
    seed = draft.kind <= KIND["link"]
    seed[ground.posts_taken] = False
    chosen = _popular(
        rng, ground, campaign, community, popularity, seed, draft.author, draft.time, draft.language
    )
    start = _orders(rng, ground, community, draft.time[chosen])
    time = start[thing] + _delays(rng, campaign, len(thing))
    cell = np.full(len(thing), ground.scene.vocabulary.cell(*_home(ground, community))[0])
    joint = drafted(
        ground.base + member,
        time,
        "repost",
        cell,
        ref=chosen[thing],
        client=new.client[member],
    )
    return joint, []


def _links(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> _Made:
    news, draft = ground.around.news, ground.around.draft
    shared = draft.url[(draft.kind == KIND["link"]) & (draft.url >= 0)]
    popularity = np.bincount(shared, minlength=len(news.time))
    every = np.ones(len(news.time), bool)
    every[ground.stories_taken[ground.stories_taken < len(every)]] = False
    language = news.cell // len(TOPICS)
    chosen = _popular(
        rng, ground, campaign, community, popularity, every, news.outlet, news.time, language
    )
    start = _orders(rng, ground, community, news.time[chosen])
    time = start[thing] + _delays(rng, campaign, len(thing))
    cell = news.cell[chosen][thing]
    lines = ground.scene.vocabulary.lines(rng, cell)
    joint = drafted(
        ground.base + member,
        time,
        "link",
        cell,
        words=ground.scene.vocabulary.render(lines, rng.integers(0, 10, len(cell))),
        url=chosen[thing],
        client=new.client[member],
    )
    return joint, []


def _popular(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    popularity: I64,
    allowed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    target: I64,
    created: I64,
    language: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
) -> I64:
    """(objects,) things with outsiders, of as many authors or outlets as there are."""
    end = ground.scene.clock.end
    mine = language == ground.scene.among.language[community]
    early = allowed & (created < end - resting(end))
    least = campaign.outsiders
    while True:
        rows = np.flatnonzero(early & mine & (popularity >= least))
        rows = rows[rng.permutation(len(rows))]
        rows = rows[np.argsort(_occurrence(target[rows]), kind="stable")]
        several = len(np.unique(target[rows])) >= campaign.objects
        if several or least == 0:
            break
        least //= 2
    if len(rows) < campaign.objects:
        raise ConfigError("campaign acts", campaign.acts, "a larger world for so many joint acts")
    return rows[: campaign.objects]


def _occurrence(value: I64) -> I64:
    """(n,) how often each value stood further left."""
    order = np.argsort(value, kind="stable")
    ordered = value[order]
    first = np.searchsorted(ordered, ordered)
    out = np.empty(len(value), np.int64)
    out[order] = np.arange(len(value)) - first
    return out


def _copies(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> _Made:
    edited = campaign.kind == "edited"
    cell = _cells(rng, ground, community, campaign.objects)
    full = dict.fromkeys(("opener", "time", "place", "comment"), 1.0)
    full["comment2"] = 1.0 if edited else 0.4
    vocabulary = ground.scene.vocabulary
    lines = vocabulary.lines(rng, cell, chance=full | {"emoji": 0.0})[thing]
    end = rng.integers(0, 10, campaign.objects)[thing]
    if edited:
        lines = _edited(rng, lines, vocabulary.lines(rng, cell[thing], chance=full))
    start = daytime(rng, ground, community, campaign.objects, rest=_rest(ground, campaign))
    time = start[thing] + _delays(rng, campaign, len(thing))
    joint = drafted(
        ground.base + member,
        time,
        "post",
        cell[thing],
        words=vocabulary.render(lines, end),
        client=new.client[member],
    )
    return joint, []


def _edited(rng: np.random.Generator, lines: I32, other: I32) -> I32:
    """Own words at the ends and in the middle: two copies differ in a quarter of their words."""
    out = lines.copy()
    for slot, chance in (("opener", 0.5), ("comment2", 0.2), ("time", 0.25), ("place", 0.25)):
        i = SLOTS.index(slot)
        swap = rng.random(len(lines)) < chance
        out[swap, i] = other[swap, i]
    return out


def _hashtags(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> _Made:
    cell = _cells(rng, ground, community, campaign.objects)
    own = ["".join(w) for w in rng.choice(_SLOGAN, (2, 3))]
    tags = draw_tags(rng, ground.scene, cell, np.full(len(cell), MAX_TAGS))
    tags[:, 0] = ground.tags + rng.integers(0, 2, len(cell))
    tags = rng.permuted(tags[:, :3], axis=1)
    tags = np.column_stack([tags, np.full(len(cell), -1)]).astype(np.int32)
    tags = _distinct(rng, tags, ground.tags)
    vocabulary = ground.scene.vocabulary
    lines = vocabulary.lines(rng, cell[thing], chance={"comment2": 0.0})
    start = daytime(rng, ground, community, campaign.objects, rest=_rest(ground, campaign))
    joint = drafted(
        ground.base + member,
        start[thing] + _delays(rng, campaign, len(thing)),
        "post",
        cell[thing],
        words=vocabulary.render(lines, rng.integers(0, 10, len(thing))),
        tags=tags[thing],
        client=new.client[member],
    )
    return joint, own


_SLOGAN = ("voice", "stand", "turn", "now", "our", "time", "real", "enough", "next", "all", "new")


def _distinct(rng: np.random.Generator, tags: I32, own: int) -> I32:
    """Make every sequence its own: a repeated one ends in the campaign's other tags."""
    seen: set[bytes] = set()
    for row in tags:
        while row.tobytes() in seen:
            row[:3] = rng.permutation(row[:3])
            row[3] = own + int(rng.integers(0, 2))
        seen.add(row.tobytes())
    return tags


def _home(ground: Ground, community: int) -> tuple[I64, I64]:
    among = ground.scene.among
    return among.language[[community]], among.topic[[community]]


def _cells(rng: np.random.Generator, ground: Ground, community: int, n: int) -> I64:
    among = ground.scene.among
    topic = np.where(rng.random(n) < 0.8, among.topic[community], among.second_topic[community])
    return ground.scene.vocabulary.cell(np.full(n, among.language[community]), topic)


def _rest(ground: Ground, campaign: Campaign) -> int:
    return max(resting(ground.scene.clock.end), int(campaign.jitter_s * 1500))


_MAKERS = {
    "repost": _reposts,
    "link": _links,
    "copies": _copies,
    "edited": _copies,
    "hashtags": _hashtags,
}
