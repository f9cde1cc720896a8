"""X API v2: posts one a line (flattened), or pages and stream frames joined with their includes.

A flattened file goes through DuckDB whole; pages, and files the fast path cannot take, go line by
line. A repost's own text is cut short, so the text and entities of the post it repeats are used.
The room knows this one format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from klieg.sockets import Input
from klieg.sources import duck
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.inputs import file_name
from klieg.sources.lines import documents, records
from klieg.sources.peek import Peek, peek
from klieg.sources.platforms.x_v2_fast import read_fast
from klieg.sources.rows import pack
from klieg.tables import Reject

__all__ = ["source"]

_POST = ("id", "author_id", "created_at", "text")
_MARKS = ("public_metrics", "conversation_id", "edit_history_tweet_ids", "reply_settings")


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "data."):
        marked = any(shape.has(prefix + mark) for mark in _MARKS)
        if shape.has(*(prefix + key for key in _POST)):
            return 0.95 if marked or prefix else 0.8
        if shape.has(prefix + "author_id", prefix + "text") and marked:
            return 0.9
    if shape.has("data.tweet_count", "data.start"):
        return 0.8
    if shape.has("data.username", "data.public_metrics"):
        return 0.85
    return 0.6 if shape.has("__twarc") else 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    shape = peek(source.head)
    large = source.path.stat().st_size >= duck.LARGE
    if large and shape.kind == "jsonl" and not shape.has("data") and shape.encoding == "utf-8":
        try:
            batches = list(read_fast(source, desk))
        except duck.GaveUp as why:
            desk.note(f"read line by line, as the fast path gave up ({why})")
        else:
            yield from batches
            return
    stream = records(source, desk) if shape.kind == "jsonl" else documents(source, desk)
    posts = _posts(stream, source, desk)
    yield from pack(posts, desk, file=file_name(source), platform="x", resolution=1)


def _posts(
    stream: Iterator[tuple[int, Any]], source: Input, desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, record in stream:
        if not isinstance(record, dict):
            desk(Reject(source.name, line, None, str(record)[:200], "not_an_object"))
        elif isinstance(record.get("data"), (list, dict)):
            data = record["data"]
            items = data if isinstance(data, list) else [data]
            desk.rows += len(items) - 1
            if not items:
                desk.rows += 1
                desk.skip("empty_page")
            shared = _shared(record.get("includes"))
            for item in items:
                yield from _one(line, item, shared, desk)
        else:
            yield from _one(line, record, {}, desk)


def _one(
    line: int, item: Any, shared: Mapping[str, dict[str, Any]], desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    kind = _other(item)
    if kind is None:
        try:
            yield line, _post(item, shared)
        except (AttributeError, TypeError, KeyError):  # a field of the wrong shape
            desk(Reject(desk.name, line, None, str(item)[:500], "wrong_shape"))
    else:
        desk.skip(kind)


def _other(item: Any) -> str | None:
    """What an object is that is no post; None for a post."""
    if not isinstance(item, dict):
        return "other"
    if "text" in item and ("id" in item or "author_id" in item):
        return None
    if "tweet_count" in item:
        return "count"
    if "username" in item:
        return "user"
    return "error" if "errors" in item or "title" in item else "other"


def _shared(includes: Any) -> dict[str, dict[str, Any]]:
    """Expansions by kind and id: users, tweets and media of a page."""
    found: dict[str, dict[str, Any]] = {}
    if isinstance(includes, dict):
        for kind, key in (("users", "id"), ("tweets", "id"), ("media", "media_key")):
            items = includes.get(kind)
            if isinstance(items, list):
                found[kind] = {str(i[key]): i for i in items if isinstance(i, dict) and key in i}
    return found


def _post(tweet: dict[str, Any], shared: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    refs = {r.get("type"): r for r in tweet.get("referenced_tweets") or []}
    repost, reply, quote = (refs.get(t) for t in ("retweeted", "replied_to", "quoted"))
    tweets = shared.get("tweets", {})
    said = tweet
    if repost:
        original = repost if "text" in repost else tweets.get(str(repost.get("id")), {})
        said = original if original.get("text") else tweet
    answered = {} if not reply else tweets.get(str(reply.get("id")), reply)
    long = said.get("note_tweet") or {}
    entities = long.get("entities") or said.get("entities") or {}
    quote_of = None if quote is None else quote.get("id")
    author = tweet.get("author") or shared.get("users", {}).get(str(tweet.get("author_id"))) or {}
    return {
        "post_id": tweet.get("id"),
        "account_id": tweet.get("author_id") or author.get("id"),
        "time": tweet.get("created_at"),
        "text": long.get("text") or said.get("text"),
        "lang": tweet.get("lang"),
        "kind": "repost" if repost else "reply" if reply else "quote" if quote else "post",
        "repost_of": repost.get("id") if repost else None,
        "repost_of_account": said.get("author_id") if repost and said is not tweet else None,
        "reply_to": reply.get("id") if reply else None,
        "reply_to_account": tweet.get("in_reply_to_user_id") or answered.get("author_id"),
        "quote_of": quote_of,
        "root_id": tweet.get("conversation_id"),
        "urls": _urls(entities, {str(tweet.get("id")), str(said.get("id")), str(quote_of)}),
        "hashtags": [h.get("tag") for h in entities.get("hashtags") or []],
        "mentions": [m.get("username") for m in entities.get("mentions") or []],
        "media": _media(tweet.get("attachments") or {}, shared.get("media", {})),
        "client": tweet.get("source"),
        "account": _account(author),
        "metrics": _metrics(tweet.get("public_metrics") or {}),
    }


def _urls(entities: Mapping[str, Any], own: set[str]) -> list[str]:
    """Expanded addresses that lead away from the post: not its pictures, not the post it quotes."""
    found = []
    for url in entities.get("urls") or []:
        if url.get("media_key") or str(url.get("display_url", "")).startswith(
            ("pic.x", "pic.twit")
        ):
            continue
        address = url.get("unwound_url") or url.get("expanded_url") or url.get("url")
        if address and address.rsplit("/status/", 1)[-1].split("?")[0] not in own:
            found.append(address)
    return found


def _media(
    attachments: Mapping[str, Any], shared: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    items = attachments.get("media") or [
        shared[k] for k in attachments.get("media_keys") or [] if k in shared
    ]
    found = [
        {"type": m.get("type"), "url": m.get("url") or m.get("preview_image_url"), "phash": None}
        for m in items
    ]
    return found or None


def _account(user: Mapping[str, Any]) -> dict[str, Any] | None:
    if not user:
        return None
    size = user.get("public_metrics") or {}
    return {
        "handle": user.get("username"),
        "name": user.get("name"),
        "created_at": user.get("created_at"),
        "followers": size.get("followers_count"),
        "following": size.get("following_count"),
        "verified": user.get("verified"),
    }


def _metrics(seen: Mapping[str, Any]) -> dict[str, Any] | None:
    if not seen:
        return None
    return {
        "likes": seen.get("like_count"),
        "reposts": seen.get("retweet_count"),
        "replies": seen.get("reply_count"),
        "views": seen.get("impression_count"),
    }


_SAMPLES = (
    b'{"id":"3","author_id":"7","created_at":"2024-05-01T10:00:00.000Z","text":"hello",'
    b'"conversation_id":"3","lang":"en","author":{"id":"7","username":"ada"}}\n'
    b'{"id":"4","author_id":"8","created_at":"2024-05-01T10:00:05.000Z",'
    b'"text":"RT @ada: hel\xe2\x80\xa6","conversation_id":"4",'
    b'"referenced_tweets":[{"type":"retweeted","id":"3","text":"hello","author_id":"7"}]}\n',
    b'{"data":[{"id":"4","author_id":"8","created_at":"2024-05-01T10:00:05.000Z",'
    b'"text":"RT @ada: hel\xe2\x80\xa6","referenced_tweets":[{"type":"retweeted","id":"3"}]}],'
    b'"includes":{"users":[{"id":"8","username":"bob"}],"tweets":[{"id":"3","author_id":"7",'
    b'"text":"hello"}]}}\n',
)

source = Format("x_v2", _recognised, _read, _SAMPLES)
