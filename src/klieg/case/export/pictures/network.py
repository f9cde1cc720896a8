"""The network map: each finding a cluster, its edges by trace, grey accounts for context.

At most 500 members a finding, 2,000 accounts and the 5,000 strongest edges are drawn, and the
legend says how many are hidden. Positions come from a seeded layout and mean nothing but who is
tied to whom. The room knows layers and findings, no null model.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from klieg.case.export.pictures import svg
from klieg.tables import MULTIPLEX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from klieg.tables import Finding, Layer, Posts

__all__ = ["draw"]

WIDTH, PER_GROUP, ACCOUNTS, EDGES, CONTEXT = 900.0, 500, 2000, 5000, 120
MEETINGS, MEETING = 40, 60
"""Joint acts, and members of each, that are read for lines where no pair stands alone."""
CLASS_COLOUR = {
    "coordinated": svg.PALETTE[1],
    "amplification": svg.PALETTE[4],
    "suggestive": svg.PALETTE[3],
    "look-alike": svg.PALETTE[2],
    "abstain": svg.FAINT,
}
CLASS_GLYPH = {
    "coordinated": "disc",
    "amplification": "triangle",
    "suggestive": "diamond",
    "look-alike": "square",
    "abstain": "ring",
}
_SIGNALS = ("repost", "link", "copies", "hashtags", "reply", "mention", "domain")


@dataclass(frozen=True, slots=True)
class _Tie:
    left: int
    right: int
    signal: str
    surprise: float


def draw(
    findings: Sequence[Finding], layers: Sequence[Layer], posts: Posts, stamp: Sequence[str]
) -> Markup:
    """All findings of a case in one map."""
    home: dict[int, int] = {}
    hidden = 0
    for g, finding in enumerate(findings):
        ranked = sorted(finding.members, key=lambda m: (-m.evidence, m.account))
        fresh = [m.account for m in ranked if m.account not in home]
        room = max(0, min(PER_GROUP, ACCOUNTS - len(home)))
        hidden += max(0, len(fresh) - room)
        home.update(dict.fromkeys(fresh[:room], g))
    ties, left_out = _ties(layers, home)
    joined = {home[t.left] for t in ties if home.get(t.left, -1) == home.get(t.right, -2)}
    for g, finding in enumerate(findings):
        if g not in joined:
            ties += _met(finding, g, home, posts)
    clusters = [_cluster(g, home, ties) for g in range(len(findings))]
    places, height = _pack([len(c) for c in clusters])
    position: dict[int, tuple[float, float]] = {}
    for (cx, cy, r), cluster in zip(places, clusters, strict=True):
        position.update({a: (cx + r * x, cy + r * y) for a, (x, y) in cluster.items()})
    context = _context(ties, home, position, places)
    position.update(context)
    body = [
        *_edges(ties, position),
        *([svg.glyphs("ring", list(context.values()), 2.6, svg.FAINT)] if context else []),
        *_nodes(findings, home, position),
        *_names(findings, places),
        *_legend(findings, ties, height),
    ]
    caveat = (
        "An account is a mark, a line is joint behaviour beyond chance; distance on paper means "
        f"nothing. {hidden} accounts and {left_out} weaker edges are not drawn; grey rings are "
        "accounts of no finding that share an edge with one. Where no pair stands alone, lines "
        "join members who met in two joint acts or more."
    )
    title = f"Coordination network: {len(home)} accounts in {len(findings)} findings"
    return svg.frame(WIDTH, height + 40, title, caveat, stamp, body, name="network")


def _ties(layers: Sequence[Layer], home: Mapping[int, int]) -> tuple[list[_Tie], int]:
    """Strongest edges that touch a drawn account; one a pair, named after its strongest trace."""
    best: dict[tuple[int, int], _Tie] = {}
    inside = np.array(sorted(home), np.int64)
    for layer in layers:
        if layer.scored.signal == MULTIPLEX:
            continue
        edges, p = layer.scored.edges, layer.scored.p
        touching = np.flatnonzero(np.isin(edges.left, inside) | np.isin(edges.right, inside))
        for i in touching:
            pair = (int(edges.left[i]), int(edges.right[i]))
            surprise = -math.log10(max(float(p[i]), 1e-300))
            if pair not in best or surprise > best[pair].surprise:
                best[pair] = _Tie(*pair, layer.scored.signal, surprise)
    ranked = sorted(best.values(), key=lambda t: (-t.surprise, t.left, t.right))
    return ranked[:EDGES], max(0, len(ranked) - EDGES)


def _met(finding: Finding, g: int, home: Mapping[int, int], posts: Posts) -> list[_Tie]:
    """Members who met in at least two of the finding's joint acts."""
    times: Counter[tuple[int, int]] = Counter()
    signal: dict[tuple[int, int], str] = {}
    for act in finding.joint_acts[:MEETINGS]:
        who = sorted({int(posts.account[p]) for p in act.posts})
        for pair in combinations([a for a in who if home.get(a) == g][:MEETING], 2):
            times[pair] += 1
            signal.setdefault(pair, act.signal)
    return [_Tie(*pair, signal[pair], 0.0) for pair, n in sorted(times.items()) if n >= 2]


def _cluster(
    g: int, home: Mapping[int, int], ties: Sequence[_Tie]
) -> dict[int, tuple[float, float]]:
    """Members of one finding inside the unit circle."""
    import networkx as nx  # an eighth of a second: only for a case with findings

    members = sorted(a for a, h in home.items() if h == g)
    graph = nx.Graph()
    graph.add_nodes_from(members)
    graph.add_edges_from(
        (t.left, t.right) for t in ties if home.get(t.left) == g and home.get(t.right) == g
    )
    if len(members) <= 2 or graph.number_of_edges() == 0:
        return _ring(members)
    laid = nx.spring_layout(graph, seed=7, iterations=60, k=1.6 / math.sqrt(len(members)))
    xy = np.array([laid[a] for a in members])
    xy -= xy.mean(0)
    far = np.hypot(xy[:, 0], xy[:, 1])
    # accounts without an edge fly far off in a spring layout: fold the tail back to the rim
    xy *= np.minimum(1.0, 1.0 / np.maximum(far / max(np.quantile(far, 0.9), 1e-9), 1e-9))[:, None]
    xy /= max(np.hypot(xy[:, 0], xy[:, 1]).max(), 1e-9)
    return {a: (float(x), float(y)) for a, (x, y) in zip(members, xy, strict=True)}


def _ring(members: Sequence[int]) -> dict[int, tuple[float, float]]:
    turn = 2 * math.pi / max(len(members), 1)
    return {a: (math.cos(turn * i), math.sin(turn * i)) for i, a in enumerate(members)}


def _pack(sizes: Sequence[int]) -> tuple[list[tuple[float, float, float]], float]:
    """(x, y, radius) of each cluster, in rows from the left; and the height used."""
    places, x, y, tallest = [], 0.0, 6.0, 0.0
    for size in sizes:
        r = 13.0 + 8.5 * math.sqrt(size)
        if x + 2 * r + 30 > WIDTH and x > 0:
            x, y, tallest = 0.0, y + tallest + 38, 0.0
        places.append((x + r + 14, y + r + 8, r))
        x += 2 * r + 46
        tallest = max(tallest, 2 * r + 16)
    return places, y + tallest + 22 if sizes else 30.0


def _context(
    ties: Sequence[_Tie],
    home: Mapping[int, int],
    position: Mapping[int, tuple[float, float]],
    places: Sequence[tuple[float, float, float]],
) -> dict[int, tuple[float, float]]:
    """Accounts of no finding on the rim of the cluster they are tied to."""
    out: dict[int, tuple[float, float]] = {}
    for tie in ties:
        for inner, outer in ((tie.left, tie.right), (tie.right, tie.left)):
            if inner in home and outer not in home and outer not in out and len(out) < CONTEXT:
                cx, cy, r = places[home[inner]]
                x, y = position[inner]
                angle = math.atan2(y - cy, x - cx) + 0.35 * math.sin(outer * 12.9898)
                out[outer] = (cx + (r + 12) * math.cos(angle), cy + (r + 12) * math.sin(angle))
    return out


def _colour(signal: str) -> str:
    at = _SIGNALS.index(signal) if signal in _SIGNALS else len(_SIGNALS) - 1
    return svg.PALETTE[at % len(svg.PALETTE)]


def _edges(ties: Sequence[_Tie], position: Mapping[int, tuple[float, float]]) -> list[Markup]:
    paths: dict[tuple[str, int], list[str]] = {}
    for tie in ties:
        if tie.left in position and tie.right in position:
            (x1, y1), (x2, y2) = position[tie.left], position[tie.right]
            width = min(3, 1 + int(tie.surprise // 8))
            d = f"M{svg.number(x1)} {svg.number(y1)}L{svg.number(x2)} {svg.number(y2)}"
            paths.setdefault((tie.signal, width), []).append(d)
    return [
        svg.tag(
            "path",
            d="".join(d),
            stroke=_colour(signal),
            stroke_width=0.5 * width,
            opacity=0.3,
            fill="none",
        )
        for (signal, width), d in sorted(paths.items())
    ]


def _nodes(
    findings: Sequence[Finding],
    home: Mapping[int, int],
    position: Mapping[int, tuple[float, float]],
) -> list[Markup]:
    return [
        svg.glyph(
            CLASS_GLYPH[findings[g].class_],
            *position[account],
            3.6,
            CLASS_COLOUR[findings[g].class_],
        )
        for account, g in sorted(home.items())
    ]


def _names(
    findings: Sequence[Finding], places: Sequence[tuple[float, float, float]]
) -> list[Markup]:
    out = []
    for finding, (x, y, r) in zip(findings, places, strict=True):
        out.append(svg.text(x, y + r + 22, finding.id, size=9.5, anchor="middle", fill=svg.FAINT))
    return out


def _legend(findings: Sequence[Finding], ties: Sequence[_Tie], y: float) -> list[Markup]:
    out, x = [], 0.0
    for name in CLASS_GLYPH:
        count = sum(f.class_ == name for f in findings)
        if count:
            out.append(svg.glyph(CLASS_GLYPH[name], x + 6, y + 8, 4, CLASS_COLOUR[name]))
            label = f"{name} ({count})"
            out.append(svg.text(x + 16, y + 12, label, size=10.5))
            x += 34 + 6.2 * len(label)
    x = 0.0
    for signal in sorted({t.signal for t in ties}, key=lambda s: (_colour(s), s)):
        out.append(
            svg.tag(
                "line",
                x1=x,
                x2=x + 16,
                y1=y + 28,
                y2=y + 28,
                stroke=_colour(signal),
                stroke_width=2,
            )
        )
        out.append(svg.text(x + 21, y + 32, signal, size=10.5))
        x += 44 + 6.2 * len(signal)
    return out
