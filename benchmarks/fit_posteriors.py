"""Fit the posteriors of groups and members: on worlds of one generator, tried on the other's.

``python benchmarks/fit_posteriors.py [--worlds 60] [--rows FILE] [--write] [--small]``

Simulates worlds (4,000 accounts, 14 days; four crews and four look-alikes drawn from the catalogue
in each, every fifth world without any crew), scans them without shuffles and controls, and keeps
what is read of every group that stands. A group is *planned* if most of its accounts are of one
campaign; group chats, which do act by arrangement, are left out. Weights are those of a ridge
logistic regression in which planned and other groups weigh the same, so that its score is a
likelihood ratio; the ridge is chosen by folds of worlds of the fitting generator. The score is cut
at ln(1 + n), n the smaller side's size: a sample cannot tell more. Members are fitted by
themselves, given that their group is planned. Fitted on ``attention``, tried on ``feeds``, and the
other way round for the page; seeds 50,001 and on, which no reported figure uses. Writes
results/posteriors.csv and, with ``--write``, the file that klieg ships.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import klieg
from klieg import pipeline
from klieg.config import Config
from klieg.detect import posteriors
from klieg.sources.simulate import CATALOGUE, World, simulate
from klieg.tables import Finding
from measure import save

F64 = NDArray[np.float64]

FIRST_SEED = 50_001
PREVALENCE = 0.1
VERSION = "1"
RIDGES = (1.0, 3.0, 10.0, 30.0, 100.0)
FOLDS = 5
GENERATORS = ("attention", "feeds")
ADMITTED = "group chat"
BINS = (0.0, 0.02, 0.1, 0.3, 0.7, 0.9, 0.98, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=60, help="of each generator")
    parser.add_argument("--accounts", type=int, default=4000)
    parser.add_argument("--rows", type=Path, help="JSONL in which finished worlds are kept")
    parser.add_argument("--write", action="store_true", help="replace the packaged file")
    parser.add_argument("--small", action="store_true", help="six small worlds of each generator")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.worlds, chosen.accounts = 6, 1500
    worlds = gather(chosen.worlds, chosen.accounts, chosen.rows)
    told: list[dict[str, object]] = []
    for fitted in GENERATORS:
        tried = next(g for g in GENERATORS if g != fitted)
        model = fit([w for w in worlds if w["generator"] == fitted], fitted)
        told += reliability(model, [w for w in worlds if w["generator"] == tried], fitted, tried)
        if fitted == GENERATORS[0]:
            shipped = {**model, "tried_on": tried, "reliability": told.copy()}
    for row in told:
        print(row)
    if chosen.write:
        path = Path(klieg.__file__).parent / "detect" / posteriors.FILE
        path.write_text(json.dumps(shipped, indent=1) + "\n", encoding="utf-8")
        print(path)
    print(save("posteriors", told, seed=FIRST_SEED))


def gather(count: int, accounts: int, kept: Path | None) -> list[dict[str, Any]]:
    """Every world's groups and members as rows; those that ``kept`` holds are not made again."""
    done = [json.loads(x) for x in kept.read_text().splitlines()] if kept and kept.exists() else []
    known = {(w["generator"], w["seed"], w["accounts"]) for w in done}
    wanted = [(g, FIRST_SEED + i) for i in range(count) for g in GENERATORS]
    for generator, seed in wanted:
        if (generator, seed, accounts) not in known:
            done.append(_world(generator, seed, accounts))
            print(generator, seed, len(done[-1]["groups"]), flush=True)
            if kept:
                with kept.open("a") as file:
                    file.write(json.dumps(done[-1]) + "\n")
    return [w for w in done if (w["generator"], w["seed"]) in wanted and w["accounts"] == accounts]


def world_of(generator: str, seed: int, accounts: int) -> World:
    """Four crews (none in every fifth world) and four look-alikes of the catalogue."""
    rng = np.random.default_rng(seed)
    crews = sorted(n for n, p in CATALOGUE.items() if p.campaigns)
    alike = sorted(n for n, p in CATALOGUE.items() if p.look_alikes and not p.campaigns)
    names = list(rng.choice(alike, 4, replace=False))
    if seed % 5:
        names += list(rng.choice(crews, 4, replace=False))
    return simulate(
        seed=seed,
        accounts=accounts,
        days=14,
        generator=generator,  # type: ignore[arg-type]
        worlds=[str(n) for n in names],
    )


def _world(generator: str, seed: int, accounts: int) -> dict[str, Any]:
    world = world_of(generator, seed, accounts)
    config = Config(seed=seed, shuffles=0, controls=0, threads=1)
    case = pipeline.scan(world.posts, config=config)
    planned = [set(g.accounts) for g in world.truth.groups if g.campaign]
    chats = [set(g.accounts) for g in world.truth.groups if g.kind == ADMITTED]
    ids = case.posts.account_ids.to_pylist()
    groups = []
    for finding in case.findings:
        who = {ids[m.account] for m in finding.members}
        if finding.class_ == "abstain" or any(2 * len(who & c) >= len(who) for c in chats):
            continue
        crew = max(planned, key=lambda p: len(who & p), default=set())
        groups.append(_row(finding, who, crew, ids))
    return {"generator": generator, "seed": seed, "accounts": accounts, "groups": groups}


def _row(finding: Finding, who: set[str], crew: set[str], ids: Sequence[str]) -> dict[str, Any]:
    usual = posteriors._median([m.posts + m.acts for m in finding.members])
    return {
        "class": finding.class_,
        "planned": 2 * len(who & crew) >= len(who),
        "x": posteriors.group_features(finding),
        "members": [
            (ids[m.account] in crew, posteriors.member_features(m, usual)) for m in finding.members
        ],
    }


def fit(worlds: Sequence[dict[str, Any]], generator: str) -> dict[str, Any]:
    """What the packaged file holds."""
    groups = [{**g, "seed": w["seed"]} for w in worlds for g in w["groups"]]
    ridge = _ridge(groups)
    x, y = _columns([(g["planned"], g["x"]) for g in groups])
    people = [m for g in groups if g["planned"] for m in g["members"]]
    mx, my = _columns(people)
    return {
        "version": VERSION,
        "prevalence": PREVALENCE,
        "klieg": klieg.__version__,
        "fitted_on": generator,
        "worlds": len(worlds),
        "seeds": [min(w["seed"] for w in worlds), max(w["seed"] for w in worlds)],
        "groups": len(y),
        "planned": int(y.sum()),
        "ridge": ridge,
        "group": {"features": posteriors.GROUP, **_logistic(x, y, even=True, ridge=ridge)},
        "member": {"features": posteriors.MEMBER, **_logistic(mx, my, even=False, ridge=RIDGES[0])},
    }


def _ridge(groups: Sequence[dict[str, Any]]) -> float:
    """The ridge that says best what other worlds of the same generator hold, five folds."""

    def missed(ridge: float) -> float:
        total = 0.0
        for fold in range(FOLDS):
            kept = [(g["planned"], g["x"]) for g in groups if g["seed"] % FOLDS != fold]
            asked = [(g["planned"], g["x"]) for g in groups if g["seed"] % FOLDS == fold]
            found = _logistic(*_columns(kept), even=True, ridge=ridge)
            x, y = _columns(asked)
            cut = np.clip(x, found["low"], found["high"])
            score = np.clip(cut @ np.array(found["weights"]) + found["bias"], -8, 8)
            total += float((np.logaddexp(0, score) - y * score).sum())
        return total

    return min(RIDGES, key=missed)


def _columns(rows: Sequence[tuple[bool, Sequence[float]]]) -> tuple[F64, F64]:
    return np.array([x for _, x in rows], float), np.array([float(y) for y, _ in rows])


def _logistic(x: F64, y: F64, *, even: bool, ridge: float) -> dict[str, Any]:
    """Ridge logistic regression on standardised columns, told in the columns' own units.

    ``even``: both sides weigh the same, so that the score is ln of a likelihood ratio.
    """
    low, high, sides = x.min(axis=0), x.max(axis=0), [len(y) - y.sum(), y.sum()]
    # one act of faith a side, at the average: a sample without the other side is not certainty
    x, y = np.vstack([x, x.mean(axis=0), x.mean(axis=0)]), np.append(y, [0.0, 1.0])
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    z = (x - mean) / scale
    n = np.array([len(y) - y.sum(), y.sum()])
    weight = np.where(y == 1, len(y) / (2 * n[1]), len(y) / (2 * n[0])) if even else np.ones(len(y))

    def loss(beta: F64) -> tuple[float, F64]:
        score = z @ beta[1:] + beta[0]
        p = 1 / (1 + np.exp(-score))
        value = (weight * (np.logaddexp(0, score) - y * score)).sum() + ridge * (
            beta[1:] ** 2
        ).sum()
        slope = weight * (p - y)
        return float(value), np.concatenate([[slope.sum()], z.T @ slope + 2 * ridge * beta[1:]])

    beta = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    weights = beta[1:] / scale
    return {
        "weights": [round(float(w), 5) for w in weights],
        "bias": round(float(beta[0] - weights @ mean), 5),
        "low": [round(float(v), 5) for v in low],
        "high": [round(float(v), 5) for v in high],
        "most": round(math.log(1 + float(min(sides) if even else sum(sides))), 3),
    }


def reliability(
    found: dict[str, Any], worlds: Sequence[dict[str, Any]], fitted: str, tried: str
) -> list[dict[str, object]]:
    """Said beside seen, by bins of what was said, at those worlds' share of planned groups."""
    model = posteriors.read(found)
    groups = [g for w in worlds for g in w["groups"]]
    y = np.array([g["planned"] for g in groups], float)
    share = float(np.clip(y.mean(), 0.01, 0.99))
    odds = math.log(share / (1 - share))
    p = np.array([1 / (1 + math.exp(-model.group.score(g["x"]) - odds)) for g in groups])
    rows = _binned("groups", p, y, fitted, tried)
    for class_ in sorted({g["class"] for g in groups}):
        own = np.array([g["class"] == class_ for g in groups])
        rows.append(_binned(f"groups called {class_}", p[own], y[own], fitted, tried)[-1])
    people = [m for g in groups if g["planned"] for m in g["members"]]
    my = np.array([float(m[0]) for m in people])
    mp = np.array([1 / (1 + math.exp(-model.member.score(m[1]))) for m in people])
    return rows + _binned("members of planned groups", mp, my, fitted, tried)


def _binned(what: str, p: F64, y: F64, fitted: str, tried: str) -> list[dict[str, object]]:
    head = {"of": what, "fitted on": fitted, "tried on": tried}
    rows: list[dict[str, object]] = []
    place = np.clip(np.searchsorted(BINS, p, side="right") - 1, 0, len(BINS) - 2)
    for i in range(len(BINS) - 1):
        mine = place == i
        if mine.any():
            rows.append(
                {
                    **head,
                    "said": f"{BINS[i]:g}–{BINS[i + 1]:g}",
                    "n": int(mine.sum()),
                    "mean said": round(float(p[mine].mean()), 3),
                    "seen": round(float(y[mine].mean()), 3),
                    "Brier": "",
                    "Brier of the share alone": "",
                }
            )
    brier = float(((p - y) ** 2).mean())
    rows.append(
        {
            **head,
            "said": "all",
            "n": len(y),
            "mean said": round(float(p.mean()), 3),
            "seen": round(float(y.mean()), 3),
            "Brier": round(brier, 4),
            "Brier of the share alone": round(float(y.mean() * (1 - y.mean())), 4),
        }
    )
    return rows


if __name__ == "__main__":
    main()
