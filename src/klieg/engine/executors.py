"""Run shards on threads of this process: in range order, with a bounded look-ahead.

The kernels release the GIL, so threads use every core and share the arrays where they lie. An
executor is handed a function and ranges; what they compute it does not know, nor who asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from klieg.engine.marks import kept
from klieg.engine.shards import thread_count
from klieg.errors import EngineError, KliegError

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Executor

__all__ = ["AHEAD", "ThreadExecutor", "failed", "threads"]

S = TypeVar("S")
T = TypeVar("T")

AHEAD = 2
"""Shards begun a worker beyond the one asked for: enough to keep all busy, few enough to hold."""


@dataclass(frozen=True, slots=True)
class ThreadExecutor:
    """Shards on a pool of threads; on one thread they run in the caller's own."""

    name: str = "threads"

    def workers(self, threads: int) -> int:
        return thread_count(threads)

    def map(
        self,
        function: Callable[[S, int, int], T],
        shared: S,
        ranges: Sequence[tuple[int, int]],
        threads: int,
    ) -> Iterator[T]:
        workers = min(self.workers(threads), len(ranges))
        if workers <= 1:
            return (_called(function, shared, first, stop) for first, stop in ranges)
        return _ahead(function, shared, ranges, workers)

    def close(self) -> None:
        pass


def failed(error: Exception, function: Callable[..., object], first: int, stop: int) -> KliegError:
    """The error of a shard with the shard named; an error of ours stays of its kind."""
    place = f"shard {first} … {stop} of {function.__name__}"
    if isinstance(error, KliegError):
        error.add_note(f"in {place}")
        return error
    return EngineError(f"{place} failed: {type(error).__name__}: {error}")


def _called(function: Callable[[S, int, int], T], shared: S, first: int, stop: int) -> T:
    try:
        return function(shared, first, stop)
    except KliegError as error:
        raise failed(error, function, first, stop) from error.__cause__
    except Exception as error:
        raise failed(error, function, first, stop) from error


def _ahead(
    function: Callable[[S, int, int], T],
    shared: S,
    ranges: Sequence[tuple[int, int]],
    workers: int,
) -> Iterator[T]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="klieg")
    waiting: deque[Future[T]] = deque()
    todo = iter(ranges)
    finished = False
    try:
        while True:
            for first, stop in todo:
                waiting.append(pool.submit(_called, function, shared, first, stop))
                if len(waiting) >= AHEAD * workers:
                    break
            if not waiting:
                finished = True
                return
            yield waiting.popleft().result()
    finally:
        # after an error or Ctrl-C nobody waits for the shards that run: their results are dropped
        pool.shutdown(wait=finished, cancel_futures=True)


def threads(config: Config, **ports: object) -> Executor:
    """The factory behind ``executor = "threads"``."""
    return kept(ThreadExecutor(), config.resume)
