"""The pure parts of benchmarks/operations.py and bench_operations.py, on rows made by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest

from klieg.tables import POSTS

from . import worlds

BENCHES = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def operations() -> ModuleType:
    sys.path.insert(0, str(BENCHES))
    try:
        import operations
    finally:
        sys.path.remove(str(BENCHES))
    return operations


def test_operations_rhythm_is_what_most_gaps_are(operations: ModuleType) -> None:
    said = operations.rhythm
    assert said({"same_second": 0.9, "3_to_60_s": 0.1}) == "same second"
    assert said({"same_second": 0.0, "3_to_60_s": 0.7}) == "one after another"
    assert said({"over_10_min": 0.5}) == "slow relay"
    assert said({"same_second": 0.4, "3_to_60_s": 0.4}) == said({}) == "mixed"


def test_operations_lead_is_over_the_best_baseline_and_never_over_a_coin(
    operations: ModuleType,
) -> None:
    positive = np.arange(40) < 10
    clear = positive.astype(float)
    scores = {
        "klieg: joint behaviour": clear,
        "degree": np.zeros(40),
        "NPMI": clear * 0.5 * (np.arange(40) % 2),
        "random": clear,
    }
    (row,) = operations._leads(scores, positive, np.ones(40), 20).values()
    assert row["best_baseline"] == "NPMI"
    assert row["lead"] == pytest.approx(0.25) and row["lead_low"] <= 0.25 <= row["lead_high"]


def test_operations_halves_part_accounts_by_name_alone(operations: ModuleType) -> None:
    class Seen:
        posts = worlds.posts_of([(f"a{i}", "p", i) for i in range(200)])

    one = dict(zip(Seen.posts.account_ids.to_pylist(), operations.halves(Seen), strict=True))

    class Turned:
        posts = worlds.posts_of([(f"a{i}", "p", 200 - i) for i in range(200)])

    other = dict(zip(Turned.posts.account_ids.to_pylist(), operations.halves(Turned), strict=True))
    assert one == other and 60 < sum(one.values()) < 140


def test_operations_minutes_and_texts_keep_everything_else(operations: ModuleType) -> None:
    rows = [
        {"platform": "x", "post_id": "1", "account_id": "a", "text": "said", "kind": "post"},
        {"platform": "x", "post_id": "2", "account_id": "b", "kind": "repost", "repost_of": "1"},
        {"platform": "x", "post_id": "3", "account_id": "c", "kind": "repost", "repost_of": "gone"},
    ]
    for i, row in enumerate(rows):
        row["time"] = 1_700_000_000_000_000 + 41_000_000 * i  # type: ignore[assignment]
    table = pa.Table.from_pylist(rows, schema=POSTS)
    coarse = operations._to_minutes(table)
    assert coarse["resolution"].to_pylist() == [60] * 3
    assert {t.second for t in coarse["time"].to_pylist()} == {0}
    assert coarse.drop(["time", "resolution"]).equals(table.drop(["time", "resolution"]))
    bare = operations._by_text(table)
    assert bare["text"].to_pylist() == ["said", "RT @a: said", None]
    assert bare["repost_of"].null_count == 3 and bare["kind"].equals(table["kind"])


def test_operations_levels_count_what_was_found(operations: ModuleType) -> None:
    sys.path.insert(0, str(BENCHES))
    try:
        import bench_operations as bench
    finally:
        sys.path.remove(str(BENCHES))
    about = {"data": "d", "signal": "repost", "shape": "s", "ordinary_in_findings": 2}
    rows = [
        {**about, "false_alarms": level, "found": int(level > 0.01), "coordinated": 0, "why": "w"}
        for level in bench.LEVELS
    ]
    (row,) = bench.by_level(rows)
    assert row["found_at_0.1"] == "1/1" and row["found_at_0.001"] == "0/1"
    assert row["why_missed_first"] == "w" and row["ordinary_in_findings_most"] == 2
