"""Threat: compressed files that swell, break off or lie about what they are."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
import zstandard

from klieg.errors import InputError
from klieg.sources import inputs, read
from klieg.sources.inputs import MAX_RATIO


def lines(n: int) -> bytes:
    draw = random.Random(1)
    return b"".join(
        json.dumps(
            {
                "id": str(i),
                "user": f"u{draw.randrange(99)}",
                "time": 1714557600 + i,
                "text": f"text {draw.random()}",
            }
        ).encode()
        + b"\n"
        for i in range(n)
    )


def packed(data: bytes, kind: str) -> bytes:
    return gzip.compress(data) if kind == "gz" else zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_hostile_bomb_is_defused_early(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "RATIO_FLOOR", 1 << 20)
    bomb = tmp_path / "a.jsonl"
    bomb.write_bytes(packed(lines(20) + b" " * (200 << 20), kind))
    spool = inputs._spool()
    before = set(spool.iterdir())
    with pytest.raises(InputError, match=f"more than {MAX_RATIO} times its size") as refused:
        read([str(bomb)])
    assert refused.value.exit_code == 3
    assert set(spool.iterdir()) == before, "the half-unpacked copy was left behind"


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_hostile_bomb_small_files_may_shrink_a_lot(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(packed(lines(20) + b"\n" * (8 << 20), kind))
    assert read([str(path)])[0].n == 20


@pytest.mark.parametrize("kind", ["gz", "zst"])
@pytest.mark.parametrize("keep", [0.5, 0.9, 0.999])
def test_hostile_bomb_a_stream_cut_short_is_read_as_far_as_it_goes(
    tmp_path: Path, kind: str, keep: float
) -> None:
    whole = packed(lines(20_000), kind)
    path = tmp_path / "a.jsonl"
    path.write_bytes(whole[: int(len(whole) * keep)])
    posts, intake = read([str(path)])
    assert 0.5 * keep * 20_000 < posts.n < 20_000
    assert dict(intake.rejected) == {"torn_stream": 1}
    assert any("cut short" in note for note in intake.notes)
    assert intake.rows == posts.n + 1


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_hostile_bomb_a_damaged_stream_is_told(tmp_path: Path, kind: str) -> None:
    first, second = packed(lines(20_000), kind), packed(lines(20_000), kind)
    path = tmp_path / "a.jsonl"
    path.write_bytes(first + second[:20] + b"\xff" * 400)
    posts, intake = read([str(path)])
    assert posts.n == 20_000
    assert intake.rejected["torn_stream"] == 1
    assert any("stream is" in note for note in intake.notes)


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_hostile_bomb_nothing_but_a_header_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(packed(lines(5), kind)[:12])
    with pytest.raises(InputError):
        read([str(path)])


def test_hostile_bomb_packed_bombs_inside_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(gzip.compress(b" " * (1 << 20))))
    with pytest.raises(InputError, match="packed twice"):
        read([str(path)])


def test_hostile_bomb_archives_are_named_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"PK\x03\x04" + b"../../etc/passwd" * 9)
    with pytest.raises(InputError, match="zip archive"):
        read([str(path)])


def test_hostile_bomb_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"user": ["a"], "time": [1], "text": ["x"]}), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    for keep in (10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "b.parquet").write_bytes(whole[:keep])
        with pytest.raises(InputError, match="Parquet"):
            read([str(tmp_path / "b.parquet")])
    flipped = bytearray(whole)
    flipped[20:40] = b"\xff" * 20
    (tmp_path / "c.parquet").write_bytes(bytes(flipped))
    with pytest.raises(InputError, match="Parquet"):
        read([str(tmp_path / "c.parquet")])
