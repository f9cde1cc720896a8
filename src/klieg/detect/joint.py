"""What a group's members did together: joint acts, the posts in them, their rhythm.

Reads one layer's bursts and rows, adds them up and names them. The room tests nothing: what is
surprising is said by ``bursts``, what is benign by ``clock`` and ``lookalikes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from klieg import evidence
from klieg.detect import bursts
from klieg.tables import SECOND, JointAct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.detect.bursts import Terms, Tilings
    from klieg.tables import F64, I32, I64, Actions, Bool, Posts

__all__ = [
    "acts",
    "expected_joined",
    "joined",
    "posts_of",
    "rhythm",
    "rows_of",
    "together",
]

MOST_ACTS: Final = 200
SLOWEST_GAP: Final = 86_400  # seconds: two acts a day apart are no rhythm
SAME_SECOND: Final = 1.0  # seconds, exclusive


def together(terms: Terms) -> Bool:
    """(u,) bursts in which two or more members met and which speak for the group."""
    joint: Bool = (terms.k >= 2) & (terms.weight > 0)
    return joint


def rows_of(terms: Terms, chosen: Bool) -> I32:
    """Rows of Actions in the chosen bursts."""
    return terms.rows[np.repeat(chosen, np.diff(terms.starts))]


def posts_of(actions: Actions, tilings: Tilings, members: I32, window: int) -> I64:
    """Rows of evidence in joint bursts of either offset, ascending."""
    found = []
    for offset in bursts.OFFSETS:
        terms = bursts.terms(tilings, members, window, offset)
        found.append(actions.post[rows_of(terms, together(terms))])
    return np.unique(np.concatenate(found))


def acts(found: Mapping[str, tuple[Actions, Terms]], posts: Posts) -> tuple[JointAct, ...]:
    """The strongest joint acts over all signals; ties by time, then by signal."""
    ranked: list[tuple[float, int, str, int]] = []
    for name, (actions, terms) in found.items():
        for j in np.flatnonzero(together(terms)):
            first = int(actions.time[terms.rows[terms.starts[j]]])
            ranked.append((-float(terms.weight[j]), first, name, int(j)))
    strongest = sorted(ranked)[:MOST_ACTS]
    return tuple(_act(name, *found[name], j, posts) for _, _, name, j in strongest)


def joined(terms: Terms) -> int:
    """Acts by which a member joined another in a burst: Σ (k − 1) over bursts with company."""
    return int(np.maximum(terms.k - 1, 0).sum())


def expected_joined(
    tilings: Tilings, members: I32, terms: Terms, window: int, offset: float
) -> float:
    """The same count under chance, read from everybody else's bursts: Σ E[(K − 1)⁺].

    Each slot an outsider took falls to a member with odds n_G : (E − n_G), independently; so a
    burst that only members made promises nothing, and a random group expects what it shows.
    """
    lattice = tilings.lattice
    t = tilings.windows.index(window) * len(bursts.OFFSETS) + bursts.OFFSETS.index(offset)
    share = bursts.shares(tilings, members)
    odds = np.minimum(share / np.maximum(1 - share, 1e-12), 1.0)
    total = 0.0
    for c in np.flatnonzero(share > 0):
        own = slice(lattice.counted[t, c], lattice.counted[t, c + 1])
        total += float(_beyond(lattice.counted_actors[own], odds[c]) @ lattice.counted_bursts[own])
    mine = odds[tilings.strata.object_stratum[terms.object]]
    total += float((_beyond(terms.m - terms.k, mine) - _beyond(terms.m, mine)).sum())
    return max(total, 0.0)


def _beyond(slots: F64 | I32, p: F64 | float) -> F64:
    """E[(K − 1)⁺] of K ~ Binomial(slots, p): the mean, less one, plus the chance of none."""
    n = np.asarray(slots, np.float64)
    return np.maximum(n * p - 1 + (1 - p) ** n, 0.0)


def rhythm(found: Sequence[tuple[Actions, Terms]]) -> dict[str, float]:
    """Gaps between members who act next after one another on one object, in seconds.

    ``median``, and the shares ``same_second``, ``3_to_60_s`` and ``over_10_min``; ``gaps`` counts
    them. Gaps of more than a day are no gaps.
    """
    gaps = []
    for actions, terms in found:
        rows = np.unique(terms.rows)
        rows = rows[np.lexsort((rows, actions.time[rows], actions.object[rows]))]
        other = np.diff(actions.account[rows]) != 0
        same = np.diff(actions.object[rows]) == 0
        gap = np.diff(actions.time[rows]) / SECOND
        gaps.append(gap[same & other & (gap <= SLOWEST_GAP)])
    every = np.concatenate(gaps) if gaps else np.zeros(0)
    if not len(every):
        return {}
    return {
        "gaps": float(len(every)),
        "median": float(np.median(every)),
        "same_second": float((every < SAME_SECOND).mean()),
        "3_to_60_s": float(((every >= 3) & (every <= 60)).mean()),
        "over_10_min": float((every > 600).mean()),
    }


def _act(signal: str, actions: Actions, terms: Terms, j: int, posts: Posts) -> JointAct:
    rows = terms.rows[terms.starts[j] : terms.starts[j + 1]]
    written, done = evidence.split(posts, actions.post[rows])
    return JointAct(
        signal,
        actions.labels[int(terms.object[j])].as_py(),
        tuple(written.tolist()),
        int(terms.k[j]),
        int(terms.m[j]),
        float(terms.mu[j]),
        float(terms.weight[j]),
        tuple(done.tolist()),
    )
