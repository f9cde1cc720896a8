"""What a check is: a name, the promise it holds a plugin to, and how it is tried.

A check raises ``ContractBroken`` with a sentence that says what was expected and what came instead.
The room knows no socket and no promise of any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from klieg.config import Config

__all__ = ["Check", "ContractBroken", "Plugin", "Result", "expect", "tried"]


class ContractBroken(AssertionError):
    """A plugin did not keep a promise of its socket; the message says which, and how."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What is on trial: the factory behind a name of a socket."""

    group: str  # "sources", "signals", "engines"
    name: str  # as it is registered
    factory: Callable[..., Any]

    def made(self, config: Config | None = None, **ports: object) -> Any:
        """A fresh implementation."""
        return self.factory(config or Config(), **ports)


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a socket and the trial of it."""

    name: str
    promise: str  # one sentence
    trial: Callable[[Plugin], None]


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended."""

    check: str
    promise: str
    broken: str | None  # what was expected and what came instead; None if the promise is kept

    @property
    def kept(self) -> bool:
        return self.broken is None


def expect(kept: object, sentence: str) -> None:
    """Raise ContractBroken with the sentence unless the promise is kept."""
    if not kept:
        raise ContractBroken(sentence)


def tried(check: Check, plugin: Plugin) -> Result:
    """Try one promise; whatever the plugin raises breaks it."""
    try:
        check.trial(plugin)
    except AssertionError as broken:
        return Result(check.name, check.promise, str(broken) or "an assertion failed")
    except Exception as error:  # noqa: BLE001 - a stranger's plugin may raise anything
        return Result(check.name, check.promise, f"raised {type(error).__name__}: {error}")
    return Result(check.name, check.promise, None)
