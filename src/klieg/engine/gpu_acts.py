"""Count what pairs did together act by act, on the device: the same expansion, another weight.

Equal to ``reference_acts``. Acts stand so that those an act meets are a range of rows, found by
whoever asks; chunks are ranges of left accounts (``gpu_scan``). The room does not know objects or
windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from klieg.engine.compiled import column
from klieg.engine.gpu_device import Place, roomy
from klieg.engine.gpu_order import fresh, running
from klieg.engine.gpu_scan import Scan, chunks, expanded, pair_keys, pieces, scan
from klieg.engine.windows import checked
from klieg.errors import EngineError
from klieg.tables import ActEdges

if TYPE_CHECKING:
    from klieg.tables import I64

__all__ = ["act_company", "count_acts"]


@dataclass(frozen=True, slots=True)
class _Acts:
    """What every chunk reads."""

    account: Tensor  # (n,) int32
    post: Tensor  # (n,) int32
    time: Tensor  # (n,) int64
    anchor: Tensor  # (n,) bool: of two acts that meet one is an anchor, or they do not count
    scan: Scan  # account by account, each account's posts together
    directed: bool


@dataclass(frozen=True, slots=True)
class _Weights:
    """Directed: a record a pair and post of left. Undirected: a record a pair."""

    pair: Tensor  # (m,) key
    post: Tensor  # (m,) int32, ascending within a pair; 0 where undirected
    n: Tensor  # (m,) int64
    delay: Tensor  # (m,) int64


@roomy
def act_company(at: Place, account: object, post: object, lo: object, hi: object) -> I64:
    """(n,) acts of another account and another post among those each act meets.

    All it meets, less those of its account, less those of its post, and once more those of both.
    """
    accounts, posts, first, stop = _columns(at, account, post, lo, hi)
    n = len(accounts)
    own = torch.stack((accounts.long(), posts.long()), 1)
    both = torch.unique(own, dim=0, return_inverse=True)[1] if n else posts.long()
    same = [_alike(key.long(), first, stop) for key in (accounts, posts, both)]
    return (stop - first - same[0] - same[1] + same[2]).cpu().numpy()


def _alike(key: Tensor, lo: Tensor, hi: Tensor) -> Tensor:
    """(n,) how many rows of [lo, hi) have the row's own key."""
    n = len(key)
    line = torch.sort(key * n + torch.arange(n, device=key.device)).values
    return torch.searchsorted(line, key * n + hi) - torch.searchsorted(line, key * n + lo)


@roomy
def count_acts(
    at: Place,
    account: object,
    post: object,
    time: object,
    lo: object,
    hi: object,
    anchor: object,
    n_accounts: int,
    min_n: int,
    directed: bool,
) -> Iterator[ActEdges]:
    """The edges of weight ≥ min_n in (left, right) order, a chunk a batch; none is empty."""
    accounts, posts, first, stop = _columns(at, account, post, lo, hi, n_accounts)
    anchors = at.tensor(column(anchor, np.bool_, "anchor", len(accounts)))
    stamps = at.tensor(column(time, np.int64, "time", len(accounts)))
    order = torch.sort(posts, stable=True).indices
    order = order[torch.sort(accounts[order], stable=True).indices]
    index = scan(at, accounts, order, first, stop, n_accounts)
    acts = _Acts(accounts, posts, stamps, anchors, index, directed)
    return _batches(acts, at.scannable(2), max(min_n, 1))


def _batches(acts: _Acts, capacity: int, min_n: int) -> Iterator[ActEdges]:
    for first, stop in chunks(acts.scan.mass, capacity):
        edges = _counted(acts, capacity, min_n, first, stop)
        if edges.size:
            yield edges


@roomy
def _counted(acts: _Acts, capacity: int, min_n: int, first: int, stop: int) -> ActEdges:
    """The edges whose left account lies in [first, stop), on the host."""
    parts: list[_Weights] = []
    room = capacity
    for begin, end in pieces(acts.scan, first, stop, capacity):
        parts.append(_met(acts, first, stop, begin, end))
        # a busy account's pieces: at most one record an account (directed: and post) is kept
        if sum(len(p.pair) for p in parts) > room:
            parts = [_folded(parts, acts.directed)]
            room = max(capacity, 2 * len(parts[0].pair))
    return _edges(_folded(parts, acts.directed), first, acts.scan.n_accounts, min_n)


def _columns(
    at: Place, account: object, post: object, lo: object, hi: object, n_accounts: int | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    accounts = checked(account, "account", n_accounts)
    n = len(accounts)
    posts = checked(post, "post", length=n)
    first, stop = column(lo, np.int32, "lo", n), column(hi, np.int32, "hi", n)
    if n and (first.min() < 0 or stop.max() > n or (stop < first).any()):
        raise EngineError(f"lo and hi must be ranges of rows within 0 … {n}")
    return (
        at.tensor(accounts),
        at.tensor(posts),
        at.tensor(first).long(),
        at.tensor(stop).long(),
    )


def _met(acts: _Acts, first: int, stop: int, begin: int, end: int) -> _Weights:
    """Records of the scanned acts [begin, end), all of accounts [first, stop)."""
    rows, by, j = expanded(acts.scan, first, stop, begin, end)
    left, post = acts.account[rows][by], acts.post[rows][by]
    right = acts.account[j]
    meets = (right != left) if acts.directed else (right > left)
    meets &= (acts.post[j] != post) & (acts.anchor[rows][by] | acts.anchor[j])
    keep = torch.nonzero(meets).squeeze(1)
    pair = pair_keys(left[keep], right[keep], first, stop, acts.scan.n_accounts)
    post = post[keep]
    if acts.directed:
        none = torch.zeros(len(keep), dtype=torch.int64, device=pair.device)
        return _folded([_Weights(pair, post, none + 1, none)], directed=True)
    delay = (acts.time[j[keep]] - acts.time[rows[by[keep]]]).abs()
    return _folded([_Weights(pair, post * 0, torch.ones_like(delay), delay)], directed=False)


def _folded(parts: list[_Weights], directed: bool) -> _Weights:
    """Records alike in pair and post made one: posts count once, meetings and delays add up.

    Within a pair the posts must ascend through the parts as they are given.
    """
    pair, order = torch.sort(torch.cat([p.pair for p in parts]), stable=True)
    post, n, delay = (
        torch.cat([getattr(p, name) for p in parts])[order] for name in ("post", "n", "delay")
    )
    heads = torch.nonzero(fresh(pair, post)).squeeze(1)
    if not directed:
        n, delay = _sums(n, heads), _sums(delay, heads)
    else:
        n, delay = n[heads], delay[heads]
    return _Weights(pair[heads], post[heads], n, delay)


def _sums(values: Tensor, heads: Tensor) -> Tensor:
    """Sums of the runs that start at ``heads``."""
    return torch.diff(running(values)[torch.cat((heads, heads.new_tensor([len(values)])))])


def _edges(weights: _Weights, first: int, n_accounts: int, min_n: int) -> ActEdges:
    heads = torch.nonzero(fresh(weights.pair)).squeeze(1)
    n, delay = _sums(weights.n, heads), _sums(weights.delay, heads)
    keep = torch.nonzero(n >= min_n).squeeze(1)
    pair = weights.pair[heads][keep]
    left = torch.div(pair, max(n_accounts, 1), rounding_mode="floor")
    return ActEdges(
        (left + first).int().cpu().numpy(),
        (pair - left * n_accounts).int().cpu().numpy(),
        n[keep].cpu().numpy(),
        delay[keep].cpu().numpy(),
    )
