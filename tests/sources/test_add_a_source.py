"""What docs/add-a-source.md shows is run: installed, found, checked, and used for a dry run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from klieg.sockets import names

PAGE = Path(__file__).parents[2] / "docs" / "add-a-source.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The page's modules in a folder that is a package as pip would leave it."""
    for code in blocks("python"):
        name = re.match(r"# (\w+)\.py\n", code)
        assert name, "a block's first line names its file"
        (tmp_path / f"{name[1]}.py").write_text(code, encoding="utf-8")
    about = tmp_path / "forums-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: forums\nVersion: 1.0\n")
    [table] = blocks("toml")
    header, *lines = table.splitlines()
    group = re.fullmatch(r'\[project\.entry-points\."(.*)"\]', header)
    assert group
    points = "\n".join(line.replace('"', "") for line in lines)
    (about / "entry_points.txt").write_text(f"[{group[1]}]\n{points}\n")
    return tmp_path


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_add_a_source_the_table_takes_ten_lines() -> None:
    agora, _ = blocks("python")
    lines = [x for x in agora.splitlines() if x and not x.startswith(("#", '"""'))]
    assert len(lines) <= 10


def test_add_a_source_the_page_keeps_every_promise_and_is_used(installed: Path) -> None:
    [console] = blocks("console")
    verify = re.search(r"python -c '(.*)'", console)
    assert verify
    checks = verify[1] + '; verify("sources", "stoa")'
    checked = ran(installed, "-c", checks)
    assert checked.returncode == 0, checked.stderr
    (installed / "dump.csv").write_text(
        "number,member,written,words\n5,ada,2024-05-01 10:00:00,hello there\n"
    )
    assert "klieg scan dump.csv --dry-run" in console
    dry = ran(installed, "-m", "klieg", "scan", "dump.csv", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "agora" in dry.stdout and "hello there" in dry.stdout


def test_add_a_source_a_promise_not_kept_is_told(installed: Path) -> None:
    module = installed / "agora.py"
    # known by nothing: it would be as sure of others' tables as of its own
    module.write_text(module.read_text().replace('("member", "written", "words"),', "(),"))
    checked = ran(
        installed,
        "-c",
        "from klieg.contracts import Plugin, checks\n"
        "from klieg.sockets import factory\n"
        'plugin = Plugin("sources", "agora", factory("sources", "agora"))\n'
        '[check] = [c for c in checks("sources") if c.name == "modest"]\n'
        "check.trial(plugin)",
    )
    assert checked.returncode != 0
    assert "ContractBroken: sniff() of example" in checked.stderr


def test_add_a_source_every_format_has_its_row() -> None:
    page = PAGE.with_name("formats.md").read_text(encoding="utf-8")
    first = page.partition("| run |")[2].partition("\n\n")[0]  # the table that says what was run
    rows = {m[1]: m[0] for m in re.finditer(r"^\| `(\w+)` \|.*$", first, re.M)}
    assert set(rows) == set(names("sources"))
    for name, row in rows.items():
        assert re.search(r"not yet|on real exports", row.rsplit("|", 2)[1]), f"{name}: was it run?"
