"""Zip archives of posts: which members may be read, and one member's bytes at a time.

A member is read as an input of its own, called ``archive.zip/inner/posts.csv``; nothing is ever
written under a name that stands in an archive. What could be an attack is refused whole, with the
reason: names that lead outside, links, encryption, archives inside, too many members, members that
share bytes, more than 100 times the archive's size. The room knows archives, not posts.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from klieg.errors import InputError

__all__ = ["FLOOR", "MAX_MEMBERS", "MAX_RATIO", "MAX_UNPACKED", "copied", "found_in", "members"]

MAX_RATIO = 100
FLOOR = 64 << 20  # bytes: below this no ratio is alarming
MAX_UNPACKED = 50 << 30
MAX_MEMBERS = 10_000
MAX_DIRECTORY = 16 << 20  # bytes of the list of members, read before it is believed
_CHUNK = 1 << 20
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_MADE_BY_SYSTEMS = ("__MACOSX/",)
_ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".jar")
_PACKED_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")


def is_zip(path: Path) -> bool:
    """Whether a file begins as zip archives do; False for what cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (_ZIP, _EMPTY_ZIP)
    except (OSError, ValueError):
        return False


def members(names: Sequence[str]) -> list[str]:
    """The names, each zip archive among them replaced by its members, ``archive.zip/member``.

    Raises InputError for an archive that is broken, empty, a spreadsheet, or could be an attack.
    """
    found: list[str] = []
    for name in names:
        if name == "-" or not is_zip(Path(name)):
            found.append(name)
        else:
            with _opened(Path(name), name) as archive:
                found += [f"{name}/{info.filename}" for info in _checked(archive, name)]
    return found


def found_in(name: str) -> tuple[Path, str] | None:
    """The archive and the member that ``archive.zip/inner/posts.csv`` names; None if it is none."""
    for parent in Path(name).parents:
        if parent.is_file():
            inner = name[len(str(parent)) :].lstrip("/" + os.sep)
            return (parent, inner) if is_zip(parent) else None
    return None


def copied(archive: Path, member: str, out: IO[bytes], *, name: str) -> None:
    """Write one member's bytes to ``out``; InputError if there is no such member or it is torn."""
    with _opened(archive, str(archive)) as opened:
        for info in _checked(opened, str(archive)):
            if info.filename == member:
                for piece in _bytes_of(opened, info, name):
                    out.write(piece)
                return
    raise InputError("no such member in the archive", path=name)


def _bytes_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    written = 0
    try:
        with archive.open(info) as member:
            while piece := member.read(_CHUNK):
                written += len(piece)
                if written > info.file_size:
                    raise InputError("a member holds more than the archive says", path=name)
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise InputError(f"a member that is cut short or damaged ({error})", path=name) from error
    except NotImplementedError as error:
        raise InputError(
            "packed in a way that is not read here; unpack the archive first", path=name
        ) from error


def _opened(path: Path, name: str) -> zipfile.ZipFile:
    try:
        with path.open("rb") as file:
            _believable(file, name)
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error) as error:
        raise InputError(
            "a zip archive that is cut short or broken; copy or download it again", path=name
        ) from error


def _believable(file: IO[bytes], name: str) -> None:
    """Judge the list of members before it is read: its own size and count say enough."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - (1 << 16) - 22)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile("no end record")
    count, length = struct.unpack_from("<HI", tail, at + 10)
    if tail[at - 20 : at - 16] == b"PK\x06\x07":  # a large archive has a second record
        (where,) = struct.unpack_from("<Q", tail, at - 12)
        file.seek(where)
        record = file.read(56)
        if record[:4] != b"PK\x06\x06":
            raise zipfile.BadZipFile("no end record")
        count, length = struct.unpack_from("<QQ", record, 32)
    if count > MAX_MEMBERS or length > MAX_DIRECTORY:
        raise InputError(
            f"an archive of more than {MAX_MEMBERS:,} members; unpack it, join the files and give "
            "them",
            path=name,
        )


def _checked(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The members that are to be read, in their order; InputError if any makes it unsafe."""
    infos = archive.infolist()
    if any(i.filename == "[Content_Types].xml" for i in infos):
        raise InputError("a spreadsheet or a document: save the posts as CSV", path=name)
    if len(infos) > MAX_MEMBERS:
        raise InputError(f"an archive of more than {MAX_MEMBERS:,} members", path=name)
    for info in infos:
        if why := _unsafe(info):
            raise InputError(f"an archive that is not opened: {why}", path=name)
    files = [i for i in infos if not i.is_dir() and not _by_system(i.filename)]
    if len({i.filename for i in files}) < len(files):
        raise InputError("an archive that is not opened: two members of one name", path=name)
    packed = sum(i.compress_size for i in infos)
    size = Path(str(archive.filename)).stat().st_size
    if packed > size:
        raise InputError("an archive that is not opened: its members share bytes", path=name)
    unpacked = sum(i.file_size for i in files)
    if unpacked > min(MAX_UNPACKED, max(FLOOR, MAX_RATIO * size)):
        raise InputError(
            f"an archive that says it unpacks to more than {MAX_RATIO} times its size, or than "
            "50 GiB; if it is not a bomb, unpack it yourself and give the plain files",
            path=name,
        )
    if not files:
        raise InputError("an archive without files in it", path=name)
    return files


def _unsafe(info: zipfile.ZipInfo) -> str:
    """Why a member makes its archive unsafe; empty if it does not."""
    # zipfile cuts a name at a NUL, which others may not: what was written is what is judged
    name = info.orig_filename
    shown = ascii(name[:80])
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or name[1:2] == ":":
        return f"a member's name leads outside ({shown})"
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        return f"a member's name holds control characters ({shown})"
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"a member is a link ({shown})"
    if info.flag_bits & 1:
        return f"a member is encrypted ({shown}); unpack it with its password first"
    low = name.lower()
    if low.endswith(_ARCHIVE_SUFFIXES) or Path(low).stem.endswith(".tar"):
        return f"an archive inside an archive ({shown}); unpack it first"
    if low.endswith(_PACKED_SUFFIXES):
        return f"a member is packed once more ({shown}); unpack the archive and give its files"
    return ""


def _by_system(name: str) -> bool:
    """Files that operating systems leave beside what people pack."""
    return name.startswith(_MADE_BY_SYSTEMS) or name.rpartition("/")[2].startswith(".")
