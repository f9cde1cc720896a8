"""Ids as numbers: equal bytes, equal code, in the order of their first appearance."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.parity.intern import Names, fresh

strings = st.one_of(
    st.binary(max_size=20),
    st.integers(0, 2**64).map(lambda i: str(i).encode()),
    st.sampled_from([b"", b"\0", b"\0\0", b"12345678", b"123456789", b"a" * 8, b"a" * 16]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(strings, max_size=30), max_size=6), st.booleans(), st.integers(0, 9))
def test_intern_codes_are_those_of_a_dictionary(batches, wide, expected):
    names, known = Names(expected), dict[bytes, int]()
    for batch in batches:
        before = len(known)
        first = []
        for string in batch:
            first.append(string not in known)
            known.setdefault(string, len(known))
        kind = pa.large_binary() if wide else pa.binary()
        codes = names.codes(pa.array([b"shift", *batch], kind).slice(1))
        assert codes.tolist() == [known[string] for string in batch]
        assert fresh(codes, before).tolist() == first
    assert names.strings().to_pylist() == list(known)
    for string in list(known)[:3]:
        assert names.code(string) == known[string]
    assert names.code(b"never met before") == -1
    assert names.size == len(known)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=60, unique=True), st.booleans(), st.data()
)
def test_intern_ids_that_only_rise_or_fall_need_no_table(ids, falling, data):
    ids = sorted(ids, reverse=falling)
    rising = [str(i).encode() for i in ids]
    names = Names()
    cut = data.draw(st.integers(0, len(ids)))
    codes = [*names.codes(pa.array(rising[:cut], pa.binary()))]
    codes += [*names.codes(pa.array(rising[cut:], pa.binary()))]
    assert codes == list(range(len(ids)))
    assert names._table is None
    again = data.draw(st.permutations(rising))
    after = names.codes(pa.array([*again, b"new"], pa.binary()))
    assert after.tolist() == [*(rising.index(s) for s in again), len(ids)]


def test_intern_null_is_the_empty_string():
    codes = Names().codes(pa.array([b"a", None, b"", b"a"], pa.binary()))
    assert codes.tolist() == [0, 1, 1, 0]


def test_intern_grows_past_what_was_expected():
    names = Names(1)
    ids = [str(i * 7919 % 100_003).encode() for i in range(100_000)]
    assert names.codes(pa.array(ids, pa.binary())).tolist() == list(range(100_000))
    assert names.strings().to_pylist() == ids
