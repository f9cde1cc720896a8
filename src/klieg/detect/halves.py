"""The acts of every other day: what a search finds on one half of them, the other half tests.

A search over everything must pay for every group there is. A search that saw only half of the acts
pays, on the other half, only for the few sets it handed over. Acts are parted by the parity of
their day, so one post's acts in several layers stay together, and pools are refined by half. The
search uses pools without interest: those with it are learnt from the days that test. The room
knows neither what stands nor what a group is called.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import bursts, hunt, sifting
from klieg.detect.interest import DAY, week_start
from klieg.detect.parallel import spread
from klieg.engine.compiled import column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.config import Config
    from klieg.detect.bursts import Tilings
    from klieg.sockets import Engine, Progress
    from klieg.tables import I32, I64, U8, Actions, Strata

__all__ = ["NAMES", "Held", "Parting", "part", "parting", "rows", "search"]

NAMES = "first half", "second half"

PERIODS = (DAY, DAY // 4, DAY // 24)
"""Microseconds after which the halves take turns: data of a day or two are cut finer."""

LEAST = 0.3
"""Share of the acts that the smaller half must hold."""

MOST = 200
"""Sets that a half hands over at most: each is paid for by all of them."""

KEPT = -60.0
"""Net in nats, of half of the evidence, from which a set is handed over."""


@dataclass(frozen=True, slots=True)
class Parting:
    """Which half an act belongs to."""

    origin: int  # µs: the Monday 00:00 UTC at or before the first act
    period: int  # µs

    def of(self, time: I64) -> U8:
        """0 or 1 for each time (µs)."""
        return ((time - self.origin) // self.period % 2).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Held:
    """What was found on each half, and the other half to test it on."""

    parting: Parting
    found: tuple[tuple[I32, ...], tuple[I32, ...]]  # sets found on each half, strongest first
    searches: tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]  # where, of each
    tilings: tuple[tuple[tuple[Tilings, ...], ...], ...]  # [half][kind of pools][layer]


def parting(layers: Sequence[Actions]) -> Parting | None:
    """How to part these layers' acts; None where no period leaves enough on both sides."""
    times = [column(layer.time, np.int64, "time") for layer in layers if layer.n]
    if not times:
        return None
    origin = week_start(min(int(time[0]) for time in times))
    for period in PERIODS:
        how = Parting(origin, period)
        second = sum(int(np.count_nonzero(how.of(time))) for time in times)
        share = second / sum(map(len, times))
        if min(share, 1 - share) >= LEAST:
            return how
    return None


def part(actions: Actions, how: Parting, half: int) -> Actions:
    """The acts of one half; objects and accounts keep their numbers."""
    return rows(actions, np.flatnonzero(how.of(actions.time) == half))


def rows(actions: Actions, kept: I64) -> Actions:
    """Some of a layer's acts; objects and accounts keep their numbers."""
    return replace(
        actions,
        account=actions.account[kept],
        object=actions.object[kept],
        time=actions.time[kept],
        post=actions.post[kept],
        target=actions.target[kept],
    )


def search(
    layers: Sequence[Actions],
    pools: Sequence[Sequence[Strata]],
    config: Config,
    engine: Engine,
    progress: Progress,
) -> Held | None:
    """Search each half of the acts by itself; ``pools``: kinds of pools, of each layer, flat last.

    None where the acts cannot be parted.
    """
    how = parting(layers)
    if how is None:
        return None
    jobs = [(half, i) for half in (0, 1) for i in range(len(layers))]

    def work(job: tuple[int, int]) -> tuple[tuple[Tilings, ...], list[hunt.Caught]]:
        half, i = job
        own = part(layers[i], how, half)
        flat = bursts.prepare(own, pools[-1][i], config, engine)
        graphs = sifting.glance(own, pools[-1][i], config, engine)
        named = [(f"{own.signal} {g.window} s, {NAMES[half]}", g) for g in graphs]
        caught = hunt.run(flat, named, config, kept=KEPT)
        return (*(bursts.repool(flat, kind[i]) for kind in pools[:-1]), flat), caught

    progress("groups: halves", 0, len(jobs))
    done = []
    for i, answer in enumerate(spread(work, jobs, config, size=lambda j: layers[j[1]].n)):
        progress("groups: halves", i + 1, len(jobs))
        done.append(answer)
    tilings, found, searches = [], [], []
    for half in (0, 1):
        mine = done[half * len(layers) : (half + 1) * len(layers)]
        tilings.append(tuple(tuple(t[k] for t, _ in mine) for k in range(len(pools))))
        sets = _handed([c for _, caught in mine for c in caught])
        found.append(tuple(sets))
        searches.append(tuple(sets.values()))
    sets_of = tuple(tuple(np.frombuffer(key, np.int32) for key in half) for half in found)
    return Held(how, (sets_of[0], sets_of[1]), (searches[0], searches[1]), tuple(tilings))


def _handed(caught: Sequence[hunt.Caught]) -> Mapping[bytes, tuple[str, ...]]:
    """Distinct sets of three or more, strongest first, with the searches that found each."""
    sets: dict[bytes, tuple[str, ...]] = {}
    for c in sorted(caught, key=lambda c: (-c.net, c.members.tolist())):
        key = np.sort(c.members).astype(np.int32).tobytes()
        sets[key] = tuple(dict.fromkeys((*sets.get(key, ()), *c.searches)))
    return dict(list(sets.items())[:MOST])
