"""Small random worlds of actions for the engine's tests: many ties, hubs and repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

WINDOWS = np.array([10, 60, 600], np.int64)


@dataclass(frozen=True, slots=True)
class World:
    """Actions in no particular order."""

    account: NDArray[np.int32]
    object: NDArray[np.int32]
    time: NDArray[np.int64]
    target: NDArray[np.int32]
    n_accounts: int

    @property
    def rows(self) -> tuple[Any, ...]:
        return self.account, self.object, self.time, self.target, self.n_accounts

    def permuted(self, order: NDArray[np.int64]) -> World:
        return World(
            self.account[order],
            self.object[order],
            self.time[order],
            self.target[order],
            self.n_accounts,
        )


def world(
    rows: list[tuple[int, int, int]], n_accounts: int, aims: list[int], origin: int = 0
) -> World:
    """Rows are (account, object, time); ``aims`` gives each object its target."""
    account = np.array([r[0] for r in rows], np.int32)
    object_ = np.array([r[1] for r in rows], np.int32)
    time = np.array([r[2] for r in rows], np.int64) + origin
    target = np.array([aims[r[1]] for r in rows], np.int32)
    return World(account, object_, time, target, n_accounts)


@st.composite
def worlds(draw: st.DrawFn, most: int = 40) -> World:
    """Few accounts and objects, times on a grid of tens so that windows are often met exactly."""
    n_accounts = draw(st.integers(1, 7))
    n_objects = draw(st.integers(1, 6))
    aims = draw(st.lists(st.integers(-1, 2), min_size=n_objects, max_size=n_objects))
    origin = draw(st.sampled_from([0, -1_000, 2**61, -(2**61), 1_700_000_000_000_000]))
    moment = st.one_of(st.integers(0, 30), st.integers(0, 70).map(lambda x: 10 * x))
    row = st.tuples(st.integers(0, n_accounts - 1), st.integers(0, n_objects - 1), moment)
    rows = draw(st.lists(row, max_size=most))
    return world(rows, n_accounts, aims, origin)


def big_world(seed: int, n: int = 4_000, n_accounts: int = 300, n_objects: int = 200) -> World:
    """Heavy-tailed objects and accounts, bursts: too big for the reference, right for SQL."""
    draw = np.random.default_rng(seed)
    object_ = np.minimum(draw.zipf(1.6, n) - 1, n_objects - 1).astype(np.int32)
    account = (n_accounts * draw.random(n) ** 2).astype(np.int32)
    born = draw.integers(0, 50_000, n_objects)
    time = (born[object_] + draw.exponential(400, n)).astype(np.int64)
    aims = draw.integers(-1, 40, n_objects).astype(np.int32)
    return World(account, object_, time, aims[object_], n_accounts)
