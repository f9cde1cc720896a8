"""What the occupancy cap can have cost a pair, and a second look at those it cost most.

A window with very many others proposes no pairs: it makes them by the million and each is next to
no evidence. A pair loses at most the smaller of its accounts' dropped actions, each worth at most
ln(active accounts / cap). The accounts with the most dropped actions of each window are therefore
paired once more without the cap, so that a group that acts only on viral objects is not lost; what
remains is bounded. The room scores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.columns import distinct

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import I32, I64, Actions, Bool

__all__ = ["crowded", "join_pairs", "omitted_bound", "pairs_without_cap"]

_PER_WINDOW = 48
"""Accounts a window that get the second look: some 40,000 pairs a layer, tenths of a second."""


def crowded(dropped: I64, able: Bool) -> I32:
    """Eligible accounts with the most dropped actions in some window, ascending.

    ``dropped`` (n_accounts, W); ties go to the account that appeared first.
    """
    chosen = np.zeros(len(dropped), np.bool_)
    for lost in dropped.T:
        hit = np.flatnonzero(able & (lost > 0))
        chosen[hit[np.argsort(-lost[hit], kind="stable")[:_PER_WINDOW]]] = True
    return np.flatnonzero(chosen).astype(np.int32)


def pairs_without_cap(
    actions: Actions, accounts: I32, windows: I64, config: Config, engine: Engine
) -> tuple[I32, I32]:
    """Pairs of these accounts with ``weak_count`` shared objects, however crowded."""
    if len(accounts) < 2:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    inside = np.zeros(actions.n_accounts, np.bool_)
    inside[accounts] = True
    rows = inside[actions.account]
    found = engine.count_pairs(
        actions.account[rows],
        actions.object[rows],
        actions.time[rows],
        actions.target[rows],
        actions.n_accounts,
        windows,
        config.weak_count,
        None,
        config.threads,
    )
    return found.edges.left, found.edges.right


def join_pairs(first: tuple[I32, I32], second: tuple[I32, I32], n_accounts: int) -> tuple[I32, I32]:
    """The union of two lists of pairs, sorted by (left, right)."""
    key = np.concatenate(
        [left.astype(np.int64) * n_accounts + right for left, right in (first, second)]
    )
    key = distinct(key)
    return (key // n_accounts).astype(np.int32), (key % n_accounts).astype(np.int32)


def omitted_bound(dropped: I64, able: Bool, seen: I32, config: Config) -> float:
    """Nats that a pair which was never proposed can have had, in its worst window.

    At least one account of such a pair is not among ``seen``: the largest count of dropped actions
    among the others bounds what the pair lost; with nobody seen, the second largest does too.
    """
    rest = able.copy()
    rest[seen] = False
    counts = dropped[rest]
    if not len(counts) or not counts.any():
        return 0.0
    most = counts.max(axis=0)
    if not len(seen):
        most = np.partition(counts, -2, axis=0)[-2] if len(counts) > 1 else np.zeros(1)
    worth = max(0.0, float(np.log(np.count_nonzero(able) / config.occupancy)))
    return float(most.max()) * worth
