"""Tail probabilities against exact fractions, scipy and the specification."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from klieg.config import Config
from klieg.engine import cpu, reference
from klieg.errors import EngineError

CPU = cpu.engine(Config())
REF = reference.engine(Config())
TINY = float(np.finfo(np.float64).tiny)

rates = st.floats(1e-12, 300.0)


def exact_poisson(n: int, lam: Fraction, digits: int = 60) -> float:
    """P[Poisson(λ) ≥ n] in exact fractions, cut where the rest is below 10^-digits of the sum."""
    term = Fraction(1)
    for k in range(1, n + 1):
        term = term * lam / k
    total, k = term, n
    while term > total / 10**digits or k <= lam:
        k += 1
        term = term * lam / k
        total += term
    exponential, part = Fraction(1), Fraction(1)
    j = 0
    while part > Fraction(1, 10**digits) or j <= lam:
        j += 1
        part = part * lam / j
        exponential += part
    return float(total / exponential)


@pytest.mark.parametrize(
    ("n", "lam"),
    [
        (1, Fraction(1, 10**12)),
        (2, Fraction(1, 1000)),
        (3, Fraction(5, 2)),
        (15, Fraction(1, 2)),
        (16, Fraction(1, 2)),
        (17, Fraction(33, 2)),
        (17, Fraction(17)),
        (40, Fraction(1, 100)),
        (120, Fraction(1, 3)),
        (90, Fraction(60)),
        (60, Fraction(90)),
        (250, Fraction(40)),
    ],
)
def test_tails_poisson_equals_exact_fractions(n: int, lam: Fraction) -> None:
    got = float(CPU.poisson_tail(np.array([n]), np.array([float(lam)]))[0])
    assert got == pytest.approx(exact_poisson(n, Fraction(float(lam))), rel=1e-12)
    assert 0.0 < got < 1.0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-2, 500), rates), max_size=9))
def test_tails_poisson_equals_the_specification_and_scipy(cells: list[tuple[int, float]]) -> None:
    n = np.array([c[0] for c in cells], np.int64)
    lam = np.array([c[1] for c in cells], np.float64)
    got = CPU.poisson_tail(n, lam)
    assert got.dtype == np.float64
    assert np.allclose(got, REF.poisson_tail(n, lam), rtol=1e-9, atol=0.0)
    want = np.where(n <= 0, 1.0, special.gammainc(np.maximum(n, 1), lam))
    ok = want > 1e-300
    assert np.allclose(got[ok], want[ok], rtol=1e-9, atol=0.0)
    assert (got[~ok] <= 1.1e-300).all() and (got >= TINY).all()


def test_tails_poisson_falls_with_n_and_rises_with_the_rate() -> None:
    n = np.arange(0, 400)
    for lam in (1e-9, 0.3, 1.0, 17.0, 100.0, 5_000.0):
        tails = CPU.poisson_tail(n, np.full(len(n), lam))
        assert tails[0] == 1.0 and (np.diff(tails) <= 0.0).all()
    lam = np.geomspace(1e-6, 1e4, 2_000)
    for k in (1, 2, 15, 16, 17, 200):
        assert (np.diff(CPU.poisson_tail(np.full(2_000, k), lam)) >= 0.0).all()


def test_tails_poisson_at_the_ends() -> None:
    n = np.array([0, 1, 5, 1_000_000, 1_000_000], np.int64)
    lam = np.array([0.0, 0.0, math.inf, 1.0, 1_000_000.0])
    got = CPU.poisson_tail(n, lam)
    assert got[:4].tolist() == [1.0, TINY, 1.0, TINY]
    assert got[4] == pytest.approx(special.gammainc(1e6, 1e6), rel=1e-9)
    for bad in (-1.0, math.nan):
        with pytest.raises(EngineError):
            CPU.poisson_tail(np.array([1]), np.array([bad]))
    assert len(CPU.poisson_tail(np.zeros(0, np.int64), np.zeros(0))) == 0


chances = st.lists(st.one_of(st.floats(0.0, 1.0), st.just(0.0), st.just(1.0)), max_size=9)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(chances, st.integers(-1, 10)), max_size=6))
def test_tails_poisson_binomial_equals_the_specification(
    cells: list[tuple[list[float], int]],
) -> None:
    starts = np.cumsum([0] + [len(p) for p, _ in cells]).astype(np.int64)
    probs = np.array([x for p, _ in cells for x in p], np.float64)
    n = np.array([k for _, k in cells], np.int64)
    got = CPU.poisson_binomial_tail(starts, probs, n)
    assert np.allclose(got, REF.poisson_binomial_tail(starts, probs, n), rtol=1e-9, atol=0.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(1e-40, 1.0), min_size=1, max_size=8), st.integers(1, 8))
def test_tails_poisson_binomial_equals_every_outcome_summed(probs: list[float], n: int) -> None:
    exact = Fraction(0)
    p = [Fraction(x) for x in probs]
    for outcome in itertools.product((0, 1), repeat=len(p)):
        if sum(outcome) >= n:
            exact += math.prod(x if o else 1 - x for x, o in zip(p, outcome, strict=True))
    starts = np.array([0, len(p)], np.int64)
    got = float(CPU.poisson_binomial_tail(starts, np.array(probs), np.array([n]))[0])
    assert got == pytest.approx(max(float(exact), TINY), rel=1e-11)


def test_tails_poisson_binomial_refuses_what_is_no_probability() -> None:
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(EngineError):
            CPU.poisson_binomial_tail(np.array([0, 1]), np.array([bad]), np.array([1]))
    with pytest.raises(EngineError):
        CPU.poisson_binomial_tail(np.array([0, 3]), np.array([0.5]), np.array([1]))
