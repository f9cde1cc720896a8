"""Clock and pace: exact counts against a plain reading of the design, bounds, invariances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect import clock, pace, timed
from klieg.tables import SECOND, Actions, Clock, Layer, Posts, Strata

HOUR = 3600
WEEK = 7 * 24 * HOUR
START = 1_700_006_400  # a Wednesday, midnight UTC


def _posts(account: Any, time: Any, n_accounts: int, *, resolution: int = 1) -> Posts:
    ids = pa.array([f"a{i}" for i in range(n_accounts)])
    return Posts(
        pa.table({}),
        np.asarray(account, np.int32),
        np.asarray(time, np.int64),
        ids,
        pa.array(["x"] * n_accounts),
        resolution,
    )


def _layer(signal: str, acts: list[tuple[int, int, float]], n_accounts: int) -> Layer:
    """A layer from (account, object, seconds); an object's target is its number modulo 1000."""
    acts = sorted(acts, key=lambda a: a[2])
    account = np.array([a[0] for a in acts], np.int32)
    obj = np.array([a[1] for a in acts], np.int32)
    time = np.array([int((START + a[2]) * SECOND) for a in acts], np.int64)
    n = int(obj.max(initial=-1)) + 1
    actions = Actions(
        signal,
        account,
        obj,
        time,
        np.arange(len(acts), dtype=np.int64),
        (obj % 1000).astype(np.int32),
        pa.array([f"o{i}" for i in range(n)]),
        pa.array([f"t{i}" for i in range(min(n, 1000))]),
        n_accounts,
    )
    strata = Strata(np.zeros(n, np.int32), np.zeros(1, np.int32), ("all",), ("all",))
    return Layer(actions, strata, None, None)  # type: ignore[arg-type]


def _world(
    seed: int, *, n: int = 60, objects: int = 80, crew: int = 0, jitter: float = 300.0
) -> list[tuple[int, int, float]]:
    """Organic acts with heavy-tailed delays; accounts 0 … crew − 1 also act together."""
    rng = np.random.default_rng(seed)
    acts: list[tuple[int, int, float]] = []
    for i in range(objects):
        born = rng.uniform(0, 10 * 24 * HOUR)
        who = rng.choice(np.arange(crew, n), rng.integers(2, 14), replace=False)
        acts += [(int(a), i, born + float(rng.lognormal(9, 1.5))) for a in who]
        if crew and i % 2 == 0:
            at = born + float(rng.lognormal(9, 1))
            acts += [(a, i, at + float(rng.uniform(0, jitter))) for a in range(crew)]
    for a in range(crew):  # what they do alone
        acts += [(a, objects + 10 * a + j, float(rng.uniform(0, 10 * 24 * HOUR))) for j in range(3)]
        acts += [(n - 1 - a, objects + 10 * a + j, 11 * 24 * HOUR + j * HOUR) for j in range(3)]
    return acts


def _prepare(acts: list[tuple[int, int, float]], n: int, *, signal: str = "repost") -> Any:
    layer = _layer(signal, acts, n)
    posts = _posts(layer.actions.account, layer.actions.time, n)
    return pace.prepare({signal: layer}, posts), layer


def _plain(data: Any, layer: Layer, members: set[int], table: Any) -> Any:
    """A and B by the book: every pair of acts, one by one. One layer, no repeated acts."""
    actions = layer.actions
    category = data.category.copy()
    ascending = np.array(sorted(members), np.int32)
    category[ascending] = clock._own_category(data, ascending)
    x = np.zeros(len(data.windows))
    a, b = np.zeros(len(data.windows)), np.zeros(len(data.windows))
    for i in range(actions.n_objects):
        rows = np.flatnonzero(actions.object == i)
        inside = [r for r in rows if int(actions.account[r]) in members]
        if len({int(actions.account[r]) for r in inside}) < 2:
            continue
        outsiders = len({int(a) for a in actions.account[rows]} - members)
        popularity = pace.same_popularity(np.array([outsiders + 2]))[0]
        cell = pace.cells()[popularity]
        pairs = [(p, q) for k, p in enumerate(rows) for q in rows[k + 1 :]]
        for j, w in enumerate(data.windows):
            p_of = {
                (p, q): table.share[j][
                    cell[category[actions.account[p]], category[actions.account[q]]]
                ]
                for p, q in pairs
            }
            close = {(p, q): abs(actions.time[p] - actions.time[q]) <= w * SECOND for p, q in pairs}
            ours = [pq for pq in pairs if pq[0] in inside and pq[1] in inside]
            rest = [pq for pq in pairs if pq not in ours]
            lift = (sum(close[pq] for pq in rest) + 0.5) / (sum(p_of[pq] for pq in rest) + 0.5)
            x[j] += sum(close[pq] for pq in ours)
            a[j] += sum(p_of[pq] for pq in ours)
            b[j] += sum(min(1.0, p_of[pq] * max(1.0, lift)) for pq in ours)
    return x, a, b


def test_clock_counts_what_a_plain_reading_counts() -> None:
    acts = _world(3, n=40, objects=50, crew=6)
    data, layer = _prepare(acts, 40)
    members = np.arange(6, dtype=np.int32)
    found = clock.timing(data, "repost", members)
    joint, _, _, count = clock.shared(
        data.layers["repost"], timed.rows_of(data.layers["repost"], members)
    )
    table = clock._table(data, "repost", members, joint, count, stored=False)
    x, a, b = _plain(data, layer, set(range(6)), table)
    assert found.observed.sum(axis=1).tolist() == x.tolist()
    assert np.allclose(found.pace.sum(axis=1), a)
    assert np.allclose(found.event.sum(axis=1), b)


def test_clock_leaves_the_group_out_of_the_table_exactly() -> None:
    acts = _world(5, n=60, objects=300, crew=8)
    data, _ = _prepare(acts, 60)
    members = np.arange(8, dtype=np.int32)
    pairs = data.pairs["repost"]
    dominated = np.array([4, 10, 11], np.int64)
    obj = np.repeat(np.arange(len(pairs.object_starts) - 1), np.diff(pairs.object_starts))
    keep = (pairs.left >= 8) & (pairs.right >= 8) & ~np.isin(obj, dominated)
    seen, hits = pace._count(pairs.cell[keep], pairs.within[keep], len(data.windows))
    table = pace.outside_table(data, "repost", members, dominated, inside="repost")
    assert table.pairs == keep.sum() > pace.ENOUGH_PAIRS
    assert np.array_equal(table.share, pace._shrink(seen, hits))


def test_clock_sees_a_crew_and_not_a_random_set() -> None:
    acts = _world(7, n=200, objects=400, crew=12, jitter=120)
    data, _ = _prepare(acts, 200)
    crew = clock.gate(data, "repost", np.arange(12, dtype=np.int32))
    assert crew.pace[1] > 1.5 and crew.event[1] > 1.5
    random = clock.gate(data, "repost", np.arange(100, 140, dtype=np.int32))
    assert random.pace[1] < 1.5 and random.event[1] < 1.5


def test_clock_takes_a_habit_for_a_habit() -> None:
    """Accounts that act within a minute of *every* object's birth show no plan under C."""
    rng = np.random.default_rng(2)
    acts = []
    for i in range(300):
        born = float(rng.uniform(0, 20 * 24 * HOUR))
        acts.append((50 + i % 50, i, born))
        acts += [(int(a), i, born + float(rng.uniform(1, 60))) for a in rng.choice(10, 4, False)]
        others = rng.choice(np.arange(100, 200), 6, replace=False)
        acts += [(int(a), i, born + float(rng.lognormal(9, 1))) for a in others]
    data, _ = _prepare(acts, 200)
    found = clock.gate(data, "repost", np.arange(10, dtype=np.int32))
    assert found.pace[1] > 1.5
    assert found.habit[1] < 1.5


def test_clock_reads_the_habit_of_the_quick_and_the_slow_apart() -> None:
    """Quick members among slow ones meet at once on everything: still a habit, not a plan."""
    rng = np.random.default_rng(2)
    acts = []
    for i in range(300):
        born = float(rng.uniform(0, 20 * 24 * HOUR))
        acts.append((50 + i % 50, i, born))
        quick = rng.choice(8, 4, replace=False) if i % 2 else []
        acts += [(int(a), i, born + float(rng.uniform(1, 60))) for a in quick]
        slow = [] if i % 2 else rng.choice(np.arange(8, 40), 6, replace=False)
        others = rng.choice(np.arange(100, 200), 6, replace=False)
        acts += [(int(a), i, born + float(rng.lognormal(9.5, 1))) for a in [*slow, *others]]
    data, _ = _prepare(acts, 200)
    found = clock.gate(data, "repost", np.arange(40, dtype=np.int32))
    assert found.pace[1] > 1.5
    assert found.habit[1] < 1.5


def test_clock_forgives_what_everybody_did_at_once() -> None:
    """A burst that outsiders joined too lifts the expectation of B up to what was seen."""
    rng = np.random.default_rng(4)
    acts = []
    for i in range(120):
        born = float(rng.uniform(0, 20 * 24 * HOUR))
        at = born + 5 * HOUR
        who = rng.choice(150, 12, replace=False)
        width = 300.0 if i % 4 == 0 else 20 * HOUR
        acts += [(int(a), i, at + float(rng.uniform(0, width))) for a in who]
        if i % 4 == 0:
            acts += [(a, i, at + float(rng.uniform(0, width))) for a in range(150, 160)]
    data, _ = _prepare(acts, 160)
    found = clock.gate(data, "repost", np.arange(150, 160, dtype=np.int32))
    assert found.pace[1] > 1.5
    assert found.event[1] < 1.5


def test_clock_needs_five_targets_and_eight_pairs() -> None:
    four = np.array([0, 1, 2, 3, 3], np.int32)
    five = np.arange(5, dtype=np.int32)
    assert clock.lower_bound(np.full(5, 4.0), np.ones(5), four) == (4.0, 0.0)
    assert clock.lower_bound(np.full(5, 1.0), np.ones(5), five) == (1.0, 0.0)
    assert clock.lower_bound(np.full(5, 4.0), np.ones(5), five) == pytest.approx((4.0, 4.0))
    assert clock.lower_bound(np.zeros(5), np.ones(5), five) == (0.0, 0.0)


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.floats(0.1, 50), st.integers(0, 12)),
        min_size=1,
        max_size=40,
    )
)
def test_clock_bound_never_exceeds_the_ratio(rows: list[tuple[int, float, int]]) -> None:
    x = np.array([r[0] for r in rows], float)
    e = np.array([r[1] for r in rows])
    target = np.array([r[2] for r in rows], np.int32)
    ratio, bound = clock.lower_bound(x, e, target)
    assert 0 <= bound <= ratio * (1 + 1e-12)
    # more of everything everywhere moves the ratio not at all
    again = clock.lower_bound(3 * x, 3 * e, target)
    assert again[0] == pytest.approx(ratio)
    # a target that carries all the simultaneity is worth less than the same spread evenly
    even = clock.lower_bound(np.full(len(x), x.mean()), e, target)
    assert even[0] == pytest.approx(ratio)


def test_clock_bound_falls_when_one_target_carries_all() -> None:
    target = np.arange(10, dtype=np.int32)
    lone = np.r_[100.0, np.zeros(9)]
    assert clock.lower_bound(lone, np.ones(10), target)[1] < 1
    assert clock.lower_bound(np.full(10, 10.0), np.ones(10), target)[1] > 9


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_clock_knows_neither_names_nor_weeks(seed: int, weeks: int) -> None:
    acts = _world(seed, n=50, objects=60, crew=5)
    rename = np.random.default_rng(seed).permutation(50)
    data, _ = _prepare(acts, 50)
    moved, _ = _prepare([(int(rename[a]), i, t + weeks * WEEK) for a, i, t in acts], 50)
    members = np.arange(5, dtype=np.int32)
    assert clock.gate(data, "repost", members) == clock.gate(
        moved, "repost", np.sort(rename[members]).astype(np.int32)
    )


def test_clock_reads_only_windows_the_clock_allows() -> None:
    layer = _layer("repost", _world(1), 60)
    posts = _posts(layer.actions.account, layer.actions.time, 60, resolution=60)
    data = pace.prepare({"repost": layer}, posts)
    assert data.windows == (600, 3600, 10800)
    assert len(clock.gate(data, "repost", np.arange(4, dtype=np.int32)).observed) == 3


def test_clock_of_nothing_is_nothing() -> None:
    data, _ = _prepare([], 4)
    empty = clock.gate(data, "repost", np.arange(3, dtype=np.int32))
    assert empty.pairs == 0 and empty.pace[1] == 0
    lonely, _ = _prepare([(0, 0, 1.0), (1, 1, 2.0)], 4)
    assert clock.gate(lonely, "repost", np.array([0, 1], np.int32)).pairs == 0


def test_clock_of_a_day_wide_clock_says_nothing() -> None:
    layer = _layer("repost", _world(1), 60)
    posts = _posts(layer.actions.account, layer.actions.time, 60, resolution=86_400)
    found = clock.gate(
        pace.prepare({"repost": layer}, posts), "repost", np.arange(4, dtype=np.int32)
    )
    assert found.pace == (0.0, 0.0, 0) and found.observed == ()


def test_pace_pairs_of_one_account_are_never_counted() -> None:
    """The same account twice on one object (a day apart) is no pair with itself."""
    acts = [(a, 0, t * 26.0 * HOUR + a) for a in range(3) for t in range(2)]
    data, _ = _prepare(acts, 3, signal="link")
    found = clock.timing(data, "link", np.arange(3, dtype=np.int32))
    assert found.pairs == 3 * 4
    assert found.observed.sum(axis=1).tolist() == [6, 6, 6, 6]
    assert found.pace.sum(axis=1) == pytest.approx(
        12 * pace.organic_table(data.windows).share[:, 0]
    )


def test_pace_speed_orders_the_quick_and_the_slow() -> None:
    rng = np.random.default_rng(0)
    acts = []
    for i in range(100):
        acts.append((30, i, i * HOUR * 2.0))
        acts += [
            (a, i, i * HOUR * 2.0 + 30 + 200.0 * a + float(rng.uniform(0, 9))) for a in range(20)
        ]
    data, _ = _prepare(acts, 31)
    speed = data.speed_sum / (data.speed_acts + pace.SHRINK_SPEED)
    assert np.all(np.diff(speed[:20]) > 0)


def test_pace_zone_follows_the_night() -> None:
    rng = np.random.default_rng(1)
    account, time = [], []
    for a in range(40):
        shift = 0 if a < 30 else 9
        for _ in range(120):
            local = int(rng.integers(7, 24))
            account.append(a)
            time.append(
                (START + int(rng.integers(0, 20)) * 86400 + ((local - shift) % 24) * HOUR) * SECOND
            )
    order = np.argsort(time, kind="stable")
    zone = pace._zones(_posts(np.array(account)[order], np.array(time)[order], 40))
    apart = (zone[30:].astype(int) - int(np.bincount(zone[:30]).argmax())) % 24
    assert np.median(apart) == 9


def test_pace_clipped_clock_keeps_every_near_pair() -> None:
    rng = np.random.default_rng(3)
    label = rng.integers(0, 5, 300)
    value = rng.integers(0, 40 * HOUR, 300) * SECOND
    brute = [
        sum(
            label[i] == label[j] and abs(value[i] - value[j]) <= w * SECOND
            for i in range(300)
            for j in range(i)
        )
        for w in timed.WINDOWS
    ]
    clock_ = np.sort(timed.clocked(label, value))
    found = [int(timed.later(clock_, w * SECOND).sum()) for w in timed.WINDOWS]
    assert found == brute


def test_pace_falls_back_on_the_stored_table_and_says_so() -> None:
    acts = _world(9, n=30, objects=5, crew=4)
    data, _ = _prepare(acts, 30)
    members = np.arange(4, dtype=np.int32)
    assert clock.timing(data, "repost", members).source == "stored"
    copies, _ = _prepare(acts, 30, signal="copies")
    assert clock.timing(copies, "copies", members).source == "stored"


def test_clock_the_weaker_reading_may_take_away_and_never_adds():
    def read_as(pace, event, outsiders, habit):
        return Clock(pace, event, outsiders, habit, 10, (1,), (1.0,))

    whole = read_as((3.0, 2.0, 60), (2.0, 1.6, 60), (2.0, 1.2, 60), (4.0, 3.0, 600))
    core = read_as((6.0, 4.0, 600), (1.5, 1.1, 600), (4.0, 2.5, 60), (4.0, 0.0, 60))
    read = clock.weaker(whole, core)
    assert read.pace == (3.0, 2.0, 60)
    assert read.event == (1.5, 1.1, 600)
    assert read.event_outsiders == (2.0, 1.2, 60)
    assert read.habit == (4.0, 0.0, 60)
    assert read.observed == whole.observed
