"""Threat: tables in the wrong dialect: marks, delimiters, index columns, encodings."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from klieg.errors import InputError
from klieg.sources import preview, read
from klieg.sources.delimited import MAX_FIELD

TEXTS = ["grün, “so”", 'a "b" c', "日本語", "plain", "two\nlines", "= 1 + 1", "x;y|z\tw"]


def table(delimiter: str = ",", *, index: bool = False, end: str = "\n", n: int = 60) -> str:
    def row(values: list[str]) -> str:
        quoted = (
            '"' + v.replace('"', '""') + '"' if any(c in v for c in '",;|\t\n') else v
            for v in values
        )
        return delimiter.join(quoted)

    lines = [row(["id", "user", "created_at", "text"])]
    for i in range(n):
        own = [str(i), f"u{i % 7}", str(1714557600 + i * 61), f"{TEXTS[i % len(TEXTS)]} {i}"]
        lines.append(row([str(i), *own] if index else own))
    return end.join(lines) + end


def texts(path: Path, **more: Any) -> list[str]:
    found: list[str] = read([str(path)], **more)[0].table["text"].to_pylist()
    return found


EXPECTED = [f"{TEXTS[i % len(TEXTS)]} {i}" for i in range(60)]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("torn", [False, True])
def test_hostile_dialect_is_found_and_read(
    tmp_path: Path, mark: str, delimiter: str, index: bool, torn: bool
) -> None:
    path = tmp_path / "a.csv"
    more = f"7{delimiter}ada\n" if torn else ""  # one bad row sends it down the tolerant path
    path.write_text(mark + table(delimiter, index=index) + more, encoding="utf-8")
    assert texts(path, max_bad=0.1) == EXPECTED
    assert preview([str(path)])[0]["mapping"]["text"] == "text"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_hostile_dialect_encodings_with_a_mark(tmp_path: Path, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    (tmp_path / "a.csv").write_bytes(mark + table().encode(encoding))
    assert texts(tmp_path / "a.csv") == EXPECTED


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_hostile_dialect_lines_of_another_encoding_inside_utf8(
    tmp_path: Path, encoding: str
) -> None:
    lines = [line.encode() for line in table().split("\n")]
    lines[4] = '3,u3,1714557783,"é à ü"'.encode(encoding)
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join(lines))
    posts, intake = read([str(path)])
    assert "é à ü" in posts.table["text"].to_pylist()
    assert "日本語 9" in posts.table["text"].to_pylist()
    assert any("Windows-1252" in note for note in intake.notes)


def test_hostile_dialect_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(table(end="\r\n").encode())
    assert texts(tmp_path / "a.csv") == EXPECTED


@pytest.mark.parametrize("last", ['61,ada,1714561600,"open', '61,ada,1714561600,"open\n'])
def test_hostile_dialect_an_open_quote_in_the_last_row_is_seen(tmp_path: Path, last: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(table() + last, encoding="utf-8")
    posts, intake = read([str(path)], max_bad=0.1)
    assert posts.n == 60
    assert dict(intake.rejected) == {"torn_row": 1}


def test_hostile_dialect_a_huge_field_in_a_column_nobody_wants_costs_nothing(
    tmp_path: Path,
) -> None:
    rows = [f"{i},u{i % 7},{1714557600 + i},text {i},x" for i in range(40)]
    rows[20] = rows[20][:-1] + "y" * (MAX_FIELD + 9)
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["id,user,created_at,text,blob", *rows]) + "\n", encoding="utf-8")
    assert read([str(path)])[0].n == 40


def test_hostile_dialect_a_ragged_table_is_refused_when_nothing_fits(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,user,created_at,text\n" + "1,2\n" * 50, encoding="utf-8")
    with pytest.raises(InputError):
        read([str(path)])


def test_hostile_dialect_the_tolerant_path_holds_a_few_records_at_a_time(tmp_path: Path) -> None:
    """A torn row must not make a large file take many times its size in memory."""
    path = tmp_path / "a.csv"
    line = "{},u1,1714557600," + "x" * 400 + "\n"
    with path.open("w", encoding="utf-8") as out:
        out.write("id,user,created_at,text,unused\n7,ada\n")
        for i in range(14_000):
            out.write(line.format(i).replace("\n", "," + "y" * 400 + "\n"))
    size = path.stat().st_size
    from klieg.sources.delimited import read_table
    from klieg.sources.desk import Desk
    from klieg.sources.inputs import open_input

    def held() -> tuple[int, int]:
        table, numbers = read_table(open_input(str(path)), ["id"], Desk("a", lambda reject: None))
        return table.num_rows, len(numbers)

    # again and again: the fast path, when it gives up, must not read from the tolerant one's file
    assert {held() for _ in range(3)} == {(14_000, 14_000)}
    tracemalloc.start()
    held()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size // 3
