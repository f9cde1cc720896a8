"""Evidence over days: at any moment its mean is 1 at most under chance, and a plan is seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import daily, halves, null
from klieg.detect.shuffle import shuffle
from klieg.sockets import make
from klieg.tables import SECOND

from .test_null import DAY, make_actions, make_strata

CONFIG = Config(threads=1, windows_s=(600, 21600))
ENGINE = make("engines", "cpu", CONFIG)
MONDAY = 4 * DAY
HOUR = 3600 * SECOND


def stopped(evidence: np.ndarray, bar: float) -> np.ndarray:
    """Each pair's evidence on the first day on which it is ``bar`` or more, else on the last."""
    over = evidence >= bar
    day = np.where(over.any(axis=1), over.argmax(axis=1), evidence.shape[1] - 1)
    return evidence[np.arange(len(evidence)), day]


@pytest.mark.parametrize("bar", [1.5, 3.0, 30.0])
def test_daily_evidence_has_mean_one_at_most_whenever_one_stops(bar):
    rng = np.random.default_rng(int(bar * 10))
    lam = rng.choice([0.001, 0.004, 0.01], (200_000, 12, 1)) * np.ones(2)
    x = rng.poisson(lam)
    evidence = daily.process(x, lam)
    assert evidence[:, 0].mean() < 1.1
    assert evidence[:, 5].mean() < 1.15
    assert stopped(evidence, bar).mean() < 1.15
    # what must not be alerted on: the largest so far
    assert evidence.max(axis=1).mean() > 1.3


def test_daily_clock_must_not_start_when_a_pair_first_meets():
    rng = np.random.default_rng(1)
    lam = np.full((100_000, 12, 1), 0.004)
    x = rng.poisson(lam)
    met = (np.cumsum(x, axis=1) > 0)[:, :, 0]
    late = np.where(met[:, :, None], lam, 0.0)  # the days before are forgiven
    assert daily.process(x, lam)[:, -1].mean() < 1.2
    assert daily.process(x, late)[:, -1].mean() > daily.process(x, lam)[:, -1].mean() * 1.1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0, 3)), min_size=1, max_size=8))
def test_daily_evidence_is_that_of_the_sums(days):
    x = np.array([[[n] for n, _ in days]])
    lam = np.array([[[u] for _, u in days]])
    total, mean = x.sum(), lam.sum()
    rates = np.array(daily.RATES)
    wanted = np.mean(np.exp(np.minimum(total * np.log(rates) - (rates - 1) * mean, 600)))
    assert daily.process(x, lam)[0, -1] == pytest.approx(wanted, rel=1e-9)


def organic_days(seed: int, *, accounts=60, days=6, acts=500):
    """Each day its own objects in bursts of an hour, accounts of unlike size; nobody plans."""
    rng = np.random.default_rng(seed)
    busy = rng.pareto(1.5, accounts) + 0.3
    rows = set()
    for day in range(days):
        for _ in range(acts):
            item = day * 40 + int(rng.integers(40))
            rows.add((int(rng.choice(accounts, p=busy / busy.sum())), item))
    start = {o: rng.integers(0, 20) * HOUR for o in range(days * 40)}
    made = sorted(
        (MONDAY + (o // 40) * DAY + int(start[o]) + int(rng.integers(HOUR)), a, o) for a, o in rows
    )
    when, who, what = (np.array(v) for v in zip(*made, strict=True))
    actions = make_actions(who, what, when, n_accounts=accounts)
    return actions, make_strata(np.arange(actions.n_objects) // 40)


def test_daily_evidence_of_shuffled_days_has_mean_one_at_most():
    totals = []
    for seed in range(4):
        actions, strata = organic_days(seed)
        mixed = shuffle(actions, strata, seed)  # pools are days: each is shuffled by itself
        i, j = (k.astype(np.int32) for k in np.triu_indices(60, 1))
        told = daily.follow(mixed, strata, i, j, CONFIG, ENGINE)
        assert told.evidence.shape == (len(i), 6)
        totals.append([told.evidence.mean(axis=0).max(), stopped(told.evidence, 3.0).mean()])
    assert np.mean(totals, axis=0).max() < 1.1


def test_daily_expects_by_each_days_margins_alone_and_counts_a_target_once():
    actions, strata = organic_days(3)
    left, right = np.array([0, 1], np.int32), np.array([2, 3], np.int32)
    told = daily.follow(actions, strata, left, right, CONFIG, ENGINE)
    first = np.flatnonzero(actions.time < MONDAY + DAY)
    alone = daily.follow(halves.rows(actions, first), strata, left, right, CONFIG, ENGINE)
    assert np.array_equal(told.expected[:, 0], alone.expected[:, 0])
    assert np.array_equal(told.seen[:, 0], alone.seen[:, 0])
    assert np.array_equal(told.evidence[:, 0], alone.evidence[:, 0])
    # one author every day: the pair earns it on the first day and never again
    rows = [(a, d, MONDAY + d * DAY + a * SECOND) for d in range(4) for a in range(2)]
    one = make_actions(*zip(*rows, strict=True), target=np.zeros(4, int))
    once = daily.follow(
        one,
        make_strata(np.zeros(4)),
        np.array([0], np.int32),
        np.array([1], np.int32),
        CONFIG,
        ENGINE,
    )
    assert once.seen[0, :, 0].tolist() == [1, 0, 0, 0]


def test_daily_counts_nothing_across_midnight():
    rows = [(0, 0, MONDAY + DAY - SECOND), (1, 0, MONDAY + DAY + SECOND)]
    actions = make_actions(*zip(*rows, strict=True))
    pair = np.array([0], np.int32), np.array([1], np.int32)
    told = daily.follow(actions, make_strata([0]), *pair, CONFIG, ENGINE)
    assert told.seen.sum() == 0


def test_daily_alerts_on_a_pair_that_meets_every_day_and_forgets_who_stops():
    actions, strata = organic_days(0)
    # accounts 60 and 61 meet within a second on five things a day
    extra = [
        (MONDAY + d * DAY + 3 * HOUR + k * HOUR + a, 60 + a, d * 40 + k)
        for d in range(6)
        for k in range(5)
        for a in range(2)
    ]
    made = sorted(
        [
            *zip(
                actions.time.tolist(),
                actions.account.tolist(),
                actions.object.tolist(),
                strict=True,
            ),
            *extra,
        ]
    )
    when, who, what = (np.array(v) for v in zip(*made, strict=True))
    both = make_actions(who, what, when, n_accounts=62)
    i, j = (k.astype(np.int32) for k in np.triu_indices(62, 1))
    told = daily.follow(both, strata, i, j, CONFIG, ENGINE)
    pair = int(np.flatnonzero((i == 60) & (j == 61))[0])
    sets = [daily.alerts(told.evidence[:, t], len(i), 0.01) for t in range(6)]
    assert sets[-1][pair]
    assert sum(s.sum() for s in sets) == sum(int(s[pair]) for s in sets)  # and nobody else
    # a month in which it is expected to meet often and never does: no alert any more
    quiet = np.concatenate([told.seen[pair : pair + 1], np.zeros((1, 30, 2), np.uint32)], axis=1)
    often = np.concatenate([told.expected[pair : pair + 1], np.full((1, 30, 2), 2.0)], axis=1)
    evidence = daily.process(quiet, often)[0]
    assert evidence.max() >= len(i) / 0.01
    assert not daily.alerts(evidence[-1:], len(i), 0.01)[0]


def test_daily_of_nothing_is_nothing():
    empty = make_actions([], [], [], n_accounts=3)
    pair = np.array([0], np.int32), np.array([1], np.int32)
    assert daily.follow(empty, make_strata([]), *pair, CONFIG, ENGINE).evidence.shape == (1, 0)
    assert null.ladder(CONFIG).tolist() == [600 * SECOND, 21600 * SECOND]
