"""How widely a group's evidence is spread: over one author or domain, or over many.

The evidence of each burst is credited to the author or domain acted on (an object without one is
its own); net₋₂ is what would stand without the two that give most. The room knows no class: that
a narrow group may be a crew or fans is for others to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import bursts
from klieg.tables import Breadth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.detect.bursts import Terms, Tilings
    from klieg.detect.clock import Timing
    from klieg.tables import F64, I64, Actions, Group

__all__ = ["PRIVATE", "by_target", "measure", "private_share"]

SHOWN: Final = 5
PRIVATE: Final = 2  # outsiders below which an object is the group's own affair


def measure(
    group: Group, tilings: Tilings, net: float, *, timings: Sequence[Timing] = ()
) -> Breadth:
    """Breadth of a group in one layer, where its evidence is worth ``net`` nats.

    Read at the group's strongest window, at both offsets; the loss is the larger one.
    """
    lost, best = -np.inf, None
    for offset in bursts.OFFSETS:
        terms = bursts.terms(tilings, group.members, group.window, offset)
        targets, weight = by_target(tilings.actions, terms)
        lost = max(lost, float(weight[:2].sum()))
        if best is None or offset == group.offset:
            best = terms, targets, weight
    assert best is not None
    terms, targets, weight = best
    total = max(float(weight.sum()), 1e-12)
    share = weight / total
    entropy = -float((share * np.log(share, where=share > 0, out=np.zeros(len(share)))).sum())
    return Breadth(
        net - lost,
        float(np.exp(entropy)) if len(share) else 0.0,
        _shared(tilings.actions, terms),
        private_share(timings),
        tuple(
            (_label(tilings.actions, int(t)), float(s))
            for t, s in zip(targets[:SHOWN], share[:SHOWN], strict=True)
        ),
    )


def by_target(actions: Actions, terms: Terms) -> tuple[I64, F64]:
    """Targets that speak for the group and their nats, strongest first; ties by index.

    An object without a target stands behind the real ones, at len(target_labels) + object.
    """
    home = np.full(actions.n_objects, -1, np.int64)
    home[actions.object[terms.rows]] = actions.target[terms.rows]
    target = home[terms.object]
    target = np.where(target < 0, len(actions.target_labels) + terms.object, target)
    names, place = np.unique(target, return_inverse=True)
    weight = np.bincount(place, weights=terms.weight, minlength=len(names))
    order = np.lexsort((names, -weight))
    order = order[weight[order] > 0]
    return names[order].astype(np.int64), weight[order].astype(np.float64)


def private_share(timings: Sequence[Timing]) -> float:
    """Share of the members' acts on shared objects that had fewer than two outsiders."""
    everything = sum(int(t.acts.sum()) for t in timings)
    private = sum(int(t.acts[t.outsiders < PRIVATE].sum()) for t in timings)
    return private / everything if everything else 0.0


def _shared(actions: Actions, terms: Terms) -> int:
    """Objects on which two or more members acted, at any distance in time."""
    pair = actions.object[terms.rows].astype(np.int64) * max(actions.n_accounts, 1)
    once: I64 = np.unique(pair + actions.account[terms.rows]) // max(actions.n_accounts, 1)
    return int((np.unique(once, return_counts=True)[1] >= 2).sum())


def _label(actions: Actions, target: int) -> str:
    known = len(actions.target_labels)
    name = actions.target_labels[target] if target < known else actions.labels[target - known]
    return str(name.as_py())
