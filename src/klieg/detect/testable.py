"""Whether *who acted with whom* can be tested in these data at all; if not, why, in a sentence.

Exchangeability needs a crowd to exchange with. A list of accounts, or channels found by their
forwards, holds few accounts and all they did: they were chosen for being busy, alike, or both, no
pool of interest can be made of so few, and busy pairs share what they like. So it is said of a
small set of accounts of whom hardly any posts rarely; and of a layer in which, outside of every
group that stands, more pairs are improbable than twice what chance expects. Samples and queries
need no word: whatever takes posts without regard to who wrote them leaves who filled the rest
exchangeable (docs/method.md). The room changes no test and no finding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg import evidence
from klieg.detect import scoring
from klieg.tables import MULTIPLEX, Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import Bool, Finding, Group, Layer, Posts

__all__ = ["cautioned", "listed", "notes", "told"]

FEW: Final = 1000  # accounts up to which data may be a list
RARELY: Final = 2  # posts or acts of an account that only came by
PASSING: Final = 0.05  # share of such accounts below which nobody came by: they were chosen
BUSY: Final = 15  # posts or acts of the middle account of a list
SMALLEST: Final = 30  # accounts: fewer are a hand-made example, and prove nothing either way
MANY: Final = 3  # improbable pairs from which on an excess is looked at
SURE: Final = 1e-3  # how improbable it must be at twice what chance expects
BROAD: Final = 1e-5  # p from which on an excess tells of λ; fewer and rarer pairs, of themselves


def listed(posts: Posts) -> str:
    """Why the data read like a list of accounts, or "" if they do not."""
    if not evidence.size(posts):
        return ""
    acts = np.bincount(evidence.accounts(posts), minlength=posts.n_accounts)
    acts = acts[acts > 0]
    middle, passing = float(np.median(acts)), float((acts <= RARELY).mean())
    if not SMALLEST <= len(acts) <= FEW or passing >= PASSING or middle < BUSY:
        return ""
    return (
        f"{len(acts):,} accounts, {passing:.0%} of whom post once or twice and half of whom "
        f"{middle:.0f} times or more, read like a list of accounts or channels: there is no crowd "
        "to compare them with, and what they share may be a common interest"
    )


def told(
    network: Network, groups: Sequence[Group], posts: Posts, config: Config, engine: Engine
) -> Network:
    """The network with the reason in the bookkeeping of every layer that cannot be tested."""
    list_ = listed(posts)
    gone = np.zeros(posts.n_accounts, np.bool_)
    for group in groups:
        gone[group.members] = True
    layers = dict(network.layers)
    for name, layer in network.layers.items():
        if name == MULTIPLEX or not layer.stat.pairs:
            continue
        why = list_ or _unexplained(layer, gone, config, engine)
        if why:
            layers[name] = replace(layer, stat=replace(layer.stat, insufficient=why))
    return replace(network, layers=layers)


def notes(network: Network) -> tuple[str, ...]:
    """One sentence for each reason, with the signals it holds for."""
    reasons: dict[str, list[str]] = {}
    for name, layer in network.layers.items():
        if layer.stat.insufficient:
            reasons.setdefault(layer.stat.insufficient, []).append(name)
    return tuple(
        f"Insufficient data to test who acts with whom ({', '.join(names)}): {why}. Read as "
        "insufficient data: pairs prove nothing by themselves here; a group still has its clock."
        for why, names in reasons.items()
    )


def cautioned(found: Sequence[Finding], network: Network) -> tuple[Finding, ...]:
    """The findings, each with a word against it where its strongest signal cannot be tested."""
    out = []
    for finding in found:
        layer = network.layers.get(finding.signals[0]) if finding.signals else None
        if layer is not None and layer.stat.insufficient:
            said = (
                "Insufficient data to test that these accounts rather than others were together: "
                f"{layer.stat.insufficient}."
            )
            finding = replace(finding, counter_evidence=(*finding.counter_evidence, said))
        out.append(finding)
    return tuple(out)


def _unexplained(layer: Layer, gone: Bool, config: Config, engine: Engine) -> str:
    """Which improbable pairs outside of groups are too many for twice what chance expects."""
    left = int(np.count_nonzero(scoring.eligible(layer.actions, config) & ~gone))
    pairs, edges = left * (left - 1) // 2, layer.scored.edges
    p = layer.scored.p[~gone[edges.left] & ~gone[edges.right]]
    for alpha in layer.stat.tail_alpha:
        found = int(np.count_nonzero(p <= alpha))
        if found < MANY or not BROAD <= alpha <= config.weak_p:  # above it not all are kept
            continue
        most = np.array([2.0 * pairs * alpha])
        if engine.poisson_tail(np.array([found]), most)[0] < SURE:
            return (
                f"outside of every group {found:,} pairs have p ≤ {alpha:.0e} where chance "
                f"expects {pairs * alpha:.2g} at most: pairs act together, or these accounts "
                "share interests finer than the pools"
            )
    return ""
