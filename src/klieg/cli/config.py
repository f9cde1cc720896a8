"""``klieg config``: every knob, its value, and where the value comes from.

It prints; ``klieg.config`` knows.
"""

from __future__ import annotations

import json

import click

from klieg.config import Config, knobs


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
@click.option("-v", "--verbose", is_flag=True, help="Also the range and what turning it does.")
def command(*, as_json: bool, verbose: bool) -> None:
    """Print every knob with its value and where that came from.

    Weakest first: the default, klieg.toml in this folder, KLIEG_* in the environment, a flag.
    """
    config, origin = Config.load()
    values = config.as_dict()
    if as_json:
        about = {
            k.name: {
                "value": values[k.name],
                "from": origin[k.name],
                "unit": k.unit,
                "allowed": k.allowed,
                "sentence": k.sentence,
                "false_alarms": k.false_alarms,
            }
            for k in knobs()
        }
        click.echo(json.dumps(about, ensure_ascii=False))
        return
    width = max(len(k.name) for k in knobs())
    for knob in knobs():
        value = values[knob.name]
        shown = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        click.echo(f"{knob.name:{width}}  {shown or '—'}  ({origin[knob.name]})")
        if verbose:
            click.echo(f"{'':{width}}  {knob.sentence}")
            click.echo(
                f"{'':{width}}  {knob.allowed} [{knob.unit}]; false alarms: {knob.false_alarms}"
            )
