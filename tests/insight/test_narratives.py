"""Narratives: distinctive terms and exemplar posts, nothing more."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from klieg.insight import narratives
from klieg.tables import POSTS, Finding, Posts


def finding(posts: tuple[int, ...]) -> Finding:
    """A finding of which only the posts matter here."""
    nothing = ((), None, None, (), {}, "", (), {})
    counts = (0, 1, 60, 2, 0.1, 0.001, 10.0, 2.0)
    return Finding("f-1", "coordinated", "", "likely", None, (), (), posts, *counts, *nothing)


def posts_of(texts: list[str | None]) -> Posts:
    n = len(texts)
    columns = {f.name: pa.nulls(n, f.type) for f in POSTS}
    columns["text"] = pa.array(texts, pa.string())
    return Posts(
        pa.table(columns),
        np.arange(n, dtype=np.int32),
        np.arange(n, dtype=np.int64),
        pa.array([f"a{i}" for i in range(n)]),
        pa.array(["x"] * n),
        0,
    )


WEATHER = [f"the weather in town {i} is fine today" for i in range(40)]
BRIDGE = ["close the bridge today", "the bridge must close", "bridge petition, close it"]


def test_narratives_find_what_sets_the_posts_apart() -> None:
    posts = posts_of([*WEATHER, *BRIDGE])
    found = narratives.of_finding(finding((40, 41, 42)), posts, narratives.background(posts))
    assert found is not None
    assert set(found.terms[:2]) == {"bridge", "close"}
    assert "the" not in found.terms
    assert set(found.exemplars) == {40, 41, 42}


def test_narratives_show_one_exemplar_a_wording() -> None:
    posts = posts_of([*WEATHER, BRIDGE[0], BRIDGE[0], BRIDGE[0]])
    found = narratives.of_finding(finding((40, 41, 42)), posts, narratives.background(posts))
    assert found is not None
    assert found.exemplars == (40,)


def test_narratives_without_text_say_nothing() -> None:
    posts = posts_of([None, None, None])
    assert narratives.of_finding(finding((0, 1)), posts, narratives.background(posts)) is None
