"""``klieg simulate``: write a world of posts whose truth is known.

Thin over ``sources.simulate``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from klieg.cli.options import refuse_existing


@click.command("simulate")
@click.argument("output", type=click.Path(path_type=Path), metavar="OUTPUT")
@click.option("--accounts", type=click.IntRange(50, 1_000_000), default=3000, show_default=True)
@click.option("--days", type=click.IntRange(2, 90), default=14, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--no-campaigns", is_flag=True, help="Look-alikes only: nothing is coordinated.")
@click.option("--no-look-alikes", is_flag=True, help="No look-alikes either way.")
@click.option("--force", is_flag=True, help="Replace existing files.")
def command(output: Path, **flags: Any) -> None:
    """Write simulated posts (.jsonl as X API v2, .csv or .parquet) and NAME.truth.json beside them.

    \b
    klieg simulate world.jsonl --accounts 30000 --seed 7
    klieg scan world.jsonl
    klieg evaluate world.klieg world.truth.json
    """
    from klieg.cli.screen import told
    from klieg.sources.simulate import simulate

    refuse_existing([output], force=flags["force"])
    chosen: dict[str, Any] = {}
    if flags["no_campaigns"]:
        chosen["campaigns"] = ()
    if flags["no_look_alikes"]:
        chosen["look_alikes"] = ()
    with told() as progress:
        progress("simulating a world", 0, None)
        world = simulate(
            seed=flags["seed"], accounts=flags["accounts"], days=flags["days"], **chosen
        )
        progress("writing it", 0, None)
        world.write(output)
    click.echo(f"klieg: wrote {world.posts.num_rows:,} posts to {output}", err=True)
