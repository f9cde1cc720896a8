"""Reddit: submissions and comments, from the API (things, listings) or from dumps (one a line).

Ids are full names (``t3_…`` a submission, ``t1_…`` a comment), as replies name them. An account is
its name. Deleted accounts all share the name ``[deleted]``: what they wrote is left out and
counted, since it has no known author. Title and text of a submission are one text. The room knows
this one format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import msgspec

from klieg.sources.desk import Desk
from klieg.sources.peek import Peek
from klieg.sources.typed import WrongShape, count, ident, json_format

__all__ = ["source"]

_GONE = {"[deleted]", "[removed]", "[ Removed by Reddit ]", "[deleted by user]"}
_DELETED = "what deleted accounts wrote was left out: who each of them was is not known"


class _Parent(TypedDict, total=False):
    author: str | None


class _Data(TypedDict, total=False):
    """A submission or comment; a listing."""

    id: str | int | None
    name: str | None
    author: str | None
    created_utc: int | float | str | None
    subreddit: str | None
    body: str | None
    title: str | None
    selftext: str | None
    url: str | None
    permalink: str | None
    is_self: bool | None
    link_id: str | int | None
    parent_id: str | int | None
    crosspost_parent: str | None
    crosspost_parent_list: list[_Parent] | None
    score: Any
    score_hidden: Any
    hide_score: Any
    num_comments: Any
    post_hint: str | None
    replies: Any
    display_name: Any
    children: Any


class _Line(_Data, total=False):
    """A record of a dump, or a thing around one: ``{"kind": "t1", "data": {…}}``."""

    kind: str | None
    data: Any
    error: Any


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"jsonl", "json"}:
        return 0.0
    for prefix in ("data.children.data.", "data.", ""):
        if shape.has(*(prefix + key for key in ("author", "created_utc", "subreddit"))) and any(
            shape.has(prefix + said) for said in ("body", "title", "selftext")
        ):
            return 0.95
    return 0.0


def _items(line: _Line) -> Sequence[msgspec.Raw] | None:
    """Listings are opened, things unwrapped, and the answers nested in a comment laid beside it."""
    if isinstance(data := line.get("data"), dict) and "kind" in line:
        if line["kind"] == "Listing" and isinstance(children := data.get("children"), list):
            return [_packed(child) for child in children]
        if line["kind"] in {"t1", "t3"}:
            return [_packed(data | {"kind": line["kind"]})]
    if isinstance(replies := line.get("replies"), dict):
        alone = {key: value for key, value in line.items() if key != "replies"}
        return [_packed(alone), _packed(replies)]
    return None


def _packed(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _post(line: _Line, desk: Desk) -> dict[str, Any] | None:
    comment = "body" in line
    if not comment and "title" not in line and "selftext" not in line:
        desk.skip(_other(line))
        return None
    if line.get("author") in _GONE:
        desk.skip("deleted_author")
        desk.note(_DELETED)
        return None
    full = line.get("name") if str(line.get("name") or "")[:3] in {"t1_", "t3_"} else None
    own = ident(line.get("id"))
    if not (full or own):
        raise WrongShape("id", None, "no_id")
    common = {
        "post_id": full or f"{'t1' if comment else 't3'}_{own}",
        "account_id": line.get("author"),
        "time": line.get("created_utc"),
        "account": {"handle": line.get("author")},
        "metrics": {
            "likes": None if line.get("score_hidden") or line.get("hide_score") else _score(line),
            "replies": count(line.get("num_comments")),
        },
    }
    return common | (_comment(line) if comment else _submission(line))


def _comment(line: _Line) -> dict[str, Any]:
    parent, root = _full(line.get("parent_id")), _full(line.get("link_id"))
    return {
        "text": _said(line.get("body")),
        "kind": "reply" if str(parent).startswith("t1_") else "comment",
        "reply_to": parent,
        "root_id": root,
    }


def _submission(line: _Line) -> dict[str, Any]:
    parts = (_said(line.get("title")), _said(line.get("selftext")))
    origin = _full(line.get("crosspost_parent"))
    author = next((p.get("author") for p in line.get("crosspost_parent_list") or []), None)
    address = _link(line)
    picture = line.get("post_hint") == "image" or _uploaded(address)
    return {
        "text": "\n\n".join(part for part in parts if part) or None,
        "kind": "repost" if origin else "post",
        "repost_of": origin,
        "repost_of_account": None if author in _GONE else author,
        "urls": [address] if address and not _uploaded(address) and not origin else None,
        "media": [{"type": "image", "url": address, "phash": None}]
        if picture and address
        else None,
    }


def _link(line: _Line) -> str | None:
    """Where a submission leads: nowhere, if to itself."""
    url = line.get("url")
    if not url or line.get("is_self") or not url.startswith("http"):
        return None
    own = ident(line.get("id"))
    return None if own and f"/comments/{own}/" in f"{url}/" else _unescaped(url)


def _uploaded(address: str | None) -> bool:
    """A file that was uploaded with the submission: its address is nobody else's."""
    return bool(address) and any(f"://{host}/" in str(address) for host in _UPLOADS)


_UPLOADS = ("i.redd.it", "v.redd.it", "preview.redd.it", "www.reddit.com/gallery")


def _full(name: str | int | None) -> str | None:
    # (some dumps give numbers here, which do not say of what kind they are)
    return name if isinstance(name, str) and name[:3] in {"t1_", "t3_"} else None


def _said(text: str | None) -> str | None:
    return None if not text or text in _GONE else _unescaped(text)


def _unescaped(text: str) -> str:
    """Reddit escapes three characters, and only these."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _score(line: _Line) -> int | None:
    value = line.get("score")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _other(line: _Line) -> str:
    if line.get("kind") == "more" or "children" in line:
        return "more"
    for key in ("error", "display_name"):
        if key in line:
            return key.replace("display_name", "subreddit")
    return "other"


_SAMPLES = (
    b'{"kind":"Listing","data":{"children":[{"kind":"t3","data":{"id":"aa","name":"t3_aa",'
    b'"author":"ada","created_utc":1714557600.0,"subreddit":"news","title":"A story","selftext":"",'
    b'"url":"https://e.org/1","is_self":false,"score":3,"num_comments":2}}],"after":null}}\n'
    b'{"kind":"t1","data":{"id":"c1","name":"t1_c1","author":"bob","created_utc":1714557605,'
    b'"subreddit":"news","body":"so it &gt; goes","link_id":"t3_aa","parent_id":"t3_aa"}}\n',
    b'{"id":"c2","author":"cyd","created_utc":"1714557609","subreddit":"news","body":"indeed",'
    b'"link_id":"t3_aa","parent_id":"t1_c1","score":1}\n'
    b'{"id":"c3","author":"[deleted]","created_utc":1714557611,"subreddit":"news",'
    b'"body":"[deleted]","link_id":"t3_aa","parent_id":"t1_c1"}\n'
    b'{"id":"ab","author":"dan","created_utc":1714557615,"subreddit":"more","title":"A story",'
    b'"selftext":"","url":"/r/news/comments/aa/a_story/","crosspost_parent":"t3_aa",'
    b'"crosspost_parent_list":[{"author":"ada"}]}\n',
)
_FIELDS = {
    "post_id": "name (t1_ or t3_ before id)",
    "account_id": "author",
    "time": "created_utc",
    "text": "body; title and selftext",
    "repost_of": "crosspost_parent",
    "reply_to": "parent_id",
    "root_id": "link_id",
    "urls": "url",
}

source = json_format(
    "reddit",
    _recognised,
    _Line,
    _post,
    _SAMPLES,
    fields=_FIELDS,
    platform="reddit",
    resolution=1,
    unit=1,
    items=_items,
)
