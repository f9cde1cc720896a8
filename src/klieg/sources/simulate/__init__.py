"""Worlds with known truth: ordinary accounts, planted campaigns, and benign look-alikes.

The door to the rooms behind it. It knows no detector: what is simulated never depends on how it
will be looked for.
"""

from klieg.sources.simulate.campaigns import DEFAULT_CAMPAIGNS, Campaign
from klieg.sources.simulate.lookalikes import DEFAULT_LOOK_ALIKES, LookAlike
from klieg.sources.simulate.truth import TrueGroup, Truth, read_truth
from klieg.sources.simulate.world import World, simulate

__all__ = [
    "DEFAULT_CAMPAIGNS",
    "DEFAULT_LOOK_ALIKES",
    "Campaign",
    "LookAlike",
    "TrueGroup",
    "Truth",
    "World",
    "read_truth",
    "simulate",
]
