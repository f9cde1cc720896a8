"""``klieg show``: what a case holds, all findings or one in full.

It reads a case and prints; it computes nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from klieg.case import Case
    from klieg.tables import Finding


@click.command("show")
@click.argument("case_path", type=click.Path(path_type=Path), metavar="CASE")
@click.argument("finding_id", required=False, metavar="[FINDING]")
@click.option("--all", "everything", is_flag=True, help="All findings, however many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
def command(case_path: Path, finding_id: str | None, *, everything: bool, as_json: bool) -> None:
    """Print the findings of a case, or one finding with its evidence and counter-evidence.

    \b
    klieg show posts.klieg
    klieg show posts.klieg f-0123456789ab
    """
    from klieg.case import open_case
    from klieg.case.export import document

    case = open_case(case_path)
    if as_json:
        whole = document(case)
        if finding_id:
            case.finding(finding_id)  # NotInCase names the nearest
            whole = next(f for f in whole["findings"] if f["id"] == finding_id)
        click.echo(json.dumps(whole, ensure_ascii=False))
        return
    from klieg.case.retests import dealt_note
    from klieg.cli.null_table import null_table
    from klieg.cli.screen import findings_table, out, plain

    console = out()
    if finding_id:
        _finding(console, case, case.finding(finding_id))
    else:
        console.print(findings_table(case, limit=10**9 if everything else 40, width=console.width))
        for sentence in dealt_note(case.findings):
            console.print(plain(sentence), style="dim")
        console.print()
        console.print(null_table(case, width=console.width))


def _finding(console: Console, case: Case, finding: Finding) -> None:
    from klieg.case.lifeline import lifeline
    from klieg.cli.screen import instant, plain

    def line(text: object, style: str = "") -> None:
        console.print(plain(text), style=style)

    line(f"{finding.id} · {finding.class_} · band {finding.band} · unreviewed", "bold")
    line(finding.sentence)
    line(f"From {instant(finding.start)} to {instant(finding.end)} UTC.")
    if finding.history:
        line(f"History: {lifeline(finding.history)}.")
    if finding.look_alike:
        line(f"Looks like {finding.look_alike.kind}: {finding.look_alike.reason}")
    line("What speaks against it", "bold")
    for sentence in finding.counter_evidence:
        line(f"  {sentence}")
    _survived(line, finding)
    line("Accounts", "bold")
    for member in finding.members:
        account = case.posts.account_ids[member.account].as_py()
        acts = f", {member.acts} acts" if member.acts else ""
        part = "" if member.probability is None else f", probability {member.probability:.2f}"
        line(f"  {account}  {member.posts} posts{acts}, {member.evidence:.1f} nats{part}")
    if finding.followed:
        line("Followed by the group, not counted in it", "bold")
    for other in finding.followed:
        account = case.posts.account_ids[other.account].as_py()
        line(
            f"  {account}  {other.lead:.0%} of members came after, on {other.objects} objects; "
            f"{other.behind:g} times behind one, {other.expected:.1f} usual"
        )
    if finding.acts:
        _acts(line, case, finding)
    if finding.acts and not finding.posts:
        return
    line("Posts, in their order", "bold")
    for mark in [h for h in case.highlights if h.finding == finding.id][:60]:
        row = case.posts.table.slice(mark.post, 1).to_pylist()[0]
        text = " ".join((row["text"] or mark.object).split())[:120]
        line(f"  {instant(int(case.posts.time[mark.post]))}  {row['account_id']}: {text}")
        line(f"      {mark.reason}", "dim")


def _survived(line: Callable[..., None], finding: Finding) -> None:
    from klieg.case.retests import lines

    rows = lines(finding)
    if not rows and not finding.survived:
        return
    line("What it survives", "bold")
    for sentence in finding.survived:
        line(f"  {sentence}")
    wide = max((len(row.label) for row in rows), default=0)
    for row in rows:
        squares = "".join("■" if square.stands else "□" for square in row.squares)
        line(f"  {row.label:<{wide}}  {squares:<6}  {row.words}")


def _acts(line: Callable[..., None], case: Case, finding: Finding) -> None:
    from klieg.cli.screen import instant

    line("Acts without text, in their order", "bold")
    for mark in [h for h in case.act_highlights if h.finding == finding.id][:60]:
        acts = case.posts.acts
        assert acts is not None
        account = case.posts.account_ids[int(acts.account[mark.act])].as_py()
        line(f"  {instant(int(acts.time[mark.act]))}  {account}: {mark.signal} {mark.object}")
        line(f"      {mark.reason}", "dim")
