"""H and T beside groups: the crew is out, chance is at chance, and what they keep they show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from klieg.config import Config
from klieg.detect import checks, network
from klieg.errors import ConfigError
from klieg.sockets import make, silent
from klieg.tables import SECOND, Group

from .test_null import make_actions
from .test_second_look import posts_of

CONFIG = Config(threads=1)
ENGINE = make("engines", "cpu", CONFIG)
DAY = 86_400 * SECOND


def crew_world(seed=0, *, crew=12, joint=10, apart=20):
    """500 ordinary accounts, and a crew that posts the same links within ``apart`` seconds."""
    rng = np.random.default_rng(seed)
    n, objects = 6000, 600
    account = rng.integers(crew, 500 + crew, n)
    item = rng.integers(joint, objects, n)
    second = rng.integers(0, 14 * 86_400, n)
    who = np.tile(np.arange(crew), joint)
    what = np.repeat(np.arange(joint), crew)
    when = np.repeat(rng.integers(0, 13 * 86_400, joint), crew) + rng.integers(0, apart, len(who))
    account, item, second = (
        np.r_[account, who],
        np.r_[item, what],
        np.r_[second, when],
    )
    first = np.sort(np.unique(account * objects + item, return_index=True)[1])
    order = first[np.argsort(second[first], kind="stable")]
    actions = make_actions(
        account[order],
        item[order],
        second[order] * SECOND + 4 * DAY,
        target=np.arange(int(item.max()) + 1) % 300,
        n_accounts=500 + crew,
    )
    return actions, posts_of(actions)


def group(members) -> Group:
    members = np.asarray(members, np.int32)
    return Group(members, "repost", 60, 0.0, 9.0, 9.0, {}, np.zeros(len(members)), 1.0, (), {})


def built(config=CONFIG):
    actions, posts = crew_world()
    return network.build({"repost": actions}, posts, config, ENGINE, silent)


def test_checks_take_the_group_out_and_leave_no_validated_pair():
    net = built()
    assert net.layers["repost"].stat.validated >= 60  # most of 66
    told = checks.beside_groups(net, [group(range(12))], CONFIG, ENGINE, silent)
    stats = {s.kind: s for s in told.layers["repost"].stat.other_shuffles}
    assert list(stats) == ["H", "T"]
    for stat in stats.values():
        assert stat.removed == 12
        assert stat.pairs == 500 * 499 // 2
        assert stat.real == 0
        assert stat.validated == (0,)
        assert max(stat.tail) <= 1.0
    assert told.layers["multiplex"].stat.other_shuffles == ()


def test_checks_show_a_group_that_stays_in():
    # nobody is taken out: moved in time the crew still shares its ten things
    net = built()
    told = checks.beside_groups(net, [], CONFIG, ENGINE, silent)
    stat = {s.kind: s for s in told.layers["repost"].stat.other_shuffles}["T"]
    assert stat.removed == 0
    assert stat.real == net.layers["repost"].stat.validated
    assert stat.tail[0] > 0.0 or stat.weak[0] > 0


def test_checks_run_what_is_asked_for_and_as_often():
    net = built()
    for kinds in ((), ("S",), ("T",), ("H", "T")):
        config = replace(CONFIG, shuffle_kinds=kinds, shuffles=2)
        told = checks.beside_groups(net, [group(range(12))], config, ENGINE, silent)
        stats = told.layers["repost"].stat.other_shuffles
        assert tuple(s.kind for s in stats) == tuple(k for k in kinds if k != "S")
        assert all(len(s.validated) == 2 for s in stats)
    none = checks.beside_groups(net, [], replace(CONFIG, shuffles=0), ENGINE, silent)
    assert none.layers["repost"].stat.other_shuffles == ()


def test_checks_leave_s_out_where_it_is_not_asked_for():
    config = replace(CONFIG, shuffle_kinds=("H",))
    assert built(config).layers["repost"].stat.shuffled == ()
    assert built().layers["repost"].stat.shuffled == (0,)


def test_checks_are_the_same_on_any_number_of_threads():
    net = built()
    one, four = (
        checks.beside_groups(net, [group(range(12))], replace(CONFIG, threads=n), ENGINE, silent)
        for n in (1, 4)
    )
    assert one.layers["repost"].stat == four.layers["repost"].stat


def test_checks_level_is_that_of_the_data_or_of_one_rejection():
    net = built()
    layer = net.layers["repost"]
    for threshold, wanted in ((0.0, 0.01 / layer.stat.pairs), (1e-4, 1e-4)):
        stat = replace(layer.stat, threshold=threshold)
        alone = replace(net, layers={"repost": replace(layer, stat=stat)})
        assert checks.level(alone, CONFIG) == wanted


def test_checks_refuse_kinds_that_do_not_exist():
    for kinds in (("X",), ("S", "S"), ("s",)):
        with pytest.raises(ConfigError, match="shuffle_kinds"):
            Config(shuffle_kinds=kinds)
