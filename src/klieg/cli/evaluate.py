"""``klieg evaluate``: how well a case agrees with known truth, and how well klieg does at large.

Thin over ``evaluation``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

SECTIONS = (
    *("groups", "texts", "others", "quiet", "look-alikes", "framing", "shuffled"),
    *("power", "axes", "evasion", "collections", "large"),
)


@click.command("evaluate")
@click.argument(
    "case_path", type=click.Path(path_type=Path), metavar="[CASE", required=False, default=None
)
@click.argument(
    "truth_path", type=click.Path(path_type=Path), metavar="TRUTH]", required=False, default=None
)
@click.option("--baselines", is_flag=True, help="Score other methods on the posts of CASE too.")
@click.option(
    "--dealt",
    type=click.IntRange(1, 1000),
    help="Deal the delays of CASE anew so many times and search again; needs no TRUTH.",
)
@click.option("--suite", is_flag=True, help="Simulate, scan and score worlds of every kind.")
@click.option("--full", is_flag=True, help="With --suite: larger worlds, finer grids; hours.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="With --suite: worlds of each kind.",
)
@click.option(
    "--section",
    "sections",
    multiple=True,
    type=click.Choice(SECTIONS),
    help="With --suite: this part and no other; may be given several times.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("klieg-suite"),
    show_default=True,
    help="With --suite: where finished worlds, tables and the page are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
def command(case_path: Path | None, truth_path: Path | None, **flags: Any) -> None:
    """Score CASE against TRUTH (a .truth.json that `klieg simulate` wrote, or a truth.csv).

    With --suite no case is needed: worlds are simulated, scanned and scored, and every measure is
    printed beside its aim. Finished worlds are kept as they come; the same command goes on after
    an interrupt.

    \b
    klieg evaluate world.klieg world.truth.json --baselines
    klieg evaluate posts.klieg --dealt 5
    klieg evaluate --suite -o klieg-suite
    """
    if flags["suite"]:
        if case_path is not None:
            raise click.UsageError("--suite simulates its own worlds: give no CASE")
        _suite(flags)
        return
    given = [f"--{n}" for n in ("full", "section") if flags[{"section": "sections"}.get(n, n)]]
    if given:
        raise click.UsageError(f"{given[0]} goes with --suite")
    if flags["dealt"] and case_path is not None:
        _dealt(case_path, flags["dealt"], as_json=flags["as_json"])
        if truth_path is None:
            return
    if case_path is None or truth_path is None:
        raise click.UsageError("give CASE and TRUTH, or --suite")
    _case(case_path, truth_path, flags)


def _dealt(case_path: Path, deals: int, *, as_json: bool) -> None:
    from klieg.case import open_case
    from klieg.cli.screen import out, plain, rows_table, told
    from klieg.evaluation.dealt import searched_again

    with told(quiet=as_json) as progress:
        rows = searched_again(open_case(case_path), range(deals), progress=progress)
    if as_json:
        click.echo(json.dumps({"dealt": rows}, ensure_ascii=False))
        return
    console = out()
    console.print(rows_table(rows))
    called = sum(bool(row["coordinated"]) for row in rows[1:])
    console.print(plain(f"{called} of {deals} deals of the delays led to a coordinated finding."))


def _case(case_path: Path, truth_path: Path, flags: dict[str, Any]) -> None:
    from klieg.case import open_case
    from klieg.evaluation import evaluate
    from klieg.sources.simulate import read_truth

    case, truth = open_case(case_path), read_truth(truth_path)
    scores = evaluate(case, truth)
    beside = _beside(case, truth) if flags["baselines"] else []
    if flags["as_json"]:
        more = {"baselines": beside} if flags["baselines"] else {}
        click.echo(json.dumps({**scores.as_dict(), **more}, ensure_ascii=False, default=str))
        return
    from klieg.cli.screen import out, plain, rows_table

    console = out()
    console.print(rows_table(scores.table()))
    for line in scores.summary():
        console.print(plain(line))
    if beside:
        console.print(rows_table(beside))


def _beside(case: Any, truth: Any) -> list[dict[str, object]]:
    from klieg.evaluation.baselines import weighed

    return [
        {
            "method": w.method,
            "AUC": _known(w.auc),
            "at like volume": _known(w.auc_matched),
            "each account once": _known(w.auc_per_account),
            "named": w.named,
            "precision": _known(w.precision),
            "recall": _known(w.recall),
        }
        for w in weighed(case, truth)
    ]


def _known(value: float) -> float | None:
    return None if value != value else value


def _suite(flags: dict[str, Any]) -> None:
    from klieg.cli.screen import told
    from klieg.evaluation.measures import measures
    from klieg.evaluation.page import table_rows, write
    from klieg.evaluation.plan import plan
    from klieg.evaluation.suite import run_suite, stamp

    trials = plan(full=flags["full"], seeds=flags["seeds"], sections=tuple(flags["sections"]))
    folder = flags["output"]
    try:
        with told(quiet=flags["as_json"]) as progress:
            records = run_suite(trials, folder, progress=progress)
    except KeyboardInterrupt:
        click.echo(f"klieg: finished worlds are kept in {folder}; run it again to go on", err=True)
        raise
    page = write(records, folder, stamp())
    rows = table_rows(measures(records))
    if flags["as_json"]:
        click.echo(json.dumps({"measures": rows, "page": str(page)}, ensure_ascii=False))
        return
    from klieg.cli.screen import out, rows_table

    out().print(rows_table(_short(rows)))
    click.echo(f"klieg: wrote {page}", err=True)


def _short(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    return [{k.replace("_", " "): v for k, v in row.items()} for row in rows]
