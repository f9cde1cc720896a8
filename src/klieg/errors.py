"""Every error klieg raises, each with the exit code the command line ends with.

KliegError (1)
├── InputError (3)     a file, row or value that cannot be read as posts
├── NotInCase (4)      the case, finding, account or post asked for is absent
├── ConfigError (5)    a knob outside its range, or one that does not exist
├── MissingExtra (5)   a feature whose optional dependency is not installed
├── StoreError (5)     a case that cannot be opened, written or replaced
├── EngineError (1)    an engine broke its contract or ran out of means
└── BackendError (7)   a model or service outside the process did not answer

A message says what went wrong, where, and what to do. The room knows no other room.
"""

from __future__ import annotations

__all__ = [
    "BackendError",
    "ConfigError",
    "EngineError",
    "InputError",
    "KliegError",
    "MissingExtra",
    "NotInCase",
    "StoreError",
]


class KliegError(Exception):
    """The root of the tree: catch this to catch everything klieg raises on purpose."""

    exit_code = 1

    def __reduce__(self) -> tuple[object, ...]:
        # as it is, wherever it was raised: a worker's error must reach the one who asked
        return _again, (type(self), self.args, self.__dict__)


class InputError(KliegError):
    """Posts that cannot be read: says the file, and where known the line, column and value."""

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: str | None = None,
        value: str | None = None,
    ) -> None:
        self.path, self.line, self.column, self.value = path, line, column, value
        place = path or ""
        if line is not None:
            place += f", line {line}"
        if column is not None:
            place += f", column {column!r}"
        shown = "" if value is None else f" (got {_short(value)})"
        super().__init__(f"{place}: {message}{shown}" if place else f"{message}{shown}")


class NotInCase(KliegError):
    """What was asked for is not in the case (or there is no such case)."""

    exit_code = 4


class ConfigError(KliegError):
    """A knob that does not exist or a value it does not allow; names the nearest that would do."""

    exit_code = 5

    def __init__(
        self, knob: str, value: object, allowed: str, *, nearest: str | None = None
    ) -> None:
        self.knob, self.value, self.allowed, self.nearest = knob, value, allowed, nearest
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"{knob} = {_short(value)}: allowed is {allowed}{hint}")


class MissingExtra(KliegError):
    """A feature that needs an optional dependency; carries the line that installs it."""

    exit_code = 5

    def __init__(self, feature: str, pip_line: str) -> None:
        self.feature, self.pip_line = feature, pip_line
        super().__init__(f"{feature} needs an extra that is not installed. Run: {pip_line}")


class StoreError(KliegError):
    """A case that cannot be opened, written or replaced."""

    exit_code = 5


class EngineError(KliegError):
    """An engine that broke its contract or ran out of means."""


class BackendError(KliegError):
    """A model or service that refused, timed out or answered nonsense."""

    exit_code = 7


def _again(
    kind: type[KliegError], args: tuple[object, ...], state: dict[str, object]
) -> KliegError:
    """An error that travelled, without the constructor that words its message."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def _short(value: object, limit: int = 80) -> str:
    shown = repr(value)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
