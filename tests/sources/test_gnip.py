"""Gnip's activities: ids inside names, counts of −1, shares, long texts, deletions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from klieg.sources import read
from klieg.tables import Intake, Posts


def taken(path: Path, *records: object) -> tuple[Posts, Intake]:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return read([str(path)])


def activity(number: int, body: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "id": f"tag:search.twitter.com,2005:{number}",
        "objectType": "activity",
        "verb": "post",
        "postedTime": "2017-07-18T23:25:04.000Z",
        "body": body,
        "actor": {
            "id": "id:twitter.com:815279070241955840",
            "preferredUsername": "ada",
            "followersCount": -1,
            "friendsCount": 2,
        },
        "object": {"id": f"object:search.twitter.com,2005:{number}", "objectType": "note"},
        "favoritesCount": -1,
        "retweetCount": 0,
        **more,
    }


def test_gnip_ids_are_those_of_x_and_minus_one_is_unknown(tmp_path: Path) -> None:
    posts, intake = taken(tmp_path / "a.jsonl", activity(887453193294282752))
    row = posts.table.to_pylist()[0]
    assert (row["platform"], row["post_id"]) == ("x", "887453193294282752")
    assert row["account_id"] == "815279070241955840"
    assert (row["account"]["followers"], row["account"]["following"]) == (None, 2)
    assert (row["metrics"]["likes"], row["metrics"]["reposts"]) == (None, 0)
    assert intake.inputs[0]["format"] == "gnip"


def test_gnip_a_share_takes_the_text_and_links_of_what_it_shares(tmp_path: Path) -> None:
    original = activity(
        3,
        "cut…",
        long_object={
            "body": "the whole text",
            "twitter_entities": {"urls": [{"expanded_url": "https://e.org/1"}]},
        },
    )
    original["actor"] = {"id": "id:twitter.com:9"}
    share = activity(4, "RT @bob: cut…", verb="share", object=original)
    row = taken(tmp_path / "a.jsonl", share)[0].table.to_pylist()[0]
    assert (row["kind"], row["text"], row["urls"]) == (
        "repost",
        "the whole text",
        ["https://e.org/1"],
    )
    assert (row["repost_of"], row["repost_of_account"]) == ("3", "9")


def test_gnip_replies_and_quotes(tmp_path: Path) -> None:
    mentions = {"user_mentions": [{"screen_name": "Bob", "id_str": "9", "id": 9}]}
    reply = activity(
        5,
        "@bob yes",
        inReplyTo={"link": "http://twitter.com/bob/statuses/3"},
        twitter_entities=mentions,
    )
    quote = activity(
        6,
        "this",
        twitter_quoted_status=activity(3),
        twitter_entities={"urls": [{"expanded_url": "https://twitter.com/bob/status/3"}]},
    )
    first, second = taken(tmp_path / "a.jsonl", reply, quote)[0].table.to_pylist()
    assert (first["kind"], first["reply_to"], first["reply_to_account"]) == ("reply", "3", "9")
    assert (second["kind"], second["quote_of"], second["urls"]) == ("quote", "3", [])


def test_gnip_deletions_delete_and_notices_are_counted(tmp_path: Path) -> None:
    gone = {
        "id": "tag:search.twitter.com,2005:77",
        "verb": "delete",
        "object": {"id": "tag:search.twitter.com,2005:5"},
    }
    posts, intake = taken(
        tmp_path / "a.jsonl", activity(5), activity(6), gone, {"info": {"message": "done"}}
    )
    assert posts.table["post_id"].to_pylist() == ["6"]
    assert dict(intake.counts) == {"deleted": 1, "not_a_post_delete": 1, "not_a_post_info": 1}


def test_gnip_pages_of_a_search(tmp_path: Path) -> None:
    posts, intake = taken(tmp_path / "a.jsonl", {"results": [activity(5), activity(6, "b")]})
    assert (posts.n, intake.rows, intake.inputs[0]["format"]) == (2, 2, "gnip")


def test_gnip_and_v1_of_the_same_real_posts_say_the_same(data: Path) -> None:
    """The same 25 posts in both of Gnip's formats: ids, accounts, kinds and texts agree."""
    folder = data / "payloads" / "twitter_gnip"
    columns = ("post_id", "account_id", "time", "kind", "text", "repost_of", "reply_to", "quote_of")
    one, two = (
        read([str(folder / name)])[0].table.select(columns).to_pylist()
        for name in ("activity_streams_examples.json", "original_format_examples.json")
    )
    assert len(one) == 25
    assert one == two
