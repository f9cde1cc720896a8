"""A whole scan on Ray, resumed, or interrupted: the case's bytes are those of a plain one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from klieg.config import Config
from klieg.sources.simulate import simulate

OUT = ("out.klieg", "out.klieg.parquet", "out.report.html")


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of one small world, whose findings are many enough to differ."""
    folder = tmp_path_factory.mktemp("posts")
    simulate(seed=3, accounts=250, days=2).write(folder / "all.jsonl")
    lines = (folder / "all.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "all.jsonl").unlink()
    for k in range(3):
        (folder / f"part-{k}.jsonl").write_bytes(b"".join(lines[k::3]))
    return folder


def klieg(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "klieg", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def scanned(folder: Path, posts: Path, *words: str) -> tuple[dict[str, bytes], str, dict[str, Any]]:
    """A scan's files, what it printed, and its run.json."""
    ended = klieg(folder, "scan", f"{posts}/part-*.jsonl", "-o", "out.klieg", "--json", *words)
    assert ended.returncode == 0, ended.stderr
    run = json.loads((folder / "out.run.json").read_text("utf-8"))
    files = {n: (folder / n).read_bytes() for n in OUT if (folder / n).exists()}
    return files, ended.stdout, run


@pytest.fixture(scope="module")
def plain(posts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, Any]:
    return scanned(tmp_path_factory.mktemp("plain"), posts)


def test_ray_scan_is_the_plain_scan_byte_for_byte(plain: Any, posts: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(tmp_path / "home")
    try:
        files, said, run = scanned(tmp_path, posts, "--engine", "ray", "--threads", "2")
    finally:
        os.environ.pop("HOME") if before is None else os.environ.__setitem__("HOME", before)
    assert len(json.loads(said)["findings"]) >= 3
    assert set(files) == set(OUT) and files == plain[0]
    assert said == plain[1]
    assert run["engine"] == plain[2]["engine"] == "cpu"
    assert run["place"] == {
        "executor": "ray",
        "threads": 2,
        "memory": "",
        "posts": "in memory",
    }
    assert plain[2]["place"]["executor"] == "threads"
    assert run["libraries"]["ray"] and "ray" not in plain[2]["libraries"]
    assert run["outputs"] == plain[2]["outputs"]
    # nothing is left behind: no shards, no token of Ray's in the home folder
    assert not (tmp_path / "out.shards").exists()
    assert not list((tmp_path / "home").iterdir())


def test_ray_scan_tells_a_cluster_that_is_not_there(posts: Path, tmp_path: Path) -> None:
    ended = klieg(
        tmp_path, "scan", f"{posts}/part-0.jsonl", "--engine", "ray", "--ray-address", "127.0.0.1:1"
    )
    assert ended.returncode == 7, ended.stderr
    assert "no Ray cluster answers at '127.0.0.1:1'" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child process on Windows")
def test_interrupted_scan_goes_on_from_its_shards(plain: Any, posts: Path, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "klieg",
            "scan",
            f"{posts}/part-*.jsonl",
            "-oout.klieg",
            "--resume=kept",
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("kept/*/*.done")) and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "finished shards are kept in kept: run it again" in err
    assert not list(tmp_path.glob("out*"))
    marks = {p: p.stat().st_mtime_ns for p in tmp_path.glob("kept/*/*.done")}
    lost = sorted(marks)[0]
    lost.unlink()
    assert scanned(tmp_path, posts, "--resume", "kept")[0] == plain[0]
    now = {p: p.stat().st_mtime_ns for p in tmp_path.glob("kept/*/*.done")}
    assert len(now) > len(marks)
    assert {p for p in marks if now[p] != marks[p]} == {lost}


def test_engine_ray_without_ray_says_what_to_install(
    posts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError('no Ray here')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    ended = klieg(tmp_path, "scan", f"{posts}/part-0.jsonl", "--engine", "ray")
    assert ended.returncode == 5
    assert "pip install 'klieg[ray]'" in ended.stderr and "Traceback" not in ended.stderr


def test_ray_started_here_goes_with_the_process(tmp_path: Path) -> None:
    """Nobody closed it: its processes and its folder go all the same."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c"),
            "from klieg.config import Config\n"
            "from klieg.sockets import make\n"
            "from klieg.contracts.executors import process\n"
            "run = make('executors', 'ray', Config(threads=1))\n"
            "assert len(list(run.map(process, (), [(0, 1), (1, 2)], 0))) == 2\n"
            "print(run._own)\n",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    folder = done.stdout.strip()
    assert "klieg-" in folder and not Path(folder).exists()
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert folder not in processes.stdout


def test_engine_ray_is_the_engine_cpu_elsewhere() -> None:
    config = Config(engine="ray")
    assert (config.engine, config.executor) == ("cpu", "ray")
    loaded, origin = Config.load({"engine": "ray"}, environ={})
    assert (loaded.engine, loaded.executor, origin["engine"]) == ("cpu", "ray", "flag")
