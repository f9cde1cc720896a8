"""What findings survive, on a small world: nothing is changed, nothing hangs on order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from survival_world import CONFIG, Scanned

from klieg import pipeline
from klieg.case.retests import dealt_note
from klieg.detect import controls, findings, survival
from klieg.sockets import make, silent
from klieg.sources.simulate import Campaign, simulate

NEW = ("controls", "retests", "dealt", "survived", "posterior")


def bare(finding: Any) -> Any:
    members = tuple(replace(m, probability=None) for m in finding.members)
    return replace(
        finding, members=members, controls=None, retests=(), dealt="", survived=(), posterior=None
    )


def test_survival_a_crew_is_beyond_all_its_controls(scanned: Scanned) -> None:
    _, found = scanned.crew
    beside = found.controls
    assert beside is not None
    assert len(beside.nets) == len(beside.joints) == 60
    assert list(beside.nets) == sorted(beside.nets)
    assert beside.nets[-1] < 0 < beside.net
    assert beside.joints[-1] < beside.joint
    assert beside.joint == pytest.approx(found.observed, rel=0.2)
    assert beside.events[-1] < 1.5 < beside.event
    assert "pool" in beside.matched


def test_survival_controls_of_controls_are_nothing_special(scanned: Scanned) -> None:
    group, found = scanned.crew
    acts = np.bincount(
        scanned.run.tiled(group)[group.layer].actions.account, minlength=len(scanned.field.key)
    )
    sets = controls.draw(scanned.field, group.members, acts, 20, seed=5)
    rank = []
    for who in sets:
        field = replace(scanned.field, free=np.setdiff1d(scanned.field.free, who))
        beside = controls.of_group(scanned.run, field, replace(group, members=who), found)
        others = np.array(beside.joints)
        rank.append(np.mean(others > beside.joint) + np.mean(others == beside.joint) / 2)
    assert 0.2 < np.mean(rank) < 0.8  # a rank among their like, like any other; the crew's is 0


def test_survival_dealt_delays_coordinate_nobody(scanned: Scanned) -> None:
    assert scanned.crew[1].class_ == "coordinated"
    assert scanned.crew[1].dealt not in ("", "coordinated")
    assert all(f.dealt != "coordinated" for f in scanned.findings)
    (note,) = dealt_note(scanned.findings)
    assert f"0 of {len(scanned.findings)} standing groups would be coordinated" in note
    assert dealt_note(()) == ()


def test_survival_is_told_in_sentences(scanned: Scanned) -> None:
    for found in scanned.findings:
        assert found.survived
        for sentence in found.survived:
            assert sentence.endswith(".")
            for never in ("bot", "troll", "fake", "inauthentic", "manipulat"):
                assert never not in sentence.casefold()
    assert "the highest net is −" in scanned.crew[1].survived[0]


def test_survival_changes_nothing_that_was_found(
    scanned: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        survival, "tested", lambda run, told, groups, progress: tuple(t.finding for t in told)
    )
    engine = make(
        "engines", CONFIG.engine, CONFIG, executor=make("executors", CONFIG.executor, CONFIG)
    )
    plain = findings.judge(scanned.standing, scanned.network, scanned.posts, CONFIG, engine)
    assert tuple(map(bare, scanned.findings)) == plain
    assert all(not getattr(f, name) for f in plain for name in NEW)


def test_survival_costs_nothing_where_nothing_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a quiet world was asked what it survives")

    monkeypatch.setattr(controls, "opened", never)
    assert survival.tested(None, [], [], silent) == ()  # type: ignore[arg-type]


def test_survival_is_the_same_in_any_order_and_on_any_number_of_threads() -> None:
    world = simulate(
        seed=50_902, accounts=500, days=6, campaigns=[Campaign("repost", 12)], look_alikes=[]
    )
    config = replace(CONFIG, controls=10)
    one = pipeline.scan(world.posts, config=config)
    order = np.random.default_rng(0).permutation(world.posts.num_rows)
    other = pipeline.scan(world.posts.take(order), config=replace(config, threads=3))
    assert one.findings
    assert one.findings[0].controls is not None
    assert one.findings == other.findings
    assert one.notes == other.notes


def test_survival_without_controls_says_nothing_of_them() -> None:
    world = simulate(
        seed=50_902, accounts=500, days=6, campaigns=[Campaign("repost", 12)], look_alikes=[]
    )
    case = pipeline.scan(world.posts, config=replace(CONFIG, controls=0))
    assert case.findings[0].controls is None
    assert case.findings[0].retests
    assert not any("accounts outside" in s for s in case.findings[0].survived)
