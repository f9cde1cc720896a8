"""Names of inputs become files: patterns are expanded, files in a remote store are fetched.

``s3://`` and ``gs://`` are read through Arrow's own file systems, or through fsspec where an Arrow
was built without them. Nothing outside this machine is read unless its name was given, and
credentials come from the environment alone (``AWS_*``, ``GOOGLE_APPLICATION_CREDENTIALS``, a role),
never from a name. The room knows no format of posts.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from klieg.errors import InputError, MissingExtra
from klieg.sockets import Input
from klieg.sources.inputs import open_input, opened

__all__ = ["SCHEMES", "expand", "fetched", "is_remote"]

SCHEMES = ("file", "gcs", "gs", "memory", "s3")
"""Where inputs may lie; ``file`` and ``memory`` are of this machine and process."""

_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://(.*)$", re.DOTALL)
_MAGIC = re.compile(r"[*?\[]")


def is_remote(name: str) -> bool:
    """Whether a name is that of a file in a store, such as ``s3://bucket/posts.parquet``."""
    return _URL.match(name) is not None


def expand(names: Sequence[str]) -> list[str]:
    """Each name as it is, or the files that match it, sorted; ``**`` goes through folders.

    A file that is really called like the pattern wins. InputError if nothing matches, if a scheme
    is not one of ``SCHEMES``, or if a name carries a password.
    """
    found: list[str] = []
    for name in names:
        if is_remote(name):
            found += _remote(name)
        elif name == "-" or not _MAGIC.search(name) or _exists(name):
            found.append(name)
        else:
            found += _matched(name)
    return found


@contextmanager
def fetched(name: str, path: str) -> Iterator[Input]:
    """An input that can be opened: a file of this machine, or a copy of a remote one for a while.

    Raises InputError as ``open_input`` does, and if a store does not give the file.
    """
    if not is_remote(path):
        with opened(path) as found:
            yield replace(found, name=name)
        return
    with tempfile.TemporaryDirectory(prefix="klieg-") as folder:
        copy = Path(folder) / "fetched"
        system, place = _system(path)
        try:
            with (
                system.open_input_stream(place, compression=None) as there,
                copy.open("wb") as here,
            ):
                shutil.copyfileobj(there, here, 1 << 20)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"cannot be fetched: {_why(error)}", path=name) from error
        with _named(name):
            found = open_input(str(copy))
        yield replace(found, name=name)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """An error about the copy speaks of the file that was named."""
    try:
        yield
    except InputError as error:
        said = str(error).removeprefix(f"{error.path}: ")
        raise InputError(said, path=name) from error


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def _matched(pattern: str) -> list[str]:
    # Path.glob knows no absolute patterns
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207
    found = sorted(name for name in names if Path(name).is_file())
    if not found:
        raise InputError("no file matches this pattern", path=pattern)
    return found


def _remote(name: str) -> list[str]:
    if not _MAGIC.search(name):
        _system(name)  # a scheme or password that will not do is told before anything is read
        return [name]
    system, pattern = _system(name)
    still = PurePosixPath(pattern[: _MAGIC.search(pattern).start()] + "x").parent  # type: ignore[union-attr]
    try:
        selector = fs.FileSelector(str(still), recursive=True, allow_not_found=True)
        infos = system.get_file_info(selector)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot be listed: {_why(error)}", path=name) from error
    wanted = re.compile(_regex(pattern), re.DOTALL)
    files = [i.path for i in infos if i.type == fs.FileType.File]
    if not pattern.startswith("/"):
        files = [path.lstrip("/") for path in files]  # some stores of fsspec begin with one
    places = [path for path in files if wanted.fullmatch(path)]
    if not places:
        raise InputError("no file matches this pattern", path=name)
    scheme = name.partition("://")[0]
    return [f"{scheme}://{place}" for place in sorted(places)]


def _regex(pattern: str) -> str:
    """``*`` and ``?`` stay inside a folder, ``**/`` goes through any; as ``glob`` has it."""
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    said = []
    for part in re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\])", pattern):
        if part.startswith("["):
            said.append(fnmatch.translate(part).removeprefix("(?s:").rpartition(")")[0])
        else:
            said.append(words.get(part, re.escape(part)))
    return "".join(said)


def _system(name: str) -> tuple[fs.FileSystem, str]:
    """The file system of a name and the place in it; InputError, MissingExtra."""
    match = _URL.match(name)
    assert match is not None
    scheme, place = match[1].lower(), match[2]
    if scheme not in SCHEMES:
        raise InputError(
            f"{scheme}:// is no place klieg reads from ({', '.join(SCHEMES)}); download it first",
            path=name,
        )
    host, _, _ = place.partition("/")
    if "@" in host:
        raise InputError(
            "a password in a name would be told to every reader of the case: give credentials in "
            "the environment",
            path=f"{scheme}://…@{host.rpartition('@')[2]}",
        )
    try:
        if scheme == "file":
            return fs.LocalFileSystem(), place
        if scheme == "s3" and "S3FileSystem" in vars(fs):
            return _s3(place.partition("/")[0]), place
        if scheme in ("gs", "gcs") and "GcsFileSystem" in vars(fs):
            return _gs(), place
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{scheme}:// cannot be reached: {_why(error)}", path=name) from error
    return _through_fsspec(scheme), place


@cache
def _s3(bucket: str) -> Any:
    options: dict[str, Any] = {"region": _environ("AWS_REGION", "AWS_DEFAULT_REGION")}
    if endpoint := _environ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        where = urlsplit(endpoint)
        options |= {"endpoint_override": where.netloc, "scheme": where.scheme}
    elif not options["region"]:
        options["region"] = fs.resolve_s3_region(bucket)
    if _environ("AWS_NO_SIGN_REQUEST"):  # a public bucket
        options["anonymous"] = True
    return fs.S3FileSystem(**{k: v for k, v in options.items() if v})


@cache
def _gs() -> Any:
    options: dict[str, Any] = {"retry_time_limit": timedelta(seconds=60)}
    if emulator := _environ("STORAGE_EMULATOR_HOST"):  # as Google's own libraries have it
        where = urlsplit(emulator if "//" in emulator else f"http://{emulator}")
        options |= {"anonymous": True, "endpoint_override": where.netloc, "scheme": where.scheme}
    return fs.GcsFileSystem(**options)


@cache
def _through_fsspec(scheme: str) -> Any:
    try:
        import fsspec

        return fs.PyFileSystem(fs.FSSpecHandler(fsspec.filesystem(scheme)))
    except ImportError as error:
        raise MissingExtra(f"reading {scheme}://", "pip install 'klieg[cloud]'") from error


def _environ(*names: str) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _why(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
