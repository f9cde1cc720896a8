"""How often a group that nobody planned is called coordinated: what a band must have earned.

``python benchmarks/bench_bands.py [--worlds 200] [--rows FILE] [--write] [--small]``

Simulates worlds of both makers without any crew (1,500 to 3,000 accounts, 14 days, 18 look-alikes
in each, every sixth world with nothing planted), scans them without shuffles and
controls, and keeps what is read of every group that stands. All of them are clean but two kinds,
which do act together by arrangement and are left out: group chats and declared collectives. Counts,
for clocks and for texts, how many clean groups stood and how many of them were `coordinated` at
each bound or more, with one-sided 95 % Clopper–Pearson upper bounds. Seeds 60,001 and on, which no
reported figure uses. Finished worlds are kept in ``--rows``, so a long run can be stopped and taken
up again. Writes results/bands.csv and, with ``--write``, the file that klieg ships.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import klieg
from klieg import pipeline
from klieg.config import Config
from klieg.detect import bands, sentences
from klieg.detect.timed import TEXTUAL
from klieg.sources.simulate import CATALOGUE, World, simulate
from klieg.tables import RETOLD, Finding
from measure import save

FIRST_SEED = 60_001
RESERVED = 70_001  # seeds from here on are for reporting
GENERATORS = ("attention", "feeds")
ADMITTED = frozenset({"group-chat", "declared-collective"})
SIZES = (1_500, 2_000, 3_000)
KINDS = 18
QUIET = 6
BOUNDS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0)
VERSION = "1"
ROWS = Path(__file__).parent / "results" / "bands.rows.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=200, help="of each maker")
    parser.add_argument("--rows", type=Path, default=ROWS, help="where finished worlds are kept")
    parser.add_argument("--write", action="store_true", help="replace the packaged file")
    parser.add_argument("--small", action="store_true", help="three small worlds of each maker")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so many; 0: never")
    parser.add_argument("--commit", default="", help="of the code that made the rows, if not HEAD")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.worlds, chosen.rows = 3, chosen.rows.with_suffix(".small.jsonl")
    worlds = gather(chosen.worlds, chosen)
    counted = counts(worlds, chosen.commit or _commit())
    told = table(worlds, counted)
    for row in told:
        print(row)
    if chosen.write:
        path = Path(klieg.__file__).parent / "detect" / bands.FILE
        path.write_text(json.dumps(counted, indent=1) + "\n", encoding="utf-8")
        print(path)
    print(save("bands", told, seed=FIRST_SEED))


def counts(worlds: Sequence[dict[str, Any]], commit: str) -> dict[str, Any]:
    """What the packaged file holds: of each kind the clean groups, and the false ones by bound."""
    groups = [{**g, "generator": w["generator"]} for w in worlds for g in w["groups"]]
    clean = {k: [g for g in groups if k in kinds(g)] for k in ("clock", "texts")}
    steps: dict[str, list[dict[str, float]]] = {}
    for kind, mine in clean.items():
        steps[kind] = []
        for bound in BOUNDS:
            false = sum(called(g, kind, bound) for g in mine)
            upper = upper_bound(false, len(mine))
            steps[kind].append({"bound": bound, "false": false, "upper": round(upper, 6)})
    seen = Counter(
        (g["generator"], g["signals"][0], g["class"], g["subclass"]) for g in groups if kinds(g)
    )
    seeds = [w["seed"] for w in worlds]
    return {
        "version": VERSION,
        "klieg": klieg.__version__,
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
        "seeds": [min(seeds, default=0), max(seeds, default=0)],
        "worlds": dict(Counter(w["generator"] for w in worlds)),
        "clean": {kind: len(mine) for kind, mine in clean.items()},
        "steps": steps,
        "seen": [
            {"generator": g, "signal": s, "class": c, "subclass": sub, "groups": n}
            for (g, s, c, sub), n in sorted(seen.items())
        ],
    }


def kinds(group: dict[str, Any]) -> set[str]:
    """By what a group could have been called coordinated: any signal that carries it may decide."""
    if group["class"] == "abstain":
        return set()
    names = set(group["signals"])
    timed = {"clock"} if names - TEXTUAL - set(RETOLD) else set()
    return timed | ({"texts"} if names & TEXTUAL else set())


def called(group: dict[str, Any], kind: str, bound: float) -> bool:
    """Whether it was called coordinated, on this bound or more of the kind."""
    if group["class"] != "coordinated" or not group["clock"]:
        return False
    pace, event, company, habit = group["clock"]
    mine = pace if kind == "texts" else min(event, company, habit)
    return bool(bound == BOUNDS[0] or mine >= bound)


def upper_bound(false: int, n: int) -> float:
    """One-sided 95 % bound of Clopper & Pearson 1934."""
    return float(stats.beta.ppf(0.95, false + 1, n - false)) if false < n else 1.0


def table(worlds: Sequence[dict[str, Any]], counted: dict[str, Any]) -> list[dict[str, object]]:
    """Steps of each kind, what the groups were, and how high their bounds came."""
    rows: list[dict[str, object]] = []
    for kind, steps in counted["steps"].items():
        rows += [
            {
                "what": f"{kind}: bound {s['bound']:g} or more",
                "groups": counted["clean"][kind],
                "coordinated": s["false"],
                "upper": s["upper"],
                "highest clock bound": "",
            }
            for s in steps
        ]
    every = [g for w in worlds for g in w["groups"] if kinds(g)]
    for of, n in sorted(Counter(_planted(g["of"]) for g in every).items()):
        mine = [g for g in every if _planted(g["of"]) == of]
        false = sum(g["class"] == "coordinated" for g in mine)
        rows.append(_line(of, n, false))
    for generator in GENERATORS:
        mine = [g for w in worlds if w["generator"] == generator for g in w["groups"] if kinds(g)]
        least = [min(g["clock"][1:]) for g in mine if g["clock"] and "clock" in kinds(g)]
        false = sum(g["class"] == "coordinated" for g in mine)
        highest = {"highest clock bound": round(max(least, default=0.0), 2)}
        rows.append(_line(generator, len(mine), false) | highest)
    return rows


def _line(what: str, n: int, false: int) -> dict[str, object]:
    upper = round(upper_bound(false, n), 6)
    head = {"what": what, "groups": n, "coordinated": false, "upper": upper}
    return {**head, "highest clock bound": ""}


def _planted(label: str) -> str:
    """The kind of look-alike without its number; what was planted by nobody is "organic"."""
    kind = label.removeprefix("look-alike:").rstrip("0123456789").rstrip("-")
    return kind or "organic"


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROWS.parent)
    return done.stdout.strip()


def gather(count: int, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Every world's groups; those that the file of rows holds are not made again."""
    rows: Path = chosen.rows
    done = [json.loads(x) for x in rows.read_text().splitlines()] if rows.exists() else []
    known = {(w["generator"], w["seed"]) for w in done}
    since = time.monotonic()
    for i in range(count):
        for generator in GENERATORS:
            if (generator, FIRST_SEED + i) in known:
                continue
            if chosen.seconds and time.monotonic() - since > chosen.seconds:
                return done
            done.append(_world(generator, FIRST_SEED + i))
            print(_told(done), flush=True)
            with rows.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
    return done


def _told(done: Sequence[dict[str, Any]]) -> str:
    last, groups = done[-1], [g for w in done for g in w["groups"]]
    called = sum(g["class"] == "coordinated" for g in groups)
    return (
        f"{last['generator']} {last['seed']}: {len(last['groups'])} groups, "
        f"{last['cpu_seconds']} CPU s; in all {called} of {len(groups)} coordinated"
    )


def _world(generator: str, seed: int) -> dict[str, Any]:
    if not FIRST_SEED <= seed < RESERVED:
        raise SystemExit("out of seeds: what is reported must not be used here")
    rng = np.random.default_rng(seed)
    begun = time.process_time()
    accounts = int(rng.choice(SIZES))
    names = [] if seed % QUIET == 0 else _names(rng, accounts)
    world = simulate(
        seed=seed,
        accounts=accounts,
        days=14,
        generator=generator,  # type: ignore[arg-type]
        worlds=names or ["quiet"],
    )
    config = Config(seed=seed, shuffles=0, controls=0, threads=1)
    case = pipeline.scan(world.posts, config=config)
    ids = [str(i) for i in case.posts.account_ids.to_pylist()]
    groups = [_row(f, ids, world) for f in case.findings]
    return {
        "generator": generator,
        "seed": seed,
        "accounts": accounts,
        "planted": names,
        "groups": groups,
        "cpu_seconds": round(time.process_time() - begun, 1),
    }


def _names(rng: np.random.Generator, accounts: int) -> list[str]:
    """Kinds that this world has room for, some twice; niches, which stand most, more often."""
    fits = [
        n
        for n, p in sorted(CATALOGUE.items())
        if p.look_alikes
        and not p.campaigns
        and n not in ADMITTED
        and all(a.size * 10 <= accounts for a in p.look_alikes)
    ]
    weight = np.array([3.0 if n.endswith("niche") or n.startswith("fans") else 1.0 for n in fits])
    return [str(n) for n in rng.choice(fits, KINDS, p=weight / weight.sum())]


def _row(finding: Finding, ids: Sequence[str], world: World) -> dict[str, Any]:
    """What a band could be read from, and what the group was."""
    labels = Counter(world.truth.accounts.get(ids[m.account], "") for m in finding.members)
    most, count = labels.most_common(1)[0]
    clock, breadth = finding.clock, finding.breadth
    return {
        "class": finding.class_,
        "subclass": finding.subclass,
        "band": finding.band,
        "of": most if 2 * count >= len(finding.members) else "mixed",
        "size": len(finding.members),
        "signals": list(finding.signals),
        "clock": [
            round(read[1], 4)
            for read in (clock.pace, clock.event, clock.event_outsiders, clock.habit)
        ]
        if clock
        else [],
        "net": round(finding.net, 2),
        "rho": round(finding.rho, 3),
        "breadth": [round(breadth.net_without_two, 2), round(breadth.effective_targets, 2)]
        if breadth
        else [],
        "crossed": sentences.CROSSED in finding.counter_evidence,
        "flat_only": finding.stability.get("stands_with_interest", 1) == 0,
    }


if __name__ == "__main__":
    main()
