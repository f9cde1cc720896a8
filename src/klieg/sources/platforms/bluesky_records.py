"""Bluesky's own records, wherever they are found: what a post or repost record says.

``createdAt`` is the client's claim; when a record was seen, only its surroundings know. Pictures
are named by the hash of their bytes, so that equal pictures have equal names. The room knows
records, not streams or pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import msgspec

__all__ = [
    "ACTS",
    "POST",
    "REPOST",
    "Post",
    "Repost",
    "act",
    "act_decoder",
    "owner",
    "post",
    "post_decoder",
    "repost_decoder",
]

POST, REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"
ACTS: Mapping[str, str] = {
    "app.bsky.feed.like": "like",
    "app.bsky.graph.follow": "follow",
    "app.bsky.graph.block": "block",
}
"""Collections whose records are acts without text."""


class _Link(TypedDict, total=False):
    uri: str | None


class _Reply(TypedDict, total=False):
    parent: _Link | None
    root: _Link | None


class _Feature(TypedDict, total=False):
    uri: str | None
    tag: str | None
    did: str | None


class _Facet(TypedDict, total=False):
    features: list[_Feature | None] | None


class _Image(TypedDict, total=False):
    image: dict[str, Any] | None


class _Quoted(TypedDict, total=False):
    uri: str | None
    record: _Link | None


class _Media(TypedDict, total=False):
    images: list[_Image | None] | None
    video: dict[str, Any] | None
    external: _Link | None


class _Embed(_Media, total=False):
    record: _Quoted | None
    media: _Media | None


class Post(TypedDict, total=False):
    """A record of ``app.bsky.feed.post``."""

    text: str | None
    langs: list[str | None] | None
    createdAt: Any
    reply: _Reply | None
    embed: _Embed | None
    facets: list[_Facet | None] | None
    tags: list[str | None] | None


class _Subject(TypedDict):
    subject: _Link


class Repost(_Subject, total=False):
    """A record of ``app.bsky.feed.repost``."""

    createdAt: Any


class Act(TypedDict):
    """A record of one of ``ACTS``: what was liked, or who was followed or blocked."""

    subject: _Link | str


post_decoder = msgspec.json.Decoder(Post)
repost_decoder = msgspec.json.Decoder(Repost)
act_decoder = msgspec.json.Decoder(Act)


def post(record: Post) -> dict[str, Any]:
    """What a post record says, in the words of POSTS."""
    reply = record.get("reply") or {}
    parent = (reply.get("parent") or {}).get("uri")
    embed = record.get("embed") or {}
    quoted = _quoted(embed)
    facets = [f for f in record.get("facets") or [] if f]
    features = [f for facet in facets for f in facet.get("features") or [] if f]
    return {
        "text": record.get("text"),
        "lang": next(iter(record.get("langs") or []), None),
        "kind": "reply" if parent else "quote" if quoted else "post",
        "reply_to": parent,
        "reply_to_account": owner(parent),
        "root_id": (reply.get("root") or {}).get("uri"),
        "quote_of": quoted,
        "urls": _urls(features, embed),
        "hashtags": [f["tag"] for f in features if f.get("tag")] + (record.get("tags") or []),
        "mentions": [f["did"] for f in features if f.get("did")],
        "media": _media(embed),
    }


def act(record: Act) -> dict[str, Any]:
    """On what, and whose that is, in the words of ACTS."""
    subject = record["subject"]
    if isinstance(subject, str):  # an account
        return {"object_id": subject, "object_account": subject}
    return {"object_id": subject.get("uri"), "object_account": owner(subject.get("uri"))}


def owner(address: str | None) -> str | None:
    """The account in an ``at://`` address; None where it is named by a handle, or not at all."""
    scheme, _, rest = (address or "").partition("://")
    did = rest.split("/", 1)[0]
    return did if scheme == "at" and did.startswith("did:") else None


def _quoted(embed: _Embed) -> str | None:
    inner = embed.get("record") or {}
    return inner.get("uri") or (inner.get("record") or {}).get("uri")


def _urls(features: list[_Feature], embed: _Embed) -> list[str | None]:
    card = (embed.get("external") or {}).get("uri")
    card = card or ((embed.get("media") or {}).get("external") or {}).get("uri")
    found = [f["uri"] for f in features if f.get("uri")]
    return found if not card or card in found else [*found, card]


def _media(embed: _Embed) -> list[dict[str, Any]] | None:
    holder: _Media = embed.get("media") or embed
    blobs = [("image", i.get("image")) for i in holder.get("images") or [] if i]
    return [
        {"type": kind, "url": None, "phash": phash}
        for kind, blob in [*blobs, ("video", holder.get("video"))]
        if blob and (phash := _hash(blob))
    ] or None


def _hash(blob: Mapping[str, Any]) -> Any:
    ref = blob.get("ref")
    return ref.get("$link") if isinstance(ref, dict) else blob.get("cid")
