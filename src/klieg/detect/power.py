"""The smallest campaign this data could have shown: what silence is worth, stated beside findings.

A campaign of g accounts acts on the same j objects within a jitter, among the company that real
objects of the layer have, drawn from members as busy as real accounts are. Its burst evidence is
taken at the real margins; the number given reaches the group threshold in four of five draws. The
campaign is imaginary: the room knows no group of the data and finds none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.bursts import WEIGHTS, log_mean_exp, price, rates
from klieg.engine.burst_search import FULL
from klieg.engine.bursts import log_factors
from klieg.tables import MULTIPLEX, SECOND, Power

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, Layer

__all__ = ["ACCOUNTS", "JITTERS", "smallest"]

JITTERS = (60, 600, 3600)
"""Seconds over which the accounts' acts on one object spread."""

ACCOUNTS = (3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 80, 120)
"""Campaign sizes tried."""

_MOST_ACTS = 40
_AIM = 0.8
_SAMPLE = 50_000  # actions from which the company on an object is learnt
_DRAWS = 48  # imaginary objects a size and jitter
_QUANTILES = tuple(NormalDist().inv_cdf(0.99 - 0.02 * i) for i in range(50))
_CLASSES = 8  # quantiles that stand for the company on an object


@dataclass(frozen=True, slots=True)
class _Scene:
    """One layer's real margins, as far as the imaginary campaign meets them."""

    n_accounts: int
    other: float  # acts of a typical account besides the campaign's
    pool: float  # actions in the typical pool
    parent: float  # actions in its parent
    windows: tuple[int, ...]
    m: tuple[F64, ...]  # per window: sizes of bursts
    bursts: tuple[F64, ...]  # per window: how many of that size lie in the typical pool
    tickets: int  # layers over which evidence is averaged


def smallest(
    network_layers: Mapping[str, Layer], config: Config, engine: Engine
) -> tuple[Power, ...]:
    """Per signal and jitter, the fewest acts in all that would have stood with 80 % probability.

    Where even the strongest campaign tried would not have, that one is given with its lower power.
    """
    found: list[Power] = []
    crowds = _Crowds(config.seed)
    for name, layer in network_layers.items():
        if name == MULTIPLEX or not layer.actions.n:
            continue
        scene = _scene(layer, len(network_layers), config, engine)
        for jitter in JITTERS:
            accounts, acts, chance = _least(jitter, scene, config, crowds)
            found.append(Power(name, accounts, acts, jitter, chance))
    return tuple(found)


def _scene(layer: Layer, n_layers: int, config: Config, engine: Engine) -> _Scene:
    actions, strata = layer.actions, layer.strata
    pool = strata.object_stratum[actions.object]
    size = np.bincount(pool, minlength=strata.size).astype(np.float64)
    above = np.bincount(strata.parent, size)
    # the pool in which the median action falls
    order = np.argsort(-size, kind="stable")
    typical = order[np.searchsorted(np.cumsum(size[order]), size.sum() / 2)]
    acts = np.bincount(actions.account)
    able = acts[acts >= config.min_objects]
    step = -(-actions.n // _SAMPLE)
    rows = np.flatnonzero(actions.object % step == 0)
    sizes: list[F64] = []
    counts: list[F64] = []
    for seconds in config.windows_s:
        burst, n_bursts = engine.tiles(
            actions.object[rows], actions.time[rows], seconds * SECOND, 0
        )
        pairs = np.unique(burst.astype(np.int64) * actions.n_accounts + actions.account[rows])
        m = np.bincount(pairs // actions.n_accounts, minlength=n_bursts)
        value, many = np.unique(m, return_counts=True)
        sizes.append(value.astype(np.float64))
        counts.append(many.astype(np.float64) * (step * size[typical] / actions.n))
    return _Scene(
        actions.n_accounts,
        float(np.median(able)) if len(able) else 1.0,
        float(size[typical]),
        float(above[strata.parent[typical]]),
        config.windows_s,
        tuple(sizes),
        tuple(counts),
        n_layers,
    )


def _least(jitter: int, scene: _Scene, config: Config, crowds: _Crowds) -> tuple[int, int, float]:
    """(accounts, acts each, power) with the fewest acts in all; ties to the fewest accounts."""
    sizes = [g for g in ACCOUNTS if g <= scene.n_accounts]
    best: tuple[int, int, float] | None = None
    beaten = (0, 0, 0.0)
    for g in sizes:
        most = _MOST_ACTS if best is None else min(_MOST_ACTS, (best[0] * best[1] - 1) // g)
        if most < 2:
            break
        chance = _chance(g, most, jitter, scene, config, crowds)
        if chance < _AIM:
            beaten = max(beaten, (g, most, chance), key=lambda tried: tried[2])
            continue
        low, high = 2, most
        while low < high:
            middle = (low + high) // 2
            value = _chance(g, middle, jitter, scene, config, crowds)
            if value >= _AIM:
                high, chance = middle, value
            else:
                low = middle + 1
        best = (g, high, chance)
    return best or beaten


def _chance(
    g: int, acts: int, jitter: int, scene: _Scene, config: Config, crowds: _Crowds
) -> float:
    """Probability that g accounts with ``acts`` joint acts each reach the threshold of groups."""
    grid, weights = rates(scene.n_accounts), np.array(WEIGHTS)
    mean, spread = [], []
    share = _share(g, acts, scene)
    for window, m, bursts in zip(scene.windows, scene.m, scene.bursts, strict=True):
        quiet = log_factors(np.zeros(len(m), np.int64), m * share, grid, weights)
        alone = log_factors(np.ones(len(m), np.int64), m * share, grid, weights) - quiet
        ordinary = alone @ (m * bursts) / max(float(m @ bursts), 1.0)
        value, noise = _burst_values(g, m, bursts, share, grid, weights)
        crowd = crowds.of(g, jitter, window)  # (draws, g + 1)
        joint = crowd @ value
        mean.append(quiet @ bursts + g * scene.other * ordinary + acts * joint.mean(axis=0))
        spread.append(np.sqrt(acts * (joint.var(axis=0) + (crowd @ noise).mean(axis=0))))
    cells, sd = np.concatenate(mean), np.concatenate(spread)
    needed = price(scene.n_accounts, g) + math.log(scene.tickets / config.false_alarms)
    # the largest chance at which the threshold is reached: what is reached only falls with it
    low, high = 0, len(_QUANTILES)
    while low < high:
        middle = (low + high) // 2
        if log_mean_exp(cells - _QUANTILES[middle] * sd) >= needed:
            high = middle
        else:
            low = middle + 1
    return round(0.99 - 0.02 * low, 2) if low < len(_QUANTILES) else 0.0


def _share(g: int, acts: int, scene: _Scene) -> float:
    """n_G / E of the typical pool, or of its parent where the campaign would fill the pool."""
    own = g * (scene.other + acts)
    share = own / (scene.pool + g * acts)
    if share > FULL:
        share = own / (scene.parent + g * acts)
    return min(share, 1.0)


def _burst_values(
    g: int, m: F64, bursts: F64, share: float, grid: F64, weights: F64
) -> tuple[F64, F64]:
    """(g + 1, Ω) mean and variance, over the company, of what k members in a burst are worth."""
    rank = (np.arange(_CLASSES) + 0.5) / _CLASSES
    which = np.searchsorted(np.cumsum(bursts) / max(float(bursts.sum()), 1e-300), rank)
    company = m[np.minimum(which, len(m) - 1)]
    k = np.repeat(np.arange(g + 1), _CLASSES)
    here = np.tile(company, g + 1)
    before = log_factors(np.zeros(len(k), np.int64), here * share, grid, weights)
    values = log_factors(k, (k + here) * share, grid, weights) - before
    by_class = values.reshape(len(weights), g + 1, _CLASSES)
    by_class[:, 0] = 0.0
    return by_class.mean(axis=2).T, by_class.var(axis=2).T


class _Crowds:
    """How g acts spread over a jitter fall into tiles, drawn once per size, jitter and window."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn: dict[tuple[int, int, int], F64] = {}

    def of(self, g: int, jitter: int, window: int) -> F64:
        """(draws, g + 1) tiles that hold k of the g acts, for k = 0 … g."""
        key = (g, jitter, window)
        if key not in self._drawn:
            rng = np.random.default_rng((self._seed, *key))
            phase = rng.random((_DRAWS, 1)) * window
            tile = ((rng.random((_DRAWS, g)) * jitter + phase) // window).astype(np.int64)
            row = np.arange(_DRAWS)[:, None]
            cell, held = np.unique(row * (tile.max() + 1) + tile, return_counts=True)
            counts = np.zeros((_DRAWS, g + 1))
            np.add.at(counts, (cell // (tile.max() + 1), held), 1.0)
            self._drawn[key] = counts
        return self._drawn[key]
