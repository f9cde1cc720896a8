"""One group read for the class table: its signals, the one that decides, what speaks against it.

Gathers what ``breadth``, ``clock`` and ``lookalikes`` measure, asks ``classes`` for a verdict per
signal, and lets a second signal raise what the first left open. The room puts nothing into a
finding and knows no other group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from klieg.detect import (
    batches,
    breadth,
    bursts,
    classes,
    clock,
    joint,
    lookalikes,
    loyalty,
    outside,
    sentences,
    signs,
)
from klieg.detect.timed import TEXTUAL
from klieg.tables import MULTIPLEX, RETOLD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.config import Config
    from klieg.detect.batches import Made
    from klieg.detect.bursts import Terms, Tilings
    from klieg.detect.classes import Verdict
    from klieg.detect.clock import Timing
    from klieg.detect.halves import Parting
    from klieg.detect.lookalikes import Domains
    from klieg.detect.outside import Outside
    from klieg.detect.pace import ClockData
    from klieg.sockets import Engine
    from klieg.tables import (
        Actions,
        Breadth,
        Clock,
        Group,
        Layer,
        Network,
        Posts,
        WindowCount,
    )

__all__ = [
    "Part",
    "Reading",
    "Run",
    "against",
    "parts_of",
    "pooled",
    "read",
    "stands_flat_only",
    "threshold",
]

OUTLETS: Final = frozenset({"one brand", "syndication"})

BESIDE: Final = 0.2  # of the first signal's evidence, from which another one carries the finding
ONE_HAND: Final = 0.5  # share of gaps of 3 to 60 s from which pages may be one person's


@dataclass(frozen=True, slots=True)
class Run:
    """What all groups of a run share."""

    network: Network
    posts: Posts
    config: Config
    engine: Engine
    clock: ClockData
    tilings: Mapping[bool, Mapping[str, Tilings]]  # flat pools or not; windows groups stand at
    outside: Mapping[tuple[bool, str], Outside]  # of the layers in which groups are strongest
    untestable: Mapping[str, str]  # layers whose actors are mostly in groups, and why
    collections: int
    parting: Parting | None  # of the acts in halves
    tested: Mapping[tuple[int, bool], Mapping[str, Tilings]]  # acts of a half, flat pools or not
    made: Made  # when every account was made

    def actions(self, signal: str) -> Actions:
        return self.network.layers[signal].actions

    def tiled(self, group: Group) -> Mapping[str, Tilings]:
        """Every layer's bursts, against the pools in which the group stands."""
        return self.tilings[stands_flat_only(group)]

    def without(self, group: Group, layer: str) -> Outside:
        """A layer's pair counts, ready to leave the group out."""
        known = self.outside.get((stands_flat_only(group), layer))
        found = pooled(self.network, layer, flat=stands_flat_only(group))
        return known or outside.prepare(found.actions, found.strata, self.config, self.engine)


def stands_flat_only(group: Group) -> bool:
    """Whether it stands only against pools without interest: the search says so."""
    return group.stability.get("stands_with_interest", 1) == 0


def pooled(network: Network, layer: str, *, flat: bool) -> Layer:
    """A layer with its pools of interest, or with the flat ones."""
    found = network.layers[layer]
    return replace(found, strata=network.flat.get(layer, found.strata)) if flat else found


@dataclass(frozen=True, slots=True)
class Part:
    """A group in one signal, at its strongest window."""

    terms: Terms
    nats: float  # what its joint bursts say


@dataclass(frozen=True, slots=True)
class Reading:
    """A verdict and the measurements it rests on."""

    verdict: Verdict
    signal: str  # the one whose table decided
    breadth: Breadth
    clock: Clock
    timings: tuple[Timing, ...]  # of all acts
    crossed: bool  # whether the clock was read where the search did not look


def parts_of(run: Run, group: Group) -> dict[str, Part]:
    """The signals that carry the group's evidence, strongest first.

    Beside the one it was found in, a signal counts if its bursts as a whole say at least a fifth
    as much: in any layer members of one community meet now and then, and posts of such a layer
    would be marked without cause. A multiplex group may be weak in each as a whole, so there the
    joint bursts are compared.
    """
    found: dict[str, Part] = {}
    worth: dict[str, float] = {}
    for name, tilings in run.tiled(group).items():
        if name == MULTIPLEX or (name in RETOLD and name != group.layer):
            continue  # what tells other signals' posts again would mark posts twice over
        terms = bursts.terms(tilings, group.members, group.window, group.offset)
        together = joint.together(terms)
        if together.any():
            found[name] = Part(terms, float(terms.weight[together].sum()))
            whole = terms.base + float(terms.weight.sum())
            worth[name] = found[name].nats if group.layer == MULTIPLEX else whole
    most = worth.get(group.layer, max(worth.values(), default=0.0))
    least = max(threshold(run), BESIDE * most)
    kept = [n for n in found if n == group.layer or worth[n] >= least] or list(found)
    last = group.layer in RETOLD and any(_stands(run, group, n) for n in kept if n != group.layer)
    home = sorted(kept, key=lambda n: ((n != group.layer) != last, -found[n].nats, n))
    return {n: found[n] for n in home}


def _stands(run: Run, group: Group, signal: str) -> bool:
    """Whether the group stands in one signal alone."""
    return _net(run, group, signal) >= threshold(run)


def _net(run: Run, group: Group, signal: str) -> float:
    price = bursts.price(run.posts.n_accounts, len(group.members))
    return group.by_layer.get(signal, -math.inf) - price


def read(
    run: Run, group: Group, parts: Mapping[str, Part], counts: Sequence[WindowCount], acts: int
) -> Reading | None:
    """The verdict on a group; None where no signal shows two members together."""
    if not parts:
        return None
    first = next(iter(parts))
    net = _net(run, group, first) if group.layer in RETOLD and first != group.layer else group.net
    reading = _reading(run, group, parts, first, counts, net)
    if why := _abstains(run, group, reading, acts):
        return replace(reading, verdict=classes.abstain(why), signal=first)
    return _second(run, group, parts, reading)


def against(
    run: Run,
    group: Group,
    parts: Mapping[str, Part],
    reading: Reading,
    rhythm: Mapping[str, float],
) -> tuple[str, ...]:
    """Sentences on what benign explanations predict, what was seen, and what is missing."""
    out = []
    if len(parts) > 1:
        out.append(sentences.several(list(parts), reading.signal))
    out.append(sentences.pace(reading.clock, reading.timings[0].source))
    if reading.signal not in TEXTUAL:
        out.append(sentences.event(reading.clock))
        out.append(sentences.habit(reading.clock))
        outsiders = np.concatenate([t.outsiders for t in reading.timings])
        with_company = int((outsiders >= clock.COMPANY).sum())
        out.append(sentences.company(with_company, len(outsiders), clock.COMPANY))
    out.append(sentences.breadth(reading.breadth))
    fans = lookalikes.fans(reading.breadth, threshold(run))
    if fans and reading.verdict.class_ == "amplification":
        out.append(fans.reason)
    if reading.verdict.class_ == "coordinated":
        out += [sentences.CHANNEL, sentences.CROSSED if reading.crossed else sentences.IN_SAMPLE]
    pool = batches.neighbours(run.network.layers[reading.signal], group.members)
    batch = batches.together(run.made, group.members, pool)
    if batch and batch.p < run.config.false_alarms:
        out.append(batches.sentence(batch))
    platforms = run.posts.account_platforms.take(pa.array(group.members)).to_pylist()
    if set(platforms) <= sentences.PAGES and rhythm.get("3_to_60_s", 0.0) >= ONE_HAND:
        out.append(sentences.pages(rhythm))
    out += sentences.limits(
        resolution=run.posts.resolution,
        collections=run.collections,
        flat_only=stands_flat_only(group),
    )
    return tuple(out)


def _second(
    run: Run,
    group: Group,
    parts: Mapping[str, Part],
    first: Reading,
) -> Reading:
    """What another signal, in which the group stands alone, adds to what the first left open.

    It may raise ``suggestive`` to ``coordinated``, and it may tell a brand or a wire from the
    amplification of one domain; it never excuses and never accuses against the first.
    """
    wanted = {"suggestive": "coordinated", "amplification": "look-alike"}
    price = bursts.price(run.posts.n_accounts, len(group.members))
    for name in list(parts)[1:] if first.verdict.class_ in wanted else []:
        net = group.by_layer.get(name, -math.inf) - price
        if net < threshold(run) or name in run.untestable:
            continue
        found = _reading(run, group, {name: parts[name]}, name, (), net)
        if found.verdict.class_ != wanted[first.verdict.class_]:
            continue
        if found.verdict.class_ == "coordinated" or found.verdict.subclass in OUTLETS:
            return found
    return first


def threshold(run: Run) -> float:
    return math.log(1 / run.config.false_alarms)


def _abstains(run: Run, group: Group, reading: Reading, acts: int) -> str:
    """Why the group cannot be judged; empty if it can."""
    for layer in (group.layer, reading.signal):
        if layer in run.untestable:
            return run.untestable[layer]
    if acts < run.config.min_actions:
        return f"{acts} joint acts, fewer than {run.config.min_actions}"
    if not run.clock.windows:
        return f"times are no finer than {sentences.span(run.posts.resolution)}"
    return ""


def _reading(
    run: Run,
    group: Group,
    parts: Mapping[str, Part],
    signal: str,
    counts: Sequence[WindowCount],
    net: float,
) -> Reading:
    """One signal's measurements and verdict; a multiplex group's clocks of a kind are joined."""
    kind = signal in TEXTUAL
    joined = [n for n in parts if (n in TEXTUAL) == kind] if group.layer == MULTIPLEX else [signal]
    timings = tuple(clock.timing(run.clock, n, group.members) for n in joined)
    crossed = _crossed(run, group, joined)
    read = clock.bounds(run.clock.windows, timings)
    if crossed:
        read = clock.weaker(read, clock.bounds(run.clock.windows, crossed))
    home = group.layer if group.layer == MULTIPLEX and signal == next(iter(parts)) else signal
    found = breadth.measure(group, _weighing(run, group)[home], net, timings=timings)
    counts = counts or outside.window_counts(
        run.without(group, signal), group.members, run.config, run.engine
    )
    terms = parts[signal].terms
    case = classes.Case(
        signal,
        len(group.members),
        found,
        read,
        threshold(run),
        _in_excess(counts, run.config.false_alarms),
        _crowding(terms),
        _domains(run, signal, terms) if kind else None,
        _lead(run, group, signal, terms) if kind else None,
        _chosen(run, group, signal, read),
    )
    return Reading(classes.classify(case), signal, found, read, timings, bool(crossed))


def _crossed(run: Run, group: Group, layers: Sequence[str]) -> tuple[Timing, ...]:
    """The clocks of what was found on each half of the acts, read on the other half; or none.

    A search picks who happens to be simultaneous; on acts it did not see it had no choice. Both
    halves must have found the group, or else the one by which it stands.
    """
    tests = [(1 - half, found) for half, found in enumerate(group.halves) if found is not None]
    if run.parting is None or not tests or (len(tests) < 2 and group.held_out < 0):
        return ()
    return tuple(
        clock.beside(
            [clock.timing(run.clock, n, who, on=(run.parting, half)) for half, who in tests]
        )
        for n in layers
    )


def _weighing(run: Run, group: Group) -> Mapping[str, Tilings]:
    """Every layer's bursts where the group's net comes from: of the half that tested it, if one."""
    if group.held_out < 0:
        return run.tiled(group)
    return run.tested[1 - group.held_out, stands_flat_only(group)]


def _in_excess(counts: Sequence[WindowCount], level: float) -> bool:
    """Whether some window, paid for, shows more pairs than others' behaviour leads to expect."""
    return any(c.observed > c.expected and c.p * len(counts) < level for c in counts)


def _crowding(terms: Terms) -> lookalikes.Crowding:
    met = joint.together(terms)
    return lookalikes.crowding(terms.object[met], terms.k[met], terms.m[met], terms.weight[met])


def _domains(run: Run, signal: str, terms: Terms) -> Domains:
    actions = run.actions(signal)
    rows = joint.rows_of(terms, joint.together(terms))
    return lookalikes.domains(actions.account[rows], signs.hosts(run.posts, actions.post[rows]))


def _chosen(run: Run, group: Group, signal: str, read: Clock) -> float:
    """How much more they choose alike than taste explains; asked only where habit leaves it open.

    0 where objects have no author, or most joint acts lie where there was no choice.
    """
    if signal not in loyalty.FROM_AUTHORS or not (
        classes.BEYOND_HABIT <= read.habit[1] < lookalikes.AT_LEAST
    ):
        return 0.0
    found = loyalty.authors(run.actions(signal), group.members)
    return found.bound if found and found.tested >= loyalty.TESTED else 0.0


def _lead(run: Run, group: Group, signal: str, terms: Terms) -> lookalikes.Lead:
    actions = run.actions(signal)
    rows = joint.rows_of(terms, joint.together(terms))
    posted = int(np.isin(run.posts.account, group.members).sum())
    return lookalikes.lead(actions.account[rows], actions.object[rows], actions.time[rows], posted)
