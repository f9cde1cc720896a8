"""Threat: tar archives that swell, lead outside, hold links and devices, or lie about sizes."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.errors import InputError
from klieg.sources import inputs, membership, preview, read, tars
from klieg.sources.archives import members

from .test_archives import lines, table

PACKED = {".tar": bytes, ".tar.gz": gzip.compress, ".tgz": gzip.compress}
PACKED[".tar.zst"] = zstandard.compress


def member(name: str, data: bytes = b"", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def tar(*files: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for info, data in files:
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def summed(header: bytes) -> bytes:
    """The header with its checksum put right."""
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


GOOD = member("a.csv", table(0, 20))


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_hostile_tar_members_are_inputs_of_their_own(
    tmp_path: Path, suffix: str, form: int
) -> None:
    deep = "dump/" + "d" * 90 + "/" + "é" * 30 + "/b.jsonl"
    files = (
        member("./", type=tarfile.DIRTYPE),
        member("./a.csv", table(0, 50)),
        member("dump", type=tarfile.DIRTYPE),
        member(deep, lines(50, 50)),
        member("./._a.csv", b"\0\5\x16\7"),
        member("dump/.DS_Store", b"\0\0\0\1Bud1"),
    )
    path = tmp_path / f"posts{suffix}"
    path.write_bytes(PACKED[suffix](tar(*files, form=form)))
    spool = set(inputs._spool().iterdir())
    posts, intake = read([str(path)])
    assert posts.n == 100
    assert sorted(str(i["path"]) for i in intake.inputs) == ["a.csv", "b.jsonl"]
    assert set(inputs._spool().iterdir()) == spool
    assert members([str(path)]) == [f"{path}/a.csv", f"{path}/{deep}"]
    assert read([f"{path}/{deep}"])[0].n == 50
    assert [p["format"] for p in preview([str(path)])] == ["tabular", "tabular"]
    with pytest.raises(InputError, match="no such member"):
        read([f"{path}/b.csv"])


def test_hostile_tar_one_plain_copy_is_kept_and_it_goes(tmp_path: Path) -> None:
    def copies() -> set[str]:
        return {p.name for p in Path(tempfile.gettempdir()).glob("klieg-*.tar")}

    tars._forget()
    before = copies()
    for k in range(3):
        path = tmp_path / f"{k}.tar.gz"
        path.write_bytes(gzip.compress(tar(GOOD)))
        assert read([str(path)])[0].n == 20
        assert len(copies() - before) == 1
    path.write_bytes(gzip.compress(tar(member("a.csv", table(0, 9)))))
    assert read([str(path)])[0].n == 9  # another file under the same name
    tars._forget()
    assert copies() == before
    assert path.exists()
    plain = tmp_path / "p.tar"
    plain.write_bytes(tar(GOOD))
    assert read([str(plain)])[0].n == 20
    tars._forget()
    assert plain.exists()


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (member("../../etc/passwd.csv", b"x"), "leads outside"),
        (member("a/../../b.csv", b"x"), "leads outside"),
        (member("/etc/passwd.csv", b"x"), "leads outside"),
        (member("./../b.csv", b"x"), "leads outside"),
        (member("C:\\b.csv", b"x"), "leads outside"),
        (member("../d", type=tarfile.DIRTYPE), "leads outside"),
        (member("a\x1b[31m.csv", b"x"), "control characters"),
        (member("inner.zip", b"x"), "archive inside an archive"),
        (member("inner.tar.gz", b"x"), "archive inside an archive"),
        (member("inner.csv.gz", b"x"), "packed once more"),
        (member("./a.csv", b"x"), "two members of one name"),
        (member("l.csv", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
        (member("l.csv", type=tarfile.LNKTYPE, linkname="a.csv"), "is a link"),
        (member("d.csv", type=tarfile.CHRTYPE), "is a device"),
        (member("d.csv", type=tarfile.BLKTYPE), "is a device"),
        (member("p.csv", type=tarfile.FIFOTYPE), "is a pipe"),
        (member("s.csv", type=tarfile.GNUTYPE_SPARSE), "is a sparse file"),
        (member("v.csv", type=b"V"), "unknown kind"),
        (member("b.csv", b"x", pax_headers={"size": "99"}), "extended header"),
        (member("b.csv", b"x", pax_headers={"GNU.sparse.major": "1"}), "extended header"),
        (member("b.csv", b"x", pax_headers={"comment": "c" * 99_999}), "a header of"),
    ],
)
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_hostile_tar_is_refused_whole_and_says_why(
    tmp_path: Path, suffix: str, odd: tuple[tarfile.TarInfo, bytes], words: str
) -> None:
    path = tmp_path / f"p{suffix}"
    path.write_bytes(PACKED[suffix](tar(GOOD, odd)))
    with pytest.raises(InputError, match=words) as refused:
        read([str(path)], quarantine=tmp_path / "q.jsonl")
    assert refused.value.exit_code == 3
    assert "\x1b" not in str(refused.value)
    assert {p.name for p in tmp_path.iterdir()} == {path.name}
    assert not tars._latest


def test_hostile_tar_sizes_that_lie_are_caught(tmp_path: Path) -> None:
    path = tmp_path / "p.tar"
    whole = tar(GOOD)
    header, rest = whole[:512], whole[512:]
    negative = header[:124] + b"\xff" * 12 + header[136:]
    huge = header[:124] + b"\x80" + b"\0" * 6 + b"\x7f" * 5 + header[136:]
    for odd in (negative, huge):
        path.write_bytes(summed(odd) + rest)
        with pytest.raises(InputError, match="no plain number"):
            read([str(path)])
    beyond = header[:124] + b"%011o\0" % (1 << 30) + header[136:]
    path.write_bytes(summed(beyond) + rest)
    with pytest.raises(InputError, match="cut short or broken"):
        read([str(path)])
    folder = summed(header[:156] + b"5" + header[157:])
    path.write_bytes(folder + rest)
    with pytest.raises(InputError, match="a folder that has a size"):
        read([str(path)])


def test_hostile_tar_bombs_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "FLOOR", 1 << 20)
    for suffix in (".tar.gz", ".tar.zst"):
        path = tmp_path / f"bomb{suffix}"
        path.write_bytes(PACKED[suffix](tar(member("a.csv", b"\n" * (64 << 20)))))
        assert path.stat().st_size < 1 << 17
        with pytest.raises(InputError, match="more than 100 times its size"):
            read([str(path)])
    assert not tars._latest


def test_hostile_tar_of_too_many_members_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.tar"
    block = tar(member("a.csv"), form=tarfile.USTAR_FORMAT)[:512]
    path.write_bytes(block * (2 * membership.MAX_MEMBERS + 1) + bytes(1024))
    with pytest.raises(InputError, match="more than 10,000 members"):
        read([str(path)])
    path.write_bytes(tar(*(member(f"{i}.csv", b"x") for i in range(10_001))))
    with pytest.raises(InputError, match="more than 10,000 members"):
        read([str(path)])
    path.write_bytes(tar(member("d", type=tarfile.DIRTYPE)))
    with pytest.raises(InputError, match="without files"):
        read([str(path)])


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("keep", [0.3, 0.6])
def test_hostile_tar_cut_short_is_refused(tmp_path: Path, suffix: str, keep: float) -> None:
    path = tmp_path / f"p{suffix}"
    whole = PACKED[suffix](tar(member("a.csv", table(0, 5000)))[:-8192])
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(InputError, match=r"cut short|damaged|unpacked"):
        read([str(path)])


@settings(max_examples=150, deadline=None)
@given(
    at=st.integers(0, 4095),
    byte=st.integers(0, 255),
    more=st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=6),
    mend=st.booleans(),
)
def test_hostile_tar_any_damage_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    at: int,
    byte: int,
    more: list[tuple[int, int]],
    mend: bool,
) -> None:
    raw = bytearray(tar(GOOD, member("b" * 120 + ".csv", table(20, 9))))
    for place, value in ((at, byte), *more):
        raw[place % len(raw)] = value
    if mend:
        raw[:512] = summed(bytes(raw[:512]))
    path = tmp_path_factory.getbasetemp() / "damaged.tar"
    path.write_bytes(bytes(raw))
    with contextlib.suppress(InputError):
        read([str(path)], max_bad=1.0)


def test_hostile_tar_many_members_are_read_in_one_pass(tmp_path: Path) -> None:
    path = tmp_path / "many.tar.gz"
    path.write_bytes(gzip.compress(tar(*(member(f"{i}.csv", table(i, 1)) for i in range(60)))))
    unpacked = []
    wrapped = tars._unpacked
    tars._forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tars, "_unpacked", lambda *a: unpacked.append(a) or wrapped(*a))
        assert read([str(path)])[0].n == 60
    assert len(unpacked) == 1
