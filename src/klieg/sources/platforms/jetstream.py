"""Bluesky Jetstream v1 frames: posts and reposts are posts, deletions delete, the rest is counted.

Time is ``time_us``, when the stream witnessed the record; ``createdAt`` is the client's claim and
is not used. A post's id is its ``at://`` address, as reposts and replies name it. The room knows
this one format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

_POST, _REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"} or not shape.has("did", "time_us", "kind"):
        return 0.0
    return 0.95 if shape.has("commit.collection") else 0.8


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    whole = peek(source.head).kind == "json"
    stream = documents(source, desk) if whole else records(source, desk)
    posts = _posts(stream, source, desk)
    yield from pack(posts, desk, file=file_name(source), platform="bluesky", resolution=0)


def _posts(
    stream: Iterator[tuple[int, Any]], source: Input, desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, frame in stream:
        commit = frame.get("commit") if isinstance(frame, dict) else None
        if not isinstance(frame, dict) or not (isinstance(commit, dict) or "kind" in frame):
            desk(Reject(source.name, line, None, str(frame)[:200], "not_a_frame"))
            continue
        if not isinstance(commit, dict):
            desk.skip(str(frame["kind"]))
            continue
        collection = str(commit.get("collection"))
        operation = commit.get("operation")
        if collection not in {_POST, _REPOST}:
            desk.skip(collection.removeprefix("app.bsky.").replace(".", "_"))
        elif operation == "delete":
            desk.delete("bluesky", _address(frame, commit))
        else:
            try:
                yield line, _post(frame, commit, collection)
            except (AttributeError, TypeError, KeyError):  # a field of the wrong shape
                desk(Reject(source.name, line, None, str(frame)[:500], "wrong_shape"))


def _address(frame: Mapping[str, Any], commit: Mapping[str, Any]) -> str:
    return f"at://{frame['did']}/{commit['collection']}/{commit['rkey']}"


def _post(frame: Mapping[str, Any], commit: Mapping[str, Any], collection: str) -> dict[str, Any]:
    record = commit["record"]
    common = {
        "post_id": _address(frame, commit),
        "account_id": frame.get("did"),
        "time": frame.get("time_us"),
    }
    if collection == _REPOST:
        original = record["subject"]["uri"]
        return common | {
            "kind": "repost",
            "repost_of": original,
            "repost_of_account": _owner(original),
        }
    reply = record.get("reply") or {}
    parent = (reply.get("parent") or {}).get("uri")
    embed = record.get("embed") or {}
    quoted = _quoted(embed)
    features = [f for facet in record.get("facets") or [] for f in facet.get("features") or []]
    return common | {
        "text": record.get("text"),
        "lang": next(iter(record.get("langs") or []), None),
        "kind": "reply" if parent else "quote" if quoted else "post",
        "reply_to": parent,
        "reply_to_account": _owner(parent),
        "root_id": (reply.get("root") or {}).get("uri"),
        "quote_of": quoted,
        "urls": _urls(features, embed),
        "hashtags": [f["tag"] for f in features if "tag" in f] + (record.get("tags") or []),
        "mentions": [f["did"] for f in features if "did" in f],
        "media": _media(embed),
    }


def _owner(address: str | None) -> str | None:
    return address.removeprefix("at://").split("/", 1)[0] if address else None


def _quoted(embed: Mapping[str, Any]) -> str | None:
    inner = embed.get("record") or {}
    found = inner.get("uri") or (inner.get("record") or {}).get("uri")
    return found if isinstance(found, str) else None


def _urls(features: list[Any], embed: Mapping[str, Any]) -> list[str]:
    card = (embed.get("external") or {}).get("uri")
    card = card or ((embed.get("media") or {}).get("external") or {}).get("uri")
    found = [f["uri"] for f in features if "uri" in f] + ([card] if card else [])
    return list(dict.fromkeys(found))


def _media(embed: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    holder = embed.get("media") or embed
    images = [("image", i.get("image")) for i in holder.get("images") or []]
    blobs = [*images, ("video", holder.get("video"))]
    return [
        # a blob's link is the hash of its bytes: equal pictures have equal links
        {"type": kind, "url": None, "phash": (blob.get("ref") or {}).get("$link")}
        for kind, blob in blobs
        if isinstance(blob, dict)
    ] or None


_SAMPLES = (
    b'{"did":"did:plc:a","time_us":1714557600000001,"kind":"commit","commit":{"operation":"create",'
    b'"collection":"app.bsky.feed.post","rkey":"3k","record":{"text":"hello","langs":["en"],'
    b'"createdAt":"2024-05-01T09:00:00Z"}}}\n'
    b'{"did":"did:plc:b","time_us":1714557601000001,"kind":"commit","commit":{"operation":"create",'
    b'"collection":"app.bsky.feed.repost","rkey":"3l","record":{"createdAt":"2024-05-01T10:00:01Z",'
    b'"subject":{"uri":"at://did:plc:a/app.bsky.feed.post/3k"}}}}\n'
    b'{"did":"did:plc:c","time_us":1714557602000001,"kind":"commit","commit":{"operation":"create",'
    b'"collection":"app.bsky.feed.like","rkey":"3m","record":{}}}\n',
)

source = Format("jetstream", _recognised, _read, _SAMPLES)
