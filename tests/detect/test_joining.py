"""Who joins a group: the busy member that its own evidence prunes, and nobody by chance."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from klieg.config import Config
from klieg.detect import bursts, joining
from klieg.sockets import make
from klieg.tables import Actions, Strata

CONFIG = Config()
ENGINE = make("engines", "cpu", CONFIG)
ACCOUNTS, OBJECTS, DAY = 600, 900, 86_400
CREW = np.arange(9, dtype=np.int32)
BUSY = 9


def world(seed: int, acts: int = 8, busy: int = 150) -> Actions:
    """Ordinary acts, a crew of nine within a minute of each other, and one far busier member."""
    rng = np.random.default_rng(seed)
    born = rng.random(OBJECTS) * 12 * DAY
    who = [rng.integers(BUSY, ACCOUNTS, 6000), np.full(busy, BUSY), np.repeat(CREW, 6)]
    what = [rng.integers(0, OBJECTS, len(w)) for w in who]
    when = [born[o] + rng.exponential(6 * 3600, len(o)) for o in what]
    for o in rng.choice(OBJECTS, acts, replace=False):
        crew = np.append(CREW, BUSY)
        who.append(crew)
        what.append(np.full(len(crew), o))
        when.append(born[o] + 3600 + rng.random(len(crew)) * 60)
    return actions(np.concatenate(who), np.concatenate(what), np.concatenate(when))


def actions(who: np.ndarray, what: np.ndarray, when: np.ndarray) -> Actions:
    order = np.lexsort((who, when))
    who, what, when = who[order], what[order], when[order]
    first = np.sort(np.unique(who * OBJECTS + what, return_index=True)[1])
    n = len(first)
    return Actions(
        "repost",
        who[first].astype(np.int32),
        what[first].astype(np.int32),
        (when[first] * 1e6).astype(np.int64),
        np.arange(n, dtype=np.int64),
        np.full(n, -1, np.int32),
        pa.array([str(i) for i in range(OBJECTS)]),
        pa.array([], pa.string()),
        ACCOUNTS,
    )


def tiled(acts: Actions) -> bursts.Tilings:
    pool = Strata(np.zeros(OBJECTS, np.int32), np.zeros(1, np.int32), ("x",), ("x",))
    return bursts.prepare(acts, pool, CONFIG, ENGINE)


def asked(tilings: bursts.Tilings, members: np.ndarray) -> tuple[list[int], np.ndarray]:
    who, gained = joining.joined(tilings, members, 600, 0.0, ACCOUNTS, CONFIG.false_alarms)
    return who.tolist(), gained


@pytest.mark.parametrize("seed", range(4))
def test_joining_names_the_busy_member_that_the_group_is_better_without(seed: int) -> None:
    tilings = tiled(world(seed))
    whole = np.append(CREW, BUSY).astype(np.int32)
    alone = bursts.net([tilings], CREW, ACCOUNTS)
    assert bursts.net([tilings], whole, ACCOUNTS) < alone  # pruning would take it out
    who, gained = asked(tilings, CREW)
    assert who == [BUSY]
    assert gained[0] >= -math.log(CONFIG.false_alarms)


def test_joining_leaves_out_who_was_there_now_and_then() -> None:
    acts = world(5)
    rng = np.random.default_rng(6)
    joint = np.flatnonzero(np.bincount(acts.object[acts.account < BUSY], minlength=OBJECTS) >= 8)
    guest, some = 300, rng.choice(joint, 3, replace=False)  # three of eight: company, no member
    at = [acts.time[(acts.object == o) & (acts.account == 0)][0] for o in some]
    more = actions(
        np.append(acts.account.astype(np.int64), np.full(3, guest)),
        np.append(acts.object.astype(np.int64), some),
        np.append(acts.time, at) / 1e6,
    )
    assert asked(tiled(more), CREW)[0] == [BUSY]


def test_joining_tails_are_no_smaller_than_the_truth() -> None:
    """Given the group's acts, everybody else's are dealt anew: small p are as rare as they say."""
    acts = world(7)
    others = np.flatnonzero(acts.account >= BUSY)
    rng = np.random.default_rng(8)
    who = np.arange(BUSY, 60)
    every = []
    for _ in range(200):
        account = acts.account.copy()
        account[others] = rng.permutation(account[others])
        dealt = actions(account.astype(np.int64), acts.object.astype(np.int64), acts.time / 1e6)
        every += [joining.tails(tiled(dealt).lattice, CREW, t, who) for t in (2, 4)]
    p = np.concatenate(every)
    for alpha in (0.1, 0.01, 0.001):
        assert (p <= alpha).mean() <= alpha + 3 * math.sqrt(alpha / len(p))
    assert (p < 1).any()  # … and somebody was there


def test_joining_by_chance_is_rarer_than_promised() -> None:
    """Worlds in which nobody but the crew acts together: whoever joins is an error."""
    wrong = 0
    for seed in range(30):
        acts = world(100 + seed)
        account = acts.account.astype(np.int64)
        mine = account >= BUSY
        account[mine] = np.random.default_rng(seed).permutation(account[mine])
        dealt = actions(account, acts.object.astype(np.int64), acts.time / 1e6)
        wrong += bool(asked(tiled(dealt), CREW)[0])
    assert wrong <= 1
