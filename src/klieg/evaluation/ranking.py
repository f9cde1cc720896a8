"""How well a score orders accounts: ranks, and ranks among accounts of like volume.

The room knows no finding and no truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from klieg.tables import F64, Bool

__all__ = ["matched_auc", "per_account_auc", "rank_auc"]


def rank_auc(score: F64, positive: Bool) -> float:
    """Chance that a positive outranks a negative, ties counting half; NaN without either."""
    wins, pairs = _wins(score, positive)
    return wins / pairs if pairs else float("nan")


def matched_auc(score: F64, positive: Bool, volume: np.ndarray[Any, Any]) -> float:
    """The same over pairs whose numbers of posts lie in one octave.

    Most pairs are of accounts with a post or two, since most ordinary accounts are: so it is these
    that it speaks of.
    """
    parts = _octaves(score, positive, volume)
    pairs = sum(p for _, p, _ in parts)
    return sum(w for w, _, _ in parts) / pairs if pairs else float("nan")


def per_account_auc(score: F64, positive: Bool, volume: np.ndarray[Any, Any]) -> float:
    """The mean of the octaves' AUC over the positives, each counting once, whatever its volume.

    Positives without a negative in their octave are left out.
    """
    parts = [part for part in _octaves(score, positive, volume) if part[1]]
    many = sum(n for _, _, n in parts)
    return sum(w / p * n for w, p, n in parts) / many if many else float("nan")


def _octaves(
    score: F64, positive: Bool, volume: np.ndarray[Any, Any]
) -> list[tuple[float, int, int]]:
    """Wins, pairs and positives of each octave of volume."""
    octave = np.floor(np.log2(np.maximum(volume, 1))).astype(np.int64)
    return [
        (*_wins(score[octave == o], positive[octave == o]), int(positive[octave == o].sum()))
        for o in np.unique(octave)
    ]


def _wins(score: F64, positive: Bool) -> tuple[float, int]:
    negatives = np.sort(score[~positive])
    mine = score[positive]
    below = np.searchsorted(negatives, mine, side="left")
    upto = np.searchsorted(negatives, mine, side="right")
    return float((below + upto).sum() / 2), len(mine) * len(negatives)
