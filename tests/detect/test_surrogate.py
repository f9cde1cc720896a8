"""Delays dealt anew: what is kept, what goes, and that nothing hangs on names."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect import controls, pace, surrogate
from klieg.tables import SECOND, Actions


def actions_of(account: np.ndarray, obj: np.ndarray, seconds: np.ndarray, n: int) -> Actions:
    order = np.argsort(seconds, kind="stable")
    n_objects = int(obj.max(initial=-1)) + 1
    return Actions(
        "repost",
        account[order].astype(np.int32),
        obj[order].astype(np.int32),
        (seconds[order] * SECOND).astype(np.int64),
        np.arange(len(obj), dtype=np.int64),
        np.full(len(obj), -1, np.int32),
        pa.array([str(i) for i in range(n_objects)], pa.string()),
        pa.array([], pa.string()),
        n,
    )


def world(seed: int, n: int = 60, objects: int = 40) -> tuple[Actions, np.ndarray, np.ndarray]:
    """Actions without doubles, a speed class and a fingerprint for every account."""
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, n * objects, 400))
    born = rng.uniform(0, 10**6, objects)
    at = np.round(born[pairs % objects] + rng.exponential(5000, len(pairs)), 3)
    key = controls.mix(rng.integers(0, 2**63, n).astype(np.uint64))
    return actions_of(pairs // objects, pairs % objects, at, n), rng.integers(0, 3, n), key


def delays(actions: Actions) -> np.ndarray:
    born = np.full(actions.n_objects, np.iinfo(np.int64).max)
    np.minimum.at(born, actions.object, actions.time)
    return actions.time - born[actions.object]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_surrogate_keeps_who_acted_on_what_and_deals_within_cells(seed: int) -> None:
    before, speed, key = world(seed)
    after = surrogate.dealt(before, speed, key, seed=seed)
    assert (np.diff(after.time) >= 0).all()
    assert Counter(zip(before.account.tolist(), before.object.tolist(), strict=True)) == Counter(
        zip(after.account.tolist(), after.object.tolist(), strict=True)
    )
    # a post is still the same account's act on the same object
    assert sorted(zip(before.post, before.account, before.object, strict=True)) == sorted(
        zip(after.post, after.account, after.object, strict=True)
    )
    actors = np.bincount(before.object, minlength=before.n_objects).astype(np.int32)
    popular = pace.same_popularity(actors)
    for actions in (before, after):
        assert (np.bincount(actions.object[delays(actions) == 0]) >= 1)[actors > 0].all()
    told = [
        Counter(zip(popular[a.object].tolist(), speed[a.account].tolist(), delays(a), strict=True))
        for a in (before, after)
    ]
    # cells hold the same delays; the first act of each object stays where it was
    assert told[0] == told[1]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_surrogate_does_not_hang_on_how_accounts_are_numbered(seed: int) -> None:
    before, speed, key = world(seed)
    new = np.random.default_rng(seed).permutation(before.n_accounts)
    back = np.argsort(new)
    moved = replace(before, account=new[before.account].astype(np.int32))
    one = surrogate.dealt(before, speed, key, seed=1)
    other = surrogate.dealt(moved, speed[back], key[back], seed=1)
    assert sorted(zip(new[one.account], one.object, one.time, strict=True)) == sorted(
        zip(other.account, other.object, other.time, strict=True)
    )


def test_surrogate_takes_simultaneity_away() -> None:
    rng = np.random.default_rng(0)
    crew = [(a, o, 5000.0 + rng.uniform(0, 60)) for a in range(10) for o in range(10)]
    others = [
        (10 + a, o, rng.exponential(40_000))
        for o in range(20)
        for a in rng.choice(190, 20, replace=False)
    ]
    who, what, at = (np.array(x) for x in zip(*crew, *others, strict=True))
    before = actions_of(who, what, at, 200)
    after = surrogate.dealt(before, np.zeros(200, np.int64), np.arange(200, dtype=np.uint64))

    def together(actions: Actions) -> int:
        mine = actions.account < 10
        return sum(
            int((np.diff(np.sort(actions.time[mine & (actions.object == o)])) < 60 * SECOND).sum())
            for o in range(10)
        )

    assert together(before) == 90
    assert together(after) < 40


def test_surrogate_texts_take_the_delays_of_links() -> None:
    rng = np.random.default_rng(1)
    texts = actions_of(
        np.repeat(np.arange(8), 6), np.tile(np.arange(6), 8), rng.uniform(0, 30, 48), 100
    )
    who = np.concatenate([rng.choice(100, 8, replace=False) for _ in range(40)])
    links = actions_of(who, np.repeat(np.arange(40), 8), rng.uniform(0, 10**5, 320), 100)
    speed, key = np.zeros(100, np.int64), np.arange(100, dtype=np.uint64)
    alone = surrogate.dealt(texts, speed, key)
    beside = surrogate.dealt(texts, speed, key, usual=links)
    assert np.median(delays(alone)) < 30 * SECOND
    assert np.median(delays(beside)) > 10**4 * SECOND
    assert set(delays(beside).tolist()) <= {0, *delays(links).tolist()}


def test_surrogate_of_nothing_is_nothing() -> None:
    empty = actions_of(np.zeros(0), np.zeros(0, np.int64), np.zeros(0), 3)
    assert surrogate.dealt(empty, np.zeros(3, np.int64), np.zeros(3, np.uint64)).n == 0


def test_surrogate_repeats_keep_their_distance() -> None:
    rng = np.random.default_rng(2)
    who = np.concatenate([rng.choice(30, 10, replace=False) for _ in range(20)])
    what = np.repeat(np.arange(20), 10)
    at = rng.uniform(0, 10**5, 200)
    # everybody comes back a day and two days later
    before = actions_of(
        np.tile(who, 3), np.tile(what, 3), np.concatenate([at, at + 86_400, at + 172_800]), 30
    )
    after = surrogate.dealt(before, np.zeros(30, np.int64), np.arange(30, dtype=np.uint64))
    moved = 0
    for a, o in {(int(a), int(o)) for a, o in zip(who, what, strict=True)}:
        old, new = (np.sort(x.time[(x.account == a) & (x.object == o)]) for x in (before, after))
        np.testing.assert_array_equal(np.diff(new), np.diff(old))
        moved += int(old[0] != new[0])
    assert moved > 100
