"""Supervised heads: how well features of accounts tell labelled ones from the rest, held out.

One learner for all, so that what is compared are the features: klieg's, each baseline's, volume.
An account a head was trained on is never one it is asked about. The room knows no finding's class
and writes nothing into a case: a head is a measure, and no part of the detector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from klieg.errors import MissingExtra
from klieg.evaluation.joint import joint_behaviour, layer_evidence
from klieg.evaluation.ranking import matched_auc, rank_auc
from klieg.tables import MULTIPLEX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.case import Case
    from klieg.tables import F64, Bool

__all__ = ["Held", "features", "held_out", "scored"]

FOLDS = 5
"""Parts of the training accounts over which the threshold of a head is chosen."""
FEW = 50
"""Positives below which trees learn their noise: a straight line then."""


@dataclass(frozen=True, slots=True)
class Held:
    """A head on accounts it never saw. NaN where nothing is there to share."""

    trained: int  # positives it was trained on
    positive: int  # positives it was asked about
    asked: int
    precision: float
    recall: float
    f1: float
    auc: float
    auc_matched: float


def features(case: Case) -> tuple[F64, tuple[str, ...]]:
    """(A, F) what klieg measured of each account, and what the columns are.

    Of each layer how much it did (ln), its share of acts on objects that others are on, and the
    evidence of its pairs; over all layers its company, the entropy of its acts over signals, and of
    its findings the largest share in the group's net, the best clock ratio and the joint acts.
    """
    n = case.posts.n_accounts
    joint = joint_behaviour(case)
    volume = np.bincount(case.posts.account, minlength=n)
    columns: dict[str, F64] = {
        "volume": np.log1p(volume),
        "evidence": np.log1p(joint.evidence),
        "company": np.log1p(joint.company),
        "company per post": joint.company / np.maximum(volume, 1),
    }
    counts = []
    for layer in sorted(case.layers, key=lambda x: x.stat.signal):
        actions, name = layer.actions, layer.stat.signal
        if name == MULTIPLEX:
            continue
        done = np.bincount(actions.account, minlength=n).astype(np.float64)
        there = np.bincount(actions.object, minlength=actions.n_objects)
        joined = np.bincount(actions.account[there[actions.object] > 1], minlength=n)
        columns[f"{name}: acts"] = np.log1p(done)
        columns[f"{name}: share with others"] = joined / np.maximum(done, 1.0)
        columns[f"{name}: evidence"] = np.log1p(layer_evidence(layer, n))
        counts.append(done)
    columns["entropy of signals"] = _entropy(np.column_stack(counts)) if counts else np.zeros(n)
    columns |= _of_findings(case, n)
    return np.column_stack(list(columns.values())), tuple(columns)


def held_out(
    inside: F64,
    positive: Bool,
    train: Bool,
    asked: Bool,
    volume: np.ndarray[Any, Any],
    *,
    elsewhere: tuple[F64, Bool, np.ndarray[Any, Any]] | None = None,
    seed: int = 0,
) -> Held:
    """Train on the accounts in ``train``, ask about those in ``asked``; they must not meet.

    ``elsewhere``: (B, F) features, labels and volumes of other data (another time), to which
    ``asked`` then refers. The threshold is the one with the best F1 over the folds of the training
    accounts. Raises MissingExtra without scikit-learn, ValueError where the two sets meet.
    """
    if elsewhere is None and (train & asked).any():
        raise ValueError("accounts are both trained on and asked about")
    there, truth, posts = elsewhere or (inside, positive, volume)
    chance, cut = scored(inside[train], positive[train], there[asked], seed=seed)
    said, right = chance >= cut, truth[asked]
    hits = int((said & right).sum())
    precision = hits / int(said.sum()) if said.any() else float("nan")
    recall = hits / int(right.sum()) if right.any() else float("nan")
    f1 = 2 * hits / max(int(said.sum()) + int(right.sum()), 1)
    return Held(
        int(positive[train].sum()),
        int(right.sum()),
        len(right),
        precision,
        recall,
        f1,
        rank_auc(chance, right),
        matched_auc(chance, right, posts[asked]),
    )


def scored(known: F64, positive: Bool, asked: F64, *, seed: int = 0) -> tuple[F64, float]:
    """(asked,) what the head says, and the threshold with the best F1 inside the known ones.

    Boosted trees, or a penalised straight line where fewer than ``FEW`` positives are known.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise MissingExtra("a supervised head", "pip install 'klieg[heads]'") from error
    model: Any
    if int(positive.sum()) < FEW:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    else:
        model = HistGradientBoostingClassifier(
            max_iter=120,
            max_leaf_nodes=8,
            learning_rate=0.08,
            min_samples_leaf=5,
            early_stopping=False,
            random_state=seed,
        )
    parts = min(FOLDS, int(positive.sum()), int((~positive).sum()))
    if parts < 2:
        return np.zeros(len(asked)), 1.0
    folds = StratifiedKFold(parts, shuffle=True, random_state=seed)
    inner = cross_val_predict(model, known, positive, cv=folds, method="predict_proba")[:, 1]
    model.fit(known, positive)
    return np.asarray(model.predict_proba(asked)[:, 1], np.float64), _best_cut(inner, positive)


def _best_cut(value: F64, positive: Bool) -> float:
    order = np.argsort(-value, kind="stable")
    hits = np.cumsum(positive[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + positive.sum())
    # a cut stands behind the last of equal values
    last = np.r_[np.diff(value[order]) != 0, True]
    return float(value[order][np.argmax(np.where(last, f1, -1.0))])


def _entropy(counts: F64) -> F64:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return np.asarray(-(share * logs).sum(axis=1), np.float64)


def _of_findings(case: Case, n: int) -> Mapping[str, F64]:
    net, clock, joint = np.zeros(n), np.zeros(n), np.zeros(n)
    for finding in case.findings:
        rows = np.array([m.account for m in finding.members])
        share = np.array([max(m.evidence, 0.0) for m in finding.members])
        np.maximum.at(net, rows, share / max(finding.net, 1.0))
        if finding.clock is not None:
            np.maximum.at(clock, rows, np.full(len(rows), finding.clock.event[1]))
        np.maximum.at(joint, rows, np.full(len(rows), np.log1p(finding.observed)))
    return {"net share": net, "clock ratio": clock, "joint acts": joint}
