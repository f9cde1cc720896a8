"""Finished shards leave a mark, so that an interrupted run goes on where it stopped.

A folder holds one folder a job, named by a hash of everything its results depend on: the arrays
shared, the function, the code around it and the versions. In it each shard has its result (``.npz``
without pickles) and, written after it, a mark with the result's hash; a result is used only if that
hash still holds. The room works with any executor and does not know what a shard computes.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from klieg import __version__
from klieg.engine.trees import fold, leaves, unfold
from klieg.errors import EngineError, StoreError

if TYPE_CHECKING:
    from klieg.sockets import Executor

__all__ = ["KeptExecutor", "job_key", "kept"]

S = TypeVar("S")
T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptExecutor:
    """Another executor, whose finished shards are kept in a folder and not run again."""

    inner: Executor
    folder: Path

    @property
    def name(self) -> str:
        return self.inner.name

    def workers(self, threads: int) -> int:
        return self.inner.workers(threads)

    def map(
        self,
        function: Callable[[S, int, int], T],
        shared: S,
        ranges: Sequence[tuple[int, int]],
        threads: int,
    ) -> Iterator[T]:
        job = self.folder / job_key(function, shared)
        _made(job)
        missing = [cut for cut in ranges if not _mark(job, cut).exists()]
        if len(missing) < len(ranges):
            _log.info("%s: %d shards are done", function.__name__, len(ranges) - len(missing))
        return self._results(function, shared, ranges, missing, job, threads)

    def close(self) -> None:
        self.inner.close()

    def _results(
        self,
        function: Callable[[S, int, int], T],
        shared: S,
        ranges: Sequence[tuple[int, int]],
        missing: Sequence[tuple[int, int]],
        job: Path,
        threads: int,
    ) -> Iterator[T]:
        absent = set(missing)
        fresh = self.inner.map(function, shared, missing, threads)
        for cut in ranges:
            found = None if cut in absent else _read(job, cut)
            if cut in absent:
                found = (next(fresh),)
                _write(job, cut, found[0])
            elif found is None:  # its file is gone or not what the mark says
                found = (next(iter(self.inner.map(function, shared, [cut], threads))),)
                _write(job, cut, found[0])
            yield cast(T, found[0])


def kept(executor: Executor, folder: str) -> Executor:
    """The executor itself where no folder is named; else one that keeps its shards there."""
    return KeptExecutor(executor, Path(folder)) if folder else executor


def job_key(function: Callable[..., object], shared: object) -> str:
    """A hash of all that a shard's result depends on, but for its range."""
    digest = hashlib.blake2b(digest_size=16)
    for word in (__version__, _code(function.__module__), *_libraries()):
        digest.update(f"{word}\0".encode())
    digest.update(f"{function.__module__}:{function.__qualname__}\0".encode())
    for path, leaf in leaves(shared):
        if isinstance(leaf, (np.ndarray, np.generic)):
            array = np.ascontiguousarray(leaf)
            digest.update(f"{path}\0{array.dtype.str}{np.shape(leaf)}\0".encode())
            digest.update(array.view(np.uint8).data if array.ndim else array.tobytes())
        else:
            digest.update(f"{path}\0{type(leaf).__name__} {leaf!r}\0".encode())
    return digest.hexdigest()


@cache
def _code(module: str) -> str:
    """A hash of the package the function belongs to: any change of its code makes another job."""
    top = sys.modules.get(module.partition(".")[0])
    file = getattr(top, "__file__", None) or getattr(sys.modules.get(module), "__file__", None)
    digest = hashlib.blake2b(digest_size=16)
    if file:
        whole = Path(file).name == "__init__.py"
        for room in sorted(Path(file).parent.rglob("*.py")) if whole else [Path(file)]:
            digest.update(room.read_bytes())
    return digest.hexdigest()


@cache
def _libraries() -> tuple[str, ...]:
    found = []
    for name in ("numpy", "numba", "pyarrow", "duckdb"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return tuple(found)


def _mark(job: Path, cut: tuple[int, int]) -> Path:
    return job / f"{cut[0]}-{cut[1]}.done"


def _made(job: Path) -> None:
    try:
        job.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"{job.parent} cannot hold finished shards ({error.strerror}); name another folder "
            "with --resume"
        ) from error


def _write(job: Path, cut: tuple[int, int], result: object) -> None:
    form, arrays = fold(result)
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(form).encode(), np.uint8)
    np.savez(buffer, form=text, **{f"a{k}": a for k, a in enumerate(arrays)})  # type: ignore[arg-type]
    data = buffer.getbuffer()
    mark = {"job": job.name, "shard": list(cut), "sha256": hashlib.sha256(data).hexdigest()}
    _whole(_mark(job, cut).with_suffix(".npz"), data)
    _whole(_mark(job, cut), json.dumps(mark).encode())


def _whole(path: Path, data: Any) -> None:
    """Write a file under another name first: it is there whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)


def _read(job: Path, cut: tuple[int, int]) -> tuple[object] | None:
    """A finished shard's result in a tuple of one; None if it is not what its mark says."""
    try:
        mark = json.loads(_mark(job, cut).read_bytes())
        data = _mark(job, cut).with_suffix(".npz").read_bytes()
        expected = {"job": job.name, "shard": list(cut), "sha256": hashlib.sha256(data).hexdigest()}
        if mark != expected:
            raise EngineError("the mark and the result do not belong together")
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = [stored[f"a{k}"] for k in range(len(stored.files) - 1)]
            return (unfold(json.loads(stored["form"].tobytes()), arrays),)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile, EngineError) as error:
        _log.warning("shard %d … %d of job %s is run again: %s", *cut, job.name, error)
        return None
