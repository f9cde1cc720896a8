"""What the suite leaves behind: one HTML page, a CSV a table, and the first table as Markdown.

The same records give the same bytes. The room knows no trial and computes no figure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from klieg.evaluation import charts, tables
from klieg.evaluation.measures import Measure, Record, measures
from klieg.evaluation.planted import planted

if TYPE_CHECKING:
    from klieg.evaluation.suite import Stamp

__all__ = ["markdown", "table_rows", "write"]

Row = dict[str, Any]
LONG = 40
"""Rows from which on a table is folded."""
WORDS = {"measure", "note", "called"}
"""Columns whose text may break."""
_TITLES = {
    "measures": "What counts as good",
    "planted": "Planted groups, by kind and size of world",
    "look_alikes": "Look-alikes, by kind",
    "tails": "Pair tail ratios",
    "baselines": "Beside other methods, on the same worlds",
    "power": "Power: size × acts × jitter",
    "smallest": "The smallest campaign found in 80 % of the worlds",
    "axes": "Power: one axis at a time",
    "evasions": "Evasions and what they cost",
    "collections": "Collections",
    "languages": "Ordinary accounts, by language",
}
_STYLE = (
    ":root{--ink:#1c1c1a;--faint:#6b6a65;--rule:#d9d6cd;--paper:#fffdf8;--good:#00694c;"
    "--bad:#b34700}@media (prefers-color-scheme:dark){:root{--ink:#ece9e1;--faint:#a09d94;"
    "--rule:#3a3934;--paper:#1a1917;--good:#5fd0a8;--bad:#ff9a5c;--p0:#4aa8e0;--p1:#ff8a3d;"
    "--p2:#2fc795;--p3:#e29bc4;--p4:#f2b53a;--p5:#8fd0f5;--p6:#c7b23a}}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1120px;padding:0 1.25rem;"
    "color:var(--ink);background:var(--paper);color-scheme:light dark}"
    "h1{font-size:1.7rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2.6rem 0 .6rem}"
    "p{color:var(--faint);max-width:75ch;margin:.3rem 0}nav{font-size:13px;margin:1rem 0}"
    "nav a{color:inherit;margin-right:1em}table{border-collapse:collapse;font-size:13px;"
    "font-variant-numeric:tabular-nums}td,th{text-align:left;padding:4px 16px 4px 0;"
    "border-bottom:1px solid var(--rule);vertical-align:top;white-space:nowrap}"
    ".w{white-space:normal;min-width:16em}summary{cursor:pointer;color:var(--faint)}th{color:var(--faint);"
    "font-weight:600;vertical-align:bottom}.n{text-align:right}"
    ".no{color:var(--bad);font-weight:600}.yes{color:var(--good)}"
    "div{overflow-x:auto}svg{max-width:100%;height:auto;margin:.4rem 0 1rem}"
)


def write(records: Sequence[Record], folder: Path, stamp: Stamp) -> Path:
    """Write ``suite.html``, ``suite.md`` and ``<table>.csv``; gives the path of the page."""
    told = measures(records)
    every = {"measures": table_rows(told), **_tables(records)}
    every = {name: [_known(row) for row in rows] for name, rows in every.items()}
    for name, rows in every.items():
        _save(folder / f"{name}.csv", rows)
    _save(folder / "quantiles.csv", tables.quantiles(records))
    text = markdown(told, records, stamp)
    (folder / "suite.md").write_text(text, encoding="utf-8", newline="\n")
    page = folder / "suite.html"
    page.write_text(_page(every, records, stamp), encoding="utf-8", newline="\n")
    return page


def table_rows(told: Sequence[Measure]) -> list[Row]:
    """The first table as like rows of text."""
    return [
        {
            "measure": m.measure,
            "figure": m.figure,
            "interval_95": m.interval,
            "n": m.estimate.n,
            "aim": m.aim,
            "met": m.met,
            "note": m.note,
        }
        for m in told
    ]


def markdown(told: Sequence[Measure], records: Sequence[Record], stamp: Stamp) -> str:
    """The first table for a page of documentation, under it what it was measured on."""
    rows = table_rows(told)
    lines = ["| " + " | ".join(k.replace("_", " ") for k in rows[0]) + " |"]
    lines.append("|" + "---|" * len(rows[0]))
    lines += [
        "| " + " | ".join(str(v).replace("|", "\\|") for v in r.values()) + " |" for r in rows
    ]
    return "\n".join([*lines, "", _measured_on(records, stamp), ""])


def _measured_on(records: Sequence[Record], stamp: Stamp) -> str:
    seeds = sorted({r["seed"] for r in records})
    sizes = sorted({(r["accounts"], r["days"]) for r in records})
    said = ", ".join(f"{a:,} accounts over {d} days" for a, d in sizes)
    span = f"{seeds[0]} … {seeds[-1]}" if seeds else "none"
    commit = f", commit `{stamp.commit}`" if stamp.commit else ""
    makers = " and ".join(sorted({r["generator"] for r in records}))
    return (
        f"{len(records)} worlds ({said}; makers {makers}), seeds {span}, klieg {stamp.version}"
        f"{commit}, code `{stamp.code}`. Shares with Clopper–Pearson, means with a bootstrap over "
        "worlds."
    )


def _tables(records: Sequence[Record]) -> dict[str, list[Row]]:
    return {
        "planted": planted(records),
        "look_alikes": tables.look_alikes(records),
        "tails": tables.tail_ratios(records),
        "baselines": tables.baselines(records),
        "power": tables.power(records),
        "smallest": tables.smallest(records),
        "axes": tables.axes(records),
        "evasions": tables.evasions(records),
        "collections": tables.collections(records),
        "languages": tables.languages(records),
    }


def _known(row: Row) -> Row:
    """The row, empty where there is no figure (intervals of too few worlds)."""
    return {k: "" if v is None or v != v else v for k, v in row.items()}


def _page(every: dict[str, list[Row]], records: Sequence[Record], stamp: Stamp) -> str:
    seal = (f"klieg {stamp.version}", stamp.commit, f"code {stamp.code}")
    pictures = {
        "tails": [charts.quantiles(tables.quantiles(records), seal)],
        "power": [charts.power(every["power"], seal, w) for w in ("found", "coordinated")]
        if every["power"]
        else [],
        "axes": [charts.axes(every["axes"], seal)] if every["axes"] else [],
        "smallest": [charts.smallest(every["smallest"], seal)] if every["smallest"] else [],
        "evasions": [charts.evasions(every["evasions"], seal)] if every["evasions"] else [],
    }
    parts = [
        Markup("<!doctype html><html lang=en><meta charset=utf-8><title>klieg evaluate</title>"),
        Markup("<meta name=viewport content='width=device-width,initial-scale=1'>"),
        Markup("<style>{}</style><h1>klieg, evaluated</h1>").format(Markup(_STYLE)),
        Markup("<p>{}</p>").format(_measured_on(records, stamp).replace("`", "")),
        Markup("<p>{}</p>").format(_summed_up(every["measures"], records)),
        _contents(every),
    ]
    for name, rows in every.items():
        if rows:
            parts.append(Markup("<h2 id={}>{}</h2>").format(name, _TITLES[name]))
            parts += pictures.get(name, [])
            parts.append(_html(rows))
    return str(Markup("\n").join(parts)) + "</html>\n"


def _summed_up(told: Sequence[Row], records: Sequence[Record]) -> str:
    met = {word: sum(r["met"] == word for r in told) for word in ("yes", "no", "not measured")}
    minutes = sum(r.get("cpu_seconds", 0.0) for r in records) / 60
    return (
        f"{met['yes']} aims met, {met['no']} not met, {met['not measured']} not measured here. "
        f"{minutes:.0f} CPU-minutes."
    )


def _contents(every: dict[str, list[Row]]) -> Markup:
    links = [
        Markup("<a href=#{}>{}</a>").format(n, _TITLES[n]) for n, rows in every.items() if rows
    ]
    return Markup("<nav>{}</nav>").format(Markup(" ").join(links))


def _html(rows: Sequence[Row]) -> Markup:
    figures = {k for k in rows[0] if all(isinstance(r[k], int | float) or r[k] == "" for r in rows)}
    head = Markup("").join(
        Markup("<th{}>{}</th>").format(_right(k in figures), k.replace("_", " ")) for k in rows[0]
    )
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(_td(k, v, right=k in figures) for k, v in r.items())
        )
        for r in rows
    )
    table = Markup("<div><table><tr>{}</tr>\n{}</table></div>").format(head, body)
    if len(rows) <= LONG:
        return table
    return Markup("<details><summary>{} rows</summary>{}</details>").format(len(rows), table)


def _right(figure: bool) -> Markup:
    return Markup(" class=n" if figure else "")


def _td(name: str, value: object, *, right: bool = False) -> Markup:
    mark = Markup(" class=w") if name in WORDS else _right(right)
    if name == "met" and value in ("yes", "no"):
        mark = Markup(f" class={value}")
    shown = str(value)
    if isinstance(value, float):
        shown = f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"
    return Markup("<td{}>{}</td>").format(mark, shown)


def _save(path: Path, rows: Sequence[Row]) -> None:
    out = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
