"""Texts as the toolkit compares them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.parity.wording import clean, tokens

from . import tools


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "hello"),
        (
            "The quick brown fox jumped over the lazy dog.",
            ". brown dog fox jumped lazy over quick the",
        ),
        ("", ""),
        ("  \t\n", ""),
        ("@you @me", ""),
        ("'orange' don't", "don't orange"),
        ("1,000 3.5 a.b", "1,000 3.5 a.b"),
        ("漢字 カタカナ", "カタカナ 字 漢"),
    ],
)
def test_wording_tokens(text, words):
    assert " ".join(sorted(tokens(text))) == words


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("@x @y Vote  NOW\nfor change!", "vote now for change!"),
        ("@only @mentions", ""),
        ("mail me@home.org now", "mail me now"),
        ("İ ß", "i̇ ß"),
    ],
)
def test_wording_clean(text, form):
    assert clean(text) == form


@given(st.text(max_size=30))
def test_wording_is_that_of_the_semantics(text):
    assert clean(text) == tools.clean(text)
    assert tokens(text) == tools.words(text)


@given(st.text(max_size=30))
def test_wording_knows_no_case_and_no_space(text):
    assert clean(clean(text)) == clean(text)
    assert all(token == token.strip() and token for token in tokens(text))
