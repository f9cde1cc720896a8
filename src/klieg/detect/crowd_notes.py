"""What became of crowds, in sentences: their pairs, and those that do not stand with the figures.

A crowd goes into the group search whole; where it does not stand the reader is told what its bursts
weigh and what so large a set would have to bring. The room tests nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import bursts
from klieg.tables import MULTIPLEX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import Crowd, Finding, Layer, Network, NullStat

__all__ = ["notes"]

HALF = 0.5
"""Part of a crowd inside a finding from which the crowd is taken to be found."""

MUCH = 0.2
"""Part of all acts from which a crowd is its own chance."""

TOLD = 3
"""Crowds a layer, largest first, of which it is said that they do not stand."""


def notes(
    network: Network, findings: Sequence[Finding], config: Config, engine: Engine
) -> tuple[str, ...]:
    """Sentences for every layer that holds crowds; ``findings`` of the same run."""
    told: list[str] = []
    for name, layer in network.layers.items():
        own = [crowd for crowd in network.crowds if crowd.layer == name]
        if not own or name == MULTIPLEX:
            continue
        stat, largest = layer.stat, max(own, key=lambda c: len(c.members))
        told.append(
            f"{name}: {len(own)} crowd{'s' if len(own) > 1 else ''} in bursts of hundreds, the "
            f"largest {len(largest.members):,} accounts on {largest.objects} "
            f"object{'s' if largest.objects > 1 else ''} within "
            f"{largest.window} s, went into the search whole. Of {stat.crowd_pairs:,} pairs in "
            f"crowds {stat.crowd_scored:,} were scored one by one; {_rest(stat)}. Every pair of "
            f"this layer that is neither scored nor in a crowd has p > {stat.second_level:.1g}."
        )
        several = [c for c in own if c.objects > 1 and not _found(c, findings)]
        several = sorted(several, key=lambda c: -len(c.members))[:TOLD]
        told.extend(_unproved(crowd, layer, network, config, engine) for crowd in several)
    return tuple(told)


def _rest(stat: NullStat) -> str:
    """What became of the pairs that crowds stand for."""
    rest = stat.crowd_pairs - stat.crowd_scored
    if not rest:
        return "none is left out"
    if not stat.crowd_possible:
        return f"none of the other {rest:,} could have been validated, whatever it shares"
    with_them = f", and {stat.crowd_raised:,} scored pairs with them" if stat.crowd_raised else ""
    return (
        f"up to {stat.crowd_possible:,} of the other {rest:,} could have been validated{with_them}:"
        " the crowd stands for them, none is listed"
    )


def _found(crowd: Crowd, findings: Sequence[Finding]) -> bool:
    for finding in findings:
        members = np.array([m.account for m in finding.members], np.int32)
        if np.isin(crowd.members, members).sum() >= HALF * len(crowd.members):
            return True
    return False


def _unproved(crowd: Crowd, layer: Layer, network: Network, config: Config, engine: Engine) -> str:
    """Why a crowd does not stand, in the kind of pools that speaks most for it."""
    kinds = [layer.strata, network.flat.get(crowd.layer, layer.strata)]
    tilings = bursts.prepare(layer.actions, kinds[0], config, engine)
    weight = max(
        bursts.log_mean_exp(bursts.log_evidence(bursts.repool(tilings, kind), crowd.members))
        for kind in kinds
    )
    price = bursts.price(tilings.n_accounts, len(crowd.members))
    inside = np.isin(layer.actions.account, crowd.members).mean()
    alone = (
        "their acts are so much of the traffic that they are most of what chance goes by"
        if inside > MUCH
        else "they do little together that others do not do too"
    )
    return (
        f"{crowd.layer}: the {len(crowd.members):,} accounts on {crowd.objects} objects within "
        f"{crowd.window} s are no finding. What they did together weighs {weight:,.0f} nats in "
        f"this layer; so large a set of {tilings.n_accounts:,} accounts must bring {price:,.0f} "
        f"to be more than chance. They did {inside:.0%} of all acts: {alone}."
    )
