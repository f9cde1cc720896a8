"""Fixtures every test may use: where real data lies, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real posts; skipped where absent, an error where CI demands it."""
    folder = Path(os.environ.get("KLIEG_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("KLIEG_REQUIRE_DATA") == "1":
            pytest.fail(f"KLIEG_REQUIRE_DATA=1 but there is no folder {folder}")
        pytest.skip(f"no real data at {folder} (set KLIEG_DATA)")
    return folder
