"""Families of similar texts by average linkage: no chaining, whatever the order.

A family's texts are alike on average over *all* its pairs, a pair that no join reported counting as
0; so a chain a–b–c whose ends differ is not one family. Weights are integers and ties go by index,
so the same pairs give the same families everywhere. The room knows pairs and numbers, no text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, Bool

__all__ = ["CROWD", "gather"]

CROWD = 256
"""Partners of earlier texts that an engine's join keeps for one text in a crowd of copies."""

_ONE = 1_000_000  # similarity 1 as an integer


def gather(n: int, left: I32, right: I32, similarity: F64, tau: float, crowded: Bool) -> I64:
    """(n,) family of each text, named by its smallest member.

    ``left < right`` are the known pairs, at most once each, ``similarity`` in (0, 1]. Clusters are
    merged, best pair first, while the mean similarity over all their cross pairs is at least
    ``tau``. ``crowded`` texts know only part of their partners: they are kept out while families
    form, then each joins the family it is most similar to, if ``tau`` allows.
    """
    weight = np.rint(np.asarray(similarity) * _ONE).astype(np.int64)
    low, high = left.astype(np.int64), right.astype(np.int64)
    known = ~(crowded[low] | crowded[high])
    one = round(tau * _ONE)
    family = _link(n, low[known], high[known], weight[known], one)
    if crowded.any():
        _adopt(family, low[~known], high[~known], weight[~known], one, crowded)
    _, first, which = np.unique(family, return_index=True, return_inverse=True)
    named: I64 = first.astype(np.int64)[which]
    return named


def _link(n: int, low: I64, high: I64, weight: I64, tau: int) -> I64:
    """Average linkage in rounds: every round merges all stars around mutual best pairs."""
    family = np.arange(n)
    size = np.ones(n, np.int64)
    while True:
        fits = weight >= tau * size[low] * size[high]
        if not fits.any():
            return family
        alive = np.zeros(n, bool)
        alive[low[fits]] = alive[high[fits]] = True
        near = alive[low] | alive[high]  # clusters that can merge no more are done with
        low, high, weight, fits = low[near], high[near], weight[near], fits[near]
        root = _stars(n, size, low, high, weight, fits, tau)
        family = root[family]
        size = np.bincount(root, size, minlength=n).astype(np.int64)
        low, high, weight = _merged(n, root[low], root[high], weight)


def _stars(n: int, size: I64, low: I64, high: I64, weight: I64, fits: Bool, tau: int) -> I64:
    """(n,) the cluster each cluster merges into this round (itself: stays)."""
    a, b = low[fits], high[fits]
    mean = weight[fits] / (size[a] * size[b] * _ONE)
    # equal means are common among template texts: a hash of the pair spreads them evenly, where
    # smallest-first would merge one pair a round
    key = (np.floor(mean * (1 << 23)).astype(np.uint64) << np.uint64(40)) | _hash40(a, b)
    best = np.zeros(n, np.uint64)
    np.maximum.at(best, a, key)
    np.maximum.at(best, b, key)
    mutual = (key == best[a]) & (key == best[b])
    star = np.full(n, -1, np.int64)
    heart = np.zeros(n, bool)
    star[a[mutual]] = star[b[mutual]] = a[mutual]
    heart[a[mutual]] = heart[b[mutual]] = True
    for tip, other in ((a, b), (b, a)):
        joins = (key == best[tip]) & ~heart[tip] & heart[other]
        star[tip[joins]] = star[other[joins]]
    for _ in range(3):
        out = _misfits(n, size, low, high, weight, star, tau) & ~heart
        if not out.any():
            break
        star[out] = -1
    bad = _misfits(n, size, low, high, weight, star, tau)
    broken = np.zeros(n, bool)
    broken[star[bad & (star >= 0)]] = True
    star[(star >= 0) & broken[star] & ~heart] = -1
    return np.where(star >= 0, star, np.arange(n))


def _misfits(n: int, size: I64, low: I64, high: I64, weight: I64, star: I64, tau: int) -> Bool:
    """(n,) clusters whose mean similarity to the rest of their star is below tau."""
    inside = (star[low] >= 0) & (star[low] == star[high])
    total = np.zeros(n, np.int64)
    np.add.at(total, low[inside], weight[inside])
    np.add.at(total, high[inside], weight[inside])
    member = star >= 0
    whole = np.bincount(star[member], size[member], minlength=n).astype(np.int64)
    rest = np.where(member, whole[star] - size, 0)
    return member & (total < tau * size * rest)


def _merged(n: int, low: I64, high: I64, weight: I64) -> tuple[I64, I64, I64]:
    """Edges between clusters, weights summed."""
    apart = low != high
    low, high, weight = low[apart], high[apart], weight[apart]
    pair = np.minimum(low, high) * n + np.maximum(low, high)
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    begin = np.flatnonzero(np.diff(pair, prepend=-1))
    total = np.add.reduceat(weight[order], begin) if len(begin) else weight[:0]
    return pair[begin] // n, pair[begin] % n, total


def _adopt(family: I64, low: I64, high: I64, weight: I64, tau: int, crowded: Bool) -> None:
    """Give each crowded text the family it is most similar to, in place."""
    lone = np.concatenate([low, high])
    other = np.concatenate([high, low])
    twice = np.concatenate([weight, weight])
    use = crowded[lone] & ~crowded[other]
    n = len(family)
    if not use.any():
        return
    pair = lone[use] * n + family[other[use]]
    order = np.argsort(pair, kind="stable")
    begin = np.flatnonzero(np.diff(pair[order], prepend=-1))
    total = np.add.reduceat(twice[use][order], begin)
    text, home = pair[order][begin] // n, pair[order][begin] % n
    size = np.bincount(family, minlength=n)[home]
    # of a family larger than a crowd's memory, no text can know more than that many
    mean = total / np.minimum(size, CROWD)
    rank = np.lexsort((home, -mean, text))
    first = rank[np.diff(text[rank], prepend=-1) != 0]
    first = first[mean[first] >= tau]
    family[text[first]] = home[first]


def _hash40(a: I64, b: I64) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    code = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    code = (code ^ (code >> np.uint64(29))) + b.astype(np.uint64)
    code *= np.uint64(0xBF58476D1CE4E5B9)
    code ^= code >> np.uint64(32)
    code *= np.uint64(0x94D049BB133111EB)
    return code >> np.uint64(24)
