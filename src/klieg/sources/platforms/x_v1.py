"""X API v1.1: one status a line, with the repeated or quoted status inside it.

Ids are taken from the ``_str`` keys, since numbers past 2^53 lose digits on the way. A repost's own
text is cut short, so the text and entities of the status inside are used. The room knows this one
format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

import pyarrow as pa

from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.inputs import file_name
from klieg.sources.lines import documents, records
from klieg.sources.peek import Peek, peek
from klieg.sources.rows import pack
from klieg.tables import Reject

__all__ = ["source"]


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    if shape.has("id_str", "user.id_str", "created_at") and (
        shape.has("text") or shape.has("full_text")
    ):
        return 0.95
    return 0.7 if shape.has("delete.status.id_str") else 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    whole = peek(source.head).kind == "json"
    stream = documents(source, desk) if whole else records(source, desk)
    posts = _posts(stream, source, desk)
    yield from pack(posts, desk, file=file_name(source), platform="x", resolution=1)


def _posts(
    stream: Iterator[tuple[int, Any]], source: Input, desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, record in stream:
        if not isinstance(record, dict):
            desk(Reject(source.name, line, None, str(record)[:200], "not_an_object"))
        elif "user" in record and ("text" in record or "full_text" in record):
            try:
                yield line, _post(record)
            except (AttributeError, TypeError, KeyError):  # a field of the wrong shape
                desk(Reject(source.name, line, None, str(record)[:500], "wrong_shape"))
        elif isinstance(gone := record.get("delete"), dict):
            status = gone.get("status") or {}
            desk.delete("x", str(status.get("id_str") or status.get("id")))
        else:
            desk.skip(_other(record))


def _other(record: Mapping[str, Any]) -> str:
    for key in ("limit", "scrub_geo", "status_withheld", "user_withheld", "warning", "event"):
        if key in record:
            return key
    if "errors" in record or "error" in record:
        return "error"
    return "user" if "screen_name" in record else "other"


def _post(status: dict[str, Any]) -> dict[str, Any]:
    repeated = status.get("retweeted_status") or {}
    quoted = status.get("quoted_status") or {}
    said = repeated if _text(repeated) else status
    full = said.get("extended_tweet") or said
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
        "urls": _urls(entities, own),
        "hashtags": [h.get("text") for h in entities.get("hashtags") or []],
        "mentions": [m.get("screen_name") for m in entities.get("user_mentions") or []],
        "media": _media(full),
        "client": _client(status.get("source")),
        "account": _account(status.get("user") or {}),
        "metrics": {
            "likes": status.get("favorite_count"),
            "reposts": status.get("retweet_count"),
            "replies": status.get("reply_count"),
            "views": None,
        },
    }


def _id(holder: Mapping[str, Any], prefix: str) -> str | None:
    stem = f"{prefix}_id" if prefix else "id"
    value = holder.get(f"{stem}_str") or holder.get(stem)
    return None if value is None or isinstance(value, float) else str(value)


def _text(status: Mapping[str, Any]) -> str | None:
    longer = status.get("extended_tweet") or {}
    return longer.get("full_text") or status.get("full_text") or status.get("text")


def _urls(entities: Mapping[str, Any], own: set[str | None]) -> list[str]:
    found = []
    for url in entities.get("urls") or []:
        unwound = url.get("unwound") or {}
        address = unwound.get("url") or url.get("expanded_url") or url.get("url")
        if address and address.rsplit("/status/", 1)[-1].split("?")[0] not in own:
            found.append(address)
    return found


def _media(status: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    items = (status.get("extended_entities") or status.get("entities") or {}).get("media") or []
    return [
        {
            "type": m.get("type"),
            "url": m.get("media_url_https") or m.get("media_url"),
            "phash": None,
        }
        for m in items
    ] or None


def _client(html: Any) -> str | None:
    return unescape(html.split(">", 1)[-1].split("<", 1)[0]) if isinstance(html, str) else None


def _account(user: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "handle": user.get("screen_name"),
        "name": user.get("name"),
        "created_at": user.get("created_at"),
        "followers": user.get("followers_count"),
        "following": user.get("friends_count"),
        "verified": user.get("verified"),
    }


_SAMPLES = (
    b'{"created_at":"Wed May 01 10:00:00 +0000 2024","id":3,"id_str":"3","full_text":"hello",'
    b'"user":{"id_str":"7","screen_name":"ada"},"entities":{"hashtags":[{"text":"Day"}]}}\n'
    b'{"created_at":"Wed May 01 10:00:05 +0000 2024","id":4,"id_str":"4","text":"RT @ada: hel",'
    b'"user":{"id_str":"8","screen_name":"bob"},"retweeted_status":{"id_str":"3",'
    b'"full_text":"hello","user":{"id_str":"7"}}}\n',
)

source = Format("x_v1", _recognised, _read, _SAMPLES)
