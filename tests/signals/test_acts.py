"""One act a post, repeats dropped, objects numbered by first appearance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from klieg.signals.acts import DAY, Shares, act, join, per_platform, ready
from klieg.tables import Actions, Posts

from .worlds import posts_of, row


def shares_of(pairs: list[tuple[int, str]], target: dict[str, str] | None = None) -> Shares:
    post = np.array([p for p, _ in pairs], np.int64)
    key = pa.array([k for _, k in pairs], pa.string())
    names = pa.array([(target or {}).get(k) for _, k in pairs], pa.string())
    return Shares(post, key, key, names)


def said(actions: Actions) -> list[tuple[int, str]]:
    labels = actions.labels.to_pylist()
    return [(int(p), labels[o]) for p, o in zip(actions.post, actions.object, strict=True)]


def hourly(*accounts: str, hours: float = 1) -> Posts:
    return posts_of(row(a, i * hours * 3600, post_id=str(i)) for i, a in enumerate(accounts))


def test_acts_keep_the_rarest_object_of_a_post() -> None:
    posts = hourly("a", "b", "c", "d")
    shares = shares_of([(0, "big"), (0, "small"), (1, "big"), (1, "small"), (2, "big"), (3, "big")])
    actions = act("link", posts, shares, repeats="daily")
    assert said(actions) == [(0, "small"), (1, "small"), (2, "big"), (3, "big")]


def test_acts_rarity_counts_accounts_not_posts() -> None:
    posts = hourly("a", "a", "a", "b", "c", "a", hours=30)
    shares = shares_of(
        [(0, "mine"), (1, "mine"), (2, "mine"), (3, "mine"), (3, "all"), (4, "all"), (5, "all")]
    )
    actions = act("link", posts, shares, repeats="daily")
    assert said(actions)[3] == (3, "mine")  # two accounts, though four posts


def test_acts_a_private_decoy_does_not_void_a_shared_object() -> None:
    posts = hourly("a", "b", "c")
    shares = shares_of([(0, "junk1"), (0, "it"), (1, "junk2"), (1, "it"), (2, "alone")])
    actions = act("link", posts, shares, repeats="daily")
    assert said(actions) == [(0, "it"), (1, "it"), (2, "alone")]


def test_acts_ties_go_to_the_object_seen_first() -> None:
    posts = hourly("a", "b")
    shares = shares_of([(0, "x"), (0, "y"), (1, "y"), (1, "x")])
    assert said(act("link", posts, shares, repeats="daily")) == [(0, "x"), (1, "x")]


def test_acts_daily_drops_what_follows_within_a_day_of_the_last_kept() -> None:
    posts = posts_of(
        row("a", hours * 3600, post_id=str(i))
        for i, hours in enumerate((0, 10, 20, 24, 30, 48, 71.9))
    )
    shares = shares_of([(i, "x") for i in range(7)])
    assert act("link", posts, shares, repeats="daily").post.tolist() == [0, 3, 5]
    assert act("repost", posts, shares, repeats="never").post.tolist() == [0]


def test_acts_repeats_are_judged_by_account_and_object() -> None:
    posts = hourly("a", "b", "a", "a")
    shares = shares_of([(0, "x"), (1, "x"), (2, "y"), (3, "x")])
    assert act("link", posts, shares, repeats="daily").post.tolist() == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 72)), max_size=40))
def test_acts_daily_equals_the_rule_read_out_loud(rows: list[tuple[int, int, int]]) -> None:
    rows = sorted(rows, key=lambda r: r[2])
    posts = posts_of(
        row(f"a{a}", hour * 3600 * 1.5, post_id=f"{i:03}") for i, (a, _, hour) in enumerate(rows)
    )
    order = [int(i) for i in posts.table["post_id"].to_pylist()]
    shares = shares_of([(p, f"o{rows[i][1]}") for p, i in enumerate(order)])
    last: dict[tuple[int, int], int] = {}
    kept = []
    for p, i in enumerate(order):
        pair, now = (rows[i][0], rows[i][1]), int(posts.time[p])
        if pair not in last or now - last[pair] >= DAY:
            kept.append(p)
            last[pair] = now
    assert act("link", posts, shares, repeats="daily").post.tolist() == kept


def test_acts_number_objects_and_targets_by_first_appearance() -> None:
    posts = hourly("a", "b", "c", "d")
    shares = shares_of(
        [(0, "q"), (1, "p"), (2, "q"), (3, "z")], target={"q": "site2", "z": "site1"}
    )
    actions = act("link", posts, shares, repeats="daily")
    assert actions.labels.to_pylist() == ["q", "p", "z"]
    assert actions.object.tolist() == [0, 1, 0, 2]
    assert actions.target_labels.to_pylist() == ["site2", "site1"]
    assert actions.target.tolist() == [0, -1, 0, 1]


def test_acts_a_target_known_once_is_known_for_all() -> None:
    posts = hourly("a", "b")
    key = pa.array(["x", "x"])
    shares = Shares(np.array([0, 1]), key, key, pa.array([None, "author"], pa.string()))
    assert act("repost", posts, shares, repeats="never").target.tolist() == [0, 0]


def test_acts_of_nothing_are_empty() -> None:
    actions = act("link", posts_of([]), shares_of([]), repeats="daily")
    assert actions.n == actions.n_objects == actions.n_accounts == 0
    assert actions.account.dtype == actions.object.dtype == actions.target.dtype == np.int32
    assert actions.time.dtype == actions.post.dtype == np.int64


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=40))
def test_acts_hold_one_act_a_post_in_post_order(pairs: list[tuple[int, int]]) -> None:
    posts = hourly(*"abcabcabca")
    shares = shares_of([(p, f"o{o}") for p, o in sorted(pairs, key=lambda x: x[0])])
    actions = act("link", posts, shares, repeats="daily")
    assert all(a < b for a, b in pairwise(actions.post.tolist()))
    assert (actions.account == posts.account[actions.post]).all()
    assert (actions.time == posts.time[actions.post]).all()
    assert set(actions.object.tolist()) == set(range(actions.n_objects))
    assert set(said(actions)) <= {(p, f"o{o}") for p, o in pairs}


def test_acts_ready_made_objects_are_read_by_trace() -> None:
    posts = posts_of(
        [
            row("a", 0, objects=[{"trace": "link", "id": "1"}, {"trace": "odd", "id": "2"}]),
            row("b", 1, objects=[{"trace": None, "id": "3"}, {"trace": "link", "id": None}]),
            row("c", 2),
        ]
    )
    assert ready(posts, "link").key.to_pylist() == ["1"]
    others = ready(posts, "link", others=True)
    assert others.key.to_pylist() == ["odd:2", "object:3"]
    assert others.post.tolist() == [0, 1]


def test_acts_join_prefers_the_ready_made() -> None:
    joined = join(shares_of([(1, "r")]), shares_of([(0, "a"), (1, "b"), (2, "c")]))
    assert joined.post.tolist() == [0, 1, 2]
    assert joined.key.to_pylist() == ["a", "r", "c"]


def test_acts_platforms_never_share_an_id() -> None:
    both = posts_of([row("a", 0), row("b", 1, platform="bluesky")])
    ids = pa.array(["1", "1"])
    assert per_platform(both, np.array([0, 1]), ids).to_pylist() == ["x:1", "bluesky:1"]
    alone = posts_of([row("a", 0), row("b", 1)])
    assert per_platform(alone, np.array([0, 1]), ids).to_pylist() == ["1", "1"]
