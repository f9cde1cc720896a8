"""Bluesky's Jetstream, v1 and v2: posts and reposts; likes, follows and blocks as acts.

Deletions delete, of posts and of acts; the rest is counted.

Time is when the stream witnessed the record (``time_us``, v2 ``time``); ``createdAt`` is the
client's claim and is not used. A post's id is its ``at://`` address, as reposts and replies name
it. Frames come as the stream sends them: v1 ``{did, time_us, kind, commit}``, with a ``cursor``
or not; v2 ``{seq, did, time, operation, …}``, bare or inside ``{"payload": …}``. The room knows
frames, not what records say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import msgspec

from klieg.sources.desk import Desk
from klieg.sources.peek import Peek
from klieg.sources.platforms.bluesky_records import (
    ACTS,
    POST,
    REPOST,
    act,
    act_decoder,
    owner,
    post,
    post_decoder,
    repost_decoder,
)
from klieg.sources.platforms.jetstream_fast import COLUMNS, QUERY, shaped
from klieg.sources.queried import fast_or_tolerant
from klieg.sources.typed import WrongShape, decode, json_format

__all__ = ["source"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Commit(TypedDict, total=False):
    operation: str | None
    collection: str | None
    rkey: str | None
    record: msgspec.Raw


class _Status(TypedDict, total=False):
    active: bool | None
    status: str | None


_Names = TypedDict("_Names", {"$type": str | None}, total=False)


class _Frame(_Commit, _Names, total=False):
    """A frame of either version, or the envelope of one."""

    did: str | None
    time_us: Any
    time: Any
    kind: str | None
    commit: _Commit | None
    account: _Status | None
    active: bool | None
    status: str | None
    payload: msgspec.Raw


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    if shape.has("did", "time_us", "kind"):
        return 0.95 if shape.has("commit.collection") else 0.8
    for prefix in ("payload.", ""):
        if shape.has(*(prefix + key for key in ("seq", "did", "time"))):
            return 0.95 if shape.has(prefix + "collection", prefix + "operation") else 0.75
    return 0.0


def _items(frame: _Frame) -> Sequence[msgspec.Raw] | None:
    return [frame["payload"]] if "payload" in frame else None


def _post(frame: _Frame, desk: Desk) -> dict[str, Any] | None:
    commit: _Commit | None = frame if "collection" in frame else frame.get("commit")
    if commit is None:
        _notice(frame, desk)
        return None
    collection, operation = str(commit.get("collection")), commit.get("operation")
    if collection not in {POST, REPOST, *ACTS}:
        desk.skip(collection.removeprefix("app.bsky.").replace(".", "_"))
        return None
    address = _address(frame, commit, collection)
    if operation == "delete":
        desk.delete("bluesky", address)
        return None
    if "record" not in commit:
        raise WrongShape("record" if commit is frame else "commit.record", None, "no_record")
    at = "record" if commit is frame else "commit.record"
    seen = {"account_id": frame.get("did"), "time": _witnessed(frame)}
    if collection in ACTS:
        said = act(decode(commit["record"], act_decoder, desk, at))
        return seen | {"act_id": address, "act": ACTS[collection]} | said
    seen["post_id"] = address
    if collection == POST:
        return seen | post(decode(commit["record"], post_decoder, desk, at))
    original = decode(commit["record"], repost_decoder, desk, at)["subject"].get("uri")
    if not original:
        raise WrongShape(f"{at}.subject.uri", original, "no_subject")
    return seen | {"kind": "repost", "repost_of": original, "repost_of_account": owner(original)}


def _notice(frame: _Frame, desk: Desk) -> None:
    """A frame about an account or the stream: what a deleted account said is taken back."""
    kind = frame.get("kind") or str(frame.get("$type") or "").rpartition("#")[2]
    if not kind:
        raise WrongShape(None, frame, "not_a_frame")
    account: _Status = frame if "active" in frame else frame.get("account") or {}
    if kind == "account" and account.get("status") == "deleted" and frame.get("did"):
        desk.close("bluesky", str(frame["did"]))
    desk.skip(kind)


def _address(frame: _Frame, commit: _Commit, collection: str) -> str:
    for column, value in (("did", frame.get("did")), ("rkey", commit.get("rkey"))):
        if not value:
            raise WrongShape(column, value, f"no_{column}")
    return f"at://{frame['did']}/{collection}/{commit['rkey']}"


def _witnessed(frame: Mapping[str, Any]) -> Any:
    """Microseconds; a time that is none is given as it stands, to be told as such."""
    given = frame.get("time_us") or frame.get("time")
    try:
        seen = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return given
    if seen is None or seen.tzinfo is None:
        return given
    return (seen - _EPOCH) // timedelta(microseconds=1)


_SAMPLES = (
    b'{"did":"did:plc:a","time_us":1714557600000001,"kind":"commit","commit":{"operation":"create",'
    b'"collection":"app.bsky.feed.post","rkey":"3k","record":{"text":"hello","langs":["en"],'
    b'"createdAt":"2024-05-01T09:00:00Z"}}}\n'
    b'{"did":"did:plc:b","time_us":1714557601000001,"kind":"commit","commit":{"operation":"create",'
    b'"collection":"app.bsky.feed.repost","rkey":"3l","record":{"createdAt":"2024-05-01T10:00:01Z",'
    b'"subject":{"uri":"at://did:plc:a/app.bsky.feed.post/3k"}}}}\n'
    b'{"did":"did:plc:c","time_us":1714557602000001,"kind":"commit","commit":{"operation":"create",'
    b'"collection":"app.bsky.feed.like","rkey":"3m","record":{"subject":{'
    b'"uri":"at://did:plc:a/app.bsky.feed.post/3k"}}}}\n'
    b'{"did":"did:plc:a","time_us":1714557603000001,"kind":"identity","identity":{"seq":7}}\n'
    b'{"did":"did:plc:b","time_us":1714557604000001,"kind":"commit","commit":{"operation":"create",'
    b'"collection":"app.bsky.feed.post","rkey":"3n","record":{"text":"see #Day","facets":['
    b'{"features":[{"tag":"Day"},{"uri":"https://e.org/1"},{"did":"did:plc:a"}]}],"reply":{'
    b'"parent":{"uri":"at://did:plc:a/app.bsky.feed.post/3k"},'
    b'"root":{"uri":"at://did:plc:a/app.bsky.feed.post/3k"}},"embed":{"images":[{"image":{"ref":{'
    b'"$link":"bafy1"}}}]}}}}\n',
    b'{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit",'
    b'"seq":7,"did":"did:plc:a","time":"2024-05-01T10:00:00.000001Z","operation":"create",'
    b'"collection":"app.bsky.feed.post","rkey":"3k","record":{"text":"hello","langs":["en"]}}}\n'
    b'{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#account",'
    b'"seq":8,"did":"did:plc:z","time":"2024-05-01T10:00:01Z","active":true}}\n'
    b'{"seq":9,"did":"did:plc:b","time":"2024-05-01T10:00:02Z","operation":"create",'
    b'"collection":"app.bsky.feed.repost","rkey":"3l","record":{"subject":{'
    b'"uri":"at://did:plc:a/app.bsky.feed.post/3k"}}}\n',
)
_FIELDS = {
    "post_id": "did, commit.collection, commit.rkey",
    "account_id": "did",
    "time": "time_us (v2: time), when the stream saw it",
    "text": "commit.record.text",
    "lang": "commit.record.langs",
    "repost_of": "commit.record.subject.uri",
    "reply_to": "commit.record.reply.parent.uri",
    "quote_of": "commit.record.embed.record.uri",
    "root_id": "commit.record.reply.root.uri",
    "urls": "commit.record.facets.features.uri, embed.external.uri",
    "hashtags": "commit.record.facets.features.tag, tags",
    "mentions": "commit.record.facets.features.did",
    "media": "commit.record.embed.images.image.ref",
}

_tolerant = json_format(
    "jetstream",
    _recognised,
    _Frame,
    _post,
    _SAMPLES,
    fields=_FIELDS,
    platform="bluesky",
    resolution=0,
    unit=1_000_000,
    items=_items,
)
source = replace(
    _tolerant,
    reader=fast_or_tolerant(
        _tolerant.reader,
        QUERY,
        COLUMNS,
        _FIELDS,
        platform="bluesky",
        resolution=0,
        shaped=shaped,
    ),
)
