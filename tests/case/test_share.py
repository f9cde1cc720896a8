"""What leaves the machine: no id, no handle, no searchable text; the evidence stays."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import case_worlds
import jsonschema
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.case import Case, pseudonymise
from klieg.case.export import SUFFIXES, document, export, schema
from klieg.case.keyring import local_key
from klieg.case.share import SHARED, is_shared
from klieg.case.templates import SLOT, defanged, host_of, template, without_links, words_in_use
from klieg.errors import StoreError
from klieg.tables import Breadth, JointAct, LookAlike

KEY = b"k" * 32
SECRET = [
    *(case_worlds.DORA, case_worlds.ALMA, case_worlds.BENO, case_worlds.CLEO),
    *("dora", "Dora", "bridge.jsonl", "abab", "utm_source", "example.org/petition"),
    *("old bridge", "must act", "take the ferry", "mayor", "img.example", "ff00", "family 1"),
    *("news.example", "مرحبا"),
]


def told(case: Case) -> str:
    """Everything a shared case can say, in one string."""
    parts = [repr(case.posts.table.to_pydict()), json.dumps(document(case), ensure_ascii=False)]
    parts += [repr(layer.actions.labels.to_pylist()) for layer in case.layers]
    parts += [repr(layer.actions.target_labels.to_pylist()) for layer in case.layers]
    parts += [repr(case.highlights), repr(case.impact), repr(case.run), repr(case.intake)]
    parts += [repr(case.posts.account_ids.to_pylist())]
    return "\n".join(parts)


def test_share_holds_nothing_that_identifies(case: Case) -> None:
    shared = told(pseudonymise(case, KEY))
    open_ = told(case)
    for secret in SECRET:
        assert secret in open_, f"{secret} is no test: it is not in the case"
        assert secret not in shared, secret
    ids = case.posts.table["post_id"].to_pylist()
    assert not set(ids) & set(pseudonymise(case, KEY).posts.table["post_id"].to_pylist())


def test_share_keeps_the_evidence(case: Case) -> None:
    shared = pseudonymise(case, KEY)
    a, b = case.findings[0], shared.findings[0]
    same = ("id", "class_", "band", "members", "posts", "start", "end", "observed", "expected")
    assert [getattr(a, n) for n in same] == [getattr(b, n) for n in same]
    for old, new in zip(case.layers, shared.layers, strict=True):
        assert new.scored is old.scored
        assert np.array_equal(new.actions.object, old.actions.object)
        assert len(set(new.actions.labels.to_pylist())) == new.actions.n_objects
    assert shared.posts.table["time"].equals(case.posts.table["time"])
    assert shared.posts.table.schema == case.posts.table.schema
    jsonschema.validate(document(shared), schema())


def test_share_one_thing_has_one_pseudonym_everywhere(case: Case) -> None:
    shared = pseudonymise(case, KEY)
    posts = shared.posts.table.to_pylist()
    original = posts[0]["post_id"]
    assert posts[1]["repost_of"] == original
    assert posts[1]["repost_of_account"] == posts[0]["account_id"]
    assert shared.posts.account_ids[0].as_py() == posts[0]["account_id"]
    reposts = shared.layers[1].actions
    assert reposts.labels[0].as_py() == original
    assert reposts.target_labels[0].as_py() == posts[0]["account_id"]
    found = shared.findings[0]
    assert found.joint_acts[1].object == original
    assert found.breadth is not None
    assert found.breadth.top_targets == (("example[.]org", 0.6), (posts[0]["account_id"], 0.4))
    assert shared.highlights[0].object == original


def test_share_says_that_it_is_unreviewed(case: Case, quiet: Case, tmp_path: Path) -> None:
    shared = pseudonymise(case, KEY)
    assert shared.notes[0] == SHARED
    assert "unreviewed" in SHARED
    assert is_shared(shared)
    assert not is_shared(case)
    for made in (case, quiet):
        for suffix in (s for s in SUFFIXES if s not in (".klieg", ".parquet")):
            path = tmp_path / f"a{suffix}"
            export(made, path, share=True)
            whole = path.read_text(encoding="utf-8")
            if made is case or suffix != ".csv":  # a table without rows says nothing
                assert "unreviewed" in whole.lower(), suffix
            assert case_worlds.ALMA not in whole
            assert "must act" not in whole


@pytest.mark.parametrize("table", ["edges", "posts", "impact", "power"])
def test_share_stamps_every_row(case: Case, tmp_path: Path, table: str) -> None:
    export(case, tmp_path / "a.csv", table=table, share=True)
    head, *rows = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert head.endswith(",review")
    assert all(row.endswith(",unreviewed") for row in rows)


def test_share_posts_behind_a_pair_are_asked_for_by_the_ids_of_the_input(
    case: Case, tmp_path: Path
) -> None:
    export(case, tmp_path / "a.csv", pair=(case_worlds.ALMA, case_worlds.BENO), share=True)
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 7
    assert case_worlds.ALMA not in text


def test_share_twice_is_share_once(case: Case) -> None:
    once = pseudonymise(case, KEY)
    assert pseudonymise(once, KEY) is once
    assert pseudonymise(once) is once


def test_share_depends_on_the_key_alone(case: Case) -> None:
    again = pseudonymise(case_worlds.small_case(), KEY)
    assert told(pseudonymise(case, KEY)) == told(again)
    other = pseudonymise(case, b"o" * 32)
    mine = set(again.posts.account_ids.to_pylist()) | set(again.posts.table["post_id"].to_pylist())
    theirs = set(other.posts.account_ids.to_pylist()) | set(
        other.posts.table["post_id"].to_pylist()
    )
    assert not mine & theirs
    assert told(other) != told(again)


def test_share_local_key_is_random_kept_and_private(
    case: Case, quiet: Case, keys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = local_key(case.posts)
    assert len(first) == 32
    assert local_key(quiet.posts) == first  # the same posts, whatever was found in them
    (file,) = keys.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = case_worlds.posts_of(
        [*case_worlds._TWELVE[:-1], (90000, "new", "post", None, None, "")]
    )
    assert local_key(other) != first
    monkeypatch.setenv("KLIEG_KEYS", str(tmp_path / "elsewhere"))
    assert local_key(case.posts) != first
    assert first.hex() not in told(pseudonymise(case, first))


def test_share_a_broken_key_is_an_error(case: Case, keys: Path) -> None:
    local_key(case.posts)
    (file,) = keys.iterdir()
    file.write_text("not hex")
    with pytest.raises(StoreError, match="KLIEG_KEYS"):
        pseudonymise(case)
    file.write_text("00")
    with pytest.raises(StoreError, match="32 bytes"):
        pseudonymise(case)


def test_share_no_key_stands_in_a_saved_case(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "a.klieg", share=True, key=KEY)
    content = (tmp_path / "a.klieg").read_bytes() + (tmp_path / "a.klieg.parquet").read_bytes()
    assert KEY not in content
    assert KEY.hex().encode() not in content


def test_share_sentences_lose_ids_handles_links_and_quotes(case: Case) -> None:
    found = replace(
        case.findings[0],
        sentence="2000000000000000002, alma_b and @dora posted https://example.org/petition?x=1.",
        counter_evidence=(
            "The strongest sources give 1000000000000000001 40% and example.org 60%.",
            "They all wrote “Sign for the bridge NOW, mayor must act” within 60 s.",
            "17 posts, 900 times, 3 accounts.",
        ),
        look_alike=LookAlike("one brand", "All link to https://example.org/petition and to -cleo."),
    )
    shared = pseudonymise(replace(case, findings=(found,)), KEY).findings[0]
    alma, beno, cleo, dora = (
        pseudonymise(case, KEY).posts.account_ids[i].as_py() for i in (1, 2, 3, 0)
    )
    assert shared.sentence == f"{alma}, {beno} and {SLOT} posted example[.]org."
    assert shared.counter_evidence[0] == (
        f"The strongest sources give {dora} 40% and example[.]org 60%."
    )
    assert shared.counter_evidence[1] == f"They all wrote “{SLOT}” within 60 s."
    assert shared.counter_evidence[2] == "17 posts, 900 times, 3 accounts."
    assert shared.look_alike is not None
    assert "petition" not in shared.look_alike.reason
    assert cleo in shared.look_alike.reason


def test_share_a_short_numeric_id_is_told_from_a_count(case: Case) -> None:
    posts = replace(case.posts, account_ids=pa.array(["17", "18", "19", "20"]))
    table = posts.table.set_column(
        2,
        case.posts.table.schema.field("account_id"),
        posts.account_ids.take(pa.array(posts.account)),
    )
    breadth = Breadth(1.0, 1.0, 1, 0.0, (("17", 0.6),))
    found = replace(
        case.findings[0], breadth=breadth, counter_evidence=("17 posts; sources give 17 60%.",)
    )
    shared = pseudonymise(replace(case, posts=replace(posts, table=table), findings=(found,)), KEY)
    who = shared.posts.account_ids[0].as_py()
    assert shared.findings[0].counter_evidence == (f"17 posts; sources give {who} 60%.",)


def test_share_labels_of_text_lose_their_words(case: Case) -> None:
    secret = "my very own words that nobody else used"
    layer = case.layers[0]
    named = replace(layer.actions, labels=pa.array([secret, "#only #mine"]))
    act = JointAct("link", secret, (7, 8), 2, 2, 0.1, 1.0)
    found = replace(case.findings[0], joint_acts=(act,), sentence=f"They posted {secret} twice.")
    mark = replace(case.highlights[5], object=secret, reason=f"The same text: {secret}")
    made = replace(
        case,
        layers=(replace(layer, actions=named), *case.layers[1:]),
        findings=(found,),
        highlights=(mark,),
    )
    shared = told(pseudonymise(made, KEY))
    for word in ("my very", "own words", "nobody", "mine"):
        assert word not in shared, word


def test_share_multiplex_labels_are_named_as_in_their_own_layer(case: Case) -> None:
    link, repost, both = case.layers
    named = replace(
        both.actions,
        labels=pa.array(
            [
                "repost: 900",
                f"link: {case_worlds.PETITION}",
                "repost: 904",
                "my own https://a.example/b",
            ]
        ),
        target_labels=pa.array(["@mayor"]),
    )
    made = replace(case, layers=(link, repost, replace(both, actions=named)))
    shared = pseudonymise(made, KEY)
    of_link, of_repost, of_both = (layer.actions.labels.to_pylist() for layer in shared.layers)
    assert of_both[:3] == [
        f"repost: {of_repost[0]}",
        f"link: {of_link[1]}",
        f"repost: {of_repost[1]}",
    ]
    assert of_both[3] == f"{SLOT} a[.]example ({of_both[3][-7:-1]})"
    handle = shared.posts.table["mentions"][7].as_py()[0]
    assert shared.layers[2].actions.target_labels.to_pylist() == [handle]


@settings(max_examples=25, deadline=None)
@given(strings=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6))
def test_share_of_any_strings_is_a_valid_case(strings: list[str]) -> None:
    hostile = case_worlds.hostile_case(strings)
    shared = pseudonymise(hostile, KEY)
    jsonschema.validate(document(shared), schema())
    assert shared.posts.table.schema == hostile.posts.table.schema
    old = hostile.posts.account_ids.to_pylist()
    new = shared.posts.account_ids.to_pylist()
    assert len(set(new)) == len(set(zip(hostile.posts.account_platforms.to_pylist(), old)))  # noqa: B905


# --- templates -----------------------------------------------------------------------------------


COMMON = {"the", "bridge", "is", "closed", "today", "#bridge", "now"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The bridge is closed today", "The bridge is {…} today"),
        ("The old bridge is new", "The {…} bridge is {…}"),
        ("call 555-1234 now", "{…} now"),
        ("@dora the bridge", "{…} the bridge"),
        ("＠dora", "{…}"),
        ("mail me@mine.org now", "{…} now"),
        ("is https://www.example.org/a?b=c#d now", "is example[.]org now"),
        ("see example.org/path now", "{…} now"),
        ("the.bridge is", "{…} is"),
        ("#bridge #mine", "#bridge {…}"),
        ("one, two; three", "{…}"),
        ("", ""),
        ("…!?", "…!?"),
    ],
)
def test_share_template_keeps_common_words_only(text: str, shown: str) -> None:
    assert template(text, COMMON) == shown


def test_share_a_word_is_common_from_five_accounts_on() -> None:
    texts = [("shared rare", [0, 1, 2, 3]), ("SHARED dora", [4]), ("Shared", [4])]
    assert words_in_use(texts, ()) == {"shared"}
    assert words_in_use([("dora", range(9))], ["dora"]) == set()
    assert words_in_use([("again", [1])] * 9, ()) == set()
    assert words_in_use([("me@mine.org mine.org 555 h3llo x.y", range(9))], ()) == set()


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["the", "bridge", "is", "x1", "rare", "@me", "https://a.example/q"]))
)
def test_share_template_shows_at_most_three_words_in_a_row(words: list[str]) -> None:
    shown = template(" ".join(words), COMMON).replace("a[.]example", SLOT)
    for run in shown.split(SLOT):
        assert len(run.split()) <= 3
    assert not {"x1", "rare", "@me"} & set(shown.split())


def test_share_links_become_domains() -> None:
    assert host_of("https://user:pw@www.Example.org:8080/a") == "example.org"
    assert host_of("example.org/a") == "example.org"
    assert defanged("http://a.b.example/x") == "a[.]b[.]example"
    assert defanged("://") == SLOT
    assert without_links("see https://a.example/x and @dora") == f"see a[.]example and {SLOT}"
