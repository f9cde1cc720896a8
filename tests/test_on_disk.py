"""Posts kept on disk: the same case, byte for byte, and run.json says which way was taken."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from klieg import memory, pipeline
from klieg.cli import verbs
from klieg.config import Config
from klieg.sources import Room, lies_on_disk
from klieg.tables import Posts

OUT = ("posts.klieg", "posts.klieg.parquet", "posts.report.html")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world") / "posts.jsonl"
    made = CliRunner().invoke(verbs, ["simulate", str(path), "--accounts", "250", "--seed", "3"])
    assert made.exit_code == 0, made.output
    return path


def scanned(world: Path, folder: Path, *more: str) -> tuple[dict[str, bytes], dict[str, Any], str]:
    """Bytes of the files of a scan, its run.json, and what it printed."""
    folder.mkdir()
    told = ["scan", str(world), "-o", str(folder / "posts.klieg"), "--json", *more]
    result = CliRunner().invoke(verbs, told)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in folder.iterdir()) == sorted([*OUT, "posts.run.json"])
    run = json.loads((folder / "posts.run.json").read_text())
    return {name: (folder / name).read_bytes() for name in OUT}, run, result.stdout


@pytest.fixture(scope="module")
def plain(
    world: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], dict[str, Any], str]:
    return scanned(world, tmp_path_factory.mktemp("plain") / "out")


def no_end(budget: int | None, what: str, need: int = 0) -> None:
    """Let a run go on: the process of the tests itself holds more than the budgets here."""


@pytest.mark.parametrize("most", [0, 300_000])
def test_on_disk_the_case_is_the_same_bytes(
    world: Path, tmp_path: Path, monkeypatch: Any, plain: Any, most: int
) -> None:
    monkeypatch.setenv("TMPDIR", "")
    monkeypatch.setattr(memory, "keep_within", no_end)
    monkeypatch.setattr(pipeline, "_room", lambda _, scratch: Room(most, str(scratch)))
    files, run, said = scanned(world, tmp_path / "out", "--memory", "64GiB")
    assert files == plain[0] and said == plain[2]
    assert len(json.loads(said)["findings"]) > 0, "a world with nothing in it tests little"
    assert run["place"]["posts"] == "on disk"
    assert plain[1]["place"]["posts"] == "in memory"


def test_on_disk_what_fits_the_budget_stays_in_memory(
    world: Path, tmp_path: Path, plain: Any
) -> None:
    files, run, _ = scanned(world, tmp_path / "out", "--memory", "64GiB")
    assert files == plain[0] and run["place"]["posts"] == "in memory"


@pytest.mark.parametrize("mib", [1, 290, 320, 500, 600, 2000, 9000])
def test_on_disk_a_table_takes_what_the_budget_leaves(mib: int) -> None:
    room = pipeline._room(Config(memory=f"{mib}MiB"), Path("/a/b"))
    assert room is not None and room.folder == "/a/b"

    def need(held: int) -> int:
        table = SimpleNamespace(nbytes=held, to_batches=list)
        return pipeline._need(cast(Posts, SimpleNamespace(table=table, acts=None)))

    if room.most:
        assert need(room.most - 9) <= mib << 20 < need(room.most + 9)
    else:
        assert need(9) > mib << 20


def test_on_disk_without_a_budget_there_is_no_limit() -> None:
    assert pipeline._room(Config(), None) is None


def test_on_disk_what_cannot_fit_ends_before_it_starts(
    world: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(memory, "peak", lambda: 0)
    command = ["scan", str(world), "-o", str(tmp_path / "a.klieg"), "--memory", "40MiB", "-q"]
    result = CliRunner().invoke(verbs, command)
    assert result.exit_code != 0
    error = str(result.exception) + result.output
    assert "takes about" in error and "--memory allows 40 MiB" in error
    assert list(tmp_path.iterdir()) == []


def test_on_disk_posts_outlive_the_scan(world: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "keep_within", no_end)
    monkeypatch.setattr(pipeline, "_room", lambda _, scratch: Room(0))
    posts, intake = pipeline.read(world)
    assert lies_on_disk(posts.table) and intake.posts == posts.n
    memory.release()
    texts = posts.table.column("text").take([posts.n - 1, 0]).to_pylist()
    whole = pipeline.read(world)[0]
    assert lies_on_disk(whole.table)
    monkeypatch.undo()
    assert texts == pipeline.read(world)[0].table.column("text").take([posts.n - 1, 0]).to_pylist()
