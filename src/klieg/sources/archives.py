"""Archives of posts, zip and tar: the members that may be read, and one member's bytes at a time.

A member is read as an input of its own, called ``archive.zip/inner/posts.csv``; nothing is ever
written under a name that stands in an archive. What could be an attack is refused whole, with the
reason: names that lead outside, links, devices, encryption, archives inside, too many members,
members that share bytes, more than 100 times the archive's size. The room knows archives, not
posts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from klieg.sources.membership import FLOOR, MAX_MEMBERS, MAX_RATIO, MAX_UNPACKED
from klieg.sources.tars import copied as tar_copied
from klieg.sources.tars import is_archive as is_tar
from klieg.sources.tars import members as tar_members
from klieg.sources.zips import copied as zip_copied
from klieg.sources.zips import is_archive as is_zip
from klieg.sources.zips import members as zip_members

__all__ = ["FLOOR", "MAX_MEMBERS", "MAX_RATIO", "MAX_UNPACKED", "copied", "found_in", "members"]


class _Kind(NamedTuple):
    """What each kind of archive has."""

    is_archive: Callable[[Path], bool]
    members: Callable[[Path, str], list[str]]
    copied: Callable[[Path, str, IO[bytes], str], None]  # archive, member, where to, its name


_KINDS = (_Kind(is_zip, zip_members, zip_copied), _Kind(is_tar, tar_members, tar_copied))


def members(names: Sequence[str]) -> list[str]:
    """The names, each archive among them replaced by its members, ``archive.zip/member``.

    Raises InputError for an archive that is broken, empty, a spreadsheet, or could be an attack.
    """
    found: list[str] = []
    for name in names:
        kind = None if name == "-" else _kind(Path(name))
        if kind is None:
            found.append(name)
        else:
            found += [f"{name}/{member}" for member in kind.members(Path(name), name)]
    return found


def found_in(name: str) -> tuple[Path, str] | None:
    """The archive and the member that ``archive.zip/inner/posts.csv`` names; None if it is none."""
    plain = name.replace(os.sep, "/")
    at = plain.find("/", 1)
    while at > 0:
        outer = Path(name[:at])
        if outer.is_file():
            return (outer, plain[at + 1 :]) if _kind(outer) else None
        at = plain.find("/", at + 1)
    return None


def copied(archive: Path, member: str, out: IO[bytes], *, name: str) -> None:
    """Write one member's bytes to ``out``; InputError if there is no such member or it is torn."""
    kind = _kind(archive)
    assert kind is not None
    kind.copied(archive, member, out, name)


def _kind(path: Path) -> _Kind | None:
    return next((kind for kind in _KINDS if kind.is_archive(path)), None)
