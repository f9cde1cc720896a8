"""What is known of one finding beside its clock, gathered for the room that explains it.

Reads the posts of the group's joint acts over all signals that carry it, and who in it only copies
another one. The room decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from klieg.detect import explained, joint, loyalty, narrowing, records, signs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.detect.reading import Part, Reading, Run
    from klieg.tables import Group

__all__ = ["explain"]

COPIES: Final = "copies"


def explain(run: Run, group: Group, parts: Mapping[str, Part], read: Reading) -> Reading:
    """The reading, with the benign explanation that fits best if one does."""
    posts, members = run.posts, group.members
    rows = [
        run.actions(name).post[joint.rows_of(part.terms, joint.together(part.terms))]
        for name, part in parts.items()
    ]
    together = np.unique(np.concatenate(rows)).astype(np.int64)
    actions, owned = run.actions(read.signal), read.signal in loyalty.FROM_AUTHORS
    pools = run.network.flat.get(read.signal, run.network.layers[read.signal].strata)
    known = explained.Known(
        signs.measure(posts, members, together[together < posts.n]),
        read.clock,
        read.breadth,
        loyalty.authors(actions, members) if owned else None,
        loyalty.moments(actions, pools, members) if owned else None,
        _copies(run, group) if COPIES in parts else 0,
        len(set(posts.account_platforms.take(pa.array(members)).to_pylist())),
    )
    return replace(read, verdict=explained.explain(read.verdict, known))


def _copies(run: Run, group: Group) -> int:
    """Members that only copy another one, if the group does not stand without them; else 0."""
    made = np.bincount(run.posts.account, minlength=run.posts.n_accounts)
    copying = records.followers(run.actions(COPIES), group.members, made)
    rest = np.setdiff1d(group.members, copying).astype(np.int32)
    if not len(copying) or (len(rest) >= 3 and narrowing.weighed(run, group, rest, COPIES)):
        return 0
    return len(copying)
