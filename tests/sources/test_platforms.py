"""One platform a paragraph: what each format's own keys become, and its traps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from klieg.sources import read
from klieg.sources.platforms import jetstream
from klieg.tables import Intake, Posts


def lines(path: Path, *records: object) -> tuple[Posts, Intake]:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return read([str(path)])


# --- X API v1.1 ----------------------------------------------------------------------------------


def status(id_: int, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "created_at": "Wed May 01 10:00:00 +0000 2024",
        "id": float(id_),
        "id_str": str(id_),
        "text": text,
        "lang": "en",
        "source": '<a href="http://x.com">Web &amp; more</a>',
        "user": {"id": 7.0, "id_str": "7", "screen_name": "ada", "followers_count": 3},
        **more,
    }


def test_platforms_x_v1_ids_come_from_strings(tmp_path: Path) -> None:
    posts, _ = lines(tmp_path / "a.jsonl", status(1198490071219032064))
    row = posts.table.to_pylist()[0]
    assert (row["post_id"], row["account_id"]) == ("1198490071219032064", "7")
    assert (row["platform"], row["client"]) == ("x", "Web & more")


def test_platforms_x_v1_repost_takes_the_whole_text_of_the_original(tmp_path: Path) -> None:
    original = status(3, "cut…", user={"id_str": "9"}) | {
        "extended_tweet": {
            "full_text": "the whole text",
            "entities": {
                "urls": [{"expanded_url": "https://e.org/1"}],
                "hashtags": [{"text": "Vote"}],
                "user_mentions": [{"screen_name": "zoe"}],
            },
        }
    }
    posts, _ = lines(tmp_path / "a.jsonl", status(4, "RT @bob: cut…", retweeted_status=original))
    row = posts.table.to_pylist()[0]
    assert (row["kind"], row["text"]) == ("repost", "the whole text")
    assert (row["repost_of"], row["repost_of_account"]) == ("3", "9")
    assert (row["urls"], row["hashtags"], row["mentions"]) == (
        ["https://e.org/1"],
        ["vote"],
        ["zoe"],
    )


def test_platforms_x_v1_replies_and_quotes(tmp_path: Path) -> None:
    posts, _ = lines(
        tmp_path / "a.jsonl",
        status(5, in_reply_to_status_id_str="3", in_reply_to_user_id_str="9"),
        status(6, "see this", quoted_status_id_str="3", quoted_status={"id_str": "3"}),
    )
    reply, quote = posts.table.to_pylist()
    assert (reply["kind"], reply["reply_to"], reply["reply_to_account"]) == ("reply", "3", "9")
    assert (quote["kind"], quote["quote_of"]) == ("quote", "3")


def test_platforms_x_v1_stream_deletions_delete_and_limits_are_counted(tmp_path: Path) -> None:
    posts, intake = lines(
        tmp_path / "a.jsonl",
        status(5),
        status(6, "kept"),
        {"delete": {"status": {"id_str": "5", "user_id_str": "7"}}},
        {"limit": {"track": 9}},
    )
    assert posts.table["post_id"].to_pylist() == ["6"]
    assert dict(intake.counts) == {"deleted": 1, "not_a_post_delete": 1, "not_a_post_limit": 1}


# --- Bluesky Jetstream ---------------------------------------------------------------------------


def frame(
    rkey: str, record: dict[str, Any] | None, *, operation: str = "create", kind: str = "post"
) -> dict[str, Any]:
    commit = {"operation": operation, "collection": f"app.bsky.feed.{kind}", "rkey": rkey}
    if record is not None:
        commit["record"] = record  # type: ignore[assignment]
    return {"did": "did:plc:a", "time_us": 1714557600000123, "kind": "commit", "commit": commit}


ADDRESS = "at://did:plc:b/app.bsky.feed.post/3z"


def test_platforms_jetstream_uses_the_witnessed_time(tmp_path: Path) -> None:
    claim = {"text": "hello", "createdAt": "1999-01-01T00:00:00Z", "langs": ["de-AT"]}
    posts, _ = lines(tmp_path / "a.jsonl", frame("3k", claim))
    row = posts.table.to_pylist()[0]
    assert posts.time.tolist() == [1714557600000123]
    assert (row["resolution"], row["lang"], row["platform"]) == (0, "de", "bluesky")
    assert row["post_id"] == "at://did:plc:a/app.bsky.feed.post/3k"


def test_platforms_jetstream_reposts_replies_quotes_and_cards(tmp_path: Path) -> None:
    card = {"$type": "app.bsky.embed.external", "external": {"uri": "https://e.org/card"}}
    facets = [
        {"features": [{"uri": "https://e.org/1"}, {"tag": "Vote"}, {"did": "did:plc:z"}]},
    ]
    picture = {"image": {"ref": {"$link": "bafy1"}, "mimeType": "image/jpeg"}}
    posts, _ = lines(
        tmp_path / "a.jsonl",
        frame("1", {"subject": {"uri": ADDRESS}}, kind="repost"),
        frame("2", {"text": "re", "reply": {"parent": {"uri": ADDRESS}, "root": {"uri": ADDRESS}}}),
        frame("3", {"text": "quote", "embed": {"record": {"uri": ADDRESS}}}),
        frame("4", {"text": "card", "embed": card, "facets": facets}),
        frame("5", {"text": "picture", "embed": {"images": [picture]}}),
    )
    by = {r["post_id"].rsplit("/", 1)[1]: r for r in posts.table.to_pylist()}
    assert (by["1"]["kind"], by["1"]["repost_of"], by["1"]["repost_of_account"]) == (
        "repost",
        ADDRESS,
        "did:plc:b",
    )
    assert (by["2"]["kind"], by["2"]["reply_to"], by["2"]["root_id"]) == ("reply", ADDRESS, ADDRESS)
    assert (by["3"]["kind"], by["3"]["quote_of"]) == ("quote", ADDRESS)
    assert by["4"]["urls"] == ["https://e.org/1", "https://e.org/card"]
    assert (by["4"]["hashtags"], by["4"]["mentions"]) == (["vote"], ["did:plc:z"])
    assert by["5"]["media"] == [{"type": "image", "url": None, "phash": "bafy1"}]


def test_platforms_jetstream_deletions_delete_across_inputs(tmp_path: Path) -> None:
    (tmp_path / "later.jsonl").write_text(json.dumps(frame("3k", None, operation="delete")) + "\n")
    (tmp_path / "first.jsonl").write_text(
        json.dumps(frame("3k", {"text": "gone"}))
        + "\n"
        + json.dumps(frame("3l", {"text": "kept"}))
        + "\n"
    )
    posts, intake = read([str(tmp_path / "later.jsonl"), str(tmp_path / "first.jsonl")])
    assert posts.table["text"].to_pylist() == ["kept"]
    assert dict(intake.counts) == {"deleted": 1, "not_a_post_delete": 1}


def test_platforms_jetstream_an_edit_is_the_same_post(tmp_path: Path) -> None:
    edit = frame("3k", {"text": "second"}, operation="update") | {"time_us": 1714557700000000}
    posts, intake = lines(tmp_path / "a.jsonl", frame("3k", {"text": "first"}), edit)
    assert posts.table["text"].to_pylist() == ["first"]
    assert intake.counts["duplicate_id"] == 1


def test_platforms_jetstream_likes_are_acts_and_the_rest_is_counted(tmp_path: Path) -> None:
    posts, intake = lines(
        tmp_path / "a.jsonl",
        frame("1", {"subject": {"uri": ADDRESS}}, kind="like"),
        {"did": "did:plc:a", "time_us": 1, "kind": "identity", "identity": {}},
        frame("2", {"text": "post"}),
    )
    assert (posts.n, posts.n_acts) == (1, 1)
    assert dict(intake.counts) == {"act_like": 1, "not_a_post_identity": 1}


def test_platforms_jetstream_frames_of_the_wrong_shape_cost_themselves(tmp_path: Path) -> None:
    good = [frame(f"k{i}", {"text": f"post {i}"}) for i in range(500)]
    odd = [
        frame("1", {"subject": 7}, kind="repost"),
        frame("2", {"text": "x", "facets": [7]}),
        frame("3", None),
        frame("4", {"text": "x", "reply": ["y"]}),
    ]
    posts, intake = lines(tmp_path / "a.jsonl", *good, *odd)
    assert posts.n == 500
    assert dict(intake.rejected) == {"wrong_shape": 3, "no_record": 1}


def test_platforms_jetstream_is_not_taken_for_anything_else() -> None:
    assert jetstream.source.sniff(b'{"id": "1", "text": "did kind time_us"}\n', "a") == 0.0


# --- tables with a fixed header ------------------------------------------------------------------


def test_platforms_archive_lists_minutes_and_lost_references(tmp_path: Path) -> None:
    header = (
        "tweetid,userid,user_screen_name,follower_count,account_creation_date,tweet_language,"
        "tweet_text,tweet_time,in_reply_to_tweetid,is_retweet,retweet_tweetid,hashtags,urls,"
        "user_mentions\n"
    )
    row = (
        '"1198490071219032064","h=","h=","3141","2019-06-19","en","RT @x: day","2019-11-24 06:34",'
        '"1.198473762313818e+18","True","77","[\'Day\', \'Two\']","[]","[\'23\']"\n'
    )
    (tmp_path / "a.csv").write_text(header + row)
    posts, intake = read([str(tmp_path / "a.csv")])
    got = posts.table.to_pylist()[0]
    assert (got["platform"], got["post_id"], got["resolution"]) == ("x", "1198490071219032064", 60)
    assert (got["reply_to"], got["repost_of"], got["kind"]) == (None, "77", "repost")
    assert (got["hashtags"], got["urls"], got["mentions"]) == (["day", "two"], [], ["23"])
    assert got["account"]["created_at"].year == 2019
    assert any("float notation" in note for note in intake.notes)
    assert posts.resolution == 60


def test_platforms_coortweet_frame_joins_the_objects_of_one_post(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "object_id,account_id,content_id,timestamp_share\n"
        "9007199254740993,A,c1,1000\n9007199254740992,A,c1,1000\no2,B,c2,1010\n"
    )
    posts, intake = read([str(tmp_path / "a.csv")])
    first, second = posts.table.to_pylist()
    assert [o["id"] for o in first["objects"]] == ["9007199254740992", "9007199254740993"]
    assert second["objects"] == [{"trace": "object", "id": "o2"}]
    assert posts.time.tolist() == [1_000_000_000, 1_010_000_000]
    assert (intake.inputs[0]["format"], intake.counts) == ("coortweet", {"duplicate_id": 1})


def test_platforms_coordnet_reposts_replies_and_links(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "\ufeffmessage_id,user_id,username,repost_id,reply_id,message,timestamp,urls\n"
        "1,4,user_4,,,mango,1606451170.518101,['http://e.com/2']\n"
        "2,1,user_1,1,,camel,1606451170.518142,\"['http://e.com/4', 'http://e.com/6']\"\n"
        "3,1,user_1,,2,pear,1606451171,\n",
        encoding="utf-8",
    )
    first, second, third = read([str(tmp_path / "a.csv")])[0].table.to_pylist()
    assert (first["urls"], first["kind"]) == (["http://e.com/2"], "post")
    assert (second["kind"], second["repost_of"], len(second["urls"])) == ("repost", "1", 2)
    assert (third["kind"], third["reply_to"], third["urls"]) == ("reply", "2", None)
    assert first["account"]["handle"] == "user_4"
    assert first["time"].microsecond == 518101
