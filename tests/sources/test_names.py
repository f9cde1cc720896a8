"""Headers of tools that need no importer of their own: the alias table understands them."""

from __future__ import annotations

import pytest

from klieg.sources.names import ALIASES, candidates, choose
from klieg.sources.peek import plain_name

HEADERS: dict[str, tuple[str, dict[str, str]]] = {
    "TikTok Research as a table": (
        "id,video_description,create_time,share_count,view_count,like_count,comment_count,music_id,"
        "hashtag_names,username",
        {"account_id": "username", "text": "video_description", "trace:sound": "music_id"},
    ),
    "DMI-TCAT": (
        "id,created_at,from_user_name,text,retweet_count,lang,in_reply_to_status_id,from_user_id,"
        "from_user_realname,from_user_followercount",
        {"account_id": "from_user_id", "name": "from_user_realname", "time": "created_at"},
    ),
    "YouTube Data Tools, videos": (
        "position,channelId,channelTitle,videoId,publishedAt,videoTitle,videoDescription,viewCount",
        {"account_id": "channelId", "post_id": "videoId", "text": "videoDescription"},
    ),
    "snscrape": (
        "url,date,content,id,user.username,user.id,retweetCount,conversationId,outlinks",
        {"account_id": "user.id", "urls": "outlinks", "root_id": "conversationId"},
    ),
    "Brandwatch": (
        "Query Id,Date,Snippet,Url,Language,Author,Full Name,Hashtags,Thread Id",
        {"account_id": "Author", "text": "Snippet", "urls": "Url"},
    ),
    "Facepager": (
        "path,id,parent_id,from.name,created_time,type,link,message",
        {"account_id": "from.name", "time": "created_time", "text": "message"},
    ),
    "Bluesky as a table": (
        "uri,cid,author_did,author_handle,text,created_at,reply_parent_uri,reply_root_uri",
        {"post_id": "uri", "account_id": "author_did", "reply_to": "reply_parent_uri"},
    ),
}


@pytest.mark.parametrize("tool", HEADERS)
def test_names_of_known_tools(tool: str) -> None:
    header, expected = HEADERS[tool]
    columns = header.split(",")
    chosen, _ = choose(columns, dict.fromkeys(columns, 1.0), {})
    assert {f: chosen.get(f) for f in expected} == expected
    assert {"account_id", "time", "text"} <= set(chosen)


def test_names_no_alias_of_an_account_is_one_of_a_post() -> None:
    def plain(field: str) -> set[str]:
        return {plain_name(word) for word in ALIASES[field].replace("|", " ").split()}

    assert not plain("account_id") & plain("post_id")
    assert not plain("text") & plain("account_id")
    assert not plain("time") & (plain("text") | plain("account_id") | plain("post_id"))


def test_names_weak_aliases_wait_for_the_strong() -> None:
    assert candidates(["uri", "id"])["post_id"] == ["id", "uri"]
    chosen, _ = choose(["uri", "id", "user", "time"], dict.fromkeys(["uri", "id"], 1.0), {})
    assert chosen["post_id"] == "id"
