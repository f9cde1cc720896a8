"""Groups of several cases as one story: which finding of one month is which of the next.

Each finding becomes a set of accounts (platform and id as in the input) and a set of what it acted
on; ``detect.identity`` links them. Cases stand in the order of their first posts. The room reads
cases and computes no overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klieg import evidence
from klieg.detect.identity import Identity, Seen, link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.case.case import Case
    from klieg.tables import Finding

__all__ = ["Followed", "follow"]


@dataclass(frozen=True, slots=True)
class Followed:
    """The cases in their order, and the groups that run through them."""

    order: tuple[int, ...]  # of the cases as given
    starts: tuple[int, ...]  # microseconds: first post or act of each, in that order
    identities: tuple[Identity, ...]


def follow(cases: Sequence[Case]) -> Followed:
    """Link the findings of cases that follow each other; ids of groups in it are finding ids."""
    first = [evidence.first_time(case.posts) for case in cases]
    order = sorted(range(len(cases)), key=lambda i: (first[i], i))
    windows = [[_seen(cases[i], finding) for finding in cases[i].findings] for i in order]
    return Followed(tuple(order), tuple(first[i] for i in order), link(windows))


def _seen(case: Case, finding: Finding) -> Seen:
    posts = case.posts
    members = frozenset(
        (posts.account_platforms[m.account].as_py(), posts.account_ids[m.account].as_py())
        for m in finding.members
    )
    objects = frozenset((act.signal, act.object) for act in finding.joint_acts)
    targets = finding.breadth.top_targets if finding.breadth else ()
    aims = frozenset(("target", label) for label, _ in targets)
    return Seen(finding.id, members, objects | aims)
