"""klieg finds accounts that act together more than chance, interest or news explain.

This door only names what stands behind it: nothing is imported until it is asked for, so that
``import klieg`` and ``klieg --help`` cost nothing. It knows no algorithm and no format.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klieg.case import Case
    from klieg.case import open_case as open
    from klieg.case.export import export
    from klieg.config import Config
    from klieg.errors import KliegError
    from klieg.evaluation import evaluate
    from klieg.parity import network_like
    from klieg.pipeline import read, scan
    from klieg.sources.simulate import simulate

__version__ = "0.1.0"

_ROOMS = {
    "Case": ("klieg.case", "Case"),
    "Config": ("klieg.config", "Config"),
    "KliegError": ("klieg.errors", "KliegError"),
    "evaluate": ("klieg.evaluation", "evaluate"),
    "export": ("klieg.case.export", "export"),
    "network_like": ("klieg.parity", "network_like"),
    "open": ("klieg.case", "open_case"),
    "read": ("klieg.pipeline", "read"),
    "scan": ("klieg.pipeline", "scan"),
    "simulate": ("klieg.sources.simulate", "simulate"),
}

__all__ = [  # sorted; tests/test_house.py checks that every name resolves
    "Case",
    "Config",
    "KliegError",
    "evaluate",
    "export",
    "network_like",
    "open",
    "read",
    "scan",
    "simulate",
]


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'klieg' has no attribute {name!r}")
    module, attribute = _ROOMS[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
