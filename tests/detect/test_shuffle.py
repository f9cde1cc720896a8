"""H and T shuffles: what they keep, what they move, and that they give no account a slot twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect import error_control, scoring
from klieg.detect.shuffle import shift, shuffle, shuffle_by_hour
from klieg.tables import SECOND

from .test_null import (
    CONFIG,
    DAY,
    ENGINE,
    doubles,
    make_actions,
    make_strata,
    organic,
    slots_of,
)

HOUR = 3600 * SECOND
MONDAY = 4 * DAY

worlds = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 80)), min_size=1, max_size=40
)


def once(rows):
    """Each account's first act on each object, in time order."""
    first = {}
    for a, o, h in sorted(rows, key=lambda r: r[2]):
        first.setdefault((a, o), (a, o, MONDAY + h * HOUR))
    return make_actions(
        *zip(*sorted(first.values(), key=lambda r: r[2]), strict=True), n_accounts=6
    )


@settings(max_examples=60, deadline=None)
@given(rows=worlds, seed=st.integers(0, 2**40))
def test_shuffle_by_hour_keeps_slots_and_who_acts_at_which_hour(rows, seed):
    actions = once(rows)
    strata = make_strata([o % 2 for o in range(actions.n_objects)])
    mixed = shuffle_by_hour(actions, strata, seed)
    assert slots_of(mixed) == slots_of(actions)
    assert doubles(mixed, 10**15) == 0
    pool = strata.object_stratum[actions.object]
    hour = (actions.time // HOUR) % 24
    for cell in set(zip(pool.tolist(), hour.tolist(), strict=True)):
        here = (pool == cell[0]) & (hour == cell[1])
        assert sorted(mixed.account[here]) == sorted(actions.account[here])


def test_shuffle_by_hour_tells_weekends_from_weekdays():
    # account 0 acts at 9 on weekdays, account 1 at 9 on Sundays: neither may get the other's slots
    rows = [(0, d, MONDAY + d * DAY + 9 * HOUR) for d in range(5)]
    rows += [(1, 5 + w, MONDAY + (6 + 7 * w) * DAY + 9 * HOUR) for w in range(5)]
    actions = make_actions(*zip(*sorted(rows, key=lambda r: r[2]), strict=True))
    strata = make_strata(np.zeros(actions.n_objects))
    week = min(actions.time.tolist())
    for seed in range(10):
        mixed = shuffle_by_hour(actions, strata, seed)
        assert mixed.account.tolist() == actions.account.tolist()
        plain = shuffle(actions, strata, seed)
        assert sorted(plain.account) == sorted(actions.account)
    assert any(
        shuffle(actions, strata, s).account.tolist() != actions.account.tolist() for s in range(10)
    )
    assert week == MONDAY + 9 * HOUR


def test_shuffle_by_hour_moves_most_and_is_the_same_for_the_same_seed():
    actions, strata = organic(3)
    one, two, other = (shuffle_by_hour(actions, strata, s) for s in (1, 1, 2))
    assert one.account.tolist() == two.account.tolist()
    assert np.mean(one.account != other.account) > 0.9
    assert np.mean(one.account != actions.account) > 0.9


@settings(max_examples=30, deadline=None)
@given(weeks=st.integers(-500, 500), seed=st.integers(0, 5))
def test_shuffles_ignore_whole_weeks(weeks, seed):
    actions, strata = organic(seed, n=600, accounts=60, objects=50)
    moved = replace(actions, time=actions.time + weeks * 7 * DAY)
    assert (
        shuffle_by_hour(moved, strata, 1).account.tolist()
        == shuffle_by_hour(actions, strata, 1).account.tolist()
    )
    late, soon = shift(moved, 1), shift(actions, 1)
    assert late.account.tolist() == soon.account.tolist()
    assert (late.time - soon.time == weeks * 7 * DAY).all()


@settings(max_examples=60, deadline=None)
@given(rows=worlds, seed=st.integers(0, 2**40))
def test_shift_keeps_who_acted_on_what_and_at_which_hour(rows, seed):
    actions = once(rows)
    moved = shift(actions, seed)
    hour = lambda a: a.time % DAY  # noqa: E731
    key = lambda a: sorted(  # noqa: E731
        zip(a.account.tolist(), a.object.tolist(), a.post.tolist(), hour(a).tolist(), strict=True)
    )
    assert key(moved) == key(actions)
    assert (np.diff(moved.time) >= 0).all()
    first = int(actions.time.min())
    assert moved.time.min() >= first
    assert moved.time.max() < first + ((int(actions.time.max()) - first) // DAY + 2) * DAY


@settings(max_examples=60, deadline=None)
@given(rows=worlds, seed=st.integers(0, 2**40))
def test_shift_keeps_the_24_hour_rule(rows, seed):
    # one act a day by an account on an object; the last day meets the first on a plain ring
    kept = sorted({(a, o, h % 30) for a, o, h in rows}, key=lambda r: r[2])
    actions = make_actions(*zip(*[(a, o, d * DAY) for a, o, d in kept], strict=True), n_accounts=6)
    assert doubles(shift(actions, seed), DAY) == 0


def test_shift_moves_objects_of_a_pair_one_by_one():
    # two accounts, on 400 things at once in 13 days: one in 15 stays together, and never all
    rows = [(a, o, o * DAY // 30) for o in range(400) for a in range(2)]
    actions = make_actions(*zip(*rows, strict=True))
    for seed in range(5):
        moved = shift(actions, seed)
        together = sum(np.ptp(moved.time[moved.object == o]) < HOUR for o in range(400))
        assert 10 <= together <= 50  # 26.7 expected


def test_shift_leaves_chance_at_chance():
    # who is on what is drawn at random: moved in time no pair may look improbable
    found, pairs = np.zeros(5), 0
    for seed in range(4):
        actions, strata = organic(seed, tail=1.0)
        study = scoring.study(shift(actions, seed), strata, CONFIG, ENGINE)
        found += error_control.tail(study.tests.p)
        pairs += study.pairs
    assert (found[:4] / (pairs * np.array(error_control.ALPHAS[:4])) <= 1.0).all()


def test_shuffles_of_nothing_are_nothing():
    empty = make_actions([], [], [], n_accounts=3)
    assert shuffle_by_hour(empty, make_strata([]), 0).n == 0
    assert shift(empty, 0).n == 0
