"""The part of a coordinated group that did what it is accused of, weighed by itself.

A group is made from all signals at once, an accusation from the one that decides. Knows one group
and its reading; it searches nothing and judges nobody.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import bursts, joint, refine
from klieg.detect.reading import threshold
from klieg.detect.timed import TEXTUAL
from klieg.tables import MULTIPLEX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.detect.bursts import Tilings
    from klieg.detect.reading import Part, Reading, Run
    from klieg.tables import I32, Group

__all__ = ["narrowed", "weighed"]

MANY: Final = 500  # members of a narrowed group that are taken out one by one


def narrowed(run: Run, group: Group, parts: Mapping[str, Part], read: Reading) -> Group | None:
    """The part of a group that did what made it coordinated; None where that part does not stand.

    The search adds up signals, so a crew's copies can come with strangers who share its interests
    in another layer. Whoever does not earn a place by the deciding signal is not accused with it.
    """
    earned = np.zeros(run.posts.n_accounts)
    kind = [n for n in parts if (n in TEXTUAL) == (read.signal in TEXTUAL)]
    for name in kind if group.layer == MULTIPLEX else [read.signal]:
        terms = parts[name].terms
        share = np.repeat(np.where(joint.together(terms), terms.weight, 0.0) / terms.k, terms.k)
        earned += np.bincount(
            run.actions(name).account[terms.rows], weights=share, minlength=len(earned)
        )
    # a member's place costs about ln N in the price of a group
    members = group.members[earned[group.members] >= math.log(max(run.posts.n_accounts, 2))]
    if len(members) == len(group.members):
        return group
    return weighed(run, group, members, read.signal) if len(members) >= 3 else None


def weighed(run: Run, group: Group, members: I32, signal: str) -> Group | None:
    """The smaller group, weighed in one signal at the windows at hand: never more than its net."""
    tilings = run.tiled(group)[signal]
    cells = bursts.log_evidence(tilings, members)
    everything = len(group.by_layer) * len(run.config.windows_s) * cells[0].size
    log_e = bursts.log_mean_exp(cells) + math.log(cells.size / everything)
    net = log_e - bursts.price(run.posts.n_accounts, len(members))
    if net < threshold(run):
        return None
    at = np.unravel_index(int(cells.argmax()), cells.shape)
    window, offset = tilings.windows[int(at[0])], bursts.OFFSETS[int(at[1])]

    def best(who: I32) -> float:
        terms = bursts.terms(tilings, who, window, offset)
        whole = terms.base + float(terms.weight.sum())
        return whole - bursts.price(run.posts.n_accounts, len(who))

    if len(members) <= MANY:
        whole = best(members)
        drops = np.array([whole - best(np.delete(members, i)) for i in range(len(members))])
    else:  # taking thousands out one by one takes hours: what each brings, to first order
        work = refine.bench(tilings.lattice, tilings.n_accounts)
        t, omega = int(at[0]) * len(bursts.OFFSETS) + int(at[1]), int(at[2])
        cost = bursts.price(run.posts.n_accounts, len(members))
        cost -= bursts.price(run.posts.n_accounts, len(members) - 1)
        drops = -refine.leaving(work, members, t, omega) - cost
    return replace(
        group,
        members=members,
        layer=signal,
        window=window,
        offset=offset,
        net=net,
        log_e=log_e,
        by_layer={signal: log_e},
        drops=drops,
        halves=(None, None),
        held_out=-1,
        rho=_rho(tilings, members, threshold(run) - net + log_e, cells.size / everything),
    )


def _rho(tilings: Tilings, members: I32, least: float, part: float) -> float:
    """The largest factor on every expected count at which ln e stays at ``least`` or more."""
    low, high = 0.0, math.log(1e6)
    for _ in range(16):
        middle = (low + high) / 2
        cells = bursts.log_evidence(tilings, members, inflation=math.exp(middle))
        if bursts.log_mean_exp(cells) + math.log(part) >= least:
            low = middle
        else:
            high = middle
    return math.exp(low)
