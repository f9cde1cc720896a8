"""Find near copies and similar sets among a million texts: MinHash bands and prefix filters.

Equal to ``reference_similarity``, which says what is proposed and how crowds are bounded. Texts
come as one flat array of hashed shingles; the shards of an executor are ranges of texts. The room
does not know how shingles are made, nor what a family of texts is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine import shards
from klieg.engine.compiled import column
from klieg.engine.executors import ThreadExecutor
from klieg.engine.reference_similarity import (
    BANDS,
    PARTNERS,
    PROBES,
    ROWS,
    signature_hashes,
    tell_crowd,
)
from klieg.engine.similarity_kernels import (
    Buckets,
    Prefixes,
    bucket_partners,
    dense_ids,
    postings,
    prefix_partners,
    signatures,
    sort_buckets,
)
from klieg.engine.windows import group_rows
from klieg.errors import EngineError

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import F64, I32, I64, U32

    U64 = NDArray[np.uint64]
    Found = tuple[I64, F64, int]

__all__ = ["near_copies", "similar_pairs", "similar_sets"]

MOST_VECTOR_PAIRS = 100_000_000
"""Similar pairs of vectors are not bounded by a crowd rule, so they are refused beyond this."""


class Signing(NamedTuple):
    """What is shared by the shards that sign texts."""

    starts: I64  # (n + 1,)
    codes: U64
    multipliers: U32
    offsets: U32


class Matching(NamedTuple):
    """What is shared by the shards that pair texts through their buckets."""

    starts: I64  # (n + 1,)
    codes: U64
    buckets: Buckets
    tau: float
    partners: int
    probes: int


class Joining(NamedTuple):
    """What is shared by the shards of the prefix join."""

    prefixes: Prefixes
    order: I64  # (n,) texts from short to long
    tau: float
    partners: int
    probes: int


def sign_shard(shared: Signing, first: int, stop: int) -> U64:
    """(BANDS, stop − first) the band keys of texts [first, stop)."""
    keys = np.empty((BANDS, stop - first), np.uint64)
    starts = shared.starts[first : stop + 1]
    signatures(
        0, stop - first, starts, shared.codes, shared.multipliers, shared.offsets, ROWS, keys
    )
    return keys


def match_shard(shared: Matching, first: int, stop: int) -> Found:
    """The earlier partners of texts [first, stop) that share a bucket with them."""
    return bucket_partners(first, stop, *shared)


def join_shard(shared: Joining, first: int, stop: int) -> Found:
    """The shorter partners of texts [first, stop), numbered from short to long."""
    return prefix_partners(first, stop, *shared)


def near_copies(
    starts: I64,
    values: U64,
    tau: float,
    seed: int,
    *,
    threads: int = 0,
    executor: Executor | None = None,
    partners: int = PARTNERS,
    probes: int = PROBES,
) -> tuple[I32, I32, F64]:
    """Pairs (i < j, sorted) with exact Jaccard ≥ tau that share a band of 8 of 96 minima.

    Finds 89 % of pairs at Jaccard .8, 99.9 % at .9 (Broder 1997).
    """
    edges, codes = _flat(starts, values)
    run = executor or ThreadExecutor()
    sizes = np.diff(edges)
    signing = Signing(edges, codes, *signature_hashes(seed))
    signed = run.map(sign_shard, signing, _cuts(sizes, run.workers(threads)), threads)
    keys = np.hstack([np.empty((BANDS, 0), np.uint64), *signed])
    buckets = _bucketed(keys, sizes, threads)
    matching = Matching(edges, codes, buckets, float(tau), partners, probes)
    before = (buckets.rank - buckets.begin).sum(axis=0, dtype=np.int64)
    cuts = _cuts(64 + np.minimum(before, probes), run.workers(threads))
    return _sorted_pairs(list(run.map(match_shard, matching, cuts, threads)), partners)


def _bucketed(keys: U64, sizes: I64, threads: int) -> Buckets:
    """Texts by band key: a sort a band, cheaper here than the way to a worker and back."""
    order, begin, rank = (np.empty(keys.shape, np.int32) for _ in range(3))

    def bucket(first: int, stop: int) -> None:
        for band in range(first, stop):
            order[band] = np.argsort(keys[band])
            sort_buckets(keys[band], sizes, order[band], begin[band], rank[band])

    shards.run(bucket, [(band, band + 1) for band in range(BANDS)], threads)
    return Buckets(order, begin, rank)


def similar_sets(
    starts: I64,
    values: U64,
    tau: float,
    *,
    threads: int = 0,
    executor: Executor | None = None,
    partners: int = PARTNERS,
    probes: int = PROBES,
) -> tuple[I32, I32, F64]:
    """Pairs (i < j, sorted) with Jaccard ≥ tau: all of them, but for the crowd rule."""
    if not 0.0 < tau <= 1.0:
        raise EngineError(f"tau must lie in 0 … 1, not {tau}")
    edges, codes = _flat(starts, values)
    run = executor or ThreadExecutor()
    n = len(edges) - 1
    sizes = np.diff(edges)
    tokens, counts = _rare_first(codes)
    order = np.argsort(sizes, kind="stable")
    # the tokens of each text, rare ones first; texts from short to long
    by_token = group_rows(tokens, np.arange(len(tokens)), len(counts))[1]
    place = np.empty(n, np.int32)
    place[order] = np.arange(n, dtype=np.int32)
    text = np.repeat(place, sizes)
    bounds, rows = group_rows(text, by_token, n)
    sorted_tokens = tokens[rows]
    by_size = np.searchsorted(sizes[order], np.arange(sizes.max(initial=0) + 2))
    lists = postings(bounds, sorted_tokens, counts, tau)
    prefixes = Prefixes(bounds, sorted_tokens, *lists, by_size)
    joining = Joining(prefixes, order, float(tau), partners, probes)
    weight = np.diff(np.concatenate(([0], np.cumsum(np.diff(lists[0])[sorted_tokens])))[bounds])
    cuts = _cuts(weight + 16, run.workers(threads))
    return _sorted_pairs(list(run.map(join_shard, joining, cuts, threads)), partners)


def similar_pairs(
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    tau: float,
    times: tuple[I64, I64],
    window: int,
) -> tuple[I32, I32, NDArray[np.float32]]:
    """Pairs (i, j) sorted, dot(a_i, b_j) ≥ tau and |time_i − time_j| ≤ window (microseconds).

    Blocks of rows near in time are multiplied in single precision with a margin; what comes near
    is computed again in double, so block shapes and BLAS threads cannot change the result.
    """
    left, right = _by_time(a, times[0]), _by_time(b, times[1])
    margin = 1.2e-7 * max(left[1].shape[1], 1)
    found_i, found_j, found_s, total = [], [], [], 0
    for i0 in range(0, len(left[0]), _BLOCK):
        i1 = min(i0 + _BLOCK, len(left[0]))
        j0 = np.searchsorted(right[2], left[2][i0] - window)
        j1 = np.searchsorted(right[2], left[2][i1 - 1] + window, side="right")
        for j in range(int(j0), int(j1), 8 * _BLOCK):
            stop = min(j + 8 * _BLOCK, int(j1))
            near = left[1][i0:i1] @ right[1][j:stop].T >= tau - margin
            p, q = (x + o for x, o in zip(np.nonzero(near), (i0, j), strict=True))
            keep = np.abs(left[2][p] - right[2][q]) <= window
            p, q = p[keep], q[keep]
            exact = np.einsum("ij,ij->i", left[1][p], right[1][q], dtype=np.float64)
            score = exact.astype(np.float32)
            good = score >= np.float32(tau)
            found_i.append(left[0][p[good]])
            found_j.append(right[0][q[good]])
            found_s.append(score[good])
            total += int(good.sum())
            if total > MOST_VECTOR_PAIRS:
                raise EngineError(f"more than {MOST_VECTOR_PAIRS:,} similar pairs: raise tau")
    if not found_i:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    i, j_, s = np.concatenate(found_i), np.concatenate(found_j), np.concatenate(found_s)
    order = np.lexsort((j_, i))
    return i[order].astype(np.int32), j_[order].astype(np.int32), s[order]


_BLOCK = 512


def _by_time(rows: NDArray[np.float32], time: I64) -> tuple[I64, NDArray[np.float32], I64]:
    stamps = column(time, np.int64, "times", len(rows))
    order = np.argsort(stamps, kind="stable")
    return order, np.ascontiguousarray(rows[order], np.float32), stamps[order]


def _flat(starts: I64, values: U64) -> tuple[I64, U64]:
    edges = column(starts, np.int64, "starts")
    codes = column(values, np.uint64, "values")
    if not len(edges) or edges[0] != 0 or edges[-1] != len(codes) or (np.diff(edges) < 0).any():
        raise EngineError("starts must ascend from 0 to the number of values")
    return edges, codes


def _cuts(weight: I64, workers: int) -> list[tuple[int, int]]:
    return shards.equal_ranges(weight, shards.SHARDS_PER_THREAD * workers)


def _rare_first(codes: U64) -> tuple[I32, I64]:
    """Each value's number, rarest first (then by value), and how often each occurs."""
    ids, unique = dense_ids(codes)
    counts = np.bincount(ids, minlength=len(unique))
    # what occurs once proposes nothing: its order does not matter, and it is most of them
    often = np.flatnonzero(counts > 1)
    often = often[np.lexsort((unique[often], counts[often]))]
    once = np.flatnonzero(counts == 1)
    by_rarity = np.concatenate((once, often))
    number = np.empty(len(unique), np.int32)
    number[by_rarity] = np.arange(len(unique), dtype=np.int32)
    return number[ids], counts[by_rarity]


def _sorted_pairs(parts: list[Found], partners: int) -> tuple[I32, I32, F64]:
    tell_crowd(sum(crowded for _, _, crowded in parts), partners)
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float64)
    keys = np.concatenate([k for k, _, _ in parts])
    scores = np.concatenate([s for _, s, _ in parts])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    return (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32), scores[order]
