"""A world of likes and follows: ordinary liking, rings that like together, fans of one author.

Its own small generator, unlike that of the worlds of posts: accounts live in communities and time
zones, see posts by interest, popularity and age or because they follow the author, and most only
like. Rings are accounts like any others that also act on chosen posts together. The room knows no
detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from klieg.sources.simulate.attention import choose, latest, pool
from klieg.sources.simulate.rhythm import CHRONOTYPES, HOUR, MINUTE, clock
from klieg.sources.simulate.truth import TrueGroup, Truth
from klieg.tables import ACTS, POSTS

if TYPE_CHECKING:
    from klieg.sources.simulate.rhythm import Clock
    from klieg.tables import F64, I64

__all__ = ["DEFAULT_RINGS", "ReactionWorld", "Ring", "reactions"]

_COMMUNITIES = 12
_LANGUAGES = ("en", "de", "es")
_ZONES = (-5, 0, 1, 3)


@dataclass(frozen=True, slots=True)
class Ring:
    """Accounts that act on the same things together, beside what they do anyway."""

    kind: str = "like"  # like or follow; fans: everything of one author, as it appears
    size: int = 20
    objects: int = 20  # posts, or accounts, of as many authors
    jitter: int = 600  # seconds within which all of them act
    taking_part: float = 0.9  # chance that a member acts on one of the objects


DEFAULT_RINGS = (Ring(), Ring("follow", objects=12, jitter=1800), Ring("fans", size=25))
"""One ring of each kind."""


@dataclass(frozen=True, slots=True)
class ReactionWorld:
    """Posts, and what was done to them, whose truth is known."""

    posts: pa.Table  # POSTS
    acts: pa.Table  # ACTS
    truth: Truth


@dataclass(frozen=True, slots=True)
class _People:
    community: I64
    second: I64
    zone: I64  # milliseconds east of UTC
    chronotype: I64
    speed: F64  # milliseconds: median age at which it likes
    fame: F64
    favourites: I64  # (n, 8) authors it follows closely

    @property
    def n(self) -> int:
        return len(self.community)


@dataclass(frozen=True, slots=True)
class _Written:
    author: I64
    born: I64  # milliseconds
    weight: F64


def reactions(
    *,
    seed: int = 0,
    accounts: int = 3000,
    days: int = 14,
    likes: float = 30.0,
    rings: Sequence[Ring] = DEFAULT_RINGS,
    start: str = "2026-03-02T00:00:00Z",
) -> ReactionWorld:
    """A world of ``accounts`` that like ``likes`` posts each on average, and rings among them.

    A tenth of the accounts write; the others only like and follow. More rings never change what is
    already there.
    """
    begin = datetime.fromisoformat(start).astimezone(UTC)
    time = clock(begin, days)
    who = _people(np.random.default_rng([seed, 1]), accounts)
    rng = np.random.default_rng([seed, 2])
    written = _posts(rng, who, time)
    parts = [_likes(rng, who, written, time, likes), _follows(rng, who, time)]
    groups = []
    for i, ring in enumerate(rings):
        drawn, group = _ring(np.random.default_rng([seed, 3, i]), who, written, time, ring, i)
        parts.append(drawn)
        groups.append(group)
    epoch = round(begin.timestamp() * 1000)
    return ReactionWorld(
        _posts_table(who, written, epoch),
        _acts_table(np.concatenate(parts), written, epoch, time.end),
        Truth.of(tuple(groups)),
    )


_ACT = np.dtype([("who", "i8"), ("what", "i8"), ("time", "i8"), ("follow", "?")])


def _people(rng: np.random.Generator, n: int) -> _People:
    size = 1.0 / np.arange(1, _COMMUNITIES + 1) ** 0.6
    community = rng.choice(_COMMUNITIES, n, p=size / size.sum())
    home = rng.integers(0, len(_ZONES), _COMMUNITIES)
    zone = np.array(_ZONES)[np.where(rng.random(n) < 0.8, home[community], rng.integers(0, 4, n))]
    fame = rng.pareto(1.1, n) + 0.05
    favourites = np.zeros((n, 8), np.int64)
    for c in range(_COMMUNITIES):
        inside, members = np.flatnonzero(community == c), fame * (community == c)
        if len(inside):
            odds = members / members.sum()
            favourites[inside] = rng.choice(n, (len(inside), 8), p=odds)
    return _People(
        community,
        rng.integers(0, _COMMUNITIES, n),
        zone.astype(np.int64) * HOUR,
        rng.integers(0, CHRONOTYPES, n),
        rng.lognormal(np.log(50 * MINUTE), 1.0, n),
        fame,
        favourites,
    )


def _posts(rng: np.random.Generator, who: _People, time: Clock) -> _Written:
    """Posts by the tenth of the accounts that are best known."""
    writers = np.argsort(-who.fame)[: max(who.n // 10, 3)]
    rate = rng.lognormal(0, 1, len(writers))
    author = rng.choice(writers, 6 * who.n // 5, p=rate / rate.sum())
    born = time.draw(rng, who.chronotype[author], who.zone[author])
    order = np.argsort(born, kind="stable")
    weight = who.fame[author] * rng.lognormal(0, 1.2, len(author))
    return _Written(author[order], born[order], weight[order])


def _likes(
    rng: np.random.Generator, who: _People, posts: _Written, time: Clock, mean: float
) -> Any:
    """Ordinary likes: of what an account sees in its communities, or of whom it follows."""
    often = rng.lognormal(0, 1.0, who.n)
    liker = rng.choice(who.n, round(mean * who.n), p=often / often.sum())
    when = time.draw(rng, who.chronotype[liker], who.zone[liker])
    age = who.speed[liker] * rng.lognormal(0, 1.15, len(liker))
    age = np.minimum(age, 4.0 * 24 * HOUR)
    rows = np.arange(len(posts.born))
    seen = pool(rows, posts.born, who.community[posts.author], posts.author, posts.weight)
    away = rng.random(len(liker)) < 0.2
    found = choose(rng, seen, np.where(away, who.second[liker], who.community[liker]), when, age)
    near = (8 * rng.random(len(liker)) ** 1.6).astype(np.int64)
    mine = latest(
        seen, who.favourites[liker, near], when - (0.3 * age).astype(np.int64), within=30 * HOUR
    )
    found = np.where((rng.random(len(liker)) < 0.35) & (mine >= 0), mine, found)
    real = found >= 0
    return _drawn(liker[real], found[real], when[real], follow=False)


def _follows(rng: np.random.Generator, who: _People, time: Clock) -> Any:
    """Ordinary follows: of famous accounts, some of whom become known all at once."""
    follower = rng.choice(who.n, 4 * who.n)
    followed = who.favourites[follower, rng.integers(0, 8, len(follower))]
    when = time.draw(rng, who.chronotype[follower], who.zone[follower])
    rise = rng.integers(0, time.end, who.n)  # a recommender shows it to many in a day
    sudden = rng.random(len(follower)) < 0.4
    late = rise[followed] + rng.exponential(10 * HOUR, len(follower)).astype(np.int64)
    when = np.where(sudden, np.minimum(late, time.end - 1), when)
    return _drawn(follower, followed, when, follow=True)


def _ring(
    rng: np.random.Generator, who: _People, posts: _Written, time: Clock, ring: Ring, number: int
) -> tuple[Any, TrueGroup]:
    members = np.sort(rng.choice(who.n, ring.size, replace=False))
    if ring.kind == "follow":
        what = rng.choice(who.n, ring.objects, replace=False)
        start = rng.integers(0, time.end - 12 * HOUR, ring.objects)
    elif ring.kind == "fans":
        author = int(np.argmax(np.bincount(posts.author)))
        what = np.flatnonzero(posts.author == author)[: ring.objects]
        start = posts.born[what] + MINUTE
    else:
        # of as many authors, neither the most popular nor unseen
        middle = np.argsort(-posts.weight)[len(posts.weight) // 50 : len(posts.weight) // 2]
        middle = middle[posts.born[middle] < time.end - 12 * HOUR]
        _, first = np.unique(posts.author[rng.permutation(middle)], return_index=True)
        what = rng.permutation(rng.permutation(middle)[first])[: ring.objects]
        start = posts.born[what] + rng.lognormal(np.log(45 * MINUTE), 0.8, len(what)).astype(int)
    here = rng.random((len(members), len(what))) < ring.taking_part
    i, j = np.nonzero(here)
    when = start[j] + rng.integers(0, ring.jitter * 1000, len(i))
    drawn = _drawn(members[i], what[j], when, follow=ring.kind == "follow")
    label = "look-alike:fans" if ring.kind == "fans" else f"campaign:{ring.kind}"
    about = {"objects": len(what), "jitter": ring.jitter}
    ids = tuple(sorted(_name(int(m)) for m in members))
    return drawn, TrueGroup(f"{label}-{number + 1}", ring.kind, ids, (), about)


def _drawn(who: I64, what: I64, when: I64, *, follow: bool) -> Any:
    found = np.zeros(len(who), _ACT)
    found["who"], found["what"], found["time"], found["follow"] = who, what, when, follow
    return found


def _name(account: int) -> str:
    return f"u{account:06}"


def _posts_table(who: _People, posts: _Written, epoch: int) -> pa.Table:
    n = len(posts.author)
    language = np.array(_LANGUAGES)[who.community[posts.author] % len(_LANGUAGES)]
    columns: dict[str, Any] = {
        "platform": pa.repeat("simulated", n),
        "post_id": pa.array([f"p{i:06}" for i in range(n)]),
        "account_id": pa.array([_name(a) for a in posts.author.tolist()]),
        "time": _stamps(posts.born, epoch),
        "resolution": pa.repeat(pa.scalar(0, pa.int32()), n),
        "lang": pa.array(language.tolist()),
        "kind": pa.repeat("post", n),
    }
    return pa.table([columns.get(f.name, pa.nulls(n, f.type)) for f in POSTS], schema=POSTS)


def _acts_table(drawn: Any, posts: _Written, epoch: int, end: int) -> pa.Table:
    drawn = drawn[drawn["time"] < end]
    drawn = drawn[np.argsort(drawn["time"], kind="stable")]
    n, follow = len(drawn), drawn["follow"]
    author = np.where(follow, drawn["what"], posts.author[np.where(follow, 0, drawn["what"])])
    columns: dict[str, Any] = {
        "platform": pa.repeat("simulated", n),
        "account_id": pa.array([_name(a) for a in drawn["who"].tolist()]),
        "act": pa.array(np.where(follow, "follow", "like").tolist()),
        "object_id": pa.array(
            [
                _name(what) if is_follow else f"p{what:06}"
                for what, is_follow in zip(drawn["what"].tolist(), follow.tolist(), strict=True)
            ]
        ),
        "time": _stamps(drawn["time"], epoch),
        "object_account": pa.array([_name(a) for a in author.tolist()]),
        "resolution": pa.repeat(pa.scalar(0, pa.int32()), n),
    }
    return pa.table([columns.get(f.name, pa.nulls(n, f.type)) for f in ACTS], schema=ACTS)


def _stamps(ms: I64, epoch: int) -> pa.Array:
    return pa.array((ms + epoch) * 1000).cast(POSTS.field("time").type)
