"""CooRTweet's network against its semantics told slowly."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.errors import ConfigError
from klieg.parity import network_like
from klieg.parity.coortweet import quantile
from klieg.tables import ActEdges

from .tools import EVENTS, HEADER, close, coortweet, edges, edges_and_loops, write

shares = st.lists(
    st.tuples(
        st.sampled_from(["o1", "o2", "O1", "c3", ""]),
        st.sampled_from(["A", "B", "C", "a,b", "é", ""]),
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


@settings(max_examples=60, deadline=None)
@given(
    rows=shares,
    window=st.sampled_from([0, 1, 5, 20]),
    least=st.integers(0, 3),
    fast=st.sampled_from([None, 0, 0.5, 3]),
    keep_loops=st.booleans(),
)
def test_coortweet_fast_pairs_and_loops_are_those_of_the_semantics(
    tmp_path_factory, rows, window, least, fast, keep_loops
):
    fast = None if fast is None else min(fast, window)
    file = write(tmp_path_factory.getbasetemp() / "f.csv", EVENTS, rows)
    found = network_like(
        *(file,),
        like="coortweet",
        time_window=window,
        min_participation=least,
        fast_window=fast,
        keep_loops=keep_loops,
    )
    wanted = coortweet([rows], window, least, fast=fast, keep_loops=keep_loops)
    assert close(edges_and_loops(found), wanted, 1e-9)
    if wanted:  # loops weigh in the quantile too
        assert quantile(found.count(), 1.0) == max(n for n, _ in wanted.values())


@settings(max_examples=40, deadline=None)
@given(rows=shares, holes=st.randoms(), window=st.sampled_from([0, 5]), least=st.integers(1, 3))
def test_coortweet_rows_with_nulls_count_and_pair_with_none(
    tmp_path_factory, rows, holes, window, least
):
    rows = [[cell or None for cell in row[:3]] + row[3:] for row in rows]
    for row in rows:
        if holes.random() < 0.2:
            row[holes.randrange(3)] = None
    columns = dict(zip(EVENTS, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    table = pa.table({key: pa.array(columns.get(key, []), pa.string()) for key in EVENTS})
    file = tmp_path_factory.getbasetemp() / "n.parquet"
    pq.write_table(table, file)
    found = network_like(file, like="coortweet", time_window=window, min_participation=least)
    assert close(edges(found), coortweet([rows], window, least), 1e-9)
    assert bool(found.notes) == any(None in row for row in rows)


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


def test_coortweet_an_empty_object_is_one_and_a_note_says_so(tmp_path):
    file = write(tmp_path / "t.csv", EVENTS, [["", "A", "1", "0"], ["", "B", "2", "0"]])
    found = network_like(file, like="coortweet", min_participation=1)
    # R's readers give empty text, which is as good an object as any
    assert edges(found) == {("A", "B"): (1, 0.0)}
    assert "2 rows have an empty object_id" in found.notes[0]


def test_coortweet_keeps_a_pair_for_whoever_posted_under_its_content(tmp_path):
    rows = [["o", "A", "c", "0"], ["o", "B", "d", "1"]]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    asked = {"like": "coortweet", "min_participation": 2, "time_window": 5}
    assert edges(network_like(file, **asked)) == {}
    # A and B take part once, C twice, under the content of A's
    rows += [["o", "C", "c", "99"], ["p", "C", "c", "99"]] + [["q", a, f"{a}9", "0"] for a in "AB"]
    rows[-1][3] = "60"
    file = write(tmp_path / "u.csv", EVENTS, rows)
    assert edges(network_like(file, **asked)) == {("A", "B"): (1, 1.0)}


def test_coortweet_fast_window_says_where_contents_have_two_times(tmp_path):
    rows = [["o", "A", "1", "0"], ["o", "B", "2", "1"], ["p", "A", "1", "0"], ["p", "B", "2", "9"]]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    asked = {"like": "coortweet", "min_participation": 1}
    assert edges(network_like(file, **asked)) == {("A", "B"): (2, 5.0)}
    fast = network_like(file, **asked, fast_window=1)
    assert edges(fast) == {("A", "B"): (1, 1.0)}
    assert "1 contents have more than one time" in fast.notes[0]
    with pytest.raises(ConfigError, match="fast_window"):
        network_like(file, **asked, fast_window=11)
    for name, value in (("fast_window", 1), ("keep_loops", True)):
        with pytest.raises(ConfigError, match=name):
            network_like(file, like="cnt", **{name: value})


def test_coortweet_milliseconds_and_fractions_do_not_lose_digits(tmp_path):
    rows = [["o", "A", "1", "1606451170.000001"], ["o", "B", "2", "1606451170.000004"]]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    asked = {"like": "coortweet", "min_participation": 1}
    ((_, mean),) = edges(network_like(file, **asked, time_window=1)).values()
    assert mean == pytest.approx(3e-6, abs=2e-7)
    rows = [["o", "A", "1", "1606451170000"], ["o", "B", "2", "1606451170003"]]
    file = write(tmp_path / "t.csv", EVENTS, rows)
    assert edges(network_like(file, **asked, time_window=3)) == {("A", "B"): (1, 3.0)}
