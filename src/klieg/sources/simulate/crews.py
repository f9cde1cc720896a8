"""Further kinds of campaign: private links, instant reactions, replies, and several traces mixed.

Their objects and texts differ from the plain kinds; who does what and what hides it does not. The
room knows no look-alike and no detector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.sources.simulate.aims import delays, popular
from klieg.sources.simulate.drafts import KIND
from klieg.sources.simulate.news import domains, slugs
from klieg.sources.simulate.planting import Ground, Made, cells, daytime, drafted, resting

if TYPE_CHECKING:
    from klieg.sources.simulate.campaigns import Campaign
    from klieg.sources.simulate.population import People
    from klieg.tables import I64

__all__ = ["instant", "posts_to_push", "private_links", "replies"]


def posts_to_push(
    rng: np.random.Generator, ground: Ground, campaign: Campaign, community: int
) -> I64:
    """(objects,) ordinary posts with outsiders, of as many authors as there are."""
    draft = ground.around.draft
    acted = draft.ref[draft.kind == KIND["repost"]]
    popularity = np.bincount(acted, minlength=draft.n)
    seed = draft.kind <= KIND["link"]
    seed[ground.posts_taken] = False
    return popular(
        rng, ground, campaign, community, popularity, seed, draft.author, draft.time, draft.language
    )


def private_links(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> Made:
    """Pages that nobody else links to, each on a domain of its own (or on ``targets`` domains)."""
    sites = campaign.objects
    if campaign.evasion is not None and campaign.evasion.targets is not None:
        sites = campaign.evasion.targets
    names = domains(rng, sites)
    pages = slugs(rng, campaign.objects)
    urls = tuple(f"https://{names[i % sites]}/{p}" for i, p in enumerate(pages))
    rest = max(resting(ground.scene.clock.end), int(campaign.jitter_s * 1500))
    start = daytime(rng, ground, community, campaign.objects, rest=rest)
    cell = cells(rng, ground, community, campaign.objects)[thing]
    vocabulary = ground.scene.vocabulary
    joint = drafted(
        ground.base + member,
        start[thing] + delays(rng, campaign, len(thing)),
        "link",
        cell,
        words=vocabulary.render(vocabulary.lines(rng, cell), rng.integers(0, 10, len(cell))),
        url=ground.urls + thing,
        client=new.client[member],
    )
    return Made(joint, ground.base + np.arange(campaign.size), urls=urls)


def instant(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> Made:
    """Reposts that start with the post itself: no order goes out, an alert does."""
    chosen = posts_to_push(rng, ground, campaign, community)
    created = ground.around.draft.time[chosen][thing]
    joint = drafted(
        ground.base + member,
        created + rng.integers(1_000, 5_000, len(thing)) + delays(rng, campaign, len(thing)),
        "repost",
        cells(rng, ground, community, len(thing)),
        ref=chosen[thing],
        client=new.client[member],
    )
    return Made(joint, ground.base + np.arange(campaign.size))


def replies(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    member: I64,
    thing: I64,
    new: People,
) -> Made:
    """Everybody answers the same posts, in their own words."""
    chosen = posts_to_push(rng, ground, campaign, community)
    created = ground.around.draft.time[chosen]
    wait = rng.lognormal(np.log(25 * 60_000), 0.7, len(chosen)).astype(np.int64)
    cell = cells(rng, ground, community, len(thing))
    joint = drafted(
        ground.base + member,
        (created + wait)[thing] + delays(rng, campaign, len(thing)),
        "reply",
        cell,
        words=ground.scene.vocabulary.answer(rng, cell),
        ref=chosen[thing],
        client=new.client[member],
    )
    return Made(joint, ground.base + np.arange(campaign.size))
