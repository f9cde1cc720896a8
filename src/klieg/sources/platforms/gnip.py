"""X through Gnip: activity streams, one activity a line or in a list.

Ids stand at the end of ``tag:`` and ``id:`` names; they are X's own, so that accounts meet those of
the other X formats. Gnip writes −1 for a count it does not know. The text of a ``long_object``, and
that of a shared activity, is used before the one that is cut short. The room knows this one format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import msgspec

from klieg.sources.desk import Desk
from klieg.sources.peek import Peek
from klieg.sources.platforms.x_v1 import Entities, entity_urls, media_of
from klieg.sources.typed import WrongShape, count, ident, json_format

__all__ = ["source"]


class _Link(TypedDict, total=False):
    link: str | None


class _Actor(TypedDict, total=False):
    id: str | int | None
    preferredUsername: str | None
    displayName: str | None
    postedTime: str | None
    followersCount: Any
    friendsCount: Any
    verified: bool | None


class _Generator(TypedDict, total=False):
    displayName: str | None


class _Long(TypedDict, total=False):
    body: str | None
    twitter_entities: Entities | None
    twitter_extended_entities: Entities | None


class _Activity(_Long, total=False):
    id: str | int | None
    verb: str | None
    postedTime: str | int | float | None
    actor: _Actor | None
    object: _Activity | None
    inReplyTo: _Link | None
    long_object: _Long | None
    twitter_quoted_status: _Activity | None
    twitter_lang: str | None
    generator: _Generator | None
    retweetCount: Any
    favoritesCount: Any
    info: Any
    error: Any
    results: list[msgspec.Raw] | None


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "results."):
        if shape.has(*(prefix + key for key in ("verb", "actor.id", "postedTime"))):
            known = shape.has(prefix + "body") or shape.has(prefix + "actor.preferredUsername")
            return 0.95 if known else 0.6
    return 0.0


def _items(record: _Activity) -> Sequence[msgspec.Raw] | None:
    return record.get("results")


def _post(activity: _Activity, desk: Desk) -> dict[str, Any] | None:
    verb = activity.get("verb")
    if verb in {"post", "share"}:
        return _told(activity)
    if verb == "delete":
        gone = _tail((activity.get("object") or {}).get("id")) or _tail(activity.get("id"))
        if not gone:
            raise WrongShape("object.id", None, "no_id")
        desk.delete("x", gone)
        return None
    desk.skip(next((k for k in ("info", "error") if k in activity), verb or "other"))
    return None


def _told(activity: _Activity) -> dict[str, Any]:
    inner = activity.get("object") or {}
    repeated = inner if activity.get("verb") == "share" else {}
    said = repeated if repeated.get("body") else activity
    full = said.get("long_object") or said
    entities = full.get("twitter_entities") or {}
    quote_of = _tail((activity.get("twitter_quoted_status") or {}).get("id"))
    answered = (activity.get("inReplyTo") or {}).get("link")
    reply_to = _tail(answered)
    own = {_tail(activity.get("id")), _tail(repeated.get("id")), quote_of}
    kind = "repost" if repeated else "reply" if reply_to else "quote" if quote_of else "post"
    actor = activity.get("actor") or {}
    return {
        "post_id": _tail(activity.get("id")),
        "account_id": _tail(actor.get("id")),
        "time": activity.get("postedTime"),
        "text": full.get("body"),
        "lang": activity.get("twitter_lang"),
        "kind": kind,
        "repost_of": _tail(repeated.get("id")),
        "repost_of_account": _tail((repeated.get("actor") or {}).get("id")),
        "reply_to": reply_to,
        "reply_to_account": _answered(answered, activity),
        "quote_of": None if repeated else quote_of,
        "urls": entity_urls(entities, own),
        "hashtags": [h.get("text") for h in entities.get("hashtags") or [] if h],
        "mentions": [m.get("screen_name") for m in entities.get("user_mentions") or [] if m],
        "media": media_of(
            full.get("twitter_extended_entities")
            or said.get("twitter_extended_entities")
            or entities
        ),
        "client": (activity.get("generator") or {}).get("displayName"),
        "account": {
            "handle": actor.get("preferredUsername"),
            "name": actor.get("displayName"),
            "created_at": actor.get("postedTime"),
            "followers": count(actor.get("followersCount")),
            "following": count(actor.get("friendsCount")),
            "verified": actor.get("verified"),
        },
        "metrics": {
            "likes": count(activity.get("favoritesCount")),
            "reposts": count(activity.get("retweetCount")),
        },
    }


def _tail(name: str | int | None) -> str | None:
    """The id at the end of ``tag:search.twitter.com,2005:123`` or of an address."""
    if isinstance(name, str):
        name = name.split("?")[0].rstrip("/").replace("/", ":").rpartition(":")[2]
    return ident(name)


def _answered(link: str | None, activity: Mapping[str, Any]) -> str | None:
    """Whom a reply answers: its link names a handle, the mentions know the id behind it."""
    parts = (link or "").split("/")
    handle = parts[parts.index("statuses") - 1].lower() if "statuses" in parts else None
    entities = activity.get("twitter_entities") or {}
    for mention in entities.get("user_mentions") or []:
        if mention and handle and str(mention.get("screen_name")).lower() == handle:
            return ident(mention.get("id_str")) or ident(mention.get("id"))
    return None


_SAMPLES = (
    b'{"id":"tag:search.twitter.com,2005:3","objectType":"activity","verb":"post",'
    b'"postedTime":"2024-05-01T10:00:00.000Z","body":"hello #Day","actor":{'
    b'"id":"id:twitter.com:7","preferredUsername":"ada","followersCount":-1},'
    b'"object":{"id":"object:search.twitter.com,2005:3","objectType":"note"},'
    b'"twitter_entities":{"hashtags":[{"text":"Day"}]},"twitter_lang":"en"}\n'
    b'{"id":"tag:search.twitter.com,2005:4","objectType":"activity","verb":"share",'
    b'"postedTime":"2024-05-01T10:00:05.000Z","body":"RT @ada: hel","actor":{'
    b'"id":"id:twitter.com:8","preferredUsername":"bob"},"object":{'
    b'"id":"tag:search.twitter.com,2005:3","verb":"post","body":"hello #Day","actor":{'
    b'"id":"id:twitter.com:7"}}}\n'
    b'{"info":{"message":"Replay Request Completed"}}\n'
    b'{"id":"tag:search.twitter.com,2005:5","objectType":"activity","verb":"post",'
    b'"postedTime":"2024-05-01T10:00:09.000Z","body":"@ada indeed","actor":{'
    b'"id":"id:twitter.com:9","preferredUsername":"cyd"},"inReplyTo":{'
    b'"link":"http://twitter.com/ada/statuses/3"},"twitter_entities":{"user_mentions":[{'
    b'"screen_name":"ada","id_str":"7"}]}}\n',
)
_FIELDS = {
    "post_id": "id (its end)",
    "account_id": "actor.id (its end)",
    "time": "postedTime",
    "text": "long_object.body, body (of a share: object.body)",
    "lang": "twitter_lang",
    "repost_of": "object.id of a share",
    "reply_to": "inReplyTo.link",
    "quote_of": "twitter_quoted_status.id",
    "urls": "twitter_entities.urls",
    "hashtags": "twitter_entities.hashtags.text",
    "mentions": "twitter_entities.user_mentions.screen_name",
    "media": "twitter_extended_entities.media.media_url_https",
    "client": "generator.displayName",
}

source = json_format(
    "gnip",
    _recognised,
    _Activity,
    _post,
    _SAMPLES,
    fields=_FIELDS,
    platform="x",
    resolution=1,
    items=_items,
)
