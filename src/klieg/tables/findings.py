"""Findings and what they survive, highlights, and what a conversation looks like without them.

The last words of a run, in the shapes in which a case keeps them. The room decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.tables.columns import Band, Class
    from klieg.tables.groups import Breadth, Clock, LookAlike, Member
    from klieg.tables.verdicts import Earned, Followed

__all__ = [
    "ActHighlight",
    "Appearance",
    "Controls",
    "Finding",
    "Highlight",
    "Impact",
    "JointAct",
    "Narrative",
    "Posterior",
    "Power",
    "Retest",
    "WindowCount",
]


@dataclass(frozen=True, slots=True)
class Controls:
    """Sets of comparable accounts outside every finding, weighed just as the group was."""

    matched: tuple[str, ...]  # in what they are alike: activity, speed, time zone, pool
    net: float  # nats, the group's own
    nets: tuple[float, ...]  # ascending, one a set; empty where too few accounts are comparable
    joint: int  # acts by which a member joined another, at the group's window
    joints: tuple[int, ...]  # ascending
    event: float  # lower bound of the clock ratio B
    events: tuple[float, ...]  # ascending; fewer sets, 0 where there is too little to time


@dataclass(frozen=True, slots=True)
class Retest:
    """Whether a finding stands when one thing is changed."""

    what: str  # window, search, chance, false alarms, clock, fewer acts, half
    value: str  # 10 min, 2×, draw 3, …
    stands: bool


@dataclass(frozen=True, slots=True)
class Posterior:
    """How likely a group that stands is a planned one, by the worlds it was fitted on."""

    version: str
    prevalence: float  # assumed share of planned groups among those that stand
    likelihood_ratio: float
    probability: float


@dataclass(frozen=True, slots=True)
class WindowCount:
    """Joint member pairs within a window, seen and expected."""

    seconds: int
    observed: int
    expected: float
    p: float


@dataclass(frozen=True, slots=True)
class Narrative:
    """What the group's posts are about: terms and exemplar posts, never a judgement."""

    terms: tuple[str, ...]
    exemplars: tuple[int, ...]  # post rows


@dataclass(frozen=True, slots=True)
class Impact:
    """One measure of the conversation with, without and between."""

    metric: str  # acts, accounts, coalesced · of: the whole, or one object / topic
    subject: str
    with_group: float
    without: float
    coalesced: float
    low: float  # 95 % interval of `without`
    high: float
    note: str


@dataclass(frozen=True, slots=True)
class Appearance:
    """A finding in one period: how many of it were there, and what had become of it."""

    start: int  # microseconds
    span: int  # microseconds
    members: int  # with posts or acts that took part
    joined: int  # of them, not there before
    left: int  # there when it was last active, and no longer
    posts: int  # posts and acts that took part
    state: str  # born, grew, shrank, steady, dormant, returned


@dataclass(frozen=True, slots=True)
class JointAct:
    """Several members on one object inside one burst: the atom of a finding's evidence."""

    signal: str
    object: str  # label
    posts: tuple[int, ...]  # post rows, in time order
    members: int  # k: members in the burst
    actors: int  # m: all distinct actors in the burst
    expected: float  # μ: members chance would put there
    weight: float  # nats
    acts: tuple[int, ...] = ()  # rows of Acts, in time order: in place of posts where it has none


@dataclass(frozen=True, slots=True)
class Finding:
    """A group with its behaviour, evidence, counter-evidence, class and band."""

    id: str  # f- and 12 hex digits
    class_: Class
    subclass: str  # e.g. "private objects", "own clock, too few outsiders"; "" if none
    band: Band
    look_alike: LookAlike | None
    signals: tuple[str, ...]  # strongest first
    members: tuple[Member, ...]
    posts: tuple[int, ...]  # rows of Posts, ascending
    start: int  # microseconds
    end: int
    window: int  # seconds, of the strongest tiling
    observed: int  # joint acts within that window
    expected: float  # joint acts chance would give
    q: float
    net: float
    rho: float
    windows: tuple[WindowCount, ...]
    clock: Clock | None
    breadth: Breadth | None
    joint_acts: tuple[JointAct, ...]  # strongest first, at most 200
    gap_rhythm: Mapping[str, float]  # median gap between members' acts on one object, shares …
    sentence: str  # what was seen, in words a reader can check
    counter_evidence: tuple[str, ...]  # sentences, each true whatever the class
    stability: Mapping[str, int]
    narrative: Narrative | None = None
    impact: tuple[Impact, ...] = ()
    acts: tuple[int, ...] = ()  # rows of Acts that took part, ascending
    history: tuple[Appearance, ...] = ()  # from its first active period to the end of the data
    controls: Controls | None = None
    retests: tuple[Retest, ...] = ()
    dealt: str = ""  # the class it would have with delays dealt anew; "" if not asked
    survived: tuple[str, ...] = ()  # sentences on controls, dealt delays and posterior
    posterior: Posterior | None = None
    followed: tuple[Followed, ...] = ()  # by account; not members, not counted
    earned: Earned | None = None  # of a coordinated finding


@dataclass(frozen=True, slots=True)
class Highlight:
    """Why one post is marked: which finding, with whom, and which characters are shared."""

    post: int  # row of Posts
    finding: str
    signal: str
    object: str
    counterparts: tuple[int, ...]  # post rows of other members, nearest in time first, at most 10
    partners: int  # members who did the same within the window
    expected: float  # members chance would put there
    start: int  # [start, end) characters of the raw text that are shared; 0, 0 if none
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class ActHighlight:
    """Why one act without text is marked: which finding, and with whom."""

    act: int  # row of Acts
    finding: str
    signal: str
    object: str
    counterparts: tuple[int, ...]  # rows of Acts, nearest in time first, at most 10
    partners: int  # members who did the same within the window
    expected: float  # members chance would put there
    reason: str


@dataclass(frozen=True, slots=True)
class Power:
    """The smallest campaign this data could have shown at 80 % power."""

    signal: str
    accounts: int
    joint_acts: int  # per account
    jitter: int  # seconds
    power: float
