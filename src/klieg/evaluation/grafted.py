"""Campaigns planted into real posts: real accounts are given joint acts on real objects.

Objects, texts, clocks and the members' other posts are those of the data; the joint acts alone are
made. Delays come from the simulator's campaigns, so kinds and sizes mean the same in both. The room
knows no detector beyond the actions that a signal reads.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from klieg.errors import InputError
from klieg.sources.simulate import TrueGroup, Truth
from klieg.sources.simulate.aims import delays
from klieg.tables import SECOND, TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.sources.simulate import Campaign
    from klieg.tables import F64, I64, Actions, Bool, Posts

__all__ = ["graft"]

OUTSIDERS = (2, 60)
"""Accounts that real objects to act on have: company, and no crowd that would hide anybody."""
LIVELY = 3
"""Posts that a member has at least, if enough accounts have them."""
WAIT_S = 3600.0
"""Mean seconds from an object's first act to the order."""


def graft(
    posts: Posts,
    layers: Mapping[str, Actions],
    campaigns: Sequence[tuple[str, Campaign]],
    *,
    seed: int,
) -> tuple[pa.Table, Truth]:
    """The posts with the joint acts among them, and who took part.

    ``campaigns`` are (signal, campaign): the signal whose objects are acted on, and the campaign's
    size, acts, delays and participation; nothing else of it is read. Members of different campaigns
    differ. Raises InputError where the data have too few accounts or objects.
    """
    taken = np.zeros(posts.n_accounts, np.bool_)
    tables, groups = [posts.table], []
    for turn, (signal, campaign) in enumerate(campaigns):
        rng = np.random.default_rng([seed, turn])
        members = _members(rng, posts, campaign.size, taken)
        taken[members] = True
        row, first = _objects(rng, posts, layers[signal], campaign.objects)
        who, thing = _who_does_what(rng, campaign)
        when = first + (rng.exponential(WAIT_S, len(first)) * SECOND).astype(np.int64)
        time = when[thing] + delays(rng, campaign, len(thing)) * 1000
        tick = max(posts.resolution, 0) * SECOND
        time = np.minimum(time, int(posts.time[-1]))
        time = time // tick * tick if tick else time
        label = f"campaign:{signal}-{turn + 1}"
        turns = np.argsort(time, kind="stable")
        told = row[thing][turns], members[who][turns], time[turns]
        made = _acts(posts, *told, f"graft-{turn + 1}")
        tables.append(made)
        groups.append(
            TrueGroup(
                label,
                signal,
                tuple(sorted(posts.account_ids.take(pa.array(members)).to_pylist())),
                tuple(made["post_id"].to_pylist()),
                {k: v for k, v in asdict(campaign).items() if k in ("size", "acts", "jitter_s")},
            )
        )
    return pa.concat_tables(tables), Truth.of(tuple(groups))


def _members(rng: np.random.Generator, posts: Posts, size: int, taken: Bool) -> I64:
    volume = np.bincount(posts.account, minlength=posts.n_accounts)
    free = np.flatnonzero((volume >= LIVELY) & ~taken)
    if len(free) < size:
        free = np.flatnonzero((volume > 0) & ~taken)
    if len(free) < size:
        raise InputError(f"{len(free)} accounts are left to plant a campaign of {size} among")
    return np.sort(rng.choice(free, size, replace=False))


def _objects(rng: np.random.Generator, posts: Posts, actions: Actions, n: int) -> tuple[I64, I64]:
    """(n,) a row of the posts on each chosen object, and when that post was made.

    Objects with company first, of as many authors or domains as there are.
    """
    order = np.lexsort((actions.time, actions.object))
    begin = order[np.r_[True, np.diff(actions.object[order]) != 0][: len(order)]]
    begin = begin[actions.post[begin] < posts.n]
    accounts = np.zeros(actions.n_objects, np.int64)
    pair = np.unique(actions.object.astype(np.int64) * actions.n_accounts + actions.account)
    np.add.at(accounts, pair // max(actions.n_accounts, 1), 1)
    company = accounts[actions.object[begin]]
    if len(begin) < n:
        raise InputError(f"{len(begin)} objects of {actions.signal} are too few for {n}")
    fits = (company >= OUTSIDERS[0]) & (company <= OUTSIDERS[1])
    draw = rng.random(len(begin))
    again = _repeats(actions.target[begin], draw)
    chosen = begin[np.lexsort((draw, again, ~fits))[:n]]
    return actions.post[chosen].astype(np.int64), actions.time[chosen]


def _repeats(target: I64, draw: F64) -> I64:
    """(n,) how many of the same target come before in the order of the draw; 0 without a target."""
    order = np.lexsort((draw, target))
    start = np.r_[True, np.diff(target[order]) != 0][: len(order)]
    since = np.arange(len(order)) - np.maximum.accumulate(np.where(start, np.arange(len(order)), 0))
    out = np.zeros(len(target), np.int64)
    out[order] = since
    out[target < 0] = 0
    return out


def _who_does_what(rng: np.random.Generator, campaign: Campaign) -> tuple[I64, I64]:
    order = np.argsort(rng.random((campaign.size, campaign.objects)), axis=1, kind="stable")
    return np.repeat(np.arange(campaign.size), campaign.acts), order[:, : campaign.acts].ravel()


def _acts(posts: Posts, row: I64, member: I64, time: I64, name: str) -> pa.Table:
    """The posts at ``row`` once more, by others and at other times."""
    made = posts.table.take(pa.array(row))
    account = posts.account_ids.take(pa.array(member))
    changed = {
        "post_id": pa.array([f"{name}-{i}" for i in range(len(row))], pa.string()),
        "account_id": account.cast(pa.string()),
        "platform": posts.account_platforms.take(pa.array(member)).cast(pa.string()),
        "time": pa.array(time, pa.int64()).cast(TIME),
    }
    unknown = ("account", "metrics", "source_row")
    columns = [
        changed.get(f.name, pa.nulls(len(row), f.type) if f.name in unknown else made[f.name])
        for f in posts.table.schema
    ]
    return pa.table(columns, schema=posts.table.schema)
