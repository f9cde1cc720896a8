"""Crowds: hundreds in one burst are found whole, at any size, and a viral object is none."""

from __future__ import annotations

import time as clock
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import klieg
from klieg.config import Config
from klieg.detect import crowds, scoring
from klieg.sockets import make
from klieg.tables import POSTS, SECOND, TIME, Actions, Strata

CONFIG = Config(threads=1)
ENGINE = make("engines", "cpu", CONFIG)
DAY = 86_400 * SECOND
MONDAY = 4 * DAY + 2_000 * 7 * DAY


def acts(
    *,
    seed: int = 0,
    crowd: int = 300,
    objects: int = 3,
    accounts: int = 3_000,
    n: int = 12_000,
    viral: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(account, object, time): ordinary traffic; the last ``crowd`` accounts are in every burst.

    Members of the crowd do three ordinary things each besides. ``viral``: so many ordinary
    accounts on one object within 30 s.
    """
    draw = np.random.default_rng(seed)
    who = [draw.integers(0, accounts, n)]
    what = [(draw.pareto(0.9, n) * 5).astype(np.int64) % 2_000]
    when = [what[0] * 700 * SECOND + draw.integers(0, 2 * DAY, n)]
    who.append(np.repeat(accounts + np.arange(crowd), 3))
    what.append((draw.pareto(0.9, 3 * crowd) * 5).astype(np.int64) % 2_000)
    when.append(what[1] * 700 * SECOND + draw.integers(0, 2 * DAY, 3 * crowd))
    for j in range(objects):
        who.append(accounts + np.arange(crowd))
        what.append(np.full(crowd, 2_000 + j))
        when.append(j * DAY + draw.integers(0, 30 * SECOND, crowd))
    if viral:
        who.append(draw.choice(accounts, viral, replace=False))
        what.append(np.full(viral, 3_000))
        when.append(5 * DAY + draw.integers(0, 30 * SECOND, viral))
    account, object_, time = (np.concatenate(x) for x in (who, what, when))
    order = np.argsort(time, kind="stable")
    account, object_, time = account[order], object_[order], MONDAY + time[order]
    first = np.sort(np.unique(account * 4_000 + object_, return_index=True)[1])
    return account[first], object_[first], time[first]


def layer(account: np.ndarray, object_: np.ndarray, time: np.ndarray) -> Actions:
    labels = pa.array([str(i) for i in range(int(object_.max()) + 1)])
    return Actions(
        "repost",
        account.astype(np.int32),
        object_.astype(np.int32),
        time,
        np.arange(len(time)),
        np.full(len(time), -1, np.int32),
        labels,
        pa.array([], pa.string()),
        int(account.max()) + 1,
    )


def found(actions: Actions) -> tuple[crowds.Found, ...]:
    ladder = np.array(CONFIG.windows_s, np.int64) * SECOND
    columns = actions.account, actions.object, actions.time, actions.target
    dropped = ENGINE.count_pairs(*columns, actions.n_accounts, ladder, 2, 100, 1).dropped
    able = np.ones(actions.n_accounts, np.bool_)
    return crowds.find("repost", actions, dropped, able, CONFIG, ENGINE)


def posts(account: np.ndarray, object_: np.ndarray, time: np.ndarray) -> pa.Table:
    n = len(account)
    columns = {f.name: pa.nulls(n, f.type) for f in POSTS}
    columns["platform"] = pa.array(["x"] * n)
    columns["post_id"] = pa.array(np.arange(n)).cast(pa.string())
    columns["account_id"] = pa.array(account).cast(pa.string())
    columns["time"] = pa.array(time // SECOND * SECOND).cast(TIME)
    columns["lang"] = pa.array(["en"] * n)
    columns["kind"] = pa.array(["repost"] * n)
    columns["repost_of"] = pa.array(object_).cast(pa.string())
    columns["repost_of_account"] = pa.array(object_ // 2).cast(pa.string())
    return pa.table(columns, schema=POSTS)


@pytest.mark.parametrize("objects", [2, 3, 6])
def test_crowds_finds_those_who_share_bursts_whole(objects):
    (one,) = found(layer(*acts(objects=objects)))
    assert one.crowd.members.tolist() == list(range(3_000, 3_300))
    assert one.crowd.objects == objects
    assert one.crowd.pairs == 300 * 299 // 2
    assert one.crowd.window <= 60
    assert len(one.standins) == crowds.STANDINS
    assert np.isin(one.standins, one.crowd.members).all()


@pytest.mark.parametrize("viral", [0, 1_500])
def test_crowds_of_one_viral_object_are_none(viral):
    assert found(layer(*acts(crowd=0, objects=0, viral=viral))) == ()
    assert found(layer(*acts(objects=1, viral=viral))) == ()


def test_crowds_keep_apart_from_a_viral_object():
    (one,) = found(layer(*acts(viral=1_500)))
    assert one.crowd.members.min() >= 3_000


def test_crowds_of_two_crews_are_two():
    account, object_, time = acts()
    more = acts(seed=1, n=10)
    mine = more[0] >= 3_000
    shifted = more[0][mine] + 300, more[1][mine] + 100, more[2][mine] + 3600 * SECOND
    both = [np.concatenate(x) for x in zip((account, object_, time), shifted, strict=True)]
    order = np.argsort(both[2], kind="stable")
    told = [f.crowd.members.tolist() for f in found(layer(*(x[order] for x in both)))]
    assert sorted(told) == [list(range(3_000, 3_300)), list(range(3_300, 3_600))]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 50), weeks=st.integers(-50, 50))
def test_crowds_ignore_names_and_whole_weeks(seed, weeks):
    actions = layer(*acts(seed=seed))
    draw = np.random.default_rng(seed)
    name = draw.permutation(actions.n_accounts).astype(np.int32)
    other = replace(actions, account=name[actions.account], time=actions.time + weeks * 7 * DAY)
    once, again = found(actions), found(other)
    assert [sorted(name[f.crowd.members].tolist()) for f in once] == [
        sorted(f.crowd.members.tolist()) for f in again
    ]


def test_crowds_of_a_scan_stand_whole_and_nobody_else():
    account, object_, time = acts(crowd=200, objects=8, accounts=5_000, n=15_000)
    case = klieg.scan(posts(account, object_, time), config=Config(threads=1, signals=("repost",)))
    (finding,) = case.findings
    ids = case.posts.account_ids.to_pylist()
    members = {int(ids[m.account]) for m in finding.members}
    assert min(members) >= 5_000
    assert len(members) >= 195
    assert finding.class_ != "coordinated"  # nobody else was there: what it is nobody can tell
    stat = case.layers[0].stat
    assert stat.crowds == 1
    assert stat.crowd_pairs == 200 * 199 // 2
    assert stat.crowd_scored == 2016
    assert any("200 accounts on 8 objects" in note for note in case.notes)


def test_crowds_that_are_much_of_the_traffic_are_not_said_to_be_out_of_reach():
    """Half of all accounts: their own pairs are what chance expects, unless they are left out."""
    actions = layer(*acts(crowd=1_500, objects=3))
    pool = Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("x",), ("x",))
    s = scoring.study(actions, pool, CONFIG, ENGINE)
    (one,) = s.crowds
    inside = np.isin(s.edges.left, one.standins) & np.isin(s.edges.right, one.standins)
    itself = s.tests.p[inside].min()
    without = crowds.strongest(one, actions, pool, CONFIG, ENGINE)
    # for as many rejections as the crowd has pairs
    enough = CONFIG.false_alarms * one.crowd.pairs / s.pairs
    assert without < enough / 100
    assert itself > 10 * without
    nobody = replace(one, standins=one.standins[:1])
    assert crowds.strongest(nobody, actions, pool, CONFIG, ENGINE) == 1.0


def test_crowds_of_a_live_event_are_not_coordinated():
    """Thousands on one object within seconds, and ordinary traffic besides."""
    account, object_, time = acts(crowd=0, objects=0, accounts=6_000, n=15_000, viral=3_000)
    case = klieg.scan(posts(account, object_, time), config=Config(threads=1, signals=("repost",)))
    assert not case.findings
    assert case.layers[0].stat.crowds == 0
    assert not case.notes


def test_crowds_of_thirty_thousand_take_seconds():
    """1.35 billion pairs on three objects within 30 s each: compared as bursts, made by nobody."""
    actions = layer(*acts(crowd=30_000, accounts=60_000, n=500_000))
    found(layer(*acts()))  # compiled
    began = clock.process_time()
    (one,) = found(actions)
    assert clock.process_time() - began < 10
    assert len(one.crowd.members) == 30_000
    assert one.crowd.pairs == 449_985_000
