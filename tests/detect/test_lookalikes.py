"""Each benign explanation fits where it should, and not one step further."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from klieg.detect import classes, lookalikes
from klieg.tables import Breadth, Clock, LookAlike

NONE = (0.0, 0.0, 0)


def clock(
    *,
    pace: float = 4.0,
    event: float = 4.0,
    company: float = 4.0,
    habit: float = 4.0,
    ratio: float | None = None,
) -> Clock:
    """A clock by its lower bounds; ratios lie a little above, or at ``ratio``."""

    def entry(bound: float) -> tuple[float, float, int]:
        return (ratio if ratio is not None else bound * 1.2, bound, 600)

    return Clock(entry(pace), entry(event), entry(company), entry(habit), 100, (9,), (3.0,))


def breadth(*, without_two: float = 50.0, effective: float = 9.0, private: float = 0.1) -> Breadth:
    return Breadth(without_two, effective, 20, private, (("a.example", 0.4), ("b.example", 0.3)))


def case(signal: str = "repost", **more: Any) -> classes.Case:
    known: dict[str, Any] = {
        "signal": signal,
        "members": 20,
        "breadth": breadth(),
        "clock": clock(),
        "threshold": 4.6,
        "outside_excess": True,
        "crowding": lookalikes.Crowding(0.2, 3.0),
    }
    return classes.Case(**(known | more))


def lead(**more: float) -> lookalikes.Lead:
    return lookalikes.Lead(**({"share": 1.0, "lag": 8.0, "steady": 1.0, "coverage": 0.95} | more))


def outcome(found: classes.Verdict) -> tuple[str, str]:
    return found.class_, found.subclass


# --- the class table, row by row ---------------------------------------------------------------

ROWS = [
    (case(), ("coordinated", "")),
    (case(clock=clock(habit=1.3)), ("suggestive", "fast responders")),
    (case(clock=clock(habit=1.3), chosen=1.4), ("suggestive", "fast responders")),
    (case(clock=clock(habit=1.3), chosen=1.6), ("coordinated", "")),
    (case(clock=clock(habit=1.2), chosen=9.0), ("suggestive", "fast responders")),
    (
        case(clock=clock(habit=1.3, company=1.2), chosen=9.0),
        ("suggestive", "own clock, too few outsiders"),
    ),
    (case(clock=clock(habit=1.3, event=1.4), chosen=9.0), ("look-alike", "shared interest")),
    (
        case(breadth=breadth(without_two=4.0, effective=2.9)),
        ("amplification", "one source"),
    ),
    (
        case(breadth=breadth(without_two=4.0, effective=3.1), clock=clock(event=1.4)),
        ("look-alike", "shared interest"),
    ),
    (case(breadth=breadth(without_two=4.0, effective=3.1)), ("suggestive", "narrow")),
    (case(clock=clock(event=1.4)), ("look-alike", "shared interest")),
    (
        case(clock=clock(event=1.4), crowding=lookalikes.Crowding(0.9, 30.0)),
        ("look-alike", "breaking news"),
    ),
    (case(clock=clock(habit=1.4)), ("suggestive", "fast responders")),
    (
        case(clock=clock(habit=1.4), breadth=breadth(private=0.8)),
        ("suggestive", "private objects"),
    ),
    (case(clock=clock(company=1.4)), ("suggestive", "own clock, too few outsiders")),
    (
        case(clock=clock(event=0.0, ratio=3.0)),
        ("suggestive", "too few joint acts to time"),
    ),
    (case(clock=clock(event=0.0, ratio=1.2)), ("look-alike", "shared interest")),
    (
        case(outside_excess=False),
        ("suggestive", "no excess without the group's own acts"),
    ),
    (case("copies"), ("coordinated", "")),
    (case("copies", breadth=breadth(without_two=4.0)), ("suggestive", "few texts")),
    (case("copies", clock=clock(pace=1.4)), ("look-alike", "template")),
    (
        case("copies", clock=clock(pace=0.0, ratio=3.0)),
        ("suggestive", "too few joint acts to time"),
    ),
    (
        case("copies", members=10, domains=lookalikes.Domains(0.9, 0.85, 0.0, ("a", "b"))),
        ("look-alike", "one brand"),
    ),
    (
        case("copies", members=11, domains=lookalikes.Domains(0.9, 0.85, 0.0, ("a", "b"))),
        ("look-alike", "syndication"),
    ),
    (
        case("copies", members=11, domains=lookalikes.Domains(0.9, 0.1, 0.8, ("a", "b"))),
        ("look-alike", "syndication"),
    ),
    (
        case("copies", members=4, domains=lookalikes.Domains(0.9, 0.5, 0.1, ("reuters.com",))),
        ("look-alike", "syndication"),
    ),
    (
        case("copies", domains=lookalikes.Domains(0.7, 1.0, 1.0, ("a",))),
        ("coordinated", ""),
    ),
    (case("copies", members=3, lead=lead()), ("look-alike", "mirror")),
    (case("copies", members=3, lead=lead(share=0.5)), ("coordinated", "")),
    (case("copies", members=3, lead=lead(coverage=0.5)), ("coordinated", "")),
    (case("copies", members=3, lead=lead(steady=0.5)), ("coordinated", "")),
    (case("copies", members=3, lead=lead(lag=900.0)), ("coordinated", "")),
    (case("copies", clock=clock(event=1.0, company=1.0)), ("coordinated", "")),
    (case("hashtags"), ("suggestive", "event tags")),
    (case("hashtags", clock=clock(pace=5.0)), ("coordinated", "")),
    (
        case("hashtags", clock=clock(pace=9.0, event=1.2, company=1.2)),
        ("look-alike", "shared event"),
    ),
    (
        case("hashtags", clock=clock(pace=9.0, event=1.2, company=0.0)),
        ("coordinated", ""),
    ),
]


@pytest.mark.parametrize(("given", "expected"), ROWS, ids=[f"{i}" for i in range(len(ROWS))])
def test_lookalikes_class_table(given: classes.Case, expected: tuple[str, str]) -> None:
    assert outcome(classes.classify(given)) == expected


def test_lookalikes_every_look_alike_carries_its_reason() -> None:
    for given, (class_, subclass) in ROWS:
        found = classes.classify(given).look_alike
        assert (found is not None) == (class_ == "look-alike")
        if found:
            assert found.kind == subclass
            assert any(c.isdigit() for c in found.reason) and found.reason.endswith(".")


# --- the tests one by one ----------------------------------------------------------------------


def test_lookalikes_fans_names_the_sources() -> None:
    found = lookalikes.fans(breadth(without_two=1.0, effective=1.5), 4.6)
    assert found and "a.example (40%)" in found.reason
    assert lookalikes.fans(breadth(), 4.6) is None
    assert lookalikes.fans(breadth(without_two=1.0, effective=3.5), 4.6) is None


def test_lookalikes_domains_counts_links_and_owners() -> None:
    account = np.array([1, 1, 2, 2, 3], np.int32)
    found = lookalikes.domains(account, ["a", "a", "b", "", "a"])
    assert found.linked == pytest.approx(0.8)
    assert found.top_two == 1.0
    assert found.own == pytest.approx(0.25)  # only b has one owner
    assert found.names == ("a", "b")
    assert lookalikes.domains(account[:0], []).linked == 0


def test_lookalikes_lead_sees_one_account_always_first() -> None:
    obj = np.repeat(np.arange(10), 3).astype(np.int32)
    account = np.tile([7, 8, 9], 10).astype(np.int32)
    time = (np.repeat(np.arange(10) * 3600, 3) + np.tile([0, 5, 7], 10)) * 1_000_000
    found = lookalikes.lead(account, obj, time, posts=32)
    assert found.share == 1.0
    assert found.lag == 6.0
    assert found.steady == 1.0
    assert found.coverage == pytest.approx(30 / 32)
    turns = lookalikes.lead(np.roll(account, 1)[: len(account)], obj, time, posts=32)
    assert turns.share == 1.0  # the same roles under other names
    rng = np.random.default_rng(0)
    mixed = lookalikes.lead(
        np.concatenate([rng.permutation([7, 8, 9]) for _ in range(10)]).astype(np.int32),
        obj,
        time,
        posts=32,
    )
    assert mixed.share < 0.9


def test_lookalikes_crowding_weighs_by_evidence() -> None:
    found = lookalikes.crowding(
        np.array([0, 0, 1, 2, 3], np.int32),
        np.array([2, 2, 2, 2, 2], np.int32),
        np.array([42, 42, 2, 2, 2], np.int32),
        np.array([4.0, 4.0, 1.0, 0.5, 0.5]),
    )
    assert found.top_objects == pytest.approx(0.95)
    assert found.company == pytest.approx(32.0)
    assert lookalikes.crowding(*[np.zeros(0)] * 4) == lookalikes.Crowding(0.0, 0.0)


def test_lookalikes_say_when_nothing_could_be_bounded() -> None:
    found = lookalikes.shared_interest(clock(event=0.0, ratio=0.4))
    assert isinstance(found, LookAlike) and "too few" in found.reason
    assert lookalikes.template(clock(pace=1.5)) is None
    assert lookalikes.template(clock(pace=1.49)) is not None
