"""Fixtures every test may use: where real data lies, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A shared machine is slow now and then, which is no failure; CI draws the same examples each time,
# so that a red run can be repeated, while a developer's runs keep looking for new ones.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real posts; skipped where absent, an error where CI demands it."""
    folder = Path(os.environ.get("KLIEG_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("KLIEG_REQUIRE_DATA") == "1":
            pytest.fail(f"KLIEG_REQUIRE_DATA=1 but there is no folder {folder}")
        pytest.skip(f"no real data at {folder} (set KLIEG_DATA)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def keys_apart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys of pseudonyms go to a scratch folder: a test never writes to the user's own."""
    os.environ["KLIEG_KEYS"] = str(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """Two raylets of one core each on this machine: a cluster for every test that needs one."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "include_dashboard": False,
            # a machine that dies is missed sooner than by default, so that a test need not wait
            "_system_config": {"health_check_period_ms": 1000, "health_check_failure_threshold": 5},
        },
    )
    cluster.add_node(num_cpus=1, include_dashboard=False)
    cluster.wait_for_nodes()
    yield cluster
    import ray

    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="session")
def ray_address(ray_cluster: Any) -> str:
    """Where it listens."""
    address: str = ray_cluster.address
    return address
