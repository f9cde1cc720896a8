"""Networks on disk and on standard output: every format, names with commas, and what is refused."""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path

import networkx as nx
import pyarrow.parquet as pq
import pytest

from klieg import cli
from klieg.errors import ConfigError, StoreError
from klieg.parity import drawing, network_like, write_network

from .tools import EVENTS, HEADER, edges, write

ACCOUNTS = ["plain", "a,b", 'say "hi"', "two\nlines", "é😀", "", "=1+1"]


@pytest.fixture
def shares(tmp_path: Path) -> Path:
    rows = [["o", a, f"c{i}", str(i / 3)] for i, a in enumerate(ACCOUNTS)]
    return write(tmp_path / "shares.csv", EVENTS, rows)


@pytest.mark.parametrize("like", ["cnt", "coortweet"])
def test_writing_csv_says_the_names_as_they_are(tmp_path, shares, like):
    least = {"min_edge_weight": 1} if like == "cnt" else {"min_participation": 1}
    network = network_like(shares, like=like, **least)
    assert write_network(network, tmp_path / "e.csv") == len(edges(network))
    with (tmp_path / "e.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == network.schema.names
    wanted = edges(network)
    assert {(a, b) for a, b, *_ in rows} == set(wanted)
    for a, b, *numbers in rows:
        assert list(map(float, numbers)) == pytest.approx(wanted[a, b], abs=5e-7)


@pytest.mark.parametrize("like", ["cnt", "coortweet"])
def test_writing_parquet_is_the_table(tmp_path, shares, like):
    network = network_like(shares, like=like, time_window=1)
    write_network(network, tmp_path / "e.parquet")
    assert pq.read_table(tmp_path / "e.parquet") == network.to_table()


@pytest.mark.parametrize("suffix", [".graphml", ".gexf"])
@pytest.mark.parametrize("like", ["cnt", "coortweet"])
def test_writing_graphs_load_in_networkx(tmp_path, shares, suffix, like):
    least = {"min_edge_weight": 1} if like == "cnt" else {"min_participation": 1}
    network = network_like(shares, like=like, **least)
    path = tmp_path / f"e{suffix}"
    write_network(network, path)
    read = nx.read_graphml if suffix == ".graphml" else nx.read_gexf
    graph = read(path)
    assert graph.is_directed() == (like == "cnt")
    found = {(a, b): d for a, b, d in graph.edges(data=True)}
    assert len(found) == len(edges(network))
    for (a, b), numbers in edges(network).items():
        data = found.get((a, b)) or found[b, a]
        assert data["weight"] == numbers[0]
        if like == "coortweet":
            assert data["avg_time_delta"] == pytest.approx(numbers[1])
    before = path.read_bytes()
    write_network(network, path)
    assert path.read_bytes() == before


def test_writing_refuses_other_suffixes_and_graphs_too_large(tmp_path, shares, monkeypatch):
    network = network_like(shares, like="cnt", min_edge_weight=1)
    with pytest.raises(ConfigError, match="format"):
        write_network(network, tmp_path / "e.xlsx")
    monkeypatch.setattr(drawing, "MOST_DRAWN", 2)
    with pytest.raises(ConfigError, match=r"\.csv or \.parquet"):
        write_network(network, tmp_path / "e.gexf")
    assert list(tmp_path.glob("*e.gexf*")) == []


def test_writing_where_nothing_can_be_written_is_a_store_error(tmp_path, shares):
    network = network_like(shares, like="cnt", min_edge_weight=1)
    with pytest.raises(StoreError, match="could not be written"):
        write_network(network, tmp_path / "absent" / "e.csv")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["klieg", "network", *words])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_writing_without_a_file_goes_to_standard_output(monkeypatch, capsys, shares):
    asked = ("--like", "cnt", "--min-edge-weight", "1", "--time-window", "9")
    assert run(monkeypatch, str(shares), *asked) == 0
    out, err = capsys.readouterr()
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert rows[0] == ["source", "target", "weight"]
    assert len(rows) == 1 + len(ACCOUNTS) * (len(ACCOUNTS) - 1)
    assert err == "klieg: 42 edges\n"


def test_writing_asks_before_a_file_is_replaced(monkeypatch, capsys, tmp_path, shares):
    out = tmp_path / "e.csv"
    words = (str(shares), "--like", "coortweet", "-o", str(out))
    assert run(monkeypatch, *words) == 0
    before = out.read_bytes()
    assert run(monkeypatch, *words, "--min-participation", "1") == 5
    assert "--force" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert run(monkeypatch, *words, "--min-participation", "1", "--force", "-q") == 0
    assert out.read_bytes() != before
    assert capsys.readouterr().err == ""


def test_writing_notes_and_errors_go_to_standard_error(monkeypatch, capsys, tmp_path):
    rows = [["1", "A", "", "", "", "", "0", ""], ["2", "B", "", "", "", "", "0", ""]]
    file = str(write(tmp_path / "m.csv", HEADER, rows))
    assert run(monkeypatch, file, "--like", "cnt", "--network", "co_link") == 0
    assert "2 posts have no URL" in capsys.readouterr().err
    assert run(monkeypatch, file, "--like", "cnt", "--min-participation", "2") == 5
    assert run(monkeypatch, file, "--like", "cnt", "-o", "edges.xlsx") == 2
    assert run(monkeypatch, file) == 2
    assert run(monkeypatch, str(tmp_path / "absent.csv"), "--like", "cnt") == 3
    if os.name == "posix":
        assert run(monkeypatch, file, "--like", "cnt", "-o", "/dev/null/e.csv") == 5
