"""What is kept: the Case, its store on disk, and the exports. The door to the floor.

It names what stands behind it and knows nothing else; a room is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klieg.case.case import Case, open_case
    from klieg.case.run import Run
    from klieg.case.runfile import write_run
    from klieg.case.share import pseudonymise
    from klieg.case.store import file_hashes, sha256

_ROOMS = {
    "Case": "klieg.case.case",
    "Run": "klieg.case.run",
    "file_hashes": "klieg.case.store",
    "open_case": "klieg.case.case",
    "pseudonymise": "klieg.case.share",
    "sha256": "klieg.case.store",
    "write_run": "klieg.case.runfile",
}

__all__ = ["Case", "Run", "file_hashes", "open_case", "pseudonymise", "sha256", "write_run"]


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'klieg.case' has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
