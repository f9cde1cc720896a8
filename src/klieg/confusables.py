"""Letters and their scripts: which script a letter is of, and which foreign letters look like it.

The tables are the single-letter, truly similar part of Unicode TR39 (Latin against Cyrillic, Greek,
Armenian, Cherokee, Coptic, Lisu), plus Cyrillic small letters drawn like Latin capitals. They are
small on purpose: TR39's full skeleton also maps m to rn and 1 to l, which would make matching
blind, and it rewrites honest Russian or Greek. Here a letter is exchanged only inside a word that
mixes scripts, or in a word made of look-alikes alone inside a text that has Latin letters and no
honest letter of theirs. The room knows code points; it does not know posts, URLs or matching.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from unicodedata import category

import numpy as np

if TYPE_CHECKING:
    from klieg.tables import I64, U8, U32, Bool

__all__ = [
    "INVISIBLE",
    "LATIN",
    "LETTER",
    "OTHER",
    "SCRIPTS",
    "SPACE",
    "bidi_controls",
    "exchange",
    "invisible",
    "kinds",
    "positions",
    "scripts",
]

_SIZE = 0x110000

OTHER, LETTER, DIGIT, SPACE, IDEOGRAPH, INVISIBLE = range(6)
"""What ``kinds`` tells apart. An ideograph stands for scripts written without spaces."""

_RANGES: tuple[tuple[str, str], ...] = (
    ("Latin", "0041-005A 0061-007A 00AA-00AA 00BA-00BA 00C0-00D6 00D8-00F6 00F8-02AF 1D00-1D25"),
    ("Latin", "1D62-1D65 1D6B-1D77 1D79-1DBE 1E00-1EFF 2C60-2C7F A722-A7FF AB30-AB64 FB00-FB06"),
    ("Greek", "0370-0373 0376-037D 037F-03E1 03F0-03FF 1F00-1FFF"),
    ("Cyrillic", "0400-052F 1C80-1C8F 2DE0-2DFF A640-A69F"),
    ("Armenian", "0531-058F FB13-FB17"),
    ("Hebrew", "0591-05F4 FB1D-FB4F"),
    ("Arabic", "0600-06FF 0750-077F 0870-08FF FB50-FDFF FE70-FEFC"),
    ("Syriac", "0700-074F"),
    ("Thaana", "0780-07BF"),
    ("Devanagari", "0900-097F A8E0-A8FF"),
    ("Bengali", "0980-09FF"),
    ("Gurmukhi", "0A00-0A7F"),
    ("Gujarati", "0A80-0AFF"),
    ("Oriya", "0B00-0B7F"),
    ("Tamil", "0B80-0BFF"),
    ("Telugu", "0C00-0C7F"),
    ("Kannada", "0C80-0CFF"),
    ("Malayalam", "0D00-0D7F"),
    ("Sinhala", "0D80-0DFF"),
    ("Thai", "0E00-0E7F"),
    ("Lao", "0E80-0EFF"),
    ("Tibetan", "0F00-0FFF"),
    ("Myanmar", "1000-109F A9E0-A9FF AA60-AA7F"),
    ("Georgian", "10A0-10FF 1C90-1CBF 2D00-2D2F"),
    ("Hangul", "1100-11FF 3130-318F A960-A97F AC00-D7FF"),
    ("Ethiopic", "1200-139F 2D80-2DDF AB00-AB2F"),
    ("Cherokee", "13A0-13FF AB70-ABBF"),
    ("Khmer", "1780-17FF"),
    ("Mongolian", "1800-180A 1810-18AF"),
    ("Coptic", "03E2-03EF 2C80-2CFF"),
    ("Lisu", "A4D0-A4FF"),
    ("Hiragana", "3041-309F"),
    ("Katakana", "30A0-30FF 31F0-31FF"),
    ("Bopomofo", "3105-312F"),
    ("Han", "2E80-2FDF 3005-3007 3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF"),
)
SCRIPTS = ("", *dict.fromkeys(name for name, _ in _RANGES))
"""Script names by code; 0 is no script (digits, punctuation, emoji, rare scripts)."""
LATIN = SCRIPTS.index("Latin")
_UNSPACED = ("Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar")
_IMITATORS = ("Greek", "Cyrillic", "Armenian", "Cherokee", "Coptic", "Lisu")

_ALIKE = (  # foreign letter, Latin letter, and so on
    "АAВBСCЕEҺhНHІIЈJКKМMОOРPԚQЅSТTѴVԜWХXУYҮYԌGӀI"
    "аaсcԁdеeҽeһhіiјjкkоoрpԛqѕsѵvѡwԝwхxуyүyгrӏlвbмmнhтt"
    "ΑAΒBΕEϜFΗHΙIͿJΚKΜMΝNΟOΡPΤTΥYΧXΖZαaγyηnιiκkνvοoρpσoτtυuϳj"
    "ՕOՏSՍUցgհhոnռnօoզqգqսuաwքf"
    "ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎫJᏦKᏞLᎷMᏢPᎡRᏚSᎢTᏙVᎳWᎩYᏃZ"
    "ⲤCⲎHⲔKⲘMⲚNⲞOⲢPⲦTⲬXⲨYⲥcⲟoⲣp"
    "ꓮAꓐBꓚCꓓDꓰEꓝFꓖGꓧHꓙJꓗKꓡLꓟMꓠNꓳOꓑPꓣRꓢSꓔTꓴUꓦVꓪWꓫXꓬYꓜZꓲI"
)
_BACK = "AАBВCСEЕHНIІJЈKКMМOОPРTТXХYУaаcсeеiіjјkкoоpрsѕxхyу"  # Latin letter, Cyrillic letter
_STYLED = (  # small capitals and phonetic letters: a style NFKC leaves alone
    "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢzɑaɡg"
)
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)
_ZERO_WIDTH = (
    *(0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x200E),
    *range(0x2060, 0x2066),
    *range(0xFE00, 0xFE10),
    *range(0xE0000, 0xE0200),
)


@cache
def scripts() -> U8:
    """(0x110000,) script code of every code point, an index into SCRIPTS."""
    table = np.zeros(_SIZE, np.uint8)
    for name, spans in _RANGES:
        for span in spans.split():
            low, high = (int(end, 16) for end in span.split("-"))
            table[low : high + 1] = SCRIPTS.index(name)
    return table


@cache
def kinds() -> U8:
    """(0x110000,) OTHER, LETTER, DIGIT, SPACE, IDEOGRAPH or INVISIBLE of every code point."""
    table = np.zeros(_SIZE, np.uint8)
    by_category = {"L": LETTER, "M": LETTER, "Z": SPACE}
    for point in range(0x20000):
        name = category(chr(point))
        table[point] = DIGIT if name == "Nd" else by_category.get(name[0], OTHER)
        if name == "Cc":
            table[point] = SPACE
    table[0x20000:0x40000] = LETTER
    table[ord("_")] = LETTER
    codes = [SCRIPTS.index(name) for name in _UNSPACED]
    table[(table == LETTER) & np.isin(scripts(), codes)] = IDEOGRAPH
    table[invisible()] = INVISIBLE
    return table


@cache
def invisible() -> Bool:
    """(0x110000,) zero-width characters, bidi controls, variation selectors and tags."""
    table = np.zeros(_SIZE, bool)
    table[[*_BIDI, *_ZERO_WIDTH]] = True
    return table


@cache
def bidi_controls() -> Bool:
    """(0x110000,) characters that only turn the writing direction."""
    table = np.zeros(_SIZE, bool)
    table[list(_BIDI)] = True
    return table


def _pairs(flat: str) -> U32:
    table = np.zeros(_SIZE, np.uint32)
    for source, target in zip(flat[::2], flat[1::2], strict=True):
        table[ord(source)] = ord(target)
    return table


_STYLE, _NATIVE, _HONEST, _IMITATION, _ELSE = range(1, 6)  # classes of letters; 0 is no letter


@cache
def _tables() -> tuple[U8, U32, U32, U32]:
    """Class of every letter; to Latin, to Cyrillic, styled to plain (0: stays as it is)."""
    to_latin, styled = _pairs(_ALIKE), _pairs(_STYLED)
    imitates = np.isin(scripts(), [SCRIPTS.index(name) for name in _IMITATORS])
    table = np.where(kinds() == LETTER, _ELSE, 0).astype(np.uint8)
    table[(table > 0) & (scripts() == LATIN)] = _NATIVE
    table[(table > 0) & imitates] = _HONEST
    table[(table == _HONEST) & (to_latin > 0)] = _IMITATION
    table[styled > 0] = _STYLE
    return table, to_latin, _pairs(_BACK), styled


def exchange(points: U32, ends: I64) -> tuple[U32, I64]:
    """Look-alike letters exchanged for what they imitate, and the positions exchanged.

    ``points`` holds several texts, each closed by a character that is no letter at ``ends``.
    Styled letters are made plain too, but are not listed: a style is no disguise.
    """
    table, to_latin, to_cyrillic, styled = _tables()
    kind, out = table[points], points
    style = np.flatnonzero(kind == _STYLE)
    if len(style):
        out = points.copy()
        out[style] = styled[points[style]]
        kind[style] = _NATIVE
    native, alike = kind == _NATIVE, kind == _IMITATION
    foreign = alike | (kind == _HONEST)
    if not foreign.any():
        return out, np.zeros(0, np.int64)
    odd = np.flatnonzero(foreign)
    rules, pure = _texts_in_latin(kind, odd, ends)
    meet = np.flatnonzero((native[:-1] & foreign[1:]) | (foreign[:-1] & native[1:]))
    lone = odd[(rules & pure)[np.searchsorted(ends, odd)]]
    start, stop = _words(kind > 0, np.concatenate([meet, lone]))
    if not len(start):
        return out, np.zeros(0, np.int64)
    at, first = positions(start, stop)
    rules = rules[np.searchsorted(ends, start)]
    natives = np.add.reduceat(native[at], first, dtype=np.int64)
    foreigns = np.add.reduceat(foreign[at], first, dtype=np.int64)
    all_latin = np.add.reduceat(alike[at], first, dtype=np.int64) == foreigns
    back = native[at] & (to_cyrillic[out[at]] > 0)
    all_cyrillic = np.add.reduceat(back, first, dtype=np.int64) == natives
    mixed = (natives > 0) & (foreigns > 0)
    # a word that could be either goes with the rest of its text
    cyrillic = mixed & all_cyrillic & ~(all_latin & rules)
    latin = (mixed & ~cyrillic) | (~mixed & (natives == 0) & all_latin & rules)
    size = stop - start
    new = np.where(np.repeat(cyrillic, size), to_cyrillic[out[at]], 0)
    new = np.where(np.repeat(latin, size), to_latin[out[at]], new)
    hit = new > 0
    out = out.copy()
    out[at[hit]] = new[hit]
    return out, at[hit]


def _texts_in_latin(kind: U8, foreign: I64, ends: I64) -> tuple[Bool, Bool]:
    """(texts,) Latin letters alone or in the majority, and: no honest letter of an imitator."""
    row = np.searchsorted(ends, foreign)
    honest = np.bincount(row, kind[foreign] == _HONEST, minlength=len(ends)) > 0
    natives = np.diff(np.cumsum(kind == _NATIVE, dtype=np.int32)[ends], prepend=0)
    foreigns = np.bincount(row, minlength=len(ends))
    return (natives > foreigns) | ((natives > 0) & ~honest), ~honest


def _words(letters: Bool, at: I64) -> tuple[I64, I64]:
    """The distinct runs of letters around the given positions, as [start, stop), ascending."""
    if not len(at):
        return at, at
    gaps = np.flatnonzero(~letters)
    after = np.unique(np.searchsorted(gaps, at))
    before = np.where(after > 0, gaps[np.maximum(after - 1, 0)] + 1, 0)
    return before, gaps[after]


def positions(start: I64, stop: I64) -> tuple[I64, I64]:
    """Every position in the ranges ``[start, stop)``, and where each begins in that list."""
    size = stop - start
    first = np.cumsum(size) - size
    return np.arange(size.sum()) + np.repeat(start - first, size), first
