"""Hours and haste: habits raise what chance expects, and what the cap dropped is bounded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import attention, error_control, hubs, null, rhythm, scoring
from klieg.sockets import make
from klieg.tables import SECOND, Actions, Strata

HOUR = 3600 * SECOND
DAY = 24 * HOUR
MONDAY = 4 * DAY + 2_000 * 7 * DAY
CONFIG = Config(threads=1)
ENGINE = make("engines", "cpu", CONFIG)
WINDOWS = null.ladder(CONFIG)


def make_actions(account, item, time, n_accounts=None) -> Actions:
    order = np.argsort(time, kind="stable")
    item = np.asarray(item, np.int32)[order]
    return Actions(
        "repost",
        np.asarray(account, np.int32)[order],
        item,
        np.asarray(time, np.int64)[order],
        np.arange(len(item)),
        np.full(len(item), -1, np.int32),
        pa.array([str(i) for i in range(int(item.max(initial=-1)) + 1)], pa.string()),
        pa.array([], pa.string()),
        n_accounts or int(np.max(account, initial=-1)) + 1,
    )


def one_pool(actions: Actions) -> Strata:
    return Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("x",), ("x",))


def world(seed: int, *, awake: int, haste: float, n: int = 40_000) -> tuple[Actions, Strata]:
    """2000 accounts awake ``awake`` hours a day from their own hour on, each with its own pace."""
    rng = np.random.default_rng(seed)
    busy, viral = rng.pareto(1.5, 2000) + 0.2, rng.pareto(1.0, 4000) + 0.1
    account = rng.choice(2000, n, p=busy / busy.sum())
    item = rng.choice(4000, n, p=viral / viral.sum())
    birth = rng.random(4000) * 28 * DAY
    wakes = rng.choice([0, 8, 16], 2000) * HOUR + rng.normal(0, HOUR, 2000)
    pace = np.exp(rng.normal(0, haste, 2000))
    time = birth[item] + rng.exponential(HOUR, n) * pace[account]
    since = (time - wakes[account]) % DAY
    late = time + DAY - since + rng.exponential(HOUR / 2, n)
    time = np.where(since > awake * HOUR, late, time)
    _, first = np.unique(account * 4000 + item, return_index=True)
    actions = make_actions(account[first], item[first], (MONDAY + time)[first], 2000)
    return actions, one_pool(actions)


def rejected(actions: Actions, strata: Strata) -> int:
    s = scoring.study(actions, strata, CONFIG, ENGINE)
    cut = error_control.threshold(s.tests.p, s.pairs, 0.01)
    return int(np.count_nonzero(s.tests.p <= cut)) if cut else 0


@pytest.mark.parametrize(("awake", "haste"), [(5, 0.0), (24, 1.5)])
def test_rhythm_explains_pairs_that_share_hours_or_haste(awake, haste, monkeypatch):
    worlds = [world(seed, awake=awake, haste=haste) for seed in range(2)]
    monkeypatch.setattr(attention, "measure", lambda *_: ())  # it explains haste by itself
    told = sum(rejected(*w) for w in worlds)
    monkeypatch.setattr(rhythm, "measure", lambda *_: ())
    blind = sum(rejected(*w) for w in worlds)
    assert blind > 30
    assert told <= blind // 8


def test_rhythm_factor_is_large_for_the_same_hours_and_one_for_others():
    # everyone is on every object of the day; 0 and 1 at dawn, 2 at noon, the rest at any time
    rng = np.random.default_rng(0)
    rows = []
    for day in range(40):
        at = MONDAY + day * DAY
        rows += [(a, day, at + int(rng.integers(2 * HOUR))) for a in (0, 1)]
        rows.append((2, day, at + 12 * HOUR + int(rng.integers(2 * HOUR))))
        rows += [(a, day, at + int(rng.integers(DAY))) for a in range(3, 60)]
    actions = make_actions(*zip(*rows, strict=True))
    kinds = rhythm.measure(actions, one_pool(actions), WINDOWS)[:1]
    pair = np.array([0, 0], np.int32), np.array([1, 2], np.int32)
    factor = rhythm.raised(actions, kinds, len(WINDOWS), *pair)
    assert (factor[0, :4] > 4).all()
    assert factor[1, :4] == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 9 * 24)),
        max_size=30,
        unique_by=lambda r: (r[0], r[1]),
    ),
    weeks=st.integers(-100, 100),
)
def test_rhythm_counts_the_pairs_of_each_two_cells(rows, weeks):
    account, item, hour = zip(*rows, strict=True) if rows else ((), (), ())
    time = MONDAY + np.array(hour, np.int64) * HOUR + weeks * 7 * DAY
    actions = make_actions(account, item, time, 31)
    kinds = rhythm.measure(actions, one_pool(actions), WINDOWS)
    assert len(kinds) == (2 if rows else 0)
    totals = ENGINE.pair_totals(
        actions.account, actions.object, actions.time, actions.n_objects, WINDOWS, None
    ).sum(axis=0)
    for cells in kinds:
        size = np.bincount(cells.of, minlength=cells.n).astype(float)
        pairs = cells.fill[0] * np.outer(size, size)
        assert pairs.sum(axis=(1, 2)) == pytest.approx(2.0 * totals)
        assert np.allclose(pairs, pairs.transpose(0, 2, 1))
        wanted = np.zeros((cells.n, cells.n))
        for i in range(actions.n):
            for j in range(actions.n):
                near = abs(int(actions.time[i] - actions.time[j])) <= WINDOWS[4]
                if i != j and near and actions.object[i] == actions.object[j]:
                    wanted[cells.of[i], cells.of[j]] += 1
        assert pairs[4] == pytest.approx(wanted)


def test_rhythm_of_no_pairs_is_empty():
    actions = make_actions([0, 1], [0, 1], [MONDAY, MONDAY])
    none = np.zeros(0, np.int32)
    kinds = rhythm.measure(actions, one_pool(actions), WINDOWS)
    assert rhythm.raised(actions, kinds, len(WINDOWS), none, none).shape == (0, len(WINDOWS))


# --- hubs -----------------------------------------------------------------------------------------


def crowd(n: int) -> Actions:
    """Three viral objects with ``n`` accounts each within a second; 0 and 1 are on all of them."""
    rows = []
    for item in range(3):
        others = range(2 + item * n, 2 + (item + 1) * n)
        rows += [(a, item, item * 10 * DAY + i) for i, a in enumerate([0, 1, *others])]
    return make_actions(*zip(*rows, strict=True))


def test_hubs_look_again_at_accounts_of_crowded_windows():
    actions = crowd(150)
    config = Config(threads=1, occupancy=100)
    s = scoring.study(actions, one_pool(actions), config, ENGINE)
    assert not s.counts.edges.size  # the cap hides the pair
    assert (s.edges.left.tolist(), s.edges.right.tolist()) == ([0], [1])
    assert s.omitted == 0.0  # no other eligible account lost anything


def test_hubs_bound_is_what_the_best_unseen_account_lost():
    dropped = np.array([[9, 9], [5, 8], [4, 7], [0, 0]])
    able = np.array([True, True, True, True])
    config = Config(occupancy=10)
    worth = np.log(4 / 10)
    assert worth < 0
    assert hubs.omitted_bound(dropped, able, np.array([0], np.int32), config) == 0.0
    many = np.r_[dropped, np.zeros((996, 2), int)]
    able = np.ones(1000, np.bool_)
    none = np.zeros(0, np.int32)
    nats = np.log(1000 / 10)
    assert hubs.omitted_bound(many, able, np.array([0], np.int32), config) == pytest.approx(
        8 * nats
    )
    assert hubs.omitted_bound(many, able, none, config) == pytest.approx(8 * nats)
    able[1] = False
    assert hubs.omitted_bound(many, able, none, config) == pytest.approx(7 * np.log(999 / 10))


def test_hubs_choose_per_window_and_only_eligible_accounts():
    dropped = np.zeros((200, 2), int)
    dropped[:60, 0] = 5  # more than get a second look: the first to appear do
    dropped[100:103, 1] = (1, 9, 3)
    able = np.ones(200, np.bool_)
    able[[0, 101]] = False
    assert hubs.crowded(dropped, able).tolist() == [*range(1, 49), 100, 102]


def test_hubs_join_pairs_without_repeats():
    one = np.array([0, 2], np.int32), np.array([1, 3], np.int32)
    two = np.array([0, 0], np.int32), np.array([1, 9], np.int32)
    left, right = hubs.join_pairs(one, two, 10)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 1), (0, 9), (2, 3)]
