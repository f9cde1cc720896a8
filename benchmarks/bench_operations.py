"""Real operations: ranking, supervised heads, planted campaigns, who is missed, flag rates, groups.

``python benchmarks/bench_operations.py [--small] [--section NAME …] [--seeds N] [--folder F]``
reads the folder named by KLIEG_DATA and writes results/operations_<section>.csv. Every finished
piece is kept in the folder at once, and the same command goes on after an interrupt; lines of other
code are not mixed in. ``--small`` is one cheap piece of each section and keeps no results.

Nothing that is reported was chosen on: accounts are split by a hash of their id, heads by account
and by day as well, and campaigns are planted with seeds from 70,001.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import klieg
import operations
from klieg import pipeline
from klieg.config import Config
from klieg.evaluation import evaluate
from klieg.evaluation.grafted import graft
from klieg.evaluation.joint import joint_behaviour
from klieg.evaluation.ranking import matched_auc, rank_auc
from klieg.evaluation.suite import stamp
from klieg.signals import select
from klieg.sockets import make
from klieg.sources.simulate import Campaign
from measure import save
from operations import DATA, SETS, Row, short, volumes

FIRST_SEED = 70_001
LEVELS = (0.1, 0.05, 0.01, 0.001)
SHAPES = (
    ("20 x 10, 1 min", 20, 10, 60.0),
    ("20 x 10, 10 min", 20, 10, 600.0),
    ("20 x 10, 1 h", 20, 10, 3600.0),
    ("40 x 5, 1 h", 40, 5, 3600.0),
    ("10 x 10, 10 min", 10, 10, 600.0),
    ("20 x 10, 6 h", 20, 10, 21_600.0),
)
SIGNALS = {
    "organic": ("repost", "copies", "mention"),
    "german_elections": ("link", "hashtags", "image"),
}
SECTIONS = ("ranking", "heads", "planted", "missed", "clocks", "flags", "groups")
MIX, IRA, ORGANIC, GERMAN = SETS


@dataclass(frozen=True)
class Piece:
    section: str
    key: str
    work: Callable[[], list[Row]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--section", action="append", choices=SECTIONS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("klieg-operations"))
    chosen = parser.parse_args()
    wanted = chosen.section or SECTIONS
    pieces = list(_small() if chosen.small else _pieces(chosen.seeds))
    done = _run([p for p in pieces if p.section in wanted], chosen.folder)
    if not chosen.small:
        for section in wanted:
            rows = [r for p in pieces if p.section == section for r in done[p.key]]
            keys = list(dict.fromkeys(k for r in rows for k in r))
            filled = [{k: r.get(k, "") for k in keys} for r in rows]
            print(save(f"operations_{section}", filled, seed=FIRST_SEED))
            if section == "planted":
                print(save("operations_levels", by_level(filled), seed=FIRST_SEED))


def _pieces(seeds: int) -> Iterator[Piece]:
    for name, days in product((MIX, IRA), ("all", "odd")):
        yield _piece("ranking", lambda n=name, d=days: operations.ranking(n, d), name, days)
    for name in (MIX, IRA):
        yield _piece("heads", lambda n=name: operations.heads(n, leave_out=n == IRA), name)
    for name in (MIX, IRA):
        yield _piece("missed", lambda n=name: operations.missed(n), name)
    for name in (ORGANIC, IRA, GERMAN):
        yield _piece("flags", lambda n=name: operations.flags(n), name)
    yield _piece("groups", lambda: operations.groups(GERMAN), GERMAN)
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        yield _piece("clocks", lambda s=seed: operations.clocks(s), "simulated", seed)
    yield _piece("clocks", lambda: operations.real_clocks(GERMAN), GERMAN)
    names = ORGANIC, GERMAN
    numbers = range(FIRST_SEED, FIRST_SEED + seeds)
    for name, shape, seed, level in product(names, SHAPES, numbers, LEVELS):
        yield _planted_piece(name, shape, seed, level)


def _small() -> Iterator[Piece]:
    yield _piece("ranking", lambda: operations.ranking(MIX, "all", 20), MIX)
    yield _piece("heads", lambda: operations.heads(MIX, leave_out=False), MIX)
    yield _piece("missed", lambda: operations.missed(MIX), MIX)
    yield _piece("flags", lambda: operations.flags(ORGANIC), ORGANIC)
    yield _planted_piece(ORGANIC, SHAPES[1], 1, 0.01)


def _planted_piece(name: str, shape: tuple[str, int, int, float], seed: int, level: float) -> Piece:
    return _piece("planted", lambda: planted(name, shape, seed, level), name, shape[0], seed, level)


def _piece(section: str, work: Callable[[], list[Row]], *about: object) -> Piece:
    return Piece(section, ":".join(map(str, (section, *about))), work)


def planted(name: str, shape: tuple[str, int, int, float], seed: int, level: float) -> list[Row]:
    """A campaign of each signal, planted into one real set and looked for at one level."""
    title, size, acts, jitter = shape
    config = Config(shuffles=0, controls=0, false_alarms=level)
    posts, _ = pipeline.read([DATA / f for f in SETS[name]], config=config)
    executor = make("executors", config.executor, config)
    engine = make("engines", config.engine, config, executor=executor)
    layers = pipeline.trace(posts, select(config, engine=engine))
    executor.close()
    # the campaign's kind is of no account here: objects are those of the signal
    plan = [(s, Campaign("repost", size, acts, jitter_s=jitter)) for s in SIGNALS[name]]
    table, truth = graft(posts, layers, plan, seed=seed)
    case = klieg.scan(table, config=config)
    scores = evaluate(case, truth)
    ids = [str(i) for i in case.posts.account_ids.to_pylist()]
    inside = {ids[m.account] for f in case.findings for m in f.members}
    every = {a for g in truth.groups for a in g.accounts}
    joint, volume = joint_behaviour(case).score, volumes(case)
    out: list[Row] = []
    for score, group in zip(scores.campaigns, truth.campaigns, strict=True):
        others = every - set(group.accounts)
        rest = [i for i, a in enumerate(ids) if a not in others]
        mine = labels_of(ids, group.accounts)[rest]
        out.append(
            {
                "data": name,
                "signal": group.kind,
                "shape": title,
                "false_alarms": level,
                "seed": seed,
                "accounts": score.accounts,
                "found": int(score.found),
                "coordinated": int(score.coordinated),
                "class": score.class_ or "",
                "recall": short(score.recall),
                "purity": short(score.purity),
                "auc": short(rank_auc(joint[rest], mine)),
                "auc_matched": short(matched_auc(joint[rest], mine, volume[rest])),
                "auc_volume": short(rank_auc(volume[rest].astype(float), mine)),
                "why": score.missed,
                "ordinary_in_findings": len(inside - every),
            }
        )
    return out


def by_level(rows: list[Row]) -> list[Row]:
    """A row for each set, signal and shape: of how many campaigns how many were found, by level."""
    out: list[Row] = []
    for name, signal, shape in dict.fromkeys((r["data"], r["signal"], r["shape"]) for r in rows):
        mine = [r for r in rows if (r["data"], r["signal"], r["shape"]) == (name, signal, shape)]
        row: Row = {"data": name, "signal": signal, "shape": shape}
        for level in LEVELS:
            at = [r for r in mine if r["false_alarms"] == level]
            found, called = (sum(int(str(r[k])) for r in at) for k in ("found", "coordinated"))
            row[f"found_at_{level}"] = f"{found}/{len(at)}"
            row[f"coordinated_at_{level}"] = f"{called}/{len(at)}"
        missed = [str(r["why"]) for r in mine if not r["found"]]
        row["ordinary_in_findings_most"] = max(int(str(r["ordinary_in_findings"])) for r in mine)
        row["why_missed_first"] = missed[0] if missed else ""
        out.append(row)
    return out


def labels_of(ids: list[str], accounts: tuple[str, ...]) -> operations.np.ndarray:
    """(A,) who of these accounts is among those."""
    known = set(accounts)
    return operations.np.array([i in known for i in ids], bool)


def _run(pieces: list[Piece], folder: Path) -> dict[str, list[Row]]:
    """Every piece's rows; those kept by the same code are not measured again."""
    folder.mkdir(parents=True, exist_ok=True)
    path, code = folder / "pieces.jsonl", stamp().code
    done: dict[str, list[Row]] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except ValueError:  # an interrupt cut it short
            continue
        if record["code"] == code:
            done[record["key"]] = record["rows"]
    with path.open("a", encoding="utf-8") as file:
        for piece in pieces:
            if piece.key in done:
                continue
            since = time.process_time()
            rows = json.loads(json.dumps(piece.work()))
            done[piece.key] = rows
            file.write("\n" * (file.tell() > 0))
            file.write(json.dumps({"key": piece.key, "code": code, "rows": rows}))
            file.flush()
            print(f"{piece.key}: {time.process_time() - since:.0f} CPU s", flush=True)
            for row in rows:
                print("  ", row, flush=True)
    return done


if __name__ == "__main__":
    main()
