"""The documentation tells the truth: every verb, knob, signal and claim of the README stands."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import click
import pytest

from klieg.cli import VERBS, verbs
from klieg.config import knobs
from klieg.sockets import names

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

# Frozen: a flag that appears, vanishes or is renamed must be decided here, not by accident.
FLAGS = {
    "scan": (
        "--output --report --no-report --share --force --format --map --dry-run --fail-on "
        "--false-alarms --seed --signals --windows --shuffle-kinds --shuffles "
        "--max-bad --threads --memory "
        "--engine --ray-address --resume --json --quiet"
    ),
    "demo": (
        "--accounts --days --quiet-world --output --force --false-alarms --seed --signals "
        "--windows --shuffle-kinds --shuffles --max-bad --threads --memory "
        "--engine --ray-address --resume "
        "--json --quiet"
    ),
    "show": "--all --json",
    "history": "--json",
    "export": "--output --edge --finding --table --share --dehydrate --raw-cells --force",
    "network": (
        "--like --network --time-window --min-edge-weight --similarity-threshold "
        "--min-participation --edge-weight --fast-window --keep-loops --output --force --threads "
        "--memory --engine --ray-address --quiet"
    ),
    "simulate": (
        "--accounts --days --seed --world --list --generator --collect --no-campaigns "
        "--no-look-alikes --force"
    ),
    "evaluate": "--baselines --dealt --full --json --output --section --seeds --suite",
    "replay": "--inputs --json",
    "config": "--json --verbose",
    "doctor": "--warm --json",
}


def command_of(name: str) -> click.Command:
    command = verbs.get_command(click.Context(verbs), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", sorted(VERBS))
def test_docs_flags_are_frozen(name: str) -> None:
    flags = [max(p.opts, key=len) for p in command_of(name).params if isinstance(p, click.Option)]
    assert sorted(flags) == sorted(FLAGS[name].split())


@pytest.mark.parametrize("name", sorted(VERBS))
def test_docs_every_verb_explains_itself(name: str) -> None:
    command = command_of(name)
    assert command.help
    assert len(command.help) > 60
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help or parameter.show_default, f"{name} {parameter.opts} has no help"


@pytest.mark.parametrize("page", ["cli", "knobs"])
def test_docs_reference_is_what_the_code_says(page: str) -> None:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fresh = module.cli() if page == "cli" else module.knob_table()
    kept = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert kept == fresh, "stale: run python docs/make_reference.py"


def test_docs_every_signal_names_its_false_positives() -> None:
    page = (DOCS / "signals.md").read_text(encoding="utf-8")
    rows = {m.group(1): m.group(0) for m in re.finditer(r"^\| `(\w+)` \|.*$", page, re.M)}
    for name in names("signals"):
        assert name in rows, f"docs/signals.md lacks {name}"
        assert len(rows[name].split("|")[4].strip()) > 4


def test_docs_every_knob_says_what_it_does_to_false_alarms() -> None:
    for knob in knobs():
        assert knob.sentence.endswith(".")
        assert knob.false_alarms
        assert knob.unit


def test_docs_every_dependency_earns_its_line() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=;\[ ]", requirement)[0]
        assert name in page, f"docs/dependencies.md does not say why {name}"
        assert "<" in requirement or ";" in requirement, f"{name} has no upper bound"


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))], ids=str
)
def test_docs_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_docs_words_of_the_glossary() -> None:
    """Nothing the project says about an account goes beyond the evidence."""
    banned = re.compile(r"\b(bots?|trolls?|sockpuppets?|inauthentic|botnet)\b", re.IGNORECASE)
    for room in (ROOT / "src").rglob("*"):
        if room.suffix in {".py", ".j2", ".css", ".json", ".sql"}:
            found = banned.search(room.read_text(encoding="utf-8"))
            assert found is None, f"{room}: {found and found.group(0)!r}"
