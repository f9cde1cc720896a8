"""Where the tables of a network may lie, and what is said when they cannot be read."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import zstandard

from klieg.config import Config
from klieg.errors import InputError
from klieg.parity import network_like, write_network

from .tools import EVENTS, HEADER, cnt, coortweet, edges, write

ONE = [["o", "A", "1", "0"], ["o", "B", "2", "3"], ["p", "A", "3", "9"], ["p", "B", "4", "9"]]
TWO = [["x", "A", "1", "5"], ["x", "C", "9", "6"], ["x", "B", "8", "7"]]
ASKED = {"like": "coortweet", "time_window": 5, "min_participation": 1}
BOTH = coortweet([ONE, TWO], 5, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two modalities, in a folder."""
    (tmp_path / "d" / "deep").mkdir(parents=True)
    write(tmp_path / "d" / "one.csv", EVENTS, ONE)
    write(tmp_path / "d" / "deep" / "two.csv", EVENTS, TWO)
    return tmp_path


def test_network_inputs_each_file_of_a_pattern_is_a_modality(folder, monkeypatch):
    assert edges(network_like(f"{folder}/d/**/*.csv", **ASKED)) == BOTH
    monkeypatch.chdir(folder)
    assert edges(network_like("d/**/*.csv", **ASKED)) == BOTH
    assert edges(network_like(["d/*.csv", "./d/deep/t?o.csv"], **ASKED)) == BOTH
    assert edges(network_like(Path("d/one.csv"), **ASKED)) == coortweet([ONE], 5, 1)
    for names, says in (("d/*.tsv", "no file matches"), ([], "no input given"), ("d", "a folder")):
        with pytest.raises(InputError, match=says):
            network_like(names, **ASKED)


@pytest.mark.parametrize("how", ["zip", "tar", "tar.gz", "tar.zst"])
def test_network_inputs_members_of_an_archive_are_modalities(folder, monkeypatch, how):
    path = folder / f"posts.{how}"
    if how == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(folder / "d" / "one.csv", "d/one.csv")
            archive.write(folder / "d" / "deep" / "two.csv", "d/deep/two.csv")
    else:
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as archive:
            archive.add(folder / "d", ".")
        pack = {"tar": bytes, "tar.gz": gzip.compress, "tar.zst": zstandard.compress}[how]
        path.write_bytes(pack(sink.getvalue()))
    assert edges(network_like(path, **ASKED)) == BOTH
    monkeypatch.chdir(folder)
    assert edges(network_like(f"./posts.{how}", **ASKED)) == BOTH
    inner = "d/one.csv" if how == "zip" else "one.csv"
    assert edges(network_like(f"posts.{how}/{inner}", **ASKED)) == coortweet([ONE], 5, 1)


def test_network_inputs_from_a_store(folder):
    store = fsspec.filesystem("memory")
    try:
        store.pipe("/net/one.csv", (folder / "d" / "one.csv").read_bytes())
        store.pipe("/net/two.csv.gz", gzip.compress((folder / "d/deep/two.csv").read_bytes()))
        assert edges(network_like("memory://net/*", **ASKED)) == BOTH
        names = [f"file://{folder}/d/one.csv", "memory://net/two.csv.gz"]
        assert edges(network_like(names, **ASKED)) == BOTH
        with pytest.raises(InputError, match="cannot be fetched"):
            network_like("memory://net/three.csv", **ASKED)
        with pytest.raises(InputError, match="no place klieg reads from"):
            network_like("ftp://net/one.csv", **ASKED)
    finally:
        store.rm("/net", recursive=True)


def test_network_inputs_standard_input_packed_or_plain(folder, monkeypatch):
    def given(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    plain = (folder / "d" / "one.csv").read_bytes()
    for data in (plain, gzip.compress(plain), zstandard.compress(plain)):
        given(data)
        assert edges(network_like("-", **ASKED)) == coortweet([ONE], 5, 1)
    given(b"")
    with pytest.raises(InputError, match="the file is empty"):
        network_like("-", **ASKED)
    words = ("--like", "coortweet", "--time-window", "5", "--min-participation", "1")
    command = [sys.executable, "-W", "error", "-m", "klieg", "network", "-", *words]
    done = subprocess.run(command, input=gzip.compress(plain), capture_output=True, check=True)
    assert done.stdout == b"account_a,account_b,weight,avg_time_delta\nA,B,2,1.5\n"


def test_network_inputs_parquet_of_any_types_is_the_same_table(tmp_path):
    rows = [
        [2**53 + 1, 10, 7, 0.5],
        [2**53, 11, 8, 1.0],
        [2**53 + 1, 11, 9, 1.25],
        [2**53 + 1, 12, 10, 1e6],
    ]
    csv = write(tmp_path / "t.csv", EVENTS, [[str(cell) for cell in row] for row in rows])
    columns = dict(zip(EVENTS, map(list, zip(*rows, strict=True)), strict=True))
    wanted = edges(network_like(csv, **ASKED))
    assert wanted == {("10", "11"): (1, 0.75)}
    kinds = [pa.int64(), pa.uint64(), pa.string(), pa.large_string(), pa.binary()]
    for kind in kinds:
        for dictionary in (False, True):
            arrays = {k: pa.array(columns[k], pa.int64()) for k in EVENTS[:3]}
            if not pa.types.is_integer(kind):
                arrays = {k: a.cast(pa.string()) for k, a in arrays.items()}
            arrays = {k: a.cast(kind) for k, a in arrays.items()}
            if dictionary:
                arrays = {k: a.dictionary_encode() for k, a in arrays.items()}
            table = pa.table({**arrays, "timestamp_share": columns["timestamp_share"]})
            pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
            found = network_like(tmp_path / "t.parquet", **ASKED)
            assert edges(found) == wanted, (kind, dictionary)
    for unit in ("ms", "us", "ns"):
        stamps = pa.array([500_000, 1_000_000, 1_250_000, 10**12], pa.timestamp("us"))
        table = pa.table({**columns, "timestamp_share": stamps.cast(pa.timestamp(unit, "UTC"))})
        pq.write_table(table, tmp_path / "t.parquet")
        assert edges(network_like(tmp_path / "t.parquet", **ASKED)) == wanted, unit


def test_network_inputs_float_ids_are_told_apart_as_they_are_written(tmp_path):
    rows = [["1.0", "A", "1", "0"], ["1", "B", "2", "1"], ["1e0", "C", "3", "1"]]
    assert edges(network_like(write(tmp_path / "f.csv", EVENTS, rows), **ASKED)) == {}
    floats = pa.table(
        {
            "object_id": [1.0, 1.0],
            "account_id": [9007199254740992.0, 1e16],
            "content_id": [0.1, 2.0],
            "timestamp_share": [0, 1],
        }
    )
    pq.write_table(floats, tmp_path / "f.parquet")
    found = edges(network_like(tmp_path / "f.parquet", **ASKED))
    assert found == {("1e+16", "9007199254740992.0"): (1, 1.0)}


@pytest.mark.parametrize("form", ["csv", "csv.gz", "csv.zst", "parquet"])
def test_network_inputs_messages_in_every_form(tmp_path, form):
    rows = [[str(i), a, a, "r", "", "x y", str(i), "u"] for i, a in enumerate("ABAC")]
    csv = write(tmp_path / "m.csv", HEADER, rows)
    file = tmp_path / f"n.{form}"
    if form == "parquet":
        kinds = pacsv.ConvertOptions(column_types=dict.fromkeys(HEADER, pa.string()))
        pq.write_table(pacsv.read_csv(csv, convert_options=kinds), file)
    else:
        pack = {"csv": bytes, "csv.gz": gzip.compress, "csv.zst": zstandard.compress}[form]
        file.write_bytes(pack(csv.read_bytes()))
    for network in ("co_retweet", "co_post"):
        found = network_like(file, like="cnt", network=network, time_window=1, min_edge_weight=1)
        assert edges(found) == cnt(rows, network, 1, 1, 1.0)
    as_shares = network_like(file, like="coortweet", time_window=1, min_participation=1)
    assert edges(as_shares) == coortweet([[[r[3], r[1], r[0], r[6]] for r in rows]], 1, 1)


BAD = {
    "empty.csv": (b"", "the file is empty"),
    "lines.csv": (b"\n\n\n", "no table of either tool"),
    "other.csv": (b"a,b\n1,2\n", "no table of either tool"),
    "lines.jsonl": (b'{"object_id": "o", "account_id": "A"}\n', "no table of either tool"),
    "wide.csv": ("object_id,é\n".encode("utf-16"), "UTF-16"),
    "twice.csv": (b"object_id,object_id,account_id,content_id,timestamp_share\n", "two columns"),
    "short.csv": (",".join(EVENTS).encode() + b"\no,A,1,0\no,B\n", "columns"),
    "quote.csv": (",".join(EVENTS).encode() + b'\no,A,1,0\no,"B,2,1\n', "columns"),
    "time.csv": (",".join(EVENTS).encode() + b"\no,A,1,\n", "must be a number of seconds"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(99), "a picture"),
    "rows.csv.gz": (
        gzip.compress(",".join(EVENTS).encode() + b"\n" + os.urandom(9_000).hex().encode())[:9_000],
        "cannot be",
    ),
    "rows.csv.zst": (zstandard.compress(os.urandom(1 << 20))[:9_000], "cannot be|not text"),
    "rows.parquet": (b"PAR1" + bytes(50), "cut short or broken"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("suffix", ["csv", "parquet", "gexf"])
def test_network_inputs_that_cannot_be_read_leave_nothing_behind(
    tmp_path, monkeypatch, capsys, name, suffix
):
    from klieg import cli

    data, says = BAD[name]
    (tmp_path / name).write_bytes(data)
    out = tmp_path / "out" / f"edges.{suffix}"
    out.parent.mkdir()
    words = ["klieg", "network", str(tmp_path / name), "--like", "coortweet", "-o", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert any(word in said for word in says.split("|")), said
    assert name in said and "Traceback" not in said
    assert list(out.parent.iterdir()) == []


def test_network_inputs_a_torn_table_is_refused_wherever_it_breaks(tmp_path):
    rows = [[f"o{i // 3}", f"a{i % 40}", f"c{i}", str(i)] for i in range(30_000)]
    plain = write(tmp_path / "t.csv", EVENTS, rows).read_bytes()
    for pack in (gzip.compress, zstandard.compress):
        whole = pack(plain)
        for cut in (len(whole) // 3, len(whole) - 9, len(whole) - 1):
            (tmp_path / "t.csv.x").write_bytes(whole[:cut])
            with pytest.raises(InputError, match=r"cannot be|cut short"):
                network_like(tmp_path / "t.csv.x", **ASKED)


def test_network_inputs_a_blank_line_before_the_header_is_no_matter(tmp_path):
    file = tmp_path / "t.csv"
    body = write(tmp_path / "u.csv", EVENTS, ONE).read_bytes()
    file.write_bytes(b"\n\n" + body)
    assert edges(network_like(file, **ASKED)) == coortweet([ONE], 5, 1)


def test_network_inputs_on_ray_the_bytes_are_the_same(tmp_path, ray_address):
    rows = [
        [str(i), f"u{i % 37}", "", f"r{i % 11}" * (i % 2), "", f"w{i % 5} x", str(i), ""]
        for i in range(900)
    ]
    file = write(tmp_path / "t.csv", HEADER, rows)
    for network in ("co_retweet", "co_similar_tweet"):
        asked = {"like": "cnt", "network": network, "time_window": 90}
        for engine in ("ray", "cpu"):
            config = Config(engine=engine, threads=2, ray_address=ray_address)
            write_network(network_like(file, **asked, config=config), tmp_path / f"{engine}.csv")
        found = (tmp_path / "ray.csv").read_bytes()
        assert found == (tmp_path / "cpu.csv").read_bytes()
        assert found.count(b"\n") > 100
