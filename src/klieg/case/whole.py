"""Files written whole or not at all: under a temporary name first, then renamed.

The room knows no format; it is handed a path and gives back one to write to.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from klieg.errors import StoreError

__all__ = ["whole"]


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it replaces ``path`` when the block ends well.

    Raises StoreError where the file cannot be written; what stood there before is then untouched.
    """
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield made
        with made.open("rb+") as file:
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as error:
        raise StoreError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        made.unlink(missing_ok=True)
