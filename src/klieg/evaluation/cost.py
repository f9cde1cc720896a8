"""What staying unseen costs an attacker: the push that is lost, measured in the world itself.

The push of a campaign is the share of its accounts that act on an object within an hour of the
first, times the share of their posts that are joint acts where the rest is cover. The room knows
no detector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from klieg.sources.simulate import TrueGroup, World

__all__ = ["REACH_S", "costs"]

REACH_S = 3600
"""Seconds after the first joint act within which the others add to the same wave."""


def costs(world: World) -> dict[str, dict[str, float]]:
    """Of each campaign by label: ``push`` and ``cost`` = 1 − push, both 0 … 1.

    Texts share no id by which one message's versions could be told: their push counts as 1, and
    only cover costs.
    """
    out = {}
    for group in world.truth.campaigns:
        if group.posts:
            push = _wave(world, group) * (1.0 - _cover(group))
            out[group.label] = {"push": round(push, 4), "cost": round(1.0 - push, 4)}
    return out


def _wave(world: World, group: TrueGroup) -> float:
    """Mean share of the members in the first hour of an object."""
    posts = world.posts.filter(pc.is_in(world.posts["post_id"], pa.array(group.posts)))
    thing = pc.coalesce(posts["repost_of"], posts["reply_to"], _first_url(posts))
    known = pc.is_valid(thing).to_numpy()
    if known.mean() < 0.5:
        return 1.0
    code = thing.combine_chunks().drop_null().dictionary_encode().indices.to_numpy()
    when = posts["time"].cast(pa.int64()).to_numpy()[known]
    account = np.asarray(posts["account_id"].to_pylist(), object)[known]
    shares = []
    for c in np.unique(code):
        mine = code == c
        first = when[mine].min()
        near = when[mine] <= first + REACH_S * 1_000_000
        shares.append(len(set(account[mine][near])) / len(group.accounts))
    return float(np.mean(shares))


def _first_url(posts: pa.Table) -> pa.ChunkedArray:
    some = pc.fill_null(pc.list_value_length(posts["urls"]), 0)
    return pc.if_else(
        pc.greater(some, 0),
        pa.chunked_array([[u[0] if u else None for u in posts["urls"].to_pylist()]], pa.string()),
        pa.scalar(None, pa.string()),
    )


def _cover(group: TrueGroup) -> float:
    """The share of its members' posts that are cover: what the plan asks for, else none."""
    return float(group.parameters.get("camouflage") or 0.0)
