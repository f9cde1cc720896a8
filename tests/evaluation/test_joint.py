"""The account score on hand-made cases whose answers are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg import pipeline
from klieg.case import Case
from klieg.config import Config
from klieg.evaluation.joint import HALF, PAIR, joint_behaviour
from klieg.evaluation.ranking import matched_auc, per_account_auc
from klieg.tables import Finding, Layer, Posts

from . import worlds

GUEST, LONE = "g0", "l0"


@dataclass(frozen=True)
class Seen:
    """As much of a case as the score reads."""

    posts: Posts
    layers: tuple[Layer, ...]
    findings: tuple[Finding, ...] = ()


@pytest.fixture(scope="module")
def case() -> Case:
    """The crew among 300 others, a guest with one repost of its posts, and one who is alone."""
    rows = [*worlds.wide_world(), (GUEST, "r3", 333_333), (LONE, "alone", 77)]
    return pipeline.scan(worlds.posts_of(rows).table, config=Config(shuffles=0, controls=0))


def score(case: Case | Seen) -> dict[str, float]:
    names = case.posts.account_ids.to_pylist()
    return dict(zip(names, joint_behaviour(case).score.tolist(), strict=True))


def test_joint_ranks_a_crew_first_and_its_company_above_nobody(case: Case) -> None:
    found = score(case)
    assert min(found[a] for a in worlds.CREW) > max(
        v for a, v in found.items() if a not in worlds.CREW
    )
    assert found[GUEST] > found[LONE] == 0.0


def test_joint_evidence_is_the_best_layer_once_and_the_group(case: Case) -> None:
    bare = Seen(case.posts, case.layers)
    pairs: dict[tuple[int, int], float] = {}
    for layer in case.layers:
        edges = layer.scored.edges
        for a, b, p in zip(edges.left, edges.right, layer.scored.p, strict=True):
            pairs[int(a), int(b)] = max(pairs.get((int(a), int(b)), 0.0), min(-np.log(p), PAIR))
    wanted = np.zeros(case.posts.n_accounts)
    for (a, b), value in pairs.items():
        wanted[[a, b]] += value
    assert pairs and joint_behaviour(bare).evidence == pytest.approx(wanted)
    member = case.findings[0].members[0]
    more = joint_behaviour(case).evidence - wanted
    assert more[member.account] == pytest.approx(member.evidence)


def test_joint_score_is_company_and_evidence_by_the_root_of_what_was_done(case: Case) -> None:
    joint = joint_behaviour(case)
    posts = np.bincount(case.posts.account)
    assert (joint.done == posts).all()
    assert joint.score == pytest.approx(joint.evidence / np.sqrt(posts) + joint.company)


def test_joint_counts_one_pair_so_much_and_no_more(case: Case) -> None:
    """However improbable two accounts are, they are two."""

    def surer(layer: Layer) -> Layer:
        return replace(layer, scored=replace(layer.scored, p=np.zeros_like(layer.scored.p)))

    sure = Seen(case.posts, tuple(surer(x) for x in case.layers))
    partners = np.zeros(case.posts.n_accounts, np.int64)
    every = {
        (int(a), int(b))
        for layer in case.layers
        for a, b in zip(layer.scored.edges.left, layer.scored.edges.right, strict=True)
    }
    for a, b in every:
        partners[[a, b]] += 1
    assert joint_behaviour(sure).evidence == pytest.approx(PAIR * partners)


def test_joint_company_leaves_out_oneself_and_own_pairs(case: Case) -> None:
    joint = joint_behaviour(case)
    names = case.posts.account_ids.to_pylist()
    strength = joint.evidence / (joint.evidence + HALF)
    guest = names.index(GUEST)
    there = {
        names.index(a)
        for a, p in zip(
            case.posts.table["account_id"].to_pylist(),
            case.posts.table["repost_of"].to_pylist(),
            strict=True,
        )
        if p == "r3" and a != GUEST
    }
    assert joint.evidence[guest] == 0.0
    assert joint.company[guest] == pytest.approx(sum(strength[list(there)]) / (len(there) + 1))
    # the members know each other: nobody is left on their posts who is evidence and not counted yet
    assert joint.company[names.index("c0")] == pytest.approx(0.0, abs=1e-9)


def test_joint_counts_one_object_of_a_target(case: Case) -> None:
    """Six posts of one author are one act in company, not six."""

    def aimed(layer: Layer) -> Layer:
        actions = layer.actions
        one = replace(actions, target=np.zeros(actions.n, np.int32), target_labels=["author"])
        return replace(layer, actions=one)

    spread = Seen(case.posts, case.layers, case.findings)
    narrow = replace(spread, layers=tuple(aimed(x) for x in case.layers))
    wide, one = joint_behaviour(spread).company, joint_behaviour(narrow).company
    assert (one <= wide + 1e-12).all() and one.sum() < wide.sum()


def test_joint_ignores_company_in_a_crowd(case: Case) -> None:
    """Everybody who complains names the airline: that is nobody's company."""

    def renamed(layer: Layer) -> Layer:
        named = replace(layer.actions, signal="mention")
        return replace(layer, actions=named, stat=replace(layer.stat, signal="mention"))

    crowd = Seen(case.posts, tuple(renamed(x) for x in case.layers))
    assert not joint_behaviour(crowd).company.any()
    assert (joint_behaviour(crowd).evidence > 0).any()


def test_joint_of_nothing_is_nothing() -> None:
    posts = worlds.posts_of([("a", "p", 0), ("b", "q", 10)])
    assert joint_behaviour(Seen(posts, ())).score.tolist() == [0.0, 0.0]


@given(st.lists(st.tuples(st.floats(0, 9), st.booleans(), st.integers(1, 40)), max_size=30))
def test_ranking_per_account_is_the_mean_of_the_octaves(
    rows: list[tuple[float, bool, int]],
) -> None:
    value = np.array([r[0] for r in rows], np.float64)
    positive = np.array([r[1] for r in rows], np.bool_)
    volume = np.array([r[2] for r in rows], np.int64)
    wins = []
    for v, vol in zip(value[positive], volume[positive], strict=True):
        like = ~positive & (np.floor(np.log2(volume)) == np.floor(np.log2(vol)))
        if like.any():
            wins.append(float(np.mean((value[like] < v) + (value[like] == v) / 2)))
    got = per_account_auc(value, positive, volume)
    assert got == pytest.approx(np.mean(wins)) if wins else np.isnan(got)


def test_ranking_per_account_counts_a_busy_account_as_much_as_a_quiet_one() -> None:
    """One post: lost to nine. A thousand posts: won against one."""
    value = np.array([0.0, *[1.0] * 9, 5.0, 1.0])
    positive = np.zeros(12, np.bool_)
    positive[[0, 10]] = True
    volume = np.array([1] * 10 + [1000, 1000])
    assert matched_auc(value, positive, volume) == pytest.approx(0.1)
    assert per_account_auc(value, positive, volume) == pytest.approx(0.5)
