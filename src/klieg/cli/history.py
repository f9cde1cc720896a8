"""``klieg history``: groups followed through cases of following weeks or months.

It reads cases and prints; ``case.following`` links.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from klieg.case.following import Followed
    from klieg.detect.identity import Identity, Step


@click.command("history")
@click.argument(
    "case_paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CASE…"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
def command(case_paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Say which finding of one case is which of the next: born, grew, split, dormant, returned.

    Cases stand in the order of their first posts, whatever order they are given in. Findings are
    one group if they share members, or some members and what they act on. A link is a description
    and no evidence: each finding stands or falls by its own case.

    \b
    klieg history march.klieg april.klieg may.klieg
    """
    from klieg.case import open_case
    from klieg.case.following import follow

    followed = follow([open_case(path) for path in case_paths])
    names = [case_paths[i].stem for i in followed.order]
    if as_json:
        click.echo(json.dumps(_document(followed, names), ensure_ascii=False))
        return
    from klieg.cli.screen import out, plain, rows_table

    console = out()
    if not followed.identities:
        console.print(plain("No group stands in any of these cases."))
        return
    console.print(rows_table([_row(one, names) for one in followed.identities]))


def _row(one: Identity, names: list[str]) -> dict[str, object]:
    told = {step.window: step for step in one.steps}
    return {
        "group": one.id,
        **{name: _cell(told.get(i)) for i, name in enumerate(names)},
    }


def _cell(step: Step | None) -> str:
    if step is None:
        return ""
    other = {"split": f" from {step.other}", "merged": f" into {step.other}"}.get(step.state, "")
    size = f" {step.members} (+{step.joined} −{step.left})" if step.name else ""
    return f"{step.state}{other}{size} {step.name}".rstrip()


def _document(followed: Followed, names: list[str]) -> dict[str, Any]:
    return {
        "cases": [
            {"case": name, "first": start}
            for name, start in zip(names, followed.starts, strict=True)
        ],
        "groups": [asdict(one) for one in followed.identities],
    }
