"""What posts show beside the clock, on posts made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect import signs
from klieg.tables import POSTS, SECOND, Posts

WEEK = 7 * 86_400
START = 1_700_006_400  # midnight UTC


def made(rows: list[dict[str, Any]], *, resolution: int = 0) -> Posts:
    """Posts from rows of who (account), at (seconds), and columns of POSTS."""
    rows = sorted(rows, key=lambda r: r["at"])
    columns = {f.name: pa.array([r.get(f.name) for r in rows], f.type) for f in POSTS}
    n = max(r["who"] for r in rows) + 1
    return Posts(
        pa.table(columns),
        np.array([r["who"] for r in rows], np.int32),
        np.array([int((START + r["at"]) * SECOND) for r in rows], np.int64),
        pa.array([f"account {i}" for i in range(n)]),
        pa.array(["x"] * n),
        resolution,
    )


def measured(posts: Posts, size: int, rows: Any = None) -> signs.Signs:
    mine = np.flatnonzero(posts.account < size) if rows is None else rows
    return signs.measure(posts, np.arange(size, dtype=np.int32), mine)


def post(who: int, at: float, **more: Any) -> dict[str, Any]:
    return {"who": who, "at": at, "text": f"text {who} {at}", "client": "Phone"} | more


def others(n: int = 60, **more: Any) -> list[dict[str, Any]]:
    return [post(20 + i, 1000.0 * i + 137, **more) for i in range(n)]


def test_signs_tool_is_the_commonest_client_and_what_others_use() -> None:
    rows = [post(i, 60.0 * i, client="Planner" if i < 9 else "Phone") for i in range(10)]
    found = measured(made(rows + others(30) + others(10, client="Planner")), 10).tool
    assert found == signs.Tool("Planner", 0.9, 0.25)


def test_signs_no_client_in_the_data_is_no_tool() -> None:
    rows = [post(i, 60.0 * i, client=None) for i in range(5)] + others(20, client=None)
    assert measured(made(rows), 5).tool == signs.Tool("", 0.0, 1.0)


def test_signs_name_wants_one_word_and_counts_who_else_bears_it() -> None:
    def by(handle: str) -> dict[str, str]:
        return {"handle": handle}

    mine = [post(i, i, account=by(f"GreenField_{i}"), text="#GreenField says") for i in range(8)]
    mine += [post(8, 8, account=by("somebody"), text="hello")]
    rest = [*others(30, account=by("oak_7")), post(90, 5e4, account=by("greenfield-fan"))]
    found = measured(made(mine + rest), 9).name
    assert (found.word, found.others) == ("greenfield", 1)
    assert found.members == pytest.approx(8 / 9)
    assert found.said == pytest.approx(8 / 9)


def test_signs_unlike_names_share_no_word() -> None:
    rows = [post(i, i, account={"handle": f"{'abcdefgh'[i]}nna_{i}"}) for i in range(8)]
    assert measured(made(rows + others()), 8).name.word == ""


def test_signs_marks_of_the_clock() -> None:
    on = [post(i % 4, 900.0 * i + i % 3) for i in range(40)]
    off = [post(i % 4, 901.7 * i + 150) for i in range(40)]
    assert measured(made(on), 4).machine.on_mark == 1.0
    assert measured(made(off), 4).machine.on_mark < 0.2
    # times to the minute lie on marks by themselves
    assert measured(made(on, resolution=60), 4).machine.on_mark == 0.0


def test_signs_a_run_is_ten_posts_faster_than_a_hand() -> None:
    quick = [post(i % 5, 5000.0 * (i % 5) + (i // 5) * 1.1) for i in range(60)]
    slow = [post(i % 5, 5000.0 * (i % 5) + (i // 5) * 60.0) for i in range(60)]
    short = [post(i % 5, 5000.0 * (i % 5) + (i // 5) * 1.1) for i in range(45)]
    assert measured(made(quick), 5).machine.runs == 1.0
    assert measured(made(slow), 5).machine.runs == 0.0
    assert measured(made(short), 5).machine.runs == 0.0


def test_signs_passes_of_a_crawler() -> None:
    mine = [post(i % 6, 21_600.0 * (i // 6) + i) for i in range(48)]
    posts = made(mine + others(400))
    joint = np.flatnonzero(posts.account < 6)[::2]
    share, elsewhere = measured(posts, 6, joint).passes
    assert share == 1.0
    assert elsewhere < 0.1


def test_signs_moments_of_a_crew_are_not_passes_of_a_crawler() -> None:
    """Six moments lie in one part of some cycle; what the crew posts besides does not."""
    joint = [post(i % 6, 21_600.0 * (i // 6) + i) for i in range(36)]
    besides = [post(i % 6, 5_000.0 * i + 777) for i in range(48)]
    posts = made(joint + besides + others(400))
    rows = np.flatnonzero((posts.account < 6) & ((posts.time // SECOND - START) % 21_600 < 60))
    assert measured(posts, 6, rows).passes[0] < 0.2
    # too little besides says nothing
    assert measured(made(joint + others(400)), 6).passes == (0.0, 0.0)


def test_signs_replies_and_reposts_with_an_answer() -> None:
    rows = []
    for i in range(6):
        rows.append(post(i, 100.0 * i, repost_of="p1", text="win a kettle"))
        if i < 3:
            rows.append(post(i, 100.0 * i + 9, reply_to="p1", text="in"))
    found = measured(made(rows), 6)
    assert found.twice == 0.5
    assert found.replies == pytest.approx(3 / 9)
    assert found.answered == 1
    assert found.sources == (("win a kettle", 6),)


def test_signs_the_site_most_linked() -> None:
    rows = [post(i, i, urls=[f"https://www.A.example/{i}?q=1"]) for i in range(6)]
    rows += [post(i, 50 + i, urls=["https://b.example/x"]) for i in range(2)]
    rows += [post(0, 90)]
    found = measured(made(rows), 6)
    assert found.domain == ("a.example", 6 / 9)
    assert signs.hosts(made(rows), np.array([0, 8])) == ["a.example", ""]


def test_signs_of_no_posts_are_none() -> None:
    found = measured(made(others()), 5, np.zeros(0, np.int64))
    assert (found.tool.client, found.name.word, found.machine) == ("", "", signs.Machine(0.0, 0.0))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.permutations(list(range(5))))
def test_signs_hold_in_any_week_and_under_any_number(weeks: int, places: list[int]) -> None:
    rng = np.random.default_rng(3)
    rows = [
        post(int(rng.integers(5)), float(rng.integers(900_000)), text=str(i)) for i in range(40)
    ]
    rows += others()
    moved = [
        r | {"at": r["at"] + weeks * WEEK, "who": places[r["who"]] if r["who"] < 5 else r["who"]}
        for r in rows
    ]
    assert measured(made(rows), 5) == measured(made(moved), 5)
