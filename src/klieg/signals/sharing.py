"""The traces of sharing: repost, link, domain, hashtags, mention, reply, image, ready-made objects.

Each reads from posts who named which object; ``acts`` makes actions of it. What a post merely
passes on is no act of its own: reposts count as reposts only, and the mentions a reply inherits
from its thread do not count. The room knows columns and texts; nothing of pairs or chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.entities import (
    extract_hashtags,
    extract_mentions,
    extract_urls,
    leading_mentions,
    split_repost,
)
from klieg.signals.acts import TRACES, Shares, act, column, explode, join, per_platform, ready
from klieg.tables import POSTS, Actions
from klieg.text import folded, has_words, normalise
from klieg.urls import SHORTENERS, canonical_url, publisher, registrable_domain

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Signal
    from klieg.tables import I32, I64, Bool, Posts

__all__ = [
    "Sharing",
    "domain",
    "hashtags",
    "image",
    "is_repost",
    "link",
    "mention",
    "ready_made",
    "reply",
    "repost",
]

_MANUAL = r"(?i)^\s*RT @\w"


@dataclass(slots=True)
class Sharing:
    """One trace of sharing: how its shares are read, and how its evidence is worded."""

    name: str
    sentence: str
    read: Callable[[Posts], Shares]
    example: dict[str, object]
    repeats: Literal["never", "daily"] = "daily"
    version: str = "1"

    def actions(self, posts: Posts) -> Actions:
        """Who named which object when: ready-made objects of this trace first, then columns."""
        if self.name == "object":
            shares = self.read(posts)
        else:
            shares = join(ready(posts, self.name), self.read(posts))
        return act(self.name, posts, shares, repeats=self.repeats)

    def examples(self) -> Sequence[pa.Table]:
        """Three accounts that do the same within a minute."""
        start = datetime(2024, 1, 1, tzinfo=UTC)
        rows = [
            {
                "platform": "x",
                "post_id": str(i),
                "account_id": f"a{i}",
                "time": start + timedelta(seconds=20 * i),
                **self.example,
            }
            for i in range(3)
        ]
        return [pa.Table.from_pylist(rows, schema=POSTS)]


def is_repost(posts: Posts) -> Bool:
    """(n,) posts that pass on another post: marked as such, or opening with ``RT @name``."""
    kind = column(posts, "kind")
    manual = pc.fill_null(pc.match_substring_regex(column(posts, "text"), _MANUAL), False)
    plain = pc.fill_null(pc.equal(kind, "post"), True)
    marked = pc.or_(
        pc.fill_null(pc.equal(kind, "repost"), False), pc.is_valid(column(posts, "repost_of"))
    )
    found: Bool = pc.or_(marked, pc.and_(plain, manual)).to_numpy(zero_copy_only=False)
    return found


# --- the traces ----------------------------------------------------------------------------------


def repost(config: Config, **ports: object) -> Signal:
    """Passing on the same post."""
    return Sharing(
        "repost",
        "These {accounts} accounts reposted the same {objects} posts within {window} of each "
        "other, {times} times.",
        _reposts,
        {"kind": "repost", "repost_of": "p1", "repost_of_account": "author"},
        repeats="never",
    )


def link(config: Config, **ports: object) -> Signal:
    """Posting the same link."""
    return Sharing(
        "link",
        "These {accounts} accounts posted the same {objects} links within {window} of each other, "
        "{times} times.",
        _links,
        {"urls": ["https://example.com/a?utm_source=x"]},
    )


def domain(config: Config, **ports: object) -> Signal:
    """Linking to the same site."""
    return Sharing(
        "domain",
        "These {accounts} accounts linked to the same {objects} sites within {window} of each "
        "other, {times} times.",
        _domains,
        {"urls": ["https://news.example.com/a"]},
    )


def hashtags(config: Config, **ports: object) -> Signal:
    """Posting the same three or more hashtags in the same order."""
    return Sharing(
        "hashtags",
        "These {accounts} accounts posted the same {objects} sequences of hashtags within "
        "{window} of each other, {times} times.",
        _hashtags,
        {"hashtags": ["One", "Two", "Three"]},
    )


def mention(config: Config, **ports: object) -> Signal:
    """Naming the same account, unasked."""
    return Sharing(
        "mention",
        "These {accounts} accounts mentioned the same {objects} accounts within {window} of each "
        "other, {times} times.",
        _mentions,
        {"text": "look here @somebody", "mentions": ["somebody"]},
    )


def reply(config: Config, **ports: object) -> Signal:
    """Answering the same post."""
    return Sharing(
        "reply",
        "These {accounts} accounts replied to the same {objects} posts within {window} of each "
        "other, {times} times.",
        _replies,
        {"kind": "reply", "reply_to": "p1", "reply_to_account": "author"},
    )


def image(config: Config, **ports: object) -> Signal:
    """Posting the same picture, by its perceptual hash."""
    return Sharing(
        "image",
        "These {accounts} accounts posted the same {objects} pictures within {window} of each "
        "other, {times} times.",
        _images,
        {"media": [{"type": "photo", "phash": "f0e1d2c3b4a59687"}]},
    )


def ready_made(config: Config, **ports: object) -> Signal:
    """Acting on the same ready-made object of a trace klieg has no signal for."""
    return Sharing(
        "object",
        "These {accounts} accounts acted on the same {objects} objects within {window} of each "
        "other, {times} times.",
        lambda posts: ready(posts, *TRACES, others=True),
        {"objects": [{"trace": "object_id", "id": "o1"}]},
    )


# --- how each is read ----------------------------------------------------------------------------


def _shares(rows: I64, key: pa.Array, target: pa.Array | None = None) -> Shares:
    """Shares of the non-null keys, labelled by their keys."""
    good = key.is_valid()
    target = pa.nulls(len(key), pa.string()) if target is None else target
    rows = rows[good.to_numpy(zero_copy_only=False)]
    key, target = key.filter(good), target.filter(good)
    return Shares(rows, key, key, target)


def _reposts(posts: Posts) -> Shares:
    known = column(posts, "repost_of")
    rows = np.flatnonzero(known.is_valid().to_numpy(zero_copy_only=False))
    ids = per_platform(posts, rows, known.take(pa.array(rows)))
    return join(_shares(rows, ids, _authors(posts, rows, ids)), _reposted_texts(posts))


def _authors(posts: Posts, rows: I64, ids: pa.Array) -> pa.Array:
    """Authors of reposted posts: as given, else as the reposted post itself says."""
    every = np.arange(posts.n)
    own = per_platform(posts, every, column(posts, "post_id"))
    found = pc.index_in(ids, own)
    account = per_platform(posts, every, column(posts, "account_id"))
    given = column(posts, "repost_of_account").take(pa.array(rows))
    return pc.coalesce(per_platform(posts, rows, given), account.take(found))


def _reposted_texts(posts: Posts) -> Shares:
    """Reposts without the id of what they repost: their text is the object."""
    lone = is_repost(posts) & column(posts, "repost_of").is_null().to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(lone & column(posts, "text").is_valid().to_numpy(zero_copy_only=False))
    take = pa.array(rows)
    raw, author = split_repost(column(posts, "text").take(take))
    given = per_platform(posts, rows, column(posts, "repost_of_account").take(take))
    named = pc.binary_join_element_wise("@", pc.utf8_lower(author), "")
    normal = normalise(raw)
    key = pc.if_else(pc.fill_null(has_words(normal), False), normal, pa.scalar(None, pa.string()))
    shares = _shares(rows, key, pc.coalesce(given, named))
    return Shares(shares.post, shares.key, shorten(raw.filter(key.is_valid())), shares.target)


def shorten(texts: pa.Array, length: int = 120) -> pa.Array:
    """Texts on one line, cut to ``length`` characters."""
    line = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"\s+", " "))
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(line, 0, length - 1), "…", "")
    return pc.if_else(pc.greater(pc.utf8_length(line), length), cut, line)


def _own(posts: Posts, name: str, extract: Callable[[pa.Array], pa.Array]) -> tuple[I64, pa.Array]:
    """(rows, values) of a list column of posts that are no reposts.

    Where a source file never fills the column, it is read from the texts instead.
    """
    lists = column(posts, name)
    file = pc.fill_null(column(posts, "source_file"), "").dictionary_encode()
    code = file.indices.to_numpy()
    own = ~is_repost(posts)
    filled = np.bincount(code, lists.is_valid().to_numpy(zero_copy_only=False)) > 0
    rows, values = explode(lists)
    good = own[rows]
    rows, values = rows[good], values.filter(pa.array(good))
    bare = np.flatnonzero(own & ~filled[code]) if posts.n else rows[:0]
    if not len(bare):
        return rows, values
    more, found = explode(extract(column(posts, "text").take(pa.array(bare))))
    rows = np.concatenate([rows, bare[more]])
    order = np.argsort(rows, kind="stable")
    return rows[order], pa.concat_arrays([values, found]).take(pa.array(order))


def _canonical_links(posts: Posts) -> tuple[I64, pa.Array]:
    rows, values = _own(posts, "urls", extract_urls)
    urls = canonical_url(values)
    status = pc.struct_field(
        pc.extract_regex(urls, r"^https://twitter\.com/[^/]+/status/(?P<id>\d+)$"), "id"
    )
    take = pa.array(rows)
    quote = column(posts, "quote_of").take(take)
    quoting = pc.fill_null(pc.equal(column(posts, "kind").take(take), "quote"), False)
    # the post itself (its picture), or what it quotes: no link that anybody chose to share
    own = pc.fill_null(pc.equal(status, column(posts, "post_id").take(take)), False)
    own = pc.or_(own, pc.fill_null(pc.equal(status, quote), False))
    unknown = pc.and_(quoting, pc.and_(pc.is_null(quote), pc.is_valid(status)))
    good = pc.and_(pc.is_valid(urls), pc.invert(pc.or_(own, unknown)))
    return rows[good.to_numpy(zero_copy_only=False)], urls.filter(good)


def _links(posts: Posts) -> Shares:
    rows, urls = _canonical_links(posts)
    return _shares(rows, urls, publisher(urls))


def _domains(posts: Posts) -> Shares:
    rows, urls = _canonical_links(posts)
    sites = registrable_domain(urls)
    opaque = pc.is_in(sites, pa.array(sorted(SHORTENERS)))
    return _shares(rows, pc.if_else(opaque, pa.scalar(None, pa.string()), sites))


def _hashtags(posts: Posts) -> Shares:
    rows, tags = _own(posts, "hashtags", extract_hashtags)
    begin = np.flatnonzero(np.diff(rows, prepend=-1))
    size = np.diff(np.append(begin, len(rows)))
    long = np.repeat(size >= 3, size)
    rows, tags = rows[long], folded(tags.filter(pa.array(long)))
    tags = pc.binary_join_element_wise("#", pc.utf8_ltrim(tags, "#"), "")
    begin = np.flatnonzero(np.diff(rows, prepend=-1))
    offsets = pa.array(np.append(begin, len(rows)), pa.int32())
    return _shares(rows[begin], pc.binary_join(pa.ListArray.from_arrays(offsets, tags), " "))


def _mentions(posts: Posts) -> Shares:
    """Names an account brought up itself.

    Inherited from the thread, and no act: in a reply every name that its own words do not hold, and
    the run of names that opens it. A text that opens with two or more names is taken for a reply
    even where no column says so.
    """
    rows, names = _own(posts, "mentions", extract_mentions)
    names = pc.utf8_lower(pc.utf8_ltrim(names, "@"))
    opening = _opening(posts)
    strict = _is_reply(posts) | (opening >= 2)
    free = ~strict[rows]
    threads = np.flatnonzero(strict & ~is_repost(posts))
    at, written = explode(extract_mentions(column(posts, "text").take(pa.array(threads))))
    spoken = np.arange(len(at)) - np.searchsorted(at, at) >= opening[threads][at]
    rows = np.concatenate([rows[free], threads[at[spoken]]])
    names = pa.concat_arrays(
        [names.filter(pa.array(free)), pc.utf8_lower(written.filter(pa.array(spoken)))]
    )
    order = np.argsort(rows, kind="stable")
    return _shares(rows[order], per_platform(posts, rows[order], names.take(pa.array(order))))


def _opening(posts: Posts) -> I32:
    """(n,) how many names open each text; only those that begin with one are looked at."""
    text = column(posts, "text")
    begins = pc.fill_null(pc.match_substring_regex(text, r"^[\s.]*[@＠]"), False)
    count = np.zeros(posts.n, np.int32)
    count[begins.to_numpy(zero_copy_only=False)] = leading_mentions(text.filter(begins))
    return count


def _is_reply(posts: Posts) -> Bool:
    marked = pc.fill_null(pc.equal(column(posts, "kind"), "reply"), False)
    for name in ("reply_to", "reply_to_account"):
        marked = pc.or_(marked, pc.is_valid(column(posts, name)))
    found: Bool = marked.to_numpy(zero_copy_only=False)
    return found


def _replies(posts: Posts) -> Shares:
    known = column(posts, "reply_to")
    rows = np.flatnonzero(known.is_valid().to_numpy(zero_copy_only=False) & ~is_repost(posts))
    take = pa.array(rows)
    ids = per_platform(posts, rows, known.take(take))
    to = per_platform(posts, rows, column(posts, "reply_to_account").take(take))
    return _shares(rows, ids, to)


def _images(posts: Posts) -> Shares:
    rows, media = explode(column(posts, "media"))
    own = ~is_repost(posts)[rows]
    return _shares(rows[own], pc.utf8_lower(pc.struct_field(media, "phash").filter(pa.array(own))))
