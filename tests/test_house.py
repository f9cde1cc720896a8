"""The house holds: floors import only downward, rooms stay small, doors carry their plates."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import klieg

HOUSE = Path(klieg.__file__).parent
ROOMS = sorted(HOUSE.rglob("*.py"))
FLOORS = [
    "errors",
    "tables",
    "evidence",
    "config",
    "memory",
    "confusables",
    "points",
    "normal",
    "urls",
    "text",
    "entities",
    "idtimes",
    "sockets",
    "sources",
    "models",
    "engine",
    "signals",
    "detect",
    "insight",
    "case",
    "parity",
    "pipeline",
    "watch",
    "evaluation",
    "contracts",
    "planner",
    "train",
    "web",
    "cli",
]
HEAVY = {"numpy", "numba", "duckdb", "scipy", "networkx", "torch", "ray", "pyarrow", "jinja2"}
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}


def name_of(room: Path) -> str:
    parts = room.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> str:
    return module.split(".")[0]


def imports_of(tree: ast.AST, *, at_run_time: bool = False) -> set[str]:
    """Modules of klieg a room imports; TYPE_CHECKING blocks count unless run time is asked for."""
    found: set[str] = set()
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if at_run_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(n for child in node.body for n in ast.walk(child))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which floor they climb to"
            found.add(node.module or "")
            found.update(f"{node.module}.{a.name}" for a in node.names)
    return found


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_house_door_plate(room: Path) -> None:
    plate = ast.get_docstring(ast.parse(room.read_text(encoding="utf-8")))
    assert plate, f"{room} has no door plate"
    assert len(plate.splitlines()[0]) <= 100


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_house_rooms_and_functions_stay_small(room: Path) -> None:
    source = room.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 600, "a room holds at most 600 lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = [n for n in node.body if not isinstance(n, ast.Expr) or n is not node.body[0]]
            first = body[0].lineno if body else node.lineno
            length = (node.end_lineno or first) - first + 1
            assert length <= 60, f"{node.name} is {length} lines; a function holds at most 60"


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_house_floors_import_only_downward(room: Path) -> None:
    here = floor_of(name_of(room))
    if here in {"", "__main__"}:
        return
    assert here in FLOORS, f"{here} is on no floor: add it to the list in the right place"
    for module in imports_of(ast.parse(room.read_text(encoding="utf-8"))):
        if module.startswith("klieg."):
            there = floor_of(module.removeprefix("klieg."))
            if there in FLOORS:
                assert FLOORS.index(there) <= FLOORS.index(here), f"{here} imports {there}"


def test_house_rooms_make_no_circle() -> None:
    known = {f"klieg.{name_of(r)}" for r in ROOMS}
    graph = {
        f"klieg.{name_of(r)}": {
            m
            for m in imports_of(ast.parse(r.read_text(encoding="utf-8")), at_run_time=True)
            if m in known
        }
        for r in ROOMS
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"circle: {' → '.join((*path, module))}"
        if module not in done:
            for other in sorted(graph.get(module, ())):
                if other != module:
                    visit(other, (*path, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def test_house_names_say_what_they_hold() -> None:
    for room in ROOMS:
        assert room.stem.lower() not in BANNED_NAMES, f"{room.name} says nothing about its content"


def test_house_public_names_are_sorted_and_resolve() -> None:
    assert klieg.__all__ == sorted(klieg.__all__)
    for name in klieg.__all__:
        assert getattr(klieg, name) is not None


def test_house_light_rooms_load_no_heavy_library() -> None:
    script = (
        "import sys, klieg, klieg.config, klieg.errors, klieg.sockets, klieg.cli;"
        f"heavy = sorted({HEAVY!r} & set(sys.modules)); print(','.join(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_house_public_names_are_not_shadowed_by_a_room() -> None:
    """A room named like a public function would replace it once imported."""
    rooms = {name_of(room) for room in ROOMS}
    assert not rooms & set(klieg.__all__)
