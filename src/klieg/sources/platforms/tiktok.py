"""TikTok's Research API: pages of videos or comments, or the objects in them one a line.

There are no account numbers: an account is its ``username``, where that field was asked for. The
sound and the effects of a video are ready-made objects. Users, queries and error answers are no
posts, and are called by their names. The room knows this one format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from klieg.errors import InputError
from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.inputs import file_name
from klieg.sources.pages import at, items, number, objects, posts, words_at
from klieg.sources.peek import Peek
from klieg.sources.rows import pack

__all__ = ["source"]

_VIDEO = ("create_time", "video_description")
_COMMENT = ("create_time", "video_id", "text")
_FIELDS = {
    "post_id": "id",
    "account_id": "username",
    "time": "create_time",
    "text": "video_description, else voice_to_text; text of comments",
    "hashtags": "hashtag_names",
    "reply_to": "parent_comment_id, else video_id",
    "trace:sound": "music_id",
    "trace:effect": "effect_ids",
}
_NAMELESS = (
    "the {what} name no account, so nobody can be compared with anybody. Ask the API for the field "
    "username"
)


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "data.videos.", "data.comments.", "videos.", "comments.", "data."):
        if shape.has(*(prefix + key for key in _VIDEO)):
            return 0.95
        if shape.has(*(prefix + key for key in _COMMENT)) and shape.has(prefix + "like_count"):
            return 0.9
    if shape.has("data.display_name", "data.follower_count", "error.log_id"):
        return 0.8
    asked = shape.has("and.field_name") or shape.has("query.and.field_name")
    return 0.8 if asked or shape.has("data", "error.log_id") else 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    desk.mapping.update(_FIELDS)
    stream = _with_names(posts(items(source, desk, _page), _made, desk), source, desk)
    yield from pack(stream, desk, file=file_name(source), platform="tiktok", resolution=1, unit=1)


def _page(record: dict[str, Any]) -> Sequence[Any] | None:
    for holder in (record.get("data"), record):
        if isinstance(holder, dict):
            for key, value in holder.items():
                if key in {"videos", "comments"} or key.endswith("_videos"):
                    return value if isinstance(value, list) else None
    inner = record.get("data")
    return inner if isinstance(inner, list) else [inner] if inner else None


def _with_names(
    stream: Iterator[tuple[int, dict[str, Any]]], source: Input, desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same, but videos without a single account's name end in one clear sentence."""
    held: list[tuple[int, dict[str, Any]]] = []
    for item in stream:
        if item[1]["account_id"]:
            desk.note("accounts are known by username: TikTok gives no account numbers")
            yield from held
            yield item
            yield from stream
            return
        held.append(item)
    if held:
        comments = all(post["kind"] == "comment" for _, post in held)
        what = "comments" if comments else "videos"
        raise InputError(_NAMELESS.format(what=what), path=source.name)
    if desk.skipped["query"] == desk.rows > 0:
        raise InputError(
            "a query to TikTok's Research API, not its answer: there are no posts in it",
            path=source.name,
        )


def _made(item: dict[str, Any]) -> dict[str, Any] | str:
    if "create_time" in item and "text" in item:
        return _comment(item)
    if "create_time" in item:
        return _video(item)
    if "field_values" in item or "query" in item or "and" in item or "or" in item:
        return "query"
    if "follower_count" in item or "display_name" in item:
        return "user"
    return "error" if "error" in item or "log_id" in item else "other"


def _video(item: dict[str, Any]) -> dict[str, Any]:
    spoken = at(item, "voice_to_text")
    tags = at(item, "hashtag_names") or [
        t.get("hashtag_name") for t in objects(item, "hashtag_info_list")
    ]
    return {
        "post_id": words_at(item, "id") or words_at(item, "video_id"),
        "account_id": words_at(item, "username"),
        "time": words_at(item, "create_time"),
        "text": at(item, "video_description") or spoken,
        "kind": "post",
        "hashtags": tags or None,
        "mentions": at(item, "video_mention_list"),
        "objects": _ready_made(item) or None,
        "account": {"handle": words_at(item, "username")},
        "metrics": _metrics(item, "share_count", "comment_count"),
    }


def _ready_made(item: dict[str, Any]) -> list[dict[str, Any]]:
    sound = words_at(item, "music_id")
    effects = at(item, "effect_ids")
    used = [words_at(effects, i) for i in range(len(effects))] if isinstance(effects, list) else []
    found = [("sound", sound), *(("effect", effect) for effect in used)]
    return [{"trace": trace, "id": id_} for trace, id_ in found if id_ and id_ != "0"]


def _comment(item: dict[str, Any]) -> dict[str, Any]:
    video = words_at(item, "video_id")
    return {
        "post_id": words_at(item, "id"),
        "account_id": words_at(item, "username"),
        "time": words_at(item, "create_time"),
        "text": at(item, "text"),
        "kind": "comment",
        "reply_to": words_at(item, "parent_comment_id") or video,
        "root_id": video,
        "account": {"handle": words_at(item, "username")},
        "metrics": _metrics(item, "", "reply_count"),
    }


def _metrics(item: dict[str, Any], shared: str, answered: str) -> dict[str, int | None]:
    return {
        "likes": number(item, "like_count"),
        "reposts": number(item, shared),
        "replies": number(item, answered),
        "views": number(item, "view_count"),
    }


_SAMPLES = (
    b'{"data":{"videos":[{"id":702874395068494965,"username":"ada","create_time":1714557600,'
    b'"video_description":"hello #day","hashtag_names":["day"],"music_id":703847506349838790,'
    b'"effect_ids":["0","9"],"view_count":1050}],"cursor":100,"has_more":true},'
    b'"error":{"code":"ok","log_id":"1"}}\n'
    b'{"data":{"videos":[{"id":702874395068494969,"username":"bob","create_time":1714557612,'
    b'"video_description":"hello too","music_id":703847506349838790}],"cursor":200},'
    b'"error":{"code":"ok","log_id":"2"}}\n',
    b'{"id":123456169346341,"video_id":1234563451201523,"username":"ada","text":"so good",'
    b'"create_time":1714557600,"like_count":50,"parent_comment_id":1234561201524010}\n',
)

source = Format("tiktok", _recognised, _read, _SAMPLES)
