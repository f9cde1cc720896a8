"""Sort and prune more actions than fit in memory: slabs of objects, each on its own, on disk.

A slab is a range of objects in (target, object) order: sorting, windows, caps and company need no
other slab. Only how many objects each account has company on is counted over all of them, and the
slabs are gone through again while that drops many. The room does not know pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from klieg.engine.live import (
    STEADY,
    Given,
    Live,
    Ordered,
    Ranks,
    company,
    enough,
    given,
    ranked,
    rungs_of,
    sort_rows,
    tally_objects,
)
from klieg.engine.spill import Scratch, pieces
from klieg.engine.windows import spans
from klieg.errors import EngineError
from klieg.memory import human

if TYPE_CHECKING:
    from klieg.tables import I32, I64

__all__ = ["LIVE", "ROW", "Slabs", "Tally", "cut", "fits", "on_disk", "tally", "together"]

ROW = 48
"""Bytes a row while it is sorted, pruned and indexed."""

SORTED = (np.int32, np.int32, np.int64)
"""account, rank, time"""

LIVE = (*SORTED, np.uint8)
"""account, rank, time, rungs"""


class Tally(NamedTuple):
    """What a first look at the columns tells."""

    actions: I32  # (n_objects,)
    aim: I32  # (n_objects,) target, −1 for none
    ascending: bool  # whether times ascend


class Slabs(NamedTuple):
    """Live actions on disk: files slab 0, slab 1, … in (target, object, time) order."""

    scratch: Scratch
    rows: list[int]  # of each slab
    per_account: I64  # (n_accounts,) rows
    aim: I32  # (ranks,)


def tally(columns: Sequence[Any], n: int, n_accounts: int, rows: int) -> Tally:
    """Check the columns, ``rows`` at a time, and count the actions of each object."""
    n_objects, latest, ascending = 0, -(2**63), True
    for part in pieces(columns, n, rows):
        _, object_, time, _ = _given(part, n_accounts)
        if len(time):
            n_objects = max(n_objects, int(object_.max()) + 1)
            ascending = ascending and latest <= time[0] and bool((time[1:] >= time[:-1]).all())
            latest = int(time[-1])
    count, aim = np.zeros(n_objects, np.int32), np.full(n_objects, -1, np.int32)
    for part in pieces(columns, n, rows):
        _, object_, _, target = _given(part, n_accounts)
        tally_objects(object_, target, count, aim)
    return Tally(count, aim, ascending)


def on_disk(
    columns: Sequence[Any],
    n: int,
    seen: Tally,
    n_accounts: int,
    windows: I64,
    min_n: int,
    cap: int | None,
    dropped: I64,
    room: int,
) -> Slabs:
    """Everything that may pair, in slabs of ``room`` bytes or less while they are sorted."""
    order = ranked(seen.actions, seen.aim)
    actions = np.zeros(len(order.aim), np.int64)
    used = order.rank >= 0
    actions[order.rank[used]] = seen.actions[used]
    most = room // ROW
    fits(int(actions.max(initial=0)), most, "the busiest object", ROW)
    bounds = cut(actions, most)
    scratch = Scratch()
    for part in pieces(columns, n, max(most // 4, 256)):
        _scattered(scratch, _given(part, n_accounts), order, bounds)
    objects = np.zeros(n_accounts, np.int32)
    total = 0
    for s in range(len(bounds) - 1):
        rows = _sorted_slab(scratch, s, bounds, seen.ascending)
        rungs = rungs_of(rows, windows, cap, dropped)
        total += _with_company(scratch, s, (*rows, rungs), windows, objects)
    return _pruned(scratch, len(bounds) - 1, total, objects, min_n, windows, order.aim)


def together(slabs: Slabs, windows: I64) -> Live:
    """The live actions of all slabs in memory."""
    total = sum(slabs.rows)
    columns: list[Any] = [np.empty(total, dtype) for dtype in LIVE]
    begin = 0
    for s, rows in enumerate(slabs.rows):
        for whole, values in zip(columns, slabs.scratch.read(f"slab{s}", LIVE), strict=True):
            whole[begin : begin + rows] = values
        begin += rows
    account, object_, time, rungs = columns
    return Live(account, object_, time, rungs, *spans(object_, time, rungs, windows))


def fits(rows: int, most: int, what: str, bytes_a_row: int) -> None:
    """EngineError where ``rows`` that must be in memory together are more than ``most``."""
    if rows > most:
        raise EngineError(
            f"{what} has {rows:,} actions, which take {human(rows * bytes_a_row)} together; "
            f"the memory budget leaves {human(most * bytes_a_row)}: raise it by the difference"
        )


def cut(weight: I64, most: int) -> list[int]:
    """Bounds of ranges as long as may be of at most ``most`` weight each."""
    total = np.concatenate(([0], np.cumsum(weight)))
    bounds = [0]
    while bounds[-1] < len(weight):
        stop = int(np.searchsorted(total, total[bounds[-1]] + most, side="right")) - 1
        bounds.append(max(stop, bounds[-1] + 1))
    return bounds


def _given(part: Sequence[Any], n_accounts: int) -> Given:
    account, object_, time, target = part
    return given(account, object_, time, target, n_accounts)


def _scattered(scratch: Scratch, columns: Given, order: Ranks, bounds: list[int]) -> None:
    account, object_, time, _ = columns
    rows = Ordered(*sort_rows(account, object_, time, order.rank, len(order.aim)))
    cuts = np.searchsorted(rows.object, bounds)
    for s in range(len(bounds) - 1):
        part = slice(cuts[s], cuts[s + 1])
        if part.start < part.stop:
            scratch.append(f"rows{s}", [values[part] for values in rows])


def _sorted_slab(scratch: Scratch, s: int, bounds: list[int], ascending: bool) -> Ordered:
    account, rank, time = scratch.read(f"rows{s}", SORTED)
    scratch.drop(f"rows{s}")
    if not ascending:
        by_time = np.argsort(time, kind="stable")
        account, rank, time = account[by_time], rank[by_time], time[by_time]
    least, width = bounds[s], bounds[s + 1] - bounds[s]
    rank -= np.int32(least)
    alone = np.arange(width, dtype=np.int32)
    account, rank, time = sort_rows(account, rank, time, alone, width)
    rank += np.int32(least)
    return Ordered(account, rank, time)


def _with_company(
    scratch: Scratch, s: int, columns: Sequence[Any], windows: I64, objects: I32
) -> int:
    """Write the rows of a slab that meet another account; how many."""
    account, object_, time, rungs = columns
    lo, hi = spans(object_, time, rungs, windows)
    keep = company(account, object_, lo, hi, objects)
    del lo, hi
    scratch.drop(f"slab{s}")
    scratch.append(f"slab{s}", [values[keep] for values in columns])
    return int(np.count_nonzero(keep))


def _pruned(
    scratch: Scratch, count: int, total: int, objects: I32, min_n: int, windows: I64, aim: I32
) -> Slabs:
    """Drop rows of accounts with company on too few objects until few go."""
    while True:
        before, total = total, 0
        company_now = np.zeros_like(objects)
        for s in range(count):
            columns = scratch.read(f"slab{s}", LIVE)
            keep = np.ones(len(columns[0]), np.bool_)
            enough(columns[0], objects, min_n, keep)
            kept = [values[keep] for values in columns]
            del columns
            total += _with_company(scratch, s, kept, windows, company_now)
        objects = company_now
        if total == before or before - total < before // STEADY:
            break
    per_account = np.zeros(len(objects), np.int64)
    rows = []
    for s in range(count):
        account = scratch.read(f"slab{s}", LIVE[:1])[0]
        per_account += np.bincount(account, minlength=len(objects))
        rows.append(len(account))
    return Slabs(scratch, rows, per_account, aim)
