"""One hunt: the weak graphs of one layer, weighed against one set of pools, made into groups.

Pieces of all windows and densities are screened, the promising ones refined strongest first, what a
refined group already covers is skipped, and groups that are better told as one are merged. Knows
one layer; whether a group stands is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import refine
from klieg.detect.bursts import OFFSETS, Tilings, price
from klieg.detect.candidates import densities, pieces

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.refine import Bench
    from klieg.tables import I32, WeakGraph

__all__ = ["Caught", "Seed", "overlap", "run", "seeds"]

FLOOR = -60.0
"""Net in nats below which a piece is not worth refining."""

KEPT = -10.0
"""Net in nats that a refined group needs to be handed on."""

TURNS = 80
"""Pieces refined in one hunt at most, strongest first."""

COVERED = 0.6
"""A piece with so large a part inside a refined group is taken to be part of it."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A piece of a weak graph, before it is refined."""

    members: I32
    net: float  # approximate, in the piece's own window
    searches: tuple[str, ...]  # "repost 600 s", …: where this very piece turned up


@dataclass(frozen=True, slots=True)
class Caught:
    """A refined group of one hunt."""

    members: I32
    net: float  # approximate, at its strongest tiling
    searches: tuple[str, ...]


def seeds(tilings: Tilings, graphs: Sequence[tuple[str, WeakGraph]], config: Config) -> list[Seed]:
    """Distinct pieces of these (name, graph)s, strongest first."""
    work = refine.bench(tilings.lattice, tilings.n_accounts)
    known: dict[bytes, Seed] = {}
    for name, graph in graphs:
        if graph.window not in tilings.windows:
            continue
        cut = pieces(graph.left, graph.right, densities(graph, config), config.seed)
        fresh: dict[bytes, I32] = {}
        for piece in (p for found in cut for p in found):
            fresh.setdefault(piece.tobytes(), piece)
        if not fresh:
            continue
        first = tilings.windows.index(graph.window) * len(OFFSETS)
        at = np.arange(first, first + len(OFFSETS))
        cells = refine.weigh(work, list(fresh.values()), at)
        for (key, piece), log_e in zip(fresh.items(), cells.max(axis=(1, 2)), strict=True):
            net = float(log_e) - price(tilings.n_accounts, len(piece))
            old = known.get(key)
            if old is None:
                known[key] = Seed(piece, net, (name,))
            elif name not in old.searches:
                known[key] = Seed(piece, max(net, old.net), (*old.searches, name))
    ranked = sorted(known.values(), key=lambda s: (-s.net, -len(s.members), s.members.tolist()))
    return [seed for seed in ranked if seed.net > FLOOR]


def run(tilings: Tilings, graphs: Sequence[tuple[str, WeakGraph]], config: Config) -> list[Caught]:
    """The groups of one layer that may stand, strongest first."""
    work = refine.bench(tilings.lattice, tilings.n_accounts)
    done: list[Caught] = []
    inside = np.zeros(tilings.n_accounts, np.int32)  # 1 + the last group an account went into
    turns = 0
    for seed in seeds(tilings, graphs, config):
        if turns == TURNS:
            break
        if _covered(seed.members, done):
            continue
        turns += 1
        members, spot = refine.improve(work, seed.members)
        for part in refine.split(work, members, spot, config.seed):
            at = spot if len(part) == len(members) else refine.best(work, part)
            done.append(Caught(part, at.net, seed.searches))
    promising = [c for c in done if c.net > KEPT and len(c.members) >= 3]
    promising.sort(key=lambda c: (-c.net, c.members.tolist()))
    return _merge(work, _distinct(promising), graphs, inside)


def overlap(a: I32, b: I32) -> tuple[float, float]:
    """Jaccard index of two sets of accounts, and the share of a that lies in b."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both), both / len(a)


def _covered(members: I32, done: Sequence[Caught]) -> bool:
    return any(overlap(members, c.members)[1] >= COVERED for c in done)


def _distinct(ranked: Sequence[Caught]) -> list[Caught]:
    kept: list[Caught] = []
    for caught in ranked:
        if not any(overlap(caught.members, k.members)[0] >= 0.9 for k in kept):
            kept.append(caught)
    return kept


def _merge(
    work: Bench, ranked: list[Caught], graphs: Sequence[tuple[str, WeakGraph]], inside: I32
) -> list[Caught]:
    """Join groups that weak edges connect and that are better told as one."""
    for i in range(len(ranked) - 1, -1, -1):
        inside[ranked[i].members] = i + 1
    joined: set[tuple[int, int]] = set()
    for _, graph in graphs:
        a, b = inside[graph.left], inside[graph.right]
        met = (a > 0) & (b > 0) & (a != b)
        low, high = np.minimum(a[met], b[met]) - 1, np.maximum(a[met], b[met]) - 1
        keys, edges = np.unique(low.astype(np.int64) << 32 | high, return_counts=True)
        joined.update((int(k >> 32), int(k & 0xFFFFFFFF)) for k in keys[edges >= 2])
    extra: list[Caught] = []
    for i, j in sorted(joined):
        one, two = ranked[i], ranked[j]
        rest = np.setdiff1d(two.members, one.members)
        if len(rest) and refine.one_not_two(work, one.members, rest):
            both, spot = refine.improve(work, np.union1d(one.members, rest))
            if spot.net > max(one.net, two.net):
                extra.append(Caught(both, spot.net, one.searches + two.searches))
    return sorted(ranked + extra, key=lambda c: (-c.net, c.members.tolist()))
