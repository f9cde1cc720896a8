"""URLs, hashtags, mentions and repost prefixes found in texts."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.entities import (
    extract_hashtags,
    extract_mentions,
    extract_urls,
    leading_mentions,
    split_repost,
)

TEXT = "@a .@b_1 hello @c.example #X #12 #Ёж #日本 see http://t.co/ab. (www.foo.com/x), a@b.c &#39;"


def test_entities_of_one_text() -> None:
    array = pa.array([TEXT, None, ""])
    assert extract_urls(array).to_pylist() == [["http://t.co/ab", "www.foo.com/x"], [], []]
    assert extract_hashtags(array).to_pylist() == [["X", "Ёж", "日本"], [], []]
    assert extract_mentions(array).to_pylist() == [["a", "b_1", "c.example"], [], []]


def test_entities_inside_urls_are_none() -> None:
    array = pa.array(["https://a.example/@user/#tag?x=@y #real @me"])
    assert extract_hashtags(array).to_pylist() == [["real"]]
    assert extract_mentions(array).to_pylist() == [["me"]]


def test_entities_bare_short_links_count() -> None:
    array = pa.array(["look t.co/AbC and pic.twitter.com/x, not at.co/x"])
    assert extract_urls(array).to_pylist() == [["t.co/AbC", "pic.twitter.com/x"]]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("@a @b hello @c", 2),
        (".@a hi", 1),
        ("hi @a", 0),
        ("@a", 1),
        ("@a, @b hi", 1),
        ("@a x @b", 1),
        ("", 0),
        (None, 0),
    ],
)
def test_entities_leading_mentions(text: str | None, count: int) -> None:
    array = pa.array(["@x @y @z", text, "no"], pa.string())
    assert leading_mentions(array).tolist() == [3, count, 0]


@pytest.mark.parametrize(
    ("text", "rest", "author"),
    [
        ("RT @Bob_1: hello", "hello", "Bob_1"),
        ("RT @bob hello", "hello", "bob"),
        ("RT @a: RT @b: hello", "hello", "b"),
        ("  rt @a.example: hi RT @c: x", "hi RT @c: x", "a.example"),
        ("hello RT @a: x", "hello RT @a: x", None),
        (None, None, None),
    ],
)
def test_entities_split_repost(text: str | None, rest: str | None, author: str | None) -> None:
    left, who = split_repost(pa.array([text], pa.string()))
    assert left.to_pylist() == [rest]
    assert who.to_pylist() == [author]


pieces = st.lists(
    st.sampled_from(["@a", "#tag", "http://t.co/x", "word", " ", ".", "漢", "#1", "RT @q:", "\n"]),
    max_size=12,
).map("".join)


@given(st.lists(pieces | st.none(), max_size=6))
def test_entities_see_each_text_alone(values: list[str | None]) -> None:
    array = pa.array(values, pa.string())
    for extract in (extract_urls, extract_hashtags, extract_mentions):
        alone = [extract(pa.array([v], pa.string())).to_pylist()[0] for v in values]
        assert extract(array).to_pylist() == alone
    assert leading_mentions(array).tolist() == [
        leading_mentions(pa.array([v], pa.string()))[0] for v in values
    ]


@given(pieces)
def test_entities_are_pieces_of_the_text(value: str) -> None:
    array = pa.array([value])
    for extract, mark in ((extract_urls, ""), (extract_hashtags, "#"), (extract_mentions, "@")):
        assert all(mark + found in value for found in extract(array).to_pylist()[0])
