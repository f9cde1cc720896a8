"""What is told of a finding beside its evidence: whom it follows, and what its band rests on.

Plain values that ``tables`` puts into a finding. The room computes nothing and knows no case.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Earned", "Followed"]


@dataclass(frozen=True, slots=True)
class Followed:
    """An account that a group follows: it may lead it, or be imitated by it. No member."""

    account: int
    objects: int  # on which members acted within the group's clock window of it
    lead: float  # share of those members who came after it, averaged over the objects
    behind: float  # times it came after a member within that window
    expected: float  # times that its pace and theirs explain


@dataclass(frozen=True, slots=True)
class Earned:
    """What a band rests on: how often groups that nobody planned were called as much."""

    kind: str  # "clock" or "texts"
    bound: float  # the smallest bound that made it coordinated
    false: int  # clean groups of the kind that were coordinated at this step or above
    of: int  # clean groups of the kind that stood
    upper: float  # one-sided 95 % upper bound of their share
    version: str  # of the file of counts
