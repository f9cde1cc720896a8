"""Ordinary life, made another way: who follows whom, sittings, and what a feed shows in them.

An independent maker of worlds beside ``activity``, so that no result rests on one generator. There
a reaction has an age drawn for it; here people open the app at their hours, their feed shows what
the followed have just posted or passed on, and what trends; they act on one of the things shown.
Delays, cascades and shared favourites follow from the graph. The room knows no campaign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.simulate.activity import Ordinary, fresh
from klieg.sources.simulate.attention import Follows, pool
from klieg.sources.simulate.drafts import KIND, MAX_TAGS, Draft, merge, take
from klieg.sources.simulate.graph import Crowd, Graph, crowd, followees
from klieg.sources.simulate.news import Events, News, Scene
from klieg.sources.simulate.rhythm import DAY, HOUR, MINUTE
from klieg.sources.simulate.sittings import Moments, lived, reacting
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I64, U8, Bool

__all__ = ["Life", "exposed", "habits"]

Life = Callable[[np.random.Generator, "People", int], Draft]

_SHOWN = 16  # things seen before one is acted on; the last of them is what trends
_TREND = 20
_STEP = 2 * MINUTE
_SPAN = 2**42
_FADE = 1.0 * HOUR  # after so long a thing is a third as attractive


@dataclass(frozen=True, slots=True)
class _Items:
    """Original posts in order of time, and how attractive each is."""

    author: I64  # (n,)
    time: I64  # (n,)
    language: I64  # (n,)
    community: I64  # (n,)
    quality: F64  # (n,) log
    by_author: I64  # (n,)
    author_key: I64  # (n,) author · span + time, ascending


_Lookup = Callable[["I64", "I64"], "tuple[I64, I64]"]
"""Accounts and moments → what each passed on last before then, and when; −1 for nothing."""


def habits(rng: np.random.Generator, who: People) -> People:
    """The same people with a power law of activity, as here nobody's pace is a trait."""
    rate = np.minimum(0.45 * (1 + rng.pareto(1.35, who.n)), 60.0)
    return replace(who, rate=rate)


def exposed(
    rng: np.random.Generator, scene: Scene, who: People, news: News, happening: Events
) -> tuple[Ordinary, Life]:
    """Everybody's posts, and how newcomers would live among them."""
    many = crowd(who)
    graph = followees(rng, many, who.community, who.second, many.place)
    source = lived(rng, scene, who, news, happening, press=True)
    items = _items(rng, scene, who, source)
    slots = reacting(rng, scene, who, happening)
    chosen, trends = _through(rng, scene, who, graph, items, slots)
    draft, place = _drafted(rng, scene, who, slots, chosen, source)
    posts = pool(place, items.time, items.community, items.author, np.exp(items.quality))
    followed = _nearest(graph, news, who)
    around = Ordinary(who.community, draft, posts, followed, news, happening)
    passed = _log(slots, chosen)

    def life(rng: np.random.Generator, new: People, base: int) -> Draft:
        return _newcomers(
            rng, scene, new, base, many, items, source, place, trends, passed, news, happening
        )

    return around, life


def _nearest(graph: Graph, news: News, who: People) -> Follows:
    """The graph as those read it who want the twelve closest accounts of everybody."""
    size = np.diff(graph.start)
    at = graph.start[:-1, None] + np.arange(12) % np.maximum(size, 1)[:, None]
    papers = np.tile(news.press[0][:3], (who.n, 1))
    return Follows(graph.to[at].astype(np.int64), papers, np.full(who.n, 0.5))


def _items(rng: np.random.Generator, scene: Scene, who: People, source: Draft) -> _Items:
    order = np.lexsort((source.time, source.author))
    return _Items(
        source.author,
        source.time,
        source.language.astype(np.int64),
        who.community[source.author],
        rng.normal(0, 1.3, source.n),
        order,
        source.author[order] * _SPAN + source.time[order],
    )


def _through(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    graph: Graph,
    items: _Items,
    slots: Moments,
) -> tuple[I64, I64]:
    """What each slot acts on (−1 nothing), step by step, and the trends of every hour.

    Within a step of two minutes nobody sees what others pass on in it; originals are seen at once.
    """
    n, languages = who.n, len(scene.vocabulary.languages)
    last, when = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    heat = np.zeros(len(items.time), np.float64)
    trends = np.full((scene.clock.days * 24 + 1, languages, _TREND), -1, np.int64)
    chosen = np.full(len(slots.time), -1, np.int64)
    language = scene.among.language[who.community]
    edges = np.searchsorted(slots.time, np.arange(0, scene.clock.end + _STEP, _STEP))
    for step, (low, high) in enumerate(pairwise(edges.tolist())):
        now = step * _STEP
        if now % HOUR == 0:
            trends[now // HOUR] = _trending(items, heat, now, languages)
        if low == high:
            continue
        account, time = slots.author[low:high], slots.time[low:high]
        found = _shown(
            rng,
            graph,
            items,
            trends,
            account,
            account,
            language[account],
            who.community[account],
            time,
            lambda f, t: (last[f], when[f]),
        )
        chosen[low:high] = found
        passed = (found >= 0) & (slots.kind[low:high] == KIND["repost"])
        last[account[passed]], when[account[passed]] = found[passed], time[passed]
        np.add.at(heat, found[found >= 0], 1.0)
    return chosen, trends


def _trending(items: _Items, heat: F64, now: int, languages: int) -> I64:
    low, high = np.searchsorted(items.time, [now - DAY, now])
    heat[low:high] *= 0.7
    out = np.full((languages, _TREND), -1, np.int64)
    recent = low + np.flatnonzero(heat[low:high] > 0.5)
    for k in range(languages):
        mine = recent[items.language[recent] == k]
        best = mine[np.lexsort((mine, -heat[mine]))[:_TREND]]
        out[k, : len(best)] = best
    return out


def _shown(
    rng: np.random.Generator,
    graph: Graph,
    items: _Items,
    trends: I64,
    row: I64,
    account: I64,
    language: I64,
    community: I64,
    time: I64,
    passed_on: _Lookup,
) -> I64:
    """(n,) the most attractive of the things a feed shows at that time, −1 if it shows none.

    ``row`` is the reader's row in the graph, ``account`` its row among the people (or beyond).
    """
    n = len(row)
    seen = np.full((n, _SHOWN), -1, np.int64)
    at = np.repeat(time[:, None], _SHOWN, axis=1)
    friend = graph.draw(rng, row, _SHOWN - 1)
    moment = np.repeat(time[:, None], _SHOWN - 1, axis=1)
    own = np.searchsorted(items.author_key, friend * _SPAN + moment) - 1
    safe = np.maximum(own, 0)
    wrote = (own >= 0) & (items.author_key[safe] // _SPAN == friend)
    own = np.where(wrote, items.by_author[safe], -1)
    other, when = passed_on(friend, moment)
    # the feed shows the newer of the two first, and often enough the other
    newer = (when > np.where(own >= 0, items.time[own], -1)) ^ (rng.random(own.shape) < 0.25)
    takes = (other >= 0) & (newer | (own < 0))
    seen[:, :-1] = np.where(takes, other, own)
    at[:, :-1] = np.where(takes, when, np.where(own >= 0, items.time[own], 0))
    slot = (_TREND * rng.random(n) ** 2).astype(np.int64)
    seen[:, -1] = trends[time // HOUR, np.minimum(language, trends.shape[1] - 1), slot]
    # the feed sells what trends as newer than it is
    at[:, -1] = time - (time - items.time[seen[:, -1]]) // 3
    bad = (
        (seen < 0) | (items.author[seen] == account[:, None]) | (items.time[seen] >= moment[:, :1])
    )
    taste = np.where(items.community[seen] == community[:, None], 0.8, 0.0)
    taste = np.where(items.language[seen] == language[:, None], taste, -2.0)
    score = items.quality[seen] + taste - (time[:, None] - at) / _FADE
    score = np.where(bad, -np.inf, score + rng.gumbel(size=seen.shape))
    best = np.argmax(score, axis=1)
    some = np.isfinite(score[np.arange(n), best])
    return np.where(some, seen[np.arange(n), best], -1)


def _drafted(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    slots: Moments,
    chosen: I64,
    source: Draft,
) -> tuple[Draft, I64]:
    """Originals and reactions in order of time; and where each original went."""
    kept = fresh(slots.author, chosen, slots.kind)
    acted = _reactions(rng, scene, who, slots, chosen, kept, source.language, 0)
    whole = merge([source, acted])
    order = np.lexsort((whole.author, whole.time))
    place = np.empty(whole.n, np.int64)
    place[order] = np.arange(whole.n)
    out = take(whole, order)
    out.ref[:] = np.where(out.ref >= 0, place[out.ref], -1)
    return out, place[: source.n]


def _reactions(
    rng: np.random.Generator,
    scene: Scene,
    who: People,
    slots: Moments,
    chosen: I64,
    kept: Bool,
    language: U8,
    base: int,
) -> Draft:
    author, time, kind, ref = slots.author[kept], slots.time[kept], slots.kind[kept], chosen[kept]
    n = len(author)
    cell = language[ref].astype(np.int64) * len(TOPICS)
    topic = scene.among.topic[who.community[author]]
    vocabulary = scene.vocabulary
    said = vocabulary.render(vocabulary.lines(rng, cell + topic), rng.integers(0, 10, n))
    text = pc.if_else(pa.array(kind == KIND["reply"]), vocabulary.answer(rng, cell + topic), said)
    text = pc.if_else(pa.array(kind == KIND["repost"]), pa.scalar(None, pa.string()), text)
    return Draft(
        author=author + base,
        time=time,
        kind=kind,
        ref=ref,
        url=np.full(n, -1, np.int32),
        variant=np.zeros(n, np.uint8),
        tags=np.full((n, MAX_TAGS), -1, np.int32),
        words=text,
        language=language[ref],
        client=who.client[author].astype(np.uint8),
        joint=np.zeros(n, bool),
        platform=np.zeros(n, np.uint8),
    )


@dataclass(frozen=True, slots=True)
class _Passed:
    """Everything that was passed on, by account and time."""

    key: I64
    item: I64
    time: I64

    def before(self, account: I64, time: I64) -> tuple[I64, I64]:
        found = np.searchsorted(self.key, account * _SPAN + time) - 1
        safe = np.maximum(found, 0)
        if not len(self.key):
            return np.full(account.shape, -1), np.full(account.shape, -1)
        fits = (found >= 0) & (self.key[safe] // _SPAN == account)
        return np.where(fits, self.item[safe], -1), np.where(fits, self.time[safe], -1)


def _log(slots: Moments, chosen: I64) -> _Passed:
    rows = np.flatnonzero((chosen >= 0) & (slots.kind == KIND["repost"]))
    key = slots.author[rows] * _SPAN + slots.time[rows]
    order = np.argsort(key, kind="stable")
    return _Passed(key[order], chosen[rows][order], slots.time[rows][order])


def _newcomers(
    rng: np.random.Generator,
    scene: Scene,
    new: People,
    base: int,
    many: Crowd,
    items: _Items,
    source: Draft,
    place: I64,
    trends: I64,
    passed: _Passed,
    news: News,
    happening: Events,
) -> Draft:
    """Life of further accounts: their feeds show the others, nobody's feed shows them."""
    low, high = many.edge[new.community], many.edge[new.community + 1]
    where = low + (rng.random(new.n) * np.maximum(high - low, 1)).astype(np.int64)
    graph = followees(rng, many, new.community, new.second, np.minimum(where, len(many.order) - 1))
    own = lived(rng, scene, new, news, happening, press=False)
    slots = reacting(rng, scene, new, happening)
    chosen = _shown(
        rng,
        graph,
        items,
        trends,
        slots.author,
        slots.author + base,
        scene.among.language[new.community[slots.author]],
        new.community[slots.author],
        slots.time,
        passed.before,
    )
    kept = fresh(slots.author, chosen, slots.kind)
    acted = _reactions(rng, scene, new, slots, chosen, kept, source.language, base)
    acted.ref[:] = place[acted.ref]
    own.author[:] += base
    return merge([own, acted])
