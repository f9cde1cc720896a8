"""The Case: everything a run found, in memory until saved; the one object that comes out.

Its methods are thin: the store keeps it, ``frames`` flattens it, ``network`` draws its graph. The
room knows no algorithm, no file format and no screen.
"""

from __future__ import annotations

from dataclasses import dataclass

from klieg.case.run import Run
from klieg.tables import Finding, Highlight, Impact, Intake, Layer, Posts, Power

__all__ = ["Case", "Run"]


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
