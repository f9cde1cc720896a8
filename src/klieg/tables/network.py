"""Pairs: counted, scored, tested, layer by layer, with the null that was checked beside them.

Shapes stand beside each field: ``(n,)`` rows, windows in seconds. The room knows no groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.tables.columns import F64, I32, I64, U8, U32, Bool
    from klieg.tables.posts import Actions

__all__ = [
    "ActEdges",
    "Crowd",
    "Edges",
    "Layer",
    "Network",
    "NullStat",
    "ScoredEdges",
    "ShuffleStat",
    "Strata",
    "WeakGraph",
]


@dataclass(frozen=True, slots=True)
class Edges:
    """Co-acting pairs of one signal. Counts are cumulative over the window ladder."""

    left: I32  # (p,)
    right: I32  # (p,) > left; rows sorted by (left, right)
    n: U32  # (p, W) distinct objects both acted on within the window (smallest delay counts)
    capped: U32  # (p, W) the same with at most one per target over the whole period
    first: I64  # (p,) microseconds: earliest co-action in the widest window
    last: I64  # (p,) microseconds: latest

    @property
    def size(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class ActEdges:
    """Pairs of accounts weighed by acts, as other tools weigh them; directed or left < right."""

    left: I32  # (p,) rows sorted by (left, right)
    right: I32  # (p,)
    n: I64  # (p,) posts of left that met an act of right; undirected: pairs of acts that met
    delay: I64  # (p,) undirected: Σ |t1 − t2| over those pairs, in the ticks of the times; else 0

    @property
    def size(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class ScoredEdges:
    """Edges of one layer beside what the null model expects: weak, validated and grouped ones."""

    signal: str
    edges: Edges
    expected: F64  # (p, W) capped co-actions the null expects: the λ that p was taken at
    p_window: F64  # (p, W) tail probability per window, uncorrected
    best: U8  # (p,) index of the window with the smallest p
    p: F64  # (p,) min(1, W · min_w p)
    e: F64  # (p,) pair e-value, averaged over windows
    q: F64  # (p,) Benjamini–Hochberg over all pairs of all layers
    weak: Bool  # (p,)
    validated: Bool  # (p,)
    grouped: Bool  # (p,) passes inside a group that stands, the group left out of λ


@dataclass(frozen=True, slots=True)
class Strata:
    """Which pool each object of one signal belongs to; accounts are exchangeable inside a pool."""

    object_stratum: I32  # (n_objects,)
    parent: I32  # (n_strata,) coarser pool (platform × collection), numbered 0 … n_parents − 1
    names: tuple[str, ...]  # (n_strata,) e.g. "x · en · interest 3"
    parent_names: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.parent)


@dataclass(frozen=True, slots=True)
class ShuffleStat:
    """What one more kind of shuffle gave of a layer, without the accounts that stand in groups."""

    kind: str  # H: labels inside stratum and clock hour; T: each account's times moved
    removed: int  # accounts of standing groups, taken out first
    pairs: int  # all pairs of eligible accounts that are left
    real: int  # validated pairs of the data among those left
    validated: tuple[int, ...]  # pairs of each shuffle at the data's threshold
    weak: tuple[int, ...]
    tail: tuple[float, ...]  # #{p ≤ α} / (pairs · α), mean over the runs


@dataclass(frozen=True, slots=True)
class NullStat:
    """One layer's bookkeeping of error control: printed in every report."""

    signal: str
    actions: int
    objects: int
    eligible: int  # accounts whose edges count
    pairs: int  # all pairs of eligible accounts: the m of this layer
    candidates: int  # pairs scored
    validated: int
    weak: int
    expected_false: float  # m · threshold: validated edges chance alone would give
    shuffled: tuple[int, ...]  # validated edges on each shuffle, at the real threshold
    shuffled_weak: tuple[int, ...]
    tail_alpha: tuple[float, ...]  # α = 1e-3 … 1e-7
    tail_real: tuple[float, ...]  # #{p ≤ α} / (mα)
    tail_shuffled: tuple[float, ...]  # the same, mean over shuffles
    omitted_bound: float  # nats a pair can have lost to the occupancy cap
    histogram_edges: tuple[float, ...]  # surprise −log10 p, for the null panel
    histogram_real: tuple[int, ...]
    histogram_shuffled: tuple[int, ...]  # mean over shuffles, rounded
    threshold: float  # p at which an edge was validated (0 if none)
    validated_by: int = 0  # edges that Benjamini–Yekutieli (any dependence) would validate
    validated_e: int = 0  # edges that e-BH would validate
    crowds: int = 0  # sets of accounts in the same bursts of hundreds: kept whole, not as pairs
    crowd_pairs: int = 0  # pairs of their members
    crowd_scored: int = 0  # of them scored one by one: the strongest
    crowd_possible: int = 0  # of the rest, those that could have been validated, all scored
    crowd_raised: int = 0  # scored pairs that would be validated with all of those
    second_level: float = 0.0  # every pair that is not scored and in no crowd has a larger p
    second_added: int = 0  # validated pairs that the occupancy cap had kept out
    other_shuffles: tuple[ShuffleStat, ...] = ()  # beside ``shuffled``, which are of kind S
    exact: tuple[int, int] = (0, 0)  # pairs just above the threshold; below it by the exact tail
    insufficient: str = ""  # why who acts with whom cannot be tested in this layer, if so


@dataclass(frozen=True, slots=True)
class WeakGraph:
    """Pairs with weak evidence in one layer and window: where the search looks, never shown."""

    layer: str
    window: int  # seconds
    interest: bool  # whether interest strata were used
    left: I32  # (p,)
    right: I32  # (p,) > left


@dataclass(frozen=True, slots=True)
class Crowd:
    """Accounts that were in the same bursts of hundreds: one candidate, however many pairs."""

    layer: str
    window: int  # seconds
    members: I32  # (g,) ascending
    objects: int  # objects whose bursts hold half of them or more
    pairs: int  # pairs of members


@dataclass(frozen=True, slots=True)
class Network:
    """The coordination network of a run: every signal's layer, MULTIPLEX last, and weak graphs."""

    layers: Mapping[str, Layer]
    flat: Mapping[str, Strata]  # each layer's pools without interest
    weak: tuple[WeakGraph, ...]
    crowds: tuple[Crowd, ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """One signal after detection: its actions, pools, kept edges and bookkeeping."""

    actions: Actions
    strata: Strata
    scored: ScoredEdges
    stat: NullStat
