"""Look-alikes that an occasion makes: petitions, giveaways, marches, goals, floods, app posts.

Ordinary accounts take part, most of them once in their lives. The room knows no campaign and no
detector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from klieg.sources.simulate.drafts import CLIENTS, KIND, MAX_TAGS, merge, own
from klieg.sources.simulate.news import domains, slugs
from klieg.sources.simulate.planting import Ground, Made, daytime, drafted, newcomers, resting, some
from klieg.sources.simulate.rhythm import DAY, HOUR, MINUTE
from klieg.sources.simulate.words import TOPICS
from klieg.sources.simulate.words.scripts import SCRIPTS

if TYPE_CHECKING:
    from klieg.sources.simulate.lookalikes import LookAlike
    from klieg.tables import I32, I64, Bool

__all__ = [
    "appeal",
    "awake",
    "chant",
    "game_app",
    "giveaway",
    "home_cell",
    "petition",
    "places",
    "popular_posts",
    "prayer_app",
    "protest",
    "script",
    "tag_sets",
]


def script(ground: Ground, community: int, occasion: str) -> tuple[str, ...]:
    """The lines of an occasion in the community's language."""
    language = ground.scene.among.language[community]
    return SCRIPTS[ground.scene.vocabulary.languages[int(language)]][occasion]


def home_cell(ground: Ground, community: int, n: int) -> I64:
    """(n,) the community's language and main topic."""
    among = ground.scene.among
    return np.full(n, among.language[community] * len(TOPICS) + among.topic[community])


def places(rng: np.random.Generator, ground: Ground, community: int, n: int) -> list[str]:
    """``n`` invented places, as phrases of the community's language."""
    bank = ground.scene.vocabulary.banks["place"]
    cell = int(home_cell(ground, community, 1)[0])
    order = rng.permutation(int(bank.size[cell]))
    rows = bank.start[cell] + order[np.arange(n) % len(order)]
    return [str(x) for x in bank.phrases.take(pa.array(rows)).to_pylist()]


def awake(rng: np.random.Generator, ground: Ground, account: I64, time: I64) -> Bool:
    """(n,) whether each account is up at that time and the world not over."""
    clock, who = ground.scene.clock, ground.who
    inside = time < clock.end
    level = clock.awake(np.where(inside, time, 0), who.chronotype[account], who.zone[account])
    return np.asarray(inside & (rng.random(len(time)) < 0.1 + level), np.bool_)


def tag_sets(rng: np.random.Generator, first: int, tags: int, sets: int, length: int) -> I32:
    """(sets, MAX_TAGS) fixed sequences over ``tags`` own hashtags, the first one in each."""
    out = np.full((sets, MAX_TAGS), -1, np.int32)
    out[:, 0] = first
    for row in out:
        row[1:length] = first + 1 + rng.permutation(tags - 1)[: length - 1]
    return out


def _speakers(
    rng: np.random.Generator, ground: Ground, n: int, community: int, free: Bool, *, near: bool
) -> I64:
    """Free ordinary accounts of the community's language; of the community itself if ``near``."""
    home = ground.who.community[: len(free)]
    language = ground.scene.among.language
    fits = home == community if near else language[home] == language[community]
    return some(rng, free, n, fits)


def _numbers(rng: np.random.Generator, low: int, high: int, n: int) -> list[int]:
    return [int(x) for x in rng.integers(low, high, n)]


def petition(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """One text and one page a petition; who cares about one often signs the next."""
    who, clock = ground.who, ground.scene.clock
    members = _speakers(rng, ground, about.size, community, free, near=False)
    line = script(ground, community, "petition")
    where = places(rng, ground, community, about.acts)
    texts = [line[i % len(line)].format(place=where[i]) for i in range(about.acts)]
    launch = daytime(rng, ground, community, about.acts, rest=resting(clock.end))
    keen = np.maximum(rng.beta(1.2, 1.2, len(members)), 1.5 / about.acts)
    member, thing = np.nonzero(rng.random((len(members), about.acts)) < keen[:, None])
    median = np.log((about.delay_s or 9 * 3600.0) * 1000)
    account, delay = members[member], rng.lognormal(median, 1.2, len(thing))
    # nobody signs asleep: the moment moves to the next one at which the account is up
    time = launch[thing] + delay.astype(np.int64)
    for _ in range(6):
        asleep = ~awake(rng, ground, account, time)
        time = np.where(asleep, time + rng.integers(HOUR, 4 * HOUR, len(time)), time)
    site = domains(rng, 1)[0]
    made = drafted(
        account,
        time,
        "link",
        home_cell(ground, community, len(time)),
        words=pa.array(texts).take(pa.array(thing)),
        url=ground.urls + thing,
        client=who.client[account],
    )
    urls = tuple(f"https://petition-{site}/{s}" for s in slugs(rng, about.acts))
    return Made(made, members, None, urls)


def giveaway(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Shops give things away; the same people repost every such post and say that they did."""
    who, clock = ground.who, ground.scene.clock
    members = _speakers(rng, ground, about.size, community, free, near=False)
    shops = newcomers(rng, ground, about.acts, community=community, rate=np.full(about.acts, 0.3))
    line, things = (script(ground, community, x) for x in ("giveaway", "thing"))
    texts = [
        line[i % len(line)].format(n=n, thing=things[i % len(things)])
        for i, n in enumerate(_numbers(rng, 2, 20, about.acts))
    ]
    opened = daytime(rng, ground, community, about.acts, rest=resting(clock.end))
    cell = home_cell(ground, community, about.acts)
    offers = drafted(
        ground.base + np.arange(about.acts), opened, "post", cell, words=pa.array(texts)
    )
    offers.joint[:] = False
    passers = some(rng, free, 4 * about.size, ~np.isin(np.arange(len(free)), members))
    parts = [offers]
    median = np.log((about.delay_s or 3 * 3600.0) * 1000)
    for people, share, joint in ((members, 0.8, True), (passers, 0.5 / about.acts, False)):
        member, thing = np.nonzero(rng.random((len(people), about.acts)) < share)
        account = people[member]
        time = opened[thing] + MINUTE + rng.lognormal(median, 1.1, len(thing)).astype(np.int64)
        keep = awake(rng, ground, account, time)
        account, time, thing = account[keep], time[keep], thing[keep]
        repost = drafted(
            account, time, "repost", cell[thing], ref=own(thing), client=who.client[account]
        )
        said = np.array(script(ground, community, "entered"))
        reply = drafted(
            account,
            time + rng.integers(4_000, 40_000, len(time)),
            "reply",
            cell[thing],
            words=pa.array(said[rng.integers(0, len(said), len(time))]),
            ref=own(thing),
            client=who.client[account],
        )
        for part in (repost, reply):
            part.joint[:] = joint
            parts.append(part)
    return Made(merge(parts), members, shops)


def protest(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """One day, one cause: standing sequences of tags, the organisers' posts, three live pages."""
    who, clock = ground.who, ground.scene.clock
    members = _speakers(rng, ground, about.size, community, free, near=False)
    noon = int(daytime(rng, ground, community, 1, rest=resting(clock.end))[0])
    hosts = newcomers(rng, ground, 3, community=community, rate=np.full(3, 0.5))
    calls = np.sort(noon - HOUR + rng.integers(0, 8 * HOUR, 12)) % max(clock.end - HOUR, 1)
    line, where = script(ground, community, "protest"), places(rng, ground, community, 12)
    said = [line[i % len(line)].format(place=w) for i, w in enumerate(where)]
    cell = home_cell(ground, community, 1)
    sets = tag_sets(rng, ground.tags, 6, 5, 3)
    host = drafted(
        ground.base + np.arange(12) % 3,
        calls,
        "post",
        np.repeat(cell, 12),
        words=pa.array(said),
        tags=sets[np.arange(12) % 5],
    )
    host.joint[:] = False
    account = np.repeat(members, 1 + rng.poisson(max(about.acts - 1, 0), len(members)))
    n = len(account)
    time = noon + np.where(
        rng.random(n) < 0.6, rng.normal(0, 50 * MINUTE, n), rng.normal(5 * HOUR, 90 * MINUTE, n)
    ).astype(np.int64)
    what = rng.choice(3, n, p=[0.45, 0.4, 0.15])
    vocabulary = ground.scene.vocabulary
    parts = [host]
    for kind, code in (("post", 0), ("repost", 1), ("link", 2)):
        rows = np.flatnonzero((what == code) & (time > 0))
        # a post that is reposted is older than the repost
        seen = np.searchsorted(calls, time[rows])
        rows = rows[seen > 0] if kind == "repost" else rows
        seen = seen[seen > 0] if kind == "repost" else seen
        picked = (seen - 1 - np.minimum(rng.geometric(0.4, len(rows)) - 1, seen - 1)).clip(0)
        cells = np.repeat(cell, len(rows))
        own_words = vocabulary.render(vocabulary.lines(rng, cells), rng.integers(0, 10, len(rows)))
        tags = sets[(5 * rng.random(len(rows)) ** 1.6).astype(np.int64)]
        parts.append(
            drafted(
                account[rows],
                time[rows],
                kind,
                cells,
                ref=own(picked) if kind == "repost" else None,
                words=None if kind == "repost" else own_words,
                url=ground.urls + rng.integers(0, 3, len(rows)) if kind == "link" else None,
                tags=None if kind == "repost" else tags,
                client=who.client[account[rows]],
            )
        )
    urls = tuple(f"https://{d}/live/march" for d in domains(rng, 3))
    names = ("EnoughNow", "march", "together", "ourstreet", "solidarity", "today")
    return Made(merge(parts), members, hosts, urls, names)


def chant(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """Evenings of matches; at each goal everybody who watches writes the same line at once."""
    who, clock = ground.who, ground.scene.clock
    members = _speakers(rng, ground, about.size, community, free, near=True)
    games = max(2, about.acts // 3)
    kick_off = daytime(rng, ground, community, games, rest=resting(clock.end))
    goal = np.repeat(np.arange(games), 3)
    minute = rng.integers(2, 95, len(goal))
    line, team = script(ground, community, "chant"), "Harbour"
    scorer = ("Varga", "Okello", "Lund", "Ferri", "Sabo", "Marsh")
    texts = [
        line[i % len(line)].format(team=team, who=scorer[int(rng.integers(6))], m=int(m))
        for i, m in enumerate(minute)
    ]
    watches = rng.random((len(members), games)) < 0.75
    member, thing = np.nonzero(watches[:, goal] & (rng.random((len(members), len(goal))) < 0.8))
    median = np.log((about.delay_s or 25.0) * 1000)
    at = (kick_off[goal] + minute * MINUTE)[thing]
    time = at + rng.lognormal(median, 0.7, len(thing)).astype(np.int64)
    account = members[member]
    made = drafted(
        account,
        time,
        "post",
        home_cell(ground, community, len(thing)),
        words=pa.array(texts).take(pa.array(thing)),
        tags=np.tile(tag_sets(rng, ground.tags, 3, 1, 3), (len(thing), 1)),
        client=who.client[account],
    )
    return Made(made, members, None, (), ("HarbourFC", "matchday", "redsky"))


def appeal(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """A flood: lists of addresses that people copy, paste and pass on for a day."""
    who, clock = ground.who, ground.scene.clock
    members = _speakers(rng, ground, about.size, community, free, near=False)
    begin = int(daytime(rng, ground, community, 1, rest=resting(clock.end))[0])
    line, where = script(ground, community, "appeal"), places(rng, ground, community, about.acts)
    number = _numbers(rng, 3, 90, about.acts)
    texts = [
        line[i % len(line)].format(place=w, n=k)
        for i, (w, k) in enumerate(zip(where, number, strict=True))
    ]
    appears = begin + np.sort(rng.integers(0, 8 * HOUR, about.acts))
    share = np.minimum(1.0, rng.gamma(1.5, 0.2, len(members)) + 1.2 / about.acts)
    member, thing = np.nonzero(rng.random((len(members), about.acts)) < share[:, None])
    median = np.log((about.delay_s or 45 * 60.0) * 1000)
    time = appears[thing] + rng.lognormal(median, 1.0, len(thing)).astype(np.int64)
    account = members[member]
    made = drafted(
        account,
        time,
        "post",
        home_cell(ground, community, len(thing)),
        words=pa.array(texts).take(pa.array(thing)),
        tags=tag_sets(rng, ground.tags, 4, 2, 3)[rng.integers(0, 2, len(thing))],
        client=who.client[account],
    )
    made.joint[:] = made.time < begin + DAY
    return Made(made, members, None, (), ("SOS", "flood", "helpneeded", "rescue"))


def prayer_app(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """An app posts the reading of the hour for whoever lets it, at the same minute in each zone."""
    who, clock = ground.who, ground.scene.clock
    members = _speakers(rng, ground, about.size, community, free, near=False)
    hours = np.array([5, 12, 15, 18, 20])
    slots = clock.days * len(hours)
    line = script(ground, community, "verse")
    texts = [line[i % len(line)].format(n=101 + i) for i in range(slots)]
    share = min(1.0, about.acts / slots)
    member, slot = np.nonzero(rng.random((len(members), slots)) < share)
    account = members[member]
    local = (slot // len(hours)) * DAY + hours[slot % len(hours)] * HOUR
    time = local - who.zone[account] + rng.integers(0, 2_500, len(slot))
    keep = time >= 0
    made = drafted(
        account[keep],
        time[keep],
        "post",
        home_cell(ground, community, int(keep.sum())),
        words=pa.array(texts).take(pa.array(slot[keep])),
        client=np.full(int(keep.sum()), CLIENTS.index("DailyVerse")),
    )
    return Made(made, members)


def game_app(
    rng: np.random.Generator, ground: Ground, about: LookAlike, community: int, free: Bool
) -> Made:
    """A game boasts in its players' names: the same sentence and the same three hashtags."""
    who, clock = ground.who, ground.scene.clock
    members = _speakers(rng, ground, about.size, community, free, near=False)
    account = np.repeat(members, 1 + rng.poisson(max(about.acts - 1, 0), len(members)))
    n = len(account)
    line = script(ground, community, "game")[0]
    texts = [
        line.format(n=a, m=f"{b:03d}")
        for a, b in zip(_numbers(rng, 1, 40, n), _numbers(rng, 0, 1000, n), strict=True)
    ]
    made = drafted(
        account,
        clock.draw(rng, who.chronotype[account], who.zone[account]),
        "link",
        home_cell(ground, community, n),
        words=pa.array(texts),
        url=np.full(n, ground.urls),
        tags=np.tile(tag_sets(rng, ground.tags, 3, 1, 3), (n, 1)),
        client=np.full(n, CLIENTS.index("GemQuest")),
    )
    return Made(
        made, members, None, ("https://gemquest.example/play",), ("GemQuest", "mobile", "gems")
    )


def popular_posts(ground: Ground, community: int, least: int) -> I64:
    """Ordinary posts of the community's language with that many reposts, in order of time."""
    draft = ground.around.draft
    reposted = draft.ref[draft.kind == KIND["repost"]]
    count = np.bincount(reposted[reposted >= 0], minlength=draft.n)
    mine = draft.language == ground.scene.among.language[community]
    early = draft.time < ground.scene.clock.end - resting(ground.scene.clock.end)
    return np.flatnonzero((draft.kind <= KIND["link"]) & mine & early & (count >= least))
