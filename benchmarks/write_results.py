"""Write docs/results.md and docs/benchmarks.md from results/*.csv: no number is typed by hand.

``python benchmarks/write_results.py`` after the benches it reads. A bench that has not been run is
named as missing.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"

FOOT = (
    "Measured, bad numbers included; every table names the command, the device and the commit. This page is written by\n"
    "`benchmarks/write_results.py` from `benchmarks/results/*.csv`. Machines are shared and noisy: compare ratios, not seconds.\n"
)

FOUND = (
    (
        "suite",
        "What counts as good",
        "`python benchmarks/bench_suite.py` (`klieg evaluate --suite`). Every measure beside its aim, met or not; worlds of 3,000 accounts "
        "and 14 days unless `--full`, several crews or look-alikes in each, the two makers in turn; seeds from 70,001 on, on which "
        "nothing was built. Shares with Clopper–Pearson, means with a bootstrap over worlds.",
        (),
    ),
    (
        "suite_large",
        "Planted groups in larger worlds",
        "`python benchmarks/bench_suite.py --large`: 8,000 accounts over 30 days, six or seven crews or nine look-alikes in each world, the "
        "two makers in turn, beside what the research prototype of the method reached on worlds of 4,000 … 8,000 accounts of one maker, tuned on half of them.",
        (),
    ),
    (
        "suite_planted",
        "Planted groups, by kind",
        "From the run of the suite: shares that stand and that are called coordinated, members recovered (of all groups), purity (of those that stand).",
        (),
    ),
    (
        "suite_look_alikes",
        "Look-alikes, by kind",
        "From the same run. *Stood* became a group; *called* is how klieg explains it, most often first.",
        (),
    ),
    (
        "suite_evasions",
        "Evasions and what they cost",
        "From the same run. *Cost* is the push that is lost: 1 − (share of the members on an object within an hour of the first × share "
        "of their posts that is no cover), measured in the world.",
        (),
    ),
    (
        "suite_smallest",
        "The smallest campaign found in 80 % of the worlds",
        "From the same run: from so many joint acts of each account on, every larger cell was found, or called coordinated. Empty: none was.",
        (),
    ),
    (
        "suite_collections",
        "Collections",
        "From the same run: the same worlds as people collect them.",
        (),
    ),
    (
        "suite_languages",
        "Ordinary accounts, by language",
        "From the same run: accounts that nobody planted, in quiet worlds and beside look-alikes.",
        (),
    ),
    (
        "suite_baselines",
        "Beside other methods: worlds",
        "From the same run, the worlds of repost and text crews. `docs/evaluation.md` says what each method is.",
        (),
    ),
    (
        "baselines_real",
        "Beside other methods: real operations",
        "`python benchmarks/bench_baselines.py`. No method sees a label. *Matched*: among accounts of like volume.",
        (),
    ),
    (
        "operations_ranking",
        "Real operations: ranking",
        "`python benchmarks/bench_operations.py`, `docs/evaluation.md` says what each column is. What is reported is the half of the accounts that nothing was "
        "chosen on. *Lead*: klieg's matched AUC less the best baseline's, with 95 % of a bootstrap over accounts; *lpa* the same with each account counted once. "
        "The coin is no baseline: it shows what few accounts do by chance.",
        (
            "data",
            "days",
            "accounts",
            "method",
            "n",
            "operation",
            "auc",
            "auc_matched",
            "auc_per_account",
            "named",
            "right",
            "best_baseline",
            "lead",
            "lead_low",
            "lead_high",
            "lead_per_account",
            "lpa_low",
            "lpa_high",
        ),
    ),
    (
        "operations_heads",
        "Real operations: supervised heads",
        "From the same bench: one learner, trained on half of the accounts and the even days, asked about the other half on the odd days; also with one role left "
        "out of the training and asked about alone. An operation and the traffic beside it were collected apart: *acts by signal* is what that alone tells.",
        (),
    ),
    (
        "operations_levels",
        "Campaigns planted into real posts",
        "From the same bench: real accounts of ordinary traffic given joint acts on real objects; found, and called coordinated, of how many, at each level of "
        "`false_alarms`. In the German data groups stand without any planting.",
        (),
    ),
    (
        "operations_missed",
        "Real operations: found and missed accounts",
        "From the same bench: shares of each lot. *Company*: on one object with accounts that have evidence. *Shares two with one*: with one other account of the operation.",
        (),
    ),
    (
        "operations_clocks",
        "Coarse clocks and missing ids",
        "From the same bench: one world (and the German data) as it is, with times to the minute, and with reposts that say the text and not the post.",
        (),
    ),
    (
        "operations_flags",
        "Ordinary accounts of real traffic, by language and side",
        "From the same bench. *None*: the data say no language, or no side is known.",
        (),
    ),
    (
        "operations_groups",
        "German elections: every group that stands",
        "From the same bench: type, and rhythm of the gaps between members' acts on one object.",
        (),
    ),
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
        "precision",
        "Edges against the truth",
        "`python benchmarks/bench_precision.py`. 400 planted accounts in 20 groups of 20 that share ten objects each within eight "
        "seconds, in traffic with objects of Zipf popularity; everything at default settings. An edge is true if both ends are "
        "of one planted group. Validated alone, few pairs survive in large data (interest pools take a crew on objects of its own "
        "for an interest); inside the groups that stand, and with the group left out, nearly all do.",
        (),
    ),
)

SPEED = (
    (
        "scan",
        "Speed, the whole way",
        "`python benchmarks/bench_scan.py`. A simulated world as X API v2 JSONL, scanned to case and report.",
        ("what", "posts", "runs", "seconds", "cpu_seconds", "peak_mib"),
    ),
    (
        "engine",
        "The pair engine",
        "`python benchmarks/bench_engine.py`, beside DuckDB on the same work.",
        (),
    ),
    (
        "peers",
        "Beside coordination-network-toolkit",
        "`python benchmarks/bench_peers.py`: process start, reading, computing, writing, on the same file, the same edges. CPU "
        "seconds of all processes. CooRTweet needs R and is not run here.",
        (),
    ),
    (
        "limit",
        "How far from the limit",
        "`python benchmarks/bench_limit.py`: the same loop in C (`cc -O3 -march=native`), on the same actions, one thread.",
        (),
    ),
    (
        "curve",
        "From 10^5 to 10^8 actions",
        "`python benchmarks/bench_curve.py`: pairs of two objects over the whole ladder, in budgets that are kept.\n\n"
        "![CPU seconds and peak memory, from a hundred thousand to a hundred million actions](curve.svg)",
        (),
    ),
    (
        "network",
        "Three signals, six windows, null and FDR",
        "`python benchmarks/bench_network.py --rows 1000000,10000000`, and 100,000,000 with `--memory 8GiB` (at commit `71f911c`, beside "
        "eight other processes: walls mean nothing there; at that size the layers are not woven into one, and the case says so). "
        "*Found*: validated pairs, those of them planted, pairs planted; then how many a label shuffle gave.",
        (),
    ),
    (
        "crowds",
        "Crowds",
        "`python benchmarks/bench_crowds.py`: whole scans of links. *Pairs* of crowds that no engine enumerates, how many of them were "
        "scored, and how many of the others could have been validated at most; whose members the findings are.",
        (),
    ),
    (
        "ingest",
        "Reading",
        "`python benchmarks/bench_ingest.py`: CPU seconds beside DuckDB and Polars, which read the same file bare.",
        (),
    ),
    (
        "ray",
        "Ray beside threads",
        "`python benchmarks/bench_ray.py`: the same shards on threads, on Ray, and on two raylets of one machine.",
        (),
    ),
    (
        "gpu_engine",
        "The gpu engine",
        "`python benchmarks/bench_gpu_engine.py`: PyTorch beside the compiled engine on the same rows. No GPU was at hand: this is "
        "the processor; the same command runs on CUDA.",
        (),
    ),
    ("copies", "Copies", "`python benchmarks/bench_copies.py`.", ()),
)

PAGES = (
    ("results.md", "Results", FOUND),
    ("benchmarks.md", "Benchmarks", SPEED),
)


def main() -> None:
    for page, title, sections in PAGES:
        parts = [f"# {title}\n", FOOT]
        for name, heading, about, columns in sections:
            if (RESULTS / f"{name}.csv").exists():
                measured = _measured(RESULTS / f"{name}.csv", columns)
                parts += [f"## {heading}\n\n{about}\n", *measured]
        missing = [h for name, h, _, _ in sections if not (RESULTS / f"{name}.csv").exists()]
        if missing:
            parts.append("## Not run yet\n\n" + "\n".join(f"- {h}" for h in missing) + "\n")
        (DOCS / page).write_text("\n".join(parts), encoding="utf-8", newline="\n")
        print(DOCS / page)


def _measured(path: Path, columns: Sequence[str]) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    stamp = rows[0]
    skip = {"device", "commit", "seed", "date"}
    return [
        f"{stamp.get('device', '')}, commit `{stamp.get('commit', '')}`, seed "
        f"{stamp.get('seed', '')}, {stamp.get('date', '')}.\n",
        _table(rows, columns or [c for c in rows[0] if c not in skip]),
    ]


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
