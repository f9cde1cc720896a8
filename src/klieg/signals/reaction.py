"""Acts without text: who liked, followed, voted on, rated or reported the same things.

One signal an act, because different acts have different habits and crowds; ``reaction`` is all acts
that have none of their own, each kind an object of its own. Which way a vote or a rating went is
part of the object. The room knows the acts beside the posts; nothing of pairs or chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.signals.acts import Shares, act
from klieg.tables import ACTS, REACTIONS, Actions

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Signal
    from klieg.tables import I64, Posts

__all__ = ["Reaction", "follow", "like", "rating", "reaction", "report", "vote"]

_TOWARDS_ACCOUNTS = ("follow", "block", "mute")
"""Acts whose object is an account: it has no author whom a cap could name."""


@dataclass(slots=True)
class Reaction:
    """One act without text: which acts it reads, and how its evidence is worded."""

    name: str
    sentence: str
    example: dict[str, object]
    version: str = "1"

    def actions(self, posts: Posts) -> Actions:
        """Who did it to what when, once an account and object; empty where the run has no acts.

        ``post`` is the row of evidence: the posts' number and the row of the act.
        """
        empty = Shares(np.zeros(0, np.int64), *(pa.array([], pa.string()) for _ in range(3)))
        if posts.acts is None:
            return act(self.name, posts, empty, repeats="never")
        acts = posts.acts
        kind = _one(acts.table.column("act"))
        known = pa.array([n for n in REACTIONS if n != "reaction"])
        mine = pc.invert(pc.is_in(kind, known)) if self._rest else pc.equal(kind, self.name)
        rows = np.flatnonzero(np.asarray(mine))
        own = replace(posts, account=acts.account, time=acts.time)
        found = act(self.name, own, self._shares(posts, rows), repeats="never")
        return replace(found, post=found.post + posts.n)

    @property
    def _rest(self) -> bool:
        return self.name == "reaction"

    def _shares(self, posts: Posts, rows: I64) -> Shares:
        assert posts.acts is not None
        take = pa.array(rows)
        kind, thing, value, platform, given = (
            _one(posts.acts.table.column(name)).take(take)
            for name in ("act", "object_id", "value", "platform", "object_account")
        )
        author = pc.coalesce(given, _authors(posts, platform, thing))
        towards = pc.is_in(kind, pa.array(_TOWARDS_ACCOUNTS))
        target = _apart(posts, platform, pc.if_else(towards, None, author))
        key = _apart(posts, platform, thing)
        key = pc.if_else(pc.is_valid(value), pc.binary_join_element_wise(key, value, ": "), key)
        if self._rest:
            key = pc.binary_join_element_wise(kind, key, " ")
        return Shares(rows, key, key, target)

    def examples(self) -> Sequence[pa.Table]:
        """Three accounts that do the same within a minute: a table of acts."""
        start = datetime(2024, 1, 1, tzinfo=UTC)
        rows = [
            {
                "platform": "x",
                "account_id": f"a{i}",
                "time": start + timedelta(seconds=20 * i),
                **self.example,
            }
            for i in range(3)
        ]
        return [pa.Table.from_pylist(rows, schema=ACTS)]


def like(config: Config, **ports: object) -> Signal:
    """Liking the same post."""
    return Reaction(
        "like",
        "These {accounts} accounts liked the same {objects} posts within {window} of each other, "
        "{times} times.",
        {"act": "like", "object_id": "p1", "object_account": "author"},
    )


def follow(config: Config, **ports: object) -> Signal:
    """Following the same account."""
    return Reaction(
        "follow",
        "These {accounts} accounts followed the same {objects} accounts within {window} of each "
        "other, {times} times.",
        {"act": "follow", "object_id": "somebody"},
    )


def vote(config: Config, **ports: object) -> Signal:
    """Voting on the same thing, the same way."""
    return Reaction(
        "vote",
        "These {accounts} accounts voted the same way on the same {objects} things within "
        "{window} of each other, {times} times.",
        {"act": "vote", "object_id": "p1", "value": "up"},
    )


def rating(config: Config, **ports: object) -> Signal:
    """Rating the same thing, the same way."""
    return Reaction(
        "rating",
        "These {accounts} accounts rated the same {objects} things alike within {window} of each "
        "other, {times} times.",
        {"act": "rating", "object_id": "n1", "value": "HELPFUL"},
    )


def report(config: Config, **ports: object) -> Signal:
    """Reporting the same thing."""
    return Reaction(
        "report",
        "These {accounts} accounts reported the same {objects} things within {window} of each "
        "other, {times} times.",
        {"act": "report", "object_id": "p1", "object_account": "author"},
    )


def reaction(config: Config, **ports: object) -> Signal:
    """Doing the same to the same thing, in a way klieg has no signal for."""
    return Reaction(
        "reaction",
        "These {accounts} accounts did the same to the same {objects} things within {window} of "
        "each other, {times} times.",
        {"act": "bookmark", "object_id": "p1", "object_account": "author"},
    )


def _authors(posts: Posts, platform: pa.Array, things: pa.Array) -> pa.Array:
    """Who wrote each thing, where it is a post that was read; null elsewhere."""
    ids, own = posts.table.column("post_id"), posts.table.column("account_id")
    coded = things.dictionary_encode()
    found: pa.Array = pa.nulls(len(things), pa.string())
    for place in pc.unique(platform).to_pylist():
        here = pc.equal(posts.table.column("platform"), place)
        at = pc.index_in(coded.dictionary, _one(ids.filter(here))).take(coded.indices)
        author = _one(own.filter(here)).take(at)
        found = pc.if_else(pc.equal(platform, place), pc.coalesce(found, author), found)
    return found


def _apart(posts: Posts, platform: pa.Array, ids: pa.Array) -> pa.Array:
    """Ids made unique across platforms: as they are where all accounts are of one."""
    if len(pc.unique(posts.account_platforms)) < 2:
        return ids
    return pc.binary_join_element_wise(platform, ids, ":")


def _one(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)
