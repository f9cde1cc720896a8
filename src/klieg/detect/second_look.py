"""The second look: no pair that the cap kept out and that could be validated stays unscored.

The occupancy cap proposes no pairs in crowded windows. Here, once all layers are scored and the
Benjamini–Hochberg threshold is known, ``reach`` says of every account from how many shared objects
on a pair of it could pass, ``meetings`` makes all those pairs whatever the crowd, and they are
scored like any other. Afterwards this holds, and the level is kept beside it: **every pair of
eligible accounts is scored, or has a p above the level, which is no less than the threshold in
force, or lies inside a crowd that the case names.** A crowd stands for pairs only where a walk over
them is hopeless (``BUDGET``). The proof is in docs/engines.md. The room decides nobody's fate: it
adds candidates and counts what stands for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from klieg.detect import chances, crowds, error_control, hubs, meetings, reach, scoring
from klieg.detect.error_control import PairTests
from klieg.detect.scoring import Beside
from klieg.tables import MULTIPLEX, Crowd, Edges

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from klieg.config import Config
    from klieg.detect.scoring import Measured, Part, Study
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, U8, Actions

__all__ = ["Found", "every", "keys", "pairs_within"]

BUDGET = (500_000_000, 100)
"""Steps a layer may take, and as many more an action: some seconds; beyond, bursts are massed."""

FREE = (10_000_000, 20)
"""The same for a level above what is needed, which makes the guarantee stronger."""

ROOM = (1000.0, 2.0)
"""How far above what one more rejection would be asked for to look, tried in turn after all of
``false_alarms``: so many times as many pairs as were rejected would have to be found at once to
move the threshold past it."""

PIECE = 200_000
"""Pairs scored at a time."""

SMALL = 2_000_000
"""Actions of a layer up to which more than the needed level is tried."""

Plans = list[tuple[int, meetings.Plan]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a second look at one layer came to."""

    part: Part  # pairs with p ≤ level that need not be candidates, in (left, right) order
    massed: tuple[Crowd, ...]  # who was on objects too crowded to walk, one a window
    level: float


def every(
    actions: Mapping[str, Actions], studies: Mapping[str, Study], config: Config, engine: Engine
) -> dict[str, Study]:
    """The studies with all pairs that could be validated; MULTIPLEX, which validates none, as is.

    The level rises until the threshold that the found pairs give lies below it.
    """
    single = [name for name in studies if name != MULTIPLEX]
    m = sum(studies[name].pairs for name in single)
    found: dict[str, Found] = {}
    top = config.false_alarms * (1.0 - 1e-9)  # a pair with this p is kept by ``scoring.slimmed``
    known = [studies[name].tests.p for name in single]
    crowded = {name: reach.lost(actions[name], studies[name].slots, config) for name in single}
    while m:
        p = np.concatenate([*known, *(f.part.tests.p for f in found.values())])
        cut = error_control.threshold(p, m, config.false_alarms)
        # what one more rejection would be asked for
        rejected = np.count_nonzero(p <= cut) if cut else 0
        asked = min(top, config.false_alarms * (rejected + 1) / m)
        late = [name for name in single if name not in found or found[name].level < asked]
        if not late:
            break
        for name in late:
            levels = [top, *(min(top, room * asked) for room in ROOM)]
            own, layer = studies[name], actions[name]
            looked = _looked(layer, own.measured, crowded[name], levels, config, engine)
            found[name] = _new(own, looked)
    if not found:
        return dict(studies)
    out = dict(studies)
    for name in single:
        out[name] = _with(studies[name], found[name], cut)
    return _counted(out, crowded, m, cut, p, config)


def pairs_within(
    actions: Actions, known: Measured, crowded: U8, level: float, config: Config, engine: Engine
) -> Found:
    """All pairs with p ≤ ``level`` that the cap may have kept out, but for massed ones.

    ``crowded`` as ``reach.lost`` gives it.
    """
    budget = _allowed(BUDGET, actions)
    plans = _plans(actions, known, crowded, level, config)
    both, massed = _met(actions, known, plans, level, budget, config, engine)
    return Found(_scored(actions, known, both, level, config, engine), massed, level)


def _looked(
    actions: Actions,
    known: Measured,
    crowded: U8,
    levels: list[float],
    config: Config,
    engine: Engine,
) -> Found:
    """At the first level that costs little and masses nobody, or at the last whatever it costs."""
    needed, budget = levels[-1], _allowed(FREE, actions)
    for level in levels[:-1] if actions.n <= SMALL else []:
        if level <= needed:
            break
        plans = _affordable(_plans(actions, known, crowded, level, config), budget)
        if plans is None:
            continue
        both, massed = _met(actions, known, plans, level, budget, config, engine)
        if not massed and len(both[0]) <= PIECE:
            part = _scored(actions, known, both, level, config, engine)
            return Found(part, massed, level)
    return pairs_within(actions, known, crowded, needed, config, engine)


def _allowed(budget: tuple[int, int], actions: Actions) -> int:
    return budget[0] + budget[1] * actions.n


def _affordable(plans: Iterable[tuple[int, meetings.Plan]], budget: int) -> Plans | None:
    """The plans, if all of them together cost no more than the budget."""
    held: Plans = []
    for w, plan in plans:
        held.append((w, plan))
        budget -= plan.cost
        if budget < 0:
            return None
    return held


def _plans(
    actions: Actions, known: Measured, crowded: U8, level: float, config: Config
) -> Iterator[tuple[int, meetings.Plan]]:
    """(window, plan) of every window in which two accounts or more may pass."""
    fewest = reach.fewest(known.margins, crowded, known.able, level, config)
    for w, seconds in enumerate(config.windows_s):
        if np.count_nonzero(fewest[:, w]) > 1:
            yield w, meetings.plan(actions, np.ascontiguousarray(fewest[:, w]), seconds)


def _met(
    actions: Actions,
    known: Measured,
    plans: Iterable[tuple[int, meetings.Plan]],
    level: float,
    budget: int,
    config: Config,
    engine: Engine,
) -> tuple[tuple[I32, I32], tuple[Crowd, ...]]:
    """(left, right) of all pairs that may have p ≤ ``level``, and who was massed in each window."""
    both: tuple[I32, I32] = np.zeros(0, np.int32), np.zeros(0, np.int32)
    massed: list[Crowd] = []
    # targets are no more than objects, and habits only raise what chance expects
    bars = chances.bars(level / len(config.windows_s), engine)
    for w, plan in plans:
        expected = chances.in_window(known.margins, w)
        left, right, _, objects = meetings.join(plan, expected, bars, budget, config.threads)
        if len(objects):
            massed.append(_crowd(actions.signal, plan, objects, config.windows_s[w]))
        budget = max(budget - plan.cost, 0)
        both = hubs.join_pairs(both, (left, right), actions.n_accounts)
    return both, tuple(massed)


def _scored(
    actions: Actions,
    known: Measured,
    both: tuple[I32, I32],
    level: float,
    config: Config,
    engine: Engine,
) -> Part:
    """Those of the pairs with p ≤ ``level``, scored exactly; PIECE of them at a time."""
    parts: list[Part] = []
    nothing = np.zeros((actions.n_accounts, 1), np.uint8)
    for first in range(0, len(both[0]), PIECE):
        few = Beside(both[0][first : first + PIECE], both[1][first : first + PIECE], 0.0, ())
        each = scoring.scored(actions, known, few, nothing, [], config, engine)
        parts.extend(_rows(part, np.flatnonzero(part.tests.p <= level)) for part in each)
    return scoring.joined(parts, len(config.windows_s))


def _crowd(signal: str, plan: meetings.Plan, objects: I64, seconds: int) -> Crowd:
    inside = np.zeros(int(plan.object.max(initial=-1)) + 1, np.bool_)
    inside[objects] = True
    on = np.diff(np.cumsum(np.r_[0, inside[plan.object]])[plan.starts])
    members = np.sort(plan.names[np.flatnonzero(on)])
    return Crowd(signal, seconds, members, len(objects), len(members) * (len(members) - 1) // 2)


def _new(study: Study, found: Found) -> Found:
    """Without the pairs that are candidates already."""
    late = ~np.isin(keys(found.part.edges), keys(study.edges))
    return replace(found, part=_rows(found.part, np.flatnonzero(late)))


def keys(edges: Edges) -> I64:
    """(p,) one integer a pair, in (left, right) order."""
    return edges.left.astype(np.int64) << 32 | edges.right


def _with(study: Study, found: Found, cut: float) -> Study:
    """The study with the pairs that are validated at ``cut``, and who stands for the rest.

    What lies between ``cut`` and the level is let go: it would be weak edges of crowded windows
    alone, which no shuffle shows.
    """
    part = _rows(found.part, np.flatnonzero(found.part.tests.p <= cut))
    # after the kept candidate they follow: where among the others does not matter to anyone
    place = np.searchsorted(keys(study.edges), keys(part.edges))
    at = np.append(study.rows, len(study.tests.p))[place]
    rows = study.rows + np.searchsorted(at, study.rows, side="right")
    tests, more = study.tests, part.tests
    return replace(
        study,
        rows=np.insert(rows, place, at + np.arange(len(at))),
        edges=Edges(*_inserted(study.edges, part.edges, place)),
        expected=np.insert(study.expected, place, part.expected, axis=0),
        tests=PairTests(
            np.insert(tests.p_window, place, more.p_window, axis=0),
            np.insert(tests.best, place, more.best),
            np.insert(tests.p, at, more.p),
            np.insert(tests.e, at, more.e),
        ),
        crowds=crowds.together(study.crowds, found.massed),
        added=len(at),
        level=found.level,
    )


def _inserted(old: Edges, new: Edges, place: I64) -> list[Any]:
    return [
        np.insert(getattr(old, name), place, getattr(new, name), axis=0) for name in Edges.__slots__
    ]


def _counted(
    studies: dict[str, Study],
    crowded: Mapping[str, U8],
    m: int,
    cut: float,
    p: F64,
    config: Config,
) -> dict[str, Study]:
    """How many pairs that crowds stand for could be validated, and how many scored ones with them.

    Were all that could pass to pass, the threshold would be the one that Benjamini–Hochberg gives
    with so many more rejections: each round asks at the threshold that the round before allows,
    from all pairs of crowds down, until nothing changes.
    """
    extra = {name: sum(map(crowds.unscored, studies[name].crowds)) for name in crowded}
    bar = cut
    while True:
        total = sum(extra.values())
        if not total:
            break
        bar = _threshold_with(p, total, m, config.false_alarms)
        fewer = {
            name: min(n, _possible(studies[name], crowded[name], bar, config))
            for name, n in extra.items()
        }
        if fewer == extra:
            break
        extra = fewer
    if not sum(extra.values()):
        bar = cut
    for name in crowded:
        own = studies[name].tests.p
        raised = int(np.count_nonzero((own > cut) & (own <= bar)))
        studies[name] = replace(studies[name], possible=extra[name], raised=raised)
    return studies


def _threshold_with(p: F64, extra: int, m: int, level: float) -> float:
    """The p up to which Benjamini–Hochberg rejects with ``extra`` more p-values of 0."""
    bar = level * extra / m
    low = np.sort(p[p <= level])
    passed = np.flatnonzero(low <= level * (np.arange(1, len(low) + 1) + extra) / m)
    if len(passed):
        bar = level * (extra + int(passed[-1]) + 1) / m
    return min(bar, level)


def _possible(study: Study, crowded: U8, level: float, config: Config) -> int:
    """Pairs inside crowds, at most, that may have p ≤ ``level`` and are not scored."""
    if not study.crowds:
        return 0
    known = study.measured
    live = reach.fewest(known.margins, crowded, known.able, level, config) > 0
    total = 0
    for each in study.crowds:
        k = np.count_nonzero(live[each.crowd.members], axis=0).astype(np.int64)
        total += min(int((k * (k - 1) // 2).sum()), crowds.unscored(each))
    return total


def _rows(part: Part, rows: I64) -> Part:
    def few(table: Any) -> list[Any]:
        return [getattr(table, name)[rows] for name in table.__slots__]

    return scoring.Part(Edges(*few(part.edges)), part.expected[rows], PairTests(*few(part.tests)))
