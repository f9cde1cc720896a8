"""Flags that several verbs share, and how flags become a Config.

The room knows names of knobs and of flags; it runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from klieg.config import Config
from klieg.errors import StoreError

__all__ = ["config_of", "knob_flags", "mapping_of", "output_flags", "refuse_existing"]

_F = TypeVar("_F", bound=Callable[..., Any])

_KNOBS = [
    click.option(
        "--false-alarms", type=float, metavar="SHARE", help="Target false-discovery rate [0.01]."
    ),
    click.option("--seed", type=int, help="Seed of every random draw [0]."),
    click.option(
        "--signals",
        metavar="A,B",
        help="Only these signals, e.g. repost,link [all but synchrony].",
    ),
    click.option("--windows", "windows_s", metavar="S,S", help="Time windows in seconds."),
    click.option("--shuffles", type=int, help="Shuffles of each kind run as a check [1]."),
    click.option("--shuffle-kinds", metavar="A,B", help="Which shuffles [S,H,T]."),
    click.option("--max-bad", type=float, metavar="SHARE", help="Unreadable rows allowed [0.01]."),
    click.option("--threads", type=int, help="Threads; 0 means one a core [0]."),
    click.option("--memory", metavar="SIZE", help="Memory this may take, e.g. 4GiB [no budget]."),
    click.option(
        "--engine", metavar="NAME", help="cpu, gpu, ray (cpu on a cluster), reference (slow) [cpu]."
    ),
    click.option(
        "--ray-address", metavar="ADDRESS", help="Ray cluster to join, e.g. auto [start one here]."
    ),
    click.option(
        "--resume", metavar="FOLDER", help="Keep finished shards there and go on from them."
    ),
]

_OUTPUT = [
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else."),
    click.option("-q", "--quiet", is_flag=True, help="No progress."),
]


def knob_flags(function: _F) -> _F:
    """Every knob that has a flag."""
    for option in reversed(_KNOBS):
        function = option(function)
    return function


def output_flags(function: _F) -> _F:
    """``--json`` and ``--quiet``."""
    for option in reversed(_OUTPUT):
        function = option(function)
    return function


def config_of(flags: dict[str, Any]) -> Config:
    """Defaults, klieg.toml, environment and these flags; raises ConfigError."""
    return Config.load(flags)[0]


def mapping_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """``("text=body", …)`` → ``{"text": "body"}``; raises click.UsageError."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not (field and equals and column):
            raise click.UsageError(f"--map takes FIELD=COLUMN, not {pair!r}")
        mapping[field.strip()] = column.strip()
    return mapping


def refuse_existing(paths: list[Path], *, force: bool) -> None:
    """Say so before hours of work, not after, if an output stands in the way."""
    for path in paths:
        if path.is_dir():
            raise StoreError(f"{path} is a directory; choose another name with -o or --report")
        if path.exists() and not force:
            raise StoreError(f"{path} exists; use --force to replace it, or -o for another name")
        if not path.parent.is_dir():
            raise StoreError(f"the folder {path.parent} does not exist")
