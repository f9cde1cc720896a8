"""The kernels behind ``acts``: company of each act, bounds that prune, and the counting itself.

The room knows arrays of rows and nothing else: no Python objects, no threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from klieg.engine.compiled import compiled

if TYPE_CHECKING:
    from klieg.engine.acts import ActWork
    from klieg.tables import I32, I64, Bool

__all__ = ["company", "gather", "maximal", "potential", "sources"]

T = TypeVar("T", bound=np.generic)


@compiled
def company(account: I32, post: I32, pair: I32, lo: I32, hi: I32, counts: I64) -> None:
    """Add to ``counts`` the acts of another account and post in each act's range.

    Ranges that move forward are followed by two pointers; one that moves back is counted anew.
    """
    n = len(account)
    accounts, posts, pairs = 0, 0, 0
    for i in range(n):
        accounts = max(accounts, account[i] + 1)
        posts = max(posts, post[i] + 1)
        pairs = max(pairs, pair[i] + 1)
    by_account = np.zeros(accounts, np.int32)
    by_post = np.zeros(posts, np.int32)
    by_pair = np.zeros(pairs, np.int32)
    begin, end = 0, 0
    for i in range(n):
        while end < hi[i]:
            by_account[account[end]] += 1
            by_post[post[end]] += 1
            by_pair[pair[end]] += 1
            end += 1
        while begin > lo[i]:
            begin -= 1
            by_account[account[begin]] += 1
            by_post[post[begin]] += 1
            by_pair[pair[begin]] += 1
        while begin < lo[i]:
            by_account[account[begin]] -= 1
            by_post[post[begin]] -= 1
            by_pair[pair[begin]] -= 1
            begin += 1
        while end > hi[i]:
            end -= 1
            by_account[account[end]] -= 1
            by_post[post[end]] -= 1
            by_pair[pair[end]] -= 1
        alike = by_account[account[i]] + by_post[post[i]] - by_pair[pair[i]]
        counts[i] = end - begin - alike


@compiled
def maximal(account: I32, lo: I32, hi: I32, n_accounts: int) -> I32:
    """(n,) most acts that one account has in the stretch of rows an act belongs to.

    A stretch ends where no range crosses: acts of different stretches never meet.
    """
    n = len(account)
    most = np.zeros(n, np.int32)
    seen = np.zeros(n_accounts, np.int32)
    begin = 0
    while begin < n:
        end = begin
        reach = begin + 1
        while end < reach:
            reach = max(reach, hi[end])
            end += 1
            # a later act may reach back to one that does not reach it
            if end == reach and end < n and lo[end] < end:
                reach = end + 1
        peak = 0
        for i in range(begin, end):
            seen[account[i]] += 1
            peak = max(peak, seen[account[i]])
        for i in range(begin, end):
            seen[account[i]] = 0
            most[i] = peak
        begin = end
    return most


@compiled
def potential(account: I32, met: Bool, most: I32, n_accounts: int) -> I64:
    """(n_accounts,) more than any edge of the account can weigh: Σ ``most`` over its met acts."""
    reach = np.zeros(n_accounts, np.int64)
    for i in range(len(account)):
        if met[i]:
            reach[account[i]] += most[i]
    return reach


@compiled
def sources(starts: I64, rows: I64, post: I32, lo: I32, hi: I32, min_n: int) -> Bool:
    """(n_accounts,) whether at least ``min_n`` posts of an account meet somebody."""
    n_accounts = len(starts) - 1
    enough = np.zeros(n_accounts, np.bool_)
    for a in range(n_accounts):
        last = -1
        posts = 0
        for p in range(starts[a], starts[a + 1]):
            i = rows[p]
            if hi[i] - lo[i] > 1 and post[i] != last:
                last = post[i]
                posts += 1
        enough[a] = posts >= min_n
    return enough


@compiled
def gather(first: int, stop: int, work: ActWork) -> tuple[I32, I32, I64, I64]:
    """left, right, n and delay of the edges whose left account lies in [first, stop)."""
    bound = 1
    total = 0
    for a in range(first, stop):
        bound = max(bound, min(work.mass[a], len(work.starts)))
        total += work.mass[a]
    bits = 1
    while (1 << bits) < 2 * bound:
        bits += 1
    table = np.empty(1 << bits, np.int32)
    partner = np.empty(bound, np.int32)
    last = np.empty(bound, np.int32)
    count = np.empty(bound, np.int64)
    delay = np.empty(bound, np.int64)
    order = np.empty(bound, np.int64)
    # pages never written cost nothing, so a generous start saves copies
    size = 256 + min(total // 4, 2**20)
    left, right = np.empty(size, np.int32), np.empty(size, np.int32)
    n, delays = np.empty(size, np.int64), np.empty(size, np.int64)
    k = 0
    for a in range(first, stop):
        if work.mass[a] == 0:
            continue
        met = _partners(a, work, table, partner, last, count, delay)
        found = 0
        for e in range(met):
            if count[e] >= work.min_n:
                order[found] = (np.int64(partner[e]) << 32) | e
                found += 1
        order[:found].sort()
        if k + found > size:
            while k + found > size:
                size *= 2
            left, right = _longer(left, size), _longer(right, size)
            n, delays = _longer(n, size), _longer(delays, size)
        for f in range(found):
            e = order[f] & 0xFFFFFFFF
            left[k] = a
            right[k] = partner[e]
            n[k] = count[e]
            delays[k] = delay[e]
            k += 1
    return left[:k].copy(), right[:k].copy(), n[:k].copy(), delays[:k].copy()


@compiled
def _longer(values: NDArray[T], size: int) -> NDArray[T]:
    more = np.empty(size, values.dtype)
    more[: len(values)] = values
    return more


@compiled
def _partners(
    a: int,
    work: ActWork,
    table: I32,
    partner: I32,
    last: I32,
    count: I64,
    delay: I64,
) -> int:
    """Fill the entries with account a's partners; how many. Knuth's multiplicative hash."""
    account, post, time = work.account, work.post, work.time
    bits = 1
    while (1 << bits) < 2 * min(work.mass[a], len(work.starts)):
        bits += 1
    mask = (1 << bits) - 1
    table[: 1 << bits] = -1
    size = 0
    for p in range(work.starts[a], work.starts[a + 1]):
        i = work.rows[p]
        own = post[i]
        for j in range(work.lo[i], work.hi[i]):
            b = account[j]
            if b == a or post[j] == own or not (work.anchor[i] or work.anchor[j]):
                continue
            if not work.directed and b < a:
                continue
            slot = ((b * 2654435769) & 0xFFFFFFFF) >> (32 - bits)
            while table[slot] >= 0 and partner[table[slot]] != b:
                slot = (slot + 1) & mask
            e = table[slot]
            if e < 0:
                e = size
                table[slot] = e
                partner[e] = b
                last[e] = -1
                count[e] = 0
                delay[e] = 0
                size += 1
            if not work.directed:
                count[e] += 1
                delay[e] += abs(time[i] - time[j])
            elif last[e] != own:
                last[e] = own
                count[e] += 1
    return size
