"""The fused similarity network with nodes pruned by centrality, written anew from the paper.

Luceri, Pantè, Burghardt & Ferrara, "Unmasking the Web of Deceit" (WWW 2024): accounts are vectors
of what they shared (TF-IDF), pairs are weighed by cosine, one network each for reposts, links,
hashtag sequences, fast reposts and texts; the networks are fused, and the accounts with the highest
eigenvector centrality are named. Different here: texts are vectors of runs of three words in place
of sentence embeddings, and the networks are added up. The room knows no truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from klieg.evaluation.baselines.traces import Shares, Trace
    from klieg.tables import F64, Bool

__all__ = ["QUANTILE", "centrality", "fused", "similarity"]

LAYERS = ("repost", "link", "hashtags", "fast repost", "phrases")
QUANTILE = 0.99
"""Accounts above this quantile of the centrality are named."""
LEAST = 0.1
"""Cosine below which two accounts get no edge: networks stay sparse."""
COMMON = 0.2
"""Objects that more than this share of the active accounts have make no pairs (stock phrases)."""
ACTS = 5
"""Objects of a trace an account needs for a vector in it: accounts with one object in common are
otherwise perfectly alike, and centrality lands in the largest clique of them."""
BLOCK = 1024
_ROUNDS, _ENOUGH = 200, 1e-9


def fused(shares: Shares, *, quantile: float = QUANTILE) -> tuple[F64, Bool]:
    """(A,) eigenvector centrality in the fused network, and who is above the quantile."""
    n = shares.n_accounts
    network = sparse.csr_matrix((n, n))
    for name in LAYERS:
        network = network + similarity(shares.by[name], n)
    score = centrality(network)
    inside = score[score > 0]
    cut = np.quantile(inside, quantile) if len(inside) else np.inf
    return score, np.asarray((score >= cut) & (score > 0), np.bool_)


def similarity(trace: Trace, n_accounts: int, *, acts: int = ACTS) -> sparse.csr_matrix:
    """(A, A) cosines of the accounts' TF-IDF vectors from ``LEAST`` on, none with oneself.

    tf is the number of acts, idf ln(accounts / accounts that have the object). An object of one
    account has no other to meet; an account with fewer than ``acts`` objects has no vector.
    """
    counts = sparse.coo_matrix(
        (np.ones(trace.n), (trace.account, trace.object)), (n_accounts, max(trace.n_objects, 1))
    ).tocsr()
    spread = np.asarray((counts > 0).sum(axis=0)).ravel()
    enough = counts.getnnz(axis=1) >= acts
    active = int((counts.getnnz(axis=1) > 0).sum())
    idf = np.log(np.maximum(active, 1) / np.maximum(spread, 1))
    weighed = (counts @ sparse.diags(idf)).tocsr()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    unit = sparse.diags(np.where(enough & (length > 0), 1.0 / np.maximum(length, 1e-12), 0.0))
    unit = unit @ weighed
    kept = (spread > 1) & (spread <= max(COMMON * active, 50))
    unit = unit.tocsc()[:, np.flatnonzero(kept)].tocsr()
    across = unit.T.tocsc()
    parts = []
    for first in range(0, n_accounts, BLOCK):
        part = (unit[first : first + BLOCK] @ across).tocoo()
        fits = (part.data >= LEAST) & (part.row + first != part.col)
        parts.append((part.row[fits] + first, part.col[fits], part.data[fits]))
    rows, columns, values = (np.concatenate(x) for x in zip(*parts, strict=True))
    return sparse.csr_matrix((values, (rows, columns)), (n_accounts, n_accounts))


def centrality(network: sparse.csr_matrix) -> F64:
    """(A,) eigenvector centrality by power iteration; 0 for accounts without an edge.

    A little of oneself is kept each round (a shift of the spectrum), so that a bipartite network
    does not swing.
    """
    linked = network.getnnz(axis=1) > 0
    score = linked / np.sqrt(max(linked.sum(), 1))
    for _ in range(_ROUNDS):
        after = network @ score + score
        length = float(np.linalg.norm(after))
        if length == 0:
            break
        after /= length
        done = float(np.abs(after - score).max()) < _ENOUGH
        score = after
        if done:
            break
    # what power iteration leaves in a component that is not the leading one is no centrality
    return np.where(linked & (score > 1e-12), score, 0.0).astype(np.float64)
