"""What the real toolkit (1.5.2) said of random tables, replayed: same edges, or a named bug.

``python benchmarks/bench_parity.py --runs 150 --seed 4 --record …`` made the lines; it also runs
any number of new tables beside the toolkit itself.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from klieg.parity import NETWORKS, network_like

from .tools import CASES, HEADER, Edges, cnt, cnt_as_it_is, edges, write

RUNS = [json.loads(line) for line in (CASES / "beside_cnt.jsonl").read_text("utf-8").splitlines()]


def asked(run: dict[str, Any]) -> tuple[Any, ...]:
    keys = ("rows", "network", "time_window", "min_edge_weight", "similarity_threshold")
    return tuple(run[key] for key in keys)


def recorded(run: dict[str, Any]) -> Edges | None:
    """The toolkit's edges; None where it divided by zero."""
    if "edges" not in run:
        assert "user-defined function raised exception" in run["error"]
        return None
    return {(a, b): (n,) for a, b, n in run["edges"]}


@pytest.mark.parametrize("network", NETWORKS)
def test_beside_cnt_the_rules_with_the_bugs_left_in_are_the_toolkits(network):
    for run in RUNS:
        if run["network"] == network:
            assert cnt_as_it_is(*asked(run)) == recorded(run), run


@pytest.mark.parametrize("network", NETWORKS)
def test_beside_cnt_the_same_edges_or_a_bug_is_named_that_is_all_of_it(tmp_path, network):
    for run in RUNS:
        if run["network"] != network:
            continue
        rows, _, window, least, tau = asked(run)
        more = {"similarity_threshold": tau} if network == "co_similar_tweet" else {}
        found = network_like(
            write(tmp_path / "t.csv", HEADER, rows),
            like="cnt",
            network=network,
            time_window=window,
            min_edge_weight=least,
            **more,
        )
        assert edges(found) == cnt(*asked(run)), run
        if not found.notes:
            assert edges(found) == recorded(run), run


def test_beside_cnt_the_recorded_runs_hold_every_bug_and_enough_edges():
    differs = Counter(run["network"] for run in RUNS if cnt(*asked(run)) != recorded(run))
    assert set(differs) == {"co_link", "co_similar_tweet"}
    assert min(differs.values()) >= 2
    assert Counter(r["network"] for r in RUNS) == dict.fromkeys(NETWORKS, 25)
    assert all(
        sum(len(recorded(r) or ()) for r in RUNS if r["network"] == n) > 30 for n in NETWORKS
    )
