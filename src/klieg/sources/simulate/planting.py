"""What campaigns and look-alikes have in common: planted accounts, posts and names.

The room knows no particular campaign; it only builds drafts from columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from klieg.sources.simulate.activity import Ordinary, act
from klieg.sources.simulate.drafts import KIND, MAX_TAGS, Draft, merge, own, take
from klieg.sources.simulate.population import People, people
from klieg.sources.simulate.rhythm import HOUR
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from klieg.sources.simulate.news import Scene
    from klieg.tables import I32, I64, Bool

__all__ = [
    "Ground",
    "Made",
    "Planted",
    "cells",
    "daytime",
    "drafted",
    "grid",
    "newcomers",
    "one_tag",
    "planted",
    "resting",
    "settled",
    "some",
]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where something is planted: the scene, the ordinary part, and where new names start."""

    scene: Scene
    who: People
    around: Ordinary
    component: int
    base: int  # rows of the world's people so far
    urls: int  # names so far
    tags: int
    posts_taken: I64  # rows of ordinary posts that earlier groups act on together
    stories_taken: I64
    # how newcomers live, where not as ``activity.act`` has it
    life: Callable[[np.random.Generator, People, int], Draft] | None = None


@dataclass(frozen=True, slots=True)
class Planted:
    """One campaign or look-alike: new accounts if it brings any, its posts, its names."""

    label: str
    kind: str
    people: People | None
    members: I64  # (size,) rows of the world's people
    draft: Draft  # in time order
    urls: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    framed: I64 = field(default_factory=lambda: np.empty(0, np.int64))  # rows imitated, innocent


@dataclass(frozen=True, slots=True)
class Made:
    """What the maker of a look-alike hands over; ``new`` are accounts it brings along."""

    draft: Draft
    members: I64  # rows of the world's people
    new: People | None = None
    urls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    # what becomes of every post of the component, ordinary life included
    shaped: Callable[[Draft], Draft] | None = None


def newcomers(
    rng: np.random.Generator,
    ground: Ground,
    n: int,
    *,
    community: int,
    rate: NDArray[np.float64] | None = None,
) -> People:
    """New accounts of a community, ordinary in every habit but the given posts a day."""
    drawn = people(rng, n, ground.scene.among, component=ground.component, community=community)
    return drawn if rate is None else replace(drawn, rate=rate)


def planted(
    rng: np.random.Generator,
    ground: Ground,
    joint: Draft,
    new: People | None,
    shaped: Callable[[Draft], Draft] | None = None,
    **about: Any,
) -> Planted:
    """The joint posts, and the ordinary life of the newcomers around them, all of it ``shaped``."""
    parts = [joint]
    if new is not None:
        live = ground.life or (lambda r, w, base: act(r, ground.scene, w, ground.around, base=base))
        parts.append(live(rng, new, ground.base))
    whole = merge(parts)
    if shaped is not None:
        whole = shaped(whole)
    return Planted(people=new, draft=settled(whole, ground.scene.clock.end), **about)


def settled(whole: Draft, end: int) -> Draft:
    """The rows before ``end`` in order of time; references to own rows follow their rows."""
    inside = np.flatnonzero(whole.time < end)
    order = inside[np.lexsort((whole.author[inside], whole.time[inside]))]
    place = np.full(whole.n, -1, np.int64)
    place[order] = np.arange(len(order))
    out = take(whole, order)
    mine = np.flatnonzero(out.ref <= -2)
    there = place[own(out.ref[mine])]
    out.ref[mine] = np.where(there >= 0, own(there), -1)
    # what was cut off with its target is no act
    lost = np.zeros(out.n, bool)
    lost[mine[there < 0]] = True
    return settled(take(out, ~lost), end) if lost.any() else out


def grid(rng: np.random.Generator, members: int, things: int, *, share: float) -> tuple[I64, I64]:
    """Which member took part in which thing: each in a ``share`` of them, by chance."""
    member, thing = np.nonzero(rng.random((members, things)) < share)
    return member.astype(np.int64), thing.astype(np.int64)


def some(rng: np.random.Generator, free: Bool, n: int, wanted: Bool) -> I64:
    """(≤ n,) rows of free accounts, those who are wanted first; sorted."""
    order = rng.permutation(len(free))
    order = order[free[order]]
    order = order[np.argsort(~wanted[order], kind="stable")]
    return np.sort(order[:n])


def cells(rng: np.random.Generator, ground: Ground, community: int, n: int) -> I64:
    """(n,) cells of what a community talks about: mostly its main topic."""
    among = ground.scene.among
    topic = np.where(rng.random(n) < 0.8, among.topic[community], among.second_topic[community])
    return ground.scene.vocabulary.cell(np.full(n, among.language[community]), topic)


def one_tag(n: int, tag: int) -> I32:
    """(n, MAX_TAGS) the same single hashtag."""
    tags = np.full((n, MAX_TAGS), -1, np.int32)
    tags[:, 0] = tag
    return tags


def drafted(
    author: I64,
    time: I64,
    kind: str,
    cell: I64,
    *,
    words: pa.Array | None = None,
    ref: I64 | None = None,
    url: I64 | None = None,
    tags: I32 | None = None,
    client: NDArray[np.integer] | int = 0,
    platform: NDArray[np.integer] | int = 0,
) -> Draft:
    """Joint posts from columns; what is not given is absent."""
    n = len(author)
    return Draft(
        author=author.astype(np.int64),
        time=time.astype(np.int64),
        kind=np.full(n, KIND[kind], np.uint8),
        ref=np.full(n, -1, np.int64) if ref is None else ref.astype(np.int64),
        url=np.full(n, -1, np.int32) if url is None else url.astype(np.int32),
        variant=np.zeros(n, np.uint8),
        tags=np.full((n, MAX_TAGS), -1, np.int32) if tags is None else tags,
        words=pa.nulls(n, pa.string()) if words is None else words,
        language=(cell // len(TOPICS)).astype(np.uint8),
        client=np.broadcast_to(np.asarray(client, np.uint8), n).copy(),
        joint=np.ones(n, bool),
        platform=np.broadcast_to(np.asarray(platform, np.uint8), n).copy(),
    )


def daytime(rng: np.random.Generator, ground: Ground, community: int, n: int, *, rest: int) -> I64:
    """(n,) moments at which the community is active, ``rest`` milliseconds before the end."""
    clock, among = ground.scene.clock, ground.scene.among
    zone = np.full(4 * n, among.zone[community] * HOUR)
    drawn = clock.draw(rng, np.full(4 * n, 2), zone)
    fits = drawn[drawn < max(clock.end - rest, clock.end // 2)]
    return fits[np.arange(n) % len(fits)]


def resting(clock_end: int) -> int:
    """Milliseconds at the end of the world in which nothing new is begun."""
    return min(24 * HOUR, clock_end // 4)
