"""Generic JSON lines: the fast path reads what the tolerant path reads, or gives up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klieg.sources import duck, read
from klieg.tables import Intake

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUE: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**20), st.floats(-1e9, 1e9), WORDS
)
RECORD = st.fixed_dictionaries(
    {"created_at": st.sampled_from([1714557600, 1714557661, "2024-05-01T10:00:00Z"])},
    optional={
        "id": st.one_of(st.integers(0, 4), st.sampled_from(["1", "2"])),
        "user": st.fixed_dictionaries(
            {},
            optional={
                "id": st.sampled_from(["7", "8"]),
                "screen_name": WORDS,
                "followers_count": st.integers(0, 10**10),
            },
        ),
        "username": st.sampled_from(["ada", "bob", ""]),
        "text": st.one_of(st.none(), WORDS),
        "hashtags": st.one_of(st.none(), st.lists(WORDS, max_size=3)),
        "tags": st.lists(
            st.fixed_dictionaries({}, optional={"name": st.one_of(st.none(), WORDS)}), max_size=2
        ),
        "urls": st.lists(st.sampled_from(["https://e.org/a,b", "https://e.org/c"]), max_size=2),
        "likes": st.one_of(st.none(), st.integers(0, 10**6)),
        "other": st.recursive(
            VALUE, lambda s: st.lists(s, max_size=2) | st.dictionaries(WORDS, s, max_size=2)
        ),
        "data": st.dictionaries(st.sampled_from(["id", "author", "body"]), VALUE, max_size=2),
    },
)


def outcome(path: str, large: int) -> tuple[Any, Intake | None, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duck, "LARGE", large)
        try:
            posts, intake = read([path], max_bad=1.0)
        except ValueError as error:
            return None, None, str(error)
        except Exception as error:  # noqa: BLE001 - both paths must end alike, whatever the end
            return None, None, f"{type(error).__name__}: {error}"
        return posts.table.to_pylist(), intake, ""


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records=st.lists(RECORD, min_size=1, max_size=6))
def test_json_fast_agrees_with_the_tolerant_path(
    records: list[dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    fast, one, failed = outcome(str(path), 1)
    slow, two, refused = outcome(str(path), 1 << 60)
    assert (fast, failed) == (slow, refused)
    if one and two:
        assert (one.rows, one.counts, one.rejected) == (two.rows, two.counts, two.rejected)
        assert one.inputs == two.inputs


def test_json_fast_is_the_path_large_files_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "LARGE", 1)
    path = tmp_path / "a.jsonl"
    record = {
        "id": 9007199254740993,
        "user": {"id": "7", "screen_name": "ada"},
        "created_at": "2024-05-01T10:00:00Z",
        "text": "hello",
        "hashtags": ["A", "B"],
        "entities": {"urls": [{"expanded_url": "https://e.org/1,2"}, {"expanded_url": None}]},
    }
    path.write_text(json.dumps(record) + "\n" + json.dumps({**record, "id": 2, "text": "b"}) + "\n")
    posts, intake = read([str(path)])
    assert not any("gave up" in note for note in intake.notes)
    row = posts.table.to_pylist()[1]
    assert (row["post_id"], row["account_id"]) == ("9007199254740993", "7")
    assert row["hashtags"] == ["a", "b"]
    assert row["urls"] == ["https://e.org/1,2"]


@pytest.mark.parametrize("line", ['{"torn": ', "[1]", "7", "null", "", '{"id": {"a": 1}}'])
def test_json_fast_gives_up_where_lines_are_odd_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(duck, "LARGE", 1)
    good = [
        json.dumps({"id": str(i), "user": "ada", "time": 1714557600 + i, "text": f"t {i}"})
        for i in range(200)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*good[:9], line, *good[9:]]) + "\n")
    posts, intake = read([str(path)])
    assert posts.n == 200
    assert any("gave up" in note for note in intake.notes)
    assert posts.table["source_row"].to_pylist()[-1] == 201


@pytest.mark.parametrize("depth", [70, 100_000])
def test_json_fast_quarantines_what_is_nested_too_deep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    monkeypatch.setattr(duck, "LARGE", 1)
    good = [
        json.dumps({"id": str(i), "user": "ada", "time": 1714557600 + i, "text": f"t {i}"})
        for i in range(200)
    ]
    line = good[0][:-1] + ', "more": ' + "[" * depth + "]" * depth + "}"
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*good[:9], line, *good[9:]]) + "\n")
    posts, intake = read([str(path)])
    assert posts.n == 200
    assert dict(intake.rejected) == {"nested_deeper_than_64": 1}
