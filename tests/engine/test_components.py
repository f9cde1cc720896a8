"""Connected components against the specification, and small hand-made graphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.engine import cpu, reference
from klieg.errors import EngineError

CPU = cpu.engine(Config())
REF = reference.engine(Config())


def test_components_are_numbered_by_their_smallest_node() -> None:
    left, right = np.array([4, 5, 1], np.int32), np.array([5, 0, 3], np.int32)
    assert CPU.components(left, right, 7).tolist() == [0, 1, 2, 1, 0, 0, 3]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_components_equal_the_specification(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 30))
    node = st.integers(0, max(n - 1, 0))
    pairs = data.draw(st.lists(st.tuples(node, node), max_size=25 if n else 0))
    left = np.array([a for a, _ in pairs], np.int32)
    right = np.array([b for _, b in pairs], np.int32)
    got = CPU.components(left, right, n)
    assert got.dtype == np.int32
    assert np.array_equal(got, REF.components(left, right, n))


def test_components_refuse_a_node_that_is_not_there() -> None:
    with pytest.raises(EngineError):
        CPU.components(np.array([0], np.int32), np.array([3], np.int32), 3)
