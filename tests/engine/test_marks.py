"""Finished shards leave a mark: what is done is not run again, and no mark is believed blindly."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from klieg.config import Config
from klieg.engine.marks import job_key
from klieg.engine.trees import fold, leaves, unfold, writable
from klieg.errors import EngineError, StoreError
from klieg.sockets import make

RANGES = [(k, k + 2) for k in range(0, 20, 2)]


class Pair(NamedTuple):
    left: NDArray[np.int32]
    score: float


def told(shared: tuple[NDArray[np.int64], str], first: int, stop: int) -> Any:
    """A result of every kind, and a line in a file for each time it is made."""
    values, log = shared
    with Path(log).open("a") as file:
        file.write(f"{first}\n")
    part = values[first:stop]
    return Pair((part * 2).astype(np.int32), 0.1 * first), int(part.sum()), None, "ß", part[0]


def broken_at(shared: tuple[NDArray[np.int64], str, int], first: int, stop: int) -> Any:
    if first == shared[2] and not Path(shared[1] + ".mended").exists():
        raise RuntimeError("pulled the plug")
    return told(shared[:2], first, stop)


def kept_in(folder: Path, threads: int = 1) -> Any:
    return make("executors", "threads", Config(resume=str(folder), threads=threads))


def plain(results: Any) -> str:
    return repr([fold(r) for r in results])


def runs(log: Path) -> Counter[int]:
    return Counter(int(line) for line in log.read_text().splitlines())


@pytest.fixture
def world(tmp_path: Path) -> tuple[tuple[NDArray[np.int64], str], Path]:
    return (np.arange(20) ** 3, str(tmp_path / "log")), tmp_path / "log"


def test_marks_finished_shards_are_not_run_again(world: Any, tmp_path: Path) -> None:
    shared, log = world
    bare = list(make("executors", "threads", Config()).map(told, shared, RANGES, 2))
    first = list(kept_in(tmp_path / "kept").map(told, shared, RANGES, 2))
    again = list(kept_in(tmp_path / "kept").map(told, shared, RANGES, 2))
    assert plain(bare) == plain(first) == plain(again)
    assert isinstance(again[3][0], Pair) and again[3][0].left.dtype == np.int32
    assert set(runs(log).values()) == {2}  # the bare run and the first


def test_marks_a_failed_run_goes_on_where_it_stopped(world: Any, tmp_path: Path) -> None:
    (values, _), log = world
    shared = values, str(log), 12
    with pytest.raises(EngineError, match="shard 12 … 14 of broken_at"):
        list(kept_in(tmp_path / "kept").map(broken_at, shared, RANGES, 1))
    assert runs(log) == Counter(range(0, 12, 2))
    Path(f"{log}.mended").touch()
    done = list(kept_in(tmp_path / "kept").map(broken_at, shared, RANGES, 1))
    assert runs(log) == Counter(range(0, 20, 2))
    assert plain(done) == plain([told((values, str(log)), *cut) for cut in RANGES])


def test_marks_survive_a_driver_that_is_killed(world: Any, tmp_path: Path) -> None:
    _, log = world
    script = tmp_path / "driver.py"
    script.write_text(
        "import os, signal, sys\n"
        "import numpy as np\n"
        "sys.path.insert(0, sys.argv[3])\n"
        "from klieg.config import Config\n"
        "from klieg.sockets import make\n"
        "import marked\n"
        "run = make('executors', 'threads', Config(resume=sys.argv[1], threads=1))\n"
        "results = run.map(marked.told, (np.arange(20) ** 3, sys.argv[2]), marked.RANGES, 1)\n"
        "for k, _ in enumerate(results):\n"
        "    if k == 6: os.kill(os.getpid(), signal.SIGKILL)\n",
        encoding="utf-8",
    )
    (tmp_path / "marked.py").write_text(Path(__file__).read_text("utf-8"), encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path / "kept"), str(log), str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -9
    assert runs(log) == Counter(range(0, 14, 2))
    script.write_text(script.read_text("utf-8").replace("k == 6", "False"), encoding="utf-8")
    assert subprocess.run(command, check=False).returncode == 0
    assert runs(log) == Counter(range(0, 20, 2))


@pytest.mark.parametrize("damage", ["bytes", "mark", "swapped", "gone", "pickle"])
def test_marks_are_verified(world: Any, tmp_path: Path, damage: str, caplog: Any) -> None:
    shared, log = world
    kept = tmp_path / "kept"
    whole = list(kept_in(kept).map(told, shared, RANGES, 1))
    [job] = kept.iterdir()
    result, mark = job / "4-6.npz", job / "4-6.done"
    if damage == "bytes":
        data = bytearray(result.read_bytes())
        data[-40] ^= 1
        result.write_bytes(bytes(data))
    elif damage == "mark":
        mark.write_text("{")
    elif damage == "swapped":  # another shard's result, whole and with its own right hash
        result.write_bytes((job / "6-8.npz").read_bytes())
        mark.write_bytes((job / "6-8.done").read_bytes())
    elif damage == "gone":
        result.unlink()
    else:
        bomb = np.array([{"a": 1}], dtype=object)
        np.savez(result, form=np.zeros(1, np.uint8), a0=bomb)
        said = json.loads(mark.read_text())
        said["sha256"] = hashlib.sha256(result.read_bytes()).hexdigest()
        mark.write_text(json.dumps(said))
    again = list(kept_in(kept).map(told, shared, RANGES, 1))
    assert plain(again) == plain(whole)
    assert runs(log) == Counter({k: 2 if k == 4 else 1 for k in range(0, 20, 2)})
    assert "shard 4 … 6" in caplog.text
    assert plain(kept_in(kept).map(told, shared, RANGES, 1)) == plain(whole)  # and mended
    assert runs(log)[4] == 2


def test_marks_another_input_function_or_type_is_another_job() -> None:
    values = np.arange(20)
    keys = [
        job_key(told, (values, "a")),
        job_key(told, (values, "b")),
        job_key(broken_at, (values, "a")),
        job_key(told, (values.astype(np.int32), "a")),
        job_key(told, (values.reshape(4, 5), "a")),
        job_key(told, (values[::-1], "a")),
        job_key(told, (values, ("a",))),
        job_key(told, (values, "a", None)),
        job_key(told, (values, 1)),
        job_key(told, (values, 1.0)),
        job_key(told, (values, "1")),
        job_key(told, ((values[:10], values[10:]), "a")),
    ]
    assert len(set(keys)) == len(keys)
    assert job_key(told, (values.copy(), "a")) == keys[0]


def test_marks_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot hold finished shards"):
        list(kept_in(tmp_path / "file").map(told, (np.arange(20), ""), RANGES, 1))


def test_marks_folder_is_for_the_owner_alone(world: Any, tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("no modes here")
    list(kept_in(tmp_path / "kept").map(told, world[0], RANGES, 1))
    [job] = (tmp_path / "kept").iterdir()
    assert job.stat().st_mode & 0o077 == 0


# --- trees ---------------------------------------------------------------------------------------

leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.lists(st.integers(-5, 5)).map(lambda v: np.array(v, np.int64)),
    st.integers(0, 9).map(np.uint32),
)
trees = st.recursive(leaf, lambda t: st.lists(t, max_size=4).map(tuple), max_leaves=12)


@given(trees)
def test_trees_come_back_as_they_went(tree: Any) -> None:
    form, arrays = fold(tree)
    back = unfold(json.loads(json.dumps(form)), arrays)
    assert repr(back) == repr(tree)


@pytest.mark.parametrize("bad", [{}, [1], object(), (1, {2}), np.array([None])])
def test_trees_refuse_what_needs_a_pickle(bad: Any) -> None:
    with pytest.raises(EngineError):
        list(leaves(bad))


@pytest.mark.parametrize(
    "form",
    [
        {"tuple": [], "name": "subprocess:Popen"},
        {"tuple": [], "name": "no_such_room:Thing"},
        {"call": "os.system"},
        {"plain": {}},
        [],
    ],
)
def test_trees_unfold_only_what_fold_made(form: Any) -> None:
    with pytest.raises(EngineError):
        unfold(form, [])


def test_trees_writable_is_the_same_memory() -> None:
    values = np.arange(5)
    values.flags.writeable = False
    [seen], rest = writable(((values,), 3))  # type: ignore[misc]
    assert seen.flags.writeable and np.shares_memory(seen, values) and rest == 3
    del values
    assert seen.tolist() == [0, 1, 2, 3, 4]  # kept alive
