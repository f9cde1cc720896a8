"""Near copies, similar sets and vectors: against the specification, brute force, real texts."""

from __future__ import annotations

import logging
import re
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from klieg.config import Config
from klieg.engine import cpu, reference_similarity, similarity
from klieg.errors import EngineError

CPU = cpu.engine(Config())

Sets = list[list[int]]

sets = st.lists(st.lists(st.integers(0, 14), max_size=10, unique=True).map(sorted), max_size=25)


def flat(texts: Sets) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    starts = np.cumsum([0] + [len(t) for t in texts]).astype(np.int64)
    return starts, np.array([c for t in texts for c in sorted(t)], np.uint64)


def shingled(texts: list[str], size: int, words: bool = False) -> Sets:
    def code(part: str) -> int:
        return int.from_bytes(blake2b(part.encode(), digest_size=8).digest(), "little")

    out = []
    for text in texts:
        parts: Any = text.split() if words else text
        joined = " ".join if words else "".join
        out.append(
            sorted({code(joined(parts[i : i + size])) for i in range(len(parts) - size + 1)})
        )
    return out


def brute(texts: Sets, tau: float) -> list[tuple[int, int, float]]:
    found = []
    for j, b in enumerate(map(set, texts)):
        for i, a in enumerate(map(set, texts[:j])):
            score = len(a & b) / len(a | b) if a or b else 0.0
            if score >= tau:
                found.append((i, j, score))
    return sorted(found)


def listed(found: tuple[NDArray[Any], ...]) -> list[tuple[int, int, float]]:
    i, j, score = found
    assert i.dtype == j.dtype == np.int32 and score.dtype in (np.float64, np.float32)
    return list(zip(i.tolist(), j.tolist(), score.tolist(), strict=True))


@settings(max_examples=200, deadline=None)
@given(sets, st.sampled_from([0.3, 0.5, 2 / 3, 0.8, 1.0]))
def test_similarity_of_sets_is_every_pair(texts: Sets, tau: float) -> None:
    assert listed(CPU.similar_sets(*flat(texts), tau)) == brute(texts, tau)


@settings(max_examples=150, deadline=None)
@given(sets, st.sampled_from([0.3, 0.5, 0.8]), st.integers(1, 4), st.integers(1, 30))
def test_similarity_equals_the_specification_in_crowds(
    texts: Sets, tau: float, partners: int, probes: int
) -> None:
    bounds = {"partners": partners, "probes": probes}
    got = similarity.similar_sets(*flat(texts), tau, threads=1, **bounds)
    assert listed(got) == listed(reference_similarity.similar_sets(*flat(texts), tau, **bounds))
    near = similarity.near_copies(*flat(texts), tau, 7, threads=1, **bounds)
    want = reference_similarity.near_copies(*flat(texts), tau, 7, **bounds)
    assert listed(near) == listed(want)


@settings(max_examples=100, deadline=None)
@given(sets, st.integers(0, 2**31 - 1))
def test_similarity_near_copies_equal_the_specification(texts: Sets, seed: int) -> None:
    got = listed(CPU.near_copies(*flat(texts), 0.5, seed))
    assert set(got) <= set(brute(texts, 0.5))
    assert {p for p in brute(texts, 0.5) if p[2] == 1.0} <= set(got)
    assert got == listed(reference_similarity.near_copies(*flat(texts), 0.5, seed))


def edited(draw: np.random.Generator, n: int, length: int = 90) -> list[str]:
    """Families of three: a text and two copies with some characters replaced."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz     "))
    texts = []
    for _ in range(n):
        base = letters[draw.integers(0, len(letters), length)]
        texts.append("".join(base))
        for edits in draw.integers(1, 6, 2):
            copy = base.copy()
            copy[draw.integers(0, length, edits)] = "#"
            texts.append("".join(copy))
    return texts


def test_similarity_near_copies_find_what_the_bands_promise() -> None:
    texts = shingled(edited(np.random.default_rng(5), 1_500), 3)
    starts, codes = flat(texts)
    exact = listed(CPU.similar_sets(starts, codes, 0.8))
    found = set(listed(CPU.near_copies(starts, codes, 0.8, 0)))
    assert found <= set(exact) and len(exact) > 1_500
    expected = sum(1 - (1 - s**8) ** 12 for _, _, s in exact)
    spread = sum((1 - (1 - s**8) ** 12) * (1 - s**8) ** 12 for _, _, s in exact) ** 0.5
    assert abs(len(found) - expected) < 4 * spread
    close = [p for p in exact if p[2] >= 0.9]
    assert len(found.intersection(close)) >= 0.99 * len(close)


@pytest.mark.parametrize("tau", [0.2, 0.5, 0.75])
@pytest.mark.parametrize("size", [12, 50, 130])  # the join's bits are 64: none, some, all full
def test_similarity_of_sets_of_every_length_is_every_pair(size: int, tau: float) -> None:
    draw = np.random.default_rng([size, int(100 * tau)])
    texts = []
    for _ in range(30):
        base = draw.choice(4 * size, size, replace=False, p=zipf(4 * size))
        texts += [edit(draw, base) for _ in range(8)]
    exact = brute(texts, tau)
    assert 50 < len(exact) < len(texts) ** 2 / 2 - 1_000
    assert listed(CPU.similar_sets(*flat(texts), tau)) == exact
    fewest = len(exact)
    for partners, probes in ((1, 10**6), (10**6, 20), (4, 90)):
        bounds = {"partners": partners, "probes": probes}
        got = listed(similarity.similar_sets(*flat(texts), tau, threads=3, **bounds))
        assert got == listed(reference_similarity.similar_sets(*flat(texts), tau, **bounds))
        fewest = min(fewest, len(got))
    assert 0 < fewest < len(exact)


def zipf(n: int) -> NDArray[np.float64]:
    """Shares of tokens from common to rare, as words have."""
    share = 1.0 / np.arange(1, n + 1)
    return share / share.sum()


def edit(draw: np.random.Generator, base: NDArray[np.int64]) -> list[int]:
    """A share of the tokens, and some tokens of its own."""
    kept = base[draw.random(len(base)) < draw.uniform(0.7, 1.0)]
    own = draw.integers(10**6, 10**6 + 50, draw.integers(0, len(base) // 4))
    return sorted({*kept.tolist(), *own.tolist()})


def test_similarity_is_the_same_for_any_threads_and_follows_the_order_of_texts() -> None:
    texts = shingled(edited(np.random.default_rng(6), 300), 3)
    starts, codes = flat(texts)
    for join in (
        lambda s, c, t: similarity.near_copies(s, c, 0.6, 3, threads=t),
        lambda s, c, t: similarity.similar_sets(s, c, 0.6, threads=t),
    ):
        one = listed(join(starts, codes, 1))
        assert len(one) > 500
        assert one == listed(join(starts, codes, 2)) == listed(join(starts, codes, 7))
        order = np.random.default_rng(0).permutation(len(texts))
        moved = listed(join(*flat([texts[k] for k in order]), 2))
        back = sorted((*sorted((int(order[i]), int(order[j]))), s) for i, j, s in moved)
        assert back == one


def test_similarity_of_a_burst_stays_linear_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    # 20,000 texts of 12 tokens that all share 11: 2·10^8 pairs
    texts = [[*range(11), 100 + k] for k in range(20_000)]
    with caplog.at_level(logging.WARNING):
        i, j, score = CPU.similar_sets(*flat(texts), 0.8)
        a, b, _ = CPU.near_copies(*flat(texts), 0.8, 0)
    assert len(i) == 256 * 20_000 - 256 * 257 // 2
    assert (score == 11 / 13).all() and (i < j).all()
    assert 0 < len(a) <= 256 * 20_000 and (a < b).all()
    assert sum("crowd" in r.message for r in caplog.records) == 2


def test_similarity_of_nothing_is_nothing() -> None:
    for texts in ([], [[]], [[], []], [[1]], [[1], [2]]):
        assert listed(CPU.similar_sets(*flat(texts), 0.5)) == []
        assert listed(CPU.near_copies(*flat(texts), 0.5, 0)) == []


def test_similarity_refuses_broken_starts() -> None:
    codes = np.array([1, 2], np.uint64)
    for starts in ([0, 1], [1, 2], [0, 2, 1, 2], []):
        with pytest.raises(EngineError):
            CPU.similar_sets(np.array(starts, np.int64), codes, 0.5)


def test_similarity_of_real_texts_is_exact(data: Path) -> None:
    file = data / "organic_twitter_dev.parquet"
    table = pq.read_table(file)
    name = next(c for c in ("text", "tweet_text", "content") if c in table.column_names)
    texts = sorted({re.sub(r"\s+", " ", t.lower()) for t in table[name].to_pylist() if t})[:1_200]
    tokens = shingled(texts, 2, words=True)
    got = listed(CPU.similar_sets(*flat(tokens), 0.5))
    assert got == brute(tokens, 0.5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 5), st.integers(0, 20), st.randoms())
def test_similarity_of_vectors_equals_the_specification(
    n: int, m: int, dim: int, window: int, chance: Any
) -> None:
    draw = np.random.default_rng(chance.randrange(2**32))

    def unit(k: int) -> NDArray[np.float32]:
        rows = draw.integers(-2, 3, (k, dim)).astype(np.float64) + 0.01
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float32)

    a, b = unit(n), unit(m)
    times = draw.integers(-20, 20, n), draw.integers(-20, 20, m)
    got = CPU.similar_pairs(a, b, 0.613, times, window)
    want = reference_similarity.similar_pairs(a, b, 0.613, times, window)
    assert all(x.dtype == y.dtype for x, y in zip(got, want, strict=True))
    assert np.array_equal(got[0], want[0]) and np.array_equal(got[1], want[1])
    assert np.allclose(got[2], want[2], rtol=1e-6)


def test_similarity_of_vectors_in_blocks_misses_nothing() -> None:
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(1_300, 24))
    rows[650:] = rows[:650] + 0.3 * draw.normal(size=(650, 24))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    time = draw.integers(0, 1_000, 1_300)
    i, j, score = CPU.similar_pairs(rows, rows, 0.8, (time, time), 500)
    dots = rows.astype(np.float64) @ rows.astype(np.float64).T
    near = (dots >= 0.8) & (np.abs(time[:, None] - time[None, :]) <= 500)
    want = np.argwhere(near)
    assert len(want) > 1_500
    assert np.array_equal(np.stack((i, j), 1), want)
    assert np.allclose(score, dots[near], rtol=1e-6)
