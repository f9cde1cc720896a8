"""Sittings: when people are online in a world of feeds, and what they write there themselves.

People open the app a few times a day and do several things at once; an event calls them. The room
knows nothing of what a feed shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.sources.simulate.activity import draw_tags
from klieg.sources.simulate.attention import latest
from klieg.sources.simulate.drafts import KIND, MAX_TAGS, Draft
from klieg.sources.simulate.rhythm import HOUR, MINUTE
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from klieg.sources.simulate.news import Events, News, Scene
    from klieg.sources.simulate.population import People
    from klieg.tables import I64, U8

__all__ = ["Moments", "lived", "reacting"]


@dataclass(frozen=True, slots=True)
class Moments:
    """When somebody acts on something seen, in order of time."""

    author: I64  # (n,) row of the people given
    time: I64  # (n,)
    kind: U8  # (n,) KIND: repost, reply, quote


def _sittings(rng: np.random.Generator, scene: Scene, who: People, author: I64, calls: I64) -> I64:
    """(n,) moments in sittings; ``author`` must ascend, each has a sitting for five posts or so.

    ``calls`` (n,) are moments that bring somebody online, −1 where nothing calls.
    """
    count = np.bincount(author, minlength=who.n)
    sittings = np.maximum(1, np.round(count / 5)).astype(np.int64)
    first = np.cumsum(sittings) - sittings
    owner = np.repeat(np.arange(who.n), sittings)
    start = scene.clock.draw(rng, who.chronotype[owner], who.zone[owner])
    mine = first[author] + (rng.random(len(author)) * sittings[author]).astype(np.int64)
    begin = np.where(calls >= 0, calls, start[mine])
    return begin + rng.exponential(7 * MINUTE, len(author)).astype(np.int64)


def lived(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    news: News,
    happening: Events,
    *,
    press: bool,
) -> Draft:
    """Posts and links of one's own in order of time; with ``press``, the outlets' stories too."""
    own = who.mix[:, 1]
    author = np.repeat(np.arange(who.n), rng.poisson(who.rate * scene.clock.days * own))
    time = _sittings(rng, scene, who, author, np.full(len(author), -1))
    link = rng.random(len(author)) < 1 - who.mix[author, 0] / own[author]
    story = np.where(link, _read(rng, scene, who, news, happening, author, time), -1)
    if press:
        author = np.concatenate([author, news.author])
        time = np.concatenate([time, news.time + 1])
        story = np.concatenate([story, np.arange(len(news.time))])
    order = np.lexsort((author, time))
    order = order[time[order] < scene.clock.end]
    return _own(rng, scene, who, news, author[order], time[order], story[order])


def _read(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    news: News,
    happening: Events,
    author: I64,
    time: I64,
) -> I64:
    """(n,) the story somebody online then would share: their paper's newest, or the event's."""
    accounts, home = news.press
    order = np.argsort(home, kind="stable")
    low = np.searchsorted(home[order], who.community[author])
    high = np.searchsorted(home[order], who.community[author] + 1)
    # a household reads one paper or two: always the same for an account
    which = (author * 7919 + (rng.random(len(author)) < 0.35)) % np.maximum(high - low, 1)
    paper = accounts[order[np.minimum(low + which, len(order) - 1)]]
    out = latest(news.pool, paper, time, within=30 * HOUR)
    language = scene.among.language[who.community[author]]
    of = news.community - scene.among.size
    for e, at in enumerate(happening.time):
        stories = np.flatnonzero((of == e) & (news.time < scene.clock.end))
        near = (language == happening.language[e]) & (time > at) & (time < at + 10 * HOUR)
        near &= rng.random(len(author)) < 6 * happening.reach[e]
        if len(stories) and near.any():
            told = stories[(len(stories) * rng.random(int(near.sum())) ** 2).astype(np.int64)]
            rows = np.flatnonzero(near)
            good = news.time[told] < time[rows]
            out[rows[good]] = told[good]
    return out


def _own(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    news: News,
    author: I64,
    time: I64,
    story: I64,
) -> Draft:
    among, vocabulary, n = scene.among, scene.vocabulary, len(author)
    u, home = rng.random(n), who.community[author]
    topic = np.where(u < 0.62, among.topic[home], among.second_topic[home])
    topic = np.where(u > 0.85, rng.integers(0, len(TOPICS), n), topic)
    cell = vocabulary.cell(among.language[home], topic)
    cell = np.where(story >= 0, news.cell[story], cell)
    lines = vocabulary.lines(rng, cell)
    quoted = (story >= 0) & (rng.random(n) < 0.4)
    lines[quoted] = news.lines[story[quoted]]
    tagged = rng.random(n) < who.tagging[author]
    tags = np.full((n, MAX_TAGS), -1, np.int32)
    rows = np.flatnonzero(tagged)
    tags[rows] = draw_tags(rng, scene, cell[rows], np.minimum(rng.geometric(0.6, len(rows)), 4))
    return Draft(
        author=author,
        time=time,
        kind=np.where(story >= 0, KIND["link"], KIND["post"]).astype(np.uint8),
        ref=np.full(n, -1, np.int64),
        url=story.astype(np.int32),
        variant=rng.choice(3, n, p=[0.8, 0.1, 0.1]).astype(np.uint8),
        tags=tags,
        words=vocabulary.render(lines, np.where(quoted, 5, rng.integers(0, 10, n))),
        language=(cell // len(TOPICS)).astype(np.uint8),
        client=who.client[author].astype(np.uint8),
        joint=np.zeros(n, bool),
        platform=np.zeros(n, np.uint8),
    )


def reacting(rng: np.random.Generator, scene: Scene, who: People, happening: Events) -> Moments:
    """When people act on what they see: in sittings, more of them while an event lasts."""
    share = 1 - who.mix[:, 1]
    author = np.repeat(np.arange(who.n), rng.poisson(who.rate * scene.clock.days * share))
    calls = np.full(len(author), -1, np.int64)
    language = scene.among.language[who.community[author]]
    for e, at in enumerate(happening.time):
        called = (language == happening.language[e]) & (
            rng.random(len(author)) < happening.reach[e] / max(scene.clock.days, 4)
        )
        calls[called] = at + rng.exponential(HOUR, int(called.sum())).astype(np.int64)
    time = _sittings(rng, scene, who, author, calls)
    kind = rng.choice(3, len(author), p=[0.62, 0.28, 0.10]).astype(np.uint8) + KIND["repost"]
    order = np.lexsort((author, time))
    order = order[time[order] < scene.clock.end]
    return Moments(author[order], time[order], kind[order].astype(np.uint8))
