"""Threat: CSV with torn quotes, missing fields, NUL bytes, two encodings and endless fields."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klieg.errors import InputError
from klieg.sources import read
from klieg.sources.delimited import MAX_FIELD

HEADER = "id,user,created_at,text"


def row(i: int, text: str = "") -> str:
    return f"{i},u{i % 7},{1714557600 + i * 61},{text or f'text {i}'}"


def table(path: Path, rows: list[str]) -> str:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "bad",
    [
        "7,ada",
        "7,ada,1714557600,a,b,c,d",
        '7,ada,1714557600,"an open quote',
        '7,"ada,1714557600,text',
        "7",
        '7,ada,1714557600,"a"b"c,d',
    ],
)
@pytest.mark.parametrize("at", [0, 150, 300])
def test_hostile_csv_a_torn_row_costs_one_row(tmp_path: Path, bad: str, at: int) -> None:
    rows = [row(i) for i in range(300)]
    rows.insert(at, bad)
    posts, intake = read([table(tmp_path / "a.csv", rows)], quarantine=tmp_path / "q.jsonl")
    assert posts.n == 300
    assert dict(intake.rejected) == {"torn_row": 1}
    assert any("record by record" in note for note in intake.notes)
    assert json.loads((tmp_path / "q.jsonl").read_text())["line"] == at + 2


def test_hostile_csv_quotes_in_the_middle_and_newlines_inside_are_no_damage(tmp_path: Path) -> None:
    rows = [row(i) for i in range(100)]
    rows[50] = row(50, 'a 5" screen')
    rows[60] = row(60, '"two\nlines, and a ""word"""')
    posts, intake = read([table(tmp_path / "a.csv", rows)])
    texts = dict(
        zip(posts.table["post_id"].to_pylist(), posts.table["text"].to_pylist(), strict=True)
    )
    assert texts["50"] == 'a 5" screen'
    assert texts["60"] == 'two\nlines, and a "word"'
    assert not intake.rejected


def test_hostile_csv_both_paths_read_the_same(tmp_path: Path) -> None:
    rows = [row(i) for i in range(300)]
    rows[60] = row(60, '"two\nlines, and a ""word"""')
    rows[70] = row(70, '"  spaced  "')
    clean, _ = read([table(tmp_path / "a.csv", rows)])
    torn, intake = read([table(tmp_path / "b.csv", [*rows, "7,ada"])])
    assert any("record by record" in note for note in intake.notes)
    drop = ["source_file"]
    assert clean.table.drop_columns(drop).to_pylist() == torn.table.drop_columns(drop).to_pylist()


def test_hostile_csv_two_encodings_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [row(i).encode() for i in range(200)]
    rows[20] = row(20, "grün").encode("utf-8")
    rows[30] = row(30, "grün").encode("cp1252")
    path.write_bytes(b"\n".join([HEADER.encode(), *rows]) + b"\n")
    posts, intake = read([str(path)])
    texts = dict(
        zip(posts.table["post_id"].to_pylist(), posts.table["text"].to_pylist(), strict=True)
    )
    assert (texts["20"], texts["30"]) == ("grün", "grün")
    assert any("Windows-1252" in note for note in intake.notes)


def test_hostile_csv_nul_bytes_are_taken_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [row(i).encode() for i in range(200)]
    rows[30] = row(30, "a\0b").encode()
    path.write_bytes(b"\n".join([HEADER.encode(), *rows]) + b"\n")
    posts, intake = read([str(path)])
    texts = dict(
        zip(posts.table["post_id"].to_pylist(), posts.table["text"].to_pylist(), strict=True)
    )
    assert texts["30"] == "ab"
    assert any("NUL" in note for note in intake.notes)


@pytest.mark.parametrize("megabytes", [2, 20])
def test_hostile_csv_an_endless_field_costs_its_row(tmp_path: Path, megabytes: int) -> None:
    rows = [row(i) for i in range(300)]
    rows[100] = row(100, "x" * (megabytes * MAX_FIELD))
    posts, intake = read([table(tmp_path / "a.csv", rows)], quarantine=tmp_path / "q.jsonl")
    assert posts.n == 299
    assert dict(intake.rejected) == {"field_longer_than_1_MiB": 1}
    assert (tmp_path / "q.jsonl").stat().st_size < 4096


def test_hostile_csv_that_is_all_open_quotes_ends_soon(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    filler = "".join(f'{i},ada,1714557600,"open {"x" * 500}\n,\n' for i in range(20_000))
    path.write_text(HEADER + "\n" + filler)
    with pytest.raises(InputError):
        read([str(path)])


def test_hostile_csv_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,user,created_at,text,text\n1,ada,1714557600,first,second\n")
    assert read([str(path)])[0].table["text"].to_pylist() == ["first"]


def test_hostile_csv_header_only_is_no_posts_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "\n")
    posts, intake = read([str(path)])
    assert (posts.n, intake.rows) == (0, 0)


def test_hostile_csv_old_and_foreign_line_ends(tmp_path: Path) -> None:
    for name, end in (("a.csv", "\r\n"), ("b.csv", "\n")):
        (tmp_path / name).write_bytes((end.join([HEADER, row(1), row(2)]) + end).encode())
        posts, _ = read([str(tmp_path / name)])
        assert posts.table["text"].to_pylist() == ["text 1", "text 2"]


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(
        st.text(st.sampled_from("ab \"\n,;'\t é"), max_size=12), min_size=5, max_size=12
    ),
    torn=st.booleans(),
)
def test_hostile_csv_whatever_a_writer_quotes_a_reader_gets_back(
    texts: list[str], torn: bool, tmp_path: Path
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    for i, text in enumerate(texts):
        writer.writerow([str(i), f"u{i}", 1714557600 + i, f"{text}."])
    (tmp_path / "a.csv").write_text(out.getvalue() + ("99,ada\n" if torn else ""))
    posts, _ = read([str(tmp_path / "a.csv")], max_bad=0.5)
    assert posts.table["text"].to_pylist() == [f"{t}." for t in texts]


def test_hostile_csv_random_damage_never_loses_a_row_silently(tmp_path: Path) -> None:
    draw = random.Random(3)
    clean = "\n".join([HEADER, *(row(i, f'"t {i}, ""x"""') for i in range(400))]) + "\n"
    outcomes: list[Any] = []
    for n in range(15):
        raw = bytearray(clean.encode())
        for _ in range(3):
            at = draw.randrange(len(HEADER) + 1, len(raw))
            raw[at] = draw.choice(b'",\n\0\xff')
        (tmp_path / f"{n}.csv").write_bytes(bytes(raw))
        posts, intake = read([str(tmp_path / f"{n}.csv")], max_bad=1.0)
        gone = sum(intake.counts.get(k, 0) for k in ("duplicate_id", "duplicate_text"))
        assert intake.rows == posts.n + gone + sum(intake.rejected.values())
        assert posts.n >= 390
        outcomes.append(posts.n)
    assert min(outcomes) < 400, "the damage did no damage: this test tests nothing"
