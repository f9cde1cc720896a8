"""Look-alikes that taste makes: fans, niches, group chats, a small language.

Their members like the same sources; how fast and when they act is each niche's own. The room knows
no campaign and no detector.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from klieg.sources.simulate.drafts import KIND, Draft, merge, own
from klieg.sources.simulate.news import domains, slugs
from klieg.sources.simulate.occasions import popular_posts
from klieg.sources.simulate.planting import (
    Ground,
    Made,
    daytime,
    drafted,
    grid,
    newcomers,
    resting,
    some,
)
from klieg.sources.simulate.rhythm import DAY, HOUR, MINUTE
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from klieg.sources.simulate.lookalikes import LookAlike
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I64, Bool

__all__ = ["NICHES", "fans_of_several", "group_chat", "niche", "small_language"]

NICHES = ("plain niche", "fast niche", "time-zone niche", "alert niche", "event niche")


def _favourites(rng: np.random.Generator, ground: Ground, community: int, n: int) -> I64:
    """(≤ n,) well-known ordinary authors of the community with some posts."""
    draft, who = ground.around.draft, ground.who
    count = np.bincount(draft.author[draft.kind <= KIND["link"]], minlength=who.n)
    home = who.community == community
    rows = np.flatnonzero(home & (count >= 3))
    rows = rows if len(rows) >= n else np.flatnonzero(count >= 3)
    score = np.log(who.fame[rows]) + rng.gumbel(size=len(rows))
    return np.sort(rows[np.argsort(-score, kind="stable")[:n]])


def _posts_of(ground: Ground, authors: I64) -> I64:
    draft = ground.around.draft
    return np.flatnonzero((draft.kind <= KIND["link"]) & np.isin(draft.author, authors))


def fans_of_several(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Accounts with notifications on for the same ``sources`` authors."""
    who, draft, clock = ground.who, ground.around.draft, ground.scene.clock
    authors = _favourites(rng, ground, community, about.sources or 6)
    home = who.community[: len(free)] == community
    members = some(rng, free & ~np.isin(np.arange(len(free)), authors), about.size, home)
    posts = _posts_of(ground, authors)
    share = min(1.0, 2.2 * about.acts / max(len(posts), 1))
    fan, post = np.repeat(members, len(posts)), np.tile(posts, len(members))
    delay = rng.lognormal(np.log((about.delay_s or 45.0) * 1000), 0.9, len(post)).astype(np.int64)
    time = draft.time[post] + 1000 + delay
    inside = time < clock.end
    awake = clock.awake(np.where(inside, time, 0), who.chronotype[fan], who.zone[fan])
    keep = inside & (rng.random(len(post)) < np.minimum(1, share * (0.25 + 1.2 * awake)))
    keep &= ~_done(draft, fan, post)
    made = drafted(
        fan[keep],
        time[keep],
        "repost",
        draft.language[post[keep]].astype(np.int64) * len(TOPICS),
        ref=post[keep],
        client=who.client[fan[keep]],
    )
    return Made(made, members)


def _done(draft: Draft, account: I64, post: I64) -> Bool:
    reposts = np.flatnonzero(draft.kind == KIND["repost"])
    known = draft.author[reposts] * 2**31 + draft.ref[reposts]
    return np.isin(account * 2**31 + post, known)


def niche(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """People of one taste, each acting alone: at any pace, fast, in one zone, on alerts, live.

    All favour the same ``sources`` authors and repost about ``acts`` of their posts each.
    """
    draft, clock = ground.around.draft, ground.scene.clock
    new = _habits(rng, ground, about, newcomers(rng, ground, about.size, community=community))
    posts = _posts_of(ground, _favourites(rng, ground, community, about.sources or 10))
    posts = posts[draft.time[posts] < clock.end - HOUR]
    if about.kind == "event niche":
        posts = _during_evenings(rng, ground, about, community)
    member, thing = _choices(rng, about, len(posts))
    post = posts[thing]
    age = _ages(rng, about, new, member, draft.time[post])
    time = draft.time[post] + 1000 + age.astype(np.int64)
    inside = time < clock.end
    level = clock.awake(np.where(inside, time, 0), new.chronotype[member], new.zone[member])
    live = about.kind == "event niche"  # whoever watches is awake
    keep = inside & (live | (rng.random(len(time)) < 0.15 + level))
    made = drafted(
        ground.base + member[keep],
        time[keep],
        "repost",
        draft.language[post[keep]].astype(np.int64) * len(TOPICS),
        ref=post[keep],
        client=new.client[member[keep]],
    )
    return Made(made, ground.base + np.arange(about.size), new)


def _habits(rng: np.random.Generator, ground: Ground, about: LookAlike, new: People) -> People:
    if about.kind == "fast niche":
        return replace(new, speed=rng.lognormal(np.log(2.5 * MINUTE), 0.4, new.n))
    if about.kind == "time-zone niche":
        zone = np.full(new.n, ground.scene.among.zone[new.community[0]] * HOUR)
        return replace(new, zone=zone, chronotype=np.full(new.n, 2))
    return new


def _choices(rng: np.random.Generator, about: LookAlike, posts: int) -> tuple[I64, I64]:
    """Each member's own picks among the posts, popular ones more often; twice what it will keep."""
    wanted = min(posts, round(1.7 * about.acts))
    liking = rng.lognormal(0, 0.8, posts)
    score = np.log(liking) + rng.gumbel(size=(about.size, posts))
    picked = np.argsort(-score, axis=1, kind="stable")[:, :wanted]
    return np.repeat(np.arange(about.size), wanted), picked.ravel()


def _ages(
    rng: np.random.Generator, about: LookAlike, new: People, member: I64, created: I64
) -> F64:
    n = len(member)
    if about.kind == "alert niche":
        return np.asarray(rng.lognormal(np.log((about.delay_s or 40.0) * 1000), 0.8, n))
    if about.kind == "event niche":
        return np.asarray(rng.lognormal(np.log((about.delay_s or 150.0) * 1000), 0.9, n))
    usual = new.speed[member] if about.delay_s is None else about.delay_s * 1000.0
    return np.asarray(np.minimum(usual * rng.lognormal(0, 1.15, n), 3.0 * DAY))


def _during_evenings(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int
) -> I64:
    """Posts of the community's language in the two hours of a series of evenings."""
    draft = ground.around.draft
    evenings = daytime(rng, ground, community, 5, rest=resting(ground.scene.clock.end))
    after = draft.time[:, None] - evenings
    live = ((after >= 0) & (after < 2 * HOUR)).any(axis=1)
    mine = draft.language == ground.scene.among.language[community]
    rows = np.flatnonzero((draft.kind <= KIND["link"]) & mine & live)
    few = rows if len(rows) <= 8 * about.acts else rng.choice(rows, 8 * about.acts, replace=False)
    return np.sort(few)


def group_chat(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Somebody drops a post into a private chat; within the hour others there pass it on too."""
    draft, clock = ground.around.draft, ground.scene.clock
    new = newcomers(rng, ground, about.size, community=community)
    posts = popular_posts(ground, community, 4)
    posts = posts[~np.isin(posts, ground.posts_taken)]
    things = min(2 * about.acts, len(posts))
    chosen = rng.choice(posts, things, replace=False)
    dropped = draft.time[chosen] + rng.lognormal(np.log(40 * MINUTE), 0.8, things).astype(np.int64)
    member, thing = grid(rng, about.size, things, share=min(1.0, about.acts / max(things, 1)))
    delay = rng.exponential((about.delay_s or 20 * 60.0) * 1000, len(thing)).astype(np.int64)
    time = dropped[thing] + delay
    inside = time < clock.end
    level = clock.awake(np.where(inside, time, 0), new.chronotype[member], new.zone[member])
    keep = inside & (delay < HOUR) & (rng.random(len(time)) < 0.4 + level)
    made = drafted(
        ground.base + member[keep],
        time[keep],
        "repost",
        draft.language[chosen][thing[keep]].astype(np.int64) * len(TOPICS),
        ref=chosen[thing[keep]],
        client=new.client[member[keep]],
    )
    return Made(made, ground.base + np.arange(about.size), new)


def small_language(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """A language of few: four papers that everybody reads, and everybody reposts everybody."""
    clock, n = ground.scene.clock, about.size
    new = newcomers(rng, ground, n, community=community, rate=np.zeros(n))
    acts = rng.poisson(about.acts * rng.lognormal(-0.3, 0.8, n)) + 2
    member = np.repeat(np.arange(n), acts)
    time = np.sort(clock.draw(rng, new.chronotype[member], new.zone[member]))
    member = rng.permutation(member)
    what = rng.choice(3, len(member), p=[0.3, 0.35, 0.35])
    stories = np.sort(rng.integers(0, clock.end, max(4 * clock.days, 8)))
    tongue = _Tongue(rng)
    headline = tongue.lines(rng, len(stories))
    parts = [
        _told(rng, ground, new, tongue, member, time, np.flatnonzero(what == 0)),
        _linked(rng, ground, new, headline, stories, member, time, np.flatnonzero(what == 1)),
    ]
    source = merge(parts)
    parts.append(_passed_on(rng, ground, new, source, member, time, np.flatnonzero(what == 2)))
    names = domains(rng, 4)
    urls = [f"https://{names[i % 4]}/{s}" for i, s in enumerate(slugs(rng, len(stories)))]
    made = merge(parts)
    made.language[:] = len(ground.scene.vocabulary.languages)  # the invented one
    return Made(made, ground.base + np.arange(n), new, tuple(urls))


class _Tongue:
    """A language of its own: words of random syllables, common ones more often."""

    def __init__(self, rng: np.random.Generator, words: int = 600) -> None:
        onset, vowel = np.array(list("bdfghjklmnprstv")), np.array(list("aeiouyáíúø"))
        parts = [onset[rng.integers(0, 15, (words, 4))], vowel[rng.integers(0, 10, (words, 4))]]
        length = rng.integers(1, 5, words)
        self.words = np.array(
            [
                "".join(a + b for a, b in zip(x[:k], y[:k], strict=True))
                for x, y, k in zip(*parts, length, strict=True)
            ]
        )

    def lines(self, rng: np.random.Generator, n: int) -> pa.Array:
        """(n,) sentences of seven to fourteen words."""
        length = rng.integers(7, 15, n)
        rank = (len(self.words) * rng.random((n, 14)) ** 2).astype(np.int64)
        rows = [" ".join(self.words[r[:k]]).capitalize() for r, k in zip(rank, length, strict=True)]
        return pa.array(rows, pa.string())


def _told(
    rng: np.random.Generator,
    ground: Ground,
    new: People,
    tongue: _Tongue,
    member: I64,
    time: I64,
    rows: I64,
) -> Draft:
    cell = np.zeros(len(rows), np.int64)
    words = tongue.lines(rng, len(rows))
    who = member[rows]
    return drafted(ground.base + who, time[rows], "post", cell, words=words, client=new.client[who])


def _linked(
    rng: np.random.Generator,
    ground: Ground,
    new: People,
    headline: pa.Array,
    stories: I64,
    member: I64,
    time: I64,
    rows: I64,
) -> Draft:
    # four papers, a story a day each: whoever shares news shares one of the last few
    latest = np.searchsorted(stories, time[rows]) - 1
    rows, latest = rows[latest >= 0], latest[latest >= 0]
    story = np.maximum(latest - np.minimum(rng.geometric(0.35, len(rows)) - 1, 8), 0)
    who = member[rows]
    return drafted(
        ground.base + who,
        time[rows],
        "link",
        np.zeros(len(rows), np.int64),
        words=headline.take(pa.array(story)),
        url=ground.urls + story,
        client=new.client[who],
    )


def _passed_on(
    rng: np.random.Generator,
    ground: Ground,
    new: People,
    source: Draft,
    member: I64,
    time: I64,
    rows: I64,
) -> Draft:
    order = np.argsort(source.time, kind="stable")
    back = np.minimum(rng.geometric(0.08, len(rows)), 60)
    at = np.searchsorted(source.time[order], time[rows]) - back
    rows, at = rows[at >= 0], at[at >= 0]
    ref = order[at]
    other = source.author[ref] != ground.base + member[rows]
    rows, ref = rows[other], ref[other]
    who = member[rows]
    key = who * 2**31 + ref
    _, once = np.unique(key, return_index=True)  # nobody reposts a post twice
    rows, ref, who = rows[once], ref[once], who[once]
    return drafted(
        ground.base + who,
        time[rows],
        "repost",
        np.zeros(len(rows), np.int64),
        ref=own(ref),
        client=new.client[who],
    )
