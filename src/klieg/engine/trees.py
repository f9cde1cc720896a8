"""Tuples of arrays, nested at will: what shards share and give back, seen leaf by leaf.

Only None, numbers, strings, arrays and tuples (named ones included) are leaves or branches, so that
what travels or is kept never needs a pickle to be read. The room knows no shard.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klieg.errors import EngineError

__all__ = ["fold", "leaves", "mapped", "owned", "unfold", "writable"]

Array = NDArray[np.generic]


def mapped(change: Callable[[Array], Array], tree: object) -> object:
    """The same tree with every array changed; named tuples stay what they are."""
    if isinstance(tree, np.ndarray):
        return change(tree)
    if isinstance(tree, tuple):
        branches = [mapped(change, branch) for branch in tree]
        kind: Any = type(tree)
        return kind(*branches) if hasattr(kind, "_fields") else tuple(branches)
    return tree


def owned(tree: object) -> object:
    """Arrays that lie in memory of others (read-only views of a store) copied into our own."""
    return mapped(lambda a: a if a.flags.writeable else a.copy(), tree)


def writable(tree: object) -> object:
    """Read-only arrays seen as writable ones, nothing copied.

    To a compiled kernel a read-only array is another type, for which it would compile again, for
    seconds in every worker. Kernels do not write to what they share (tests/engine holds them to
    it), so the same memory may be shown to them without its lock.
    """
    return mapped(lambda a: a if a.flags.writeable else np.asarray(_Unlocked(a)), tree)


class _Unlocked:
    """An array's memory without its read-only flag; keeps the array alive."""

    def __init__(self, array: Array) -> None:
        self._array = array
        place = (array.__array_interface__["data"][0], False)
        self.__array_interface__ = array.__array_interface__ | {"data": place}


def leaves(tree: object) -> Iterator[tuple[str, object]]:
    """Every leaf with its path, in order: ``("0.1", array)``; EngineError for another kind."""
    if isinstance(tree, tuple):
        for i, branch in enumerate(tree):
            for path, leaf in leaves(branch):
                yield f"{i}.{path}".rstrip("."), leaf
        if not tree:
            yield "()", None
    elif tree is None or isinstance(tree, (bool, int, float, str, np.generic, np.ndarray)):
        if getattr(tree, "dtype", None) == np.dtype(object):
            raise EngineError("an array of Python objects cannot be shared between machines")
        yield "", tree
    else:
        raise EngineError(f"{type(tree).__name__} is nothing that shards may share or give back")


def fold(tree: object) -> tuple[object, list[Array]]:
    """A tree as a form that JSON holds, and its arrays; ``unfold`` gives the tree back."""
    arrays: list[Array] = []

    def form(branch: object) -> object:
        if isinstance(branch, tuple):
            kind = type(branch)
            name = f"{kind.__module__}:{kind.__qualname__}" if hasattr(kind, "_fields") else ""
            return {"tuple": [form(b) for b in branch], "name": name}
        if isinstance(branch, (np.ndarray, np.generic)):
            arrays.append(np.asarray(branch))
            return {"array": len(arrays) - 1, "scalar": isinstance(branch, np.generic)}
        if isinstance(branch, float):
            return {"float": branch.hex()}
        return {"plain": branch}

    list(leaves(tree))  # refuses what cannot be kept
    return form(tree), arrays


def unfold(form: Any, arrays: list[Array]) -> object:
    """The tree that ``fold`` took apart; EngineError for a form it did not make."""
    match form:
        case {"tuple": list(branches), "name": str(name)}:
            parts = [unfold(branch, arrays) for branch in branches]
            return _named(name)(*parts) if name else tuple(parts)
        case {"array": int(k), "scalar": bool(scalar)}:
            return arrays[k][()] if scalar else arrays[k]
        case {"float": str(text)}:
            return float.fromhex(text)
        case {"plain": None | bool() | int() | str() as leaf}:
            return leaf
    raise EngineError(f"not the form of a kept result: {form!r}")


def _named(name: str) -> Any:
    """A named tuple by its name, if its room is loaded already: nothing is imported for a file."""
    module, _, path = name.partition(":")
    kind = getattr(sys.modules.get(module), path, None)
    if not (isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")):
        raise EngineError(f"{name!r} is no named tuple that is known here")
    return kind
