"""Threat: names of files and columns that are SQL, patterns of names, or half a quotation."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from klieg.sources import duck, preview, read
from klieg.sources.limits import within

NAMES = (
    "'; drop table posts; --.x",
    'a"b.x',
    "posts[1].x",
    "a*.x",
    "a?c.x",
    "{a,b}.x",
    "**.x",
    "$path.x",
    "-- .x",
    "a b%20c.x",
    "posts.x' UNION SELECT * FROM read_csv('other.x",
)
COLUMNS = ("'; drop table x; --", 'say "text"', "a.b", "[*]", "select", "x'); COPY y TO 'z")


def rows(n: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{i}",
            "user": f"u{i % 7}",
            "created_at": f"2024-05-01T10:{i // 60 % 60:02}:{i % 60:02}Z",
            "body": f"text {i}",
        }
        for i in range(first, first + n)
    ]


def write(path: Path, kind: str, given: list[dict[str, Any]]) -> None:
    if kind == "jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in given), encoding="utf-8")
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(given), path)
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(given[0]))
            writer.writeheader()
            writer.writerows(given)


@pytest.fixture(autouse=True)
def fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duck, "LARGE", 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_hostile_names_of_files_open_that_file_and_no_other(
    tmp_path: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for decoy in ("posts1.x", "abc.x", "a.x", "b.x", "other.x"):
        write(Path(decoy), kind, rows(20, 500))
    hostile = Path(name.replace("/", "∕"))
    write(hostile, kind, rows(20))
    before = sorted(p.name for p in tmp_path.iterdir())
    posts, intake = read([str(hostile)])
    assert sorted(posts.table["text"].to_pylist()) == sorted(r["body"] for r in rows(20))
    assert not intake.rejected
    if kind == "jsonl":
        assert not any("line by line" in note for note in intake.notes), "the fast path gave up"
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert preview([str(hostile)])[0]["looked_at"] == 20


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_hostile_names_of_columns_are_only_names(tmp_path: Path, column: str, kind: str) -> None:
    path = tmp_path / "a.x"
    given = [{**{k: v for k, v in r.items() if k != "body"}, column: r["body"]} for r in rows(20)]
    write(path, kind, given)
    posts, _ = read([str(path)], mapping={"text": column})
    assert posts.table["text"].to_pylist() == [r["body"] for r in rows(20)]
    assert [p.name for p in tmp_path.iterdir()] == ["a.x"]


def test_hostile_names_the_reader_of_one_file_can_read_no_other(tmp_path: Path) -> None:
    import duckdb

    for name in ("a.jsonl", "secret.jsonl"):
        write(tmp_path / name, "jsonl", rows(5))
    other = str(tmp_path / "secret.jsonl")
    with duck.open_reader(tmp_path / "a.jsonl") as (db, path):
        assert len(db.execute("SELECT * FROM read_json($p)", {"p": str(path)}).fetchall()) == 5
        for query in (
            f"SELECT * FROM read_json('{other}')",
            f"SELECT * FROM read_csv('{other}')",
            f"SELECT * FROM '{other}'",
            f"SELECT * FROM glob('{tmp_path}/*')",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/new.db'",
            "INSTALL httpfs",
            "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                found = db.execute(query).fetchall()
                assert found == [] and "glob" in query, query
                raise duckdb.Error("a pattern that matches nothing")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jsonl", "secret.jsonl"]


def test_hostile_names_limits_reach_the_reader(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", "jsonl", rows(5))
    before = pa.cpu_count()
    with (
        within(threads=1, memory="1GiB"),
        duck.open_reader(tmp_path / "a.jsonl") as (db, _),
    ):
        threads, memory = db.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit')"
        ).fetchone()
        assert (threads, memory) == (1, "256.0 MiB")
        assert pa.cpu_count() == 1
    assert pa.cpu_count() == before
