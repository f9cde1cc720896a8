"""X API v2: both paths, pages, includes, and what is no post."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.sources import duck, open_input, read
from klieg.sources.desk import Desk
from klieg.sources.lines import survey, too_deep
from klieg.sources.platforms import x_v2
from klieg.tables import Reject

USER = {
    "id": "7",
    "username": "ada",
    "name": "Ada",
    "created_at": "2015-03-01T10:00:00.000Z",
    "verified": False,
    "public_metrics": {"followers_count": 5, "following_count": 3},
}


def tweet(id_: str, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "author_id": "7",
        "created_at": "2024-05-01T10:00:00.000Z",
        "text": text,
        "conversation_id": id_,
        "public_metrics": {"like_count": 1, "retweet_count": 2, "reply_count": 3},
        **more,
    }


def written(path: Path, *records: object) -> str:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return str(path)


def test_x_v2_repost_cut_short_takes_the_text_and_links_of_the_original(tmp_path: Path) -> None:
    original = {
        "type": "retweeted",
        "id": "3",
        "author_id": "9",
        "text": "the whole long text https://t.co/a",
        "entities": {"urls": [{"expanded_url": "https://example.com/story", "url": "t.co/a"}]},
    }
    repost = tweet("4", "RT @bob: the whole lo…", referenced_tweets=[original], author=USER)
    posts, _ = read([written(tmp_path / "a.jsonl", repost)])
    row = posts.table.to_pylist()[0]
    assert row["text"] == "the whole long text https://t.co/a"
    assert row["urls"] == ["https://example.com/story"]
    assert (row["kind"], row["repost_of"], row["repost_of_account"]) == ("repost", "3", "9")


def test_x_v2_page_joins_its_includes(tmp_path: Path) -> None:
    page = {
        "data": [
            tweet("4", "RT @bob: cut…", referenced_tweets=[{"type": "retweeted", "id": "3"}]),
            tweet("5", "look", attachments={"media_keys": ["k1"]}),
        ],
        "includes": {
            "users": [USER],
            "tweets": [{"id": "3", "author_id": "9", "text": "not cut at all"}],
            "media": [{"media_key": "k1", "type": "photo", "url": "https://pic/1.jpg"}],
        },
        "errors": [{"title": "Forbidden"}],
    }
    posts, intake = read([written(tmp_path / "a.jsonl", page)])
    first, second = posts.table.to_pylist()
    assert (first["text"], first["repost_of_account"]) == ("not cut at all", "9")
    assert first["account"]["handle"] == "ada"
    assert first["account"]["followers"] == 5
    assert second["media"] == [{"type": "photo", "url": "https://pic/1.jpg", "phash": None}]
    assert (intake.rows, intake.posts) == (2, 2)


def test_x_v2_page_without_includes_still_reads(tmp_path: Path) -> None:
    page = {
        "data": [tweet("4", "RT @bob: c…", referenced_tweets=[{"type": "retweeted", "id": "3"}])]
    }
    posts, _ = read([written(tmp_path / "a.jsonl", page)])
    row = posts.table.to_pylist()[0]
    assert (row["text"], row["repost_of"], row["account"]) == ("RT @bob: c…", "3", None)


def test_x_v2_other_objects_are_counted_not_lost(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.jsonl",
        tweet("4"),
        {"errors": [{"title": "Not Found"}]},
        {"data": [{"start": "2024-01-01", "end": "2024-01-02", "tweet_count": 3}]},
        {"data": [dict(USER)]},
        {"meta": {"result_count": 0}},
    )
    posts, intake = read([path])
    assert posts.n == 1
    assert dict(intake.counts) == {
        "not_a_post_count": 1,
        "not_a_post_error": 1,
        "not_a_post_other": 1,
        "not_a_post_user": 1,
    }
    assert intake.rows == 5


def test_x_v2_own_pictures_and_the_quoted_post_are_no_links(tmp_path: Path) -> None:
    entities = {
        "urls": [
            {
                "expanded_url": "https://twitter.com/a/status/4/photo/1",
                "display_url": "pic.x.com/1",
            },
            {"expanded_url": "https://twitter.com/bob/status/3?s=20", "url": "t.co/q"},
            {"expanded_url": "https://example.com/x", "unwound_url": "https://example.com/final"},
        ],
        "hashtags": [{"tag": "Vote"}, {"tag": "ЗА"}],
        "mentions": [{"username": "bob"}],
    }
    quote = tweet("4", "see", entities=entities, referenced_tweets=[{"type": "quoted", "id": "3"}])
    posts, _ = read([written(tmp_path / "a.jsonl", quote)])
    row = posts.table.to_pylist()[0]
    assert row["urls"] == ["https://example.com/final"]
    assert row["hashtags"] == ["vote", "за"]
    assert row["mentions"] == ["bob"]
    assert (row["kind"], row["quote_of"]) == ("quote", "3")


def test_x_v2_ids_that_became_floats_are_not_trusted(tmp_path: Path) -> None:
    good = [tweet(str(i)) | {"text": f"number {i}"} for i in range(150)]
    lossy = tweet("1") | {"id": 1.3e18, "text": "no id"}
    nobody = tweet("999") | {"author_id": 1.3e18}
    posts, intake = read([written(tmp_path / "a.jsonl", *good, lossy, nobody)])
    assert intake.counts["row_id"] == 1
    assert dict(intake.rejected) == {"no_account": 1}
    assert posts.n == 151


def test_x_v2_undetermined_language_is_null(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.jsonl",
        tweet("1", "a", lang="und"),
        tweet("2", "b", lang="qme"),
        tweet("3", "c", lang="de"),
    )
    posts, _ = read([path])
    assert posts.table["lang"].to_pylist() == [None, None, "de"]


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30
).filter(lambda t: t.strip() == t and t)
URL = st.fixed_dictionaries(
    {"expanded_url": st.sampled_from(["https://e.org/1", "https://x.com/b/status/3", ""])},
    optional={
        "url": st.just("https://t.co/1"),
        "unwound_url": st.just("https://u.org"),
        "display_url": st.sampled_from(["pic.x.com/1", "e.org"]),
        "media_key": st.just("k"),
    },
)
ENTITIES = st.fixed_dictionaries(
    {},
    optional={
        "urls": st.lists(URL, max_size=3),
        "hashtags": st.lists(st.fixed_dictionaries({"tag": TEXT}), max_size=2),
        "mentions": st.lists(st.just({"username": "bob"}), max_size=2),
    },
)
REFERENCE = st.fixed_dictionaries(
    {"type": st.sampled_from(["retweeted", "quoted", "replied_to"]), "id": st.just("3")},
    optional={"text": TEXT, "author_id": st.just("9"), "entities": ENTITIES},
)
TWEET = st.fixed_dictionaries(
    {
        "id": st.integers(1, 10**19).map(str),
        "author_id": st.sampled_from(["7", "8"]),
        "created_at": st.sampled_from(["2024-05-01T10:00:00.000Z", "2024-05-01T11:30:00.250Z"]),
        "text": TEXT,
    },
    optional={
        "lang": st.sampled_from(["en", "und", "iw"]),
        "in_reply_to_user_id": st.just("6"),
        "conversation_id": st.just("3"),
        "source": st.just("web"),
        "author": st.just(USER),
        "entities": ENTITIES,
        "referenced_tweets": st.lists(REFERENCE, max_size=2, unique_by=lambda r: r["type"]),
        "note_tweet": st.fixed_dictionaries({"text": TEXT}),
        "attachments": st.just({"media": [{"type": "photo", "url": "https://p/1"}]}),
        "public_metrics": st.just({"like_count": 1, "impression_count": 10**10}),
    },
)


@settings(max_examples=60, deadline=None)
@given(tweets=st.lists(TWEET, min_size=1, max_size=6))
def test_x_v2_fast_and_tolerant_paths_agree(
    tweets: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("x") / "a.jsonl", *tweets)
    opened = open_input(path)
    outcomes = []
    for large in (1, 1 << 60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(duck, "LARGE", large)
            rejects: list[Reject] = []
            desk = Desk(path, rejects.append)
            rows = [r for b in x_v2.source.read(opened, {}, desk) for r in b.to_pylist()]
            assert not desk.notes
            outcomes.append((rows, rejects, desk.rows, desk.skipped))
    assert outcomes[0] == outcomes[1]


def test_x_v2_a_bad_line_sends_the_file_down_the_tolerant_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "LARGE", 1)
    path = tmp_path / "a.jsonl"
    good = [json.dumps(tweet(str(i), f"text {i}")) for i in range(200)]
    path.write_text("\n".join([*good[:100], '{"id": "x", "text": "to', *good[100:]]) + "\n")
    posts, intake = read([str(path)], quarantine=tmp_path / "q.jsonl")
    assert posts.n == 200
    assert dict(intake.rejected) == {"not_json": 1}
    assert any("line by line" in note for note in intake.notes)
    bad = json.loads((tmp_path / "q.jsonl").read_text())
    assert (bad["line"], bad["reason"]) == (101, "not_json")


def test_x_v2_a_line_nested_too_deep_is_quarantined_on_either_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [json.dumps(tweet(str(i), "[[{ " * 40 + str(i))) for i in range(200)]
    line = json.dumps(tweet("deep", "text"))[:-1] + ', "more": ' + "[" * 70 + "]" * 70 + "}"
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*good[:100], line, *good[100:]]) + "\n")
    for large in (1, 1 << 60):
        monkeypatch.setattr(duck, "LARGE", large)
        posts, intake = read([str(path)], quarantine=tmp_path / "q.jsonl")
        assert posts.n == 200
        assert dict(intake.rejected) == {"nested_deeper_than_64": 1}
        bad = json.loads((tmp_path / "q.jsonl").read_text())
        assert (bad["line"], bad["reason"]) == (101, "nested_deeper_than_64")


NESTED = st.recursive(
    st.sampled_from(["x", '"[{', 1]), lambda s: st.lists(s, max_size=3) | st.builds(dict, a=s)
)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.tuples(NESTED, st.integers(0, 90)), max_size=4),
    ending=st.sampled_from(["", "\n", "\n\n"]),
)
def test_x_v2_survey_sees_what_the_tolerant_path_sees(
    values: list[tuple[Any, int]], ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = ["[" * more + json.dumps(v) + "]" * more for v, more in values]
    path = tmp_path_factory.mktemp("x") / "a.jsonl"
    path.write_text("\n".join(lines) + ending)
    raw = path.read_bytes()
    deep = any(too_deep(line) for line in raw.split(b"\n"))
    assert survey(path) == (len(raw.splitlines()), deep)
