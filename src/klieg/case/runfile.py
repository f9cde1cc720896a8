"""``run.json``: how a case was made and how long it took, beside the case and never inside it.

Version, configuration, seed, input hashes, counts, timings, library versions and the hashes of the
case's two files: enough for ``klieg replay`` to prove the same bytes. The room knows no content.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klieg.case.store import file_hashes
from klieg.case.values import finite, plain
from klieg.case.whole import whole

if TYPE_CHECKING:
    from klieg.case.case import Case

__all__ = ["write_run"]

LIBRARIES = ("duckdb", "graspologic-native", "networkx", "numba", "numpy", "pyarrow", "scipy")
SUFFIX = ".run.json"


def write_run(
    path: str | Path,
    case: Case,
    timings: Mapping[str, float],
    *,
    case_path: str | Path | None = None,
    place: Mapping[str, object] | None = None,
) -> None:
    """Write ``run.json`` for a case; ``timings`` are seconds a stage.

    ``place`` says where it ran (executor, threads, memory, device): nothing the case depends on.
    ``case_path`` is where the case was saved (``x.klieg`` beside ``x.run.json`` by default); its
    hashes are left out where there is none.
    """
    path = Path(path)
    text = json.dumps(
        _run(case, timings, Path(case_path) if case_path else _beside(path), dict(place or {})),
        indent=2,
    )
    with whole(path) as file:
        file.write_text(text + "\n", encoding="utf-8", newline="\n")


def _run(
    case: Case, timings: Mapping[str, float], saved: Path | None, place: dict[str, object]
) -> dict[str, Any]:
    run = {
        **plain(case.run),
        **_asked(case.run.command),
        "inputs": case.intake.inputs,
        "counts": {
            "rows": case.intake.rows,
            "posts": case.posts.n,
            "acts": case.posts.n_acts,
            "accounts": case.posts.n_accounts,
            "findings": len(case.findings),
            "highlights": len(case.highlights),
            "edges": {layer.actions.signal: layer.scored.edges.size for layer in case.layers},
            "set_aside": case.intake.counts,
            "rejected": case.intake.rejected,
        },
        "outputs": file_hashes(saved) if saved and saved.is_file() else {},
        "timings": dict(timings),
        "place": place,
        "libraries": {
            "python": platform.python_version(),
            **_versions(
                *(["ray"] if place.get("executor") == "ray" else []),
                *(["torch"] if "device" in place else []),
            ),
        },
    }
    clean: dict[str, Any] = finite(plain(run), otherwise="null")
    return clean


def _asked(command: tuple[str, ...]) -> dict[str, Any]:
    """What the user said about the format, which no configuration holds: needed to replay."""
    asked: dict[str, Any] = {"format": None, "mapping": {}}
    words = iter(command)
    for word in words:
        flag, equals, value = word.partition("=")
        if flag not in ("--format", "--map"):
            continue
        value = value if equals else next(words, "")
        if flag == "--format":
            asked["format"] = value
        else:
            name, _, column = value.partition("=")
            asked["mapping"][name] = column
    return asked


def _beside(path: Path) -> Path | None:
    if not path.name.endswith(SUFFIX):
        return None
    return path.with_name(path.name.removesuffix(SUFFIX) + ".klieg")


def _versions(*others: str) -> dict[str, str]:
    found = {}
    for name in (*LIBRARIES, *others):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
