"""What each signal on acts reads: its own acts, which way they went, whose the thing was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from klieg import evidence
from klieg.config import Config
from klieg.signals import select
from klieg.sockets import Signal, factory
from klieg.sources import assemble
from klieg.tables import ACTS, POSTS, REACTIONS, Actions, Posts

START = datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp()


def signal(name: str) -> Signal:
    made: Signal = factory("signals", name)(Config(), engine=None)
    return made


def world(*rows: tuple[str, str, str], **more: Any) -> Posts:
    """Two posts by ada (p0) and bob (p1), and acts (who, act, object) a second apart."""
    own = [
        {
            "platform": "x",
            "post_id": f"p{i}",
            "account_id": who,
            "time": datetime.fromtimestamp(START, UTC),
        }
        for i, who in enumerate(("ada", "bob"))
    ]
    acts = [
        {
            "platform": "x",
            "account_id": who,
            "act": act,
            "object_id": what,
            "time": datetime.fromtimestamp(START + 1 + i, UTC),
            **more,
        }
        for i, (who, act, what) in enumerate(rows)
    ]
    tables = [pa.Table.from_pylist(own, POSTS), pa.Table.from_pylist(acts, ACTS)]
    return assemble(tables)[0]


def told(posts: Posts, actions: Actions) -> list[tuple[str, str, str | None]]:
    names = posts.account_ids.to_pylist()
    labels, targets = actions.labels.to_pylist(), [*actions.target_labels.to_pylist(), None]
    return [
        (names[a], labels[o], targets[t])
        for a, o, t in zip(actions.account, actions.object, actions.target, strict=True)
    ]


def test_reaction_every_signal_of_acts_is_named() -> None:
    made = select(Config(), engine=None)  # type: ignore[arg-type]
    reads = [s.name for s in made if "act" in s.examples()[0].column_names]
    assert sorted(reads) == sorted(REACTIONS)


@pytest.mark.parametrize("name", REACTIONS)
def test_reaction_without_acts_is_empty(name: str) -> None:
    posts = assemble([world().table])[0]
    actions = signal(name).actions(posts)
    assert (actions.n, actions.n_objects, actions.signal) == (0, 0, name)


def test_reaction_each_reads_its_own_acts() -> None:
    posts = world(
        ("cyd", "like", "p0"), ("cyd", "follow", "ada"), ("dan", "bookmark", "p0"),
        ("dan", "like", "p0"), ("cyd", "block", "ada"),
    )  # fmt: skip
    assert told(posts, signal("like").actions(posts)) == [
        ("cyd", "p0", "ada"),
        ("dan", "p0", "ada"),
    ]
    assert told(posts, signal("follow").actions(posts)) == [("cyd", "ada", None)]
    assert told(posts, signal("reaction").actions(posts)) == [
        ("dan", "bookmark p0", "ada"),
        ("cyd", "block ada", None),
    ]


def test_reaction_points_at_the_act_that_shows_it() -> None:
    posts = world(("cyd", "follow", "ada"), ("cyd", "like", "p0"), ("dan", "like", "p1"))
    actions = signal("like").actions(posts)
    assert actions.post.tolist() == [posts.n + 1, posts.n + 2]
    assert evidence.of_acts(posts, actions)
    assert np.array_equal(evidence.accounts(posts)[actions.post], actions.account)
    assert np.array_equal(evidence.times(posts)[actions.post], actions.time)
    assert [rows.tolist() for rows in evidence.split(posts, actions.post)] == [[], [1, 2]]


def test_reaction_which_way_it_went_makes_another_object() -> None:
    up = world(("cyd", "vote", "p0"), ("dan", "vote", "p0"), value="up")
    assert [o for _, o, _ in told(up, signal("vote").actions(up))] == ["p0: up", "p0: up"]
    rows = [
        {**row, "value": v}
        for row, v in zip(up.acts.table.to_pylist(), ("up", "down"), strict=True)  # type: ignore[union-attr]
    ]
    both = assemble([up.table, pa.Table.from_pylist(rows, ACTS)])[0]
    actions = signal("vote").actions(both)
    assert actions.n_objects == 2 and actions.target.tolist() == [0, 0]


def test_reaction_a_repeat_is_no_second_act() -> None:
    posts = world(("cyd", "like", "p0"), ("cyd", "like", "p0"), ("cyd", "like", "p1"))
    assert [o for _, o, _ in told(posts, signal("like").actions(posts))] == ["p0", "p1"]


def test_reaction_a_given_author_goes_before_the_one_looked_up() -> None:
    posts = world(("cyd", "like", "p0"), ("cyd", "like", "gone"), object_account="eve")
    assert [t for _, _, t in told(posts, signal("like").actions(posts))] == ["eve", "eve"]
    posts = world(("cyd", "like", "p0"), ("cyd", "like", "gone"))
    assert [t for _, _, t in told(posts, signal("like").actions(posts))] == ["ada", None]


def test_reaction_the_same_id_on_two_platforms_is_two_things() -> None:
    posts = world(("cyd", "like", "p0"))
    other = pa.Table.from_pylist(
        [{**posts.acts.table.to_pylist()[0], "platform": "bluesky"}],  # type: ignore[union-attr]
        ACTS,
    )
    both = assemble([posts.table, posts.acts.table, other])[0]  # type: ignore[union-attr]
    assert sorted(o for _, o, _ in told(both, signal("like").actions(both))) == [
        "bluesky:p0",
        "x:p0",
    ]
    targets = {o: t for _, o, t in told(both, signal("like").actions(both))}
    assert targets == {"x:p0": "x:ada", "bluesky:p0": None}
