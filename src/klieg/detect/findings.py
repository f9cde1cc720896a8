"""Groups in, findings out: each with its class, band, evidence and counter-evidence.

The room puts together what its neighbours measure (``joint``, ``breadth``, ``clock``,
``lookalikes``) and asks ``classes`` for the verdict. It searches nothing and never says who runs an
account, why, or whether a claim is true.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow.compute as pc

from klieg import evidence
from klieg.detect import (
    bands,
    batches,
    bursts,
    classes,
    core,
    framing,
    halves,
    joint,
    knowing,
    narrowing,
    outside,
    pace,
    reading,
    sentences,
    survival,
)
from klieg.detect.parallel import spread
from klieg.detect.reading import Run
from klieg.detect.survival import Told
from klieg.detect.timed import TEXTUAL
from klieg.sockets import silent
from klieg.tables import BANDS, MULTIPLEX, Finding, Member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.config import Config
    from klieg.detect.bursts import Terms, Tilings
    from klieg.detect.halves import Parting
    from klieg.detect.outside import Outside
    from klieg.detect.reading import Part, Reading
    from klieg.sockets import Engine, Progress
    from klieg.tables import I64, Group, Network, Posts, WindowCount
    from klieg.tables.verdicts import Followed

__all__ = ["judge"]

MOST: Final = 0.5  # share of the acts held by groups, from which on "who" cannot be tested
SAME: Final = 0.5  # Jaccard index from which two findings are one


def judge(
    groups: Sequence[Group],
    network: Network,
    posts: Posts,
    config: Config,
    engine: Engine,
    progress: Progress = silent,
) -> tuple[Finding, ...]:
    """The findings, strongest first: by class, then band, then net evidence."""
    if not groups:
        return ()
    progress("findings", 0, len(groups))
    run = _open(groups, network, posts, config, engine)
    found: list[Told] = []
    told = spread(lambda group: _finding(run, group), groups, config, size=_work)
    for i, one in enumerate(told):
        progress("findings", i, len(groups))
        if one:
            found.append(one)
    found.sort(
        key=lambda t: (
            classes.ORDER.index(t.finding.class_),
            -BANDS.index(t.finding.band),
            -t.finding.net,
            [m.account for m in t.finding.members],
        )
    )
    return survival.tested(run, _distinct(found), groups, progress)


def _distinct(found: Sequence[Told]) -> list[Told]:
    """Without what a stronger one nearly is: two groups may narrow down to one crew."""
    kept: list[Told] = []
    for told in found:
        mine = {m.account for m in told.finding.members}
        others = ({m.account for m in other.finding.members} for other in kept)
        if all(len(mine & other) < SAME * len(mine | other) for other in others):
            kept.append(told)
    return kept


def _open(
    groups: Sequence[Group], network: Network, posts: Posts, config: Config, engine: Engine
) -> Run:
    strongest = replace(config, windows_s=tuple(sorted({g.window for g in groups})))
    homes = {(reading.stands_flat_only(g), g.layer) for g in groups}
    names = [n for n in network.layers if n != MULTIPLEX or any(h == n for _, h in homes)]

    def cut(name: str) -> tuple[Tilings, Tilings | None]:
        layer = network.layers[name]
        tilings = bursts.prepare(layer.actions, layer.strata, strongest, engine)
        if not any(only for only, _ in homes):
            return tilings, None
        return tilings, bursts.repool(tilings, reading.pooled(network, name, flat=True).strata)

    def counted(home: tuple[bool, str]) -> Outside:
        layer = reading.pooled(network, home[1], flat=home[0])
        return outside.prepare(layer.actions, layer.strata, config, engine)

    parting = halves.parting([x.actions for x in network.layers.values() if x.actions.n])
    ordered = sorted(homes)
    both = list(spread(cut, names, config, size=lambda n: network.layers[n].actions.n))
    apart = spread(counted, ordered, config, size=lambda h: network.layers[h[1]].actions.n)
    return Run(
        network,
        posts,
        config,
        engine,
        pace.prepare(network.layers, posts, config),
        {
            False: {name: t for name, (t, _) in zip(names, both, strict=True)},
            True: {name: t for name, (_, t) in zip(names, both, strict=True) if t is not None},
        },
        dict(zip(ordered, apart, strict=True)),
        _untestable(groups, network, posts),
        len(pc.unique(posts.table.column("collection"))),
        parting,
        _tested(groups, network, parting, names, strongest, engine),
        batches.prepare(posts),
    )


def _tested(
    groups: Sequence[Group],
    network: Network,
    parting: Parting | None,
    names: Sequence[str],
    config: Config,
    engine: Engine,
) -> dict[tuple[int, bool], dict[str, Tilings]]:
    """The bursts of each half of the acts by which a group stands, against its pools."""
    found: dict[tuple[int, bool], dict[str, Tilings]] = {}
    for half, only in {
        (1 - g.held_out, reading.stands_flat_only(g)) for g in groups if g.held_out >= 0
    }:
        assert parting is not None
        found[half, only] = {}
        for name in names:
            layer = reading.pooled(network, name, flat=only)
            own = halves.part(layer.actions, parting, half)
            found[half, only][name] = bursts.prepare(own, layer.strata, config, engine)
    return found


def _work(group: Group) -> float:
    return float(len(group.members))


def _untestable(groups: Sequence[Group], network: Network, posts: Posts) -> dict[str, str]:
    """Layers in which groups are the pool they are tested against."""
    out = {}
    for name, layer in network.layers.items():
        inside = np.zeros(posts.n_accounts, np.bool_)
        for group in groups:
            if group.layer == name:
                inside[group.members] = True
        # texts that nobody else posted make no acts: there the posts are the pool
        who = posts.account if name in TEXTUAL else layer.actions.account
        held = float(inside[who].mean()) if len(who) else 0.0
        if held > MOST:
            out[name] = f"groups hold {held:.0%} of the acts"
        elif inside.mean() > MOST:
            out[name] = f"groups hold {inside.mean():.0%} of the accounts: an account list"
    return out


def _finding(run: Run, group: Group, ahead: tuple[Followed, ...] = ()) -> Told | None:
    """``ahead``: accounts that were taken out because the rest follows them."""
    parts = reading.parts_of(run, group)
    home = run.tiled(group)[group.layer]
    terms = bursts.terms(home, group.members, group.window, group.offset)
    counts = outside.window_counts(
        run.without(group, group.layer), group.members, run.config, run.engine
    )
    read = reading.read(run, group, parts, counts, int((terms.k >= 2).sum()))
    if read is None:
        return None
    if read.verdict.class_ == "coordinated" and read.signal != group.layer:
        crew = narrowing.narrowed(run, group, parts, read)
        if crew is not None and crew is not group:
            return _finding(run, crew, ahead)
        if crew is None:
            read = replace(read, verdict=classes.Verdict("suggestive", "mixed group"))
    if read.verdict.class_ == "coordinated":
        crew = core.core(run, group, parts, read)
        if crew is not None and crew is not group:
            return _finding(run, crew, ahead)
        if crew is None:
            read = replace(read, verdict=classes.Verdict("suggestive", "mixed group"))
    if read.verdict.class_ == "coordinated":
        crew, more = framing.without(run, group, parts, read)
        if crew is not None and more:
            return _finding(run, crew, (*ahead, *more))
        if crew is None:
            read = replace(read, verdict=classes.Verdict("suggestive", "follows a few accounts"))
    read = knowing.explain(run, group, parts, read)
    finding = _told(run, group, parts, read, terms, counts)
    finding = replace(
        finding,
        followed=tuple(sorted(ahead, key=lambda f: f.account)),
        counter_evidence=(*finding.counter_evidence, *framing.sentence(ahead)),
    )
    return Told(finding, group, read.verdict.margin)


def _told(
    run: Run,
    group: Group,
    parts: Mapping[str, Part],
    read: Reading,
    terms: Terms,
    counts: tuple[WindowCount, ...],
) -> Finding:
    home = run.tiled(group)[group.layer]
    observed = joint.joined(terms)
    taken = _taken(run, group, parts)
    written, done = evidence.split(run.posts, taken)
    moments = [*run.posts.time[written].tolist(), *_moments(run.posts, done)]
    expected = joint.expected_joined(home, group.members, terms, group.window, group.offset)
    q = min(1.0, math.exp(min(-group.net, 0.0)))
    shown = {n: (run.actions(n), p.terms) for n, p in parts.items()}
    rhythm = joint.rhythm(list(shown.values()))
    earned = bands.earned(read.verdict, read.signal)
    return Finding(
        id=_name(group),
        class_=read.verdict.class_,
        subclass=read.verdict.subclass,
        band=bands.band(
            read.verdict,
            earned,
            crossed=read.crossed,
            pools_agree=not reading.stands_flat_only(group),
        ),
        look_alike=read.verdict.look_alike,
        signals=tuple(parts),
        members=_members(run, group, taken),
        posts=tuple(written.tolist()),
        start=min(moments),
        end=max(moments),
        window=group.window,
        observed=observed,
        expected=expected,
        q=q,
        net=group.net,
        rho=group.rho,
        windows=counts,
        clock=read.clock,
        breadth=read.breadth,
        joint_acts=joint.acts(shown, run.posts),
        gap_rhythm=rhythm,
        sentence=sentences.seen(
            group.layer,
            accounts=len(group.members),
            objects=len(np.unique(terms.object[terms.k >= 2])),
            window=group.window,
            times=observed,
            expected=expected,
            q=q,
        ),
        counter_evidence=(
            *reading.against(run, group, parts, read, rhythm),
            *((bands.sentence(earned),) if earned else ()),
        ),
        stability=group.stability,
        acts=tuple(done.tolist()),
        earned=earned,
    )


def _moments(posts: Posts, rows: I64) -> list[int]:
    found: list[int] = posts.acts.time[rows].tolist() if posts.acts else []
    return found


def _taken(run: Run, group: Group, parts: Mapping[str, Part]) -> I64:
    """Rows of evidence that took part, over all signals that carry it; ascending."""
    found = [
        joint.posts_of(run.actions(name), run.tiled(group)[name], group.members, group.window)
        for name in parts
    ]
    return np.unique(np.concatenate(found))


def _members(run: Run, group: Group, taken: I64) -> tuple[Member, ...]:
    """Members in canonical order with their evidence, and the posts and acts that took part."""
    whose, n = evidence.accounts(run.posts)[taken], run.posts.n_accounts
    posts = np.bincount(whose[taken < run.posts.n], minlength=n)
    acts = np.bincount(whose[taken >= run.posts.n], minlength=n)
    return tuple(
        Member(int(a), float(d), int(posts[a]), int(acts[a]))
        for a, d in zip(group.members, group.drops, strict=True)
    )


def _name(group: Group) -> str:
    """``f-`` and 12 hex digits that depend on who is in the group alone."""
    members = ",".join(str(int(a)) for a in np.sort(group.members))
    return "f-" + hashlib.sha256(members.encode()).hexdigest()[:12]
