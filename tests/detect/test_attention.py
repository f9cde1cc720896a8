"""Busy accounts stand early on popular things: they meet there without a plan."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import attention, error_control, null, rhythm, scoring
from klieg.sockets import make
from klieg.tables import SECOND, Actions, Strata

DAY = 86_400 * SECOND
MONDAY = 4 * DAY + 2_000 * 7 * DAY
CONFIG = Config(threads=1)
ENGINE = make("engines", "cpu", CONFIG)
WINDOWS = null.ladder(CONFIG)
CREW, JOINT = 12, 10


def layer(account, item, time, n_accounts: int) -> Actions:
    """First act of an account on each object, in time order."""
    order = np.argsort(time, kind="stable")
    account, item, time = (np.asarray(c)[order] for c in (account, item, time))
    _, first = np.unique(account.astype(np.int64) << 32 | item, return_index=True)
    kept = np.sort(first)
    item = np.unique(item[kept], return_inverse=True)[1].astype(np.int32)
    labels = pa.array([str(i) for i in range(int(item.max(initial=-1)) + 1)], pa.string())
    return Actions(
        "copies",
        account[kept].astype(np.int32),
        item,
        time[kept].astype(np.int64),
        np.arange(len(kept)),
        np.full(len(kept), -1, np.int32),
        labels,
        labels.slice(0, 0),
        n_accounts,
    )


def pool(*actions: Actions, parts: int = 1) -> Strata:
    n = actions[0].n_objects
    names = tuple(str(i) for i in range(parts))
    return Strata((np.arange(n) % parts).astype(np.int32), np.zeros(parts, np.int32), names, ("x",))


def drawn(seed: int, n: int, *, crew: bool = False) -> Actions:
    """Accounts draw popular objects again and again; nobody plans anything but the crew."""
    draw = np.random.default_rng(seed)
    accounts, objects = n // 10, n // 5
    busy = np.cumsum(draw.pareto(0.9, accounts) + 1)
    popular = np.cumsum(np.arange(1, objects + 1) ** -1.0)
    who = np.searchsorted(busy / busy[-1], draw.random(2 * n))
    what = np.searchsorted(popular / popular[-1], draw.random(2 * n))
    when = draw.random(objects)[what] * 29 * DAY + draw.lognormal(0, 2, 2 * n) * 3600 * SECOND
    if crew:
        members = np.tile(np.argsort(np.diff(busy, prepend=0))[:CREW], JOINT)
        own = np.repeat(draw.choice(np.arange(objects // 2, objects), JOINT, replace=False), CREW)
        at = np.repeat(draw.random(JOINT) * 28 * DAY, CREW) + draw.random(len(own)) * 60 * SECOND
        who, what, when = np.r_[members, who], np.r_[own, what], np.r_[at, when]
    return layer(who, what, MONDAY + when.astype(np.int64), accounts)


def rejected(actions: Actions) -> int:
    s = scoring.study(actions, pool(actions), CONFIG, ENGINE)
    cut = error_control.threshold(s.tests.p, s.pairs, CONFIG.false_alarms)
    return int(np.count_nonzero(s.tests.p <= cut)) if cut else 0


def test_attention_explains_busy_accounts_that_are_early_on_popular_things(monkeypatch):
    worlds = [drawn(seed, 40_000) for seed in range(3)]
    assert [rejected(w) for w in worlds] == [0, 0, 0]
    monkeypatch.setattr(attention, "measure", lambda *_: ())
    assert sum(rejected(w) for w in worlds) > 10


def test_attention_leaves_a_crew_on_things_of_its_own():
    assert rejected(drawn(5, 40_000, crew=True)) == CREW * (CREW - 1) // 2


def test_attention_is_silent_where_all_classes_are_small():
    actions = drawn(1, 2_000)
    assert attention.measure(actions, (pool(actions),), WINDOWS) == ()
    none = np.zeros(1, np.int32)
    assert not attention.expected(actions, (), len(WINDOWS), none, none + 1).any()


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(attention, "LEAST", 20)


def test_attention_never_expects_more_than_what_is_shared_by_chance(small):
    actions = drawn(2, 3_000, crew=True)
    kinds = attention.measure(actions, (pool(actions),), WINDOWS)
    draw = np.random.default_rng(0)
    pairs = np.sort(draw.integers(0, actions.n_accounts, (500, 2)), axis=1).astype(np.int32)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    told = attention.expected(actions, kinds, len(WINDOWS), pairs[:, 0], pairs[:, 1])
    assert (np.diff(told, axis=1) >= -1e-12).all()
    home = kinds[0].home[actions.object]
    size = len(kinds[0].flat)
    held = np.zeros((actions.n_accounts, size))
    np.add.at(held, (actions.account[home >= 0], home[home >= 0]), 1)
    degree = np.bincount(actions.object, minlength=actions.n_objects)
    on = kinds[0].home >= 0
    ever = np.bincount(kinds[0].home[on], (degree * (degree - 1))[on], size)
    share = ever / held.sum(axis=0) ** 2
    most = (held[pairs[:, 0]] * held[pairs[:, 1]]) @ share
    assert told.max() > 0
    assert (told <= most[:, None] * (1 + 1e-9)).all()


@pytest.mark.usefixtures("small")
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), parts=st.integers(1, 3))
def test_attention_of_two_pools_is_the_most_of_each(seed, parts):
    draw = np.random.default_rng(seed)
    n = 200
    actions = layer(
        draw.integers(0, 30, n), draw.zipf(1.5, n) % 40, MONDAY + draw.integers(0, DAY, n), 30
    )
    pools = pool(actions, parts=parts), pool(actions)
    left, right = np.triu_indices(30, 1)
    pair = left.astype(np.int32), right.astype(np.int32)

    def of(*chosen: Strata) -> np.ndarray:
        kinds = attention.measure(actions, chosen, WINDOWS)
        return attention.expected(actions, kinds, len(WINDOWS), *pair)

    assert of(*pools) == pytest.approx(np.maximum(of(pools[0]), of(pools[1])))


def test_attention_adds_up_over_all_pairs_of_slots(small):
    # where a class is one octave, λ over all slots is the class's pairs, by the cells of both
    actions = drawn(3, 3_000)
    kinds = attention.measure(actions, (pool(actions),), WINDOWS)
    totals = ENGINE.pair_totals(
        actions.account, actions.object, actions.time, actions.n_objects, WINDOWS, None
    )
    degree = np.bincount(actions.object, minlength=actions.n_objects)
    checked = 0
    for cells in kinds:
        size = rhythm.sizes(
            actions.object[cells.home[actions.object] >= 0],
            cells.of[cells.home[actions.object] >= 0],
            cells.home,
            len(cells.flat),
            cells.n,
        )
        for c in range(len(cells.flat)):
            own = np.flatnonzero(cells.home == c)
            if len(np.unique(np.floor(np.log2(degree[own])))) > 1:
                continue
            ever = float((degree[own] * (degree[own] - 1)).sum())
            pi = cells.fill[c] * size[c].sum() ** 2 / ever  # chance within w, by cells
            assert (pi <= 1 + 1e-9).all()
            wanted = 2.0 * totals[own].sum(axis=0)
            counted = np.zeros(len(WINDOWS))
            for i in own:
                of = cells.of[actions.object == i]
                h = np.bincount(of, minlength=cells.n).astype(float)
                counted += ((np.outer(h, h) - np.diag(h)) * pi).sum(axis=(1, 2))
            assert counted == pytest.approx(wanted)
            checked += 1
    assert checked >= 4
