"""The null panel: surprise of real pairs beside shuffled ones, and where the threshold sits.

If the two silhouettes agreed, nothing here would be evidence. The room knows ``NullStat`` only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from klieg.case.export.pictures import svg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from klieg.tables import NullStat

__all__ = ["draw"]

COLUMNS, PANEL_W, PANEL_H, GAP = 3, 280.0, 120.0, 30.0


def draw(stats: Sequence[NullStat], stamp: Sequence[str]) -> Markup:
    """Small multiples, one a layer that scored any pair."""
    shown = [s for s in stats if s.candidates > 0 and any(s.histogram_real)]
    rows = max(1, -(-len(shown) // COLUMNS))
    body: list[Markup] = []
    for i, stat in enumerate(shown):
        x = (i % COLUMNS) * (PANEL_W + GAP)
        y = (i // COLUMNS) * (PANEL_H + 72)
        body.append(svg.tag("g", *_panel(stat), transform=f"translate({x:g} {y:g})"))
    if not shown:
        body.append(svg.text(0, 20, "No pair of accounts shared two objects.", fill=svg.FAINT))
    caveat = (
        "Filled: pairs in the data. Line: the same pairs after account labels were shuffled inside "
        "each pool, which keeps every news peak and every busy account. Counts on a log scale; "
        "right of the dashed line an edge is validated."
    )
    return svg.frame(
        COLUMNS * (PANEL_W + GAP) - GAP,
        rows * (PANEL_H + 72),
        "What chance explains: surprise of pairs, seen and shuffled",
        caveat,
        stamp,
        body,
        name="null",
    )


def _panel(stat: NullStat) -> list[Markup]:
    edges = stat.histogram_edges
    peak = max(1, *stat.histogram_real, *stat.histogram_shuffled)
    top = math.log10(peak + 1) or 1.0
    last = max(
        (i for i, n in enumerate(stat.histogram_real) if n),
        default=0,
    )
    limit = max(edges[min(last + 2, len(edges) - 1)], 4.0)

    def x(surprise: float) -> float:
        return PANEL_W * min(surprise, limit) / limit

    def y(count: float) -> float:
        return 22 + PANEL_H * (1 - math.log10(count + 1) / top)

    base = 22 + PANEL_H
    bars = [
        svg.tag(
            "rect",
            x=x(edges[i]),
            y=y(n),
            width=max(x(edges[i + 1]) - x(edges[i]) - 0.5, 0.5),
            height=base - y(n),
            fill=svg.PALETTE[0],
            opacity=0.6,
        )
        for i, n in enumerate(stat.histogram_real)
        if n and edges[i] < limit
    ]
    steps = "".join(
        f"L{svg.number(x(edges[i]))} {svg.number(y(n))}L{svg.number(x(edges[i + 1]))} "
        f"{svg.number(y(n))}"
        for i, n in enumerate(stat.histogram_shuffled)
        if edges[i] < limit
    )
    shuffled = f"M0 {svg.number(base)}{steps}L{svg.number(PANEL_W)} {svg.number(base)}"
    return [
        svg.text(0, 12, stat.signal, size=12, weight="600"),
        *bars,
        svg.tag("path", d=shuffled, fill="none", stroke=svg.PALETTE[1], stroke_width=1.5),
        svg.tag("line", x1=0.0, x2=PANEL_W, y1=base, y2=base, stroke=svg.INK, stroke_width=0.8),
        *_threshold(stat, x, base),
        *[
            svg.text(x(t), base + 13, f"{t:g}", size=9, anchor="middle", fill=svg.FAINT)
            for t in svg.ticks(0.0, limit, 5)
        ],
        svg.text(
            0,
            base + 28,
            f"{stat.validated:,} validated of {stat.pairs:,} possible pairs; chance "
            f"{stat.expected_false:.2g}",
            size=10,
            fill=svg.FAINT,
        ),
    ]


def _threshold(stat: NullStat, x: Callable[[float], float], base: float) -> list[Markup]:
    if stat.threshold <= 0:
        return []
    at = x(-math.log10(stat.threshold))
    return [
        svg.tag(
            "line",
            x1=at,
            x2=at,
            y1=18.0,
            y2=base,
            stroke=svg.INK,
            stroke_width=1.2,
            stroke_dasharray="4 3",
        )
    ]
