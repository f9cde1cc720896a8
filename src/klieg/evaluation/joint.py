"""How much joint behaviour beyond chance every account has: a continuous score, to rank by.

In nats, of every account and not of members of findings alone: what chance does not explain of its
pairs and groups, and then whose company it keeps. It says nothing about what an account is, and is
never a probability. The room reads a case's layers and findings; it knows no truth and no threshold
of the detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse

from klieg.tables import MULTIPLEX, RETOLD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import F64, I64, Actions, Finding, Layer, Posts

__all__ = ["CROWDED", "HALF", "PAIR", "Joint", "joint_behaviour", "layer_evidence"]

CROWDED = ("mention", "domain")
"""Signals whose company says nothing: whoever complains to an airline names it, as all others do.

Chosen on half of the accounts of two real sets: with mentions in, the accounts of one rank below
chance (.42) among accounts of like volume.
"""
HALF = 10.0
"""Nats at which an account's evidence counts half as company; 3 and 30 rank alike."""

PAIR = 15.0
"""Nats that one pair counts at most: somebody's second account is no crew, however improbable."""


class Searched(Protocol):
    """What of a case is read: a Case is one."""

    @property
    def posts(self) -> Posts: ...
    @property
    def layers(self) -> tuple[Layer, ...]: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True)
class Joint:
    """Two parts of one score, so that a reader can see which of them speaks."""

    evidence: F64  # (A,) nats: of the account's own improbable pairs and of its groups
    company: F64  # (A,) acts, each counted by how much evidence the others on its object have
    done: I64  # (A,) posts and acts

    @property
    def score(self) -> F64:
        """(A,) what accounts are ranked by; 0 where nothing joins an account to any other.

        Who does much meets many: evidence counts by the root of how much was done.
        """
        both: F64 = self.evidence / np.sqrt(np.maximum(self.done, 1)) + self.company
        return both


def joint_behaviour(case: Searched) -> Joint:
    """Of each account of the case, by its row in ``posts.account_ids``.

    *Evidence*: of each of its kept pairs −ln p, the best layer once and ``PAIR`` at most, and the
    most it adds to a group. p is what the null of the run says, so hours, ages, attention and how
    much either does are allowed for, and one target counts once. *Company*: for each object it
    acted on, the mean strength of the others there, ``e / (e + HALF)`` of their evidence and 0 for
    one more whom nobody saw; pairs that are evidence already are left out of it, and of one target
    the best object counts. An account with a single act can have company and no evidence.
    """
    n = case.posts.n_accounts
    left, right, value = _pairs(case.layers, n)
    evidence = _grouped(case.findings, n)
    for end in (left, right):
        evidence += np.bincount(end, weights=value, minlength=n)
    strength = evidence / (evidence + HALF)
    company = np.zeros(n)
    for layer in case.layers:
        if layer.stat.signal not in (MULTIPLEX, *RETOLD, *CROWDED) and layer.actions.n:
            company += _company(layer.actions, strength, left, right, n)
    done = np.bincount(case.posts.account, minlength=n)
    if case.posts.acts is not None:
        done += np.bincount(case.posts.acts.account, minlength=n)
    return Joint(evidence, np.maximum(company, 0.0), done)


def layer_evidence(layer: Layer, n: int) -> F64:
    """(A,) nats of one layer's kept pairs alone: Σ −ln p over an account's pairs, each capped."""
    left, right, value = _pairs((layer,), n)
    out = np.zeros(n)
    for end in (left, right):
        out += np.bincount(end, weights=value, minlength=n)
    return out


def _pairs(layers: Sequence[Layer], n: int) -> tuple[I64, I64, F64]:
    """Kept pairs once each, left < right, and their best −ln p in any layer, ``PAIR`` at most."""
    keys, values = [np.empty(0, np.int64)], [np.empty(0)]
    for layer in layers:
        edges = layer.scored.edges
        keys.append(edges.left.astype(np.int64) * n + edges.right)
        values.append(np.minimum(-np.log(np.clip(layer.scored.p, 1e-300, 1.0)), PAIR))
    key, place = np.unique(np.concatenate(keys), return_inverse=True)
    best = np.zeros(len(key))
    np.maximum.at(best, place, np.concatenate(values))
    return key // max(n, 1), key % max(n, 1), best


def _grouped(findings: Sequence[Finding], n: int) -> F64:
    out = np.zeros(n)
    for finding in findings:
        for member in finding.members:
            out[member.account] = max(out[member.account], member.evidence)
    return out


def _company(actions: Actions, strength: F64, left: I64, right: I64, n: int) -> F64:
    """(A,) Σ over targets of the best mean strength of the others on an object of it."""
    shape = n, actions.n_objects
    there = sparse.csr_matrix((np.ones(actions.n), (actions.account, actions.object)), shape)
    there.data[:] = 1.0
    share = 1.0 / np.maximum(np.asarray(there.sum(axis=0)).ravel(), 1.0)  # k − 1 others, one more
    among = np.asarray(there.T @ strength).ravel()
    known = sparse.csr_matrix(
        (np.r_[strength[right], strength[left]], (np.r_[left, right], np.r_[right, left])), (n, n)
    )
    own = there.tocoo()
    others = among[own.col] - strength[own.row] - _at(known @ there, own)
    target = _targets(actions)
    wide = int(target.max(initial=0)) + 1
    key, place = np.unique(own.row * np.int64(wide) + target[own.col], return_inverse=True)
    best = np.zeros(len(key))
    np.maximum.at(best, place, others * share[own.col])
    total: F64 = np.bincount(key // wide, weights=best, minlength=n).astype(np.float64)
    return total


def _at(matrix: sparse.csr_matrix, where: sparse.coo_matrix) -> F64:
    """(nnz,) what a matrix holds at the places of another."""
    return np.asarray(matrix[where.row, where.col]).ravel()


def _targets(actions: Actions) -> I64:
    """(n_objects,) the author or domain of each object; an object without is its own."""
    target = np.full(actions.n_objects, -1, np.int64)
    np.maximum.at(target, actions.object, actions.target.astype(np.int64))
    alone = np.flatnonzero(target < 0)
    target[alone] = len(actions.target_labels) + alone
    return target
