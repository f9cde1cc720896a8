"""What came in: posts, acts, and the actions one signal reads from them.

Rows stand in canonical order, times in microseconds since 1970 UTC. The room knows no algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from klieg.tables.columns import I32, I64

__all__ = [
    "Actions",
    "Acts",
    "Intake",
    "Posts",
    "Reject",
]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read: quarantined, counted by reason, never dropped silently."""

    path: str
    line: int
    column: str | None
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Acts:
    """All acts of a run in canonical order (time first), their accounts numbered as the posts'."""

    table: pa.Table  # ACTS, m rows
    account: I32  # (m,) index into Posts.account_ids
    time: I64  # (m,) microseconds, ascending

    @property
    def n(self) -> int:
        return len(self.account)


@dataclass(frozen=True, slots=True)
class Posts:
    """All posts of a run in canonical order (time, platform, post_id), accounts interned.

    Acts without text stand beside them. A *row of evidence* is a row of the posts or, from ``n``
    on, ``n`` and a row of the acts.
    """

    table: pa.Table  # POSTS, n rows
    account: I32  # (n,) index into account_ids, by first appearance
    time: I64  # (n,) microseconds, ascending
    account_ids: pa.Array  # (A,) string: the id as it stands in the input
    account_platforms: pa.Array  # (A,) string
    resolution: int  # seconds: the coarsest clock among posts and acts (0: finer than a second)
    acts: Acts | None = None  # accounts that only act are numbered after those that post

    @property
    def n(self) -> int:
        return len(self.account)

    @property
    def n_acts(self) -> int:
        return self.acts.n if self.acts else 0

    @property
    def n_accounts(self) -> int:
        return len(self.account_ids)


@dataclass(frozen=True, slots=True)
class Intake:
    """What happened on the way in: goes to the case, the report and ``run.json``."""

    inputs: tuple[Mapping[str, object], ...]  # path (name only), format, sha256, rows, mapping
    rows: int  # rows read, posts or not
    posts: int  # rows kept
    counts: Mapping[str, int]  # duplicate_id, row_id, not_a_post_<why>, act_<kind>, …
    rejected: Mapping[str, int]  # by reason
    notes: tuple[str, ...]  # sentences a reader must know (minute clocks, fallbacks, losers)


@dataclass(frozen=True, slots=True)
class Actions:
    """One signal: who did it, to what, when. Rows stand in post order (so times ascend)."""

    signal: str
    account: I32  # (n,)
    object: I32  # (n,) index into labels, by first appearance
    time: I64  # (n,) microseconds
    post: I64  # (n,) row of evidence: of Posts, or from Posts.n on of its acts
    target: I32  # (n,) the object's author or domain, for the evidence cap; −1 where it has none
    labels: pa.Array  # (n_objects,) string: what the object is called
    target_labels: pa.Array  # (n_targets,) string
    n_accounts: int

    @property
    def n(self) -> int:
        return len(self.account)

    @property
    def n_objects(self) -> int:
        return len(self.labels)
