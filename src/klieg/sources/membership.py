"""What the members of an archive may be called, and how much an archive may hold.

The same rules for every kind of archive; whatever breaks one refuses the archive whole, with the
reason. The room knows no kind of archive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from klieg.errors import InputError

__all__ = [
    "FLOOR",
    "MAX_MEMBERS",
    "MAX_RATIO",
    "MAX_UNPACKED",
    "allowed",
    "by_system",
    "checked_names",
    "not_opened",
    "too_large",
    "too_many",
    "unsafe",
]

MAX_RATIO = 100
FLOOR = 64 << 20  # bytes: below this no ratio is alarming
MAX_UNPACKED = 50 << 30
MAX_MEMBERS = 10_000
_MADE_BY_SYSTEMS = ("__MACOSX/",)
_ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".7z", ".rar", ".jar")
_PACKED_SUFFIXES = (".gz", ".zst", ".bz2", ".xz")


def allowed(size: int) -> int:
    """The bytes that an archive of ``size`` bytes may unpack to."""
    return min(MAX_UNPACKED, max(FLOOR, MAX_RATIO * size))


def not_opened(why: str, name: str) -> InputError:
    """The error that refuses an archive for one of its members."""
    return InputError(f"an archive that is not opened: {why}", path=name)


def too_many(name: str) -> InputError:
    return InputError(
        f"an archive of more than {MAX_MEMBERS:,} members; unpack it, join the files and give them",
        path=name,
    )


def too_large(name: str) -> InputError:
    return InputError(
        f"an archive that says it unpacks to more than {MAX_RATIO} times its size, or than "
        "50 GiB; if it is not a bomb, unpack it yourself and give the plain files",
        path=name,
    )


def unsafe(name: str) -> str:
    """Why a member's name makes its archive unsafe; empty if it does not."""
    shown = ascii(name[:80])
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or name[1:2] == ":":
        return f"a member's name leads outside ({shown})"
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        return f"a member's name holds control characters ({shown})"
    low = name.lower()
    if low.endswith(_ARCHIVE_SUFFIXES) or Path(low).stem.endswith(".tar"):
        return f"an archive inside an archive ({shown}); unpack it first"
    if low.endswith(_PACKED_SUFFIXES):
        return f"a member is packed once more ({shown}); unpack the archive and give its files"
    return ""


def by_system(name: str) -> bool:
    """Files that operating systems leave beside what people pack."""
    return name.startswith(_MADE_BY_SYSTEMS) or name.rpartition("/")[2].startswith(".")


def checked_names(names: Sequence[str], name: str) -> None:
    """InputError unless there are files, and no two of one name."""
    if not names:
        raise InputError("an archive without files in it", path=name)
    if any(n > 1 for n in Counter(names).values()):
        raise not_opened("two members of one name", name)
