"""How likely a group that stands is a planned one, and each account one of it.

Plain numbers from a packaged, versioned file that ``benchmarks/fit_posteriors.py`` fits on groups
that stood in simulated worlds of one generator and tries on those of the other. The room fits
nothing, and a probability is no verdict: it holds for worlds like those, at the share of planned
groups that is printed beside it; the likelihood ratio lets a reader put in another share.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from klieg.detect.timed import TEXTUAL
from klieg.tables import Posterior

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import Finding, Member

__all__ = ["GROUP", "MEMBER", "Model", "added", "group_features", "member_features", "sentence"]
__all__ += ["packaged", "read"]

FILE: Final = "posteriors.json"

GROUP: Final = (
    *("coordinated", "amplification", "suggestive", "textual", "bound", "untimed", "net", "rho"),
    *("targets", "size", "private"),
)
"""What is read of a group: classes and kinds as 0 or 1, the rest as logarithms."""

MEMBER: Final = ("drop", "part")
"""What is read of a member: nats lost without it, and its posts beside the median member's."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic score over named features."""

    weights: tuple[float, ...]
    bias: float
    low: tuple[float, ...]  # features are cut to the range that was seen when it was fitted
    high: tuple[float, ...]
    most: float  # nats that the score is cut to on either side: no more than the sample can tell

    def score(self, features: Sequence[float]) -> float:
        """ln of the likelihood ratio (of a member: of the odds)."""
        cut = (min(max(x, a), b) for x, a, b in zip(features, self.low, self.high, strict=True))
        total = self.bias + sum(w * x for w, x in zip(self.weights, cut, strict=True))
        return min(max(total, -self.most), self.most)


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted file."""

    version: str
    prevalence: float  # assumed share of planned groups among those that stand
    group: Linear
    member: Linear


def added(finding: Finding, model: Model | None = None) -> Finding:
    """The finding with its posterior, and each member with its own; ``abstain`` has none.

    Where nothing could be judged, no number is put to it.
    """
    model = model or packaged()
    if finding.class_ == "abstain":
        return finding
    nats = model.group.score(group_features(finding))
    odds = nats + math.log(model.prevalence / (1 - model.prevalence))
    usual = _median([m.posts + m.acts for m in finding.members])
    members = tuple(
        replace(m, probability=_rounded(_chance(model.member.score(member_features(m, usual)))))
        for m in finding.members
    )
    posterior = Posterior(
        model.version, model.prevalence, _rounded(math.exp(nats)), _rounded(_chance(odds))
    )
    return replace(finding, posterior=posterior, members=members)


def group_features(finding: Finding) -> tuple[float, ...]:
    """What is read of a group, in the order of GROUP."""
    textual = bool(finding.signals) and finding.signals[0] in TEXTUAL
    clock, breadth = finding.clock, finding.breadth
    bound = 0.0
    if clock is not None:
        reads = (clock.pace,) if textual else (clock.event, clock.habit, clock.event_outsiders)
        bound = min(read[1] for read in reads)
    return (
        float(finding.class_ == "coordinated"),
        float(finding.class_ == "amplification"),
        float(finding.class_ == "suggestive"),
        float(textual),
        math.log(max(bound, 0.1)),
        float(bound == 0),
        math.log1p(max(finding.net, 0.0)),
        math.log(max(finding.rho, 1.0)),
        math.log(max(breadth.effective_targets, 1.0)) if breadth else 0.0,
        math.log(max(len(finding.members), 1)),
        breadth.private_share if breadth else 0.0,
    )


def member_features(member: Member, usual: float) -> tuple[float, ...]:
    """What is read of a member, in the order of MEMBER; ``usual``: the median member's posts."""
    return math.asinh(member.evidence), math.log((member.posts + member.acts + 1) / (usual + 1))


def sentence(found: Posterior) -> str:
    """The posterior in words, with what it assumes."""
    ratio = found.likelihood_ratio
    told = f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.2g} times"
    return (
        f"In simulated worlds a group like this was {told} as common among planned groups as among "
        f"others that stand; if {found.prevalence:.0%} of the groups that stand are planned, that "
        f"makes {_percent(found.probability)} (model {found.version})."
    )


@cache
def packaged() -> Model:
    """The model that comes with klieg."""
    text = (files("klieg.detect") / FILE).read_text(encoding="utf-8")
    return read(json.loads(text))


def read(found: dict[str, Any]) -> Model:
    """A model from its file's contents; ValueError if it reads other features than this room."""
    for name, expected in (("group", GROUP), ("member", MEMBER)):
        if tuple(found[name]["features"]) != expected:
            raise ValueError(f"the model reads {found[name]['features']}, not {expected}")
    return Model(
        str(found["version"]),
        float(found["prevalence"]),
        _linear(found["group"]),
        _linear(found["member"]),
    )


def _linear(found: dict[str, Any]) -> Linear:
    columns = (tuple(map(float, found[name])) for name in ("weights", "low", "high"))
    weights, low, high = columns
    return Linear(weights, float(found["bias"]), low, high, float(found["most"]))


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _rounded(x: float) -> float:
    """Four digits: what was added up in which order shows no further."""
    return float(f"{x:.4g}")


def _percent(p: float) -> str:
    return f"{p:.0%}" if 0.01 <= p <= 0.99 else ("under 1%" if p < 0.5 else "over 99%")


def _median(values: Sequence[int]) -> float:
    ranked = sorted(values)
    n = len(ranked)
    return (ranked[(n - 1) // 2] + ranked[n // 2]) / 2 if n else 0.0
