"""CNT's networks against their semantics told slowly, and the three bugs that are not followed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.errors import ConfigError, InputError
from klieg.parity import NETWORKS, network_like

from .tools import CASES, EVENTS, HEADER, cnt, edges, write

times = st.one_of(
    st.integers(-40, 40).map(str),
    st.integers(0, 600).map(lambda t: repr(t / 10)),
    st.integers(0, 9).map(lambda t: f"160000000{t}.{t * 111_111:06d}"),
    st.sampled_from(["nan", "inf", " 5 ", "+3", "1_0", "1e1", "1611000000000000001"]),
)
messages = st.lists(
    st.tuples(
        st.sampled_from([*"abcdefghijklmnop", "1", "01"]),
        st.sampled_from(["A", "B", "C", "x,y", 'q"', "é", ""]),
        st.just("name"),
        st.sampled_from(["", "", "r1", "R1"]),
        st.sampled_from(["", "p1", "p 2"]),
        st.lists(
            st.sampled_from(["Vote", "now", "vote", "@x", ".", "don't", "mat\n", "😀", "é"]),
            max_size=5,
        ).map(" ".join),
        times,
        st.sampled_from(["", " ", "u1", "u1 u2", "u2  u1", "u1 u1", "U1"]),
    ).map(list),
    max_size=14,
)


@pytest.mark.parametrize("network", NETWORKS)
@settings(max_examples=25, deadline=None)
@given(
    rows=messages,
    window=st.sampled_from([0, 1, 5, 0.3, 60]),
    least=st.integers(0, 3),
    tau=st.sampled_from([0.5, 2 / 3, 0.75, 1.0]),
)
def test_cnt_edges_and_weights_are_those_of_the_semantics(
    tmp_path_factory, network, rows, window, least, tau
):
    file = write(tmp_path_factory.getbasetemp() / f"{network}.csv", HEADER, rows)
    more = {"similarity_threshold": tau} if network == "co_similar_tweet" else {}
    found = network_like(
        file, like="cnt", network=network, time_window=window, min_edge_weight=least, **more
    )
    assert edges(found) == cnt(rows, network, window, least, tau)


@settings(max_examples=15, deadline=None)
@given(rows=messages, order=st.randoms(), threads=st.sampled_from([1, 3]))
def test_cnt_rows_with_ids_of_their_own_may_come_in_any_order(
    tmp_path_factory, rows, order, threads
):
    rows = [[str(i), *row[1:]] for i, row in enumerate(rows)]
    file = tmp_path_factory.getbasetemp() / "order.csv"
    asked = {"like": "cnt", "network": "co_link", "time_window": 10, "min_edge_weight": 1}
    one = network_like(write(file, HEADER, rows), **asked).to_table()
    order.shuffle(rows)
    config = Config(threads=threads)
    assert network_like(write(file, HEADER, rows), **asked, config=config).to_table() == one


def rows_of(*shares: tuple[str, str, float, str]) -> list[list[str]]:
    """(account, object, time, message) as an events frame."""
    return [[o, a, m, str(t)] for a, o, t, m in shares]


def test_cnt_a_message_counts_once_however_many_links_match(tmp_path):
    rows = [["1", "A", "", "", "", "", "0", "u v w"], ["2", "B", "", "", "", "", "1", "w v"]]
    file = write(tmp_path / "links.csv", HEADER, rows)
    found = network_like(file, like="cnt", network="co_link", min_edge_weight=1)
    assert edges(found) == {("A", "B"): (1,), ("B", "A"): (1,)}
    assert found.notes == ()


def test_cnt_events_of_one_message_are_its_links(tmp_path):
    rows = rows_of(("A", "u", 0, "1"), ("A", "v", 0, "1"), ("B", "v", 1, "2"), ("A", "w", 9, "1"))
    rows += rows_of(("C", "w", 9, "3"))
    file = write(tmp_path / "events.csv", EVENTS, rows)
    found = network_like(file, like="cnt", network="co_link", min_edge_weight=1)
    # the row at 9 s is another post under the same id: it is dropped
    assert edges(found) == {("A", "B"): (1,), ("B", "A"): (1,)}
    assert len(found.notes) == 1


def test_cnt_linkless_posts_share_nothing_and_a_note_says_so(tmp_path):
    rows = [[str(i), a, "", "", "", "", str(i), ""] for i, a in enumerate("ABC")]
    found = network_like(
        write(tmp_path / "n.csv", HEADER, rows), like="cnt", network="co_link", min_edge_weight=1
    )
    assert edges(found) == {}
    assert "3 posts have no URL" in found.notes[0]
    far = [[*row[:6], str(1000 * i), ""] for i, row in enumerate(rows)]
    found = network_like(write(tmp_path / "f.csv", HEADER, far), like="cnt", network="co_link")
    assert found.notes == ()


def test_cnt_texts_without_a_word_are_like_nothing_and_a_note_says_so(tmp_path):
    rows = [["1", "A", "", "", "", "@bob", "0", ""], ["2", "B", "", "", "", "@al", "1", ""]]
    file = write(tmp_path / "w.csv", HEADER, rows)
    asked = {"like": "cnt", "min_edge_weight": 1}
    found = network_like(file, network="co_similar_tweet", **asked)
    assert edges(found) == {}
    assert "2 posts hold no word" in found.notes[0]
    alone = write(tmp_path / "a.csv", HEADER, [rows[0], ["3", "C", "", "", "", "word", "99", ""]])
    # 1.5.2 compares a post with itself, so one is enough; not if its account writes too little
    assert (
        "1 posts hold no word" in network_like(alone, network="co_similar_tweet", **asked).notes[0]
    )
    assert network_like(alone, network="co_similar_tweet", like="cnt").notes == ()
    equal = network_like(file, network="co_tweet", **asked)
    assert len(edges(equal)) == 2  # nothing is equal to nothing: the toolkit has it so
    assert equal.notes == ()


def test_cnt_a_dropped_row_leaves_no_ghost_and_a_note_says_so(tmp_path):
    rows = [["1", "A", "", "", "", "", "0", "u"], ["1", "Z", "", "", "", "", "0", "v"]]
    rows += [["2", "B", "", "", "", "", "0", "v"]]
    file = write(tmp_path / "d.csv", HEADER, rows)
    found = network_like(file, like="cnt", network="co_link", min_edge_weight=1)
    assert edges(found) == {}
    assert "1 rows repeat" in found.notes[0]
    repost = [["1", "A", "", "r", "", "", "0", ""], *rows[1:]]
    found = network_like(
        write(tmp_path / "r.csv", HEADER, repost), like="cnt", network="co_link", min_edge_weight=1
    )
    assert edges(found) == {}
    assert len(found.notes) == 1
    again = write(tmp_path / "again.csv", HEADER, rows[:1] * 3)
    assert network_like(again, like="cnt", network="co_link").notes == ()


def test_cnt_takes_the_tools_own_defaults(tmp_path):
    rows = rows_of(("A", "o", 0, "1"), ("B", "o", 1, "2"), ("A", "p", 9, "3"), ("B", "p", 10, "4"))
    rows += rows_of(("C", "o", 2, "5"), ("C", "p", 12, "6"))
    file = write(tmp_path / "e.csv", EVENTS, rows)
    # 1 second, two messages: C is a second from B once only
    assert edges(network_like(file, like="cnt")) == {("A", "B"): (2,), ("B", "A"): (2,)}


@pytest.mark.parametrize("how", ["gz", "zst", "parquet", "tsv", "bom", "crlf", "cr"])
def test_cnt_reads_every_way_a_table_is_kept(tmp_path, how):
    rows = [["9007199254740993", "A", "", "r", "", "a,\nb", "0.5", ""]]
    rows += [["9007199254740992", "B", "", "r", "", 'say "x"', "1", ""]]
    file = write(tmp_path / "t.csv", HEADER, rows)
    if how == "gz":
        file = tmp_path / "t.csv.gz"
        file.write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    elif how == "zst":
        import zstandard

        file = tmp_path / "t.csv.zst"
        file.write_bytes(zstandard.compress((tmp_path / "t.csv").read_bytes()))
    elif how == "parquet":
        columns = dict(zip(HEADER, map(list, zip(*rows, strict=True)), strict=True))
        table = pa.table({**columns, "timestamp": [0.5, 1.0], "message_id": [2**53 + 1, 2**53]})
        file = tmp_path / "t.parquet"
        pq.write_table(table, file)
    elif how == "tsv":
        file = write(tmp_path / "t.tsv", HEADER, rows, delimiter="\t")
    elif how == "bom":
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    elif how in ("crlf", "cr"):
        end = "\r\n" if how == "crlf" else "\r"
        file = write(tmp_path / "t.csv", HEADER, rows, lineterminator=end)
    found = network_like(file, like="cnt", min_edge_weight=1)
    assert edges(found) == {("A", "B"): (1,), ("B", "A"): (1,)}


@pytest.mark.parametrize("network", NETWORKS)
def test_cnt_is_the_same_on_the_slow_engine(network):
    asked = {"like": "cnt", "network": network, "time_window": 60, "min_edge_weight": 1}
    for name in ("text_cotweet", "text_reply", "text_link"):
        file = CASES / f"{name}.csv"
        slow = network_like(file, **asked, config=Config(engine="reference"))
        assert slow.to_table() == network_like(file, **asked).to_table()


def test_cnt_both_layouts_make_one_data_set(tmp_path):
    events = write(tmp_path / "e.csv", EVENTS, rows_of(("A", "r", 0, "1"), ("B", "r", 9, "2")))
    table = write(tmp_path / "m.csv", HEADER, [["3", "B", "", "r", "", "", "1", ""]])
    found = network_like([events, table], like="cnt", min_edge_weight=1)
    assert edges(found) == {("A", "B"): (1,), ("B", "A"): (1,)}


@pytest.mark.parametrize("header", [HEADER, EVENTS], ids=["messages", "events"])
def test_cnt_a_header_alone_is_a_network_without_edges(tmp_path, header):
    file = write(tmp_path / "h.csv", header, [])
    assert edges(network_like(file, like="cnt")) == {}
    assert edges(network_like(file, like="coortweet")) == {}


def refused(path: Path, **asked: object) -> str:
    with pytest.raises((InputError, ConfigError)) as error:
        network_like(path, **{"like": "cnt", **asked}).to_table()
    return str(error.value)


def test_cnt_says_what_is_wrong(tmp_path):
    good = write(tmp_path / "g.csv", EVENTS, rows_of(("A", "o", 0, "1")))
    assert "message" in refused(good, network="co_tweet")
    assert "time_window" in refused(good, time_window=-1)
    assert "min_participation" in refused(good, min_participation=2)
    assert "edge_weight" in refused(good, edge_weight=0.5)
    assert "like" in refused(good, like="gephi")
    assert "network" in refused(good, network="co_like")
    late = write(
        tmp_path / "t.csv", EVENTS, [*rows_of(("A", "o", 0, "1")), ["o", "B", "2", "noon"]]
    )
    assert "line 3" in refused(late) and "noon" in refused(late)
    other = write(tmp_path / "o.csv", ["a", "b"], [["1", "2"]])
    assert "object_id" in refused(other)
    lacking = write(tmp_path / "l.csv", ["message_id", "user_id", "timestamp"], [["1", "A", "0"]])
    assert "urls" in refused(lacking, network="co_link")
    short = tmp_path / "s.csv"
    short.write_text(",".join(EVENTS) + "\no,A,1\n", encoding="utf-8")
    assert "columns" in refused(short)
    table = pa.table({**{key: ["x", "y"] for key in EVENTS[:3]}, EVENTS[3]: [1.0, None]})
    pq.write_table(table, tmp_path / "n.parquet")
    assert "line 3" in refused(tmp_path / "n.parquet")
    latin = tmp_path / "i.csv"
    rows = [b"o,\xe9,1,0", b"o,B,2,0"]
    latin.write_bytes(b"\n".join([",".join(EVENTS).encode(), *rows, b""]))
    assert "UTF-8" in refused(latin)
    assert "no such file" in refused(tmp_path / "none.csv")
