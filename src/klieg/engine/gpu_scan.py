"""Cut the work of pairs into chunks that fit the device, and expand a chunk's windows.

Every row (an action or an act) has a range of rows that it scans for company. Rows are indexed by
account, and a running sum of the ranges' sizes says exactly what any stretch of accounts will take
before it is expanded. The room does not know who may pair with whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from klieg.engine.gpu_order import running

if TYPE_CHECKING:
    from klieg.engine.gpu_device import Place
    from klieg.tables import I64

__all__ = ["Scan", "chunks", "expanded", "pair_keys", "pieces", "scan"]


@dataclass(frozen=True, slots=True)
class Scan:
    """Rows account by account, and the ranges they scan."""

    row: Tensor  # (n,) int64
    lo: Tensor  # (n,) int64 where each one's range starts
    scanned: Tensor  # (n + 1,) int64 running sum of the ranges' sizes
    starts: I64  # (n_accounts + 1,) where each account's rows start
    mass: I64  # (n_accounts + 1,) running sum of the ranges' sizes, by account

    @property
    def n_accounts(self) -> int:
        return len(self.starts) - 1


def scan(at: Place, account: Tensor, row: Tensor, lo: Tensor, hi: Tensor, n_accounts: int) -> Scan:
    """The scan of rows that are given account by account; the other columns by row."""
    scanned = running((hi - lo)[row])
    starts = torch.searchsorted(account[row], at.arange(n_accounts + 1).int())
    return Scan(row, lo[row], scanned, starts.cpu().numpy(), scanned[starts].cpu().numpy())


def chunks(mass: I64, capacity: int) -> list[tuple[int, int]]:
    """Ranges of accounts that scan at most ``capacity`` rows together, or one that scans more.

    >>> chunks(np.array([0, 3, 3, 5, 14, 15]), 5)
    [(0, 3), (3, 4), (4, 5)]
    """
    busy = np.flatnonzero(np.diff(mass))
    ends = mass[busy + 1]
    ranges = []
    first = 0
    while first < len(busy):
        room = int(mass[busy[first]]) + capacity
        stop = max(first + 1, int(np.searchsorted(ends, room, side="right")))
        ranges.append((int(busy[first]), int(busy[stop - 1]) + 1))
        first = stop
    return ranges


def pieces(scan: Scan, first: int, stop: int, capacity: int) -> list[tuple[int, int]]:
    """The scanned rows of accounts [first, stop), cut where they are more than ``capacity``."""
    begin, end = int(scan.mass[first]), int(scan.mass[stop])
    return [(s, min(s + capacity, end)) for s in range(begin, end, capacity)]


def expanded(
    scan: Scan, first: int, stop: int, begin: int, end: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The scanned rows [begin, end) of accounts [first, stop), which may cut a range.

    The accounts' rows (k,), and of each scanned row (end − begin,): which of those scans it, and
    the row itself.
    """
    rows = slice(int(scan.starts[first]), int(scan.starts[stop]))
    before = scan.scanned[rows.start : rows.stop + 1]
    by = torch.repeat_interleave(torch.diff(before.clamp(begin, end)), output_size=end - begin)
    offset = (scan.lo[rows] + begin - before[:-1]).index_select(0, by)
    return scan.row[rows], by, offset + torch.arange(end - begin, device=by.device)


def pair_keys(left: Tensor, right: Tensor, first: int, stop: int, n_accounts: int) -> Tensor:
    """(left − first) · n_accounts + right: 32 bits where they do, for half the passes of a sort."""
    kind = torch.int32 if (stop - first) * n_accounts < 2**31 else torch.int64
    return (left.to(kind) - first) * n_accounts + right.to(kind)
