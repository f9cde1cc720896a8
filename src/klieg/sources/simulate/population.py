"""Who lives in a world: communities of unequal size, and accounts with their habits.

Activity, fame and reaction speed are heavy-tailed and independent of any campaign. The room knows
no post, no text and no clock beyond each account's time zone and chronotype.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.simulate.rhythm import CHRONOTYPES, HOUR
from klieg.sources.simulate.words import TOPICS
from klieg.sources.simulate.words.invented import GIVEN, NOUNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import F64, I32, I64

__all__ = ["MIX", "Communities", "People", "communities", "join", "people"]

MIX = {"post": 0.22, "link": 0.16, "repost": 0.40, "reply": 0.16, "quote": 0.06}
"""What an average account does; each has its own mixture around it."""

_SHARE = {"en": 0.45, "de": 0.2, "ru": 0.2, "es": 0.15}
_ZONES = {
    "en": (-8, -5, -5, 0, 0, 1),
    "de": (1,),
    "ru": (3, 3, 3, 5, 7),
    "es": (1, 1, -3, -5),
}


@dataclass(frozen=True, slots=True)
class Communities:
    """Interest communities: a language, a main and a second topic, a home time zone."""

    language: I64  # (k,) index into the world's languages
    topic: I64  # (k,)
    second_topic: I64  # (k,)
    zone: I64  # (k,) hours
    weight: F64  # (k,) share of accounts
    zones: tuple[tuple[int, ...], ...]  # per language

    @property
    def size(self) -> int:
        return len(self.language)


@dataclass(frozen=True, slots=True)
class People:
    """Accounts and their habits, one row each."""

    ids: I64  # (n,) unique in the world
    handle: pa.Array  # (n,) string
    community: I64  # (n,)
    second: I64  # (n,) another community
    circle: I64  # (n,) the smaller set inside its community whom it shares favourites with
    overlap: F64  # (n,) share of attention the other one gets
    rate: F64  # (n,) posts a day
    zone: I64  # (n,) milliseconds east of UTC
    chronotype: I64  # (n,)
    speed: F64  # (n,) median age in milliseconds at which it reacts to a post
    mix: F64  # (n, 5) cumulative shares of MIX
    fame: F64  # (n,)
    tagging: F64  # (n,) chance that a post of its own carries hashtags
    casual: NDArray[np.bool_]  # (n,) writes without capitals
    client: I32  # (n,)
    age: F64  # (n,) days since it joined

    @property
    def n(self) -> int:
        return len(self.community)


def communities(rng: np.random.Generator, languages: tuple[str, ...], accounts: int) -> Communities:
    """About twelve communities for 3,000 accounts, slowly more for more, sizes like 1/rank."""
    share = np.array([_SHARE[x] for x in languages])
    share /= share.sum()
    total = 12 * (max(accounts, 100) / 3000) ** 0.35
    counts = np.maximum(1, np.round(total * share)).astype(int)
    language = np.repeat(np.arange(len(languages)), counts)
    rank = np.concatenate([np.arange(1, c + 1) for c in counts])
    weight = rank**-0.75
    weight = weight / np.bincount(language, weight)[language] * share[language]
    shift = rng.integers(0, len(TOPICS), len(languages))
    topic = (rank - 1 + shift[language]) % len(TOPICS)
    second = (topic + rng.integers(1, len(TOPICS), len(rank))) % len(TOPICS)
    zones = tuple(_ZONES[x] for x in languages)
    zone = [zones[x][int(rng.integers(0, len(zones[x])))] for x in language]
    return Communities(
        language.astype(np.int64), topic.astype(np.int64), second, np.array(zone), weight, zones
    )


def people(
    rng: np.random.Generator,
    n: int,
    among: Communities,
    *,
    component: int,
    community: int | None = None,
) -> People:
    """``n`` accounts; all of one community if one is named. ``component`` keeps ids apart."""
    home = rng.choice(among.size, n, p=among.weight)
    if community is not None:
        home = np.full(n, community)
    home = home.astype(np.int64)
    mix = rng.gamma(np.array(list(MIX.values())) * 4.0, size=(n, len(MIX))) + 1e-9
    ids = _ids(rng, n, component)
    circle, pace = _circles(rng, home, among)
    return People(
        ids=ids,
        handle=_handles(rng, ids),
        community=home,
        second=_second(rng, home, among),
        circle=circle,
        overlap=np.where(rng.random(n) < 0.45, rng.beta(2, 4, n), 0.03),
        rate=np.minimum(rng.lognormal(np.log(1.75) - 0.78, 1.25, n), 80.0),
        zone=_zone(rng, home, among),
        chronotype=np.clip(np.round(rng.normal(2.8, 1.6, n)), 0, CHRONOTYPES - 1).astype(np.int64),
        speed=np.clip(pace * rng.lognormal(np.log(28 * 60_000), 1.25, n), 40_000, 12 * HOUR),
        mix=np.cumsum(mix / mix.sum(axis=1, keepdims=True), axis=1),
        fame=np.minimum(rng.pareto(1.15, n) + 0.05, 400.0),
        tagging=rng.beta(0.7, 2.2, n),
        casual=rng.random(n) < 0.22,
        client=rng.choice(4, n, p=[0.42, 0.3, 0.22, 0.06]).astype(np.int32),
        age=rng.gamma(2.2, 620, n) + 4,
    )


def join(parts: list[People]) -> People:
    """The rows of several populations, one after the other."""

    def stack(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(p, name) for p in parts])

    fields = {name: stack(name) for name in People.__slots__ if name != "handle"}
    handle = pa.concat_arrays([p.handle for p in parts])
    return People(handle=handle, **fields)  # type: ignore[arg-type]


def _second(rng: np.random.Generator, home: I64, among: Communities) -> I64:
    # mostly the same language; one in fifteen reads another
    other = rng.choice(among.size, (6, len(home)), p=among.weight)
    out = other[0]
    for row in other[1:]:
        good = (out != home) & (among.language[out] == among.language[home])
        out = np.where(good, out, row)
    return np.asarray(out, np.int64)


def _circles(rng: np.random.Generator, home: I64, among: Communities) -> tuple[I64, F64]:
    """Each account's circle (some forty accounts, very unequal) and how quick that circle is."""
    here = np.bincount(home, minlength=among.size)
    circles = np.maximum(1, here // 40)
    circle = home * 2**20 + (circles[home] * rng.random(len(home)) ** 1.4).astype(np.int64)
    _, which = np.unique(circle, return_inverse=True)
    pace = rng.lognormal(0, 0.35, int(which.max()) + 1 if len(which) else 0)
    return circle, pace[which]


def _zone(rng: np.random.Generator, home: I64, among: Communities) -> I64:
    width = max(len(z) for z in among.zones)
    table = np.array([[z[i % len(z)] for i in range(width)] for z in among.zones])
    anywhere = table[among.language[home], rng.integers(0, width, len(home))]
    hours = np.where(rng.random(len(home)) < 0.72, among.zone[home], anywhere)
    return np.asarray(hours * HOUR, np.int64)


def _ids(rng: np.random.Generator, n: int, component: int) -> I64:
    # an odd multiplier modulo 2^50 is a bijection: unique without looking
    offset = int(rng.integers(0, 2**50))
    index = np.arange(n, dtype=np.uint64)
    mixed = (index * np.uint64(0x9E3779B97F4A7) + np.uint64(offset)) % np.uint64(2**50)
    return (mixed * np.uint64(1024) + np.uint64(component)).astype(np.int64) + 10**17


def _handles(rng: np.random.Generator, ids: I64) -> pa.Array:
    n = len(ids)
    given = pa.array(GIVEN).take(pa.array(rng.integers(0, len(GIVEN), n)))
    noun = pa.array(NOUNS).take(pa.array(rng.integers(0, len(NOUNS), n)))
    number = pc.cast(pa.array(ids // 1024 % 1_000_003), pa.string())
    return pc.binary_join_element_wise(given, noun, number, "_")
