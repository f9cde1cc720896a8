"""Mastodon's statuses, and those of servers that speak its API: lines, lists, pages or a stream.

Notifications of favourites are acts, not posts.

Numbers of statuses and accounts mean something on one server only. A status is its ``uri``, which
is the same everywhere; an account is ``name@host`` after its profile's address. What a reply
answers is a number: it becomes the ``uri`` where the answered status is in the same file, and
``server#number`` otherwise. ``content`` is HTML and is read by a parser. The room knows this one
format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from urllib.parse import urlsplit

import msgspec
import pyarrow as pa

from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.inputs import file_name
from klieg.sources.markup import fits, links, plain
from klieg.sources.peek import Peek
from klieg.sources.rows import pack
from klieg.sources.typed import WrongShape, checked, count, ident, told

__all__ = ["source"]

Id = str | int | None


class _Profile(TypedDict, total=False):
    id: Id
    username: str | None
    acct: str | None
    url: str | None
    uri: str | None
    display_name: str | None
    created_at: str | None
    followers_count: Any
    following_count: Any


class _Named(TypedDict, total=False):
    name: str | None
    url: str | None


class _Attached(TypedDict, total=False):
    type: str | None
    url: str | None


class _Status(TypedDict, total=False):
    id: Id
    uri: str | None
    url: str | None
    created_at: str | None
    in_reply_to_id: Id
    in_reply_to_account_id: Id
    spoiler_text: str | None
    visibility: str | None
    language: str | None
    content: str | None
    account: _Profile | None
    reblog: _Status | None
    quote: dict[str, Any] | None
    application: _Named | None
    media_attachments: list[_Attached] | None
    mentions: list[_Profile] | None
    tags: list[_Named] | None
    card: _Named | None
    replies_count: Any
    reblogs_count: Any
    favourites_count: Any


class _Line(_Status, total=False):
    """A status, a page of them, an event of the stream, or a notification."""

    statuses: list[msgspec.Raw] | None
    ancestors: list[msgspec.Raw] | None
    descendants: list[msgspec.Raw] | None
    event: str | None
    payload: Any
    type: Any
    status: _Status | None
    username: str | None
    error: Any


_UPDATES = {"update", "status.update", "notification"}
_decoder = msgspec.json.Decoder(_Line)


@dataclass(slots=True)
class _Known:
    """What a file says about its server's own numbers; a number that means two things is None."""

    statuses: dict[str, str | None] = field(default_factory=dict)
    accounts: dict[str, str | None] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)  # of accounts that are at home on the server

    @property
    def server(self) -> str:
        return next(iter(self.hosts)) if len(self.hosts) == 1 else "?"


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("", "statuses.", "descendants.", "ancestors."):
        if shape.has(*(prefix + key for key in ("content", "account.acct", "created_at"))):
            marked = shape.has(prefix + "reblog") or shape.has(prefix + "visibility")
            return 0.95 if marked else 0.8
    if shape.has("type", "account.acct", "created_at", "status.content"):  # notifications
        return 0.9
    return 0.8 if shape.has("event", "payload", "stream") else 0.0


def _read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
    desk.mapping.update(_FIELDS)
    known = _learned(source)
    posts = told(checked(source, desk, _decoder, _items), desk, _teller(known))
    yield from pack(posts, desk, file=file_name(source), platform="mastodon", resolution=0)


def _items(line: _Line) -> Sequence[msgspec.Raw] | None:
    if "statuses" in line:
        return line["statuses"] or []
    if "ancestors" in line or "descendants" in line:
        return [*(line.get("ancestors") or []), *(line.get("descendants") or [])]
    payload = line.get("payload")
    if line.get("event") in _UPDATES and isinstance(payload, (str, dict)):
        return [msgspec.Raw(payload if isinstance(payload, str) else msgspec.json.encode(payload))]
    return None


def _learned(source: Input) -> _Known:
    """A first look at the file, for what its numbers mean; it complains of nothing."""
    known = _Known()
    for _, line in checked(source, Desk(source.name, lambda reject: None), _decoder, _items):
        for status in (line, line.get("reblog") or {}, line.get("status") or {}):
            _learn(known.statuses, status.get("id"), status.get("uri") or status.get("url"))
            people = [status.get("account") or {}, *(status.get("mentions") or [])]
            for person in people:
                _learn(known.accounts, person.get("id"), _name(person))
                if (acct := person.get("acct")) and "@" not in acct and (host := _host(person)):
                    known.hosts.add(host)
    return known


def _learn(table: dict[str, str | None], number: Id, name: str | None) -> None:
    key = ident(number)
    if key and name and table.setdefault(key, name) != name:
        table[key] = None


def _teller(known: _Known) -> Callable[[_Line, Desk], dict[str, Any] | None]:
    def post(line: _Line, desk: Desk) -> dict[str, Any] | None:
        if line.get("account") and ("content" in line or line.get("reblog")):
            return _told(line, known, desk)
        if "type" in line and line.get("account"):
            return _noticed(line, desk)
        if line.get("event") == "delete":
            gone = known.statuses.get(ident(line.get("payload")) or "")
            if gone:
                desk.delete("mastodon", gone)
            else:
                desk.skip("delete")
            return None
        kind = next((k for k in ("event", "error") if k in line), None)
        desk.skip(kind or ("profile" if "username" in line else "other"))
        return None

    return post


def _noticed(notice: _Line, desk: Desk) -> dict[str, Any] | None:
    """A notification: a favourite is a like, an act; whom the rest were sent to is not said."""
    kind, on = str(notice.get("type")), notice.get("status") or {}
    if kind != "favourite":
        desk.skip(f"notification_{kind}"[:40])
        return None
    return {
        "act": "like",
        "account_id": _name(notice.get("account") or {}),
        "object_id": on.get("uri") or on.get("url"),
        "object_account": _name(on.get("account") or {}),
        "time": notice.get("created_at"),
    }


def _told(status: _Status, known: _Known, desk: Desk) -> dict[str, Any]:
    address = status.get("uri") or status.get("url")
    if not address:
        raise WrongShape("uri", None, "no_id")
    repeated = status.get("reblog") or {}
    said = repeated or status
    account = status.get("account") or {}
    visibility = status.get("visibility")
    if visibility in {"direct", "private"}:
        desk.note("some statuses are not public: sent to one, or to followers only")
    reply_to = ident(status.get("in_reply_to_id"))
    quoted = _quoted(status)
    return {
        "post_id": address,
        "account_id": _name(account),
        "time": status.get("created_at"),
        "text": _text(said),
        "lang": said.get("language"),
        "kind": _kind(repeated, visibility, reply_to, quoted),
        "repost_of": repeated.get("uri") or repeated.get("url"),
        "repost_of_account": _name(repeated.get("account") or {}),
        "reply_to": reply_to and (known.statuses.get(reply_to) or f"{known.server}#{reply_to}"),
        "reply_to_account": known.accounts.get(ident(status.get("in_reply_to_account_id")) or ""),
        "quote_of": None if repeated else quoted,
        "urls": _urls(said, quoted),
        "hashtags": [t.get("name") for t in said.get("tags") or []],
        "mentions": [_name(m) for m in said.get("mentions") or []],
        "media": [
            {"type": m.get("type"), "url": m.get("url"), "phash": None}
            for m in said.get("media_attachments") or []
        ],
        "client": (status.get("application") or {}).get("name"),
        "account": _account(account),
        "metrics": {
            "likes": count(status.get("favourites_count")),
            "reposts": count(status.get("reblogs_count")),
            "replies": count(status.get("replies_count")),
        },
    }


def _kind(
    repeated: _Status, visibility: str | None, reply_to: str | None, quoted: str | None
) -> str:
    if repeated:
        return "repost"
    if visibility == "direct":
        return "message"
    return "reply" if reply_to else "quote" if quoted else "post"


def _text(status: _Status) -> str | None:
    """The warning before the words, if there is one, and the words."""
    content = status.get("content") or ""
    if not fits(content):
        raise WrongShape("content", content, "content_too_long")
    parts = (status.get("spoiler_text"), plain(content))
    return "\n".join(part for part in parts if part) or None


def _urls(status: _Status, quoted: str | None) -> list[str]:
    """Links that lead out: no names, no hashtags, not the quoted status."""
    found = [
        href
        for href, classes in links(status.get("content") or "")
        if not {"mention", "hashtag", "u-url"} & set(classes.split())
    ]
    quote = status.get("quote") or {}
    of = quote.get("quoted_status") or quote
    own = {quoted, of.get("url")} if isinstance(of, dict) else {quoted}
    card = (status.get("card") or {}).get("url")
    return list(dict.fromkeys(u for u in found or ([card] if card else []) if u not in own))


def _quoted(status: _Status) -> str | None:
    quote = status.get("quote") or {}
    of = quote.get("quoted_status") or quote
    address = of.get("uri") or of.get("url") if isinstance(of, dict) else None
    return address if isinstance(address, str) else None


def _name(profile: _Profile) -> str | None:
    """``name@host``, the same wherever the account is seen."""
    username = profile.get("username") or (profile.get("acct") or "").split("@")[0]
    acct = profile.get("acct") or ""
    host = _host(profile) or (acct.partition("@")[2] or None)
    return f"{username}@{host}" if username and host else None


def _host(profile: _Profile) -> str | None:
    try:
        return urlsplit(profile.get("url") or profile.get("uri") or "").netloc.lower() or None
    except ValueError:
        return None


def _account(profile: _Profile) -> dict[str, Any]:
    return {
        "handle": profile.get("acct"),
        "name": profile.get("display_name"),
        "created_at": profile.get("created_at"),
        "followers": count(profile.get("followers_count")),
        "following": count(profile.get("following_count")),
    }


_SAMPLES = (
    b'{"id":"3","uri":"https://m.test/users/ada/statuses/3","created_at":"2024-05-01T10:00:00.000Z",'
    b'"visibility":"public","language":"en","content":"<p>hello<br>all <a href=\\"https://e.org/1\\">'
    b'e.org/1</a></p>","reblog":null,"account":{"id":"7","username":"ada","acct":"ada",'
    b'"url":"https://m.test/@ada"},"tags":[{"name":"day"}],"mentions":[],"media_attachments":[]}\n'
    b'{"id":"4","uri":"https://m.test/users/bob/statuses/4/activity",'
    b'"created_at":"2024-05-01T10:00:05.000Z","visibility":"public","content":"","account":{'
    b'"id":"8","username":"bob","acct":"bob","url":"https://m.test/@bob"},"reblog":{"id":"3",'
    b'"uri":"https://m.test/users/ada/statuses/3","content":"<p>hello</p>","account":{"id":"7",'
    b'"username":"ada","acct":"ada","url":"https://m.test/@ada"}}}\n'
    b'{"id":"5","uri":"https://far.test/users/cyd/statuses/9","created_at":"2024-05-01T10:01:00Z",'
    b'"visibility":"public","in_reply_to_id":"3","in_reply_to_account_id":"7","content":"<p>'
    b'&lt;3</p>","spoiler_text":"mush","reblog":null,"account":{"id":"9","username":"cyd",'
    b'"acct":"cyd@far.test","url":"https://far.test/@cyd"}}\n',
)
_FIELDS = {
    "post_id": "uri",
    "account_id": "account.username @ host of account.url",
    "time": "created_at",
    "text": "spoiler_text, content (of reblog, where there is one)",
    "lang": "language",
    "repost_of": "reblog.uri",
    "reply_to": "in_reply_to_id",
    "quote_of": "quote.quoted_status.uri",
    "urls": "content (links), card.url",
    "hashtags": "tags.name",
    "mentions": "mentions.username @ host of mentions.url",
    "media": "media_attachments.url",
    "client": "application.name",
}

source = Format("mastodon", _recognised, _read, _SAMPLES)
