"""Pictures and the report: whole, escaped, stamped, and quiet on the network."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from case_worlds import hostile_case
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.case import Case
from klieg.case.export import html
from klieg.case.export.pictures import controls, copies, svg
from klieg.case.retests import lines
from klieg.tables import Controls, Retest

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "]]><svg onload=alert(1)>",
    "{{ 7*7 }} {% raw %}",
    "\u202egnp.exe\u202c \u200b zero",
    "https://evil.example/?a=1&b=2",
    "\x1b[31mred\x07",
]
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Shape(HTMLParser):
    """Tags and attributes as a browser would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def shape_of(page: str) -> Shape:
    shape = Shape()
    shape.feed(page)
    return shape


def pictures_of(page: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", page, re.S)


def test_report_makes_no_request(case: Case) -> None:
    shape = shape_of(html.render(case))
    assert not {"script", "img", "iframe", "link", "object", "embed"} & set(shape.tags)
    for name, value in shape.attributes:
        assert name not in {"src", "srcset", "action", "background"}
        if name == "href":
            assert value and value.startswith("#")
        assert not name.startswith("on")
    assert "url(" not in html.render(case)
    assert "@import" not in html.render(case)


def test_report_has_pictures_with_caveat_and_stamp_inside(case: Case) -> None:
    pictures = pictures_of(html.render(case))
    assert len(pictures) >= 4
    for picture in pictures:
        root = ET.fromstring(picture)
        words = " ".join(t for t in root.itertext())
        assert "UNREVIEWED" in words
        assert root.find("{http://www.w3.org/2000/svg}desc") is not None


def test_report_without_a_finding_says_what_was_looked_at(quiet: Case) -> None:
    page = html.render(quiet)
    assert "What was looked at" in page
    assert "smallest campaign" in page
    assert "Methods" in page
    assert "Nothing stands beyond what chance explains" in page


def test_report_shows_counter_evidence_of_each_finding(case: Case) -> None:
    page = html.render(case)
    for finding in case.findings:
        assert finding.counter_evidence
        for sentence in finding.counter_evidence:
            assert sentence in page


def test_report_is_the_same_bytes_twice(case: Case) -> None:
    assert html.render(case) == html.render(case)


@pytest.mark.parametrize("text", HOSTILE)
def test_report_treats_posts_as_text(text: str) -> None:
    page = html.render(hostile_case([text]))
    shape = shape_of(page)
    assert "script" not in shape.tags
    assert "img" not in shape.tags
    assert not any(name.startswith("on") for name, _ in shape.attributes)
    assert "\x1b" not in page
    assert "\u202e" not in page
    if "7*7" in text:
        assert "{{ 7*7 }}" in page, "a template inside a post is text, not a template"
    for picture in pictures_of(page):
        ET.fromstring(picture)


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_pictures_stay_well_formed_whatever_a_post_says(text: str) -> None:
    ET.fromstring(str(svg.frame(200, 50, text, text, [text], [svg.text(0, 0, text)], name="n")))


def test_shared_report_holds_no_id_of_the_input(case: Case) -> None:
    page = html.render(case, share=True)
    for account in case.posts.account_ids.to_pylist():
        assert account not in page
    assert "pseudonymised" in page


def test_report_of_many_findings_stays_finite(case: Case) -> None:
    many = replace(
        case,
        findings=tuple(
            replace(case.findings[0], id=f"f-{i:012x}") for i in range(html.IN_FULL + 7)
        ),
    )
    page = html.render(many)
    assert page.count('<section class="finding"') == html.IN_FULL
    assert f"f-{html.IN_FULL + 6:012x}" in page


def test_copies_template_finds_the_slots() -> None:
    found = copies.template(
        [
            "I am a nurse from Ohio today",
            "I am a teacher from Utah today",
            "I am a cook from Ohio today",
        ]
    )
    assert str(found) == "I am a {nurse} from {Ohio} today"
    assert found.slots == (("nurse", "teacher", "cook"), ("Ohio", "Utah"))


def test_copies_template_of_equal_texts_has_no_slot() -> None:
    assert str(copies.template(["same words here"] * 3)) == "same words here"


def test_copies_template_survives_nothing_in_common() -> None:
    found = copies.template(["a b c", "x y z"])
    assert found.parts == (None,)


@given(st.lists(st.text("ab c", max_size=12), min_size=1, max_size=5))
def test_copies_template_parts_stand_in_every_variant(texts: list[str]) -> None:
    shared = [p for p in copies.template(texts).parts if p is not None]
    for text in texts:
        words = iter(text.split())
        assert all(any(w == s for w in words) for s in shared)


def test_svg_visible_spells_out_marks() -> None:
    assert svg.visible("a\u202eb\u200bc") == "a⟨U+202E⟩b⟨U+200B⟩c"


def test_svg_time_ticks_are_round_and_inside() -> None:
    day = 86_400_000_000
    ticks = svg.time_ticks(day // 2, 9 * day)
    assert 2 <= len(ticks) <= 8
    assert all(day // 2 <= t <= 9 * day and t % day == 0 for t, _ in ticks)


def test_pictures_controls_set_the_group_beside_every_set(case: Case) -> None:
    found = case.findings[0].controls
    assert found is not None
    drawn = str(controls.draw(found, (), name="c", class_="coordinated"))
    ET.fromstring(drawn)
    assert drawn.count("v12") == 3 + 2 + 2  # a tick a value, equal ones once
    assert all(label in drawn for label in ("net, nats", "joint acts", "clock, × usual"))
    assert ">−8<" in drawn or ">−9<" in drawn  # the highest set, beside its ticks
    untimed = replace(found, event=0.0, events=())
    assert "clock" not in str(controls.draw(untimed, (), name="c", class_="coordinated"))
    assert controls.draw(replace(found, nets=()), (), name="c", class_="coordinated") is None


@given(
    nets=st.lists(st.floats(-900, 900), min_size=1, max_size=12),
    net=st.floats(-900, 2000),
    joint=st.integers(0, 10**6),
)
@settings(max_examples=40)
def test_pictures_controls_stay_inside_the_frame(nets: list[float], net: float, joint: int) -> None:
    found = Controls(("pool",), net, tuple(sorted(nets)), joint, (0,) * len(nets), 2.0, (0.0,))
    drawn = ET.fromstring(str(controls.draw(found, (), name="c", class_="suggestive")))
    for number in drawn.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(number.attrib["x"]) <= controls.WIDTH


def test_report_says_what_a_finding_survives(case: Case) -> None:
    page = html.render(case)
    card = page[page.index('<section class="finding"') :]
    assert "Beside comparable accounts" in card
    assert card.count('class="on"') == 3
    assert "1 of 2 draws" in card
    assert case.findings[0].survived[0] in card
    bare = replace(
        case,
        findings=tuple(replace(f, controls=None, retests=(), survived=()) for f in case.findings),
    )
    assert "What it survives" not in html.render(bare)


def test_retests_are_told_in_words(case: Case) -> None:
    told = {line.squares[0].what: line.words for line in lines(case.findings[0])}
    assert told == {"window": "all but 10 s", "chance": "2×", "fewer acts": "1 of 2 draws"}
    changed = replace(case.findings[0], retests=(Retest("half", "first half", False),))
    assert [line.words for line in lines(changed)] == ["none"]
