"""Count the co-actions of pairs on the device: expand windows, sort by pair, reduce.

A chunk is a range of left accounts (``gpu_scan``): pairs of two chunks differ in their left
account, so no pair is ever merged across chunks and batches come out in (left, right) order. One
account that is too busy for a chunk is expanded in pieces, each reduced before the next. The room
does not know what a count means.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from klieg.engine.compiled import column
from klieg.engine.gpu_device import Place, roomy
from klieg.engine.gpu_order import Line, by_group, fresh, line, running, times, within
from klieg.engine.gpu_scan import Scan, chunks, expanded, pair_keys, pieces, scan
from klieg.engine.gpu_shared import Shared, folded, merged, rung_masks, rungs, tallied
from klieg.engine.windows import checked, window_list
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.tables import I64

__all__ = ["Batches", "Ordered", "by_target", "pair_batches"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Actions in (target, object, time) order."""

    account: Tensor  # (n,) int32
    rows: Line  # group: the object's rank in that order
    aims: Tensor  # (n_objects,) int32: each rank's target, by rank; ascending


@dataclass(frozen=True, slots=True)
class Live:
    """The actions that may pair, and whom each account scans."""

    account: Tensor  # (n,) int32
    object: Tensor  # (n,) int32, ascending
    time: Tensor  # (n,) int64
    rung: Tensor | None  # (n,) int32 widest rung in which the action may pair; None: every
    scan: Scan  # windows account by account, each account's rows in object order


@dataclass(frozen=True, slots=True)
class Batches:
    """Prepared work: each iteration counts it, one chunk after another."""

    at: Place
    live: Live
    aims: Tensor
    windows: I64
    min_n: int
    dropped: I64  # (n_accounts, W)

    def __iter__(self) -> Iterator[Edges]:
        capacity = self.at.scannable(len(self.windows))
        for first, stop in chunks(self.live.scan.mass, capacity):
            edges = self._counted(first, stop, capacity)
            if edges.size:
                yield edges

    @roomy
    def _counted(self, first: int, stop: int, capacity: int) -> Edges:
        """The pairs whose left account lies in [first, stop), on the host."""
        windows = self.at.tensor(self.windows)
        cuts = pieces(self.live.scan, first, stop, capacity)
        if len(cuts) == 1:
            shared = _met(self.live, windows, first, stop, *cuts[0], self.min_n)
        else:
            shared = _piecewise(self.live, windows, first, cuts, capacity)
        tally = tallied(shared, self.aims, len(windows), self.min_n)
        n_accounts = self.live.scan.n_accounts
        left = torch.div(tally.pair, n_accounts, rounding_mode="floor")
        return Edges(
            (left + first).int().cpu().numpy(),
            (tally.pair - left * n_accounts).int().cpu().numpy(),
            tally.n.cpu().numpy().astype(np.uint32),
            tally.capped.cpu().numpy().astype(np.uint32),
            tally.first.cpu().numpy(),
            tally.last.cpu().numpy(),
        )


@roomy
def pair_batches(
    at: Place,
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: object,
    min_n: int,
    cap: int | None,
) -> Batches:
    """Every pair with ``n ≥ min_n`` in some window, a chunk at a time; never more on the device."""
    ladder = window_list(windows)
    actions = by_target(at, account, object, time, target, n_accounts, ladder)
    live, dropped = _prepared(at, actions, n_accounts, ladder, min_n, cap)
    _log.debug(
        "%d of %d actions live, %d to scan on %s",
        len(live.time),
        len(actions.account),
        live.scan.mass[-1],
        at.device,
    )
    return Batches(at, live, actions.aims, ladder, min_n, dropped)


def by_target(
    at: Place,
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    ladder: I64,
) -> Ordered:
    """Actions in (target, object, time) order, on the device.

    An object without target (−1) ranks as a target of its own, after all others; where its rows
    disagree, the largest target is the object's.
    """
    objects = checked(object, "object")
    aims = at.tensor(column(target, np.int32, "target", len(objects)))
    accounts = at.tensor(checked(account, "account", n_accounts, len(objects)))
    stamps = at.tensor(times(time, len(objects)))
    n_objects = int(objects.max()) + 1 if len(objects) else 0
    group = at.tensor(objects)
    aim = group.new_full((n_objects,), -1, dtype=torch.int64)
    aim.scatter_reduce_(0, group.long(), aims.long(), "amax")
    alone = int(aim.max()) + 1 if n_objects else 0
    aim = torch.where(aim < 0, alone + at.arange(n_objects), aim)
    ranked = torch.sort(aim, stable=True)
    rank = group.new_empty(n_objects)
    rank[ranked.indices] = at.arange(n_objects).int()
    group = rank[group]
    order = by_group(group, stamps)
    rows = line(group[order], stamps[order], int(ladder[-1]))
    by_rank = (torch.cumsum(fresh(ranked.values), 0) - 1).int()
    return Ordered(accounts[order], rows, by_rank)


def _prepared(
    at: Place, actions: Ordered, n_accounts: int, ladder: I64, min_n: int, cap: int | None
) -> tuple[Live, I64]:
    """Drop what can never reach ``min_n``, and index the rest by account."""
    dropped = np.zeros((n_accounts, len(ladder)), np.int64)
    account, object_, time = actions.account, actions.rows.group, actions.rows.time
    if cap is None:
        rung = None
        lo, hi = within(actions.rows, int(ladder[-1]))
    else:
        rung, lo, hi = _capped(actions, ladder, cap, dropped)
    # twice: dropping accounts with too few objects thins the windows of the others
    for _ in range(2):
        keep = _alive(account, object_, hi - lo > 1, n_accounts, min_n)
        before, rows = running(keep), torch.nonzero(keep).squeeze(1)
        account, object_, time, lo, hi = (
            c.index_select(0, rows) for c in (account, object_, time, lo, hi)
        )
        # what is kept keeps its order: a window ends after the kept rows it ended after
        lo, hi = before.index_select(0, lo), before.index_select(0, hi)
        rung = None if rung is None else rung.index_select(0, rows)
    order = torch.sort(account, stable=True).indices
    index = scan(at, account, order, lo, hi, n_accounts)
    return Live(account, object_, time, rung, index), dropped


def _capped(actions: Ordered, ladder: I64, cap: int, dropped: I64) -> tuple[Tensor, Tensor, Tensor]:
    """(n,) each action's widest rung at most ``cap`` others are in (−1: none), and that window.

    Fills ``dropped`` (n_accounts, W). Occupancy grows with the window, so the rungs allowed are the
    first ones, and the last window written is the widest allowed.
    """
    account, rows = actions.account, actions.rows
    rung = torch.full_like(rows.group, -1)
    lo, hi = torch.zeros_like(rows.time), torch.zeros_like(rows.time)
    for w, window in enumerate(ladder.tolist()):
        begin, end = within(rows, window)
        over = end - begin - 1 > cap
        rung += (~over).int()
        lo, hi = torch.where(over, lo, begin), torch.where(over, hi, end)
        crowds = running(over)
        near = account[crowds.index_select(0, end) > crowds.index_select(0, begin)]
        dropped[:, w] = torch.bincount(near, minlength=len(dropped)).cpu().numpy()
    return rung, lo, hi


def _alive(
    account: Tensor,
    object: Tensor,  # noqa: A002
    company: Tensor,
    n_accounts: int,
    min_n: int,
) -> Tensor:
    """Whether an action has company and its account has company on ``min_n`` objects or more."""
    if min_n <= 1 or not len(account):
        return company
    rows = torch.nonzero(company).squeeze(1)
    rows = rows[torch.sort(account[rows], stable=True).indices]
    who = account[rows]
    objects = torch.bincount(who[fresh(who, object[rows])], minlength=n_accounts)
    return company & (objects >= min_n)[account]


def _piecewise(
    live: Live, windows: Tensor, account: int, cuts: list[tuple[int, int]], capacity: int
) -> Shared:
    """What one busy account shared with others, piece by piece.

    Pieces are folded together whenever they outgrow one: at most one record is kept for each other
    account and object, which is no more than there are actions.
    """
    parts: list[Shared] = []
    room = capacity
    for begin, end in cuts:
        parts.append(_met(live, windows, account, account + 1, begin, end, 1))
        if sum(len(p.pair) for p in parts) > room:
            parts = [folded(parts)]
            room = max(capacity, 2 * len(parts[0].pair))
    return folded(parts)


def _met(
    live: Live, windows: Tensor, first: int, stop: int, begin: int, end: int, min_n: int
) -> Shared:
    """Records of the scanned actions [begin, end), all of accounts [first, stop).

    Pairs that share fewer than ``min_n`` objects are left out before anything else is computed:
    most pairs share one.
    """
    rows, by, j = expanded(live.scan, first, stop, begin, end)
    who = live.account.index_select(0, rows)
    later = live.account.index_select(0, j) > who.index_select(0, by)
    keep = torch.nonzero(later).squeeze(1)
    # columns are read by index_select: on the processor it is several times faster than []
    i = rows.int().index_select(0, by.index_select(0, keep))
    j = j.index_select(0, keep).int()
    if live.rung is not None:
        near = torch.nonzero(_allowed(live, windows, i, j)).squeeze(1)
        i, j = i.index_select(0, near), j.index_select(0, near)
    left, right = live.account.index_select(0, i), live.account.index_select(0, j)
    keys = pair_keys(left, right, first, stop, live.scan.n_accounts)
    pair, order = torch.sort(keys, stable=True)
    i, j = i.index_select(0, order), j.index_select(0, order)
    shared = live.object.index_select(0, i)
    if min_n > 1 and len(pair):
        keep = _often(pair, shared, min_n)
        pair, shared, i, j = (c.index_select(0, keep) for c in (pair, shared, i, j))
    return merged(_records(live, windows, pair, shared, i, j))


def _records(
    live: Live,
    windows: Tensor,
    pair: Tensor,
    object: Tensor,  # noqa: A002
    i: Tensor,
    j: Tensor,
) -> Shared:
    """One record a meeting of actions i and j on an object."""
    # the earlier row is the earlier action: both stand on one object
    early = live.time.index_select(0, torch.minimum(i, j))
    late = live.time.index_select(0, torch.maximum(i, j))
    rung = rungs(late - early, windows)
    top: Tensor | int = len(windows) - 1
    if live.rung is not None:
        top = torch.minimum(live.rung.index_select(0, i), live.rung.index_select(0, j))
    return Shared(pair, object, rung_masks(rung, top), early, late)


def _allowed(live: Live, windows: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Those that met within the widest rung that both may pair in."""
    assert live.rung is not None
    delay = (live.time.index_select(0, j) - live.time.index_select(0, i)).abs()
    top = torch.minimum(live.rung.index_select(0, i), live.rung.index_select(0, j))
    return delay <= windows.index_select(0, top)


def _often(pair: Tensor, object: Tensor, min_n: int) -> Tensor:  # noqa: A002
    """Rows of the pairs that share ``min_n`` objects or more; rows in (pair, object) order."""
    heads = torch.nonzero(fresh(pair)).squeeze(1)
    bounds = torch.cat((heads, heads.new_tensor([len(pair)])))
    objects = torch.diff(running(fresh(pair, object)).index_select(0, bounds))
    enough = torch.nonzero(objects >= min_n).squeeze(1)
    size = torch.diff(bounds).index_select(0, enough)
    first = heads.index_select(0, enough) - torch.cumsum(size, 0) + size
    place = torch.repeat_interleave(first, size)
    return place + torch.arange(len(place), device=place.device)
