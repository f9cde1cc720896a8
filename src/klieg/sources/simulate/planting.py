"""What campaigns and look-alikes have in common: planted accounts, posts and names.

The room knows no particular campaign; it only builds drafts from columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from klieg.sources.simulate.activity import Ordinary, act
from klieg.sources.simulate.drafts import KIND, MAX_TAGS, Draft, merge, take
from klieg.sources.simulate.population import People, people
from klieg.sources.simulate.rhythm import HOUR
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from klieg.sources.simulate.news import Scene
    from klieg.tables import I32, I64

__all__ = ["Ground", "Planted", "daytime", "drafted", "newcomers", "planted", "resting"]


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
    **about: Any,
) -> Planted:
    """The joint posts, and the ordinary life of the newcomers around them."""
    parts = [joint]
    if new is not None:
        parts.append(act(rng, ground.scene, new, ground.around, base=ground.base))
    whole = merge(parts)
    inside = whole.time < ground.scene.clock.end
    whole = take(whole, inside)
    order = np.lexsort((whole.author, whole.time))
    return Planted(people=new, draft=take(whole, order), **about)


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
