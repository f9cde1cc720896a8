"""Look-alikes that machinery leaves in the data: bridges, mirrors, imports, crawls, moving house.

Accounts are ordinary; the record of what they did is not. The room knows no campaign and no
detector.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.simulate.activity import live
from klieg.sources.simulate.drafts import CLIENTS, PLATFORMS, Draft, merge, take
from klieg.sources.simulate.news import domains, slugs
from klieg.sources.simulate.occasions import home_cell, script, tag_sets
from klieg.sources.simulate.planting import Ground, Made, daytime, drafted, newcomers, resting
from klieg.sources.simulate.rhythm import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from klieg.sources.simulate.lookalikes import LookAlike
    from klieg.sources.simulate.population import People
    from klieg.tables import I64, Bool

__all__ = ["archive_import", "bridged", "crawl_stamps", "migration", "mirrored"]

_PASS = 6 * HOUR


def _originals(
    rng: np.random.Generator, ground: Ground, who: People, rows: I64, acts: int
) -> tuple[Draft, I64]:
    """``acts`` posts of each of these newcomers at their own hours, half of them with a link."""
    member = np.repeat(rows, acts)
    time = live(rng, ground.scene, who, rows, np.full(len(rows), acts))
    among, vocabulary = ground.scene.among, ground.scene.vocabulary
    topic = np.where(
        rng.random(len(member)) < 0.8,
        among.topic[who.community[member]],
        among.second_topic[who.community[member]],
    )
    cell = vocabulary.cell(among.language[who.community[member]], topic)
    news = ground.around.news
    told = np.searchsorted(np.sort(news.time), time)
    story = np.argsort(news.time, kind="stable")[
        np.maximum(told - 1 - rng.integers(0, 40, len(told)), 0)
    ]
    linked = (news.time[story] < time) & (rng.random(len(told)) < 0.5)
    draft = drafted(
        ground.base + member,
        time,
        "post",
        cell,
        words=vocabulary.render(vocabulary.lines(rng, cell), rng.integers(0, 10, len(cell))),
        url=np.where(linked, story, -1),
        client=who.client[member],
    )
    draft.kind[:] = linked
    return draft, member


def _copied(draft: Draft, author: I64, lag: I64, client: str, platform: int) -> Draft:
    return replace(
        draft,
        author=author,
        time=draft.time + lag,
        client=np.full(draft.n, CLIENTS.index(client), np.uint8),
        platform=np.full(draft.n, platform, np.uint8),
    )


def bridged(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Half of the accounts are bridges: they carry an account's posts to the other platform."""
    people = max(about.size // 2, 1)
    new = newcomers(
        rng, ground, 2 * people, community=community, rate=np.r_[[1.0] * people, [0.0] * people]
    )
    new = replace(new, casual=np.zeros(new.n, bool))  # a machine copies letter by letter
    posts, member = _originals(rng, ground, new, np.arange(people), about.acts)
    usual = (about.delay_s or 6.0) * 1000
    lag = (usual * rng.lognormal(0, 0.25, posts.n)).astype(np.int64)
    there = PLATFORMS.index("bluesky")
    bridge = _copied(posts, ground.base + people + member, lag, "Bridge", there)
    return Made(merge([posts, bridge]), ground.base + np.arange(2 * people), new)


def mirrored(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Spare accounts that copy a main one on the same platform, always seconds behind."""
    new = newcomers(rng, ground, about.size, community=community, rate=np.zeros(about.size))
    new = replace(new, casual=np.zeros(new.n, bool))
    posts, _ = _originals(rng, ground, new, np.zeros(1, np.int64), about.acts)
    parts = [posts]
    for spare in range(1, about.size):
        usual = (about.delay_s or 4.0) * 1000 * (1 + 0.4 * spare)
        lag = (usual * rng.lognormal(0, 0.12, posts.n)).astype(np.int64)
        author = np.full(posts.n, ground.base + spare)
        parts.append(_copied(posts, author, lag, "Bridge", 0))
    return Made(merge(parts), ground.base + np.arange(about.size), new)


def archive_import(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Years of old links, stamped with the evening on which their owners imported them together."""
    new = newcomers(rng, ground, about.size, community=community)
    pages = 4 * about.acts
    liking = np.arange(1, pages + 1) ** -0.6
    # whoever shared a page years ago did so on their own: only popularity is common
    score = np.log(liking) + rng.gumbel(size=(about.size, pages))
    page = np.argsort(-score, axis=1, kind="stable")[:, : about.acts]
    page = page[
        np.arange(about.size)[:, None],
        rng.permuted(np.tile(np.arange(about.acts), (about.size, 1)), axis=1),
    ]
    member = np.repeat(np.arange(about.size), about.acts)
    evening = int(daytime(rng, ground, community, 1, rest=resting(ground.scene.clock.end))[0])
    spread = (about.delay_s or 90 * 60.0) * 1000
    begin = evening + (rng.random(about.size) * spread).astype(np.int64)
    time = begin[member] + np.tile(np.arange(about.acts), about.size) * 1_100
    cell = home_cell(ground, community, len(member))
    vocabulary = ground.scene.vocabulary
    made = drafted(
        ground.base + member,
        time,
        "link",
        cell,
        words=vocabulary.render(vocabulary.lines(rng, cell), rng.integers(0, 10, len(cell))),
        url=ground.urls + page.ravel(),
        client=np.full(len(member), CLIENTS.index("Importer")),
    )
    names = domains(rng, max(pages // 3, 1))
    urls = [f"https://{names[i % len(names)]}/2019/{s}" for i, s in enumerate(slugs(rng, pages))]
    return Made(made, ground.base + np.arange(about.size), new, tuple(urls))


def crawl_stamps(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Ordinary accounts of which the data know only when the crawler came by: every six hours."""
    rate = np.minimum(
        rng.lognormal(np.log(about.acts / ground.scene.clock.days), 0.6, about.size), 60.0
    )
    new = newcomers(rng, ground, about.size, community=community, rate=rate)
    every = int((about.delay_s or _PASS / 1000) * 1000)

    def shaped(whole: Draft) -> Draft:
        # one pass takes a minute; posts keep their order in it
        within = (whole.time % every) * MINUTE // every
        time = whole.time // every * every + every + within
        return replace(whole, time=time, joint=np.ones(whole.n, bool))

    nothing = drafted(
        np.empty(0, np.int64),
        np.empty(0, np.int64),
        "post",
        np.empty(0, np.int64),
        words=pa.array([], pa.string()),
    )
    return Made(nothing, ground.base + np.arange(about.size), new, shaped=shaped)


def migration(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Another place closes: its people arrive in two days, say hello alike and look alike."""
    clock = ground.scene.clock
    new = newcomers(rng, ground, about.size, community=community)
    day = int(daytime(rng, ground, community, 1, rest=resting(clock.end))[0])
    arrival = day + (rng.exponential(0.5 * DAY, about.size)).astype(np.int64)
    arrival = np.minimum(arrival, clock.end - 2 * MINUTE)
    number = pc.cast(pa.array(rng.integers(10**7, 10**8, about.size)), pa.string())
    given = pc.list_element(pc.split_pattern(new.handle, "_"), 0)
    new = replace(
        new,
        handle=pc.binary_join_element_wise(given, number, ""),
        # the world's people count their age at its start: these were not there yet
        age=-arrival / DAY,
        client=np.full(about.size, CLIENTS.index("iOS"), np.int32),
    )
    hello = min(about.acts, 2)
    member = np.repeat(np.arange(about.size), hello)
    time = arrival[member] + rng.integers(MINUTE, (int(about.delay_s or 7200)) * 1000, len(member))
    made = drafted(
        ground.base + member,
        time,
        "link",
        home_cell(ground, community, len(member)),
        words=pa.array([script(ground, community, "moved")[0]] * len(member)),
        url=np.full(len(member), ground.urls),
        tags=np.tile(tag_sets(rng, ground.tags, 3, 1, 3), (len(member), 1)),
        client=new.client[member],
    )

    def shaped(whole: Draft) -> Draft:
        # nobody posts before they arrive
        return take(whole, whole.time >= arrival[whole.author - ground.base])

    members = ground.base + np.arange(about.size)
    url = (f"https://how-{domains(rng, 1)[0]}/moving",)
    return Made(made, members, new, url, ("NewHere", "moving", "hello"), shaped)
