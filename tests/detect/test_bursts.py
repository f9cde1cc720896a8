"""Bursts of a layer: every number against its definition, worked out burst by burst."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import bursts
from klieg.sockets import make
from klieg.tables import Actions, Strata

MONDAY = 1_699_833_600_000_000
CONFIG = Config(windows_s=(60, 3600))
ENGINE = make("engines", "cpu", CONFIG)
WEEK = 7 * 86_400_000_000

rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 5000)), max_size=30)


def actions(acts, n_accounts=6, n_objects=4) -> Actions:
    """Acts are (account, object, second)."""
    acts = sorted(acts, key=lambda a: a[2])
    column = np.array(acts, np.int64).reshape(-1, 3)
    return Actions(
        signal="repost",
        account=column[:, 0].astype(np.int32),
        object=column[:, 1].astype(np.int32),
        time=MONDAY + column[:, 2] * 1_000_000,
        post=np.arange(len(acts), dtype=np.int64),
        target=np.zeros(len(acts), np.int32),
        labels=pa.array([str(i) for i in range(n_objects)]),
        target_labels=pa.array(["someone"]),
        n_accounts=n_accounts,
    )


def pools(*of_object: int, parent=None) -> Strata:
    n = max(of_object) + 1
    parent = np.zeros(n, np.int32) if parent is None else np.array(parent, np.int32)
    names = tuple(map(str, range(n)))
    return Strata(np.array(of_object, np.int32), parent, names, names[: int(parent.max()) + 1])


def by_hand(acts: Actions, strata: Strata, members, window_s, offset, r_grid, omega) -> float:
    """ln Π over every burst of every object, straight from the definition.

    Members who fill more than ``DENSE`` of some pool are weighed by binomials, lone acts left out.
    """
    pool = strata.object_stratum[acts.object]
    inside = np.isin(acts.account, members)
    width = window_s * 1_000_000
    actors = defaultdict(set)
    for a, i, t in zip(acts.account, acts.object, acts.time, strict=True):
        actors[int(i), int((t - MONDAY + offset * width) // width)].add(int(a))
    total, told = 0.0, []
    for (i, _), who in actors.items():
        c = strata.object_stratum[i]
        share = inside[pool == c].sum() / (pool == c).sum()
        if share > 0.03:
            kin = strata.parent[pool] == strata.parent[c]
            share = inside[kin].sum() / kin.sum()
        told.append((len(who & set(members)), len(who), share))
    dense = any(share > bursts.DENSE for _, _, share in told)
    for k, m, share in told:
        if dense and m == 1:
            continue
        if dense:
            factors = [r**k / (1 + share * (r - 1)) ** m for r in r_grid]
        else:
            factors = [r**k * math.exp(-(r - 1) * m * share) for r in r_grid]
        mean = np.mean(factors)
        total += math.log(omega + (1 - omega) * mean)
    return total


@pytest.mark.parametrize("dense", [bursts.DENSE, 1.0])
@settings(deadline=None, max_examples=40)
@given(acts=rows, members=st.sets(st.integers(0, 5), min_size=1, max_size=4))
def test_bursts_log_evidence_is_its_definition(dense, acts, members):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bursts, "DENSE", dense)
        _is_its_definition(acts, members)


def _is_its_definition(acts, members):
    layer, strata = actions(acts), pools(0, 0, 1, 1)
    members = np.array(sorted(members), np.int32)
    tilings = bursts.prepare(layer, strata, CONFIG, ENGINE)
    ours = bursts.log_evidence(tilings, members)
    assert ours.shape == (2, 2, 4)
    for w, window in enumerate(CONFIG.windows_s):
        for o, offset in enumerate(bursts.OFFSETS):
            for i, omega in enumerate(bursts.WEIGHTS):
                theirs = by_hand(layer, strata, members, window, offset, bursts.rates(6), omega)
                assert ours[w, o, i] == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_bursts_of_who_is_much_of_a_pool_are_told_by_binomials():
    """Twelve accounts that are a sixth of a small layer and always come together.

    By Poisson's bound they are their own chance: a set of twelve of 600 costs 64 nats.
    """
    rng = np.random.default_rng(3)
    acts = [(a, o, 9000 * o + int(rng.integers(0, 30))) for o in range(10) for a in range(12)]
    acts += [
        (int(rng.integers(12, 600)), int(rng.integers(0, 200)), int(rng.integers(0, 90_000)))
        for _ in range(600)
    ]
    layer = actions(acts, n_accounts=600, n_objects=200)
    tilings = bursts.prepare(layer, pools(*[0] * 200), CONFIG, ENGINE)
    crew = np.arange(12, dtype=np.int32)
    assert bursts.by_mass(tilings, crew)
    ours = bursts.net([tilings], crew, 600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bursts, "DENSE", 1.0)
        assert ours > bursts.net([tilings], crew, 600) + 40
    assert ours > -math.log(CONFIG.false_alarms)


def test_bursts_lone_acts_say_nothing_for_who_is_much_of_a_pool():
    """Acting where nobody else is joins nobody: only bursts of two or more count."""
    acts = [(a, 10 + i, 5000 * i + a) for i, a in enumerate([0, 1, 2] * 10)]
    acts += [(3 + i % 40, i % 5, 3 * i) for i in range(120)]
    tilings = bursts.prepare(
        actions(acts, n_accounts=43, n_objects=40), pools(*[0] * 40), CONFIG, ENGINE
    )
    few = np.arange(3, dtype=np.int32)
    assert bursts.by_mass(tilings, few)
    assert bursts.log_evidence(tilings, few).max() <= 0


@settings(deadline=None, max_examples=30)
@given(rows, st.sets(st.integers(0, 5), min_size=1, max_size=4), st.integers(-40, 40))
def test_bursts_know_neither_week_nor_engine_nor_names(acts, members, weeks):
    layer, strata = actions(acts), pools(0, 0, 1, 1)
    members = np.array(sorted(members), np.int32)
    here = bursts.log_evidence(bursts.prepare(layer, strata, CONFIG, ENGINE), members)
    later = replace(layer, time=layer.time + weeks * WEEK)
    assert np.array_equal(
        here, bursts.log_evidence(bursts.prepare(later, strata, CONFIG, ENGINE), members)
    )
    slow = make("engines", "reference", CONFIG)
    np.testing.assert_allclose(
        here, bursts.log_evidence(bursts.prepare(layer, strata, CONFIG, slow), members), rtol=1e-9
    )
    turned = replace(layer, account=(5 - layer.account).astype(np.int32))
    np.testing.assert_allclose(
        here,
        bursts.log_evidence(
            bursts.prepare(turned, strata, CONFIG, ENGINE), np.sort(5 - members).astype(np.int32)
        ),
        rtol=1e-9,
        atol=1e-12,
    )


@settings(deadline=None, max_examples=30)
@given(rows, st.sets(st.integers(0, 5), min_size=1, max_size=4), st.sampled_from([0.0, 0.5]))
def test_bursts_terms_add_up_to_the_log_evidence(acts, members, offset):
    layer, strata = actions(acts), pools(0, 0, 1, 1)
    members = np.array(sorted(members), np.int32)
    tilings = bursts.prepare(layer, strata, CONFIG, ENGINE)
    found = bursts.terms(tilings, members, 3600, offset)
    cells = bursts.log_evidence(tilings, members)[1, int(2 * offset)]
    best = bursts.WEIGHTS.index(found.omega)
    assert found.base + found.weight.sum() == pytest.approx(cells[best], rel=1e-9, abs=1e-9)
    assert cells[best] == pytest.approx(cells.max(), abs=1e-9)
    assert np.array_equal(np.diff(found.starts), found.k)
    for u in range(len(found.k)):
        own = found.rows[found.starts[u] : found.starts[u + 1]]
        assert set(layer.object[own]) == {found.object[u]}
        assert len(set(layer.account[own])) == found.k[u] <= found.m[u]
        assert set(layer.account[own]) <= set(members.tolist())
        assert np.array_equal(np.sort(layer.time[own]), layer.time[own])


def test_bursts_who_comes_back_counts_once():
    layer = actions([(0, 0, 0), (0, 0, 10), (1, 0, 20), (2, 0, 90)])
    found = bursts.terms(
        bursts.prepare(layer, pools(0, 0, 0, 0), CONFIG, ENGINE),
        np.array([0, 1], np.int32),
        60,
        0.0,
    )
    assert (found.k.tolist(), found.m.tolist(), found.rows.tolist()) == ([2], [2], [0, 2])


def test_bursts_full_pool_asks_its_parent():
    # members hold half of pool 0's acts, a fifth of its parent's, none of pool 2 with another one
    acts = [(a, o, 100 * a) for a, o in [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 2)]]
    strata = pools(0, 1, 2, 2, parent=[0, 0, 1])
    tilings = bursts.prepare(actions(acts), strata, CONFIG, ENGINE)
    shares = bursts.shares(tilings, np.array([0], np.int32))
    assert shares.tolist() == [0.2, 0.0, 0.0]


@settings(deadline=None, max_examples=20)
@given(rows)
def test_bursts_repooled_is_prepared_anew(acts):
    layer, one, two = actions(acts), pools(0, 0, 0, 0), pools(1, 0, 1, 0)
    members = np.array([1, 2, 3], np.int32)
    moved = bursts.repool(bursts.prepare(layer, one, CONFIG, ENGINE), two)
    fresh = bursts.prepare(layer, two, CONFIG, ENGINE)
    assert np.array_equal(bursts.log_evidence(moved, members), bursts.log_evidence(fresh, members))


def test_bursts_nothing_says_nothing():
    tilings = bursts.prepare(actions([]), pools(0, 0, 0, 0), CONFIG, ENGINE)
    assert not bursts.log_evidence(tilings, np.array([0, 1, 2], np.int32)).any()
    assert len(bursts.terms(tilings, np.array([0], np.int32), 60, 0.5).k) == 0


def test_bursts_price_is_the_number_of_groups():
    assert bursts.price(10, 3) == pytest.approx(math.log(10 * math.comb(10, 3)))
    assert bursts.price(1_000_000, 400_000) > 0
    # Σ over all groups of π(G) ≤ 1
    total = sum(math.comb(9, g) * math.exp(-bursts.price(9, g)) for g in range(1, 10))
    assert total == pytest.approx(1.0)


def test_bursts_net_is_the_mean_over_layers_less_the_price():
    layer = actions([(a, o, 3600 * o + a) for a in range(3) for o in range(4)], n_accounts=50)
    tilings = bursts.prepare(layer, pools(0, 0, 0, 0), CONFIG, ENGINE)
    members = np.array([0, 1, 2], np.int32)
    quiet = bursts.prepare(actions([], n_accounts=50), pools(0, 0, 0, 0), CONFIG, ENGINE)
    e = np.exp(bursts.log_evidence(tilings, members))
    expected = math.log((e.mean() + 1.0) / 2) - bursts.price(50, 3)
    assert bursts.net([tilings, quiet], members, 50) == pytest.approx(expected)


def test_bursts_rates_reach_the_crowd():
    assert bursts.rates(10).tolist() == [3, 10, 30, 100, 300]
    assert bursts.rates(45_000).tolist() == [3, 10, 30, 100, 300, 1000, 3000, 10000, 30000]


@pytest.mark.parametrize("members", [[0, 1, 2], list(range(12))])
def test_bursts_mean_evidence_over_label_shuffles_is_at_most_one(members):
    # 60 accounts of very different activity; the fixed group holds under 3 % or is the pool's own
    rng = np.random.default_rng(7)
    who = rng.choice(60, 1200, p=np.arange(1, 61) / np.arange(1, 61).sum())
    what = np.minimum(rng.geometric(0.15, 1200) - 1, 29)
    layer = actions(
        np.stack([who, what, rng.integers(0, 90_000, 1200)], axis=1).tolist(),
        n_accounts=60,
        n_objects=30,
    )
    strata = pools(*[0] * 30)
    found = []
    for _ in range(200):
        mixed = replace(layer, account=rng.permutation(layer.account))
        tilings = bursts.prepare(mixed, strata, CONFIG, ENGINE)
        cells = bursts.log_evidence(tilings, np.array(members, np.int32))
        found.append(np.exp(cells).mean())
    assert np.mean(found) <= 1 + 4 * np.std(found) / math.sqrt(len(found))
