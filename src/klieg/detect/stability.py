"""What a finding survives: one window alone, twice the chance, fewer acts, half of the days.

The given group is asked again each time one thing is changed, at the price it paid when it was
found: its acts and members are re-tested, and no search is repeated. What the searches themselves
came upon (in which windows, on which half of the days) stands beside it. The room gives no class.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg import memory
from klieg.detect import bursts, halves, joint, refine
from klieg.detect.controls import mix
from klieg.detect.lookalikes import AT_LEAST
from klieg.detect.parallel import spread
from klieg.detect.reading import pooled, stands_flat_only
from klieg.tables import Retest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.detect.bursts import Tilings
    from klieg.detect.controls import U64
    from klieg.detect.reading import Run
    from klieg.tables import F64, I32, Actions, Group

__all__ = ["DRAWS", "THINNED", "of_groups", "place", "thinned"]

THINNED: Final = 0.2  # share of the acts that are left out
DRAWS: Final = 5
FACTORS: Final = ((0.5, "½×"), (1.0, "1×"), (2.0, "2×"))
SAME: Final = 0.5  # Jaccard index from which it is still the same group

Place = tuple[bool, str, int]
"""Flat pools or not, the layer, and the half of the acts that tests (−1: all of them)."""


Asked = tuple["Group", float]
"""A group, and the smallest bound that made it coordinated: 0 if it is not."""


def place(group: Group) -> Place:
    """Where a group is asked again."""
    return stands_flat_only(group), group.layer, -1 if group.held_out < 0 else 1 - group.held_out


def of_groups(run: Run, asked: Sequence[Asked], key: U64) -> list[tuple[Retest, ...]]:
    """One square a change for every group, in their order. ``key``: the accounts' fingerprints.

    One layer is cut into bursts at a time, for all groups that stand in it; within a memory budget
    no two threads hold one.
    """
    places: dict[Place, list[int]] = {}
    for i, (group, _) in enumerate(asked):
        places.setdefault(place(group), []).append(i)
    tight = memory.size_of(run.config.memory) is not None
    config = replace(run.config, threads=1) if tight else run.config
    order = sorted(places)

    def work(at: Place) -> list[tuple[Retest, ...]]:
        return _at_home(run, at, [asked[i] for i in places[at]], key)

    found: dict[int, tuple[Retest, ...]] = {}
    done = spread(work, order, config, size=lambda at: run.actions(at[1]).n)
    for at, answers in zip(order, done, strict=True):
        found.update(zip(places[at], answers, strict=True))
    return [found[i] for i in range(len(asked))]


def _at_home(run: Run, at: Place, asked: Sequence[Asked], key: U64) -> list[tuple[Retest, ...]]:
    flat, name, half = at
    layer = pooled(run.network, name, flat=flat)
    actions = layer.actions
    if half >= 0:
        assert run.parting is not None
        actions = halves.part(actions, run.parting, half)
    whole = run.tilings[flat].get(name) if half < 0 else None
    if whole is None or whole.windows != run.config.windows_s:
        whole = bursts.prepare(actions, layer.strata, run.config, run.engine)
    cells = [_cells(whole, group.members) for group, _ in asked]
    # what the search and its windows cost each
    paid = [bursts.log_mean_exp(c) - group.net for c, (group, _) in zip(cells, asked, strict=True)]
    before = [
        _changed(run, whole, *one, c, p) for one, c, p in zip(asked, cells, paid, strict=True)
    ]
    del whole
    some = replace(run.config, windows_s=tuple(sorted({group.window for group, _ in asked})))
    fewer: list[list[Retest]] = [[] for _ in asked]
    for draw in range(DRAWS):
        kept = thinned(actions, key, draw)
        tilings = bursts.prepare(kept, layer.strata, some, run.engine)
        for i, (group, _) in enumerate(asked):
            stands = _stands(tilings, group, paid[i], _bar(run), len(run.config.windows_s))
            fewer[i].append(Retest("fewer acts", f"draw {draw + 1}", stands))
    return [
        (*squares, *draws, *_halves(group))
        for squares, draws, (group, _) in zip(before, fewer, asked, strict=True)
    ]


def _changed(
    run: Run, whole: Tilings, group: Group, margin: float, cells: F64, paid: float
) -> list[Retest]:
    """Windows, chance, the dial and the clock's bar."""
    bar, wide = _bar(run), len(bursts.OFFSETS)
    out = [Retest("search", _span(w), w in _searched(group)) for w in run.config.windows_s]
    for i, w in enumerate(whole.windows):
        log_e = bursts.log_mean_exp(cells[wide * i : wide * (i + 1)])
        out.append(Retest("window", _span(w), log_e - paid >= bar))
    for factor, told in FACTORS:
        log_e = bursts.log_mean_exp(_cells(whole, group.members, inflation=factor))
        out.append(Retest("chance", told, log_e - paid >= bar))
    for factor, told in FACTORS:
        out.append(Retest("false alarms", told, group.net >= bar - math.log(factor)))
    for factor, told in FACTORS if margin > 0 else ():
        out.append(Retest("clock", told, margin >= factor * AT_LEAST))
    return out


def _halves(group: Group) -> list[Retest]:
    """Whether either half's own search came upon it; nothing of groups made smaller since."""
    if not group.stability.get("halves_searched") or all(h is None for h in group.halves):
        return []
    return [
        Retest("half", told, half is not None)
        for half, told in zip(group.halves, halves.NAMES, strict=True)
    ]


def _bar(run: Run) -> float:
    return -math.log(run.config.false_alarms)


def thinned(actions: Actions, key: U64, draw: int) -> Actions:
    """Four fifths of the acts, by a lot that hangs on when and by whom, never on a number."""
    origin = int(actions.time.min()) if actions.n else 0
    lot = mix(
        mix(key[actions.account] ^ mix((actions.time - origin).astype(np.uint64))) ^ _of(draw)
    )
    return halves.rows(actions, np.flatnonzero(lot >= np.uint64(int(THINNED * 2**64))))


def _of(draw: int) -> U64:
    return mix(np.array([draw + 1], np.uint64))


def _cells(tilings: Tilings, members: I32, *, inflation: float = 1.0) -> F64:
    """(tilings, Ω) nats, in the order (window, offset)."""
    if len(members) > bursts.MASS:
        at = np.arange(tilings.lattice.code.shape[1])
        return bursts.log_evidence_at(tilings, members, at, inflation=inflation)
    work = refine.bench(tilings.lattice, tilings.n_accounts)
    cells: F64 = refine.weigh(work, [members], inflation=inflation)[0]
    return cells


def _stands(tilings: Tilings, group: Group, paid: float, bar: float, ladder: int) -> bool:
    """Whether the group, or most of it, stands by these acts at its own window alone.

    The other windows of the ladder are taken to say nothing: never more than the whole would.
    """
    wide, at = len(bursts.OFFSETS), tilings.windows.index(group.window)
    own = np.arange(wide * at, wide * (at + 1))

    def left(members: I32) -> float:
        if len(members) > bursts.MASS:
            cells = bursts.log_evidence_at(tilings, members, own)
        else:
            work = refine.bench(tilings.lattice, tilings.n_accounts)
            cells = refine.weigh(work, [members], own)[0]
        return bursts.log_mean_exp(cells) - math.log(ladder) - paid

    if left(group.members) >= bar:
        return True
    keen = _keen(tilings, group)
    if len(keen) < max(3, SAME * len(group.members)):
        return False
    dearer = bursts.price(tilings.n_accounts, len(keen))
    dearer -= bursts.price(tilings.n_accounts, len(group.members))
    return left(keen) - max(dearer, 0.0 if group.held_out >= 0 else dearer) >= bar


def _keen(tilings: Tilings, group: Group) -> I32:
    """Members who still meet others of the group twice or more."""
    terms = bursts.terms(tilings, group.members, group.window, group.offset)
    rows = joint.rows_of(terms, joint.together(terms))
    times = np.bincount(tilings.actions.account[rows], minlength=tilings.n_accounts)
    return group.members[times[group.members] >= 2]


def _searched(group: Group) -> set[int]:
    """Windows in which the search came upon the group."""
    told = (search.split(",")[0].split() for search in group.found_in)
    return {int(words[-2]) for words in told if len(words) > 1 and words[-2].isdigit()}


def _span(seconds: int) -> str:
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
