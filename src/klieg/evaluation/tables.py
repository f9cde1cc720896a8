"""The tables beside the first one: look-alikes by kind, baselines, power, evasion, collections, QQ.

Each is a list of like rows of plain values: what the CSV files hold and the pictures draw. The room
knows records and no aim.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from klieg.detect.error_control import ALPHAS, BINS
from klieg.evaluation.intervals import mean, share
from klieg.evaluation.measures import Record, of, tail_by_layer, tails

__all__ = [
    "POWER",
    "axes",
    "baselines",
    "collections",
    "evasions",
    "languages",
    "look_alikes",
    "power",
    "quantiles",
    "smallest",
    "tail_ratios",
]

Row = dict[str, Any]
POWER = 0.8
"""Share of campaigns found from which a cell counts as within reach."""
_CELL = re.compile(r"(\d{1,9}) × (\d{1,9}) at ([\d.e+]{1,20}) s")


def look_alikes(records: Sequence[Record]) -> list[Row]:
    """A row for each kind: how often it stood, how it was called, the upper bound of the error."""
    by: dict[str, Counter[str]] = defaultdict(Counter)
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for row in (a for r in of(records, "look-alikes") for a in r["look_alikes"]):
        by[row["name"]][row["verdict"]] += 1
        if row["typed_as"]:
            words[row["name"]][row["typed_as"]] += 1
    out = []
    for name, seen in sorted(by.items()):
        n, wrong = seen.total(), seen["called coordinated"]
        called = ", ".join(f"{w} {k}" for w, k in words[name].most_common(3))
        out.append(
            {
                "look_alike": name,
                "worlds": n,
                "stood": n - seen["silent"],
                "typed": seen["typed"] + seen["admitted"],
                "typed_otherwise": seen["typed otherwise"],
                "not_typed": seen["not typed"],
                "coordinated": wrong,
                "coordinated_high": round(share(wrong, n).high, 4),
                "called": called,
            }
        )
    return out


def baselines(records: Sequence[Record]) -> list[Row]:
    """A row for each method: mean AUC, at matched volume, and its rule's precision and recall."""
    by: dict[str, list[Row]] = defaultdict(list)
    for record in records:
        for row in record.get("baselines", ()):
            by[row["method"]].append(row)
    out = []
    for method, rows in by.items():
        named, right = sum(r["named"] for r in rows), sum(r["right"] for r in rows)
        positive = sum(r["positive"] for r in rows)
        auc, matched = mean([r["auc"] for r in rows]), mean([r["auc_matched"] for r in rows])
        out.append(
            {
                "method": method,
                "worlds": len(rows),
                "auc": round(auc.value, 4),
                "auc_low": round(auc.low, 4),
                "auc_high": round(auc.high, 4),
                "auc_matched": round(matched.value, 4),
                "auc_matched_low": round(matched.low, 4),
                "auc_matched_high": round(matched.high, 4),
                "named": named,
                "precision": round(right / named, 4) if named else "",
                "recall": round(right / positive, 4) if positive else "",
            }
        )
    return out


def tail_ratios(records: Sequence[Record]) -> list[Row]:
    """Tail ratios by size of world and α: all layers together with an interval, then each layer."""
    out: list[Row] = []
    quiet = of(records, "quiet")
    for size in sorted({r["accounts"] for r in quiet}):
        mine = [r for r in quiet if r["accounts"] == size]
        for which, data in (("tail_shuffled", "shuffled"), ("tail", "organic")):
            about = {"accounts": size, "data": data}
            for alpha, e in zip(ALPHAS, tails(mine, which), strict=True):
                out.append(about | _tail("all", alpha, e.value, e.low, e.high))
            for signal, values in tail_by_layer(mine, which).items():
                out += [about | _tail(signal, a, v) for a, v in zip(ALPHAS, values, strict=True)]
    return out


def _tail(layer: str, alpha: float, *values: float) -> Row:
    value, low, high = (*values, None, None)[:3]
    return {"layer": layer, "alpha": alpha, "ratio": value, "low": low, "high": high}


def quantiles(records: Sequence[Record]) -> list[Row]:
    """Points of QQ plots on quiet worlds: −log10 of the share of pairs at or beyond a bin's edge
    against the edge itself, for each signal, real and shuffled."""
    quiet = of(records, "quiet")
    out = []
    for signal in sorted({x["signal"] for r in quiet for x in r["layers"]}):
        rows = [x for r in quiet for x in r["layers"] if x["signal"] == signal]
        m = sum(x["pairs"] for x in rows)
        for what in ("bins", "bins_shuffled"):
            count = np.sum([x[what] for x in rows if x[what]], axis=0)
            if not m or not np.any(count):
                continue
            beyond = np.cumsum(count[::-1])[::-1]
            for edge, k in zip(BINS[1:], beyond[1:], strict=False):
                if k:
                    out.append(
                        {
                            "signal": signal,
                            "data": "shuffled" if what == "bins_shuffled" else "organic",
                            "observed": edge,
                            "expected": float(-np.log10(k / m)),
                            "pairs": int(k),
                        }
                    )
    return out


def power(records: Sequence[Record]) -> list[Row]:
    """A row for each cell of size × acts × jitter: shares found, coordinated, members recovered."""
    out = []
    for name, rows in _by_name(of(records, "power")).items():
        cell = _CELL.fullmatch(name)
        assert cell is not None
        size, acts, jitter = int(cell[1]), int(cell[2]), float(cell[3])
        out.append({"size": size, "acts": acts, "jitter_s": jitter, **_shares(rows)})
    return sorted(out, key=lambda r: (r["jitter_s"], r["size"], r["acts"]))


def smallest(records: Sequence[Record]) -> list[Row]:
    """The minimum detectable campaign: of each jitter and size the fewest acts from which on every
    cell of more acts is found in ``POWER`` of the worlds."""
    cells = power(records)
    out = []
    for what in ("found", "coordinated"):
        for jitter in sorted({c["jitter_s"] for c in cells}):
            for size in sorted({c["size"] for c in cells}):
                row = [c for c in cells if c["jitter_s"] == jitter and c["size"] == size]
                least = None
                for c in sorted(row, key=lambda c: -c["acts"]):
                    if c[what] < POWER:
                        break
                    least = c["acts"]
                about = {"to_be": what, "jitter_s": jitter, "size": size}
                out.append({**about, "fewest_acts": least, "worlds": sum(c["worlds"] for c in row)})
    return out


def axes(records: Sequence[Record]) -> list[Row]:
    """One axis at a time from the standard crew: camouflage, rotation, paraphrase."""
    out = []
    for name, rows in _by_name(of(records, "axes")).items():
        axis, _, value = name.partition(" ")
        out.append({"axis": axis, "value": float(value), **_shares(rows)})
    return sorted(out, key=lambda r: (r["axis"], r["value"]))


def evasions(records: Sequence[Record]) -> list[Row]:
    """Recall against what staying unseen costs: a row for each evasion, dearest last."""
    found = [*of(records, "evasion"), *of(records, "groups", "framing")]
    out = []
    for name, rows in _by_name(found).items():
        paid = [c["cost"] for c in rows if c.get("cost") is not None]
        out.append(
            {
                "evasion": name,
                "cost": round(float(np.mean(paid)), 4) if paid else "",
                "members_standing": round(float(np.mean([c["standing"] for c in rows])), 4),
                "members_coordinated": round(float(np.mean([c["named"] for c in rows])), 4),
                **_shares(rows),
            }
        )
    return sorted(out, key=lambda r: (r["cost"] if r["cost"] != "" else 0.0, r["evasion"]))


def collections(records: Sequence[Record]) -> list[Row]:
    """Quiet worlds and worlds with crews, as each collection would hold them."""
    by: dict[str, list[Record]] = defaultdict(list)
    for record in of(records, "collections"):
        by[record["collect"]].append(record)
    out = []
    for how, rows in by.items():
        quiet = [r for r in rows if r["name"] == "quiet"]
        crews = [c for r in rows if r["name"] != "quiet" for c in r["campaigns"] if c["accounts"]]
        ratios = dict(zip(ALPHAS, tails(quiet, "tail"), strict=True))
        out.append(
            {
                "collection": how,
                "worlds": len(rows),
                "posts": round(float(np.mean([r["posts"] for r in rows]))),
                **{f"tail_{a:.0e}": round(e.value, 3) for a, e in ratios.items()},
                "findings": sum(sum(r["scores"]["findings"].values()) for r in quiet),
                "false_coordinated": sum(r["scores"]["false_coordinated"] for r in rows),
                "insufficient": sum(r["insufficient"] for r in rows),
                "crews": len(crews),
                "found": sum(c["found"] for c in crews),
                "crews_coordinated": sum(c["coordinated"] for c in crews),
            }
        )
    return out


def languages(records: Sequence[Record]) -> list[Row]:
    """Ordinary accounts of quiet worlds and look-alike worlds, by the language they post in."""
    total: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for record in of(records, "quiet", "look-alikes"):
        for language, counts in record["languages"].items():
            row = total[record["generator"], language]
            for i, n in enumerate(counts):
                row[i] += n
    return [
        {
            "generator": generator,
            "language": language,
            "accounts": n,
            "standing": standing,
            "coordinated": named,
            "standing_share": round(standing / n, 5) if n else "",
            "coordinated_high": round(share(named, n).high, 6),
        }
        for (generator, language), (n, standing, named) in sorted(total.items())
    ]


def _by_name(records: Sequence[Record]) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = defaultdict(list)
    for row in (c for r in records for c in r["campaigns"] if c["accounts"]):
        out[row["name"]].append(row)
    return out


def _shares(rows: Sequence[Row]) -> Row:
    found, named = (sum(c[k] for c in rows) for k in ("found", "coordinated"))
    recovered = [c["recall"] if c["found"] else 0.0 for c in rows]
    n = len(rows)
    return {
        "worlds": n,
        "found": round(found / n, 4),
        "found_low": round(share(found, n).low, 4),
        "found_high": round(share(found, n).high, 4),
        "coordinated": round(named / n, 4),
        "recall": round(float(np.mean(recovered)), 4),
    }
