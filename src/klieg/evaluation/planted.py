"""Planted groups by kind and size of world: how many stand, how many are called coordinated.

Crews beside what the method's prototype reached on worlds of 4,000 … 8,000 accounts, look-alikes
beside nought. The room reads records and runs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from klieg.evaluation.intervals import share
from klieg.evaluation.measures import AIMS, Record, of

__all__ = ["PROTOTYPE", "planted"]

Row = dict[str, Any]

PROTOTYPE: Final[Mapping[str, str]] = {
    "crew": "8/8",
    "crew-30min": "7/7",
    "crew-log-30min": "4/6",
    "crew-3h": "3/7",
    "crew-6h": "0/8",
    "wide-crew": "5/8",
    **dict.fromkeys(("copies-crew", "edited-crew", "tags-crew"), "24/24, all three"),
    "one-brand": "0/64",
    "syndication": "0/8",
    **dict.fromkeys(
        ("plain-niche", "fast-niche", "zone-niche", "alert-niche", "event-niche"),
        "0/56, all niches",
    ),
}
"""Of how many the prototype called how many coordinated: tuned on half of its worlds, one maker."""

SECTIONS: Final = ("groups", "texts", "others", "large", "look-alikes")


def planted(records: Sequence[Record]) -> list[Row]:
    """A row for each kind and size of world, crews first."""
    crews: dict[tuple[int, int, str], list[Row]] = defaultdict(list)
    alike: dict[tuple[int, int, str], list[Row]] = defaultdict(list)
    for record in of(records, *SECTIONS):
        size = record["accounts"], record["days"]
        for row in record["campaigns"]:
            if row["accounts"]:
                crews[(*size, row["name"])].append(row)
        for row in record["look_alikes"]:
            alike[(*size, row["name"])].append(row)
    order = {name: i for i, name in enumerate(AIMS)}
    out = [
        _crew(*key, crews[key])
        for key in sorted(crews, key=lambda k: (k[:2], order.get(k[2], len(order)), k[2]))
    ]
    return out + [_alike(*key, alike[key]) for key in sorted(alike)]


def _crew(accounts: int, days: int, name: str, rows: Sequence[Row]) -> Row:
    found = [r for r in rows if r["found"]]
    aim = AIMS.get(name)
    recovered = [float(r["recall"]) if r["found"] else 0.0 for r in rows]
    return {
        **_shares(accounts, days, name, rows, len(found), sum(r["coordinated"] for r in rows)),
        "recall": round(float(np.mean(recovered)), 4),
        "purity": round(float(np.mean([r["purity"] for r in found])), 4) if found else "",
        "typed": "",
        "prototype_coordinated": PROTOTYPE.get(name, ""),
        "aim_coordinated": f"≥ {100 * aim:g} %" if aim else "",
    }


def _alike(accounts: int, days: int, name: str, rows: Sequence[Row]) -> Row:
    stood = [r for r in rows if r["verdict"] != "silent"]
    named = sum(r["verdict"] == "called coordinated" for r in rows)
    right = sum(r["verdict"] in ("typed", "admitted") for r in stood)
    admitted = any(r["verdict"] == "admitted" for r in rows)
    return {
        **_shares(accounts, days, name, rows, len(stood), named),
        "recall": "",
        "purity": "",
        "typed": round(right / len(stood), 4) if stood else "",
        "prototype_coordinated": PROTOTYPE.get(name, ""),
        "aim_coordinated": "" if admitted else "0",
    }


def _shares(
    accounts: int, days: int, name: str, rows: Sequence[Row], stand: int, named: int
) -> Row:
    n = len(rows)
    stands, called = share(stand, n), share(named, n)
    return {
        "kind": name,
        "accounts": accounts,
        "days": days,
        "groups": n,
        "stand": round(stands.value, 4),
        "stand_low": round(stands.low, 4),
        "coordinated": round(called.value, 4),
        "coordinated_low": round(called.low, 4),
        "coordinated_high": round(called.high, 4),
    }
