"""The secret key of each case's pseudonyms: random, kept on this machine, never in a case.

One small file a data set, readable by its owner only, in ``$KLIEG_KEYS`` or the user's data folder.
Deleting it makes the pseudonyms of that data set final. The room knows nothing of what is shared.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from klieg.errors import StoreError

if TYPE_CHECKING:
    from klieg.tables import Posts

__all__ = ["folder", "local_key"]

SIZE = 32


def folder() -> Path:
    """Where keys are kept: ``$KLIEG_KEYS``, or ``klieg/keys`` in the user's data folder."""
    if chosen := os.environ.get("KLIEG_KEYS"):
        return Path(chosen)
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "klieg" / "keys"


def local_key(posts: Posts) -> bytes:
    """The 32 bytes for these posts (whatever the run), made at random when first asked for.

    Raises StoreError where the folder cannot be used.
    """
    file = folder() / f"{_fingerprint(posts)}.key"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = bytes.fromhex(file.read_text(encoding="ascii").strip())
        else:
            key = secrets.token_bytes(SIZE)
            with os.fdopen(handle, "w", encoding="ascii") as made:
                made.write(key.hex() + "\n")
    except (OSError, ValueError) as error:
        raise StoreError(
            f"the key for shared pseudonyms cannot be used ({file}: {error}); "
            "set KLIEG_KEYS to a folder of your own"
        ) from error
    if len(key) != SIZE:
        raise StoreError(f"{file} is no key of {SIZE} bytes: delete it to start afresh")
    return key


def _fingerprint(posts: Posts) -> str:
    digest = hashlib.sha256()
    for name in ("platform", "post_id", "account_id"):
        for values in filter(len, posts.table[name].chunks):
            digest.update("\0".join(values.to_pylist()).encode())
            digest.update(b"\0")
    return digest.hexdigest()[:32]
