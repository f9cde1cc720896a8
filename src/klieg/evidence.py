"""Rows of evidence: posts first, the acts without text after them, in one numbering.

An action points at the row that shows it, whatever it is; this room says whose that row is, when it
happened, and which of the two tables it stands in. It knows the two tables, no signal and no
finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import I32, I64, Actions, Posts

__all__ = ["accounts", "first_time", "of_acts", "size", "split", "times"]


def size(posts: Posts) -> int:
    """How many rows of evidence there are."""
    return posts.n + posts.n_acts


def accounts(posts: Posts) -> I32:
    """(size,) whose each row is. The posts' own column where there are no acts."""
    if posts.acts is None:
        return posts.account
    return np.concatenate([posts.account, posts.acts.account])


def times(posts: Posts) -> I64:
    """(size,) microseconds; ascending over the posts, and again over the acts."""
    if posts.acts is None:
        return posts.time
    return np.concatenate([posts.time, posts.acts.time])


def split(posts: Posts, rows: I64 | Sequence[int]) -> tuple[I64, I64]:
    """(rows of the posts, rows of the acts) among rows of evidence, each in their order."""
    index = np.asarray(rows, np.int64)
    return index[index < posts.n], index[index >= posts.n] - posts.n


def of_acts(posts: Posts, actions: Actions) -> bool:
    """Whether these actions are acts without text: a signal reads posts or acts, never both."""
    return bool(len(actions.post)) and int(actions.post[0]) >= posts.n


def first_time(posts: Posts) -> int:
    """Microseconds of the first thing that happened; 0 where nothing did."""
    known = [posts.time] if posts.acts is None else [posts.time, posts.acts.time]
    return min((int(t[0]) for t in known if len(t)), default=0)
