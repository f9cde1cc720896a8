"""Tar archives of posts, plain or in gzip or zstd: which members may be read, and their bytes.

A packed archive is unpacked once, within bounds, to a file that the next archive replaces. Every
header is looked at before ``tarfile`` parses any: it trusts sizes, and an archive of strangers may
state a negative one, or gigabytes of extended header. The room knows tar archives, not posts.
"""

from __future__ import annotations

import atexit
import contextlib
import gzip
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

import zstandard

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

BLOCK = 512
MAX_HEADER = 64 << 10
"""Bytes of an extended header: room for a name of 4,096 characters many times over."""
_CHUNK = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_TORN = "a tar archive that is cut short or broken; copy or download it again"
_FILES = (b"0", b"\0", b"7")
_NAMES = (b"L", b"K", b"x", b"g", b"X")  # headers that only say more of the next member, or of all
_KINDS = {
    b"1": "a link",
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
}


def is_archive(path: Path) -> bool:
    """Whether a file begins as tar archives do, unpacked; False for what cannot be opened."""
    try:
        with path.open("rb") as file, _plain(file) as plain:
            return plain.read(BLOCK)[257:262] == b"ustar"
    except (OSError, ValueError, EOFError, zlib.error, zstandard.ZstdError):
        return False


def members(path: Path, name: str) -> list[str]:
    """The members that are to be read, in their order; InputError if any makes it unsafe."""
    return list(_listed(path, name).members)


def copied(archive: Path, member: str, out: IO[bytes], name: str) -> None:
    """Write one member's bytes to ``out``; InputError if there is no such member or it is torn."""
    listed = _listed(archive, str(archive))
    if member not in listed.members:
        raise InputError("no such member in the archive", path=name)
    at, left = listed.members[member]
    with listed.plain.open("rb") as file:
        file.seek(at)
        while left and (piece := file.read(min(_CHUNK, left))):
            out.write(piece)
            left -= len(piece)
    if left:
        raise InputError("a member that is cut short or damaged", path=name)


class _Listed(NamedTuple):
    """An archive whose members were looked at."""

    of: tuple[str, int, int]  # path, size and time of change
    plain: Path  # itself, or an unpacked copy of it
    members: dict[str, tuple[int, int]]  # where each one's bytes begin, and how many they are


_latest: list[_Listed] = []
"""The archive last asked for: its members are read one after the other, so one copy is enough."""


@atexit.register
def _forget() -> None:
    while _latest:
        listed = _latest.pop()
        if str(listed.plain) != listed.of[0]:
            listed.plain.unlink(missing_ok=True)


def _listed(path: Path, name: str) -> _Listed:
    seen = path.stat()
    of = (str(path.resolve()), seen.st_size, seen.st_mtime_ns)
    if _latest and _latest[0].of == of and _latest[0].plain.exists():
        return _latest[0]
    _forget()
    plain = _unpacked(path.resolve(), name)
    _latest.append(_Listed(of, plain, {}))
    try:
        with plain.open("rb") as file:
            _believable(file, name)
        with tarfile.open(plain, "r:", encoding="utf-8", errors="replace") as archive:
            found = {_called(i): (i.offset_data, i.size) for i in _checked(archive, name)}
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        _forget()
        raise InputError(_TORN, path=name) from error
    except InputError:
        _forget()
        raise
    _latest[0].members.update(found)
    return _latest[0]


def _called(info: tarfile.TarInfo) -> str:
    """A member's name, without the ``./`` that stands before all of them in many archives."""
    return info.name.removeprefix("./")


def _checked(archive: tarfile.TarFile, name: str) -> list[tarfile.TarInfo]:
    infos, files = archive.getmembers(), []
    if len(infos) > MAX_MEMBERS:
        raise too_many(name)
    for info in infos:
        if info.name not in (".", "./") and (why := unsafe(_called(info))):
            raise not_opened(why, name)
        if not (info.isfile() or info.isdir()) or info.issparse():
            raise not_opened(f"a member is no plain file ({info.name[:80]!a})", name)
        if info.isfile() and not by_system(_called(info)):
            files.append(info)
    checked_names([_called(info) for info in files], name)
    return files


# --- headers -------------------------------------------------------------------------------------


def _believable(file: IO[bytes], name: str) -> None:
    """Walk the headers by their sizes; InputError for one that no archive of posts has."""
    size = file.seek(0, os.SEEK_END)
    at, count = 0, 0
    while at < size:
        file.seek(at)
        header = file.read(BLOCK)
        if header == bytes(BLOCK):
            break  # the end, for tarfile too
        if len(header) < BLOCK:
            raise tarfile.ReadError("a header that is cut short")
        count += 1
        if count > 2 * MAX_MEMBERS:
            raise too_many(name)
        at += BLOCK + _length(file, header, name)
        if at > size:
            raise tarfile.ReadError("a member that is cut short")
    if not count:
        raise tarfile.ReadError("no header")


def _length(file: IO[bytes], header: bytes, name: str) -> int:
    """The bytes to the next header; InputError for a kind of member that is not read."""
    kind, shown = header[156:157], ascii(header[:80].split(b"\0")[0].decode("utf-8", "replace"))
    if kind in _KINDS:
        raise not_opened(f"a member is {_KINDS[kind]} ({shown})", name)
    stated = header[124:136].strip(b"\0 ")
    if not all(c in b"01234567" for c in stated):
        # eight GiB and more, or less than nothing
        raise not_opened(f"a member's size is no plain number ({shown})", name)
    size = int(stated or b"0", 8)
    if kind == b"5" or (kind == b"\0" and header[:100].rstrip(b"\0").endswith(b"/")):
        if size:
            raise not_opened(f"a folder that has a size ({shown})", name)
    elif kind in _NAMES:
        if size > MAX_HEADER:
            raise not_opened(f"a header of {size:,} bytes", name)
        said = file.read(size)
        if b" size=" in said or b"GNU.sparse" in said:
            raise not_opened("a member's size is told in an extended header", name)
    elif kind not in _FILES:
        raise not_opened(f"a member of an unknown kind ({shown})", name)
    return -(-size // BLOCK) * BLOCK


# --- packed archives -----------------------------------------------------------------------------


def _unpacked(path: Path, name: str) -> Path:
    """The archive as a plain tar file: itself, or a copy. InputError past the bounds."""
    with path.open("rb") as file:
        if not file.read(4).startswith((_GZIP, _ZSTD)):
            return path
    handle, copy = tempfile.mkstemp(prefix="klieg-", suffix=".tar")
    try:
        with os.fdopen(handle, "wb") as out, path.open("rb") as file, _plain(file) as plain:
            written, most = 0, allowed(path.stat().st_size)
            while piece := plain.read(_CHUNK):
                written += len(piece)
                if written > most:
                    raise too_large(name)
                out.write(piece)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        Path(copy).unlink()
        raise InputError(_TORN, path=name) from error
    except BaseException:
        Path(copy).unlink()
        raise
    return Path(copy)


@contextlib.contextmanager
def _plain(file: IO[bytes]) -> Iterator[IO[bytes]]:
    start = file.read(4)
    file.seek(0)
    if start.startswith(_GZIP):
        with gzip.GzipFile(fileobj=file) as plain:
            yield cast("IO[bytes]", plain)
    elif start == _ZSTD:
        unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        with unpacker.stream_reader(file, read_across_frames=True, closefd=False) as plain:
            yield cast("IO[bytes]", plain)
    else:
        yield file
