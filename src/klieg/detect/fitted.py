"""Chances that an account fills a slot when nobody can fill two of one object, and pairs from them.

In the sparse limit an account of degree n is on an object of degree k with chance n·k/E. That is
wrong at both ends: busy accounts saturate viral objects, so the rest meet there more often than it
says (up to 4 × in heavy-tailed data) and busy ones less. Here ``p = 1 − exp(−y·h)`` is fitted so
that both margins hold, on classes of equal degree. An object that may be used again the next day
has a slot a day: ``p = d · (1 − exp(−y·h/d))`` acts are expected on one that lived d days, all of
them one slot where nobody came twice. What two degrees may expect of each other is tabulated once
per stratum and window, so a pair costs O(1). The room knows degrees, not accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.columns import tally
from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.tables import F64, I64

__all__ = ["Fit", "fit", "nodes_up_to", "tabulate"]

_EXACT = 16  # degrees up to here are classes of their own
_PER_OCTAVE = 8  # classes an octave above
_ROUNDS = 60
_CLOSE = 1e-3  # relative: margins this near to what they must be are good enough


@dataclass(frozen=True, slots=True)
class Fit:
    """Chances of one stratum, by account degree (at the nodes) and object class."""

    chance: F64  # (D, K) p at each node degree and object class: acts expected, at most d
    weight: F64  # (K,) Σ_{a<b} p_a p_b over the accounts of the stratum, at least 1e-300


def nodes_up_to(largest: float) -> F64:
    """(D,) degrees 1, 2, 3, 4, 6, 8, 12, … by half octaves, about, and ``largest`` as the last.

    >>> nodes_up_to(10.0).tolist()
    [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0]
    """
    grid = [1.0, 2.0]
    while grid[-1] < largest:
        step = 1.5 * grid[-1] if len(grid) % 2 == 0 else 2.0 * grid[-2]
        grid.append(min(step, largest))
    return np.array(grid)


def classes(degree: I64) -> I64:
    """(n,) class of each degree: exact up to 16, an eighth of an octave beyond."""
    above = np.floor(_PER_OCTAVE * np.log2(np.maximum(degree, _EXACT) / _EXACT)).astype(np.int64)
    return np.where(degree <= _EXACT, degree, _EXACT + 1 + above)


def fit(
    account_degree: I64, object_degree: I64, nodes: F64, days: I64 | None = None
) -> tuple[Fit, I64]:
    """The fit of one stratum, and each object's class in it.

    ``account_degree`` (a,) and ``object_degree`` (o,) count actions, zeros allowed; ``days`` (o,)
    how often an account may act on each object, once by default. Fixed point of ``y ← y·n/Σ_i p``,
    ``h ← h·k/Σ_a p``; a degree beyond what can be filled ends with every slot.
    """
    n, accounts, _ = _grouped(account_degree, classes(account_degree))
    label = classes(object_degree)
    if days is not None:
        label = label + (int(label.max(initial=0)) + 1) * classes(days)
    k, objects, member = _grouped(object_degree, label)
    d = np.ones_like(k) if days is None else _grouped(days, label)[0]

    def filled(y: F64, h: F64) -> F64:
        p: F64 = -np.expm1(-np.outer(y, h / d)) * d
        return p

    total = max(float(n @ accounts), 1.0)
    y, h, at = n / np.sqrt(total), k / np.sqrt(total), nodes / np.sqrt(total)
    # nodes are shared by all strata: those far above this one's degrees may be out of reach
    asked = nodes <= 1.5 * n.max(initial=1.0)
    for _ in range(_ROUNDS):
        rows = filled(y, h) @ objects
        y = np.minimum(y * n / np.maximum(rows, 1e-200), 1e6)
        columns = accounts @ filled(y, h)
        h = np.minimum(h * k / np.maximum(columns, 1e-200), 1e6)
        here = filled(at, h) @ objects
        at = np.minimum(at * nodes / np.maximum(here, 1e-200), 1e6)
        near = (_distance(rows, n), _distance(columns, k), _distance(here[asked], nodes[asked]))
        if max(near) < _CLOSE:
            break
    p = filled(y, h)
    weight = 0.5 * ((accounts @ p) ** 2 - accounts @ p**2)
    return Fit(filled(at, h), np.maximum(weight, 1e-300)), member


def _distance(got: F64, wanted: F64) -> float:
    return float(np.max(np.abs(got - wanted) / np.maximum(wanted, 1.0), initial=0.0))


def _grouped(degree: I64, label: I64) -> tuple[F64, F64, I64]:
    """(mean degree, members) of each class that occurs, and each one's class."""
    found, size = tally(label)
    number = np.zeros(int(label.max(initial=-1)) + 1, np.int64)
    number[found] = np.arange(len(found))
    member = number[label]
    total = np.bincount(member, weights=degree, minlength=len(found))
    return total / size, size.astype(np.float64), member


@compiled
def tabulate(
    chance: F64,
    rate: F64,
    place: I64,
    starts: I64,
    free: F64,
    capped: F64,
) -> None:
    """Fill (W, D, D) tables: expected objects, and targets, that two node degrees meet on.

    ``chance`` (D, K); ``rate`` (o, W) how often a pair that is on the object meets there within
    the window; ``place`` (o,) class of each object; objects of one target stand side by side,
    target t holding ``starts[t]`` … ``starts[t + 1]``.
    """
    nodes = chance.shape[0]
    by_class = np.ascontiguousarray(chance.T)
    sums = np.empty((3, nodes))  # objects; targets; chance of not meeting on this target
    kind, often = np.empty(len(place), np.int64), np.empty(len(place))
    stops = np.empty(len(starts), np.int64)
    for w in range(rate.shape[1]):
        n_targets = _live(rate[:, w], place, starts, kind, often, stops)
        for a in range(nodes):
            sums[:] = 0.0
            i = 0
            for t in range(n_targets):
                if stops[t] == i + 1:
                    # alone in its target: the same arithmetic without a pass over sums[2]
                    own = by_class[kind[i], a]
                    for b in range(a, nodes):
                        q = min(1.0, own * by_class[kind[i], b] * often[i])
                        sums[0, b] += q
                        sums[1, b] += 1.0 - (1.0 - q)
                    i += 1
                    continue
                sums[2] = 1.0
                while i < stops[t]:
                    own = by_class[kind[i], a]
                    for b in range(a, nodes):  # the innermost loop, so that it runs in vectors
                        q = min(1.0, own * by_class[kind[i], b] * often[i])
                        sums[0, b] += q
                        sums[2, b] *= 1.0 - q
                    i += 1
                for b in range(a, nodes):
                    sums[1, b] += 1.0 - sums[2, b]
            for b in range(a, nodes):
                free[w, a, b] = free[w, b, a] = sums[0, b]
                capped[w, a, b] = capped[w, b, a] = sums[1, b]


@compiled
def _live(rate: F64, place: I64, starts: I64, kind: I64, often: F64, stops: I64) -> int:
    """Pack the objects on which anybody met, and where each target's stop; how many targets.

    The others, most of them in a short window, would add zeros.
    """
    size = 0
    targets = 0
    for t in range(len(starts) - 1):
        before = size
        for i in range(starts[t], starts[t + 1]):
            if rate[i] > 0.0:
                kind[size], often[size] = place[i], rate[i]
                size += 1
        if size > before:
            stops[targets] = size
            targets += 1
    return targets
