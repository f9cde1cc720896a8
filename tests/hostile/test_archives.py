"""Threat: zip archives that swell, lead outside, hide links, or lie about what they hold."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from klieg.errors import InputError
from klieg.sources import inputs, membership, preview, read


def table(first: int, n: int) -> bytes:
    rows = (f"{i},u{i % 7},{1714557600 + i * 61},text {i}" for i in range(first, first + n))
    return ("id,user,created_at,text\n" + "\n".join(rows) + "\n").encode()


def lines(first: int, n: int) -> bytes:
    rows = (
        f'{{"id": "{i}", "user": "u{i % 7}", "created_at": {1714557600 + i}, "text": "t {i}"}}\n'
        for i in range(first, first + n)
    )
    return "".join(rows).encode()


def packed(path: Path, files: dict[str, bytes], *, deflated: bool = True) -> str:
    how = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(path)


def test_hostile_archive_members_are_inputs_of_their_own_in_any_format(tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(
        pa.table({"id": ["p"], "user": ["ada"], "created_at": [1714557600], "text": ["x"]}), sink
    )
    files = {
        "dump/": b"",
        "dump/a.csv": table(0, 50),
        "dump/b.jsonl": lines(50, 50),
        "c.parquet": sink.getvalue(),
        "__MACOSX/dump/._a.csv": b"\0\5\x16\7",
        "dump/.DS_Store": b"\0\0\0\1Bud1",
    }
    path = packed(tmp_path / "posts.zip", files)
    spool = inputs._spool()
    before = set(spool.iterdir())
    posts, intake = read([path])
    assert posts.n == 101
    assert sorted(str(i["path"]) for i in intake.inputs) == ["a.csv", "b.jsonl", "c.parquet"]
    assert set(spool.iterdir()) == before, "a member's copy was left behind"
    assert next(p["input"] for p in preview([path])).endswith("posts.zip/dump/a.csv")
    assert read([path + "/dump/b.jsonl"])[0].n == 50


def test_hostile_archive_bad_rows_of_a_member_are_quarantined_under_its_name(
    tmp_path: Path,
) -> None:
    path = packed(tmp_path / "p.zip", {"a.csv": table(0, 300) + b"7,ada\n"})
    posts, intake = read([path], quarantine=tmp_path / "q.jsonl")
    assert (posts.n, dict(intake.rejected)) == (300, {"torn_row": 1})
    assert "p.zip/a.csv" in (tmp_path / "q.jsonl").read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../etc/passwd.csv", "leads outside"),
        ("a/../../b.csv", "leads outside"),
        ("/etc/passwd.csv", "leads outside"),
        ("..\\..\\b.csv", "leads outside"),
        ("C:\\b.csv", "leads outside"),
        ("a\x1b[31m.csv", "control characters"),
        ("inner.zip", "archive inside an archive"),
        ("inner.tar.gz", "archive inside an archive"),
        ("inner.csv.gz", "packed once more"),
        ("a.csv", "two members of one name"),
        ("[Content_Types].xml", "a spreadsheet"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_archive_is_refused_whole_and_says_why(
    tmp_path: Path, name: str, words: str
) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", table(0, 20))
        archive.writestr(name, table(20, 20))
    with pytest.raises(InputError, match=words.replace("[", r"\[")) as refused:
        read([str(path)], quarantine=tmp_path / "q.jsonl")
    assert refused.value.exit_code == 3
    assert "\x1b" not in str(refused.value)
    assert {p.name for p in tmp_path.iterdir()} == {"p.zip"}


def test_hostile_archive_links_and_locks_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        read([str(tmp_path / "link.zip")])
    path = Path(packed(tmp_path / "locked.zip", {"a.csv": table(0, 9)}))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # the flag of encryption
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match="encrypted"):
        read([str(path)])


def test_hostile_archive_bombs_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "FLOOR", 1 << 20)
    path = packed(tmp_path / "bomb.zip", {"a.csv": table(0, 20) + b"\n" * (64 << 20)})
    assert Path(path).stat().st_size < 1 << 17
    with pytest.raises(InputError, match="more than 100 times its size"):
        read([path])
    many = packed(tmp_path / "many.zip", {f"{i}.csv": b"\n" * (1 << 18) for i in range(30)})
    with pytest.raises(InputError, match="more than 100 times its size"):
        read([many])


def test_hostile_archive_that_lies_about_its_size_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "FLOOR", 1 << 20)
    path = Path(packed(tmp_path / "liar.zip", {"a.csv": table(0, 20) + b"\n" * (64 << 20)}))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02") + 24
    raw[at : at + 4] = struct.pack("<I", 4096)
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError):
        read([str(path)])
    assert not [p for p in inputs._spool().iterdir() if p.suffix == ".member"]


def test_hostile_archive_whose_members_share_bytes_is_refused(tmp_path: Path) -> None:
    data = table(0, 400)
    path = Path(packed(tmp_path / "p.zip", {"a.csv": data, "b.csv": data}, deflated=False))
    raw = bytearray(path.read_bytes())
    first = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", first + 4)
    whole = struct.unpack_from("<I", raw, first + 20)[0]
    for at in (first, second):  # both claim to reach over the other's bytes
        struct.pack_into("<II", raw, at + 20, whole * 2, whole * 2)
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match="share bytes"):
        read([str(path)])


def test_hostile_archive_of_too_many_members_is_refused_before_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "many.zip", {f"{i}.csv": b"" for i in range(10_001)})
    monkeypatch.setattr(zipfile, "ZipFile", lambda *a: pytest.fail("the members were listed"))
    with pytest.raises(InputError, match="more than 10,000 members"):
        read([path])


@pytest.mark.parametrize("keep", [4, 30, 0.5, 0.99])
def test_hostile_archive_cut_short_is_refused(tmp_path: Path, keep: float) -> None:
    path = Path(packed(tmp_path / "p.zip", {"a.csv": table(0, 50)}))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    with pytest.raises(InputError, match="zip archive that is cut short or broken"):
        read([str(path)])


def test_hostile_archive_a_damaged_member_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    path = Path(packed(tmp_path / "p.zip", {"a.csv": table(0, 500)}))
    raw = bytearray(path.read_bytes())
    raw[200:260] = b"\xff" * 60
    path.write_bytes(bytes(raw))
    with pytest.raises(InputError, match="cut short or damaged"):
        read([str(path)])
    assert not [p for p in inputs._spool().iterdir() if p.suffix == ".member"]


def test_hostile_archive_in_disguise_is_refused(tmp_path: Path) -> None:
    inner = packed(tmp_path / "inner.bin", {"a.csv": table(0, 9)})
    path = packed(tmp_path / "p.zip", {"a.csv": Path(inner).read_bytes()})
    with pytest.raises(InputError, match="zip archive where a file of posts was expected"):
        read([path])
    with pytest.raises(InputError, match="no such member"):
        read([path + "/b.csv"])
    with pytest.raises(InputError, match="without files"):
        read([packed(tmp_path / "none.zip", {})])
