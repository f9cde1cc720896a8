"""Threat: JSON lines that are endless, bottomless or torn. Each costs its own line, no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klieg.errors import InputError
from klieg.sources import duck, read
from klieg.sources.lines import MAX_DEPTH, MAX_LINE, too_deep


def good(i: int) -> str:
    return json.dumps({"id": str(i), "user": "ada", "time": 1714557600 + i, "text": f"text {i}"})


def x_post(i: int) -> str:
    return json.dumps(
        {
            "id": str(i),
            "author_id": "7",
            "created_at": "2024-05-01T10:00:00Z",
            "text": f"text {i}",
            "conversation_id": str(i),
        }
    )


def nested(depth: int) -> str:
    return '{"id": "x", "text": ' + "[" * depth + "]" * depth + "}"


@pytest.mark.parametrize("make", [good, x_post])
@pytest.mark.parametrize("depth", [MAX_DEPTH, 5_000, 200_000])
def test_hostile_json_bottomless_nesting_costs_one_line(
    tmp_path: Path, make: object, depth: int
) -> None:
    lines = [make(i) for i in range(150)]  # type: ignore[operator]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*lines[:75], nested(depth), *lines[75:]]) + "\n")
    posts, intake = read([str(path)])
    assert posts.n == 150
    assert dict(intake.rejected) == {f"nested_deeper_than_{MAX_DEPTH}": 1}


def test_hostile_json_brackets_inside_strings_are_no_nesting() -> None:
    assert not too_deep(json.dumps({"text": "[" * 500 + '"{' * 200}).encode())
    assert not too_deep(("[" * MAX_DEPTH + "]" * MAX_DEPTH).encode())
    assert too_deep(("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).encode())


@pytest.mark.parametrize("large", [1, 1 << 60])
def test_hostile_json_a_ten_megabyte_line_costs_one_line(
    tmp_path: Path, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "LARGE", large)
    huge = json.dumps({"id": "9", "author_id": "7", "text": "x" * (MAX_LINE + (2 << 20))})
    lines = [x_post(i) for i in range(150)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*lines[:75], huge, *lines[75:]]) + "\n")
    posts, intake = read([str(path)], quarantine=tmp_path / "q.jsonl")
    assert posts.n == 150
    assert dict(intake.rejected) == {"line_longer_than_8_MiB": 1}
    assert (tmp_path / "q.jsonl").stat().st_size < 4096


def test_hostile_json_torn_lines_are_quarantined_with_their_number(tmp_path: Path) -> None:
    lines = [good(i) for i in range(200)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*lines[:100], good(7)[:30], *lines[100:]]) + "\n")
    posts, intake = read([str(path)], quarantine=tmp_path / "q.jsonl")
    assert (posts.n, dict(intake.rejected)) == (200, {"not_json": 1})
    assert json.loads((tmp_path / "q.jsonl").read_text())["line"] == 101


def test_hostile_json_last_line_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*(good(i) for i in range(200)), good(7)[:30]]))
    posts, intake = read([str(path)])
    assert (posts.n, dict(intake.rejected)) == (200, {"not_json": 1})


@pytest.mark.parametrize("value", ["7", '"word"', "[1]", "null", "true"])
def test_hostile_json_values_that_are_no_objects(tmp_path: Path, value: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*(good(i) for i in range(200)), value]) + "\n")
    posts, intake = read([str(path)])
    assert (posts.n, dict(intake.rejected)) == (200, {"not_an_object": 1})


@pytest.mark.parametrize(
    "field",
    [
        '"referenced_tweets": 7',
        '"referenced_tweets": ["x"]',
        '"entities": []',
        '"entities": {"urls": "x"}',
        '"entities": {"urls": [7]}',
        '"author": "ada"',
        '"public_metrics": [1]',
        '"public_metrics": {"like_count": "many"}',
        '"public_metrics": {"like_count": 1e300}',
        '"note_tweet": "x"',
        '"attachments": {"media": {}}',
        '"lang": 7',
        '"lang": {"a": 1}',
        '"created_at": {"a": 1}',
        '"author_id": ["7"]',
        '"text": {"a": 1}',
    ],
)
def test_hostile_json_fields_of_the_wrong_shape_never_abort(tmp_path: Path, field: str) -> None:
    odd = x_post(999)[:-1] + ", " + field + "}"
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*(x_post(i) for i in range(200)), odd]) + "\n")
    posts, intake = read([str(path)])
    assert posts.n + sum(intake.rejected.values()) == 201
    assert posts.n >= 200


def test_hostile_json_lone_surrogates_and_escaped_nul(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    odd = '{"id": "x", "user": "bob", "time": 1714557600, "text": "a\\ud83d b\\u0000c"}'
    path.write_text("\n".join([*(good(i) for i in range(200)), odd]) + "\n")
    posts, intake = read([str(path)])
    assert posts.n == 201
    row = next(r for r in posts.table.to_pylist() if r["post_id"] == "x")
    assert "\0" not in row["text"]
    assert row["text"].startswith("a")
    assert not intake.rejected


def test_hostile_json_ids_of_any_size_stay_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    big = 10**30 + 7
    path.write_text(f'{{"id": {big}, "user": 9007199254740993, "time": 1, "text": "a"}}\n')
    posts, _ = read([str(path)])
    assert posts.table["post_id"].to_pylist() == [str(big)]
    assert posts.account_ids.to_pylist() == ["9007199254740993"]


def test_hostile_json_a_document_that_is_torn_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[\n  {"id": "1", "user": "ada", "time": 1, "text": "a"},\n  {"id":')
    with pytest.raises(InputError, match="not valid JSON"):
        read([str(path)])


def test_hostile_json_thousands_of_different_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [good(i)[:-1] + f', "k{i}": {{"z{i}": {i}}}}}' for i in range(3000)]
    path.write_text("\n".join(lines) + "\n")
    assert read([str(path)])[0].n == 3000
