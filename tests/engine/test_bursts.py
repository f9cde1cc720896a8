"""Bursts: the compiled kernels against the specification, and what a burst is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.engine import bursts, reference_bursts

RATES = np.array([3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0])
WEIGHTS = np.array([0.95, 0.99, 0.999, 0.9999])
MINUTE = 60_000_000
WEEK = 7 * 86_400_000_000

acts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40 * MINUTE)), max_size=40)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    object_ = np.array([r[0] for r in rows], np.int32)
    return object_, np.array([r[1] for r in rows], np.int64) + 1_700_000_000_000_000


@settings(deadline=None)
@given(acts, st.sampled_from([10, 60, 600]), st.sampled_from([0.0, 0.5]))
def test_bursts_tiles_equal_the_specification(rows, seconds, offset):
    object_, time = columns(rows)
    window = seconds * 1_000_000
    ours = bursts.tiles(object_, time, window, int(offset * window))
    theirs = reference_bursts.tiles(object_, time, window, int(offset * window))
    assert ours[1] == theirs[1]
    assert ours[0].dtype == np.int32
    np.testing.assert_array_equal(ours[0], theirs[0])


@settings(deadline=None)
@given(acts, st.integers(-200, 200), st.randoms())
def test_bursts_tiles_know_neither_the_week_nor_the_row_order(rows, weeks, random):
    object_, time = columns(rows)
    ids, count = bursts.tiles(object_, time, MINUTE, MINUTE // 2)
    shifted, again = bursts.tiles(object_, time + weeks * WEEK, MINUTE, MINUTE // 2)
    assert again == count
    np.testing.assert_array_equal(ids, shifted)
    order = np.array(random.sample(range(len(time)), len(time)), np.int64)
    mixed, _ = bursts.tiles(object_[order], time[order], MINUTE, MINUTE // 2)
    np.testing.assert_array_equal(ids[order], mixed)


def test_bursts_tiles_cut_where_the_offset_says():
    # Monday 2023-11-13 00:00 UTC; one object; a minute wide
    monday = 1_699_833_600_000_000
    time = monday + np.array([0, 29, 30, 59, 60]) * 1_000_000
    object_ = np.zeros(5, np.int32)
    assert bursts.tiles(object_, time, MINUTE, 0)[0].tolist() == [0, 0, 0, 0, 1]
    assert bursts.tiles(object_, time, MINUTE, MINUTE // 2)[0].tolist() == [0, 0, 1, 1, 1]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 2000), st.floats(1e-8, 2.0)), min_size=1, max_size=12),
    st.lists(st.integers(0, 11), max_size=300),
)
def test_bursts_evidence_equals_the_specification(world, hits):
    actors = np.array([m for m, _ in world], np.int32)
    share = np.array([f for _, f in world])
    burst = np.array([h for h in hits if h < len(world)], np.int32)
    base = reference_bursts.log_factor(
        np.zeros(len(world), np.int64), actors * share, RATES, WEIGHTS
    ).sum(axis=1)
    ours = bursts.burst_evidence(burst, actors, share, base, RATES, WEIGHTS)
    theirs = reference_bursts.burst_evidence(burst, actors, share, base, RATES, WEIGHTS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernel", [bursts, reference_bursts])
def test_bursts_without_acts_leave_the_base_alone(kernel):
    nothing = np.zeros(0, np.int32)
    base = np.array([-1.0, -0.5, -0.1, 0.0])
    assert kernel.tiles(nothing, nothing.astype(np.int64), MINUTE, 0)[1] == 0
    one, count = kernel.tiles(np.array([3], np.int32), np.array([7], np.int64), MINUTE, 0)
    assert (one.tolist(), count) == ([0], 1)
    out = kernel.burst_evidence(nothing, nothing, np.zeros(0), base, RATES, WEIGHTS)
    assert out.tolist() == base.tolist()


def test_bursts_evidence_has_mean_at_most_one_when_slots_are_drawn_at_random():
    # 30 accounts, 6 of them members, fill slots of 5 bursts without replacement
    rng = np.random.default_rng(5)
    actors = np.array([8, 5, 3, 12, 2], np.int32)
    share = np.full(5, 0.2)
    base = reference_bursts.log_factor(
        np.zeros(5, np.int64), actors * share, RATES[:3], WEIGHTS
    ).sum(axis=1)
    draws = []
    for _ in range(4000):
        hit = np.concatenate(
            [np.full((rng.permutation(30)[:m] < 6).sum(), u) for u, m in enumerate(actors)]
        ).astype(np.int32)
        draws.append(bursts.burst_evidence(hit, actors, share, base, RATES[:3], WEIGHTS))
    e = np.exp(np.array(draws))
    assert (e.mean(axis=0) <= 1 + 4 * e.std(axis=0) / np.sqrt(len(e))).all()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0.0, 500.0)), max_size=20))
def test_bursts_log_factors_equal_the_specification(rows):
    k = np.array([r[0] for r in rows], np.int64)
    mu = np.array([r[1] for r in rows], np.float64)
    np.testing.assert_allclose(
        bursts.log_factors(k, mu, RATES, WEIGHTS),
        reference_bursts.log_factor(k, mu, RATES, WEIGHTS),
        rtol=1e-9,
        atol=1e-9,
    )
