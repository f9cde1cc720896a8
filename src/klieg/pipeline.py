"""From posts to a case: the page to read first.

``read`` brings posts in, ``trace`` turns them into actions, ``detect`` into findings, ``scan`` does
all three and adds what the findings mean. Only this room (and ``watch``) chooses implementations;
the others are handed theirs. It knows the order of the work and none of the arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

import klieg
from klieg import evidence, memory, sources
from klieg.case import Case, Run
from klieg.case.retests import dealt_note
from klieg.config import Config
from klieg.detect import (
    checks,
    crowd_notes,
    findings,
    groups,
    history,
    inside,
    multiplex,
    network,
    power,
    testable,
)
from klieg.engine.marks import KeptExecutor
from klieg.errors import ConfigError, InputError
from klieg.insight import highlights, impact, narratives
from klieg.signals import select
from klieg.sockets import Engine, Executor, Progress, Signal, make, silent
from klieg.sources.acts_table import named
from klieg.tables import (
    MULTIPLEX,
    ActHighlight,
    Actions,
    Finding,
    Highlight,
    Intake,
    Network,
    Posts,
)

__all__ = ["detect", "read", "scan", "trace"]

BASE, SHARE = 300 << 20, 3.3
"""What a scan takes, measured: libraries and kernels, and bytes a byte of the table of posts."""
GROWTH, GROWN = 12.0, 250 << 20
"""More bytes a byte of the table, until tables of a fixed most are full."""
FIXED, APART = 750 << 20, 850
"""The same where the posts themselves lie on disk: to begin with, and bytes a post."""

Inputs: TypeAlias = "str | Path | pa.Table | Sequence[str | Path]"


def scan(
    inputs: Inputs,
    *,
    config: Config | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    acts: Any = None,
    quarantine: Path | None = None,
    progress: Progress = silent,
    command: Sequence[str] = (),
    scratch: Path | None = None,
) -> Case:
    """Posts in, a case out: in memory until ``case.save(path)``.

    ``inputs`` is a path, several paths (of any known format each), ``"-"`` for standard input, or
    an Arrow table with the columns of ``tables.POSTS``. ``acts`` are likes, follows, votes and
    other acts without text beside them: a DataFrame or Arrow table of who did what to what and
    when. Posts that do not fit ``config.memory`` are kept on disk for as long as the case is used:
    where TMPDIR says, else in ``scratch``. Raises InputError, ConfigError, and EngineError where
    the budget is too small.
    """
    config = config or Config()
    progress = _tidying(progress, config)
    with closing(make("executors", config.executor, config, progress=progress)) as executor:
        engine: Engine = make("engines", config.engine, config, executor=executor)
        posts, intake = read(
            inputs,
            config=config,
            format=format,
            mapping=mapping,
            acts=acts,
            quarantine=quarantine,
            progress=progress,
            executor=_readers(executor),
            scratch=scratch,
        )
        return _case(posts, intake, config, engine, progress, command)


def _case(
    posts: Posts,
    intake: Intake,
    config: Config,
    engine: Engine,
    progress: Progress,
    command: Sequence[str],
) -> Case:
    """From posts to everything a case holds."""
    fitting = _fit_windows(config, posts)
    _settle(f"scanning these {posts.n:,} posts", config, _need(posts))
    signals = select(fitting, engine=engine, progress=progress)
    layers = trace(posts, signals, progress=progress)
    _settle("tracing what was shared", config)
    found, net = detect(layers, posts, config=fitting, engine=engine, progress=progress)
    _settle("the search", config)
    grounds = impact.prepare(layers)
    found, marks, acts = _explain(found, net, grounds, posts, fitting, engine, progress)
    progress("power", 0, None)
    return Case(
        run=_run(config, signals, command),
        intake=intake,
        posts=posts,
        layers=tuple(net.layers.values()),
        findings=found,
        highlights=marks,
        impact=impact.of_case(found, grounds, seed=config.seed),
        power=power.smallest(net.layers, fitting, engine),
        notes=(
            *_notes(config, fitting, posts, layers),
            *crowd_notes.notes(net, found, fitting, engine),
            *multiplex.notes(net),
            *dealt_note(found),
            *testable.notes(net),
        ),
        act_highlights=acts,
    )


def read(
    inputs: Inputs,
    *,
    config: Config | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    acts: Any = None,
    quarantine: Path | None = None,
    progress: Progress = silent,
    executor: Executor | None = None,
    scratch: Path | None = None,
) -> tuple[Posts, Intake]:
    """Posts (acts beside them), and what happened on the way in; InputError if there is neither.

    With an ``executor`` its workers read the files themselves, one a shard. Posts that do not fit
    ``config.memory`` lie on disk, as in ``scan``.
    """
    config = config or Config()
    given = None if acts is None else named(pa.table(acts))
    if isinstance(inputs, pa.Table):
        tables = [inputs] if given is None else [inputs, given]
        return sources.assemble(tables, progress=progress)
    names = [str(inputs)] if isinstance(inputs, (str, Path)) else [str(i) for i in inputs]
    room = _room(config, scratch)
    with sources.within(threads=config.threads, memory=config.memory, room=room):
        posts, intake = sources.read(
            names,
            format=format,
            mapping=mapping,
            max_bad=config.max_bad,
            quarantine=quarantine,
            progress=progress,
            executor=executor,
            acts=given,
        )
    if not posts.n and not posts.n_acts:
        why = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in intake.counts.items() if n)
        raise InputError(
            f"there are no posts or acts in it: {intake.rows} rows read ({why or 'none'}); "
            "`klieg scan --dry-run` shows how it was read",
            path=", ".join(names),
        )
    return posts, intake


def trace(
    posts: Posts, signals: Sequence[Signal], *, progress: Progress = silent
) -> dict[str, Actions]:
    """Each signal's actions, signals without any left out."""
    layers: dict[str, Actions] = {}
    for i, signal in enumerate(signals):
        progress(f"signals: {signal.name}", i, len(signals))
        actions = signal.actions(posts)
        if actions.n:
            layers[signal.name] = actions
    return layers


def detect(
    layers: Mapping[str, Actions],
    posts: Posts,
    *,
    config: Config | None = None,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> tuple[tuple[Finding, ...], Network]:
    """Actions → network → groups → findings; runs on real and on shuffled actions alike."""
    config = config or Config()
    if engine is None:
        with closing(make("executors", config.executor, config, progress=progress)) as executor:
            made: Engine = make("engines", config.engine, config, executor=executor)
            return detect(layers, posts, config=config, engine=made, progress=progress)
    net = network.build(layers, posts, config, engine, progress)
    standing = groups.search(net, posts.n_accounts, config, engine, progress)
    net = checks.beside_groups(net, standing, config, engine, progress)
    net = testable.told(net, standing, posts, config, engine)
    found = findings.judge(standing, net, posts, config, engine, progress)
    found = history.told(testable.cautioned(found, net), posts)
    return found, inside.confirm(found, net, config, engine)


def _explain(
    found: tuple[Finding, ...],
    net: Network,
    grounds: Mapping[str, impact.Ground],
    posts: Posts,
    config: Config,
    engine: Engine,
    progress: Progress,
) -> tuple[tuple[Finding, ...], tuple[Highlight, ...], tuple[ActHighlight, ...]]:
    """Add narrative and impact to each finding, and mark every post and act that took part."""
    pools = {name: (layer.actions, layer.strata) for name, layer in net.layers.items()}
    prior = narratives.background(posts) if found else None
    told: list[Finding] = []
    marks: list[Highlight] = []
    acts: list[ActHighlight] = []
    for i, finding in enumerate(found):
        progress("highlights and impact", i, len(found))
        marks += highlights.of_finding(finding, pools, posts, engine)
        acts += highlights.acts_of_finding(finding, pools, posts, engine)
        told.append(
            replace(
                finding,
                narrative=narratives.of_finding(finding, posts, prior) if prior else None,
                impact=impact.of_finding(finding, grounds, posts, seed=config.seed),
            )
        )
    return tuple(told), tuple(marks), tuple(acts)


def _settle(what: str, config: Config, need: int = 0) -> None:
    """Between two stages: give memory back, and end where the budget does not hold."""
    memory.release()
    memory.keep_within(memory.size_of(config.memory), what, need)


def _tidying(progress: Progress, config: Config) -> Progress:
    """Under a budget, what one stage no longer needs is given back before the next begins."""
    if memory.size_of(config.memory) is None:
        return progress
    last = ""

    def told(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        if stage != last:
            memory.release()
            last = stage
        progress(stage, done, total)

    return told


def _room(config: Config, scratch: Path | None) -> sources.Room | None:
    """How much of the posts may stay in memory: as much as a scan of them fits the budget."""
    budget = memory.size_of(config.memory)
    if budget is None:
        return None
    left = budget - BASE
    most = max(left / (SHARE + GROWTH), (left - GROWN) / SHARE, 0)  # ``_need`` turned round
    return sources.Room(int(most), str(scratch or ""))


def _need(posts: Posts) -> int:
    """Bytes that a scan of these posts, and of the acts beside them, takes, about."""
    held: int = posts.table.nbytes
    need = BASE + min(GROWTH * held, GROWN) + SHARE * held
    if sources.lies_on_disk(posts.table):
        need = min(need, FIXED + APART * posts.n)
    acts: int = posts.acts.table.nbytes if posts.acts else 0
    return int(need + SHARE * acts)


def _readers(executor: Executor) -> Executor | None:
    """Workers that read files: none where all are threads of this process.

    What was read is not kept for ``--resume``: a file may have changed under its name.
    """
    if executor.name == "threads":
        return None
    return executor.inner if isinstance(executor, KeptExecutor) else executor


def _fit_windows(config: Config, posts: Posts) -> Config:
    """Windows finer than the posts' clock say nothing: left out, and named in the case."""
    fitting = tuple(w for w in config.windows_s if w >= posts.resolution)
    if not fitting:
        raise ConfigError(
            "windows_s",
            config.windows_s,
            f"a window of at least {posts.resolution} s: the posts' times are no finer",
        )
    return replace(config, windows_s=fitting)


def _run(config: Config, signals: Sequence[Signal], command: Sequence[str]) -> Run:
    return Run(
        version=klieg.__version__,
        config=config.as_dict(),
        seed=config.seed,
        engine=config.engine,
        embedder=config.embedder or "none",
        llm=config.llm,
        signals={s.name: s.version for s in signals},
        command=tuple(command),
    )


def _notes(
    config: Config, fitting: Config, posts: Posts, layers: Mapping[str, Actions]
) -> tuple[str, ...]:
    notes = []
    if lost := [w for w in config.windows_s if w not in fitting.windows_s]:
        notes.append(
            f"Windows of {', '.join(map(str, lost))} s were left out: "
            f"some posts' times are no finer than {posts.resolution} s."
        )
    if not [name for name in layers if name != MULTIPLEX]:
        notes.append("No signal found anything to work on: the posts carry no shared object.")
    if evidence.size(posts) and np.ptp(evidence.times(posts)) < 86_400_000_000:
        notes.append("The posts span less than a day: interest and rhythm cannot be told apart.")
    return tuple(notes)
