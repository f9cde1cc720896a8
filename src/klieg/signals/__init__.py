"""Signals: posts → actions, one trace each, found by name like any stranger's plugin."""

from __future__ import annotations

from klieg.config import Config
from klieg.sockets import Engine, Progress, Signal, make, names, silent

__all__ = ["ON_REQUEST", "select"]

ON_REQUEST = frozenset({"synchrony"})
"""Signals that run only when named: every account begins to post, so this layer is as large as the
posts, and whole populations meet in its evenings. It costs more than all others together."""


def select(config: Config, *, engine: Engine, progress: Progress = silent) -> list[Signal]:
    """The signals that ``config.signals`` names, or all but those ON_REQUEST; sorted by name."""
    every = [name for name in names("signals") if name not in ON_REQUEST]
    wanted = sorted(set(config.signals)) or every
    return [make("signals", name, config, engine=engine, progress=progress) for name in wanted]
