"""One function over many items, on threads: the largest first, the answers in the items' order.

What runs here must not change anything that another item reads. Knows nothing of what is computed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from klieg.config import Config

__all__ = ["spread", "threads"]

T = TypeVar("T")
R = TypeVar("R")


def threads(config: Config) -> int:
    """Threads to use: ``config.threads``, or one a core."""
    return config.threads or os.cpu_count() or 1


def spread(
    function: Callable[[T], R],
    items: Sequence[T],
    config: Config,
    *,
    size: Callable[[T], float] = lambda _: 0.0,
) -> Iterator[R]:
    """``function`` of every item, in the items' order; those of the largest ``size`` begin first.

    >>> from klieg.config import Config
    >>> list(spread(abs, [-1, 3, -2], Config(threads=2), size=abs))
    [1, 3, 2]
    """
    if threads(config) == 1:
        yield from map(function, items)
        return
    order = sorted(range(len(items)), key=lambda i: (-size(items[i]), i))
    with ThreadPoolExecutor(threads(config)) as pool:
        begun = {i: pool.submit(function, items[i]) for i in order}
        try:
            for i in range(len(items)):
                yield begun[i].result()
        finally:  # after an error, what has not begun need not begin
            for future in begun.values():
                future.cancel()
