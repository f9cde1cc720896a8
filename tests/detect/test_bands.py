"""Bands: nothing that was not counted, nothing strong before enough clean groups were seen."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from klieg.detect import bands
from klieg.detect.classes import Verdict, abstain
from klieg.tables import BANDS, Band

PLAN = Verdict("coordinated", margin=3.0)


def counted(n: int, false: tuple[int, ...] = (0, 0)) -> bands.Counts:
    """n clean groups of either kind, with what was false at bounds 1.5 and 2.5."""
    steps = [
        {"bound": b, "false": f, "upper": float(stats.beta.ppf(0.95, f + 1, n - f))}
        for b, f in zip((1.5, 2.5), false, strict=True)
    ]
    found = {"clock": steps, "texts": steps}
    return bands.read({"version": "t", "clean": {"clock": n, "texts": n}, "steps": found})


def given_by(
    counts: bands.Counts, verdict: Verdict = PLAN, *, crossed: bool = True, agree: bool = True
) -> Band:
    found = bands.earned(verdict, "repost", counts)
    return bands.band(verdict, found, crossed=crossed, pools_agree=agree)


@pytest.mark.parametrize(
    ("n", "false", "expected"),
    [
        (3_000, (0, 0), "strong"),
        (2_990, (0, 0), "likely"),  # too few clean groups for 0.1 %
        (3_000, (1, 1), "likely"),
        (3_000, (9, 0), "strong"),  # false ones were close, this is clear of them
        (300, (0, 0), "likely"),
        (290, (0, 0), "notable"),
        (3_000, (40, 40), "notable"),
    ],
)
def test_bands_are_what_was_counted(n: int, false: tuple[int, int], expected: Band) -> None:
    assert given_by(counted(n, false)) == expected


def test_bands_are_capped_by_how_the_clock_was_read() -> None:
    many = counted(5_000)
    assert given_by(many, crossed=False) == "likely"
    assert given_by(many, agree=False) == "notable"
    assert given_by(many, replace(PLAN, margin=1.9)) == "notable"
    assert given_by(many, abstain("an account list")) == "insufficient data"
    assert given_by(many, Verdict("suggestive", "narrow")) == "notable"
    assert bands.earned(Verdict("look-alike", margin=9.0), "repost", many) is None


def test_bands_a_bound_below_every_step_has_earned_nothing() -> None:
    found = bands.earned(replace(PLAN, margin=1.0), "repost", counted(5_000))
    assert found and found.upper == 1.0


@given(st.integers(0, 6_000), st.integers(0, 60), st.floats(1.0, 20.0), st.booleans())
def test_bands_never_fall_with_more_clean_groups(
    n: int, false: int, margin: float, crossed: bool
) -> None:
    false = min(false, n)

    def rank(n: int) -> int:
        counts = counted(n, (false, false)) if n > false else counted(n + 1, (false, false))
        return BANDS.index(given_by(counts, replace(PLAN, margin=margin), crossed=crossed))

    assert rank(n) <= rank(2 * n + 1)


def test_bands_packaged_counts_hold_their_own_bounds() -> None:
    found: dict[str, Any] = json.loads((files("klieg.detect") / bands.FILE).read_text("utf-8"))
    for kind, n in found["clean"].items():
        assert n > 0
        for step in found["steps"][kind]:
            upper = stats.beta.ppf(0.95, step["false"] + 1, n - step["false"])
            assert step["upper"] == pytest.approx(upper, abs=1e-6)
    # seeds that figures are reported on had no part in it
    assert 60_001 <= found["seeds"][0] <= found["seeds"][1] < 70_001
    assert set(found["worlds"]) == {"attention", "feeds"}
    assert bands.packaged().version == found["version"]


def test_bands_say_what_they_rest_on() -> None:
    few = bands.earned(PLAN, "copies", counted(400))
    many = bands.earned(PLAN, "copies", counted(4_000))
    assert few and many and few.kind == "texts"
    assert "Of 400 groups" in bands.sentence(few) and "0.75 %" in bands.sentence(few)
    assert "Provisional" in bands.sentence(few) and "Provisional" not in bands.sentence(many)


def test_bands_refuse_counts_that_rise() -> None:
    with pytest.raises(ValueError, match="down"):
        counted(100, (1, 2))
