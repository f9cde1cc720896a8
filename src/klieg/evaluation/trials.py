"""One trial of the suite: simulate its world, scan it, and keep the figures as plain values.

What is kept is counts and shares, never a post. The room knows no aim and draws no picture.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from klieg import pipeline
from klieg.config import Config
from klieg.detect.shuffle import shuffle
from klieg.detect.strata import infer
from klieg.evaluation.baselines import weighed
from klieg.evaluation.cost import costs
from klieg.evaluation.plan import labels
from klieg.evaluation.scores import evaluate
from klieg.signals import select
from klieg.sockets import make
from klieg.sources.simulate import collect, simulate
from klieg.tables import MULTIPLEX

if TYPE_CHECKING:
    from klieg.case import Case
    from klieg.evaluation.plan import Trial
    from klieg.evaluation.scores import Scores
    from klieg.sockets import Engine
    from klieg.sources.simulate import Truth, World
    from klieg.tables import Bool, NullStat

__all__ = ["run_trial"]


def run_trial(trial: Trial, *, threads: int = 0) -> dict[str, Any]:
    """The record of one trial: plain values; the same trial gives the same but ``cpu_seconds``."""
    begun = time.process_time()
    world = simulate(
        seed=trial.seed,
        accounts=trial.accounts,
        days=trial.days,
        campaigns=[c for _, c in trial.campaigns],
        look_alikes=[a for _, a in trial.look_alikes],
        generator=trial.generator,  # type: ignore[arg-type]
    )
    paid = costs(world)
    if trial.collect:
        world = collect(world, trial.collect, seed=trial.seed)
    config = Config(shuffles=trial.shuffles, seed=trial.seed, threads=threads)
    record: dict[str, Any] = {
        "key": trial.key,
        "section": trial.section,
        "name": trial.name,
        "collect": trial.collect,
        "generator": trial.generator,
        "accounts": trial.accounts,
        "days": trial.days,
        "seed": trial.seed,
        "posts": world.posts.num_rows,
    }
    if trial.reshuffled:
        record |= {"runs": trial.reshuffled, "standing": _reshuffled(world, trial, config)}
    else:
        record |= _scanned(world, trial, config, paid)
    return {**record, "cpu_seconds": round(time.process_time() - begun, 2)}


def _scanned(
    world: World, trial: Trial, config: Config, paid: dict[str, dict[str, float]]
) -> dict[str, Any]:
    case = pipeline.scan(world.posts, config=config)
    scores = evaluate(case, world.truth)
    called = labels(trial)
    wide = scores.as_dict()
    return {
        "campaigns": [
            {**row, **_reached(case, world.truth, row["label"]), **paid.get(row["label"], {})}
            | {"name": called.get(row["label"], row["label"])}
            for row in wide.pop("campaigns")
        ],
        "look_alikes": [
            {**row, "name": called.get(row["label"], row["label"]), "bands": _bands(case, row)}
            for row in wide.pop("look_alikes")
        ],
        "scores": wide,
        "layers": [_layer(layer.stat) for layer in case.layers if _own(layer.stat)],
        "edges": _edges(case, world.truth),
        "insufficient": _insufficient(case),
        "languages": _languages(case, world.truth),
        "standing_ordinary": _standing(case, scores, world.truth),
        "baselines": _baselines(case, world.truth, trial),
    }


def _own(stat: NullStat) -> bool:
    return stat.signal != MULTIPLEX


def _bands(case: Case, row: dict[str, Any]) -> list[str]:
    """Bands of the coordinated findings among those that a look-alike gave rise to."""
    mine = set(row["findings"])
    return [f.band for f in case.findings if f.id in mine and f.class_ == "coordinated"]


def _reached(case: Case, truth: Truth, label: str) -> dict[str, float]:
    """Shares of a campaign's accounts in any standing finding, and in any coordinated one: teams
    are found as teams."""
    mine = _groups(case, truth) == label
    standing, named = _flags(case)
    n = max(int(mine.sum()), 1)
    return {
        "standing": int((mine & standing).sum()) / n,
        "named": int((mine & named).sum()) / n,
    }


def _layer(stat: NullStat) -> dict[str, Any]:
    return {
        "signal": stat.signal,
        "actions": stat.actions,
        "pairs": stat.pairs,
        "validated": stat.validated,
        "shuffled": list(stat.shuffled),
        "tail": list(stat.tail_real),
        "tail_shuffled": list(stat.tail_shuffled),
        "bins": list(stat.histogram_real),
        "bins_shuffled": list(stat.histogram_shuffled),
    }


def _edges(case: Case, truth: Truth) -> dict[str, int]:
    """Validated edges, those inside a campaign, and those inside a look-alike."""
    group = _groups(case, truth)
    total = campaign = alike = 0
    for layer in case.layers:
        if not _own(layer.stat):
            continue
        kept = layer.scored.validated
        left, right = layer.scored.edges.left[kept], layer.scored.edges.right[kept]
        same = (group[left] == group[right]) & (group[left] != "")
        head = np.array([g.partition(":")[0] for g in group[left]], object)
        total += int(kept.sum())
        campaign += int((same & (head == "campaign")).sum())
        alike += int((same & (head == "look-alike")).sum())
    return {"validated": total, "campaign": campaign, "look_alike": alike}


def _groups(case: Case, truth: Truth) -> np.ndarray[Any, np.dtype[np.object_]]:
    """(A,) label of the planted group each account is in, "" for none."""
    ids = case.posts.account_ids.to_pylist()
    return np.array([truth.accounts.get(str(i), "") for i in ids], object)


def _insufficient(case: Case) -> bool:
    """Whether the case says that its data do not suffice: by a band, a class or a note."""
    said = any("insufficient data" in note for note in case.notes)
    return said or any(
        f.band == "insufficient data" or f.class_ == "abstain" for f in case.findings
    )


def _languages(case: Case, truth: Truth) -> dict[str, list[int]]:
    """Of accounts in no planted group, by the language they post in most: how many there are, how
    many stand in a finding, how many in a coordinated one."""
    n = case.posts.n_accounts
    coded = pc.fill_null(case.posts.table["lang"], "none").combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    many = np.zeros((n, max(len(names), 1)), np.int64)
    np.add.at(many, (case.posts.account, coded.indices.to_numpy()), 1)
    language = many.argmax(axis=1)
    standing, named = _flags(case)
    ordinary = _groups(case, truth) == ""
    out = {}
    for i, name in enumerate(names):
        mine = ordinary & (language == i)
        out[name] = [int(mine.sum()), int((mine & standing).sum()), int((mine & named).sum())]
    return dict(sorted(out.items()))


def _flags(case: Case) -> tuple[Bool, Bool]:
    standing, named = (np.zeros(case.posts.n_accounts, np.bool_) for _ in range(2))
    for finding in case.findings:
        rows = [m.account for m in finding.members]
        standing[rows] = True
        named[rows] |= finding.class_ == "coordinated"
    return standing, named


def _standing(case: Case, scores: Scores, truth: Truth) -> int:
    """Accounts of no planted group in any standing group."""
    standing, _ = _flags(case)
    return int((standing & (_groups(case, truth) == "")).sum())


def _baselines(case: Case, truth: Truth, trial: Trial) -> list[dict[str, Any]]:
    if not trial.baselines:
        return []
    return [
        {
            "method": w.method,
            "positive": w.positive,
            "named": w.named,
            "right": w.right,
            "auc": w.auc,
            "auc_matched": w.auc_matched,
            "auc_per_account": w.auc_per_account,
        }
        for w in weighed(case, truth, seed=trial.seed)
    ]


def _reshuffled(world: World, trial: Trial, config: Config) -> list[int]:
    """Findings that stand in each of so many shuffles of the whole world, searched anew."""
    posts, _ = pipeline.read(world.posts, config=config)
    with closing(make("executors", config.executor, config)) as executor:
        engine: Engine = make("engines", config.engine, config, executor=executor)
        layers = pipeline.trace(posts, select(config, engine=engine))
        pools = infer(layers, posts, config)
        out = []
        for run in range(trial.reshuffled):
            seed = trial.seed * 1000 + run
            dealt = {
                name: shuffle(actions, pools[name], seed * 101 + i)
                for i, (name, actions) in enumerate(layers.items())
            }
            found, _ = pipeline.detect(dealt, posts, config=config, engine=engine)
            out.append(len(found))
    return out
