"""Quiet worlds as users collect them: is the tail of pairs at most 2, or does the case say so?

``python benchmarks/bench_collections.py [--seeds 10] [--accounts 3000] [--days 14] [--small]``
simulates worlds in which nothing is planted, with both makers of ordinary life, keeps of each what
a hashtag, a keyword, a sample, a list of accounts or channels would hold, and scans it. Of each
collection: pairs with p ≤ α over what chance expects at most, all signals and seeds together, once
over all scans and once over those whose signals are not called insufficient data; how many scans
say so; and the same count for each kind of shuffle. Seeds begin at 60,001; nothing was built on
them. Writes results/collections.csv.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict

import numpy as np

from klieg import pipeline
from klieg.config import Config
from klieg.detect.error_control import ALPHAS
from klieg.sources.simulate import COLLECTIONS, GENERATORS, collect, simulate
from klieg.tables import MULTIPLEX
from measure import save

FIRST_SEED = 60_001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="one seed; nothing is saved")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    seeds = 1 if chosen.small else chosen.seeds
    rows = []
    for generator in GENERATORS:
        told: dict[str, Counted] = defaultdict(Counted)
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            world = simulate(
                seed=seed,
                accounts=chosen.accounts,
                days=chosen.days,
                generator=generator,
                campaigns=(),
                look_alikes=(),
            )
            for how in ("whole", *COLLECTIONS):
                part = collect(world, how, seed=seed) if how != "whole" else world
                config = Config(threads=chosen.threads, seed=seed)
                told[how].add(pipeline.scan(part.posts, config=config))
        for how, counted in told.items():
            rows.append({"collection": how, "generator": generator, **counted.row()})
            print(rows[-1], flush=True)
    if not chosen.small:
        print(save("collections", rows, seed=FIRST_SEED))


class Counted:
    """Sums over the scans of one collection."""

    def __init__(self) -> None:
        self.scans = self.said = self.posts = self.standing = self.coordinated = 0
        self.shuffled = self.validated = 0
        self.all, self.tested, *rest = (np.zeros((2, len(ALPHAS))) for _ in range(5))
        self.kinds = dict(zip("SHT", rest, strict=True))

    def add(self, case: object) -> None:
        self.scans += 1
        self.posts += case.posts.n
        self.said += any("insufficient data" in note for note in case.notes)
        self.standing += len(case.findings)
        self.coordinated += sum(f.class_ == "coordinated" for f in case.findings)
        for layer in case.layers:
            stat = layer.stat
            if stat.signal == MULTIPLEX:
                continue
            expected = np.array(ALPHAS) * stat.pairs
            both = np.array([np.array(stat.tail_real) * expected, expected])
            self.all += both
            if not stat.insufficient:
                self.tested += both
            if stat.shuffled:
                self.kinds["S"] += [np.array(stat.tail_shuffled) * expected, expected]
            for other in stat.other_shuffles:
                most = np.array(ALPHAS) * other.pairs
                self.kinds[other.kind] += [np.array(other.tail) * most, most]
            self.validated += stat.validated
            self.shuffled += sum(stat.shuffled)

    def row(self) -> dict[str, object]:
        return {
            "scans": self.scans,
            "posts": self.posts // self.scans,
            "say insufficient": self.said,
            **_ratios("tail", self.all),
            **_ratios("tail where tested", self.tested),
            **{
                name: told
                for k, both in self.kinds.items()
                for name, told in _ratios(k, both).items()
            },
            "validated": self.validated,
            "shuffled": self.shuffled,
            "standing": self.standing,
            "coordinated": self.coordinated,
        }


def _ratios(name: str, both: np.ndarray) -> dict[str, str]:
    """``found of expected`` at each α: the ratio is told by both."""
    return {
        f"{name} {alpha:.0e}": f"{found:.0f} of {most:.3g}"
        for alpha, found, most in zip(ALPHAS, *both, strict=True)
    }


if __name__ == "__main__":
    main()
