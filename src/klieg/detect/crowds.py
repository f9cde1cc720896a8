"""Who was in how many of the same bursts of hundreds: crowds as one candidate each, not as pairs.

A burst of k accounts makes k²/2 pairs, a billion at 45,000, and the occupancy cap proposes none of
them. Here bursts are compared instead: every pair of accounts that shares two bursts lies in what
two bursts have in common, so the overlaps of bursts, which are few, cover all those pairs. Overlaps
far above what the accounts' activity explains grow into crowds. A crowd enters the group search
whole, where the burst test judges it like any other; among pairs some members stand for it: those
in most of its bursts that do least besides.

A crowd stands for the pairs of its members that are not scored: ``second_look`` counts how many of
them could have been validated at all, and makes every such pair outside of crowds. A crowd that is
much of the traffic also explains itself: its own pairs are most of what chance then expects.
``strongest`` therefore asks what its stand-ins show where it is left out of chance. The room makes
no pair of accounts beyond those few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import null
from klieg.detect.columns import distinct
from klieg.detect.error_control import pair_tests
from klieg.engine.windows import group_rows
from klieg.tables import SECOND, Crowd

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Actions, Bool, Strata

__all__ = ["Found", "find", "pairs", "strongest", "together", "unscored"]

WIDEST = 600
"""Seconds of the widest window looked at: hundreds within an hour are what virality is."""

SHARED = 50
"""Accounts that two bursts must have in common before they are compared with chance."""

EXCESS = 3.0
"""How many times more than chance puts there two bursts, or a crowd and a burst, must share."""

STANDINS = 64
"""Members of a crowd whose pairs are scored one by one: 2,016 pairs."""

MOST = 8
"""Crowds a window."""

WORK = 20_000_000
"""Comparisons a window: beyond, only larger bursts are looked at."""

ROUNDS = 4

SAME = 0.5
"""Part of a crowd inside a stronger one from which it is that one."""


@dataclass(frozen=True, slots=True)
class Found:
    """A crowd, and the members whose pairs are scored one by one."""

    crowd: Crowd
    standins: I32  # ascending


@dataclass(frozen=True, slots=True)
class _Bursts:
    """Bursts of one window over the occupancy cap, at both offsets, and who was in them."""

    burst: I64  # (r,) ascending; an account once a burst
    account: I32  # (r,)
    object: I32  # (B,)
    starts: I64  # (B + 1,) burst u holds account[starts[u]:starts[u + 1]], ascending


def find(
    name: str, actions: Actions, dropped: I64, able: Bool, config: Config, engine: Engine
) -> tuple[Found, ...]:
    """The crowds of one layer, strongest first; ``dropped`` as ``count_pairs`` says.

    Accounts that may not have edges (``able``) are in no crowd.
    """
    grown: list[tuple[float, Found]] = []
    acts = np.bincount(actions.account, minlength=actions.n_accounts)
    # fewer than that cannot be in one burst over the cap
    narrow = [
        w
        for w, seconds in enumerate(config.windows_s)
        if seconds <= WIDEST and np.count_nonzero(dropped[:, w]) > config.occupancy
    ]
    rows, company = _massed(actions, able, dropped, narrow, config, engine)
    for k, w in enumerate(narrow):
        seconds = config.windows_s[w]
        touched = (able & (dropped[:, w] >= 2))[actions.account[rows]]
        # all that share a burst of more than the cap have at least so much company
        mine = rows[touched & (company[:, k] >= config.occupancy)]
        bursts = _bursts(actions, mine, seconds * SECOND, config, engine)
        if bursts is None:
            continue
        # activity elsewhere: a crowd that is much of the traffic must not explain itself
        massed = distinct(bursts.account.astype(np.int64) << 32 | bursts.object[bursts.burst])
        rest = acts - np.bincount(massed >> 32, minlength=len(acts))
        for value, members, objects, standins in _grown(bursts, rest, engine):
            size = len(members)
            crowd = Crowd(name, seconds, members, objects, size * (size - 1) // 2)
            grown.append((value, Found(crowd, standins)))
    found: list[Found] = []
    for _, each in sorted(grown, key=lambda g: -g[0]):
        # a shorter window shows slices of a crowd, each a little
        if not any(_mostly(each.crowd.members, f.crowd.members) for f in found):
            found.append(each)
    return tuple(found)


def pairs(found: tuple[Found, ...]) -> tuple[I32, I32]:
    """(left, right) the pairs of each crowd's stand-ins, left < right."""
    left, right = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for each in found:
        a, b = np.triu_indices(len(each.standins), 1)
        left.append(each.standins[a])
        right.append(each.standins[b])
    return np.concatenate(left), np.concatenate(right)


def unscored(found: Found) -> int:
    """Pairs that the crowd stands for: all of its members but those scored one by one."""
    k = len(found.standins)
    return found.crowd.pairs - k * (k - 1) // 2


def together(found: tuple[Found, ...], massed: tuple[Crowd, ...]) -> tuple[Found, ...]:
    """The crowds, and whoever else was on objects too crowded to walk.

    Massed accounts of whom half are in one crowd are added to it; others are one of their own.
    """
    out = list(found)
    for crowd in massed:
        for i, each in enumerate(out):
            if _mostly(crowd.members, each.crowd.members):
                members = np.union1d(each.crowd.members, crowd.members)
                size = len(members)
                wider = replace(each.crowd, members=members, pairs=size * (size - 1) // 2)
                out[i] = replace(each, crowd=wider)
                break
        else:
            out.append(Found(crowd, np.zeros(0, np.int32)))
    return tuple(out)


def strongest(
    found: Found, actions: Actions, strata: Strata, config: Config, engine: Engine
) -> float:
    """The smallest p of the stand-ins' pairs where the crowd is left out of what chance expects.

    Counted without a cap, and without what habits would add to chance: an upper bound of what
    these pairs can show.
    """
    left, right = pairs((found,))
    if not len(left):
        return 1.0
    margins = null.leave_out(actions, strata, found.crowd.members, config, engine)
    x = engine.rescore_pairs(
        actions.account,
        actions.object,
        actions.time,
        actions.target,
        actions.n_accounts,
        null.ladder(config),
        left,
        right,
        config.threads,
    ).capped
    lam = null.expected_capped(margins, left, right, threads=config.threads)
    tests = pair_tests(x, lam, engine, least=config.weak_count, level=config.false_alarms)
    return float(tests.p.min())


def _massed(
    actions: Actions, able: Bool, dropped: I64, narrow: list[int], config: Config, engine: Engine
) -> tuple[I64, I32]:
    """(rows that may lie in a burst over the cap, their company (rows, windows ``narrow``))."""
    if not narrow:
        return np.zeros(0, np.int64), np.zeros((0, 0), np.int32)
    touched = able & (dropped[:, narrow] >= 2).any(axis=1)
    rows = np.flatnonzero(touched[actions.account])
    windows = np.array([config.windows_s[w] for w in narrow], np.int64) * SECOND
    company = engine.occupancy(actions.object[rows], actions.time[rows], windows)
    massed = np.flatnonzero((company >= config.occupancy).any(axis=1))
    return rows[massed], company[massed]


def _bursts(
    actions: Actions, rows: I64, window: int, config: Config, engine: Engine
) -> _Bursts | None:
    """Bursts of more accounts than the cap; None where no two have an account in common."""
    account, object_, time = actions.account[rows], actions.object[rows], actions.time[rows]
    parts: list[tuple[I64, I32]] = []
    homes: list[I32] = []
    done = 0
    for phase in (0, window // 2):
        tile, count = engine.tiles(object_, time, window, phase)
        # an account once a burst: in (burst, account) order by two counting sorts
        by_account = group_rows(account, np.arange(len(account)), actions.n_accounts)[1]
        order = group_rows(tile, by_account, count)[1]
        tiles, who = tile[order], account[order]
        fresh = np.r_[True, (np.diff(tiles) != 0) | (np.diff(who) != 0)] if len(who) else order > 0
        tiles, who, what = tiles[fresh], who[fresh], object_[order[fresh]]
        size = np.bincount(tiles, minlength=count)
        crowded = size > config.occupancy
        number = np.cumsum(crowded) - 1
        kept = crowded[tiles]
        home = np.zeros(int(crowded.sum()), np.int32)
        home[number[tiles[kept]]] = what[kept]
        parts.append((number[tiles[kept]] + done, who[kept]))
        homes.append(home)
        done += len(home)
    return _comparable(
        np.concatenate([b for b, _ in parts]).astype(np.int64),
        np.concatenate([a for _, a in parts]),
        np.concatenate(homes),
        actions.n_accounts,
    )


def _comparable(burst: I64, account: I32, home: I32, n_accounts: int) -> _Bursts | None:
    """Accounts in bursts of two objects or more; the larger bursts where they are too many."""
    least = 0
    while True:
        size = np.bincount(burst, minlength=len(home))
        keep = size[burst] > least
        depth = np.bincount(account[keep], minlength=n_accounts)
        # both offsets put an account twice on an object
        objects = distinct(account[keep].astype(np.int64) << 32 | home[burst[keep]])
        several = np.bincount(objects >> 32, minlength=n_accounts) >= 2
        keep &= several[account]
        if not keep.any():
            return None
        if int((depth[several].astype(np.int64) ** 2).sum()) <= WORK:
            break
        least = max(2 * least, int(size[size > least].min()))
    used, number = np.unique(burst[keep], return_inverse=True)
    starts = np.searchsorted(number, np.arange(len(used) + 1)).astype(np.int64)
    return _Bursts(number.astype(np.int64), account[keep], home[used], starts)


def _grown(bursts: _Bursts, acts: I64, engine: Engine) -> list[tuple[float, I32, int, I32]]:
    """(strength, members, objects, stand-ins) from what two bursts share beyond chance."""
    size, n = np.diff(bursts.starts), max(int(acts.sum()), 1)
    share = np.bincount(bursts.burst, acts[bursts.account], minlength=len(size)) / n
    left, right, both = _overlaps(bursts, engine)
    chance = np.maximum(size[left] * share[right], size[right] * share[left])
    excess = both / np.maximum(chance, 1e-9)
    enough = both >= _asked(chance, np.minimum(size[left], size[right]))
    told = np.flatnonzero(enough & (bursts.object[left] != bursts.object[right]))
    value = both[told] * np.log(excess[told])
    found: list[tuple[float, I32, int, I32]] = []
    spent: set[int] = set()
    for k in told[np.argsort(-value, kind="stable")]:
        i, j = int(left[k]), int(right[k])
        if len(found) == MOST:
            break
        if i in spent and j in spent:
            continue
        members, home, depth = _settled(bursts, _common(bursts, i, j), acts, n)
        spent.update((i, j, *home.tolist()))
        if len(members) >= 3 and len(home) >= 2:
            ranked = members[np.lexsort((acts[members], -depth[members]))]
            strength = float(depth[members].sum()) * float(np.log(excess[k]))
            found.append((strength, members, len(home), np.sort(ranked[:STANDINS])))
    return found


def _asked(chance: F64, most: I64) -> F64:
    """How many must be shared: EXCESS times chance, or half of the way from chance to all of them.

    Of a crowd that is most of the traffic chance expects so much that no excess can be large.
    """
    asked: F64 = np.minimum(EXCESS * chance, (chance + most) / 2)
    return asked


def _common(bursts: _Bursts, i: int, j: int) -> I32:
    one, two = (bursts.account[bursts.starts[u] : bursts.starts[u + 1]] for u in (i, j))
    return np.intersect1d(one, two, assume_unique=True)


def _overlaps(bursts: _Bursts, engine: Engine) -> tuple[I64, I64, I64]:
    """(left, right, accounts in common) of every two bursts that share SHARED or more.

    The pair engine with the roles changed: bursts meet on accounts.
    """
    found = engine.count_pairs(
        bursts.burst.astype(np.int32),
        bursts.account,
        np.zeros(len(bursts.burst), np.int64),
        np.full(len(bursts.burst), -1, np.int32),
        len(bursts.object),
        np.array([SECOND], np.int64),
        SHARED,
        None,
        1,
    ).edges
    return (
        found.left.astype(np.int64),
        found.right.astype(np.int64),
        found.n[:, 0].astype(np.int64),
    )


def _settled(bursts: _Bursts, seed: I32, acts: I64, n: int) -> tuple[I32, I64, I64]:
    """A crowd, its bursts, and in how many of them each account was.

    In turn: the bursts that hold half of it, one an object, then whoever is in half of those.
    """
    members, home, depth = seed, np.zeros(0, np.int64), np.zeros(len(acts), np.int64)
    size = np.diff(bursts.starts)
    inside = np.zeros(len(acts), np.bool_)
    for _ in range(ROUNDS):
        inside[:] = False
        inside[members] = True
        k = np.bincount(bursts.burst[inside[bursts.account]], minlength=len(bursts.object))
        chance = size * (float(acts[members].sum()) / n)
        most = np.minimum(size, len(members))
        home = np.flatnonzero((2 * k >= len(members)) & (k >= _asked(chance, most)))
        # of an object's bursts (both offsets, tiles side by side) the one that holds most
        home = home[np.lexsort((-k[home], bursts.object[home]))]
        home = home[np.r_[True, np.diff(bursts.object[home]) != 0]] if len(home) else home
        if len(home) < 2:
            break
        chosen = np.zeros(len(bursts.object), np.bool_)
        chosen[home] = True
        depth = np.bincount(bursts.account[chosen[bursts.burst]], minlength=len(acts))
        again = np.flatnonzero(depth >= max(2, -(-len(home) // 2))).astype(np.int32)
        if np.array_equal(again, members):
            break
        members = again
    return members, home, depth


def _mostly(a: I32, b: I32) -> bool:
    return len(np.intersect1d(a, b, assume_unique=True)) >= SAME * len(a)
