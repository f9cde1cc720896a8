"""What an executor promises: the results of a plain loop, in order, whatever happens on the way.

Its functions stand in this room so that workers elsewhere can find them by name; what ran where is
told through files in a scratch folder that every worker sees. The room knows no executor.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from klieg.config import Config
from klieg.contracts.promise import Check, Plugin, expect
from klieg.errors import EngineError, InputError, KliegError
from klieg.sockets import Executor

__all__ = ["CHECKS"]

MOST_AHEAD = 8
"""Shards an executor may have begun, a worker, beyond the one asked for."""


class _Inner(NamedTuple):
    names: tuple[str, ...]
    weights: NDArray[np.float64]


class _Shared(NamedTuple):
    """What is sent: arrays of several types, numbers, text, a tuple in a tuple, nothing."""

    values: NDArray[np.int64]
    small: NDArray[np.uint8]
    table: NDArray[np.int32]
    inner: _Inner
    factor: float
    log: str
    nothing: None


def _shared(log: str = "") -> _Shared:
    values = np.arange(40, dtype=np.int64) ** 3 - 9
    inner = _Inner(("a", "ß"), np.linspace(0.0, 1.0, 40))
    table = np.arange(80, dtype=np.int32).reshape(40, 2)
    return _Shared(values, (values % 251).astype(np.uint8), table, inner, 0.1, log, None)


RANGES = [(0, 1), (1, 9), (9, 10), (10, 25), (25, 39), (39, 40)]


# --- shard functions -----------------------------------------------------------------------------


def every_kind(shared: _Shared, first: int, stop: int) -> tuple[object, ...]:
    """A result of every kind that may come back."""
    values = shared.values[first:stop]
    weights = shared.inner.weights[first:stop] * shared.factor
    return (
        values * 2,
        (shared.table[first:stop].sum(axis=1), weights),
        int(shared.small[first:stop].sum()),
        float(weights.sum()),
        f"{shared.inner.names[first % 2]} {first}",
        None,
        np.empty((0, 3), np.int32),
    )


def slower_first(shared: _Shared, first: int, stop: int) -> int:
    """The first shard takes longest, so that the others are done before it."""
    time.sleep(0.3 if first == 0 else 0.0)
    return first


def logged(shared: _Shared, first: int, stop: int) -> int:
    with Path(shared.log).open("a", encoding="utf-8") as file:
        file.write(f"{first}\n")
    return first


def a_view(shared: _Shared, first: int, stop: int) -> NDArray[np.int64]:
    """A piece of what is shared, not copied."""
    return shared.values[first:stop]


def breaks(shared: _Shared, first: int, stop: int) -> int:
    if first == 9:
        raise ZeroDivisionError("by nothing")
    return first


def refuses(shared: _Shared, first: int, stop: int) -> int:
    if first == 9:
        raise InputError("cannot be read", path="posts.csv", line=7)
    return first


def dies_once(shared: _Shared, first: int, stop: int) -> int:
    """The worker of one shard is killed in the middle of it, the first time."""
    logged(shared, first, stop)
    mark = Path(f"{shared.log}.died")
    if first == 10 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return first


def process(shared: _Shared, first: int, stop: int) -> int:
    return os.getpid()


# --- checks --------------------------------------------------------------------------------------


@contextmanager
def _made(plugin: Plugin, **knobs: Any) -> Iterator[Executor]:
    with closing(plugin.made(Config(threads=2, **knobs))) as executor:
        yield executor


@contextmanager
def _log() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="klieg-") as folder:
        log = Path(folder) / "log"
        log.touch()
        yield log


def _runs(log: Path) -> Counter[int]:
    return Counter(int(line) for line in log.read_text("utf-8").splitlines())


def _plain(function: Callable[[_Shared, int, int], object], shared: _Shared) -> list[object]:
    return [function(shared, first, stop) for first, stop in RANGES]


def _form(tree: object) -> object:
    """Something that is equal only if every type, shape and byte is."""
    if isinstance(tree, (np.ndarray, np.generic)):
        return type(tree).__name__, tree.dtype.str, np.shape(tree), tree.tobytes()
    if isinstance(tree, tuple):
        return tuple(_form(branch) for branch in tree)
    return type(tree).__name__, repr(tree)


def named(plugin: Plugin) -> None:
    with _made(plugin) as executor:
        expect(
            executor.name == plugin.name,
            f"`name` should be {plugin.name!r}, as registered, not {executor.name!r}",
        )
        counts = executor.workers(0), executor.workers(3)
        expect(min(counts) >= 1, f"`workers` should be 1 or more, not {counts}")


def same_bytes(plugin: Plugin) -> None:
    with _made(plugin) as executor:
        wanted = _form(tuple(_plain(every_kind, _shared())))
        for threads in (0, 1, 2, 9):
            found = _form(tuple(executor.map(every_kind, _shared(), RANGES, threads)))
            expect(found == wanted, f"with threads={threads} results differ from a plain loop's")
        expect(not list(executor.map(every_kind, _shared(), [], 2)), "no ranges, yet results")


def order(plugin: Plugin) -> None:
    with _made(plugin) as executor:
        found = list(executor.map(slower_first, _shared(), RANGES, 2))
        expect(
            found == [first for first, _ in RANGES], f"results should come in range order: {found}"
        )


def ahead(plugin: Plugin) -> None:
    with _made(plugin) as executor, _log() as log:
        ranges = [(k, k + 1) for k in range(200)]
        results = executor.map(logged, _shared(str(log)), ranges, 1)
        next(results)
        time.sleep(0.5)
        begun = _runs(log).total()
        expect(
            begun <= 1 + MOST_AHEAD * executor.workers(1),
            f"after the first result was asked for, {begun} of 200 shards had begun: results "
            "nobody asks for yet fill the memory",
        )
        expect([*results] == list(range(1, 200)), "the rest should come when asked for")


def shared_unchanged(plugin: Plugin) -> None:
    with _made(plugin) as executor:
        shared = _shared()
        before = shared.values.copy()
        for part in executor.map(a_view, shared, RANGES, 2):
            expect(part.flags.writeable, "a result should be an array that may be written to")
        expect(np.array_equal(shared.values, before), "what is shared should stay as it was")


def failures(plugin: Plugin) -> None:
    with _made(plugin) as executor:
        for function, kind, words in (
            (breaks, EngineError, ("breaks", "9", "10", "ZeroDivisionError", "by nothing")),
            (refuses, InputError, ("posts.csv", "7", "cannot be read")),
        ):
            said = ""
            told: Exception | None = None
            try:
                list(executor.map(function, _shared(), RANGES, 2))
            except KliegError as error:
                said, told = "\n".join([str(error), *getattr(error, "__notes__", [])]), error
            except Exception as error:  # noqa: BLE001 - what a stranger's executor lets through
                told = error
            expect(
                type(told) is kind and all(word in said for word in words),
                f"{function.__name__} should end with {kind.__name__} saying {', '.join(words)}; "
                f"it ended with {told!r}",
            )
            expect("9 … 10" in said, f"the error should name the shard 9 … 10: {said!r}")


def two_at_once(plugin: Plugin) -> None:
    with _made(plugin) as executor:
        wanted = _form(tuple(_plain(every_kind, _shared())))
        found: list[object] = []

        def run() -> None:
            found.append(_form(tuple(executor.map(every_kind, _shared(), RANGES, 2))))

        runs = [threading.Thread(target=run) for _ in range(3)]
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join()
        expect(found == [wanted] * 3, "three calls at once should each give what one gives")


def killed(plugin: Plugin) -> None:
    with _made(plugin) as executor, _log() as log:
        if os.getpid() in set(executor.map(process, _shared(), RANGES, 2)):
            return  # workers are threads of this process: they live as long as it does
        found = list(executor.map(dies_once, _shared(str(log)), RANGES, 2))
        expect(found == [first for first, _ in RANGES], f"a killed worker changed results: {found}")
        again = {first: n for first, n in _runs(log).items() if n > 1}
        expect(again == {10: 2}, f"only the killed worker's shard should run again, not {again}")


def marks(plugin: Plugin) -> None:
    with _log() as log:
        for _ in range(2):
            with _made(plugin, resume=str(log.parent / "kept")) as executor:
                found = list(executor.map(logged, _shared(str(log)), RANGES, 2))
                expect(found == [first for first, _ in RANGES], f"results changed: {found}")
        again = [first for first, n in sorted(_runs(log).items()) if n > 1]
        expect(not again, f"with `resume`, shards {again} ran twice")


def closed(plugin: Plugin) -> None:
    executor = plugin.made(Config(threads=2))
    list(executor.map(process, _shared(), RANGES, 2))
    executor.close()
    executor.close()


CHECKS = (
    Check("named", "It has the name it is registered under, and one worker or more.", named),
    Check("same_bytes", "Results are those of a plain loop, types and bytes.", same_bytes),
    Check("order", "Results come in range order, whichever shard ends first.", order),
    Check("ahead", "Only a few shards are begun beyond the one asked for.", ahead),
    Check(
        "shared_unchanged", "Shared arrays stay as they were; results are own.", shared_unchanged
    ),
    Check("failures", "A failing shard ends the call with an error that names it.", failures),
    Check("two_at_once", "Calls from several threads do not disturb each other.", two_at_once),
    Check("killed", "A worker that is killed costs its shard, which runs again.", killed),
    Check("marks", "With `resume` finished shards are not run again (engine.marks).", marks),
    Check("closed", "It can be closed twice.", closed),
)
