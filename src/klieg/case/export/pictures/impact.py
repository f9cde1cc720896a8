"""With and without: each subject's share with the group, without it, and with it as one voice.

Intervals are drawn as lines; the numbers stand beside them. The room knows ``Impact`` rows only.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from klieg.case.export.pictures import svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from klieg.tables import Impact

__all__ = ["draw"]

WIDTH, LABELS, ROW = 900.0, 330.0, 30.0


def draw(
    rows: Sequence[Impact],
    stamp: Sequence[str],
    *,
    name: str,
    title: str,
    captions: Mapping[str, str],
    limit: int = 12,
    each: int = 4,
) -> Markup:
    """One dumbbell a subject, largest change first, at most ``each`` of one signal and measure.

    ``captions`` says what a subject is where its name is only an id.
    """
    ranked = sorted(rows, key=lambda r: (-abs(r.with_group - r.without), r.subject, r.metric))
    seen: Counter[tuple[str, str]] = Counter()
    shown: list[Impact] = []
    for row in ranked:
        kind = (row.subject.partition(": ")[0], row.metric)
        seen[kind] += 1
        if seen[kind] <= each and len(shown) < limit:
            shown.append(row)
    top = max([max(r.with_group, r.high, r.coalesced) for r in shown] or [1.0]) or 1.0
    height = ROW * len(shown) + 44
    body: list[Markup] = list(_axis(top, ROW * len(shown)))
    for i, row in enumerate(shown):
        body += _row(row, captions.get(row.subject, row.subject), ROW * (i + 0.5), top)
    body += _legend(ROW * len(shown) + 38)
    caveat = (
        "Shares are of the posts in this data set, never of the public. Lines are 95 % intervals "
        "over how sure the group and each member are. Nobody's mind is measured here."
    )
    return svg.frame(WIDTH, height, title, caveat, stamp, body, name=name)


def _x(value: float, top: float) -> float:
    return LABELS + (WIDTH - LABELS - 130) * value / top


def _axis(top: float, y: float) -> list[Markup]:
    out = []
    for t in svg.ticks(0.0, top, 5):
        out.append(
            svg.tag(
                "line",
                x1=_x(t, top),
                x2=_x(t, top),
                y1=0.0,
                y2=y,
                stroke=svg.RULE,
                stroke_width=0.7,
            )
        )
        out.append(
            svg.text(_x(t, top), y + 14, _percent(t), size=9.5, anchor="middle", fill=svg.FAINT)
        )
    return out


def _row(row: Impact, subject: str, y: float, top: float) -> list[Markup]:
    left, right = _x(row.without, top), _x(row.with_group, top)
    what = f"{svg.ellipsis(subject, 42)} ({row.metric})"
    return [
        svg.text(LABELS - 14, y + 3.5, what, size=10.5, anchor="end"),
        svg.tag(
            "line", x1=left, x2=right, y1=y, y2=y, stroke=svg.FAINT, stroke_width=1.2, opacity=0.6
        ),
        svg.tag(
            "line",
            x1=_x(row.low, top),
            x2=_x(row.high, top),
            y1=y + 5,
            y2=y + 5,
            stroke=svg.PALETTE[0],
            stroke_width=2.2,
        ),
        svg.glyph("diamond", _x(row.coalesced, top), y, 4.2, svg.PALETTE[2]),
        svg.glyph("ring", left, y, 5.2, svg.PALETTE[0]),
        svg.glyph("disc", right, y, 4.4, svg.PALETTE[1]),
        svg.text(
            max(left, right) + 10,
            y + 3.5,
            f"{_percent(row.with_group)} → {_percent(row.without)}",
            size=10,
            fill=svg.FAINT,
        ),
    ]


def _percent(share: float) -> str:
    value = 100 * share
    return (
        f"{value:.2g} %" if 0 < value < 1 else f"{value:.0f} %" if value > 10 else f"{value:.1f} %"
    )


def _legend(y: float) -> list[Markup]:
    out = []
    for j, (shape, colour, label) in enumerate(
        (
            ("disc", svg.PALETTE[1], "with the group"),
            ("ring", svg.PALETTE[0], "without it"),
            ("diamond", svg.PALETTE[2], "the group as one voice"),
        )
    ):
        out.append(svg.glyph(shape, LABELS + 6 + 170 * j, y - 3.5, 4.2, colour))
        out.append(svg.text(LABELS + 17 + 170 * j, y, label, size=10))
    return out
