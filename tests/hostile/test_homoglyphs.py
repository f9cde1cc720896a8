"""Homoglyph and zero-width evasion: the normal form sees through it, the raw text is kept."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from klieg.text import diff_spans, evasion_marks, normalise

TEXT = "please vote against the new bridge on sunday because it costs us far too much"
ALIKE = {
    "cyrillic": dict(zip("aceopxyi", "асеорхуі", strict=True)),
    "greek": dict(zip("aopvuik", "αορνυικ", strict=True)),
    "full-width": {c: chr(ord(c) + 0xFEE0) for c in "abcdefghijklmnopqrstuvwxyz"},
    "mathematical": {c: chr(ord(c) - ord("a") + 0x1D41A) for c in "abcdefghijklmnopqrstuvwxyz"},
    "small capitals": dict(zip("abcdeghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ", strict=True)),
}
INVISIBLE = "\u200b\u2060\u200c\u200d\u00ad\ufeff\u202e\u2066\u200e"


def normal(text: str) -> str:
    return normalise(pa.array([text]))[0].as_py()


@given(st.sampled_from(sorted(ALIKE)), st.sets(st.integers(0, len(TEXT) - 1)))
def test_homoglyphs_of_one_alphabet_change_nothing(alphabet: str, places: set[int]) -> None:
    swap = ALIKE[alphabet]
    evaded = "".join(swap.get(c, c) if i in places else c for i, c in enumerate(TEXT))
    assert normal(evaded) == normal(TEXT)
    foreign = sum(c not in TEXT for c in evaded) if alphabet in {"cyrillic", "greek"} else 0
    assert evasion_marks(pa.array([evaded])).tolist() == [foreign]


@given(st.lists(st.tuples(st.integers(0, len(TEXT)), st.sampled_from(INVISIBLE)), max_size=20))
def test_homoglyphs_invisible_characters_change_nothing(marks: list[tuple[int, str]]) -> None:
    evaded = TEXT
    for at, mark in marks:
        evaded = evaded[:at] + mark + evaded[at:]
    assert normal(evaded) == normal(TEXT)
    assert bool(evasion_marks(pa.array([evaded]))[0]) >= any(
        m in "\u200b\u2060\u202e" for _, m in marks
    )


def test_homoglyphs_the_highlight_is_of_the_raw_text() -> None:
    evaded = "So: " + TEXT.replace("o", "о").replace(" ", " \u200b")
    spans = diff_spans(evaded, TEXT)
    assert len(spans) == 1
    start, end = spans[0]
    assert evaded[start:end] == evaded[4:]


@given(st.text(st.sampled_from("абвгдежзиклмнопрстуфхцчшщыьэюя "), min_size=1))
def test_homoglyphs_honest_russian_is_left_alone(text: str) -> None:
    spoken = "это " + text
    assert set(normal(spoken)) <= set("абвгдежзиклмнопрстуфхцчшщыьэюя ")
    assert evasion_marks(pa.array([spoken])).tolist() == [0]
