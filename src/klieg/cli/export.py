"""``klieg export``: a case, or the posts behind an edge or a finding, in another format.

Thin over ``case.export``; the suffix of the output chooses the format.
"""

from __future__ import annotations

import tempfile
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
    from klieg.case import open_case
    from klieg.case.export import export

    case = open_case(case_path)
    output: Path | None = flags["output"]
    if output is not None:
        refuse_existing([output], force=flags["force"])
    elif not (flags["edge"] or flags["finding"]):
        raise click.UsageError("say where to write with -o FILE (or use --edge or --finding)")
    with tempfile.TemporaryDirectory() as scratch:
        path = output or Path(scratch) / "posts.csv"
        export(
            case,
            path,
            table=flags["table"],
            finding=flags["finding"],
            pair=flags["edge"] or None,
            share=flags["share"],
            dehydrate=flags["dehydrate"],
            raw_cells=flags["raw_cells"],
        )
        if output is None:
            click.echo(path.read_text(encoding="utf-8"), nl=False)
        else:
            click.echo(f"klieg: wrote {output}", err=True)
