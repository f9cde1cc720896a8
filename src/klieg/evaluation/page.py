"""What the suite leaves behind: one HTML page, a CSV a table, and the first table as Markdown.

The same records give the same bytes. The room knows no trial and computes no figure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from klieg.evaluation import charts, tables
from klieg.evaluation.measures import Measure, Record, measures
from klieg.evaluation.planted import planted

if TYPE_CHECKING:
    from klieg.evaluation.suite import Stamp

__all__ = ["markdown", "table_rows", "write"]

Row = dict[str, Any]
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
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;"
    "color:#1c1c1a;background:#fffdf8}table{border-collapse:collapse;font-size:13px;"
    "font-variant-numeric:tabular-nums}td,th{text-align:left;padding:3px 12px 3px 0;"
    "border-bottom:1px solid #d9d6cd}.no{color:#b34700;font-weight:600}.yes{color:#00694c}"
    "div{overflow-x:auto}svg{max-width:100%;height:auto}"
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
        "evasions": [charts.evasions(every["evasions"], seal)] if every["evasions"] else [],
    }
    parts = [
        Markup("<!doctype html><html lang=en><meta charset=utf-8><title>klieg evaluate</title>"),
        Markup("<style>{}</style><h1>klieg, evaluated</h1>").format(Markup(_STYLE)),
        Markup("<p>{}</p>").format(_measured_on(records, stamp).replace("`", "")),
    ]
    for name, rows in every.items():
        if rows:
            parts.append(Markup("<h2>{}</h2>").format(_TITLES[name]))
            parts += pictures.get(name, [])
            parts.append(_html(rows))
    return str(Markup("\n").join(parts)) + "</html>\n"


def _html(rows: Sequence[Row]) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(k.replace("_", " ")) for k in rows[0])
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_td(k, v) for k, v in r.items())) for r in rows
    )
    return Markup("<div><table><tr>{}</tr>\n{}</table></div>").format(head, body)


def _td(name: str, value: object) -> Markup:
    mark = f' class="{value}"' if name == "met" and value in ("yes", "no") else ""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return Markup("<td") + Markup(mark) + Markup(">") + escape(shown) + Markup("</td>")


def _save(path: Path, rows: Sequence[Row]) -> None:
    out = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
