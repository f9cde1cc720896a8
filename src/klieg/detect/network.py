"""The coordination network: every layer's pairs tested together, and the null checked beside them.

Strata, candidates, exact scores, one Benjamini–Hochberg over all pairs of all layers, shuffles down
the same path, and the weak graphs the search starts from. The room knows the order of these steps;
it searches no groups and judges nobody.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from klieg import memory
from klieg.detect import (
    crowds,
    error_control,
    exact,
    multiplex,
    null,
    second_look,
    sifting,
    strata,
)
from klieg.engine import shards
from klieg.engine.spill import unmapped
from klieg.tables import MULTIPLEX, Edges, Layer, Network, NullStat, ScoredEdges

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from klieg.config import Config
    from klieg.detect.scoring import Study
    from klieg.sockets import Engine, Progress
    from klieg.tables import F64, I64, Actions, Bool, Posts, Strata, WeakGraph

__all__ = ["build"]

T = TypeVar("T")

BYTES = 200
"""What a layer takes while it is worked on, an action: columns, indices and a shuffle of it."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The thresholds that hold for all layers together."""

    m: int  # all pairs of eligible accounts, MULTIPLEX left out
    p: float  # largest validated p; 0 if none
    by: float
    e: float  # smallest e that e-BH rejects; infinite if none
    floor: float  # at least the level of a single rejection, so that shuffles are never untested
    q: Mapping[str, F64]  # each layer's candidates; MULTIPLEX among its own pairs


@dataclass(frozen=True, slots=True)
class _Shuffled:
    """What one layer's label shuffles gave."""

    validated: tuple[int, ...]
    weak: tuple[int, ...]
    tail: tuple[float, ...]
    histogram: tuple[int, ...]


def build(
    layers: Mapping[str, Actions],
    posts: Posts,
    config: Config,
    engine: Engine,
    progress: Progress,
) -> Network:
    """The network of all layers, MULTIPLEX last; no layers give an empty network.

    Within a memory budget in which it does not fit there is no MULTIPLEX (``multiplex.notes``).

    Windows finer than the posts' clock must have left ``config.windows_s`` already. MULTIPLEX
    repeats the other layers' acts, so its edges are weak at most and its pairs do not enter m.
    """
    if not layers:
        return Network({}, {}, ())
    progress("strata", 0, None)
    actions, pools, plain = _pools(layers, posts, config)
    _let_go(actions)

    def count(name: str) -> tuple[Study, tuple[WeakGraph, ...]]:
        own = sifting.survey(actions[name], pools[name], plain[name], config, engine)
        _let_go({name: actions[name]})
        return own

    counted = _each("pairs", count, actions, config, progress)
    studies = {name: own for name, (own, _) in counted.items()}
    studies = second_look.every(actions, studies, config, engine)
    _let_go(actions)
    verdict = _verdict(studies, config)
    turn = {name: i for i, name in enumerate(actions)}

    def check(name: str) -> _Shuffled:
        own = studies[name]
        told = _shuffles(turn[name], actions[name], pools[name], own, verdict, config, engine)
        _let_go({name: actions[name]})
        return told

    checked = _each("shuffles", check, actions, config, progress)
    built = {
        name: _layer(
            actions[name], pools[name], studies[name], verdict, checked[name], config, engine
        )
        for name in actions
    }
    return Network(
        built,
        plain,
        tuple(w for _, weak in counted.values() for w in weak),
        tuple(found.crowd for own in studies.values() for found in own.crowds),
    )


def _pools(
    layers: Mapping[str, Actions], posts: Posts, config: Config
) -> tuple[dict[str, Actions], dict[str, Strata], dict[str, Strata]]:
    """Every layer's actions, pools, and pools without interest; MULTIPLEX last, if it fits."""
    if multiplex.too_large(layers, config):
        return dict(layers), *strata.opinions(layers, posts, config)
    with ThreadPoolExecutor(1) as beside:
        weaving = beside.submit(multiplex.weave, layers)
        if shards.thread_count(config.threads) < 2:
            weaving.result()
        pools, plain = strata.opinions(layers, posts, config)
        woven = weaving.result()
    for opinion in (pools, plain):
        opinion[MULTIPLEX] = multiplex.pools(woven, opinion)
    return {**layers, MULTIPLEX: woven.actions}, pools, plain


def _let_go(layers: Mapping[str, Actions]) -> None:
    """Let go of what was mapped in of columns that lie in files: it counts as memory held."""
    for layer in layers.values():
        for values in (layer.account, layer.object, layer.time, layer.post, layer.target):
            unmapped(values)


def _each(
    stage: str,
    work: Callable[[str], T],
    actions: Mapping[str, Actions],
    config: Config,
    progress: Progress,
) -> dict[str, T]:
    """``work`` of every layer, by name in their order: two at a time, the largest begun first.

    Much of a layer's work is not cut into shards; a second layer fills the gaps. More at once would
    take more memory, and within a tight budget one goes after the other. Progress is told here
    alone, by the thread that called.
    """
    with ThreadPoolExecutor(
        min(_abreast(actions, config), shards.thread_count(config.threads))
    ) as pool:
        begun = {
            name: pool.submit(work, name) for name in sorted(actions, key=lambda n: -actions[n].n)
        }
        try:
            progress(stage, 0, len(actions))
            for i, finished in enumerate(as_completed(begun.values()), 1):
                finished.result()
                progress(stage, i, len(actions))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return {name: begun[name].result() for name in actions}


def _abreast(actions: Mapping[str, Actions], config: Config) -> int:
    """Layers at a time: two, or one where the two largest would take half of the budget."""
    budget = memory.size_of(config.memory)
    largest = sorted((layer.n for layer in actions.values()), reverse=True)[:2]
    return 1 if budget is not None and BYTES * sum(largest) > budget / 2 else 2


def _verdict(studies: Mapping[str, Study], config: Config) -> _Verdict:
    single = {name: s for name, s in studies.items() if name != MULTIPLEX}
    m = sum(s.pairs for s in single.values())
    p = np.concatenate([s.tests.p for s in single.values()])
    e = np.concatenate([s.tests.e for s in single.values()])
    level = config.false_alarms
    cut = error_control.threshold(p, m, level)
    ends = np.cumsum([len(s.tests.p) for s in single.values()])[:-1]
    q = dict(zip(single, np.split(error_control.adjusted(p, m), ends), strict=True))
    if MULTIPLEX in studies:
        both = studies[MULTIPLEX]
        q[MULTIPLEX] = error_control.adjusted(both.tests.p, both.pairs)
    return _Verdict(
        m,
        cut,
        error_control.by_threshold(p, m, level),
        error_control.e_threshold(e, m, level),
        max(cut, level / max(m, 1)),
        q,
    )


def _is_weak(s: Study, config: Config) -> Bool:
    # p counts only windows with enough shared objects, so a small p implies them
    weak: Bool = s.tests.p < config.weak_p
    return weak


def _shuffles(
    turn: int,
    actions: Actions,
    pools: Strata,
    real: Study,
    verdict: _Verdict,
    config: Config,
    engine: Engine,
) -> _Shuffled:
    """Permute labels inside the strata and count again what passes the real thresholds."""
    validated, weak, tails, bins = [], [], [], []
    for run in range(config.shuffles if "S" in config.shuffle_kinds else 0):
        seed = (config.seed * 1009 + run) * 101 + turn
        shuffled = null.shuffle(actions, pools, seed)
        again = real.added > 0
        found = sifting.tally(
            shuffled, pools, real.measured, verdict.floor, config, engine, again=again
        )
        validated.append(found.below)
        weak.append(found.weak)
        tails.append(error_control.tail_ratio(found.tail, found.pairs))
        bins.append(found.histogram)
    if not tails:
        return _Shuffled((), (), (), ())
    return _Shuffled(
        tuple(validated),
        tuple(weak),
        tuple(float(t) for t in np.mean(tails, axis=0)),
        tuple(round(float(b)) for b in np.mean(bins, axis=0)),
    )


def _layer(
    actions: Actions,
    pools: Strata,
    s: Study,
    verdict: _Verdict,
    shuffled: _Shuffled,
    config: Config,
    engine: Engine,
) -> Layer:
    own = actions.signal != MULTIPLEX
    tests = s.tests
    weak = _is_weak(s, config)
    validated = (tests.p <= verdict.p) & (verdict.p > 0.0) & own
    kept = np.flatnonzero(weak | validated)
    place = np.searchsorted(s.rows, kept)
    scored = ScoredEdges(
        signal=actions.signal,
        edges=_rows(s.edges, place),
        expected=s.expected[place],
        p_window=tests.p_window[place],
        best=tests.best[place],
        p=tests.p[kept],
        e=tests.e[kept],
        q=verdict.q[actions.signal][kept],
        weak=weak[kept],
        validated=validated[kept],
        grouped=np.zeros(len(kept), np.bool_),
    )
    near = exact.beside(actions, s, verdict.floor, config, engine) if own else (0, 0)
    stat = _crowded(_stat(actions, s, verdict, shuffled, scored), s)
    return Layer(actions, pools, scored, replace(stat, exact=near))


def _rows(edges: Edges, kept: I64) -> Edges:
    return Edges(
        edges.left[kept],
        edges.right[kept],
        edges.n[kept],
        edges.capped[kept],
        edges.first[kept],
        edges.last[kept],
    )


def _stat(
    actions: Actions,
    s: Study,
    verdict: _Verdict,
    shuffled: _Shuffled,
    scored: ScoredEdges,
) -> NullStat:
    own = actions.signal != MULTIPLEX
    return NullStat(
        signal=actions.signal,
        actions=actions.n,
        objects=actions.n_objects,
        eligible=int(np.count_nonzero(s.able)),
        pairs=s.pairs,
        candidates=len(s.tests.p),
        validated=int(np.count_nonzero(scored.validated)),
        weak=int(np.count_nonzero(scored.weak)),
        expected_false=s.pairs * verdict.p if own else 0.0,
        shuffled=shuffled.validated,
        shuffled_weak=shuffled.weak,
        tail_alpha=error_control.ALPHAS,
        tail_real=error_control.tail_ratio(error_control.tail(s.tests.p), s.pairs),
        tail_shuffled=shuffled.tail,
        omitted_bound=s.omitted,
        histogram_edges=error_control.BINS,
        histogram_real=tuple(int(b) for b in error_control.histogram(s.tests.p)),
        histogram_shuffled=shuffled.histogram,
        threshold=verdict.p if own else 0.0,
        validated_by=int(np.count_nonzero(s.tests.p <= verdict.by)) if own and verdict.by else 0,
        validated_e=int(np.count_nonzero(s.tests.e >= verdict.e)) if own else 0,
        second_level=s.level,
        second_added=s.added,
    )


def _crowded(stat: NullStat, s: Study) -> NullStat:
    """What stands for the pairs of crowds, and how many of them could have been validated."""
    every = sum(found.crowd.pairs for found in s.crowds)
    return replace(
        stat,
        crowds=len(s.crowds),
        crowd_pairs=every,
        crowd_scored=every - sum(map(crowds.unscored, s.crowds)),
        crowd_possible=s.possible,
        crowd_raised=s.raised,
    )
