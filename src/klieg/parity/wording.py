"""Texts as the toolkit compares them: cleaned for equality, sets of word tokens for likeness.

Lower case, ``@…`` up to the next white space removed, runs of white space to one space. Tokens lie
between the word boundaries of Unicode (UAX 29, as the ``regex`` library has them), so punctuation
is a token and white space is none. Each distinct text is worked on once. The room does not know who
wrote what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import regex

from klieg.engine.similar_acts import Sets
from klieg.errors import InputError
from klieg.parity.intern import Names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klieg.tables import I32

__all__ = ["clean", "cleaned", "token_sets", "tokens"]

CHUNK = 1 << 14
_MENTION = regex.compile(r"@\S*")
_BOUNDARY = regex.compile(r"\b", regex.WORD | regex.V1)


def clean(text: str) -> str:
    """What two texts must have in common to be equal.

    >>> clean("@x @y Vote  NOW!")
    'vote now!'
    """
    return " ".join(_MENTION.sub("", text.lower()).split())


def tokens(text: str) -> set[str]:
    """The words and punctuation marks of a text.

    >>> sorted(tokens("The cat, the mat."))
    [',', '.', 'cat', 'mat', 'the']
    """
    return set(" ".join(_pieces(_MENTION.sub("", text.lower()))).split())


def cleaned(texts: Names) -> I32:
    """(k,) code of the cleaned form of each text; equal forms, equal codes."""
    forms = Names(texts.size)
    codes = [np.zeros(0, np.int32)]
    for chunk in _decoded(texts):
        forms_ = [clean(text).encode("utf-8", "surrogatepass") for text in chunk]
        codes.append(forms.codes(pa.array(forms_, pa.binary())))
    return np.concatenate(codes)


def token_sets(texts: Names) -> tuple[I32, Sets]:
    """(k,) the set of tokens of each text, and the distinct sets."""
    words: dict[str, int] = {}
    known: dict[tuple[int, ...], int] = {}
    codes: list[int] = []
    for chunk in _decoded(texts):
        for text in chunk:
            found = sorted(words.setdefault(word, len(words)) for word in tokens(text))
            codes.append(known.setdefault(tuple(found), len(known)))
    sizes = [0, *map(len, known)]
    flat = np.fromiter((token for one in known for token in one), np.int32, sum(sizes))
    return np.array(codes, np.int32), Sets(np.cumsum(sizes).astype(np.int64), flat)


def _pieces(text: str) -> Iterator[str]:
    """The text cut at its word boundaries; an apostrophe that opens a piece is dropped."""
    ends = [found.start() for found in _BOUNDARY.finditer(text)]
    for first, stop in zip([0, *ends], [*ends, len(text)], strict=True):
        piece = text[first:stop].lstrip(" ")
        yield piece[1:] if piece.startswith("'") else piece


def _decoded(texts: Names) -> Iterator[list[str]]:
    for first in range(0, texts.size, CHUNK):
        chunk = texts.strings(np.arange(first, min(first + CHUNK, texts.size)))
        try:
            yield chunk.cast(pa.large_string()).to_pylist()
        except pa.ArrowInvalid as error:
            raise InputError("a text is not UTF-8; save the file as UTF-8") from error
