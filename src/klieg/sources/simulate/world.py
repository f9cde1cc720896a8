"""A whole simulated world: the ordinary part, what is planted in it, and the truth about both.

Every component draws from its own child of the seed, so that planting more never changes what is
already there. The room knows no detector.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args
from zlib import crc32

import numpy as np
import pyarrow as pa

from klieg.errors import ConfigError
from klieg.sources.simulate.activity import ordinary, tag_names
from klieg.sources.simulate.campaigns import DEFAULT_CAMPAIGNS, Campaign, plant_campaign
from klieg.sources.simulate.catalogue import planned
from klieg.sources.simulate.drafts import Draft, Names, merge, own, post_ids, table
from klieg.sources.simulate.feeds import Life, exposed, habits
from klieg.sources.simulate.lookalikes import DEFAULT_LOOK_ALIKES, LookAlike, plant_look_alike
from klieg.sources.simulate.news import Scene, events, news
from klieg.sources.simulate.planting import Ground, Planted
from klieg.sources.simulate.population import communities, join, people
from klieg.sources.simulate.rhythm import clock
from klieg.sources.simulate.truth import TrueGroup, Truth, truth_path, write_truth
from klieg.sources.simulate.words import INVENTED, LANGUAGES, vocabulary
from klieg.sources.simulate.writing import write_posts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.sources.simulate.activity import Ordinary
    from klieg.sources.simulate.population import People
    from klieg.tables import I64

__all__ = ["GENERATORS", "World", "simulate"]

Generator = Literal["attention", "feeds"]
GENERATORS: tuple[Generator, ...] = get_args(Generator)

_LOOK_ALIKES_FROM = 512
"""Component numbers: 0 the ordinary part, 1 … campaigns, 512 … look-alikes."""


@dataclass(frozen=True, slots=True)
class World:
    """Posts whose truth is known."""

    posts: pa.Table  # POSTS, ordered by (time, post_id)
    truth: Truth

    def write(self, path: str | Path) -> tuple[Path, Path]:
        """Write the posts as ``.jsonl`` (X API v2, flattened), ``.csv`` or ``.parquet``.

        The truth goes beside them as ``<name>.truth.json``. Gives both paths; InputError for
        another suffix. The same world gives the same bytes.
        """
        file = Path(path)
        write_posts(self.posts, file)
        write_truth(self.truth, truth_path(file))
        return file, truth_path(file)


def simulate(
    *,
    seed: int = 0,
    accounts: int = 3000,
    days: int = 14,
    campaigns: Sequence[Campaign] | None = None,
    look_alikes: Sequence[LookAlike] | None = None,
    languages: Sequence[str] = LANGUAGES,
    start: str = "2026-03-02T00:00:00Z",
    generator: Generator = "attention",
    worlds: Sequence[str] = (),
) -> World:
    """A world of ``accounts`` ordinary accounts and whatever is planted among them.

    ``worlds`` are names from the catalogue; what they plant comes behind what is given here.
    ``campaigns`` and ``look_alikes`` default to five kinds each, or to none if ``worlds`` are
    named; ``()`` plants none. Campaigns, syndication and brands bring accounts of their own.
    ``start`` is ISO 8601; shifting it by whole weeks shifts the posts and changes nothing else.
    ``generator`` chooses how ordinary people live: ``attention`` (a reaction has an age drawn for
    it) or ``feeds`` (who follows whom, sittings, and what a feed shows in them). Raises ConfigError
    for impossible values.

    >>> world = simulate(seed=1, accounts=200, days=3, campaigns=(), look_alikes=())
    >>> world.truth.accounts
    {}
    """
    if generator not in GENERATORS:
        raise ConfigError("generator", generator, ", ".join(GENERATORS))
    chosen = _chosen(campaigns, look_alikes, worlds)
    begin = _checked(accounts, days, start)
    epoch_ms = round(begin.timestamp() * 1000)
    scene = Scene(
        clock(begin, days),
        vocabulary(tuple(languages)),
        communities(_child(seed, "communities"), tuple(languages), accounts),
    )
    who = people(_child(seed, "people"), accounts, scene.among, component=0)
    who = habits(_child(seed, "habits"), who) if generator == "feeds" else who
    happening = events(_child(seed, "events"), scene)
    stories = news(_child(seed, "news"), scene, who, happening)
    life: Life | None = None
    if generator == "feeds":
        around, life = exposed(_child(seed, "feeds"), scene, who, stories, happening)
    else:
        around = ordinary(_child(seed, "ordinary"), scene, who, stories, happening)
    groups = _plant(seed, scene, who, around, life, *chosen)
    return _compiled(scene, who, around, groups, epoch_ms)


def _chosen(
    campaigns: Sequence[Campaign] | None,
    look_alikes: Sequence[LookAlike] | None,
    worlds: Sequence[str],
) -> tuple[tuple[Campaign, ...], tuple[LookAlike, ...]]:
    more = planned(worlds)
    if campaigns is None:
        campaigns = () if worlds else DEFAULT_CAMPAIGNS
    if look_alikes is None:
        look_alikes = () if worlds else DEFAULT_LOOK_ALIKES
    return (*campaigns, *more[0]), (*look_alikes, *more[1])


def _checked(accounts: int, days: int, start: str) -> datetime:
    if accounts < 20:
        raise ConfigError("accounts", accounts, "20 or more")
    if not 1 <= days <= 730:
        raise ConfigError("days", days, "1 … 730")
    try:
        begin = datetime.fromisoformat(start)
    except ValueError as error:
        raise ConfigError("start", start, "a date such as 2026-03-02T00:00:00Z") from error
    return begin if begin.tzinfo else begin.replace(tzinfo=UTC)


def _child(seed: int, name: str, number: int = 0) -> np.random.Generator:
    key = (crc32(name.encode()), number)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _plant(
    seed: int,
    scene: Scene,
    who: People,
    around: Ordinary,
    life: Life | None,
    campaigns: Sequence[Campaign],
    look_alikes: Sequence[LookAlike],
) -> list[tuple[int, Planted]]:
    if len(campaigns) >= _LOOK_ALIKES_FROM or len(look_alikes) >= 512:
        raise ConfigError("campaigns", len(campaigns), f"fewer than {_LOOK_ALIKES_FROM}")
    out: list[tuple[int, Planted]] = []
    free = np.ones(who.n, bool)
    numbers: Counter[str] = Counter()
    ground = Ground(
        scene,
        who,
        around,
        component=0,
        base=who.n,
        urls=len(around.news.urls),
        tags=len(tag_names(scene, around.happening)),
        posts_taken=np.empty(0, np.int64),
        stories_taken=np.empty(0, np.int64),
        life=life,
    )
    for i, campaign in enumerate(campaigns):
        numbers[campaign.kind] += 1
        label = f"campaign:{campaign.kind.replace(' ', '-')}-{numbers[campaign.kind]}"
        ground = _next(ground, out, component=1 + i)
        made = plant_campaign(_child(seed, "campaign", i), ground, campaign, label)
        free[made.framed] = False
        out.append((1 + i, made))
    for j, about in enumerate(look_alikes):
        numbers[about.kind] += 1
        label = f"look-alike:{about.kind.replace(' ', '-')}-{numbers[about.kind]}"
        ground = _next(ground, out, component=_LOOK_ALIKES_FROM + j)
        made = plant_look_alike(_child(seed, "look-alike", j), ground, about, label, free)
        out.append((_LOOK_ALIKES_FROM + j, made))
    return out


def _next(ground: Ground, done: list[tuple[int, Planted]], *, component: int) -> Ground:
    first = ground.who.n, ground.around.news.urls, tag_names(ground.scene, ground.around.happening)
    made = [p for _, p in done]
    return Ground(
        ground.scene,
        ground.who,
        ground.around,
        component=component,
        base=first[0] + sum(p.people.n for p in made if p.people is not None),
        urls=len(first[1]) + sum(len(p.urls) for p in made),
        tags=len(first[2]) + sum(len(p.tags) for p in made),
        # two campaigns on one object would be one campaign to anybody who looks
        posts_taken=_taken([p.draft.ref[p.draft.joint] for p in made]),
        stories_taken=_taken([p.draft.url[p.draft.joint] for p in made]),
        life=ground.life,
    )


def _taken(rows: list[NDArray[np.integer]]) -> I64:
    out = np.unique(np.concatenate([np.empty(0, np.int64), *rows]))
    return out[out >= 0].astype(np.int64)


def _compiled(
    scene: Scene,
    who: People,
    around: Ordinary,
    groups: list[tuple[int, Planted]],
    epoch_ms: int,
) -> World:
    everybody = join([who, *(p.people for _, p in groups if p.people is not None)])
    drafts = _resolved([around.draft, *(p.draft for _, p in groups)])
    ids = [
        post_ids(d, c, epoch_ms) for d, c in zip(drafts, [0, *(c for c, _ in groups)], strict=True)
    ]
    urls = around.news.urls.to_pylist() + [u for _, p in groups for u in p.urls]
    tags = tag_names(scene, around.happening) + [t for _, p in groups for t in p.tags]
    languages = (*scene.vocabulary.languages, INVENTED)
    names = Names(pa.array(urls, pa.string()), pa.array(tags), languages)
    truth = Truth.of(
        tuple(
            group
            for (_, p), i in zip(groups, ids[1:], strict=True)
            for group in _groups(p, everybody.ids, i)
        )
    )
    posts = table(merge(drafts), np.concatenate(ids), everybody, names, epoch_ms)
    return World(posts, truth)


def _resolved(drafts: list[Draft]) -> list[Draft]:
    """The drafts with references to own rows turned into rows of all drafts together."""
    out, start = [], 0
    for draft in drafts:
        mine = draft.ref <= -2
        ref = np.where(mine, start + own(draft.ref), draft.ref)
        out.append(replace(draft, ref=ref))
        start += draft.n
    return out


def _groups(made: Planted, account_ids: I64, ids: I64) -> list[TrueGroup]:
    """The group, and beside it the innocent accounts that it imitates, if it does."""
    posts = tuple(str(x) for x in ids[made.draft.joint].tolist())
    out = [
        TrueGroup(made.label, made.kind, _names(account_ids, made.members), posts, made.parameters)
    ]
    if len(made.framed):
        label = made.label.replace("campaign:", "framed:")
        out.append(TrueGroup(label, "framed", _names(account_ids, made.framed), ()))
    return out


def _names(account_ids: I64, rows: I64) -> tuple[str, ...]:
    return tuple(sorted(str(x) for x in account_ids[rows].tolist()))
