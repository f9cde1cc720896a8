"""``klieg export``: a case, or the posts behind an edge or a finding, in another format.

Thin over ``case.export``; the suffix of the output chooses the format.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from klieg.cli.options import refuse_existing


@click.command("export")
@click.argument("case_path", type=click.Path(path_type=Path), metavar="CASE")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write; its suffix chooses."
)
@click.option("--edge", nargs=2, metavar="A B", help="The posts behind the pair A, B as CSV.")
@click.option("--finding", metavar="ID", help="The posts behind a finding as CSV.")
@click.option("--table", "table", metavar="NAME", help="For CSV or Parquet: findings, members, …")
@click.option("--share", is_flag=True, help="The pseudonymised form.")
@click.option("--dehydrate", is_flag=True, help="Ids only, no text.")
@click.option("--raw-cells", is_flag=True, help="CSV cells as they are (a sheet may run them).")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def command(case_path: Path, **flags: Any) -> None:
    """Write a case as .json, .csv, .parquet, .gexf, .graphml or .html.

    \b
    klieg export posts.klieg -o posts.gexf
    klieg export posts.klieg --finding f-0123456789ab > evidence.csv
    klieg export posts.klieg --edge 17 42 -o edge.csv
    """
    from klieg.case import open_case, pseudonymise
    from klieg.case.export import export, write_csv

    case = open_case(case_path)
    output: Path | None = flags["output"]
    if output:
        refuse_existing([output], force=flags["force"])
    if flags["edge"] or flags["finding"]:
        if flags["share"]:
            case = pseudonymise(case)
        table = (
            case.edge_posts(*flags["edge"])
            if flags["edge"]
            else case.finding_posts(flags["finding"])
        )
        if flags["dehydrate"] and "text" in table.column_names:
            table = table.drop_columns(["text"])
        write_csv(table, output or sys.stdout, raw_cells=flags["raw_cells"])
        return
    if output is None:
        raise click.UsageError("say where to write with -o FILE (or use --edge or --finding)")
    export(
        case,
        output,
        table=flags["table"],
        share=flags["share"],
        dehydrate=flags["dehydrate"],
        raw_cells=flags["raw_cells"],
    )
    click.echo(f"klieg: wrote {output}", err=True)
