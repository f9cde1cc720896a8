"""Elements, scales and stamps every picture is drawn with.

Everything that is not markup is escaped here, and characters XML cannot hold are shown as marks.
The room knows no case and no finding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

__all__ = [
    "GLYPHS",
    "INK",
    "PALETTE",
    "ellipsis",
    "frame",
    "glyph",
    "glyphs",
    "number",
    "tag",
    "text",
    "ticks",
    "time_ticks",
    "visible",
]

# Okabe & Ito: told apart by colour-blind readers; black is the page's own ink
PALETTE = tuple(
    f"var(--p{i},{colour})"  # a dark page brings lighter ones; alone, a picture has its own
    for i, colour in enumerate(
        ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8F7A00")
    )
)
GLYPHS = ("disc", "square", "diamond", "triangle", "ring", "cross", "bar")
INK, FAINT, RULE, PAPER = (
    "var(--ink,#1c1c1a)",
    "var(--faint,#6b6a65)",
    "var(--rule,#d9d6cd)",
    "var(--paper,#fffdf8)",
)
FONT = "ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif"
MONO = "ui-monospace,'SF Mono','Cascadia Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"

_MARKS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(raw: str) -> str:
    """Controls, bidi and zero-width characters as ⟨U+202E⟩; everything else as it is."""
    return _MARKS.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", raw.replace("\t", " "))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element; ``stroke_width=2`` becomes ``stroke-width="2"``; None is left out."""
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is not None:
            shown = number(value) if isinstance(value, float) else visible(str(value))
            parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    if not children:
        return Markup("".join([*parts, "/>"]))
    parts.append(">")
    parts += [str(c) if isinstance(c, Markup) else str(escape(visible(str(c)))) for c in children]
    return Markup("".join([*parts, f"</{name}>"]))


def text(
    x: float,
    y: float,
    content: object,
    *,
    size: float = 11,
    anchor: str = "start",
    fill: str = INK,
    weight: str | None = None,
    **more: object,
) -> Markup:
    """One line of text at a point."""
    return tag(
        "text",
        content,
        x=float(x),
        y=float(y),
        font_size=size,
        text_anchor=anchor,
        fill=fill,
        font_weight=weight,
        **more,
    )


def number(value: float) -> str:
    """At most two decimals, no trailing zeros: the same bytes on every platform."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value == value else "0"


def ellipsis(label: str, limit: int) -> str:
    """A label cut to so many characters, on one line."""
    flat = " ".join(visible(label).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def glyph(shape: str, x: float, y: float, r: float, colour: str) -> Markup:
    """A mark of about radius r: the shape says again what the colour says."""
    return glyphs(shape, [(x, y)], r, colour)


def glyphs(shape: str, points: Sequence[tuple[float, float]], r: float, colour: str) -> Markup:
    """Many like marks in one element: a raster may hold thousands."""
    outline = _OUTLINES[shape](r)
    d = "".join(f"M{x:.1f} {y:.1f}{outline}" for x, y in points)
    if shape in ("disc", "dot"):  # a line of no length with a round cap: the shortest way to say it
        width = 2 * r if shape == "disc" else 1.3 * r
        return tag("path", d=d, stroke=colour, stroke_width=width, stroke_linecap="round")
    if shape in ("ring", "cross"):
        return tag("path", d=d, stroke=colour, stroke_width=1.4, fill="none")
    return tag("path", d=d, fill=colour)


def _circle(r: float) -> str:
    n = number
    return f"m{n(-r)} 0a{n(r)} {n(r)} 0 1 0 {n(2 * r)} 0a{n(r)} {n(r)} 0 1 0 {n(-2 * r)} 0z"


def _path(*steps: tuple[float, float]) -> Callable[[float], str]:
    """A closed outline from the centre: the first step moves, the others draw; in radii."""

    def outline(r: float) -> str:
        drawn = [f"{number(r * x)} {number(r * y)}" for x, y in steps]
        return f"m{drawn[0]}l{'l'.join(drawn[1:])}z"

    return outline


_OUTLINES: dict[str, Callable[[float], str]] = {
    "disc": lambda r: "h0",
    "dot": lambda r: "h0",
    "ring": lambda r: _circle(0.8 * r),
    "square": _path((-0.85, -0.85), (1.7, 0), (0, 1.7), (-1.7, 0)),
    "diamond": _path((0, -1.2), (1.2, 1.2), (-1.2, 1.2), (-1.2, -1.2)),
    "triangle": _path((0, -1.1), (1.1, 2), (-2.2, 0)),
    "bar": _path((-0.5, -1.2), (1, 0), (0, 2.4), (-1, 0)),
    "cross": lambda r: (
        f"m{number(-r)} {number(-r)}l{number(2 * r)} {number(2 * r)}"
        f"m{number(-2 * r)} 0l{number(2 * r)} {number(-2 * r)}"
    ),
}


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between low and high."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    first = math.ceil(low / step) * step
    return [first + i * step for i in range(int((high - first) / step + 1e-9) + 1)]


def time_ticks(start: int, end: int, count: int = 7) -> list[tuple[int, str]]:
    """Round instants between two (microseconds), with labels in UTC."""
    span = max(end - start, 1) / 1e6
    steps = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200)
    days = (1, 2, 7, 14, 30, 91, 182, 365, 730)
    step = next(
        (s for s in (*steps, *(d * 86400 for d in days)) if span / s <= count), 1461 * 86400
    )
    micro = step * 1_000_000
    first = -(-start // micro) * micro
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86400 else "%d %b"
    form = "%b %Y" if step >= 91 * 86400 else form
    out, seen_day = [], ""
    for t in range(first, end + 1, micro):
        when = datetime.fromtimestamp(t / 1e6, UTC)
        label, day = when.strftime(form), when.strftime("%d %b")
        if step < 86400 and day != seen_day:
            label, seen_day = f"{day} {label}", day
        out.append((t, label.lstrip("0") if step >= 86400 else label))
    return out


def frame(
    width: float,
    height: float,
    title: str,
    caveat: str,
    stamp: Sequence[str],
    body: Iterable[Markup],
    *,
    name: str,
) -> Markup:
    """The whole picture: title above, body, caveat and stamp below, inside one ``<svg>``.

    ``body`` is drawn with its origin under the title; ``name`` makes ids unique in a page.
    """
    top, lines = 34.0, _wrap(caveat, int(width / 5.6))
    bottom = 14.0 * len(lines) + 24.0
    whole = top + height + bottom
    foot = [
        text(0, top + height + 16 + 14 * i, line, size=10.5, fill=FAINT)
        for i, line in enumerate(lines)
    ]
    seal = " · ".join(s for s in stamp if s)
    return tag(
        "svg",
        tag("title", title, id=f"{name}-t"),
        tag("desc", f"{caveat} {seal}", id=f"{name}-d"),
        tag("rect", width=float(width + 24), height=whole, x=-12.0, y=0.0, fill=PAPER),
        text(0, 19, title, size=14, weight="600"),
        tag("g", *body, transform=f"translate(0 {number(top)})"),
        *foot,
        text(0, whole - 7, seal, size=10, fill=FAINT, weight="600", letter_spacing="0.02em"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"-12 0 {number(width + 24)} {number(whole)}",
        role="img",
        aria_labelledby=f"{name}-t {name}-d",
        font_family=FONT,
        class_="picture",
    )


def _wrap(sentence: str, limit: int) -> list[str]:
    lines, line = [], ""
    for word in visible(sentence).split():
        if line and len(line) + 1 + len(word) > limit:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line] if line else lines
