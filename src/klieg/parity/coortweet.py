"""CooRTweet's network: pairs of acts counted one by one, who took part often enough, a quantile.

An edge weighs the pairs of rows of two accounts on one object within the window; repeated rows
multiply. Several inputs are modalities: each is filtered by itself, then their pairs are stacked.
The room knows CooRTweet's rules, not how acts are counted nor what a file looks like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from klieg.errors import ConfigError
from klieg.parity.edges import UNDIRECTED, LikeNetwork, ranked
from klieg.parity.loops import own_pairs, with_loops
from klieg.parity.shares import Shares, read_shares
from klieg.parity.spans import Acts, Met, meetings, picked

if TYPE_CHECKING:
    from klieg.parity.reading import Sheet
    from klieg.sockets import Engine
    from klieg.tables import I32, I64, ActEdges, Bool

__all__ = ["coortweet_network", "quantile"]


def coortweet_network(
    sheets: Sequence[Sheet],
    network: str,
    *,
    window: float,
    min_participation: int,
    edge_weight: float | None,
    fast_window: float | None,
    keep_loops: bool,
    engine: Engine,
    threads: int,
) -> LikeNetwork:
    """The undirected network of these inputs; with ``edge_weight`` only what weighs more.

    ``edge_weight`` is a probability: the quantile (R's type 7) of all weights that an edge must
    exceed. With ``fast_window`` the pairs that ``flag_speed_share`` marks are counted alone; with
    ``keep_loops`` nothing is taken for a loop. Raises InputError, ConfigError.
    """
    if edge_weight is not None and not 0.0 <= edge_weight <= 1.0:
        raise ConfigError("edge_weight", edge_weight, "a quantile, 0 … 1")
    if fast_window is not None and not 0.0 <= fast_window <= window:
        raise ConfigError("fast_window", fast_window, f"0 … time_window ({window:g}) seconds")
    rows, accounts, notes = read_shares(sheets, network)
    crowd = _often(rows, min_participation)
    met = _meetings(crowd, window, keep_loops=keep_loops)
    company = _company(met, engine, keep_loops=keep_loops)
    anchor = _listed(crowd, met.post[company > 0], min_participation)[met.post]
    if fast_window is not None:
        slow = np.zeros(len(crowd.content), np.bool_)
        slow[met.row[anchor]] = True
        met = _meetings(crowd, fast_window, keep_loops=keep_loops)
        company = _company(met, engine, keep_loops=keep_loops, beside=slow[met.row])
        anchor = _listed(crowd, met.post[company > 0], min_participation)[met.post]
        notes += _several_times(crowd)
    if keep_loops:  # a post may meet itself: every row is a post of its own
        met = met._replace(post=np.arange(len(met.row), dtype=np.int32))
    account, names = ranked(met.account, accounts)
    loops = own_pairs(met._replace(account=account), anchor) if keep_loops else None

    def count(min_weight: int) -> Iterator[ActEdges]:
        acts = (account, met.post, met.tick, met.lo, met.hi, anchor)
        found = engine.count_acts(*acts, len(names), min_weight, False, threads)
        return found if loops is None else with_loops(found, loops, min_weight)

    whole = LikeNetwork(
        *("coortweet", "co-share", UNDIRECTED, names, lambda: count(1), met.ticks),
        pairs=int(company.sum()) // 2,
        notes=notes,
    )
    return whole if edge_weight is None else _above(whole, count, edge_weight)


def _above(
    whole: LikeNetwork, count: Callable[[int], Iterator[ActEdges]], edge_weight: float
) -> LikeNetwork:
    """The edges that weigh more than a quantile of all weights."""
    threshold = quantile(count(1), edge_weight)
    least = 1 if math.isnan(threshold) else math.floor(threshold) + 1
    return replace(whole, count=lambda: count(least), threshold=threshold)


def quantile(edges: Iterable[ActEdges], q: float) -> float:
    """The quantile of the weights by R's default rule (type 7); nan without edges."""
    counts = np.zeros(1, np.int64)
    for batch in edges:
        more = np.bincount(batch.n)
        if len(more) > len(counts):
            counts, more = more, counts
        counts[: len(more)] += more
    total = int(counts.sum())
    if not total:
        return math.nan
    place = 1 + (total - 1) * q
    low = math.floor(place)
    upto = np.cumsum(counts)
    below, above = (int(np.searchsorted(upto, min(k, total))) for k in (low, low + 1))
    part = place - low
    return float(below) if below == above else (1 - part) * below + part * above


class _Crowd(NamedTuple):
    """The rows of accounts with enough of them; codes of two modalities are two of each."""

    rows: Shares
    doer: I32  # (n,) account, within its modality
    content: I32  # (n,)
    object: I32  # (n,)


def _often(rows: Shares, least: int) -> _Crowd:
    doer = _apart(rows.modality, rows.account)
    often = np.bincount(doer)[doer] >= least
    rows, doer = rows.only(often), doer[often]
    content, object_ = _apart(rows.modality, rows.content), _apart(rows.modality, rows.object)
    return _Crowd(rows, doer, content, object_)


def _meetings(crowd: _Crowd, window: float, *, keep_loops: bool) -> Met:
    """Which acts meet; ``row`` is their place in the crowd, an account one over all modalities.

    A row that lacks its object, account or content makes no pair. Unless loops are kept, neither
    does an act on the object that it is itself.
    """
    rows = crowd.rows
    pairing = ~rows.void if keep_loops else ~rows.void & (rows.object != rows.content)
    at = np.flatnonzero(pairing)
    acts = Acts(rows.account[at], crowd.content[at], crowd.object[at], rows.time[at])
    met = meetings(acts, window, difference=True)
    return met._replace(row=at[met.row])


def _company(met: Met, engine: Engine, *, keep_loops: bool, beside: Bool | None = None) -> I64:
    """(n,) acts that each makes a pair with; with ``beside`` one of the two must be marked."""
    if keep_loops:
        found: I64 = (met.hi - met.lo - 1).astype(np.int64)
    else:
        found = engine.act_company(met.account, met.post, met.lo, met.hi)
    if beside is None or beside.all():
        return found
    rest = picked(met, ~beside)
    found[~beside] -= _company(rest, engine, keep_loops=keep_loops)
    return found


def _listed(crowd: _Crowd, paired: I32, least: int) -> Bool:
    """(contents,) those of accounts with enough rows whose content took part in some pair.

    A row counts even on another object than the pair's. CooRTweet keeps a pair if one of its two
    contents is listed, whoever else posted under it.
    """
    n_contents = int(crowd.content.max(initial=-1)) + 1
    took_part = np.zeros(n_contents, np.bool_)
    took_part[paired] = True
    counting = took_part[crowd.content]
    doers = crowd.doer[counting]
    enough = np.bincount(doers, minlength=1)[doers] >= least
    listed = np.zeros(n_contents, np.bool_)
    listed[crowd.content[counting][enough]] = True
    return listed


def _several_times(crowd: _Crowd) -> tuple[str, ...]:
    """A note if contents have more than one time, for what is marked is marked by contents."""
    first = np.zeros(int(crowd.content.max(initial=-1)) + 1)
    first[crowd.content[::-1]] = crowd.rows.time[::-1]
    odd = len(np.unique(crowd.content[crowd.rows.time != first[crowd.content]]))
    if not odd:
        return ()
    return (
        f"{odd:,} contents have more than one time: flag_speed_share also marks slow pairs of "
        "contents that make a fast pair elsewhere, klieg takes the fast pairs alone",
    )


def _apart(modality: I32, code: I32) -> I32:
    """(n,) codes that are equal only within a modality."""
    size = int(code.max(initial=-1)) + 1
    modalities = int(modality.max(initial=-1)) + 1
    if modalities <= 1:
        return code
    key: I64 = modality.astype(np.int64) * size + code
    if modalities * size >= 2**31:
        key = np.unique(key, return_inverse=True)[1]
    return key.astype(np.int32)
