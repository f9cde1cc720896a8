"""What chance explains of each signal's pairs, as a table of the terminal.

Expected, found and shuffled counts, and tail ratios by kind of shuffle. It computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from klieg.case.checked import KINDS, Checked, checked, exact_text, levels, tail_text
from klieg.cli.screen import NARROW, WIDE, plain

if TYPE_CHECKING:
    from klieg.case import Case

__all__ = ["null_table"]


def null_table(case: Case, *, width: int = WIDE) -> Table | Text:
    """One row a signal; tails are left out of a narrow terminal."""
    rows = checked(case)
    if not rows:
        return Text("No pair of accounts could be tested.")
    kinds = [kind for kind in KINDS if any(kind in row.shuffled for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    table.add_column("pairs of accounts", no_wrap=True)
    for name in ("by chance", "found", *kinds):
        table.add_column(name, justify="right", no_wrap=True)
    wide = width >= NARROW
    for name in ("data", *kinds) if wide else ():
        table.add_column(f"tail {name}", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row, kinds, wide=wide))
    told = (_legend(case, kinds, wide=wide), exact_text(rows))
    table.caption = " ".join(f"{line}." for line in told if line)
    table.caption_justify = "left"
    return table


def _cells(row: Checked, kinds: list[str], *, wide: bool) -> list[Text]:
    name = f"{row.signal} (insufficient data)" if row.insufficient else row.signal
    counts = [", ".join(map(str, row.shuffled.get(kind, ()))) or "–" for kind in kinds]
    tails = [tail_text(row.tails.get(name, ())) for name in ("data", *kinds)] if wide else []
    chance = f"{row.chance:.1f}" if row.chance >= 0.05 else "< 0.1"
    return [plain(v) for v in (name, chance, f"{row.found:,}", *counts, *tails)]


def _legend(case: Case, kinds: list[str], *, wide: bool) -> str:
    told = [f"{kind}: {KINDS[kind]}" for kind in kinds]
    if wide:
        alphas = ", ".join(f"{a:.0e}".replace("e-0", "e-") for a in levels(case))
        told.append(f"tail: pairs with p ≤ α over what chance expects, α = {alphas}")
    return "; ".join(told)
