"""Copies: exact, near, edited; evasions; what is no copy; and form letters that really went out."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.signals.wording import text_families
from klieg.sockets import Engine, Signal, factory, make
from klieg.tables import Actions, Posts
from klieg.text import normalise

from .worlds import posts_of, row, table_of

TEXT = "Vote for the green bridge on Sunday because our town needs it more than ever before"
EDITED = "Vote for the green bridge on Monday because our town needs it more than ever again"
OTHER = "The weather in the north stays rainy and cold until the end of next week they say"


@pytest.fixture(scope="module")
def engine() -> Engine:
    made: Engine = make("engines", "cpu", Config())
    return made


@pytest.fixture(scope="module")
def copies(engine: Engine) -> Signal:
    made: Signal = factory("signals", "copies")(Config(), engine=engine)
    return made


def said(copies: Signal, texts: list[str | None], **columns: object) -> list[tuple[int, int]]:
    posts = posts_of(row(f"a{i}", i, text=t, **columns) for i, t in enumerate(texts))
    actions = copies.actions(posts)
    return list(zip(actions.post.tolist(), actions.object.tolist(), strict=True))


def test_wording_of_no_posts_is_empty(copies: Signal) -> None:
    assert copies.actions(posts_of([])).n == 0
    assert said(copies, [None, None]) == []


def test_wording_examples_show_the_trace(copies: Signal) -> None:
    actions = copies.actions(posts_of(copies.examples()[0]))
    assert actions.n == 3 and actions.n_objects == 1 and (actions.target == -1).all()


def test_wording_exact_near_and_edited_texts_are_one_family(copies: Signal) -> None:
    near = TEXT.replace("Sunday", "Sundays")
    assert said(copies, [TEXT, OTHER, near, EDITED]) == [(0, 0), (1, 1), (2, 0), (3, 0)]


@pytest.mark.parametrize(
    "spelled",
    [
        TEXT.upper(),
        "  " + TEXT.replace(" ", "   ") + "!!!",
        TEXT.replace("o", "о").replace("e", "е"),  # Cyrillic look-alikes
        TEXT.replace("o", "ο"),  # Greek
        "\u200b".join(TEXT),
        "\u202d" + TEXT + "\u202c",
        TEXT.replace("Vote", "Ｖｏｔｅ"),
        TEXT + " https://t.co/aBc",
    ],
    ids=["case", "spaces", "cyrillic", "greek", "zero-width", "bidi", "full-width", "link"],
)
def test_wording_evasions_change_nothing(copies: Signal, spelled: str) -> None:
    assert said(copies, [TEXT, spelled, OTHER]) == [(0, 0), (1, 0), (2, 1)]


def test_wording_short_texts_are_exact_copies_only(copies: Signal) -> None:
    texts = ["Thank you so much", "thank  YOU so much", "thank you so muchh"]
    assert said(copies, texts) == [(0, 0), (1, 0), (2, 1)]


def test_wording_texts_that_say_nothing_are_no_copies(copies: Signal) -> None:
    assert (
        said(copies, ["https://t.co/1", "https://t.co/2", "@a @b", "#One #Two", "12", "😂"]) == []
    )


def test_wording_reposts_are_no_copies(copies: Signal) -> None:
    assert said(copies, [TEXT, TEXT], kind="repost", repost_of="p") == []
    assert said(copies, ["RT @bob: " + TEXT, TEXT]) == [(1, 0)]


def test_wording_keeps_an_account_once_a_family(copies: Signal) -> None:
    posts = posts_of(
        [row("a", 1, text=TEXT), row("a", 90_000, text=EDITED), row("b", 2, text=TEXT)]
    )
    assert copies.actions(posts).post.tolist() == [0, 1]


def test_wording_labels_are_readable(copies: Signal) -> None:
    long = "First\nline, then " + "a rather long story " * 20
    posts = posts_of([row("a", 1, text="Ｈello\n there"), row("b", 2, text=long)])
    labels = copies.actions(posts).labels.to_pylist()
    assert labels[0] == "Ｈello there"
    assert len(labels[1]) == 120 and labels[1].endswith("…") and "\n" not in labels[1]


def test_wording_does_not_chain(copies: Signal, engine: Engine) -> None:
    """Each text shares half its words with the next, the ends share none."""
    words = [f"{a}{b}" for a in ("red", "tall", "old", "green", "wild") for b in "abcdefghij"]
    texts = [" ".join(words[i : i + 18]) for i in range(0, 32, 4)]
    family = text_families(normalise(pa.array(texts)), Config(), engine)
    assert len(set(family.tolist())) > 1
    assert max(np.bincount(family)) <= 3


def test_wording_ready_made_families_come_first(copies: Signal) -> None:
    ready = [{"trace": "copies", "id": "letter 7"}]
    posts = posts_of([row("a", 1, text=TEXT, objects=ready), row("b", 2, text=TEXT)])
    actions = copies.actions(posts)
    assert actions.labels.to_pylist() == ["letter 7", TEXT]


def same(left: Actions, right: Actions, shift: int = 0) -> bool:
    return (
        all((getattr(left, f) == getattr(right, f)).all() for f in ("account", "object", "post"))
        and (left.time + shift == right.time).all()
        and left.labels.equals(right.labels)
    )


WORDS = st.lists(st.sampled_from(TEXT.split() + OTHER.split()), min_size=5, max_size=14)
WORLD = st.lists(st.tuples(st.integers(0, 4), WORDS.map(" ".join)), min_size=1, max_size=10)


@settings(max_examples=40, deadline=None)
@given(WORLD, st.randoms(use_true_random=False), st.integers(-9, 9))
def test_wording_does_not_depend_on_order_names_or_week(  # type: ignore[no-untyped-def]
    engine: Engine, rows, chance: random.Random, weeks: int
) -> None:
    copies = factory("signals", "copies")(Config(), engine=engine)
    shift = weeks * 7 * 86_400

    def posts(name: str, seconds: int) -> list[dict[str, object]]:
        return [
            row(f"{name}{a}", i + seconds, post_id=f"{i:02}", text=t)
            for i, (a, t) in enumerate(rows)
        ]

    other = posts("z", shift)
    chance.shuffle(other)
    left, right = copies.actions(posts_of(posts("a", 0))), copies.actions(posts_of(other))
    assert same(left, right, shift * 1_000_000)


def texts_as_posts(texts: pa.ChunkedArray, accounts: pa.ChunkedArray, kind: object = None) -> Posts:
    n = len(texts)
    return posts_of(
        table_of(
            {
                "platform": ["x"] * n,
                "post_id": [f"{i:07}" for i in range(n)],
                "account_id": accounts,
                "time": pa.array(np.arange(n) * 1_000_000).cast(pa.timestamp("us", tz="UTC")),
                "text": texts,
                "kind": ["post"] * n if kind is None else kind,
            }
        )
    )


def test_wording_form_letters_are_families(data: Path, copies: Signal) -> None:
    """The published clustering of these letters comes back, but for the mail-merged ones.

    Letters 14 and 15 were mixed anew for every sender from interchangeable phrases: copies of
    nothing, and nobody's copies.
    """
    frame = pq.read_table(data / "fcc_comments_sample.parquet")
    actions = copies.actions(texts_as_posts(frame["text_data"], frame["docid"]))
    size = np.bincount(actions.object)
    many = pc.cast(frame["dupe_count"], pa.int64()).to_numpy()[actions.post]
    letter = frame["level_0"].to_numpy(zero_copy_only=False)[actions.post]
    for name, least in (("0", 0.95), ("2", 1.0), ("3", 1.0), ("6", 1.0)):
        families = np.bincount(actions.object[letter == name])
        assert families.max() >= least * (letter == name).sum(), name
    assert (size[actions.object[many >= 98]] > 1).all()
    assert (size[actions.object[letter == "14"]] == 1).all()
    assert (size[actions.object[letter == "-1"]] > 1).mean() < 0.06


def test_wording_ordinary_traffic_has_few_families(data: Path, copies: Signal) -> None:
    frame = pq.read_table(data / "mix_airline_2015.parquet")
    kind = pc.if_else(frame["is_retweet"], "repost", "post")
    actions = copies.actions(texts_as_posts(frame["text"], frame["account"], kind))
    assert actions.n > 0.97 * frame.num_rows
    size = np.bincount(actions.object)
    assert (size[actions.object] > 1).mean() < 0.05
