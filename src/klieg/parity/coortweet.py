"""CooRTweet's network: pairs of acts counted one by one, who took part often enough, a quantile.

An edge weighs the pairs of rows of two accounts on one object within the window; repeated rows
multiply. Several inputs are modalities: each is filtered by itself, then their pairs are stacked.
The room knows CooRTweet's rules, not how acts are counted nor what a file looks like.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.errors import ConfigError
from klieg.parity.edges import UNDIRECTED, LikeNetwork, ranked
from klieg.parity.shares import read_shares
from klieg.parity.spans import Acts, meetings

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
    engine: Engine,
    threads: int,
) -> LikeNetwork:
    """The undirected network of these inputs; with ``edge_weight`` only what weighs more.

    ``edge_weight`` is a probability: the quantile (R's type 7) of all weights that an edge must
    exceed. Raises InputError, ConfigError.
    """
    if edge_weight is not None and not 0.0 <= edge_weight <= 1.0:
        raise ConfigError("edge_weight", edge_weight, "a quantile, 0 … 1")
    rows, accounts, notes = read_shares(sheets, network)
    # an account, a content and an object of two modalities are two of each, but for the edges
    doer = _apart(rows.modality, rows.account)
    often = np.bincount(doer)[doer] >= min_participation
    rows, doer = rows.only(often), doer[often]
    content, object_ = _apart(rows.modality, rows.content), _apart(rows.modality, rows.object)
    # remove_loops: an act on the object that it is itself makes no pair
    pairing = np.flatnonzero(rows.object != rows.content)
    columns = rows.account[pairing], content[pairing], object_[pairing]
    met = meetings(Acts(*columns, rows.time[pairing]), window, difference=True)
    company = engine.act_company(met.account, met.post, met.lo, met.hi)
    active = _active(doer, content, met.post[company > 0], min_participation)
    anchor = active[doer[pairing[met.row]]]
    account, names = ranked(met.account, accounts)

    def count(min_weight: int) -> Iterator[ActEdges]:
        acts = (account, met.post, met.tick, met.lo, met.hi, anchor)
        return engine.count_acts(*acts, len(names), min_weight, False, threads)

    whole = LikeNetwork(
        *("coortweet", "co-share", UNDIRECTED, names, lambda: count(1), met.ticks),
        pairs=int(company.sum()) // 2,
        notes=notes,
    )
    if edge_weight is None:
        return whole
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


def _active(doer: I32, content: I32, paired: I32, least: int) -> Bool:
    """(doers,) accounts with enough rows whose content took part in some pair.

    A row counts even on another object than the pair's. CooRTweet keeps a pair if one of its two
    accounts is active.
    """
    took_part = np.zeros(int(content.max(initial=-1)) + 1, np.bool_)
    took_part[paired] = True
    n_doers = int(doer.max(initial=-1)) + 1
    enough: Bool = np.bincount(doer[took_part[content]], minlength=n_doers) >= least
    return enough


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
