"""Groups through windows: the same one is found again, and parts are told from wholes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.case.lifeline import lifeline
from klieg.detect import history, identity
from klieg.detect.identity import Seen, link
from klieg.tables import SECOND

DAY = 86_400 * SECOND
MONDAY = 4 * DAY


def seen(name: str, members, objects=()) -> Seen:
    return Seen(name, frozenset(members), frozenset(objects))


def states(found: identity.Identity) -> list[str]:
    return [step.state for step in found.steps]


def test_identity_follows_birth_growth_sleep_and_return():
    a, b = range(10), range(100, 108)
    windows = [
        [seen("a0", a)],
        [seen("b1", b), seen("a1", [*a, 10, 11, 12])],
        [seen("a2", range(2, 13))],
        [],
        [seen("a4", range(2, 13)), seen("b4", range(100, 106))],
    ]
    first, second = link(windows)
    assert states(first) == ["born", "grew", "shrank", "dormant", "returned"]
    assert [s.name for s in first.steps] == ["a0", "a1", "a2", "", "a4"]
    assert (first.steps[1].joined, first.steps[1].left) == (3, 0)
    assert (first.steps[2].joined, first.steps[2].left) == (0, 2)
    assert states(second) == ["born", "dormant", "dormant", "returned"]
    assert second.steps[0].window == 1


def test_identity_tells_a_split_and_a_merger():
    whole = range(20)
    first, second = link([[seen("w", whole)], [seen("x", range(12)), seen("y", range(12, 20))]])
    assert states(first) == ["born", "shrank"]
    assert states(second) == ["split"]
    assert second.steps[0].other == first.id
    one, two = link([[seen("x", range(12)), seen("y", range(12, 20))], [seen("w", whole)]])
    assert states(one) == ["born", "grew"]
    assert states(two) == ["born", "merged"]
    assert two.steps[1].other == one.id
    # what has merged is not looked for again
    again = link(
        [[seen("x", range(12)), seen("y", range(12, 20))], [seen("w", whole)], [seen("z", whole)]]
    )
    assert [len(i.steps) for i in again] == [3, 2]


def test_identity_takes_the_assignment_that_is_best_in_all():
    # greedily c would take a's group, and a would be left with nothing
    a, c = seen("a", range(10)), seen("c", range(5, 15))
    x, y = seen("x", range(4, 14)), seen("y", range(5))
    one, two = link([[a, c], [x, y]])
    assert [s.name for s in one.steps] == ["a", "y"]
    assert [s.name for s in two.steps] == ["c", "x"]


def test_identity_needs_members_objects_alone_never_link():
    things = [f"o{i}" for i in range(9)]
    first, second = link([[seen("a", range(9), things)], [seen("b", range(50, 59), things)]])
    assert states(first) == ["born", "dormant"]
    assert states(second) == ["born"]
    # a quarter of the members alone do not, with what they act on they do
    some, alike = range(5, 16), [*things[:8], "new"]
    assert len(link([[seen("a", range(9))], [seen("b", some)]])) == 2
    assert len(link([[seen("a", range(9), things)], [seen("b", some, alike)]])) == 1


groups = st.lists(
    st.lists(
        st.tuples(
            st.frozensets(st.integers(0, 14), min_size=1, max_size=8),
            st.frozensets(st.integers(0, 5), max_size=4),
        ),
        max_size=4,
    ),
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(windows=groups, key=st.permutations(range(15)))
def test_identity_does_not_hang_on_names_and_every_group_has_one(windows, key):
    told = [
        [Seen(f"{w}.{k}", m, o) for k, (m, o) in enumerate(found)]
        for w, found in enumerate(windows)
    ]
    other = [
        [Seen(g.name, frozenset(f"n{key[m]}" for m in g.members), g.objects) for g in found]
        for found in told
    ]
    one = link(told)
    assert one == link(other)
    names = [s.name for i in one for s in i.steps if s.name]
    assert sorted(names) == sorted(g.name for found in told for g in found)
    assert len({i.id for i in one}) == len(one)
    for found in one:
        numbers = [s.window for s in found.steps]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert "merged" not in states(found)[:-1]


def test_identity_of_later_windows_does_not_change_earlier_steps():
    windows = [[seen("a", range(8))], [seen("b", range(2, 10))], [seen("c", range(30, 35))]]
    for n in (1, 2):
        short, whole = link(windows[:n]), link(windows)
        for i, one in enumerate(short):
            assert whole[i].id == one.id
            assert whole[i].steps[: len(one.steps)] == one.steps


# --- one finding's own history --------------------------------------------------------------------


def acts(*days: tuple[int, list[int]]):
    account = np.array([a for _, who in days for a in who], np.int32)
    time = np.array([MONDAY + d * DAY + a for d, who in days for a in who], np.int64)
    return account, time


def test_history_tells_days_of_growth_sleep_and_return():
    account, time = acts((1, [1, 2, 3]), (2, [1, 2, 3, 4, 5]), (3, [2, 3]), (4, [7]), (6, [1, 2]))
    told = history.timeline(account, time, first=MONDAY, last=MONDAY + 8 * DAY)
    assert [a.state for a in told] == [
        *("born", "grew", "shrank", "dormant", "dormant", "returned", "dormant", "dormant"),
    ]
    assert [(a.members, a.joined, a.left) for a in told[:3]] == [(3, 3, 0), (5, 2, 0), (2, 0, 3)]
    assert told[5].joined == 0  # it was there before it slept
    assert told[0].start == MONDAY + DAY
    text = lifeline(told)
    assert text.startswith("▅█▄··▄··")
    assert "dormant for 2 days" in text
    assert "returned" in text


def test_history_is_by_the_week_where_data_are_long():
    account, time = acts((0, [1, 2]), (8, [1, 2]), (29, [1, 2, 3]))
    told = history.timeline(account, time, first=MONDAY, last=MONDAY + 30 * DAY)
    assert {a.span for a in told} == {7 * DAY}
    assert [a.state for a in told] == ["born", "steady", "dormant", "dormant", "returned"]
    assert history.period(0, 300 * 7 * DAY) == 28 * DAY


@settings(max_examples=40, deadline=None)
@given(weeks=st.integers(-200, 200), key=st.permutations(range(6)), order=st.randoms())
def test_history_ignores_whole_weeks_names_and_order(weeks, key, order):
    account, time = acts((1, [1, 2, 3]), (2, [1, 2, 3, 4, 5]), (3, [2, 3]), (6, [1, 2]))
    rows = list(range(len(time)))
    order.shuffle(rows)
    moved = weeks * 7 * DAY
    one = history.timeline(account, time, first=MONDAY, last=MONDAY + 8 * DAY)
    two = history.timeline(
        np.array(key, np.int32)[account][rows],
        (time + moved)[rows],
        first=MONDAY + moved,
        last=MONDAY + 8 * DAY + moved,
    )
    for a, b in zip(one, two, strict=True):
        assert (a.state, a.members, a.joined, a.left, a.posts) == (
            *(b.state, b.members, b.joined, b.left, b.posts),
        )
        assert b.start - a.start == moved


def test_history_of_nobody_is_empty():
    none = np.zeros(0, np.int32), np.zeros(0, np.int64)
    assert history.timeline(*none, first=0, last=DAY) == ()
    assert lifeline(()) == ""


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_identity_of_cases_does_not_hang_on_the_order_they_are_given_in(order):
    from types import SimpleNamespace

    from klieg.case.following import follow

    def case(week: int, members: list[str]):
        ids = ["zoe", *members]
        posts = SimpleNamespace(
            time=np.array([MONDAY + 7 * week * DAY]),
            acts=None,
            account_ids=np.array(ids, object),
            account_platforms=np.array(["x"] * len(ids), object),
        )
        for name in ("account_ids", "account_platforms"):
            setattr(
                posts, name, [SimpleNamespace(as_py=lambda v=v: v) for v in getattr(posts, name)]
            )
        finding = SimpleNamespace(
            id=f"f-{week}",
            members=[SimpleNamespace(account=i + 1) for i in range(len(members))],
            joint_acts=(),
            breadth=None,
        )
        return SimpleNamespace(posts=posts, findings=(finding,))

    cases = [case(0, ["a", "b", "c"]), case(1, ["b", "c", "a", "d"]), case(2, ["d", "b", "a"])]
    followed = follow([cases[i] for i in order])  # type: ignore[arg-type]
    (one,) = followed.identities
    assert [s.name for s in one.steps] == ["f-0", "f-1", "f-2"]
    assert states(one) == ["born", "grew", "shrank"]
    assert [order[i] for i in followed.order] == [0, 1, 2]
