"""Threat: names and values that speak to the terminal: escapes, direction marks, piles of accents.

What klieg prints is text. No escape, control or direction character reaches the terminal that did
not come from klieg itself, whichever door it came in by: a file's name, a column's, a value, an
option, an error about any of them.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klieg import cli

ZALGO = "a" + "\u0301\u0316\u0488" * 20
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07x",
    "\x9b31mred",
    "\u202egnp.exe",
    "\u2066a\u2069\u200b",
    "a\rb\x08\x7f",
    "two\nklieg: all is well",
    ZALGO,
)


class Said(NamedTuple):
    code: int
    text: str


def klieg(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    """Run the command line in this process; exit code, and everything it printed."""
    before = sys.argv
    sys.argv = ["klieg", *words]
    try:
        cli.main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.argv = before
    said = capsys.readouterr()
    return Said(code, said.out + said.err)


def assert_tame(text: str) -> None:
    pile = 0
    for c in text:
        assert c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"}, ascii(text)
        pile = pile + 1 if unicodedata.combining(c) else 0
        assert pile <= 3, ascii(text)


def table(path: Path, header: str = "id,user,created_at,text", value: str = "text") -> Path:
    rows = [f'{i},u{i},{1714557600 + i * 61},"{value} {i}"' for i in range(30)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("words", [("--dry-run",), ("--no-report", "--force"), ("--json",)])
def test_hostile_terminal_names_of_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    table(Path(name + ".csv"))
    said = klieg(capsys, "scan", name + ".csv", *words)
    assert said.code == 0, said.text
    if "--json" not in words:  # JSON is for programs; its own escapes cover what a terminal obeys
        assert_tame(said.text)
    else:
        assert "\x1b" not in said.text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_terminal_errors_about_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = klieg(capsys, "scan", name)  # absent
    assert said.code == 3
    assert_tame(said.text)
    Path(name).write_bytes(b"\0\1\2\3" * 99)
    for words in (("scan", name), ("scan", name, "--dry-run"), ("show", name), ("export", name)):
        said = klieg(capsys, *words)
        assert said.code != 0
        assert_tame(said.text)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_terminal_columns_values_and_options(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    quoted = '"' + name + '"'
    table(Path("columns.csv"), f"id,user,created_at,{quoted}")
    table(Path("values.csv"), value=name)
    table(Path("times.csv")).write_text(f'id,user,time,text\n1,ada,"{name}",x\n', "utf-8")
    for words in (
        ("columns.csv",),
        ("columns.csv", "--map", f"text={name}", "--dry-run"),
        ("columns.csv", "--map", f"text={name}!"),
        ("columns.csv", "--map", f"{name}=id"),
        ("values.csv", "--dry-run"),
        ("values.csv", "--format", name),
        ("values.csv", "--signals", name),
        ("times.csv",),
        ("times.csv", "--dry-run"),
        ("values.csv", f"--{name}"),
    ):
        assert_tame(klieg(capsys, "scan", *words).text)
    for words in ((name,), ("config", name), ("doctor", name)):
        assert_tame(klieg(capsys, *words).text)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_hostile_terminal_whatever_is_named_nothing_wild_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    missing = str(tmp_path / ("x" + name[:60]))
    said = klieg(capsys, "scan", "--dry-run", "--map", f"text={name}", "--", missing)
    assert said.code in {2, 3}
    assert_tame(said.text)


def test_hostile_terminal_the_quarantine_is_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        json.dumps({"id": i, "user": "u", "time": 1714557600 + i, "text": "t"}) for i in range(200)
    ]
    Path("a.jsonl").write_text("\n".join([*rows, "{\x1b[2J"]) + "\n", encoding="utf-8")
    said = klieg(capsys, "scan", "a.jsonl", "--no-report")
    assert said.code == 0, said.text
    assert_tame(said.text)
    assert "\x1b" not in Path("a.quarantine.jsonl").read_text("utf-8")
