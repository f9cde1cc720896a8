"""The whole null path on millions of actions: strata, pairs, exact scores, FDR, one shuffle.

``python benchmarks/bench_network.py [--rows 1000000,10000000] [--memory 4GiB] [--seeds 11]
[--small]`` makes, in a child process per size and seed, a month of reposts, links and copies (Zipf
objects, bursts with a median of 20 minutes, a daily rhythm, 60 planted groups), builds the network
of all layers in six windows and writes results/network.csv: CPU seconds of all threads, wall
seconds and peak resident memory of every stage, beside the validated pairs of each layer, how many
of them were planted, and how many were planted in all. Busy accounts meet on popular copies without
a plan here: only the first row of an account on an object stays, and rows of bursts come first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from klieg import memory
from klieg.config import Config
from klieg.detect import network
from klieg.sockets import make
from klieg.tables import MULTIPLEX, POSTS, SECOND, Actions, Network, Posts
from measure import run, save

SEED = 11
DAY = 86_400
MONDAY = 4 * DAY + 2_900 * 7 * DAY
GROUPS, CREW, JOINT = 20, 20, 15  # a layer: groups of so many accounts, on so many objects each
SHARES = {"repost": 0.4, "link": 0.4, "copies": 0.2}
"""Of all actions; half of the posts with a link are members of a family of copies too."""


_mapped: list[mmap.mmap] = []  # tables of posts in files: what was read of them may go again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1000000,10000000")
    parser.add_argument("--memory", default="4GiB")
    parser.add_argument("--small", action="store_true", help="100,000 actions; nothing is saved")
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED])
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen.memory, chosen.seeds[0])
        return
    rows: list[dict[str, object]] = []
    for n in [100_000] if chosen.small else [int(float(r)) for r in chosen.rows.split(",")]:
        for seed in chosen.seeds:
            rows += measured(n, chosen.memory, seed)
    if not chosen.small:
        print(save("network", rows, seed=chosen.seeds[0]))


def measured(n: int, budget: str, seed: int) -> list[dict[str, object]]:
    """One row a stage of a fresh process, ``whole`` last."""
    asked = ["--child", str(n), "--memory", budget, "--seeds", str(seed)]
    taken = run([sys.executable, __file__, *asked])
    if taken.code:
        raise SystemExit(f"{n} actions: exit {taken.code}\n{taken.err}")
    told = json.loads(taken.out.splitlines()[-1])
    rows = [
        {"rows": n, "world": seed, "memory": budget, **stage, "found": ""}
        for stage in told["stages"]
    ]
    rows.append(
        {
            "rows": n,
            "world": seed,
            "memory": budget,
            "stage": "whole",
            "cpu_s": round(sum(s["cpu_s"] for s in told["stages"]), 1),
            "wall_s": round(sum(s["wall_s"] for s in told["stages"]), 1),
            "peak_mib": max(s["peak_mib"] for s in told["stages"]),
            "found": told["found"],
        }
    )
    for row in rows:
        print(row, flush=True)
    print(told["digest"], flush=True)
    return rows


def child(n: int, budget: str, seed: int) -> None:
    """Build the network of one world; stages, what was found, and a digest of it as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        layers, posts, planted = world(n, Path(folder), seed)
        config = Config(memory=budget)
        engine = make("engines", "cpu", config)
        network.build(*world(20_000, Path(folder) / "warm")[:2], config, engine, lambda *_: None)
        memory.release()
        probe = Probe()
        net = network.build(layers, posts, config, engine, probe)
        probe("", 0, None)
        print(
            json.dumps(
                {"stages": probe.stages, "found": found(net, planted), "digest": digest(net)}
            )
        )


class Probe:
    """The progress port as a stopwatch: a stage ends where the next begins."""

    def __init__(self) -> None:
        self.stages: list[dict[str, Any]] = []
        self._stage, self._cpu, self._wall = "", 0.0, 0.0
        _forget_peak()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage == self._stage:
            return
        if self._stage:
            self.stages.append(
                {
                    "stage": self._stage,
                    "cpu_s": round(time.process_time() - self._cpu, 1),
                    "wall_s": round(time.perf_counter() - self._wall, 1),
                    "peak_mib": _peak_mib(),
                }
            )
        for table in _mapped:
            table.madvise(mmap.MADV_DONTNEED)
        _forget_peak()
        self._stage, self._cpu, self._wall = stage, time.process_time(), time.perf_counter()


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024


def found(net: Network, planted: dict[str, np.ndarray]) -> dict[str, object]:
    """Validated edges a layer, how many of them are planted, and how many were planted."""
    told: dict[str, object] = {}
    for name, layer in net.layers.items():
        if name == MULTIPLEX:
            continue
        kept = layer.scored.validated
        edges = layer.scored.edges
        key = edges.left[kept].astype(np.int64) << 32 | edges.right[kept]
        told[name] = [int(kept.sum()), int(np.isin(key, planted[name]).sum()), len(planted[name])]
        told[f"{name} shuffled"] = list(layer.stat.shuffled)
    return told


def digest(net: Network) -> str:
    """SHA-256 of every number in the network: the same whatever the budget."""
    total = hashlib.sha256()
    for name, layer in net.layers.items():
        total.update(name.encode())
        scored, edges = layer.scored, layer.scored.edges
        for column in (edges.left, edges.right, edges.n, edges.capped, edges.first, edges.last):
            total.update(np.ascontiguousarray(column).tobytes())
        for column in (scored.expected, scored.p_window, scored.best, scored.p, scored.e, scored.q):
            total.update(np.ascontiguousarray(column).tobytes())
        total.update(repr(layer.stat).encode())
    for graph in net.weak:
        total.update(f"{graph.layer} {graph.window} {graph.interest}".encode())
        total.update(graph.left.tobytes() + graph.right.tobytes())
    return total.hexdigest()


def world(
    n: int, folder: Path, seed: int = SEED
) -> tuple[dict[str, Actions], Posts, dict[str, np.ndarray]]:
    """Layers, posts, planted pairs; columns lie in files, as they do where data exceed memory."""
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(seed)
    accounts = n // 10
    activity = np.cumsum(np.sort(draw.pareto(1.3, accounts) + 1.0))
    parts, planted = {}, {}
    for name, share in SHARES.items():
        parts[name], planted[name] = _layer(draw, int(n * share), accounts, activity)
    # every other member of a family of copies is one of the posts with a link
    n_repost, n_link, n_copies = (len(parts[name][0]) for name in SHARES)
    twice = min(n_copies, n_link) // 2
    own = n_copies - twice
    who = np.concatenate([parts["repost"][0], parts["link"][0], parts["copies"][0][:own]])
    second = np.concatenate([parts["repost"][2], parts["link"][2], parts["copies"][2][:own]])
    row = {
        "repost": np.arange(n_repost),
        "link": n_repost + np.arange(n_link),
        "copies": np.r_[
            n_repost + n_link + np.arange(own), n_repost + n_link - twice + np.arange(twice)
        ],
    }
    item = parts["copies"][1]
    kept = _first(who[row["copies"]], item)
    row["copies"] = row["copies"][kept]
    parts["copies"] = who[row["copies"]], item[kept], second[row["copies"]]
    order = np.argsort(second, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    layers = {
        name: _actions(name, part, rank[row[name]], accounts, folder)
        for name, part in parts.items()
    }
    posts = _posts(who[order], second[order], accounts, draw, folder)
    return layers, posts, planted


Part = tuple[np.ndarray, np.ndarray, np.ndarray]


def _layer(
    draw: np.random.Generator, n: int, accounts: int, activity: np.ndarray
) -> tuple[Part, np.ndarray]:
    """(account, object, second) of n actions in no order, and the pairs planted among them."""
    objects, more = n // 5, n + n // 3
    popularity = np.cumsum(1.0 / np.arange(1, objects + 1) ** 0.9)
    object_ = np.searchsorted(popularity / popularity[-1], draw.random(more)).astype(np.int32)
    account = np.searchsorted(activity / activity[-1], draw.random(more)).astype(np.int32)
    born = draw.random(objects) * 29 * DAY
    late = draw.exponential(1.5 * DAY, more)
    late = np.floor(late / DAY) * DAY + DAY * (0.5 + 0.18 * draw.normal(size=more))
    late = np.abs(late - born[object_] % DAY)
    burst = draw.lognormal(np.log(20 * 60), 1.2, more)
    second = born[object_] + np.where(draw.random(more) < 0.5, burst, late)
    pairs = []
    for group in range(min(GROUPS, n // 3_000)):
        rows = slice(group * CREW * JOINT, (group + 1) * CREW * JOINT)
        members = np.sort(draw.choice(accounts, CREW, replace=False))
        account[rows] = np.tile(members, JOINT)
        chosen = draw.choice(np.arange(objects // 2, objects), JOINT, replace=False)
        object_[rows] = np.repeat(chosen, CREW)
        start = np.repeat(draw.random(JOINT) * 28 * DAY, CREW)
        second[rows] = start + draw.random(CREW * JOINT) * 60
        a, b = np.triu_indices(CREW, 1)
        pairs.append(members[a].astype(np.int64) << 32 | members[b])
    kept = _first(account, object_)[:n]  # the planted rows stand first and stay
    return (account[kept], object_[kept], second[kept]), np.unique(np.concatenate(pairs))


def _first(account: np.ndarray, object_: np.ndarray) -> np.ndarray:
    """Rows of each account's first act on each object: nobody acts twice on one."""
    key = account.astype(np.int64) << 32 | object_
    return np.sort(np.unique(key, return_index=True)[1])


def _actions(name: str, part: Part, post: np.ndarray, accounts: int, folder: Path) -> Actions:
    account, object_, second = part
    objects = int(object_.max()) + 1
    order = np.argsort(post, kind="stable")
    target = (object_ // 10).astype(np.int32) if name != "copies" else np.full_like(object_, -1)
    labels = pa.array(np.arange(objects)).cast(pa.string())
    return Actions(
        name,
        _kept(account[order], folder, f"{name}-account"),
        _kept(object_[order], folder, f"{name}-object"),
        _kept(_micro(second[order]), folder, f"{name}-time"),
        _kept(post[order], folder, f"{name}-post"),
        _kept(target[order], folder, f"{name}-target"),
        labels,
        labels.slice(0, objects // 10 + 1) if name != "copies" else labels.slice(0, 0),
        accounts,
    )


def _posts(
    who: np.ndarray, second: np.ndarray, accounts: int, draw: np.random.Generator, folder: Path
) -> Posts:
    n = len(who)
    tongue = pa.array(["en", "de", "es"]).take(pa.array(_tongues(who, draw)))
    columns = {
        "platform": pa.repeat(pa.scalar("x"), n),
        "collection": pa.nulls(n, pa.string()),
        "lang": tongue,
        "text": pa.nulls(n, pa.string()),
    }
    schema = pa.schema([POSTS.field(c) for c in columns])
    with pa.OSFile(str(folder / "posts.arrow"), "wb") as file, pa.ipc.new_file(file, schema) as out:
        out.write_table(pa.table(columns, schema=schema))
    del columns, tongue
    with (folder / "posts.arrow").open("rb") as file:
        _mapped.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    table = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(_mapped[-1]))).read_all()
    ids = pa.array(np.arange(accounts)).cast(pa.string())
    return Posts(
        table,
        _kept(who, folder, "post-account"),
        _kept(_micro(second), folder, "post-time"),
        ids,
        pa.repeat(pa.scalar("x"), accounts),
        1,
    )


def _tongues(who: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Each account's language: seven, two and one in ten speak each of three."""
    mine = draw.choice(3, int(who.max()) + 1, p=[0.7, 0.2, 0.1]).astype(np.int8)
    return mine[who]


def _micro(second: np.ndarray) -> np.ndarray:
    return (MONDAY + second.astype(np.int64)) * SECOND


def _kept(values: np.ndarray, folder: Path, name: str) -> np.ndarray:
    """The column as a file mapped into memory: its pages come when read and may go again."""
    np.save(folder / f"{name}.npy", values)
    return np.load(folder / f"{name}.npy", mmap_mode="r")


if __name__ == "__main__":
    main()
