"""The suite: every trial of the plan, one after another, each kept in a file as soon as it is done.

Stopped at any moment, the same command goes on where it was. Trials kept by other code or of
another plan are not mixed in: they are run again. The room knows no figure that is reported.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import klieg
from klieg.errors import InputError
from klieg.evaluation.trials import run_trial
from klieg.sockets import silent

if TYPE_CHECKING:
    from klieg.evaluation.plan import Trial
    from klieg.sockets import Progress

__all__ = ["TRIALS", "Stamp", "run_suite", "stamp"]

TRIALS = "trials.jsonl"
"""The file of finished trials, one JSON object a line."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which code the figures are of."""

    version: str
    commit: str  # "" where klieg does not stand in a git checkout; + if the tree differs from it
    code: str  # a digest of klieg's own source files


def run_suite(
    trials: Sequence[Trial],
    folder: Path,
    *,
    threads: int = 0,
    progress: Progress = silent,
    run: Callable[..., dict[str, Any]] = run_trial,
) -> list[dict[str, Any]]:
    """The record of every trial, in the order of the plan; those kept in ``folder`` are not rerun.

    Each is appended to ``TRIALS`` at once, so an interrupt loses the one in hand and no other.
    """
    code = stamp().code
    path = folder / TRIALS
    folder.mkdir(parents=True, exist_ok=True)
    kept = _kept(path, code)
    due = [t for t in trials if t.key not in kept]
    begun = time.monotonic()
    with path.open("a", encoding="utf-8", newline="\n") as file:
        for i, trial in enumerate(due):
            progress(_stage(trial, i, len(due), time.monotonic() - begun), i, len(due))
            record = json.loads(json.dumps(run(trial, threads=threads)))
            kept[trial.key] = record
            file.write(json.dumps({**record, "code": code}, ensure_ascii=False) + "\n")
            file.flush()
    return [kept[t.key] for t in trials]


def stamp() -> Stamp:
    """The version, commit and digest of the klieg that runs."""
    house = Path(klieg.__file__).parent
    digest = hashlib.sha256()
    for room in sorted(house.rglob("*.py")):
        digest.update(room.relative_to(house).as_posix().encode() + b"\0" + room.read_bytes())
    return Stamp(klieg.__version__, _commit(house), digest.hexdigest()[:12])


def _commit(house: Path) -> str:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(house), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        # an installed klieg may lie inside somebody else's checkout
        tracked = git("ls-files", "--", "__init__.py")
        head = git("rev-parse", "--short", "HEAD") if tracked else ""
        return head + ("+" if head and git("status", "--porcelain", "--", ".") else "")
    except OSError:  # no git at hand
        return ""


def _kept(path: Path, code: str) -> dict[str, dict[str, Any]]:
    """Finished trials of this code; a line that an interrupt cut short is cut off."""
    if not path.exists():
        return {}
    out: dict[str, dict[str, Any]] = {}
    whole = path.read_bytes()
    end = whole.rfind(b"\n") + 1
    if end < len(whole):
        with path.open("r+b") as file:
            file.truncate(end)
    for number, line in enumerate(whole[:end].decode("utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
            if record.pop("code") == code:
                out[record["key"]] = record
        except (ValueError, KeyError, TypeError) as error:
            raise InputError("not a trial of the suite", path=str(path), line=number) from error
    return out


def _stage(trial: Trial, done: int, total: int, passed: float) -> str:
    """What is in hand, and how long the rest will take."""
    left = ""
    if done >= 3:
        seconds = passed / done * (total - done)
        left = f", about {seconds / 60:.0f} min left" if seconds >= 90 else ", a minute left"
    return f"{trial.section} ({done + 1} of {total}{left})"
