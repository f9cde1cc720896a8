"""While an input is read it is told how much of it is done: the base of a rate and a time left."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from klieg.sources import delimited as csvs
from klieg.sources import duck, lines, read


def posts(n: int) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([str(i) for i in range(n)]),
            "user": pa.array([f"u{i % 9}" for i in range(n)]),
            "created_at": pa.array([1714557600 + i * 61 for i in range(n)]),
            "text": pa.array([f"text {i}" for i in range(n)]),
        }
    )


@pytest.mark.parametrize(
    ("name", "unit"),
    [("a.csv", "MB"), ("slow.csv", "MB"), ("a.jsonl", "MB"), ("a.parquet", "rows")],
)
def test_progress_reaches_the_end_in_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, unit: str
) -> None:
    monkeypatch.setattr(csvs, "MB", 1000)
    monkeypatch.setattr(csvs, "BLOCK", 1 << 14)
    monkeypatch.setattr(lines, "MB", 1000)
    table, path = posts(3000), tmp_path / name
    if name.endswith("csv"):
        pacsv.write_csv(table, path)
        if name.startswith("slow"):
            path.write_bytes(path.read_bytes() + b"7,ada\n")
    elif name.endswith("parquet"):
        pq.write_table(table, path, row_group_size=500)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    told: list[tuple[str, int, int | None]] = []
    read([str(path)], progress=lambda *call: told.append(call))
    steps = [(done, of) for stage, done, of in told if stage == f"reading {name}: {unit}"]
    done = [d for d, _ in steps]
    if name.startswith("slow"):  # the fast path gave up somewhere: the tolerant one began anew
        done = done[max(i for i in range(1, len(done)) if done[i] < done[i - 1]) :]
    assert len(set(done)) >= 4
    assert done == sorted(done)
    assert len({of for _, of in steps}) == 1
    assert steps[-1][0] >= 0.9 * (steps[-1][1] or 0) > 0


def test_progress_of_the_fast_path_for_json_counts_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "LARGE", 1)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in posts(3000).to_pylist()))
    told: list[tuple[str, int, int | None]] = []
    read([str(path)], progress=lambda *call: told.append(call))
    assert ("reading a.jsonl: rows", 3000, 3000) in told
