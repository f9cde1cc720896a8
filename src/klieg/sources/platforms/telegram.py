"""Telegram Desktop's ``result.json``: one chat, or all chats of an account, read piece by piece.

``date`` is the exporting computer's local time, with no zone: only ``date_unixtime`` is used, and a
message without it is refused. A channel is an account. A forwarded message is a repost; exports
name whose it was, some by id, none by message, so that its text is the object. An account is
``user…`` or ``channel…`` and a message ``chat/number``, as in the tables of telegram-tracker. The
room knows this one format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

import pyarrow as pa

from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.inputs import beginning, file_name
from klieg.sources.peek import Peek
from klieg.sources.pieces import ANY, members
from klieg.sources.rows import pack
from klieg.sources.typed import WrongShape, convert, ident, told
from klieg.tables import POSTS

__all__ = ["source"]

_LISTS = (
    ("messages",),
    ("chats", "list", ANY, "messages"),
    ("left_chats", "list", ANY, "messages"),
)
_LOCAL = (
    "messages without date_unixtime have local times of an unknown zone only; export them again "
    "with Telegram Desktop 3.4 or later"
)
_BY_NAME = "some forwarded messages say by name only whose they were: equal names count as one"


class _Part(TypedDict, total=False):
    type: str | None
    text: str | None
    href: str | None
    user_id: Any


class _Poll(TypedDict, total=False):
    question: str | list[str | _Part] | None


class _Message(TypedDict, total=False):
    id: str | int | None
    type: str | None
    date: Any
    date_unixtime: str | int | None
    # ("from" is a word of Python's; it is read by its name below)
    from_id: str | int | None
    forwarded_from: str | None
    forwarded_from_id: str | int | None
    reply_to_message_id: str | int | None
    reply_to_peer_id: str | int | None
    text: str | list[str | _Part] | None
    text_entities: list[_Part] | None
    photo: Any
    file: Any
    media_type: str | None
    poll: _Poll | None
    via_bot: str | None


_From = TypedDict("_From", {"from": str | None}, total=False)


class _Line(_Message, _From, total=False):
    """A message with all its keys."""


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("messages.", "chats.list.messages.", "left_chats.list.messages."):
        if shape.has(*(prefix + key for key in ("id", "type", "date"))):
            known = shape.has(prefix + "text") or shape.has(prefix + "from_id")
            return 0.95 if known else 0.7
    # a whole account's export opens with its owner and contacts, for longer than we look
    return 0.8 if shape.has("about", "personal_information.user_id") else 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    desk.mapping.update(_FIELDS)
    yield from _packed(source, desk, torn=True)


def _sample(source: Input, mapping: Mapping[str, str], desk: Desk) -> pa.Table:
    desk.mapping.update(_FIELDS)
    with beginning(source) as short:
        batches = list(_packed(short, desk, torn=False))
    return pa.Table.from_batches(batches, POSTS)


def _packed(source: Input, desk: Desk, *, torn: bool) -> Iterator[pa.RecordBatch]:
    found = ((n, (chat, item)) for n, chat, item in members(source, desk, _LISTS, torn=torn))
    posts = told(found, desk, _post)
    yield from pack(posts, desk, file=file_name(source), platform="telegram", resolution=1, unit=1)


def _post(found: tuple[dict[str, Any], Any], desk: Desk) -> dict[str, Any] | None:
    chat, item = found
    message: _Line = convert(item, _Line)
    kind = message.get("type")
    if kind != "message":
        desk.skip(kind or "other")
        return None
    number = ident(message.get("id"))
    if number is None:
        raise WrongShape("id", None, "no_id")
    if not message.get("date_unixtime"):
        desk.note(_LOCAL)
        raise WrongShape("date", message.get("date"), "local_time_without_date_unixtime")
    where = _chat(chat)
    parts, sender, at_home = _parts(message), _peer(message.get("from_id")), _is_channel(chat)
    return _referred(message, where, desk, at_home) | {
        "post_id": f"{where}/{number}",
        "account_id": sender or (where if at_home else None),
        "time": message.get("date_unixtime"),
        "text": _text(message),
        "urls": None if parts is None else _urls(parts),
        "hashtags": None if parts is None else _of(parts, "hashtag"),
        "mentions": None if parts is None else _mentions(parts),
        "media": _media(message),
        "client": message.get("via_bot"),
        "account": {"name": message.get("from") or (chat.get("name") if at_home else None)},
    }


def _referred(message: _Line, where: str, desk: Desk, at_home: bool) -> dict[str, Any]:
    """What a message repeats or answers."""
    answered = ident(message.get("reply_to_message_id"))
    elsewhere = _peer(message.get("reply_to_peer_id"))
    reply_to = f"{elsewhere or where}/{answered}" if answered else None
    if "forwarded_from" in message or message.get("forwarded_from_id"):
        origin, name = _peer(message.get("forwarded_from_id")), message.get("forwarded_from")
        if origin is None and name:
            desk.note(_BY_NAME)
            origin = f"name:{name}"
        return {"kind": "repost", "repost_of_account": origin}
    kind = "reply" if reply_to else "post" if at_home else "message"
    return {"kind": kind, "reply_to": reply_to}


def _is_channel(chat: Mapping[str, Any]) -> bool:
    return str(chat.get("type")).endswith("_channel")


def _chat(chat: Mapping[str, Any]) -> str:
    """A chat's name in ids: ``channel10`` for channels and supergroups, as Telegram has it."""
    kind, number = str(chat.get("type")), ident(chat.get("id"))
    if number is None:
        return f"chat:{chat.get('name')}"
    if kind.endswith(("_channel", "_supergroup")):
        return f"channel{number}"
    return f"user{number}" if kind in {"personal_chat", "bot_chat"} else f"chat{number}"


def _peer(value: str | int | None) -> str | None:
    """``user7``, ``channel10``; the bare numbers of old exports are users."""
    name = ident(value)
    return f"user{name}" if name and name.isdecimal() else name


def _parts(message: _Line) -> list[_Part] | None:
    """The marked parts of a text; None where an export does not mark any."""
    entities, text = message.get("text_entities"), message.get("text")
    if entities is not None:
        return entities
    return [p for p in text if not isinstance(p, str)] if isinstance(text, list) else None


def _text(message: _Line) -> str | None:
    text = _joined(message.get("text"))
    return text or _joined((message.get("poll") or {}).get("question")) or None


def _joined(text: str | list[str | _Part] | None) -> str:
    if not isinstance(text, list):
        return text or ""
    return "".join(p if isinstance(p, str) else p.get("text") or "" for p in text)


def _of(parts: list[_Part], kind: str) -> list[str]:
    return [text for p in parts if p.get("type") == kind and (text := p.get("text"))]


def _urls(parts: list[_Part]) -> list[str]:
    hidden = [href for p in parts if p.get("type") == "text_link" and (href := p.get("href"))]
    return [u if "://" in u else f"http://{u}" for u in (*_of(parts, "link"), *hidden)]


def _mentions(parts: list[_Part]) -> list[str]:
    ids = [ident(p.get("user_id")) for p in parts if p.get("type") == "mention_name"]
    return [*_of(parts, "mention"), *(f"user{i}" for i in ids if i)]


def _media(message: _Line) -> list[dict[str, Any]]:
    """What kind of media there is; the files lie on the exporter's disk, and are not looked at."""
    kind = message.get("media_type")
    kind = kind or ("photo" if "photo" in message else "file" if "file" in message else None)
    return [{"type": kind, "url": None, "phash": None}] if kind else []


_SAMPLES = (
    b'{"name":"News","type":"public_channel","id":10,"messages":[\n'
    b'{"id":1,"type":"service","date":"2024-05-01T11:59:00","date_unixtime":"1714557540",'
    b'"actor":"News","actor_id":"channel10","action":"create_channel","text":""},\n'
    b'{"id":2,"type":"message","date":"2024-05-01T12:00:00","date_unixtime":"1714557600",'
    b'"from":"News","from_id":"channel10","text":["read ",{"type":"link","text":'
    b'"https://e.org/1"}," ",{"type":"hashtag","text":"#Day"}],"text_entities":[{"type":"plain",'
    b'"text":"read "},{"type":"link","text":"https://e.org/1"},{"type":"hashtag","text":"#Day"}]},\n'
    b'{"id":3,"type":"message","date":"2024-05-01T12:00:05","date_unixtime":"1714557605",'
    b'"from":"News","from_id":"channel10","forwarded_from":"Others","text":"hello",'
    b'"text_entities":[{"type":"plain","text":"hello"}]}]}\n',
    b'{"about":"all","chats":{"list":[{"name":"Talk","type":"public_supergroup","id":11,"messages":[\n'
    b'{"id":5,"type":"message","date":"2024-05-01T12:00:00","date_unixtime":"1714557600",'
    b'"from":"Ada","from_id":"user7","text":"hello","reply_to_message_id":4}]}]}}\n',
)
_FIELDS = {
    "post_id": "chat id, messages.id",
    "account_id": "messages.from_id, or the channel",
    "time": "messages.date_unixtime",
    "text": "messages.text",
    "repost_of_account": "messages.forwarded_from_id, forwarded_from",
    "reply_to": "messages.reply_to_message_id",
    "urls": "messages.text_entities (link, text_link)",
    "hashtags": "messages.text_entities (hashtag)",
    "mentions": "messages.text_entities (mention, mention_name)",
    "client": "messages.via_bot",
}

source = Format("telegram", _recognised, _read, _SAMPLES, _sample)
