"""The band of a finding: what evidence like its own has earned on groups that nobody planned.

Counts come from a packaged, versioned file that ``benchmarks/bench_bands.py`` writes: of the clean
groups that stood in simulated worlds of both makers, how many were called coordinated at each bound
or more. The room fits nothing and counts nothing; it never gives a band that was not counted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from klieg.detect.timed import TEXTUAL
from klieg.tables.verdicts import Earned

if TYPE_CHECKING:
    from klieg.detect.classes import Verdict
    from klieg.tables import Band

__all__ = ["CLEAN", "LIMITS", "Counts", "Step", "band", "earned", "packaged", "read", "sentence"]

FILE: Final = "bands.json"

LIMITS: Final[dict[Band, float]] = {"strong": 0.001, "likely": 0.01, "notable": 0.1}
"""Largest share of clean groups called coordinated that a band allows, as an upper bound."""

CLEAN: Final = 3_000
"""Clean groups that have to be seen before anything is strong."""

CLEAR: Final = 2.0
"""Bound from which a coordinated finding is more than notable, whatever was counted."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was seen at one bound and above."""

    bound: float
    false: int
    upper: float  # one-sided 95 % Clopper–Pearson


@dataclass(frozen=True, slots=True)
class Counts:
    """The packaged counts, by kind: "clock" for what is timed against others, "texts"."""

    version: str
    clean: dict[str, int]
    steps: dict[str, tuple[Step, ...]]  # ascending bounds


def earned(verdict: Verdict, signal: str, counts: Counts | None = None) -> Earned | None:
    """What a coordinated verdict's smallest deciding bound has earned; None for any other."""
    if verdict.class_ != "coordinated":
        return None
    counts = counts or packaged()
    kind = "texts" if signal in TEXTUAL else "clock"
    below = [s for s in counts.steps[kind] if s.bound <= verdict.margin]
    step = below[-1] if below else Step(0.0, counts.clean[kind], 1.0)
    return Earned(kind, verdict.margin, step.false, counts.clean[kind], step.upper, counts.version)


def band(verdict: Verdict, found: Earned | None, *, crossed: bool, pools_agree: bool) -> Band:
    """The strongest band whose limit the upper bound keeps.

    ``crossed``: the clock was read where the search had not looked; without, at most ``likely``.
    ``pools_agree``: the group was found with interest pools too; without, at most ``notable``.
    """
    if verdict.class_ == "abstain":
        return "insufficient data"
    if found is None or not pools_agree or verdict.margin < CLEAR:
        return "notable"
    if crossed and found.of >= CLEAN and found.upper <= LIMITS["strong"]:
        return "strong"
    return "likely" if found.upper <= LIMITS["likely"] else "notable"


def sentence(found: Earned) -> str:
    """What a band rests on, in words, and what it lacks for more."""
    told = (
        f"Of {found.of:,} groups that nobody planned in simulated worlds, {found.false:,} were "
        f"called coordinated on bounds like these ({found.bound:.1f} or the step below): at most "
        f"{100 * found.upper:.2g} % of such groups (upper 95 % bound, counts {found.version})."
    )
    if found.of < CLEAN:
        told += f" Provisional: nothing is strong before {CLEAN:,} such groups were seen."
    return told


@cache
def packaged() -> Counts:
    """The counts that come with klieg."""
    return read(json.loads((files("klieg.detect") / FILE).read_text(encoding="utf-8")))


def read(found: dict[str, Any]) -> Counts:
    """Counts from their file's contents; ValueError where more were false at a higher bound."""
    steps = {
        kind: tuple(Step(float(s["bound"]), int(s["false"]), float(s["upper"])) for s in each)
        for kind, each in found["steps"].items()
    }
    for each in steps.values():
        bounds, false = [s.bound for s in each], [s.false for s in each]
        if bounds != sorted(bounds) or false != sorted(false, reverse=True):
            raise ValueError("steps go up, and what was false at them down")
    clean = {kind: int(n) for kind, n in found["clean"].items()}
    return Counts(str(found["version"]), clean, steps)
