"""Bluesky's AppView as JSON: posts, feeds, threads, search results and stored records.

Time is ``indexedAt``, when the AppView saw the post; ``createdAt`` is the client's claim and used
only where a record carries nothing else, which is said. A feed's entry with a *reposted by* is that
repost, not the post once more. Ids are ``at://`` addresses, as Jetstream's. The room knows this one
format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import msgspec

from klieg.sources.desk import Desk
from klieg.sources.peek import Peek
from klieg.sources.platforms.bluesky_records import (
    POST,
    REPOST,
    owner,
    post,
    post_decoder,
    repost_decoder,
)
from klieg.sources.typed import WrongShape, count, decode, json_format

__all__ = ["source"]

_CLAIMED = (
    "some records carry no time but their clients' own claim (createdAt), which anybody can set"
)


class _Verification(TypedDict, total=False):
    verifiedStatus: str | None


class _Author(TypedDict, total=False):
    did: str | None
    handle: str | None
    displayName: str | None
    createdAt: str | None
    followersCount: Any
    followsCount: Any
    verification: _Verification | None


_Reason = TypedDict(
    "_Reason",
    {"$type": str | None, "by": _Author | None, "indexedAt": Any, "uri": str | None},
    total=False,
)


class _View(TypedDict, total=False):
    """A post as the AppView shows it."""

    uri: str | None
    author: _Author | None
    record: msgspec.Raw
    indexedAt: Any
    likeCount: Any
    repostCount: Any
    replyCount: Any


_Typed = TypedDict("_Typed", {"$type": str | None}, total=False)


class _Line(_View, _Typed, total=False):
    """A post, an entry of a feed, a branch of a thread, a stored record, or a page of any."""

    post: _View | None
    reason: _Reason | None
    value: msgspec.Raw  # a stored record
    parent: msgspec.Raw
    replies: list[msgspec.Raw] | None
    notFound: bool | None
    blocked: bool | None
    thread: msgspec.Raw
    posts: list[msgspec.Raw] | None
    feed: list[msgspec.Raw] | None
    records: list[msgspec.Raw] | None
    own: bool  # put there by us: a branch whose neighbours are taken care of


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "post.", "posts.", "feed.post.", "thread.post.", "thread.replies.post."):
        if shape.has(*(prefix + key for key in ("uri", "author.did", "record"))):
            return 0.95
    for prefix in ("", "records."):
        if shape.has(*(prefix + key for key in ("uri", "cid", "value"))):
            said = shape.has(prefix + "value.createdAt") and (
                shape.has(prefix + "value.text") or shape.has(prefix + "value.subject")
            )
            return 0.85 if said else 0.0
    return 0.0


def _items(line: _Line) -> Sequence[msgspec.Raw] | None:
    for key in ("posts", "feed", "records"):
        if (page := line.get(key)) is not None:
            assert isinstance(page, list)
            return page
    if "thread" in line:
        return [line["thread"]]
    if line.get("own") or not ("parent" in line or line.get("replies")):
        return None
    around = [*([line["parent"]] if "parent" in line else []), *(line.get("replies") or [])]
    itself = {key: value for key, value in line.items() if key not in {"parent", "replies"}}
    return [msgspec.Raw(msgspec.json.encode(itself | {"own": True})), *around]


def _post(line: _Line, desk: Desk) -> dict[str, Any] | None:
    if line.get("notFound") or line.get("blocked"):
        desk.skip("not_found" if line.get("notFound") else "blocked")
        return None
    view: _View = line.get("post") or line
    if "value" in line:
        return _stored(line, desk)
    if "record" not in view or not view.get("author"):
        desk.skip("profile" if "handle" in line or "did" in line else "other")
        return None
    uri = view.get("uri")
    if not uri:
        raise WrongShape("uri", uri, "no_id")
    author = view.get("author") or {}
    said = post(decode(view["record"], post_decoder, desk, "record"))
    told = said | {
        "post_id": uri,
        "account_id": author.get("did"),
        "time": view.get("indexedAt"),
        "account": _account(author),
        "metrics": {
            "likes": count(view.get("likeCount")),
            "reposts": count(view.get("repostCount")),
            "replies": count(view.get("replyCount")),
        },
    }
    reason = line.get("reason") or {}
    by = reason.get("by")
    return told if by is None else _reposted(told, reason, by)


def _reposted(told: dict[str, Any], reason: _Reason, by: _Author) -> dict[str, Any]:
    original, did = told["post_id"], by.get("did")
    return {
        "post_id": reason.get("uri") or f"{original}?reposted-by={did}",
        "account_id": did,
        "time": reason.get("indexedAt"),
        "text": told["text"],
        "lang": told["lang"],
        "kind": "repost",
        "repost_of": original,
        "repost_of_account": told["account_id"],
        "account": _account(by),
    }


def _stored(line: _Line, desk: Desk) -> dict[str, Any] | None:
    """A record as its repository keeps it: nobody witnessed when it was made."""
    uri = line.get("uri")
    if not uri:
        raise WrongShape("uri", uri, "no_id")
    collection = uri.removeprefix("at://").split("/")[1:2]
    if collection not in ([POST], [REPOST]):
        desk.skip("_".join(collection).removeprefix("app.bsky.").replace(".", "_") or "other")
        return None
    desk.note(_CLAIMED)
    seen = {"post_id": uri, "account_id": owner(uri)}
    if collection == [POST]:
        record = decode(line["value"], post_decoder, desk, "value")
        return post(record) | seen | {"time": record.get("createdAt")}
    repost = decode(line["value"], repost_decoder, desk, "value")
    original = repost["subject"].get("uri")
    if not original:
        raise WrongShape("value.subject.uri", original, "no_subject")
    return seen | {
        "time": repost.get("createdAt"),
        "kind": "repost",
        "repost_of": original,
        "repost_of_account": owner(original),
    }


def _account(author: _Author) -> dict[str, Any]:
    status = (author.get("verification") or {}).get("verifiedStatus")
    return {
        "handle": author.get("handle"),
        "name": author.get("displayName"),
        "created_at": author.get("createdAt"),
        "followers": count(author.get("followersCount")),
        "following": count(author.get("followsCount")),
        "verified": None if status is None else status == "valid",
    }


_SAMPLES = (
    b'{"feed":[{"post":{"uri":"at://did:plc:a/app.bsky.feed.post/3k","cid":"c","author":{'
    b'"did":"did:plc:a","handle":"ada.test"},"record":{"text":"hello","langs":["en"],'
    b'"createdAt":"1999-01-01T00:00:00Z"},"indexedAt":"2024-05-01T10:00:00.123Z","likeCount":1},'
    b'"reason":{"$type":"app.bsky.feed.defs#reasonRepost","by":{"did":"did:plc:b"},'
    b'"indexedAt":"2024-05-01T11:00:00Z"}}],"cursor":"1"}\n'
    b'{"uri":"at://did:plc:a/app.bsky.feed.post/3l","cid":"d","author":{"did":"did:plc:a",'
    b'"handle":"ada.test"},"record":{"text":"again","reply":{"parent":{'
    b'"uri":"at://did:plc:a/app.bsky.feed.post/3k"},"root":{'
    b'"uri":"at://did:plc:a/app.bsky.feed.post/3k"}}},"indexedAt":"2024-05-01T12:00:00Z"}\n',
    b'{"thread":{"$type":"app.bsky.feed.defs#threadViewPost","post":{'
    b'"uri":"at://did:plc:a/app.bsky.feed.post/3k","author":{"did":"did:plc:a"},"record":{'
    b'"text":"hello"},"indexedAt":"2024-05-01T10:00:00Z"},"replies":[]}}\n'
    b'{"uri":"at://did:plc:a/app.bsky.feed.post/3m","cid":"e","value":{"text":"kept",'
    b'"createdAt":"2024-05-01T13:00:00Z"}}\n',
)
_FIELDS = {
    "post_id": "uri",
    "account_id": "author.did",
    "time": "indexedAt, when Bluesky saw it (createdAt of stored records, their client's claim)",
    "text": "record.text",
    "lang": "record.langs",
    "repost_of": "post.uri of an entry with a reason",
    "reply_to": "record.reply.parent.uri",
    "quote_of": "record.embed.record.uri",
    "root_id": "record.reply.root.uri",
    "urls": "record.facets.features.uri, embed.external.uri",
    "hashtags": "record.facets.features.tag, tags",
    "mentions": "record.facets.features.did",
    "media": "record.embed.images.image.ref",
}

source = json_format(
    "bluesky",
    _recognised,
    _Line,
    _post,
    _SAMPLES,
    fields=_FIELDS,
    platform="bluesky",
    resolution=0,
    items=_items,
)
