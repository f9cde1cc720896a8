"""Letters and their scripts: which script a letter is of, and which foreign letters look like it.

The tables are the single-letter, truly similar part of Unicode TR39 (Latin against Cyrillic, Greek,
Armenian, Cherokee, Coptic, Lisu), plus Cyrillic small letters drawn like Latin capitals. They are
small on purpose: TR39's full skeleton also maps m to rn and 1 to l, which would make matching
blind, and it rewrites honest Russian or Greek. Here a letter is exchanged only inside a word that
mixes scripts, or in a word made of look-alikes alone inside a text that is mostly Latin and has no
other letter of theirs. The room knows code points; it does not know posts, URLs or matching.
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


@cache
def _tables() -> tuple[U32, U32, U32, Bool]:
    """To Latin, to Cyrillic, styled to plain (0: stays), and the letters of imitating scripts."""
    foreign = np.isin(scripts(), [SCRIPTS.index(name) for name in _IMITATORS])
    foreign &= kinds() == LETTER
    return _pairs(_ALIKE), _pairs(_BACK), _pairs(_STYLED), foreign


def exchange(points: U32, ends: I64) -> tuple[U32, I64]:
    """Look-alike letters exchanged for what they imitate, and the positions exchanged.

    ``points`` holds several texts, each closed by a character that is no letter at ``ends``.
    Styled letters are made plain too, but are not listed: a style is no disguise.
    """
    to_latin, to_cyrillic, styled, foreign = _tables()
    plain = styled[points]
    out = np.where(plain > 0, plain, points)
    is_foreign = foreign[out]
    if not is_foreign.any():
        return out, np.zeros(0, np.int64)
    is_latin = (scripts()[out] == LATIN) & (kinds()[out] == LETTER)
    latin_rules = _latin_rules(is_latin, is_foreign, ends)
    meet = np.flatnonzero((is_latin[:-1] & is_foreign[1:]) | (is_foreign[:-1] & is_latin[1:]))
    honest = np.add.reduceat(is_foreign & (to_latin[out] == 0), np.append(0, ends[:-1] + 1)) > 0
    lone = np.flatnonzero(is_foreign & np.repeat(latin_rules & ~honest, np.diff(ends, prepend=-1)))
    start, stop = _words(kinds()[out] == LETTER, np.concatenate([meet, lone]))
    if not len(start):
        return out, np.zeros(0, np.int64)
    at, first = _positions(start, stop)
    rules = latin_rules[np.searchsorted(ends, start)]
    latins = np.add.reduceat(is_latin[at], first)
    foreigns = np.add.reduceat(is_foreign[at], first)
    all_latin = np.add.reduceat(is_foreign[at] & (to_latin[out[at]] > 0), first) == foreigns
    all_cyrillic = np.add.reduceat(is_latin[at] & (to_cyrillic[out[at]] > 0), first) == latins
    mixed = (latins > 0) & (foreigns > 0)
    # a word that could be either goes with the rest of its text
    cyrillic = mixed & all_cyrillic & ~(all_latin & rules)
    latin = (mixed & ~cyrillic) | (~mixed & (latins == 0) & all_latin & rules)
    size = stop - start
    new = np.where(np.repeat(cyrillic, size), to_cyrillic[out[at]], 0)
    new = np.where(np.repeat(latin, size), to_latin[out[at]], new)
    hit = new > 0
    out[at[hit]] = new[hit]
    return out, at[hit]


def _latin_rules(is_latin: Bool, is_foreign: Bool, ends: I64) -> Bool:
    """(texts,) whether Latin letters outnumber those of imitating scripts."""
    balance = np.cumsum(is_latin.astype(np.int32) - is_foreign.astype(np.int32))[ends]
    return np.diff(balance, prepend=0) > 0


def _words(letters: Bool, at: I64) -> tuple[I64, I64]:
    """The distinct runs of letters around the given positions, as [start, stop), ascending."""
    if not len(at):
        return at, at
    gaps = np.flatnonzero(~letters)
    after = np.unique(np.searchsorted(gaps, at))
    before = np.where(after > 0, gaps[np.maximum(after - 1, 0)] + 1, 0)
    return before, gaps[after]


def _positions(start: I64, stop: I64) -> tuple[I64, I64]:
    """Every position of the given non-empty ranges, and where each range begins in that list."""
    size = stop - start
    first = np.cumsum(size) - size
    return np.arange(size.sum()) + np.repeat(start - first, size), first
