"""Average linkage: together what is alike on average, never a chain, the same in any order."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.signals.families import CROWD, gather


def families(
    n: int, pairs: dict[tuple[int, int], float], tau: float = 0.5, crowded: tuple[int, ...] = ()
) -> list[int]:
    keys = sorted(pairs)
    left = np.array([a for a, _ in keys], np.int32)
    right = np.array([b for _, b in keys], np.int32)
    flags = np.zeros(n, bool)
    flags[list(crowded)] = True
    similarity = np.array([pairs[k] for k in keys], np.float64)
    return gather(n, left, right, similarity, tau, flags).tolist()


def test_families_of_nothing() -> None:
    assert families(0, {}) == []
    assert families(3, {}) == [0, 1, 2]


def test_families_a_pair() -> None:
    assert families(3, {(0, 2): 0.5}) == [0, 1, 0]
    assert families(3, {(0, 2): 0.49}) == [0, 1, 2]


def test_families_a_chain_is_not_one_family() -> None:
    chain = {(i, i + 1): 0.6 for i in range(9)}
    found = families(10, chain)
    assert max(np.bincount(found)) == 2
    assert families(3, {(0, 1): 0.9, (1, 2): 0.6}) == [0, 0, 2]


def test_families_a_bridge_does_not_join_two_crews() -> None:
    left = dict.fromkeys(combinations(range(6), 2), 0.9)
    right = dict.fromkeys(combinations(range(6, 12), 2), 0.9)
    bridge = {(0, 6): 0.8, (1, 7): 0.8}
    assert families(12, left | right | bridge) == [0] * 6 + [6] * 6


def test_families_a_missed_pair_does_not_split_a_family() -> None:
    clique = dict.fromkeys(combinations(range(8), 2), 0.8)
    del clique[(0, 1)], clique[(2, 3)]
    assert families(8, clique) == [0] * 8


def test_families_a_tail_stays_outside_a_tight_core() -> None:
    core = dict.fromkeys(combinations(range(10), 2), 0.95)
    assert families(11, core | {(0, 10): 0.94}) == [0] * 10 + [10]


def test_families_a_large_clique_takes_few_rounds() -> None:
    n = 1500
    left, right = np.triu_indices(n, 1)
    similarity = np.full(len(left), 0.9)
    found = gather(
        n, left.astype(np.int32), right.astype(np.int32), similarity, 0.5, np.zeros(n, bool)
    )
    assert (found == 0).all()


def test_families_a_template_with_edits_is_one_family() -> None:
    """Every text is nearest to the template: the case that would merge one text a round."""
    n, rng = 800, np.random.default_rng(0)
    left, right = np.triu_indices(n, 1)
    distance = rng.random(n) * 0.2
    distance[0] = 0
    similarity = 1 - distance[left] - distance[right]
    found = gather(
        n, left.astype(np.int32), right.astype(np.int32), similarity, 0.5, np.zeros(n, bool)
    )
    assert (found == 0).all()


def test_families_crowded_texts_join_the_family_they_know() -> None:
    """A clique of 600: a join keeps 256 partners a text, the later ones know no more."""
    n = 600
    pairs = {(i, j): 0.9 for j in range(n) for i in range(min(j, CROWD))}
    crowded = tuple(range(CROWD, n))
    assert families(n, pairs, crowded=crowded) == [0] * n
    lone = pairs | {(0, n): 0.9}
    assert families(n + 1, lone, crowded=(*crowded, n)) == [0] * n + [n]


graphs = st.integers(2, 9).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.dictionaries(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1]),
            st.sampled_from([0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ),
    )
)


@settings(max_examples=300, deadline=None)
@given(graphs)
def test_families_hold_together_on_average(graph: tuple[int, dict[tuple[int, int], float]]) -> None:
    n, pairs = graph
    found = families(n, pairs)
    for name in set(found):
        members = [i for i in range(n) if found[i] == name]
        assert min(members) == name
        if len(members) > 1:
            every = [pairs.get(p, 0.0) for p in combinations(members, 2)]
            assert sum(every) / len(every) >= 0.5 - 1e-6


@settings(max_examples=300, deadline=None)
@given(graphs)
def test_families_leave_no_two_that_should_be_one(
    graph: tuple[int, dict[tuple[int, int], float]],
) -> None:
    n, pairs = graph
    found = families(n, pairs)
    for a, b in combinations(sorted(set(found)), 2):
        cross = [
            pairs.get((min(i, j), max(i, j)), 0.0)
            for i in range(n)
            for j in range(n)
            if found[i] == a and found[j] == b
        ]
        assert sum(cross) / len(cross) < 0.5


@given(graphs)
def test_families_do_not_depend_on_the_order_of_pairs(
    graph: tuple[int, dict[tuple[int, int], float]],
) -> None:
    n, pairs = graph
    keys = list(pairs)
    flags = np.zeros(n, bool)
    results = []
    for order in (keys, keys[::-1]):
        a, b = (np.array([k[i] for k in order], np.int32) for i in (0, 1))
        weights = np.array([pairs[k] for k in order], np.float64)
        results.append(gather(n, a, b, weights, 0.5, flags).tolist())
    assert results[0] == results[1]
