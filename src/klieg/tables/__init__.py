"""The words and columns every room speaks: schemas and frozen values, no behaviour.

Shapes and units stand beside each field: ``(n,)`` rows, times in integer microseconds since 1970
UTC, windows in seconds. Accounts, posts, objects and strata are dense indices; the names they had
in the input stay in ``Posts`` and ``Actions.labels``. The room knows no algorithm and no format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klieg.tables.columns import (
    ACTS,
    BANDS,
    KINDS,
    MULTIPLEX,
    POSTS,
    REACTIONS,
    RETOLD,
    SECOND,
    TIME,
    Band,
    Class,
)
from klieg.tables.findings import (
    ActHighlight,
    Appearance,
    Controls,
    Finding,
    Highlight,
    Impact,
    JointAct,
    Narrative,
    Posterior,
    Power,
    Retest,
    WindowCount,
)
from klieg.tables.groups import (
    Breadth,
    Clock,
    Group,
    LookAlike,
    Member,
)
from klieg.tables.network import (
    ActEdges,
    Crowd,
    Edges,
    Layer,
    Network,
    NullStat,
    ScoredEdges,
    ShuffleStat,
    Strata,
    WeakGraph,
)
from klieg.tables.posts import (
    Actions,
    Acts,
    Intake,
    Posts,
    Reject,
)
from klieg.tables.verdicts import Earned, Followed

if TYPE_CHECKING:
    from klieg.tables.columns import F64 as F64
    from klieg.tables.columns import I32 as I32
    from klieg.tables.columns import I64 as I64
    from klieg.tables.columns import U8 as U8
    from klieg.tables.columns import U32 as U32
    from klieg.tables.columns import Bool as Bool

__all__ = [
    "ACTS",
    "BANDS",
    "KINDS",
    "MULTIPLEX",
    "POSTS",
    "REACTIONS",
    "RETOLD",
    "SECOND",
    "TIME",
    "ActEdges",
    "ActHighlight",
    "Actions",
    "Acts",
    "Appearance",
    "Band",
    "Breadth",
    "Class",
    "Clock",
    "Controls",
    "Crowd",
    "Earned",
    "Edges",
    "Finding",
    "Followed",
    "Group",
    "Highlight",
    "Impact",
    "Intake",
    "JointAct",
    "Layer",
    "LookAlike",
    "Member",
    "Narrative",
    "Network",
    "NullStat",
    "Posterior",
    "Posts",
    "Power",
    "Reject",
    "Retest",
    "ScoredEdges",
    "ShuffleStat",
    "Strata",
    "WeakGraph",
    "WindowCount",
]
