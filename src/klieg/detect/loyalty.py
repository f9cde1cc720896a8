"""Whether a taste for the same authors, or the same evenings, explains what members share.

Fans take from whatever their authors publish, an audience from whatever is said in its evenings; a
plan takes the same few posts and leaves the rest. Pure counting over one layer; the room knows no
delays and no class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import clock
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, Actions, Strata

__all__ = ["FROM_AUTHORS", "TESTED", "Loyalty", "authors", "moments"]

FROM_AUTHORS: Final = frozenset({"repost", "like"})
"""Signals whose objects are somebody's, so that taste can be told from choice."""

TESTED: Final = 0.5
"""Share of the members' pairs that must lie where there was a choice."""

CHOICE: Final = 3
"""Posts of an author in the data from which taking one is a choice."""

OFFER: Final = 8
"""Posts of an evening in one pool from which taking one is a choice."""

EVENING: Final = 3 * 3600
"""Seconds of a stretch whose posts compete for an audience."""


@dataclass(frozen=True, slots=True)
class Loyalty:
    """Member pairs on the same post, beside what each member's share of each source predicts."""

    ratio: float
    bound: float  # lower, by the sources' jackknife; 0: too few sources to say
    sources: float  # in effect (entropy of the members' acts), of those with a choice
    posts: int  # on offer from these sources, in the data
    tested: float  # share of the members' pairs that lie where there was a choice


def authors(actions: Actions, members: I32) -> Loyalty | None:
    """Taste for authors; None where no object has one."""
    home = np.full(actions.n_objects, -1, np.int64)
    known = actions.target >= 0
    home[actions.object[known]] = actions.target[known]
    return _measure(actions, members, home, CHOICE)


def moments(actions: Actions, strata: Strata, members: I32) -> Loyalty | None:
    """Taste for certain hours: a source is what one pool first acted on within three hours."""
    born = np.full(actions.n_objects, np.iinfo(np.int64).max)
    np.minimum.at(born, actions.object, actions.time)
    stretch = born // (EVENING * SECOND)
    stretch -= stretch.min(initial=0)
    home = strata.object_stratum.astype(np.int64) * (int(stretch.max(initial=0)) + 1) + stretch
    return _measure(actions, members, np.unique(home, return_inverse=True)[1], OFFER)


def _measure(actions: Actions, members: I32, home: I64, least: int) -> Loyalty | None:
    """``home`` (n_objects,) the source of each object, −1 where it has none.

    Given that member a took n_a and member b took n_b of a source's posts, each post with odds
    that grow with the outsiders on it, they meet on Σ_i n_a n_b (w_i / W)² of them.
    """
    inside = np.isin(actions.account, members)
    # an account on one object counts once, however often it came back
    act = actions.object[inside].astype(np.int64) * actions.n_accounts + actions.account[inside]
    thing, who = np.divmod(np.unique(act), actions.n_accounts)
    on = np.bincount(thing, minlength=actions.n_objects)
    pairs = on * (on - 1) / 2.0
    known = home >= 0
    if not pairs[known].sum():
        return None
    n = int(home.max(initial=-1)) + 1
    offered = np.bincount(home[known], minlength=n)
    choice = known & (offered[home] >= least)
    others = np.bincount(actions.object[~inside], minlength=actions.n_objects)
    same = _one_post(home[choice], (others[choice] + 1).astype(np.float64), n)
    mine = choice[thing]
    taken, times = np.unique(home[thing[mine]] * actions.n_accounts + who[mine], return_counts=True)
    whole = np.bincount(taken // actions.n_accounts, weights=times, minlength=n)
    own = np.bincount(taken // actions.n_accounts, weights=times.astype(float) ** 2, minlength=n)
    observed = np.bincount(home[choice], weights=pairs[choice], minlength=n).astype(np.float64)
    some = np.flatnonzero(whole)
    if not len(some):
        return Loyalty(0.0, 0.0, 0.0, 0, 0.0)
    expected = ((whole**2 - own) / 2 * same)[some]
    ratio, bound = clock.lower_bound(observed[some], expected, some.astype(np.int32))
    share = whole[some] / whole.sum()
    return Loyalty(
        ratio,
        bound,
        float(np.exp(-(share * np.log(share)).sum())),
        int(offered[some].sum()),
        float(pairs[choice].sum() / pairs[known].sum()),
    )


def _one_post(home: I64, weight: F64, n: int) -> F64:
    """(n,) chance that two who each take one post of a source take the same."""
    total = np.bincount(home, weights=weight, minlength=n)
    square = np.bincount(home, weights=weight**2, minlength=n)
    return np.divide(square, total**2, out=np.zeros(n), where=total > 0)
