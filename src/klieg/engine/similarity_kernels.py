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

_BLOCK = 32  # postings tried at once


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
    bits: U64  # (L,) which of 64 bits the tokens from there on have
    spare: I32  # (L,) how many of them an overlap of tau can do without
    by_size: I64  # (longest + 2,) first text with that many tokens or more


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
def _bit(token: int) -> np.uint64:
    """One of 64 bits for a token."""
    return np.uint64(1) << ((np.uint64(token) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(58))


@compiled
def _spare(left: int, size: int, tau: float) -> int:
    """How many of its last ``left`` tokens a text of ``size`` can do without; in sixteenths.

    Jaccard ≥ tau asks for ``s ≥ tau / (1 + tau) · (size_a + size_b)`` tokens in common, and then
    ``left_a + left_b − 2·s`` of what is left stand in one text only: no fewer than the bits in
    which the two differ (Sandes et al. 2017). So these may not exceed the sum of what
    both can spare; rounded up, so that no pair is lost.
    """
    return math.ceil(16.0 * (left - 2.0 * tau / (1.0 + tau) * size) + 1e-6)


@compiled
def postings(
    bounds: I64, tokens: I32, counts: I64, tau: float
) -> tuple[I64, I32, I32, NDArray[np.uint64], I32]:
    """Who holds each token in the prefix that a longer text must meet: see ``Prefixes``."""
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
    bits = np.empty(lists[-1], np.uint64)
    spare = np.empty(lists[-1], np.int32)
    for text in range(len(bounds) - 1):
        size = bounds[text + 1] - bounds[text]
        last = bounds[text + 1] - _at_least(share, size)
        rest = np.uint64(0)
        for p in range(bounds[text + 1] - 1, bounds[text] - 1, -1):
            t = tokens[p]
            rest |= _bit(t)
            if p <= last and counts[t] > 1:
                members[place[t]] = text
                depths[place[t]] = p - bounds[text]
                bits[place[t]] = rest
                spare[place[t]] = _spare(bounds[text + 1] - p, size, tau)
                place[t] += 1
    return lists, members, depths, bits, spare


@compiled
def _first_from(members: I32, lo: int, hi: int, text: int) -> int:
    """First place in [lo, hi) whose member is ``text`` or a later one."""
    while lo < hi:
        middle = (lo + hi) // 2
        if members[middle] < text:
            lo = middle + 1
        else:
            hi = middle
    return lo


@compiled
def _ones(word: np.uint64) -> np.int32:
    """How many bits are set (compilers make one instruction of it)."""
    v = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    v = (v & np.uint64(0x3333333333333333)) + ((v >> np.uint64(2)) & np.uint64(0x3333333333333333))
    v = (v + (v >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int32((v * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _promising(
    prefixes: Prefixes, lo: int, hi: int, rest: np.uint64, spare: np.int32, found: I64
) -> int:
    """Write to ``found`` the places in [lo, hi) whose tokens may suffice; how many.

    Few do, so whole blocks are tried first, without branches: that is done many at once.
    """
    k = 0
    for start in range(lo, hi, _BLOCK):
        bits = prefixes.bits[start : min(start + _BLOCK, hi)]
        other = prefixes.spare[start : min(start + _BLOCK, hi)]
        hits = np.int32(0)
        for i in range(len(bits)):
            hits |= np.int32(16 * _ones(bits[i] ^ rest)) - other[i] <= spare
        if hits:
            for i in range(len(bits)):
                if np.int32(16 * _ones(bits[i] ^ rest)) - other[i] <= spare:
                    found[k] = start + i
                    k += 1
    return k


@compiled
def _rests(tokens: I32, begin: int, end: int, rests: NDArray[np.uint64]) -> None:
    """rests[i]: the bits of the tokens from ``begin + i`` on."""
    rest = np.uint64(0)
    for p in range(end - 1, begin - 1, -1):
        rest |= _bit(tokens[p])
        rests[p - begin] = rest


@compiled
def _stretch(
    prefixes: Prefixes, token: int, x: int, shortest: int, widest: int
) -> tuple[int, int, int]:
    """Where the token's holders stand that come before x and have ``shortest`` tokens or more.

    Gives [lo, hi), and the end of those among them that have ``widest`` tokens or fewer.
    """
    members, by_size = prefixes.members, prefixes.by_size
    lo, hi = prefixes.lists[token], prefixes.lists[token + 1]
    lo = _first_from(members, lo, hi, by_size[shortest])
    hi = _first_from(members, lo, hi, x)
    if widest >= len(by_size) - 1:
        return lo, hi, hi
    return lo, hi, _first_from(members, lo, hi, by_size[max(widest, 0) + 1])


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

    Texts are numbered from short to long; ``order`` gives their indices. A pair is looked at where
    its first common token stands, and passed over if what follows there in either text, or in both
    by their bits, is too little.
    """
    bounds, tokens = prefixes.bounds, prefixes.tokens
    seen = np.full(stop, -1, np.int32)
    rests = np.empty(len(prefixes.by_size), np.uint64)
    places = np.empty(min(probes, len(prefixes.members)) + 1, np.int64)
    keys, scores = np.empty(256, np.int64), np.empty(256, np.float64)
    k = crowded = 0
    for x in range(first, stop):
        begin, end = bounds[x], bounds[x + 1]
        size = end - begin
        shortest = _at_least(tau, size)
        _rests(tokens, begin, end, rests)
        kept = looked = 0
        full = False
        for p in range(begin, end - shortest + 1):
            widest = math.floor((end - p) * (1.0 + tau) / tau - size + 1e-6)
            lo, hi, near = _stretch(prefixes, tokens[p], x, shortest, widest)
            looked += hi - lo
            if looked > probes:
                full = True
                near = min(near, hi - (looked - probes))
            spare = np.int32(_spare(end - p, size, tau))
            for c in range(_promising(prefixes, lo, near, rests[p - begin], spare, places)):
                y = prefixes.members[places[c]]
                if seen[y] == x:
                    continue
                seen[y] = x
                q = bounds[y] + prefixes.depths[places[c]]
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
                keys[k] = (min(order[x], order[y]) << 32) | max(order[x], order[y])
                scores[k] = shared / (both - shared)
                k += 1
            if full:
                crowded += 1
                break
    return keys[:k].copy(), scores[:k].copy(), crowded
