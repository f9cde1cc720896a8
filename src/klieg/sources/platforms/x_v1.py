"""X API v1.1: one status a line, in a list or in pages, the repeated or quoted status inside it.

Ids are taken from the ``_str`` keys, since numbers past 2^53 lose digits on the way. A repost's own
text is cut short, so the text and entities of the status inside are used; so are those of an
``extended_tweet``. The room knows this one format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import unescape
from typing import Any, TypedDict

import msgspec

from klieg.sources.desk import Desk
from klieg.sources.peek import Peek
from klieg.sources.platforms.x_v1_fast import COLUMNS, QUERY, shaped
from klieg.sources.queried import fast_or_tolerant
from klieg.sources.typed import count, ident, json_format

__all__ = ["entity_urls", "media_of", "source"]

Id = Any  # a number, where there is no string beside it; anything else is none


class Entities(TypedDict, total=False):
    """What a text holds: shared with Gnip, which kept these keys."""

    urls: list[dict[str, Any] | None] | None
    hashtags: list[dict[str, Any] | None] | None
    user_mentions: list[dict[str, Any] | None] | None
    media: list[dict[str, Any] | None] | None


class _Extended(TypedDict, total=False):
    full_text: str | None
    entities: Entities | None
    extended_entities: Entities | None


class _Named(TypedDict, total=False):
    id: Id
    id_str: str | None


class _User(_Named, total=False):
    screen_name: str | None
    name: str | None
    created_at: str | None
    followers_count: Any
    friends_count: Any
    verified: bool | None


class _Said(_Named, total=False):
    text: str | None
    full_text: str | None
    entities: Entities | None
    extended_entities: Entities | None
    extended_tweet: _Extended | None


class _Repeated(_Said, total=False):
    user: _Named | None


class _Status(_Said, total=False):
    created_at: str | int | float | None
    lang: str | None
    source: str | None
    user: _User | None
    retweeted_status: _Repeated | None
    quoted_status: _Named | None
    quoted_status_id: Id
    quoted_status_id_str: str | None
    in_reply_to_status_id: Id
    in_reply_to_status_id_str: str | None
    in_reply_to_user_id: Id
    in_reply_to_user_id_str: str | None
    favorite_count: Any
    retweet_count: Any
    reply_count: Any


class _Gone(TypedDict, total=False):
    status: _Named | None


class _Line(_Status, total=False):
    """A status, a page of a search, or one of the stream's notices."""

    statuses: list[msgspec.Raw] | None
    delete: _Gone | None
    limit: Any
    scrub_geo: Any
    status_withheld: Any
    user_withheld: Any
    disconnect: Any
    warning: Any
    event: Any
    errors: Any
    error: Any
    screen_name: Any


_NOTICES = ("limit", "scrub_geo", "status_withheld", "user_withheld", "disconnect", "warning")


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "statuses."):
        if shape.has(*(prefix + key for key in ("id_str", "user.id_str", "created_at"))) and (
            shape.has(prefix + "text") or shape.has(prefix + "full_text")
        ):
            return 0.95
    return 0.7 if shape.has("delete.status.id_str") else 0.0


def _items(record: _Line) -> Sequence[msgspec.Raw] | None:
    return record.get("statuses")


def _post(record: _Line, desk: Desk) -> dict[str, Any] | None:
    if record.get("user") and ("text" in record or "full_text" in record):
        return _told(record)
    gone = record.get("delete")
    if gone is not None and (of := _id(gone.get("status") or {}, "")):
        desk.delete("x", of)
    else:
        desk.skip(_other(record))
    return None


def _other(record: _Line) -> str:
    for key in (*_NOTICES, "event", "delete"):
        if key in record:
            return key
    if "errors" in record or "error" in record:
        return "error"
    return "user" if "screen_name" in record else "other"


def _told(status: _Status) -> dict[str, Any]:
    repeated = status.get("retweeted_status") or {}
    quoted = status.get("quoted_status") or {}
    said: _Said = repeated if _text(repeated) else status
    full: _Extended | _Said = said.get("extended_tweet") or said
    entities = full.get("entities") or {}
    quote_of = _id(status, "quoted_status") or _id(quoted, "")
    reply_to = _id(status, "in_reply_to_status")
    own = {_id(status, ""), _id(repeated, ""), quote_of}
    # the quoted status of a repeated one is the other account's quote
    kind = "repost" if repeated else "reply" if reply_to else "quote" if quote_of else "post"
    return {
        "post_id": _id(status, ""),
        "account_id": _id(status.get("user") or {}, ""),
        "time": status.get("created_at"),
        "text": _text(said),
        "lang": status.get("lang"),
        "kind": kind,
        "repost_of": _id(repeated, ""),
        "repost_of_account": _id(repeated.get("user") or {}, ""),
        "reply_to": reply_to,
        "reply_to_account": _id(status, "in_reply_to_user"),
        "quote_of": None if repeated else quote_of,
        "urls": entity_urls(entities, own),
        "hashtags": [h.get("text") for h in entities.get("hashtags") or [] if h],
        "mentions": [m.get("screen_name") for m in entities.get("user_mentions") or [] if m],
        "media": media_of(full.get("extended_entities") or {}) or media_of(entities),
        "client": _client(status.get("source")),
        "account": _account(status.get("user") or {}),
        "metrics": {
            "likes": count(status.get("favorite_count")),
            "reposts": count(status.get("retweet_count")),
            "replies": count(status.get("reply_count")),
        },
    }


def _id(holder: Mapping[str, Any], prefix: str) -> str | None:
    stem = f"{prefix}_id" if prefix else "id"
    return ident(holder.get(f"{stem}_str")) or ident(holder.get(stem))


def _text(status: _Said) -> str | None:
    longer = status.get("extended_tweet") or {}
    return longer.get("full_text") or status.get("full_text") or status.get("text")


def entity_urls(entities: Entities, own: set[str | None]) -> list[str]:
    """Addresses as they unwind, but not those of posts in ``own``: the post itself, its quote."""
    found = []
    for url in entities.get("urls") or []:
        if not url:
            continue
        unwound = url.get("unwound")
        address = unwound.get("url") if isinstance(unwound, dict) else None
        address = address or url.get("expanded_url") or url.get("url")
        if isinstance(address, str) and (
            address.rsplit("/status/", 1)[-1].split("?")[0] not in own
        ):
            found.append(address)
    return found


def media_of(entities: Entities) -> list[dict[str, Any]] | None:
    """Pictures and films, by address; nothing is loaded."""
    found = [
        {
            "type": m.get("type") or None,
            "url": m.get("media_url_https") or m.get("media_url") or None,
            "phash": None,
        }
        for m in entities.get("media") or []
        if m
    ]
    return [m for m in found if m["type"] or m["url"]] or None


def _client(html: str | None) -> str | None:
    return unescape(html.split(">", 1)[-1].split("<", 1)[0]) if html else None


def _account(user: _User) -> dict[str, Any]:
    return {
        "handle": user.get("screen_name"),
        "name": user.get("name"),
        "created_at": user.get("created_at"),
        "followers": count(user.get("followers_count")),
        "following": count(user.get("friends_count")),
        "verified": user.get("verified"),
    }


_SAMPLES = (
    b'{"created_at":"Wed May 01 10:00:00 +0000 2024","id":3,"id_str":"3","full_text":"hello",'
    b'"user":{"id_str":"7","screen_name":"ada"},"entities":{"hashtags":[{"text":"Day"}]}}\n'
    b'{"created_at":"Wed May 01 10:00:05 +0000 2024","id":4,"id_str":"4","text":"RT @ada: hel",'
    b'"user":{"id_str":"8","screen_name":"bob"},"retweeted_status":{"id_str":"3",'
    b'"full_text":"hello","user":{"id_str":"7"}}}\n',
)

_FIELDS = {
    "post_id": "id_str",
    "account_id": "user.id_str",
    "time": "created_at",
    "text": "extended_tweet.full_text, full_text, text (of retweeted_status, where there is one)",
    "repost_of": "retweeted_status.id_str",
    "reply_to": "in_reply_to_status_id_str",
    "quote_of": "quoted_status_id_str",
    "urls": "entities.urls.unwound.url, expanded_url",
    "hashtags": "entities.hashtags.text",
    "mentions": "entities.user_mentions.screen_name",
    "media_url": "extended_entities.media.media_url_https",
    "client": "source",
}

_tolerant = json_format(
    "x_v1",
    _recognised,
    _Line,
    _post,
    _SAMPLES,
    fields=_FIELDS,
    platform="x",
    resolution=1,
    items=_items,
)
source = replace(
    _tolerant,
    reader=fast_or_tolerant(
        _tolerant.reader,
        QUERY,
        COLUMNS,
        _FIELDS,
        platform="x",
        resolution=1,
        client=_client,
        shaped=shaped,
    ),
)
