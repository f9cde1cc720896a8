"""What chance expected of each signal's pairs, what was found, and what each kind of shuffle found.

Rows for the report and the terminal, read from the layers' bookkeeping. The room computes no
statistic and sets no type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klieg.tables import MULTIPLEX, NullStat, ShuffleStat

if TYPE_CHECKING:
    from klieg.case.case import Case

__all__ = ["KINDS", "Checked", "checked", "exact_text", "levels", "ratio_text", "tail_text"]

KINDS = {
    "S": "labels shuffled inside each pool, every account",
    "H": "labels shuffled inside pool and clock hour, standing groups taken out",
    "T": "each account's acts moved by whole days, standing groups taken out",
}
"""The kinds of shuffle, in words."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One signal."""

    signal: str
    chance: float  # validated pairs that chance alone would give
    found: int
    shuffled: dict[str, tuple[int, ...]]  # kind → pairs that each of its runs validated
    tails: dict[str, tuple[float, ...]]  # "data" and kind → #{p ≤ α} / (mα)
    beside: int | None  # validated pairs of accounts in no group, where H or T counted them
    exact: tuple[int, int]  # pairs just above the threshold; those below it by the exact tail
    insufficient: str  # why who acted with whom cannot be tested here; "" if it can


def checked(case: Case) -> tuple[Checked, ...]:
    """Every signal that has pairs, in the case's order."""
    stats = [x.stat for x in case.layers if x.stat.signal != MULTIPLEX]
    return tuple(_row(stat) for stat in stats if stat.pairs)


def levels(case: Case) -> tuple[float, ...]:
    """α at which tails were counted; none without layers."""
    return next((x.stat.tail_alpha for x in case.layers if x.stat.tail_alpha), ())


def exact_text(rows: tuple[Checked, ...]) -> str:
    """Whether exact tails would have changed a verdict; empty where no pair was near."""
    asked, more = (sum(row.exact[k] for row in rows) for k in (0, 1))
    if not asked:
        return ""
    near = "pair lies" if asked == 1 else "pairs lie"
    return f"{asked:,} {near} just above the threshold; by exact tails {more:,} would pass"


def tail_text(ratios: tuple[float, ...]) -> str:
    """``0 · 0.02 · 0.7 · 6.9``: ratios that can be read at a glance; a dash without any."""
    return " · ".join(map(ratio_text, ratios)) or "–"


def ratio_text(ratio: float) -> str:
    """Two digits, or none where there are three and more before the point."""
    if ratio == 0 or ratio >= 99.5:
        return f"{ratio:,.0f}"
    return "<.01" if ratio < 0.005 else f"{ratio:.2g}"


def _row(stat: NullStat) -> Checked:
    others: dict[str, ShuffleStat] = {s.kind: s for s in stat.other_shuffles}
    shuffled = {"S": stat.shuffled} if stat.shuffled else {}
    tails = {"S": stat.tail_shuffled} if stat.shuffled else {}
    return Checked(
        signal=stat.signal,
        chance=stat.expected_false,
        found=stat.validated,
        shuffled=shuffled | {kind: s.validated for kind, s in others.items()},
        tails={"data": stat.tail_real} | tails | {kind: s.tail for kind, s in others.items()},
        beside=next((s.real for s in stat.other_shuffles), None),
        exact=stat.exact,
        insufficient=stat.insufficient,
    )
