"""The scores of a case: every planted group against every finding, and the totals.

It reads the findings, the highlights and the posts of a case and nothing else of it. It knows no
threshold of the detector and never looks at how a finding came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from klieg.evaluation.ranking import matched_auc, rank_auc
from klieg.evaluation.typed import ADMITTED, ONE_SOURCE, names_rightly

if TYPE_CHECKING:
    from klieg.sources.simulate import TrueGroup, Truth
    from klieg.tables import F64, Bool, Finding, Highlight, Posts

__all__ = [
    "CampaignScore",
    "LookAlikeScore",
    "Scored",
    "Scores",
    "account_scores",
    "evaluate",
]

MATCH = 0.5
"""Jaccard from which a finding counts as having found a campaign."""

_COLUMNS = "planted", "accounts", "best finding", "class", "band", "recall", "purity", "outcome"
_LEVEL = {"coordinated": 4.0, "suggestive": 3.0, "amplification": 2.0, "abstain": 1.0}


class Scored(Protocol):
    """What of a case is read: a Case is one, and so is any value with these three fields."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...
    @property
    def highlights(self) -> tuple[Highlight, ...]: ...
    @property
    def posts(self) -> Posts: ...


@dataclass(frozen=True, slots=True)
class CampaignScore:
    """One campaign and the finding that matches it best (by Jaccard of accounts)."""

    label: str
    accounts: int  # of it that posted in these data
    finding: str | None
    class_: str | None
    band: str | None
    q: float | None
    jaccard: float
    recall: float  # share of the campaign's accounts in that finding
    purity: float  # share of that finding's accounts that are the campaign's
    recall_posts: float  # share of its joint posts in that finding
    missed: str  # why it counts as missed, in words; "" if found

    @property
    def found(self) -> bool:
        return self.jaccard >= MATCH

    @property
    def coordinated(self) -> bool:
        return self.found and self.class_ == "coordinated"


@dataclass(frozen=True, slots=True)
class LookAlikeScore:
    """One look-alike and the findings it gave rise to (its accounts are a quarter or more)."""

    label: str
    accounts: int
    findings: tuple[str, ...]
    class_: str | None  # of the one with the largest share of its accounts
    band: str | None
    typed_as: str | None  # how that one is explained
    # silent, typed, typed otherwise, not typed, called coordinated; admitted: it is, and is called
    verdict: str

    @property
    def right(self) -> bool:
        return self.verdict in ("silent", "typed", "admitted")

    @property
    def outcome(self) -> str:
        return self.verdict + (f" ({self.typed_as})" if self.typed_as else "")


@dataclass(frozen=True, slots=True)
class Scores:
    """How a case agrees with the truth. Shares are NaN where nothing is there to share."""

    campaigns: tuple[CampaignScore, ...]
    look_alikes: tuple[LookAlikeScore, ...]
    findings: Mapping[str, int]  # by class
    ordinary_findings: int  # findings most of whose accounts are in no planted group
    false_coordinated: int  # coordinated findings most of whose accounts are in no campaign
    ordinary_flagged: int  # accounts of no planted group in coordinated findings
    look_alike_flagged: (
        int  # accounts of look-alikes in coordinated findings, but for admitted ones
    )
    accounts_precision: float  # over accounts in coordinated findings
    accounts_recall: float
    posts_precision: float  # over posts of coordinated findings
    posts_recall: float  # over joint posts of campaigns
    highlights_precision: float  # over posts highlighted for coordinated findings
    auc: float  # campaign accounts above all others, by finding
    auc_volume: float  # the same, by number of posts alone
    auc_matched: float  # the same, by finding, among accounts of like volume
    accounts: int
    campaign_accounts: int
    framed: int = 0  # innocent accounts that a campaign imitates
    framed_flagged: int = 0  # of them in coordinated findings
    framed_strong: int = 0  # of them in coordinated findings of band strong

    def table(self) -> list[dict[str, object]]:
        """A row for each planted group, like columns: what a terminal shows."""
        rows: list[tuple[object, ...]] = []
        for c in self.campaigns:
            best = c.finding, c.class_, c.band, c.recall, c.purity
            rows.append((c.label, c.accounts, *best, c.missed or "found"))
        for a in self.look_alikes:
            strongest = a.findings[0] if a.findings else None
            rows.append((a.label, a.accounts, strongest, a.class_, a.band, None, None, a.outcome))
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]

    def summary(self) -> list[str]:
        """The totals in sentences."""
        found = sum(c.found for c in self.campaigns)
        named = sum(c.coordinated for c in self.campaigns)
        right = sum(a.right for a in self.look_alikes)
        lines = []
        if self.campaigns:
            lines.append(
                f"{found} of {len(self.campaigns)} campaigns found, {named} called coordinated."
            )
        if self.look_alikes:
            lines.append(f"{right} of {len(self.look_alikes)} look-alikes silent or rightly named.")
        lines.append(
            f"{self.ordinary_flagged} of {self.accounts:,} accounts wrongly in coordinated "
            f"findings, {self.look_alike_flagged} more from look-alikes."
        )
        if self.framed:
            lines.append(
                f"{self.framed_flagged} of {self.framed} imitated accounts in coordinated "
                f"findings, {self.framed_strong} at strong."
            )
        if self.campaign_accounts:
            lines.append(
                f"Accounts: precision {_share(self.accounts_precision)}, recall "
                f"{_share(self.accounts_recall)}. Posts: precision {_share(self.posts_precision)}, "
                f"recall {_share(self.posts_recall)}."
            )
            lines.append(
                f"AUC {self.auc:.3f}; by volume alone {self.auc_volume:.3f}; among accounts of "
                f"like volume {self.auc_matched:.3f}."
            )
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON; shares without a denominator are None."""
        out = asdict(self)
        for score, row in zip(self.campaigns, out["campaigns"], strict=True):
            row |= {"found": score.found, "coordinated": score.coordinated}
        for alike, row in zip(self.look_alikes, out["look_alikes"], strict=True):
            row["right"] = alike.right
        plain = _without_nan(out)
        assert isinstance(plain, dict)
        return plain


@dataclass(frozen=True, slots=True)
class _Index:
    """A case and its truth over the same rows."""

    truth: Truth
    row: Mapping[str, int]  # account id → row
    post_row: Mapping[str, int]  # post id → row, for posts of the truth
    members: Mapping[str, frozenset[int]]  # finding → account rows
    labels: tuple[str, ...]  # (accounts,) "" where ordinary


def evaluate(case: Scored, truth: Truth) -> Scores:
    """Every planted group against every finding, and the totals.

    Accounts are matched by their id as in the input. Planted accounts that never posted in these
    data are left out. Deterministic.
    """
    index = _indexed(case, truth)
    campaigns = tuple(_campaign(g, case, index) for g in truth.campaigns)
    look_alikes = tuple(_look_alike(g, case, index) for g in truth.look_alikes)
    return Scores(campaigns=campaigns, look_alikes=look_alikes, **_totals(case, index))


def _indexed(case: Scored, truth: Truth) -> _Index:
    ids = [str(x) for x in case.posts.account_ids.to_pylist()]
    wanted = truth.posts
    posts = case.posts.table["post_id"].to_pylist()
    return _Index(
        truth,
        {name: i for i, name in enumerate(ids)},
        {str(p): i for i, p in enumerate(posts) if str(p) in wanted},
        {f.id: frozenset(m.account for m in f.members) for f in case.findings},
        tuple(truth.accounts.get(name, "") for name in ids),
    )


def _campaign(group: TrueGroup, case: Scored, index: _Index) -> CampaignScore:
    mine = frozenset(index.row[a] for a in group.accounts if a in index.row)
    posts = {index.post_row[p] for p in group.posts if p in index.post_row}
    best, jaccard = None, 0.0
    for finding in case.findings:
        members = index.members[finding.id]
        score = len(mine & members) / max(len(mine | members), 1)
        # of two that match equally well the one with the graver class speaks
        grave = best is not None and _level(finding) > _level(best)
        if score > jaccard or (score == jaccard > 0 and grave):
            best, jaccard = finding, score
    if best is None:
        why = "no finding holds any of its accounts" if mine else "none of its accounts posted"
        return CampaignScore(
            group.label, len(mine), None, None, None, None, 0.0, 0.0, 0.0, 0.0, why
        )
    shared = len(mine & index.members[best.id])
    touching = sum(bool(mine & m) for m in index.members.values())
    return CampaignScore(
        label=group.label,
        accounts=len(mine),
        finding=best.id,
        class_=best.class_,
        band=best.band,
        q=best.q,
        jaccard=jaccard,
        recall=shared / len(mine),
        purity=shared / len(index.members[best.id]),
        recall_posts=len(posts.intersection(best.posts)) / max(len(posts), 1),
        missed=_why_missed(best, jaccard, shared / len(mine), touching),
    )


def _why_missed(best: Finding, jaccard: float, recall: float, touching: int) -> str:
    if jaccard < MATCH:
        if recall < MATCH:
            return f"{recall:.0%} of it in its best finding, {touching} findings touch it"
        return f"lost among others: {len(best.members)} accounts in its best finding"
    if best.class_ == "coordinated":
        return ""
    named = best.look_alike.kind if best.look_alike else best.subclass
    return f"found, {best.class_}" + (f": {named}" if named else "")


def _look_alike(group: TrueGroup, case: Scored, index: _Index) -> LookAlikeScore:
    mine = frozenset(index.row[a] for a in group.accounts if a in index.row)
    hits = []
    for finding in case.findings:
        members = index.members[finding.id]
        shared = len(mine & members)
        if shared >= max(2, len(members) / 4):
            hits.append((shared / len(members), shared, finding))
    hits.sort(key=lambda h: (h[0] * h[1], h[1]), reverse=True)
    found = [h[2] for h in hits]
    if not found:
        return LookAlikeScore(group.label, len(mine), (), None, None, None, "silent")
    typed_as = _explained(found[0])
    return LookAlikeScore(
        group.label,
        len(mine),
        tuple(f.id for f in found),
        found[0].class_,
        found[0].band,
        typed_as,
        _verdict(found, group.kind),
    )


def _explained(finding: Finding) -> str:
    return finding.look_alike.kind if finding.look_alike else finding.subclass


def _verdict(found: Sequence[Finding], kind: str) -> str:
    if any(f.class_ == "coordinated" for f in found):
        return "admitted" if kind in ADMITTED else "called coordinated"
    first = found[0]
    if first.class_ == "amplification":
        # one source pushed: what fans do, and never called coordinated
        return "typed" if kind in ONE_SOURCE else "typed otherwise"
    if first.look_alike is not None:
        return "typed" if names_rightly(kind, first.look_alike.kind) else "typed otherwise"
    return "not typed"


def _totals(case: Scored, index: _Index) -> dict[str, Any]:
    n = len(index.labels)
    planted = np.array([x.startswith("campaign:") for x in index.labels], bool)
    alike = np.array([x.startswith("look-alike:") for x in index.labels], bool)
    admitted = {g.label for g in index.truth.look_alikes if g.kind in ADMITTED}
    owned = np.array([x in admitted for x in index.labels], bool)
    framed = np.array([x.startswith("framed:") for x in index.labels], bool)
    strong = np.zeros(n, bool)
    flagged, flagged_posts = np.zeros(n, bool), np.zeros(case.posts.n, bool)
    classes: dict[str, int] = {}
    ordinary = wrong = 0
    for finding in case.findings:
        classes[finding.class_] = classes.get(finding.class_, 0) + 1
        rows = np.fromiter(index.members[finding.id], np.int64)
        ordinary += bool((~(planted | alike)[rows]).mean() > 0.5)
        if finding.class_ == "coordinated":
            wrong += bool((planted | owned)[rows].mean() < 0.5)
            flagged[rows] = True
            strong[rows] |= finding.band == "strong"
            flagged_posts[list(finding.posts)] = True
    joint = _joint_posts(case, index)
    score, volume = account_scores(case, n), np.bincount(case.posts.account, minlength=n)
    return {
        "findings": dict(sorted(classes.items())),
        "ordinary_findings": ordinary,
        "false_coordinated": wrong,
        "ordinary_flagged": int((flagged & ~planted & ~alike).sum()),
        "look_alike_flagged": int((flagged & alike & ~owned).sum()),
        "accounts_precision": _ratio(flagged & planted, flagged),
        "accounts_recall": _ratio(flagged & planted, planted),
        "posts_precision": _ratio(flagged_posts & joint, flagged_posts),
        "posts_recall": _ratio(flagged_posts & joint, joint),
        "highlights_precision": _highlights(case, joint),
        "auc": rank_auc(score, planted),
        "auc_volume": rank_auc(volume.astype(np.float64), planted),
        "auc_matched": matched_auc(score, planted, volume),
        "accounts": n,
        "campaign_accounts": int(planted.sum()),
        "framed": int(framed.sum()),
        "framed_flagged": int((flagged & framed).sum()),
        "framed_strong": int((strong & framed).sum()),
    }


def _joint_posts(case: Scored, index: _Index) -> Bool:
    out = np.zeros(case.posts.n, bool)
    for post, label in index.truth.posts.items():
        if label.startswith("campaign:") and post in index.post_row:
            out[index.post_row[post]] = True
    return out


def _highlights(case: Scored, joint: Bool) -> float:
    named = {f.id for f in case.findings if f.class_ == "coordinated"}
    marked = np.zeros(len(joint), bool)
    for mark in case.highlights:
        if mark.finding in named:
            marked[mark.post] = True
    return _ratio(marked & joint, marked)


def account_scores(case: Scored, n: int) -> F64:
    """(n,) the gravest finding an account is in, then how much it adds to it; 0 in none."""
    out = np.zeros(n, np.float64)
    for finding in case.findings:
        for member in finding.members:
            weight = max(member.evidence, 0.0)
            out[member.account] = max(
                out[member.account], _level(finding) + weight / (1.0 + weight) / 2
            )
    return out


def _level(finding: Finding) -> float:
    return _LEVEL.get(finding.class_, 0.5)


def _ratio(part: Bool, whole: Bool) -> float:
    n = int(whole.sum())
    return int(part.sum()) / n if n else float("nan")


def _share(value: float) -> str:
    return "–" if value != value else f"{value:.1%}"


def _without_nan(value: object) -> object:
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(v) for v in value]
    return value
