"""Pseudonyms: one key gives one name to one account, post or object, everywhere in a case.

HMAC-SHA256 under a secret key. What is an id is learnt from the posts; what is none becomes a
domain, a template or a hash. The room knows ids and labels; it knows no finding and no sentence.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.case.templates import COMMON, defanged, template, words_in_use

if TYPE_CHECKING:
    from klieg.tables import Posts

__all__ = ["ACCOUNT_REFERENCES", "POST_REFERENCES", "Pseudonyms", "pseudonyms_of"]

POST_REFERENCES = ("repost_of", "reply_to", "quote_of", "root_id")
ACCOUNT_REFERENCES = ("repost_of_account", "reply_to_account")
_HOST = re.compile(r"(?:[\w\-]+\.)+[a-z]{2,}(?:/\S*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """What stands for what; one key gives one pseudonym to one thing, everywhere."""

    key: bytes
    posts: frozenset[tuple[str, str]]  # (platform, id) of every post known or referred to
    accounts: frozenset[tuple[str, str]]
    common: frozenset[str]
    platforms: tuple[str, ...]
    signals: frozenset[str]
    cache: dict[tuple[str, str, str], str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str, platform: str, text: str) -> str:
        """The pseudonym of an account, post, handle or object: its initial and 16 hex digits."""
        known = self.cache.get((kind, platform, text))
        if known is None:
            message = "\0".join((kind, platform, text)).encode()
            known = f"{kind[0]}-{hmac.digest(self.key, message, 'sha256').hex()[:16]}"
            self.cache[(kind, platform, text)] = known
        return known

    def person(self, platform: str, text: str) -> str:
        """Whoever is mentioned: an account's pseudonym where the id is known, a handle's if not."""
        known = (platform, text) in self.accounts
        return self.of("account" if known else "handle", platform, text)

    def template(self, text: str) -> str:
        """A text of a post with slots; many posts and labels have one text."""
        known = self.templates.get(text)
        if known is None:
            known = self.templates[text] = template(text, self.common)
        return known

    def label(self, platform: str, text: str) -> str:
        """What an object or target is called in the shared form; platform "": any will do."""
        signal, colon, rest = text.partition(": ")
        if colon and signal in self.signals:  # the multiplex says which signal an object is of
            return f"{signal}: {self.label(platform, rest)}"
        for place in (platform,) if platform else self.platforms:
            for name in (text, text.removeprefix(f"{place}:")):
                for kind, known in (("post", self.posts), ("account", self.accounts)):
                    if (place, name) in known:
                        return self.of(kind, place, name)
        if text[:1] in "@＠":
            return self.person(platform, text[1:])
        tag = self.of("object", "", text)[2:8]
        if any(c.isspace() for c in text) or text[:1] in "#＃":
            return f"{self.template(text)} ({tag})"
        if _HOST.fullmatch(text) and "/" not in text:
            return defanged(text)
        if "://" in text or _HOST.fullmatch(text):
            return f"{defanged(text)}/…{tag}"
        return self.of("object", platform, text)


def pseudonyms_of(posts: Posts, signals: Iterable[str], key: bytes) -> Pseudonyms:
    """What stands for what among these posts, under this key."""
    table = posts.table
    platform = table["platform"].to_pylist()

    def pairs(*columns: str) -> frozenset[tuple[str, str]]:
        return frozenset(
            (place, name)
            for column in columns
            for place, name in zip(platform, table[column].to_pylist(), strict=True)
            if name is not None
        )

    accounts = pairs("account_id", *ACCOUNT_REFERENCES) | _acting(posts)
    handles = pc.unique(pc.struct_field(table["account"].combine_chunks(), "handle")).to_pylist()
    people = {name.casefold() for name in handles if name} | {i.casefold() for _, i in accounts}
    used = _accounts_of_texts(table["text"].combine_chunks(), posts)
    return Pseudonyms(
        key=key,
        posts=pairs("post_id", *POST_REFERENCES),
        accounts=accounts,
        common=frozenset(words_in_use(used, people)),
        platforms=tuple(dict.fromkeys([*platform, *posts.account_platforms.to_pylist()])),
        signals=frozenset(signals),
    )


def _acting(posts: Posts) -> frozenset[tuple[str, str]]:
    """Every account of the run, and those whom acts without text were about."""
    every = zip(posts.account_platforms.to_pylist(), posts.account_ids.to_pylist(), strict=True)
    if posts.acts is None:
        return frozenset(every)
    acts = posts.acts.table.select(["platform", "object_account"]).to_pylist()
    about = ((a["platform"], a["object_account"]) for a in acts if a["object_account"])
    return frozenset((*every, *about))


def _accounts_of_texts(texts: pa.Array, posts: Posts) -> Iterator[tuple[str, list[int]]]:
    """Each distinct text with the accounts that wrote it: as many as decide what is common."""
    coded = texts.dictionary_encode()
    code = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    pairs = np.unique(np.stack([code, posts.account], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] >= 0]
    if not len(pairs):
        return
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    accounts = pairs[:, 1]
    for start, end, text in zip(
        starts, [*starts[1:], len(pairs)], coded.dictionary.to_pylist(), strict=True
    ):
        yield text, accounts[start : min(end, start + COMMON)].tolist()
