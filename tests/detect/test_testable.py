"""Whether who acts with whom can be tested: lists of accounts cannot, queries and samples can."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg import pipeline
from klieg.config import Config
from klieg.detect import network, testable
from klieg.sockets import make, silent
from klieg.sources.simulate import COLLECTIONS, collect, simulate

from .test_checks import crew_world, group

CONFIG = Config(threads=1, shuffles=0)
ENGINE = make("engines", "cpu", CONFIG)


@dataclass(frozen=True)
class Told:
    """Of a finding what is read here."""

    signals: tuple[str, ...]
    counter_evidence: tuple[str, ...]


def posts_by(acts: list[int]):
    account = np.repeat(np.arange(len(acts)), acts).astype(np.int32)
    return SimpleNamespace(
        account=account, n=len(account), n_acts=0, n_accounts=len(acts), acts=None
    )


@cache
def quiet(generator: str):
    return simulate(
        seed=907, accounts=1200, days=14, generator=generator, campaigns=(), look_alikes=()
    )


@pytest.mark.parametrize("generator", ["attention", "feeds"])
@pytest.mark.parametrize("how", sorted(COLLECTIONS))
def test_testable_says_it_of_lists_and_channels_and_of_no_query_or_sample(generator, how):
    posts, _ = pipeline.read(collect(quiet(generator), how, seed=3).posts)
    assert bool(testable.listed(posts)) == (how in ("account-list", "channels"))


def test_testable_tells_a_list_by_who_is_missing():
    assert testable.listed(posts_by([40] * 60))  # everybody posts often
    assert not testable.listed(posts_by([40] * 60 + [1] * 10))  # some came by
    assert not testable.listed(posts_by([5] * 60))  # nobody is busy
    assert not testable.listed(posts_by([40] * 20))  # a hand-made example
    assert not testable.listed(posts_by([40] * 1001))  # a crowd
    assert not testable.listed(posts_by([]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=30, max_size=80), st.randoms(use_true_random=False))
def test_testable_does_not_hang_on_the_order_of_accounts(acts, random):
    mixed = list(acts)
    random.shuffle(mixed)
    assert testable.listed(posts_by(acts)) == testable.listed(posts_by(mixed))


def test_testable_asks_only_outside_of_groups():
    actions, posts = crew_world()
    net = network.build({"repost": actions}, posts, CONFIG, ENGINE, silent)
    alone = testable.told(net, [], posts, CONFIG, ENGINE).layers["repost"].stat
    assert "outside of every group 6" in alone.insufficient  # 60 and more of the crew's 66 pairs
    out = testable.told(net, [group(range(12))], posts, CONFIG, ENGINE).layers["repost"].stat
    assert out.insufficient == ""


def test_testable_notes_each_reason_once_and_cautions_findings():
    actions, posts = crew_world()
    net = network.build({"repost": actions}, posts, CONFIG, ENGINE, silent)
    told = testable.told(net, [], posts, CONFIG, ENGINE)
    (note,) = testable.notes(told)
    assert "nsufficient data" in note
    assert "repost" in note
    assert testable.notes(net) == ()
    bare = Told(("link", "repost"), ("a word",))
    layer = told.layers["repost"]
    (same,) = testable.cautioned([bare], told)  # its strongest signal is another
    assert same == bare
    told = replace(told, layers={"link": layer})
    (cautioned,) = testable.cautioned([bare], told)
    assert cautioned.counter_evidence[0] == "a word"
    assert layer.stat.insufficient in cautioned.counter_evidence[1]


def test_testable_leaves_a_few_pairs_far_out_to_themselves():
    # a leader and the party's account, twice: pairs act together, and chance is described well
    actions, posts = crew_world(crew=2, joint=12)
    net = network.build({"repost": actions}, posts, CONFIG, ENGINE, silent)
    assert net.layers["repost"].stat.validated == 1
    assert net.layers["repost"].stat.tail_real[-1] > 50
    assert testable.notes(testable.told(net, [], posts, CONFIG, ENGINE)) == ()
