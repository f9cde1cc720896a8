"""What a finding survives: one window alone, twice the chance, fewer acts, half of the days.

The given group is asked again each time one thing is changed, at the price it paid when it was
found: its acts and members are re-tested, and no search is repeated. What the searches themselves
came upon (in which windows, on which half of the days) stands beside it. The room gives no class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import bursts, halves, joint, refine
from klieg.detect.controls import mix
from klieg.detect.lookalikes import AT_LEAST
from klieg.detect.reading import pooled, stands_flat_only
from klieg.tables import Retest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.detect.bursts import Tilings
    from klieg.detect.controls import U64
    from klieg.detect.reading import Run
    from klieg.tables import F64, I32, Actions, Group

__all__ = ["DRAWS", "THINNED", "Home", "homes", "of_group", "thinned"]

THINNED: Final = 0.2  # share of the acts that are left out
DRAWS: Final = 5
FACTORS: Final = ((0.5, "½×"), (1.0, "1×"), (2.0, "2×"))
SAME: Final = 0.5  # Jaccard index from which it is still the same group

Place = tuple[bool, str, int]
"""Flat pools or not, the layer, and the half of the acts that tests (−1: all of them)."""


@dataclass(frozen=True, slots=True)
class Home:
    """One layer in the pools and the half in which some group stands."""

    whole: Tilings  # every window of the ladder
    fewer: tuple[Mapping[int, Tilings], ...]  # of each draw, by window: a fifth of the acts gone


def place(group: Group) -> Place:
    """Where a group is asked again."""
    return stands_flat_only(group), group.layer, -1 if group.held_out < 0 else 1 - group.held_out


def homes(run: Run, groups: Sequence[Group], key: U64) -> dict[Place, Home]:
    """Every layer in which a group stands, cut into bursts by the whole ladder and thinned."""
    windows: dict[Place, set[int]] = {}
    for group in groups:
        windows.setdefault(place(group), set()).add(group.window)
    return {at: _home(run, at, sorted(windows[at]), key) for at in sorted(windows)}


def of_group(run: Run, home: Home, group: Group, margin: float) -> tuple[Retest, ...]:
    """One square a change. ``margin``: the smallest bound that made it coordinated, 0 if not."""
    bar = -math.log(run.config.false_alarms)
    cells = _cells(home.whole, group.members)
    paid = bursts.log_mean_exp(cells) - group.net  # what the search and its windows cost it
    wide = len(bursts.OFFSETS)
    out = [Retest("search", _span(w), w in _searched(group)) for w in run.config.windows_s]
    for i, w in enumerate(home.whole.windows):
        log_e = bursts.log_mean_exp(cells[wide * i : wide * (i + 1)])
        out.append(Retest("window", _span(w), log_e - paid >= bar))
    for factor, told in FACTORS:
        log_e = bursts.log_mean_exp(_cells(home.whole, group.members, inflation=factor))
        out.append(Retest("chance", told, log_e - paid >= bar))
    for factor, told in FACTORS:
        out.append(Retest("false alarms", told, group.net >= bar - math.log(factor)))
    for factor, told in FACTORS if margin > 0 else ():
        out.append(Retest("clock", told, margin >= factor * AT_LEAST))
    for i, fewer in enumerate(home.fewer):
        stands = _stands(fewer[group.window], group, paid, bar, len(home.whole.windows))
        out.append(Retest("fewer acts", f"draw {i + 1}", stands))
    if group.stability.get("halves_searched") and any(h is not None for h in group.halves):
        for half, told in zip(group.halves, halves.NAMES, strict=True):
            out.append(Retest("half", told, half is not None))
    return tuple(out)


def thinned(actions: Actions, key: U64, draw: int) -> Actions:
    """Four fifths of the acts, by a lot that hangs on when and by whom, never on a number."""
    origin = int(actions.time.min()) if actions.n else 0
    lot = mix(
        mix(key[actions.account] ^ mix((actions.time - origin).astype(np.uint64))) ^ _of(draw)
    )
    return halves.rows(actions, np.flatnonzero(lot >= np.uint64(int(THINNED * 2**64))))


def _of(draw: int) -> U64:
    return mix(np.array([draw + 1], np.uint64))


def _home(run: Run, at: Place, windows: Sequence[int], key: U64) -> Home:
    flat, name, half = at
    layer = pooled(run.network, name, flat=flat)
    actions = layer.actions
    if half >= 0:
        assert run.parting is not None
        actions = halves.part(actions, run.parting, half)
    known = run.tilings[flat].get(name) if half < 0 else None
    if known is None or known.windows != run.config.windows_s:
        known = bursts.prepare(actions, layer.strata, run.config, run.engine)
    draws = []
    for draw in range(DRAWS):
        fewer = thinned(actions, key, draw)
        some = replace(run.config, windows_s=tuple(windows))
        cut = bursts.prepare(fewer, layer.strata, some, run.engine)
        draws.append(dict.fromkeys(windows, cut))
    return Home(known, tuple(draws))


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
