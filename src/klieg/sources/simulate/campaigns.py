"""Planted campaigns: members act on the same objects within a jitter, among ordinary posts.

What they act on, outsiders act on as well. The accounts are ordinary in everything else. The room
knows no look-alike and no detector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from klieg.errors import ConfigError
from klieg.sources.simulate.activity import draw_tags
from klieg.sources.simulate.aims import delays, orders, popular
from klieg.sources.simulate.crews import instant, posts_to_push, private_links, replies
from klieg.sources.simulate.drafts import KIND, MAX_TAGS, Draft, merge, take
from klieg.sources.simulate.evasion import Evasion, disguised, enlisted, framing, teamed
from klieg.sources.simulate.planting import (
    Ground,
    Made,
    Planted,
    cells,
    daytime,
    drafted,
    planted,
    resting,
)
from klieg.sources.simulate.words import SLOTS, TOPICS

if TYPE_CHECKING:
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I32, I64

__all__ = ["DEFAULT_CAMPAIGNS", "KINDS", "Campaign", "plant_campaign"]

CampaignKind = Literal[
    "repost",
    "link",
    "copies",
    "edited",
    "hashtags",
    "private links",
    "instant",
    "replies",
    "mixed",
]
KINDS: tuple[CampaignKind, ...] = get_args(CampaignKind)
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
    evasion: Evasion | None = None  # what it does to stay unseen

    def __post_init__(self) -> None:
        for knob, value, fits, allowed in (
            ("kind", self.kind, self.kind in KINDS, ", ".join(KINDS)),
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
        teams = self.evasion.teams if self.evasion is not None else 1
        return ceil(self.acts / self.participation) * teams


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
    new = enlisted(rng, ground, campaign, community, _rate(rng, ground, campaign))
    member, thing = _who_does_what(rng, campaign)
    made = _MAKERS[campaign.kind](rng, ground, campaign, community, member, thing, new)
    joint, framed = made.draft, np.empty(0, np.int64)
    if campaign.evasion is not None:
        joint = disguised(rng, ground, campaign, community, joint, member, thing, new)
        if campaign.evasion.framed:
            n = campaign.size * campaign.evasion.framed * campaign.evasion.framed_acts
            more, framed, _ = framing(rng, ground, campaign, delays(rng, campaign, n), new)
            joint = merge([joint, more])
    return planted(
        rng,
        ground,
        joint,
        new,
        label=label,
        kind=campaign.kind,
        members=ground.base + np.arange(campaign.size),
        tags=list(made.tags),
        urls=list(made.urls),
        parameters=_parameters(campaign) | {"community": community, "objects": campaign.objects},
        framed=framed,
    )


def _parameters(campaign: Campaign) -> dict[str, Any]:
    out = asdict(replace(campaign, evasion=None))
    del out["evasion"]
    if campaign.evasion is not None:
        out["evasion"] = campaign.evasion.parameters()
    return out


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
    if campaign.evasion is not None and campaign.evasion.teams > 1:
        return teamed(rng, campaign)
    order = np.argsort(rng.random((campaign.size, campaign.objects)), axis=1, kind="stable")
    thing = order[:, : campaign.acts]
    member = np.repeat(np.arange(campaign.size), campaign.acts)
    return member, thing.ravel()


def _reposts(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> Made:
    draft, chosen = ground.around.draft, posts_to_push(rng, ground, campaign, community)
    start = orders(rng, ground, community, draft.time[chosen])
    time = start[thing] + delays(rng, campaign, len(thing))
    cell = np.full(len(thing), ground.scene.vocabulary.cell(*_home(ground, community))[0])
    joint = drafted(
        ground.base + member,
        time,
        "repost",
        cell,
        ref=chosen[thing],
        client=new.client[member],
    )
    return _made(ground, campaign, joint)


def _links(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> Made:
    news, draft = ground.around.news, ground.around.draft
    shared = draft.url[(draft.kind == KIND["link"]) & (draft.url >= 0)]
    popularity = np.bincount(shared, minlength=len(news.time))
    every = np.ones(len(news.time), bool)
    every[ground.stories_taken[ground.stories_taken < len(every)]] = False
    language = news.cell // len(TOPICS)
    chosen = popular(
        rng, ground, campaign, community, popularity, every, news.outlet, news.time, language
    )
    start = orders(rng, ground, community, news.time[chosen])
    time = start[thing] + delays(rng, campaign, len(thing))
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
    return _made(ground, campaign, joint)


def _copies(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> Made:
    edited = campaign.kind == "edited"
    cell = cells(rng, ground, community, campaign.objects)
    full = dict.fromkeys(("opener", "time", "place", "comment"), 1.0)
    full["comment2"] = 1.0 if edited else 0.4
    vocabulary = ground.scene.vocabulary
    lines = vocabulary.lines(rng, cell, chance=full | {"emoji": 0.0})[thing]
    end = rng.integers(0, 10, campaign.objects)[thing]
    if edited:
        lines = _edited(rng, lines, vocabulary.lines(rng, cell[thing], chance=full))
    if campaign.evasion is not None and campaign.evasion.edits:
        chance = dict.fromkeys(("opener", "time", "place", "comment"), campaign.evasion.edits)
        other = vocabulary.lines(rng, cell[thing], chance=full)
        lines = _edited(rng, lines, other, chance | {"comment2": campaign.evasion.edits})
    start = daytime(rng, ground, community, campaign.objects, rest=_rest(ground, campaign))
    time = start[thing] + delays(rng, campaign, len(thing))
    joint = drafted(
        ground.base + member,
        time,
        "post",
        cell[thing],
        words=vocabulary.render(lines, end),
        client=new.client[member],
    )
    return _made(ground, campaign, joint)


_EDITS = {"opener": 0.5, "comment2": 0.2, "time": 0.25, "place": 0.25}
"""Two copies differ in a quarter of their words."""


def _edited(
    rng: np.random.Generator, lines: I32, other: I32, chances: Mapping[str, float] = _EDITS
) -> I32:
    """Own words at the ends and in the middle."""
    out = lines.copy()
    for slot, chance in chances.items():
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
) -> Made:
    cell = cells(rng, ground, community, campaign.objects)
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
        start[thing] + delays(rng, campaign, len(thing)),
        "post",
        cell[thing],
        words=vocabulary.render(lines, rng.integers(0, 10, len(thing))),
        tags=tags[thing],
        client=new.client[member],
    )
    return _made(ground, campaign, joint, tuple(own))


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


def _rest(ground: Ground, campaign: Campaign) -> int:
    return max(resting(ground.scene.clock.end), int(campaign.jitter_s * 1500))


def _mixed(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> Made:
    """Reposts, links and copies in turn: a third of the objects of each."""
    parts: list[Draft] = []
    for k, maker in enumerate((_reposts, _links, _copies)):
        mine = thing % 3 == k
        part = maker(rng, ground, campaign, community, member[mine], thing[mine], new)
        parts.append(part.draft)
    whole = merge(parts)
    order = np.concatenate([np.flatnonzero(thing % 3 == k) for k in range(3)])
    # back to the order in which the caller knows who did what
    return _made(ground, campaign, take(whole, np.argsort(order, kind="stable")))


def _made(ground: Ground, campaign: Campaign, joint: Draft, tags: tuple[str, ...] = ()) -> Made:
    return Made(joint, ground.base + np.arange(campaign.size), tags=tags)


_Maker = Callable[[np.random.Generator, Ground, Campaign, int, "I64", "I64", "People"], Made]
_MAKERS: dict[str, _Maker] = {
    "repost": _reposts,
    "link": _links,
    "copies": _copies,
    "edited": _copies,
    "hashtags": _hashtags,
    "private links": private_links,
    "instant": instant,
    "replies": replies,
    "mixed": _mixed,
}
