"""Compiling: columns keep their digits, the cache says where it is, warm loads everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from klieg.config import Config
from klieg.engine import (
    accumulate,
    blocks,
    compiled,
    components,
    cpu,
    live,
    reference,
    rescore,
    similarity,
    tails,
    windows,
)
from klieg.errors import ConfigError, EngineError


def test_compiled_columns_are_writable_and_copied_only_where_needed() -> None:
    good = np.arange(3, dtype=np.int32)
    assert compiled.column(good, np.int32, "x") is good
    good.setflags(write=False)
    copy = compiled.column(good, np.int32, "x")
    assert copy.flags.writeable and np.array_equal(copy, good)
    assert compiled.column(np.arange(6)[::2], np.int64, "x").flags.c_contiguous
    assert compiled.column([], np.int64, "x").dtype == np.int64


@pytest.mark.parametrize("bad", [[2**40], [0.5], [[1]], [-(2**31) - 1]])
def test_compiled_columns_never_lose_digits(bad: list[object]) -> None:
    with pytest.raises(EngineError, match="x"):
        compiled.column(np.array(bad), np.int32, "x")


def test_compiled_columns_check_their_length() -> None:
    with pytest.raises(EngineError, match="expected"):
        compiled.column(np.arange(3), np.int64, "x", 4)


def run(code: str, **env: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | env,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_compiled_kernels_are_kept_where_the_user_says(tmp_path: Path) -> None:
    code = (
        "from klieg.engine import tails, cpu; import numpy as np;"
        "tails.poisson_tail(np.array([1]), np.array([1.0]));"
        "s = cpu.cache_state(); print(s.writable, s.folder)"
    )
    writable, folder = run(code, NUMBA_CACHE_DIR=str(tmp_path)).split()
    assert writable == "True" and folder.startswith(str(tmp_path))
    assert list(tmp_path.rglob("*.nbc"))


def test_compiled_kernels_run_without_any_cache() -> None:
    # as on a read-only disk: Numba finds no folder, and says so when a function is decorated
    code = (
        "import numba.core.caching as c; c.CacheImpl._locator_classes = [];\n"
        "from klieg.engine import components, compiled; import numpy as np;\n"
        "x = np.array([0], np.int32)\n"
        "print(components.components(x, x + 1, 2).tolist(), compiled.cache_state())"
    )
    printed = run(code)
    assert printed.startswith("[0, 0]")
    assert "writable=False" in printed and "NUMBA_CACHE_DIR" in printed


ENTRIES = {
    windows: "group_rows occupancy_sorted rungs_allowed dropped_near spans _pairs_within",
    live: "tally_objects _ranked sort_rows company enough index_rows",
    accumulate: "accumulate",
    rescore: "by_account merge",
    blocks: "between",
    similarity: "signatures sort_buckets bucket_partners dense_ids postings prefix_partners",
    tails: "_poisson _poisson_binomial",
    components: "_components",
}


def test_compiled_warm_loads_every_kernel_once() -> None:
    assert cpu.warm() > 0.0
    for room, names in ENTRIES.items():
        for name in names.split():
            assert len(getattr(room, name).signatures) == 1, name
    assert cpu.cache_state().kernels >= 20


def test_compiled_engine_takes_its_knobs_from_the_configuration() -> None:
    engine = cpu.engine(Config(threads=3, memory="2GiB"))
    assert (engine.name, engine.threads, engine.budget) == ("cpu", 3, 2 * 2**30)
    assert reference.engine(Config()).name == "reference"
    for bad in ("4 gigs", "-1", "0"):
        with pytest.raises(ConfigError):
            cpu.engine(Config(memory=bad))
