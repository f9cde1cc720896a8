"""Exact tails of pairs: those of the fitted chances, never above Poisson's."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import exact, network, null
from klieg.sockets import make, silent

from .test_checks import crew_world
from .test_null import DAY, make_actions, make_strata, organic

CONFIG = Config(threads=1, windows_s=(3600, 86400))
ENGINE = make("engines", "cpu", CONFIG)


def asked(actions, margins, left, right):
    edges = ENGINE.rescore_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        null.ladder(CONFIG),
        left,
        right,
        1,
    )
    return edges.capped, null.expected_capped(margins, left, right)


def poisson(seen, lam):
    flat = ENGINE.poisson_tail(seen.reshape(-1).astype(np.int64), lam.reshape(-1).copy())
    return flat.reshape(seen.shape)


def test_exact_is_below_poisson_and_by_most_where_single_targets_are_likely():
    # two busy accounts on eight things out of ten: they can hardly help meeting
    rng = np.random.default_rng(0)
    rows = {(a, int(o)) for a in range(4) for o in rng.choice(10, 8, replace=False)}
    rows |= {(4 + int(rng.integers(60)), int(rng.integers(10))) for _ in range(80)}
    made = sorted((int(rng.integers(DAY)), a, o) for a, o in rows)
    when, who, what = (np.array(v) for v in zip(*made, strict=True))
    actions = make_actions(who, what, when, n_accounts=64)
    margins = null.margins(actions, make_strata(np.zeros(actions.n_objects)), CONFIG, ENGINE)
    left, right = np.array([0, 60], np.int32), np.array([1, 61], np.int32)
    lam = null.expected_capped(margins, left, right)
    seen = np.ceil(lam + 1.0).astype(np.uint32)
    told = exact.tails(actions, margins, left, right, seen, lam, CONFIG, ENGINE)
    ratio = told / poisson(seen, lam)
    assert (ratio <= 1.0 + 1e-12).all()
    assert ratio[0, 1] < 0.75
    assert ratio[1, 1] > 0.9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3), st.integers(0, 10**6))
def test_exact_never_raises_and_leaves_what_was_raised_alone(seed, draw):
    actions, strata = organic(seed, n=1500, accounts=80, objects=60)
    margins = null.margins(actions, strata, CONFIG, ENGINE)
    rng = np.random.default_rng(draw)
    i, j = (k.astype(np.int32) for k in np.triu_indices(80, 1))
    some = rng.choice(len(i), 20, replace=False)
    left, right = i[some], j[some]
    seen, lam = asked(actions, margins, left, right)
    told = exact.tails(actions, margins, left, right, seen + 2, lam, CONFIG, ENGINE)
    assert (told <= poisson(seen + 2, lam) * (1 + 1e-12)).all()
    more = exact.tails(actions, margins, left, right, seen + 2, lam * 1.01, CONFIG, ENGINE)
    assert np.array_equal(more, poisson(seen + 2, lam * 1.01))


def test_exact_is_what_adding_up_every_case_gives():
    actions, strata = organic(1, n=400, accounts=30, objects=12)
    margins = null.margins(actions, strata, CONFIG, ENGINE)
    totals = null.pair_totals(actions, CONFIG, ENGINE, None)[:, 1]
    left, right = np.array([0], np.int32), np.array([1], np.int32)
    live = np.flatnonzero(totals)
    live = live[np.argsort(margins.slots.target[live], kind="stable")]
    q = exact.chances(margins.slots, 0, 1, live, totals[live])
    lam = null.expected_capped(margins, left, right)
    assert q.sum() == pytest.approx(lam[0, 1], rel=0.05)  # the table is read between nodes
    q = q * lam[0, 1] / q.sum()
    seen = np.ceil(lam + 1.0).astype(np.uint32)
    every = sum(
        np.prod(np.where(hit, q, 1.0 - q))
        for hit in map(np.array, product((False, True), repeat=len(q)))
        if hit.sum() >= seen[0, 1]
    )
    told = exact.tails(actions, margins, left, right, seen, lam, CONFIG, ENGINE)
    assert told[0, 1] == pytest.approx(every, rel=1e-6)


def test_exact_tails_of_chance_are_no_smaller_than_they_say():
    found, asked_ = np.zeros(3), 0
    for seed in range(6):
        actions, strata = organic(seed, n=6000, accounts=250, objects=200, tail=1.0)
        margins = null.margins(actions, strata, CONFIG, ENGINE)
        i, j = (k.astype(np.int32) for k in np.triu_indices(60, 1))
        seen, lam = asked(actions, margins, i, j)
        told = exact.tails(actions, margins, i, j, seen, lam, CONFIG, ENGINE)[:, 1]
        told = np.where(seen[:, 1] >= lam[:, 1] + 1, told, 1.0)
        found += [np.count_nonzero(told <= a) for a in (1e-1, 1e-2, 1e-3)]
        asked_ += len(i)
    assert (found <= 1.3 * asked_ * np.array([1e-1, 1e-2, 1e-3])).all()


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=20), st.floats(0.01, 0.99))
def test_exact_chances_are_brought_to_their_mean(q, share):
    mean = share * len(q)
    told = exact._raised(np.array(q), mean)
    assert told is not None
    assert told.sum() == pytest.approx(mean, rel=1e-6)
    assert told.max() <= 1.0
    assert exact._raised(np.array(q), len(q) + 1.0) is None


def test_exact_is_asked_of_pairs_near_the_threshold_alone():
    actions, posts = crew_world(crew=4, joint=4, apart=4000)
    stat = network.build({"repost": actions}, posts, CONFIG, ENGINE, silent).layers["repost"].stat
    assert stat.exact[1] <= stat.exact[0] <= stat.candidates - stat.validated
    none = network.build({}, posts, CONFIG, ENGINE, silent)
    assert none.layers == {}
