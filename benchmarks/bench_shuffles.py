"""What a shuffle costs beside the pass over the data it checks: S, H and T.

``python benchmarks/bench_shuffles.py [--rows 1000000] [--small]`` makes the world of
``bench_network`` (reposts, links and copies of a month), scores each layer as a scan does, and then
shuffles and counts it in each way. CPU seconds of all threads: of the engine alone (``count_pairs``
and ``rescore_pairs`` of the candidates, no null), of the layer's whole pass (pools measured, every
candidate scored), and of each shuffle with everything it needs. H and T run as in a scan in which
the planted groups stand: without their accounts, the rest measured anew, which is shared by both
and counted with H. A shuffle should cost at most 1.3 times the pass. Writes results/shuffles.csv.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench_network import world
from klieg.config import Config
from klieg.detect import halves, null, scoring, sifting, strata
from klieg.detect.shuffle import shift, shuffle, shuffle_by_hour
from klieg.sockets import make
from measure import save

SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="100,000 actions; nothing is saved")
    chosen = parser.parse_args()
    n = 100_000 if chosen.small else int(chosen.rows)
    with tempfile.TemporaryDirectory() as folder:
        measured(20_000, Path(folder) / "warm", chosen.threads)
        rows = measured(n, Path(folder) / "real", chosen.threads)
    for row in rows:
        print(row, flush=True)
    if not chosen.small:
        print(save("shuffles", rows, seed=SEED))


def measured(n: int, folder: Path, threads: int) -> list[dict[str, object]]:
    """One row a layer and kind of shuffle."""
    layers, posts, planted = world(n, folder, SEED)
    config = Config(threads=threads)
    engine = make("engines", "cpu", config)
    pools, plain = strata.opinions(layers, posts, config)
    rows = []
    for name, actions in layers.items():
        home, flat = pools[name], plain[name]
        alone, _ = timed(lambda a=actions: engine_alone(a, config, engine))
        whole, (study, _) = timed(
            lambda a=actions, h=home, f=flat: sifting.survey(a, h, f, config, engine)
        )
        known = study.measured
        crew = np.unique(np.r_[planted[name] >> 32, planted[name] & (2**32 - 1)])
        rest = halves.rows(actions, np.flatnonzero(~np.isin(actions.account, crew)))
        for kind in "SHT":
            args = (kind, actions if kind == "S" else rest, home, flat, known, config, engine)

            def run(args: Any = args) -> sifting.Tally:
                return shuffled(*args)

            spent, told = timed(run)
            rows.append(
                {
                    "layer": name,
                    "actions": actions.n,
                    "kind": kind,
                    "engine_cpu_s": round(alone, 2),
                    "pass_cpu_s": round(whole, 2),
                    "shuffle_cpu_s": round(spent, 2),
                    "over_pass": round(spent / whole, 2),
                    "over_engine": round(spent / alone, 2),
                    "pairs_at_1e-8": told.below,
                }
            )
    return rows


def shuffled(
    kind: str, actions: Any, home: Any, flat: Any, known: Any, config: Config, engine: Any
) -> sifting.Tally:
    """One shuffle of a layer with all that a scan does for it."""
    if kind == "T":
        moved, real = shift(actions, 1), None
    elif kind == "H":
        real = scoring.measured(actions, home, config, engine, plain=flat)
        moved = shuffle_by_hour(actions, home, 1)
    else:
        moved, real = shuffle(actions, home, 1), known
    return sifting.tally(moved, home, real, 1e-8, config, engine, plain=flat)


def engine_alone(actions: Any, config: Config, engine: Any) -> None:
    """Candidates counted under the cap and scored again without it: no null at all."""
    found = engine.count_pairs(*scoring.proposed(actions, config))
    engine.rescore_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        null.ladder(config),
        found.edges.left,
        found.edges.right,
        config.threads,
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    out = work()
    return time.process_time() - begun, out


if __name__ == "__main__":
    main()
