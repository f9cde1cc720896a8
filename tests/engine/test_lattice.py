"""The lattice: rows grouped by key, and acts in company account by account."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.engine import lattice

RATES = np.array([3.0, 10.0, 30.0, 100.0, 300.0])
WEIGHTS = np.array([0.95, 0.999])


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=30))
def test_lattice_by_key_is_a_stable_sort(keys):
    key = np.array(keys, np.int32)
    order, starts = lattice.by_key(key, 7)
    np.testing.assert_array_equal(order, np.argsort(key, kind="stable"))
    np.testing.assert_array_equal(np.diff(starts), np.bincount(key, minlength=7))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-4, 2), st.integers(-4, 2)), max_size=20))
def test_lattice_meetings_are_all_acts_but_the_lonely_ones(rows):
    account = np.array([r[0] for r in rows], np.int32)
    code = np.array([r[1:] for r in rows], np.int32).reshape(-1, 2)
    place, starts = lattice.by_key(account, 4)
    begin, met, act = lattice.meetings(code, starts, place)
    for t in range(2):
        for a in range(4):
            here = slice(begin[t, a], begin[t, a + 1])
            mine = [i for i in range(len(rows)) if account[i] == a and code[i, t] != lattice.ALONE]
            assert act[here].tolist() == mine
            assert met[here].tolist() == [code[i, t] for i in mine]
    assert begin[-1, -1] == len(met)


@pytest.mark.parametrize(("k", "j"), [(0, 1), (3, 4), (8, 9), (12, 11)])
def test_lattice_change_is_the_difference_of_two_log_factors(k, j):
    table = lattice.table(RATES, WEIGHTS)
    mu = 0.37
    found = lattice.change(table, RATES, np.log(RATES), WEIGHTS[1], 1, k, j, math.log(mu))

    def factor(n: int) -> float:
        mean = np.mean(RATES**n * np.exp(-(RATES - 1) * mu))
        return math.log(WEIGHTS[1] + (1 - WEIGHTS[1]) * mean)

    assert found == pytest.approx(factor(j) - factor(k), abs=1e-3)
