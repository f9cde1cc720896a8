"""Pairs that share the same things more than their volumes explain: NPMI, as raters are compared.

Community Notes looks for raters who rate the same posts within minutes by normalised pointwise
mutual information, and counts such a clique as one voice. The same measure over reposts, links,
hashtag sequences and equal texts, written anew: Bouma 2009 for the measure, Pantel & Lin 2002 for
the discount of small counts. The room knows no truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.evaluation.baselines.traces import joined, meetings

if TYPE_CHECKING:
    from klieg.evaluation.baselines.traces import Shares
    from klieg.tables import F64, I64, Bool

__all__ = ["mutual", "npmi"]

_SHARED = ("repost", "link", "hashtags", "copies")
WINDOW_S = 1200.0
"""Seconds within which two acts on one object meet."""
LEVEL, LEAST = 0.5, 5
"""A pair is named from this discounted NPMI and so many shared objects on."""


def mutual(shares: Shares) -> tuple[F64, Bool]:
    """(A,) each account's largest discounted NPMI with another, and who has a named pair."""
    trace = joined(shares, _SHARED)
    left, right, _ = meetings(trace, WINDOW_S)
    key, count = np.unique(left * np.int64(shares.n_accounts) + right, return_counts=True)
    a, b = key // shares.n_accounts, key % shares.n_accounts
    own = np.unique(np.stack([trace.account.astype(np.int64), trace.object], axis=1), axis=0)
    each = np.bincount(own[:, 0], minlength=shares.n_accounts)
    value = npmi(count, each[a], each[b], len(np.unique(trace.object)))
    score, named = np.zeros(shares.n_accounts), np.zeros(shares.n_accounts, np.bool_)
    for end in (a, b):
        np.maximum.at(score, end, value)
        named[end[(value >= LEVEL) & (count >= LEAST)]] = True
    return score, named


def npmi(both: I64, one: I64, other: I64, objects: int) -> F64:
    """(p,) ln(n·N/(a·b)) / −ln(n/N), discounted by n/(n+1) · m/(m+1) with m = min(a, b).

    1 for two that share everything they have, 0 for independent ones.
    """
    share = np.minimum(both / max(objects, 1), 1 - 1e-12)
    gain = np.log(both * float(objects) / (one * other.astype(np.float64)))
    least = np.minimum(one, other)
    value: F64 = gain / -np.log(share) * (both / (both + 1)) * (least / (least + 1))
    return value
