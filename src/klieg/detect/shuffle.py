"""Give every slot of a pool to another account of that pool, and never one account a slot twice.

Objects, times, posts and targets stay where they are; only account labels move, inside a stratum.
A random permutation is drawn first; the few slots on which an account would meet its own double are
then swapped with random slots of the same pool until none is left. Nothing is dropped: dropping the
doubles would lose 5–7 % of the actions. The room does not know what is counted afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.engine.compiled import compiled
from klieg.tables import SECOND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I32, I64, Actions, Bool, Strata

    U64 = NDArray[np.uint64]

__all__ = ["shuffle"]

DAY = 86_400 * SECOND
_TRIES = 200  # random partners tried for a slot before its whole pool is mixed by swaps instead
_SWEEPS = 10  # swaps proposed per slot where a pool is mixed


def shuffle(actions: Actions, strata: Strata, seed: int) -> Actions:
    """``actions`` with account labels permuted inside each stratum, free of doubles.

    An account gets no object twice where no account had one twice before; otherwise not twice
    within 24 hours, the rule by which actions were kept. Doubles present in the input may stay.
    The same bytes for the same actions, strata and seed.
    """
    if actions.n < 2:
        return actions
    pool = strata.object_stratum[actions.object]
    order = np.argsort(pool, kind="stable")  # rows of one pool side by side, in time order
    bounds = np.searchsorted(pool[order], np.arange(strata.size + 1)).astype(np.int64)
    who, what = actions.account[order], actions.object[order]
    time = actions.time[order] - actions.time.min()
    key = who.astype(np.int64) * max(actions.n_objects, 1) + what
    day = DAY if len(np.unique(key)) < actions.n else int(time.max()) + 1
    dealt = np.empty_like(who)
    for c in range(strata.size):
        here = slice(bounds[c], bounds[c + 1])
        draw = np.array([(seed * strata.size + c) % 2**64], np.uint64)
        dealt[here] = _deal(who[here], what[here], time[here], day, draw)
    account = np.empty_like(who)
    account[order] = dealt
    return replace(actions, account=account)


@compiled
def _deal(who: I32, what: I32, time: I64, day: int, state: U64) -> I32:
    """(n,) a new account for every slot of one pool, rows in time order."""
    new = who.copy()
    for i in range(len(new) - 1, 0, -1):
        j = _random(state, i + 1)
        new[i], new[j] = new[j], new[i]
    size = np.int64(8)
    while size < 4 * len(new):
        size *= 2
    name = np.empty(size, np.int64)
    date = np.empty(size, np.int64)
    row = np.empty(size, np.int32)
    homeless = np.zeros(len(new), np.bool_)
    used = _enter_all(new, what, time, day, name, date, row, homeless)
    for i in range(len(new)):
        if not homeless[i]:
            continue
        for _ in range(_TRIES):
            j = _random(state, len(new))
            if not homeless[j] and _swap(i, j, new, what, time, day, name, date, row, homeless):
                used += 2
                break
        if homeless[i]:
            return _mixed(who, what, time, day, state, name, date, row)
        if 4 * used > 3 * size:
            used = _enter_all(new, what, time, day, name, date, row, homeless)
    return new


@compiled
def _mixed(
    who: I32, what: I32, time: I64, day: int, state: U64, name: I64, date: I64, row: I32
) -> I32:
    """The slow way for crowded pools: many random swaps of the input, each leaving no double."""
    new = who.copy()
    stuck = np.zeros(len(new), np.bool_)
    used = _enter_all(new, what, time, day, name, date, row, stuck)
    for _ in range(_SWEEPS * len(new)):
        i, j = _random(state, len(new)), _random(state, len(new))
        if stuck[i] or stuck[j]:
            continue
        if _swap(i, j, new, what, time, day, name, date, row, stuck):
            used += 2
        if 4 * used > 3 * len(name):
            used = _enter_all(new, what, time, day, name, date, row, stuck)
    return new


@compiled
def _swap(
    i: int,
    j: int,
    new: I32,
    what: I32,
    time: I64,
    day: int,
    name: I64,
    date: I64,
    row: I32,
    homeless: Bool,
) -> bool:
    """Let slots i and j change accounts if neither then holds a double; j is at home."""
    a, b = new[i], new[j]
    if a == b or what[i] == what[j]:
        return False
    at_i, at_j = time[i] // day, time[j] // day
    if not homeless[i]:
        row[_cell(name, date, a, what[i], at_i)] = -1
    row[_cell(name, date, b, what[j], at_j)] = -1
    fits = _free(name, date, row, time, day, b, what[i], time[i]) and _free(
        name, date, row, time, day, a, what[j], time[j]
    )
    if fits:
        new[i], new[j] = b, a
        homeless[i] = False
    if not homeless[i]:
        _enter(name, date, row, new[i], what[i], at_i, i)
    _enter(name, date, row, new[j], what[j], at_j, j)
    return fits


@compiled
def _enter_all(
    new: I32, what: I32, time: I64, day: int, name: I64, date: I64, row: I32, homeless: Bool
) -> int:
    """Rebuild the table of who is where; slots that double another become homeless."""
    name[:] = -1
    row[:] = -1
    for i in range(len(new)):
        homeless[i] = not _free(name, date, row, time, day, new[i], what[i], time[i])
        if not homeless[i]:
            _enter(name, date, row, new[i], what[i], time[i] // day, i)
    return len(new)


@compiled
def _free(
    name: I64, date: I64, row: I32, time: I64, day: int, account: int, item: int, t: int
) -> bool:
    """Whether the account has no act on the item within a day of ``t``."""
    at = t // day
    if row[_cell(name, date, account, item, at)] >= 0:
        return False
    if at > 0:
        before = row[_cell(name, date, account, item, at - 1)]
        if before >= 0 and t - time[before] < day:
            return False
    if (at + 1) * day <= time[len(time) - 1]:  # rows stand in time order
        after = row[_cell(name, date, account, item, at + 1)]
        return not (after >= 0 and time[after] - t < day)
    return True


@compiled
def _enter(name: I64, date: I64, row: I32, account: int, item: int, at: int, i: int) -> None:
    cell = _cell(name, date, account, item, at)
    name[cell] = (np.int64(account) << np.int64(32)) | np.int64(item)
    date[cell] = at
    row[cell] = i


@compiled
def _cell(name: I64, date: I64, account: int, item: int, at: int) -> int:
    """Where (account, item, day) stands in the open hash, or the free cell it would take."""
    wanted = (np.int64(account) << np.int64(32)) | np.int64(item)
    h = np.uint64(wanted) * np.uint64(0x9E3779B97F4A7C15)
    h ^= np.uint64(at) * np.uint64(0xC2B2AE3D27D4EB4F)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mask = np.int64(len(name) - 1)
    cell = np.int64(h >> np.uint64(20)) & mask
    while name[cell] >= 0 and (name[cell] != wanted or date[cell] != at):
        cell = (cell + 1) & mask
    return int(cell)


@compiled
def _random(state: U64, below: int) -> int:
    """A number in [0, below) from splitmix64: the same on every platform."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    return int(np.int64((z * np.uint64(below)) >> np.uint64(32)))
