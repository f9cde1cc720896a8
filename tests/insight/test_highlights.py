"""Highlights: the reason, the company and the shared characters of each post."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.engine import reference
from klieg.insight import highlights
from klieg.sockets import Engine
from klieg.tables import POSTS, SECOND, Actions, Finding, Member, Posts, Strata

TEXTS = [
    "Please sign the petition for the bridge today",
    "please sign the PETITION for the bridge now",
    "something else entirely, about the weather",
    "Please sign the petition for the bridge today",
]


@pytest.fixture
def engine() -> Engine:
    made: Engine = reference.engine(Config())
    return made


def posts() -> Posts:
    n = len(TEXTS)
    columns = {f.name: pa.nulls(n, f.type) for f in POSTS}
    columns["text"] = pa.array(TEXTS)
    return Posts(
        pa.table(columns),
        np.array([0, 1, 2, 3], np.int32),
        np.array([0, 20, 25, 4000], np.int64) * SECOND,
        pa.array(["ann", "bob", "cid", "dee"]),
        pa.array(["x"] * 4),
        0,
    )


def actions(signal: str = "copies") -> Actions:
    return Actions(
        signal,
        np.array([0, 1, 3], np.int32),
        np.zeros(3, np.int32),
        np.array([0, 20, 4000], np.int64) * SECOND,
        np.array([0, 1, 3], np.int64),
        np.full(3, -1, np.int32),
        pa.array(["Please sign the petition"]),
        pa.array([], pa.string()),
        4,
    )


def finding(members: tuple[int, ...] = (0, 1, 3)) -> Finding:
    return Finding(
        "f-1",
        "coordinated",
        "",
        "likely",
        None,
        ("copies",),
        tuple(Member(m, 1.0, 1) for m in members),
        (0, 1, 3),
        0,
        4000 * SECOND,
        60,
        2,
        0.1,
        0.001,
        10.0,
        2.0,
        (),
        None,
        None,
        (),
        {},
        "",
        (),
        {},
    )


STRATA = Strata(np.zeros(1, np.int32), np.zeros(1, np.int32), ("x",), ("x",))


def test_highlights_need_company_inside_the_window(engine: Engine) -> None:
    marks = highlights.of_finding(finding(), {"copies": (actions(), STRATA)}, posts(), engine)
    assert [m.post for m in marks] == [0, 1]  # the copy an hour later stands alone
    assert marks[0].counterparts == (1,)
    assert marks[0].partners == 1


def test_highlights_mark_the_characters_that_are_shared(engine: Engine) -> None:
    marks = highlights.of_finding(finding(), {"copies": (actions(), STRATA)}, posts(), engine)
    shared = TEXTS[0][marks[0].start : marks[0].end]
    assert shared.casefold().startswith("please sign the petition for the bridge")
    assert "today" not in shared


def test_highlights_say_what_chance_would_put_there(engine: Engine) -> None:
    some = replace(finding(), members=(Member(0, 1.0, 1), Member(1, 1.0, 1)))
    marks = highlights.of_finding(some, {"copies": (actions(), STRATA)}, posts(), engine)
    # two actors in the window, and two of the pool's three acts are members'
    assert marks[0].expected == pytest.approx(2 * 2 / 3)


def test_highlights_never_mark_a_bystander(engine: Engine) -> None:
    some = replace(finding(), members=(Member(0, 1.0, 1), Member(2, 1.0, 1)), posts=(0, 2))
    assert highlights.of_finding(some, {"copies": (actions(), STRATA)}, posts(), engine) == ()


@settings(max_examples=40, deadline=None)
@given(
    acts=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), min_size=1, max_size=60),
    window=st.integers(1, 40),
)
def test_highlights_count_partners_and_keep_the_nearest(
    acts: list[tuple[int, int]], window: int
) -> None:
    acts.sort()
    time, who = [t for t, _ in acts], [a for _, a in acts]
    partners = highlights._partners(0, len(acts), time, who, window)
    for j in range(len(acts)):
        others = [
            k for k in range(len(acts)) if abs(time[k] - time[j]) <= window and who[k] != who[j]
        ]
        near = highlights._company(j, 0, len(acts), time, who, window)
        assert partners[j] == len({who[k] for k in others})
        gaps = sorted(abs(time[k] - time[j]) for k in others)[: highlights.COUNTERPARTS]
        assert [abs(time[k] - time[j]) for k in near] == gaps
        assert set(near) <= set(others)
