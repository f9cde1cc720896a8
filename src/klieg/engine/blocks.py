"""Count the pairs of more live actions than fit in memory: one block of accounts against another.

Accounts are cut into parts, and each pair of parts is a count of its own: the left part's actions
meet the right part's. A pair of accounts is in one block alone, so nothing is added up over blocks;
what is kept of a row of blocks goes to disk and is read back in order of the left account. The
room does not know where the actions came from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.engine.accumulate import Work
from klieg.engine.compiled import compiled
from klieg.engine.counting import Counting, Part, counted
from klieg.engine.live import index_rows
from klieg.engine.slabs import LIVE, Slabs, cut, fits
from klieg.engine.spill import Scratch

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I32, I64, U8

__all__ = ["Blocks", "between", "block_parts", "blocks"]

ROW = 64
"""Bytes a row of a part while it is indexed and counted."""


class Blocks(NamedTuple):
    """Live actions on disk, part by part, each in (target, object, time) order."""

    scratch: Scratch
    bounds: list[int]  # part k holds the accounts bounds[k] … bounds[k + 1] − 1
    aim: I32
    n_accounts: int


def blocks(slabs: Slabs, room: int) -> Blocks:
    """Cut the accounts into parts two of which fit in ``room`` bytes."""
    most = room // (2 * ROW)
    fits(int(slabs.per_account.max(initial=0)), most, "the busiest account", 2 * ROW)
    bounds = cut(slabs.per_account, most)
    scratch, n_accounts = slabs.scratch, len(slabs.per_account)
    for s in range(len(slabs.rows)):
        columns = scratch.read(f"slab{s}", LIVE)
        scratch.drop(f"slab{s}")
        part = np.searchsorted(bounds, columns[0], side="right") - 1
        for k in np.unique(part).tolist():
            scratch.append(f"part{k}", [values[part == k] for values in columns])
    return Blocks(scratch, bounds, slabs.aim, n_accounts)


def block_parts(
    blocks: Blocks, windows: I64, min_n: int, limit: int, executor: Executor, threads: int
) -> Iterator[Part]:
    """The kept pairs of all blocks in (left, right) order, about ``limit`` at a time."""
    width = len(windows)
    row = np.dtype([("book", np.int32, (2 + 2 * width,)), ("span", np.int64, (2,))])
    for p in range(len(blocks.bounds) - 1):
        first, stop = blocks.bounds[p], blocks.bounds[p + 1]
        left = blocks.scratch.read(f"part{p}", LIVE)
        ends: list[I64] = []  # of each block: rows up to each left account
        # a folder for each reading, as two may go on at once
        kept = Scratch()
        for q in range(p, len(blocks.bounds) - 1):
            right = left if q == p else blocks.scratch.read(f"part{q}", LIVE)
            work = _work(left, right, blocks, windows)
            counts = np.zeros(stop - first, np.int64)
            shared = Counting(work, windows, min_n, limit)
            for book, span, _ in counted(shared, first, stop, executor, threads):
                rows = np.empty(len(book), row)
                rows["book"], rows["span"] = book, span
                kept.append(f"kept{q}", [rows])
                counts += np.bincount(book[:, 0] - first, minlength=stop - first)
            del work, shared, right
            ends.append(np.concatenate(([0], np.cumsum(counts))))
        del left
        yield from _by_left(kept, p, row, ends, first, limit)


def _by_left(
    kept: Scratch, p: int, row: np.dtype[Any], ends: list[I64], first: int, limit: int
) -> Iterator[Part]:
    """A row of blocks, read back in order: right accounts ascend from block to block."""
    bounds = cut(np.diff(np.sum(ends, axis=0)), limit)
    for a, b in itertools.pairwise(bounds):
        rows = np.concatenate(
            [
                kept.read(f"kept{p + k}", [row], int(end[a]), int(end[b] - end[a]))[0]
                for k, end in enumerate(ends)
            ]
        )
        if len(rows):
            order = np.argsort(rows["book"][:, 0], kind="stable")
            yield rows["book"][order], rows["span"][order], first + b


def _work(
    left: list[NDArray[Any]], right: list[NDArray[Any]], blocks: Blocks, windows: I64
) -> Work:
    """The actions of the left part account by account, and whom of the right part they may meet."""
    account, object_, time, rungs = left
    lo, hi = between(object_, time, rungs, right[1], right[2], windows)
    starts, row, objects, first, stop, mass = index_rows(
        account, object_, lo, hi, blocks.n_accounts
    )
    met = right[0], right[2], right[3]
    return Work(starts, row, objects, first, stop, time, rungs, *met, blocks.aim, mass)


@compiled
def between(
    object: I32,  # noqa: A002
    time: I64,
    rungs: U8,
    other_object: I32,
    other_time: I64,
    windows: I64,
) -> tuple[I32, I32]:
    """[lo, hi) of the other actions on the same object within each action's own widest window."""
    n, m = len(time), len(other_time)
    first = np.zeros(n, np.int32)
    stop = np.zeros(n, np.int32)
    for w in range(len(windows)):
        lo = 0
        hi = 0
        for i in range(n):
            o, t = object[i], time[i]
            while lo < m and (
                other_object[lo] < o or (other_object[lo] == o and t - other_time[lo] > windows[w])
            ):
                lo += 1
            hi = max(hi, lo)
            while hi < m and other_object[hi] == o and other_time[hi] - t <= windows[w]:
                hi += 1
            if rungs[i] == w + 1:
                first[i] = lo
                stop[i] = hi
    return first, stop
