"""run.json says how a case was made and proves its bytes; timings stand there only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from klieg.case import Case, file_hashes, write_run


def test_runfile_holds_what_a_replay_needs(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "bridge.klieg")
    write_run(tmp_path / "bridge.run.json", case, {"read": 0.25, "detect": 1.5})
    run = json.loads((tmp_path / "bridge.run.json").read_text(encoding="utf-8"))
    assert run["version"] == case.run.version
    assert run["config"] == case.run.config
    assert run["seed"] == 7
    assert run["inputs"][0]["sha256"] == "ab" * 32
    assert run["outputs"] == file_hashes(tmp_path / "bridge.klieg")
    assert run["timings"] == {"read": 0.25, "detect": 1.5}
    assert run["counts"]["posts"] == 12
    assert run["counts"]["edges"] == {"link": 6, "repost": 3, "multiplex": 6}
    assert run["libraries"]["numpy"]
    assert run["libraries"]["python"]


def test_runfile_says_where_it_ran(case: Case, tmp_path: Path) -> None:
    place = {"executor": "ray", "threads": 2, "memory": ""}
    write_run(tmp_path / "a.run.json", case, {}, place=place)
    write_run(tmp_path / "b.run.json", case, {})
    a, b = (json.loads((tmp_path / f"{n}.run.json").read_text("utf-8")) for n in "ab")
    assert a["place"] == place and b["place"] == {}
    assert a["libraries"]["ray"] and "ray" not in b["libraries"]


def test_runfile_keeps_the_format_and_mapping_that_were_asked_for(
    case: Case, tmp_path: Path
) -> None:
    command = ("scan", "a.csv", "--format", "table", "--map", "text=body", "--map=time=at")
    asked = replace(case, run=replace(case.run, command=command))
    for path, made, wanted in (
        (tmp_path / "a.run.json", asked, ("table", {"text": "body", "time": "at"})),
        (tmp_path / "b.run.json", case, (None, {})),
    ):
        write_run(path, made, {})
        run = json.loads(path.read_text(encoding="utf-8"))
        assert (run["format"], run["mapping"]) == wanted
        assert run["outputs"] == {}


def test_runfile_finds_a_case_by_another_name(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "x.klieg")
    write_run(tmp_path / "how.json", case, {}, case_path=tmp_path / "x.klieg")
    run = json.loads((tmp_path / "how.json").read_text(encoding="utf-8"))
    assert run["outputs"] == file_hashes(tmp_path / "x.klieg")
    assert str(tmp_path) not in json.dumps(run)
