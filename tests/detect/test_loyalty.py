"""Taste and choice: fans take what comes, a plan takes the same few and leaves the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect import loyalty
from klieg.tables import SECOND, Actions, Strata

AUTHORS, EACH = 10, 20
MEMBERS = np.arange(20, dtype=np.int32)


def acted(pairs: list[tuple[int, int]], *, born: dict[int, float] | None = None) -> Actions:
    """(account, post) acts; post p is by author p // EACH and first seen at ``born``."""
    rows = sorted(set(pairs), key=lambda x: ((born or {}).get(x[1], 0.0), x[1], x[0]))
    posts = sorted({p for _, p in rows})
    return Actions(
        "repost",
        np.array([a for a, _ in rows], np.int32),
        np.array([posts.index(p) for _, p in rows], np.int32),
        np.array([int((born or {}).get(p, 0.0) * SECOND) for _, p in rows], np.int64),
        np.arange(len(rows)),
        np.array([p // EACH for _, p in rows], np.int32),
        pa.array([str(p) for p in posts]),
        pa.array([str(i) for i in range(AUTHORS)]),
        400,
    )


def crowd(rng: np.random.Generator) -> list[tuple[int, int]]:
    return [(int(a), p) for p in range(AUTHORS * EACH) for a in rng.integers(50, 400, 4)]


def fans(seed: int) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    mine = [(int(a), int(p)) for a in MEMBERS for p in rng.choice(AUTHORS * EACH, 30, False)]
    return crowd(rng) + mine


def plan(seed: int) -> list[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    chosen = [i * EACH + int(rng.integers(EACH)) for i in range(AUTHORS)]
    return crowd(rng) + [(int(a), p) for a in MEMBERS for p in chosen]


def test_loyalty_explains_fans_and_not_a_plan() -> None:
    taken, planned = (loyalty.authors(acted(x), MEMBERS) for x in (fans(1), plan(1)))
    assert taken and planned
    assert 0.7 < taken.ratio < 1.3
    assert planned.bound > 5
    assert taken.tested == planned.tested == 1.0


def test_loyalty_popular_posts_are_not_a_plan() -> None:
    rng = np.random.default_rng(2)
    weight = np.where(np.arange(AUTHORS * EACH) % EACH < 2, 12.0, 0.5)
    odds = weight / weight.sum()
    mine = [(int(a), int(p)) for a in MEMBERS for p in rng.choice(len(odds), 20, False, odds)]
    outside = [(int(a), p) for p, w in enumerate(weight) for a in rng.integers(50, 400, int(4 * w))]
    found = loyalty.authors(acted(mine + outside), MEMBERS)
    assert found
    assert found.ratio < 1.5


def test_loyalty_says_when_there_was_no_choice() -> None:
    alone = [(int(a), i * EACH) for a in MEMBERS for i in range(AUTHORS)]
    found = loyalty.authors(acted(alone), MEMBERS)
    assert found is not None
    assert found.tested == 0.0


def test_loyalty_without_authors_is_unknown() -> None:
    actions = acted(fans(4))
    nobody = replace(
        actions,
        target=np.full(actions.n, -1, np.int32),
        target_labels=pa.array([], pa.string()),
    )
    assert loyalty.authors(nobody, MEMBERS) is None


def test_loyalty_to_an_evening() -> None:
    rng = np.random.default_rng(5)
    born = {p: 86_400.0 * (p // EACH) + 400.0 * (p % EACH) for p in range(AUTHORS * EACH)}
    # the same evenings, whoever speaks: authors are dealt anew
    one = [(int(a), int(p)) for a in MEMBERS for p in rng.choice(AUTHORS * EACH, 40, False)]
    pool = Strata(np.zeros(AUTHORS * EACH, np.int32), np.zeros(1, np.int32), ("all",), ("all",))
    audience = loyalty.moments(acted(crowd(rng) + one, born=born), pool, MEMBERS)
    crew = loyalty.moments(acted(plan(5), born=born), pool, MEMBERS)
    assert audience and crew
    assert 0.7 < audience.ratio < 1.3
    assert crew.bound > 5


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_loyalty_knows_no_names_and_no_order(random: object, seed: int) -> None:
    places = list(range(400))
    random.shuffle(places)  # type: ignore[attr-defined]
    moved = [(places[a], p) for a, p in fans(seed)]
    who = np.sort(np.array([places[a] for a in MEMBERS], np.int32))
    first, other = loyalty.authors(acted(fans(seed)), MEMBERS), loyalty.authors(acted(moved), who)
    assert first and other
    np.testing.assert_allclose(
        [first.ratio, first.bound, first.sources], [other.ratio, other.bound, other.sources]
    )
