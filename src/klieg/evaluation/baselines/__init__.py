"""Other ways to find coordination, on the same posts and truth: a score for every account of each.

The door. ``weighed`` runs them all, klieg's findings among them, and says how well each orders the
accounts, how well among accounts of like volume, and what its own rule would name. It changes
nothing in what klieg finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.evaluation.baselines import fused, mutual, plain, tools
from klieg.evaluation.baselines.traces import traces
from klieg.evaluation.joint import joint_behaviour
from klieg.evaluation.ranking import matched_auc, per_account_auc, rank_auc
from klieg.evaluation.scores import account_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from klieg.case import Case
    from klieg.sources.simulate import Truth
    from klieg.tables import F64, Bool, Posts

__all__ = ["BASELINES", "OURS", "Weighed", "methods", "opinions", "weighed"]

OURS = (
    "klieg: coordinated",
    "klieg: standing",
    "klieg: joint behaviour",
    "klieg: findings, then joint behaviour",
)
"""By its findings, whose rule names whom they hold; by all joint behaviour, whatever it was called;
and by both, those in findings first and graver classes above."""
BASELINES = (
    "CNT, 1 s",
    "CNT, 60 s",
    "CooRTweet, 10 s",
    "fused similarity",
    "NPMI",
    "degree",
    "volume",
    "random",
)


@dataclass(frozen=True, slots=True)
class Weighed:
    """One method against the truth. NaN where nothing is there to share."""

    method: str
    accounts: int
    positive: int  # accounts of campaigns
    named: int  # by the method's own rule
    right: int  # of them of campaigns
    auc: float
    auc_matched: float  # among accounts of like volume
    auc_per_account: float  # the same, each account of a campaign counting once

    @property
    def precision(self) -> float:
        return self.right / self.named if self.named else float("nan")

    @property
    def recall(self) -> float:
        return self.right / self.positive if self.positive else float("nan")


def opinions(posts: Posts, *, seed: int = 0) -> dict[str, tuple[F64, Bool]]:
    """Of each baseline: (A,) a score for every account, and (A,) whom its own rule names."""
    shares = traces(posts)
    run: Mapping[str, Callable[[], tuple[F64, Bool]]] = {
        "CNT, 1 s": lambda: tools.cnt(posts),
        "CNT, 60 s": lambda: tools.cnt(posts, window_s=60.0),
        "CooRTweet, 10 s": lambda: tools.coortweet(posts),
        "fused similarity": lambda: fused.fused(shares),
        "NPMI": lambda: mutual.mutual(shares),
        "degree": lambda: plain.degree(shares),
        "volume": lambda: plain.volume(shares),
        "random": lambda: plain.random(shares, seed),
    }
    return {name: run[name]() for name in BASELINES}


def weighed(case: Case, truth: Truth, *, seed: int = 0) -> tuple[Weighed, ...]:
    """klieg and every baseline on the posts of a case, against the campaigns of its truth."""
    ids = [str(x) for x in case.posts.account_ids.to_pylist()]
    positive = np.array([truth.accounts.get(i, "").startswith("campaign:") for i in ids], bool)
    volume = np.bincount(case.posts.account, minlength=len(ids))
    said = {**methods(case), **opinions(case.posts, seed=seed)}
    return tuple(
        Weighed(
            name,
            len(ids),
            int(positive.sum()),
            int(named.sum()),
            int((named & positive).sum()),
            rank_auc(score, positive),
            matched_auc(score, positive, volume),
            per_account_auc(score, positive, volume),
        )
        for name, (score, named) in said.items()
    )


def methods(case: Case) -> dict[str, tuple[F64, Bool]]:
    """Of each of ``OURS``: (A,) a score for every account, and (A,) whom it names."""
    n = case.posts.n_accounts
    score = account_scores(case, n)
    named, standing = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for finding in case.findings:
        rows = [m.account for m in finding.members]
        standing[rows] = True
        named[rows] |= finding.class_ == "coordinated"
    joint = joint_behaviour(case).score
    # those in no finding are told apart by the rest, never above one that is in a finding
    both = score + joint / (1.0 + joint) / 4
    told = (score, named), (score, standing), (joint, joint > 0), (both, standing)
    return dict(zip(OURS, told, strict=True))
