"""Numbers that stand for values: equal where the values are, and telling where they promise to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.sources import marks

WORDS = st.lists(
    st.one_of(
        st.none(),
        st.text(alphabet="ab0é", max_size=20),
        st.sampled_from(["", "12345678", "x" * 300, "y" + "x" * 300, "a" * 8, "a" * 9]),
    ),
    max_size=12,
)


def column(values: list[str | None], cut: int, skip: int) -> pa.ChunkedArray:
    """The values in two chunks, the first of them a slice that begins inside its buffers."""
    whole = pa.array([*("skipped" for _ in range(skip)), *values], pa.string()).slice(skip)
    return pa.chunked_array([whole.slice(0, cut), whole.slice(cut)], pa.string())


@settings(max_examples=150, deadline=None)
@given(values=WORDS, cut=st.integers(0, 12), skip=st.integers(0, 9))
def test_marks_hash_is_of_the_value_alone(values: list[str | None], cut: int, skip: int) -> None:
    found = marks.hashed(column(values, cut, skip))
    for i, a in enumerate(values):
        for j, b in enumerate(values):
            if (a or "") == (b or ""):
                assert found[i] == found[j]
            elif len((a or "").encode()) <= 256:  # by chance: once in 2^64
                assert found[i] != found[j]


def test_marks_hash_hears_of_the_end_and_the_length() -> None:
    values = ["a" * 100 + "b" * 16, "c" * 100 + "b" * 16, "c" * 101 + "b" * 16]
    found = marks.hashed(column(values, 1, 0), 16)
    assert found[0] == found[1] != found[2]


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.sampled_from(["0", "7", "10", "9223372036854775807", "99"]), max_size=9),
    odd=st.sampled_from([None, "", "07", "-1", "1.0", "99999999999999999999", "null"]),
    cut=st.integers(0, 9),
)
def test_marks_numbers_are_the_ids_or_there_are_none(
    values: list[str], odd: str | None, cut: int
) -> None:
    found = marks.numbers(column(list(values), cut, 2))
    assert found is not None and found.tolist() == [int(v) for v in values]
    gone = None if odd == "null" else odd
    if odd is not None:
        assert marks.numbers(column([*values, gone], cut, 2)) is None


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.sampled_from([True, False, None]), max_size=40),
    cut=st.integers(0, 40),
    skip=st.integers(0, 17),
)
def test_marks_truth_and_validity_are_what_arrow_says(
    values: list[bool | None], cut: int, skip: int
) -> None:
    whole = pa.array([True] * skip + values, pa.bool_()).slice(skip)
    for given_ in (whole, pa.chunked_array([whole.slice(0, cut), whole.slice(cut)])):
        assert marks.truth(given_).tolist() == [bool(v) for v in values]
        assert marks.valid(given_).tolist() == [v is not None for v in values]


def test_marks_truth_is_what_a_query_of_arrow_gives() -> None:
    text = pa.chunked_array([["a", "b"], ["a", None]])
    assert marks.truth(pa.compute.equal(text, "a")).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("values", "same"),
    [
        (["x", "x", "x"], True),
        (["xy", "xy", "xy"], True),
        (["x", "xyz", "xy"], False),
        (["xx", "x", "xxx"], False),
        (["x", None, "x"], False),
        (["", ""], False),
        (["é", "é"], True),
        (["ab", "ba"], False),
        ([], False),
    ],
)
def test_marks_constant_is_one_value_throughout(values: list[str | None], same: bool) -> None:
    for cut in range(len(values) + 1):
        assert marks.constant(column(values, cut, 3)) is same


def test_marks_spread_moves_the_highest_bits() -> None:
    top = marks.spread(np.arange(1 << 12, dtype=np.int64)) >> np.uint64(52)
    assert len(np.unique(top)) > 2000
