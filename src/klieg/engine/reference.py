"""The specification of the engine in plain Python and NumPy: slow, and meant to be read.

Every other engine must give these integers exactly and these floats within 1e-9 relative. Nothing
here is clever: pairs of actions are compared one by one, so use it on thousands of rows at most.
Similarity of texts is specified next door, in ``reference_similarity``; bursts in
``reference_bursts``. The room knows no signal, no null model and no network.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from klieg.engine import reference_acts, reference_bursts, reference_similarity
from klieg.sockets import PairCounts
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.tables import F64, I32, I64, ActEdges, Bool

__all__ = [
    "Batches",
    "ReferenceEngine",
    "components",
    "count_pairs",
    "engine",
    "occupancy",
    "pair_totals",
    "poisson_binomial_tail",
    "poisson_tail",
    "rescore_pairs",
]

BATCH = 100
"""Pairs in a batch of ``pair_batches``: few, so that who reads them meets many."""

SMALLEST = float(np.finfo(np.float64).tiny)
"""No tail is reported smaller than the smallest normal double: logarithms stay finite."""


def rows_by_object(object: I32) -> dict[int, list[int]]:  # noqa: A002
    """The rows of each object."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, o in enumerate(object.tolist()):
        rows[o].append(row)
    return rows


def occupancy(object: I32, time: I64, windows: I64) -> NDArray[np.int32]:  # noqa: A002
    """(n, W) other actions on the same object with ``|t1 − t2| ≤ w`` of each action."""
    t = time.tolist()
    counts = np.zeros((len(t), len(windows)), np.int32)
    for rows in rows_by_object(object).values():
        for i in rows:
            for w, window in enumerate(windows.tolist()):
                counts[i, w] = sum(1 for j in rows if j != i and abs(t[i] - t[j]) <= window)
    return counts


def allowed_rows(
    object: I32,  # noqa: A002
    time: I64,
    windows: I64,
    cap: int | None,
) -> NDArray[np.bool_]:
    """(n, W) whether an action may pair in a rung: its occupancy there is at most ``cap``."""
    if cap is None:
        return np.ones((len(time), len(windows)), np.bool_)
    return occupancy(object, time, windows) <= cap


def pair_totals(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    n_objects: int,
    windows: I64,
    cap: int | None,
) -> I64:
    """(n_objects, W) unordered pairs of actions of different accounts within each window."""
    totals = np.zeros((n_objects, len(windows)), np.int64)
    allowed = allowed_rows(object, time, windows, cap)
    for i, j, o in _meetings(account, object):
        delay = abs(int(time[i]) - int(time[j]))
        for w, window in enumerate(windows.tolist()):
            totals[o, w] += delay <= window and allowed[i, w] and allowed[j, w]
    return totals


def count_pairs(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    target: I32,
    n_accounts: int,
    windows: I64,
    min_n: int,
    cap: int | None,
) -> PairCounts:
    """Every pair with ``n ≥ min_n`` in some window; what the occupancy cap dropped, by account."""
    allowed = allowed_rows(object, time, windows, cap)
    pairs = _pair_objects(account, object, time, windows, allowed)
    edges = _edges(pairs, object_targets(object, target), len(windows))
    enough = edges.n.max(axis=1, initial=0) >= min_n
    kept = Edges(
        edges.left[enough],
        edges.right[enough],
        edges.n[enough],
        edges.capped[enough],
        edges.first[enough],
        edges.last[enough],
    )
    return PairCounts(kept, _dropped(account, object, time, n_accounts, windows, allowed))


@dataclass(frozen=True, slots=True)
class Batches:
    """The pairs of ``count_pairs``, a few at a time."""

    counts: PairCounts

    @property
    def dropped(self) -> I64:
        return self.counts.dropped

    def __iter__(self) -> Iterator[Edges]:
        edges = self.counts.edges
        for first in range(0, edges.size, BATCH):
            rows = slice(first, first + BATCH)
            yield Edges(
                edges.left[rows],
                edges.right[rows],
                edges.n[rows],
                edges.capped[rows],
                edges.first[rows],
                edges.last[rows],
            )


def rescore_pairs(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    target: I32,
    windows: I64,
    left: I32,
    right: I32,
) -> Edges:
    """Exact counts of the given pairs, no cap; zeros for a pair that never met."""
    allowed = np.ones((len(time), len(windows)), np.bool_)
    every = _pair_objects(account, object, time, windows, allowed)
    wanted = {pair: every.get(pair, {}) for pair in zip(left.tolist(), right.tolist(), strict=True)}
    return _edges(wanted, object_targets(object, target), len(windows))


def object_targets(object: I32, target: I32) -> dict[int, int]:  # noqa: A002
    """Each object's target: the largest its rows carry; an object without one is its own.

    An object that is its own target is written ``−1 − object``, so that no two are alike.
    """
    targets: dict[int, int] = {}
    for o, t in zip(object.tolist(), target.tolist(), strict=True):
        targets[o] = max(targets.get(o, -1), t)
    return {o: t if t >= 0 else -1 - o for o, t in targets.items()}


Shared = dict[int, tuple[set[int], int, int]]
"""Of one pair: object → (rungs in which they met on it, earliest and latest time of a meeting)."""


def _meetings(account: I32, object: I32) -> Iterator[tuple[int, int, int]]:  # noqa: A002
    """Rows (i, j) of different accounts with account i < account j, and their common object."""
    for o, rows in rows_by_object(object).items():
        for i in rows:
            for j in rows:
                if account[i] < account[j]:
                    yield i, j, o


def _pair_objects(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    windows: I64,
    allowed: NDArray[np.bool_],
) -> dict[tuple[int, int], Shared]:
    pairs: dict[tuple[int, int], Shared] = defaultdict(dict)
    for i, j, o in _meetings(account, object):
        early, late = sorted((int(time[i]), int(time[j])))
        rungs = {
            w
            for w, window in enumerate(windows.tolist())
            if late - early <= window and allowed[i, w] and allowed[j, w]
        }
        if rungs:
            shared = pairs[int(account[i]), int(account[j])]
            before, first, last = shared.get(o, (set(), early, late))
            shared[o] = (before | rungs, min(first, early), max(last, late))
    return pairs


def _edges(pairs: dict[tuple[int, int], Shared], targets: dict[int, int], n_windows: int) -> Edges:
    keys = sorted(pairs)
    n = np.zeros((len(keys), n_windows), np.uint32)
    capped = np.zeros((len(keys), n_windows), np.uint32)
    for row, key in enumerate(keys):
        for w in range(n_windows):
            met = [o for o, (rungs, _, _) in pairs[key].items() if w in rungs]
            n[row, w] = len(met)
            capped[row, w] = len({targets[o] for o in met})
    spans = [list(pairs[key].values()) for key in keys]
    return Edges(
        np.array([a for a, _ in keys], np.int32),
        np.array([b for _, b in keys], np.int32),
        n,
        capped,
        np.array([min((f for _, f, _ in s), default=0) for s in spans], np.int64),
        np.array([max((e for _, _, e in s), default=0) for s in spans], np.int64),
    )


def _dropped(
    account: I32,
    object: I32,  # noqa: A002
    time: I64,
    n_accounts: int,
    windows: I64,
    allowed: NDArray[np.bool_],
) -> I64:
    """(n_accounts, W) actions over the cap, or within the window of another that is.

    A pair loses at most the smaller of its two accounts' counts: each lost object took an action
    of both, one over the cap and the other next to it.
    """
    counts = np.zeros((n_accounts, len(windows)), np.int64)
    for rows in rows_by_object(object).values():
        for w, window in enumerate(windows.tolist()):
            over = [int(time[j]) for j in rows if not allowed[j, w]]
            for i in rows:
                counts[account[i], w] += any(abs(int(time[i]) - t) <= window for t in over)
    return counts


def poisson_tail(n: NDArray[np.int64], lam: F64) -> F64:
    """P[Poisson(λ) ≥ n]: the smaller side is summed term by term, so that no digits cancel."""
    tails = [_poisson_tail(k, x) for k, x in zip(n.tolist(), lam.tolist(), strict=True)]
    return np.array(tails, np.float64)


def _poisson_tail(n: int, lam: float) -> float:
    if n <= 0:
        return 1.0
    if lam <= 0.0:
        return SMALLEST

    def chance(k: int) -> float:
        return math.exp(k * math.log(lam) - lam - math.lgamma(k + 1))

    if n <= lam:
        return 1.0 - math.fsum(chance(k) for k in range(n))
    terms = [chance(n)]
    while terms[-1] > 1e-18 * terms[0]:
        terms.append(terms[-1] * lam / (n + len(terms)))
    return max(math.fsum(terms), SMALLEST)


def poisson_binomial_tail(starts: I64, probs: F64, n: I64) -> F64:
    """P[Σ Bernoulli(p) ≥ n] of each row of probabilities, by adding one trial after another."""
    tails = np.ones(len(n), np.float64)
    for row, wanted in enumerate(n.tolist()):
        if wanted <= 0:
            continue
        # chances of 0 … wanted − 1 successes, and of wanted or more: sums of positive terms only
        state = [1.0] + [0.0] * wanted
        for p in probs[starts[row] : starts[row + 1]].tolist():
            state[wanted] += state[wanted - 1] * p
            for k in range(wanted - 1, 0, -1):
                state[k] = state[k] * (1.0 - p) + state[k - 1] * p
            state[0] *= 1.0 - p
        tails[row] = max(state[wanted], SMALLEST)
    return tails


def components(left: I32, right: I32, n: int) -> I32:
    """(n,) connected component of each node: components are numbered by their smallest node."""
    near: dict[int, set[int]] = defaultdict(set)
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        near[a].add(b)
        near[b].add(a)
    labels = np.full(n, -1, np.int32)
    found = 0
    for start in range(n):
        if labels[start] >= 0:
            continue
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if labels[node] < 0:
                labels[node] = found
                waiting.extend(near[node])
        found += 1
    return labels


@dataclass(frozen=True, slots=True)
class ReferenceEngine:
    """The specification behind the socket; threads change nothing, so they are ignored."""

    name: str = "reference"

    def occupancy(self, object: I32, time: I64, windows: I64) -> NDArray[np.int32]:  # noqa: A002
        return occupancy(object, time, windows)

    def pair_totals(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        n_objects: int,
        windows: I64,
        cap: int | None,
    ) -> I64:
        return pair_totals(account, object, time, n_objects, windows, cap)

    def count_pairs(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        min_n: int,
        cap: int | None,
        threads: int,
    ) -> PairCounts:
        return count_pairs(account, object, time, target, n_accounts, windows, min_n, cap)

    def pair_batches(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        min_n: int,
        cap: int | None,
        threads: int,
    ) -> Batches:
        return Batches(count_pairs(account, object, time, target, n_accounts, windows, min_n, cap))

    def rescore_pairs(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        left: I32,
        right: I32,
        threads: int,
    ) -> Edges:
        return rescore_pairs(account, object, time, target, windows, left, right)

    def act_company(self, account: I32, post: I32, lo: I32, hi: I32) -> I64:
        return reference_acts.act_company(account, post, lo, hi)

    def count_acts(
        self,
        account: I32,
        post: I32,
        time: I64,
        lo: I32,
        hi: I32,
        anchor: Bool,
        n_accounts: int,
        min_n: int,
        directed: bool,
        threads: int,
    ) -> Iterator[ActEdges]:
        edges = reference_acts.count_acts(
            account, post, time, lo, hi, anchor, n_accounts, max(min_n, 1), directed
        )
        return iter([edges] if edges.size else [])

    def tiles(self, object: I32, time: I64, window: int, phase: int) -> tuple[I32, int]:  # noqa: A002
        return reference_bursts.tiles(object, time, window, phase)

    def burst_evidence(
        self, burst: I32, actors: I32, share: F64, base: F64, rates: F64, weights: F64
    ) -> F64:
        return reference_bursts.burst_evidence(burst, actors, share, base, rates, weights)

    def near_copies(
        self, starts: I64, values: NDArray[np.uint64], tau: float, seed: int
    ) -> tuple[I32, I32, F64]:
        return reference_similarity.near_copies(starts, values, tau, seed)

    def similar_sets(
        self, starts: I64, values: NDArray[np.uint64], tau: float
    ) -> tuple[I32, I32, F64]:
        return reference_similarity.similar_sets(starts, values, tau)

    def similar_pairs(
        self,
        a: NDArray[np.float32],
        b: NDArray[np.float32],
        tau: float,
        times: tuple[I64, I64],
        window: int,
    ) -> tuple[I32, I32, NDArray[np.float32]]:
        return reference_similarity.similar_pairs(a, b, tau, times, window)

    def poisson_tail(self, n: NDArray[np.int64], lam: F64) -> F64:
        return poisson_tail(n, lam)

    def poisson_binomial_tail(self, starts: I64, probs: F64, n: I64) -> F64:
        return poisson_binomial_tail(starts, probs, n)

    def components(self, left: I32, right: I32, n: int) -> I32:
        return components(left, right, n)


def engine(config: Config, **ports: object) -> ReferenceEngine:
    """The factory behind ``--engine reference``; no knob changes what it computes."""
    return ReferenceEngine()
