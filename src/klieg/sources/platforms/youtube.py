"""YouTube: comment threads, comments and videos of the Data API, or tables of comments.

A page is taken apart into its comments, replies with them. An account is a channel; where a table
or an old answer gives only the name shown, that name is the account, and said so. A comment answers
its video or the comment above it. The room knows this one platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from klieg.sockets import Input
from klieg.sources.columns import first_filled, put
from klieg.sources.desk import Desk
from klieg.sources.formats import Format, either
from klieg.sources.frames import Frame
from klieg.sources.inputs import file_name
from klieg.sources.markup import plain
from klieg.sources.pages import at, items, number, objects, posts, words_at
from klieg.sources.peek import Peek
from klieg.sources.rows import pack
from klieg.sources.tabular import fixed

__all__ = ["source"]

_KIND = "youtube#"
_FIELDS = {
    "post_id": "id",
    "account_id": "snippet.authorChannelId.value, else authorDisplayName; channelId of videos",
    "time": "snippet.publishedAt",
    "text": "snippet.textOriginal, else textDisplay; title and description of videos",
    "reply_to": "snippet.parentId, else videoId",
    "root_id": "snippet.videoId",
}
_BY_NAME = "some accounts are known by the name shown: there is no channel beside it"


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "items."):
        top = prefix + "snippet.topLevelComment"
        if shape.has(top) or shape.has(prefix + "snippet.authorDisplayName", prefix + "etag"):
            return 0.95
        if shape.has(prefix + "snippet.publishedAt", prefix + "snippet.channelId", prefix + "kind"):
            return 0.9
        if shape.has(prefix + "snippet.textDisplay", prefix + "snippet.authorDisplayName"):
            return 0.9
    return 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    desk.mapping.update(_FIELDS)
    stream = posts(items(source, desk, _page), _made, desk)
    made = _told(stream, desk)
    yield from pack(made, desk, file=file_name(source), platform="youtube", resolution=1)


def _page(record: dict[str, Any]) -> Sequence[Any] | None:
    """The objects of a page, and of a thread its comments, those of the page above included."""
    found = record.get("items")
    if not isinstance(found, list):
        return _thread(record) if _is_thread(record) else None
    return [part for item in found for part in (_thread(item) if _is_thread(item) else [item])]


def _is_thread(item: Any) -> bool:
    return isinstance(at(item, "snippet", "topLevelComment"), dict)


def _thread(item: dict[str, Any]) -> list[Any]:
    video, channel = words_at(item, "snippet", "videoId"), words_at(item, "snippet", "channelId")
    answers = objects(item, "replies", "comments")
    about = {"videoId": video, "channelId": channel}
    top = item["snippet"]["topLevelComment"]
    return [{**c, "about": about} for c in (top, *answers)]


def _told(
    stream: Iterator[tuple[int, dict[str, Any]]], desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, post in stream:
        if post["account_id"] and post["account_id"] == post["account"]["name"]:
            desk.note(_BY_NAME)
        yield line, post


def _made(item: dict[str, Any]) -> dict[str, Any] | str:
    kind = (words_at(item, "kind") or "").removeprefix(_KIND)
    said = at(item, "snippet")
    if not isinstance(said, dict):
        return kind or "other"
    if "textDisplay" in said or "textOriginal" in said:
        return _comment(item, said)
    if "title" in said and kind not in {"channel", "playlist", "subscription"}:
        return _video(item, said)
    return kind or "other"


def _comment(item: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    video = words_at(said, "videoId") or words_at(item, "about", "videoId")
    parent, name = words_at(said, "parentId"), words_at(said, "authorDisplayName")
    text = words_at(said, "textOriginal")
    return {
        "post_id": words_at(item, "id"),
        "account_id": _channel(said) or name,
        "time": words_at(said, "publishedAt"),
        "text": plain(words_at(said, "textDisplay") or "") if text is None else text,
        "kind": "comment",
        "reply_to": parent or video,
        "reply_to_account": None if parent else words_at(item, "about", "channelId"),
        "root_id": video,
        "account": {"name": name},
        "metrics": {"likes": number(said, "likeCount")},
    }


def _channel(said: dict[str, Any]) -> str | None:
    return words_at(said, "authorChannelId", "value") or words_at(said, "authorChannelId")


def _video(item: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    owner, name = words_at(said, "videoOwnerChannelId"), words_at(said, "channelTitle")
    text = "\n".join(w for w in (words_at(said, "title"), words_at(said, "description")) if w)
    counted = at(item, "statistics")
    return {
        "post_id": words_at(item, "id", "videoId")
        or words_at(said, "resourceId", "videoId")
        or words_at(item, "id"),
        "account_id": owner or words_at(said, "channelId") or name,
        "time": words_at(item, "contentDetails", "videoPublishedAt")
        or words_at(said, "publishedAt"),
        "text": text,
        "lang": words_at(said, "defaultAudioLanguage") or words_at(said, "defaultLanguage"),
        "kind": "post",
        "account": {"name": None if owner else name},
        "metrics": {
            "likes": number(counted, "likeCount"),
            "replies": number(counted, "commentCount"),
            "views": number(counted, "viewCount"),
        },
    }


# --- tables --------------------------------------------------------------------------------------

_OWNER, _ALWAYS = "authorChannelId, else the name", "(always a comment)"
_COLUMNS = {
    "post_id": ("COMMENT_ID", "id"),
    "kind": _ALWAYS,
    "account_id": _OWNER,
    "name": ("AUTHOR", "authorName"),
    "time": ("DATE", "publishedAt"),
    "text": ("CONTENT", "text"),
    "reply_to": "isReplyTo",
    "likes": "likeCount",
    "replies": "replyCount",
}


def _derive(frame: Frame, desk: Desk) -> Frame:
    owner = first_filled(frame, "authorChannelId")
    if owner.null_count:
        desk.note(_BY_NAME)
    owner = first_filled(frame, "authorChannelId", "AUTHOR", "authorName")
    kind = pa.chunked_array([pa.repeat("comment", len(owner))])
    return put(frame, {_OWNER: owner, _ALWAYS: kind})


def _recognised_table(shape: Peek) -> float:
    if shape.kind not in {"csv", "parquet"}:
        return 0.0
    spam = shape.has("COMMENT_ID", "AUTHOR", "DATE", "CONTENT")
    return 0.9 if spam or shape.has("authorName", "publishedAt", "text", "isReplyTo") else 0.0


_SAMPLES = (
    b'{"kind":"youtube#commentThreadListResponse","etag":"e","items":[{"kind":'
    b'"youtube#commentThread","id":"U1","snippet":{"videoId":"v1","channelId":"UCx",'
    b'"topLevelComment":{"kind":"youtube#comment","id":"U1","snippet":{"textOriginal":"hello",'
    b'"textDisplay":"hello","authorDisplayName":"Ada","authorChannelId":{"value":"UCa"},'
    b'"likeCount":3,"publishedAt":"2024-05-01T10:00:00Z"}}},"replies":{"comments":[{"kind":'
    b'"youtube#comment","id":"U1.1","snippet":{"textOriginal":"hello too","parentId":"U1",'
    b'"authorDisplayName":"Bob","authorChannelId":{"value":"UCb"},'
    b'"publishedAt":"2024-05-01T10:00:31Z"}}]}}]}\n'
    b'{"kind":"youtube#commentListResponse","items":[{"kind":"youtube#comment","id":"U1.2",'
    b'"snippet":{"textOriginal":"me too","parentId":"U1","authorDisplayName":"Cid",'
    b'"authorChannelId":{"value":"UCc"},"publishedAt":"2024-05-01T10:01:31Z"}}]}\n',
    b'{"kind":"youtube#video","etag":"e","id":"v1","snippet":{"title":"A film","description":'
    b'"and more","channelId":"UCx","channelTitle":"Xen","publishedAt":"2024-05-01T09:00:00Z"},'
    b'"statistics":{"viewCount":"1024"}}\n',
    b"COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS\n"
    b"z1,Ada,2013-11-07T06:20:48,hello all,0\nz2,Bob,2013-11-07T12:37:15,hello too,1\n",
)

_table = fixed(
    "youtube",
    (),
    _COLUMNS,
    _SAMPLES[2:],
    platform="youtube",
    derive=_derive,
    reads=("authorChannelId", "AUTHOR", "authorName"),
)
source = either(
    "youtube",
    Format("youtube", _recognised, _read, _SAMPLES[:2]),
    replace(_table, recognised=_recognised_table),
)
