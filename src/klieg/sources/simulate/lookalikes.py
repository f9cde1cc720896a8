"""Planted look-alikes: accounts that act together for reasons nobody should be blamed for.

Notification fans, syndicated outlets, breaking news, share buttons, one brand's accounts, and the
door to the rooms with the other kinds. The room knows no campaign and no detector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pyarrow as pa

from klieg.errors import ConfigError
from klieg.sources.simulate.activity import draw_tags
from klieg.sources.simulate.drafts import CLIENTS, KIND, MAX_TAGS, Draft
from klieg.sources.simulate.institutions import (
    advocacy,
    branches,
    collective,
    fact_checkers,
    office,
    quakes,
    weather,
)
from klieg.sources.simulate.news import HEADLINE, domains, slugs
from klieg.sources.simulate.niches import NICHES, fans_of_several, group_chat, niche, small_language
from klieg.sources.simulate.occasions import (
    appeal,
    chant,
    game_app,
    giveaway,
    petition,
    prayer_app,
    protest,
)
from klieg.sources.simulate.planting import (
    Ground,
    Made,
    Planted,
    cells,
    daytime,
    drafted,
    grid,
    newcomers,
    one_tag,
    planted,
    resting,
    some,
)
from klieg.sources.simulate.rhythm import HOUR, MINUTE
from klieg.sources.simulate.traces import archive_import, bridged, crawl_stamps, migration, mirrored
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from klieg.tables import I64, Bool

__all__ = ["DEFAULT_LOOK_ALIKES", "KINDS", "LookAlike", "plant_look_alike"]

LookAlikeKind = Literal[
    "fans",
    "syndication",
    "breaking news",
    "share button",
    "one brand",
    "fans of several",
    "petition",
    "giveaway",
    "protest day",
    "sports chant",
    "disaster appeal",
    "prayer app",
    "game app",
    "declared collective",
    "weather service",
    "quake service",
    "office scheduler",
    "fact-checkers",
    "employee advocacy",
    "party branches",
    "bridged accounts",
    "mirror",
    "archive import",
    "crawl stamps",
    "migration wave",
    "small language",
    "group chat",
    "plain niche",
    "fast niche",
    "time-zone niche",
    "alert niche",
    "event niche",
]
KINDS: tuple[LookAlikeKind, ...] = get_args(LookAlikeKind)


@dataclass(frozen=True, slots=True)
class LookAlike:
    """One look-alike to plant; some kinds take ordinary accounts, others bring their own."""

    kind: LookAlikeKind
    size: int  # accounts
    acts: int = 12  # joint acts of each (breaking news: links each shares, at most)
    delay_s: float | None = None  # median delay behind the occasion; None: what is usual
    community: int | None = None  # None: drawn
    wire: bool = False  # syndication: one wire domain instead of one own domain per member
    sources: int | None = None  # fans of several, niches: authors they favour; None: as usual

    def __post_init__(self) -> None:
        for knob, value, fits, allowed in (
            ("kind", self.kind, self.kind in KINDS, ", ".join(KINDS)),
            ("size", self.size, self.size >= 2, "2 or more accounts"),
            ("acts", self.acts, self.acts >= 1, "1 or more joint acts"),
            ("delay_s", self.delay_s, self.delay_s is None or self.delay_s > 0, "above 0 seconds"),
            ("sources", self.sources, self.sources is None or self.sources >= 1, "1 or more"),
        ):
            if not fits:
                raise ConfigError(f"look-alike {knob}", value, allowed)


DEFAULT_LOOK_ALIKES = (
    LookAlike("fans", 30),
    LookAlike("syndication", 14, acts=25),
    LookAlike("breaking news", 600, acts=4),
    LookAlike("share button", 90, acts=6),
    LookAlike("one brand", 6, acts=20),
)
"""What ``klieg demo`` plants: every kind once."""


def plant_look_alike(
    rng: np.random.Generator, ground: Ground, about: LookAlike, label: str, free: Bool
) -> Planted:
    """The look-alike's posts. ``free`` (people,) says who is in no other group; it is updated."""
    among = ground.scene.among
    community = int(rng.choice(among.size, p=among.weight))
    if about.community is not None:
        if not 0 <= about.community < among.size:
            raise ConfigError("look-alike community", about.community, f"0 … {among.size - 1}")
        community = about.community
    made = _MAKERS[about.kind](rng, ground, about, community, free)
    ordinary = made.members[made.members < len(free)]
    free[ordinary] = False
    return planted(
        rng,
        ground,
        made.draft,
        made.new,
        shaped=made.shaped,
        label=label,
        kind=about.kind,
        members=made.members,
        urls=made.urls,
        tags=made.tags,
        parameters=_parameters(about) | {"community": community},
    )


def _parameters(about: LookAlike) -> dict[str, Any]:
    out = asdict(about)
    if about.sources is None:
        del out["sources"]
    return out


def _fans(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    who, draft, clock = ground.who, ground.around.draft, ground.scene.clock
    posts = np.flatnonzero(draft.kind <= KIND["link"])
    count = np.bincount(draft.author[posts], minlength=who.n)
    home = who.community[: len(free)] == community
    score = np.where(home & (count >= about.acts), who.fame[: len(free)], -1.0)
    author = int(np.argmax(score if score.max() > 0 else count))
    theirs = posts[draft.author[posts] == author]
    members = some(rng, free & (np.arange(len(free)) != author), about.size, home)
    fan = np.repeat(members, len(theirs))
    post = np.tile(theirs, len(members))
    delay = rng.lognormal(np.log((about.delay_s or 45.0) * 1000), 0.9, len(post)).astype(np.int64)
    time = draft.time[post] + 1000 + delay
    inside = time < clock.end
    awake = clock.awake(np.where(inside, time, 0), who.chronotype[fan], who.zone[fan])
    share = min(1.0, 2.2 * about.acts / max(len(theirs), 1))
    keep = inside & (rng.random(len(post)) < np.minimum(1, share * (0.25 + 1.2 * awake)))
    keep &= ~_already(draft, fan, post)
    cell = draft.language[post].astype(np.int64) * len(TOPICS)
    made = drafted(
        fan[keep], time[keep], "repost", cell[keep], ref=post[keep], client=who.client[fan[keep]]
    )
    return Made(made, members)


def _already(draft: Draft, account: I64, post: I64) -> Bool:
    reposts = np.flatnonzero(draft.kind == KIND["repost"])
    done = draft.author[reposts] * 2**31 + draft.ref[reposts]
    return np.isin(account * 2**31 + post, done)


def _syndication(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    new = newcomers(rng, ground, about.size, community=community)
    names = domains(rng, about.size)
    stories = slugs(rng, about.acts)
    press = daytime(rng, ground, community, about.acts, rest=resting(ground.scene.clock.end))
    member, story = grid(rng, about.size, about.acts, share=0.85)
    delay = rng.exponential((about.delay_s or 50.0) * 1000, len(story)).astype(np.int64)
    cell = cells(rng, ground, community, about.acts)
    lines = ground.scene.vocabulary.lines(rng, cell, chance=HEADLINE)
    text = ground.scene.vocabulary.render(lines, np.full(len(cell), 5))
    site = np.zeros(len(story), np.int64) if about.wire else member
    urls = [f"https://local-{n}/{s}" for n in names for s in stories]
    made = drafted(
        ground.base + member,
        press[story] + delay,
        "link",
        cell[story],
        words=text.take(pa.array(story)),
        url=ground.urls + site * about.acts + story,
        client=np.full(len(story), CLIENTS.index("Scheduler")),
    )
    return Made(made, ground.base + np.arange(about.size), new, tuple(urls))


def _breaking_news(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    who, scene = ground.who, ground.scene
    among, ordinary = scene.among, np.arange(len(free))
    speaks = among.language[who.community[ordinary]] == among.language[community]
    members = some(rng, free, about.size, speaks)
    at = int(daytime(rng, ground, community, 1, rest=resting(scene.clock.end))[0])
    names = domains(rng, about.acts)
    urls = [f"https://{n}/live/{s}" for n, s in zip(names, slugs(rng, about.acts), strict=True)]
    appears = np.sort(rng.exponential(8 * MINUTE, about.acts)).astype(np.int64)
    count = np.minimum(1 + rng.poisson(0.7, len(members)), about.acts)
    liking = -1.2 * np.log(np.arange(1, about.acts + 1)) + rng.gumbel(
        size=(len(members), about.acts)
    )
    ranked = np.argsort(-liking, axis=1, kind="stable")
    picked = np.arange(about.acts) < count[:, None]
    member, story = np.nonzero(picked)[0], ranked[picked]
    account = members[member]
    slow = (who.speed[account] / (28 * MINUTE)) ** 0.3
    median = np.log((about.delay_s or 540.0) * 1000)
    delay = appears[story] + (rng.lognormal(median, 1.0, len(story)) * slow).astype(np.int64)
    cell = cells(rng, ground, community, 1)[np.zeros(len(story), np.int64)]
    words = _told(rng, ground, cell, story, about.acts)
    tags = np.full((len(story), MAX_TAGS), -1, np.int32)
    tags[:, 0] = np.where(rng.random(len(story)) < 0.6, ground.tags, -1)
    made = drafted(
        account,
        at + delay,
        "link",
        cell,
        words=words,
        url=ground.urls + story,
        tags=tags,
        client=who.client[account],
    )
    place = scene.vocabulary.banks["place"]
    name = place.phrases[int(place.draw(rng, cell[:1])[0])].as_py().split()[-1].lower()
    return Made(made, members, None, tuple(urls), (name + "live",))


def _told(
    rng: np.random.Generator, ground: Ground, cell: I64, story: I64, stories: int
) -> pa.Array:
    """(n,) what people write under a story: a third its headline, the others their own words."""
    vocabulary = ground.scene.vocabulary
    headline = vocabulary.lines(rng, np.full(stories, cell[0]), chance=HEADLINE)
    lines = vocabulary.lines(rng, cell)
    quoted = rng.random(len(story)) < 0.35
    lines[quoted] = headline[story[quoted]]
    return vocabulary.render(lines, np.where(quoted, 5, 0))


def _share_button(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    who, scene = ground.who, ground.scene
    language = scene.among.language
    speaks = language[who.community[: len(free)]] == language[community]
    members = some(rng, free, about.size, speaks)
    count = 1 + rng.poisson(max(about.acts - 1, 0), len(members))
    account = np.repeat(members, count)
    time = scene.clock.draw(rng, who.chronotype[account], who.zone[account])
    number = rng.integers(12, 240, len(account))
    spoken = scene.vocabulary.languages[int(language[community])]
    before, after = _BUTTON[spoken]
    words = pa.array(
        [f"{before} {n // 10},{n % 10} km {after}" for n in number.tolist()], pa.string()
    )
    cell = np.full(len(account), language[community] * len(TOPICS))
    made = drafted(
        account,
        time,
        "link",
        cell,
        words=words,
        url=np.full(len(account), ground.urls),
        tags=one_tag(len(account), ground.tags),
        client=np.full(len(account), CLIENTS.index("StrideLog")),
    )
    return Made(made, members, None, ("https://stridelog.example/get",), ("StrideLog",))


_BUTTON = {
    "en": ("I just finished a run of", "with StrideLog! Join me via the app"),
    "de": ("Ich bin gerade", "mit StrideLog gelaufen! Lauf mit, über die App"),
    "ru": ("Только что пробежал", "со StrideLog! Присоединяйтесь в приложении"),
    "es": ("Acabo de correr", "con StrideLog. ¡Corre conmigo en la app!"),
}


def _one_brand(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    new = newcomers(rng, ground, about.size, community=community, rate=np.full(about.size, 0.4))
    member, text = grid(rng, about.size, about.acts, share=0.96)
    cell = cells(rng, ground, community, about.acts)
    lines = ground.scene.vocabulary.lines(rng, cell, chance={"opener": 0.0, "emoji": 0.6})
    words = ground.scene.vocabulary.render(lines, np.full(len(cell), 4))
    planned = daytime(rng, ground, community, about.acts, rest=HOUR) // (5 * MINUTE) * 5 * MINUTE
    spread = (about.delay_s or 0.9) * 1000
    time = planned[text] + (rng.random(len(text)) * spread).astype(np.int64)
    site = domains(rng, 1)[0]
    urls = tuple(f"https://shop-{site}/{s}" for s in slugs(rng, about.acts))
    tags = draw_tags(rng, ground.scene, cell, np.ones(len(cell), np.int64))
    made = drafted(
        ground.base + member,
        time,
        "link",
        cell[text],
        words=words.take(pa.array(text)),
        url=ground.urls + text,
        tags=tags[text],
        client=np.full(len(text), CLIENTS.index("Scheduler")),
    )
    return Made(made, ground.base + np.arange(about.size), new, urls)


_Maker = Callable[[np.random.Generator, Ground, LookAlike, int, "Bool"], Made]

_MAKERS: dict[str, _Maker] = {
    "fans": _fans,
    "syndication": _syndication,
    "breaking news": _breaking_news,
    "share button": _share_button,
    "one brand": _one_brand,
    "fans of several": fans_of_several,
    "petition": petition,
    "giveaway": giveaway,
    "protest day": protest,
    "sports chant": chant,
    "disaster appeal": appeal,
    "prayer app": prayer_app,
    "game app": game_app,
    "declared collective": collective,
    "weather service": weather,
    "quake service": quakes,
    "office scheduler": office,
    "fact-checkers": fact_checkers,
    "employee advocacy": advocacy,
    "party branches": branches,
    "bridged accounts": bridged,
    "mirror": mirrored,
    "archive import": archive_import,
    "crawl stamps": crawl_stamps,
    "migration wave": migration,
    "small language": small_language,
    "group chat": group_chat,
    **dict.fromkeys(NICHES, niche),
}
