"""Nested columns taken apart and put together: the same as row by row in Python."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from klieg.sources.long_times import long_form
from klieg.sources.looks import any_empty, begins_with
from klieg.sources.nested import (
    either,
    filled,
    firsts,
    gathered,
    items,
    kept,
    owner_of,
    together,
)
from klieg.sources.times import parse

WORD = st.one_of(st.none(), st.sampled_from(["", "a", "{b", "[c", "é"]))
LISTS = st.lists(st.one_of(st.none(), st.lists(WORD, max_size=3)), max_size=6)
KIND = pa.list_(pa.string())


@given(LISTS, st.integers(0, 3))
def test_nested_items_and_firsts_are_those_of_each_row(
    rows: list[list[str | None] | None], cut: int
) -> None:
    column, rows = pa.array(rows, KIND).slice(cut), rows[cut:]
    owner, values = items(column)
    said = [(i, v) for i, row in enumerate(rows) for v in row or []]
    assert list(zip(owner.tolist(), values.to_pylist(), strict=True)) == said
    assert firsts(column).to_pylist() == [row[0] if row else None for row in rows]


@given(st.lists(st.tuples(*[st.lists(WORD, max_size=2)] * 3), max_size=6))
def test_nested_together_joins_the_lists_of_a_row_in_order(rows: list[tuple[Any, ...]]) -> None:
    parts = [items(pa.array([row[k] for row in rows], KIND)) for k in range(3)]
    whole = gathered(len(rows), together(*parts))
    assert whole.to_pylist() == [[*a, *b, *c] for a, b, c in rows]
    owner, values = together(*parts)
    some = np.asarray(values.is_valid())
    left = gathered(len(rows), kept((owner, values), some), known=np.arange(len(rows)) != 1)
    assert left.to_pylist() == [
        None if i == 1 else [v for v in [*a, *b, *c] if v is not None]
        for i, (a, b, c) in enumerate(rows)
    ]


@given(st.lists(WORD, max_size=8), st.lists(WORD, min_size=8, max_size=8), st.integers(0, 2))
def test_nested_words_are_told_as_row_by_row(
    one: list[str | None], two: list[str | None], cut: int
) -> None:
    first, second = pa.array(one, pa.string()).slice(cut), pa.array(two[: len(one)], pa.string())
    second, one, two = second.slice(cut), one[cut:], two[: len(one)][cut:]
    assert filled(first).to_pylist() == [v or None for v in one]
    assert any_empty(first) == ("" in one)
    assert begins_with(first, b"{[").tolist() == [(v or "")[:1] in {"{", "["} - {""} for v in one]
    expected = [a or b for a, b in zip(one, two, strict=True)]
    assert filled(either(first, second)).to_pylist() == [v or None for v in expected]


def test_nested_owner_is_found_among_few_and_many() -> None:
    words = [None, "at://did:plc:a/x/1", "https://e.org", None, None, "at://did:plc:b"]
    pattern = "^at://(?P<did>did:[^/]*)"
    expected = [None, "did:plc:a", None, None, None, "did:plc:b"]
    assert owner_of(pa.array(words), pattern).to_pylist() == expected
    assert owner_of(pa.array(words).slice(1, 2), pattern).to_pylist() == ["did:plc:a", None]


@given(
    st.lists(
        st.one_of(st.none(), st.datetimes(min_value=datetime(1971, 1, 1))),
        max_size=5,
    ).filter(lambda moments: all(m is None or m.year < 2100 for m in moments))
)
def test_long_form_reads_what_the_general_reader_reads(moments: list[Any]) -> None:
    written = [m and m.strftime("%a %b %d %H:%M:%S +0000 %Y") for m in moments]
    column = pa.array([None, *written], pa.string()).slice(1)
    found = long_form(column)
    general = parse(column, name="t", path="p")
    assert np.asarray(found.is_valid()).tolist() == general.ok.tolist()
    assert np.asarray(found.cast(pa.int64()).fill_null(0)).tolist() == general.us.tolist()


def test_long_form_leaves_every_other_way_alone() -> None:
    good = "Wed May 01 10:00:00 +0000 2024"
    assert long_form(pa.array([good])) is not None
    for at in range(len(good)):
        for other in "x0 Z":
            bad = good[:at] + other + good[at + 1 :]
            read = long_form(pa.array([good, bad]))
            if read is not None:
                general = parse(pa.array([bad]), name="t", path="p")
                assert general.ok[0]
                assert read.cast(pa.int64())[1].as_py() == general.us[0]
    for bad in ("", "2024-05-01T10:00:00Z", good.replace("01", "32"), good.replace("+00", "+01")):
        assert long_form(pa.array([good, bad])) is None
