"""Posts before they have ids: parallel columns, joined and turned into the POSTS table.

The room knows no behaviour: who posts what and when is decided by the rooms that fill a draft.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.tables import POSTS, TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.sources.simulate.population import People
    from klieg.tables import I32, I64, U8, Bool

__all__ = [
    "CLIENTS",
    "KIND",
    "MAX_TAGS",
    "PLATFORMS",
    "Draft",
    "Names",
    "merge",
    "own",
    "post_ids",
    "table",
    "take",
]

KIND = {"post": 0, "link": 1, "repost": 2, "reply": 3, "quote": 4}
_KINDS = pa.array(["post", "post", "repost", "reply", "quote"])
CLIENTS = (
    *("Android", "iOS", "Web", "Desk", "Scheduler", "StrideLog"),
    *("Station", "Bridge", "Importer", "Advocate", "DailyVerse", "GemQuest"),
)
PLATFORMS = ("x", "bluesky")
MAX_TAGS = 4
_VARIANTS = pa.array(["", "?utm_source=share&utm_medium=social", "?ref=app"])


@dataclass(frozen=True, slots=True)
class Draft:
    """``n`` posts of one component of the world (the ordinary part, one campaign, …)."""

    author: I64  # (n,) row of the world's people
    time: I64  # (n,) milliseconds since the start
    kind: U8  # (n,) KIND
    ref: I64  # (n,) row that is reposted, replied to or quoted, of the ordinary part; −1 none;
    # up to −2 (``own``) a row of this very component
    url: I32  # (n,) index into Names.urls; −1 none
    variant: U8  # (n,) tracking parameters behind the link
    tags: I32  # (n, MAX_TAGS) index into Names.tags; −1 none
    words: pa.Array  # (n,) string; null for reposts
    language: U8  # (n,)
    client: U8  # (n,)
    joint: Bool  # (n,) took part in the component's own behaviour
    platform: U8  # (n,) index into PLATFORMS

    @property
    def n(self) -> int:
        return len(self.author)


@dataclass(frozen=True, slots=True)
class Names:
    """What the indices of a draft stand for."""

    urls: pa.Array
    tags: pa.Array
    languages: tuple[str, ...]


def own(row: I64) -> I64:
    """(n,) how a draft refers to its own rows; the same function leads back."""
    return -2 - row


def take(draft: Draft, rows: NDArray[np.integer] | Bool) -> Draft:
    """The chosen rows, in that order."""
    index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    columns = {n: getattr(draft, n)[index] for n in Draft.__slots__ if n != "words"}
    return Draft(words=draft.words.take(pa.array(index)), **columns)


def merge(parts: list[Draft]) -> Draft:
    """The rows of several drafts, one after the other."""
    columns = {
        n: np.concatenate([getattr(p, n) for p in parts]) for n in Draft.__slots__ if n != "words"
    }
    return Draft(words=pa.concat_arrays([p.words for p in parts]), **columns)


def post_ids(draft: Draft, component: int, epoch_ms: int) -> I64:
    """(n,) ids that ascend with time and are unique: clock, component, running number.

    The rows must be in time order. Another component never changes them.
    """
    running = np.arange(draft.n) % 4096
    return np.asarray(((draft.time + epoch_ms) << 22) + (component << 12) + running, np.int64)


def table(draft: Draft, ids: I64, people: People, names: Names, epoch_ms: int) -> pa.Table:
    """The POSTS table of a draft whose first rows are the ordinary part, ordered by time and id.

    ``ids`` (n,) are the post ids. Reposts carry the text,
    links and hashtags of what they repost, nothing of their own.
    """
    columns = _columns(draft, ids, people, names, epoch_ms)
    out = pa.table([columns.get(f.name, _nulls(f, draft.n)) for f in POSTS], schema=POSTS)
    return out.take(pa.array(np.lexsort((ids, draft.time)))).combine_chunks()


def _columns(
    draft: Draft, ids: I64, people: People, names: Names, epoch_ms: int
) -> dict[str, pa.Array]:
    account = pc.cast(pa.array(people.ids), pa.string())
    post = pc.cast(pa.array(ids), pa.string())
    repost = draft.kind == KIND["repost"]
    reply = draft.kind == KIND["reply"]
    quote = draft.kind == KIND["quote"]
    refers = draft.ref >= 0
    target = np.where(refers, draft.author[draft.ref], -1)
    root = _roots(draft, reply)
    text = _texts(draft, people, names, target)
    origin = np.where(repost, draft.ref, np.arange(draft.n))
    return {
        "platform": pa.array(PLATFORMS).take(pa.array(draft.platform)),
        "post_id": post,
        "account_id": account.take(pa.array(draft.author)),
        "time": pa.array((draft.time + epoch_ms) * 1000).cast(TIME),
        "resolution": pa.array(np.zeros(draft.n, np.int32)),
        "text": text.take(pa.array(origin)),
        "lang": pa.array(names.languages).take(pa.array(draft.language[origin])),
        "kind": _KINDS.take(pa.array(draft.kind)),
        "repost_of": _pick(post, draft.ref, repost),
        "repost_of_account": _pick(account, target, repost),
        "reply_to": _pick(post, draft.ref, reply),
        "reply_to_account": _pick(account, target, reply),
        "quote_of": _pick(post, draft.ref, quote),
        "root_id": post.take(pa.array(root)),
        "urls": _lists(_urls(draft, names)).take(pa.array(origin)),
        "hashtags": _tag_lists(draft, names).take(pa.array(origin)),
        "mentions": _lists(_pick(people.handle, target, reply)),
        "client": pa.array(CLIENTS).take(pa.array(draft.client)),
        "account": _accounts(people, epoch_ms).take(pa.array(draft.author)),
    }


def _roots(draft: Draft, reply: Bool) -> I64:
    root = np.where(reply, draft.ref, np.arange(draft.n))
    for _ in range(8):
        root = root[root]
    return root


def _texts(draft: Draft, people: People, names: Names, target: I64) -> pa.Array:
    reply = (draft.kind == KIND["reply"]) & (target >= 0)
    at = pc.binary_join_element_wise("@", _pick(people.handle, target, reply), "")
    hashes = []
    for k in range(MAX_TAGS):
        index = draft.tags[:, k]
        hashes.append(pc.binary_join_element_wise("#", _pick(names.tags, index, index >= 0), ""))
    casual = pa.array(people.casual[draft.author])
    # a row without any part would vanish from the join: reposts get an empty one
    words = draft.words.fill_null("")
    words = pc.if_else(casual, pc.utf8_lower(words), words)
    parts = [at, words, *hashes, _urls(draft, names)]
    return pc.binary_join_element_wise(*parts, " ", null_handling="skip")


def _urls(draft: Draft, names: Names) -> pa.Array:
    has = (draft.url >= 0) & (draft.kind != KIND["repost"])
    plain = _pick(names.urls, draft.url, has)
    return pc.binary_join_element_wise(plain, _VARIANTS.take(pa.array(draft.variant)), "")


def _tag_lists(draft: Draft, names: Names) -> pa.Array:
    flat = draft.tags.ravel()
    count = (draft.tags >= 0).sum(axis=1)
    values = names.tags.take(pa.array(flat[flat >= 0]))
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    # a list without entries is unknown, hence null
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.r_[count == 0, False]), values)


def _lists(values: pa.Array) -> pa.Array:
    filled = values.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(filled)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets, mask=np.r_[~filled, False]), values.drop_null()
    )


def _pick(values: pa.Array, index: NDArray[np.integer], where: Bool) -> pa.Array:
    safe = np.where(where, index, 0)
    return values.take(pa.array(safe, mask=~where))


def _nulls(field: pa.Field, n: int) -> pa.Array:
    return pa.nulls(n, field.type)


def _accounts(people: People, epoch_ms: int) -> pa.Array:
    joined = ((epoch_ms - people.age * 86_400_000) // 1000 * 1000).astype(np.int64) * 1000
    name = pc.utf8_capitalize(pc.list_element(pc.split_pattern(people.handle, "_"), 0))
    followers = (people.fame * 140).astype(np.int64)
    following = (80 + 30 * np.sqrt(people.rate * people.fame + 1)).astype(np.int64)
    return pa.StructArray.from_arrays(
        [
            people.handle,
            name,
            pa.array(joined).cast(TIME),
            pa.array(followers),
            pa.array(following),
            pa.array(people.fame > 60),
        ],
        fields=list(POSTS.field("account").type),
    )
