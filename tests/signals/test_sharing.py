"""What each trace of sharing reads from posts, and that order, names and weeks change nothing."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.signals import select
from klieg.signals.sharing import is_repost
from klieg.sockets import Signal, factory
from klieg.tables import Actions, Posts

from .worlds import posts_of, row, table_of

ODD = {"trace": "odd", "id": "1"}
NAMES = ["domain", "hashtags", "image", "link", "mention", "object", "reply", "repost"]


def signal(name: str) -> Signal:
    made: Signal = factory("signals", name)(Config(), engine=None)
    return made


def said(name: str, posts: Posts) -> list[tuple[int, str]]:
    actions = signal(name).actions(posts)
    labels = actions.labels.to_pylist()
    return [(int(p), labels[o]) for p, o in zip(actions.post, actions.object, strict=True)]


def targets(name: str, posts: Posts) -> list[str | None]:
    actions = signal(name).actions(posts)
    labels = [*actions.target_labels.to_pylist(), None]
    return [labels[t] for t in actions.target]


@pytest.mark.parametrize("name", NAMES)
def test_sharing_of_no_posts_is_empty(name: str) -> None:
    actions = signal(name).actions(posts_of([]))
    assert actions.n == 0 and actions.signal == name and actions.n_objects == 0


@pytest.mark.parametrize("name", NAMES)
def test_sharing_of_bare_posts_is_empty(name: str) -> None:
    assert signal(name).actions(posts_of([row("a"), row("b", 1, text="hello")])).n == 0


@pytest.mark.parametrize("name", NAMES)
def test_sharing_examples_show_their_trace(name: str) -> None:
    made = signal(name)
    for table in made.examples():
        actions = made.actions(posts_of(table))
        assert actions.n == 3 and actions.n_objects == 1
    filled = made.sentence.format(accounts=3, objects=1, window="60 s", times=3)
    assert filled.endswith(".") and "{" not in filled


@pytest.mark.parametrize("name", [n for n in NAMES if n != "object"])
def test_sharing_reads_ready_made_objects_first(name: str) -> None:
    example = signal(name).examples()[0].to_pylist()
    example[0]["objects"] = [{"trace": name, "id": "ready"}]
    assert said(name, posts_of(example))[0] == (0, "ready")


def test_sharing_unknown_traces_are_objects() -> None:
    posts = posts_of(
        [row("a", objects=[{"trace": "odd", "id": "1"}, {"trace": "link", "id": "2"}])]
    )
    assert said("object", posts) == [(0, "odd:1")]
    assert said("link", posts) == [(0, "2")]


def test_sharing_select_is_every_signal_or_those_named() -> None:
    engine = object()
    assert {s.name for s in select(Config(), engine=engine)} >= {*NAMES, "copies"}  # type: ignore[arg-type]
    chosen = select(Config(signals=("repost", "link")), engine=engine)  # type: ignore[arg-type]
    assert [s.name for s in chosen] == ["link", "repost"]


# --- reposts -------------------------------------------------------------------------------------


def test_sharing_repost_by_id_knows_the_author() -> None:
    posts = posts_of(
        [
            row("author", 0, post_id="p1", text="hello"),
            row("a", 1, kind="repost", repost_of="p1"),
            row("b", 2, kind="repost", repost_of="p2", repost_of_account="other"),
            row("b", 3, kind="repost", repost_of="p2"),
            row("b", 4, kind="repost", repost_of="p3"),
        ]
    )
    assert said("repost", posts) == [(1, "p1"), (2, "p2"), (4, "p3")]
    assert targets("repost", posts) == ["author", "other", None]


def test_sharing_repost_without_id_is_known_by_its_text() -> None:
    posts = posts_of(
        [
            row("a", 1, text="RT @Bob: Read this NOW http://t.co/1"),
            row("b", 2, kind="repost", text="read this now http://t.co/2"),
            row("c", 3, text="RT @bob: read thіs now http://t.co/3"),  # Ukrainian і
            row("d", 4, kind="repost", text="http://t.co/4"),  # says nothing: no object
            row("e", 5, kind="repost"),
        ]
    )
    label = "Read this NOW http://t.co/1"
    assert said("repost", posts) == [(0, label), (1, label), (2, label)]
    assert targets("repost", posts) == ["@bob"] * 3


def test_sharing_a_quote_that_mentions_rt_inside_is_no_repost() -> None:
    posts = posts_of(
        [
            row("a", 1, text="my view RT @bob: text"),
            row("b", 2, kind="quote", text="RT @bob: text"),
            row("c", 3, kind="post", text="rt @bob: text"),
            row("d", 4, repost_of="p"),
        ]
    )
    assert is_repost(posts).tolist() == [False, False, True, True]


# --- links and domains ---------------------------------------------------------------------------


def test_sharing_links_are_canonical_and_capped_by_publisher() -> None:
    posts = posts_of(
        [
            row("a", 1, urls=["https://www.example.com/x/?utm_source=1"]),
            row("b", 2, urls=["http://m.example.com/x#top"]),
            row("c", 3, urls=["https://t.co/AbC"]),
            row("d", 4, urls=["https://facebook.com/page/posts/1"]),
            row("e", 5, urls=["mailto:me@example.com", None]),
        ]
    )
    assert said("link", posts) == [
        (0, "https://example.com/x"),
        (1, "https://example.com/x"),
        (2, "https://t.co/AbC"),
        (3, "https://facebook.com/page/posts/1"),
    ]
    assert targets("link", posts) == ["example.com", "example.com", None, "facebook.com/page"]


def test_sharing_domains_leave_shorteners_out() -> None:
    posts = posts_of(
        [
            row("a", 1, urls=["https://news.example.co.uk/x", "https://bit.ly/1"]),
            row("b", 2, urls=["https://t.co/AbC"]),
        ]
    )
    assert said("domain", posts) == [(0, "example.co.uk")]


def test_sharing_reposts_share_nothing_of_their_own() -> None:
    passed_on = {
        "urls": ["https://example.com/x"],
        "hashtags": ["A", "B", "C"],
        "mentions": ["bob"],
        "media": [{"type": "photo", "phash": "ff"}],
    }
    posts = posts_of([row("a", 1, kind="repost", repost_of="p", **passed_on)])
    for name in ("link", "domain", "hashtags", "mention", "image"):
        assert signal(name).actions(posts).n == 0
    assert signal("repost").actions(posts).n == 1


def test_sharing_a_quoted_post_is_no_link_but_another_post_is() -> None:
    status = "https://twitter.com/bob/status/{}"
    posts = posts_of(
        [
            row("a", 1, kind="quote", quote_of="7", urls=[status.format(7), status.format(8)]),
            row("b", 2, kind="quote", urls=[status.format(7)]),
            row("c", 3, post_id="9", urls=["https://x.com/c/status/9/photo/1"]),
            row("d", 4, kind="post", urls=["https://x.com/Bob/status/8?s=20"]),
        ]
    )
    assert said("link", posts) == [(0, status.format(8)), (3, status.format(8))]


def test_sharing_texts_stand_in_only_where_a_file_has_no_column() -> None:
    posts = posts_of(
        [
            row("a", 1, text="see https://example.com/1", source_file="bare"),
            row("b", 2, text="see https://example.com/1", source_file="full"),
            row("c", 3, text="x", urls=["https://example.com/1"], source_file="full"),
        ]
    )
    assert [p for p, _ in said("link", posts)] == [0, 2]


# --- hashtags, mentions, replies, images ---------------------------------------------------------


def test_sharing_hashtags_are_ordered_and_at_least_three() -> None:
    posts = posts_of(
        [
            row("a", 1, hashtags=["One", "TWO", "three"]),
            row("b", 2, hashtags=["#one", "two", "Three"]),
            row("c", 3, hashtags=["two", "one", "three"]),
            row("d", 4, hashtags=["one", "two"]),
            row("e", 5, hashtags=["one", None, "two", "three"]),
        ]
    )
    same = "#one #two #three"
    assert said("hashtags", posts) == [(0, same), (1, same), (2, "#two #one #three"), (4, same)]


def test_sharing_mentions_inherited_from_a_thread_do_not_count() -> None:
    posts = posts_of(
        [
            row("a", 1, text="hi @X", mentions=["X"]),
            row("b", 2, text="@x @y hi @z", mentions=["x", "y", "z"], reply_to="1"),
            row("c", 3, text="hi", mentions=["x"], kind="reply"),
            row("d", 4, text="@x you", mentions=["x"]),  # addressed, but no reply: an act
            row("e", 5, text="@x @y you", mentions=["x", "y"]),  # opens like a reply to all
            row("f", 6, text=None, mentions=["x"]),
        ]
    )
    assert said("mention", posts) == [(0, "x"), (1, "z"), (3, "x"), (5, "x")]


def test_sharing_mentions_from_texts_alone() -> None:
    posts = posts_of([row("a", 1, text="hi @X and @y"), row("b", 2, text="@y @z hello @X")])
    assert said("mention", posts) == [(0, "x"), (1, "x")]


def test_sharing_replies_target_the_author() -> None:
    posts = posts_of([row("a", 1, reply_to="p", reply_to_account="bob"), row("b", 2, reply_to="q")])
    assert said("reply", posts) == [(0, "p"), (1, "q")]
    assert targets("reply", posts) == ["bob", None]


def test_sharing_images_by_hash_and_never_by_address() -> None:
    media = [{"type": "photo", "url": "https://img.example/1", "phash": None}]
    posts = posts_of(
        [row("a", 1, media=[{"type": "photo", "phash": "FF"}]), row("b", 2, media=media)]
    )
    assert said("image", posts) == [(0, "ff")]


# --- invariance ----------------------------------------------------------------------------------

POST = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([None, "post", "repost", "reply", "quote"]),
        "text": st.sampled_from(
            [None, "RT @b: some words here", "@u @v hi @w", "hi #a #b #c @u http://t.co/1"]
        ),
        "urls": st.sampled_from(
            [None, ["https://example.com/1"], ["https://example.com/2", "x.y"]]
        ),
        "hashtags": st.sampled_from([None, ["a", "b", "c"], ["A", "b", "C", "d"]]),
        "mentions": st.sampled_from([None, ["u"], ["v", "w"]]),
        "repost_of": st.sampled_from([None, None, "p1", "p2"]),
        "reply_to": st.sampled_from([None, None, "p1", "p2"]),
        "media": st.sampled_from([None, [{"phash": "f0"}]]),
        "objects": st.sampled_from(
            [None, [{"trace": "odd", "id": "1"}, {"trace": "link", "id": "2"}]]
        ),
    }
)
WORLD = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50), POST), max_size=14)


def world(rows: list[tuple[int, int, dict[str, object]]]) -> list[dict[str, object]]:
    return [
        row(f"a{account}", hours * 3600, post_id=f"{i:02}", **post)
        for i, (account, hours, post) in enumerate(rows)
    ]


def same(left: Actions, right: Actions, *, shift: int = 0) -> bool:
    fields = ("account", "object", "post", "target")
    return (
        all((getattr(left, f) == getattr(right, f)).all() for f in fields)
        and (left.time + shift == right.time).all()
        and left.labels.equals(right.labels)
        and left.target_labels.equals(right.target_labels)
    )


@settings(max_examples=40, deadline=None)
@given(WORLD, st.randoms(use_true_random=False))
def test_sharing_does_not_depend_on_the_order_of_rows(rows, chance: random.Random) -> None:  # type: ignore[no-untyped-def]
    plain = world(rows)
    shuffled = list(plain)
    chance.shuffle(shuffled)
    for name in NAMES:
        assert same(signal(name).actions(posts_of(plain)), signal(name).actions(posts_of(shuffled)))


@settings(max_examples=40, deadline=None)
@given(WORLD)
def test_sharing_does_not_depend_on_the_names_of_accounts(rows) -> None:  # type: ignore[no-untyped-def]
    plain = world(rows)
    renamed = [
        r | {"account_id": f"z{hash(r['account_id']) % 97}-{r['account_id']}"} for r in plain
    ]
    for name in NAMES:
        assert same(signal(name).actions(posts_of(plain)), signal(name).actions(posts_of(renamed)))


@settings(max_examples=40, deadline=None)
@given(WORLD, st.integers(-50, 50))
def test_sharing_shifts_with_whole_weeks(rows, weeks: int) -> None:  # type: ignore[no-untyped-def]
    plain = world(rows)
    hours = 7 * 24 * weeks
    moved = world([(account, at + hours, post) for account, at, post in rows])
    shift = hours * 3_600_000_000
    for name in NAMES:
        left, right = (signal(name).actions(posts_of(r)) for r in (plain, moved))
        assert same(left, right, shift=shift)


# --- real posts ----------------------------------------------------------------------------------


def test_sharing_german_elections_counts(data: Path) -> None:
    frame = pq.read_table(data / "german_elections.parquet")
    traces = {
        "url_id": "link",
        "hashtag_id": "hashtags",
        "domain_id": "domain",
        "phash_id": "image",
    }
    ids = {c: frame[c].to_pylist() for c in traces}
    objects = [
        [{"trace": traces[c], "id": f"{ids[c][i]:.0f}"} for c in traces if ids[c][i] is not None]
        for i in range(frame.num_rows)
    ]
    micros = pa.array((frame["timestamp"].to_numpy() * 1e6).astype(np.int64))
    posts = posts_of(
        table_of(
            {
                "platform": ["x"] * frame.num_rows,
                "post_id": pc.cast(pa.array(np.arange(frame.num_rows)), pa.string()),
                "account_id": frame["account_id"],
                "time": micros.cast(pa.timestamp("us", tz="UTC")),
                "objects": objects,
            }
        )
    )
    for column, name in traces.items():
        actions = signal(name).actions(posts)
        named = pc.count_distinct(frame[column]).as_py()
        assert actions.n_objects == named, name  # one object a post: none can be lost
        assert actions.n <= frame.num_rows - frame[column].null_count
        assert actions.n > 0.8 * len(
            set(zip(frame["account_id"].to_pylist(), ids[column], strict=True))
        ) * (1 - frame[column].null_count / frame.num_rows)


def test_sharing_operation_texts_alone(data: Path) -> None:
    frame = pq.read_table(data / "io_ira_twitter_dev.parquet")
    posts = posts_of(
        table_of(
            {
                "platform": ["x"] * frame.num_rows,
                "post_id": pc.cast(frame["row_id"], pa.string()),
                "account_id": frame["account"],
                "time": frame["published_at"],
                "text": frame["text"],
                "kind": pc.if_else(frame["is_retweet"], "repost", "post"),
            }
        )
    )
    reposts = signal("repost").actions(posts)
    assert pc.sum(frame["is_retweet"]).as_py() * 0.9 < reposts.n
    links = signal("link").actions(posts)
    opaque = pc.sum(pc.starts_with(links.labels, "https://t.co/")).as_py()
    assert links.n > 10_000 and opaque > 0.95 * links.n_objects
    assert signal("hashtags").actions(posts).n > 1_000


def test_sharing_airline_threads_are_no_mentions(data: Path) -> None:
    """Complaints name airlines; the names that replies carry along from their threads are gone."""
    frame = pq.read_table(data / "mix_airline_2015.parquet")
    posts = posts_of(
        table_of(
            {
                "platform": ["x"] * frame.num_rows,
                "post_id": frame["post_id"],
                "account_id": frame["account"],
                "time": frame["created_at"],
                "text": frame["text"],
                "kind": pc.if_else(frame["is_retweet"], "repost", "post"),
            }
        )
    )
    actions = signal("mention").actions(posts)
    size = np.bincount(actions.object)
    top = set(actions.labels.take(pa.array(np.argsort(-size)[:5])).to_pylist())
    assert top == {"united", "southwestair", "usairways", "jetblue", "americanair"}
    assert (
        np.sort(size)[-6:].sum() > 0.9 * actions.n
    )  # prototype of the trap: rare names in threads
