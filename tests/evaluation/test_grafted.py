"""Campaigns planted into posts that are there: what is kept, what is made."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg import pipeline
from klieg.config import Config
from klieg.errors import InputError
from klieg.evaluation.grafted import OUTSIDERS, graft
from klieg.signals import select
from klieg.sockets import make
from klieg.sources.simulate import Campaign
from klieg.tables import Actions, Posts

from . import worlds


@pytest.fixture(scope="module")
def ground() -> tuple[Posts, dict[str, Actions]]:
    config = Config(signals=("repost",))
    posts, _ = pipeline.read(worlds.posts_of(worlds.wide_world()).table, config=config)
    engine = make("engines", "reference", config)
    return posts, dict(pipeline.trace(posts, select(config, engine=engine)))


def made_of(table: pa.Table, posts: Posts) -> list[dict[str, object]]:
    return table.slice(posts.n).to_pylist()


def test_grafted_campaign_is_that_many_accounts_and_acts(
    ground: tuple[Posts, dict[str, Actions]],
) -> None:
    posts, layers = ground
    wanted = Campaign("repost", size=8, acts=6, jitter_s=300)
    table, truth = graft(posts, layers, [("repost", wanted)], seed=1)
    assert table.slice(0, posts.n).equals(posts.table)
    rows = made_of(table, posts)
    (group,) = truth.groups
    assert group.label == "campaign:repost-1" and len(group.accounts) == 8
    assert {r["account_id"] for r in rows} == set(group.accounts)
    assert group.accounts == tuple(sorted(group.accounts))
    assert [r["post_id"] for r in rows] == list(group.posts) and len(rows) == 48
    by_post: dict[object, list[float]] = {}
    for r in rows:
        by_post.setdefault(r["repost_of"], []).append(r["time"].timestamp())  # type: ignore[union-attr]
    assert len(by_post) == 6 and all(len(t) == 8 for t in by_post.values())
    assert max(max(t) - min(t) for t in by_post.values()) <= 300
    assert set(group.accounts) <= set(posts.account_ids.to_pylist())


def test_grafted_objects_have_company_and_begin_before(
    ground: tuple[Posts, dict[str, Actions]],
) -> None:
    posts, layers = ground
    table, _ = graft(posts, layers, [("repost", Campaign("repost", size=5, acts=9))], seed=2)
    real = posts.table.to_pylist()
    for row in made_of(table, posts):
        same = [r for r in real if r["repost_of"] == row["repost_of"]]
        assert OUTSIDERS[0] <= len({r["account_id"] for r in same}) <= OUTSIDERS[1]
        assert row["time"] >= min(r["time"] for r in same)  # type: ignore[operator]


def test_grafted_campaigns_share_no_member_and_participation_spreads_them(
    ground: tuple[Posts, dict[str, Actions]],
) -> None:
    posts, layers = ground
    half = Campaign("repost", size=10, acts=4, participation=0.5)
    table, truth = graft(posts, layers, [("repost", half), ("repost", half)], seed=3)
    one, other = (set(g.accounts) for g in truth.groups)
    assert not one & other
    assert len({r["repost_of"] for r in made_of(table, posts)[:40]}) == 8


def test_grafted_times_keep_the_clock_of_the_data(
    ground: tuple[Posts, dict[str, Actions]],
) -> None:
    import dataclasses

    posts, layers = ground
    minutes = dataclasses.replace(posts, resolution=60)
    table, _ = graft(minutes, layers, [("repost", Campaign("repost", size=5, acts=5))], seed=4)
    late = table["time"].slice(posts.n)
    assert pc.all(pc.equal(pc.second(late), 0)).as_py()


def test_grafted_refuses_more_than_there_is(ground: tuple[Posts, dict[str, Actions]]) -> None:
    posts, layers = ground
    with pytest.raises(InputError, match="accounts are left"):
        graft(posts, layers, [("repost", Campaign("repost", size=5000))], seed=5)
    with pytest.raises(InputError, match="too few"):
        graft(posts, layers, [("repost", Campaign("repost", size=5, acts=500))], seed=5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_grafted_is_the_same_for_the_same_seed_and_another_for_another(seed: int) -> None:
    config = Config(signals=("repost",))
    posts, _ = pipeline.read(worlds.posts_of(worlds.wide_world()).table, config=config)
    engine = make("engines", "reference", config)
    layers = dict(pipeline.trace(posts, select(config, engine=engine)))
    plan = [("repost", Campaign("repost", size=6, acts=5))]
    one, again, other = (graft(posts, layers, plan, seed=s) for s in (seed, seed, seed + 1))
    assert one[0].equals(again[0]) and one[1] == again[1]
    assert one[1] != other[1]


def test_grafted_campaign_is_found(ground: tuple[Posts, dict[str, Actions]]) -> None:
    posts, layers = ground
    plan = [("repost", Campaign("repost", size=12, acts=12, jitter_s=60))]
    table, truth = graft(posts, layers, plan, seed=6)
    case = pipeline.scan(table, config=Config(shuffles=0, controls=0, signals=("repost",)))
    names = case.posts.account_ids.to_pylist()
    best = max(
        (len({names[m.account] for m in f.members} & set(truth.groups[0].accounts)))
        for f in case.findings
    )
    assert best >= 10
    assert np.isfinite(case.findings[0].net)
