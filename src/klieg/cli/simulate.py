"""``klieg simulate``: write a world of posts whose truth is known.

Thin over ``sources.simulate``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from klieg.cli.options import refuse_existing


def _list(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print the catalogue and end."""
    if not asked or context.resilient_parsing:
        return
    from klieg.sources.simulate import CATALOGUE

    for name, planned in CATALOGUE.items():
        click.echo(f"{name:22} {planned.about}")
    context.exit()


@click.command("simulate")
@click.argument("output", type=click.Path(path_type=Path), metavar="OUTPUT")
@click.option("--accounts", type=click.IntRange(50, 1_000_000), default=3000, show_default=True)
@click.option("--days", type=click.IntRange(2, 90), default=14, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--world",
    "worlds",
    multiple=True,
    metavar="NAME",
    help="Plant this and nothing else; several may stand together (see --list).",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="Print the worlds that have a name, and end.",
)
@click.option(
    "--generator",
    type=click.Choice(("attention", "feeds")),
    default="attention",
    show_default=True,
    help="How ordinary accounts live.",
)
@click.option(
    "--collect",
    metavar="HOW",
    help="Keep what a collection would hold: hashtag, keyword, sample-1, sample-10, "
    "account-list, channels.",
)
@click.option("--no-campaigns", is_flag=True, help="Look-alikes only: nothing is coordinated.")
@click.option("--no-look-alikes", is_flag=True, help="No look-alikes either way.")
@click.option("--force", is_flag=True, help="Replace existing files.")
def command(output: Path, **flags: Any) -> None:
    """Write simulated posts (.jsonl as X API v2, .csv or .parquet) and NAME.truth.json beside them.

    \b
    klieg simulate world.jsonl --accounts 30000 --seed 7
    klieg scan world.jsonl
    klieg evaluate world.klieg world.truth.json
    klieg simulate flood.parquet --world appeals --world crew-3h --generator feeds
    """
    from klieg.cli.screen import told
    from klieg.sources.simulate import collect, simulate

    refuse_existing([output], force=flags["force"])
    chosen: dict[str, Any] = {}
    if flags["no_campaigns"]:
        chosen["campaigns"] = ()
    if flags["no_look_alikes"]:
        chosen["look_alikes"] = ()
    with told() as progress:
        progress("simulating a world", 0, None)
        world = simulate(
            seed=flags["seed"],
            accounts=flags["accounts"],
            days=flags["days"],
            worlds=flags["worlds"],
            generator=flags["generator"],
            **chosen,
        )
        if flags["collect"]:
            world = collect(world, flags["collect"], seed=flags["seed"])
        progress("writing it", 0, None)
        world.write(output)
    click.echo(f"klieg: wrote {world.posts.num_rows:,} posts to {output}", err=True)
