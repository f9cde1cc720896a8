"""Give every slot of a pool to another account of that pool, and never one account a slot twice.

S moves labels inside a stratum, H inside a stratum and clock hour: objects, times, posts and
targets stay where they are. A random permutation is drawn first; the few slots on which an account
would meet its own double are then swapped with random slots of the same pool until none is left.
Nothing is dropped: dropping the doubles would lose 5–7 % of the actions. T keeps who acted on what
and at which hour, and moves each account's acts by whole days. The room does not know what is
counted afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect.interest import week_start
from klieg.engine.compiled import compiled
from klieg.engine.windows import group_rows
from klieg.tables import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I32, I64, Actions, Strata

    U64 = NDArray[np.uint64]

__all__ = ["KINDS", "shift", "shuffle", "shuffle_by_hour"]

KINDS = ("S", "H", "T")
"""Labels inside the stratum; inside stratum and clock hour; each account's times moved."""

HOUR = 3600 * SECOND
DAY = 24 * HOUR
CELLS = 48
"""Hours of a weekday, and of a day of the weekend."""
_TRIES = 5000  # random partners tried for a slot before its whole pool is mixed by swaps instead
_SWEEPS = 20  # swaps proposed per slot where a pool is mixed
_CROWDED = 64  # rows of an object from which a table says who is on it
_ROUNDS = 100  # doubles are looked for and moved until there are none; two or three rounds do


def shuffle(actions: Actions, strata: Strata, seed: int) -> Actions:
    """``actions`` with account labels permuted inside each stratum, free of doubles.

    An account gets no object twice where no account had one twice before; otherwise not twice
    within 24 hours, the rule by which actions were kept. Doubles present in the input may stay.
    The same bytes for the same actions, strata and seed.
    """
    return _dealt(actions, strata, None, seed)


def shuffle_by_hour(actions: Actions, strata: Strata, seed: int) -> Actions:
    """The same inside each stratum and clock hour (UTC, weekdays and weekends apart).

    Every account keeps how often it acts at which hour: who is awake together meets together. A
    group that owns its hour is its own pool and survives, so read it without those who stand.
    """
    if not actions.n:
        return actions
    hours = (actions.time - week_start(int(actions.time.min()))) // HOUR
    cell: I32 = (hours % 24 + 24 * (hours // 24 % 7 >= 5)).astype(np.int32)
    return _dealt(actions, strata, cell, seed)


def shift(actions: Actions, seed: int) -> Actions:
    """``actions`` with each account's acts moved by whole days, on each object by its own draw.

    Who acted on what stays, and at which hour; together in time is nobody but by chance. (One draw
    for all acts of an account would leave pairs whose draws are alike as they were: one pair in
    fifteen in a month, at 24 hours, on all they share at once.) Days lie on a ring one longer than
    the data, so acts of one account on one object that were a day apart stay so.
    """
    if not actions.n:
        return actions
    first = int(actions.time.min())
    days = (int(actions.time.max()) - first) // DAY + 2
    moved = _draw(actions.account, actions.object, seed) % np.uint64(days)
    time = first + (actions.time - first + moved.astype(np.int64) * DAY) % (days * DAY)
    order = np.argsort(time, kind="stable")
    return replace(
        actions,
        account=actions.account[order],
        object=actions.object[order],
        time=time[order],
        post=actions.post[order],
        target=actions.target[order],
    )


def _draw(account: I32, object_: I32, seed: int) -> U64:
    """(n,) a number of each account and object: splitmix64 of both and the seed."""
    state = np.full(1, seed % 2**64, np.uint64)
    keys = np.array([_random(state, 2**31 - 1), _random(state, 2**31 - 1)], np.uint64)
    keys *= np.uint64(0x9E3779B97F4A7C15)  # (as an array: a product of scalars warns of overflow)
    z: U64 = (account.astype(np.uint64) << np.uint64(32)) | object_.astype(np.uint64)
    for key in keys:
        z = z ^ key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return z


def _dealt(actions: Actions, strata: Strata, cell: I32 | None, seed: int) -> Actions:
    if actions.n < 2:
        return actions
    # pools side by side, in them their objects, in each object its actions in time order
    by_pool = np.argsort(strata.object_stratum, kind="stable")
    rank = np.empty(actions.n_objects, np.int32)
    rank[by_pool] = np.arange(actions.n_objects, dtype=np.int32)
    place = rank[actions.object]
    starts, order = group_rows(place, np.arange(actions.n), actions.n_objects)
    bounds = starts[np.searchsorted(strata.object_stratum[by_pool], np.arange(strata.size + 1))]
    who, what = actions.account[order], place[order]
    time = actions.time[order] - actions.time.min()
    last = np.empty(actions.n_accounts, np.int64)
    apart = int(time.max()) + 1
    if _doubles(
        who, what, time, apart, last, np.zeros(1, np.uint64), np.empty(actions.n, np.int64)
    ):
        apart = DAY
    kind = np.zeros(actions.n, np.int32) if cell is None else cell[order]
    dealt = np.empty_like(who)
    for c in range(strata.size):
        here = slice(bounds[c], bounds[c + 1])
        state = np.array([(seed * strata.size + c) % 2**64], np.uint64)
        edges, lane = group_rows(kind[here], np.arange(bounds[c + 1] - bounds[c]), CELLS)
        parts = kind[here], edges, lane
        dealt[here] = _deal(who[here], what[here], time[here], apart, last, state, *parts)
    account = np.empty_like(who)
    account[order] = dealt
    return replace(actions, account=account)


@compiled
def _deal(
    who: I32,
    what: I32,
    time: I64,
    apart: int,
    last: I64,
    state: U64,
    cell: I32,
    edges: I64,
    lane: I64,
) -> I32:
    """(n,) a new account for every slot of one pool, rows in (object, time) order.

    Labels stay inside a cell; cell c's rows are ``lane[edges[c]]`` … ``lane[edges[c + 1] - 1]``.
    """
    first, stop = _ranges(what)
    new = who.copy()
    for c in range(len(edges) - 1):
        for i in range(edges[c + 1] - 1, edges[c], -1):
            j = edges[c] + _random(state, i - edges[c] + 1)
            new[lane[i]], new[lane[j]] = new[lane[j]], new[lane[i]]
    doubled = np.empty(len(new), np.int64)
    crowd = _crowd(new, what, first, stop)
    for _ in range(_ROUNDS):
        count = _doubles(new, what, time, apart, last, state, doubled)
        if count == 0:
            return new
        for k in range(count):
            i = doubled[k]
            own = edges[cell[i]], edges[cell[i] + 1]
            for _ in range(_TRIES):
                j = lane[own[0] + _random(state, own[1] - own[0])]
                if _swap(i, j, new, what, time, first, stop, apart, crowd):
                    if not _moved(crowd, new, what, first, stop, i, j):
                        crowd = _crowd(new, what, first, stop)
                    break
            else:
                return _mixed(who, what, time, first, stop, apart, state, cell, edges, lane)
    return _mixed(who, what, time, first, stop, apart, state, cell, edges, lane)


@compiled
def _mixed(
    who: I32,
    what: I32,
    time: I64,
    first: I64,
    stop: I64,
    apart: int,
    state: U64,
    cell: I32,
    edges: I64,
    lane: I64,
) -> I32:
    """The slow way for crowded pools: many random swaps of the input, each making no double."""
    new = who.copy()
    crowd = _crowd(new, what, first, stop)
    for turn in range(2 * _SWEEPS * len(new)):
        i = _random(state, len(new))
        # every other swap stays on one object: who came early mixes on its own
        if turn % 2:
            j = first[i] + _random(state, stop[i] - first[i])
        else:
            j = lane[edges[cell[i]] + _random(state, edges[cell[i] + 1] - edges[cell[i]])]
        if cell[i] != cell[j]:
            continue
        moved = _swap(i, j, new, what, time, first, stop, apart, crowd)
        if moved and not _moved(crowd, new, what, first, stop, i, j):
            crowd = _crowd(new, what, first, stop)
    return new


@compiled
def _ranges(what: I32) -> tuple[I64, I64]:
    """Where the rows of each row's object begin and stop."""
    first = np.zeros(len(what), np.int64)
    stop = np.full(len(what), len(what))
    for i in range(1, len(what)):
        first[i] = first[i - 1] if what[i] == what[i - 1] else i
    for i in range(len(what) - 2, -1, -1):
        stop[i] = stop[i + 1] if what[i] == what[i + 1] else i + 1
    return first, stop


@compiled
def _doubles(
    who: I32, what: I32, time: I64, apart: int, last: I64, state: U64, doubled: I64
) -> int:
    """Rows that must move: one, drawn, of every two in a row by an account on an object."""
    last[:] = -1
    count = 0
    for i in range(len(who)):
        before = last[who[i]]
        if before >= 0 and what[before] == what[i] and time[i] - time[before] < apart:
            # were it always the later one, busy accounts would crowd at the start of viral objects
            doubled[count] = before if _random(state, 2) else i
            count += 1
        last[who[i]] = i
    return count


@compiled
def _swap(
    i: int,
    j: int,
    who: I32,
    what: I32,
    time: I64,
    first: I64,
    stop: I64,
    apart: int,
    crowd: I64,
) -> bool:
    """Let slots i and j change accounts, if neither then holds a double."""
    a, b = who[i], who[j]
    if a == b:
        return False
    for account, here, there in ((b, i, j), (a, j, i)):
        rows = stop[here] - first[here]
        if rows > _CROWDED:
            others = _acts(crowd, account, what[here]) - (what[here] == what[there])
            if others == 0:
                continue
            # twice is too often wherever the whole object fits into the time apart
            if time[stop[here] - 1] - time[first[here]] < apart:
                return False
        if _present(account, time[here], there, who, time, first[here], stop[here], apart):
            return False
    who[i], who[j] = b, a
    return True


@compiled
def _present(
    account: int, t: int, skip: int, who: I32, time: I64, first: int, stop: int, apart: int
) -> bool:
    """Whether the account acts on the object of these rows near ``t``, row ``skip`` aside."""
    found = 0
    for r in range(first, stop):  # no early end: the loop runs in vectors
        found += (who[r] == account) & (abs(time[r] - t) < apart) & (r != skip)
    return found > 0


@compiled
def _crowd(who: I32, what: I32, first: I64, stop: I64) -> I64:
    """(slots, 2) of a hash table: acts by key of object and account, on crowded objects alone.

    To look through a hundred thousand rows for each double would take the square of the actions.
    The last row holds the keys in use and the most there may be.
    """
    rows = 0
    for i in range(len(who)):
        rows += stop[i] - first[i] > _CROWDED
    bits = 4
    while (1 << bits) < 3 * rows:
        bits += 1
    crowd = np.zeros(((1 << bits) + 1, 2), np.int64)
    crowd[:-1, 0] = -1
    crowd[-1, 1] = (1 << bits) - (1 << (bits - 2))
    for i in range(len(who)):
        if stop[i] - first[i] > _CROWDED:
            _count(crowd, who[i], what[i], 1)
    return crowd


@compiled
def _moved(crowd: I64, who: I32, what: I32, first: I64, stop: I64, i: int, j: int) -> bool:
    """Note that slots i and j have changed accounts; False if the table has become too full."""
    for here, there in ((i, j), (j, i)):
        if stop[here] - first[here] > _CROWDED:
            _count(crowd, who[there], what[here], -1)
            _count(crowd, who[here], what[here], 1)
    return bool(crowd[-1, 0] < crowd[-1, 1])


@compiled
def _count(crowd: I64, account: int, thing: int, times: int) -> None:
    slot = _slot(crowd, account, thing)
    if crowd[slot, 0] < 0:
        crowd[slot, 0] = (np.int64(thing) << 32) | np.int64(account)
        crowd[-1, 0] += 1
    crowd[slot, 1] += times


@compiled
def _acts(crowd: I64, account: int, thing: int) -> int:
    """Acts of the account on a crowded object."""
    return int(crowd[_slot(crowd, account, thing), 1])


@compiled
def _slot(crowd: I64, account: int, thing: int) -> int:
    """Where the key is, or would be. Knuth's multiplicative hash, linear probing."""
    key = (np.int64(thing) << 32) | np.int64(account)
    mask = len(crowd) - 2
    slot = (key * 0x9E3779B97F4A7C1) >> 20 & mask
    while crowd[slot, 0] >= 0 and crowd[slot, 0] != key:
        slot = (slot + 1) & mask
    return int(slot)


@compiled
def _random(state: U64, below: int) -> int:
    """A number in [0, below) from splitmix64: the same on every platform."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    return int(np.int64((z * np.uint64(below)) >> np.uint64(32)))
