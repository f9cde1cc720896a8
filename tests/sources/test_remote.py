"""Names become files: patterns, remote stores (servers of both), and posts read by workers."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from klieg import sources
from klieg.config import Config
from klieg.engine.executors import ThreadExecutor
from klieg.errors import InputError
from klieg.sockets import make
from klieg.sources import remote
from klieg.sources.loading import pack, read_one, unpack
from klieg.sources.remote import expand
from klieg.tables import Intake, Posts, Reject


def rows(first: int, n: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"p{i}",
            "user": f"u{i % 7}",
            "created_at": f"2026-05-01 12:{i % 60:02}",
            "text": f"w{i}",
        }
        for i in range(first, first + n)
    ]


def lines(first: int, n: int) -> bytes:
    return "".join(json.dumps(r) + "\n" for r in rows(first, n)).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six files of every kind in two folders; one holds bad rows, one a deletion, one is packed."""
    (tmp_path / "d" / "deep").mkdir(parents=True)
    (tmp_path / "d" / "a.jsonl").write_bytes(lines(0, 30))
    (tmp_path / "d" / "b.jsonl").write_bytes(
        lines(30, 199) + b'{"id": "x", "user": "u", "text": 1}\n'
    )
    (tmp_path / "d" / "c.jsonl.gz").write_bytes(gzip.compress(lines(250, 20)))
    pq.write_table(pa.Table.from_pylist(rows(300, 25)), tmp_path / "d" / "d.parquet")
    text = "id,user,created_at,text\n" + "".join(",".join(r.values()) + "\n" for r in rows(400, 15))
    (tmp_path / "d" / "e.csv").write_text(text, encoding="utf-8")
    (tmp_path / "d" / "deep" / "a.jsonl").write_bytes(lines(500, 12))
    return tmp_path


def same(a: tuple[Posts, Intake], b: tuple[Posts, Intake]) -> None:
    """Posts and what is told of them, byte for byte."""
    assert a[0].table.combine_chunks().equals(b[0].table.combine_chunks(), check_metadata=True)
    assert a[0].account.tobytes() == b[0].account.tobytes()
    assert a[0].time.tobytes() == b[0].time.tobytes()
    assert a[0].account_ids.equals(b[0].account_ids) and a[0].resolution == b[0].resolution
    assert a[1] == b[1]


def listed(folder: Path, *names: str) -> list[str]:
    return [str(folder / "d" / name) for name in names]


EVERY = ("a.jsonl", "b.jsonl", "c.jsonl.gz", "d.parquet", "deep/a.jsonl", "e.csv")


def test_remote_patterns_name_sorted_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert expand(["d/*.jsonl"]) == [str(Path("d", n)) for n in ("a.jsonl", "b.jsonl")]
    assert expand([f"{folder}/d/**/*.jsonl"]) == listed(
        folder, "a.jsonl", "b.jsonl", "deep/a.jsonl"
    )
    assert expand(["-", "d/[de].*"]) == [
        "-",
        *(str(Path("d", n)) for n in ("d.parquet", "e.csv")),
    ]
    assert expand(["gone.jsonl"]) == ["gone.jsonl"]  # for ``open_input`` to tell
    with pytest.raises(InputError, match="no file matches this pattern"):
        expand(["d/*.tsv"])


def test_remote_a_file_called_like_a_pattern_wins(folder: Path) -> None:
    odd = folder / "d" / "[ab].jsonl"
    odd.write_bytes(lines(0, 3))
    assert expand([str(odd)]) == [str(odd)]
    assert sources.read([str(odd)])[0].n == 3


def test_remote_a_pattern_reads_what_its_files_read(folder: Path) -> None:
    same(
        sources.read([f"{folder}/d/**/*"], max_bad=0.01),
        sources.read(listed(folder, *EVERY), max_bad=0.01),
    )


names = st.text("ab./*?[]!", min_size=1, max_size=8)


@given(st.lists(names, min_size=1, max_size=6), names)
def test_remote_patterns_of_stores_are_those_of_glob(found: list[str], pattern: str) -> None:
    """Inside one folder, where fnmatch and ours must agree."""
    import fnmatch
    import re

    flat = [n.replace("/", "") for n in found]
    pattern = pattern.replace("/", "").replace("**", "*")
    wanted = re.compile(remote._regex(pattern), re.DOTALL)
    assert [bool(wanted.fullmatch(n)) for n in flat] == [
        fnmatch.fnmatchcase(n, pattern) for n in flat
    ]


def test_remote_file_urls_and_fsspec_read_the_same(folder: Path) -> None:
    memory = fsspec.filesystem("memory")
    for name in EVERY:
        memory.pipe_file(f"/posts/{name}", (folder / "d" / name).read_bytes())
    here = sources.read(listed(folder, *EVERY))
    same(sources.read([f"file://{folder}/d/{name}" for name in EVERY]), here)
    same(sources.read([f"file://{folder}/d/**/*"]), here)
    same(sources.read([f"memory://posts/{name}" for name in EVERY]), here)
    same(sources.read(["memory://posts/**/*"]), here)
    with pytest.raises(InputError, match="no file matches"):
        sources.read(["memory://posts/*.tsv"])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("https://example.org/posts.jsonl", "no place klieg reads from"),
        ("S3x://bucket/posts.jsonl", "no place klieg reads from"),
        ("s3://KEY:SECRET@bucket/posts.jsonl", "give credentials in the environment"),
        ("file:///nowhere/at/all.jsonl", "cannot be fetched"),
        ("memory://nothing/here.jsonl", "cannot be fetched"),
    ],
)
def test_remote_names_that_will_not_do_are_sentences(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        sources.read([name])
    assert "SECRET" not in str(raised.value)


def test_remote_errors_speak_of_the_name_given(folder: Path) -> None:
    (folder / "d" / "empty.jsonl").touch()
    with pytest.raises(InputError, match=r"^file://.*/empty\.jsonl: the file is empty"):
        sources.read([f"file://{folder}/d/empty.jsonl"])


def test_remote_copies_are_gone_afterwards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder / "scratch"))
    sources.read([f"file://{folder}/d/a.jsonl"])
    assert not list((folder / "scratch").rglob("fetched"))


def test_remote_a_preview_looks_at_a_pattern(folder: Path) -> None:
    found = sources.preview([f"file://{folder}/d/*.jsonl"])
    assert [f["input"] for f in found] == [f"file://{folder}/d/{n}" for n in ("a.jsonl", "b.jsonl")]
    assert found[0]["looked_at"] == 30


# --- posts read by workers -----------------------------------------------------------------------


def test_remote_what_a_worker_read_arrives_whole(folder: Path) -> None:
    for name in listed(folder, *EVERY):
        rejects: list[Reject] = []
        plain = read_one(name, None, {}, rejects.append)
        kept: list[Reject] = []
        there = unpack(pack(plain, rejects), kept.append)
        assert kept == rejects
        assert (there.name, there.format, there.sha256) == (plain.name, plain.format, plain.sha256)
        assert replace(there.desk, keep=plain.desk.keep, meter=plain.desk.meter) == plain.desk
        assert [t.combine_chunks() for t in there.tables] == [
            t.combine_chunks() for t in plain.tables
        ]


class Elsewhere(ThreadExecutor):
    """Workers that do not have the file ``a.jsonl``."""

    def map(
        self, function: Any, shared: Any, ranges: Sequence[tuple[int, int]], threads: int
    ) -> Any:
        lost = tuple(p + ".gone" if p.endswith("/a.jsonl") else p for p in shared.paths)
        return super().map(function, shared._replace(paths=lost), ranges, threads)


@pytest.mark.parametrize("executor", [ThreadExecutor(), Elsewhere()])
def test_remote_workers_read_the_bytes_of_a_local_read(folder: Path, executor: Any) -> None:
    bad = [folder / "bad1", folder / "bad2"]
    here = sources.read(listed(folder, *EVERY), quarantine=bad[0])
    there = sources.read(listed(folder, *EVERY), quarantine=bad[1], executor=executor)
    same(here, there)
    assert bad[0].read_bytes() == bad[1].read_bytes() != b""


def test_remote_bad_rows_are_judged_as_locally(folder: Path) -> None:
    told = []
    for executor in (None, ThreadExecutor()):
        with pytest.raises(InputError) as raised:
            sources.read(
                listed(folder, "a.jsonl", "b.jsonl"),
                max_bad=0.001,
                quarantine=folder / f"bad {executor}",
                executor=executor,
            )
        told.append((str(raised.value), (folder / f"bad {executor}").read_bytes()))
    assert told[0] == told[1] and "1 of 200 rows" in told[0][0]


def test_remote_ray_workers_read_a_pattern(folder: Path, ray_address: str) -> None:
    executor = make("executors", "ray", Config(ray_address=ray_address))
    same(
        sources.read([f"{folder}/d/**/*"], executor=executor),
        sources.read(listed(folder, *EVERY)),
    )


# --- real servers of stores ----------------------------------------------------------------------


@contextmanager
def served(*command: str, **environ: str) -> Iterator[str]:
    """A store's server in a process of its own; ``{address}`` in the environment is where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [word.format(port=port) for word in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    before = dict(os.environ)
    os.environ |= {name: value.format(address=address) for name, value in environ.items()}
    try:
        _wait(port)
        yield address
    finally:
        server.terminate()
        server.wait(10)
        os.environ.clear()
        os.environ |= before
        remote._s3.cache_clear()
        remote._gs.cache_clear()


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the store's server did not start")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Moto's server; its address is in the environment, as are the keys."""
    yield from _held(
        served(
            *(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"),
            AWS_ENDPOINT_URL="{address}",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_REGION="us-east-1",
        )
    )


@pytest.fixture(scope="module")
def gs() -> Iterator[str]:
    """An emulator of Google's store with one bucket, ``dump``."""
    emulator = str(Path(sys.executable).with_name("gcp-storage-emulator"))
    yield from _held(
        served(
            *(emulator, "start", "--host=127.0.0.1", "--port={port}", "--in-memory"),
            "--default-bucket=dump",
            STORAGE_EMULATOR_HOST="{address}",
        )
    )


def _held(server: AbstractContextManager[str]) -> Iterator[str]:
    with server as address:
        yield address


def test_remote_gs_reads_the_same(folder: Path, gs: str) -> None:
    store = fs.GcsFileSystem(
        anonymous=True, endpoint_override=gs.removeprefix("http://"), scheme="http"
    )
    for name in EVERY:
        with store.open_output_stream(f"dump/may posts/{name}", compression=None) as file:
            file.write((folder / "d" / name).read_bytes())
    here = sources.read(listed(folder, *EVERY))
    same(sources.read([f"gs://dump/may posts/{name}" for name in EVERY]), here)
    same(sources.read(["gcs://dump/may posts/**/*"]), here)
    same(sources.read(["gs://dump/**/*"], executor=ThreadExecutor()), here)
    assert expand(["gs://dump/may posts/*.jsonl"]) == [
        f"gs://dump/may posts/{name}" for name in ("a.jsonl", "b.jsonl")
    ]
    for name, says in (
        ("gs://dump/gone.jsonl", "cannot be fetched"),
        ("gs://dump/may posts/*.tsv", "no file matches"),
    ):
        with pytest.raises(InputError, match=says):
            sources.read([name])


@pytest.mark.parametrize("store", ["s3", "gs"])
def test_remote_network_reads_from_a_store(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    from klieg.parity import network_like

    address = request.getfixturevalue(store)
    if store == "s3":
        where = {"endpoint_override": address.removeprefix("http://"), "scheme": "http"}
        fs.S3FileSystem(**where, allow_bucket_creation=True).create_dir("dump")
    rows = b"object_id,account_id,content_id,timestamp_share\no,A,1,0\no,B,2,1\n"
    for name, data in (("a.csv", rows), ("b.csv.gz", gzip.compress(rows))):
        (tmp_path / name).write_bytes(data)
        system, place = remote._system(f"{store}://dump/shares/{name}")
        with system.open_output_stream(place, compression=None) as file:
            file.write(data)
    asked = {"like": "coortweet", "min_participation": 1}
    here = network_like([tmp_path / "a.csv", tmp_path / "b.csv.gz"], **asked).to_table()
    assert here.column("weight").to_pylist() == [2]
    assert network_like(f"{store}://dump/shares/*", **asked).to_table() == here
    with pytest.raises(InputError, match="cannot be fetched"):
        network_like(f"{store}://dump/shares/gone.csv", **asked)
    for name in ("a.csv", "b.csv.gz"):  # others list the bucket
        system.delete_file(f"dump/shares/{name}")


def test_remote_s3_reads_the_same(folder: Path, s3: str) -> None:
    store = fs.S3FileSystem(
        endpoint_override=s3.removeprefix("http://"), scheme="http", allow_bucket_creation=True
    )
    store.create_dir("dump")
    for name in EVERY:
        with store.open_output_stream(f"dump/may posts/{name}", compression=None) as file:
            file.write((folder / "d" / name).read_bytes())
    here = sources.read(listed(folder, *EVERY))
    same(sources.read([f"s3://dump/may posts/{name}" for name in EVERY]), here)
    same(sources.read(["s3://dump/may posts/**/*"]), here)
    assert expand(["s3://dump/may posts/*.jsonl"]) == [
        f"s3://dump/may posts/{name}" for name in ("a.jsonl", "b.jsonl")
    ]
    same(sources.read(["s3://dump/**/*"], executor=ThreadExecutor()), here)
    for name, says in (
        ("s3://dump/gone.jsonl", "cannot be fetched"),
        ("s3://dump/may posts/*.tsv", "no file matches"),
        ("s3://no-such-bucket/posts.jsonl", "cannot be fetched"),
    ):
        with pytest.raises(InputError, match=says):
            sources.read([name])
