"""Work on threads: answers in the items' order, errors handed on."""

from __future__ import annotations

import time

import pytest

from klieg.config import Config
from klieg.detect.parallel import spread


@pytest.mark.parametrize("threads", [1, 3])
def test_parallel_answers_come_in_the_items_order(threads):
    def slow(n: int) -> int:
        time.sleep(0.002 * n)
        return -n

    found = list(spread(slow, [4, 0, 3, 1], Config(threads=threads), size=float))
    assert found == [-4, 0, -3, -1]


def test_parallel_largest_items_begin_first():
    begun: list[int] = []

    def slow(n: int) -> None:
        begun.append(n)
        time.sleep(0.05)

    list(spread(slow, [1, 5, 3], Config(threads=2), size=float))
    assert set(begun[:2]) == {5, 3}


@pytest.mark.parametrize("threads", [1, 2])
def test_parallel_errors_are_the_callers(threads):
    with pytest.raises(ZeroDivisionError):
        list(spread(lambda n: 1 // n, [1, 0, 2], Config(threads=threads)))
