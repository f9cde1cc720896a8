"""The kernels of text similarity: signatures, buckets, postings, and the partners of a text.

The rules they follow, and what they must equal, stand in ``reference_similarity``. The room knows
no Python objects, no threads and no texts: only flat arrays of hashed shingles.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, U32

    U64 = NDArray[np.uint64]

__all__ = [
    "Buckets",
    "Prefixes",
    "bucket_partners",
    "dense_ids",
    "postings",
    "prefix_partners",
    "signatures",
    "sort_buckets",
]


class Buckets(NamedTuple):
    """Per band: texts by bucket and index, and where each text and its bucket stand in that."""

    order: NDArray[np.int32]  # (BANDS, n)
    begin: NDArray[np.int32]  # (BANDS, n)
    rank: NDArray[np.int32]  # (BANDS, n)


class Prefixes(NamedTuple):
    """Texts from short to long with their tokens rare first, and who holds which early on."""

    bounds: I64  # (n + 1,)
    tokens: I32  # (N,)
    lists: I64  # (tokens + 1,)
    members: I32  # (L,) texts that hold the token in their prefix, short ones first
    depths: I32  # (L,) where in the text the token stands


@compiled
def signatures(
    first: int,
    stop: int,
    starts: I64,
    codes: U64,
    multipliers: U32,
    offsets: U32,
    rows: int,
    keys: U64,
) -> None:
    """Fill ``keys`` (bands, n): a hash of each band's minima of texts [first, stop)."""
    width = len(multipliers)
    signature = np.empty(width, np.uint32)
    for text in range(first, stop):
        signature[:] = 0xFFFFFFFF
        for p in range(starts[text], starts[text + 1]):
            c = codes[p]
            c = (c ^ (c >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            c = (c ^ (c >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            x = np.uint32(c >> np.uint64(32))
            for k in range(width):
                signature[k] = min(signature[k], np.uint32(multipliers[k] * x + offsets[k]))
        for band in range(len(keys)):
            h = np.uint64(band)
            for k in range(band * rows, (band + 1) * rows):
                h = (h ^ np.uint64(signature[k])) * np.uint64(0x9E3779B97F4A7C15)
                h = h ^ (h >> np.uint64(29))
            keys[band, text] = h


@compiled
def sort_buckets(keys: U64, sizes: I64, order: I32, begin: I32, rank: I32) -> None:
    """Given ``order`` by key, put each bucket in index order; a text without shingles is alone."""
    n = len(keys)
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and keys[order[stop]] == keys[order[start]]:
            stop += 1
        if stop - start > 1:
            order[start:stop].sort()
        for p in range(start, stop):
            rank[order[p]] = p
            begin[order[p]] = start if sizes[order[p]] > 0 else p
        start = stop


@compiled
def _shared(
    codes: NDArray[np.generic], p: int, p_stop: int, q: int, q_stop: int, needed: int
) -> int:
    """Values in both ascending stretches, or −1 as soon as fewer than ``needed`` can be."""
    shared = 0
    while p < p_stop and q < q_stop:
        if shared + min(p_stop - p, q_stop - q) < needed:
            return -1
        if codes[p] == codes[q]:
            shared += 1
            p += 1
            q += 1
        elif codes[p] < codes[q]:
            p += 1
        else:
            q += 1
    return shared


@compiled
def bucket_partners(
    first: int,
    stop: int,
    starts: I64,
    codes: U64,
    buckets: Buckets,
    tau: float,
    partners: int,
    probes: int,
) -> tuple[I64, F64, int]:
    """Keys ``i << 32 | j``, scores, and how many texts met a bound, of texts j in [first, stop)."""
    seen = np.full(stop, -1, np.int32)
    keys = np.empty(256, np.int64)
    scores = np.empty(256, np.float64)
    k = 0
    crowded = 0
    for j in range(first, stop):
        size = starts[j + 1] - starts[j]
        kept = 0
        looked = 0
        full = False
        for band in range(len(buckets.order)):
            for p in range(buckets.begin[band, j], buckets.rank[band, j]):
                i = buckets.order[band, p]
                looked += 1
                if looked > probes:
                    full = True
                    break
                if seen[i] == j:
                    continue
                seen[i] = j
                both = size + starts[i + 1] - starts[i]
                needed = math.ceil(tau / (1.0 + tau) * both - 1e-9)
                shared = _shared(codes, starts[i], starts[i + 1], starts[j], starts[j + 1], needed)
                if shared < 0 or shared / (both - shared) < tau:
                    continue
                if kept == partners:
                    full = True
                    break
                kept += 1
                keys, scores = _room(keys, scores, k)
                keys[k] = (np.int64(i) << 32) | j
                scores[k] = shared / (both - shared)
                k += 1
            if full:
                crowded += 1
                break
    return keys[:k].copy(), scores[:k].copy(), crowded


@compiled
def _room(keys: I64, scores: F64, k: int) -> tuple[I64, F64]:
    """The same two columns, twice as long if there is no row ``k``."""
    if k < len(keys):
        return keys, scores
    more_keys = np.empty(2 * k, np.int64)
    more_scores = np.empty(2 * k, np.float64)
    more_keys[:k] = keys
    more_scores[:k] = scores
    return more_keys, more_scores


@compiled
def dense_ids(values: U64) -> tuple[I32, U64]:
    """(N,) number of each value by first appearance, and the values so numbered."""
    bits = 4
    while (1 << bits) < 2 * len(values):
        bits += 1
    table = np.full(1 << bits, -1, np.int32)
    mask = (1 << bits) - 1
    ids = np.empty(len(values), np.int32)
    unique = np.empty(len(values), np.uint64)
    found = 0
    for i in range(len(values)):
        slot = np.int64((values[i] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits))
        while table[slot] >= 0 and unique[table[slot]] != values[i]:
            slot = (slot + 1) & mask
        if table[slot] < 0:
            table[slot] = found
            unique[found] = values[i]
            found += 1
        ids[i] = table[slot]
    return ids, unique[:found].copy()


@compiled
def _at_least(share: float, size: int) -> int:
    return max(1, math.ceil(share * size - 1e-9))


@compiled
def postings(bounds: I64, tokens: I32, counts: I64, tau: float) -> tuple[I64, I32, I32]:
    """Who holds each token in the prefix that a longer text must meet: lists, members, depths."""
    share = 2 * tau / (1 + tau)
    lists = np.zeros(len(counts) + 1, np.int64)
    for text in range(len(bounds) - 1):
        size = bounds[text + 1] - bounds[text]
        for p in range(bounds[text], bounds[text + 1] - _at_least(share, size) + 1):
            if counts[tokens[p]] > 1:
                lists[tokens[p] + 1] += 1
    for t in range(len(counts)):
        lists[t + 1] += lists[t]
    place = lists[:-1].copy()
    members = np.empty(lists[-1], np.int32)
    depths = np.empty(lists[-1], np.int32)
    for text in range(len(bounds) - 1):
        size = bounds[text + 1] - bounds[text]
        for p in range(bounds[text], bounds[text + 1] - _at_least(share, size) + 1):
            t = tokens[p]
            if counts[t] > 1:
                members[place[t]] = text
                depths[place[t]] = p - bounds[text]
                place[t] += 1
    return lists, members, depths


@compiled
def _longer(bounds: I64, members: I32, lo: int, hi: int, size: int) -> int:
    """First place in [lo, hi) whose text has at least ``size`` tokens."""
    while lo < hi:
        middle = (lo + hi) // 2
        text = members[middle]
        if bounds[text + 1] - bounds[text] < size:
            lo = middle + 1
        else:
            hi = middle
    return lo


@compiled
def prefix_partners(
    first: int,
    stop: int,
    prefixes: Prefixes,
    order: I64,
    tau: float,
    partners: int,
    probes: int,
) -> tuple[I64, F64, int]:
    """Keys ``i << 32 | j``, scores, and how many texts met a bound, of the texts [first, stop).

    Texts are numbered from short to long; ``order`` gives their indices. Where the first token in
    common stands so deep in either text that too few can follow, the pair is passed over.
    """
    bounds, tokens, members = prefixes.bounds, prefixes.tokens, prefixes.members
    seen = np.full(stop, -1, np.int32)
    keys = np.empty(256, np.int64)
    scores = np.empty(256, np.float64)
    k = 0
    crowded = 0
    for x in range(first, stop):
        end = bounds[x + 1]
        size = end - bounds[x]
        shortest = _at_least(tau, size)
        kept = 0
        looked = 0
        full = False
        for p in range(bounds[x], end - shortest + 1):
            begin, finish = prefixes.lists[tokens[p]], prefixes.lists[tokens[p] + 1]
            for m in range(_longer(bounds, members, begin, finish, shortest), finish):
                y = members[m]
                if y >= x:
                    break
                looked += 1
                if looked > probes:
                    full = True
                    break
                if seen[y] == x:
                    continue
                seen[y] = x
                q = bounds[y] + prefixes.depths[m]
                both = size + bounds[y + 1] - bounds[y]
                needed = math.ceil(tau / (1.0 + tau) * both - 1e-9)
                shared = _shared(tokens, p, end, q, bounds[y + 1], needed)
                if shared < 0 or shared / (both - shared) < tau:
                    continue
                if kept == partners:
                    full = True
                    break
                kept += 1
                keys, scores = _room(keys, scores, k)
                i, j = min(order[x], order[y]), max(order[x], order[y])
                keys[k] = (i << 32) | j
                scores[k] = shared / (both - shared)
                k += 1
            if full:
                crowded += 1
                break
    return keys[:k].copy(), scores[:k].copy(), crowded
