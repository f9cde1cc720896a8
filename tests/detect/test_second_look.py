"""The second look: what brute force validates is validated under any cap, or a crowd says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import (
    chances,
    error_control,
    hubs,
    meetings,
    network,
    null,
    reach,
    scoring,
    second_look,
    sifting,
)
from klieg.sockets import make, silent
from klieg.tables import MULTIPLEX, POSTS, SECOND, TIME, Actions, Network, Posts, Strata

HOUR = 3600 * SECOND
DAY = 24 * HOUR
MONDAY = 4 * DAY + 2_000 * 7 * DAY
CONFIG = Config(
    threads=1, occupancy=10, shuffles=0, false_alarms=0.1, windows_s=(10, 60, 3600, 86400)
)
ENGINE = make("engines", "cpu", CONFIG)
LADDER = np.array(CONFIG.windows_s, np.int64) * SECOND


def acts(
    seed: int,
    *,
    accounts: int = 300,
    n: int = 2_000,
    viral: int = 4,
    crowd: int = 18,
    crew: int = 6,
    joint: int = 12,
    hidden: bool = True,
    targets: int = 0,
) -> Actions:
    """Ordinary traffic, viral minutes, and a crew within seconds, in crowded minutes if hidden.

    Each of ``joint`` moments has an object of its own, with ``crowd`` ordinary accounts around it
    where the crew hides: the cap of ten then proposes none of the crew's pairs.
    """
    draw = np.random.default_rng(seed)
    # the crew does ordinary things too, and everyone is quick at times: no habit sets it apart
    who, what = (
        [draw.integers(0, accounts + crew, n)],
        [(draw.pareto(0.9, n) * 5).astype(np.int64) % 600],
    )
    wait = np.where(
        draw.random(n) < 0.5, draw.integers(0, 60 * SECOND, n), draw.integers(0, DAY, n)
    )
    when = [draw.integers(0, 10 * DAY, 600)[what[0]] + wait]
    for j in range(viral):
        who.append(draw.choice(accounts, crowd, replace=False))
        what.append(np.full(crowd, 600 + j))
        when.append(draw.integers(0, 10 * DAY) + draw.integers(0, 50 * SECOND, crowd))
    for j in range(joint):
        some = draw.choice(accounts, crowd if hidden else 0, replace=False)
        who.append(np.r_[some, accounts + np.arange(crew)])
        what.append(np.full(len(some) + crew, 700 + j))
        start = draw.integers(0, 10 * DAY)
        near = start + 9 * SECOND + draw.integers(0, 3 * SECOND, crew)
        when.append(np.r_[start + draw.integers(0, 20 * SECOND, len(some)), near])
    account, object_, time = (np.concatenate(x) for x in (who, what, when))
    order = np.argsort(time, kind="stable")
    account, object_, time = account[order], object_[order], MONDAY + time[order]
    first = np.sort(np.unique(account * 1_000 + object_, return_index=True)[1])
    account, object_, time = account[first], object_[first], time[first]
    aim = draw.integers(0, targets, 1_000)[object_] if targets else np.full(len(time), -1)
    return Actions(
        "hashtags",
        account.astype(np.int32),
        object_.astype(np.int32),
        time,
        np.arange(len(time)),
        aim.astype(np.int32),
        pa.array([str(i) for i in range(1_000)]),
        pa.array([str(i) for i in range(targets)], pa.string()),
        int(account.max()) + 1,
    )


def pools(actions: Actions, seed: int, n: int) -> Strata:
    home = np.random.default_rng(seed).integers(0, n, actions.n_objects).astype(np.int32)
    names = tuple(str(i) for i in range(n))
    return Strata(home, np.zeros(n, np.int32), names, ("all",))


def posts_of(actions: Actions) -> Posts:
    n = actions.n
    columns = {f.name: pa.nulls(n, f.type) for f in POSTS}
    columns["platform"] = pa.array(["x"] * n)
    columns["post_id"] = pa.array([str(i) for i in range(n)])
    columns["account_id"] = pa.array(actions.account).cast(pa.string())
    columns["time"] = pa.array(actions.time).cast(TIME)
    names = pa.array([str(i) for i in range(actions.n_accounts)])
    platforms = pa.array(["x"] * actions.n_accounts)
    table = pa.table(columns, schema=POSTS)
    return Posts(table, actions.account, actions.time, names, platforms, 0)


def built(actions: Actions, config: Config = CONFIG) -> Network:
    return network.build({"hashtags": actions}, posts_of(actions), config, ENGINE, silent)


def brute(actions: Actions, known: scoring.Measured) -> tuple[scoring.Part, int]:
    """Every pair of eligible accounts scored exactly, without any cap; and how many they are."""
    able = np.flatnonzero(known.able).astype(np.int32)
    a, b = np.triu_indices(len(able), 1)
    every = scoring.Beside(able[a], able[b], 0.0, ())
    nothing = np.ones((actions.n_accounts, len(CONFIG.windows_s)), np.int64)
    (part,) = scoring.scored(actions, known, every, nothing, [], CONFIG, ENGINE)
    return part, known.pairs


def measured(net: Network, actions: Actions, config: Config = CONFIG) -> scoring.Measured:
    """What the run itself expects of pairs: the excess of the improbable ones is given back."""
    pool, flat = net.layers["hashtags"].strata, net.flat["hashtags"]
    return sifting.survey(actions, pool, flat, config, ENGINE)[0].measured


def pairs_of(part: scoring.Part) -> list[tuple[int, int]]:
    return list(zip(part.edges.left.tolist(), part.edges.right.tolist(), strict=True))


def validated_of(part: scoring.Part, m: int, level: float) -> set[tuple[int, int]]:
    cut = error_control.threshold(part.tests.p, m, level)
    rows = np.flatnonzero((part.tests.p <= cut) & (cut > 0))
    return {(int(part.edges.left[i]), int(part.edges.right[i])) for i in rows}


def validated_in(net: Network) -> set[tuple[int, int]]:
    scored = net.layers["hashtags"].scored
    rows = np.flatnonzero(scored.validated)
    return {(int(scored.edges.left[i]), int(scored.edges.right[i])) for i in rows}


worlds = st.builds(
    acts,
    seed=st.integers(0, 10_000),
    accounts=st.integers(200, 400),
    n=st.integers(1_000, 3_000),
    viral=st.integers(0, 6),
    crowd=st.integers(12, 30),
    crew=st.integers(3, 8),
    joint=st.integers(8, 14),
    hidden=st.sampled_from([True, True, True, False]),
    targets=st.sampled_from([0, 0, 400]),
)


def test_second_look_finds_crews_that_only_act_in_crowded_minutes(monkeypatch):
    """In seven of eight such worlds brute force validates pairs of the crew; here too, all."""
    monkeypatch.setattr(hubs, "_PER_WINDOW", 0)
    some = 0
    for seed in range(8):
        actions = acts(seed)
        found = validated_in(built(actions))
        some += bool(found)
        assert all(a >= 300 and b >= 300 for a, b in found)
        with monkeypatch.context() as patch:
            patch.setattr(second_look, "every", lambda actions, studies, config, engine: studies)
            assert not validated_in(built(actions))  # so it is the second look that finds them
    assert some >= 5


@settings(max_examples=30, deadline=None)
@given(actions=worlds, mine=st.sampled_from([0, 48]), interest=st.booleans())
def test_second_look_validates_what_brute_force_validates(actions, mine, interest):
    """Nothing is massed here: the same pairs with the cap as without, to the last one."""
    config = replace(CONFIG, stratum_actions=50 if interest else 10**6, stratum_accounts=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hubs, "_PER_WINDOW", mine)
        net = built(actions, config)
        known = measured(net, actions, config)
    layer = net.layers["hashtags"]
    assert not net.crowds
    part, m = brute(actions, known)
    assert m == layer.stat.pairs
    assert validated_in(net) == validated_of(part, m, config.false_alarms)
    assert layer.scored.p.tolist() == sorted_like(layer.scored, part).tolist()


def sorted_like(scored, part: scoring.Part) -> np.ndarray:
    """The p that brute force gives the pairs of the layer: those have not changed."""
    key = part.edges.left.astype(np.int64) << 32 | part.edges.right
    mine = scored.edges.left.astype(np.int64) << 32 | scored.edges.right
    assert (np.diff(mine) > 0).all()
    return part.tests.p[np.searchsorted(key, mine)]


@settings(max_examples=40, deadline=None)
@given(actions=worlds, budget=st.sampled_from([0, 300, 3_000]))
def test_second_look_loses_no_pair_silently(actions, budget):
    """With next to no budget bursts are massed: what is not validated lies in a crowd, told of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hubs, "_PER_WINDOW", 0)
        patch.setattr(second_look, "BUDGET", (budget, 0))
        patch.setattr(second_look, "FREE", (0, 0))
        net = built(actions)
        known = measured(net, actions)
    layer = net.layers["hashtags"]
    part, m = brute(actions, known)
    wanted, got = validated_of(part, m, CONFIG.false_alarms), validated_in(net)
    assert got <= wanted  # with fewer p-values the threshold is no higher
    stat = layer.stat
    inside = [set(c.members.tolist()) for c in net.crowds if c.layer == "hashtags"]
    lost = [pair for pair in wanted - got if not any(set(pair) <= crowd for crowd in inside)]
    key = {pair: k for k, pair in enumerate(pairs_of(part))}
    p = {pair: part.tests.p[key[pair]] for pair in lost}
    # at the level none is lost; beyond, only what needed the crowds' own rejections to pass
    assert stat.second_level >= CONFIG.false_alarms * (len(got) + 1) / m * (1 - 1e-6)
    assert all(value > stat.threshold for value in p.values())
    assert stat.crowd_possible >= len(wanted - got) - len(lost)
    # twice as many rejections as there are would be needed to move the threshold by others
    moved = len(wanted) > 2 * len(got)
    assert moved or stat.crowd_raised >= sum(v <= stat.second_level for v in p.values())
    assert moved or got == wanted or net.crowds


@settings(max_examples=30, deadline=None)
@given(actions=worlds, level=st.sampled_from([1e-2, 1e-4, 1e-7]), many=st.integers(1, 5))
def test_reach_is_a_bound(actions, level, many):
    """Every pair that is no candidate and has p ≤ level shares at least what reach says of both."""
    pool = pools(actions, many, many)
    known = scoring.measured(actions, pool, CONFIG, ENGINE)
    part, _ = brute(actions, known)
    columns = actions.account, actions.object, actions.time, actions.target, actions.n_accounts
    capped = ENGINE.count_pairs(*columns, LADDER, 2, 10, 1)
    few = reach.fewest(
        known.margins, reach.lost(actions, known.slots, CONFIG), known.able, level, CONFIG
    )
    width = actions.n_accounts
    seen = capped.edges.left.astype(np.int64) * width + capped.edges.right
    key = part.edges.left.astype(np.int64) * width + part.edges.right
    p = np.minimum(1.0, len(LADDER) * np.where(part.edges.capped >= 2, part.tests.p_window, 1.0))
    for w in range(len(LADDER)):
        rows = np.flatnonzero((p[:, w] <= level) & ~np.isin(key, seen))
        a, b = few[part.edges.left[rows], w], few[part.edges.right[rows], w]
        assert (np.minimum(a, b) > 0).all()
        assert (part.edges.n[rows, w] >= np.maximum(a, b)).all()


@settings(max_examples=60, deadline=None)
@given(actions=worlds, many=st.integers(1, 5), weak=st.sampled_from([1e-3, 1e-6]))
def test_reach_counts_anew_whoever_may_be_kept(actions, many, weak):
    """Candidates that are kept are scored exactly; the others' p lies above the level anyway."""
    config = replace(CONFIG, weak_p=weak, false_alarms=0.01)
    pool = pools(actions, many, many)
    quick = scoring.slimmed(whole(scoring.study(actions, pool, config, ENGINE)), config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reach, "within", lambda *_: None)
        exact = scoring.slimmed(whole(scoring.study(actions, pool, config, ENGINE)), config)
    assert quick[1].tolist() == exact[1].tolist()
    for one, other in zip(columns_of(quick[0]), columns_of(exact[0]), strict=True):
        assert one.tolist() == other.tolist()


def whole(study):
    return scoring.Part(study.edges, study.expected, study.tests)


def columns_of(part):
    tables = part.edges, part.tests
    return [part.expected, *(getattr(t, name) for t in tables for name in t.__slots__)]


def test_reach_is_not_idle():
    """Accounts on one viral object alone are out of reach; the crew in crowds is not."""
    actions = acts(5, accounts=1_500, n=12_000)
    one = pools(actions, 0, 1)
    columns = actions.account, actions.object, actions.time, actions.target, actions.n_accounts
    dropped = ENGINE.count_pairs(*columns, LADDER, 2, 10, 1).dropped
    known = scoring.measured(actions, one, CONFIG, ENGINE)
    lost = reach.lost(actions, known.slots, CONFIG)
    assert (
        lost.tolist() == np.minimum(dropped, reach.MANY)[np.diff(known.slots.starts) > 0].tolist()
    )
    few = reach.fewest(known.margins, lost, known.able, 1e-9, CONFIG)
    assert (few[1_500:, 0] > 2).all()
    touched = dropped[:1_500] > 0
    assert touched.mean() > 0.5
    assert (few[:1_500][touched] == 0).mean() > 0.9
    assert not reach.fewest(known.margins, lost, known.able, 0.0, CONFIG).any()
    lower = reach.fewest(known.margins, lost, known.able, 1e-2, CONFIG)
    assert (lower[few > 0] <= few[few > 0]).all()
    assert (lower[few > 0] > 0).all()


def anybody(actions):
    """Chances and bars that let every pair pass."""
    known = scoring.measured(actions, pools(actions, 0, 1), CONFIG, ENGINE)
    return chances.in_window(known.margins, 0), np.full(chances.FOLLOWED, np.inf)


@settings(max_examples=60, deadline=None)
@given(actions=worlds, level=st.sampled_from([0.4, 1e-2, 1e-5, 1e-11]), many=st.integers(1, 4))
def test_chances_of_one_pair_are_those_of_all(actions, level, many):
    known = scoring.measured(actions, pools(actions, many, many), CONFIG, ENGINE)
    left, right = (x.astype(np.int32).ravel() for x in np.triu_indices(actions.n_accounts, 1))
    told = null.expected_capped(known.margins, left, right)
    bars = chances.bars(level, ENGINE)
    assert bars[0] == 0.0
    x = np.arange(1, len(bars))
    assert (ENGINE.poisson_tail(x, bars[1:]) >= level).all()
    assert (ENGINE.poisson_tail(x, bars[1:] * (1.0 - 3 * chances.SLACK)) <= level).all()
    for w in range(len(LADDER)):
        held = chances.in_window(known.margins, w)
        for p in range(0, len(left), max(len(left) // 50, 1)):
            assert chances.of_pair(left[p], right[p], held) == pytest.approx(told[p, w], rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(actions=worlds, level=st.sampled_from([0.1, 1e-2, 1e-4]), few=st.integers(1, 4))
def test_meetings_let_go_only_of_pairs_that_chance_explains(actions, level, few):
    fewest = np.full(actions.n_accounts, few, np.int32)
    known = scoring.measured(actions, pools(actions, 0, 1), CONFIG, ENGINE)
    bars = chances.bars(level, ENGINE)
    plan = meetings.plan(actions, fewest, CONFIG.windows_s[0])
    every = meetings.join(plan, *anybody(actions), 10**9, 1)
    kept = meetings.join(plan, chances.in_window(known.margins, 0), bars, 10**9, 1)
    lam = null.expected_capped(known.margins, every[0], every[1])[:, 0]
    passes = lam <= bars[every[2]]
    for all_, some in zip(every[:3], kept[:3], strict=True):
        assert all_[passes].tolist() == some.tolist()


@settings(max_examples=60, deadline=None)
@given(
    actions=worlds,
    budget=st.sampled_from([0, 100, 2_000, 10**9]),
    seconds=st.sampled_from([10, 60, 86400]),
    seed=st.integers(0, 99),
)
def test_meetings_make_every_pair_or_say_who_was_massed(actions, budget, seconds, seed):
    draw = np.random.default_rng(seed)
    fewest = draw.integers(0, 5, actions.n_accounts).astype(np.int32)
    plan = meetings.plan(actions, fewest, seconds)
    free = anybody(actions)
    left, right, shared, massed = meetings.join(plan, *free, budget, 1)
    columns = actions.account, actions.object, actions.time, actions.target, actions.n_accounts
    ladder = np.array([seconds * SECOND], np.int64)
    edges = ENGINE.count_pairs(*columns, ladder, 1, None, 1).edges
    both = np.minimum(fewest[edges.left], fewest[edges.right])
    most = np.maximum(fewest[edges.left], fewest[edges.right])
    rows = np.flatnonzero((both > 0) & (edges.n[:, 0] >= most))
    wanted = {
        (int(a), int(b)): int(n)
        for a, b, n in zip(edges.left[rows], edges.right[rows], edges.n[rows, 0], strict=True)
    }
    got = dict(zip(zip(left.tolist(), right.tolist(), strict=True), shared.tolist(), strict=True))
    assert list(got) == sorted(got)
    assert got.items() <= wanted.items()
    who = plan.names[np.repeat(np.arange(len(plan.names)), np.diff(plan.starts))]
    on = {m: set(who[plan.object == m].tolist()) for m in massed.tolist()}
    assert all(
        any(set(pair) <= here for here in on.values()) for pair in wanted.keys() - got.keys()
    )
    if plan.cost <= budget:
        assert got == wanted
    again = meetings.join(plan, *free, budget, 3)
    for one, other in zip((left, right, shared, massed), again, strict=True):
        assert one.tolist() == other.tolist()


def test_meetings_do_not_walk_what_everyone_shares():
    """A thousand accounts on one object, pairs of whom need two: nobody is met there."""
    n = 1_000
    account = np.r_[np.arange(n), 0, 1].astype(np.int32)
    object_ = np.r_[np.zeros(n), 1, 1].astype(np.int32)
    time = np.r_[np.zeros(n), 5, 5].astype(np.int64) * SECOND
    none = np.full(n + 2, -1, np.int32)
    labels = pa.array(["a", "b"])
    actions = Actions(
        "link", account, object_, time, np.arange(n + 2), none, labels, pa.array([], pa.string()), n
    )
    plan = meetings.plan(actions, np.full(n, 2, np.int32), 60)
    assert plan.cost < 10
    assert [x.tolist() for x in meetings.join(plan, *anybody(actions), 10, 1)] == [
        [0],
        [1],
        [2],
        [],
    ]
    one = meetings.plan(actions, np.ones(n, np.int32), 60)
    assert one.cost > n * n
    assert meetings.join(one, *anybody(actions), 100, 1)[3].tolist() == [0]


def test_second_look_leaves_the_layer_of_all_signals_alone():
    actions = acts(3)
    net = built(actions)
    assert MULTIPLEX in net.layers
    assert net.layers[MULTIPLEX].stat.second_level == 0.0
    assert net.layers["hashtags"].stat.second_level > 0.0
