"""Normal form, tokens, shingles, spans and safe terms."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg import text
from klieg.text import (
    diff_spans,
    evasion_marks,
    folded,
    has_words,
    normalise,
    safe_term,
    script_of,
    shingle_codes,
    token_counts,
    tokens,
)

# letters, digits and the characters that rules look for, so that they meet often
ALPHABET = "abSß ЖоОрΩ019#@/:.-_’…\t\n漢あกà\u0301\u200b\u200d\u202e\ufe0fﬁ½Ａ\x1e\x00😀&"
messy = st.text(st.sampled_from(ALPHABET), max_size=40) | st.text(max_size=40)
plain = st.text(st.sampled_from("abc de fg hij."), max_size=60)


def one(value: str) -> str:
    return normalise(pa.array([value]))[0].as_py()


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("Hello,   WORLD!!!", "hello, world!"),
        ("see https://www.Example.com/a?b=1 now", "see /example.com now"),
        ("see http://user.example.com:80 now", "see /user.example.com now"),
        ("www.example.com/x", "/example.com"),
        ("t.co/AbC and pic.twitter.com/x", "/t.co and /pic.twitter.com"),
        ("nt.co/AbC", "nt.co/abc"),
        ("http://a.example/?u=http://b.example/x end", "/a.example end"),
        ("http://4chan.example/1", "/4chan.example"),
        ("@Bob @al_ice: hi @x@host.example!", "@ @: hi @!"),
        ("me@example.com", "me@example.com"),
        ("1,234 of 2024", "#,# of #"),
        ("sooooo cool 😂😂😂", "soo cool 😂"),
        ("Straße ﬁne ｆｕｌｌ", "strasse fine full"),
        ("te\u0301st", "tést"),
        ("ᴛʜᴇ ɡreat", "the great"),
        ("  a\tb\n c  ", "a b c"),
        ("", ""),
        ("\u200b", ""),
        ("ＨＴＴＰ：／／ｅｘａｍｐｌｅ．ｃｏｍ／ｘ", "/example.com"),
    ],
)
def test_text_normalise(raw: str, normal: str) -> None:
    assert one(raw) == normal


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("Vоte fоr сhange", "vote for change"),  # Cyrillic о, с inside Latin words
        ("а vote", "a vote"),  # a word of look-alikes alone in a Latin text
        ("пpивет мoре", "привет море"),  # Latin p, o inside Russian words
        ("сор это сop", "сор это сор"),  # either is possible: the text is Russian
        ("αpple", "apple"),
        ("привет сор", "привет сор"),  # honest Russian stays
        ("Σοφία και αγάπη", "σοφία και αγάπη"),  # honest Greek stays
        ("IT-компания", "it-компания"),  # scripts that meet at a hyphen do not mix in a word
    ],
)
def test_text_normalise_exchanges_look_alikes_only_where_scripts_mix(raw: str, normal: str) -> None:
    assert one(raw) == normal


def test_text_normalise_keeps_nulls_and_shape() -> None:
    array = pa.chunked_array([["A", None], [], ["", "B"]], pa.string())
    assert normalise(array).to_pylist() == ["a", None, "", "b"]
    assert normalise(pa.array([], pa.string())).to_pylist() == []
    assert normalise(pa.chunked_array([], pa.string())).to_pylist() == []
    assert normalise(pa.array(["A"], pa.large_string())).to_pylist() == ["a"]


@given(st.lists(messy | st.none(), max_size=8))
def test_text_normalise_sees_each_text_alone(values: list[str | None]) -> None:
    together = normalise(pa.array(values, pa.string())).to_pylist()
    assert together == [None if v is None else one(v) for v in values]


def test_text_normalise_is_the_same_across_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    values = pa.array([f"Text {i} ﬁ @you http://a.example/{i}" for i in range(50)] + ["x" * 500])
    whole = normalise(values)
    monkeypatch.setattr("klieg.points._SLICE", 64)
    assert normalise(values).equals(whole)
    assert normalise(values, threads=3).equals(whole)


@given(messy, st.integers(0, 40), st.sampled_from("\u200b\u2060\u00ad\u202e\u2066\ufe0f"))
def test_text_normalise_is_blind_to_invisible_characters(raw: str, at: int, mark: str) -> None:
    assert one(raw[:at] + mark + raw[at:]) == one(raw)


@given(messy)
def test_text_normalise_leaves_no_invisible_no_digit_no_run(raw: str) -> None:
    normal = one(raw)
    assert normal == normal.strip(" ")
    assert "  " not in normal and "##" not in normal and "\x1e" not in normal
    assert unicodedata.is_normalized("NFKC", normal.replace("#", "")) or "#" in normal
    assert not set("\u200b\u202e\ufe0f") & set(normal)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_text_normalise_composes_like_unicode(raw: str) -> None:
    """On letters alone the stretch-wise NFKC equals the whole one."""
    from klieg.normal import compose
    from klieg.points import decode, encode

    kept = "".join(c for c in raw if not _hidden(c) and c != "\x1e")
    composed, _ = compose(encode(kept + "\x1e"))
    assert decode(composed) == unicodedata.normalize("NFKC", kept) + "\x1e"


def _hidden(c: str) -> bool:
    from klieg.confusables import invisible

    return bool(invisible()[ord(c)])


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        ("vote", 0),
        ("v\u200bo\u200bte", 2),
        ("v\u200dote", 1),  # a joiner between Latin letters joins nothing
        ("👩\u200d👩\u200d👧 ok \u2764\ufe0f", 0),  # emoji sequences need theirs
        ("می\u200cخواهم", 0),  # Persian needs its non-joiner
        ("\u202evote", 1),
        ("שלום \u200fok", 0),  # a direction mark in a right-to-left text
        ("Vоte fоr", 2),
        ("привет", 0),
        (None, 0),
    ],
)
def test_text_evasion_marks(raw: str | None, count: int) -> None:
    assert evasion_marks(pa.array([raw], pa.string())).tolist() == [count]


@given(plain, st.lists(st.integers(0, 60), max_size=5))
def test_text_evasion_marks_counts_every_zero_width_space(raw: str, places: list[int]) -> None:
    for at in places:
        raw = raw[:at] + "\u200b" + raw[at:]
    assert evasion_marks(pa.array(["x", raw, "y"])).tolist() == [0, len(places), 0]


def test_text_tokens() -> None:
    normal = normalise(
        pa.array(["Hello, @Bob: it's 2,000 at http://a.b-c.example/x!", None, "漢字 ok", "..."])
    )
    assert tokens(normal).to_pylist() == [
        ["hello", "@", "it's", "#", "#", "at", "a.b-c.example"],
        [],
        ["漢", "字", "ok"],
        [],
    ]
    assert token_counts(normal).tolist() == [7, 0, 3, 0]
    many = pa.concat_arrays([normal] * 40_000)
    assert token_counts(many, threads=3).tolist() == [7, 0, 3, 0] * 40_000


def test_text_has_words() -> None:
    normal = normalise(
        pa.array(["http://a.example/x", "@a @b", "12 34", "#One #Two", "😂", "ok", "漢", None])
    )
    assert has_words(normal).to_pylist() == [False] * 5 + [True, True, None]


def grams(value: str, n: int) -> set[str]:
    return {value[i : i + n] for i in range(len(value) - n + 1)}


@given(st.lists(messy, min_size=1, max_size=6), st.integers(1, 5))
def test_text_shingle_codes_of_characters_are_sets(values: list[str], n: int) -> None:
    normal = normalise(pa.array(values))
    starts, codes = shingle_codes(normal, n)
    sets = [codes[a:b] for a, b in pairwise(starts)]
    truth = [grams(v, n) for v in normal.to_pylist()]
    assert [len(s) for s in sets] == [len(t) for t in truth]
    assert all((np.diff(s.astype(np.int64)) > 0).all() for s in sets)
    assert len(np.intersect1d(sets[0], sets[-1])) == len(truth[0] & truth[-1])


@given(st.lists(messy, min_size=1, max_size=6), st.integers(1, 3))
def test_text_shingle_codes_of_words_are_sets(values: list[str], n: int) -> None:
    normal = normalise(pa.array(values))
    starts, codes = shingle_codes(normal, n, "word")
    words = tokens(normal).to_pylist()
    truth = [{tuple(w[i : i + n]) for i in range(len(w) - n + 1)} for w in words]
    assert np.diff(starts).tolist() == [len(t) for t in truth]
    first, last = codes[starts[0] : starts[1]], codes[starts[-2] : starts[-1]]
    assert len(np.intersect1d(first, last)) == len(truth[0] & truth[-1])


def test_text_shingle_codes_do_not_depend_on_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    values = pa.array([f"some text number {'abcdefghij'[i % 10]} here" for i in range(40)])
    whole = shingle_codes(values), shingle_codes(values, 2, "word")
    monkeypatch.setattr("klieg.points._SLICE", 50)
    for kind, n in (("char", 3), ("word", 2)):
        starts, codes = shingle_codes(values, n, kind, threads=2)
        expected = whole[kind == "word"]
        assert (starts == expected[0]).all() and (codes == expected[1]).all()


def test_text_script_of() -> None:
    values = ["hello мир", "привет ok", "漢字", "12 !", None, "مرحبا", "héllo"]
    assert script_of(pa.array(values)).to_pylist() == [
        "Latin",
        "Cyrillic",
        "Han",
        None,
        None,
        "Arabic",
        "Latin",
    ]
    assert script_of(pa.array([], pa.string())).to_pylist() == []


def test_text_diff_spans_find_shared_wording_in_the_raw_text() -> None:
    a = "Well: Vоte  for 12 green parties NOW http://a.example/1 folks"
    b = "vote for 13 GREEN parties now! http://a.example/2"
    spans = diff_spans(a, b)
    assert [a[s:e] for s, e in spans] == ["Vоte  for 12 green parties NOW", "http://a.example/1"]


def test_text_diff_spans_of_long_hostile_texts_end_soon() -> None:
    spans = diff_spans("ab" * 500_000, "ba" * 500_000)
    assert spans and spans[-1][1] <= 4_000


def test_text_folded_keeps_digits_and_names() -> None:
    tags = pa.array(["COVID19", "Ｃovid19", "сovid19", "Straße", None])
    assert folded(tags).to_pylist() == ["covid19", "covid19", "covid19", "strasse", None]


def test_text_diff_spans_of_unlike_texts_are_empty() -> None:
    assert diff_spans("abcdefg", "hijklmn") == []
    assert diff_spans("", "abc") == []
    assert diff_spans("abc", "") == []


@given(messy, messy)
def test_text_diff_spans_lie_inside_and_apart(a: str, b: str) -> None:
    spans = diff_spans(a, b)
    assert all(0 <= s < e <= len(a) for s, e in spans)
    assert all(left[1] < right[0] for left, right in pairwise(spans))
    if one(a) and a.strip() == a and len(one(a)) >= 4:
        assert diff_spans(a, a)


@given(st.text())
def test_text_safe_term_prints_no_control(raw: str) -> None:
    safe = safe_term(raw)
    assert all(
        unicodedata.category(c) not in {"Cc", "Zl", "Zp"} and c not in "\u202e\u2066\u200b"
        for c in safe
    )
    safe.encode("utf-8")
    assert safe_term(safe) == safe


def test_text_safe_term_flattens_zalgo() -> None:
    pile = "\u0301\u0302\u0303"
    assert safe_term("a" + pile + "b" + pile * 20 + "c") == "a" + pile + "b" + pile + "…c"


def test_text_safe_term_shows_what_it_hides() -> None:
    assert safe_term("plain täxt 漢 😀 👩\u200d👧") == "plain täxt 漢 😀 👩\u200d👧"
    assert safe_term("\x1b[31mred\x7f\x9b\u202e\n") == "\\x1b[31mred\\x7f\\x9b\\u202e\\x0a"


@given(messy)
def test_text_normal_form_is_stable(raw: str) -> None:
    """What is compared does not drift: a second pass settles within one more step."""
    twice = one(one(raw))
    assert one(twice) == one(one(twice))


def test_text_names_are_public() -> None:
    assert sorted(text.__all__) == list(text.__all__)
