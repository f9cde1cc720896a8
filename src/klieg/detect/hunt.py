"""One hunt: the weak graphs of one layer, weighed against one set of pools, made into groups.

Pieces of all windows and densities are screened, the promising ones refined strongest first, what a
refined group already covers is skipped, and groups that are better told as one are merged. Knows
one layer; whether a group stands is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import refine
from klieg.detect.bursts import DENSE, OFFSETS, Tilings, price
from klieg.detect.candidates import densities, pieces
from klieg.engine.burst_search import shares

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.refine import Bench, Spot
    from klieg.tables import I32, Crowd, WeakGraph

__all__ = ["Caught", "Seed", "overlap", "run", "seeds"]

PROMISE = 0.25
"""Part of its price that a piece's evidence must cover to be worth refining: larger pieces of thin
groups may lack a hundred nats and still be the best start there is."""

KEPT = -10.0
"""Net in nats that a refined group needs to be handed on."""

TURNS = 80
"""Pieces refined in one hunt at most, strongest first."""

COVERED = 0.6
"""A piece with so large a part inside a refined group is taken to be part of it …"""

DENSER = 0.5
"""… unless that group is much larger (WIDER) and, member for member, not twice as strong."""

WIDER = 6

EQUAL = 0.5
"""Whoever joins a crew brings half of what a member brings, or more."""

ALIKE = 0.7
"""Jaccard index from which the weaker of two groups of one hunt is dropped."""

WITHIN = 0.8
"""Part of a group inside a stronger and denser one from which it is dropped."""

MERGES = 6
"""Rounds of joining groups two by two."""

PUBLIC = 3
"""After a leap a group grows to so many times its size: quieter members, not its public."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A piece of a weak graph, before it is refined."""

    members: I32
    log_e: float  # approximate, in the piece's own window
    promise: float  # part of its price that this covers
    searches: tuple[str, ...]  # "repost 600 s", …: where this very piece turned up


@dataclass(frozen=True, slots=True)
class Caught:
    """A refined group of one hunt."""

    members: I32
    net: float  # approximate, at its strongest tiling
    log_e: float
    searches: tuple[str, ...]


def seeds(
    tilings: Tilings,
    graphs: Sequence[tuple[str, WeakGraph]],
    config: Config,
    crowds: Sequence[tuple[str, Crowd]] = (),
) -> list[Seed]:
    """Distinct pieces of these (name, graph)s, and crowds whole, strongest first."""
    work = refine.bench(tilings.lattice, tilings.n_accounts)
    known: dict[bytes, Seed] = {}
    proposed = [(name, crowd.window, [[crowd.members]]) for name, crowd in crowds]
    proposed += [(name, graph.window, _cut(graph, config)) for name, graph in graphs]
    for name, window, cut in proposed:
        if window not in tilings.windows:
            continue
        fresh: dict[bytes, I32] = {}
        for piece in (p for found in cut for p in found):
            fresh.setdefault(piece.tobytes(), piece)
        if not fresh:
            continue
        first = tilings.windows.index(window) * len(OFFSETS)
        at = np.arange(first, first + len(OFFSETS))
        cells = refine.weigh(work, list(fresh.values()), at)
        for (key, piece), log_e in zip(fresh.items(), cells.max(axis=(1, 2)), strict=True):
            old = known.get(key)
            value = max(float(log_e), old.log_e if old else -np.inf)
            promise = value / price(tilings.n_accounts, len(piece))
            known[key] = Seed(piece, value, promise, ((*old.searches, name) if old else (name,)))
    return sorted(
        (seed for seed in known.values() if seed.promise > PROMISE),
        key=lambda s: (-s.promise, -len(s.members), s.members.tolist()),
    )


def _cut(graph: WeakGraph, config: Config) -> list[list[I32]]:
    return pieces(graph.left, graph.right, densities(graph, config), config.seed)


def run(
    tilings: Tilings,
    graphs: Sequence[tuple[str, WeakGraph]],
    config: Config,
    crowds: Sequence[tuple[str, Crowd]] = (),
    *,
    kept: float = KEPT,
) -> list[Caught]:
    """The groups of one layer that may stand, strongest first; of net above ``kept`` nats."""
    work = refine.bench(tilings.lattice, tilings.n_accounts)
    done: list[Caught] = []
    homes: dict[int, list[int]] = {}  # account → groups in `done` that it is in
    turns = 0
    for seed in seeds(tilings, graphs, config, crowds):
        if turns == TURNS:
            break
        if _covered(seed, done, homes):
            continue
        turns += 1
        for caught in _refined(work, seed, config):
            for account in caught.members.tolist():
                homes.setdefault(account, []).append(len(done))
            done.append(caught)
    promising = [c for c in done if len(c.members) >= 3 and (c.net > kept or _dense(work, c))]
    return _merge(work, _distinct(_strongest_first(promising)), graphs)


def _dense(work: Bench, caught: Caught) -> bool:
    """Whether the table says too little of it: who is much of a pool is weighed by binomials."""
    if caught.log_e < PROMISE * price(work.n_accounts, len(caught.members)):
        return False
    return float(shares(work.lattice, caught.members, refine.NOBODY)[0].max()) > DENSE


def _refined(work: Bench, seed: Seed, config: Config) -> list[Caught]:
    """What a piece grows into among its equals, and, if that is not much, what a leap makes."""
    crew, spot = refine.improve(work, seed.members, equal=EQUAL)
    made = _parts(work, crew, spot, seed, config)
    stuck = spot.net < price(work.n_accounts, len(crew))
    if stuck and len(crew) <= refine.LEAP:
        start = refine.leap(work, seed.members)
        wide, spot = refine.improve(work, start, equal=EQUAL, limit=PUBLIC * len(start))
        if not np.array_equal(wide, crew):
            made += _parts(work, wide, spot, seed, config)
    return made


def _parts(work: Bench, members: I32, spot: Spot, seed: Seed, config: Config) -> list[Caught]:
    parts = [members]
    if spot.net > KEPT:
        parts = refine.split(work, members, spot, config.seed)
    spots = [spot] if len(parts) == 1 else [refine.best(work, part) for part in parts]
    return [
        Caught(part, at.net, at.log_e, seed.searches) for part, at in zip(parts, spots, strict=True)
    ]


def overlap(a: I32, b: I32) -> tuple[float, float]:
    """Jaccard index of two sets of accounts, and the share of a that lies in b."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both), both / len(a)


def _covered(seed: Seed, done: Sequence[Caught], homes: Mapping[int, Sequence[int]]) -> bool:
    each = seed.log_e / len(seed.members)
    shared = Counter(g for a in seed.members.tolist() for g in homes.get(a, ()))
    return any(
        n >= COVERED * len(seed.members)
        and (
            len(done[g].members) <= WIDER * len(seed.members)
            or each < DENSER * done[g].log_e / len(done[g].members)
        )
        for g, n in shared.items()
    )


def _distinct(ranked: Sequence[Caught]) -> list[Caught]:
    """Without what a stronger group nearly is, or holds and is denser than."""
    kept: list[Caught] = []
    homes: dict[int, list[int]] = {}
    for caught in ranked:
        size = len(caught.members)
        shared = Counter(g for a in caught.members.tolist() for g in homes.get(a, ()))
        if any(
            n >= ALIKE * (size + len(kept[g].members) - n)
            or (n >= WITHIN * size and caught.log_e / size < kept[g].log_e / len(kept[g].members))
            for g, n in shared.items()
        ):
            continue
        for account in caught.members.tolist():
            homes.setdefault(account, []).append(len(kept))
        kept.append(caught)
    return kept


def _merge(
    work: Bench, ranked: list[Caught], graphs: Sequence[tuple[str, WeakGraph]]
) -> list[Caught]:
    """Join, round by round, groups that weak edges connect and that are better told as one."""
    everything, current = list(ranked), list(ranked)
    for _ in range(MERGES):
        used: set[int] = set()
        made: list[Caught] = []
        for i, j in _connected(work.n_accounts, current, graphs):
            if i in used or j in used:
                continue
            both = _joined(work, current[i], current[j])
            if both is not None:
                used |= {i, j}
                made.append(both)
        if not made:
            break
        everything += made
        current = _distinct(_strongest_first(made + current))
    return _strongest_first(everything)


def _strongest_first(groups: Sequence[Caught]) -> list[Caught]:
    return sorted(groups, key=lambda c: (-c.net, c.members.tolist()))


def _connected(
    n_accounts: int, ranked: Sequence[Caught], graphs: Sequence[tuple[str, WeakGraph]]
) -> list[tuple[int, int]]:
    """Pairs of groups with two weak edges between them or more, the strongest first."""
    inside = np.zeros(n_accounts, np.int32)  # 1 + the strongest group an account is in
    for i in range(len(ranked) - 1, -1, -1):
        inside[ranked[i].members] = i + 1
    pairs: set[tuple[int, int]] = set()
    for _, graph in graphs:
        a, b = inside[graph.left], inside[graph.right]
        met = (a > 0) & (b > 0) & (a != b)
        low, high = np.minimum(a[met], b[met]) - 1, np.maximum(a[met], b[met]) - 1
        keys, edges = np.unique(low.astype(np.int64) << 32 | high, return_counts=True)
        pairs.update((int(k >> 32), int(k & 0xFFFFFFFF)) for k in keys[edges >= 2])
    return sorted(pairs)


def _joined(work: Bench, one: Caught, two: Caught) -> Caught | None:
    rest = np.setdiff1d(two.members, one.members)
    if not len(rest) or not refine.one_not_two(work, one.members, rest):
        return None
    union = np.union1d(one.members, rest)
    both, spot = refine.improve(work, union, equal=EQUAL, limit=2 * len(union))
    if spot.net <= max(one.net, two.net):
        return None
    searches = one.searches + tuple(s for s in two.searches if s not in one.searches)
    return Caught(both, spot.net, spot.log_e, searches)
