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
_CHUNK = 1 << 20
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

    ``ids`` (n,) are the post ids. Reposts carry the text, links and hashtags of what they repost,
    nothing of their own. Large worlds come in several chunks, so that no column exists twice.
    """
    order = np.lexsort((ids, draft.time))
    root = _roots(draft)
    accounts = _accounts(people, epoch_ms)
    parts = []
    for first in range(0, max(draft.n, 1), _CHUNK):
        rows = order[first : first + _CHUNK]
        columns = _columns(draft, rows, root, ids, people, names, epoch_ms)
        columns["account"] = accounts.take(pa.array(draft.author[rows]))
        arrays = [columns.get(f.name, _nulls(f, len(rows))) for f in POSTS]
        parts.append(pa.table(arrays, schema=POSTS).combine_chunks())
    return pa.concat_tables(parts)


def _columns(
    draft: Draft,
    rows: I64,
    root: I64,
    ids: I64,
    people: People,
    names: Names,
    epoch_ms: int,
) -> dict[str, pa.Array]:
    kind, ref = draft.kind[rows], draft.ref[rows]
    repost, reply, quote = (kind == KIND[k] for k in ("repost", "reply", "quote"))
    # what a post passes on is the post it passes on
    source = take(draft, np.where(repost, ref, rows))
    target = np.where(ref >= 0, draft.author[ref], -1)
    theirs = np.where(source.ref >= 0, draft.author[source.ref], -1)
    everywhere = np.ones(len(rows), bool)
    return {
        "platform": pa.array(PLATFORMS).take(pa.array(draft.platform[rows])),
        "post_id": _ids(ids, rows, everywhere),
        "account_id": _ids(people.ids, draft.author[rows], everywhere),
        "time": pa.array((draft.time[rows] + epoch_ms) * 1000).cast(TIME),
        "resolution": pa.array(np.zeros(len(rows), np.int32)),
        "text": _texts(source, people, names, theirs),
        "lang": pa.array(names.languages).take(pa.array(source.language)),
        "kind": _KINDS.take(pa.array(kind)),
        "repost_of": _ids(ids, ref, repost),
        "repost_of_account": _ids(people.ids, target, repost),
        "reply_to": _ids(ids, ref, reply),
        "reply_to_account": _ids(people.ids, target, reply),
        "quote_of": _ids(ids, ref, quote),
        "root_id": _ids(ids, root[rows], everywhere),
        "urls": _lists(_urls(source, names)),
        "hashtags": _tag_lists(source, names),
        "mentions": _lists(_pick(people.handle, target, reply)),
        "client": pa.array(CLIENTS).take(pa.array(draft.client[rows])),
    }


def _ids(ids: I64, index: I64, where: Bool) -> pa.Array:
    return pc.cast(pa.array(ids[np.where(where, index, 0)], mask=~where), pa.string())


def _roots(draft: Draft) -> I64:
    root = np.where(draft.kind == KIND["reply"], draft.ref, np.arange(draft.n))
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
