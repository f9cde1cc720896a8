"""Signals: posts → actions, one trace each, found by name like any stranger's plugin."""

from __future__ import annotations

from klieg.config import Config
from klieg.sockets import Engine, Progress, Signal, make, names, silent

__all__ = ["select"]


def select(config: Config, *, engine: Engine, progress: Progress = silent) -> list[Signal]:
    """The signals that ``config.signals`` names, or all installed ones; sorted by name."""
    wanted = sorted(set(config.signals)) or names("signals")
    return [make("signals", name, config, engine=engine, progress=progress) for name in wanted]
