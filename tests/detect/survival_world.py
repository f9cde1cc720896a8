"""A small world scanned once, with the insides that what-it-survives is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klieg.config import Config
from klieg.detect import controls, findings, groups, network, survival
from klieg.detect.controls import Field
from klieg.detect.reading import Run
from klieg.pipeline import read, trace
from klieg.signals import select
from klieg.sockets import Engine, make, silent
from klieg.sources.simulate import Campaign, LookAlike, simulate
from klieg.tables import Finding, Group, Network, Posts


@dataclass(frozen=True)
class Scanned:
    """One run: its findings, and the crew that was planted."""

    posts: Posts
    network: Network
    standing: tuple[Group, ...]
    findings: tuple[Finding, ...]
    run: Run
    field: Field
    crew: tuple[Group, Finding]


CONFIG = Config(shuffles=0, threads=1, controls=60, signals=("repost", "link"))


def scan() -> Scanned:
    """2,400 accounts, ten days: 20 who repost within ten minutes, and 30 fans of one author."""
    world = simulate(
        seed=50_903,
        accounts=2400,
        days=10,
        campaigns=[Campaign("repost")],
        look_alikes=[LookAlike("fans", 30)],
    )
    posts, _ = read(world.posts, config=CONFIG)
    engine: Engine = make(
        "engines", CONFIG.engine, CONFIG, executor=make("executors", CONFIG.executor, CONFIG)
    )
    layers = trace(posts, select(CONFIG, engine=engine))
    net = network.build(layers, posts, CONFIG, engine, silent)
    standing = groups.search(net, posts.n_accounts, CONFIG, engine)
    kept: list[survival.Told] = []
    inner = survival.tested

    def spied(run: Run, told: Any, among: Any, progress: Any) -> tuple[Finding, ...]:
        kept.extend(told)
        runs.append(run)
        return inner(run, told, among, progress)

    runs: list[Run] = []
    survival.tested = spied
    try:
        found = findings.judge(standing, net, posts, CONFIG, engine)
    finally:
        survival.tested = inner
    planted = set(world.truth.campaigns[0].accounts)
    ids = posts.account_ids.to_pylist()
    crew = max(
        zip(kept, found, strict=True),
        key=lambda pair: len({ids[a] for a in pair[0].group.members} & planted),
    )
    field = controls.opened(runs[0], standing)
    return Scanned(posts, net, standing, found, runs[0], field, (crew[0].group, crew[1]))
