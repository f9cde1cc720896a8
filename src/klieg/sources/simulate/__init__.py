"""Worlds with known truth: ordinary accounts, planted campaigns, and benign look-alikes.

The door to the rooms behind it. It knows no detector: what is simulated never depends on how it
will be looked for.
"""

from klieg.sources.simulate.campaigns import DEFAULT_CAMPAIGNS, Campaign
from klieg.sources.simulate.catalogue import CATALOGUE, planned
from klieg.sources.simulate.collecting import (
    COLLECTIONS,
    account_list,
    channels,
    collect,
    hashtag,
    keyword,
    sample,
)
from klieg.sources.simulate.evasion import Batch, Evasion, below_the_windows
from klieg.sources.simulate.foreign import read_world
from klieg.sources.simulate.lookalikes import DEFAULT_LOOK_ALIKES, LookAlike
from klieg.sources.simulate.rewriting import Message, Rewriter, grammar
from klieg.sources.simulate.truth import TrueGroup, Truth, read_truth
from klieg.sources.simulate.world import GENERATORS, World, simulate

__all__ = [
    "CATALOGUE",
    "COLLECTIONS",
    "DEFAULT_CAMPAIGNS",
    "DEFAULT_LOOK_ALIKES",
    "GENERATORS",
    "Batch",
    "Campaign",
    "Evasion",
    "LookAlike",
    "Message",
    "Rewriter",
    "TrueGroup",
    "Truth",
    "World",
    "account_list",
    "below_the_windows",
    "channels",
    "collect",
    "grammar",
    "hashtag",
    "keyword",
    "planned",
    "read_truth",
    "read_world",
    "sample",
    "simulate",
]
