"""Each sign excuses what it explains, in two of its parts at least, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from klieg.detect import explained, records
from klieg.detect.classes import Verdict
from klieg.detect.explained import Known
from klieg.detect.loyalty import Loyalty
from klieg.detect.signs import Machine, Name, Signs, Tool
from klieg.tables import SECOND, Actions, Breadth, Clock, LookAlike

PLAIN = Signs(
    12,
    Tool("Phone", 0.5, 0.4),
    Name("", 0.0, 0, 0.0),
    Machine(0.03, 0.0),
    (0.05, 0.02),
    0.0,
    0,
    0.0,
    ("a.example", 0.1),
    ("one text", "another"),
    (100, 100),
    2,
    200,
    (),
)
COORDINATED = Verdict("coordinated", margin=3.0)
FAST = Verdict("suggestive", "fast responders")
FEW = Verdict("suggestive", "few texts")
ONE = Verdict("amplification", "one source")
INTEREST = Verdict("look-alike", "shared interest", LookAlike("shared interest", "…"))
BRAND = Verdict("look-alike", "one brand", LookAlike("one brand", "…"))
NAMED = Name("meadow", 1.0, 0, 0.0)
TOOL = Tool("Planner", 0.95, 0.001)


def clock(pace: float = 5.0, event: float = 5.0, company: float = 5.0, habit: float = 5.0) -> Clock:
    def entry(x: float) -> tuple[float, float, int]:
        return (1.2 * x, x, 600)

    return Clock(entry(pace), entry(event), entry(company), entry(habit), 100, (9,), (3.0,))


def known(signs: Signs = PLAIN, **more: Any) -> Known:
    rest: dict[str, Any] = {
        "clock": clock(),
        "breadth": Breadth(50.0, 9.0, 20, 0.1, ()),
        "authors": None,
        "moments": None,
    }
    return Known(signs=signs, **(rest | more))


def told(verdict: Verdict, about: Known) -> str:
    found = explained.explain(verdict, about)
    if found.look_alike is None:
        return found.class_
    assert found.class_ == "look-alike"
    return found.look_alike.kind


def test_explained_nothing_special_changes_nothing() -> None:
    for verdict in (COORDINATED, FAST, FEW, ONE, INTEREST, BRAND):
        plain = known(clock=clock(habit=1.0))
        assert explained.explain(verdict, plain) is verdict


def test_explained_abstention_stays() -> None:
    abstains = Verdict("abstain", "too few")
    declared = replace(PLAIN, name=replace(NAMED, said=1.0))
    assert explained.explain(abstains, known(declared)) is abstains


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({"name": replace(NAMED, said=0.9)}, "declared collective"),
        ({"name": NAMED}, "coordinated"),  # a batch of handles with one stem: nobody says so
        ({"name": Name("meadow", 0.7, 0, 0.9)}, "coordinated"),
        ({"name": Name("meadow", 1.0, 40, 0.9)}, "coordinated"),  # a common word is no name
        ({"tool": TOOL, "machine": Machine(1.0, 0.0), "distinct": 190}, "scheduler"),
        # one's own client is no excuse: neither without the clock's marks nor for one wording
        ({"tool": TOOL, "distinct": 190}, "coordinated"),
        ({"tool": TOOL, "machine": Machine(1.0, 0.0)}, "coordinated"),
        # nor is an ordinary client at exact times
        ({"machine": Machine(1.0, 0.0), "distinct": 190}, "coordinated"),
        (
            {
                "tool": Tool("Phone", 1.0, 0.4),
                "machine": Machine(1.0, 0.0),
                "distinct": 190,
            },
            "coordinated",
        ),
        ({"machine": Machine(0.03, 0.9)}, "import"),
        ({"machine": Machine(0.03, 0.5)}, "coordinated"),
        # what only renames what is open never excuses
        ({"passes": (0.9, 0.02)}, "coordinated"),
        ({"domain": ("firm.example", 0.9), "tool": TOOL}, "coordinated"),
        ({"twice": 1.0, "sources": (("win a prize", 9),)}, "coordinated"),
    ],
)
def test_explained_what_excuses_coordinated(signs: dict[str, Any], expected: str) -> None:
    assert told(COORDINATED, known(replace(PLAIN, **signs))) == expected


def test_explained_says_why_with_its_figure() -> None:
    signs = replace(PLAIN, name=replace(NAMED, said=0.9))
    found = explained.explain(COORDINATED, known(signs)).look_alike
    assert found
    assert "meadow" in found.reason
    assert "90%" in found.reason


def test_explained_copies_of_another_account() -> None:
    assert told(COORDINATED, known(copies=1, platforms=2)) == "bridge"
    assert told(FEW, known(copies=2)) == "mirror"


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({"name": NAMED, "tool": TOOL, "domain": ("quakes.example", 0.9)}, "benign automation"),
        ({"name": NAMED, "domain": ("quakes.example", 0.9)}, "amplification"),
        ({"tool": TOOL, "domain": ("quakes.example", 0.9)}, "amplification"),
        ({"replies": 1.0, "answered": 40, "domain": ("fact-desk.example", 0.9)}, "debunk"),
        ({"replies": 1.0, "answered": 40, "domain": ("snopes.com", 0.9)}, "debunk"),
        ({"replies": 1.0, "answered": 40, "domain": ("shop.example", 0.9)}, "amplification"),
        ({"replies": 1.0, "answered": 2, "domain": ("snopes.com", 0.9)}, "amplification"),
        ({"name": replace(NAMED, said=1.0)}, "amplification"),
    ],
)
def test_explained_one_source(signs: dict[str, Any], expected: str) -> None:
    assert told(ONE, known(replace(PLAIN, **signs))) == expected


def test_explained_few_texts() -> None:
    page = replace(PLAIN, domain=("petition-town.example", 0.9))
    alone = clock(pace=1.0, event=1.0)
    assert told(FEW, known(page, clock=alone)) == "petition"
    assert told(FEW, known(clock=alone)) == "template"
    crowd = clock(pace=5.0, event=1.0, company=1.0)
    assert told(FEW, known(clock=crowd)) == "shared event"
    help_ = replace(PLAIN, texts=("SOS house 7", "other"), weight=(150, 50))
    assert told(FEW, known(help_, clock=crowd)) == "appeal"
    # nobody else was there: a crew with two texts
    nobody = clock(pace=5.0, event=1.0, company=0.0)
    assert told(FEW, known(clock=nobody)) == "suggestive"
    private = Breadth(1.0, 2.0, 9, 0.9, ())
    assert told(FEW, known(clock=crowd, breadth=private)) == "suggestive"
    # members far ahead of the others there
    assert told(FEW, known(clock=clock(event=3.0))) == "suggestive"


def test_explained_an_app_speaks_for_its_users() -> None:
    app = replace(PLAIN, tool=TOOL)
    assert told(FEW, known(app)) == "app posts"
    assert told(FEW, known(replace(app, distinct=190))) == "suggestive"
    marks = replace(app, distinct=120, machine=Machine(0.9, 0.0))
    assert told(FEW, known(marks)) == "app posts"
    assert told(FEW, known(replace(marks, tool=PLAIN.tool))) == "suggestive"


def test_explained_open_interest_gets_a_truer_word() -> None:
    prize = replace(PLAIN, twice=0.8, sources=(("Win a kettle", 30), ("tram late", 9)))
    assert told(INTEREST, known(prize)) == "giveaway"
    assert told(INTEREST, known(replace(prize, twice=0.2))) == "shared interest"
    assert told(INTEREST, known(replace(prize, sources=(("tram late", 9),)))) == "shared interest"
    staff = replace(PLAIN, domain=("firm.example", 0.8), tool=Tool("Voices", 0.7, 0.0))
    assert told(INTEREST, known(staff)) == "employee advocacy"
    assert told(INTEREST, known(replace(staff, tool=PLAIN.tool))) == "shared interest"
    assert told(INTEREST, known(replace(PLAIN, passes=(0.7, 0.05)))) == "crawl times"
    assert told(INTEREST, known(replace(PLAIN, passes=(0.7, 0.6)))) == "shared interest"
    # three pages that post by the hour are not a crawler's rounds
    assert told(INTEREST, known(replace(PLAIN, members=3, passes=(0.9, 0.02)))) == (
        "shared interest"
    )
    # what is named well stays named
    assert told(BRAND, known(replace(PLAIN, passes=(0.7, 0.05)))) == "one brand"


def test_explained_taste_wants_habit_and_choice() -> None:
    fan = Loyalty(1.0, 0.8, 6.0, 300, 1.0)
    habit = clock(habit=1.0)
    assert told(FAST, known(clock=habit, authors=fan)) == "fans"
    assert told(FAST, known(clock=habit, authors=replace(fan, sources=15.0))) == "shared interest"
    assert told(FAST, known(clock=habit, moments=fan)) == "shared event"
    assert told(FAST, known(clock=clock(habit=2.0), authors=fan)) == "suggestive"
    assert told(FAST, known(clock=habit, authors=replace(fan, ratio=4.0, bound=2.5))) == (
        "suggestive"
    )
    # where nothing was left to choose, nothing is explained
    assert told(FAST, known(clock=habit, authors=replace(fan, tested=0.2))) == "suggestive"
    assert told(COORDINATED, known(clock=habit, authors=fan)) == "coordinated"


def _copied(*who: tuple[int, float], acts: int = 20, spread: float = 0.2) -> Actions:
    """Texts that each of ``who`` posts, so many seconds after noon of a day each."""
    rng = np.random.default_rng(1)
    rows = sorted(
        (86_400.0 * i + lag * rng.uniform(1 - spread, 1 + spread), a, i)
        for i in range(acts)
        for a, lag in who
    )
    return Actions(
        "copies",
        np.array([a for _, a, _ in rows], np.int32),
        np.array([i for _, _, i in rows], np.int32),
        np.array([int(t * SECOND) for t, _, _ in rows], np.int64),
        np.arange(len(rows)),
        np.full(len(rows), -1, np.int32),
        pa.array([str(i) for i in range(acts)]),
        pa.array([], pa.string()),
        10,
    )


def test_records_followers_copy_nearly_all_a_steady_few_seconds_behind() -> None:
    who, posts = np.arange(3, dtype=np.int32), np.full(10, 21)
    pair = _copied((0, 0.0), (1, 8.0), (2, 900.0))
    assert records.followers(pair, who, posts).tolist() == [1]
    # who posts much else besides is no copy
    assert not len(records.followers(pair, who, np.array([21, 60, 21])))
    # nor is who keeps no steady distance
    loose = _copied((0, 0.0), (1, 60.0), spread=0.99)
    assert not len(records.followers(loose, who, posts))
    few = _copied((0, 0.0), (1, 8.0), acts=4)
    assert not len(records.followers(few, who, np.full(10, 4)))


def test_records_a_mirror_of_three_has_two_copies() -> None:
    three = _copied((0, 0.0), (1, 5.0), (2, 9.0))
    assert records.followers(three, np.arange(3, dtype=np.int32), np.full(10, 20)).tolist() == [
        1,
        2,
    ]
