"""Sizes as people write them, and a budget that is kept or the run ends."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from klieg import memory
from klieg.errors import ConfigError, EngineError

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux's own count")


@pytest.mark.parametrize(
    ("text", "size"),
    [("", None), ("  ", None), ("1KiB", 1024), ("1.5 gib", 3 * 2**29), ("7B", 7), ("12", 12)],
)
def test_memory_reads_sizes(text: str, size: int | None) -> None:
    assert memory.size_of(text) == size


@pytest.mark.parametrize("text", ["4GB!", "-1GiB", "0", "GiB", "4 GiB please", "1e9"])
def test_memory_refuses_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigError, match="memory"):
        memory.size_of(text)


@LINUX
def test_memory_counts_what_is_held_and_gives_it_back() -> None:
    before = memory.resident()
    held = np.ones(40 << 20, np.uint8)
    assert memory.resident() - before > 30 << 20
    del held
    memory.release()
    assert memory.resident() - before < 10 << 20


@LINUX
def test_memory_peak_stays_when_what_was_held_is_gone() -> None:
    held = np.ones(60 << 20, np.uint8)
    most = memory.peak()
    assert most >= memory.resident() * 0.95  # (the kernel counts pages in batches)
    del held
    memory.release()
    assert memory.peak() >= most * 0.95


@LINUX
def test_memory_over_the_budget_ends_the_run_and_says_what_it_takes() -> None:
    memory.keep_within(None, "reading")
    memory.keep_within(memory.peak(), "reading")
    with pytest.raises(EngineError, match=r"reading has taken .*--memory allows 1\.0 MiB"):
        memory.keep_within(1 << 20, "reading")
    with pytest.raises(EngineError, match=r"takes about 9\.0 GiB"):
        memory.keep_within(8 << 30, "reading", need=9 << 30)
