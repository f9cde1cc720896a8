"""``klieg replay``: run a ``run.json`` again and prove that the same bytes come out.

Inputs are found by their names beside the run file and checked against their hashes first.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from klieg.errors import InputError, NotInCase


@click.command("replay")
@click.argument("run_path", type=click.Path(path_type=Path), metavar="RUN.json")
@click.option(
    "--inputs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the inputs [beside RUN.json].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
def command(run_path: Path, folder: Path | None, *, as_json: bool) -> None:
    """Compute RUN.json again from its inputs and compare the case, byte for byte.

    Ends with 0 if every byte is the same, with 1 if not.
    """
    run = _read(run_path)
    inputs = _inputs(run, folder or run_path.parent, run_path)
    from klieg.case import file_hashes
    from klieg.cli.screen import told
    from klieg.config import Config
    from klieg.pipeline import scan

    config = Config.load(run["config"])[0]
    with told(quiet=as_json) as progress, tempfile.TemporaryDirectory() as scratch:
        case = scan(
            inputs,
            config=config,
            format=run.get("format"),
            mapping=run.get("mapping") or None,
            quarantine=Path(scratch) / "again.quarantine.jsonl",
            progress=progress,
            command=run["command"],
        )
        again = Path(scratch) / "again.klieg"
        case.save(again)
        got = file_hashes(again)
    same = got == run["outputs"]
    if as_json:
        click.echo(json.dumps({"same": same, "expected": run["outputs"], "got": got}))
    elif same:
        click.echo(f"same bytes: {run_path} replays exactly")
    else:
        click.echo(f"different bytes: expected {run['outputs']}, got {got}")
    sys.exit(0 if same else 1)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NotInCase(f"there is no {path}")
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        return {**run, "config": run["config"], "inputs": run["inputs"], "outputs": run["outputs"]}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("not a run.json that klieg wrote", path=str(path)) from error


def _inputs(run: dict[str, Any], folder: Path, run_path: Path) -> list[str]:
    from klieg.case import sha256

    found = []
    for entry in run["inputs"]:
        path = folder / entry["path"]
        if not path.is_file():
            raise NotInCase(
                f"{run_path} was made from {entry['path']}, which is not in {folder}; use --inputs"
            )
        if sha256(path) != entry["sha256"]:
            raise InputError("its content has changed since that run", path=str(path))
        found.append(str(path))
    return found
