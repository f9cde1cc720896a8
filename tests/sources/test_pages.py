"""Answers of platforms' interfaces: pages taken apart, posts told from others, fields adrift."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from klieg.config import Config
from klieg.errors import InputError
from klieg.sockets import factory
from klieg.sources import preview, read
from klieg.sources.markup import plain
from klieg.sources.pages import at, moment, number, objects, words_at
from klieg.sources.platforms.zeeschuimer_items import SITES, site_of
from klieg.tables import Intake


def rows_of(path: Path, *records: object, whole: bool = False) -> tuple[list[Any], Intake]:
    """The posts in records, one a line or (``whole``) as one document of many lines."""
    text = (
        json.dumps(records[0], indent=1)
        if whole
        else "".join(json.dumps(r) + "\n" for r in records)
    )
    path.write_text(text, encoding="utf-8")
    posts, intake = read([str(path)])
    return posts.table.to_pylist(), intake


# --- getters -------------------------------------------------------------------------------------


def test_pages_a_path_that_breaks_off_is_nothing() -> None:
    tree = {"a": [{"b": {"c": "x"}}], "n": "12", "t": True, "f": 1.5, "e": ""}
    assert words_at(tree, "a", 0, "b", "c") == "x"
    for path in (("a", 1), ("a", "b"), ("n", 0), ("a", 0, "b", "c", "d"), ("e",), ("t",), ("f",)):
        assert words_at(tree, *path) is None
    assert (number(tree, "n"), number(tree, "t"), number("١٢"), number("1" * 19)) == (
        12,
        None,
        None,
        None,
    )
    assert objects({"a": [1, {"b": 2}, None]}, "a") == [{"b": 2}]
    assert objects({"a": "text"}, "a") == []
    assert at([1, 2], -1) == 2 and at([1, 2], -3) is None
    assert moment({"t": 10**17}, "t") == str(10**17)  # no year has that number


def test_pages_markup_is_read_by_a_parser() -> None:
    assert plain("<p>a &lt;b&gt;</p><script>x</script><p>c</p>") == "a <b>\nc"
    assert plain("no markup, 1 < 2? yes") == "no markup, 1 < 2? yes"
    assert plain('<a href="https://e.org"><span>e</span>.org</a>') == "e.org"


# --- TikTok --------------------------------------------------------------------------------------


def video(id_: int, who: str | None = "ada", **more: Any) -> dict[str, Any]:
    named = {"username": who} if who else {}
    return {"id": id_, "create_time": 1714557600, "video_description": "hello"} | named | more


def test_pages_tiktok_videos_and_their_sounds(tmp_path: Path) -> None:
    made = video(
        702874395068494965,
        hashtag_names=["Day"],
        music_id=703847506349838790,
        effect_ids=["0", "9"],
        view_count=10,
        like_count=4,
    )
    spoken = video(5, video_description="", voice_to_text="what is said")
    page = {"data": {"videos": [made, spoken], "cursor": 2}, "error": {"code": "ok", "log_id": "1"}}
    for whole in (False, True):
        (first, second), intake = rows_of(tmp_path / "a.json", page, whole=whole)
        if first["post_id"] == "5":
            first, second = second, first
        assert intake.inputs[0]["format"] == "tiktok"
        assert (first["post_id"], first["account_id"]) == ("702874395068494965", "ada")
        assert first["objects"] == [
            {"trace": "sound", "id": "703847506349838790"},
            {"trace": "effect", "id": "9"},
        ]
        assert (first["hashtags"], first["metrics"]["views"]) == (["day"], 10)
        assert second["text"] == "what is said"
        assert intake.rows == 2
        assert any("known by username" in note for note in intake.notes)


def test_pages_tiktok_bare_objects_one_a_line(tmp_path: Path) -> None:
    comment = {
        "id": 9,
        "video_id": 5,
        "create_time": 1714557601,
        "text": "so good",
        "username": "bob",
        "like_count": 1,
    }
    answer = comment | {
        "id": 10,
        "parent_comment_id": 9,
        "text": "is it",
        "create_time": 1714557602,
    }
    rows, _ = rows_of(tmp_path / "a.jsonl", video(5), comment, answer)
    assert [r["kind"] for r in rows] == ["post", "comment", "comment"]
    assert [r["reply_to"] for r in rows] == [None, "5", "9"]
    assert [r["root_id"] for r in rows] == [None, "5", "5"]


def test_pages_tiktok_without_names_says_which_field_to_ask_for(tmp_path: Path) -> None:
    page = {"data": {"videos": [video(1, None), video(2, None)]}, "error": {"log_id": "1"}}
    with pytest.raises(InputError, match=r"videos name no account.*username"):
        rows_of(tmp_path / "a.json", page)
    comments = {"data": {"comments": [{"id": 1, "text": "x", "create_time": 1, "video_id": 2}]}}
    with pytest.raises(InputError, match="comments name no account"):
        rows_of(tmp_path / "b.json", comments | {"error": {"log_id": "1"}})


def test_pages_tiktok_the_first_videos_without_a_name_are_not_lost(tmp_path: Path) -> None:
    lines = [video(i, None) for i in range(2)] + [video(i) for i in range(2, 300)]
    _, intake = rows_of(tmp_path / "a.jsonl", *lines)
    assert dict(intake.rejected) == {"no_account": 2}
    assert intake.rows == 300


@pytest.mark.parametrize("wrapped", [False, True])
def test_pages_tiktok_queries_are_called_queries(tmp_path: Path, wrapped: bool) -> None:
    query: dict[str, Any] = {"and": [{"operation": "IN", "field_name": "x", "field_values": ["1"]}]}
    with pytest.raises(InputError, match="a query to TikTok's Research API"):
        rows_of(tmp_path / "q.json", {"query": query} if wrapped else query, whole=True)


def test_pages_tiktok_users_and_errors_are_counted(tmp_path: Path) -> None:
    user = {"data": {"display_name": "Ada", "follower_count": 3}, "error": {"log_id": "1"}}
    error = {"data": {}, "error": {"code": "rate_limit_exceeded", "log_id": "2"}}
    page = {"data": {"videos": [video(1)]}, "error": {"log_id": "3"}}
    empty = {"data": {"videos": []}, "error": {"log_id": "4"}}
    rows, intake = rows_of(tmp_path / "a.jsonl", user, error, page, empty)
    assert len(rows) == 1
    assert dict(intake.counts) == {
        "not_a_post_empty_page": 1,
        "not_a_post_error": 1,
        "not_a_post_user": 1,
    }


# --- YouTube -------------------------------------------------------------------------------------


def comment(id_: str, channel: str | None, **more: Any) -> dict[str, Any]:
    named = {"authorChannelId": {"value": channel}} if channel else {}
    said = {
        "textOriginal": f"text {id_}",
        "authorDisplayName": f"name {channel}",
        "publishedAt": "2024-05-01T10:00:00Z",
        **named,
        **more,
    }
    return {"kind": "youtube#comment", "etag": "e", "id": id_, "snippet": said}


def thread(id_: str, *answers: dict[str, Any]) -> dict[str, Any]:
    about = {"videoId": "v1", "channelId": "UCx", "topLevelComment": comment(id_, "UCa")}
    found = {"kind": "youtube#commentThread", "etag": "e", "id": id_, "snippet": about}
    return found | ({"replies": {"comments": list(answers)}} if answers else {})


def test_pages_youtube_threads_are_taken_apart(tmp_path: Path) -> None:
    page = {
        "kind": "youtube#commentThreadListResponse",
        "items": [thread("U1", comment("U1.1", "UCb", parentId="U1")), thread("U2")],
    }
    for whole in (False, True):
        rows, intake = rows_of(tmp_path / "a.json", page, whole=whole)
        assert (intake.inputs[0]["format"], intake.rows) == ("youtube", 3)
        by = {r["post_id"]: r for r in rows}
        assert by["U1"]["account_id"] == "UCa"
        assert (by["U1"]["reply_to"], by["U1"]["reply_to_account"]) == ("v1", "UCx")
        assert (by["U1.1"]["account_id"], by["U1.1"]["reply_to"]) == ("UCb", "U1")
        assert by["U1.1"]["reply_to_account"] is None
        assert {r["root_id"] for r in rows} == {"v1"}
        assert {r["kind"] for r in rows} == {"comment"}


def test_pages_youtube_answers_videos_and_channels(tmp_path: Path) -> None:
    html = comment("U3", None, textOriginal=None, textDisplay="a &amp; b<br>c")
    film = {
        "kind": "youtube#searchResult",
        "etag": "e",
        "id": {"videoId": "v9"},
        "snippet": {
            "title": "A title",
            "description": "and more",
            "channelId": "UCz",
            "channelTitle": "Zed",
            "publishedAt": "2024-05-01T11:00:00Z",
        },
        "statistics": {"viewCount": "1024"},
    }
    channel = {"kind": "youtube#channel", "etag": "e", "id": "UCq", "snippet": {"title": "Q"}}
    page = {"kind": "youtube#commentListResponse", "items": [html, film, channel]}
    (first, second), intake = rows_of(tmp_path / "a.jsonl", page)
    assert (first["text"], first["account_id"]) == ("a & b\nc", "name None")
    assert (second["post_id"], second["account_id"]) == ("v9", "UCz")
    assert (second["text"], second["metrics"]["views"]) == ("A title\nand more", 1024)
    assert dict(intake.counts) == {"not_a_post_channel": 1}
    assert any("known by the name shown" in note for note in intake.notes)


# --- Meta Content Library ------------------------------------------------------------------------


def test_pages_meta_content_library(tmp_path: Path) -> None:
    post = {
        "id": "83",
        "creation_time": "2024-05-01T10:00:00+00:00",
        "text": "hello",
        "lang": "en",
        "hashtags": ["Day"],
        "post_owner": {"id": "501", "name": "River News", "type": "page", "username": "river"},
        "link_attachment": {"link": "https://e.org/a"},
        "statistics": {"share_count": 2, "reaction_count": 7, "like_count": 5},
    }
    shared = {k: post[k] for k in ("creation_time", "post_owner")} | {
        "id": "84",
        "shared_post_id": "83",
    }
    page = {"data": [post, shared], "paging": {"cursors": {}}}
    (first, second), intake = rows_of(tmp_path / "a.json", page)
    assert intake.inputs[0]["format"] == "meta_content_library"
    assert (first["platform"], first["account_id"]) == ("facebook", "501")
    assert (first["urls"], first["hashtags"]) == (["https://e.org/a"], ["day"])
    assert (first["metrics"]["likes"], first["account"]["handle"]) == (7, "river")
    assert (second["kind"], second["repost_of"], second["text"]) == ("repost", "83", None)


# --- Zeeschuimer ---------------------------------------------------------------------------------


def item(platform: str, data: dict[str, Any], n: int = 1) -> dict[str, Any]:
    return {
        "nav_index": "1:1:0",
        "item_id": str(n),
        "timestamp_collected": 1714557700000,
        "source_platform": platform,
        "data": data,
    }


def tweet(id_: str, who: str, text: str, **legacy: Any) -> dict[str, Any]:
    user = {"rest_id": f"n{who}", "core": {"screen_name": who, "name": who.title()}}
    return {
        "rest_id": id_,
        "core": {"user_results": {"result": user}},
        "source": '<a href="https://x.com">Web</a>',
        "views": {"count": "77"},
        "legacy": {
            "created_at": "Wed May 01 10:00:00 +0000 2024",
            "full_text": text,
            "user_id_str": f"n{who}",
            "conversation_id_str": id_,
            "favorite_count": 3,
            "entities": {"hashtags": [], "urls": [], "user_mentions": []},
            **legacy,
        },
    }


def test_pages_zeeschuimer_x_old_and_new(tmp_path: Path) -> None:
    entities = {
        "hashtags": [{"text": "Day"}],
        "urls": [{"expanded_url": "https://e.org/a"}],
        "user_mentions": [{"screen_name": "zoe"}],
    }
    original = tweet("30", "ada", "the whole text", entities=entities)
    original["note_tweet"] = {
        "note_tweet_results": {"result": {"text": "longer still", "entity_set": entities}}
    }
    repost = tweet("31", "bob", "RT @ada: the wh", retweeted_status_result={"result": original})
    hidden = {"tweet": tweet("32", "cid", "limited", in_reply_to_status_id_str="30")}
    old = {
        "type": "adaptive",
        "legacy": {
            "id_str": "33",
            "created_at": "Wed May 01 10:00:01 +0000 2024",
            "full_text": "an old one",
        },
        "user": {"id_str": "5", "screen_name": "dee"},
    }
    quote = tweet("34", "eve", "look", created_at="Wed May 01 10:00:02 +0000 2024")
    quote["quoted_status_result"] = {"result": {"tweet": original}}
    lines = [
        item("twitter.com", data, n)
        for n, data in enumerate((repost, hidden, old, quote, {"a": 1}))
    ]
    rows, intake = rows_of(tmp_path / "a.ndjson", *lines)
    by = {r["post_id"]: r for r in rows}
    assert (intake.inputs[0]["format"], {r["platform"] for r in rows}) == ("zeeschuimer", {"x"})
    assert (by["31"]["kind"], by["31"]["repost_of"]) == ("repost", "30")
    assert (by["31"]["repost_of_account"], by["31"]["text"]) == ("nada", "longer still")
    assert (by["31"]["urls"], by["31"]["hashtags"]) == (["https://e.org/a"], ["day"])
    assert (by["31"]["client"], by["31"]["metrics"]["views"]) == ("Web", 77)
    assert by["31"]["account"]["handle"] == "bob"
    assert (by["32"]["kind"], by["32"]["reply_to"]) == ("reply", "30")
    assert (by["33"]["account_id"], by["33"]["text"]) == ("5", "an old one")
    assert (by["34"]["kind"], by["34"]["quote_of"]) == ("quote", "30")
    assert dict(intake.counts) == {"not_a_post_x_without_a_post": 1}


def test_pages_zeeschuimer_several_platforms_in_one_file(tmp_path: Path) -> None:
    lines = [
        item(
            "tiktok.com",
            {
                "id": "44",
                "desc": "hello",
                "createTime": "1714557600",
                "author": {"id": "9", "uniqueId": "bob"},
                "music": {"id": "77"},
                "textExtra": [{"hashtagName": "Day"}, {"userUniqueId": "zoe"}],
                "statsV2": {"diggCount": "4"},
            },
        ),
        item(
            "tiktok-comments",
            {
                "cid": "1",
                "aweme_id": "44",
                "reply_id": "0",
                "text": "yes",
                "create_time": 1714557601,
                "user": {"uid": "8", "unique_id": "cid"},
            },
        ),
        item(
            "instagram.com",
            {
                "code": "Cx1",
                "taken_at": 1714557602,
                "caption": {"text": "a picture"},
                "user": {"pk": 5, "username": "dee"},
                "like_count": 0,
            },
        ),
        item(
            "instagram.com",
            {
                "node": {
                    "shortcode": "Cx2",
                    "taken_at_timestamp": 1714557603,
                    "edge_media_to_caption": {"edges": [{"node": {"text": "an old one"}}]},
                    "owner": {"id": "6", "username": "eve"},
                }
            },
        ),
        item(
            "truthsocial.com",
            {
                "id": "51",
                "created_at": "2024-05-01T10:00:04.000Z",
                "content": "",
                "account": {"id": "5", "username": "fay"},
                "reblog": {
                    "id": "50",
                    "content": "<p>the original</p>",
                    "account": {"id": "4"},
                    "tags": [{"name": "Day"}],
                },
            },
        ),
        item(
            "threads.net",
            {
                "code": "Dx",
                "taken_at": 1714557605,
                "caption": {"text": "a thread"},
                "user": {"pk": "3", "username": "gil"},
                "text_post_app_info": {
                    "reply_to_author": {"id": "2"},
                    "link_preview_attachment": {"url": "https://e.org/a"},
                },
            },
        ),
        item(
            "linkedin.com",
            {
                "updateMetadata": {"urn": "urn:li:activity:6960882777168695296"},
                "actor": {
                    "name": {"text": "Hal"},
                    "navigationContext": {"actionTarget": "https://www.linkedin.com/in/hal?x=1"},
                },
                "commentary": {"text": {"text": "at work"}},
            },
        ),
        item(
            "9gag.com",
            {
                "id": "g1",
                "title": "funny",
                "creationTs": 1714557607,
                "creator": {"userId": "1", "username": "ian"},
                "tags": [{"key": "Cats"}],
            },
        ),
        item(
            "facebook.com",
            {
                "comet_sections": {
                    "content": {
                        "story": {
                            "post_id": "71",
                            "message": {"text": "on a wall"},
                            "actors": [
                                {"id": "70", "name": "Jo", "url": "https://www.facebook.com/jo"}
                            ],
                        }
                    },
                    "context_layout": {
                        "story": {
                            "comet_sections": {
                                "metadata": [{"story": {"creation_time": 1714557608}}]
                            }
                        }
                    },
                }
            },
        ),
        item("pinterest.com", {"id": "p"}),
    ]
    rows, intake = rows_of(tmp_path / "a.ndjson", *lines)
    by = {r["post_id"]: r for r in rows}
    assert (by["44"]["account_id"], by["44"]["mentions"]) == ("9", ["zoe"])
    assert (by["44"]["hashtags"], by["44"]["metrics"]["likes"]) == (["day"], 4)
    assert by["44"]["objects"] == [{"trace": "sound", "id": "77"}]
    assert (by["1"]["kind"], by["1"]["reply_to"], by["1"]["account_id"]) == ("comment", "44", "8")
    assert (by["Cx1"]["account_id"], by["Cx1"]["text"]) == ("5", "a picture")
    assert by["Cx1"]["metrics"]["likes"] == 0  # known to be none, which is not unknown
    assert (by["Cx2"]["account_id"], by["Cx2"]["text"]) == ("6", "an old one")
    truth = by["51"]
    assert (truth["platform"], truth["kind"], truth["repost_of"]) == (
        "truth_social",
        "repost",
        "50",
    )
    assert (truth["text"], truth["hashtags"]) == ("the original", ["day"])
    assert (by["Dx"]["kind"], by["Dx"]["reply_to_account"]) == ("reply", "2")
    assert by["Dx"]["urls"] == ["https://e.org/a"]
    linkedin = by["6960882777168695296"]
    assert linkedin["account_id"] == "in/hal"
    assert linkedin["time"] == datetime(2022, 8, 4, 9, 3, 1, tzinfo=UTC)
    assert (by["g1"]["account_id"], by["g1"]["hashtags"]) == ("1", ["cats"])
    assert (by["71"]["account_id"], by["71"]["account"]["handle"]) == ("70", "jo")
    assert dict(intake.counts) == {"not_a_post_item_of_pinterest": 1}
    assert any("pinterest" in note for note in intake.notes)


def test_pages_zeeschuimer_as_4cat_stores_it(tmp_path: Path) -> None:
    stored = tweet("30", "ada", "hello") | {
        "__import_meta": {"source_platform": "x.com", "timestamp_collected": 1}
    }
    (row,), intake = rows_of(tmp_path / "a.ndjson", stored)
    assert (row["platform"], row["text"]) == ("x", "hello")
    assert intake.inputs[0]["format"] == "zeeschuimer"


def test_pages_zeeschuimer_nothing_but_strangers_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="items of imgur, pinterest, which klieg cannot read"):
        rows_of(tmp_path / "a.ndjson", item("pinterest.com", {"id": 1}), item("imgur.com", {}))


def test_pages_zeeschuimer_every_site_survives_items_of_any_shape() -> None:
    odd: list[Any] = [{}, {"legacy": []}, {"user": 7}, {"id": None}, {"author": ["x"]}]
    for name, make in SITES.items():
        for data in odd:
            assert make(data) is None or isinstance(make(data), dict), name


def test_pages_zeeschuimer_sites_have_one_name() -> None:
    assert {site_of(w) for w in ("twitter.com", "x.com", "www.X.com", "twitter")} == {"x"}
    assert site_of("instagram-comments") == "instagram_comments"
    assert (site_of("truthsocial.com"), site_of(""), site_of("9gag.com")) == ("truth", "", "9gag")


@pytest.mark.parametrize("name", ["tiktok", "youtube", "meta_content_library", "zeeschuimer"])
def test_pages_dry_run_tells_which_key_becomes_what(name: str, tmp_path: Path) -> None:
    made = factory("sources", name)(Config())
    for i, content in enumerate(made.examples()):
        (tmp_path / f"{i}").write_bytes(content)
        (told,) = preview([str(tmp_path / f"{i}")])
        assert told["format"] == name
        assert {"account_id", "post_id"} <= set(told["mapping"])
        assert told["rows"]


# --- what holds no posts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<!DOCTYPE html>\n<html><body>log in</body></html>\n", "an HTML page"),
        ('<?xml version="1.0"?>\n<gexf></gexf>\n', "XML"),
        ("account_a,account_b,weight,avg_time_delta\na,b,3,1\n", "a network that was computed"),
        (
            '{"follows": [{"did": "x"}], "subject": {"did": "y"}}\n',
            "whom a Bluesky account follows",
        ),
        ("noteId\tnoteAuthorParticipantId\tcurrentStatus\n1\tA\tX\n", "which has no text"),
        ('{"schema_version": 1, "findings": [], "totals": {}}', "the result of a scan"),
    ],
)
def test_pages_files_without_posts_are_called_what_they_are(
    tmp_path: Path, content: str, what: str
) -> None:
    (tmp_path / "a").write_text(content)
    with pytest.raises(InputError, match=what):
        read([str(tmp_path / "a")])
