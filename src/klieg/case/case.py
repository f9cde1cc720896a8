"""The Case: everything a run found, in memory until saved; the one object that comes out.

Its methods are thin: the store keeps it, ``frames`` flattens it, ``behind`` finds the posts behind
a claim, ``network`` draws its graph. The room knows no algorithm, no file format and no screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from klieg.case.run import Run
from klieg.case.store import load, save
from klieg.tables import Finding, Highlight, Impact, Intake, Layer, Posts, Power

__all__ = ["Case", "open_case"]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Posts, layers, findings and what they mean, with the run that made them."""

    run: Run
    intake: Intake
    posts: Posts
    layers: tuple[Layer, ...]  # every signal, MULTIPLEX last
    findings: tuple[Finding, ...]  # strongest first
    highlights: tuple[Highlight, ...]
    impact: tuple[Impact, ...]  # of the whole data set
    power: tuple[Power, ...]
    notes: tuple[str, ...]

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write ``x.klieg`` and ``x.klieg.parquet``; StoreError if they exist without ``force``."""
        save(self, path, force=force)


def open_case(path: str | Path) -> Case:
    """The case saved at ``path``, restored whole.

    Raises NotInCase if there is none, StoreError if the file is no case, damaged, or newer.
    """
    return Case(**load(path))
