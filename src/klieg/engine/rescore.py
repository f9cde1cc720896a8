"""Count given pairs exactly, each by the merge of its two accounts' actions, without any cap.

Shards are ranges of pairs that stand by their busier account. The room does not know where the
pairs came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from klieg.engine import shards
from klieg.engine.executors import ThreadExecutor
from klieg.engine.live import Given, Ordered, Ranks, given, ordered, ranked, tally_objects
from klieg.engine.merging import Index, by_account, merge
from klieg.engine.spill import pieces
from klieg.engine.windows import checked, group_rows, window_list
from klieg.errors import EngineError
from klieg.tables import Edges

if TYPE_CHECKING:
    from klieg.sockets import Executor
    from klieg.tables import I32, I64, U32, Bool

__all__ = ["rescore_pairs", "score_shard"]

PIECE = 2**23
"""Rows read at a time."""


def rescore_pairs(
    account: object,
    object: object,  # noqa: A002
    time: object,
    target: object,
    n_accounts: int,
    windows: object,
    left: object,
    right: object,
    threads: int,
    *,
    executor: Executor | None = None,
) -> Edges:
    """Exact counts of the given pairs (sorted, left < right), no cap; zeros where they never met.

    Each pair walks the actions of its quieter account and looks them up in the busier one's.
    """
    ladder = window_list(windows)
    a = checked(left, "left", n_accounts)
    b = checked(right, "right", n_accounts, len(a))
    if (a >= b).any():
        raise EngineError("every pair must have left < right")
    columns = account, object, time, target
    # only what the accounts asked for did: usually few of all
    asked = np.zeros(n_accounts, np.bool_)
    asked[a] = True
    asked[b] = True
    actions, numbers = _asked(columns, n_accounts, asked)
    index = Index(*by_account(*actions, numbers.aim, n_accounts))
    del actions
    length = np.diff(index.starts)
    busier = np.where(length[a] >= length[b], a, b)
    other = a + b - busier
    order = group_rows(busier, np.arange(len(busier)), n_accounts)[1]
    fresh = np.diff(busier[order], prepend=-1) != 0
    weight = length[other[order]] + np.where(fresh, length[busier[order]], 0)
    run = executor or ThreadExecutor()
    cuts = shards.equal_ranges(weight, shards.SHARDS_PER_THREAD * run.workers(threads))
    shared = Scoring(busier[order], other[order], index, ladder)
    n = np.zeros((len(a), len(ladder)), np.uint32)
    capped = np.zeros((len(a), len(ladder)), np.uint32)
    span = np.zeros((len(a), 2), np.int64)
    done = 0
    for part in run.map(score_shard, shared, cuts, threads):
        pairs = order[done : done + len(part[0])]
        n[pairs], capped[pairs], span[pairs] = part
        done += len(pairs)
    return Edges(a, b, n, capped, span[:, 0].copy(), span[:, 1].copy())


def _asked(columns: tuple[Any, ...], n_accounts: int, asked: Bool) -> tuple[Ordered, Ranks]:
    """The actions of those asked for on objects that anyone else acted on; a piece at a time."""
    n = len(columns[0])
    if any(len(values) != n for values in columns):
        raise EngineError(f"columns differ in length: {[len(values) for values in columns]}")

    def read() -> Iterator[Given]:
        for account, object_, time, target in pieces(columns, n, PIECE):
            yield given(account, object_, time, target, n_accounts)

    n_objects = max((int(part.object.max(initial=-1)) + 1 for part in read()), default=0)
    count, aim = np.zeros(n_objects, np.int32), np.full(n_objects, -1, np.int32)
    for part in read():
        tally_objects(part.object, part.target, count, aim)
    kept: list[list[Any]] = [[np.empty(0, dtype)] for dtype in (*[np.int32] * 2, np.int64)]
    for part in read():
        rows = np.flatnonzero(asked[part.account] & (count[part.object] > 1))
        own: list[Any] = [values[rows] for values in (part.account, part.object, part.time)]
        for whole, values in zip(kept, own, strict=True):
            whole.append(values)
    account, object_, time = (np.concatenate(kept.pop(0)) for _ in range(3))
    numbers = ranked(np.bincount(object_, minlength=n_objects).astype(np.int32), aim)
    # ``ordered`` reads no targets: ranks know them
    return ordered(Given(account, object_, time, object_), numbers), numbers


class Scoring(NamedTuple):
    """What the shards of one scoring share."""

    busier: I32  # (pairs,) ascending
    other: I32  # (pairs,)
    actions: Index
    windows: I64


def score_shard(shared: Scoring, first: int, stop: int) -> tuple[U32, U32, I64]:
    """Counts (k, W) twice and spans (k, 2) of the pairs [first, stop)."""
    n = np.zeros((stop - first, len(shared.windows)), np.uint32)
    capped = np.zeros_like(n)
    spans = np.zeros((stop - first, 2), np.int64)
    busier, other = shared.busier[first:stop], shared.other[first:stop]
    merge(busier, other, shared.actions, shared.windows, n, capped, spans)
    return n, capped, spans
