"""Meta Content Library: posts of Facebook, Instagram and Threads, as tables or as API pages.

Keys are dotted in tables (``post_owner.id``) and nested in JSON. Which platform a post stands on is
not said outright: it is told by the kind of its owner, and ``meta`` where that says nothing. The
room knows this one format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from klieg.sockets import Input
from klieg.sources.columns import first_filled, put
from klieg.sources.desk import Desk
from klieg.sources.formats import Format, either
from klieg.sources.frames import Frame
from klieg.sources.inputs import file_name
from klieg.sources.pages import at, count, items, posts, words_at
from klieg.sources.peek import Peek
from klieg.sources.rows import pack
from klieg.sources.tabular import fixed

__all__ = ["source"]

_OWNERS = ("post_owner.id", "post_owner.username", "post_owner.name")
_KINDS = {
    **dict.fromkeys(("page", "profile", "user", "group", "event"), "facebook"),
    **dict.fromkeys(("creator", "business", "personal"), "instagram"),
}
_OWNER, _SITE = "post_owner.id, else username, else name", "(kind of post_owner.type)"
_MAPPING = {
    "platform": _SITE,
    "account_id": _OWNER,
    "post_id": "id",
    "time": "creation_time",
    "text": "text",
    "lang": "lang",
    "hashtags": "hashtags",
    "urls": "link_attachment.link",
    "repost_of": "shared_post_id",
    "handle": "post_owner.username",
    "name": "post_owner.name",
    "likes": ("statistics.reaction_count", "statistics.like_count"),
    "reposts": ("statistics.share_count", "statistics.repost_count"),
    "replies": ("statistics.comment_count", "statistics.reply_count"),
    "views": ("statistics.views", "statistics.view_count"),
}
_FIELDS = {field: c if isinstance(c, str) else c[0] for field, c in _MAPPING.items()}
_NAMELESS = "there are no account numbers in some rows: accounts are known by handle or name"


def _derive(frame: Frame, desk: Desk) -> Frame:
    if first_filled(frame, "post_owner.id").null_count:
        desk.note(_NAMELESS)
    kind = pc.utf8_lower(first_filled(frame, "post_owner.type")).combine_chunks()
    coded = kind.fill_null("").dictionary_encode()
    named = pa.array([_KINDS.get(k, "meta") for k in coded.dictionary.to_pylist()], pa.string())
    place = named.take(coded.indices)
    return put(
        frame,
        {_OWNER: first_filled(frame, *_OWNERS), _SITE: pa.chunked_array([place])},
    )


def _recognised_table(shape: Peek) -> float:
    if shape.kind not in {"csv", "parquet"} or not shape.has("creation_time"):
        return 0.0
    return 0.9 if any(shape.has(owner) for owner in _OWNERS) else 0.0


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "data."):
        if shape.has(prefix + "creation_time") and shape.has(prefix + "post_owner"):
            return 0.95
    return 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    desk.mapping.update(_FIELDS)
    made = posts(items(source, desk, _page), _post, desk)
    yield from pack(made, desk, file=file_name(source), platform="meta", resolution=1)


def _page(record: dict[str, Any]) -> Sequence[Any] | None:
    found = record.get("data")
    return found if isinstance(found, list) else None


def _post(item: dict[str, Any]) -> dict[str, Any] | str:
    if "creation_time" not in item and "post_owner" not in item:
        return "other"
    owner, seen = at(item, "post_owner"), at(item, "statistics")
    handle, name = words_at(owner, "username"), words_at(owner, "name")
    shared = words_at(item, "shared_post_id")
    link = words_at(item, "link_attachment", "link")
    return {
        "platform": _KINDS.get((words_at(owner, "type") or "").lower(), "meta"),
        "post_id": words_at(item, "id"),
        "account_id": words_at(owner, "id") or handle or name,
        "time": words_at(item, "creation_time"),
        "text": at(item, "text"),
        "lang": words_at(item, "lang"),
        "kind": "repost" if shared else "post",
        "repost_of": shared,
        "urls": [link] if link else None,
        "hashtags": at(item, "hashtags"),
        "account": {"handle": handle, "name": name},
        "metrics": {
            "likes": count(seen, "reaction_count", "like_count"),
            "reposts": count(seen, "share_count", "repost_count"),
            "replies": count(seen, "comment_count", "reply_count"),
            "views": count(seen, "views", "view_count"),
        },
    }


_SAMPLES = (
    b"id,creation_time,lang,text,content_type,hashtags,post_owner.id,post_owner.name,"
    b"post_owner.type,post_owner.username,statistics.like_count,statistics.views\n"
    b"81,2024-05-01T10:00:00+00:00,en,hello #day,ALBUM,day,501,Ada,creator,ada.draws,5,900\n"
    b"82,2024-05-01T10:00:07+00:00,en,hello too,IMAGE,,502,Hill,page,hilltimes,,12\n",
    b'{"data":[{"id":"83","creation_time":"2024-05-01T10:00:00+00:00","text":"hello #day",'
    b'"lang":"en","hashtags":["day"],"post_owner":{"id":"501","name":"River News","type":"page"},'
    b'"link_attachment":{"link":"https://e.example/a"},"statistics":{"share_count":2}}],'
    b'"paging":{"cursors":{"after":"x"}}}\n'
    b'{"data":[{"id":"84","creation_time":"2024-05-01T10:00:09+00:00","text":"hello too",'
    b'"post_owner":{"id":"502","type":"page"}}]}\n',
)

_table = fixed(
    "meta_content_library",
    (),
    _MAPPING,
    _SAMPLES[:1],
    derive=_derive,
    reads=(*_OWNERS, "post_owner.type"),
)
source = either(
    "meta_content_library",
    replace(_table, recognised=_recognised_table),
    Format("meta_content_library", _recognised, _read, _SAMPLES[1:]),
)
