"""The suite's pictures, as inline SVG: curves, grids of cells, and QQ plots.

Drawn with the report's own elements, so that they carry title, caveat and stamp and load nothing.
The room knows rows of tables and computes no figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from klieg.case.export.pictures import svg

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["axes", "evasions", "power", "quantiles", "scatter", "smallest"]

Row = Mapping[str, Any]
Points = Sequence[tuple[float, float]]
WIDE, HIGH, LEFT = 420.0, 260.0, 46.0
CELL, LEAST = 34.0, 56.0
BROAD = 1000.0
"""How wide grids may stand beside each other."""
REACHED = 0.8
"""Share of campaigns found from which a cell is framed."""

Marks = Sequence[tuple[float, str]]
Box = tuple[float, float, float]  # left, baseline and length of a label
_HEADROOM = 1.15
"""Top of a plane of shares on which labels stand above the marks at 1."""


def quantiles(rows: Sequence[Row], stamp: Sequence[str]) -> Markup:
    """QQ plots on data without any campaign: surprise seen against surprise expected."""
    body: list[Markup] = []
    for i, data in enumerate(("organic", "shuffled")):
        mine = [r for r in rows if r["data"] == data]
        series = {
            s: [(r["expected"], r["observed"]) for r in mine if r["signal"] == s]
            for s in sorted({r["signal"] for r in mine})
        }
        top = max([8.0, *(max(p) for points in series.values() for p in points)])
        inside = _plane(series, (0.0, top), (0.0, top), "−log10 expected", f"observed, {data}")
        line = svg.tag("path", d=_way([(0.0, 0.0), (top, top)], top, top), **_DASHED)
        where = f"translate({i * (WIDE + LEFT + 120):g} 0)"
        body.append(svg.tag("g", line, *inside, transform=where))
    caveat = (
        "Worlds in which nothing is planted. On the dashed line p-values are uniform; below it the "
        "test is careful, above it chance does not explain what was seen."
    )
    width = 2 * (WIDE + LEFT) + 240
    return svg.frame(width, HIGH + 48, "p-values on null data", caveat, stamp, body, name="qq")


def evasions(rows: Sequence[Row], stamp: Sequence[str]) -> Markup:
    """Recall against attacker cost: where each evasion ends up."""
    told = [r for r in rows if r["cost"] != ""]
    series = {
        "members standing": [(r["cost"], r["members_standing"]) for r in told],
        "members coordinated": [(r["cost"], r["members_coordinated"]) for r in told],
    }
    inside = _plane(series, (0.0, 1.0), (0.0, _HEADROOM), "push lost", "recall", joined=False)
    places: dict[tuple[float, float], list[str]] = {}
    for i, r in enumerate(told):
        at = round(r["cost"], 2), round(r["members_standing"], 2)
        places.setdefault(at, []).append(str(i + 1))
    taken: list[Box] = []
    for (cost, recall), numbers in sorted(places.items()):
        at = LEFT + WIDE * cost, HIGH * (1 - recall / _HEADROOM)
        inside.append(_numbers(numbers, *at, taken))
    key = [
        svg.text(LEFT + WIDE + 150, 12 + 13 * i, f"{i + 1} {r['evasion']}", size=9.5)
        for i, r in enumerate(told)
    ]
    caveat = (
        "Push: share of the members on an object within an hour of the first, times the share of "
        "posts that are no cover. A rewriter costs nothing here but a writer or a model."
    )
    title = "What staying unseen costs"
    height = max(HIGH + 48, 13.0 * len(told) + 20)
    return svg.frame(WIDE + LEFT + 330, height, title, caveat, stamp, inside + key, name="evasion")


def axes(rows: Sequence[Row], stamp: Sequence[str]) -> Markup:
    """Power along one axis at a time."""
    body: list[Markup] = []
    names = sorted({r["axis"] for r in rows})
    for i, axis in enumerate(names):
        mine = [r for r in rows if r["axis"] == axis]
        series = {k: [(r["value"], r[k]) for r in mine] for k in ("found", "coordinated", "recall")}
        inside = _plane(series, (0.0, 1.0), (0.0, 1.0), axis, "share", wide=200.0)
        body.append(svg.tag("g", *inside, transform=f"translate({i * 350:g} 0)"))
    caveat = "Twenty accounts, ten joint acts (texts: within an hour), one thing changed at a time."
    width = 350.0 * max(len(names), 1)
    return svg.frame(width, HIGH + 48, "Power, one axis", caveat, stamp, body, name="axes")


def power(rows: Sequence[Row], stamp: Sequence[str], what: str = "found") -> Markup:
    """Size × acts, a grid for each jitter: the share of campaigns that are found."""
    jitters, sizes, acts = (sorted({r[k] for r in rows}) for k in ("jitter_s", "size", "acts"))
    body: list[Markup] = []
    across, down = CELL * len(acts) + LEAST + 24, CELL * len(sizes) + 74
    abreast = max(1, min(len(jitters), int(BROAD / across)))
    for i, jitter in enumerate(jitters):
        mine = {(r["size"], r["acts"]): r[what] for r in rows if r["jitter_s"] == jitter}
        grid = [svg.text(LEAST, 12, f"within {_span(jitter)}", size=12, weight="600")]
        for row, size in enumerate(reversed(sizes)):
            y = 24 + CELL * row
            grid.append(svg.text(LEAST - 6, y + 21, f"{size}", size=10, anchor="end"))
            grid += [
                part
                for column, n in enumerate(acts)
                if (size, n) in mine
                for part in _cell(LEAST + CELL * column, y, mine[size, n])
            ]
        foot = 24 + CELL * len(sizes) + 14
        grid += [
            svg.text(LEAST + CELL * (c + 0.5), foot, f"{n}", size=10, anchor="middle")
            for c, n in enumerate(acts)
        ]
        grid.append(svg.text(LEAST, foot + 14, "joint acts of each", size=9.5, fill=svg.FAINT))
        grid.append(svg.text(0, 12, "accounts", size=9.5, fill=svg.FAINT))
        x, y = i % abreast * across, i // abreast * down
        body.append(svg.tag("g", *grid, transform=f"translate({x:g} {y:g})"))
    title = f"Power: campaigns {_WORDS[what]}, accounts × joint acts × jitter"
    width, high = max(abreast * across, 480.0), -(-len(jitters) // abreast) * down
    caveat = (
        "Per cent of planted repost campaigns, each number over a few worlds: the table has the "
        "intervals. Framed: four of five or more."
    )
    return svg.frame(width, high, title, caveat, stamp, body, name=f"p-{what}")


def smallest(rows: Sequence[Row], stamp: Sequence[str]) -> Markup:
    """The minimum detectable campaign: the fewest acts of each by accounts, a curve a jitter."""
    body: list[Markup] = []
    sizes = sorted({r["size"] for r in rows})
    found = [r["fewest_acts"] for r in rows if _some(r["fewest_acts"])]
    top = math.log2(max([4, *found])) + 0.7
    left, right = math.log2(sizes[0]) - 0.2, math.log2(sizes[-1]) + 0.2
    for i, what in enumerate(("found", "coordinated")):
        series = {  # side by side a little, or like curves would hide each other
            f"within {_span(jitter)}": [
                (math.log2(r["size"]) + 0.05 * k, math.log2(r["fewest_acts"]) + 0.03 * k)
                for r in rows
                if r["to_be"] == what and r["jitter_s"] == jitter and _some(r["fewest_acts"])
            ]
            for k, jitter in enumerate(sorted({r["jitter_s"] for r in rows}))
        }
        acts = sorted({int(a) for a in found})
        marks = ([(math.log2(n), f"{n}") for n in sizes], [(math.log2(n), f"{n}") for n in acts])
        inside = _plane(
            series,
            (left, right),
            (0.0, top),
            "accounts",
            f"fewest joint acts of each to be {_WORDS[what]}",
            wide=300.0,
            marks=marks,
        )
        body.append(svg.tag("g", *inside, transform=f"translate({i * 470:g} 0)"))
    caveat = (
        "From so many joint acts on, every cell of the grid is found in four of five worlds; "
        "where a curve has no point, nothing that was tried is. Both scales are doublings."
    )
    title = "Minimum detectable campaign at 80 % power"
    return svg.frame(940.0, HIGH + 48, title, caveat, stamp, body, name="smallest")


def _some(value: Any) -> bool:
    """Whether there is a figure: tables write none as an empty cell."""
    return value not in (None, "")


def scatter(
    series: Mapping[str, Points], title: str, across: str, up: str, stamp: Sequence[str]
) -> Markup:
    """Points of several series on one plane of shares."""
    inside = _plane(series, (0.0, 1.0), (0.0, 1.0), across, up, joined=False)
    return svg.frame(WIDE + LEFT + 200, HIGH + 48, title, "", stamp, inside, name="scatter")


_WORDS = {"found": "found", "coordinated": "called coordinated"}

_DASHED: dict[str, object] = {
    "stroke": svg.INK,
    "stroke_width": 1.0,
    "stroke_dasharray": "4 3",
    "fill": "none",
}


def _plane(
    series: Mapping[str, Points],
    across: tuple[float, float],
    upward: tuple[float, float],
    x_name: str,
    y_name: str,
    *,
    joined: bool = True,
    wide: float = WIDE,
    marks: tuple[Marks, Marks] | None = None,
) -> list[Markup]:
    """Axes, ticks, a curve or marks of each series, and what each is called, beside it.

    ``marks``: ticks (where, what) of both axes in place of round numbers.
    """

    def x(v: float) -> float:
        return LEFT + wide * (v - across[0]) / (across[1] - across[0])

    def y(v: float) -> float:
        return HIGH * (1 - (v - upward[0]) / (upward[1] - upward[0]))

    along, up = marks or (_round(across), _round(upward))
    out = [*_ticks([(x(v), t) for v, t in along], [(y(v), t) for v, t in up], wide)]
    out.append(svg.text(LEFT + wide, HIGH + 30, x_name, size=10, anchor="end", fill=svg.FAINT))
    out.append(svg.text(LEFT + 4, 10, y_name, size=10, fill=svg.FAINT))
    for i, (name, points) in enumerate(series.items()):
        colour, mark = svg.PALETTE[i % len(svg.PALETTE)], svg.GLYPHS[i % len(svg.GLYPHS)]
        placed = [(x(a), y(b)) for a, b in points]
        if joined and len(placed) > 1:
            d = "M" + "L".join(f"{svg.number(a)} {svg.number(b)}" for a, b in placed)
            out.append(svg.tag("path", d=d, fill="none", stroke=colour, stroke_width=1.4))
        if placed:
            out.append(svg.glyphs(mark, placed, 3.2, colour))
        out.append(svg.glyph(mark, LEFT + wide + 14, 12 + 14.0 * i, 3.2, colour))
        out.append(svg.text(LEFT + wide + 22, 15 + 14 * i, name, size=10))
    return out


def _round(span: tuple[float, float]) -> list[tuple[float, str]]:
    return [(t, f"{t:g}") for t in svg.ticks(*span)]


def _ticks(across: Marks, upward: Marks, wide: float) -> list[Markup]:
    out = []
    for y, label in upward:
        edge = {"x1": LEFT, "x2": LEFT + wide, "y1": y, "y2": y}
        out.append(svg.tag("line", **edge, stroke=svg.RULE, stroke_width=0.7))
        out.append(svg.text(LEFT - 6, y + 3, label, size=9, anchor="end", fill=svg.FAINT))
    for x, label in across:
        out.append(svg.text(x, HIGH + 14, label, size=9, anchor="middle", fill=svg.FAINT))
    return out


def _way(points: Points, across: float, upward: float) -> str:
    placed = [(LEFT + WIDE * a / across, HIGH * (1 - b / upward)) for a, b in points]
    return "M" + "L".join(f"{svg.number(a)} {svg.number(b)}" for a, b in placed)


def _cell(x: float, y: float, value: float) -> list[Markup]:
    box = {"x": x + 1, "y": y + 1, "width": CELL - 2, "height": CELL - 2, "rx": 2}
    parts = [svg.tag("rect", **box, fill=svg.PALETTE[0], fill_opacity=round(0.06 + 0.5 * value, 2))]
    if value >= REACHED:
        parts.append(svg.tag("rect", **box, fill="none", stroke=svg.PALETTE[0], stroke_width=1.6))
    weight = "600" if value >= REACHED else None
    label = f"{100 * value:.0f}"
    middle = x + CELL / 2
    return [*parts, svg.text(middle, y + 21, label, size=10, anchor="middle", weight=weight)]


def _numbers(numbers: Sequence[str], x: float, y: float, taken: list[Box]) -> Markup:
    """What lies at one place, each number once, beside the mark where no other label stands."""
    words = ", ".join(numbers)
    long = 5.2 * len(words)
    spots = [
        (x + 6 if right else x - 6 - long, y - 6 + row)
        for row in (0.0, 18.0, -11.0, 29.0, -22.0, 40.0, 51.0)
        for right in (True, False)
    ]
    free = [s for s in spots if s[0] > LEFT and not any(_meet((*s, long), box) for box in taken)]
    left, base = (free or spots)[0]
    taken.append((left, base, long))
    return svg.text(left, base, words, size=9, fill=svg.FAINT)


def _meet(one: Box, other: Box) -> bool:
    apart = one[0] > other[0] + other[2] + 3 or other[0] > one[0] + one[2] + 3
    return not apart and abs(one[1] - other[1]) < 10


def _span(seconds: float) -> str:
    for size, word in ((3600, "h"), (60, "min")):
        if seconds >= size and math.isclose(seconds % size, 0):
            return f"{seconds / size:g} {word}"
    return f"{seconds:g} s"
