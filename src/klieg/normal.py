"""The normal form in which texts are compared, rule by rule, on arrays of code points.

An array holds many texts, each closed by ``points.END``. Every rule takes such points with the
positions they came from (or None where nobody asks) and gives both back, so that a span in the
normal form can be found again in the raw text. The room knows characters; not Arrow, posts or
what is compared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from klieg.confusables import DIGIT, IDEOGRAPH, LETTER, SPACE, exchange, invisible, kinds, positions
from klieg.points import END, decode, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I64, U32, Bool

    Origin = I64 | None

__all__ = ["compose", "fold", "fold_case", "shorten", "url_spans"]

_SIZE = 0x110000
_BARE = ("t.co", "pic.twitter.com")  # short links that posts carry without a scheme
_JAMO = (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))
_SPACE, _HASH, _AT, _DOT, _SLASH, _COLON, _DASH = (ord(c) for c in " #@./:-")


def fold(points: U32, origin: Origin = None) -> tuple[U32, Origin]:
    """Texts in normal form, as ``text.normalise`` describes it; ``origin`` follows along."""
    if _wide(points):
        points, origin = compose(points, origin)
    return _collapse(*fold_case(*shorten(points, origin)))


def fold_case(points: U32, origin: Origin = None) -> tuple[U32, Origin]:
    """Texts in one case, look-alike letters exchanged."""
    lower = _lower()
    if not _wide(points):
        return lower[points], origin
    points, _ = exchange(points, np.flatnonzero(points == END))
    folded = lower[points]
    points, origin = _rewrite(folded, origin, folded == 0, folded == 0, str.casefold, points)
    return _compose(points, origin)


def _wide(points: U32) -> bool:
    return len(points) > 0 and bool(points.max() >= 0x80)


def compose(points: U32, origin: Origin = None) -> tuple[U32, Origin]:
    """Texts without invisible characters, in Unicode's NFKC."""
    keep = ~invisible()[points]
    if not keep.all():
        points, origin = points[keep], origin if origin is None else origin[keep]
    return _compose(points, origin)


def _compose(points: U32, origin: Origin) -> tuple[U32, Origin]:
    """NFKC, spent only on the stretches that may change: the rest is known to be stable."""
    loose = _loose()[points]
    inside = loose.copy()
    inside[:-1] |= loose[1:]  # what a loose character may join stands right before it
    inside &= points != END
    begins = inside & ~loose
    begins[1:] |= inside[1:] & ~inside[:-1]
    begins[:1] = inside[:1]
    return _rewrite(points, origin, inside, begins, _nfkc, points)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@cache
def _loose() -> Bool:
    """(0x110000,) characters NFKC may change, move, or join to the one before."""
    table = np.zeros(_SIZE, bool)
    table[list(_JAMO)] = True
    table[0x2F800:0x2FA20] = True
    for point in range(0x20000):
        c = chr(point)
        table[point] |= bool(unicodedata.combining(c)) or not unicodedata.is_normalized("NFKC", c)
        parts = unicodedata.decomposition(c).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            table[int(parts[1], 16)] = True
    return table


@cache
def _lower() -> U32:
    """(0x110000,) simple case folding; 0 where one character becomes several."""
    table = np.arange(_SIZE, dtype=np.uint32)
    for point in range(0x20000):
        folded = chr(point).casefold()
        table[point] = ord(folded) if len(folded) == 1 else 0
    return table


def _rewrite(
    points: U32,
    origin: Origin,
    inside: Bool,
    begins: Bool,
    rule: Callable[[str], str],
    source: U32,
) -> tuple[U32, Origin]:
    """Replace each stretch of ``inside`` (one starts at every ``begins``) by ``rule`` of it.

    The rule sees the stretches of ``source``, parted by ``END``, in one string.
    """
    at = np.flatnonzero(inside)
    if not len(at):
        return points, origin
    first = np.flatnonzero(begins[at])
    parted = np.insert(source[at], first[1:], END)
    new = encode(rule(decode(parted)))
    cuts = np.flatnonzero(new == END)
    sizes = np.diff(np.concatenate(([-1], cuts, [len(new)]))) - 1
    new = new[new != END]
    width = np.ones(len(points), np.int64)
    width[at] = 0
    width[at[first]] = sizes
    out = np.repeat(points, width)
    place = np.cumsum(width) - width
    out[np.repeat(place[at[first]] - np.cumsum(sizes) + sizes, sizes) + np.arange(len(new))] = new
    return out, origin if origin is None else np.repeat(origin, width)


def shorten(points: U32, origin: Origin) -> tuple[U32, Origin]:
    """URLs to ``/domain``, handles to ``@``, digits to ``#``, white space to spaces."""
    kind = kinds()[points]
    points = points.copy()
    drop = np.zeros(len(points), bool)
    hosts = _urls(points, kind, drop)
    word = (kind == LETTER) | (kind == DIGIT)
    _handles(points, word, drop)
    points[(kind == DIGIT) & ~hosts] = _HASH
    points[(kind == SPACE) & (points != END)] = _SPACE
    if not drop.any():
        return points, origin
    return points[~drop], origin if origin is None else origin[~drop]


def _urls(points: U32, kind: NDArray[np.uint8], drop: Bool) -> Bool:
    """Mark all of each URL but ``/domain`` in ``drop``; give back where the domains stand."""
    hosts = np.zeros(len(points), bool)
    start, host, end = _url_starts(points, kind)
    if not len(start):
        return hosts
    blank = _blanks(points, kind)
    stop = blank[np.searchsorted(blank, start)]
    outer = np.diff(stop, prepend=-1) > 0  # a URL inside a URL belongs to it
    start, host, stop, end = start[outer], host[outer], stop[outer], end[outer]
    foreign = np.flatnonzero(
        ~((kind == LETTER) | (kind == DIGIT) | (points == _DOT) | (points == _DASH))
    )
    end = np.where(end < 0, np.minimum(foreign[np.searchsorted(foreign, host)], stop), end)
    drop[positions(start, host)[0]] = True
    drop[positions(end, stop)[0]] = True
    hosts[positions(host, end)[0]] = True
    points[host - 1] = _SLASH
    drop[host - 1] = False
    return hosts


def url_spans(points: U32) -> tuple[I64, I64]:
    """[first, last) of every URL, ascending, up to the next white space, quote or angle bracket."""
    kind = kinds()[points]
    start, _, _ = _url_starts(points.copy(), kind)
    blank = _blanks(points, kind)
    stop = blank[np.searchsorted(blank, start)]
    outer = np.diff(stop, prepend=-1) > 0
    return start[outer], stop[outer]


def _blanks(points: U32, kind: NDArray[np.uint8]) -> I64:
    return np.flatnonzero((kind == SPACE) | np.isin(points, [ord(c) for c in '<>"']))


def _url_starts(points: U32, kind: NDArray[np.uint8]) -> tuple[I64, I64, I64]:
    """Where URLs and their hosts start, ascending, and where bare hosts end (−1: not known yet).

    A bare short link is turned round in place, ``t.co/`` to ``/t.co``, to make room for the slash.
    """
    lower = _lower()[points]
    colon = np.flatnonzero(points == _COLON)
    host = colon[_reads(lower, colon, "://")] + 3
    secure = _reads(lower, host - 8, "https")
    real = secure | _reads(lower, host - 7, "http")
    start, host = np.where(secure, host - 8, host - 7)[real], host[real]
    host = host + 4 * _reads(lower, host, "www.")
    dot = np.flatnonzero(points == _DOT)
    bare = dot[_reads(lower, dot - 3, "www.")] - 3
    bare = bare[~_glued(points, kind, bare)]
    starts, hosts, ends = [start, bare], [host, bare + 4], [np.full(len(start) + len(bare), -1)]
    slash = np.flatnonzero(points == _SLASH)
    for name in _BARE:
        at = slash[_reads(lower, slash - len(name), name)] - len(name)
        at = at[~_glued(points, kind, at)]
        for i, c in enumerate("/" + name):
            points[at + i] = ord(c)
        starts.append(at)
        hosts.append(at + 1)
        ends.append(at + 1 + len(name))
    flat = np.concatenate(starts)
    order = np.argsort(flat, kind="stable")
    return flat[order], np.concatenate(hosts)[order], np.concatenate(ends)[order]


def _reads(points: U32, at: I64, word: str) -> Bool:
    """Whether the word stands at each position (False beyond the ends)."""
    fits = (at >= 0) & (at + len(word) <= len(points))
    at = np.where(fits, at, 0)
    for i, c in enumerate(word):
        fits = fits & (points[np.minimum(at + i, len(points) - 1)] == ord(c))
    return fits


def _glued(points: U32, kind: NDArray[np.uint8], at: I64) -> Bool:
    """Whether a word, a slash or a dot runs straight into the position."""
    before = np.maximum(at - 1, 0)
    tied = np.isin(points[before], [_SLASH, _DOT, _DASH, _AT])
    tied |= np.isin(kind[before], [LETTER, DIGIT])
    tied &= at > 0
    return tied


def _handles(points: U32, word: Bool, drop: Bool) -> None:
    """Mark the name of each mention in ``drop``: ``@name``, ``@name@host``, ``@name.host``."""
    at = np.flatnonzero((points == _AT) & ~drop)
    at = at[at + 1 < len(points)]
    at = at[word[at + 1] & ~((at > 0) & word[np.maximum(at - 1, 0)] & ~drop[np.maximum(at - 1, 0)])]
    if not len(at):
        return
    inner = (points == _DOT) | (points == _DASH) | (points == _AT)
    inner[1:] &= word[:-1]
    inner[:-1] &= word[1:]
    stops = np.flatnonzero(~(word | inner))
    end = stops[np.searchsorted(stops, at + 1)]
    drop[positions(at + 1, np.maximum(end, at + 1))[0]] = True


def _collapse(points: U32, origin: Origin) -> tuple[U32, Origin]:
    """Runs shortened (letters to two, others to one), texts stripped of outer spaces."""
    if not len(points):
        return points, origin
    kind = kinds()[points]
    letter = (kind == LETTER) | (kind == IDEOGRAPH)
    drop = np.zeros(len(points), bool)
    same = points[1:] == points[:-1]
    drop[1:] = same & ~letter[1:]
    drop[2:] |= same[1:] & same[:-1]
    drop &= points != END
    points, origin = points[~drop], origin if origin is None else origin[~drop]
    space, end = points == _SPACE, points == END
    keep = np.ones(len(points), bool)
    keep[1:] &= ~(space[1:] & end[:-1])
    keep[:-1] &= ~(space[:-1] & end[1:])
    keep[0] &= not space[0]
    return points[keep], origin if origin is None else origin[keep]
