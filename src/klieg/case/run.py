"""What made a case: version, configuration, seed, engine, models, signals and command.

A run says nothing about when, where or how fast it was computed, so that equal runs give equal
bytes; timings go to ``run.json`` beside the case (``write_run``). The room knows no post, no
finding and no store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

__all__ = ["Run", "window_ladder", "without_folder"]

# knobs that say where work runs, never what comes out
_PLACE = ("threads", "memory", "executor", "device", "ray_address", "resume")
_ELSEWHERE = ("--engine", "ray")  # the engine cpu, on a cluster
_FLAG = re.compile(r"--[\w-]+=|-\w=?(?=/)")  # what may stand before a path in one word


@dataclass(frozen=True, slots=True)
class Run:
    """The provenance of a case.

    ``config`` loses the knobs that cannot change a result (threads, memory, executor) and
    ``command`` loses their flags and the folders of its paths when a Run is made: a case must not
    differ, or tell, because of the machine it was computed on.
    """

    version: str  # of klieg
    config: Mapping[str, object]
    seed: int
    engine: str
    embedder: str
    llm: str
    signals: Mapping[str, str]  # name → version
    command: tuple[str, ...]

    def __post_init__(self) -> None:
        kept = {name: value for name, value in self.config.items() if name not in _PLACE}
        object.__setattr__(self, "config", kept)
        object.__setattr__(self, "command", _portable(self.command))


def _portable(command: tuple[str, ...]) -> tuple[str, ...]:
    flags = {f"--{name.replace('_', '-')}" for name in _PLACE}
    kept: list[str] = []
    skip = False
    for word, after in zip(command, (*command[1:], ""), strict=False):  # one longer if empty
        if skip or word in flags or (word, after) == _ELSEWHERE:
            skip = not skip
        elif word.partition("=")[0] not in flags and word != "=".join(_ELSEWHERE):
            kept.append(without_folder(word))
    return tuple(kept)


def without_folder(word: str) -> str:
    """A word of a command line with an absolute path cut to its last part; others as they are."""
    flag, value = "", word
    if found := _FLAG.match(word):
        flag, value = found.group(), word[found.end() :]
    if PurePosixPath(value).is_absolute():
        value = PurePosixPath(value).name
    elif PureWindowsPath(value).is_absolute():
        value = PureWindowsPath(value).name
    return flag + value


def window_ladder(run: Run, windows: int) -> tuple[int, ...]:
    """Seconds of a layer's windows: the widest rungs; those finer than the clock are left out."""
    ladder = run.config.get("windows_s", ())
    assert isinstance(ladder, (list, tuple))
    if len(ladder) < windows:
        raise ValueError(f"{windows} windows were counted, the configuration has {list(ladder)}")
    return tuple(int(w) for w in ladder)[len(ladder) - windows :]
