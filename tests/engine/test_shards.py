"""Ranges of equal weight: they cover everything once, and threads keep their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.engine import shards


@given(st.lists(st.integers(0, 10**12), max_size=60), st.integers(1, 20))
def test_shards_cover_every_row_once(weight: list[int], count: int) -> None:
    ranges = shards.equal_ranges(np.array(weight, np.int64), count)
    assert len(ranges) <= count
    assert [i for a, b in ranges for i in range(a, b)] == list(range(len(weight)))
    assert all(a < b for a, b in ranges)


def test_shards_have_about_equal_weight() -> None:
    weight = np.random.default_rng(0).integers(0, 100, 10_000)
    sums = [int(weight[a:b].sum()) for a, b in shards.equal_ranges(weight, 16)]
    assert len(sums) == 16 and max(sums) < 1.01 * min(sums)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_shards_run_in_order_and_pass_errors_on(threads: int) -> None:
    ranges = [(k, k + 1) for k in range(50)]
    assert shards.run(lambda a, b: (a, b), ranges, threads) == ranges
    assert shards.run(lambda a, b: a, [], threads) == []
    with pytest.raises(ZeroDivisionError):
        shards.run(lambda a, b: 1 // (a - 25), ranges, threads)


def test_shards_use_the_threads_asked_for() -> None:
    assert shards.thread_count(3) == 3
    assert shards.thread_count(0) >= 1
