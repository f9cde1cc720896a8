"""Which community of interest each object belongs to, found on other days than its own.

The account–object graph of the objects of one parity of days is cut by modularity Leiden; that
labels accounts, and an object of the other parity takes its actors' plurality label. No act can
therefore help to define the pool it is tested in. The room knows no null model and no language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from graspologic_native import leiden_csr

from klieg import memory
from klieg.detect.columns import appearance, numbered, plurality
from klieg.engine import shards
from klieg.engine.spill import unmapped
from klieg.tables import REACTIONS, SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.config import Config
    from klieg.tables import I32, Actions, Bool

__all__ = ["INTEREST", "communities", "week_start"]

INTEREST = ("repost", "link", "object", *REACTIONS)
"""Layers whose objects people choose by interest: they make the graph and get its labels."""

LARGE = 1_000_000
"""Acts of one parity up to which every shared object is a node of the graph: Leiden's time grows
faster than its edges, and what a community likes shows in a sample of it."""

BYTES = 60
"""What both graphs take together while they are made, an action."""

DAY = 86_400 * SECOND
WEEK = 7 * DAY
_MONDAY = 4 * DAY  # 1970-01-05


def communities(
    layers: Mapping[str, Actions], origin: int, config: Config
) -> dict[str, tuple[I32, int]]:
    """Per interest layer: ((n_objects,) community or −1, communities in all).

    ``origin`` is the start of the week of the first post (µs). Communities of the first parity are
    numbered before those of the second, each by size, largest first.
    """
    chosen = {name: layers[name] for name in INTEREST if name in layers}
    fold = {name: _parity(actions, origin) for name, actions in chosen.items()}
    label = {name: np.full(a.n_objects, -1, np.int32) for name, a in chosen.items()}
    count = 0

    def half(first: int, _: int) -> tuple[I32, int]:
        return _account_communities(chosen, fold, first, config)

    budget = memory.size_of(config.memory)
    tight = budget is not None and BYTES * sum(a.n for a in chosen.values()) > budget / 2
    halves = shards.run(half, [(0, 1), (1, 2)], 1 if tight else config.threads)
    for parity, (accounts, found) in enumerate(halves):
        for name, actions in chosen.items():
            here = (fold[name] == 1 - parity)[actions.object]
            vote = np.where(here, accounts[actions.account], -1)
            taken = plurality(actions.object, vote, actions.n_objects)
            label[name][taken >= 0] = taken[taken >= 0] + count
        count += found
    return {name: (label[name], count) for name in chosen}


def week_start(time: int) -> int:
    """Microseconds of the Monday 00:00 UTC at or before ``time``."""
    return (time - _MONDAY) // WEEK * WEEK + _MONDAY


def _parity(actions: Actions, origin: int) -> I32:
    """(n_objects,) parity of the day on which each object first appears."""
    first = np.full(actions.n_objects, np.iinfo(np.int64).max)
    np.minimum.at(first, actions.object, actions.time)
    return ((first - origin) // DAY % 2).astype(np.int32)


def _account_communities(
    layers: Mapping[str, Actions], fold: Mapping[str, I32], parity: int, config: Config
) -> tuple[I32, int]:
    """((n_accounts,) community or −1, how many) from the objects of one parity."""
    n_accounts = max((a.n_accounts for a in layers.values()), default=0)
    account, item, base = [], [], 0
    for name, actions in layers.items():
        rows = fold[name][actions.object] == parity
        rows &= _shared(actions)[actions.object]
        account.append(actions.account[rows])
        item.append(actions.object[rows] + np.int32(base))
        base += actions.n_objects
        for values in (actions.account, actions.object):
            unmapped(values)
    if not account or not sum(map(len, account)):
        return np.full(n_accounts, -1, np.int32), 0
    who, what = np.concatenate(account), np.concatenate(item)
    del account, item, rows
    every = -(-len(who) // LARGE)
    if every == 1:
        member = _leiden(who, what, n_accounts, config.seed)
    else:
        member = _sampled(who, what, base, n_accounts, config.seed, every)
    return _large(member, np.bincount(who, minlength=n_accounts), config)


def _sampled(who: I32, what: I32, n_objects: int, n_accounts: int, seed: int, every: int) -> I32:
    """The same from each ``every``-th object by first appearance; the rest follow their company.

    An object that is not in the sample takes its labelled actors' plurality, an account that acted
    on no sampled object that of its objects: all of them of this parity, so nothing is told that
    the other parity is tested by.
    """
    first, number = numbered(what, n_objects)
    rows = np.flatnonzero(number % every == 0)
    member = _leiden(who[rows], number[rows], n_accounts, seed)
    taste = plurality(number, member[who], len(first))
    followed = plurality(who, taste[number], n_accounts)
    return np.where(member >= 0, member, followed).astype(np.int32)


def _shared(actions: Actions) -> Bool:
    """(n_objects,) whether at least two acts fell on it: a leaf says nothing about communities."""
    shared: Bool = np.bincount(actions.object, minlength=actions.n_objects) >= 2
    return shared


def _leiden(who: I32, what: np.ndarray, n_accounts: int, seed: int) -> I32:
    """(n_accounts,) modularity community of each account that acted, −1 for the rest."""
    # nodes in order of first appearance, so that Leiden sees the same graph whatever the names
    seen, left = appearance(who.astype(np.int64))
    items, right = appearance(what)
    actors = who[seen]
    n = len(actors) + len(items)
    key, weight = np.unique(left * n + right + len(actors), return_counts=True)
    source = np.concatenate((key // n, key % n))
    sink = np.concatenate((key % n, key // n))
    # keys ascend, so the accounts' half is in order, and stands before the objects' half
    order = np.r_[: len(key), len(key) + np.argsort(key % n, kind="stable")]
    starts = np.searchsorted(source[order], np.arange(n + 1))
    _, found = leiden_csr(
        starts.astype(np.int64),
        sink[order].astype(np.int32),
        np.concatenate((weight, weight))[order].astype(np.float64),
        n,
        iterations=3,
        randomness=1e-8,
        seed=seed,
    )
    member = np.full(n_accounts, -1, np.int32)
    member[actors] = [found[i] for i in range(len(actors))]
    return member


def _large(member: I32, activity: np.ndarray, config: Config) -> tuple[I32, int]:
    """Keep communities of enough accounts and actions, numbered by actions, largest first."""
    if not (member >= 0).any():
        return member, 0
    inside = member >= 0
    accounts = np.bincount(member[inside])
    actions = np.bincount(member[inside], weights=activity[inside]).astype(np.int64)
    kept = np.flatnonzero(
        (accounts >= config.stratum_accounts) & (actions >= config.stratum_actions)
    )
    # ties: the community whose first account appeared first
    first = np.full(len(accounts), len(member))
    np.minimum.at(first, member[inside], np.flatnonzero(inside))
    kept = kept[np.lexsort((first[kept], -actions[kept]))]
    number = np.full(len(accounts), -1, np.int32)
    number[kept] = np.arange(len(kept))
    return np.where(inside, number[member], -1).astype(np.int32), len(kept)
