"""Count what pairs of accounts did together act by act: messages matched, or pairs of acts.

Other tools weigh an edge by acts, not by objects. Acts stand so that those an act meets are one
range of rows; whoever asks has found the ranges, by whatever rule of time. Accounts that cannot
reach the smallest weight are dropped before any pair is made, and an account's partners are counted
in a small hash table, so no pair is ever merged or shuffled. The room does not know objects,
windows or times of day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine import shards
from klieg.engine.act_kernels import company, gather, maximal, potential, sources
from klieg.engine.compiled import column
from klieg.engine.windows import checked, group_rows
from klieg.errors import EngineError
from klieg.tables import ActEdges

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I32, I64, Bool

__all__ = ["ActWork", "act_company", "count_acts", "count_range"]

BYTES_AN_EDGE = 48
"""24 bytes kept and as much again while a shard's list grows."""


class Acts(NamedTuple):
    """Acts as they are given; act i meets rows lo[i] … hi[i] − 1."""

    account: I32  # (n,)
    post: I32  # (n,)
    time: I64  # (n,)
    lo: I32  # (n,)
    hi: I32  # (n,)
    anchor: Bool  # (n,)


class ActWork(NamedTuple):
    """Acts that can still make an edge, indexed by account: what a shard is sent."""

    account: I32  # (n,)
    post: I32  # (n,)
    time: I64  # (n,); of directed counts not looked at
    lo: I32  # (n,) the acts that act i meets are rows lo[i] … hi[i] − 1
    hi: I32
    starts: I64  # (n_accounts + 1,)
    rows: I64  # (n,) account a's acts: rows[starts[a]:starts[a + 1]], each post's together
    mass: I64  # (n_accounts,) Σ (hi − lo) over the acts to scan; 0 where the account is no source
    anchor: Bool  # (n,)
    min_n: int
    directed: bool


def act_company(account: object, post: object, lo: object, hi: object) -> I64:
    """(n,) acts of another account and another post among those each act meets."""
    accounts, posts, first, stop, _ = _acts(account, post, None, lo, hi)
    pair = _dense_pairs(accounts, posts)
    counts = np.zeros(len(accounts), np.int64)
    company(accounts, posts, pair, first, stop, counts)
    return counts


def count_acts(
    account: object,
    post: object,
    time: object,
    lo: object,
    hi: object,
    anchor: object,
    n_accounts: int,
    min_n: int,
    *,
    directed: bool,
    threads: int,
    budget: int,
    executor: Executor,
) -> Iterator[ActEdges]:
    """The edges of weight ≥ min_n in (left, right) order, batch by batch; none is empty."""
    accounts, posts, first, stop, times = _acts(account, post, time, lo, hi)
    checked(accounts, "account", n_accounts)
    acts = Acts(accounts, posts, times, first, stop, column(anchor, np.bool_, "anchor", len(posts)))
    work = _work(acts, n_accounts, max(min_n, 1), directed)
    workers = executor.workers(threads)
    # half the budget for the shards under way, a few a worker, were every step a pair of its own
    at_once = max(budget // (8 * BYTES_AN_EDGE * workers), 1)
    total = int(work.mass.sum())
    cuts = max(shards.SHARDS_PER_THREAD * workers, -(-total // at_once))
    ranges = shards.equal_ranges(work.mass, min(cuts, max(n_accounts, 1)))
    for part in executor.map(count_range, work, ranges, threads):
        edges = ActEdges(*part)
        if edges.size:
            yield edges


def count_range(work: ActWork, first: int, stop: int) -> tuple[I32, I32, I64, I64]:
    """left, right, n and delay of the edges whose left account lies in [first, stop)."""
    return gather(first, stop, work)


def _acts(
    account: object, post: object, time: object, lo: object, hi: object
) -> tuple[I32, I32, I32, I32, I64]:
    accounts = checked(account, "account")
    n = len(accounts)
    posts = checked(post, "post", length=n)
    first = column(lo, np.int32, "lo", n)
    stop = column(hi, np.int32, "hi", n)
    times = np.zeros(n, np.int64) if time is None else column(time, np.int64, "time", n)
    if n and (first.min() < 0 or stop.max() > n or (stop < first).any()):
        raise EngineError(f"lo and hi must be ranges of rows within 0 … {n}")
    return accounts, posts, first, stop, times


def _dense_pairs(accounts: I32, posts: I32) -> I32:
    """(n,) dense id of (account, post); equal to the post's where every post has one account."""
    n_posts = int(posts.max(initial=-1)) + 1
    owner = np.full(n_posts, -1, np.int32)
    owner[posts] = accounts
    if (owner[posts] == accounts).all():
        return posts
    key = accounts.astype(np.int64) * n_posts + posts
    dense: I32 = np.unique(key, return_inverse=True)[1].astype(np.int32)
    return dense


def _work(acts: Acts, n_accounts: int, min_n: int, directed: bool) -> ActWork:
    """Drop what can never reach ``min_n`` and index the rest by account, posts together."""
    account, post, time, lo, hi, anchor = acts
    # twice: accounts that go thin the company of the others
    for _ in range(2):
        live = _live(account, lo, hi, n_accounts, min_n)
        if live.all():
            break
        before = np.concatenate(([0], np.cumsum(live))).astype(np.int32)
        lo, hi = before[lo[live]], before[hi[live]]
        account, post, time, anchor = account[live], post[live], time[live], anchor[live]
    by_post = np.arange(len(account))
    if directed and not (post[1:] >= post[:-1]).all():
        by_post = group_rows(post, by_post, int(post.max(initial=-1)) + 1)[1]
    starts, rows = group_rows(account, by_post, n_accounts)
    scan = sources(starts, rows, post, lo, hi, min_n) if directed else np.diff(starts) > 0
    mass = np.bincount(account, hi - lo, n_accounts).astype(np.int64)
    mass[~scan] = 0
    return ActWork(account, post, time, lo, hi, starts, rows, mass, anchor, min_n, directed)


def _live(account: I32, lo: I32, hi: I32, n_accounts: int, min_n: int) -> NDArray[np.bool_]:
    """(n,) acts that meet somebody, of accounts whose partners could reach ``min_n``."""
    # an act may be met by one that it does not meet itself
    n = len(lo)
    by = np.cumsum(np.bincount(lo, minlength=n + 1) - np.bincount(hi, minlength=n + 1))[:n]
    met = (hi - lo > 1) | (by > 1)
    if min_n <= 1 or not met.any():
        return met
    most = maximal(account, lo, hi, n_accounts)
    reach = potential(account, met, most, n_accounts)
    return met & (reach[account] >= min_n)
