"""Groups that stand, and what the gates measured of them. The room knows no class of finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.tables.columns import F64, I32

__all__ = [
    "Breadth",
    "Clock",
    "Group",
    "LookAlike",
    "Member",
]


@dataclass(frozen=True, slots=True)
class Group:
    """A set of accounts that the search found and the burst test weighed."""

    members: I32  # (g,) ascending
    layer: str  # where its evidence is largest (a signal, or MULTIPLEX)
    window: int  # seconds, of the strongest tiling
    offset: float  # 0.0 or 0.5 of a window
    net: float  # ln s_G, nats: what is left of the evidence when the search is paid for
    log_e: float  # ln e_G of all acts
    by_layer: Mapping[str, float]  # ln e per layer, averaged over windows, offsets and ω
    drops: F64  # (g,) nats of net lost without each member
    rho: float  # largest factor on the expected counts at which it still stands
    found_in: tuple[str, ...]  # searches: "repost 600 s", "multiplex 60 s, no interest"
    stability: Mapping[str, int]  # e.g. windows searched / windows that found it
    halves: tuple[I32 | None, I32 | None] = (None, None)  # its like, as found on each half of acts
    held_out: int = -1  # the half it was found on, if it stands by the other half alone
    rho_coarse: float = 1.0  # rho by the bound of small groups: what groups of any size compare by


@dataclass(frozen=True, slots=True)
class Clock:
    """How much more simultaneous a group is than three benign expectations (3.5).

    Each entry is ``(ratio, lower bound, window in seconds)`` at the window with the best bound;
    a bound of 0 means too little to say.
    """

    pace: tuple[float, float, int]  # A
    event: tuple[float, float, int]  # B
    event_outsiders: tuple[float, float, int]  # B_o: objects with ≥ 10 outsiders
    habit: tuple[float, float, int]  # C
    pairs: int
    observed: tuple[int, ...]  # (W,) member pairs on the same object within each window
    expected: tuple[float, ...]  # (W,) under pace


@dataclass(frozen=True, slots=True)
class Breadth:
    """How wide a group's evidence is spread over target authors or domains."""

    net_without_two: float
    effective_targets: float  # exp(entropy) of evidence over targets
    objects: int  # objects on which ≥ 2 members acted
    private_share: float  # joint acts on objects with < 2 outsiders
    top_targets: tuple[tuple[str, float], ...]  # (label, share of the evidence), strongest first


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A benign explanation that fits, named."""

    kind: str  # fans, shared interest, syndication, one brand, template, breaking news, mirror …
    reason: str  # one sentence with the numbers


@dataclass(frozen=True, slots=True)
class Member:
    """An account's part in a finding."""

    account: int
    evidence: float  # nats of net lost without it
    posts: int  # posts of it that took part
    acts: int = 0  # acts without text of it that took part
    probability: float | None = None  # that it is one of the group, if the group is one
