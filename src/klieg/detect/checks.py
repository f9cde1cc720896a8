"""The null checked twice more, on whoever stands in no group: hours kept (H), times moved (T).

The shuffle S (``network``) moves labels inside the pools and takes every account. A crew that owns
its hour is its own chance under H, and one that shares its things shares them under T on whatever
day it acts, so both would tell of the crew and not of the null: standing groups are taken out
first, and the rest is measured anew. All three count what passes the same threshold, down the same
path. The room sets no threshold and decides nothing: these figures are printed beside the findings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klieg import memory
from klieg.detect import error_control, halves, scoring, sifting
from klieg.detect.interest import DAY
from klieg.detect.parallel import spread
from klieg.detect.shuffle import shift, shuffle_by_hour
from klieg.tables import MULTIPLEX, Network, ShuffleStat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.config import Config
    from klieg.detect.scoring import Measured
    from klieg.sockets import Engine, Progress
    from klieg.tables import Actions, Bool, Group, Layer, Strata

__all__ = ["beside_groups", "level"]

UNTIMED = ("synchrony",)
"""Layers whose objects are stretches of time: to move an act in time is to move it off its object,
and T has nothing to say."""

DAYS = 3
"""Days that data must span: on a ring of fewer most acts would stay on their day under T."""


def beside_groups(
    network: Network,
    groups: Sequence[Group],
    config: Config,
    engine: Engine,
    progress: Progress,
) -> Network:
    """The network with H and T, as far as ``config.shuffle_kinds`` asks, in each layer's stat.

    MULTIPLEX, which repeats the others' acts and validates nothing, is left as it is.
    """
    kinds = [kind for kind in config.shuffle_kinds if kind != "S"]
    names = [n for n, x in network.layers.items() if n != MULTIPLEX and x.actions.n]
    if not (kinds and config.shuffles and names):
        return network
    floor = level(network, config)

    def check(name: str) -> tuple[ShuffleStat, ...]:
        layer = network.layers[name]
        gone = np.zeros(layer.actions.n_accounts, np.bool_)
        for group in groups:
            gone[group.members] = True
        plain = network.flat.get(name, layer.strata)
        turn = list(network.layers).index(name)
        return _checked(layer, plain, gone, kinds, turn, floor, config, engine)

    progress("shuffles beside groups", 0, len(names))
    alone = replace(config, threads=1) if memory.size_of(config.memory) is not None else config
    told = spread(check, names, alone, size=lambda n: network.layers[n].actions.n)
    layers = dict(network.layers)
    for i, (name, stats) in enumerate(zip(names, told, strict=True)):
        progress("shuffles beside groups", i, len(names))
        layers[name] = replace(layers[name], stat=replace(layers[name].stat, other_shuffles=stats))
    return replace(network, layers=layers)


def level(network: Network, config: Config) -> float:
    """The p up to which pairs of a shuffle are counted: the data's threshold, and no less than
    what a single rejection is asked for, so that a shuffle is never untested."""
    stats = [x.stat for name, x in network.layers.items() if name != MULTIPLEX]
    every = sum(stat.pairs for stat in stats)
    return max([config.false_alarms / max(every, 1), *(stat.threshold for stat in stats)])


def _checked(
    layer: Layer,
    plain: Strata,
    gone: Bool,
    kinds: Sequence[str],
    turn: int,
    floor: float,
    config: Config,
    engine: Engine,
) -> tuple[ShuffleStat, ...]:
    """H and T of one layer without the accounts that are ``gone``."""
    rest, pools = _without(layer.actions, gone), layer.strata
    known = scoring.measured(rest, pools, config, engine, plain=plain)
    kept = layer.scored.validated
    edges = layer.scored.edges
    beside = kept & ~gone[edges.left] & ~gone[edges.right]
    told = []
    for kind in kinds:
        if kind == "T" and (layer.actions.signal in UNTIMED or not _spans_days(layer.actions)):
            continue
        runs = []
        for run in range(config.shuffles):
            seed = ((config.seed * 1009 + run) * 101 + turn) * 3 + "SHT".index(kind)
            moved, real = _moved(kind, rest, pools, known, seed)
            runs.append(
                sifting.tally(
                    moved,
                    pools,
                    real,
                    floor,
                    config,
                    engine,
                    again=layer.stat.second_added > 0,
                    plain=plain,
                )
            )
        tails = [error_control.tail_ratio(found.tail, found.pairs) for found in runs]
        told.append(
            ShuffleStat(
                kind=kind,
                removed=int(np.count_nonzero(gone)),
                pairs=runs[0].pairs,
                real=int(np.count_nonzero(beside)),
                validated=tuple(found.below for found in runs),
                weak=tuple(found.weak for found in runs),
                tail=tuple(float(t) for t in np.mean(tails, axis=0)),
            )
        )
    return tuple(told)


def _spans_days(actions: Actions) -> bool:
    return int(np.ptp(actions.time)) >= DAYS * DAY


def _without(actions: Actions, gone: Bool) -> Actions:
    if not gone.any():
        return actions
    return halves.rows(actions, np.flatnonzero(~gone[actions.account]))


def _moved(
    kind: str, rest: Actions, pools: Strata, known: Measured, seed: int
) -> tuple[Actions, Measured | None]:
    """The shuffle, and what was measured of the data that still holds of it."""
    if kind == "H":
        return shuffle_by_hour(rest, pools, seed), known
    return shift(rest, seed), None
