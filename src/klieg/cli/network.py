"""``klieg network``: the network that another tool would return, edge for edge.

Thin over ``klieg.network_like``; the suffix of the output chooses the format. It computes nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from klieg.cli.options import config_of, refuse_existing

NETWORKS = ("co_retweet", "co_link", "co_reply", "co_tweet", "co_similar_tweet", "co_post")


@click.command("network")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@click.option(
    "--like",
    required=True,
    type=click.Choice(["cnt", "coortweet"]),
    help="cnt: coordination-network-toolkit 1.5.2; coortweet: CooRTweet 2.1.3.",
)
@click.option(
    "--network",
    type=click.Choice(NETWORKS),
    default="co_retweet",
    help="cnt: what two messages must share; coortweet on cnt's columns: the object [co_retweet].",
)
@click.option(
    "--time-window", type=float, metavar="S", help="Seconds, inclusive [cnt 1, coortweet 10]."
)
@click.option(
    "--min-edge-weight", type=int, metavar="N", help="cnt: messages of source, at least [2]."
)
@click.option(
    "--similarity-threshold",
    type=float,
    metavar="J",
    help="cnt, co_similar_tweet: Jaccard similarity of the words, at least [0.8].",
)
@click.option(
    "--min-participation", type=int, metavar="M", help="coortweet: acts of an account [2]."
)
@click.option(
    "--edge-weight",
    type=float,
    metavar="Q",
    help="coortweet: keep edges above this quantile of the weights, 0 … 1 [all edges].",
)
@click.option(
    "--fast-window",
    type=float,
    metavar="S",
    help="coortweet: only pairs this fast, as flag_speed_share marks them [all].",
)
@click.option(
    "--keep-loops", is_flag=True, help="coortweet: remove_loops = FALSE [loops are removed]."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write: .csv, .parquet, .graphml or .gexf [CSV to standard output].",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--threads", type=int, help="Threads; 0 means one a core [0].")
@click.option("--memory", metavar="SIZE", help="Budget for edges under way, e.g. 4GiB [8GiB].")
@click.option(
    "--engine", metavar="NAME", help="cpu, gpu, ray (cpu on a cluster), reference (slow) [cpu]."
)
@click.option(
    "--ray-address", metavar="ADDRESS", help="Ray cluster to join, e.g. auto [start one here]."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def command(inputs: tuple[str, ...], **flags: Any) -> None:
    """Write the network that another tool would return for the same files, edge for edge.

    To compare klieg with results that are published, or to run those tools' method on more posts
    than they can take. INPUT is either tool's own table: object_id, account_id, content_id,
    timestamp_share; or message_id, user_id, username, repost_id, reply_id, message, timestamp, urls
    (CSV, plain or .gz or .zst, or Parquet): a file, a pattern in quotes, an archive, s3:// or gs://
    as `klieg scan` takes them, or - for standard input. Their thresholds are picked by hand: what
    comes out is no finding of klieg's. `klieg scan` finds groups beyond chance.

    \b
    klieg network tweets.csv --like cnt --network co_retweet --time-window 60 -o edges.csv
    klieg network posts.csv --like cnt --network co_similar_tweet --similarity-threshold 0.9
    klieg network urls.csv images.csv --like coortweet --time-window 30 --edge-weight 0.95 -o e.gexf

    With cnt, several files are one data set, and edges are directed: source,target,weight counts
    messages of source that one of target matched. With coortweet each file is a modality and the
    networks are stacked: account_a,account_b,weight,avg_time_delta. Where a tool has a bug klieg
    differs and says so; see docs/parity.md.
    """
    from klieg.parity import SUFFIXES, network_like, write_csv, write_network

    output: Path | None = flags["output"]
    if output is not None and str(output) != "-":
        if output.suffix.lower() not in SUFFIXES:
            raise click.UsageError(f"-o takes a name ending in {', '.join(SUFFIXES)}")
        refuse_existing([output], force=flags["force"])
    knobs = ("threads", "memory", "engine", "ray_address")
    asked = (
        *("like", "network", "time_window", "min_edge_weight", "similarity_threshold"),
        *("min_participation", "edge_weight", "fast_window", "keep_loops"),
    )
    config = config_of({name: flags[name] for name in knobs})
    found = network_like(inputs, **{name: flags[name] for name in asked}, config=config)
    if output is None or str(output) == "-":
        edges = write_csv(found, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        edges = write_network(found, output)
    if flags["quiet"]:
        return
    for note in found.notes:
        click.echo(f"klieg: {note}", err=True)
    if found.threshold is not None:
        click.echo(f"klieg: edges weigh more than {found.threshold:g}", err=True)
    where = "" if output is None else f" to {output}"
    word = "edge" if edges == 1 else "edges"
    click.echo(f"klieg: {edges:,} {word}{where}", err=True)
