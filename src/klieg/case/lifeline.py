"""A finding's history in a line: a mark a period, as high as many members were there.

The room knows ``Appearance`` and nothing that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klieg.tables import Appearance

__all__ = ["lifeline"]

MARKS = "▁▂▃▄▅▆▇█"
SPANS = {1: "day", 7: "week", 28: "four weeks"}
_DAY = 86_400_000_000


def lifeline(history: Sequence[Appearance]) -> str:
    """``▂▅█··▃ (a mark a day from 2026-05-04): born, grew twice, slept 2 days, returned``.

    Empty without a history. A dot is a period in which fewer than two members took part.
    """
    if not history:
        return ""
    most = max(a.members for a in history)
    marks = "".join(
        MARKS[(a.members * len(MARKS) - 1) // most] if a.members else "·" for a in history
    )
    span = SPANS.get(history[0].span // _DAY, "period")
    since = datetime.fromtimestamp(history[0].start / 1e6, UTC).strftime("%Y-%m-%d")
    return f"{marks} (a mark a {span} from {since}, at most {most} members): {_told(history, span)}"


def _told(history: Sequence[Appearance], span: str) -> str:
    words = []
    for state, run in groupby(history, key=lambda a: a.state):
        times = len(list(run))
        if state == "dormant":
            many = "" if times == 1 else "s" if span != "four weeks" else " times"
            words.append(f"dormant for {times} {span}{many}")
        elif state != "steady":
            words.append(state if times == 1 else f"{state} {times} times")
    return ", ".join(words)
