"""Matched controls beside a group: one strip a statistic, a tick a set, a mark for the group.

Small enough to stand beside the numbers it shows. The room knows ``Controls`` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from klieg.case.export.pictures import svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import Controls

__all__ = ["draw"]

WIDTH, LEFT, LANE, RIGHT = 372.0, 92.0, 26.0, 12.0
CAVEAT: Final = "Alike in what the text names, not in what anybody wanted."
CLOCK: Final = "clock, × usual"
ZERO: Final = 2.0  # pixels that a value of nothing is drawn off the end of a strip


def draw(found: Controls, stamp: Sequence[str], *, name: str, class_: str) -> Markup | None:
    """Net, joint acts and clock of the sets and of the group; None where there are no sets."""
    if not found.nets:
        return None
    lanes: list[tuple[str, Sequence[float], float]] = [
        ("net, nats", found.nets, found.net),
        ("joint acts", found.joints, float(found.joint)),
    ]
    if found.events and found.event > 0:
        lanes.append((CLOCK, found.events, found.event))
    body = [_lane(i, *lane, class_) for i, lane in enumerate(lanes)]
    height = LANE * len(lanes)
    title = f"{len(found.nets)} sets of comparable accounts (ticks) and this group (diamond)"
    return svg.tag(
        "svg",
        svg.tag("title", title, id=f"{name}-t"),
        svg.tag("desc", f"{CAVEAT} {' · '.join(s for s in stamp if s)}", id=f"{name}-d"),
        *body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {svg.number(WIDTH)} {svg.number(height)}",
        role="img",
        aria_labelledby=f"{name}-t {name}-d",
        font_family=svg.FONT,
        class_="controls",
    )


def _lane(i: int, label: str, sets: Sequence[float], own: float, class_: str) -> Markup:
    low, high = min(0.0, *sets, own), max(0.0, *sets, own)
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return LEFT + ZERO + (WIDTH - LEFT - RIGHT - ZERO) * (value - low) / span

    y = LANE * i + LANE / 2
    places = sorted({round(x(v), 1) for v in sets})
    ticks = "".join(f"M{svg.number(p)} {svg.number(y - 6)}v12" for p in places)
    below = x(own) < places[-1]  # ticks on both sides: the number goes above them
    return svg.tag(
        "g",
        svg.text(LEFT - 12, y + 3.5, label, size=10.5, anchor="end", fill=svg.FAINT),
        svg.tag("path", d=f"M{LEFT:g} {y:g}H{WIDTH - RIGHT:g}", stroke=svg.RULE),
        svg.tag("path", d=ticks, stroke=svg.INK, stroke_width=1, opacity=0.45),
        svg.glyph("diamond", x(own), y, 5.5, f"var(--{class_},{svg.INK})"),
        _number(sets[-1], places[-1] + 6, y, "start", svg.FAINT, label),
        _number(own, x(own) - 9, y - (11 if below else 0), "end", svg.INK, label, weight="600"),
    )


def _number(
    value: float, x: float, y: float, anchor: str, fill: str, label: str, weight: str | None = None
) -> Markup:
    """A number with a halo, so that it stays readable over ticks; kept inside the picture."""
    told = f"{value:.1f}" if label == CLOCK else f"{value:,.0f}"
    wide = 6.2 * len(told)
    x = min(x, WIDTH - wide) if anchor == "start" else max(x, LEFT + wide)
    return svg.text(
        x,
        y + 3.5,
        told.replace("-", "−"),
        size=10.5,
        anchor=anchor,
        fill=fill,
        weight=weight,
        paint_order="stroke",
        stroke=svg.PAPER,
        stroke_width=4,
    )
