"""The swim-lane raster: accounts × time, a mark a post or act, colour and shape = same object.

The most convincing picture of synchrony, so it also shows what the members did on their own. It
draws at most 60 accounts and says how many it left out. It knows no network and no null model.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg import evidence
from klieg.case.export.pictures import svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from klieg.tables import I32, I64, Finding, Highlight, Posts

__all__ = ["draw"]

LANES, WIDTH, GUTTER, LANE = 60, 900.0, 150.0, 13.0
HISTOGRAM = 54.0
FAINT_MARKS = 4000


def draw(
    finding: Finding,
    marks: Sequence[Highlight],
    posts: Posts,
    stamp: Sequence[str],
    captions: Mapping[str, str],
) -> Markup:
    """The raster of one finding from its highlights; ``captions`` name objects that are ids.

    A highlight's post is a row of evidence here: acts without text are drawn like posts.
    """
    seen = _Seen(evidence.accounts(posts), evidence.times(posts))
    members = sorted(finding.members, key=lambda m: (-m.evidence, m.account))[:LANES]
    rows = _order([m.account for m in members], marks, seen)
    lane = {account: i for i, account in enumerate(rows)}
    one, what = ("post", "posts") if not finding.acts else ("post or act", "posts and acts")
    if finding.acts and not finding.posts:
        one, what = "act", "acts"
    start, end = _span(finding)
    x = _Scale(start, end)
    shown = [m for m in marks if int(seen.account[m.post]) in lane]
    named = _named_objects(shown)
    height = HISTOGRAM + 10 + LANE * len(rows) + 26 + 16 * max(1, (len(named) + 2) // 2)
    body = [
        *_histogram(marks, seen, what, x),
        *_lanes(rows, posts),
        *_axis(start, end, x, HISTOGRAM + 10 + LANE * len(rows)),
        *_alone(rows, lane, finding, posts, x),
        *_marks(shown, lane, named, seen, x),
        *_legend(named, captions, HISTOGRAM + 10 + LANE * len(rows) + 32),
    ]
    hidden = len(finding.members) - len(rows)
    caveat = (
        f"Each lane is an account, each large mark a {one} that took part; the same colour and "
        f"shape mean the same object. Small grey marks are the members' other {what}. Acting at "
        "the same time is not a sign of who runs an account or why."
    )
    if hidden:
        caveat += f" {hidden} more members are not drawn."
    title = f"Who acted when: {len(finding.members)} accounts, {len(marks)} {what} that took part"
    return svg.frame(WIDTH, height, title, caveat, stamp, body, name=f"raster-{finding.id}")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Whose each row of evidence is, and when."""

    account: I32
    time: I64


class _Scale:
    """Microseconds → x."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.width = start, max(end - start, 1)

    def __call__(self, time: int) -> float:
        return GUTTER + (WIDTH - GUTTER) * (time - self.start) / self.width


def _span(finding: Finding) -> tuple[int, int]:
    pad = max((finding.end - finding.start) // 50, 1_000_000)
    return finding.start - pad, finding.end + pad


def _order(accounts: Sequence[int], marks: Sequence[Highlight], posts: _Seen) -> list[int]:
    """Lanes by first act: those who go first stand above."""
    first: dict[int, int] = {}
    for m in marks:
        account = int(posts.account[m.post])
        time = int(posts.time[m.post])
        first[account] = min(first.get(account, time), time)
    return sorted(accounts, key=lambda a: (first.get(a, 2**62), a))


def _named_objects(marks: Sequence[Highlight]) -> dict[tuple[str, str], int]:
    """The most frequent objects get a colour and shape of their own; the rest share grey."""
    counts = Counter((m.signal, m.object) for m in marks)
    ranked = sorted(counts, key=lambda k: (-counts[k], k))
    return {key: i for i, key in enumerate(ranked[: len(svg.PALETTE)])}


def _histogram(marks: Sequence[Highlight], posts: _Seen, what: str, x: _Scale) -> list[Markup]:
    times = posts.time[[m.post for m in marks]] if marks else np.zeros(0, np.int64)
    bins = 160
    counts, _ = np.histogram(times, bins=bins, range=(x.start, x.start + x.width))
    peak = max(int(counts.max(initial=0)), 1)
    wide = (WIDTH - GUTTER) / bins
    bars = [
        svg.tag(
            "rect",
            x=GUTTER + i * wide,
            y=HISTOGRAM * (1 - c / peak),
            width=max(wide - 0.6, 0.6),
            height=HISTOGRAM * c / peak,
            fill=svg.INK,
            opacity=0.55,
        )
        for i, c in enumerate(counts)
        if c
    ]
    label = f"{what}, peak {peak} in {_length(x.width / bins / 1e6)}"
    return [svg.text(GUTTER - 8, 12, label, size=9.5, anchor="end", fill=svg.FAINT), *bars]


def _length(seconds: float) -> str:
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"


def _lanes(rows: Sequence[int], posts: Posts) -> list[Markup]:
    out = []
    for i, account in enumerate(rows):
        y = HISTOGRAM + 10 + LANE * (i + 0.5)
        name = svg.ellipsis(str(posts.account_ids[account]), 20)
        out.append(
            svg.tag("line", x1=GUTTER, x2=WIDTH, y1=y, y2=y, stroke=svg.RULE, stroke_width=0.6)
        )
        out.append(svg.text(GUTTER - 8, y + 3.2, name, size=9.5, anchor="end", fill=svg.FAINT))
    return out


def _axis(start: int, end: int, x: _Scale, y: float) -> list[Markup]:
    out = []
    for t, label in svg.time_ticks(start, end):
        out.append(
            svg.tag(
                "line",
                x1=x(t),
                x2=x(t),
                y1=HISTOGRAM,
                y2=y + 4,
                stroke=svg.RULE,
                stroke_width=0.6,
                stroke_dasharray="2 3",
            )
        )
        out.append(svg.text(x(t), y + 15, label, size=9.5, anchor="middle", fill=svg.FAINT))
    return out


def _alone(
    rows: Sequence[int], lane: dict[int, int], finding: Finding, posts: Posts, x: _Scale
) -> list[Markup]:
    """Everything else the members did in the span, thinned evenly where there is too much."""
    parts = [(posts.account, posts.time, finding.posts)]
    if posts.acts is not None:
        parts.append((posts.acts.account, posts.acts.time, finding.acts))
    d = ""
    for who, when, taken in parts:
        lo, hi = np.searchsorted(when, [x.start, x.start + x.width])
        index = lo + np.flatnonzero(np.isin(who[lo:hi], np.array(rows, np.int32)))
        index = np.setdiff1d(index, np.array(taken, np.int64))
        index = index[:: max(1, len(index) // FAINT_MARKS)]
        d += "".join(
            f"M{svg.number(x(int(when[i])))} "
            f"{svg.number(HISTOGRAM + 10 + LANE * (lane[int(who[i])] + 0.5) - 2)}v4"
            for i in index
        )
    if not d:
        return []
    return [svg.tag("path", d=d, stroke=svg.FAINT, stroke_width=0.8, opacity=0.55, fill="none")]


def _marks(
    marks: Sequence[Highlight],
    lane: dict[int, int],
    named: dict[tuple[str, str], int],
    posts: _Seen,
    x: _Scale,
) -> list[Markup]:
    places: dict[int, list[tuple[float, float]]] = {}
    for m in marks:
        y = HISTOGRAM + 10 + LANE * (lane[int(posts.account[m.post])] + 0.5)
        i = named.get((m.signal, m.object), -1)
        places.setdefault(i, []).append((x(int(posts.time[m.post])), y))
    # the rest first, so that objects with a colour of their own stand on top
    return [
        svg.glyphs(svg.GLYPHS[i], points, 3.4, svg.PALETTE[i])
        if i >= 0
        else svg.glyphs("dot", points, 3.4, svg.FAINT)
        for i, points in sorted(places.items())
    ]


def _legend(
    named: dict[tuple[str, str], int], captions: Mapping[str, str], y: float
) -> list[Markup]:
    out = []
    entries = [(captions.get(f"{s}: {o}", f"{s}: {o}"), i) for (s, o), i in named.items()]
    entries.append(("other objects", -1))
    for j, (label, i) in enumerate(entries):
        left, top = (j % 2) * (WIDTH / 2), y + 16 * (j // 2)
        colour, shape = (svg.PALETTE[i], svg.GLYPHS[i]) if i >= 0 else (svg.FAINT, "dot")
        out.append(svg.glyph(shape, left + 5, top - 3.5, 3.6, colour))
        out.append(svg.text(left + 15, top, svg.ellipsis(label, 66), size=10))
    return out
