"""What ``klieg show`` and the report print of chance: expected, found, shuffled, by kind."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

from rich.console import Console

from klieg.case.checked import checked, tail_text
from klieg.case.values import as_text, restore
from klieg.cli.null_table import null_table
from klieg.tables import NullStat, ShuffleStat

STAT = NullStat(
    *("link", 90, 30, 20, 190, 40, 7, 9),
    expected_false=0.02,
    shuffled=(0, 1),
    shuffled_weak=(2, 3),
    tail_alpha=(1e-3, 1e-4),
    tail_real=(3.5, 21.0),
    tail_shuffled=(0.4, 0.0),
    omitted_bound=0.0,
    histogram_edges=(),
    histogram_real=(),
    histogram_shuffled=(),
    threshold=1e-6,
    other_shuffles=(
        ShuffleStat("H", 12, 28, 0, (2, 0), (1, 1), (0.25, 0.0)),
        ShuffleStat("T", 12, 28, 0, (5, 6), (1, 1), (1.5, 8.0)),
    ),
)


def case_of(*stats: NullStat):
    return SimpleNamespace(layers=tuple(SimpleNamespace(stat=s) for s in stats))


def printed(*stats: NullStat, width: int = 190) -> str:
    console = Console(width=width, record=True, file=StringIO())
    console.print(null_table(case_of(*stats), width=width))  # type: ignore[arg-type]

    return console.export_text()


def test_null_table_prints_counts_and_tails_of_every_kind():
    text = printed(STAT)
    row = next(line for line in text.splitlines() if line.startswith("link"))
    cells = row.split()
    assert cells[1:5] == ["<", "0.1", "7", "0,"]
    for told in ("0, 1", "2, 0", "5, 6", "3.5 · 21", "0.4 · 0", "0.25 · 0", "1.5 · 8"):
        assert told in row
    assert "clock hour" in " ".join(text.split())
    assert "1e-3, 1e-4" in text


def test_null_table_leaves_tails_out_of_a_narrow_terminal():
    text = printed(STAT, width=80)
    assert "2, 0" in text
    assert "3.5 · 21" not in text


def test_null_table_names_kinds_that_ran_and_no_others():
    text = printed(replace(STAT, other_shuffles=()))
    assert "clock hour" not in text
    assert "0, 1" in text


def test_null_table_says_where_data_do_not_suffice():
    assert "link (insufficient data)" in printed(replace(STAT, insufficient="a list"))


def test_null_table_of_nothing_says_so():
    assert "No pair" in printed()
    assert "No pair" in printed(replace(STAT, signal="multiplex"))


def test_checked_tells_small_from_none():
    assert tail_text((0.0, 0.001, 0.26, 12.0)) == "0 · <.01 · 0.26 · 12"
    assert tail_text(()) == "–"


def test_checked_rows_survive_the_case():
    again = restore(NullStat, json.loads(as_text(STAT)))
    assert again == STAT
    assert checked(case_of(again))[0].beside == 0  # type: ignore[arg-type]
