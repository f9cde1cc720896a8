"""Outlets, their stories and the events that break: what people link to.

Each event is a little community of its own, with stories and posts that only its audience sees.
The room knows no reposts and no campaign; every domain lies under ``.example``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from klieg.sources.simulate.attention import Pool, pool
from klieg.sources.simulate.rhythm import DAY, HOUR, MINUTE, Clock
from klieg.sources.simulate.words import TOPICS, Vocabulary
from klieg.sources.simulate.words.invented import BACKS, FRONTS, SLUGS

if TYPE_CHECKING:
    from klieg.sources.simulate.population import Communities, People
    from klieg.tables import F64, I32, I64

__all__ = ["HEADLINE", "Events", "News", "Scene", "domains", "events", "news", "slugs"]

HEADLINE = {"opener": 0.0, "comment": 0.0, "comment2": 0.0, "emoji": 0.0, "time": 0.8, "place": 0.9}


@dataclass(frozen=True, slots=True)
class Scene:
    """What every component of a world shares."""

    clock: Clock
    vocabulary: Vocabulary
    among: Communities


@dataclass(frozen=True, slots=True)
class Events:
    """Breaking news: event e is community ``among.size + e`` for posts and stories."""

    time: I64  # (e,)
    language: I64  # (e,)
    topic: I64  # (e,)
    reach: F64  # (e,) share of the language's accounts that take part
    tag: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class News:
    """Stories: where they are, when they appear and for whom."""

    urls: pa.Array  # (s,) string
    outlet: I64  # (s,) which outlet
    author: I64  # (s,) the outlet's account
    time: I64  # (s,)
    community: I64  # (s,) events included
    cell: I64  # (s,) language and topic
    lines: I32  # (s, slots) the headline
    pool: Pool
    press: tuple[I64, I64]  # (outlets,) each: its account, its community


def events(rng: np.random.Generator, scene: Scene) -> Events:
    """About one event in two and a half days and language, of very unequal reach."""
    clock, among = scene.clock, scene.among
    languages = len(scene.vocabulary.languages)
    per_language = max(1, round(clock.days / 2.5))
    language = np.repeat(np.arange(languages), per_language)
    home = np.array([int(np.flatnonzero(among.language == x)[0]) for x in language])
    # by day where most of the readers live
    time = clock.draw(rng, np.full(len(language), 1), among.zone[home] * HOUR)
    reach = np.minimum(rng.lognormal(np.log(0.035), 0.8, len(language)), 0.3)
    topic = rng.integers(0, len(TOPICS), len(language))
    place = scene.vocabulary.banks["place"]
    drawn = place.draw(rng, language * len(TOPICS) + topic)
    tags = [place.phrases[int(i)].as_py().split()[-1].lower() for i in drawn]
    return Events(time, language, topic, reach, tuple(tags))


def news(rng: np.random.Generator, scene: Scene, who: People, happening: Events) -> News:
    """More than a story a day from each outlet, and three to five on each event."""
    clock, among = scene.clock, scene.among
    more = round(36 * (who.n / 3000) ** 0.7)
    home = np.repeat(np.arange(among.size), 5)
    home = np.sort(np.concatenate([home, rng.choice(among.size, more, p=among.weight)]))
    outlets = len(home)
    names = domains(rng, outlets)
    account = _outlet_accounts(rng, who, home)
    count = rng.poisson(1.3 * clock.days, outlets)
    outlet = np.repeat(np.arange(outlets), count)
    time = clock.draw(rng, np.full(len(outlet), 1), among.zone[home[outlet]] * HOUR)
    topic = _topics(rng, among, home[outlet])
    language, community = among.language[home[outlet]], home[outlet]
    extra = _event_stories(rng, among, happening, home, clock)
    outlet = np.concatenate([outlet, extra[0]])
    time = np.concatenate([time, extra[1]])
    community = np.concatenate([community, among.size + extra[2]])
    language = np.concatenate([language, happening.language[extra[2]]])
    topic = np.concatenate([topic, happening.topic[extra[2]]])
    cell = scene.vocabulary.cell(language, topic)
    weight = rng.lognormal(0, 1.3, len(outlet)) * rng.pareto(1.5, outlets)[outlet].clip(0.05, 20)
    slug = slugs(rng, len(outlet))
    urls = [
        f"https://{names[o]}/{TOPICS[t]}/{s}" for o, t, s in zip(outlet, topic, slug, strict=True)
    ]
    return News(
        pa.array(urls),
        outlet,
        account[outlet],
        time,
        community,
        cell,
        scene.vocabulary.lines(rng, cell, chance=HEADLINE),
        pool(np.arange(len(outlet)), time, community, account[outlet], weight),
        (account, home),
    )


def domains(rng: np.random.Generator, n: int) -> list[str]:
    """``n`` different invented domains."""
    drawn = rng.permutation(len(FRONTS) * len(BACKS))
    out = []
    for i in range(n):
        k, again = int(drawn[i % len(drawn)]), i // len(drawn)
        stem = FRONTS[k // len(BACKS)] + BACKS[k % len(BACKS)]
        out.append(f"{stem}{again or ''}.example")
    return out


def slugs(rng: np.random.Generator, n: int) -> list[str]:
    """``n`` different ends of a story's address."""
    a, b = rng.integers(0, len(SLUGS), (2, n))
    start = int(rng.integers(10_000, 90_000))
    return [f"{SLUGS[x]}-{SLUGS[y]}-{start + i}" for i, (x, y) in enumerate(zip(a, b, strict=True))]


def _topics(rng: np.random.Generator, among: Communities, community: I64) -> I64:
    main = rng.random(len(community)) < 0.72
    return np.where(main, among.topic[community], among.second_topic[community])


def _outlet_accounts(rng: np.random.Generator, who: People, home: I64) -> I64:
    # outlets are read: well-known accounts of their community
    out = np.zeros(len(home), np.int64)
    for community in np.unique(home):
        mine = np.flatnonzero(home == community)
        rows = np.flatnonzero(who.community == community)
        rows = rows if len(rows) else np.arange(who.n)
        score = np.log(who.fame[rows]) + rng.gumbel(size=len(rows))
        best = rows[np.argsort(-score, kind="stable")]
        out[mine] = best[np.arange(len(mine)) % len(best)]
    return out


def _event_stories(
    rng: np.random.Generator, among: Communities, happening: Events, home: I64, clock: Clock
) -> tuple[I64, I64, I64]:
    outlet, time, event = [], [], []
    for e, at in enumerate(happening.time):
        fits = np.flatnonzero(among.language[home] == happening.language[e])
        fits = fits if len(fits) else np.arange(len(home))
        chosen = rng.permutation(fits)[: int(rng.integers(3, 6))]
        outlet.append(chosen)
        time.append(at + np.sort(rng.exponential(12 * MINUTE, len(chosen))).astype(np.int64))
        event.append(np.full(len(chosen), e))
    times = np.minimum(np.concatenate(time), clock.end - DAY // 24)
    return np.concatenate(outlet), times, np.concatenate(event)
