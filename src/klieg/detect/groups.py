"""Groups that stand: sets of accounts whose joint acts no search over all sets explains by chance.

Hunts through every layer, with interest pools and without; what they catch is weighed by the
engine over all layers, windows, offsets and ω, and stands if ln e_G + ln π(G) ≥ ln(1/false_alarms).
Proves shared behaviour beyond chance and shared pools, and nothing about why: clocks, look-alikes
and classes are for others to judge.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import bursts, hunt, refine
from klieg.detect.bursts import OFFSETS, Tilings
from klieg.detect.candidates import fans
from klieg.detect.hunt import Caught, overlap
from klieg.sockets import silent
from klieg.tables import Group, WeakGraph

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.refine import Bench
    from klieg.sockets import Engine, Progress
    from klieg.tables import F64, I32, Network

__all__ = ["FLAT", "search", "stands_flat_only"]

FLAT = ", no interest"
"""Ends the name of a search, or of a test, against pools without interest."""

NEAR = 30.0
"""Nats below the strongest cell from which a cell moves no digit of a mean of e-values."""

SAME = 0.5
"""Jaccard index from which two groups are one finding."""

WITHIN = 0.8
"""Part of a group inside a stronger one from which it is the same finding."""


@dataclass(frozen=True, slots=True)
class Court:
    """All layers of a run against one kind of pools, ready to weigh any group."""

    names: tuple[str, ...]
    tilings: tuple[Tilings, ...]
    work: tuple[Bench, ...]
    n_accounts: int


def search(
    network: Network,
    n_accounts: int,
    config: Config,
    engine: Engine,
    progress: Progress = silent,
) -> tuple[Group, ...]:
    """Every group that stands, strongest first, no two of them alike.

    Three accounts or more, ``min_actions`` joint acts or more, pruned. A group that stands only
    against pools without interest is kept, and ``stands_flat_only`` says so.
    """
    names = tuple(name for name, layer in network.layers.items() if layer.actions.n)
    if not names or n_accounts < 3:
        return ()
    progress("groups: bursts", 0, len(names))
    layers = [network.layers[name] for name in names]
    interest = [bursts.prepare(x.actions, x.strata, config, engine) for x in layers]
    flat = [
        bursts.repool(t, network.flat.get(name, t.strata))
        for name, t in zip(names, interest, strict=True)
    ]
    caught = _hunts(network, names, interest, flat, config, engine, progress)
    progress("groups: test", 0, len(caught))
    courts = (_court(names, interest, n_accounts), _court(names, flat, n_accounts))
    return _judge(caught, courts, network, config, progress)


def stands_flat_only(group: Group) -> bool:
    """Whether the group stands only against pools without interest: it must pass the clock."""
    return group.stability["stands_with_interest"] == 0


def _court(names: tuple[str, ...], tilings: Sequence[Tilings], n_accounts: int) -> Court:
    work = tuple(refine.bench(t.lattice, t.n_accounts) for t in tilings)
    return Court(names, tuple(tilings), work, n_accounts)


def _hunts(
    network: Network,
    names: tuple[str, ...],
    interest: Sequence[Tilings],
    flat: Sequence[Tilings],
    config: Config,
    engine: Engine,
    progress: Progress,
) -> list[Caught]:
    """Every layer's hunts, in threads; the order of the answers is the order of the hunts."""
    plans: list[tuple[Tilings, list[tuple[str, WeakGraph]]]] = []
    for name, pools, plain in zip(names, interest, flat, strict=True):
        for with_interest, tilings in ((True, pools), (False, plain)):
            plans.append((tilings, _named(network.weak, name, with_interest)))
        hidden = fans(pools.actions, config, engine)
        plans.append((pools, [(f"{name} {g.window} s, one target", g) for g in hidden]))
    with ThreadPoolExecutor(config.threads or os.cpu_count() or 1) as pool:
        found: list[Caught] = []
        jobs = pool.map(lambda plan: hunt.run(plan[0], plan[1], config), plans)
        for i, caught in enumerate(jobs):
            progress("groups: search", i + 1, len(plans))
            found += caught
    return found


def _named(graphs: Sequence[WeakGraph], layer: str, interest: bool) -> list[tuple[str, WeakGraph]]:
    return [
        (f"{layer} {g.window} s{'' if interest else FLAT}", g)
        for g in graphs
        if g.layer == layer and g.interest == interest
    ]


def _judge(
    caught: Sequence[Caught],
    courts: tuple[Court, Court],
    network: Network,
    config: Config,
    progress: Progress,
) -> tuple[Group, ...]:
    """Test what was caught, strongest first, and describe what stands."""
    bar = -math.log(config.false_alarms)
    ranked = _ranked(caught, courts)
    kept: list[tuple[I32, int, tuple[str, ...]]] = []
    for i, (_, members, searches) in enumerate(ranked):
        progress("groups: test", i, len(ranked))
        if _known(members, [k[0] for k in kept]):
            continue
        tested = _stand(courts, members, bar, config)
        if tested is None or _known(tested[0], [k[0] for k in kept]):
            continue
        kept.append((*tested, searches))
    found = [_describe(*k, courts, network, bar) for k in kept]
    return tuple(sorted(found, key=lambda g: (-g.net, g.members.tolist())))


def _ranked(
    caught: Sequence[Caught], courts: tuple[Court, Court]
) -> list[tuple[float, I32, tuple[str, ...]]]:
    """Distinct sets by their approximate net over all layers, with where each was found."""
    places: dict[bytes, tuple[I32, list[str]]] = {}
    for c in caught:
        members = np.sort(c.members).astype(np.int32)
        known = places.setdefault(members.tobytes(), (members, []))[1]
        known.extend(s for s in c.searches if s not in known)
    ranked = [
        (max(_rough(court, members) for court in courts), members, tuple(searches))
        for members, searches in places.values()
    ]
    return sorted(ranked, key=lambda r: (-r[0], r[1].tolist()))


def _known(members: I32, kept: Sequence[I32]) -> bool:
    return any(
        jaccard >= SAME or part >= WITHIN
        for jaccard, part in (overlap(members, other) for other in kept)
    )


def _stand(
    courts: tuple[Court, Court], members: I32, bar: float, config: Config
) -> tuple[I32, int] | None:
    """The pruned members and the court (0 with interest, 1 without) in which they stand."""
    for i, court in enumerate(courts):
        if _rough(court, members) < bar - 1:
            continue
        pruned = _pruned(court, members)
        joint = _joint_acts(court, pruned)
        if len(pruned) >= 3 and joint >= config.min_actions and _net(court, pruned) >= bar:
            return pruned, i
    return None


def _cells(court: Court, groups: list[I32], *, inflation: float = 1.0) -> F64:
    """(G, layers, tilings, Ω) approximate log evidence."""
    each = [refine.weigh(work, groups, inflation=inflation) for work in court.work]
    return np.asarray(np.stack(each, axis=1))


def _rough(court: Court, members: I32) -> float:
    return _net_of(court, _cells(court, [members])[0], len(members))


def _net_of(court: Court, cells: F64, size: int) -> float:
    return bursts.log_mean_exp(cells) - bursts.price(court.n_accounts, size)


def _exact(court: Court, members: I32) -> F64:
    """(layers, tilings, Ω) log evidence: the engine's wherever it moves the mean."""
    cells = _cells(court, [members])[0]
    near = cells.max(axis=2) > cells.max() - NEAR
    for layer in range(len(court.names)):
        at = np.flatnonzero(near[layer])
        if len(at):
            cells[layer, at] = bursts.log_evidence_at(court.tilings[layer], members, at)
    return np.asarray(cells)


def _net(court: Court, members: I32) -> float:
    return _net_of(court, _exact(court, members), len(members))


def _without(court: Court, members: I32) -> tuple[float, F64]:
    """Approximate net, and net without each member."""
    rest = [np.delete(members, i) for i in range(len(members))]
    cells = _cells(court, [members])[0]
    near = cells.max(axis=2) > cells.max() - NEAR
    left = np.full((len(rest), *cells.shape), -np.inf)
    for layer, work in enumerate(court.work):
        at = np.flatnonzero(near[layer])
        if len(at):
            left[:, layer, at] = refine.weigh(work, rest, at)
    size = len(members) - 1
    nets = np.array([_net_of(court, c, size) for c in left])
    return _net_of(court, cells, len(members)), nets


def _pruned(court: Court, members: I32) -> I32:
    """Take out, one at a time, whoever net over all layers is better without."""
    while len(members) > 3:
        whole, without = _without(court, members)
        worst = int(without.argmax())
        if without[worst] <= whole:
            break
        members = np.delete(members, worst)
    return members


def _strongest(cells: F64) -> tuple[int, int]:
    layer, tiling, _ = np.unravel_index(int(cells.argmax()), cells.shape)
    return int(layer), int(tiling)


def _joint_acts(court: Court, members: I32) -> int:
    """Bursts of the strongest tiling that hold two members or more."""
    layer, t = _strongest(_cells(court, [members])[0])
    tilings = court.tilings[layer]
    window, offset = tilings.windows[t // len(OFFSETS)], OFFSETS[t % len(OFFSETS)]
    return int((bursts.terms(tilings, members, window, offset).k >= 2).sum())


def _describe(
    members: I32,
    which: int,
    searches: tuple[str, ...],
    courts: tuple[Court, Court],
    network: Network,
    bar: float,
) -> Group:
    court = courts[which]
    cells = _exact(court, members)
    layer, t = _strongest(cells)
    log_e = bursts.log_mean_exp(cells)
    rough, without = _without(court, members)
    return Group(
        members=members,
        layer=court.names[layer],
        window=court.tilings[layer].windows[t // len(OFFSETS)],
        offset=OFFSETS[t % len(OFFSETS)],
        net=log_e - bursts.price(court.n_accounts, len(members)),
        log_e=log_e,
        by_layer={n: bursts.log_mean_exp(c) for n, c in zip(court.names, cells, strict=True)},
        drops=rough - without,
        rho=_rho(court, members, bar),
        found_in=searches,
        stability={
            "stands_with_interest": int(which == 0),
            "stands_without_interest": int(which == 1 or _net(courts[1], members) >= bar),
        },
    )


def _rho(court: Court, members: I32, bar: float) -> float:
    """The largest factor on every expected count at which the group still stands."""
    low, high = 0.0, math.log(1e6)
    for _ in range(18):
        middle = (low + high) / 2
        cells = _cells(court, [members], inflation=math.exp(middle))[0]
        if _net_of(court, cells, len(members)) >= bar:
            low = middle
        else:
            high = middle
    return math.exp(low)
