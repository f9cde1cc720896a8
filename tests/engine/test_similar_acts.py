"""Alike texts within a window: every pair, and no crowd rule."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.engine.executors import ThreadExecutor
from klieg.engine.similar_acts import Sets, similar_acts
from klieg.errors import EngineError

texts = st.lists(
    st.tuples(st.integers(0, 4), st.frozensets(st.integers(0, 12), max_size=9)), max_size=14
)


def joined(messages, reach, tau, min_n, threads=1):
    known = list(dict.fromkeys(tokens for _, tokens in messages))
    starts = np.cumsum([0, *map(len, known)]).astype(np.int64)
    flat = np.array([t for tokens in known for t in sorted(tokens)], np.int32)
    n = len(messages)
    rows = np.arange(n)
    batches = similar_acts(
        np.array([a for a, _ in messages], np.int32),
        np.array([known.index(tokens) for _, tokens in messages], np.int32),
        np.maximum(rows - reach, 0).astype(np.int32),
        np.minimum(rows + reach + 1, n).astype(np.int32),
        Sets(starts, flat),
        tau,
        max((a for a, _ in messages), default=0) + 1,
        min_n,
        threads=threads,
        executor=ThreadExecutor(),
    )
    return [
        edge
        for batch in batches
        for edge in zip(batch.left.tolist(), batch.right.tolist(), batch.n.tolist(), strict=True)
    ]


@settings(max_examples=150, deadline=None)
@given(
    texts,
    st.integers(0, 14),
    st.sampled_from([0.1, 1 / 3, 0.5, 0.6, 2 / 3, 0.7, 0.8, 0.9, 1.0, 1.5]),
    st.integers(0, 3),
)
def test_similar_acts_are_all_pairs_compared(messages, reach, tau, min_n):
    matched: dict[tuple[int, int], set[int]] = {}
    for i, j in itertools.permutations(range(len(messages)), 2):
        (a, x), (b, y) = messages[i], messages[j]
        alike = bool(x | y) and len(x & y) / len(x | y) >= tau
        if a != b and alike and abs(i - j) <= reach:
            matched.setdefault((a, b), set()).add(i)
    wanted = [(*p, len(m)) for p, m in sorted(matched.items()) if len(m) >= max(min_n, 1)]
    assert joined(messages, reach, tau, min_n) == wanted
    assert joined(messages, reach, tau, min_n, threads=3) == wanted


@st.composite
def near_a_threshold(draw):
    """Two texts of a known likeness among others, and thresholds one float beside it."""
    both, left, right = draw(st.integers(1, 40)), draw(st.integers(0, 20)), draw(st.integers(0, 20))
    common = frozenset(range(both))
    x = common | frozenset(range(100, 100 + left))
    y = common | frozenset(range(200, 200 + right))
    # others, which make tokens rare or frequent: the order in which prefixes are cut
    others = draw(st.lists(st.frozensets(st.integers(0, 240), max_size=30), max_size=6))
    messages = draw(st.permutations([(0, x), (1, y), *((2 + i, o) for i, o in enumerate(others))]))
    exact = both / (both + left + right)
    near = [exact, np.nextafter(exact, 0.0), np.nextafter(exact, 2.0), exact - 1e-12, exact + 1e-12]
    return messages, float(draw(st.sampled_from(near)))


@settings(max_examples=300, deadline=None)
@given(near_a_threshold())
def test_similar_acts_are_exact_one_float_beside_the_threshold(case):
    messages, tau = case
    wanted = [
        (a, b, 1)
        for (a, x), (b, y) in itertools.permutations(messages, 2)
        if len(x & y) and len(x & y) / len(x | y) >= tau
    ]
    assert joined(messages, len(messages), tau, 1) == sorted(wanted)


def test_similar_acts_equal_brute_force_on_many_texts_at_every_threshold():
    rng = np.random.default_rng(3)
    base = [
        frozenset(rng.choice(60, rng.integers(3, 25), replace=False).tolist()) for _ in range(12)
    ]
    messages = []
    for i in range(260):
        text = set(base[rng.integers(len(base))])
        for _ in range(rng.integers(0, 4)):
            text ^= {int(rng.integers(60))}
        messages.append((i, frozenset(text)))
    likeness = {
        (i, j): len(x & y) / len(x | y)
        for (i, x), (j, y) in itertools.permutations(messages, 2)
        if x & y
    }
    for tau in sorted(set(likeness.values()))[::40]:
        wanted = sorted((i, j, 1) for (i, j), found in likeness.items() if found >= tau)
        assert joined(messages, len(messages), tau, 1) == wanted


def test_similar_acts_keep_every_partner_of_a_crowd():
    base = frozenset(range(20))
    messages = [(a, base | {100 + a}) for a in range(700)]  # 20 of 22 shared: 0.909
    found = joined(messages, 700, 0.9, 1)
    assert len(found) == 700 * 699
    assert joined(messages, 700, 0.91, 1) == []


def test_similar_acts_refuse_a_threshold_that_everything_meets():
    with pytest.raises(EngineError, match="tau"):
        joined([(0, frozenset())], 1, 0.0, 1)
