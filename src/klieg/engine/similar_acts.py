"""Edges between accounts whose texts are alike within a window: exact, and far below all pairs.

Sets of tokens are joined by prefix filter (Bayardo, Ma and Srikant 2007): sets of Jaccard ≥ τ share
one of their few rarest tokens, so only those are looked up, in lists that stand in time order and
are searched for the window. No pair is left out: there is no crowd rule here. The room does not
know what a token is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from klieg.engine import shards
from klieg.engine.compiled import column, compiled
from klieg.engine.windows import checked, group_rows
from klieg.errors import EngineError
from klieg.tables import ActEdges

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I32, I64

__all__ = ["Sets", "similar_acts", "similar_range"]

SLACK = 1e-9
"""Prefixes are cut this much too long, so that rounding loses no pair; the test itself is exact."""


class Sets(NamedTuple):
    """Distinct sets of tokens: set s holds ``tokens[starts[s]:starts[s + 1]]``."""

    starts: I64  # (n_sets + 1,)
    tokens: I32


class SimilarWork(NamedTuple):
    """Messages in time order with their sets, and where each rare token stands."""

    account: I32  # (n,)
    text: I32  # (n,) the message's set
    lo: I32  # (n,) messages within its window: lo[i] … hi[i] − 1
    hi: I32
    starts: I64  # (n_accounts + 1,)
    rows: I64  # (n,) account a's messages: rows[starts[a]:starts[a + 1]]
    sets: I64  # (n_sets + 1,)
    tokens: I32  # each set's, rare ones first
    prefix: I32  # (n_sets,) how many of its tokens are looked up
    lists: I64  # (n_tokens + 1,)
    messages: I64  # token t: messages[lists[t]:lists[t + 1]], ascending
    tau: float
    min_n: int


def similar_acts(
    account: object,
    text: object,
    lo: object,
    hi: object,
    sets: Sets,
    tau: float,
    n_accounts: int,
    min_n: int,
    *,
    threads: int,
    executor: Executor,
) -> Iterator[ActEdges]:
    """Directed edges in (left, right) order, in batches; none is empty.

    n of (left, right): messages of left that have one of right in their range of rows whose set is
    at least ``tau`` alike (|x ∩ y| / |x ∪ y| as a float). An empty set is like no other.
    """
    if tau <= 0.0:
        raise EngineError(f"tau must be above 0, not {tau}")
    accounts = checked(account, "account", n_accounts)
    n = len(accounts)
    texts = checked(text, "text", len(sets.starts) - 1, n)
    first, stop = column(lo, np.int32, "lo", n), column(hi, np.int32, "hi", n)
    starts, rows = group_rows(accounts, np.arange(n), n_accounts)
    size = np.diff(sets.starts)
    tokens = _rare_first(sets)
    least = np.ceil(tau * size - SLACK).astype(np.int64)
    prefix = np.where(size > 0, np.maximum(size - np.maximum(least, 1) + 1, 0), 0).astype(np.int32)
    lists, messages = _postings(texts, sets.starts, tokens, prefix)
    mass = np.bincount(accounts, (stop - first) * prefix[texts], n_accounts).astype(np.int64)
    enough = np.bincount(accounts, (stop - first) > 1, n_accounts) >= max(min_n, 1)
    mass[~enough] = 0
    work = SimilarWork(
        *(accounts, texts, first, stop, starts, rows, sets.starts, tokens, prefix, lists, messages),
        float(tau),
        max(min_n, 1),
    )
    cuts = shards.SHARDS_PER_THREAD * executor.workers(threads)
    ranges = [(a, b) for a, b in shards.equal_ranges(mass, cuts) if mass[a:b].any()]
    for part in executor.map(similar_range, work, ranges, threads):
        left, right, weight = part
        if len(left):
            yield ActEdges(left, right, weight, np.zeros(len(left), np.int64))


def similar_range(work: SimilarWork, first: int, stop: int) -> tuple[I32, I32, I64]:
    """left, right and n of the edges whose left account lies in [first, stop)."""
    return _similar(first, stop, work)


def _rare_first(sets: Sets) -> I32:
    """The tokens of each set, those that fewest sets hold first, renumbered in that order."""
    n_tokens = int(sets.tokens.max(initial=-1)) + 1
    often = np.bincount(sets.tokens, minlength=n_tokens)
    rank = np.empty(n_tokens, np.int32)
    rank[np.argsort(often, kind="stable")] = np.arange(n_tokens, dtype=np.int32)
    of = np.repeat(np.arange(len(sets.starts) - 1), np.diff(sets.starts))
    ranks = rank[sets.tokens]
    ordered: I32 = ranks[np.lexsort((ranks, of))]
    return ordered


def _postings(text: I32, starts: I64, tokens: I32, prefix: I32) -> tuple[I64, I64]:
    """Of each token the messages that look it up, in time order."""
    count = prefix[text].astype(np.int64)
    message = np.repeat(np.arange(len(text)), count)
    within = np.arange(len(message)) - np.repeat(np.cumsum(count) - count, count)
    token = tokens[starts[text[message]] + within] if len(message) else np.zeros(0, np.int32)
    lists, order = group_rows(token, np.arange(len(token)), int(tokens.max(initial=-1)) + 1)
    return lists, message[order]


@compiled
def _alike(x: int, y: int, starts: I64, tokens: I32, tau: float) -> bool:
    p, p_stop = starts[x], starts[x + 1]
    q, q_stop = starts[y], starts[y + 1]
    both = 0
    total = p_stop - p + q_stop - q
    # fewer tokens in common cannot do, whatever the rounding; the test itself is exact
    needed = tau / (1.0 + tau) * total - SLACK * total
    if min(p_stop - p, q_stop - q) < needed:
        return False
    while p < p_stop and q < q_stop:
        if tokens[p] == tokens[q]:
            both += 1
            p += 1
            q += 1
            continue
        if tokens[p] < tokens[q]:
            p += 1
        else:
            q += 1
        if both + min(p_stop - p, q_stop - q) < needed:
            return False
    return bool(both / (total - both) >= tau)


@compiled
def _place(rows: I64, first: int, stop: int, row: int) -> int:
    """The first place in ascending ``rows[first:stop]`` that is ≥ ``row``."""
    while first < stop:
        middle = (first + stop) // 2
        if rows[middle] < row:
            first = middle + 1
        else:
            stop = middle
    return first


@compiled
def _similar(first: int, stop: int, work: SimilarWork) -> tuple[I32, I32, I64]:
    account, text, tokens, tau = work.account, work.text, work.tokens, work.tau
    n_accounts = len(work.starts) - 1
    tried = np.full(len(work.sets) - 1, -1, np.int64)  # the last message a set was compared with
    alike = np.zeros(len(work.sets) - 1, np.bool_)
    count = np.zeros(n_accounts, np.int64)
    last = np.full(n_accounts, -1, np.int64)
    partners = np.empty(n_accounts, np.int32)
    size = 1024
    left, right = np.empty(size, np.int32), np.empty(size, np.int32)
    n = np.empty(size, np.int64)
    k = 0
    for a in range(first, stop):
        met = 0
        for r in range(work.starts[a], work.starts[a + 1]):
            i = work.rows[r]
            own = text[i]
            for p in range(work.sets[own], work.sets[own] + work.prefix[own]):
                t = tokens[p]
                at = _place(work.messages, work.lists[t], work.lists[t + 1], work.lo[i])
                while at < work.lists[t + 1] and work.messages[at] < work.hi[i]:
                    j = work.messages[at]
                    at += 1
                    b = account[j]
                    if b == a or last[b] == i:
                        continue
                    other = text[j]
                    if tried[other] != i:
                        tried[other] = i
                        alike[other] = _alike(own, other, work.sets, tokens, tau)
                    if alike[other]:
                        if count[b] == 0:
                            partners[met] = b
                            met += 1
                        last[b] = i
                        count[b] += 1
        partners[:met].sort()
        if k + met > size:
            while k + met > size:
                size *= 2
            more, others = np.empty(size, np.int32), np.empty(size, np.int32)
            weights = np.empty(size, np.int64)
            more[:k], others[:k], weights[:k] = left[:k], right[:k], n[:k]
            left, right, n = more, others, weights
        for e in range(met):
            b = partners[e]
            if count[b] >= work.min_n:
                left[k] = a
                right[k] = b
                n[k] = count[b]
                k += 1
            count[b] = 0
    return left[:k].copy(), right[:k].copy(), n[:k].copy()
