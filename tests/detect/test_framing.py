"""Framing: who a group follows is named apart, who acts with it stays a member."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import framing, timed
from klieg.pipeline import scan
from klieg.sources.simulate import simulate
from klieg.tables import Actions

WINDOW, OBJECTS, CREW = 600, 24, 12
Row = tuple[int, int, float]


def laid(rows: list[Row], accounts: int) -> timed.Timed:
    rows = sorted(rows, key=lambda r: r[2])
    who, what, when = (np.array(c) for c in zip(*rows, strict=True))
    names = pa.array([str(i) for i in range(OBJECTS)])
    acts = Actions(
        "repost",
        who.astype(np.int32),
        what.astype(np.int32),
        (when * 1e6).astype(np.int64),
        np.arange(len(rows), dtype=np.int64),
        what.astype(np.int32),
        names,
        names,
        accounts,
    )
    return timed.lay_out(acts, timed.WINDOWS)


def crew(seed: int, *, fast: int = 0) -> list[Row]:
    """Twelve accounts on every object within ten minutes; ``fast`` of them within two."""
    rng = np.random.default_rng(seed)
    return [
        (a, o, 86_400.0 * o + 100 + rng.random() * (120 if a < fast else WINDOW))
        for o in range(OBJECTS)
        for a in range(CREW)
    ]


def apart(rows: list[Row], accounts: int) -> list[int]:
    found = laid(rows, accounts)
    usual = np.full(OBJECTS, 0.01)
    members = np.arange(accounts, dtype=np.int32)
    return [f.account for f in framing.apart([(found, usual)], members, WINDOW)]


def test_framing_names_the_imitated_apart() -> None:
    rows = crew(1) + [(CREW, o, 86_400.0 * o + 50) for o in range(14)]
    assert apart(rows, CREW + 1) == [CREW]


def test_framing_keeps_who_follows_as_often_as_others() -> None:
    # as often there as the imitated, but in the crew's own order
    rng = np.random.default_rng(2)
    rows = crew(2) + [(CREW, o, 86_400.0 * o + 100 + rng.random() * WINDOW) for o in range(14)]
    assert apart(rows, CREW + 1) == []


def test_framing_keeps_the_quick_half_of_a_crew() -> None:
    """They lead the slow half, but they follow one another: acting with is their own doing."""
    assert apart(crew(3, fast=6), CREW) == []


@pytest.mark.parametrize("share", [0.75, 1.0])
def test_framing_two_imitated_at_once(share: float) -> None:
    rng = np.random.default_rng(5)
    rows = crew(5)
    for who in (CREW, CREW + 1):
        for o in range(OBJECTS):
            late = rng.random() > share
            rows.append((who, o, 86_400.0 * o + (100 + WINDOW / 2 if late else 60 + who)))
    found = apart(rows, CREW + 2)
    assert set(found) <= {CREW, CREW + 1} and len(found) >= 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_framing_rarely_loses_a_member_of_an_even_crew(seed: int) -> None:
    assert apart(crew(seed), CREW) == []


def test_framing_luck_bounds_the_chance_of_an_order() -> None:
    """P(luck ≤ u) ≤ u where the order is exchangeable."""
    luck = []
    for seed in range(60):
        found = laid(crew(seed), CREW)
        every = np.ones(CREW, np.bool_)
        members = np.arange(CREW, dtype=np.int32)
        usual = np.full(OBJECTS, 0.01)
        luck.append(framing.order_of([(found, usual)], members, WINDOW, every).luck)
    told = np.concatenate(luck)
    for u in (0.2, 0.05, 0.01):
        assert (told <= u).mean() <= u
    assert told.min() < 0.5  # and says something


def test_framing_does_not_ask_who_is_called_what() -> None:
    rng = np.random.default_rng(7)
    rows = crew(7) + [(CREW, o, 86_400.0 * o + 50) for o in range(14)]
    name = rng.permutation(CREW + 1)
    renamed = [(int(name[a]), o, t) for a, o, t in rows]
    assert apart(renamed, CREW + 1) == [int(name[CREW])]


def test_framing_imitated_accounts_are_in_no_coordinated_finding() -> None:
    made = simulate(seed=41_011, accounts=1_500, days=10, worlds=["framing-few-crew"])
    case = scan(made.posts, config=Config(shuffles=0, controls=0, threads=1, signals=("repost",)))
    ids = [str(i) for i in case.posts.account_ids.to_pylist()]
    plans = [f for f in case.findings if f.class_ == "coordinated"]
    named = {ids[m.account] for f in plans for m in f.members}
    followed = {ids[x.account] for f in plans for x in f.followed}
    framed = {a for g in made.truth.framed for a in g.accounts}
    crew_ = set(made.truth.campaigns[0].accounts)
    assert not named & framed and len(named & crew_) >= 0.9 * len(crew_)
    assert followed and followed <= framed
    said = " ".join(s for f in plans for s in f.counter_evidence)
    assert "may be its leader or may be imitated" in said
    written = {int(h.post) for h in case.highlights}
    mine = {i for i, a in enumerate(case.posts.account.tolist()) if ids[a] in followed}
    assert not written & mine
