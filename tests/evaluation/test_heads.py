"""Supervised heads: held out is held out, and no head beats a coin on noise."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg import pipeline
from klieg.config import Config
from klieg.errors import MissingExtra
from klieg.evaluation import heads
from klieg.evaluation.heads import features, held_out, scored

from . import worlds


def made(rng: np.random.Generator, n: int, lift: float) -> tuple[np.ndarray, np.ndarray]:
    positive = np.arange(n) % 5 == 0
    value = rng.normal(size=(n, 3))
    value[:, 1] += lift * positive
    return value, positive


def test_heads_find_what_features_carry_and_nothing_in_noise() -> None:
    rng = np.random.default_rng(1)
    half = np.arange(1000) % 2 == 0
    volume = np.ones(1000, np.int64)
    clear, positive = made(rng, 1000, 3.0)
    noise, _ = made(rng, 1000, 0.0)
    good = held_out(clear, positive, half, ~half, volume)
    bad = held_out(noise, positive, half, ~half, volume)
    assert good.auc > 0.95 and good.f1 > 0.8 and good.auc_matched == good.auc
    assert 0.4 < bad.auc < 0.6
    assert (good.trained, good.positive, good.asked) == (100, 100, 500)
    assert good.f1 == pytest.approx(
        2 * good.precision * good.recall / (good.precision + good.recall)
    )


def test_heads_refuse_an_account_on_both_sides() -> None:
    value, positive = made(np.random.default_rng(2), 100, 1.0)
    train = np.arange(100) < 60
    with pytest.raises(ValueError, match="both"):
        held_out(value, positive, train, np.arange(100) >= 50, np.ones(100))


def test_heads_never_see_the_labels_they_are_asked_about() -> None:
    """The scores are the same whatever the held-out labels are."""
    value, positive = made(np.random.default_rng(3), 400, 1.0)
    train = np.arange(400) % 2 == 0
    chance, cut = scored(value[train], positive[train], value[~train])
    flipped = np.where(train, positive, ~positive)
    again, same = scored(value[train], flipped[train], value[~train])
    assert (chance == again).all() and cut == same


def test_heads_ask_other_data_where_it_is_given() -> None:
    rng = np.random.default_rng(4)
    value, positive = made(rng, 400, 3.0)
    there, truth = made(rng, 300, 3.0)
    every = np.ones(400, np.bool_)
    asked = np.arange(300) >= 100
    got = held_out(
        value, positive, every, asked, np.ones(400), elsewhere=(there, truth, np.ones(300))
    )
    assert got.asked == 200 and got.positive == int(truth[100:].sum()) and got.auc > 0.95


def test_heads_of_few_positives_draw_a_straight_line() -> None:
    """A dozen positives and ten columns of noise: the one that speaks is still heard."""
    rng = np.random.default_rng(6)
    positive = np.arange(1200) % 100 == 0
    value = rng.normal(size=(1200, 11))
    value[:, 4] += 4.0 * positive
    got = held_out(value, positive, np.arange(1200) < 600, np.arange(1200) >= 600, np.ones(1200))
    assert got.trained < heads.FEW and got.auc > 0.95


def test_heads_without_enough_of_either_say_nothing() -> None:
    value, _ = made(np.random.default_rng(5), 20, 1.0)
    chance, cut = scored(value[:10], np.zeros(10, np.bool_), value[10:])
    assert not chance.any() and cut == 1.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_heads_cut_has_the_best_f1(rows: list[tuple[int, bool]]) -> None:
    value = np.array([r[0] for r in rows], np.float64)
    positive = np.array([r[1] for r in rows], np.bool_)
    if not positive.any():
        return

    def f1(cut: float) -> float:
        said = value >= cut
        return float(2 * (said & positive).sum() / (said.sum() + positive.sum()))

    assert f1(heads._best_cut(value, positive)) == pytest.approx(max(f1(c) for c in set(value)))


def test_heads_features_know_a_crew_from_the_rest() -> None:
    posts = worlds.posts_of(worlds.wide_world())
    case = pipeline.scan(posts.table, config=Config(shuffles=0, controls=0))
    value, names = features(case)
    assert value.shape == (case.posts.n_accounts, len(names)) and np.isfinite(value).all()
    assert len(set(names)) == len(names)
    crew = np.isin(case.posts.account_ids.to_pylist(), worlds.CREW)
    for name in ("evidence", "repost: evidence", "net share", "joint acts"):
        column = value[:, names.index(name)]
        assert column[crew].min() > column[~crew].max(), name
    assert (value[:, names.index("volume")][crew] == np.log1p(12)).all()


def test_heads_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"klieg\[heads\]"):
        scored(np.zeros((4, 1)), np.array([True, False, True, False]), np.zeros((1, 1)))
