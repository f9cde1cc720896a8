"""Run shards on Ray: on this machine by default, on a cluster where an address is given.

What the shards share is put into the object store once and read there by every worker without a
copy; a worker that dies costs the shards it had, which Ray runs again elsewhere. Ray on this
machine is private to the run: no dashboard, no usage statistics, no token in the home folder, its
files in a folder of its own that goes with it. The room does not know what a shard computes.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from klieg import __version__
from klieg.engine.executors import AHEAD, failed
from klieg.engine.marks import kept
from klieg.engine.shards import thread_count
from klieg.engine.trees import owned, writable
from klieg.errors import BackendError, EngineError, MissingExtra
from klieg.sockets import Progress, silent

try:
    import ray
    from ray import exceptions as lost
except ImportError as error:
    raise MissingExtra("the executor ray", "pip install 'klieg[ray]'") from error

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Executor

__all__ = ["RETRIES", "RayExecutor", "executor"]

S = TypeVar("S")
T = TypeVar("T")

RETRIES = 3
"""How often a shard is begun again because its worker or its machine died."""

CONNECT_SECONDS = 20
"""How long a cluster may take to answer at all."""


@dataclass(slots=True)
class RayExecutor:
    """Shards as Ray tasks of one core each; Ray is started, or joined, when it is first needed."""

    address: str = ""  # of a cluster, such as "auto" or "10.0.0.1:6379"; "" starts Ray here
    threads: int = 0  # cores to use here; 0 is all of them
    progress: Progress = silent
    patience: float = 2.0  # seconds a call may take before its progress is worth a line
    name: str = "ray"
    _own: str | None = None  # the folder of the Ray that this executor started
    _connected: bool = False  # to a cluster, by this executor
    _joined: bool = False  # whatever Ray it is, its workers are known to have this klieg
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def workers(self, threads: int) -> int:
        """``threads`` if asked for, else the cores of the cluster as it stands now."""
        self._join()
        return threads or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def map(
        self,
        function: Callable[[S, int, int], T],
        shared: S,
        ranges: Sequence[tuple[int, int]],
        threads: int,
    ) -> Iterator[T]:
        if not ranges:
            return iter(())
        return self._results(function, shared, ranges, AHEAD * self.workers(threads))

    def close(self) -> None:
        """Leave the cluster; a Ray that was started here ends, and its folder with it."""
        with self._lock:
            if self._own is not None:
                ray.shutdown()
                shutil.rmtree(self._own, ignore_errors=True)
                _forget()
            elif self._connected:
                ray.shutdown()
            self._own, self._connected, self._joined = None, False, False
        atexit.unregister(self.close)

    def _results(
        self,
        function: Callable[[S, int, int], T],
        shared: S,
        ranges: Sequence[tuple[int, int]],
        ahead: int,
    ) -> Iterator[T]:
        task: Any = ray.remote(_shard).options(name=function.__name__, max_retries=RETRIES)
        store = ray.put(shared)
        waiting: deque[tuple[Any, int, int]] = deque()
        since = time.monotonic()
        todo = iter(ranges)
        try:
            for done in range(len(ranges)):
                while len(waiting) < ahead and (cut := next(todo, None)) is not None:
                    waiting.append((task.remote(function, store, *cut), *cut))
                if time.monotonic() - since >= self.patience:
                    self._tell(function, done, len(ranges))
                ref, first, stop = waiting.popleft()
                yield cast(T, owned(_got(ref, function, first, stop)))
        finally:
            # after an error or Ctrl-C: what runs is stopped, what waits is never begun
            for ref, _, _ in waiting:
                ray.cancel(ref, force=True)

    def _tell(self, function: Callable[..., object], done: int, total: int) -> None:
        if threading.current_thread() is threading.main_thread():
            self.progress(f"ray: {function.__name__.replace('_', ' ')}s", done, total)

    def _join(self) -> None:
        with self._lock:
            if self._joined:
                return
            if not ray.is_initialized():
                if self.address:
                    _connect(self.address)
                    self._connected = True
                else:
                    self._own = _start(thread_count(self.threads))
                    atexit.register(self.close)  # if nobody else does
            self._joined = True
            _same_klieg()


def _shard(function: Callable[[S, int, int], T], shared: S, first: int, stop: int) -> T:
    """What a worker runs."""
    return function(cast(S, writable(shared)), first, stop)


def _got(ref: Any, function: Callable[..., object], first: int, stop: int) -> object:
    try:
        return ray.get(ref)
    except lost.RayTaskError as error:
        cause = error.cause if isinstance(error.cause, Exception) else error
        raise failed(cause, function, first, stop) from cause.__cause__
    except lost.RayError as error:
        raise EngineError(
            f"shard {first} … {stop} of {function.__name__} was lost {RETRIES + 1} times with the "
            f"worker that had it ({type(error).__name__}): a machine may be short of memory; "
            "more, smaller shards come with a larger --threads"
        ) from error


_PRIVATE = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # a token would be written into the home folder; this Ray listens to its own machine only
    "RAY_AUTH_MODE": "disabled",
}
_before: dict[str, str | None] = {}


def _start(cores: int) -> str:
    """Ray on this machine; the folder it keeps its files in, which is ours to remove."""
    for name, value in _PRIVATE.items():
        _before[name] = os.environ.get(name)
        os.environ[name] = value
    # not tempfile's own folder if that is long: Ray's sockets must fit in 107 characters
    short = tempfile.gettempdir() if len(tempfile.gettempdir()) < 20 else "/tmp"
    folder = tempfile.mkdtemp(prefix="klieg-", dir=short)
    try:
        ray.init(
            num_cpus=cores,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=folder,
        )
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        _forget()
        raise BackendError(f"Ray did not start on this machine: {error}") from error
    return folder


def _forget() -> None:
    """Give the environment back what ``_start`` set."""
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _before.clear()


def _connect(address: str) -> None:
    """Join a cluster; BackendError if none answers."""
    host, colon, port = address.rpartition(":")
    try:
        if colon and port.isdigit() and "/" not in host:
            # Ray itself would go on trying for minutes
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        raise BackendError(
            f"no Ray cluster answers at {address!r} ({type(error).__name__}: {error}); start one "
            "with `ray start --head`, or leave --ray-address out to use this machine"
        ) from error


def _same_klieg() -> None:
    """BackendError unless the workers have this klieg: another could compute something else."""
    there = ray.get(ray.remote(_versions).remote())
    if there != _versions():
        raise BackendError(
            f"the cluster's workers have klieg {there[0]} and NumPy {there[1]}, this machine "
            f"{' and '.join(_versions())}: install the same on both"
        )


def _versions() -> tuple[str, str]:
    return __version__, np.__version__


def executor(config: Config, **ports: object) -> Executor:
    """The factory behind ``--engine ray``; MissingExtra without Ray."""
    progress = cast(Progress, ports.get("progress", silent))
    return kept(RayExecutor(config.ray_address, config.threads, progress), config.resume)
