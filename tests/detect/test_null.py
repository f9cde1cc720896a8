"""The null model: λ says what shuffled data do, shuffles keep all slots, errors are counted."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import error_control, fitted, null, scoring
from klieg.detect.shuffle import shuffle
from klieg.sockets import make
from klieg.tables import SECOND, Actions, Strata

DAY = 86_400 * SECOND
CONFIG = Config(threads=1)
ENGINE = make("engines", "cpu", CONFIG)


def make_actions(account, item, time, *, target=None, n_accounts=None, signal="repost") -> Actions:
    item = np.asarray(item, np.int32)
    n_objects = int(item.max(initial=-1)) + 1
    target = np.full(n_objects, -1) if target is None else np.asarray(target)
    return Actions(
        signal,
        np.asarray(account, np.int32),
        item,
        np.asarray(time, np.int64),
        np.arange(len(item)),
        target[item].astype(np.int32),
        pa.array([f"o{i}" for i in range(n_objects)], pa.string()),
        pa.array([f"t{i}" for i in range(int(target.max(initial=-1)) + 1)], pa.string()),
        n_accounts or int(np.max(account, initial=-1)) + 1,
    )


def make_strata(member) -> Strata:
    member = np.asarray(member, np.int32)
    size = int(member.max(initial=-1)) + 1
    return Strata(member, np.zeros(size, np.int32), tuple(map(str, range(size))), ("x",))


def organic(
    seed: int, *, n=12_000, accounts=1500, objects=1500, tail=1.2
) -> tuple[Actions, Strata]:
    """Heavy-tailed accounts and objects, bursts of two hours, three strata; then shuffled."""
    rng = np.random.default_rng(seed)
    busy, viral = rng.pareto(tail, accounts) + 0.2, rng.pareto(1.0, objects) + 0.1
    account = rng.choice(accounts, n, p=busy / busy.sum())
    item = rng.choice(objects, n, p=viral / viral.sum())
    start = rng.integers(0, 14 * 86_400, objects)
    time = ((start[item] + rng.exponential(7200, n)) * SECOND).astype(np.int64)
    order = np.argsort(time, kind="stable")
    account, item, time = account[order], item[order], time[order]
    first = np.sort(np.unique(account * objects + item, return_index=True)[1])
    item = np.concatenate((item[first], [objects - 1]))  # every object exists
    account, time = np.append(account[first], 0), np.append(time[first], time[-1])
    actions = make_actions(
        account, item, time, target=np.arange(objects) % 400, n_accounts=accounts
    )
    strata = make_strata(np.arange(objects) % 3)
    return shuffle(actions, strata, seed), strata


def slots_of(actions: Actions) -> list[tuple[int, ...]]:
    return list(
        zip(
            actions.object.tolist(),
            actions.time.tolist(),
            actions.post.tolist(),
            actions.target.tolist(),
            strict=True,
        )
    )


def doubles(actions: Actions, apart: int) -> int:
    seen: dict[tuple[int, int], list[int]] = {}
    found = 0
    for a, o, t in zip(
        actions.account.tolist(), actions.object.tolist(), actions.time.tolist(), strict=True
    ):
        before = seen.setdefault((a, o), [])
        found += any(abs(t - b) < apart for b in before)
        before.append(t)
    return found


# --- shuffles -------------------------------------------------------------------------------------

small_world = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(rows=small_world, seed=st.integers(0, 2**40))
def test_null_shuffle_keeps_slots_and_the_accounts_of_each_stratum(rows, seed):
    first = list({(a, o): (a, o, t) for a, o, t in reversed(rows)}.values())
    first.sort(key=lambda r: r[2])
    actions = make_actions(*zip(*first, strict=True), n_accounts=6)
    strata = make_strata([o % 2 for o in range(actions.n_objects)])
    mixed = shuffle(actions, strata, seed)
    assert slots_of(mixed) == slots_of(actions)
    assert doubles(mixed, 10**9) == 0
    pool = strata.object_stratum[actions.object]
    for c in range(strata.size):
        assert sorted(mixed.account[pool == c]) == sorted(actions.account[pool == c])


@settings(max_examples=60, deadline=None)
@given(rows=small_world, seed=st.integers(0, 2**40))
def test_null_shuffle_keeps_the_24_hour_rule(rows, seed):
    # at most one act a day by an account on an object, and at least one object acted on twice
    rows = [*rows, (0, 0, 0), (0, 0, 3)]
    once = dict.fromkeys(rows)
    kept = sorted(once, key=lambda r: r[2])
    actions = make_actions(*zip(*[(a, o, d * DAY) for a, o, d in kept], strict=True), n_accounts=6)
    mixed = shuffle(actions, make_strata(np.zeros(actions.n_objects)), seed)
    assert doubles(mixed, DAY) == 0
    assert sorted(mixed.account) == sorted(actions.account)


def test_null_shuffle_is_the_same_for_the_same_seed_and_moves_most():
    actions, strata = organic(3)
    one, two, other = (shuffle(actions, strata, s) for s in (1, 1, 2))
    assert one.account.tolist() == two.account.tolist()
    assert np.mean(one.account != other.account) > 0.9
    assert np.mean(one.account != actions.account) > 0.9


def test_null_shuffle_mixes_pools_where_doubles_cannot_be_avoided_by_luck():
    # account 0 is on every object: its acts can only trade places within each
    rows = [(0, o, 100 * o) for o in range(30)] + [(1 + o, o, 100 * o + 7) for o in range(30)]
    rows.sort(key=lambda r: r[2])
    actions = make_actions(*zip(*rows, strict=True))
    strata = make_strata(np.zeros(30))
    firsts = 0
    for seed in range(20):
        mixed = shuffle(actions, strata, seed)
        assert doubles(mixed, 10**9) == 0
        firsts += int((mixed.account[mixed.time % 100 == 0] == 0).sum())
    assert 0.35 < firsts / 600 < 0.65  # who came first on an object is mixed too


def test_null_shuffle_leaves_no_early_slots_to_busy_accounts():
    # one very busy account among many: it must not crowd at the start of each object
    rng = np.random.default_rng(0)
    rows = [
        (0 if k == 0 else int(rng.integers(1, 400)), o, o * 1000 + k)
        for o in range(60)
        for k in range(20)
    ]
    rows = list({(a, o): (a, o, t) for a, o, t in reversed(rows)}.values())
    rows.sort(key=lambda r: r[2])
    actions = make_actions(*zip(*rows, strict=True))
    place = []
    for seed in range(10):
        mixed = shuffle(actions, make_strata(np.zeros(60)), seed)
        place += (mixed.time[mixed.account == 0] % 1000).tolist()
    assert 8.0 < np.mean(place) < 11.0  # 0 … 19


# --- expectations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_null_lambda_sums_to_the_pairs_seen_for_busy_and_quiet_alike(seed):
    actions, strata = organic(seed)
    margins = null.margins(actions, strata, CONFIG, ENGINE)
    left, right = (x.astype(np.int32) for x in np.triu_indices(actions.n_accounts, 1))
    free, capped = null.expected(margins, left, right)
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
    assert free.sum(axis=0) == pytest.approx(edges.n.sum(axis=0), rel=0.01)
    assert capped.sum(axis=0) == pytest.approx(edges.capped.sum(axis=0), rel=0.02)
    degree = np.bincount(actions.account, minlength=actions.n_accounts)
    rank = np.digitize(degree, np.quantile(degree[degree > 0], [0.5, 0.9]))
    # the sparse limit n_a n_b S / E² is off by 0.34 … 5.8 here
    for low, high in combinations((0, 1, 2), 2):
        rows = (np.minimum(rank[left], rank[right]) == low) & (
            np.maximum(rank[left], rank[right]) == high
        )
        ratio = edges.n[rows, 2:].sum(axis=0) / free[rows, 2:].sum(axis=0)
        assert ratio == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("share", [0.07, 0.19, 0.43])
def test_null_leave_out_has_factor_one_for_random_groups(share):
    ratios = []
    for seed in range(8):
        actions, strata = organic(seed % 4, accounts=600, objects=1200, tail=1.6)
        rng = np.random.default_rng(100 + seed)
        order = rng.permutation(actions.n_accounts)
        degree = np.bincount(actions.account, minlength=actions.n_accounts)[order]
        size = int(np.searchsorted(np.cumsum(degree) / degree.sum(), share))
        members = np.sort(order[:size]).astype(np.int32)
        margins = null.leave_out(actions, strata, members, CONFIG, ENGINE)
        i, j = np.triu_indices(size, 1)
        free, _ = null.expected(margins, members[i], members[j])
        edges = ENGINE.rescore_pairs(
            actions.account,
            actions.object,
            actions.time,
            actions.target,
            actions.n_accounts,
            null.ladder(CONFIG),
            members[i],
            members[j],
            1,
        )
        ratios.append(free[:, -2:].sum() / edges.n[:, -2:].sum())
    # other forms give 1.14, 1.47, 2.52
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.07)


def test_null_leave_out_keeps_the_members_own_activity():
    actions, strata = organic(0, n=3000)
    members = np.array([3, 5, 9], np.int32)
    margins = null.leave_out(actions, strata, members, CONFIG, ENGINE)
    inside = np.isin(actions.account, members)
    assert margins.slots.total.sum() == actions.n - inside.sum()
    assert margins.slots.count.sum() == actions.n


def test_null_lambda_of_two_strata_is_that_of_each():
    # two copies of one world side by side: λ within each is what it was alone
    one, flat = organic(1, n=2000, accounts=200, objects=150)
    flat = make_strata(np.zeros(one.n_objects))
    both = make_actions(
        np.r_[one.account, one.account + 200],
        np.r_[one.object, one.object + one.n_objects],
        np.r_[one.time, one.time],
        n_accounts=400,
    )
    double = make_strata(np.r_[np.zeros(one.n_objects), np.ones(one.n_objects)])
    alone = null.margins(replace(one, target=0 * one.target - 1), flat, CONFIG, ENGINE)
    side = null.margins(both, double, CONFIG, ENGINE)
    left, right = (x.astype(np.int32) for x in np.triu_indices(200, 1))
    expected = null.expected(alone, left, right)[0]
    assert null.expected(side, left + 200, right + 200)[0] == pytest.approx(expected, rel=1e-9)
    across = null.expected(side, left, right + 200)
    assert not across[0].any()
    assert not across[1].any()


def test_null_lambda_counts_a_target_once():
    # ten objects of one author, everyone on all of them: any pair meets on one target
    account, item = np.divmod(np.arange(60), 10)
    actions = make_actions(account, item, np.arange(60) * SECOND, target=np.zeros(10, int))
    margins = null.margins(actions, make_strata(np.zeros(10)), CONFIG, ENGINE)
    free, capped = null.expected(margins, np.array([0], np.int32), np.array([1], np.int32))
    assert free[0, -1] == pytest.approx(10.0, rel=0.02)
    assert capped[0, -1] == pytest.approx(1.0, rel=0.02)


def test_null_lambda_between_nodes_is_close_to_the_fit():
    rng = np.random.default_rng(5)
    degree = np.maximum(1, rng.pareto(1.0, 2000) * 3).astype(np.int64)
    degree = np.minimum(degree, 300)
    sizes = rng.multinomial(degree.sum(), rng.dirichlet(np.full(900, 0.3)))
    dense = np.arange(1.0, 257.0)
    coarse = fitted.nodes_up_to(250.0)
    rate = np.ones((900, 1))
    tables = []
    for nodes in (dense, coarse):
        chances, kind = fitted.fit(degree, sizes, nodes)
        free = np.zeros((1, len(nodes), len(nodes)))
        fitted.tabulate(chances.chance, rate, kind, np.arange(901), free, np.zeros_like(free))
        tables.append(free[0] / np.outer(nodes, nodes))
    at = np.log(np.array([5.0, 7.0, 10.0, 14.0, 20.0, 39.0, 55.0, 111.0, 222.0]))
    grid = np.log(coarse)
    rows = np.array([[np.interp(x, grid, tables[1][a]) for x in at] for a in range(len(coarse))])
    read = np.array([np.interp(x, grid, rows[:, k]) for k in range(len(at)) for x in at])
    exact = tables[0][
        np.ix_((np.exp(at) + 0.5).astype(int) - 1, (np.exp(at) + 0.5).astype(int) - 1)
    ]
    assert np.abs(read.reshape(len(at), -1).T / exact - 1).max() < 0.02


def test_null_fit_holds_both_margins():
    rng = np.random.default_rng(1)
    accounts = np.array([1] * 200 + [5] * 40 + [60] * 4)
    objects = rng.multinomial(accounts.sum(), rng.dirichlet(np.full(150, 0.4)))
    chances, kind = fitted.fit(accounts, objects, np.array([1.0, 5.0, 60.0]))
    p = chances.chance[:, kind]
    p[:, objects == 0] = 0
    assert p.sum(axis=1) == pytest.approx([1, 5, 60], rel=0.01)
    filled = np.array([200, 40, 4]) @ p
    assert filled[objects > 0] == pytest.approx(objects[objects > 0], rel=0.08)


@settings(max_examples=15, deadline=None)
@given(weeks=st.integers(-500, 500), seed=st.integers(0, 5))
def test_null_margins_ignore_whole_weeks_and_names(weeks, seed):
    actions, strata = organic(seed, n=2000, accounts=200, objects=150)
    moved = replace(
        actions,
        time=actions.time + weeks * 7 * DAY,
        labels=pa.array([f"{i * 7919 % 150}" for i in range(150)]),
    )
    left, right = (x.astype(np.int32) for x in np.triu_indices(200, 1))
    one = null.expected(null.margins(actions, strata, CONFIG, ENGINE), left, right)
    two = null.expected(null.margins(moved, strata, CONFIG, ENGINE), left, right)
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])


def test_null_with_a_cap_forgets_crowded_bursts():
    account = np.arange(40)
    actions = make_actions(account, np.zeros(40), np.arange(40) * SECOND)
    strata = make_strata([0])
    assert null.margins(actions, strata, CONFIG, ENGINE).pairs.any()
    assert not null.margins(actions, strata, CONFIG, ENGINE, cap=5).pairs.any()


def test_null_of_nothing_expects_nothing():
    actions = make_actions([], [], [], n_accounts=3)
    margins = null.margins(actions, make_strata([]), CONFIG, ENGINE)
    free, capped = null.expected(margins, np.array([0], np.int32), np.array([1], np.int32))
    assert not free.any()
    assert not capped.any()


# --- error control --------------------------------------------------------------------------------


def test_null_shuffled_worlds_have_no_tail():
    ratios, pairs = [], []
    for seed in range(5):
        actions, strata = organic(seed, tail=1.0)
        s = scoring.study(actions, strata, CONFIG, ENGINE)
        ratios.append(error_control.tail_ratio(error_control.tail(s.tests.p), s.pairs))
        pairs.append(s.pairs)
    assert np.array(ratios)[:, :2].max() <= 1.0
    # five worlds together expect a handful at 1e-6: the mean must not exceed chance by noise
    assert np.mean(ratios, axis=0)[2:4].max() <= 1.0


@settings(max_examples=100, deadline=None)
@given(p=st.lists(st.floats(1e-9, 1.0), max_size=12), more=st.integers(0, 20))
def test_null_bh_equals_brute_force(p, more):
    m = len(p) + more
    q = error_control.adjusted(np.array(p), m)
    every = sorted([*p, *[1.0] * more])
    for value, found in zip(p, q, strict=True):
        # the smallest m·x/rank over all x at or above this one
        best = min(m * x / sum(y <= x for y in every) for x in every if x >= value)
        assert found == pytest.approx(min(1.0, best), rel=1e-9)
    for level in (0.01, 0.2):
        passed = [x for x in every if x * m / sum(y <= x for y in every) <= level]
        wanted = max(passed, default=0.0)
        assert error_control.threshold(np.array(p), m, level) == (wanted if wanted in p else 0.0)


@settings(max_examples=100, deadline=None)
@given(e=st.lists(st.floats(0.01, 1e6), max_size=12), more=st.integers(0, 20))
def test_null_e_bh_equals_brute_force(e, more):
    m, level = len(e) + more, 0.05
    ranks = [k for k in range(1, len(e) + 1) if sorted(e)[-k] * k >= m / level]
    wanted = sorted(e)[-max(ranks)] if ranks else float("inf")
    assert error_control.e_threshold(np.array(e), m, level) == wanted


def test_null_by_is_stricter_than_bh():
    p = np.array([1e-6, 1e-5, 1e-4, 1e-3])
    assert 0 < error_control.by_threshold(p, 100, 0.01) < error_control.threshold(p, 100, 0.01)


def test_null_pair_p_counts_only_windows_with_enough_objects():
    x = np.array([[1, 3], [1, 1]], np.uint32)
    lam = np.array([[1e-9, 0.1], [1e-9, 1e-9]])
    tests = error_control.pair_tests(x, lam, ENGINE, least=2, level=0.2)
    tail = 1 - np.exp(-0.1) * (1 + 0.1 + 0.005)
    assert tests.p.tolist() == pytest.approx([2 * tail, 1.0])
    assert tests.best[0] == 1
    assert tests.p_window[1, 0] == pytest.approx(1e-9, rel=1e-6)


def test_null_pair_e_is_the_mean_over_windows_and_rates():
    x, lam = np.array([[2, 4]], np.uint32), np.array([[0.5, 0.01]])
    rates = (3.0, 10.0, 30.0, 100.0, 300.0)
    wanted = np.mean([r**n * np.exp(-(r - 1) * u) for n, u in ((2, 0.5), (4, 0.01)) for r in rates])
    tests = error_control.pair_tests(x, lam, ENGINE, least=2, level=0.2)
    assert tests.e[0] == pytest.approx(wanted)


def test_null_pair_e_is_spared_where_it_cannot_count():
    x, lam = np.array([[1], [3]], np.uint32), np.array([[0.5], [0.5]])
    tests = error_control.pair_tests(x, lam, ENGINE, least=2, level=0.2)
    assert tests.e[0] == 0.0  # P[X ≥ 1] = 0.39, so e ≤ 2.6
    assert tests.e[1] > 1.0


def test_null_pair_e_stays_finite():
    tests = error_control.pair_tests(
        np.array([[4000]], np.uint32), np.array([[0.1]]), ENGINE, least=2, level=0.2
    )
    assert np.isfinite(tests.e).all()


def test_null_pair_e_has_mean_one_at_most():
    rng = np.random.default_rng(0)
    lam = np.full((40_000, 1), 0.02)
    x = rng.poisson(lam).astype(np.uint32)
    assert error_control.pair_tests(x, lam, ENGINE, least=2, level=1.0).e.mean() < 1.1


def test_null_histogram_holds_every_pair():
    p = np.array([1.0, 1e-3, 1e-200, 0.0])
    assert error_control.histogram(p).sum() == 4
    assert error_control.histogram(p)[-1] == 2


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 3), min_size=1, max_size=6))
def test_null_tables_add_up_objects_and_targets_in_order(seed, sizes):
    rng = np.random.default_rng(seed)
    starts = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    chance = rng.random((4, 5))
    place = rng.integers(0, 5, starts[-1])
    rate = rng.random((starts[-1], 2)) * 3 * rng.integers(0, 2, (starts[-1], 2))
    free, capped = np.zeros((2, 2, 4, 4))
    fitted.tabulate(chance, rate, place, starts, free, capped)
    for w, a, b in np.ndindex(2, 4, 4):
        met, aimed = 0.0, 0.0
        for first, stop in pairwise(starts):
            never = 1.0
            for i in range(first, stop):
                q = min(1.0, chance[min(a, b), place[i]] * chance[max(a, b), place[i]] * rate[i, w])
                met, never = met + q, never * (1.0 - q)
            aimed += 1.0 - never
        assert (free[w, a, b], capped[w, a, b]) == (met, aimed)


def test_null_a_shuffle_studied_beside_the_real_data_gives_the_same():
    actions, strata = organic(3, n=4000)
    real = scoring.study(actions, strata, CONFIG, ENGINE)
    mixed = shuffle(actions, strata, 1)
    alone = scoring.study(mixed, strata, CONFIG, ENGINE)
    beside = scoring.study(mixed, strata, CONFIG, ENGINE, unshuffled=real.measured)
    for name in ("p_window", "p", "e"):
        assert np.array_equal(getattr(alone.tests, name), getattr(beside.tests, name))
    assert np.array_equal(alone.expected, beside.expected)


# --- objects that are used again ------------------------------------------------------------------


def reused(seed: int, *, days=14, heavy=60) -> tuple[Actions, Strata]:
    """30 objects acted on every day; accounts of 1 … ``heavy`` acts, at most one a day on each."""
    rng = np.random.default_rng(seed)
    weight = np.r_[np.full(20, heavy), np.full(400, 5.0)]
    rows = set()
    for account, n in enumerate(weight):
        for _ in range(rng.poisson(n)):
            rows.add((account, int(rng.integers(30)), int(rng.integers(days))))
    made = sorted((d * DAY + int(rng.integers(1000)) * SECOND, a, o) for a, o, d in rows)
    when, account, item = (np.array(x) for x in zip(*made, strict=True))
    return make_actions(account, item, when, n_accounts=420), make_strata(np.zeros(30))


@pytest.mark.parametrize("seed", [0, 1])
def test_null_lambda_of_busy_pairs_holds_where_objects_are_used_again(seed):
    # an account of 60 acts is twice on each of 30 objects: who counts it once expects less than
    # half of two such accounts, and shuffled data then "validate" them. Two meetings on one object
    # are told as two, so it errs on the safe side, by the chance of that
    actions, strata = reused(seed)
    margins = null.margins(actions, strata, CONFIG, ENGINE)
    i, j = np.triu_indices(20, 1)
    left, right = i.astype(np.int32), j.astype(np.int32)
    told = null.expected(margins, left, right)[1][:, 3]  # one hour: a day's acts lie in 17 min
    seen = []
    for run in range(6):
        mixed = shuffle(actions, strata, 100 * seed + run)
        edges = ENGINE.rescore_pairs(
            mixed.account,
            mixed.object,
            mixed.time,
            mixed.target,
            mixed.n_accounts,
            null.ladder(CONFIG),
            left,
            right,
            1,
        )
        seen.append(edges.capped[:, 3].mean())
    assert 0.97 < told.mean() / np.mean(seen) < 1.2


def test_null_fit_of_days_is_the_plain_one_where_each_lived_a_day():
    rng = np.random.default_rng(2)
    accounts = np.array([1] * 200 + [5] * 40 + [60] * 4)
    objects = rng.multinomial(accounts.sum(), rng.dirichlet(np.full(150, 0.4)))
    nodes = np.array([1.0, 5.0, 60.0])
    plain, kind = fitted.fit(accounts, objects, nodes)
    days, same = fitted.fit(accounts, objects, nodes, np.ones(150, np.int64))
    assert np.array_equal(plain.chance[:, kind], days.chance[:, same])


def test_null_fit_of_days_fills_no_more_than_a_slot_a_day_and_holds_both_margins():
    accounts, nodes = np.array([2] * 300 + [100] * 5), np.array([2.0, 100.0])
    days = np.array([1] * 20 + [14] * 20)
    objects = np.r_[np.full(20, 15), np.full(20, 40)]
    chances, kind = fitted.fit(accounts, objects, nodes, days)
    p = chances.chance[:, kind]
    assert (p <= days + 1e-9).all()
    assert p[1].max() > 1.0  # the busy come again
    assert p.sum(axis=1) == pytest.approx([2, 100], rel=0.01)
    assert np.array([300, 5]) @ p == pytest.approx(objects, rel=0.03)


def test_null_shuffle_is_not_scored_by_what_the_data_gave_back():
    # the crew's excess left the margins of the data; in a shuffle its slots are anybody's again
    actions, strata = organic(0, n=4000, accounts=400, objects=400)
    known = scoring.measured(actions, strata, CONFIG, ENGINE)
    assert known.once
    thin = replace(known, margins=replace(known.margins, pairs=known.margins.pairs * 0.1))
    again = scoring.measured(shuffle(actions, strata, 1), strata, CONFIG, ENGINE, unshuffled=thin)
    assert np.array_equal(again.margins.pairs, known.margins.pairs)
