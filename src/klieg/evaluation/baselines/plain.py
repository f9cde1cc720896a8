"""Baselines that know next to nothing: how much an account posts, whom it meets, a coin.

What a method must beat before its cleverness counts. The rooms know no truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.evaluation.baselines.traces import joined, meetings

if TYPE_CHECKING:
    from klieg.evaluation.baselines.traces import Shares
    from klieg.tables import F64, Bool

__all__ = ["degree", "random", "volume"]

_SHARED = ("repost", "link", "hashtags", "copies")
_DAY = 86_400.0
TOP = 0.01
"""Share of the accounts that such a score names."""


def volume(shares: Shares) -> tuple[F64, Bool]:
    """(A,) posts, and the busiest hundredth."""
    score = shares.volume.astype(np.float64)
    return score, _top(score)


def degree(shares: Shares) -> tuple[F64, Bool]:
    """(A,) others who shared one of an account's objects within a day, and the top hundredth."""
    left, right, _ = meetings(joined(shares, _SHARED), _DAY)
    pair = np.unique(left * np.int64(shares.n_accounts) + right)
    ends = np.concatenate([pair // shares.n_accounts, pair % shares.n_accounts])
    score = np.bincount(ends, minlength=shares.n_accounts).astype(np.float64)
    return score, _top(score)


def random(shares: Shares, seed: int = 0) -> tuple[F64, Bool]:
    """(A,) a draw for each account, and the top hundredth."""
    score = np.random.default_rng(seed).random(shares.n_accounts)
    return score, _top(score)


def _top(score: F64) -> Bool:
    cut = np.quantile(score, 1 - TOP) if len(score) else 0.0
    return np.asarray((score > cut) & (score > 0), np.bool_)
