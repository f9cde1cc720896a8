"""Matched controls: who is drawn, what is claimed of them, and what they show beside a group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect import controls
from klieg.detect.controls import Field
from klieg.tables import POSTS, SECOND, Posts


def field_of(n: int, members: list[int], seed: int = 0) -> tuple[Field, np.ndarray]:
    """Accounts of two pools, five speeds and any hours; activity over a factor of 100."""
    rng = np.random.default_rng(seed)
    acts = rng.integers(1, 100, n)
    inside = np.zeros(n, np.bool_)
    inside[members] = True
    field = Field(
        key=controls.mix(rng.integers(0, 2**63, n).astype(np.uint64)),
        posts=np.log1p(acts * 2.0),
        speed=rng.integers(0, 5, n),
        zone=rng.integers(0, 24, n),
        pool=rng.integers(0, 2, n),
        free=np.flatnonzero(~inside),
    )
    return field, acts


def posts_of(account: list[int], minutes: list[int], n: int) -> Posts:
    rows = len(account)
    return Posts(
        pa.table({f.name: pa.nulls(rows, f.type) for f in POSTS}),
        np.array(account, np.int32),
        np.array(minutes, np.int64) * 60 * SECOND,
        pa.array([f"a{i}" for i in range(n)]),
        pa.array(["x"] * n),
        1,
    )


def test_controls_are_as_many_free_accounts_each_once() -> None:
    members = np.arange(0, 40, 2, dtype=np.int32)
    field, acts = field_of(400, members.tolist())
    sets = controls.draw(field, members, acts, 50, seed=0)
    assert len(sets) == 50
    for drawn in sets:
        assert len(drawn) == len(np.unique(drawn)) == len(members)
        assert not np.isin(drawn, members).any()
        assert (np.diff(drawn) > 0).all()
    assert len({drawn.tobytes() for drawn in sets}) == 50
    again = controls.draw(field, members, acts, 50, seed=0)
    assert [a.tolist() for a in again] == [a.tolist() for a in sets]
    other = controls.draw(field, members, acts, 50, seed=1)
    assert [a.tolist() for a in other] != [a.tolist() for a in sets]


def test_controls_are_like_the_members_they_stand_for() -> None:
    field, acts = field_of(3000, list(range(30)), seed=3)
    members = np.flatnonzero((field.pool == 1) & (field.speed <= 1) & (acts > 60))[:20]
    members = members.astype(np.int32)
    field = replace(field, free=np.setdiff1d(np.arange(3000), members))
    sets = controls.draw(field, members, acts, 100, seed=0)
    every = np.concatenate(sets)
    assert (field.pool[every] == 1).mean() > 0.95
    assert (field.speed[every] <= 2).mean() > 0.9
    assert acts[every].mean() == pytest.approx(acts[members].mean(), rel=0.15)
    assert set(controls._matched(field, members, acts, sets)) >= {"activity", "speed", "pool"}


def test_controls_claim_no_likeness_that_is_not_there() -> None:
    members = np.arange(20, dtype=np.int32)
    field, acts = field_of(200, members.tolist())
    acts[:20] = 5000  # nobody else is nearly as active
    pool = field.pool.copy()
    pool[:20], pool[20:] = 1, 0
    field = replace(field, pool=pool, posts=np.log1p(acts))
    sets = controls.draw(field, members, acts, 20, seed=0)
    told = controls._matched(field, members, acts, sets)
    assert "activity" not in told
    assert "pool" not in told
    assert controls._matched(field, members, acts, []) == ()


def test_controls_none_where_too_few_are_free() -> None:
    members = np.arange(20, dtype=np.int32)
    field, acts = field_of(50, members.tolist())
    assert controls.draw(field, members, acts, 10, seed=0) == []
    assert controls.draw(field_of(400, [0, 1, 2])[0], members[:3], np.ones(400), 0, seed=0) == []


@given(seed=st.integers(0, 10**6), size=st.integers(3, 25))
@settings(max_examples=25)
def test_controls_do_not_hang_on_how_accounts_are_numbered(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    field, acts = field_of(120, list(range(size)), seed)
    new = rng.permutation(120)  # account i is now called new[i]
    back = np.argsort(new)
    moved = Field(
        *(getattr(field, name)[back] for name in ("key", "posts", "speed", "zone", "pool")),
        free=np.sort(new[field.free]),
    )
    members = np.arange(size, dtype=np.int32)
    renamed = np.sort(new[:size]).astype(np.int32)
    sets = controls.draw(field, members, acts, 8, seed=seed)
    there = controls.draw(moved, renamed, acts[back], 8, seed=seed)
    assert [sorted(new[s].tolist()) for s in sets] == [s.tolist() for s in there]


@given(
    acts=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50)), min_size=1, max_size=40),
    weeks=st.integers(0, 9),
)
@settings(max_examples=50)
def test_controls_fingerprints_say_when_and_not_who(
    acts: list[tuple[int, int]], weeks: int
) -> None:
    acts = sorted(acts, key=lambda a: a[1])
    who, when = [a for a, _ in acts], [t for _, t in acts]
    found = controls.keys(posts_of(who, when, 6))
    renamed = controls.keys(posts_of([5 - a for a in who], when, 6))
    assert renamed[::-1].tolist() == found.tolist()
    later = controls.keys(posts_of(who, [t + weeks * 7 * 1440 for t in when], 6))
    assert later.tolist() == found.tolist()
    for a in range(6):
        for b in range(a):
            mine = sorted(t for w, t in acts if w == a)
            theirs = sorted(t for w, t in acts if w == b)
            assert (found[a] == found[b]) == (mine == theirs)
