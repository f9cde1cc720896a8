"""Copies, compared: the template with its slots, the variants, and marks the eye would miss.

Words are aligned, not characters, because readers compare words. Zero-width, bidi and control
characters are spelled out. The room knows texts and their posts, nothing of accounts' history.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from klieg.case.export.pictures import svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import Finding, Highlight, Posts

__all__ = ["Template", "draw", "template"]

WIDTH, MARGIN, LINE, PER_LINE = 900.0, 58.0, 17.0, 104
VARIANTS, ALIGNED = 6, 40
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Template:
    """What all variants share, in order; None marks a slot, whose fillers stand in ``slots``."""

    parts: tuple[str | None, ...]
    slots: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        fillers = iter(self.slots)
        return " ".join(
            part if part is not None else "{" + (next(fillers) or ("",))[0] + "}"
            for part in self.parts
        )


def template(texts: Sequence[str]) -> Template:
    """Align the words of up to 40 variants to the first; words not shared by all become slots."""
    words = [_WORD.findall(t) for t in texts[:ALIGNED]]
    base = words[0] if words else []
    shared = [True] * len(base)
    matches = []
    for other in words:
        place = _places(base, other)
        matches.append(place)
        for i in range(len(base)):
            shared[i] = shared[i] and place[i] is not None
    # an anchor must keep its order in every variant, which SequenceMatcher guarantees pairwise
    parts: list[str | None] = []
    slots: list[tuple[str, ...]] = []
    anchors = [-1, *(i for i in range(len(base)) if shared[i]), len(base)]
    for here, after in pairwise(anchors):
        if here >= 0:
            parts.append(base[here])
        fill = _fillers(words, matches, here, after, len(base))
        if any(fill):
            parts.append(None)
            slots.append(tuple(dict.fromkeys(f or "∅" for f in fill)))
    return Template(tuple(parts), tuple(slots))


def draw(
    finding: Finding, marks: Sequence[Highlight], posts: Posts, stamp: Sequence[str]
) -> Markup | None:
    """The finding's largest family of texts; None if no post of it is a copy."""
    copies = [m for m in marks if m.signal == "copies"]
    if not copies:
        return None
    family = Counter(m.object for m in copies).most_common()
    largest = min(name for name, count in family if count == family[0][1])
    texts = [
        posts.table.column("text")[m.post].as_py() or "" for m in copies if m.object == largest
    ]
    variants = Counter(texts).most_common()
    found = template([t for t, _ in variants])
    body, y = _template(found, len(texts), 14.0)
    y += 10
    for raw, count in variants[:VARIANTS]:
        lines = _lines(_compared(found, raw))
        body.append(svg.text(MARGIN - 12, y, f"×{count}", size=11, anchor="end", fill=svg.FAINT))
        for line in lines:
            body.append(_line(line, y))
            y += LINE
        y += 5
    if len(variants) > VARIANTS:
        body.append(
            svg.text(
                MARGIN, y, f"and {len(variants) - VARIANTS} more wordings", size=10, fill=svg.FAINT
            )
        )
        y += LINE
    caveat = (
        "Words in braces differ from post to post; underlined words are a wording's own. "
        "Petitions, quotes, lyrics and share buttons also make copies."
    )
    title = f"Copies, compared: {len(texts)} posts, {len(variants)} wordings"
    return svg.frame(WIDTH, y, title, caveat, stamp, body, name=f"copies-{finding.id}")


def _places(base: Sequence[str], other: Sequence[str]) -> list[int | None]:
    place: list[int | None] = [None] * len(base)
    for a, b, size in SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks():
        for i in range(size):
            place[a + i] = b + i
    return place


def _fillers(
    words: Sequence[Sequence[str]],
    matches: Sequence[Sequence[int | None]],
    here: int,
    after: int,
    end: int,
) -> list[str]:
    """What each variant holds between two anchors."""
    out = []
    for own, place in zip(words, matches, strict=True):
        left = place[here] if here >= 0 else -1
        right = place[after] if after < end else len(own)
        out.append(" ".join(own[(left if left is not None else -1) + 1 : right]))
    return out


def _compared(found: Template, raw: str) -> list[tuple[str, bool]]:
    """(word, whether it is the variant's own) in order."""
    own = _WORD.findall(raw)
    shared = [p for p in found.parts if p is not None]
    same = {
        b + i
        for _, b, size in SequenceMatcher(None, shared, own, autojunk=False).get_matching_blocks()
        for i in range(size)
    }
    return [(word, i not in same) for i, word in enumerate(own)]


def _template(found: Template, count: int, y: float) -> tuple[list[Markup], float]:
    words: list[tuple[str, bool]] = []
    fillers = iter(found.slots)
    for part in found.parts:
        if part is None:
            filler = next(fillers)
            more = f" +{len(filler) - 1}" if len(filler) > 1 else ""
            words.append(("{" + svg.ellipsis(filler[0], 30) + more + "}", True))
        else:
            words.append((part, False))
    body = [svg.text(MARGIN - 12, y, f"×{count}", size=12, anchor="end", weight="700")]
    for line in _lines(words):
        body.append(_line(line, y, weight="600"))
        y += LINE
    body.append(
        svg.tag("line", x1=0.0, x2=WIDTH, y1=y - 6, y2=y - 6, stroke=svg.RULE, stroke_width=1)
    )
    return body, y + 6


def _lines(words: Sequence[tuple[str, bool]]) -> list[list[tuple[str, bool]]]:
    lines: list[list[tuple[str, bool]]] = [[]]
    used = 0
    for word, own in words:
        for piece in _pieces(svg.visible(word)):
            wide = _columns(piece) + 1
            if used + wide > PER_LINE and lines[-1]:
                lines.append([])
                used = 0
            lines[-1].append((piece, own))
            used += wide
    return lines


def _pieces(word: str) -> list[str]:
    return [word[i : i + 60] for i in range(0, len(word), 60)]


def _columns(word: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word)


def _line(words: Sequence[tuple[str, bool]], y: float, weight: str | None = None) -> Markup:
    spans = []
    for word, own in words:
        spans.append(
            svg.tag(
                "tspan",
                word,
                fill=svg.PALETTE[1] if own else None,
                text_decoration="underline" if own else None,
                font_weight="600" if own else None,
            )
        )
        spans.append(Markup(" "))
    return svg.text(
        MARGIN,
        y,
        Markup("").join(spans),
        size=12,
        weight=weight,
        font_family=svg.MONO,
        style="white-space:pre;unicode-bidi:plaintext",
    )
