"""What Zeeschuimer collects in a browser, and 4CAT stores of it: one item a line.

A line wraps what a platform sent: ``{item_id, source_platform, timestamp_collected, data: {…}}``;
in 4CAT's own files the wrapper is ``__import_meta`` beside the data. Each platform's shape stands
in a room of its own. Items of a platform that nobody taught klieg are counted by its name, never
guessed at. The room knows wrappers, no platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from klieg.errors import InputError
from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.inputs import file_name
from klieg.sources.pages import at, items, posts, words_at
from klieg.sources.peek import Peek
from klieg.sources.platforms import zeeschuimer_items
from klieg.sources.rows import pack

__all__ = ["source"]


_FIELDS = {
    "platform": "source_platform",
    **dict.fromkeys(("post_id", "account_id", "time", "text"), "data, each platform its own way"),
}


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    if shape.has("source_platform", "data") and (
        shape.has("item_id") or shape.has("timestamp_collected")
    ):
        return 0.97
    return 0.97 if shape.has("__import_meta.source_platform") else 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    desk.mapping.update(_FIELDS)
    found = posts(items(source, desk, lambda record: None), _made, desk)
    stream = _known(found, source, desk)
    yield from pack(stream, desk, file=file_name(source), platform="unknown", resolution=1)


def _made(record: dict[str, Any]) -> dict[str, Any] | str:
    meta = at(record, "__import_meta")
    holder = meta if isinstance(meta, dict) else record
    data = record if holder is meta else at(record, "data")
    site = zeeschuimer_items.site_of(words_at(holder, "source_platform") or "")
    if not isinstance(data, dict) or not site:
        return "other"
    make = zeeschuimer_items.SITES.get(site)
    if make is None:
        return f"item_of_{site}"
    made = make(data)
    return f"{site}_without_a_post" if made is None else made


def _known(
    stream: Iterator[tuple[int, dict[str, Any]]], source: Input, desk: Desk
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same; an input of nothing but unknown platforms ends in one clear sentence."""
    any_post = False
    for item in stream:
        any_post = True
        yield item
    strangers = sorted(k.removeprefix("item_of_") for k in desk.skipped if k.startswith("item_of_"))
    if strangers and not any_post and not desk.rejected:
        raise InputError(
            f"items of {', '.join(strangers)}, which klieg cannot read yet; known are "
            + ", ".join(sorted(zeeschuimer_items.SITES)),
            path=source.name,
        )
    if strangers:
        desk.note(f"items of {', '.join(strangers)} cannot be read yet: counted, not used")


_SAMPLES = (
    b'{"nav_index":"1:1:0","item_id":"31","timestamp_collected":1714557700000,"source_platform":'
    b'"x.com","source_platform_url":"https://x.com/home","data":{"rest_id":"31","core":'
    b'{"user_results":{"result":{"rest_id":"7","core":{"screen_name":"ada","name":"Ada"}}}},'
    b'"legacy":{"created_at":"Wed May 01 10:00:00 +0000 2024","full_text":"hello #Day",'
    b'"user_id_str":"7","conversation_id_str":"31","entities":{"hashtags":[{"text":"Day"}]}}}}\n'
    b'{"item_id":"44","timestamp_collected":1714557700000,"source_platform":"tiktok.com","data":'
    b'{"id":"44","desc":"hello too","createTime":1714557631,"author":{"id":"9","uniqueId":"bob"},'
    b'"music":{"id":"77"},"stats":{"diggCount":4}}}\n',
    b'{"item_id":"61","source_platform":"x.com","data":{"rest_id":"61","core":{"user_results":'
    b'{"result":{"rest_id":"8","legacy":{"screen_name":"bob"}}}},"legacy":{"created_at":'
    b'"Wed May 01 10:00:20 +0000 2024","full_text":"RT @ada: hel","user_id_str":"8",'
    b'"retweeted_status_result":{"result":{"tweet":{"rest_id":"31","legacy":{"full_text":'
    b'"hello #Day","user_id_str":"7","entities":{"urls":[{"expanded_url":"https://e.org/a"}]}}}}}}}}'
    b'\n{"item_id":"62","source_platform":"instagram.com","data":{"code":"C1","taken_at":1714557602,'
    b'"caption":{"text":"a picture"},"user":{"pk":5,"username":"dee"},"like_count":2}}\n'
    b'{"item_id":"63","source_platform":"tiktok-comments","data":{"cid":"1","aweme_id":"44",'
    b'"text":"yes","create_time":1714557601,"user":{"uid":"8","unique_id":"cid"}}}\n'
    b'{"item_id":"64","source_platform":"linkedin.com","data":{"updateMetadata":{"urn":'
    b'"urn:li:activity:6960882777168695296"},"actor":{"navigationContext":{"actionTarget":'
    b'"https://www.linkedin.com/in/hal"}},"commentary":{"text":{"text":"at work"}}}}\n'
    b'{"item_id":"65","source_platform":"pinterest.com","data":{"id":"p"}}\n',
    b'{"id":"51","created_at":"2024-05-01T10:00:00.000Z","content":"<p>hello</p>","account":'
    b'{"id":"5","username":"cid"},"__import_meta":{"source_platform":"truthsocial.com",'
    b'"timestamp_collected":1714557700000}}\n',
)

source = Format("zeeschuimer", _recognised, _read, _SAMPLES)
