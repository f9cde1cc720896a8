"""Scores of hand-made cases: six campaign accounts, four fans, ten others, findings written out."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.evaluation import Scores, evaluate, rank_auc
from klieg.evaluation.typed import names_rightly
from klieg.sources.simulate import TrueGroup, Truth
from klieg.sources.simulate.lookalikes import KINDS as LOOK_ALIKES
from klieg.tables import POSTS, TIME, Finding, Highlight, LookAlike, Member, Posts

PUSH = tuple(f"c{i}" for i in range(6))
FANS = tuple(f"f{i}" for i in range(4))
OTHERS = tuple(f"o{i}" for i in range(10))
NAMES = PUSH + FANS + OTHERS
TRUTH = Truth.of(
    (
        TrueGroup("campaign:link-1", "link", PUSH, tuple(f"{a}-0" for a in PUSH)),
        TrueGroup("look-alike:fans-1", "fans", FANS, tuple(f"{a}-0" for a in FANS)),
    )
)


@dataclass(frozen=True)
class Handmade:
    findings: tuple[Finding, ...]
    posts: Posts
    highlights: tuple[Highlight, ...] = ()


def posts(volume: dict[str, int] | None = None) -> Posts:
    """Each account's posts, two unless said otherwise, named account-number."""
    rows = [(a, k) for a in NAMES for k in range((volume or {}).get(a, 2))]
    n = len(rows)
    columns: dict[str, pa.Array] = {
        "platform": pa.array(["x"] * n),
        "post_id": pa.array([f"{a}-{k}" for a, k in rows]),
        "account_id": pa.array([a for a, _ in rows]),
        "time": pa.array(np.arange(n)).cast(TIME),
    }
    table = pa.table([columns.get(f.name, pa.nulls(n, f.type)) for f in POSTS], schema=POSTS)
    return Posts(
        table,
        np.array([NAMES.index(a) for a, _ in rows], np.int32),
        np.arange(n, dtype=np.int64),
        pa.array(NAMES),
        pa.array(["x"] * len(NAMES)),
        0,
    )


def finding(
    name: str, accounts: tuple[str, ...], class_: Any = "coordinated", **changes: Any
) -> Finding:
    """A finding of these accounts that rests on the first post of each."""
    made = Finding(
        id=name,
        class_=class_,
        subclass="",
        band="likely",
        look_alike=None,
        signals=("link",),
        members=tuple(Member(NAMES.index(a), 2.0, 1) for a in accounts),
        posts=tuple(sorted(2 * NAMES.index(a) for a in accounts)),
        start=0,
        end=1,
        window=600,
        observed=5,
        expected=0.1,
        q=1e-4,
        net=20.0,
        rho=3.0,
        windows=(),
        clock=None,
        breadth=None,
        joint_acts=(),
        gap_rhythm={},
        sentence="",
        counter_evidence=(),
        stability={},
    )
    return replace(made, **changes)


def highlight(post: int, of: str) -> Highlight:
    return Highlight(post, of, "link", "u", (), 1, 0.1, 0, 0, "")


def scores(*findings: Finding, highlights: tuple[Highlight, ...] = ()) -> Scores:
    return evaluate(Handmade(findings, posts(), highlights), TRUTH)


def test_evaluate_a_campaign_found_whole_and_pure() -> None:
    out = scores(finding("f-1", PUSH))
    (campaign,) = out.campaigns
    assert campaign.found and campaign.coordinated and campaign.missed == ""
    assert (campaign.jaccard, campaign.recall, campaign.purity) == (1.0, 1.0, 1.0)
    assert campaign.recall_posts == 1.0
    assert (out.accounts_precision, out.accounts_recall) == (1.0, 1.0)
    assert (out.posts_precision, out.posts_recall) == (1.0, 1.0)
    assert out.ordinary_flagged == out.look_alike_flagged == out.false_coordinated == 0
    assert out.auc == 1.0


def test_evaluate_strangers_cost_purity_and_are_counted() -> None:
    out = scores(finding("f-1", (*PUSH[:4], "o0", "f0")))
    (campaign,) = out.campaigns
    assert campaign.jaccard == 0.5 and campaign.found
    assert campaign.recall == pytest.approx(4 / 6) and campaign.purity == pytest.approx(4 / 6)
    assert (out.ordinary_flagged, out.look_alike_flagged) == (1, 1)
    assert out.accounts_precision == pytest.approx(4 / 6)
    assert out.accounts_recall == pytest.approx(4 / 6)


def test_evaluate_picks_the_best_match_not_the_first() -> None:
    out = scores(finding("f-1", PUSH[:2]), finding("f-2", PUSH[:5]), finding("f-3", NAMES))
    assert out.campaigns[0].finding == "f-2"


def test_evaluate_of_equal_matches_the_graver_speaks() -> None:
    mild = finding("f-1", PUSH, "suggestive", subclass="narrow")
    assert scores(mild, finding("f-2", PUSH)).campaigns[0].finding == "f-2"
    assert scores(finding("f-2", PUSH), mild).campaigns[0].finding == "f-2"


def test_evaluate_says_why_a_campaign_is_missed() -> None:
    assert "no finding" in scores().campaigns[0].missed
    assert "2 findings touch it" in (
        scores(finding("f-1", PUSH[:2]), finding("f-2", PUSH[4:])).campaigns[0].missed
    )
    assert "lost among others" in scores(finding("f-1", NAMES)).campaigns[0].missed
    mild = finding("f-1", PUSH, "suggestive", subclass="narrow")
    assert scores(mild).campaigns[0].missed == "found, suggestive: narrow"
    assert scores(mild).campaigns[0].found and not scores(mild).campaigns[0].coordinated
    absent = Truth.of((TrueGroup("campaign:link-1", "link", ("zz",), ()),))
    out = evaluate(Handmade((), posts()), absent)
    assert "posted" in out.campaigns[0].missed and out.campaigns[0].accounts == 0


@pytest.mark.parametrize(
    ("class_", "kind", "verdict", "right"),
    [
        ("look-alike", "fans", "typed", True),
        ("look-alike", "one brand", "typed otherwise", False),
        ("amplification", None, "typed", True),
        ("suggestive", None, "not typed", False),
        ("coordinated", None, "called coordinated", False),
    ],
)
def test_evaluate_look_alikes(class_: str, kind: str | None, verdict: str, right: bool) -> None:
    named = LookAlike(kind, "because") if kind else None
    (alike,) = scores(finding("f-1", FANS, class_, look_alike=named)).look_alikes
    assert (alike.verdict, alike.right, alike.findings) == (verdict, right, ("f-1",))


def test_evaluate_a_silent_look_alike_is_right() -> None:
    (alike,) = scores(finding("f-1", PUSH)).look_alikes
    assert alike.verdict == "silent" and alike.right and alike.findings == ()


def test_evaluate_a_few_strays_do_not_make_a_look_alike() -> None:
    # one fan among six campaign accounts says nothing about fans
    (alike,) = scores(finding("f-1", (*PUSH, "f0"))).look_alikes
    assert alike.verdict == "silent"


def test_evaluate_counts_findings_among_ordinary_accounts() -> None:
    out = scores(
        finding("f-1", OTHERS[:5]),
        finding("f-2", OTHERS[5:], "suggestive"),
        finding("f-3", FANS, "look-alike", look_alike=LookAlike("fans", "")),
    )
    assert (out.ordinary_findings, out.false_coordinated, out.ordinary_flagged) == (2, 1, 5)
    assert out.findings == {"coordinated": 1, "look-alike": 1, "suggestive": 1}
    assert out.accounts_precision == 0.0


def test_evaluate_highlights_count_for_coordinated_findings_only() -> None:
    marks = (highlight(0, "f-1"), highlight(1, "f-1"), highlight(30, "f-2"))
    out = scores(finding("f-1", PUSH), finding("f-2", OTHERS, "suggestive"), highlights=marks)
    assert out.highlights_precision == 0.5  # post 0 is joint, post 1 the member's own affair


def test_evaluate_volume_alone_beside_ours() -> None:
    loud = posts(dict.fromkeys(PUSH, 9))
    out = evaluate(Handmade((), loud), TRUTH)
    assert out.auc == 0.5 and out.auc_volume == 1.0
    quiet = posts(dict.fromkeys(PUSH, 1))
    assert evaluate(Handmade((), quiet), TRUTH).auc_volume == 0.0


def test_evaluate_matched_auc_compares_like_with_like() -> None:
    # finding all loud accounts tells volume, not campaigns: among the loud it is a coin toss
    loud = posts(dict.fromkeys((*PUSH, *OTHERS), 8))
    everyone = finding("f-1", (*PUSH, *OTHERS), posts=())
    out = evaluate(Handmade((everyone,), loud), TRUTH)
    assert out.auc > out.auc_matched == 0.5


def test_evaluate_without_anything_planted_has_no_shares() -> None:
    out = evaluate(Handmade((finding("f-1", OTHERS[:3]),), posts()), Truth.of(()))
    assert np.isnan(out.accounts_recall) and np.isnan(out.auc)
    assert out.table() == [] and out.ordinary_flagged == 3
    assert out.as_dict()["auc"] is None
    assert not any("campaigns found" in line for line in out.summary())


def test_evaluate_rows_are_alike_and_json_is_plain() -> None:
    out = scores(finding("f-1", PUSH), finding("f-2", FANS, "amplification"))
    rows = out.table()
    assert [r["planted"] for r in rows] == ["campaign:link-1", "look-alike:fans-1"]
    assert len({tuple(r) for r in rows}) == 1
    again = json.loads(json.dumps(out.as_dict(), allow_nan=False))
    assert again["campaigns"][0]["coordinated"] is True
    assert again["look_alikes"][0]["right"] is True
    assert any("1 of 1 campaigns found" in line for line in out.summary())


def test_evaluate_does_not_depend_on_the_order_of_findings_that_differ() -> None:
    a, b = finding("f-1", PUSH), finding("f-2", FANS, "amplification")
    assert scores(a, b).as_dict() == scores(b, a).as_dict()


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40),
)
def test_evaluate_auc_is_the_chance_of_a_right_order(rows: list[tuple[int, bool]]) -> None:
    score = np.array([r[0] for r in rows], float)
    positive = np.array([r[1] for r in rows])
    pairs = [(a > b) + (a == b) / 2 for a in score[positive] for b in score[~positive]]
    got = rank_auc(score, positive)
    assert np.isnan(got) if not pairs else got == pytest.approx(np.mean(pairs))
    assert pairs == [] or rank_auc(-score, positive) == pytest.approx(1 - got)


def test_evaluate_every_planted_kind_may_be_called_by_its_own_name() -> None:
    for kind in LOOK_ALIKES:
        assert names_rightly(kind, kind)
        assert not names_rightly(kind, "weekly meeting")
    assert names_rightly("petition", "template") and not names_rightly("template", "petition")


def test_evaluate_a_group_chat_may_be_coordinated_and_a_petition_may_not() -> None:
    for kind, verdict in (("group chat", "admitted"), ("petition", "called coordinated")):
        label = f"look-alike:{kind.replace(' ', '-')}-1"
        truth = Truth.of((TrueGroup(label, kind, FANS, ()),))
        out = evaluate(Handmade((finding("f-1", FANS),), posts()), truth)
        (alike,) = out.look_alikes
        assert alike.verdict == verdict and alike.right == (verdict == "admitted")
        wrong = 0 if alike.right else len(FANS)
        assert out.look_alike_flagged == wrong and out.false_coordinated == bool(wrong)


def test_evaluate_imitated_accounts_are_counted_apart() -> None:
    framed = TrueGroup("framed:link-1", "framed", OTHERS[:3], ())
    truth = Truth.of((*TRUTH.groups, framed))
    caught = finding("f-1", (*PUSH, OTHERS[0]), band="strong")
    out = evaluate(Handmade((caught, finding("f-2", OTHERS[1:3], "suggestive")), posts()), truth)
    assert (out.framed, out.framed_flagged, out.framed_strong) == (3, 1, 1)
    assert out.ordinary_flagged == 1 and len(out.look_alikes) == len(TRUTH.look_alikes)
    assert any("1 of 3 imitated" in line for line in out.summary())
