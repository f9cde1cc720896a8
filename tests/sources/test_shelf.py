"""Batches put aside: what comes back is what was put, from memory or from a passing file."""

from __future__ import annotations

import errno
import gc
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg import memory
from klieg.errors import EngineError
from klieg.sources import Room, duck, lies_on_disk, read, within
from klieg.sources.shelf import Shelf, is_mapped
from klieg.tables import Intake, Posts

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux's own count")


def batch(first: int, rows: int) -> pa.RecordBatch:
    numbers = range(first, first + rows)
    return pa.record_batch(
        {
            "number": pa.array(numbers, pa.int64()),
            "word": pa.array([f"word {i}" if i % 3 else None for i in numbers], pa.string()),
            "words": pa.array([[str(i)] * (i % 4) for i in numbers], pa.list_(pa.string())),
        }
    )


@settings(max_examples=25)
@given(st.lists(st.integers(0, 40), max_size=12), st.integers(0, 3000), st.booleans())
def test_shelf_gives_back_what_was_put(sizes: list[int], most: int, given_away: bool) -> None:
    put = [batch(sum(sizes[:i]), n) for i, n in enumerate(sizes)]
    room = Room(most)
    with within(memory="1GiB", room=room):
        shelf = Shelf().put_all(put)
        assert room.held <= most
        if given_away:
            assert list(shelf.batches()) == put
        elif put:
            assert shelf.table().equals(pa.Table.from_batches(put))
    assert room.used == (sum(b.nbytes for b in put) > most)
    del shelf
    assert room.held == 0


def test_shelf_counts_what_all_of_a_run_hold() -> None:
    one = batch(0, 100)
    room = Room(int(one.nbytes * 1.5))
    with within(memory="1GiB", room=room):
        first = Shelf(lasting=True).put_all([one]).table()
        assert not lies_on_disk(first) and room.held == one.nbytes
        second = Shelf().put_all([one]).table()
        assert lies_on_disk(second) and second.equals(first) and room.held == one.nbytes


def test_shelf_leaves_batches_of_a_file_where_they_are() -> None:
    room = Room(0)
    with within(memory="1GiB", room=room):
        table = Shelf().put_all([batch(0, 50), batch(50, 50)]).table()
        shelf = Shelf().put_all(table.to_batches())
        assert room.held == 0
        again = shelf.table()
    at = [c.chunk(0).buffers()[1].address for c in (table["number"], again["number"])]
    assert at[0] == at[1] and is_mapped(again.to_batches()[0])


def test_shelf_without_a_budget_touches_no_file(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    assert Shelf().put_all([batch(0, 10)]).table().num_rows == 10
    with pytest.raises(EngineError, match=r"no place for passing files .*nowhere.*set TMPDIR"):
        Shelf(on_file=True)


def test_shelf_leaves_no_name_in_the_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with within(memory="1GiB", room=Room(0)):
        table = Shelf().put_all([batch(0, 1000)]).table()
        assert list(tmp_path.iterdir()) == []
    assert table["number"].to_pylist() == list(range(1000))


@LINUX
def test_shelf_is_put_beside_the_case_unless_tmpdir_says_where(
    tmp_path: Path, monkeypatch: Any
) -> None:
    for asked, where in (("", tmp_path / "beside"), (str(tmp_path / "own"), tmp_path / "own")):
        where.mkdir()
        monkeypatch.setenv("TMPDIR", asked)
        with within(memory="1GiB", room=Room(0, str(tmp_path / "beside"))):
            table = Shelf().put_all([batch(0, 10)]).table()
        maps = Path("/proc/self/maps").read_text()
        assert f"{where}/" in maps, "the pages are those of a file in that folder"
        del table
        gc.collect()


@LINUX
def test_shelf_pages_count_until_they_are_let_go() -> None:
    room, rows = Room(0), 1 << 20
    with within(memory="1GiB", room=room):
        shelf = Shelf()
        for i in range(8):
            shelf.put(pa.record_batch({"n": pa.array(np.arange(rows) + i)}))  # 64 MiB in all
        table = shelf.table()
    memory.release()
    before = memory.resident()
    whole = pc.sum(table["n"]).as_py()
    assert memory.resident() - before > 40 << 20
    memory.let_go()
    assert memory.resident() - before < 12 << 20
    assert pc.sum(table["n"]).as_py() == whole == 8 * (rows * (rows - 1) // 2) + 28 * rows


def test_shelf_says_when_the_disk_is_full(monkeypatch: Any) -> None:
    class Full:
        closed, written = False, 0

        def write(self, data: Any) -> int:
            if self.written > 4096:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.written += len(data)
            return len(data)

        def tell(self) -> int:
            return self.written

        def flush(self) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    with (
        within(memory="1GiB", room=Room(0, "/somewhere")),
        pytest.raises(EngineError, match=r"the disk is full: .*set TMPDIR to a larger one"),
    ):
        Shelf().put_all(batch(i * 100, 100) for i in range(100)).table()


KILLED = """
import os, signal, sys
from klieg.sources import Room, within
from klieg.sources.shelf import Shelf
import pyarrow as pa
with within(memory="1GiB", room=Room(0)):
    table = Shelf().put_all([pa.record_batch({"n": list(range(9999))})]).table()
    print(len(os.listdir(os.environ["TMPDIR"])), flush=True)
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_shelf_leaves_nothing_behind_when_the_run_is_ended(tmp_path: Path, how: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", KILLED, how],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert said.returncode != 0 and said.stdout == "0\n", said.stderr
    assert list(tmp_path.iterdir()) == []


# --- whole readings ------------------------------------------------------------------------------


def rows(n: int, seed: int) -> list[dict[str, Any]]:
    """Posts out of order, some twice, some within a minute of their like, some with tied times."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        k = rng.randrange(n) if rng.random() < 0.1 else i
        made.append(
            {
                "id": str(10**17 + k) if k % 7 else "",
                "author_id": f"account {k % 23}",
                "created_at": f"2024-05-{1 + k % 28:02d}T10:{k % 60:02d}:{(k // 3) % 60:02d}.000Z",
                "text": f"words {k % 50} #tag{k % 5} \u00e9" if k % 11 else "the same words\0",
                "lang": "en" if k % 2 else "de",
            }
        )
    rng.shuffle(made)
    return made


def written(made: list[dict[str, Any]], folder: Path, kind: str) -> str:
    import csv
    import json

    path = folder / f"posts.{kind.partition(' ')[0]}"
    if path.suffix == ".jsonl":
        lines = [{**r, "conversation_id": r["id"]} if "x" in kind else r for r in made]
        path.write_text("".join(json.dumps(r) + "\n" for r in lines))
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(made[0]))
            writer.writeheader()
            writer.writerows({**r, "text": r["text"].replace("\0", "")} for r in made)
    else:
        pq.write_table(pa.Table.from_pylist(made), path, row_group_size=100)
    return str(path)


def same(a: tuple[Posts, Intake], b: tuple[Posts, Intake]) -> None:
    assert a[0].table.equals(b[0].table)
    for name in ("account", "time"):
        assert np.array_equal(getattr(a[0], name), getattr(b[0], name))
    assert a[0].account_ids.equals(b[0].account_ids)
    assert a[0].account_platforms.equals(b[0].account_platforms)
    assert a[0].resolution == b[0].resolution
    assert a[1] == b[1]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl x", "csv", "parquet"])
@pytest.mark.parametrize("large", [0, 1 << 40])
def test_shelf_a_reading_is_the_same_under_every_budget(
    tmp_path: Path, monkeypatch: Any, kind: str, large: int
) -> None:
    monkeypatch.setattr(duck, "LARGE", large)
    files = [written(rows(700, seed), tmp_path, kind) for seed in (1,)]
    (tmp_path / "more").mkdir()
    files.append(written(rows(300, 2), tmp_path / "more", kind))
    plain = read(files, max_bad=1)
    assert not lies_on_disk(plain[0].table)
    ways = set()
    for most in (0, 20_000, 100_000, 1 << 30):
        with within(memory="1GiB", room=Room(most)):
            kept = read(files, max_bad=1)
        same(plain, kept)
        ways.add(lies_on_disk(kept[0].table))
        assert [c.num_chunks for c in kept[0].table.columns] == [1] * kept[0].table.num_columns
    assert ways == {True, False}
