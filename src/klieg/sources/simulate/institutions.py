"""Look-alikes that an institution makes: collectives, services, desks, firms, party branches.

They bring accounts of their own, and what they do together is their declared work. The room knows
no campaign and no detector.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.simulate.drafts import CLIENTS, merge, own
from klieg.sources.simulate.news import domains, slugs
from klieg.sources.simulate.occasions import (
    home_cell,
    places,
    popular_posts,
    script,
    tag_sets,
)
from klieg.sources.simulate.planting import (
    Ground,
    Made,
    cells,
    daytime,
    drafted,
    grid,
    newcomers,
    resting,
)
from klieg.sources.simulate.rhythm import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from klieg.sources.simulate.lookalikes import LookAlike
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I64, Bool

__all__ = [
    "advocacy",
    "branches",
    "collective",
    "fact_checkers",
    "named",
    "office",
    "quakes",
    "weather",
]

_SCHEDULER = CLIENTS.index("Scheduler")


def named(people: People, stem: str) -> People:
    """The same people under handles that say what they belong to: ``stem_1``, ``stem_2``, …"""
    number = pc.cast(pa.array(np.arange(1, people.n + 1)), pa.string())
    mark = pc.cast(pa.array(people.ids // 1024 % 997), pa.string())
    handle = pc.binary_join_element_wise(stem, mark, number, "_")
    return replace(people, handle=handle, casual=np.zeros(people.n, bool))


def _delay(rng: np.random.Generator, about: LookAlike, usual_s: float, n: int) -> I64:
    median = np.log((about.delay_s or usual_s) * 1000)
    return np.asarray(rng.lognormal(median, 0.9, n), np.int64)


def _starts(rng: np.random.Generator, ground: Ground, community: int, n: int) -> I64:
    return daytime(rng, ground, community, n, rest=resting(ground.scene.clock.end))


def _team(
    rng: np.random.Generator, ground: Ground, n: int, community: int, stem: str, rate: F64
) -> People:
    return named(newcomers(rng, ground, n, community=community, rate=rate), stem)


def collective(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """A collective that says so in its names posts each statement from all its accounts."""
    rate = rng.gamma(4.0, 0.3, about.size)
    new = _team(rng, ground, about.size, community, "openmeadow", rate)
    member, text = grid(rng, about.size, about.acts, share=0.9)
    cell = cells(rng, ground, community, about.acts)
    lines = ground.scene.vocabulary.lines(rng, cell, chance={"opener": 0.0, "comment2": 0.6})
    said = ground.scene.vocabulary.render(lines, np.full(about.acts, 0))
    signed = script(ground, community, "collective")[0]
    words = pc.binary_join_element_wise(said, pa.scalar(f"({signed})"), " ").take(pa.array(text))
    time = _starts(rng, ground, community, about.acts)[text]
    time = time + _delay(rng, about, 90.0, len(text))
    made = drafted(
        ground.base + member,
        time,
        "post",
        cell[text],
        words=words,
        tags=np.tile(tag_sets(rng, ground.tags, 2, 1, 2), (len(text), 1)),
        client=np.where(rng.random(len(text)) < 0.7, _SCHEDULER, new.client[member]),
    )
    return Made(made, ground.base + np.arange(about.size), new, (), ("OpenMeadow", "commons"))


def weather(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """A weather account for each town, all of them at the full hour, each with its own figures."""
    clock = ground.scene.clock
    new = _team(rng, ground, about.size, community, "weather", np.full(about.size, 0.02))
    new = replace(new, client=np.full(about.size, CLIENTS.index("Station"), np.int32))
    hours = np.linspace(0, clock.end - HOUR, about.acts).astype(np.int64) // HOUR
    member = np.repeat(np.arange(about.size), about.acts)
    hour = np.tile(hours, about.size)
    line, where = script(ground, community, "weather")[0], places(rng, ground, community, 24)
    degrees, wind = rng.integers(-4, 27, len(hour)), rng.integers(0, 70, len(hour))
    texts = [
        line.format(place=where[m % 24], h=int(h) % 24, n=int(d), m=int(w))
        for m, h, d, w in zip(member, hour, degrees, wind, strict=True)
    ]
    made = drafted(
        ground.base + member,
        hour * HOUR + rng.integers(300, 4_000, len(hour)),
        "post",
        home_cell(ground, community, len(hour)),
        words=pa.array(texts),
        client=new.client[member],
    )
    return Made(made, ground.base + np.arange(about.size), new)


def quakes(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Accounts that pass on a seismic service's report of each quake within a minute or two."""
    new = _team(rng, ground, about.size, community, "quakewatch", np.full(about.size, 0.02))
    new = replace(new, client=np.full(about.size, CLIENTS.index("Station"), np.int32))
    member, quake = grid(rng, about.size, about.acts, share=0.92)
    # the earth keeps no hours
    at = np.sort(rng.integers(0, ground.scene.clock.end - HOUR, about.acts))
    line, where = script(ground, community, "quake")[0], places(rng, ground, community, about.acts)
    texts = [
        line.format(
            n=int(rng.integers(2, 6)),
            m=int(rng.integers(10)),
            d=int(rng.integers(3, 90)),
            place=where[i],
            h=f"{t // HOUR % 24:02d}",
            s=f"{t // MINUTE % 60:02d}",
        )
        for i, t in enumerate(at.tolist())
    ]
    made = drafted(
        ground.base + member,
        at[quake] + 5_000 + _delay(rng, about, 40.0, len(quake)),
        "link",
        home_cell(ground, community, len(quake)),
        words=pa.array(texts).take(pa.array(quake)),
        url=ground.urls + quake,
        client=new.client[member],
    )
    urls = tuple(f"https://seismic-service.example/event/{s}" for s in slugs(rng, about.acts))
    return Made(made, ground.base + np.arange(about.size), new, urls)


def office(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """An agency queues news for its customers' accounts: the same slots, everybody's own words."""
    news, vocabulary = ground.around.news, ground.scene.vocabulary
    new = newcomers(rng, ground, about.size, community=community)
    language = news.cell // (len(vocabulary.tags.size) // len(vocabulary.languages))
    early = news.time < ground.scene.clock.end - resting(ground.scene.clock.end)
    fits = np.flatnonzero((language == ground.scene.among.language[community]) & early)
    fits = fits[~np.isin(fits, ground.stories_taken)]
    story = rng.choice(fits, min(about.acts * 2, len(fits)), replace=False)
    member, thing = grid(rng, about.size, len(story), share=min(1.0, about.acts / len(story)))
    zone = ground.scene.among.zone[community] * HOUR
    # the next full quarter of an hour of an office day
    slot = (news.time[story] + HOUR + zone) // (15 * MINUTE) * 15 * MINUTE
    slot = slot // DAY * DAY + np.clip(slot % DAY, 9 * HOUR, 17 * HOUR) - zone
    slot = np.where(slot <= news.time[story], slot + DAY, slot)
    cell = news.cell[story][thing]
    words = vocabulary.render(vocabulary.lines(rng, cell), rng.integers(0, 10, len(cell)))
    made = drafted(
        ground.base + member,
        slot[thing] + rng.integers(0, int((about.delay_s or 2.0) * 1000) + 1, len(thing)),
        "link",
        cell,
        words=words,
        url=story[thing],
        client=np.full(len(thing), _SCHEDULER),
    )
    return Made(made, ground.base + np.arange(about.size), new)


def fact_checkers(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Desks that answer every repetition of a claim with the same finding and the same link."""
    new = _team(rng, ground, about.size, community, "factdesk", np.full(about.size, 0.8))
    line, things = (script(ground, community, x) for x in ("claim", "thing"))
    where = places(rng, ground, community, about.acts)
    texts = [
        line[i % len(line)].format(place=where[i], thing=things[i % len(things)])
        for i in range(about.acts)
    ]
    published = _starts(rng, ground, community, about.acts)
    member, claim = grid(rng, about.size, about.acts, share=0.85)
    times = 1 + rng.poisson(4.0, len(claim))
    member, claim = np.repeat(member, times), np.repeat(claim, times)
    shift = ground.scene.among.zone[community] * HOUR
    time = published[claim] + _delay(rng, about, 5 * 3600.0, len(claim))
    time = (time + shift) // DAY * DAY + np.clip((time + shift) % DAY, 8 * HOUR, 20 * HOUR) - shift
    time = time + rng.integers(0, 40 * MINUTE, len(time))
    posts = popular_posts(ground, community, 1)
    # somebody repeats the claim: any recent post stands in for it
    before = np.searchsorted(ground.around.draft.time[posts], time) - 1
    target = posts[np.maximum(before - rng.integers(0, 30, len(before)), 0)]
    good = ground.around.draft.time[target] < time
    made = drafted(
        ground.base + member[good],
        time[good],
        "reply",
        home_cell(ground, community, int(good.sum())),
        words=pa.array(texts).take(pa.array(claim[good])),
        ref=target[good],
        url=ground.urls + claim[good],
        client=new.client[member[good]],
    )
    site = domains(rng, 1)[0]
    urls = tuple(f"https://check-{site}/{s}" for s in slugs(rng, about.acts))
    return Made(made, ground.base + np.arange(about.size), new, urls)


def advocacy(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """A firm suggests posts to its staff; they pick a wording, or repost the firm, in two days."""
    new = newcomers(rng, ground, about.size + 1, community=community)
    vocabulary = ground.scene.vocabulary
    out = _starts(rng, ground, community, about.acts)
    cell = cells(rng, ground, community, about.acts)
    three = vocabulary.lines(rng, np.repeat(cell, 3), chance={"opener": 0.0, "comment2": 0.5})
    texts = vocabulary.render(three, np.full(3 * about.acts, 4))
    firm = drafted(
        np.full(about.acts, ground.base + about.size),
        out,
        "link",
        cell,
        words=texts.take(pa.array(3 * np.arange(about.acts))),
        url=ground.urls + np.arange(about.acts),
        client=_SCHEDULER,
    )
    firm.joint[:] = False
    member, thing = grid(rng, about.size, about.acts, share=0.55)
    time = out[thing] + MINUTE + _delay(rng, about, 2.5 * 3600.0, len(thing))
    repost = rng.random(len(thing)) < 0.4
    parts = [firm]
    for kind, rows in (("repost", np.flatnonzero(repost)), ("link", np.flatnonzero(~repost))):
        text = texts.take(pa.array(3 * thing[rows] + rng.integers(0, 3, len(rows))))
        parts.append(
            drafted(
                ground.base + member[rows],
                time[rows],
                kind,
                cell[thing[rows]],
                words=None if kind == "repost" else text,
                ref=own(thing[rows]) if kind == "repost" else None,
                url=None if kind == "repost" else ground.urls + thing[rows],
                client=np.full(len(rows), CLIENTS.index("Advocate")),
            )
        )
    site = domains(rng, 1)[0]
    urls = tuple(f"https://careers-{site}/{s}" for s in slugs(rng, about.acts))
    return Made(merge(parts), ground.base + np.arange(about.size), new, urls)


def branches(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """A party's head office writes, its branches post the text with the name of their town."""
    rate = rng.gamma(3.0, 0.25, about.size + 1)
    new = _team(rng, ground, about.size + 1, community, "civiclist", rate)
    out = _starts(rng, ground, community, about.acts)
    line = script(ground, community, "branch")
    where = places(rng, ground, community, about.size)
    cell = home_cell(ground, community, about.acts)
    number = rng.integers(2026, 2031, about.acts)
    head = [line[i % len(line)].format(place="", year=int(number[i])) for i in range(about.acts)]
    office_ = drafted(
        np.full(about.acts, ground.base + about.size), out, "post", cell, words=pa.array(head)
    )
    office_.joint[:] = False
    member, thing = grid(rng, about.size, about.acts, share=0.65)
    time = out[thing] + MINUTE + _delay(rng, about, 90 * 60.0, len(thing))
    repost = rng.random(len(thing)) < 0.3
    texts = [
        line[t % len(line)].format(place=where[m], year=int(number[t]))
        for m, t in zip(member, thing, strict=True)
    ]
    parts = [office_]
    for kind, rows in (("repost", np.flatnonzero(repost)), ("link", np.flatnonzero(~repost))):
        parts.append(
            drafted(
                ground.base + member[rows],
                time[rows],
                kind,
                cell[thing[rows]],
                words=None if kind == "repost" else pa.array(texts).take(pa.array(rows)),
                ref=own(thing[rows]) if kind == "repost" else None,
                url=None if kind == "repost" else ground.urls + thing[rows],
                client=new.client[member[rows]],
            )
        )
    site = domains(rng, 1)[0]
    urls = tuple(f"https://party-{site}/{s}" for s in slugs(rng, about.acts))
    return Made(merge(parts), ground.base + np.arange(about.size), new, urls)
