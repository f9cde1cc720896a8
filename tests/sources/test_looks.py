"""Cheap looks say clean only where the costly cleaning would change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.sources.delimited import _lines
from klieg.sources.frames import ABSENT, lossless, words
from klieg.sources.lists import listed
from klieg.sources.looks import all_ascii, all_digits, all_of, may_be_blank, suspects

BLANKS = " \t\n\x0b\x1c\x1f\x85\xa0\u1680\u2003\u2028\u202f\u205f\u3000"
VALUES = st.one_of(
    st.none(),
    st.sampled_from([*ABSENT.to_pylist(), "absents", "nope", "Nan", "12", "0", "x"]),
    st.text(st.sampled_from(BLANKS + "abNA1é日п¿"), max_size=5),
)
COLUMNS = st.tuples(st.lists(VALUES, max_size=30), st.integers(0, 3), st.integers(0, 3))


def sliced(given_: tuple[list[Any], int, int]) -> pa.Array:
    """An array that begins and ends in the middle of a longer one."""
    values, before, after = given_
    whole = pa.array(["7"] * before + values + [" z "] * after, pa.string())
    return whole.slice(before, len(values))


def slow(text: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.is_in(trimmed, ABSENT), None, trimmed)


@given(COLUMNS)
def test_looks_words_are_those_of_the_slow_way(column: tuple[list[Any], int, int]) -> None:
    text = sliced(column)
    assert words(text, len(text)).to_pylist() == slow(text).to_pylist()
    untouched = np.ones(len(text), np.bool_)
    untouched[suspects(text)] = False
    same = [a == b for a, b in zip(text.to_pylist(), slow(text).to_pylist(), strict=True)]
    assert not (untouched & ~np.array(same, np.bool_)).any()


@given(COLUMNS)
def test_looks_blank_is_never_missed(column: tuple[list[Any], int, int]) -> None:
    text = sliced(column)
    blank = {i for i, v in enumerate(text.to_pylist()) if v is not None and not v.strip(BLANKS)}
    assert blank <= set(may_be_blank(text).tolist())


@given(COLUMNS)
def test_looks_digits_are_digits(column: tuple[list[Any], int, int]) -> None:
    text = sliced(column)
    real = [v for v in text.to_pylist() if v is not None]
    if all_digits(text):
        assert all(v and set(v) <= set("0123456789") for v in real)
        assert not lossless(text)[1].any()
    if all_of(text, b"1."):
        assert all(v and set(v) <= set("1.") for v in real)


def test_looks_digits_are_seen_at_all() -> None:
    assert all_digits(pa.array(["12", None, "7"]).slice(0, 3))
    assert not all_digits(pa.array(["12", "", "7"]))
    assert not all_digits(pa.array(["12", "٣"]))
    assert all_of(pa.array(["1.5", "2"]), b"0123456789.")
    assert not len(suspects(pa.array(["xyz", "ünder", None])))


@given(st.lists(st.sampled_from([None, "[]", "['a', 'b']", "a b", "NA", "#Ä,b"]), max_size=40))
def test_looks_lists_that_repeat_are_read_like_lists_that_do_not(values: list[Any]) -> None:
    many = listed(pa.array(values * 4, pa.string()), "hashtags", len(values) * 4)
    alone = [listed(pa.array([v, "zz"]), "hashtags", 2).to_pylist()[0] for v in values]
    assert many.to_pylist() == alone * 4


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        (b"", 0),
        (b"a\nb\n", 2),
        (b"a\r\nb", 2),
        (b"a\rb\n", -1),
        (b'a\n"b\n', -1),
        (b'a\n"b"', 2),
        (b"\n\n", 2),
    ],
)
def test_looks_lines_of_a_table(tmp_path: Any, raw: bytes, lines: int) -> None:
    (tmp_path / "a.csv").write_bytes(raw)
    assert _lines(tmp_path / "a.csv") == lines


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=40), st.integers(0, 5))
def test_looks_all_ascii_is_true_of_nothing_else(values, cut):
    text = pa.array(values, pa.string()).slice(cut)
    assert all_ascii(text) == all(v is None or v.isascii() for v in values[cut:])
