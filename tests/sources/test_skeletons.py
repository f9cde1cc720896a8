"""One line of each skeleton stands for all: the keys found are those of the whole file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klieg.sources import json_fast, skeletons
from klieg.sources.duck import GaveUp, open_reader, structure
from klieg.sources.lines import MAX_DEPTH, survey

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text('ab"\\{}[]:, \n\té', max_size=4),
)
KEYS = st.text('ab"\\{:é', max_size=2)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=12)


def found(path: Path) -> skeletons.Skeletons:
    return skeletons.skeletons(path, most=1000, room=1 << 20)


def keys(path: Path, lines: list[str] | None) -> Any:
    try:
        with open_reader(path) as (db, known):
            return structure(db, known, lines)
    except GaveUp as why:
        return str(why)


@given(records=RECORDS, spaced=st.booleans(), ended=st.booleans())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_skeletons_stand_for_every_line(
    tmp_path: Path, records: list[dict[str, Any]], spaced: bool, ended: bool
) -> None:
    marks = None if spaced else (",", ":")
    lines = [json.dumps(r, separators=marks, ensure_ascii=spaced) for r in records]
    path = tmp_path / "some.jsonl"
    path.write_text("\n".join(lines) + "\n" * ended, encoding="utf-8")
    seen = found(path)
    assert seen.lines == len(lines)
    assert seen.complete
    samples = [sample.decode() for sample in seen.samples]
    assert set(samples) <= set(lines)
    assert keys(path, samples) == keys(path, None)


def test_skeletons_values_make_no_difference_kinds_and_keys_do(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(
        '{"a": 1, "b": ["x", "y"]}\n{"a": "z", "b": ["w"]}\n'  # alike
        '{"a": null, "b": ["x"]}\n{"a": {}, "b": ["x"]}\n{"a": 1, "b": [1]}\n{"a": 1, "c": ["x"]}\n'
    )
    assert [s[:12] for s in found(path).samples] == [
        *(b'{"a": 1, "b"', b'{"a": null, ', b'{"a": {}, "b', b'{"a": 1, "b"', b'{"a": 1, "c"'),
    ]


def test_skeletons_a_torn_line_is_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text('{"a": "x"}\n{"a": "x\n{"a": "y"}\n{"a": "y"}}\n')
    assert found(path).samples == [b'{"a": "x"}', b'{"a": "x', b'{"a": "y"}}']


def test_skeletons_depth_and_number_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert not found(path).deep
    path.write_text("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert found(path).deep
    path.write_text("".join(f'{{"k{i}": 1}}\n' for i in range(2000)))
    assert not found(path).complete


def test_skeletons_lines_longer_than_a_piece_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skeletons, "_PIECE", 16)
    lines = [json.dumps({"key": "x" * n, "n": n}) for n in (1, 50, 200, 3)] + ['{"other": 1}']
    path = tmp_path / "some.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode())
    seen = found(path)
    assert (seen.lines, seen.samples) == (5, [lines[0].encode(), lines[4].encode()])


def test_skeletons_a_rare_key_of_a_large_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "posts.jsonl"
    rows = [{"id": str(i), "user": {"id": "u"}, "text": "t"} for i in range(3000)]
    rows[2345]["user"] = {"id": "u", "screen_name": "ada"}
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    whole = json_fast.read_columns(path, list)
    monkeypatch.setattr(json_fast, "MANY", 0)
    seen = json_fast.read_columns(path, list)
    assert seen.equals(whole)
    assert seen.column("user.screen_name")[2345].as_py() == "ada"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    records=RECORDS,
    deep=st.lists(st.integers(0, 90), max_size=3),
    wide=st.integers(0, 90),
    ending=st.sampled_from(["", "\n", "\n\n"]),
    piece=st.sampled_from([1, 7, 64, 1 << 19]),
)
def test_skeletons_survey_is_the_survey_of_the_other_path(
    records: list[Any], deep: list[int], wide: int, ending: str, piece: int, tmp_path: Path
) -> None:
    lines = [json.dumps(r) for r in records] + ["[" * d + "]" * d + " " for d in deep]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([*lines, "[" + "{}," * wide + '"[[["]']) + ending)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skeletons, "_SURVEYED", piece)
        assert skeletons.survey(path) == survey(path)


def test_skeletons_warm_compiles_all_that_reading_calls(tmp_path: Path) -> None:
    skeletons.warm()
    entries = (skeletons._marked, skeletons._crowds)  # (what these call, they hold)
    compiled = [list(entry.signatures) for entry in entries]
    assert all(compiled)
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": [1, "b"], "c": {"d": null}}\n' * 5)
    assert found(path).lines == 5
    assert skeletons.survey(path) == (5, False)
    assert [list(entry.signatures) for entry in entries] == compiled
