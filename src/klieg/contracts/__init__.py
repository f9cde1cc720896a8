"""Promises every plugin must keep, ours and a stranger's: ``verify("signals", "mine")``.

Each socket has a set of named checks over the plugin and its own ``examples()``. They ship with
klieg, need no test framework, and are what the test suite runs over the built-ins. The floor knows
the sockets; it knows no plugin by name.
"""

from __future__ import annotations

from klieg.contracts import engines, executors, signals, sources, worlds
from klieg.contracts.promise import Check, ContractBroken, Plugin, Result, tried
from klieg.contracts.worlds import Carry
from klieg.errors import ConfigError
from klieg.sockets import factory

__all__ = ["Check", "ContractBroken", "Plugin", "Result", "checks", "run", "verify"]

_CHECKS = {
    "engines": engines.CHECKS,
    "executors": executors.CHECKS,
    "signals": signals.CHECKS,
    "sources": sources.CHECKS,
}


def checks(group: str, *, carry: Carry | None = None) -> tuple[Check, ...]:
    """The checks of a socket; ConfigError for one that has none.

    A signal has two more where ``carry`` is given: ``carry(k)`` is the columns of a post that acts
    on the k-th object of the trace, and of it are made worlds with and without a planted crew.
    """
    if group not in _CHECKS:
        raise ConfigError("socket", group, " | ".join(sorted(_CHECKS)))
    if carry is None:
        return _CHECKS[group]
    if group != "signals":
        raise ConfigError("carry", group, "signals alone: only they see a trace in posts")
    return _CHECKS[group] + worlds.checks(carry)


def run(group: str, name: str, *, carry: Carry | None = None) -> list[Result]:
    """Every check of the socket, tried on the plugin registered under a name."""
    plugin = Plugin(group, name, factory(group, name))
    return [tried(check, plugin) for check in checks(group, carry=carry)]


def verify(group: str, name: str, *, carry: Carry | None = None) -> None:
    """The one call a plugin's author makes: ContractBroken lists every promise not kept."""
    broken = [r for r in run(group, name, carry=carry) if not r.kept]
    if broken:
        listed = "\n".join(f"- {r.check}: {r.broken}\n  promised: {r.promise}" for r in broken)
        raise ContractBroken(f"{group} {name!r} breaks {len(broken)} of its promises:\n{listed}")
