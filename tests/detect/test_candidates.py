"""Where the search looks first: pieces of graphs drawn by hand, and the fans of one author."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect.candidates import densities, fans, pieces
from klieg.sockets import make
from klieg.tables import Actions, WeakGraph

CONFIG = Config()


def edges(*pairs) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(sorted({tuple(sorted(p)) for p in pairs}), np.int32).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def clique(*accounts):
    return list(combinations(accounts, 2))


def test_candidates_two_cliques_on_a_bridge_come_apart():
    left, right = edges(*clique(*range(10)), *clique(*range(10, 20)), (9, 10))
    dense = pieces(left, right, (0.25,), 0)[0]
    assert [p.tolist() for p in dense] == [list(range(10)), list(range(10, 20))]


def test_candidates_density_decides():
    # a ring of 30 neighbours within two steps: density 4/29
    ring = [(i, (i + d) % 30) for i in range(30) for d in (1, 2)]
    left, right = edges(*ring)
    thin, thick = pieces(left, right, (0.03, 0.5), 0)
    assert max(map(len, thin)) > max(map(len, thick), default=0)


def test_candidates_small_component_is_one_piece():
    left, right = edges((5, 6), (6, 7), (7, 90))
    assert [p.tolist() for p in pieces(left, right, (0.1,), 0)[0]] == [[5, 6, 7, 90]]


def test_candidates_pairs_are_no_pieces():
    assert pieces(*edges((0, 1), (4, 9)), (0.1, 0.25), 0) == [[], []]


def test_candidates_of_nothing_are_none():
    nothing = np.zeros(0, np.int32)
    assert pieces(nothing, nothing, (0.1, 0.25, 0.5), 0) == [[], [], []]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=80),
    st.lists(st.tuples(st.integers(30, 45), st.integers(30, 45)), max_size=60),
    st.integers(0, 100),
)
def test_candidates_what_happens_elsewhere_changes_nothing(here, there, seed):
    here = [p for p in here if p[0] != p[1]]
    there = [p for p in there if p[0] != p[1]]
    alone = pieces(*edges(*here), (0.1, 0.25), seed)
    beside = pieces(*edges(*here, *there), (0.1, 0.25), seed)
    for a, b in zip(alone, beside, strict=True):
        assert {tuple(p) for p in a} == {tuple(p) for p in b if p[0] < 30}
        for piece in b:
            assert len(piece) >= 3
            assert np.array_equal(np.unique(piece), piece)


def test_candidates_long_windows_are_cut_once_more():
    nothing = np.zeros(0, np.int32)
    assert densities(WeakGraph("x", 600, True, nothing, nothing), CONFIG) == (0.03, 0.1, 0.25)
    assert densities(WeakGraph("x", 21600, True, nothing, nothing), CONFIG)[-1] == 0.5


def posts_of(acts) -> Actions:
    """Acts are (account, object, target, second)."""
    table = np.array(sorted(acts, key=lambda a: a[3]), np.int64).reshape(-1, 4)
    n = len(table)
    return Actions(
        "repost",
        table[:, 0].astype(np.int32),
        table[:, 1].astype(np.int32),
        1_700_000_000_000_000 + table[:, 3] * 1_000_000,
        np.arange(n, dtype=np.int64),
        table[:, 2].astype(np.int32),
        pa.array([str(i) for i in range(100)]),
        pa.array([str(i) for i in range(100)]),
        50,
    )


def test_candidates_fans_are_the_pairs_that_the_cap_hides():
    # accounts 0, 1 share six posts of author 7; accounts 2, 3 share six posts of six authors
    fan = [(a, o, 7, 10_000 * o + a) for a in (0, 1) for o in range(6)]
    wide = [(a, o, o, 10_000 * o + a) for a in (2, 3) for o in range(20, 26)]
    graphs = fans(posts_of(fan + wide), CONFIG, make("engines", "cpu", CONFIG))
    assert [g.window for g in graphs] == [60, 600, 3600]
    for g in graphs:
        assert list(zip(g.left.tolist(), g.right.tolist(), strict=True)) == [(0, 1)]


@pytest.mark.parametrize("config", [CONFIG, Config(windows_s=(10, 30))])
def test_candidates_no_fans_without_acts_or_windows(config):
    assert fans(posts_of([]), config, make("engines", "cpu", config)) == []
