"""Posteriors: the packaged numbers, Bayes' rule, and what they may not say."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from survival_world import Scanned

from klieg.detect import posteriors
from klieg.detect.posteriors import Linear, Model

FILE = json.loads((files("klieg.detect") / posteriors.FILE).read_text(encoding="utf-8"))


def model_of(weight: float, *, prevalence: float = 0.2, most: float = 3.0) -> Model:
    """Reads the net of a group and the drop of a member, and nothing else."""
    group = tuple(weight * (name == "net") for name in posteriors.GROUP)
    n = len(posteriors.GROUP)
    return Model(
        "t",
        prevalence,
        Linear(group, -1.0, (-100.0,) * n, (100.0,) * n, most),
        Linear((1.0, 0.0), 0.0, (-100.0,) * 2, (100.0,) * 2, most),
    )


def test_posteriors_packaged_file_says_where_it_comes_from() -> None:
    model = posteriors.packaged()
    assert model.version
    assert 0 < model.prevalence < 1
    assert FILE["fitted_on"] != FILE["tried_on"]
    assert max(FILE["seeds"]) < 70_001  # reported worlds begin there
    assert FILE["planned"] >= 50
    # a sample of n cannot tell more than about n to one
    smaller = min(FILE["planned"], FILE["groups"] - FILE["planned"])
    assert math.exp(model.group.most) <= 1.01 * (1 + smaller)
    said = [r for r in FILE["reliability"] if r["of"] == "groups" and r["said"] != "all"]
    assert sum(r["n"] for r in said) >= 50
    for row in said:  # held-out worlds: what was said is near what was seen
        error = 3 * math.sqrt(max(row["seen"] * (1 - row["seen"]), 0.02) / row["n"]) + 0.05
        assert abs(row["mean said"] - row["seen"]) < error, row


def test_posteriors_a_crew_is_likelier_than_fans(scanned: Scanned) -> None:
    crew = scanned.crew[1].posterior
    fans = [f.posterior for f in scanned.findings if f.class_ in ("amplification", "look-alike")]
    assert crew is not None
    assert crew.likelihood_ratio > 5
    assert fans
    for other in fans:
        assert other is not None
        assert other.likelihood_ratio < 1 < crew.likelihood_ratio
        assert other.probability < other.prevalence < crew.probability
    for member in scanned.crew[1].members:
        assert member.probability is not None
        assert 0 < member.probability < 1


@given(prevalence=st.floats(0.01, 0.9), weight=st.floats(-2, 2))
def test_posteriors_follow_bayes(scanned: Scanned, prevalence: float, weight: float) -> None:
    found = posteriors.added(scanned.crew[1], model_of(weight, prevalence=prevalence)).posterior
    assert found is not None
    odds = found.likelihood_ratio * prevalence / (1 - prevalence)
    assert found.probability == pytest.approx(odds / (1 + odds), rel=2e-3)
    assert found.likelihood_ratio <= math.exp(3.0) * 1.001


def test_posteriors_change_no_evidence_and_spare_what_cannot_be_judged(scanned: Scanned) -> None:
    before = scanned.crew[1]
    after = posteriors.added(before, model_of(1.0))
    assert replace(after, posterior=None, members=()) == replace(before, posterior=None, members=())
    assert [replace(m, probability=None) for m in after.members] == [
        replace(m, probability=None) for m in before.members
    ]
    strong, weak = (
        posteriors.added(
            replace(before, members=tuple(replace(m, evidence=e) for m in before.members)),
            model_of(1.0),
        ).members[0]
        for e in (50.0, -2.0)
    )
    assert strong.probability is not None
    assert weak.probability is not None
    assert weak.probability < 0.5 < strong.probability
    abstained = replace(before, class_="abstain", posterior=None)
    assert posteriors.added(abstained) is abstained


def test_posteriors_refuse_a_file_that_reads_something_else() -> None:
    with pytest.raises(ValueError, match="reads"):
        posteriors.read({**FILE, "member": {**FILE["member"], "features": ["name"]}})


def test_posteriors_are_said_with_what_they_assume(scanned: Scanned) -> None:
    found = scanned.crew[1].posterior
    assert found is not None
    told = posteriors.sentence(found)
    assert f"if {found.prevalence:.0%} of the groups that stand are planned" in told
    assert f"model {found.version}" in told
    rare = posteriors.sentence(replace(found, likelihood_ratio=0.013, probability=0.0014))
    assert "0.013 times as common" in rare
    assert "under 1%" in rare
