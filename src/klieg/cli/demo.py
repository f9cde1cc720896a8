"""``klieg demo``: a world with known truth, scanned like any other, and how well it went.

The scan sees the posts only; the truth is opened after the case is written. The room holds no
threshold and no world of its own.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from klieg.cli.options import config_of, knob_flags, output_flags, refuse_existing


@click.command("demo")
@click.option("--accounts", type=click.IntRange(200, 200_000), default=3000, show_default=True)
@click.option("--days", type=click.IntRange(2, 60), default=14, show_default=True)
@click.option("--quiet-world", is_flag=True, help="No campaigns: nothing should be found.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("demo.klieg"), show_default=True
)
@click.option("--force/--no-force", default=True, help="Replace an earlier demo [yes].")
@knob_flags
@output_flags
def command(**flags: Any) -> None:
    """Simulate posts with planted campaigns and look-alikes, scan them, and compare with the truth.

    Nothing is downloaded and nothing leaves this machine. The campaigns are repost amplification,
    link push, copies, edited copies and hashtag sequences; the look-alikes are fans, syndication,
    breaking news, a share button and one brand's scheduler.
    """
    config = config_of({k: v for k, v in flags.items() if k in _names()})
    from klieg.cli.scan import Outputs, run, show
    from klieg.cli.screen import out, plain, rows_table, told
    from klieg.evaluation import evaluate
    from klieg.sources.simulate import simulate

    case_path: Path = flags["output"]
    base = case_path.with_suffix("")
    outputs = Outputs(
        case_path,
        base.with_name(base.name + ".report.html"),
        base.with_name(base.name + ".quarantine.jsonl"),
        base.with_name(base.name + ".run.json"),
        base.with_name(base.name + ".shards"),
    )
    refuse_existing([p for p in (outputs.case, outputs.report) if p], force=flags["force"])
    quiet = flags["quiet"] or flags["as_json"]
    with told(quiet=quiet) as progress:
        progress("simulating a world", 0, None)
        none: dict[str, Any] = {"campaigns": (), "look_alikes": ()} if flags["quiet_world"] else {}
        world = simulate(seed=config.seed, accounts=flags["accounts"], days=flags["days"], **none)
        posts_path = base.with_name(base.name + ".posts.jsonl")
        world.write(posts_path)
    case = run([str(posts_path)], outputs, config, force=flags["force"], quiet=quiet)
    scores = evaluate(case, world.truth)
    if flags["as_json"]:
        click.echo(json.dumps(scores.as_dict(), ensure_ascii=False, default=str))
        sys.exit(0)
    show(case, outputs, as_json=False)
    console = out()
    console.print()
    console.print(plain("Against the truth of this simulated world:"), style="bold")
    console.print(rows_table(scores.table()))
    for line in scores.summary():
        console.print(plain(line))
    console.print(plain(f"Open {outputs.report} in a browser."))


def _names() -> set[str]:
    from klieg.config import knobs

    return {k.name for k in knobs()}
