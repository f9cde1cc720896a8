"""``klieg evaluate``: how well a case agrees with known truth.

Thin over ``evaluate.evaluate``.
"""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("evaluate")
@click.argument("case_path", type=click.Path(path_type=Path), metavar="CASE")
@click.argument("truth_path", type=click.Path(path_type=Path), metavar="TRUTH")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
def command(case_path: Path, truth_path: Path, *, as_json: bool) -> None:
    """Score CASE against TRUTH (a .truth.json that `klieg simulate` wrote, or a truth.csv)."""
    from klieg.case import open_case
    from klieg.evaluation import evaluate
    from klieg.sources.simulate import read_truth

    scores = evaluate(open_case(case_path), read_truth(truth_path))
    if as_json:
        click.echo(json.dumps(scores.as_dict(), ensure_ascii=False, default=str))
        return
    from klieg.cli.screen import out, plain, rows_table

    console = out()
    console.print(rows_table(scores.table()))
    for line in scores.summary():
        console.print(plain(line))
