"""Write docs/results.md from results/*.csv, so that no number in it is typed by hand.

``python benchmarks/write_results.py`` after the benches it reads: scan, real_data, worlds, engine,
copies. A bench that has not been run is named as missing.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "results.md"

HEAD = """# Results

Measured, bad numbers included; every table names the command, the device and the commit. This page is written by
`benchmarks/write_results.py` from `benchmarks/results/*.csv`. Machines are shared and noisy: compare ratios, not seconds.
"""

SECTIONS = (
    (
        "worlds",
        "Worlds with known truth",
        "`python benchmarks/worlds.py`. Five campaigns (reposts, links, copies, edited copies, hashtags) and five look-alikes in "
        "each world, or the look-alikes alone; seeds and sizes on which nothing was built. *Shuffled / real / q* at most 1 is "
        "the promise; *false coordinated* counts coordinated findings that are no campaign, *ordinary* the accounts of no "
        "planted group in coordinated findings.",
        (
            "accounts",
            "world",
            "campaigns",
            "posts",
            "standing",
            "found",
            "coordinated",
            "mean_recall",
            "mean_purity",
            "look_alikes_coordinated",
            "false_coordinated",
            "strong",
            "ordinary_flagged",
            "validated",
            "shuffled",
            "shuffled_over_real_over_q",
            "seconds",
        ),
    ),
    (
        "real_data",
        "Real posts",
        "`python benchmarks/real_data.py`. *Expected* is the number of validated edges chance alone would give (m × threshold), "
        "*shuffled* how many one label shuffle gave. *Operation* counts accounts that the data's own authors attribute to an "
        "operation and that stand in any finding; *ordinary flagged* everybody else, in `coordinated` findings and in any (the German and "
        "Russian sets carry no labels: there nobody is known to be ordinary). Exit 3 is a file that is no posts, or whose "
        "columns need `--map`; the last column is what klieg said.",
        (
            "data",
            "exit",
            "rows",
            "posts",
            "seconds",
            "peak_mib",
            "expected",
            "validated",
            "shuffled",
            "findings",
            "operation_found",
            "ordinary_flagged",
            "says",
        ),
    ),
    (
        "scan",
        "Speed, the whole way",
        "`python benchmarks/bench_scan.py`. A simulated world as X API v2 JSONL, scanned to case and report.",
        ("what", "posts", "runs", "seconds", "cpu_seconds", "peak_mib"),
    ),
    (
        "engine",
        "Speed, the engine",
        "`python benchmarks/bench_engine.py`, beside DuckDB on the same work.",
        (),
    ),
    ("copies", "Speed, copies", "`python benchmarks/bench_copies.py`.", ()),
)


def main() -> None:
    parts = [HEAD]
    for name, title, about, columns in SECTIONS:
        path = RESULTS / f"{name}.csv"
        parts.append(f"## {title}\n\n{about}\n")
        if not path.exists():
            parts.append(f"*Not run yet: {path.name} is missing.*\n")
            continue
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        stamp = rows[0]
        parts.append(
            f"{stamp.get('device', '')}, commit `{stamp.get('commit', '')}`, seed "
            f"{stamp.get('seed', '')}, {stamp.get('date', '')}.\n"
        )
        skip = {"device", "commit", "seed", "date"}
        parts.append(_table(rows, columns or [c for c in rows[0] if c not in skip]))
    PAGE.write_text("\n".join(parts), encoding="utf-8", newline="\n")
    print(PAGE)


def _table(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> str:
    lines = [
        "| " + " | ".join(c.replace("_", " ") for c in columns) + " |",
        "|" + "---|" * len(columns),
    ]
    for row in rows:
        cells = [_short(row.get(c, "")) for c in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _short(cell: str, limit: int = 130) -> str:
    flat = " ".join(cell.split()).replace("|", "\\|")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


if __name__ == "__main__":
    main()
