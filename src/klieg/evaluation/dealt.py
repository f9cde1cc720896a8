"""A case searched once more with its delays dealt anew: nothing may be coordinated.

Who acted on what is kept, and everything from the network to the findings is run again on it. The
room scores nothing and opens no truth: whatever it calls coordinated is a false alarm of the clock.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from klieg import pipeline
from klieg.config import Config
from klieg.detect import controls, pace, surrogate
from klieg.sockets import make, silent
from klieg.tables import MULTIPLEX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from klieg.case import Case
    from klieg.sockets import Engine, Progress

__all__ = ["searched_again"]

CLASSES = ("coordinated", "amplification", "suggestive", "look-alike", "abstain")


def searched_again(
    case: Case, seeds: Iterable[int], *, threads: int = 0, progress: Progress = silent
) -> list[dict[str, object]]:
    """Findings by class: of the case first, then of each deal. Takes a search a seed."""
    config = _config(case, threads)
    rows = [_row("as posted", Counter(f.class_ for f in case.findings))]
    layers = {layer.actions.signal: layer for layer in case.layers if layer.actions.n}
    usual = pace.prepare(layers, case.posts, config)
    key = controls.keys(case.posts)
    with closing(make("executors", config.executor, config, progress=progress)) as executor:
        engine: Engine = make("engines", config.engine, config, executor=executor)
        for seed in seeds:
            anew = surrogate.layers(layers, usual, key, seed=seed)
            found, _ = pipeline.detect(
                {name: layer.actions for name, layer in anew.items() if name != MULTIPLEX},
                case.posts,
                config=config,
                engine=engine,
                progress=progress,
            )
            rows.append(_row(f"deal {seed}", Counter(f.class_ for f in found)))
    return rows


def _config(case: Case, threads: int) -> Config:
    """The settings of the run, without what is only shown beside a finding."""
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in case.run.config.items()
    }
    config = replace(Config(), **told)
    fine = tuple(w for w in config.windows_s if w >= case.posts.resolution)
    return replace(config, windows_s=fine, shuffles=0, controls=0, threads=threads, resume="")


def _row(deal: str, found: Counter[str]) -> dict[str, object]:
    return {"delays": deal, **{name: found[name] for name in CLASSES}}
