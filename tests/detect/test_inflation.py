"""Inflation: 1 where organic pairs keep what was promised, else just enough."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from klieg.detect import inflation

PAIRS = 400_000


def drawn(seed: int, short: float) -> tuple[Any, Any]:
    """Poisson pairs whose expected counts are told ``short`` times too small."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.0, 0.6, PAIRS)
    return rng.poisson(rate * short), rate


def test_inflation_is_1_where_the_null_holds() -> None:
    for seed in range(5):
        observed, expected = drawn(seed, 1.0)
        assert inflation.tail_ratio(observed, expected, PAIRS, level=1e-3) <= 1.1
        assert inflation.fit(observed, expected, PAIRS, level=1e-4) == 1.0


@pytest.mark.parametrize("short", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_inflation_finds_how_much_was_missing(seed: int, short: float) -> None:
    observed, expected = drawn(seed, short)
    found = inflation.fit(observed, expected, PAIRS, level=1e-4)
    assert 0.8 * short <= found <= 1.1 * short
    told = inflation.tail_ratio(observed, expected, PAIRS, level=1e-4, factor=found)
    assert told <= 1 < inflation.tail_ratio(observed, expected, PAIRS, level=1e-4, factor=1.0)


def test_inflation_does_not_run_after_luck() -> None:
    # two pairs where one and a half are promised; twenty are no luck
    few = np.full(2, 9), np.full(2, 0.5)
    many = np.full(20, 9), np.full(20, 0.5)
    assert inflation.tail_ratio(*few, 150_000) > 1
    assert inflation.fit(*few, 150_000) == 1.0
    assert inflation.fit(*many, 150_000) > 1.0


def test_inflation_counts_edges_alone() -> None:
    """One meeting is no edge, however improbable."""
    assert inflation.tail_ratio(np.ones(9, np.int64), np.full(9, 1e-9), 1000.0) == 0
    assert inflation.tail_ratio(np.full(9, 2), np.full(9, 1e-9), 1000.0) > 1
    assert inflation.tail_ratio(np.full(9, 2), np.full(9, 1e-9), 0) == 0


def test_inflation_packaged_factors() -> None:
    text = (files("klieg.detect") / inflation.FILE).read_text(encoding="utf-8")
    found = inflation.packaged()
    assert found.version == json.loads(text)["version"]
    assert json.loads(text)["seeds"][1] < 70_001
    assert found.of("repost", (10, 7)) == (found.factors["repost"][10], 1.0)
    assert found.of("nothing", (10,)) == (1.0,)
    assert "φ" in inflation.sentence(found)
    with pytest.raises(ValueError, match="outside"):
        inflation.read({"version": "t", "factors": {"repost": {"10": 0.5}}})
    raised = inflation.read({"version": "t", "factors": {"repost": {"10": 1.5}}})
    assert "repost 10 s: 1.5" in inflation.sentence(raised)
