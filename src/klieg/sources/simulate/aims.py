"""What a campaign picks and when it acts: popular objects of many sources, delays, orders.

The room knows what ordinary life offers, and no text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.errors import ConfigError
from klieg.sources.simulate.planting import Ground, resting
from klieg.sources.simulate.rhythm import HOUR, MINUTE

if TYPE_CHECKING:
    from klieg.sources.simulate.campaigns import Campaign
    from klieg.tables import I64

__all__ = ["delays", "orders", "popular"]


def delays(rng: np.random.Generator, campaign: Campaign, n: int) -> I64:
    """(n,) milliseconds behind the order, in the campaign's shape."""
    scale = campaign.jitter_s * 1000
    if campaign.delays == "exponential":
        drawn = rng.exponential(scale, n)
    elif campaign.delays == "log-normal":
        drawn = rng.lognormal(np.log(max(scale, 1)), 1.0, n)
    else:
        drawn = rng.random(n) * scale
    return drawn.astype(np.int64)


def orders(rng: np.random.Generator, ground: Ground, community: int, created: I64) -> I64:
    """(n,) when the word goes out: minutes to hours after creation, by day if there is a choice."""
    zone = np.full(len(created), ground.scene.among.zone[community] * HOUR)
    best, score = created, np.full(len(created), -np.inf)
    for _ in range(6):
        wait = rng.lognormal(np.log(50 * MINUTE), 0.9, len(created)).astype(np.int64)
        at = np.minimum(created + 3 * MINUTE + wait, ground.scene.clock.end - HOUR // 2)
        awake = ground.scene.clock.awake(at, np.full(len(at), 2), zone)
        value = np.log(awake + 0.02) + 0.5 * rng.gumbel(size=len(at))
        best, score = np.where(value > score, at, best), np.maximum(score, value)
    return np.maximum(best, created + MINUTE)


def popular(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    popularity: I64,
    allowed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    target: I64,
    created: I64,
    language: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
) -> I64:
    """(objects,) things with outsiders, of as many authors or outlets as there are."""
    end = ground.scene.clock.end
    mine = language == ground.scene.among.language[community]
    early = allowed & (created < end - resting(end))
    least = campaign.outsiders
    few = campaign.evasion.targets if campaign.evasion is not None else None
    while True:
        rows = np.flatnonzero(early & mine & (popularity >= least))
        rows = rows[rng.permutation(len(rows))]
        rows = rows[np.argsort(_occurrence(target[rows]), kind="stable")]
        several = len(np.unique(target[rows])) >= campaign.objects
        if few is not None:
            rows = _narrowed(rows, target, few)
            several = len(rows) >= campaign.objects
        if several or least == 0:
            break
        least //= 2
    if len(rows) < campaign.objects:
        raise ConfigError("campaign acts", campaign.acts, "a larger world for so many joint acts")
    return rows[: campaign.objects]


def _narrowed(rows: I64, target: I64, few: int) -> I64:
    """The rows of the ``few`` targets that have the most of them."""
    values, first, count = np.unique(target[rows], return_index=True, return_counts=True)
    best = values[np.lexsort((first, -count))[:few]]
    return rows[np.isin(target[rows], best)]


def _occurrence(value: I64) -> I64:
    """(n,) how often each value stood further left."""
    order = np.argsort(value, kind="stable")
    ordered = value[order]
    first = np.searchsorted(ordered, ordered)
    out = np.empty(len(value), np.int64)
    out[order] = np.arange(len(value)) - first
    return out
