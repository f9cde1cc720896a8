"""How well a score orders accounts: ranks, and ranks among accounts of like volume.

The room knows no finding and no truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from klieg.tables import F64, Bool

__all__ = ["matched_auc", "rank_auc"]


def rank_auc(score: F64, positive: Bool) -> float:
    """Chance that a positive outranks a negative, ties counting half; NaN without either."""
    wins, pairs = _wins(score, positive)
    return wins / pairs if pairs else float("nan")


def matched_auc(score: F64, positive: Bool, volume: np.ndarray[Any, Any]) -> float:
    """The same over pairs whose numbers of posts lie in one octave."""
    octave = np.floor(np.log2(np.maximum(volume, 1))).astype(np.int64)
    parts = [_wins(score[octave == o], positive[octave == o]) for o in np.unique(octave)]
    pairs = sum(p for _, p in parts)
    return sum(w for w, _ in parts) / pairs if pairs else float("nan")


def _wins(score: F64, positive: Bool) -> tuple[float, int]:
    negatives = np.sort(score[~positive])
    mine = score[positive]
    below = np.searchsorted(negatives, mine, side="left")
    upto = np.searchsorted(negatives, mine, side="right")
    return float((below + upto).sum() / 2), len(mine) * len(negatives)
