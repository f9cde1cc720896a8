"""Crowds that are much of the traffic: found by binomial factors, or told of with the figures."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import bursts, crowd_notes, groups, network
from klieg.sockets import make, silent
from klieg.tables import POSTS, SECOND, TIME, Actions, Network, Posts, Strata

CONFIG = Config(threads=1, windows_s=(60, 600), shuffles=0)
ENGINE = make("engines", "cpu", CONFIG)
DAY = 86_400 * SECOND
MONDAY = 4 * DAY + 2_000 * 7 * DAY


def layer(account, object_, time) -> Actions:
    order = np.argsort(time, kind="stable")
    n = int(object_.max()) + 1
    return Actions(
        "hashtags",
        account[order].astype(np.int32),
        object_[order].astype(np.int32),
        MONDAY + time[order].astype(np.int64),
        np.arange(len(order)),
        np.full(len(order), -1, np.int32),
        pa.array([str(i) for i in range(n)]),
        pa.array([], pa.string()),
        int(account.max()) + 1,
    )


def massed(crowd: int, ordinary: int, objects: int, *, acts: int = 5) -> Actions:
    """``crowd`` accounts on each of ``objects`` within 30 s; others do ``acts`` things each."""
    draw = np.random.default_rng(0)
    n = ordinary * acts
    who = [draw.integers(0, ordinary, n), ordinary + np.arange(crowd)]
    what = [draw.integers(0, n // 4, n), draw.integers(0, n // 4, crowd)]
    for j in range(objects):
        who.append(ordinary + np.arange(crowd))
        what.append(np.full(crowd, n // 4 + j))
    account, object_ = np.concatenate(who), np.concatenate(what)
    start = draw.integers(0, 10 * DAY, n // 4 + objects)
    time = start[object_] + draw.integers(0, 30 * SECOND, len(object_))
    first = np.unique(account * 10_000_000 + object_, return_index=True)[1]
    return layer(account[first], object_[first], time[first])


def built(actions: Actions) -> Network:
    n = actions.n
    columns = {f.name: pa.nulls(n, f.type) for f in POSTS}
    columns["platform"] = pa.array(["x"] * n)
    columns["post_id"] = pa.array([str(i) for i in range(n)])
    columns["account_id"] = pa.array(actions.account).cast(pa.string())
    columns["time"] = pa.array(actions.time).cast(TIME)
    names = pa.array([str(i) for i in range(actions.n_accounts)])
    platforms = pa.array(["x"] * actions.n_accounts)
    table = pa.table(columns, schema=POSTS)
    posts = Posts(table, actions.account, actions.time, names, platforms, 0)
    return network.build({"hashtags": actions}, posts, CONFIG, ENGINE, silent)


def test_crowd_of_a_third_of_the_traffic_stands_on_three_objects(monkeypatch):
    actions = massed(2_500, 4_000, 3)
    net = built(actions)
    (found,) = groups.search(net, actions.n_accounts, CONFIG, ENGINE)
    assert found.members.tolist() == list(range(4_000, 6_500))
    # by Poisson factors its own acts are most of what chance expects
    monkeypatch.setattr(bursts, "MASS", 10**9)
    monkeypatch.setattr(bursts, "DENSE", 1.0)
    assert groups.search(net, actions.n_accounts, CONFIG, ENGINE) == ()


def test_crowd_that_is_nearly_all_traffic_is_told_of_with_the_figures():
    actions = massed(3_000, 60, 2, acts=4)
    net = built(actions)
    assert net.crowds
    assert groups.search(net, actions.n_accounts, CONFIG, ENGINE) == ()
    pairs, evidence = crowd_notes.notes(net, (), CONFIG, ENGINE)
    assert "Every pair of this layer that is neither scored nor in a crowd has p >" in pairs
    tilings = bursts.prepare(actions, net.layers["hashtags"].strata, CONFIG, ENGINE)
    members = max(net.crowds, key=lambda c: len(c.members)).members
    price = bursts.price(actions.n_accounts, len(members))
    weight = bursts.log_mean_exp(bursts.log_evidence(tilings, members))
    assert weight < price
    assert f"weighs {weight:,.0f} nats" in evidence
    assert f"must bring {price:,.0f}" in evidence
    assert "most of what chance goes by" in evidence


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.02, 0.6), m=st.integers(2, 60))
def test_crowd_factors_have_a_mean_of_at_most_one(seed, share, m):
    """Whatever the share: K of m slots of a pool of 4m, of which a share is the crowd's."""
    pool = 4 * m
    own = max(1, round(share * pool))
    k = np.random.default_rng(seed).hypergeometric(own, pool - own, m, 20_000)
    tilings = bursts.prepare(massed(30, 50, 2), one_pool(massed(30, 50, 2)), CONFIG, ENGINE)
    lattice = tilings.lattice
    for massed_ in (False, True):
        f = np.full(len(k), own / pool)
        e = np.exp(bursts._factors(lattice, k, np.full(len(k), m, np.int32), f, massed_))
        # heavy tails: the mean over all outcomes, by their frequency, not the largest few
        error = e.std(axis=1) / np.sqrt(len(k))
        assert (e.mean(axis=1) <= 1 + 5 * error + 1e-3).all()


@settings(max_examples=50, deadline=None)
@given(k=st.integers(0, 500), extra=st.integers(0, 500), share=st.floats(1e-6, 1.0))
def test_crowd_factors_are_never_below_poisson_ones(k, extra, share):
    actions = massed(30, 50, 2)
    lattice = bursts.prepare(actions, one_pool(actions), CONFIG, ENGINE).lattice
    m = np.array([max(k + extra, 1)], np.int32)
    both = [bursts._factors(lattice, np.array([k]), m, np.array([share]), x) for x in (False, True)]
    assert (both[1] >= both[0] - 1e-9).all()
    small = [bursts._factors(lattice, np.array([k]), m, np.array([1e-9]), x) for x in (False, True)]
    assert small[1] == pytest.approx(small[0], abs=1e-3)


def one_pool(actions: Actions) -> Strata:
    return Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("x",), ("x",))
