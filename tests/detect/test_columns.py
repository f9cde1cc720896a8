"""Dense columns, counted in buckets: held against counters and loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from klieg.detect.columns import plurality, spread, tally_by

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=60)


def _columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.int32).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


@given(ROWS)
def test_columns_spread_counts_each_member_of_a_group_once(rows):
    found = spread(*_columns(rows), 6, 8)
    assert found.tolist() == [len({m for g, m in rows if g == k}) for k in range(6)]


@given(ROWS)
def test_columns_tally_by_gives_each_groups_members_ascending_and_how_often(rows):
    starts, members, times = tally_by(*_columns(rows), 6, 8)
    for g in range(6):
        own = slice(starts[g], starts[g + 1])
        wanted = Counter(m for h, m in rows if h == g)
        assert list(zip(members[own], times[own], strict=True)) == sorted(wanted.items())
    assert starts[-1] == len(members) == len(times)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 4)), max_size=60))
def test_columns_plurality_goes_to_the_commonest_and_of_equals_to_the_first_cast(rows):
    found = plurality(*_columns(rows), 6)
    for g in range(6):
        cast = [v for h, v in rows if h == g and v >= 0]
        most = Counter(cast).most_common(1)  # insertion order breaks ties
        assert found[g] == (most[0][0] if most else -1)
