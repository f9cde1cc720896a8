"""The re-tests of a finding as lines to read: what was changed, and what it survived.

Shown alike by the terminal and the report. The room knows values, no picture and no screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import Finding, Retest

__all__ = ["Line", "dealt_note", "lines"]

TOLD: Final[Mapping[str, tuple[str, str]]] = {
    "search": ("the search found it within", "windows"),
    "window": ("it stands by one window alone", "windows"),
    "chance": ("it stands if chance explains", ""),
    "false alarms": ("it stands at a false-alarm rate of", ""),
    "clock": ("its class stays with the clock's bar at", ""),
    "fewer acts": ("it stands without a fifth of the acts", "draws"),
    "half": ("found again on half of the days", ""),
}
"""What a re-test is called, and what its squares are; in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of squares."""

    label: str
    squares: tuple[Retest, ...]
    words: str  # the same for who cannot see squares


def lines(finding: Finding) -> tuple[Line, ...]:
    """One line a kind of change; none where nothing was re-tested."""
    out = []
    for what, (label, of) in TOLD.items():
        squares = tuple(r for r in finding.retests if r.what == what)
        if squares:
            out.append(Line(label, squares, _words(squares, of)))
    return tuple(out)


def dealt_note(findings: Sequence[Finding]) -> tuple[str, ...]:
    """One sentence on the clock surrogate of a whole run; none where nothing stands."""
    asked = [f for f in findings if f.dealt]
    if not asked:
        return ()
    would = sum(f.dealt == "coordinated" for f in asked)
    called = sum(f.class_ == "coordinated" for f in asked)
    return (
        f"With delays dealt anew, who acted on what kept, {would:,} of {len(asked):,} standing "
        f"groups would be coordinated; in the data {called:,} are.",
    )


def _words(squares: tuple[Retest, ...], of: str) -> str:
    stands = [r.value for r in squares if r.stands]
    fails = [r.value for r in squares if not r.stands]
    n = len(squares)
    if of == "draws":
        return f"{len(stands)} of {n} {of}"
    if not fails:
        return f"all {n} {of}" if of else _listed(stands)
    if not stands:
        return "none"
    if of and len(fails) <= len(stands):
        return f"all but {_listed(fails)}"
    return _listed(stands) if of else f"{_listed(stands)}, not {_listed(fails)}"


def _listed(values: list[str]) -> str:
    return " and ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)
