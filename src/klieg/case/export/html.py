"""The report: one HTML file with every picture inside and no request to anywhere.

Autoescape is on and never switched off; posts are text. With ``share`` the case is pseudonymised
first, so that nothing below this line ever sees an input id. The room computes no evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from klieg import evidence
from klieg.case.checked import KINDS, checked, exact_text, levels, ratio_text
from klieg.case.export.pictures import controls, copies, impact, network, null, raster, svg
from klieg.case.lifeline import lifeline
from klieg.case.retests import Line, lines
from klieg.case.share import pseudonymise
from klieg.tables import MULTIPLEX, SECOND, Highlight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.case.case import Case
    from klieg.tables import ActHighlight, Finding, NullStat

__all__ = ["picture", "render"]

IN_FULL, POSTS_SHOWN, JOINT_ACTS_SHOWN, ACCOUNTS_SHOWN = 30, 150, 12, 200
LONG = 20
_SEVERE = ("coordinated", "amplification")


@dataclass(frozen=True, slots=True)
class Run:
    """Highlighted posts in a row on one object, in one wording: told once."""

    before: str
    shared: str
    after: str
    object: str
    signal: str
    reason: str
    acts: tuple[tuple[str, str, str], ...]  # time, account, seconds after the one before


@dataclass(frozen=True, slots=True)
class Least:
    """The smallest campaign a signal could have shown, one cell a jitter."""

    signal: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One finding with its pictures."""

    finding: Finding
    controls: Markup | None
    retests: tuple[Line, ...]
    raster: Markup
    copies: Markup | None
    impact: Markup | None
    posts: tuple[Run, ...]
    more_posts: int
    acts: tuple[Run, ...]
    more_acts: int
    accounts: tuple[tuple[str, int, int, float, float | None], ...]
    exemplars: tuple[str, ...]
    open: bool


def render(case: Case, *, share: bool = False, key: bytes | None = None) -> str:
    """The report of a case as one HTML document; ``share`` pseudonymises first."""
    shown = pseudonymise(case, key) if share else case
    page = _environment().get_template("report.html.j2")
    return page.render(
        case=shown,
        share=share,
        title=_dataset(shown),
        span=_span(shown),
        headline=_headline(shown),
        by_class=_by_class(shown),
        sections=[_section(shown, f, i) for i, f in enumerate(shown.findings[:IN_FULL])],
        beyond=shown.findings[IN_FULL:],
        in_full={f.id for f in shown.findings[:IN_FULL]},
        listed=_listed(shown),
        stats=_stats(shown),
        checks=checked(shown),
        kinds=KINDS,
        exact=exact_text(checked(shown)),
        alphas=[round(math.log10(a)) for a in levels(shown)],
        null=null.draw(_stats(shown), _stamp(shown)),
        network=network.draw(shown.findings, shown.layers, shown.posts, _stamp(shown))
        if shown.findings
        else None,
        impact=_overall(shown),
        joint_acts_shown=JOINT_ACTS_SHOWN,
        least=_least(shown),
        cite=_citation(shown),
    )


def picture(case: Case, finding: str) -> Markup:
    """The raster of one finding by itself, as an SVG document; raises NotInCase."""
    found = case.finding(finding)
    marks = _drawn(case, found)
    stamp = _stamp(case, found)
    return raster.draw(found, marks, case.posts, stamp, _captions(case, marks))


def _environment() -> Environment:
    folder = files("klieg.case.export") / "templates"
    env = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_spelled_out,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(
        {
            "n": lambda value: f"{value:,}",
            "chance": lambda v: f"{v:,.0f}" if v >= 10 else f"{v:.1f}" if v >= 0.05 else "< 0.1",
            "lifeline": lifeline,
            "ratio": ratio_text,
            "q": lambda value: "< 0.000001" if value < 1e-6 else f"{value:.2g}",
            "p": lambda v: "< 1e-100" if v < 1e-100 else f"{v:.1e}" if v < 1e-3 else f"{v:.2g}",
            "window": window_words,
            "instant": _instant,
            "percent": lambda v: f"{100 * v:.2g} %" if v < 0.1 else f"{100 * v:.0f} %",
        }
    )
    return env


def _spelled_out(value: object) -> object:
    """Whatever a template prints passes here: no control or bidi mark reaches the page."""
    return svg.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def window_words(seconds: int) -> str:
    """A window as a reader would say it: 10 s, 10 min, 6 h, 1 d."""
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


def _instant(micros: int) -> str:
    return datetime.fromtimestamp(micros / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _dataset(case: Case) -> str:
    names = [str(entry.get("path", "posts")) for entry in case.intake.inputs]
    if not names:
        return "posts"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _span(case: Case) -> str:
    times = evidence.times(case.posts)
    if not len(times):
        return "no posts"
    days = [
        datetime.fromtimestamp(int(t) / SECOND, UTC).strftime("%-d %B %Y".replace("%-d", "%d"))
        for t in (times.min(), times.max())
    ]
    first, last = (d.lstrip("0") for d in days)
    return first if first == last else f"{first} – {last}"


def _stamp(case: Case, finding: Finding | None = None) -> tuple[str, ...]:
    about = (finding.id, finding.class_, f"band {finding.band}") if finding else ()
    return ("UNREVIEWED", f"data: {svg.ellipsis(_dataset(case), 40)}", _span(case), *about)


def _by_class(case: Case) -> list[tuple[str, int]]:
    order = ("coordinated", "amplification", "suggestive", "look-alike", "abstain")
    counts = [(name, sum(f.class_ == name for f in case.findings)) for name in order]
    return [(name, count) for name, count in counts if count]


def _headline(case: Case) -> str:
    found = [f for f in case.findings if f.class_ == "coordinated"]
    others = len(case.findings) - len(found)
    if found:
        accounts = len({m.account for f in found for m in f.members})
        posts = len({p for f in found for p in f.posts})
        acts = len({a for f in found for a in f.acts})
        did = [f"{posts:,} of {case.posts.n:,} posts"] if posts or not acts else []
        did += [f"{acts:,} of {case.posts.n_acts:,} acts"] if acts else []
        head = (
            f"{len(found)} group{'s' if len(found) > 1 else ''} of accounts acted together more "
            f"than chance, shared interest or news explain: {accounts:,} accounts, "
            f"{', '.join(did)}."
        )
    else:
        head = "No group of accounts here is called coordinated."
    if others:
        head += (
            f" {others} other group{'s' if others > 1 else ''} acted alike, but a benign "
            "explanation fits or cannot be ruled out."
        )
    elif not found:
        head += " Nothing stands beyond what chance explains."
    return head


def _listed(case: Case) -> tuple[list[Finding], list[Finding]]:
    """Findings in the table, and look-alikes folded away where the table would be long."""
    if len(case.findings) <= LONG:
        return list(case.findings), []
    benign = [f for f in case.findings if f.class_ in ("look-alike", "abstain")]
    return [f for f in case.findings if f not in benign], benign


def _stats(case: Case) -> list[NullStat]:
    return [layer.stat for layer in case.layers if layer.stat.signal != MULTIPLEX]


def _overall(case: Case) -> Markup | None:
    rows = [r for r in case.impact if r.metric == "acts" and r.with_group != r.without]
    if not rows:
        return None
    return impact.draw(
        rows,
        _stamp(case),
        name="impact",
        title="The most acted-on objects, with and without the coordinated part",
        captions=_captions(case, case.highlights),
    )


def _section(case: Case, finding: Finding, index: int) -> Section:
    marks = [h for h in case.highlights if h.finding == finding.id]
    stamp = _stamp(case, finding)
    captions = _captions(case, marks)
    changed = [r for r in finding.impact if r.metric in ("acts", "accounts")]
    picture = (
        impact.draw(
            changed,
            stamp,
            name=f"impact-{finding.id}",
            title="Share of the conversation with and without this group",
            captions=captions,
            limit=8,
        )
        if changed
        else None
    )
    members = sorted(finding.members, key=lambda m: (-m.evidence, m.account))
    acts = [h for h in case.act_highlights if h.finding == finding.id]
    beside = finding.controls
    return Section(
        finding,
        controls.draw(beside, stamp, name=f"controls-{finding.id}", class_=finding.class_)
        if beside
        else None,
        lines(finding),
        raster.draw(finding, _drawn(case, finding), case.posts, stamp, captions),
        copies.draw(finding, marks, case.posts, stamp),
        picture,
        _runs(case, marks[:POSTS_SHOWN]),
        max(0, len(marks) - POSTS_SHOWN),
        _runs_of_acts(case, acts[:POSTS_SHOWN]),
        max(0, len(acts) - POSTS_SHOWN),
        tuple(
            (str(case.posts.account_ids[m.account]), m.posts, m.acts, m.evidence, m.probability)
            for m in members[:ACCOUNTS_SHOWN]
        ),
        _exemplars(case, finding),
        finding.class_ in _SEVERE or index < 6,
    )


def _drawn(case: Case, finding: Finding) -> list[Highlight]:
    """Its highlights, acts too, as marks at rows of evidence."""
    acts = [
        Highlight(
            case.posts.n + h.act,
            *(h.finding, h.signal, h.object, (), h.partners, h.expected, 0, 0, h.reason),
        )
        for h in case.act_highlights
        if h.finding == finding.id
    ]
    return [*(h for h in case.highlights if h.finding == finding.id), *acts]


def _runs_of_acts(case: Case, marks: Sequence[ActHighlight]) -> tuple[Run, ...]:
    """Acts on one object told once: who did it when, and what is known of the object."""
    assert case.posts.acts is not None or not marks
    groups: dict[tuple[str, str], list[ActHighlight]] = {}
    for mark in marks:
        groups.setdefault((mark.signal, mark.object), []).append(mark)
    return tuple(_run_of_acts(case, group) for group in groups.values())


def _run_of_acts(case: Case, marks: Sequence[ActHighlight]) -> Run:
    acts = case.posts.acts
    assert acts is not None
    told, before = [], int(acts.time[marks[0].act])
    for mark in marks:
        now = int(acts.time[mark.act])
        account = str(case.posts.account_ids[int(acts.account[mark.act])])
        gap = "" if mark is marks[0] else f"+{gap_words((now - before) / SECOND)}"
        told.append((_instant(now), account, gap))
        before = now
    first = marks[0]
    on = acts.table["object_id"][first.act].as_py()
    row = pc.index(case.posts.table["post_id"], on).as_py() if case.posts.n else -1
    text = case.posts.table["text"][row].as_py() if row >= 0 else None
    return Run(
        _harmless(text or ""),
        *("", ""),
        _harmless(first.object),
        first.signal,
        first.reason,
        tuple(told),
    )


def _captions(case: Case, marks: Sequence[Highlight]) -> dict[str, str]:
    """Objects whose name is only an id, told by the text of the first post that acted on them."""
    first: dict[str, int] = {}
    for mark in marks:
        if mark.signal in ("repost", "object", "image", "reply"):
            first.setdefault(f"{mark.signal}: {mark.object}", mark.post)
    texts = _texts(case, list(first.values()))
    return {
        name: f"{name.partition(': ')[0]}: “{_harmless(text)}”"
        for name, text in zip(first, texts, strict=True)
        if text
    }


def _exemplars(case: Case, finding: Finding) -> tuple[str, ...]:
    if finding.narrative is None:
        return ()
    column = case.posts.table.column("text")
    return tuple(svg.visible(column[i].as_py() or "") for i in finding.narrative.exemplars)


def _runs(case: Case, marks: list[Highlight]) -> tuple[Run, ...]:
    """Consecutive posts on one object with one wording are told once."""
    texts = _texts(case, [m.post for m in marks])
    groups: list[list[int]] = []
    for i, mark in enumerate(marks):
        last = groups[-1][-1] if groups else None
        same = last is not None and (marks[last].signal, marks[last].object, texts[last]) == (
            mark.signal,
            mark.object,
            texts[i],
        )
        if same:
            groups[-1].append(i)
        else:
            groups.append([i])
    return tuple(_run(case, [marks[i] for i in g], texts[g[0]] or "") for g in groups)


def _run(case: Case, marks: list[Highlight], raw: str) -> Run:
    first = marks[0]
    acts, before = [], int(case.posts.time[first.post])
    for mark in marks:
        now = int(case.posts.time[mark.post])
        account = str(case.posts.account_ids[int(case.posts.account[mark.post])])
        gap = "" if mark is first else f"+{gap_words((now - before) / SECOND)}"
        acts.append((_instant(now), account, gap))
        before = now
    return Run(
        _harmless(raw[: first.start]),
        _harmless(raw[first.start : first.end]),
        _harmless(raw[first.end :]),
        _harmless(first.object),
        first.signal,
        first.reason,
        tuple(acts),
    )


def gap_words(seconds: float) -> str:
    """A gap as a reader would say it: 0.4 s, 17 s, 3 min, 2 h, 4 d."""
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s" if seconds >= 1 or seconds == 0 else f"{seconds:.1f} s"


def _least(case: Case) -> tuple[tuple[str, ...], list[Least]]:
    """(column heads, one row a signal): power as a small table."""
    jitters = sorted({p.jitter for p in case.power})
    cells: dict[str, dict[int, str]] = {}
    for p in case.power:
        enough = p.accounts > 0 and p.power >= 0.8
        shown = f"{p.accounts} accounts × {p.joint_acts}" if enough else "none"
        cells.setdefault(p.signal, {})[p.jitter] = shown
    rows = [Least(s, tuple(c.get(j, "none") for j in jitters)) for s, c in cells.items()]
    return tuple(window_words(j) for j in jitters), rows


def _texts(case: Case, rows: Sequence[int]) -> list[str | None]:
    taken: list[str | None] = (
        case.posts.table.column("text").take(pa.array(rows, pa.int64())).to_pylist()
    )
    return taken


def _harmless(raw: str) -> str:
    """Marks shown, links defanged so that nothing turns them into something to click."""
    return svg.visible(raw).replace("http://", "hxxp://").replace("https://", "hxxps://")


def _citation(case: Case) -> dict[str, str]:
    config = case.run.config
    windows = config.get("windows_s", [])
    listed = windows if isinstance(windows, (list, tuple)) else []
    return {
        "windows": ", ".join(window_words(int(w)) for w in listed),
        "shuffles": str(config.get("shuffles", 0)),
        "false_alarms": f"{float(str(config.get('false_alarms', 0.01))):g}",
        "signals": ", ".join(f"{k} {v}" for k, v in sorted(case.run.signals.items())),
    }
