"""Impact on a conversation small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.insight import impact
from klieg.tables import POSTS, SECOND, Actions, Finding, JointAct, Member, Posterior, Posts

HOUR = 3600 * SECOND


def actions_of(rows: list[tuple[int, int]], n_accounts: int) -> Actions:
    """(account, object) pairs, one act a minute."""
    account = np.array([a for a, _ in rows], np.int32)
    obj = np.array([o for _, o in rows], np.int32)
    n = len(rows)
    return Actions(
        "link",
        account,
        obj,
        np.arange(n, dtype=np.int64) * 60 * SECOND,
        np.arange(n, dtype=np.int64),
        np.full(n, -1, np.int32),
        pa.array([f"https://{o}.example/" for o in range(int(obj.max()) + 1)]),
        pa.array([], pa.string()),
        n_accounts,
    )


def posts_of(actions: Actions) -> Posts:
    n = actions.n
    return Posts(
        pa.table({f.name: pa.nulls(n, f.type) for f in POSTS}),
        actions.account,
        actions.time,
        pa.array([f"a{i}" for i in range(actions.n_accounts)]),
        pa.array(["x"] * actions.n_accounts),
        0,
    )


def finding_of(
    members: list[int], posts: list[int], objects: list[str], evidence: float
) -> Finding:
    return Finding(
        id="f-000000000001",
        class_="coordinated",
        subclass="",
        band="likely",
        look_alike=None,
        signals=("link",),
        members=tuple(Member(m, evidence, 1) for m in members),
        posts=tuple(posts),
        start=0,
        end=HOUR,
        window=60,
        observed=3,
        expected=0.1,
        q=1e-6,
        net=30.0,
        rho=4.0,
        windows=(),
        clock=None,
        breadth=None,
        joint_acts=tuple(JointAct("link", o, (0, 1), 2, 2, 0.1, 3.0) for o in objects),
        gap_rhythm={},
        sentence="",
        counter_evidence=(),
        stability={},
    )


# accounts 0–2 push object 0; 3–6 are organic, two of them on object 0 as well
WORLD = [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (3, 1), (4, 1), (5, 1), (6, 1), (6, 2)]


def test_impact_shares_are_counted_by_hand() -> None:
    actions = actions_of(WORLD, 7)
    found = finding_of([0, 1, 2], [0, 1, 2], ["https://0.example/"], 50.0)
    rows = impact.of_finding(found, impact.prepare({"link": actions}), posts_of(actions))
    acts = next(r for r in rows if r.metric == "acts" and r.subject.startswith("link"))
    assert acts.with_group == pytest.approx(5 / 10)
    # P(group) is .99, members are certain: 3 × .99 acts leave
    assert acts.without == pytest.approx((5 - 2.97) / (10 - 2.97), abs=1e-3)
    assert acts.coalesced == pytest.approx((2 + 1) / (7 + 1))
    accounts = next(r for r in rows if r.metric == "accounts")
    assert accounts.with_group == pytest.approx(5 / 7)
    assert accounts.coalesced == pytest.approx((2 + 1) / (4 + 1))


def test_impact_bounds_what_may_have_followed() -> None:
    actions = actions_of(WORLD, 7)
    found = finding_of([0, 1, 2], [0, 1, 2], ["https://0.example/"], 50.0)
    rows = impact.of_finding(found, impact.prepare({"link": actions}), posts_of(actions))
    note = next(r.note for r in rows if r.metric == "acts" and r.subject.startswith("link"))
    assert "3 of 5 acts" in note
    assert "all of 2 later acts" in note


def test_impact_interval_widens_with_doubt() -> None:
    actions = actions_of(WORLD, 7)
    widths = []
    for evidence in (20.0, 0.0):
        found = finding_of([0, 1, 2], [0, 1, 2], ["https://0.example/"], evidence)
        rows = impact.of_finding(found, impact.prepare({"link": actions}), posts_of(actions))
        row = next(r for r in rows if r.metric == "acts" and r.subject.startswith("link"))
        assert row.low <= row.without + 1e-9
        assert row.without <= row.high + 1e-9
        widths.append(row.high - row.low)
    assert widths[0] < widths[1]


def test_impact_of_a_case_without_coordination_is_empty() -> None:
    actions = actions_of(WORLD, 7)
    assert impact.of_case([], impact.prepare({"link": actions})) == ()


def test_impact_of_a_case_lists_what_rises_and_falls() -> None:
    actions = actions_of(WORLD, 7)
    found = finding_of([0, 1, 2], [0, 1, 2], ["https://0.example/"], 50.0)
    rows = impact.of_case([found], impact.prepare({"link": actions}), top=2)
    change = {r.subject: r.without - r.with_group for r in rows if r.metric == "acts"}
    assert change["link: https://0.example/"] < 0
    assert change["link: https://1.example/"] > 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=3, max_size=40),
    st.permutations(range(7)),
)
def test_impact_does_not_depend_on_the_order_of_accounts(
    rows: list[tuple[int, int]], order: list[int]
) -> None:
    """Renumbering the accounts changes no share (draws are per member, so intervals may)."""
    plain = actions_of(rows, 7)
    renamed = actions_of([(order[a], o) for a, o in rows], 7)
    a = impact.of_finding(
        finding_of([0, 1], [0], list(plain.labels.to_pylist()), 3.0),
        impact.prepare({"link": plain}),
        posts_of(plain),
    )
    b = impact.of_finding(
        finding_of(sorted([order[0], order[1]]), [0], list(renamed.labels.to_pylist()), 3.0),
        impact.prepare({"link": renamed}),
        posts_of(renamed),
    )
    for x, y in zip(a, b, strict=True):
        assert x.with_group == pytest.approx(y.with_group)
        assert x.without == pytest.approx(y.without)
        assert x.coalesced == pytest.approx(y.coalesced)


@pytest.mark.parametrize("group", [0.0, 1.0])
def test_impact_removes_by_the_posterior_of_group_and_member(group: float) -> None:
    actions = actions_of([(0, 0), (1, 0), (2, 0), (3, 0), (3, 1)], 4)
    plain = finding_of([0, 1], [0, 1], ["https://0.example/"], evidence=20.0)
    asked = replace(
        plain,
        members=(Member(0, 20.0, 1, 0, 1.0), Member(1, 20.0, 1, 0, 0.0)),
        posterior=Posterior("1", 0.1, 1.0, group),
    )
    assert impact.probability(plain) == 0.99  # without one the band speaks
    assert impact.probability(asked) == group
    rows = impact.of_finding(asked, impact.prepare({"link": actions}), posts_of(actions))
    (acts,) = [r for r in rows if r.metric == "acts" and r.subject == "link: https://0.example/"]
    assert acts.with_group == 4 / 5
    # of the two members only the sure one leaves, and only if the group is one
    assert acts.without == pytest.approx(3 / 4 if group else 4 / 5)
    assert acts.low == pytest.approx(acts.without)
    assert acts.high == pytest.approx(acts.without)


def test_impact_an_account_leaves_with_the_finding_that_is_surest_of_it() -> None:
    one = finding_of([0], [0], [], evidence=20.0)
    sure = replace(one, members=(Member(0, 1.0, 1, 0, 0.6),), posterior=Posterior("1", 0.1, 9, 0.9))
    unsure = replace(
        one, members=(Member(0, 1.0, 1, 0, 0.99),), posterior=Posterior("1", 0.1, 0.1, 0.01)
    )
    removal = impact._removal([unsure, sure])
    assert removal.group.tolist() == [1]
    assert removal.member_p.tolist() == [0.6]
