"""Ordinary life: posts, links, reposts, replies and quotes of accounts left to themselves.

An account posts at its own hours, in sittings; what it acts on is chosen by interest, by whom it
follows and by what just broke, after a delay of its own. No account here knows of another's plan:
the room knows no campaign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.simulate.attention import Follows, Pool, choose, follows, latest, pool
from klieg.sources.simulate.drafts import KIND, MAX_TAGS, Draft, take
from klieg.sources.simulate.news import Events, News, Scene
from klieg.sources.simulate.rhythm import HOUR, MINUTE, sessions
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I32, I64, U8, Bool

__all__ = ["Ordinary", "Slots", "act", "draw_tags", "fresh", "live", "ordinary", "tag_names"]

_CALM = 28 * MINUTE
"""The median account's median reaction time."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Moments at which somebody will post something."""

    author: I64  # (n,) row of the people given
    time: I64  # (n,)
    kind: U8  # (n,) KIND
    community: I64  # (n,) whose posts and stories it looks at
    haste: F64  # (n,) factor on the usual reaction time


@dataclass(frozen=True, slots=True)
class Ordinary:
    """The ordinary part of a world and what others can act on."""

    community: I64  # (people,)
    draft: Draft  # in time order
    posts: Pool  # original posts, by row of the draft
    followed: Follows
    news: News
    happening: Events


def ordinary(
    rng: np.random.Generator, scene: Scene, who: People, news: News, happening: Events
) -> Ordinary:
    """Everybody's posts. The world's first and largest component."""
    followed = follows(rng, who.community, who.second, who.circle, who.fame, news.press)
    slots = _sorted(
        _joined(
            [
                _daily(rng, scene, who),
                _press(news),
                _breaking(rng, scene, who, happening),
                _evenings(rng, scene, who, followed.closeness),
            ]
        )
    )
    seeds = np.flatnonzero(slots.kind <= KIND["link"])
    # most posts go nowhere and a few go everywhere, whoever wrote them
    weight = who.fame[slots.author[seeds]] * rng.lognormal(0, 1.9, len(seeds))
    posts = pool(seeds, slots.time[seeds], slots.community[seeds], slots.author[seeds], weight)
    draft, kept = _filled(rng, scene, who, slots, posts, followed, news, happening)
    own = (draft.ref >= 0) & (draft.author[draft.ref] == draft.author)
    kept &= ~own
    renumbered = np.cumsum(kept) - 1
    draft = take(draft, kept)
    draft.ref[:] = np.where(draft.ref >= 0, renumbered[draft.ref], -1)
    posts = Pool(
        renumbered[posts.row],
        posts.key,
        posts.heap,
        renumbered[posts.by_author],
        posts.author_key,
    )
    return Ordinary(who.community, draft, posts, followed, news, happening)


def act(
    rng: np.random.Generator, scene: Scene, who: People, around: Ordinary, *, base: int
) -> Draft:
    """Ordinary posts of further accounts, who act on the ordinary part and are not acted on."""
    followed = _borrowed(rng, who, around)
    slots = _sorted(_daily(rng, scene, who))
    draft, kept = _filled(
        rng, scene, who, slots, around.posts, followed, around.news, around.happening
    )
    draft = take(draft, kept)
    draft.author[:] += base
    return draft


def live(rng: np.random.Generator, scene: Scene, who: People, rows: I64, count: I64) -> I64:
    """(Σ count,) moments at which these people are active, row after row."""
    rows = np.repeat(rows, count)
    return scene.clock.draw(rng, who.chronotype[rows], who.zone[rows])


def tag_names(scene: Scene, happening: Events) -> list[str]:
    """What tag indices stand for: the topics' tags, then one for each event."""
    return [*scene.vocabulary.tags.phrases.to_pylist(), *happening.tag]


def draw_tags(rng: np.random.Generator, scene: Scene, cell: I64, wanted: I64) -> I32:
    """(n, MAX_TAGS) hashtags of each cell, the usual ones first; −1 beyond ``wanted``."""
    bank = scene.vocabulary.tags
    size = int(bank.size.max())
    liking = -1.1 * np.log(np.arange(1, size + 1))
    score = liking + rng.gumbel(size=(len(cell), size))
    score = np.where(np.arange(size) < bank.size[cell][:, None], score, -np.inf)
    best = np.argsort(-score, axis=1, kind="stable")[:, :MAX_TAGS]
    tags = bank.start[cell][:, None] + best
    return np.where(np.arange(MAX_TAGS) < wanted[:, None], tags, -1).astype(np.int32)


def _borrowed(rng: np.random.Generator, who: People, around: Ordinary) -> Follows:
    # each newcomer follows what some account of its community follows
    order = np.argsort(around.community, kind="stable")
    edges = np.searchsorted(around.community[order], [who.community, who.community + 1])
    low, size = edges[0], edges[1] - edges[0]
    low, size = np.where(size > 0, low, 0), np.where(size > 0, size, len(order))
    model = order[low + (rng.random(who.n) * size).astype(np.int64)]
    return Follows(
        around.followed.authors[model],
        around.followed.outlets[model],
        around.followed.closeness[model],
    )


def _daily(rng: np.random.Generator, scene: Scene, who: People) -> Slots:
    count = rng.poisson(who.rate * scene.clock.days)
    author = np.repeat(np.arange(who.n), count)
    time = live(rng, scene, who, np.arange(who.n), count)
    time = sessions(rng, author, time, scene.clock.end)
    u = rng.random(len(author))
    kind = (u[:, None] > who.mix[author]).sum(axis=1).clip(0, 4).astype(np.uint8)
    other = rng.random(len(author)) < who.overlap[author]
    community = np.where(other, who.second[author], who.community[author])
    return Slots(author, time, kind, community, np.ones(len(author)))


def _press(news: News) -> Slots:
    kind = np.full(len(news.time), KIND["link"], np.uint8)
    return Slots(news.author, news.time + 1, kind, news.community, np.ones(len(kind)))


def _breaking(rng: np.random.Generator, scene: Scene, who: People, happening: Events) -> Slots:
    parts = []
    language = scene.among.language[who.community]
    for e, at in enumerate(happening.time):
        reader = np.flatnonzero(language == happening.language[e])
        n = rng.poisson(len(reader) * happening.reach[e] * 1.6)
        share = who.rate[reader] ** 0.7
        author = rng.choice(reader, n, p=share / share.sum()) if len(reader) else reader
        slow = (who.speed[author] / _CALM) ** 0.4
        delay = rng.lognormal(np.log(24 * MINUTE), 1.15, len(author)) * slow
        time = at + 2 * MINUTE + delay.astype(np.int64)
        kind = rng.choice(5, len(author), p=[0.12, 0.36, 0.40, 0.07, 0.05]).astype(np.uint8)
        inside = time < scene.clock.end
        awake = scene.clock.awake(
            np.where(inside, time, 0), who.chronotype[author], who.zone[author]
        )
        keep = inside & (rng.random(len(author)) < awake + 0.02)
        event = np.full(len(author), scene.among.size + e)
        parts.append(
            Slots(author[keep], time[keep], kind[keep], event[keep], np.ones(int(keep.sum())))
        )
    return _joined(parts)


def _evenings(rng: np.random.Generator, scene: Scene, who: People, closeness: F64) -> Slots:
    """Live evenings: a circle sits together through a match or a stream, quick and simultaneous.

    Nobody planned what they share; only the moment is common to them.
    """
    clock = scene.clock
    order = np.argsort(who.circle, kind="stable")
    _, first, size = np.unique(who.circle[order], return_index=True, return_counts=True)
    evenings = rng.poisson(clock.days / 6, len(first))
    circle = np.repeat(np.arange(len(first)), evenings)
    start = clock.draw(rng, np.full(len(circle), 5), who.zone[order[first[circle]]])
    # one row for each member of the circle and evening
    row = np.repeat(np.arange(len(circle)), size[circle])
    within = np.arange(len(row)) - np.repeat(np.cumsum(size[circle]) - size[circle], size[circle])
    author = order[first[circle[row]] + within]
    there = rng.random(len(row)) < 0.05 + 0.5 * closeness[author]
    count = np.where(there, 1 + rng.poisson(2.0, len(row)), 0)
    row, author = np.repeat(row, count), np.repeat(author, count)
    time = start[row] + rng.integers(0, 100 * MINUTE, len(row))
    keep = time < clock.end
    author, time = author[keep], time[keep]
    kind = rng.choice(5, len(author), p=[0.25, 0.05, 0.45, 0.2, 0.05]).astype(np.uint8)
    return Slots(author, time, kind, who.community[author], np.full(len(author), 0.15))


def _joined(parts: list[Slots]) -> Slots:
    return Slots(*(np.concatenate([getattr(p, n) for p in parts]) for n in Slots.__slots__))


def _sorted(slots: Slots) -> Slots:
    order = np.lexsort((slots.author, slots.time))
    return Slots(*(getattr(slots, n)[order] for n in Slots.__slots__))


def _filled(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    slots: Slots,
    posts: Pool,
    followed: Follows,
    news: News,
    happening: Events,
) -> tuple[Draft, Bool]:
    """The draft of these slots, and which rows of it found something to act on."""
    kind = slots.kind.copy()
    ref = _references(rng, who, slots, posts, followed)
    story = _stories(rng, scene, who, slots, followed, news)
    kind[(kind == KIND["link"]) & (story < 0)] = KIND["post"]
    cell = _cells(rng, scene, happening, slots.community)
    cell = np.where(story >= 0, news.cell[story], cell)
    text = _words(rng, scene, kind, cell, story, news)
    own = np.isin(kind, (KIND["post"], KIND["link"], KIND["quote"]))
    wanted = np.minimum(rng.geometric(0.55, len(kind)), MAX_TAGS)
    wanted = np.where(own & (rng.random(len(kind)) < who.tagging[slots.author]), wanted, 0)
    tags = _tags(rng, scene, slots.community, cell, wanted)
    variant = rng.choice(3, len(kind), p=[0.82, 0.12, 0.06]).astype(np.uint8)
    draft = Draft(
        author=slots.author.copy(),
        time=slots.time,
        kind=kind,
        ref=ref,
        url=story.astype(np.int32),
        variant=variant,
        tags=tags,
        words=text,
        language=(cell // len(TOPICS)).astype(np.uint8),
        client=who.client[slots.author].astype(np.uint8),
        joint=np.zeros(len(kind), bool),
        platform=np.zeros(len(kind), np.uint8),
    )
    return draft, (kind < KIND["repost"]) | (ref >= 0)


def _references(
    rng: np.random.Generator, who: People, slots: Slots, posts: Pool, followed: Follows
) -> I64:
    refers = np.flatnonzero(slots.kind >= KIND["repost"])
    author, time = slots.author[refers], slots.time[refers]
    reply = slots.kind[refers] == KIND["reply"]
    age = (
        who.speed[author]
        * slots.haste[refers]
        * rng.lognormal(0, 1.15, len(refers))
        * np.where(reply, 0.5, 1.0)
    )
    # a tenth is dug out much later: attention decays like a power of the age
    age = np.where(rng.random(len(refers)) < 0.1, age * (1 + rng.pareto(1.0, len(refers))), age)
    age = np.minimum(age, 5 * 24 * HOUR)
    near = (followed.authors.shape[1] * rng.random(len(refers)) ** 1.8).astype(np.int64)
    friend = followed.authors[author, near]
    mine = latest(posts, friend, time - (age * 0.3).astype(np.int64), within=30 * HOUR)
    mine = np.where(rng.random(len(refers)) < 0.3 + 0.5 * followed.closeness[author], mine, -1)
    seen = choose(rng, posts, slots.community[refers], time, age)
    found = np.where((mine >= 0), mine, seen)
    out = np.full(len(slots.time), -1, np.int64)
    out[refers] = np.where(fresh(author, found, slots.kind[refers]), found, -1)
    return out


def fresh(author: I64, found: I64, kind: U8) -> Bool:
    """Nobody reposts a post twice: only the first of each author, post and kind stays."""
    order = np.lexsort((np.arange(len(found)), kind, found, author))
    a, f, k = author[order], found[order], kind[order]
    first = np.r_[True, (a[1:] != a[:-1]) | (f[1:] != f[:-1]) | (k[1:] != k[:-1])]
    out = np.zeros(len(found), bool)
    out[order] = first[: len(found)]
    return out & (found >= 0)


def _stories(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    slots: Slots,
    followed: Follows,
    news: News,
) -> I64:
    links = np.flatnonzero(slots.kind == KIND["link"])
    author, time = slots.author[links], slots.time[links]
    slow = (who.speed[author] / _CALM) ** 0.5
    age = slow * rng.lognormal(np.log(130 * MINUTE), 1.3, len(links))
    out = np.full(len(slots.time), -1, np.int64)
    seen = choose(rng, news.pool, slots.community[links], time, age)
    paper = followed.outlets[author, (3 * rng.random(len(links)) ** 1.5).astype(np.int64)]
    read = latest(news.pool, paper, time - (age * 0.3).astype(np.int64), within=40 * HOUR)
    # an event is not read of in a favourite paper but wherever it is told
    usual = rng.random(len(links)) < 0.15 + 0.5 * followed.closeness[author]
    usual &= slots.community[links] < scene.among.size
    out[links] = np.where((read >= 0) & usual, read, seen)
    _own_stories(slots, news, out)
    return out


def _own_stories(slots: Slots, news: News, story: I64) -> None:
    # an outlet's own post carries its own story: the slot one millisecond after it
    key = news.author * 2**42 + news.time + 1
    order = np.argsort(key, kind="stable")
    mine = slots.author * 2**42 + slots.time
    at = np.minimum(np.searchsorted(key[order], mine), len(order) - 1)
    hit = (key[order][at] == mine) & (slots.kind == KIND["link"])
    story[hit] = order[at[hit]]


def _cells(rng: np.random.Generator, scene: Scene, happening: Events, community: I64) -> I64:
    among = scene.among
    language = np.concatenate([among.language, happening.language])
    topic = np.concatenate([among.topic, happening.topic])
    second = np.concatenate([among.second_topic, happening.topic])
    main = rng.random(len(community)) < 0.72
    chosen = np.where(main, topic[community], second[community])
    # people talk about other things too
    stray = rng.random(len(community)) < 0.08
    chosen = np.where(stray, rng.integers(0, len(TOPICS), len(community)), chosen)
    return scene.vocabulary.cell(language[community], chosen)


def _words(
    rng: np.random.Generator, scene: Scene, kind: U8, cell: I64, story: I64, news: News
) -> pa.Array:

    lines = scene.vocabulary.lines(rng, cell)
    quoted = (story >= 0) & (rng.random(len(kind)) < 0.3)
    lines[quoted] = news.lines[story[quoted]]
    end = np.where(quoted, 5, rng.integers(0, 10, len(kind)))
    text = scene.vocabulary.render(lines, end)
    reply = pa.array(kind == KIND["reply"])
    text = pc.if_else(reply, scene.vocabulary.answer(rng, cell), text)
    return pc.if_else(pa.array(kind == KIND["repost"]), pa.scalar(None, pa.string()), text)


def _tags(rng: np.random.Generator, scene: Scene, community: I64, cell: I64, wanted: I64) -> I32:
    out = np.full((len(cell), MAX_TAGS), -1, np.int32)
    rows = np.flatnonzero(wanted)
    out[rows] = draw_tags(rng, scene, cell[rows], wanted[rows])
    event = rows[(community[rows] >= scene.among.size) & (rng.random(len(rows)) < 0.7)]
    total = len(scene.vocabulary.tags.phrases)
    out[event, 0] = total + community[event] - scene.among.size
    return out
