"""The trace of wording: families of exact, near-duplicate and edited texts as objects.

Distinct normal forms are found first; the engine joins them by character 3-grams (copies) and word
2-grams (edited copies); ``families`` gathers what belongs together. Short texts count as exact
copies only, reposts not at all. The room knows texts and similarity, nothing of pairs of accounts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.signals.acts import Shares, act, column, join, ready
from klieg.signals.families import CROWD, gather
from klieg.signals.sharing import is_repost, shorten
from klieg.sockets import silent
from klieg.tables import POSTS, Actions
from klieg.text import has_words, normalise, shingle_codes, token_counts

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine, Progress, Signal
    from klieg.tables import F64, I32, I64, Bool, Posts

__all__ = ["Copies", "copies", "text_families"]

MIN_WORDS, MIN_CHARACTERS = 6, 30
"""Shorter texts are too alike by chance: they count as exact copies only."""


@dataclass(slots=True)
class Copies:
    """Posting the same text, or nearly the same."""

    config: Config
    engine: Engine
    progress: Progress
    name: str = "copies"
    version: str = "1"
    sentence: str = (
        "These {accounts} accounts posted the same or nearly the same {objects} texts within "
        "{window} of each other, {times} times."
    )

    def actions(self, posts: Posts) -> Actions:
        """Who posted a text of which family when; the first time only."""
        rows = np.flatnonzero(
            ~is_repost(posts) & column(posts, "text").is_valid().to_numpy(zero_copy_only=False)
        )
        code, distinct = _distinct_normal_forms(posts, rows, _threads(self.config))
        rows, code = rows[code >= 0], code[code >= 0]
        family = text_families(distinct, self.config, self.engine, self.progress)[code]
        del distinct
        given = ready(posts, self.name)
        key = pc.binary_join_element_wise("family", pa.array(family).cast(pa.string()), " ")
        nothing = pa.nulls(len(rows), pa.string())
        shares = Shares(rows, key, _spelled(posts, rows, family, given.post), nothing)
        found = act(self.name, posts, join(given, shares), repeats="never")
        return replace(found, labels=shorten(found.labels))

    def examples(self) -> Sequence[pa.Table]:
        """Three accounts that post one text in three spellings."""
        start = datetime(2024, 1, 1, tzinfo=UTC)
        text = "Vote for the green bridge on Sunday, our town needs it more than ever"
        rows = [
            {
                "platform": "x",
                "post_id": str(i),
                "account_id": f"a{i}",
                "time": start + timedelta(seconds=20 * i),
                "text": text + end,
            }
            for i, end in enumerate(("", "!!", " https://t.co/a"))
        ]
        return [pa.Table.from_pylist(rows, schema=POSTS)]


def copies(config: Config, **ports: object) -> Signal:
    """Posting the same text, or nearly the same; needs ``engine`` among the ports."""
    engine: Engine = ports["engine"]  # type: ignore[assignment]
    progress: Progress = ports.get("progress", silent)  # type: ignore[assignment]
    return Copies(config, engine, progress)


def _threads(config: Config) -> int:
    return config.threads or os.cpu_count() or 1


def _distinct_normal_forms(posts: Posts, rows: I64, threads: int) -> tuple[I64, pa.Array]:
    """(n,) number of each text's normal form (−1: it says nothing), and the forms in order."""
    spelled = column(posts, "text").take(pa.array(rows)).dictionary_encode()
    spelling, spelled = spelled.indices.to_numpy(), spelled.dictionary
    normal = normalise(spelled, threads=threads)
    del spelled
    empty = pc.invert(pc.fill_null(has_words(normal), False))
    normal = pc.if_else(empty, pa.scalar(None, pa.string()), normal)
    coded = normal.dictionary_encode()
    number = pc.fill_null(coded.indices, -1).to_numpy().astype(np.int64)
    return number[spelling], coded.dictionary


def _spelled(posts: Posts, rows: I64, family: I64, given: I64) -> pa.Array:
    """The text of the first post of each family; null at all others, whose labels nobody asks for.

    Posts with ready-made objects (``given``) name no family.
    """
    own = np.flatnonzero(~np.isin(rows, given))
    first = own[np.unique(family[own], return_index=True)[1]]
    texts = column(posts, "text").take(pa.array(rows[np.sort(first)]))
    place = np.full(len(rows), -1, np.int64)
    place[np.sort(first)] = np.arange(len(first))
    return texts.take(pa.array(place, mask=place < 0))


def text_families(
    distinct: pa.Array, config: Config, engine: Engine, progress: Progress = silent
) -> I64:
    """(n,) family of each distinct normal form, named by its first member."""
    n = len(distinct)
    threads = _threads(config)
    long = (token_counts(distinct, threads=threads) >= MIN_WORDS) & (
        pc.utf8_length(distinct).to_numpy(zero_copy_only=False) >= MIN_CHARACTERS
    )
    rows = np.flatnonzero(long)
    family = np.arange(n)
    if len(rows) < 2:
        return family
    texts = distinct.take(pa.array(rows))
    progress("copies: near-duplicates", 0, 3)
    starts, values = shingle_codes(texts, 3, threads=threads)
    near = engine.near_copies(starts, values, config.copy_jaccard, config.seed)
    crowded = _crowded(near[1], len(rows))
    del values
    progress("copies: edited texts", 1, 3)
    starts, values = shingle_codes(texts, 2, "word", threads=threads)
    edited = engine.similar_sets(starts, values, config.edited_jaccard)
    length = np.diff(starts)
    later = np.where(length[edited[0]] > length[edited[1]], edited[0], edited[1])
    crowded |= _crowded(later, len(rows))
    del values
    progress("copies: families", 2, 3)
    found = gather(len(rows), *_both(near, edited, len(rows)), config.edited_jaccard, crowded)
    family[rows] = rows[found]
    return family


def _crowded(later: I32, n: int) -> Bool:
    """Texts that reached the join's limit: they know only part of their partners."""
    full: Bool = np.bincount(later, minlength=n) >= CROWD
    return full


def _both(near: tuple[I32, I32, F64], edited: tuple[I32, I32, F64], n: int) -> tuple[I32, I32, F64]:
    """The pairs of both joins, each once, with the larger similarity."""
    left = np.concatenate([near[0], edited[0]]).astype(np.int64)
    right = np.concatenate([near[1], edited[1]]).astype(np.int64)
    similarity = np.concatenate([near[2], edited[2]])
    pair = left * n + right
    order = np.lexsort((-similarity, pair))
    first = order[np.diff(pair[order], prepend=-1) != 0]
    return left[first].astype(np.int32), right[first].astype(np.int32), similarity[first]
