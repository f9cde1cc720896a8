"""Opens what the user named: a file, standard input, plain or compressed, judged by its bytes.

Compression is told by magic numbers, never by the name; what is no text of posts (a folder, an
empty file, an archive, a picture) ends here with a sentence that says what to do instead. Unpacking
is bounded, so that a small file cannot fill the disk. The room knows no format of posts.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from klieg.errors import InputError
from klieg.sockets import Input
from klieg.sources.archives import FLOOR, MAX_RATIO, MAX_UNPACKED, copied, found_in
from klieg.sources.desk import Desk
from klieg.tables import Reject

__all__ = ["HEAD", "PARQUET", "beginning", "file_name", "open_input", "opened", "unpacked"]

HEAD = 1 << 16
PARQUET = b"PAR1"
RATIO_FLOOR = FLOOR
_CHUNK = 1 << 20
_PACKED = 1 << 16  # bytes of a packed stream taken at a time
_GZIP = 31  # zlib's word for a stream with gzip's header and check
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive where a file of posts was expected: unpack it first",
    b"BZh": "a bzip2 file: unpack it with bunzip2",
    b"\xfd7zXZ": "an xz file: unpack it with unxz",
    b"7z\xbc\xaf": "a 7-zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"SQLite format 3": "an SQLite database: export the table of posts as CSV",
    b"%PDF": "a PDF: klieg reads posts as CSV, TSV, JSONL or Parquet",
    b"\x89PNG": "a picture: klieg reads posts as CSV, TSV, JSONL or Parquet",
    b"\xff\xd8\xff": "a picture: klieg reads posts as CSV, TSV, JSONL or Parquet",
}


def open_input(name: str) -> Input:
    """A path or ``"-"`` as an ``Input``; pipes are spooled to a temporary file first.

    Raises InputError if there is no such file, or if it is a folder, empty, or no text. The head of
    a Parquet file, whose columns stand at its end, is ``PAR1``, a newline and a CSV header.
    """
    path = _local(name)
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise InputError("the file is empty; give one that holds posts", path=name)
    if start.startswith(PARQUET):
        return Input(name, path, "", _parquet_head(path, name))
    compression = _compression(start)
    head = _head(path, compression, name)
    if not head:
        raise InputError("the file is empty once unpacked; give one that holds posts", path=name)
    _refuse_binary(head, name, packed=bool(compression))
    return Input(name, path, compression, head)


@contextmanager
def opened(name: str) -> Iterator[Input]:
    """``open_input`` for a while: the copy of an archive's member goes at the end."""
    found = open_input(name)
    try:
        yield found
    finally:
        if found.path.suffix == _MEMBER:
            found.path.unlink(missing_ok=True)


@contextmanager
def unpacked(source: Input, desk: Desk) -> Iterator[Input]:
    """The same input as plain bytes on disk; the copy of a compressed one is removed at the end.

    A stream that breaks off is read as far as it goes: its last, torn line is rejected and a note
    says so. Raises InputError if it grows past 100 times its size or past 50 GiB.
    """
    if not source.compression:
        yield source
        return
    handle, name = tempfile.mkstemp(dir=_spool(), suffix=".unpacked")
    plain = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            broken = _unpack(source, out)
        if broken:
            _cut_torn_line(plain, source.name, broken, desk)
        yield Input(source.name, plain, "", source.head)
    finally:
        plain.unlink(missing_ok=True)


@contextmanager
def beginning(source: Input) -> Iterator[Input]:
    """The first whole lines of an input as a small plain file: at most 200 lines or 8 MiB."""
    handle, name = tempfile.mkstemp(dir=_spool(), suffix=".beginning")
    short = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(_first_lines(source))
        yield Input(source.name, short, "", source.head)
    finally:
        short.unlink(missing_ok=True)


def _first_lines(source: Input) -> bytes:
    found = b""
    with source.path.open("rb") as file:
        pieces = (
            _pieces(file, source.compression)
            if source.compression
            else iter(lambda: file.read(_CHUNK), b"")
        )
        try:
            for piece in pieces:
                found += piece
                if found.count(b"\n") >= 200 or len(found) >= 8 * _CHUNK:
                    lines = found.split(b"\n")[:-1][:200]
                    return b"\n".join([*lines, b""])
        except _Broken:
            return found[: found.rfind(b"\n") + 1]
    return found


@cache
def _spool() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="klieg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _local(name: str) -> Path:
    if name == "-":
        return _spooled(sys.stdin.buffer)
    path = Path(name)
    try:
        if path.is_dir():
            raise InputError("a folder; name the files in it, such as folder/*.jsonl", path=name)
        if not path.exists():
            if inside := found_in(name):
                return _member(*inside, name)
            raise InputError("no such file; check the name and the folder", path=name)
        if not path.is_file():  # a pipe, such as <(zcat dump.gz)
            with path.open("rb") as pipe:
                return _spooled(pipe)
        with path.open("rb"):
            return path
    except OSError as error:
        raise InputError(f"cannot be opened: {error.strerror or error}", path=name) from error
    except ValueError as error:  # a NUL in the name
        raise InputError("not a name a file can have", path=name) from error


_MEMBER = ".member"


def _member(archive: Path, member: str, name: str) -> Path:
    handle, copy = tempfile.mkstemp(dir=_spool(), suffix=_MEMBER)
    try:
        with os.fdopen(handle, "wb") as out:
            copied(archive, member, out, name=name)
    except BaseException:
        Path(copy).unlink()
        raise
    return Path(copy)


def _spooled(stream: IO[bytes]) -> Path:
    handle, name = tempfile.mkstemp(dir=_spool(), suffix=".stdin")
    with os.fdopen(handle, "wb") as out:
        shutil.copyfileobj(stream, out, _CHUNK)
    return Path(name)


def _compression(start: bytes) -> str:
    if start.startswith(b"\x1f\x8b"):
        return "gz"
    if start.startswith(b"\x28\xb5\x2f\xfd") or (
        start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F
    ):
        return "zst"
    return ""


def _head(path: Path, compression: str, name: str) -> bytes:
    with path.open("rb") as file:
        if not compression:
            return file.read(HEAD)
        head = b""
        try:
            for piece in _pieces(file, compression):
                head += piece
                if len(head) >= HEAD:
                    break
        except _Broken as broken:
            if not head:
                raise InputError(f"cannot be unpacked: {broken}", path=name) from broken
    return head[:HEAD]


def _refuse_binary(head: bytes, name: str, *, packed: bool) -> None:
    for magic, advice in _ARCHIVES.items():
        if head.startswith(magic):
            raise InputError(advice, path=name)
    if packed and (_compression(head) or head.startswith(PARQUET)):
        raise InputError("packed twice; unpack it once and try again", path=name)
    if head[257:262] == b"ustar":
        raise InputError("a tar archive: unpack it (tar xf) and name the files in it", path=name)
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") or head[:6] == b"\x93NUMPY":
        raise InputError(
            "a file of Python objects or arrays, which is never opened: it could run code. Save "
            "the posts as CSV, JSONL or Parquet",
            path=name,
        )
    if head.startswith(_BOMS):
        return
    sample = head[:8192]
    odd = sum(sample.count(bytes([b])) for b in (*range(9), *range(14, 27), *range(28, 32)))
    if odd > len(sample) // 20:
        raise InputError(
            "not text; klieg reads posts as CSV, TSV, JSONL or Parquet (plain, .gz or .zst)",
            path=name,
        )


def _parquet_head(path: Path, name: str) -> bytes:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(
            f"a Parquet file that is cut short or broken; copy or export it again ({error})",
            path=name,
        ) from error
    for field in schema:
        if odd := _extension(field):
            raise InputError(
                f"a Parquet file with values of a kind of their own ({odd}), which could bring "
                "code along; write the column as plain text or numbers",
                path=name,
                column=field.name,
            )
    quoted = ",".join('"' + c.replace('"', '""') + '"' for c in schema.names)
    return PARQUET + b"\n" + quoted.encode()


_PLAIN_EXTENSIONS = {"arrow.json"}  # text, in the end


def _extension(field: pa.Field) -> str:
    """The name of an extension type in a column or inside it; empty if there is none."""
    meta = field.metadata or {}
    named = meta.get(b"ARROW:extension:name", b"").decode("utf-8", "replace")
    if isinstance(field.type, pa.BaseExtensionType):
        named = named or str(getattr(field.type, "extension_name", field.type))
    if named:
        return "" if named in _PLAIN_EXTENSIONS else named
    inner = [field.type.field(i) for i in range(field.type.num_fields)]
    return next((found for f in inner if (found := _extension(f))), "")


class _Broken(Exception):
    """A compressed stream that ends early or is damaged."""


def _pieces(file: IO[bytes], compression: str) -> Iterator[bytes]:
    """Unpacked bytes in small pieces; ``_Broken`` where the stream breaks off."""
    if compression == "gz":
        yield from _gzip_pieces(file)
    else:
        yield from _zstd_pieces(file)


def _gzip_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Straight from zlib: the gzip module asks for 8 KiB at a time."""
    member = zlib.decompressobj(_GZIP)
    while packed := file.read(_PACKED):
        while packed:
            if member.eof:
                packed = packed.lstrip(b"\0")  # what fills up a tape's block
                if not packed:
                    break
                member = zlib.decompressobj(_GZIP)
            before = member.copy()
            try:
                piece = member.decompress(packed, _CHUNK)
            except zlib.error as error:
                yield from _up_to_the_damage(before, packed)
                raise _Broken(f"the gzip stream is damaged ({error})") from error
            packed = member.unused_data if member.eof else member.unconsumed_tail
            if piece:
                yield piece
    if not member.eof:
        raise _Broken("the gzip stream is cut short")


def _up_to_the_damage(member: Any, packed: bytes) -> Iterator[bytes]:
    """What can still be had, byte by byte."""
    try:
        for at in range(len(packed)):
            yield member.decompress(packed[at : at + 1])
    except zlib.error:
        return


def _zstd_pieces(file: IO[bytes]) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    frame = unpacker.decompressobj()
    fresh = True
    while packed := file.read(1 << 12):  # small, so that one piece cannot grow without bound
        while packed:
            if frame.eof:
                frame, fresh = unpacker.decompressobj(), True
            try:
                piece = frame.decompress(packed)
            except zstandard.ZstdError as error:
                raise _Broken(f"the zstd stream is damaged ({error})") from error
            fresh = False
            packed = frame.unused_data if frame.eof else b""
            if piece:
                yield piece
    if not frame.eof and not fresh:
        raise _Broken("the zstd stream is cut short")


def _unpack(source: Input, out: IO[bytes]) -> str:
    """Write the unpacked bytes; returns why the stream broke off, or an empty string."""
    written = 0
    allowed = min(MAX_UNPACKED, max(RATIO_FLOOR, MAX_RATIO * source.path.stat().st_size))
    try:
        with source.path.open("rb") as file:
            for piece in _pieces(file, source.compression):
                written += len(piece)
                if written > allowed:
                    raise InputError(
                        f"unpacks to more than {MAX_RATIO} times its size; if it is not a bomb, "
                        "unpack it yourself and give the plain file",
                        path=source.name,
                    )
                out.write(piece)
    except _Broken as broken:
        return str(broken)
    return ""


def _cut_torn_line(plain: Path, name: str, broken: str, desk: Desk) -> None:
    with plain.open("rb+") as file:
        size = file.seek(0, 2)
        kept, tail = size, b""
        while kept > 0 and b"\n" not in tail:
            step = min(_CHUNK, kept)
            kept -= step
            file.seek(kept)
            tail = file.read(step) + tail
        end = kept + tail.rfind(b"\n") + 1
        torn = tail[tail.rfind(b"\n") + 1 :]
        file.truncate(end)
    desk.rows += 1
    desk(Reject(name, 0, None, torn[:1000].decode("utf-8", "replace"), "torn_stream"))
    desk.note(f"{broken}; everything before the break was read")


def file_name(source: Input) -> str:
    """What posts say about where they came from: the file's name without its folder."""
    return "stdin" if source.name == "-" else Path(source.name).name
