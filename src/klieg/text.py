"""Texts made comparable: normal form, tokens, shingles, script, shared spans; and safe to print.

Everything works on whole Arrow arrays. The raw text is never changed: the normal form is for
matching only, and spans point into the raw text. The room knows no posts, no signal and no network;
URLs as objects are the work of ``urls``.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.confusables import (
    DIGIT,
    IDEOGRAPH,
    LATIN,
    LETTER,
    SCRIPTS,
    bidi_controls,
    exchange,
    invisible,
    kinds,
    scripts,
)
from klieg.normal import compose, fold, fold_case, shorten
from klieg.points import (
    END,
    by_slice,
    cut,
    decode,
    encode,
    over_slices,
    points_of,
    slices,
    to_arrow,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.points import Texts
    from klieg.tables import I32, I64, U32

    U64 = NDArray[np.uint64]

__all__ = [
    "diff_spans",
    "evasion_marks",
    "folded",
    "has_words",
    "normalise",
    "safe_term",
    "script_of",
    "shingle_codes",
    "token_counts",
    "tokens",
]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_LONGEST = 4_000  # characters that are compared one by one: the work grows with the square
_PILE = 3  # combining marks on one letter that some language needs
_LOW48 = np.uint64((1 << 48) - 1)
_SCHEME = re.compile(r"(?:https?:/(?:/www)?|www)$", re.I)  # what stands before the kept slash
_JOINERS = [ord(c) for c in ".-'’"]
_RIGHT_TO_LEFT = [SCRIPTS.index(s) for s in ("Hebrew", "Arabic", "Syriac", "Thaana")]
_NO_JOINERS = [LATIN, *(SCRIPTS.index(s) for s in ("Greek", "Cyrillic", "Armenian", "Georgian"))]
_ALWAYS = [0x200B, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0x180E]  # no script needs these


def normalise(array: Texts, *, threads: int = 1) -> Texts:
    """The form in which two texts are compared; nulls stay null, the shape stays.

    Invisible characters removed, NFKC, look-alike letters exchanged, case folded, URLs reduced to
    ``/domain``, mentions to ``@``, each run of digits to ``#``, white space and runs of one
    character collapsed (three or more of a letter to two, of anything else to one).
    """
    return by_slice(array, lambda part: to_arrow(fold(points_of(part)[0])[0]), threads)


def folded(array: Texts) -> Texts:
    """Names and tags in one spelling: NFKC, look-alikes exchanged, case folded, and no more."""
    return by_slice(array, lambda part: to_arrow(fold_case(*compose(points_of(part)[0]))[0]))


def evasion_marks(array: Texts) -> I32:
    """(n,) characters per text that only serve to dodge matching; 0 for null.

    Counted: zero-width characters and joiners between letters of scripts that have no use for
    them, direction controls in texts without right-to-left letters, and letters of a foreign script
    in the place of their look-alikes. Emoji sequences and flags are not counted.
    """
    parts = [_marks(part) for part in slices(array)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def script_of(array: Texts) -> pa.Array:
    """(n,) dominant script by number of letters (``Latin``, ``Cyrillic``, …); null if none."""
    return pa.concat_arrays(
        [_scripts(part) for part in slices(array)] or [pa.nulls(0, pa.string())]
    )


def tokens(normal: Texts) -> pa.ListArray:
    """Words of normalised texts; null gives no words.

    A word is a run of letters, digits, ``#`` and ``@``, held together by an inner ``. - ' ’ /``;
    in scripts without spaces every letter is a word.
    """
    starts, pieces = [np.zeros(1, np.int32)], [pa.nulls(0, pa.string())]
    for part in slices(normal):
        points, ends = points_of(part)
        first, last = _token_bounds(points)
        starts.append(starts[-1][-1] + np.searchsorted(first, ends).astype(np.int32))
        pieces.append(cut(points, first, last))
    return pa.ListArray.from_arrays(np.concatenate(starts), pa.concat_arrays(pieces))


def has_words(normal: Texts) -> Texts:
    """Whether a normalised text says anything beside domains, mentions, hashtags and numbers."""
    return pc.match_substring_regex(normal, r"(^|[^\pL\pM\pN/.\-_#@])\pL")


def token_counts(normal: Texts, *, threads: int = 1) -> I32:
    """(n,) words in each normalised text."""

    def count(part: pa.Array) -> I64:
        points, ends = points_of(part)
        return np.diff(np.searchsorted(_token_bounds(points)[0], ends), prepend=0)

    parts = [np.zeros(0, np.int64), *over_slices(normal, count, threads)]
    return np.concatenate(parts).astype(np.int32)


def shingle_codes(
    normal: Texts, n: int = 3, kind: str = "char", *, threads: int = 1
) -> tuple[I64, U64]:
    """Hashed runs of ``n`` characters or words (``kind="word"``) of normalised texts, as sets.

    Text i's codes are ``values[starts[i]:starts[i + 1]]``, sorted and unique, 48 bits each: among
    10⁶ distinct shingles two meet with probability .002. A text shorter than ``n`` has none.
    """
    cut = _word_grams if kind == "word" else _char_grams

    def sets(part: pa.Array) -> tuple[I64, U64]:
        points, ends = points_of(part)
        row, code = cut(points, ends, n)
        # the row stands in the top 16 bits, so one flat sort orders every set at once
        # (rows ascend already, so a merge sort has only short stretches to put in order)
        keys = np.sort((row.astype(np.uint64) << np.uint64(48)) | (code & _LOW48), kind="stable")
        keys = keys[np.diff(keys, prepend=~keys[:1]) != 0]
        rows = (keys >> np.uint64(48)).astype(np.int64)
        return np.bincount(rows, minlength=len(ends)), keys & _LOW48

    # more room than needed, but untouched memory costs nothing, and no second copy is made
    room = pc.sum(pc.binary_length(normal)).as_py() or 0
    values = np.empty(room, np.uint64)
    counts, filled = [np.zeros(1, np.int64)], 0
    for count, codes in over_slices(normal, sets, threads):
        counts.append(count)
        values[filled : filled + len(codes)] = codes
        filled += len(codes)
    return np.cumsum(np.concatenate(counts)), values[:filled]


def diff_spans(a: str, b: str, *, shortest: int = 4) -> list[tuple[int, int]]:
    """Where ``a`` shares its wording with ``b``: ``[start, end)`` characters of the raw ``a``.

    Compared in normal form, so a look-alike letter or another number does not break a span. Spans
    come in order, do not touch, and hold at least ``shortest`` characters in normal form. Of a long
    text only the first 4,000 characters are looked at.
    """
    if not a or not b:
        return []
    a, b = a[:_LONGEST], b[:_LONGEST]
    left, origin = _aligned(a)
    right, _ = _aligned(b)
    spans: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for block in matcher.get_matching_blocks():
        start, stop = _trim(left, block.a, block.a + block.size)
        if stop - start < min(shortest, len(left)) or stop <= start:
            continue
        begin, end = origin[start], origin[stop] if stop < len(left) else len(a)
        end = begin + len(a[begin:end].rstrip())
        if left[start] == "/" and (scheme := _SCHEME.search(a[:begin])):
            begin = scheme.start()
        if spans and begin <= spans[-1][1]:
            begin = spans.pop()[0]
        spans.append((begin, end))
    return spans


def safe_term(text: str) -> str:
    """The text with every control, escape and direction character made visible, fit to print.

    C0 (new lines too), DEL, C1, zero-width and bidi characters, lone surrogates, private characters
    and line separators become ``\\x1b``-style escapes; of accents piled on one letter three stay
    and the others become one ``…``. Everything else stays, the joiners of emoji too.
    """
    if text.isascii() and text.isprintable():
        return text
    shown, pile = [], 0
    for c in text:
        pile = pile + 1 if unicodedata.combining(c) else 0
        if pile <= _PILE:
            shown.append(c if _prints(c) else _escape(ord(c)))
        elif pile == _PILE + 1:
            shown.append("…")
    return "".join(shown)


def _prints(c: str) -> bool:
    if c in "\u200d\ufe0f":  # emoji sequences need them, and they turn nothing
        return True
    return c == " " or (c.isprintable() and unicodedata.category(c) not in {"Cf", "Cs", "Co"})


def _escape(point: int) -> str:
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


# --- what the functions above measure ------------------------------------------------------------


def _marks(part: pa.Array) -> I32:
    points, ends = points_of(part)
    counts = np.zeros(len(ends), np.int64)
    if not len(points) or points.max() < 0x80:
        return counts.astype(np.int32)
    hidden = invisible()[points]
    if hidden.any():
        script, letter = scripts()[points], kinds()[points] == LETTER
        right_to_left = np.isin(script, _RIGHT_TO_LEFT)
        turned = np.add.reduceat(right_to_left, np.concatenate(([0], ends[:-1] + 1))) > 0
        row = np.searchsorted(ends, np.flatnonzero(hidden))
        at = np.flatnonzero(hidden)
        plain = np.isin(script, _NO_JOINERS) & letter
        between = plain[np.maximum(at - 1, 0)] & plain[np.minimum(at + 1, len(plain) - 1)]
        bidi = bidi_controls()[points[at]]
        always = np.isin(points[at], _ALWAYS)
        counts += np.bincount(
            row[(bidi & ~turned[row]) | (~bidi & (between | always))], minlength=len(ends)
        )
    clean, _ = shorten(*compose(points))
    ends = np.flatnonzero(clean == END)
    _, swapped = exchange(clean, ends)
    counts += np.bincount(np.searchsorted(ends, swapped), minlength=len(ends))
    return counts.astype(np.int32)


def _scripts(part: pa.Array) -> pa.Array:
    points, ends = points_of(part)
    code = scripts()[points]
    row = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
    counts = np.bincount(row * len(SCRIPTS) + code, minlength=len(ends) * len(SCRIPTS))
    table = counts.reshape(len(ends), len(SCRIPTS))
    table[:, 0] = 0
    best = table.argmax(axis=1).astype(np.int32)
    names = pa.array([None, *SCRIPTS[1:]], pa.string())
    return names.take(pa.array(best))


def _token_bounds(points: U32) -> tuple[I64, I64]:
    """[first, last) of every word, ascending."""
    kind = kinds()[points]
    word = (kind == LETTER) | (kind == DIGIT) | (kind == IDEOGRAPH)
    word |= (points == ord("#")) | (points == ord("@"))
    inner = np.isin(points, _JOINERS)
    inner[1:] &= word[:-1]
    inner[:-1] &= word[1:]
    word |= inner
    alone = kind == IDEOGRAPH
    begins, stops = word.copy(), word.copy()
    begins[1:] &= ~word[:-1] | alone[1:] | alone[:-1]
    stops[:-1] &= ~word[1:] | alone[1:] | alone[:-1]
    return np.flatnonzero(begins), np.flatnonzero(stops) + 1


def _mix(code: U64) -> U64:
    """A bijection of 64-bit words that spreads every bit (the finaliser of splitmix64)."""
    code = code * _GOLDEN
    code ^= code >> np.uint64(32)
    code *= np.uint64(0xBF58476D1CE4E5B9)
    code ^= code >> np.uint64(29)
    return code


def _char_grams(points: U32, ends: I64, n: int) -> tuple[I64, U64]:
    wide = points.astype(np.uint64) + np.uint64(1)
    size = max(len(points) - n + 1, 0)
    code = np.zeros(size, np.uint64)
    for i in range(n):
        code = (
            (code << np.uint64(21)) ^ wide[i : i + size]
            if i % 3
            else _mix(code) ^ wide[i : i + size]
        )
    row = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))[:size]
    whole = np.arange(size) + n <= ends[row] if size else np.zeros(0, bool)
    return row[whole], _mix(code[whole]) >> np.uint64(16)


def _word_grams(points: U32, ends: I64, n: int) -> tuple[I64, U64]:
    first, last = _token_bounds(points)
    if not len(first):
        return first, first.astype(np.uint64)
    sizes = last - first
    begin = np.cumsum(sizes) - sizes
    step = np.arange(int(sizes.sum()))
    inside = (step - np.repeat(begin, sizes)).astype(np.uint64)
    letters = points[step + np.repeat(first - begin, sizes)].astype(np.uint64)
    word = np.add.reduceat(_mix(letters | (inside << np.uint64(21))), begin)
    row = np.searchsorted(ends, first)
    size = max(len(first) - n + 1, 0)
    code = np.zeros(size, np.uint64)
    for i in range(n):
        code = _mix(code) + word[i : i + size]
    whole = row[:size] == row[n - 1 :]
    return row[:size][whole], _mix(code[whole]) >> np.uint64(16)


def _aligned(text: str) -> tuple[str, list[int]]:
    """A text in normal form and the raw position each of its characters came from."""
    points = encode(text.replace(chr(END), " ") + chr(END))
    folded, origin = fold(points, np.arange(len(points)))
    assert origin is not None
    return decode(folded[:-1]), origin[:-1].tolist()


def _trim(text: str, start: int, stop: int) -> tuple[int, int]:
    while start < stop and text[start] == " ":
        start += 1
    while stop > start and text[stop - 1] == " ":
        stop -= 1
    return start, stop
