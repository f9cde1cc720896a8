"""How fast accounts act by nature, and how often two of them coincide without any plan.

One preparation a run: every layer's acts laid out by object, each account's speed (shrunk mean
normal score of its age at acting, inside a popularity class) and time zone, and a table of how
often two acts on one object fall within a window, by the speeds, zones and popularity involved.
A group's own pairs leave that table by subtraction, exactly. The room knows no group's class and
no threshold: it says what is usual. Method: design 3.5, expectation A.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg import evidence
from klieg.config import Config
from klieg.detect.parallel import spread
from klieg.detect.timed import TEXTUAL, WINDOWS, Timed, lay_out, ragged
from klieg.tables import MULTIPLEX, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from klieg.tables import F64, I32, I64, U8, Bool, Layer, Posts

    I16 = NDArray[np.int16]

__all__ = [
    "AGELESS",
    "ClockData",
    "PacePairs",
    "PaceTable",
    "by_object",
    "categories",
    "cells",
    "organic_table",
    "outside_table",
    "prepare",
    "same_popularity",
]

AGELESS: Final = TEXTUAL | {"domain", "mention", "synchrony", "batch", MULTIPLEX}
"""Layers where the age of an object says nothing about the speed of who acts on it."""

SPEED_CUTS: Final = (0.02, 0.1, 0.3, 0.7)  # quantiles of the accounts, fastest first
POPULARITY_CUTS: Final = (4, 8, 32)  # distinct actors of the object
SPEEDS: Final = len(SPEED_CUTS) + 1
POPULARITIES: Final = len(POPULARITY_CUTS) + 1
CATEGORIES: Final = SPEEDS * 24  # speed class × time zone
CELLS: Final = SPEEDS * SPEEDS * 2 * POPULARITIES

SHRINK_SPEED: Final = 2.5  # acts' worth of average speed every account starts with
SHRINK_CELL: Final = 20.0  # pairs' worth of its speed × speed cell each finer cell starts with
SHRINK_COARSE: Final = 5.0  # pairs' worth of the pooled share each speed × speed cell starts with
MOST_PAIRS: Final = 1_500_000  # sampled pairs of one layer's table
ENOUGH_PAIRS: Final = 500  # outside pairs below which a stored organic table stands in

ORGANIC: Final = (
    (0.023, 0.011, 0.005, 0.043),
    (0.185, 0.100, 0.045, 0.199),
    (0.526, 0.374, 0.196, 0.414),
    (0.722, 0.617, 0.414, 0.519),
)
"""Stored organic profile: share of act pairs on one object within each of WINDOWS, by popularity.

The larger of the links' and the reposts' shares over three campaign-free simulated worlds, all
speeds and zones together (dev/LOG.md): too high an expectation accuses nobody.
"""


@dataclass(frozen=True, slots=True)
class PacePairs:
    """Sampled pairs of acts on one object: where a layer's table is counted from."""

    left: I32  # (p,) account
    right: I32  # (p,) account
    object_starts: I64  # (n_objects + 1,)
    cell: I16  # (p,)
    within: U8  # (p,) bit j set: closer than window j
    seen: F64  # (CELLS,) pairs in each cell
    hits: F64  # (W, CELLS) those within each window
    by_account: I64  # (2p,) pairs grouped by account
    account_starts: I64  # (n_accounts + 1,)


@dataclass(frozen=True, slots=True)
class PaceTable:
    """P(two acts on one object within w), by cell, and how much of it was seen."""

    share: F64  # (W, CELLS)
    pairs: int
    source: str  # the layer it was counted in, or "stored"


@dataclass(frozen=True, slots=True)
class ClockData:
    """What the clock needs of a whole run, prepared once."""

    layers: Mapping[str, Timed]
    pairs: Mapping[str, PacePairs]
    windows: tuple[int, ...]  # seconds: those of WINDOWS that the clock resolution allows
    zone: I16  # (n_accounts,) 0 … 23
    speed_sum: F64  # (n_accounts,) Σ score over the layers that carry a pace
    speed_acts: I64  # (n_accounts,)
    cuts: F64  # (SPEEDS − 1,) speed class limits
    category: I16  # (n_accounts,) speed class · 24 + zone

    @property
    def n_accounts(self) -> int:
        return len(self.zone)


def prepare(layers: Mapping[str, Layer], posts: Posts, config: Config | None = None) -> ClockData:
    """Lay out every layer, learn speeds and time zones, sample the pairs of the tables."""
    config = config or Config()
    windows = tuple(w for w in WINDOWS if w > posts.resolution)
    names = [n for n in layers if n != MULTIPLEX]
    laid = spread(
        lambda n: lay_out(layers[n].actions, windows),
        names,
        config,
        size=lambda n: layers[n].actions.n,
    )
    timed = dict(zip(names, laid, strict=True))
    total = np.zeros(posts.n_accounts)
    acts = np.zeros(posts.n_accounts, np.int64)
    for name, layer in timed.items():
        if name not in AGELESS:
            seen = ~np.isnan(layer.score)
            total += np.bincount(
                layer.account[seen], weights=layer.score[seen], minlength=posts.n_accounts
            )
            acts += np.bincount(layer.account[seen], minlength=posts.n_accounts)
    zone = _zones(posts)
    speed = total / (acts + SHRINK_SPEED)
    # accounts that never raced say nothing about what is fast: they would pile up on one value
    known = speed[acts > 0]
    cuts = np.quantile(known, SPEED_CUTS) if len(known) else np.zeros(SPEEDS - 1)
    category = categories(speed, zone, cuts)
    cells()  # made once, before threads ask for it
    raced = [n for n in names if n not in TEXTUAL and timed[n].object.size]
    drawn = spread(
        lambda n: _sample(timed[n], category, windows, seed=config.seed),
        raced,
        config,
        size=lambda n: timed[n].object.size,
    )
    pairs = dict(zip(raced, drawn, strict=True))
    return ClockData(timed, pairs, windows, zone, total, acts, cuts, category)


def categories(speed: F64, zone: I16, cuts: F64) -> I16:
    """(n,) speed class · 24 + time zone."""
    return (np.searchsorted(cuts, speed, side="right") * 24 + zone).astype(np.int16)


def same_popularity(actors: I32) -> NDArray[np.int64]:
    """(n,) popularity class of objects with that many distinct actors."""
    return np.searchsorted(np.array(POPULARITY_CUTS), actors, side="right").astype(np.int64)


@cache
def cells() -> I16:
    """(POPULARITIES, CATEGORIES, CATEGORIES) cell of two account categories; symmetric."""
    speed, zone = np.divmod(np.arange(CATEGORIES), 24)
    apart = np.abs(zone[:, None] - zone[None, :])
    near_zone = (np.minimum(apart, 24 - apart) <= 1).astype(np.int64)
    low = np.minimum(speed[:, None], speed[None, :])
    high = np.maximum(speed[:, None], speed[None, :])
    base = ((low * SPEEDS + high) * 2 + near_zone) * POPULARITIES
    cell: I16 = (base[None] + np.arange(POPULARITIES)[:, None, None]).astype(np.int16)
    return cell


def by_object(table: PaceTable, window: int, popularity: NDArray[np.int64]) -> F64:
    """(J, SPEEDS, SPEEDS, 2) the shares that hold on each object: by speeds, far and near zone."""
    share = table.share[window].reshape(SPEEDS, SPEEDS, 2, POPULARITIES)
    low = np.minimum.outer(np.arange(SPEEDS), np.arange(SPEEDS))
    high = np.maximum.outer(np.arange(SPEEDS), np.arange(SPEEDS))
    return np.asarray(np.moveaxis(share[low, high], 3, 0)[popularity])


def outside_table(
    data: ClockData, layer: str, members: I32, dominated: I64, *, inside: str
) -> PaceTable:
    """The table from pairs that touch no member and no object the group dominates.

    ``dominated`` are objects of ``inside``; only where that is the table's own layer do they
    leave it. Falls back on the stored organic table where too few pairs remain.
    """
    if layer not in data.pairs:
        return organic_table(data.windows)
    pairs = data.pairs[layer]
    gone = np.unique(ragged(pairs.by_account, pairs.account_starts, members))
    if inside == layer and len(dominated):
        spans = ragged(np.arange(len(pairs.cell)), pairs.object_starts, dominated)
        gone = np.union1d(gone, spans)
    less, missed = _count(pairs.cell[gone], pairs.within[gone], len(data.windows))
    seen, hits = pairs.seen - less, pairs.hits - missed
    if seen.sum() < ENOUGH_PAIRS:
        return organic_table(data.windows)
    return PaceTable(_shrink(seen, hits), int(seen.sum()), layer)


def organic_table(windows: tuple[int, ...]) -> PaceTable:
    """The stored organic profile: shares by popularity alone, the same for every speed."""
    rows = [ORGANIC[WINDOWS.index(w)] for w in windows]
    share = np.array([np.tile(row, CELLS // POPULARITIES) for row in rows])
    return PaceTable(share.reshape(len(windows), CELLS), 0, "stored")


def _zones(posts: Posts) -> I16:
    """(n_accounts,) the shift that best lays each account's day on everyone's, 0 … 23."""
    hour = (evidence.times(posts) // (3600 * SECOND)) % 24
    who = evidence.accounts(posts)
    day = np.bincount(who * np.int64(24) + hour, minlength=posts.n_accounts * 24)
    day = day.reshape(posts.n_accounts, 24).astype(np.float64)
    # starts from a night of seven hours; a few rounds of assign and re-estimate settle it
    profile = np.r_[np.full(7, 0.2), np.ones(17)]
    zone = np.zeros(posts.n_accounts, np.int64)
    for _ in range(8):
        profile = profile / profile.sum()
        turned = np.stack([np.roll(profile, -z) for z in range(24)])
        zone = (day @ np.log(turned).T).argmax(axis=1)
        fresh = np.zeros(24)
        for z in range(24):
            fresh += np.roll(day[zone == z].sum(axis=0), z)
        profile = fresh + max(fresh.sum(), 1.0) * 0.002
    return zone.astype(np.int16)


def _sample(layer: Timed, category: I16, windows: tuple[int, ...], *, seed: int) -> PacePairs:
    """All pairs of small objects, a fixed number of drawn ones of big objects."""
    size = np.diff(layer.starts)
    all_pairs = size * (size - 1) // 2
    limit = next(p for p in (300, 150, 75, 40, 20, 10, 5, 0) if _fits(all_pairs, p))
    x, y = _whole(layer, all_pairs <= limit)
    u, v = _drawn(layer, np.flatnonzero(all_pairs > limit), limit, seed)
    x, y = np.concatenate([x, u]), np.concatenate([y, v])
    keep = layer.account[x] != layer.account[y]
    x, y = x[keep], y[keep]
    order = np.argsort(layer.object[x], kind="stable")
    x, y = x[order], y[order]
    obj = layer.object[x]
    delay = np.abs(layer.time[x] - layer.time[y])
    within = np.zeros(len(x), np.uint8)
    for j, w in enumerate(windows):
        within |= (delay <= w * SECOND).astype(np.uint8) << np.uint8(j)
    left, right = layer.account[x], layer.account[y]
    cell = cells()[same_popularity(layer.actors[obj]), category[left], category[right]]
    both = np.concatenate([left, right])
    by_account = np.argsort(both, kind="stable")
    return PacePairs(
        left,
        right,
        np.searchsorted(obj, np.arange(len(layer.actors) + 1)).astype(np.int64),
        cell,
        within,
        *_count(cell, within, len(windows)),
        by_account % max(len(left), 1),
        np.searchsorted(both[by_account], np.arange(len(category) + 1)).astype(np.int64),
    )


def _fits(all_pairs: I64, limit: int) -> bool:
    return limit == 0 or int(np.minimum(all_pairs, limit).sum()) <= MOST_PAIRS


def _whole(layer: Timed, small: Bool) -> tuple[I64, I64]:
    row = np.flatnonzero(small[layer.object])
    more = layer.starts[layer.object[row] + 1] - row - 1
    left = np.repeat(row, more)
    ahead = np.arange(len(left)) - np.repeat(np.cumsum(more) - more, more)
    return left, left + 1 + ahead


def _drawn(layer: Timed, objects: I64, count: int, seed: int) -> tuple[I64, I64]:
    obj = np.repeat(objects, count)
    draw = np.tile(np.arange(count), len(objects))
    key = _mix(
        _mix(obj.astype(np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B9))
        + draw.astype(np.uint64)
    )
    size = (layer.starts[obj + 1] - layer.starts[obj]).astype(np.uint64)
    x = key % np.maximum(size, np.uint64(1))
    y = _mix(key) % np.maximum(size - np.uint64(1), np.uint64(1))
    y += (y >= x).astype(np.uint64)
    begin = layer.starts[obj]
    return begin + x.astype(np.int64), begin + y.astype(np.int64)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014): a draw that depends on its key alone."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _count(cell: I16, within: U8, windows: int) -> tuple[F64, F64]:
    seen = np.bincount(cell, minlength=CELLS).astype(np.float64)
    hits = [
        np.bincount(cell[(within >> np.uint8(j)) & np.uint8(1) == 1], minlength=CELLS)
        for j in range(windows)
    ]
    return seen, np.array(hits, np.float64).reshape(windows, CELLS)


def _shrink(seen: F64, hits: F64) -> F64:
    """Each cell leans on its speed × speed cell, that one on the pooled share."""
    coarse = (-1, SPEEDS * SPEEDS, 2 * POPULARITIES)
    total, hit = seen.reshape(coarse[1:]).sum(1), hits.reshape(coarse).sum(2)
    pooled = (hits.sum(axis=1, keepdims=True) + 0.5) / (seen.sum() + 1)
    level = (hit + SHRINK_COARSE * pooled) / (total + SHRINK_COARSE)
    wide = np.repeat(level, 2 * POPULARITIES, axis=1)
    return (hits + SHRINK_CELL * wide) / (seen + SHRINK_CELL)
