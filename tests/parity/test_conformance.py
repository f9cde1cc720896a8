"""Recorded runs of both tools: every edge and weight, the three named bugs excepted.

The hand-written cases lie beside this file. The others are read from ``../shared/conformance``
(``KLIEG_DATA``'s neighbour): skipped where it is absent, an error under KLIEG_REQUIRE_DATA=1.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from klieg.config import Config
from klieg.parity import network_like

from .tools import (
    CASES,
    asked,
    check_case,
    close,
    edges,
    edges_and_loops,
    inputs,
    is_cnt,
    manifest,
    right,
    told,
)

DATA = Path(os.environ.get("KLIEG_DATA", Path(__file__).parents[3] / "shared" / "data"))
SHARED = DATA.parent / "conformance"
HAND_MADE = manifest(CASES)
RECORDED = manifest(SHARED) if SHARED.is_dir() else []
OTHERS = [row for row in RECORDED if not row["input"].startswith(("micro_", "text_"))]
FULL = (
    list(csv.DictReader((SHARED / "full_counts.csv").read_text(encoding="utf-8").splitlines()))
    if SHARED.is_dir()
    else []
)


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        if os.environ.get("KLIEG_REQUIRE_DATA") == "1":
            pytest.fail(f"KLIEG_REQUIRE_DATA=1 but there is no folder {SHARED}")
        pytest.skip(f"no recorded runs at {SHARED}")
    return SHARED


@pytest.mark.parametrize("row", HAND_MADE, ids=told)
def test_conformance_hand_made_case(row: dict[str, str]) -> None:
    check_case(CASES, CASES, row)


@pytest.mark.parametrize("row", OTHERS, ids=told)
def test_conformance_recorded_run(shared: Path, row: dict[str, str]) -> None:
    check_case(shared, shared / "inputs", row)


def test_conformance_every_recorded_run_is_tried(shared: Path) -> None:
    key = ("network", "input", "time_window", "min_participation", "min_edge_weight", "options")
    tried = {tuple(row[k] for k in key) for row in HAND_MADE + OTHERS}
    assert tried == {tuple(row[k] for k in key) for row in RECORDED}
    assert len(RECORDED) == 121
    assert len(FULL) == 221


@pytest.mark.parametrize("name", sorted({row["input"] for row in FULL}) or ["none"])
def test_conformance_counts_of_whole_data_sets(shared: Path, name: str) -> None:
    for row in FULL:
        if row["input"] != name:
            continue
        q = float(row["edge_weight_q"]) if row["edge_weight_q"] else None
        more = {"edge_weight": q} if q is not None else {}
        found = network_like(shared / "inputs_full" / f"{name}.csv.gz", **asked(row), **more)
        kept = edges(found)
        weights = [weight for weight, *_ in kept.values()]
        counts = {
            "pairs": len({frozenset(p) for p in kept}) if is_cnt(row) else sum(weights),
            "edges": len(kept),
            "nodes": len({account for pair in kept for account in pair}),
            "sum_weight": sum(weights),
            "max_weight": max(weights, default=0),
            "threshold": found.threshold,
        }
        recorded = {k: float(v) for k, v in row.items() if k in counts and v}
        assert {k: counts[k] for k in recorded} == pytest.approx(recorded, abs=1e-9), row


def test_conformance_no_recorded_count_is_left_out(shared: Path) -> None:
    assert all(row["edges"] and row["nodes"] for row in FULL)


def test_conformance_facts_of_the_tools_own_tests(shared: Path) -> None:
    facts = json.loads((shared / "own_tests.json").read_text(encoding="utf-8"))
    for fact in facts["cnt_own_test.csv (co_retweet)"]:
        if fact["include_loops"]:
            continue  # klieg writes no loops
        file = shared / "inputs" / "cnt_own_test.csv"
        for config_threads in (1, 2, 4):
            found = network_like(
                file,
                like="cnt",
                time_window=fact["time_window"],
                min_edge_weight=fact["min_edge_weight"],
                config=Config(threads=config_threads),
            )
            assert len({a for pair in edges(found) for a in pair}) == fact["nodes"]
    whole = facts["coortweet_russian_full"]
    russian = shared / "inputs_full" / "russian_full.csv.gz"
    kept = edges(
        network_like(
            russian, like="coortweet", time_window=whole["tw"], min_participation=whole["mp"]
        )
    )
    wanted = whole["remove_loops_true"]
    accounts = {account for pair in kept for account in pair}
    assert sum(n for n, _ in kept.values()) == wanted["pairs"]
    assert len(accounts) == wanted["accounts"]
    assert ("a385" in accounts) == wanted["contains_account_a385"]
    wanted = whole["remove_loops_false"]
    looped = edges_and_loops(
        network_like(
            *(russian,),
            like="coortweet",
            time_window=whole["tw"],
            min_participation=whole["mp"],
            keep_loops=True,
        )
    )
    accounts = {account for pair in looped for account in pair}
    assert sum(n for n, _ in looped.values()) == wanted["pairs"]
    assert len(accounts) == wanted["accounts"]
    assert ("a385" in accounts) == wanted["contains_account_a385"]


def test_conformance_fast_pairs_are_those_that_flag_speed_share_marks(shared: Path) -> None:
    fact = json.loads((shared / "own_tests.json").read_text("utf-8"))["coortweet_flag_speed"]
    file = shared / "inputs_full" / f"{fact['input']}.csv.gz"
    asked_ = {"like": "coortweet", "time_window": fact["tw"], "min_participation": fact["mp"]}
    assert sum(n for n, _ in edges(network_like(file, **asked_)).values()) == fact["pairs"]
    over_full = edges(network_like(file, **asked_, edge_weight=0.5))
    assert len(over_full) == fact["q0.5 over full"]
    fast = edges(network_like(file, **asked_, fast_window=fact["fast_tw"]))
    assert (sum(n for n, _ in fast.values()), len(fast)) == (fact["flagged"], fact["fast_edges"])
    above = edges(network_like(file, **asked_, fast_window=fact["fast_tw"], edge_weight=0.5))
    assert [len(above), len({a for pair in above for a in pair})] == fact["subgraph2"]


def test_conformance_modalities_are_stacked(shared: Path) -> None:
    facts = json.loads((shared / "own_tests.json").read_text(encoding="utf-8"))
    fact = facts["coortweet_vignette_multimodal"]
    files = [shared / "inputs_full" / f"{name}.csv.gz" for name in fact["inputs"]]
    asked_ = {"like": "coortweet", "time_window": fact["tw"], "min_participation": fact["mp"]}
    for file, pairs in zip(files, fact["pairs"], strict=True):
        assert sum(n for n, _ in edges(network_like(file, **asked_)).values()) == pairs
    stacked = edges(network_like(files, **asked_))
    assert len(stacked) == fact["edges"]
    assert sum(n for n, _ in stacked.values()) == fact["sum_weight"]
    half = network_like(files, **asked_, edge_weight=0.5)
    assert half.threshold == fact["q0.5"]["threshold"]
    kept = edges(half)
    assert len(kept) == fact["q0.5"]["edges"]
    assert len({account for pair in kept for account in pair}) == fact["q0.5"]["nodes"]


FLAGS = {
    "time_window": "--time-window",
    "min_edge_weight": "--min-edge-weight",
    "min_participation": "--min-participation",
    "similarity_threshold": "--similarity-threshold",
}
SOME = [row for row in HAND_MADE if row["expected"]][::17]


@pytest.mark.parametrize("row", SOME, ids=told)
def test_conformance_command_line_writes_the_recorded_edges(
    tmp_path: Path, row: dict[str, str]
) -> None:
    parameters = asked(row)
    words = ["--like", str(parameters["like"]), *map(str, inputs(CASES, CASES, row))]
    if "network" in parameters:
        words += ["--network", str(parameters["network"])]
    for name, flag in FLAGS.items():
        if name in parameters:
            words += [flag, str(parameters[name])]
    out = tmp_path / "edges.csv"
    command = [sys.executable, "-m", "klieg", "network", *words, "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    with out.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    undirected = ["account_a", "account_b", "weight", "avg_time_delta"]
    assert header == (["source", "target", "weight"] if is_cnt(row) else undirected)
    found = {(a, b): tuple(map(float, more)) for a, b, *more in rows}
    assert close(found, right(CASES, row), 1e-9)
