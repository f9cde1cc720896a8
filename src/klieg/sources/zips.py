"""Zip archives of posts: which members may be read, and their bytes.

The list of members is judged before it is read. The room knows zip archives, not posts.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from klieg.errors import InputError
from klieg.sources.membership import (
    MAX_MEMBERS,
    allowed,
    by_system,
    checked_names,
    not_opened,
    too_large,
    too_many,
    unsafe,
)

__all__ = ["copied", "is_archive", "members"]

MAX_DIRECTORY = 16 << 20  # bytes of the list of members, read before it is believed
_CHUNK = 1 << 20
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"


def is_archive(path: Path) -> bool:
    """Whether a file begins as zip archives do; False for what cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (_ZIP, _EMPTY_ZIP)
    except (OSError, ValueError):
        return False


def members(path: Path, name: str) -> list[str]:
    """The members that are to be read, in their order; InputError if any makes it unsafe."""
    with _opened(path, name) as archive:
        return [info.filename for info in _checked(archive, name)]


def copied(archive: Path, member: str, out: IO[bytes], name: str) -> None:
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
        raise too_many(name)


def _checked(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The members that are to be read, in their order; InputError if any makes it unsafe."""
    infos = archive.infolist()
    if any(i.filename == "[Content_Types].xml" for i in infos):
        raise InputError("a spreadsheet or a document: save the posts as CSV", path=name)
    if len(infos) > MAX_MEMBERS:
        raise too_many(name)
    for info in infos:
        if why := _unsafe(info):
            raise not_opened(why, name)
    files = [i for i in infos if not i.is_dir() and not by_system(i.filename)]
    checked_names([i.filename for i in files], name)
    size = Path(str(archive.filename)).stat().st_size
    if sum(i.compress_size for i in infos) > size:
        raise not_opened("its members share bytes", name)
    if sum(i.file_size for i in files) > allowed(size):
        raise too_large(name)
    return files


def _unsafe(info: zipfile.ZipInfo) -> str:
    """Why a member makes its archive unsafe; empty if it does not."""
    # zipfile cuts a name at a NUL, which others may not: what was written is what is judged
    name = info.orig_filename
    if why := unsafe(name):
        return why
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"a member is a link ({name[:80]!a})"
    if info.flag_bits & 1:
        return f"a member is encrypted ({name[:80]!a}); unpack it with its password first"
    return ""
