"""What verbs print: tables for people, progress with rate and time left, JSON for machines.

Data goes to stdout, progress and log to stderr. Everything that came out of a post passes
``safe_term`` first and no markup is interpreted. The room knows no verb.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from klieg.text import safe_term

if TYPE_CHECKING:
    from klieg.case import Case
    from klieg.sockets import Progress as Told
    from klieg.tables import Finding

WIDE, NARROW = 190, 120
"""Columns of a file or pipe, and below how many a table leaves out what can wait."""

__all__ = ["findings_table", "instant", "out", "plain", "rows_table", "seconds", "told"]


def out() -> Console:
    """The console of stdout: colour only on a terminal and without NO_COLOR."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=WIDE)


def plain(value: object) -> Text:
    """Text of anything, made harmless for a terminal."""
    return Text(safe_term(str(value)))


def instant(micros: int) -> str:
    """Microseconds as ``2026-05-01 12:30`` UTC."""
    return datetime.fromtimestamp(micros / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


def seconds(value: int) -> str:
    """A window in words: 10 s, 1 min, 6 h."""
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if value >= size and value % size == 0:
            return f"{value // size} {word}"
    return f"{value} s"


@contextmanager
def told(*, quiet: bool = False) -> Iterator[Told]:
    """A progress callback: a live bar on a terminal, one line a stage elsewhere."""
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as bar:
            yield _Live(bar)
    else:
        yield _Lines()


class _Live:
    """One bar, renamed at each stage."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._stage = bar, ""
        self._task = bar.add_task("starting", total=None, rate="")
        self._since = time.monotonic()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage != self._stage:
            self._stage, self._since = stage, time.monotonic()
            # a new task, since rich keeps an old total where the new one is unknown
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(safe_term(stage), total=total, rate="")
        passed = time.monotonic() - self._since
        rate = f"{done / passed:,.0f}/s" if done and passed > 0.5 else ""
        self._bar.update(self._task, completed=done, total=total, rate=rate)


class _Lines:
    """A line each time the stage changes: what a log file should hold."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        head = stage.split(":")[0]
        if head != self._stage:
            self._stage = head
            print(f"klieg: {safe_term(head)}", file=sys.stderr, flush=True)


def findings_table(case: Case, *, limit: int = 40, width: int = WIDE) -> Table | Text:
    """The findings of a case, strongest first; a sentence where there is none."""
    if not case.findings:
        return Text("No group stands: nothing here acts together more than chance explains.")
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    wide = width >= NARROW
    table.add_column("finding", no_wrap=True)
    table.add_column("class")
    table.add_column("band")
    for name in ("accounts", "posts", "joint acts", "chance", "q") if wide else _SHORT:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("within", justify="right", no_wrap=True)
    table.add_column("signals")
    if wide:
        table.add_column("about", overflow="ellipsis", no_wrap=True, max_width=36)
    for finding in case.findings[:limit]:
        table.add_row(*_cells(finding, wide=wide))
    if len(case.findings) > limit:
        table.caption = f"{len(case.findings) - limit} more: klieg show CASE --all"
    return table


_SHORT = ("accounts", "acts", "chance")


def _cells(finding: Finding, *, wide: bool) -> list[Text]:
    colour = {"coordinated": "bold red", "amplification": "yellow"}.get(finding.class_, "")
    name = str(finding.class_)
    if finding.look_alike:
        name += f": {finding.look_alike.kind}"
    elif finding.subclass:
        name += f": {finding.subclass}"
    accounts, posts = (
        plain(f"{len(finding.members):,}"),
        plain(f"{len(finding.posts) + len(finding.acts):,}"),
    )
    acts = plain(f"{finding.observed:,}")
    chance = plain(f"{finding.expected:.1f}" if finding.expected >= 0.05 else "< 0.1")
    q = plain("< 1e-6" if finding.q < 1e-6 else f"{finding.q:.2g}")
    about = plain(" ".join(finding.narrative.terms[:5]) if finding.narrative else "")
    return [
        plain(finding.id),
        Text(safe_term(name), style=colour),
        plain(finding.band),
        *((accounts, posts, acts, chance, q) if wide else (accounts, acts, chance)),
        plain(seconds(finding.window)),
        plain(", ".join(finding.signals)),
        *((about,) if wide else ()),
    ]


def rows_table(rows: Sequence[dict[str, object]]) -> Table:
    """Any list of like rows as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    names = list(rows[0]) if rows else []
    for name in names:
        numeric = all(isinstance(r[name], (int, float)) for r in rows)
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(plain(_shown(row[name])) for name in names))
    return table


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)
