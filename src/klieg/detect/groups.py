"""Groups that stand: sets of accounts whose joint acts no search over all sets explains by chance.

Hunts through every layer, with interest pools and without, and through each half of the acts; what
they catch is weighed over all layers, windows, offsets and ω, and stands if s_G ≥ 1/false_alarms
(``tickets``).
Proves shared behaviour beyond chance and shared pools, and nothing about why: clocks, look-alikes
and classes are for others to judge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import bursts, court, halves, hunt, joining, tickets
from klieg.detect.candidates import fans
from klieg.detect.hunt import Caught, overlap
from klieg.detect.parallel import spread, threads
from klieg.sockets import silent
from klieg.tables import Crowd, Group, WeakGraph

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.detect.bursts import Tilings
    from klieg.detect.court import Weighed
    from klieg.detect.halves import Held
    from klieg.detect.tickets import Hall, Score
    from klieg.sockets import Engine, Progress
    from klieg.tables import F64, I32, Layer, Network, Strata

__all__ = ["FLAT", "FOCUSED", "search", "stands_flat_only"]

FLAT = ", no interest"
"""Ends the name of a search in pools without interest."""

FOCUSED = ", one target"
"""Ends the name of a search among pairs that the evidence cap hides."""

SAME = 0.5
"""Jaccard index from which two groups are one finding."""

WITHIN = 0.8
"""Part of a group inside a stronger one from which it is the same finding …"""

DENSER = 1.75
"""… unless its ρ* is so many times the stronger one's: a crew inside a community."""

CROWD = ", crowd"
"""Ends the name of a search that began with the bursts of hundreds, not with pairs."""

NEARLY = -60.0
"""Net in nats from which a set that does not stand is asked again without those that do."""

Ranked = tuple[list["Weighed"], tuple[str, ...]]

Plan = tuple["Tilings", list[tuple[str, WeakGraph]], list[tuple[str, Crowd]]]


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
    plain = [network.flat.get(name, x.strata) for name, x in zip(names, layers, strict=True)]

    def cut(pair: tuple[Layer, Strata]) -> tuple[Tilings, Tilings]:
        tilings = bursts.prepare(pair[0].actions, pair[0].strata, config, engine)
        same = _alike(tilings.strata, pair[1])
        return tilings, tilings if same else bursts.repool(tilings, pair[1])

    both = list(
        spread(cut, list(zip(layers, plain, strict=True)), config, size=lambda p: p[0].actions.n)
    )
    interest, flat = [t for t, _ in both], [t for _, t in both]
    caught = _hunts(network, names, interest, flat, config, engine, progress)
    kinds = [interest] if all(map(_same, interest, flat)) else [interest, flat]
    pools = [[t.strata for t in kind] for kind in kinds]
    held = halves.search([layer.actions for layer in layers], pools, config, engine, progress)
    if held is not None:
        for sets, searches in zip(held.found, held.searches, strict=True):
            caught += [
                Caught(m, -math.inf, -math.inf, s) for m, s in zip(sets, searches, strict=True)
            ]
    progress("groups: test", 0, len(caught))
    ranked = _ranked(caught, workers := _workers(names, kinds, held, n_accounts, config))
    found = _judge(ranked, workers, config, progress)
    rest = _rest(ranked, found)
    if not rest:
        return found
    kinds = [_without(kind, found, config, engine) for kind in kinds]
    workers = _workers(names, kinds, None, n_accounts, config, again=True)
    more = _judge(_ranked(rest, workers), workers, config, progress)
    more = tuple(replace(g, stability={**g.stability, "second_pass": 1}) for g in more)
    return tuple(sorted((*found, *more), key=lambda g: (-g.net, g.members.tolist())))


def stands_flat_only(group: Group) -> bool:
    """Whether the group stands only against pools without interest: it must pass the clock."""
    return group.stability["stands_with_interest"] == 0


def _workers(
    names: Sequence[str],
    kinds: Sequence[Sequence[Tilings]],
    held: Held | None,
    n_accounts: int,
    config: Config,
    *,
    again: bool = False,
) -> list[Hall]:
    workers = range(threads(config))
    return [tickets.opened(names, kinds, held, n_accounts, again=again) for _ in workers]


def _rest(ranked: Sequence[Ranked], found: Sequence[Group]) -> list[Caught]:
    """What nearly stood, without the accounts of what does: to be asked again in their absence."""
    if not found:
        return []
    gone = np.unique(np.concatenate([g.members for g in found]))
    rest = []
    for weighed, searches in ranked:
        members = np.setdiff1d(weighed[0].members, gone, assume_unique=True)
        near = max(w.net for w in weighed) > NEARLY
        if near and len(members) >= max(3, WITHIN * len(weighed[0].members)):
            rest.append(Caught(members, -math.inf, -math.inf, searches))
    return rest


def _without(
    tilings: Sequence[Tilings], found: Sequence[Group], config: Config, engine: Engine
) -> list[Tilings]:
    """The same layers and pools, the acts of what stands taken out."""
    gone = np.zeros(max(t.n_accounts for t in tilings), np.bool_)
    for group in found:
        gone[group.members] = True

    def cut(old: Tilings) -> Tilings:
        kept = halves.rows(old.actions, np.flatnonzero(~gone[old.actions.account]))
        return bursts.prepare(kept, old.strata, config, engine)

    return list(spread(cut, list(tilings), config, size=lambda t: t.actions.n))


def _alike(a: Strata, b: Strata) -> bool:
    """Whether two kinds of pools are the same partition of the objects."""
    both = a.object_stratum.astype(np.int64) * max(b.size, 1) + b.object_stratum
    kinds = len(np.unique(both))
    return len(np.unique(a.object_stratum)) == kinds == len(np.unique(b.object_stratum))


def _same(a: Tilings, b: Tilings) -> bool:
    return a is b


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
    hidden = spread(
        lambda tilings: fans(tilings.actions, config, engine),
        interest,
        config,
        size=lambda t: t.actions.n,
    )
    plans: list[Plan] = []
    for name, pools, plain, found in zip(names, interest, flat, hidden, strict=True):
        massed = _massed(network, name)
        plans.append((pools, _named(network.weak, name, True), massed))
        if plain is not pools:
            flat_too = [(f"{told}{FLAT}", crowd) for told, crowd in massed]
            plans.append((plain, _named(network.weak, name, False), flat_too))
        plans.append((pools, [(f"{name} {g.window} s{FOCUSED}", g) for g in found], []))
    progress("groups: search", 0, len(plans))
    caught: list[Caught] = []
    jobs = spread(
        lambda plan: hunt.run(plan[0], plan[1], config, plan[2]), plans, config, size=_work
    )
    for i, more in enumerate(jobs):
        progress("groups: search", i + 1, len(plans))
        caught += more
    # a crowd is tested as it is, too: the search goes by what small groups are weighed by
    for name in names:
        caught += [Caught(c.members, 0.0, 0.0, (told,)) for told, c in _massed(network, name)]
    return caught


def _massed(network: Network, layer: str) -> list[tuple[str, Crowd]]:
    """The crowds of a layer that met more than once, each with the name of its search."""
    return [
        (f"{layer} {c.window} s{CROWD}", c)
        for c in network.crowds
        if c.layer == layer and c.objects >= 2
    ]


def _work(plan: Plan) -> float:
    """What a hunt will cost, roughly: its weak edges, in a layer of so many acts."""
    tilings, graphs, massed = plan
    edges = sum(len(graph.left) for _, graph in graphs)
    return float(tilings.actions.n) * (edges + sum(len(crowd.members) for _, crowd in massed))


def _named(graphs: Sequence[WeakGraph], layer: str, interest: bool) -> list[tuple[str, WeakGraph]]:
    return [
        (f"{layer} {g.window} s{'' if interest else FLAT}", g)
        for g in graphs
        if g.layer == layer and g.interest == interest
    ]


def _ranked(caught: Sequence[Caught], workers: Sequence[Hall]) -> list[Ranked]:
    """Distinct sets, weighed against every kind of pools, by their larger score; where found."""
    places: dict[bytes, tuple[I32, list[str]]] = {}
    for c in caught:
        members = np.sort(c.members).astype(np.int32)
        known = places.setdefault(members.tobytes(), (members, []))[1]
        known.extend(s for s in c.searches if s not in known)
    distinct = list(places.values())

    def share(worker: int) -> list[tuple[list[Weighed], float]]:
        mine = distinct[worker :: len(workers)]
        return [_weighed(workers[worker], members) for members, _ in mine]

    with ThreadPoolExecutor(len(workers)) as pool:
        shares = list(pool.map(share, range(len(workers))))
    weighed = [shares[i % len(workers)][i // len(workers)] for i in range(len(distinct))]
    order = sorted(range(len(distinct)), key=lambda i: (-weighed[i][1], distinct[i][0].tolist()))
    return [(weighed[i][0], tuple(distinct[i][1])) for i in order]


def _weighed(hall: Hall, members: I32) -> tuple[list[Weighed], float]:
    each = [court.weigh(here, members) for here in hall.whole]
    return each, max(tickets.quick(hall, kind, w).log_s for kind, w in enumerate(each))


def _judge(
    ranked: Sequence[Ranked],
    workers: Sequence[Hall],
    config: Config,
    progress: Progress,
) -> tuple[Group, ...]:
    """Test what was caught, strongest first, and describe what stands."""
    found: list[Group] = []
    places: list[list[str]] = []  # of each group found: the searches that came upon it
    tested: dict[int, Group | None] = {}
    with ThreadPoolExecutor(len(workers)) as pool:
        for i, (weighed, searches) in enumerate(ranked):
            progress("groups: test", i, len(ranked))
            if _noted(weighed[0].members, searches, found, places):
                continue
            if i not in tested:
                batch = [i, *_next(ranked, i, found, tested, len(workers) - 1)]
                jobs = [
                    pool.submit(_tested, hall, ranked[j][0], config)
                    for j, hall in zip(batch, workers, strict=False)
                ]
                tested.update({j: job.result() for j, job in zip(batch, jobs, strict=True)})
            group = tested.pop(i)
            if group is None or _noted(group.members, searches, found, places):
                continue
            if not _inside(group, found):
                found.append(group)
                places.append(list(searches))
    whole = [_located(g, p, config) for g, p in zip(found, places, strict=True)]
    return tuple(sorted(whole, key=lambda g: (-g.net, g.members.tolist())))


def _next(
    ranked: Sequence[Ranked],
    turn: int,
    found: Sequence[Group],
    tested: Mapping[int, Group | None],
    most: int,
) -> list[int]:
    """Candidates whose turn will come whatever this one turns out to be, as far as can be seen.

    They are tested beside it; the answers are read in their turn, so nothing depends on threads.
    """
    batch = [ranked[turn][0][0].members]
    chosen: list[int] = []
    for j in range(turn + 1, len(ranked)):
        if len(chosen) == most:
            break
        members = ranked[j][0][0].members
        known = [*batch, *(g.members for g in found)]
        if j not in tested and all(overlap(members, k)[0] < SAME for k in known):
            batch.append(members)
            chosen.append(j)
    return chosen


def _noted(
    members: I32, searches: Sequence[str], found: Sequence[Group], places: Sequence[list[str]]
) -> bool:
    """Whether this is a group already found; if so, this search found it too."""
    for group, known in zip(found, places, strict=True):
        if overlap(members, group.members)[0] >= SAME:
            known.extend(s for s in searches if s not in known)
            return True
    return False


def _located(group: Group, searches: Sequence[str], config: Config) -> Group:
    """The group with all searches that came upon it, and in how many windows they looked."""
    windows = {search.split(",")[0].split()[-2] for search in searches}
    stability = {
        **group.stability,
        "windows_searched": len(config.windows_s),
        "windows_found": len(windows),
        "searches_found": len(searches),
    }
    return replace(group, found_in=tuple(searches), stability=stability)


def _inside(group: Group, found: Sequence[Group]) -> bool:
    return any(
        overlap(group.members, g.members)[1] >= WITHIN and group.rho_coarse < DENSER * g.rho_coarse
        for g in found
    )


def _tested(hall: Hall, weighed: Sequence[Weighed], config: Config) -> Group | None:
    """The group as it stands against the first pools in which it does; None if in none.

    Pruned by all acts; a set found on one half that would not stand so stands as it was found.
    """
    bar = -math.log(config.false_alarms)
    for kind, here in enumerate(hall.whole):
        if weighed[kind].net < bar - 1:
            continue
        pruned, drops = court.prune(here, weighed[kind])
        if _enough(hall, kind, pruned, config):
            final = court.exact(here, pruned)
            score = tickets.score(hall, kind, final)
            if score.log_s >= bar:
                return _described(hall, kind, final, score, drops, bar)
    if any(weighed[0].members.tobytes() in turn for turn in hall.turn):
        for kind, here in enumerate(hall.whole):
            score = tickets.score(hall, kind, weighed[kind])
            if score.log_s >= bar and _enough(hall, kind, weighed[kind], config):
                final = court.exact(here, weighed[kind])
                return _described(hall, kind, final, score, court.drops(here, final), bar)
    return None


def _enough(hall: Hall, kind: int, group: Weighed, config: Config) -> bool:
    """Three accounts and as many joint acts as a finding needs."""
    return len(group.members) >= 3 and (
        court.joint_acts(hall.whole[kind], group) >= config.min_actions
    )


def _described(
    hall: Hall, kind: int, group: Weighed, score: Score, drops: F64, bar: float
) -> Group:
    here = hall.whole[kind]
    layer, window, offset = court.place(here, group)
    each = {n: bursts.log_mean_exp(c) for n, c in zip(here.names, group.cells, strict=True)}
    last = len(hall.whole) - 1
    flat = kind == last or (
        tickets.score(
            hall, last, court.exact(hall.whole[last], court.weigh(hall.whole[last], group.members))
        ).log_s
        >= bar
    )
    alike = tickets.siblings(hall, group.members, SAME)
    others, gained = joining.joined(
        here.tilings[layer], group.members, window, offset, here.n_accounts, math.exp(-bar)
    )
    members = np.concatenate([group.members, others])
    order = np.argsort(members, kind="stable")
    return Group(
        members=members[order],
        layer=here.names[layer],
        window=window,
        offset=offset,
        net=score.log_s,
        log_e=group.log_e,
        by_layer=each,
        drops=np.concatenate([drops, gained])[order],
        rho=tickets.rho(hall, kind, group, score, bar),
        rho_coarse=tickets.rho(hall, kind, group, score, bar, coarse=True),
        found_in=(),
        stability={
            "stands_with_interest": int(kind == 0),
            "stands_without_interest": int(flat),
            "stands_held_out": int(score.ticket != tickets.WHOLE),
            "halves_searched": 2 * int(hall.held is not None),
            "halves_found": sum(a is not None for a in alike),
        },
        halves=alike,
        held_out=score.ticket if score.whole < bar else tickets.WHOLE,
    )
