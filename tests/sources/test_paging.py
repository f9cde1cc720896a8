"""Small pages while files are read: the switch is turned, and turned back."""

from __future__ import annotations

import sys
from threading import Barrier, Thread

import pytest

from klieg.sources import paging

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or paging._switch(paging._GET) != 0,
    reason="no such switch here, or it is on already",
)


def held() -> int:
    return paging._switch(paging._GET)


def test_paging_is_small_inside_and_as_before_afterwards() -> None:
    with paging.small_pages():
        assert held() == 1
        with paging.small_pages():
            assert held() == 1
        assert held() == 1
    assert held() == 0


def test_paging_is_as_before_after_an_error() -> None:
    with pytest.raises(ValueError, match="inside"), paging.small_pages():
        raise ValueError("inside")
    assert held() == 0


def test_paging_is_turned_back_by_the_last_of_several_threads() -> None:
    inside, seen = Barrier(4), []

    def read() -> None:
        with paging.small_pages():
            inside.wait()
            seen.append(held())

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (seen, held()) == ([1] * 4, 0)


def test_paging_leaves_a_switch_alone_that_was_on() -> None:
    paging._switch(paging._SET, 1)
    try:
        with paging.small_pages():
            assert held() == 1
        assert held() == 1
    finally:
        paging._switch(paging._SET, 0)
