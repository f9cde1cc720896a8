"""Choose the device the gpu engine computes on, and say how much of its memory one chunk may take.

``cuda`` before ``mps`` before ``cpu``, unless one is asked for by name; nothing falls back in
silence: a device that was named and is not there is an error, one that is passed over is logged.
The room knows nothing of actions or pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from klieg.errors import ConfigError, EngineError

__all__ = ["COUNTED", "SCANNED", "Place", "available", "chosen", "described", "place", "roomy"]

P = ParamSpec("P")
R = TypeVar("R")

SHARE = 0.5
"""Of a device's free memory, what one chunk may take: the rest is for the actions themselves."""

SCANNED = 192
"""Bytes that one scanned action may take while it is expanded, sorted and reduced, at the most:
every one kept, each a pair of its own; the sort's own space is among them."""

COUNTED = 16
"""Bytes more for each window of the ladder."""

CACHED = 96 * 2**20
"""Bytes of a chunk on the processor: larger ones leave its caches and cost more a co-action."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where tensors live, and the bytes that one chunk of work may take there."""

    device: torch.device
    chunk: int

    def scannable(self, width: int) -> int:
        """Actions that one chunk may scan, ``width`` windows counted."""
        return max(1, self.chunk // (SCANNED + COUNTED * width))

    def tensor(self, values: NDArray[np.generic]) -> torch.Tensor:
        """The array on the device; on the processor they share memory, so nobody writes into it."""
        return torch.from_numpy(values).to(self.device)

    def arange(self, stop: int) -> torch.Tensor:
        return torch.arange(stop, device=self.device)


def available() -> list[str]:
    """The kinds of device found here, best first; ``cpu`` is always the last."""
    found = ["cuda"] if torch.cuda.is_available() else []
    return [*found, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def chosen(name: str) -> torch.device:
    """The device of a name such as ``cuda:1``; the best one for an empty name.

    ConfigError for a name that is no device, or of one that is not here.
    """
    here = available()
    allowed = f"cuda | cuda:N | mps | cpu, or empty for the best (found here: {', '.join(here)})"
    try:
        device = torch.device(name or here[0])
    except RuntimeError as error:
        raise ConfigError("device", name, allowed) from error
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in here or (device.index or 0) >= count:
        raise ConfigError("device", name, allowed)
    return device


def place(name: str, memory: int | None) -> Place:
    """The device, and a chunk no larger than ``memory`` bytes or half of what is free there."""
    device = chosen(name)
    chunk = int(SHARE * _free(device)) if device.type != "cpu" else CACHED
    if chunk <= 0:
        raise EngineError(f"{described(device)} has no free memory")
    return Place(device, min(chunk, memory) if memory else chunk)


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()


def described(device: torch.device) -> str:
    """What ``klieg doctor`` and ``run.json`` call the device, without the host's name."""
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}"
    if device.type == "mps":
        return "mps: Apple graphics"
    return f"cpu: {torch.get_num_threads()} threads"


def roomy(function: Callable[P, R]) -> Callable[P, R]:
    """``function``, a device that runs out of memory told as an EngineError that says what to do.

    Chunks fit; what may not fit are the actions themselves, some 100 bytes each, or memory that
    another process took meanwhile.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except torch.OutOfMemoryError as full:
            raise EngineError(
                "the device ran out of memory: close what else uses it, set memory (such as 8GiB) "
                "to work in smaller chunks, or count with --engine cpu, which needs less an action"
            ) from full

    return run
