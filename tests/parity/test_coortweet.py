"""CooRTweet's network against its semantics told slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.errors import ConfigError
from klieg.parity import network_like
from klieg.parity.coortweet import quantile
from klieg.tables import ActEdges

from .tools import EVENTS, HEADER, close, coortweet, edges, write

shares = st.lists(
    st.tuples(
        st.sampled_from(["o1", "o2", "O1", "c3"]),
        st.sampled_from(["A", "B", "C", "a,b", "é"]),
        st.sampled_from([f"c{i}" for i in range(12)]),
        st.one_of(st.integers(-20, 20).map(str), st.integers(0, 400).map(lambda t: repr(t / 10))),
    ).map(list),
    max_size=16,
)


@settings(max_examples=80, deadline=None)
@given(
    modalities=st.lists(shares, min_size=1, max_size=3),
    window=st.sampled_from([0, 1, 5, 0.3]),
    least=st.integers(0, 4),
)
def test_coortweet_edges_and_weights_are_those_of_the_semantics(
    tmp_path_factory, modalities, window, least
):
    folder = tmp_path_factory.getbasetemp()
    files = [write(folder / f"m{i}.csv", EVENTS, rows) for i, rows in enumerate(modalities)]
    found = network_like(files, like="coortweet", time_window=window, min_participation=least)
    assert close(edges(found), coortweet(modalities, window, least), 1e-9)


@settings(max_examples=15, deadline=None)
@given(rows=shares, order=st.randoms(), threads=st.sampled_from([1, 3]))
def test_coortweet_rows_may_come_in_any_order(tmp_path_factory, rows, order, threads):
    file = tmp_path_factory.getbasetemp() / "order.csv"
    asked = {"like": "coortweet", "time_window": 10, "min_participation": 1}
    one = network_like(write(file, EVENTS, rows), **asked).to_table()
    order.shuffle(rows)
    config = Config(threads=threads)
    assert network_like(write(file, EVENTS, rows), **asked, config=config).to_table() == one


def type_seven(values: list[int], q: float) -> float:
    """R: quantile(x, q), as its help page has it."""
    x = sorted(values)
    index = 1 + (len(x) - 1) * q
    low, high = math.floor(index), math.ceil(index)
    part = index - low
    if part == 0 or x[low - 1] == x[high - 1]:
        return float(x[low - 1])
    return (1 - part) * x[low - 1] + part * x[high - 1]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.floats(0, 1), st.integers(1, 40))
def test_coortweet_quantile_is_rs_whatever_the_batches(weights, q, cut):
    zeros = np.zeros(len(weights), np.int64)
    n = np.array(weights, np.int64)
    ends = zeros.astype(np.int32)
    parts = [ActEdges(ends[p], ends[p], n[p], zeros[p]) for p in (slice(0, cut), slice(cut, None))]
    assert quantile((p for p in parts if p.size), q) == type_seven(weights, q)


def test_coortweet_nothing_exceeds_a_quantile_of_ties(tmp_path):
    rows = [["o", a, a, "0"] for a in "ABC"]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    asked = {"like": "coortweet", "min_participation": 1}
    assert len(edges(network_like(file, **asked))) == 3
    above = network_like(file, **asked, edge_weight=0.5)
    assert (above.threshold, edges(above)) == (1.0, {})
    empty = network_like(write(tmp_path / "e.csv", EVENTS, []), **asked, edge_weight=0.5)
    assert edges(empty) == {}
    with pytest.raises(ConfigError, match="edge_weight"):
        network_like(file, **asked, edge_weight=50)


def test_coortweet_takes_the_tools_own_defaults(tmp_path):
    rows = [["o", "A", "1", "0"], ["o", "B", "2", "10"], ["o", "C", "3", "21"]]
    rows += [["p", "A", "4", "0"], ["p", "B", "5", "10"]]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    # 10 seconds; C's one row is too few
    assert edges(network_like(file, like="coortweet")) == {("A", "B"): (2, 10.0)}


def test_coortweet_reads_the_toolkits_columns(tmp_path):
    rows = [["1", "A", "", "r", "p", "x", "0", "u v"], ["2", "B", "", "r", "q", "x", "1", "v u"]]
    file = write(tmp_path / "m.csv", HEADER, rows)
    asked = {"like": "coortweet", "min_participation": 1}
    assert edges(network_like(file, **asked)) == {("A", "B"): (1, 1.0)}
    assert edges(network_like(file, **asked, network="co_link")) == {("A", "B"): (2, 1.0)}
    assert edges(network_like(file, **asked, network="co_reply")) == {}
    with pytest.raises(ConfigError, match="network"):
        network_like(file, **asked, network="co_post")


def test_coortweet_rows_without_an_object_are_left_out_and_a_note_says_so(tmp_path):
    file = write(tmp_path / "t.csv", EVENTS, [["", "A", "1", "0"], ["", "B", "2", "0"]])
    found = network_like(file, like="coortweet", min_participation=1)
    assert edges(found) == {}
    assert "2 rows have no object_id" in found.notes[0]


def test_coortweet_milliseconds_and_fractions_do_not_lose_digits(tmp_path):
    rows = [["o", "A", "1", "1606451170.000001"], ["o", "B", "2", "1606451170.000004"]]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    asked = {"like": "coortweet", "min_participation": 1}
    ((_, mean),) = edges(network_like(file, **asked, time_window=1)).values()
    assert mean == pytest.approx(3e-6, abs=2e-7)
    rows = [["o", "A", "1", "1606451170000"], ["o", "B", "2", "1606451170003"]]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    assert edges(network_like(file, **asked, time_window=3)) == {("A", "B"): (1, 3.0)}
