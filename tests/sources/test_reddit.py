"""Reddit: things and dumps, deleted accounts, full names, crossposts, packed dumps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import zstandard

from klieg.sources import read
from klieg.tables import Intake, Posts


def taken(path: Path, *records: object) -> tuple[Posts, Intake]:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return read([str(path)])


def comment(number: str, body: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "author": "ada",
        "created_utc": 1714557600,
        "subreddit": "news",
        "body": body,
        "link_id": "t3_aa",
        "parent_id": "t3_aa",
        "score": 3,
        **more,
    }


def submission(number: str, title: str = "A title", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "author": "bob",
        "created_utc": 1714557600.0,
        "subreddit": "news",
        "title": title,
        "selftext": "",
        "is_self": False,
        "url": "https://e.org/1?a=1&amp;b=2",
        "num_comments": 2,
        **more,
    }


def by_id(posts: Posts) -> dict[str, dict[str, Any]]:
    return {r["post_id"]: r for r in posts.table.to_pylist()}


def test_reddit_deleted_accounts_are_not_one_account(tmp_path: Path) -> None:
    good = [comment(f"c{i}", f"text {i}") for i in range(10)]
    gone = [comment(f"d{i}", "[deleted]", author="[deleted]") for i in range(10)]
    posts, intake = taken(tmp_path / "a.jsonl", *good, *gone)
    assert posts.account_ids.to_pylist() == ["ada"]
    assert dict(intake.counts) == {"not_a_post_deleted_author": 10}
    assert any("deleted accounts" in note for note in intake.notes)
    assert not intake.rejected


def test_reddit_removed_words_are_unknown_but_the_act_stays(tmp_path: Path) -> None:
    row = taken(tmp_path / "a.jsonl", comment("c", "[removed]"))[0].table.to_pylist()[0]
    assert (row["text"], row["reply_to"], row["account_id"]) == (None, "t3_aa", "ada")


def test_reddit_comments_answer_submissions_or_comments(tmp_path: Path) -> None:
    posts, _ = taken(
        tmp_path / "a.jsonl",
        comment("c1", "one"),
        comment("c2", "two &gt; one &amp;lt;", parent_id="t1_c1"),
        comment("c3", "three", parent_id=123456, link_id=99),
    )
    by = by_id(posts)
    assert (by["t1_c1"]["kind"], by["t1_c1"]["reply_to"]) == ("comment", "t3_aa")
    assert (by["t1_c2"]["kind"], by["t1_c2"]["reply_to"]) == ("reply", "t1_c1")
    assert by["t1_c2"]["root_id"] == "t3_aa"
    assert by["t1_c2"]["text"] == "two > one &lt;"
    assert (by["t1_c3"]["reply_to"], by["t1_c3"]["root_id"]) == (None, None)


def test_reddit_submissions_are_title_text_and_link(tmp_path: Path) -> None:
    itself = "https://www.reddit.com/r/news/comments/s2/a_title/"
    posts, _ = taken(
        tmp_path / "a.jsonl",
        submission("s1"),
        submission("s2", "Two", selftext="and more", url=itself),
        submission("s3", "Three", url="https://i.redd.it/x.jpg", post_hint="image"),
        submission("s4", "Four", is_self=True, url="https://e.org/ignored"),
        submission("s5", "Five", url="/r/news/comments/s1/a_title/"),
    )
    by = by_id(posts)
    assert by["t3_s1"]["urls"] == ["https://e.org/1?a=1&b=2"]
    assert (by["t3_s1"]["kind"], by["t3_s1"]["metrics"]["replies"]) == ("post", 2)
    assert (by["t3_s2"]["text"], by["t3_s2"]["urls"]) == ("Two\n\nand more", None)
    assert (by["t3_s3"]["urls"], by["t3_s3"]["media"][0]["type"]) == (None, "image")
    assert by["t3_s4"]["urls"] is None
    assert by["t3_s5"]["urls"] is None


def test_reddit_crossposts_are_reposts(tmp_path: Path) -> None:
    parent = [{"id": "s1", "author": "ada", "title": "A title"}]
    posts, _ = taken(
        tmp_path / "a.jsonl",
        submission("s2", crosspost_parent="t3_s1", crosspost_parent_list=parent),
        submission("s3", "b", crosspost_parent="t3_s1", crosspost_parent_list=[]),
        submission(
            "s4", "c", crosspost_parent="t3_s1", crosspost_parent_list=[{"author": "[deleted]"}]
        ),
    )
    by = by_id(posts)
    assert (by["t3_s2"]["kind"], by["t3_s2"]["repost_of"]) == ("repost", "t3_s1")
    assert [by[f"t3_s{i}"]["repost_of_account"] for i in (2, 3, 4)] == ["ada", None, None]


def test_reddit_times_are_seconds_however_written(tmp_path: Path) -> None:
    posts, intake = taken(
        tmp_path / "a.jsonl",
        *(comment(f"g{i}", f"text {i}") for i in range(300)),
        comment("c1", "a", created_utc="1714557600"),
        comment("c2", "b", created_utc=1714557600.0),
        comment("c3", "c", created_utc="2024-05-01"),
        comment("c4", "d", created_utc=1714557600000),
        comment("c5", "e", created_utc=None),
    )
    assert set(posts.time.tolist()) == {1714557600_000_000}
    assert posts.n == 302
    assert dict(intake.rejected) == {"no_readable_time": 3}


def test_reddit_hidden_scores_are_unknown_and_low_ones_negative(tmp_path: Path) -> None:
    posts, _ = taken(
        tmp_path / "a.jsonl",
        comment("c1", "a", score=1, score_hidden=True),
        comment("c2", "b", score=-7),
        comment("c3", "c", score="many"),
    )
    assert [r["metrics"]["likes"] for r in posts.table.to_pylist()] == [None, -7, None]


def test_reddit_listings_are_opened_and_so_are_nested_answers(tmp_path: Path) -> None:
    def thing(data: dict[str, Any], kind: str = "t1") -> dict[str, Any]:
        return {"kind": kind, "data": data}

    def listing(*things: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "Listing", "data": {"children": list(things), "after": None}}

    inner = listing(thing(comment("c2", "inner", parent_id="t1_c1")), thing({"count": 9}, "more"))
    page = [
        listing(thing(submission("aa"), "t3")),
        listing(
            thing(comment("c1", "outer", replies=inner)), thing(comment("c3", "x", replies=""))
        ),
    ]
    path = tmp_path / "thread.json"
    path.write_text(json.dumps(page, indent=1))
    posts, intake = read([str(path)])
    assert intake.inputs[0]["format"] == "reddit"
    assert sorted(by_id(posts)) == ["t1_c1", "t1_c2", "t1_c3", "t3_aa"]
    assert dict(intake.counts) == {"not_a_post_more": 1}
    assert intake.rows == 5


def test_reddit_names_win_over_ids_and_their_lack_is_told(tmp_path: Path) -> None:
    good = [comment(f"c{i}", f"text {i}", name=f"t1_c{i}") for i in range(200)]
    bare = comment("x")
    del bare["id"]
    posts, intake = taken(tmp_path / "a.jsonl", *good, bare)
    assert (posts.n, dict(intake.rejected)) == (200, {"no_id": 1})


def test_reddit_dumps_with_a_window_of_two_gigabytes_are_unpacked(tmp_path: Path) -> None:
    """Pushshift packs with ``zstd --long=31``, which readers refuse unless told otherwise."""
    lines = "".join(json.dumps(comment(f"c{i}", f"text {i}")) + "\n" for i in range(3000))
    settings = zstandard.ZstdCompressionParameters.from_level(3, window_log=31, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    path = tmp_path / "RC_2024-05.zst"
    path.write_bytes(packer.compress(lines.encode()) + packer.flush())
    frame = zstandard.get_frame_parameters(path.read_bytes())
    assert frame.window_size == 1 << 31
    posts, intake = read([str(path)])
    assert (posts.n, intake.inputs[0]["format"]) == (3000, "reddit")
