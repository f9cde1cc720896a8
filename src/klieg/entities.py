"""URLs, hashtags, mentions and repost prefixes found in the text itself.

Many files carry nothing but text: these readers stand in where the columns are empty. The room
knows how people write on platforms; it does not know posts, signals or what an object is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.confusables import DIGIT, IDEOGRAPH, LETTER, kinds
from klieg.normal import url_spans
from klieg.points import cut, points_of, slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.points import Texts
    from klieg.tables import I32, I64, U32, Bool

__all__ = [
    "extract_hashtags",
    "extract_mentions",
    "extract_urls",
    "leading_mentions",
    "split_repost",
]

_TRAILING = [ord(c) for c in ".,;:!?)]}'\"»”’"]
_REPOST = r"(?is)^\s*(?:RT @[\w.\-]+:?\s+)*RT @(?P<author>[\w.\-]*\w):?\s*"


def extract_urls(texts: Texts) -> pa.ListArray:
    """Web addresses as written, in order: with a scheme, ``www.``, or a bare known short link."""
    return _lists(texts, _urls)


def extract_hashtags(texts: Texts) -> pa.ListArray:
    """Hashtags without ``#``, in order, as written; a tag of digits alone is a number."""
    return _lists(texts, _hashtags)


def extract_mentions(texts: Texts) -> pa.ListArray:
    """Handles without ``@``, in order, as written."""
    return _lists(texts, _mentions)


def leading_mentions(texts: Texts) -> I32:
    """(n,) how many mentions open the text before its first other word: a reply's address."""
    counts = [np.zeros(0, np.int32)]
    for part in slices(texts):
        points, ends = points_of(part)
        first, last = _mentions(points)
        row = np.searchsorted(ends, first)
        before = np.concatenate(([0], last[:-1]))[: len(first)]
        begin = np.concatenate(([0], ends[:-1] + 1))[row]
        close = first - 1 - np.maximum(before, begin) <= 1  # at most one space (or dot) between
        broken = np.cumsum(~close)
        opening = np.searchsorted(row, row)
        clean: Bool = broken == broken[opening] - ~close[opening]
        counts.append(np.bincount(row[clean], minlength=len(ends)).astype(np.int32))
    return np.concatenate(counts)


def split_repost(texts: Texts) -> tuple[Texts, Texts]:
    """The text without its ``RT @author:`` prefix, and the author (null where there is none).

    Of nested prefixes the innermost names the author.
    """
    found = pc.extract_regex(texts, _REPOST)
    author = pc.struct_field(found, "author")
    rest = pc.replace_substring_regex(texts, _REPOST, "", max_replacements=1)
    return rest, author


def _lists(texts: Texts, find: Callable[[U32], tuple[I64, I64]]) -> pa.ListArray:
    starts, pieces = [np.zeros(1, np.int32)], [pa.nulls(0, pa.string())]
    for part in slices(texts):
        points, ends = points_of(part)
        first, last = find(points)
        starts.append(starts[-1][-1] + np.searchsorted(first, ends).astype(np.int32))
        pieces.append(cut(points, first, last))
    return pa.ListArray.from_arrays(np.concatenate(starts), pa.concat_arrays(pieces))


def _urls(points: U32) -> tuple[I64, I64]:
    first, last = url_spans(points)
    for _ in range(8):
        last = last - (np.isin(points[last - 1], _TRAILING) & (last > first))
    return first, last


def _words(points: U32) -> tuple[NDArray[np.uint8], Bool]:
    kind = kinds()[points]
    return kind, (kind == LETTER) | (kind == DIGIT) | (kind == IDEOGRAPH)


def _free(points: U32, at: I64, word: Bool) -> I64:
    """Positions where a mark can begin: not inside a word or a URL, and with a word after it."""
    first, last = url_spans(points)
    inside = np.searchsorted(first, at, side="right") > np.searchsorted(last, at, side="right")
    after = word[np.minimum(at + 1, len(points) - 1)]
    return at[after & ~inside & ~((at > 0) & word[np.maximum(at - 1, 0)])]


def _hashtags(points: U32) -> tuple[I64, I64]:
    kind, word = _words(points)
    at = _free(points, np.flatnonzero(np.isin(points, [ord("#"), ord("＃")])), word)
    at = at[points[np.maximum(at - 1, 0)] != ord("&")]
    if not len(at):
        return at, at
    stops = np.flatnonzero(~word)
    last = stops[np.searchsorted(stops, at + 1)]
    letters = np.concatenate(([0], np.cumsum(word & (kind != DIGIT))))
    real = letters[last] > letters[at + 1]
    return at[real] + 1, last[real]


def _mentions(points: U32) -> tuple[I64, I64]:
    kind, _ = _words(points)
    word = (points < 0x80) & ((kind == LETTER) | (kind == DIGIT))
    at = _free(points, np.flatnonzero(np.isin(points, [ord("@"), ord("＠")])), word)
    if not len(at):
        return at, at
    inner = np.isin(points, [ord(c) for c in ".-@"])
    inner[1:] &= word[:-1]
    inner[:-1] &= word[1:]
    stops = np.flatnonzero(~(word | inner))
    return at + 1, stops[np.searchsorted(stops, at + 1)]
