"""The table of what counts as good, row by row: figure, 95 % interval, aim, met or not.

Reads the records of trials. A row that this suite cannot measure says so in place of a figure. The
room runs nothing and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from klieg.detect.error_control import ALPHAS
from klieg.evaluation.intervals import Estimate, mean, ratio, share
from klieg.evaluation.typed import ADMITTED

__all__ = ["AIMS", "Measure", "Record", "measures", "tail_by_layer", "tails"]

Record = dict[str, Any]
Met = Literal["yes", "no", "no aim", "not measured"]
DIAL = 0.01
"""``false_alarms`` of every scan of the suite: the default."""

STANDS, WHOLE, PURE = 0.95, 0.90, 0.95
"""Aims of planted groups: share that stands, members recovered, purity."""
AIMS = {  # campaign → the share of them that should be coordinated; None: printed without an aim
    "crew": 0.95,
    "crew-30min": 0.90,
    "crew-log-30min": 0.90,
    "wide-crew": 0.80,
    "crew-3h": 0.60,
    "crew-6h": None,
    "copies-crew": 0.95,
    "edited-crew": 0.95,
    "tags-crew": 0.95,
    "link-crew": None,
    "replies-crew": None,
    "mixed-crew": None,
    "private-links-crew": None,
    "instant-crew": None,
}
_STANDING = ("crew", "crew-30min", "crew-log-30min", "crew-3h", "crew-6h", "wide-crew")
_TEXTUAL = ("copies-crew", "edited-crew", "tags-crew")


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the table."""

    measure: str
    estimate: Estimate
    aim: str  # "≤ 1", "≥ 95 %", "" where there is none
    met: Met
    note: str = ""
    percent: bool = False

    @property
    def figure(self) -> str:
        return self._say(self.estimate.value)

    @property
    def interval(self) -> str:
        e = self.estimate
        return "" if math.isnan(e.low) or not e.n else f"{self._say(e.low)} – {self._say(e.high)}"

    def _say(self, value: float) -> str:
        if math.isnan(value):
            return "–"
        if not self.percent:
            return f"{value:.3g}"
        # a share below a thousandth is not nothing
        return f"{100 * value:.1f} %" if value >= 0.001 or not value else f"{100 * value:.2g} %"


def measures(records: Sequence[Record]) -> list[Measure]:
    """Every row, in the order of the design; rows without a trial behind them are not measured."""
    return [
        *_tails(records),
        *_shuffles(records),
        *_false_edges(records),
        *_look_alikes(records),
        *_planted(records),
        *_paraphrase(records),
        *_innocents(records),
        *_beside_baselines(records),
        *_elsewhere(),
    ]


def tails(records: Sequence[Record], which: str) -> list[Estimate]:
    """#{p ≤ α} / (mα) over all layers of each world, for each of ``ALPHAS``; worlds drawn anew."""
    scanned = [r for r in records if r.get("layers")]
    out = []
    for i, _ in enumerate(ALPHAS):
        over, under = [], []
        for record in scanned:
            rows = [x for x in record["layers"] if x[which]]
            over.append(sum(x[which][i] * x["pairs"] for x in rows))
            under.append(float(sum(x["pairs"] for x in rows)))
        out.append(ratio(over, under))
    return out


def tail_by_layer(records: Sequence[Record], which: str) -> dict[str, list[float]]:
    """The same of each signal alone: mean over worlds, weighed by pairs."""
    names = sorted({x["signal"] for r in records for x in r.get("layers", ())})
    out = {}
    for name in names:
        rows = [x for r in records for x in r.get("layers", ()) if x["signal"] == name and x[which]]
        m = sum(x["pairs"] for x in rows)
        if m:
            out[name] = [sum(x[which][i] * x["pairs"] for x in rows) / m for i in range(5)]
    return out


def of(records: Sequence[Record], *sections: str) -> list[Record]:
    """The records of some sections."""
    return [r for r in records if r["section"] in sections]


def _tails(records: Sequence[Record]) -> list[Measure]:
    """Of every size of world apart: what holds in small ones need not in large ones."""
    quiet, out = of(records, "quiet"), []
    sizes = sorted({r["accounts"] for r in quiet})
    for which, what, most in (("tail_shuffled", "shuffled", 1.0), ("tail", "organic", 2.0)):
        for size in sizes or [0]:
            mine = [r for r in quiet if r["accounts"] == size]
            layers = tail_by_layer(mine, which)
            where = f", {size:,} accounts" if len(sizes) > 1 else ""
            for i, (alpha, found) in enumerate(zip(ALPHAS, tails(mine, which), strict=True)):
                worst = max(layers.items(), key=lambda x: x[1][i], default=None)
                note = f"worst layer {worst[0]}: {worst[1][i]:.2g}" if worst else ""
                name = f"pair tail ratio, {what}, α = {alpha:.0e}{where}"
                out.append(_at_most(name, found, most, note))
    return out


def _shuffles(records: Sequence[Record]) -> list[Measure]:
    values = []
    for record in of(records, "groups", "texts", "others", "quiet"):
        real = sum(x["validated"] for x in record["layers"])
        runs = max((len(x["shuffled"]) for x in record["layers"]), default=0)
        if runs:
            shuffled = sum(sum(x["shuffled"]) for x in record["layers"]) / runs
            values.append(shuffled / max(real, 1) / DIAL)
    name = "shuffled edges at the real threshold / max(real edges, 1) / q"
    runs_of = [n for r in of(records, "shuffled") for n in r["standing"]]
    stands = share(sum(bool(n) for n in runs_of), len(runs_of))
    note = "" if len(runs_of) >= 300 else f"only {len(runs_of)} of 300 runs"
    return [
        _at_most(name, mean(values), 1.0),
        _at_most("shuffled worlds in which any group stands", stands, 0.0, note, percent=True),
    ]


def _false_edges(records: Sequence[Record]) -> list[Measure]:
    rows = [r["edges"] for r in of(records, "groups", "texts", "others")]
    false = [float(e["validated"] - e["campaign"]) for e in rows]
    found = ratio(false, [DIAL * e["validated"] for e in rows])
    name = "observed / nominal FDR of validated edges, worlds with crews"
    note = "an edge is true inside one campaign; shared interests count as false"
    return [_at_most(name, found, 1.0, note)]


def _look_alikes(records: Sequence[Record]) -> list[Measure]:
    rows = [a for r in of(records, "look-alikes") for a in r["look_alikes"]]
    rows = [a for a in rows if a["verdict"] != "admitted" and not _may(a)]
    stood = [a for a in rows if a["verdict"] != "silent"]
    strong = sum("strong" in a["bands"] for a in rows)
    named = sum(a["verdict"] == "called coordinated" for a in rows)
    typed = sum(a["verdict"] == "typed" for a in stood)
    few = "" if len(stood) >= 200 else f"{len(stood)} of 200 sets stood"
    return [
        _at_most("look-alikes coordinated at strong", share(strong, len(rows)), 0, percent=True),
        _at_most("look-alikes coordinated, any band", share(named, len(rows)), 0, percent=True),
        _at_least("look-alikes that became groups: typed", share(typed, len(stood)), 0.95, few),
    ]


def _may(row: Record) -> bool:
    return str(row["label"]).partition(":")[2].rpartition("-")[0].replace("-", " ") in ADMITTED


def _planted(records: Sequence[Record]) -> list[Measure]:
    out = []
    for name, aim in AIMS.items():
        rows = _campaigns(records, name)
        stands = share(sum(c["found"] for c in rows), len(rows))
        found = [c for c in rows if c["found"]]
        has_aim = name in _STANDING or name in _TEXTUAL
        for what, figure, least in (
            ("stand", stands, STANDS),
            ("members recovered, all of them", mean([_recovered(c) for c in rows]), WHOLE),
            ("purity of those that stand", mean([c["purity"] for c in found]), PURE),
        ):
            out.append(_at_least(f"{name}: {what}", figure, least if has_aim else None))
        named = share(sum(c["coordinated"] for c in rows), len(rows))
        out.append(_at_least(f"{name}: coordinated", named, aim))
    return out


def _recovered(row: Record) -> float:
    return float(row["recall"]) if row["found"] else 0.0


def _campaigns(records: Sequence[Record], name: str) -> list[Record]:
    found = of(records, "groups", "texts", "others")
    return [c for r in found for c in r["campaigns"] if c["name"] == name and c["accounts"]]


def _paraphrase(records: Sequence[Record]) -> list[Measure]:
    every = _campaigns(records, "paraphrase-links-crew")
    texts = _campaigns(records, "paraphrase-crew")
    return [
        _at_least(
            "100 % paraphrased, all layers: members recovered",
            mean([_recovered(c) for c in every]),
            0.80,
        ),
        _at_least(
            "100 % paraphrased, texts alone: members recovered",
            mean([_recovered(c) for c in texts]),
            None,
        ),
    ]


def _innocents(records: Sequence[Record]) -> list[Measure]:
    simulated = [r for r in records if "scores" in r and not r["collect"]]
    quiet = of(records, "quiet")
    framed = [r["scores"] for r in of(records, "framing")]
    accounts = sum(s["framed"] for s in framed)
    return [
        _at_most(
            "ordinary accounts in coordinated findings",
            share(
                sum(
                    r["scores"]["ordinary_flagged"] - r["scores"]["framed_flagged"]
                    for r in simulated
                ),
                sum(r["scores"]["accounts"] for r in simulated),
            ),
            0,
            percent=True,
        ),
        _no_aim(
            "ordinary accounts in any standing finding, quiet worlds",
            share(
                sum(r["standing_ordinary"] for r in quiet),
                sum(r["scores"]["accounts"] for r in quiet),
            ),
        ),
        _at_most(
            "framing: imitated accounts coordinated at strong",
            share(sum(s["framed_strong"] for s in framed), accounts),
            0,
            percent=True,
        ),
        _no_aim(
            "framing: imitated accounts coordinated, any band",
            share(sum(s["framed_flagged"] for s in framed), accounts),
        ),
    ]


def _beside_baselines(records: Sequence[Record]) -> list[Measure]:
    """The smallest lead of klieg's matched AUC over a baseline: one lead a world, then its mean."""
    leads: dict[str, list[float]] = {}
    for record in records:
        rows = {w["method"]: w["auc_matched"] for w in record.get("baselines", ())}
        ours = rows.get("klieg: findings, then joint behaviour")
        for method, value in rows.items():
            if ours is not None and value is not None and not method.startswith("klieg"):
                leads.setdefault(method, []).append(ours - value)
    if not leads:
        return [_at_least("AUC at matched volume: lead over the best baseline", mean([]), 0.05)]
    best = min(leads, key=lambda m: sum(leads[m]) / len(leads[m]))
    name = "AUC at matched volume: lead over the best baseline"
    row = _at_least(name, mean(leads[best]), 0.05, f"simulated worlds; the best is {best}")
    return [Measure(row.measure, row.estimate, "≥ 0.05", row.met, row.note)]


def _elsewhere() -> list[Measure]:
    nothing = Estimate(float("nan"), float("nan"), float("nan"), 0)
    return [
        Measure(name, nothing, aim, "not measured", where)
        for name, aim, where in (
            ("real operations in organic traffic", "see aim", "benchmarks/bench_operations.py"),
            ("supervised heads", "ahead of every baseline", "benchmarks/bench_operations.py"),
            ("coverage of the interval of share of voice", "≥ 93 %", "not part of this suite yet"),
            (
                "invariance: order, names, weeks, shards, engine",
                "identical",
                "tests/test_contracts.py",
            ),
        )
    ]


def _at_most(
    name: str, found: Estimate, most: float, note: str = "", *, percent: bool = False
) -> Measure:
    aim = f"{100 * most:g} %" if percent else f"≤ {most:g}"
    return Measure(name, found, aim, _met(found, lambda v: v <= most), note, percent)


def _at_least(name: str, found: Estimate, least: float | None, note: str = "") -> Measure:
    if least is None:
        return _no_aim(name, found, note)
    met = _met(found, lambda v: v >= least)
    return Measure(name, found, f"≥ {100 * least:g} %", met, note, percent=True)


def _no_aim(name: str, found: Estimate, note: str = "") -> Measure:
    met: Met = "no aim" if found.n else "not measured"
    return Measure(name, found, "", met, note, percent=True)


def _met(found: Estimate, holds: Callable[[float], bool]) -> Met:
    if math.isnan(found.value):
        return "not measured"
    return "yes" if holds(found.value) else "no"
