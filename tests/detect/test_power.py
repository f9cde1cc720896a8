"""Power: more people, less jitter and a laxer dial never need a larger campaign."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from klieg.config import Config
from klieg.detect import bursts, power
from klieg.sockets import make
from klieg.tables import (
    MULTIPLEX,
    SECOND,
    Actions,
    Edges,
    Layer,
    NullStat,
    Power,
    ScoredEdges,
    Strata,
)

CONFIG = Config(threads=1)
ENGINE = make("engines", "cpu", CONFIG)


def organic(seed: int, *, n: int = 20_000, accounts: int = 2000, objects: int = 4000) -> Actions:
    rng = np.random.default_rng(seed)
    viral = rng.pareto(1.0, objects) + 0.1
    item = rng.choice(objects, n, p=viral / viral.sum())
    start = rng.integers(0, 20 * 86_400, objects)
    time = np.sort((start[item] + rng.exponential(7200, n)) * SECOND).astype(np.int64)
    return to_actions(rng.integers(0, accounts, n), item, time, accounts, objects)


def to_actions(account, item, time, accounts, objects, signal="repost") -> Actions:
    order = np.argsort(time, kind="stable")
    return Actions(
        signal,
        np.asarray(account, np.int32)[order],
        np.asarray(item, np.int32)[order],
        np.asarray(time, np.int64)[order],
        np.arange(len(order)),
        np.full(len(order), -1, np.int32),
        pa.array([str(i) for i in range(objects)]),
        pa.array([], pa.string()),
        accounts,
    )


def flat(actions: Actions) -> Strata:
    return Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("x",), ("x",))


def as_layer(actions: Actions) -> Layer:
    none = np.zeros(0)
    ids, counts = none.astype(np.int32), np.zeros((0, 6), np.uint32)
    edges = Edges(ids, ids, counts, counts, none.astype(np.int64), none.astype(np.int64))
    mask = none.astype(np.bool_)
    table = np.zeros((0, 6))
    scored = ScoredEdges(
        *("repost", edges, table, table, none.astype(np.uint8), none, none, none),
        *(mask, mask, mask),
    )
    stat = NullStat("repost", 0, 0, 0, 0, 0, 0, 0, 0.0, (), (), (), (), (), 0.0, (), (), (), 0.0)
    return Layer(actions, flat(actions), scored, stat)


def smallest(actions: Actions, config: Config = CONFIG) -> list[Power]:
    return list(power.smallest({"repost": as_layer(actions)}, config, ENGINE))


def acts(found: Power) -> int:
    return found.accounts * found.joint_acts


def test_power_says_one_campaign_a_signal_and_jitter():
    layer = as_layer(organic(0))
    found = power.smallest({"repost": layer, MULTIPLEX: layer}, CONFIG, ENGINE)
    assert [(p.signal, p.jitter) for p in found] == [("repost", j) for j in power.JITTERS]
    assert all(p.power >= 0.8 and p.accounts >= 3 and p.joint_acts >= 2 for p in found)


def test_power_needs_no_fewer_acts_for_more_jitter():
    for seed in range(3):
        sizes = [acts(p) for p in smallest(organic(seed))]
        assert sizes[0] <= sizes[1] <= sizes[2]


def test_power_needs_more_acts_for_a_stricter_dial():
    actions = organic(1)
    lax = [acts(p) for p in smallest(actions, Config(false_alarms=0.2))]
    strict = [acts(p) for p in smallest(actions, Config(false_alarms=1e-6))]
    assert all(a < b for a, b in zip(lax, strict, strict=True))


def test_power_needs_more_acts_where_more_accounts_could_have_been_meant():
    quiet = organic(1)
    crowd = to_actions(quiet.account, quiet.object, quiet.time, 2_000_000, quiet.n_objects)
    few, many = smallest(quiet), smallest(crowd)
    assert all(acts(a) < acts(b) for a, b in zip(few, many, strict=True))


def test_power_says_so_where_nothing_could_be_seen():
    # three accounts on one object: no campaign can stand out
    tiny = to_actions([0, 1, 2], [0, 0, 0], [0, 1, 2], 3, 1)
    assert all(p.power < 0.8 for p in smallest(tiny))


def test_power_is_the_same_twice():
    assert smallest(organic(2)) == smallest(organic(2))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_power_keeps_its_word_in_the_burst_test(which):
    """Plant the campaign it names, and a far smaller one: the first stands, the second does not."""
    base = organic(5)
    found = smallest(base)[which]
    stood = [
        np.mean([_net(base, found, n, seed) >= np.log(100) for seed in range(12)])
        for n in (found.joint_acts, max(2, found.joint_acts // 3))
    ]
    assert stood[0] >= 0.6
    assert stood[1] <= 0.2


def _net(base: Actions, found: Power, acts_each: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    members = np.sort(rng.choice(base.n_accounts, found.accounts, replace=False))
    # ordinary objects, at a moment when something happens on them
    items = rng.choice(np.unique(base.object), acts_each)
    at = np.array([rng.choice(base.time[base.object == i]) for i in items])
    delay = (rng.random((acts_each, len(members))) * found.jitter * SECOND).astype(np.int64)
    planted = to_actions(
        np.r_[base.account, np.tile(members, acts_each)],
        np.r_[base.object, np.repeat(items, len(members))],
        np.r_[base.time, (at[:, None] + delay).ravel()],
        base.n_accounts,
        base.n_objects,
    )
    tilings = bursts.prepare(planted, flat(planted), CONFIG, ENGINE)
    return bursts.net([tilings], members.astype(np.int32), base.n_accounts)
