"""``--engine gpu`` from the command line: the same case, and ``run.json`` says where it counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def klieg(folder: Path, *words: str, device: str = "cpu") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "klieg", *words],
        cwd=folder,
        env={**os.environ, "KLIEG_DEVICE": device},
        capture_output=True,
        text=True,
        timeout=300,
    )


def posts(folder: Path) -> Path:
    rows = ["author,created_at,text,urls"]
    for story in range(12):
        for account in range(4 + story % 3):
            at = f"2026-03-{1 + story:02}T12:00:{10 + account}Z"
            rows.append(f"a{account},{at},look {story},https://site.example/{story}")
    path = folder / "posts.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_gpu_scan_names_its_device_in_the_run_file_only(tmp_path: Path) -> None:
    posts(tmp_path)
    done = klieg(tmp_path, "scan", "posts.csv", "--engine", "gpu", "--no-report")
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "posts.run.json").read_text(encoding="utf-8"))
    assert run["engine"] == "gpu" and "device" not in run["config"]
    assert run["place"]["device"].startswith("cpu: ")
    assert "poisson_tail" in run["place"]["compiled"] and "torch" in run["libraries"]


def test_gpu_scan_on_a_device_that_is_not_there_ends_with_5(tmp_path: Path) -> None:
    posts(tmp_path)
    done = klieg(tmp_path, "scan", "posts.csv", "--engine", "gpu", device="cuda:7")
    assert done.returncode == 5 and "found here: cpu" in done.stderr
    found = json.loads(klieg(tmp_path, "doctor", "--json").stdout)
    assert found["gpu engine"].startswith("cpu: ")
