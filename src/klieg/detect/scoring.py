"""One layer's pairs: who is eligible, which pairs are candidates, what each scores exactly.

Real and shuffled actions take this same path. Candidates come from bursts within the occupancy
cap, are scored exactly without it, and what the cap can have cost a pair is bounded in nats. The
room knows no other layer and sets no threshold between true and false.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from klieg.detect import attention, chances, crowds, hubs, null, reach, rhythm
from klieg.detect.columns import spread
from klieg.detect.error_control import PairTests, pair_tests
from klieg.engine.compiled import column, compiled
from klieg.tables import REACTIONS, Edges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from klieg.config import Config
    from klieg.sockets import Engine, PairCounts
    from klieg.tables import F64, I32, I64, U8, Actions, Bool, Strata

__all__ = [
    "Beside",
    "Measured",
    "Part",
    "Study",
    "beside",
    "eligible",
    "joined",
    "measured",
    "no_edges",
    "proposed",
    "raised",
    "scored",
    "slim",
    "slimmed",
    "study",
]

_TARGETED = ("repost", "link", *REACTIONS)
"""Signals in which an account must act on two authors or domains before its edges count."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is counted of a layer before any pair of it is made."""

    slots: null.Slots  # the layer's pools, fitted
    habits: tuple[rhythm.Cells, ...]
    attention: tuple[rhythm.Cells, ...]
    margins: null.Margins
    first: null.Margins  # the same before improbable pairs gave anything back (``trimming``)
    once: bool  # whether no account acted on an object twice
    able: Bool  # (n_accounts,) eligible accounts

    @property
    def pairs(self) -> int:
        """All pairs of eligible accounts: this layer's m."""
        n = int(np.count_nonzero(self.able))
        return n * (n - 1) // 2


@dataclass(frozen=True, slots=True)
class Beside:
    """Candidates that the cap did not let through, and what it may have cost those it kept out."""

    left: I32  # (k,) ascending by (left, right)
    right: I32  # (k,)
    omitted: float  # nats that a pair which is no candidate can have had
    crowds: tuple[crowds.Found, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some candidates of a layer, in (left, right) order."""

    edges: Edges  # (k,) counted exactly
    expected: F64  # (k, W) capped
    tests: PairTests  # (k,)


@dataclass(frozen=True, slots=True)
class Study:
    """One layer after counting and before any threshold."""

    measured: Measured
    counts: PairCounts | None  # under the occupancy cap: what the search looks at; None once slim
    rows: I64  # (k,) which candidates the next three columns are of: all, until slim
    edges: Edges  # (k,) candidates of eligible accounts, counted exactly
    expected: F64  # (k, W) capped
    tests: PairTests  # p and e of every candidate, the rest (k,)
    omitted: float  # nats that a pair which is no candidate can have had
    crowds: tuple[crowds.Found, ...]
    added: int = 0  # validated pairs that the cap had kept out
    level: float = 0.0  # every pair outside of crowds that is not scored has a larger p
    possible: int = 0  # pairs that crowds stand for and that could have been validated
    raised: int = 0  # scored ones that would be, were all of those

    @property
    def slots(self) -> null.Slots:
        return self.measured.slots

    @property
    def able(self) -> Bool:
        return self.measured.able

    @property
    def pairs(self) -> int:
        return self.measured.pairs


def study(
    actions: Actions,
    strata: Strata,
    config: Config,
    engine: Engine,
    *,
    unshuffled: Measured | None = None,
) -> Study:
    """Count, score and test the pairs of one layer, all at once.

    ``unshuffled`` is measured of the actions that these are a shuffle of: a shuffle leaves how
    often each account acts in each pool, and what time each slot has, as they were.
    """
    counts = engine.count_pairs(*proposed(actions, config))
    known = measured(actions, strata, config, engine, unshuffled=unshuffled)
    more = beside(actions, known.able, counts.dropped, config, engine)
    parts = scored(actions, known, more, counts.dropped, [counts.edges], config, engine)
    part = joined(list(parts), len(config.windows_s))
    rows = np.arange(part.edges.size)
    return Study(
        known, counts, rows, part.edges, part.expected, part.tests, more.omitted, more.crowds
    )


def proposed(
    actions: Actions, config: Config
) -> tuple[I32, I32, I64, I32, int, I64, int, int, int]:
    """What the engine's ``count_pairs`` and ``pair_batches`` take for the candidates."""
    return (
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        null.ladder(config),
        config.weak_count,
        config.occupancy,
        config.threads,
    )


def measured(
    actions: Actions,
    strata: Strata,
    config: Config,
    engine: Engine,
    *,
    plain: Strata | None = None,
    unshuffled: Measured | None = None,
) -> Measured:
    """Pools, habits, expectations and eligible accounts of one layer; ``plain`` pools know no
    interest, and are those of ``strata`` where they are not given."""
    objects = _objects(actions)
    able, once = _able(actions, objects, config), int(objects.sum()) == actions.n
    if unshuffled is None:
        windows, pools = null.ladder(config), (strata, plain or strata)
        slots, habits = null.slots(actions, strata), rhythm.measure(actions, strata, windows)
        popular = attention.measure(actions, pools, windows)
    else:
        slots, habits, popular = unshuffled.slots, unshuffled.habits, unshuffled.attention
    if unshuffled is not None and once and unshuffled.once:
        # where nobody acts twice on an object, its pairs are those of its times alone: all of
        # them, for what a crew gave back is anybody's again once it is shuffled
        margins = unshuffled.first
    else:
        margins = null.weigh(slots, null.pair_totals(actions, config, engine, None), config)
    return Measured(slots, habits, popular, margins, margins, once, able)


def beside(actions: Actions, able: Bool, dropped: I64, config: Config, engine: Engine) -> Beside:
    """Whom no cap held back, and the crowds."""
    seen = hubs.crowded(dropped, able)
    pairs = hubs.pairs_without_cap(actions, seen, null.ladder(config), config, engine)
    found = crowds.find(actions.signal, actions, dropped, able, config, engine)
    left, right = hubs.join_pairs(pairs, crowds.pairs(found), actions.n_accounts)
    both = able[left] & able[right]
    return Beside(left[both], right[both], hubs.omitted_bound(dropped, able, seen, config), found)


def scored(
    actions: Actions,
    known: Measured,
    more: Beside,
    dropped: I64 | U8,
    pieces: Iterable[Edges],
    config: Config,
    engine: Engine,
) -> Iterator[Part]:
    """Each piece of the capped counts, in (left, right) order, scored exactly with what lies
    between its pairs of those ``beside``; a part of the rest of those at the end."""
    width = np.int64(max(actions.n_accounts, 1))
    extra = more.left * width + more.right
    done = 0
    for counts in pieces:
        stop = done
        if counts.size:
            last = counts.left[-1] * width + counts.right[-1]
            stop = int(np.searchsorted(extra, last, side="right"))
        both = known.able[counts.left] & known.able[counts.right]
        pairs = counts.left[both], counts.right[both]
        if stop > done:
            own = more.left[done:stop], more.right[done:stop]
            pairs = hubs.join_pairs(pairs, own, actions.n_accounts)
        done = stop
        yield _part(actions, known, dropped, counts, *pairs, config, engine)
    if done < len(extra):
        rest = more.left[done:], more.right[done:]
        none = no_edges(len(config.windows_s))
        yield _part(actions, known, dropped, none, *rest, config, engine)


def no_edges(width: int) -> Edges:
    """No pairs, over a ladder of ``width`` windows."""
    none, times = np.zeros((0, width), np.uint32), np.zeros(0, np.int64)
    ids = np.zeros(0, np.int32)
    return Edges(ids, ids, none, none, times, times)


def _part(
    actions: Actions,
    known: Measured,
    dropped: I64 | U8,
    counts: Edges,
    left: I32,
    right: I32,
    config: Config,
    engine: Engine,
) -> Part:
    expected = null.expected_capped(known.margins, left, right, threads=config.threads)
    edges = _exact(actions, dropped, counts, left, right, expected, config, engine)
    return Part(edges, expected, _tests(actions, known, edges, expected, config, engine))


def joined(parts: list[Part], width: int) -> Part:
    """All parts as one; each is let go as soon as it is read."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros(0)
        tests = PairTests(np.zeros((0, width)), np.zeros(0, np.uint8), none, none)
        return Part(no_edges(width), np.zeros((0, width)), tests)

    def together(of: Callable[[Part], Any], names: tuple[str, ...]) -> list[Any]:
        return [np.concatenate([getattr(of(p), name) for p in parts]) for name in names]

    edges = Edges(*together(attrgetter("edges"), Edges.__slots__))
    tests = PairTests(*together(attrgetter("tests"), PairTests.__slots__))
    return Part(edges, np.concatenate([p.expected for p in parts]), tests)


def slim(study: Study, config: Config) -> Study:
    """The same without counts, and with the columns of those candidates alone that may be kept.

    Benjamini–Hochberg needs every p, but no pair is weak or validated whose p is above both levels.
    """
    tests = study.tests
    few, rows = slimmed(Part(study.edges, study.expected, tests), config)
    return replace(
        study,
        counts=None,
        rows=rows,
        edges=few.edges,
        expected=few.expected,
        tests=replace(tests, p_window=few.tests.p_window, best=few.tests.best),
    )


def slimmed(part: Part, config: Config) -> tuple[Part, I64]:
    """The candidates that may be kept, and which they are."""
    rows = np.flatnonzero(part.tests.p < _level(config))

    def few(table: Any) -> list[Any]:
        return [getattr(table, name)[rows] for name in table.__slots__]

    return Part(Edges(*few(part.edges)), part.expected[rows], PairTests(*few(part.tests))), rows


def _level(config: Config) -> float:
    """The p from which on no pair is weak or validated."""
    return max(config.weak_p, config.false_alarms)


def _tests(
    actions: Actions,
    known: Measured,
    edges: Edges,
    expected: F64,
    config: Config,
    engine: Engine,
) -> PairTests:
    """Test the pairs; those that look improbable again, with λ raised in place by their habits
    and to what popular things explain."""
    test = partial(pair_tests, engine=engine, least=config.weak_count, level=config.false_alarms)
    tests = test(edges.capped, expected)
    rows = np.flatnonzero(tests.p < config.weak_p)
    expected[rows] = raised(actions, known, expected[rows], edges.left[rows], edges.right[rows])
    again = test(edges.capped[rows], expected[rows])
    for name in ("p_window", "best", "p", "e"):
        getattr(tests, name)[rows] = getattr(again, name)
    return tests


def raised(actions: Actions, known: Measured, expected: F64, left: I32, right: I32) -> F64:
    """(p, W) λ raised by the pairs' habits, and to what popular things explain at least."""
    pairs = expected.shape[1], left, right
    most: F64 = np.maximum(
        expected * rhythm.raised(actions, known.habits, *pairs),
        attention.expected(actions, known.attention, *pairs),
    )
    return most


def _exact(
    actions: Actions,
    dropped: I64 | U8,
    seen: Edges,
    left: I32,
    right: I32,
    expected: F64,
    config: Config,
    engine: Engine,
) -> Edges:
    """Counts of the pairs without a cap; those from which it took nothing are read as they are.

    ``dropped`` counts every act of an account that is over the cap in a window, or that one over
    it falls near: an account without any, in any window, met all it would have met without a cap,
    so a pair is counted anew only where both accounts have one. Of those, pairs that could not be
    kept (``slimmed``) if all they may have lost were added are read as they are, too: their p is
    then a little large. Pairs that were not proposed come from such accounts alone, or are not
    found among the counts and counted anew.
    """
    lost: Bool = dropped.max(axis=1, initial=0) > 0
    width = np.int64(max(actions.n_accounts, 1))
    place = np.searchsorted(seen.left * width + seen.right, left * width + right)
    known = np.minimum(place, max(seen.size - 1, 0))
    again = lost[left] & lost[right]
    if seen.size:
        bars = chances.bars(_level(config) / len(config.windows_s), engine)
        own = np.asarray(dropped, np.int64)
        reach.within(again, left, right, seen.capped, known, own, expected, bars)
        again |= (seen.left[known] != left) | (seen.right[known] != right)
    else:
        again[:] = True
    told = np.flatnonzero(again)
    anew = engine.rescore_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        null.ladder(config),
        left[told],
        right[told],
        config.threads,
    )
    if len(told) == len(left):
        return anew
    n, capped = seen.n[known], seen.capped[known]
    first, last = seen.first[known], seen.last[known]
    n[told], capped[told], first[told], last[told] = anew.n, anew.capped, anew.first, anew.last
    return Edges(left, right, n, capped, first, last)


def eligible(actions: Actions, config: Config) -> Bool:
    """(n_accounts,) enough distinct objects and, for reposts and links, two distinct targets."""
    return _able(actions, _objects(actions), config)


def _able(actions: Actions, objects: I64, config: Config) -> Bool:
    able: Bool = objects >= config.min_objects
    if actions.signal in _TARGETED:
        # an object whose author is unknown counts as a target of its own
        able &= _several(
            column(actions.account, np.int32, "account"),
            column(actions.object, np.int32, "object"),
            column(actions.target, np.int32, "target"),
            actions.n_accounts,
        )
    return able


def _objects(actions: Actions) -> I64:
    """(n_accounts,) different objects of each account."""
    return spread(
        column(actions.account, np.int32, "account"),
        column(actions.object, np.int32, "object"),
        actions.n_accounts,
        actions.n_objects,
    )


@compiled
def _several(account: I32, object: I32, target: I32, n_accounts: int) -> Bool:  # noqa: A002
    """(n_accounts,) whether an account acted on two targets or more; all where there are none."""
    several = np.zeros(n_accounts, np.bool_)
    first = np.full(n_accounts, -1, np.int64)
    aimed = False
    for i in range(len(account)):
        aimed |= target[i] >= 0
        aim = np.int64(target[i]) if target[i] >= 0 else (np.int64(object[i]) | np.int64(1) << 32)
        if first[account[i]] < 0:
            first[account[i]] = aim
        several[account[i]] |= first[account[i]] != aim
    if not aimed:
        several[:] = True
    return several
