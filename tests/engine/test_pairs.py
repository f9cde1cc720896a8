"""Counting pairs: the compiled engine against the specification, SQL, and hand-made worlds."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.engine import (
    accumulate,
    blocks,
    counting,
    cpu,
    executors,
    live,
    pairs,
    reference,
    rescore,
    shards,
    slabs,
    spill,
)
from klieg.errors import EngineError
from klieg.tables import Edges

from .worlds import WINDOWS, World, big_world, world, worlds

CPU = cpu.engine(Config())
REF = reference.engine(Config())


def same_edges(a: Edges, b: Edges) -> None:
    for name in ("left", "right", "n", "capped", "first", "last"):
        x, y = getattr(a, name), getattr(b, name)
        assert x.dtype == y.dtype and x.shape == y.shape, name
        assert np.array_equal(x, y), name


def rows(edges: Edges) -> list[tuple[Any, ...]]:
    return [
        (int(a), int(b), n.tolist(), c.tolist(), int(f), int(e))
        for a, b, n, c, f, e in zip(
            edges.left, edges.right, edges.n, edges.capped, edges.first, edges.last, strict=True
        )
    ]


@settings(max_examples=300, deadline=None)
@given(worlds(), st.integers(1, 3), st.sampled_from([None, 0, 1, 2, 4]))
def test_pairs_equal_the_specification(w: World, min_n: int, cap: int | None) -> None:
    got = CPU.count_pairs(*w.rows, WINDOWS, min_n, cap, 1)
    want = REF.count_pairs(*w.rows, WINDOWS, min_n, cap, 1)
    same_edges(got.edges, want.edges)
    assert np.array_equal(got.dropped, want.dropped) and got.dropped.dtype == want.dropped.dtype


def test_pairs_are_rescored_from_files_a_piece_at_a_time(tmp_path, monkeypatch) -> None:
    w = big_world(7)
    account, object_, time, target, n_accounts = w.rows
    for name, values in zip("aotg", (account, object_, time, target), strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "aotg"]
    found = CPU.count_pairs(*w.rows, WINDOWS, 2, None, 1).edges
    left, right = found.left[::3], found.right[::3]
    whole = CPU.rescore_pairs(*w.rows, WINDOWS, left, right, 1)
    assert whole.n.any()
    monkeypatch.setattr(rescore, "PIECE", 997)
    same_edges(CPU.rescore_pairs(*mapped, n_accounts, WINDOWS, left, right, 1), whole)
    with pytest.raises(EngineError, match="length"):
        CPU.rescore_pairs(account[:-1], *w.rows[1:], WINDOWS, left, right, 1)


def test_pairs_let_go_of_mapped_columns_and_read_them_again(tmp_path) -> None:
    values = np.arange(100_000)
    np.save(tmp_path / "v.npy", values)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert mapped.sum() == values.sum()
    spill.unmapped(mapped)
    assert np.array_equal(mapped, values)
    # what was written to a private copy of the pages would be lost: such a one is left alone
    private = np.load(tmp_path / "v.npy", mmap_mode="c")
    private[:] = 1
    spill.unmapped(private)
    assert (private == 1).all()
    spill.unmapped(values)


@settings(max_examples=150, deadline=None)
@given(worlds(), st.data())
def test_pairs_rescored_equal_the_specification(w: World, data: st.DataObject) -> None:
    every = [(a, b) for a in range(w.n_accounts) for b in range(a + 1, w.n_accounts)]
    some = sorted(data.draw(st.lists(st.sampled_from(every), unique=True))) if every else []
    left = np.array([a for a, _ in some], np.int32)
    right = np.array([b for _, b in some], np.int32)
    got = CPU.rescore_pairs(*w.rows, WINDOWS, left, right, 1)
    same_edges(got, REF.rescore_pairs(*w.rows, WINDOWS, left, right, 1))


@settings(max_examples=150, deadline=None)
@given(worlds(), st.sampled_from([None, 0, 1, 3]))
def test_pairs_totals_and_occupancy_equal_the_specification(w: World, cap: int | None) -> None:
    got = CPU.occupancy(w.object, w.time, WINDOWS)
    want = REF.occupancy(w.object, w.time, WINDOWS)
    assert np.array_equal(got, want) and got.dtype == want.dtype == np.int32
    totals = CPU.pair_totals(w.account, w.object, w.time, 7, WINDOWS, cap)
    expected = REF.pair_totals(w.account, w.object, w.time, 7, WINDOWS, cap)
    assert np.array_equal(totals, expected) and totals.dtype == expected.dtype == np.int64


@settings(max_examples=100, deadline=None)
@given(worlds(), st.sampled_from([None, 1]), st.randoms(use_true_random=False))
def test_pairs_do_not_depend_on_the_order_of_rows(w: World, cap: int | None, shuffle: Any) -> None:
    order = list(range(len(w.account)))
    shuffle.shuffle(order)
    moved = w.permuted(np.array(order, np.int64))
    a = CPU.count_pairs(*w.rows, WINDOWS, 1, cap, 1)
    b = CPU.count_pairs(*moved.rows, WINDOWS, 1, cap, 1)
    same_edges(a.edges, b.edges)
    assert np.array_equal(a.dropped, b.dropped)


@settings(max_examples=100, deadline=None)
@given(worlds(), st.sampled_from([None, 1, 3]), st.randoms(use_true_random=False))
def test_pairs_do_not_depend_on_names_or_the_week(w: World, cap: int | None, chance: Any) -> None:
    names = list(range(w.n_accounts))
    chance.shuffle(names)
    objects = list(range(6))
    chance.shuffle(objects)
    week = 7 * 86_400_000_000
    moved = World(
        np.array(names, np.int32)[w.account],
        np.array(objects, np.int32)[w.object],
        w.time + week,
        np.where(w.target < 0, -1, 5 - w.target).astype(np.int32),
        w.n_accounts,
    )
    a = CPU.count_pairs(*w.rows, WINDOWS, 1, cap, 1)
    b = CPU.count_pairs(*moved.rows, WINDOWS, 1, cap, 1)
    there = [
        (*sorted((names[x], names[y])), n, c, f + week, e + week)
        for x, y, n, c, f, e in rows(a.edges)
    ]
    assert sorted(there) == rows(b.edges)
    assert np.array_equal(a.dropped, b.dropped[names])


@settings(max_examples=50, deadline=None)
@given(worlds(), st.integers(1, 40))
def test_pairs_of_any_split_of_the_accounts_are_the_same(w: World, pieces: int) -> None:
    whole = CPU.count_pairs(*w.rows, WINDOWS, 1, None, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARDS_PER_THREAD", pieces)
        same_edges(whole.edges, CPU.count_pairs(*w.rows, WINDOWS, 1, None, 1).edges)


@settings(max_examples=100, deadline=None)
@given(worlds(), st.sampled_from([0, 1, 2]))
def test_pairs_lose_no_more_to_the_cap_than_dropped_says(w: World, cap: int) -> None:
    exact = REF.count_pairs(*w.rows, WINDOWS, 1, None, 1).edges
    got = CPU.count_pairs(*w.rows, WINDOWS, 1, cap, 1)
    kept = {(a, b): n for a, b, n, *_ in rows(got.edges)}
    for a, b, n, *_ in rows(exact):
        found = np.array(kept.get((a, b), [0] * len(WINDOWS)))
        assert (np.array(n) - found <= np.minimum(got.dropped[a], got.dropped[b])).all()


@pytest.mark.parametrize("cap", [None, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_pairs_are_the_same_bytes_for_any_number_of_threads(seed: int, cap: int | None) -> None:
    w = big_world(seed)
    one = CPU.count_pairs(*w.rows, WINDOWS, 2, cap, 1)
    assert one.edges.size > 100
    for threads in (2, 3, 16):
        more = CPU.count_pairs(*w.rows, WINDOWS, 2, cap, threads)
        same_edges(one.edges, more.edges)
        left, right = one.edges.left, one.edges.right
        a = CPU.rescore_pairs(*w.rows, WINDOWS, left, right, 1)
        same_edges(a, CPU.rescore_pairs(*w.rows, WINDOWS, left, right, threads))
    order = np.lexsort((one.edges.right, one.edges.left))
    assert np.array_equal(order, np.arange(one.edges.size))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pairs_equal_a_database(seed: int) -> None:
    w = big_world(seed)
    db = duckdb.connect()
    db.execute("create table acts (account int, object int, time bigint, target int)")
    columns = (w.account, w.object, w.time, w.target)
    db.register("rows", dict(zip("aotx", columns, strict=True)))
    db.execute("insert into acts select a, o, t, x from rows")
    counts = ", ".join(
        f"count(distinct object) filter (delay <= {s}), count(distinct aim) filter (delay <= {s})"
        for s in WINDOWS.tolist()
    )
    want = db.execute(f"""
        select l, r, {counts}, min(early), max(late) from (
            select a.account l, b.account r, a.object, abs(a.time - b.time) delay,
                   case when a.target < 0 then -1 - a.object else a.target end aim,
                   least(a.time, b.time) early, greatest(a.time, b.time) late
            from acts a join acts b on a.object = b.object and a.account < b.account
            where abs(a.time - b.time) <= {WINDOWS[-1]})
        group by l, r having count(distinct object) >= 2 order by l, r""").fetchall()
    got = CPU.count_pairs(*w.rows, WINDOWS, 2, None, 2).edges
    flat = [
        (a, b, *(x for pair in zip(n, c, strict=True) for x in pair), f, e)
        for a, b, n, c, f, e in rows(got)
    ]
    assert len(flat) > 1_000 and flat == want
    same_edges(got, CPU.rescore_pairs(*w.rows, WINDOWS, got.left, got.right, 2))


def test_pairs_totals_equal_a_database() -> None:
    w = big_world(3)
    db = duckdb.connect()
    db.register("acts", {"a": w.account, "o": w.object, "t": w.time})
    got = CPU.pair_totals(w.account, w.object, w.time, 200, WINDOWS, None)
    for column, window in enumerate(WINDOWS.tolist()):
        want = db.execute(f"""select x.o, count(*) from acts x join acts y
            on x.o = y.o and x.a < y.a where abs(x.t - y.t) <= {window} group by x.o""").fetchall()
        expected = np.zeros(200, np.int64)
        for o, c in want:
            expected[o] = c
        assert np.array_equal(got[:, column], expected)


def same_batches(batches: pairs.Batches, whole: Edges) -> int:
    """Expect the batches, joined, to be the whole; how many there are."""
    found = list(batches)
    assert all(part.size for part in found)
    for name in ("left", "right", "n", "capped", "first", "last") if found else ():
        joined = np.concatenate([getattr(part, name) for part in found])
        assert np.array_equal(joined, getattr(whole, name)), name
    assert bool(found) == bool(whole.size)
    return len(found)


@settings(max_examples=150, deadline=None)
@given(
    worlds(),
    st.integers(1, 3),
    st.sampled_from([None, 0, 1, 3]),
    st.integers(1, 20),
    st.integers(1, 12),
    st.integers(1, 5),
)
def test_pairs_of_any_slabs_and_blocks_are_the_same(
    w: World, min_n: int, cap: int | None, slab: int, block: int, limit: int
) -> None:
    whole = CPU.count_pairs(*w.rows, WINDOWS, min_n, cap, 1)
    columns, n = w.rows[:4], len(w.account)
    seen = slabs.tally(columns, n, w.n_accounts, 3)
    dropped = np.zeros((w.n_accounts, len(WINDOWS)), np.int64)
    # as few rows at once as may be: at least those of one object, then of one account
    slab = max(slab, int(seen.actions.max(initial=0)))
    how = w.n_accounts, WINDOWS, min_n, cap, dropped, slabs.ROW * slab
    on_disk = slabs.on_disk(columns, n, seen, *how)
    assert np.array_equal(dropped, whole.dropped)
    block = max(block, int(on_disk.per_account.max(initial=0)))
    parts = blocks.blocks(on_disk, 2 * blocks.ROW * block)
    assert (np.add.reduceat(on_disk.per_account, parts.bounds[:-1]) <= block).all()
    found = list(blocks.block_parts(parts, WINDOWS, min_n, limit, executors.ThreadExecutor(), 1))
    same_edges(counting.joined(found, len(WINDOWS)), whole.edges)


@settings(max_examples=50, deadline=None)
@given(worlds(), st.integers(1, 4_000))
def test_pairs_in_too_little_memory_are_refused_or_the_same(w: World, budget: int) -> None:
    whole = CPU.count_pairs(*w.rows, WINDOWS, 1, None, 1)
    try:
        batches = pairs.pair_batches(*w.rows, WINDOWS, 1, None, 1, budget=budget)
    except EngineError as error:
        assert "memory budget" in str(error)
    else:
        same_batches(batches, whole.edges)


@pytest.mark.parametrize("min_n", [1, 2])
@pytest.mark.parametrize("cap", [None, 20])
@pytest.mark.parametrize("ascending", [True, False])
def test_pairs_of_parts_on_disk_are_the_same(
    min_n: int, cap: int | None, ascending: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    w = big_world(0)
    if ascending:
        w = w.permuted(np.argsort(w.time, kind="stable"))
    whole = CPU.count_pairs(*w.rows, WINDOWS, min_n, cap, 1)
    args = (*w.rows, WINDOWS, min_n, cap)
    parts = {}
    for budget in (150_000, 250_000, 400_000, 4_000_000):
        batches = pairs.pair_batches(*args, 2, budget=budget)
        parts[budget] = len(getattr(batches.work, "bounds", [0]))
        # read twice, by two who ask for pieces in turn
        one, other = iter(batches), iter(batches)
        assert next(one).left.tolist() == next(other).left.tolist()
        assert same_batches(batches, whole.edges) > 1
        assert np.array_equal(batches.dropped, whole.dropped)
    assert parts[150_000] > 3 and parts[4_000_000] == 1
    del batches, one, other
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_pairs_of_columns_on_file_are_read_in_pieces(tmp_path: Path) -> None:
    w = big_world(1)
    whole = CPU.count_pairs(*w.rows, WINDOWS, 2, 20, 1)
    for name, values in zip("aotg", w.rows[:4], strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "aotg"]
    assert all(map(spill.on_file, mapped)) and not spill.on_file(mapped[0][5:])
    for budget in (150_000, 10**9):
        got = pairs.pair_batches(*mapped, 300, WINDOWS, 2, 20, 1, budget=budget)
        same_batches(got, whole.edges)
    assert np.array_equal(spill.piece(mapped[2], 7, 11), w.time[7:11])


def test_pairs_say_what_memory_would_do() -> None:
    w = big_world(0)
    with pytest.raises(EngineError, match=r"memory budget of 0\.0 MiB .* must be .* or more"):
        pairs.pair_batches(*w.rows, WINDOWS, 1, None, 1, budget=10_000)
    with pytest.raises(EngineError, match="busiest object has"):
        pairs.pair_batches(*w.rows, WINDOWS, 1, None, 1, budget=100_000)


def test_pairs_leave_no_files_when_interrupted(tmp_path: Path) -> None:
    code = (
        "import time; from klieg.engine.spill import Scratch; import numpy as np\n"
        "scratch = Scratch(); scratch.append('rows', [np.zeros(9)])\n"
        "print('written', flush=True); time.sleep(60)"
    )
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        assert [file.name for file in tmp_path.glob("klieg-*/*")] == ["rows.0"]
        child.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in child.communicate()[1]
    assert not list(tmp_path.iterdir())


def test_pairs_say_when_the_disk_is_full(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    scratch = spill.Scratch()
    (scratch.folder / "rows.0").symlink_to("/dev/full")
    with pytest.raises(EngineError, match=r"disk is full.*TMPDIR"):
        scratch.append("rows", [np.zeros(100_000)])


def test_pairs_without_chance_are_dropped_before_any_is_made() -> None:
    # 30,000 accounts on one object at once share one object: none can reach two
    crowd = np.arange(30_000, dtype=np.int32)
    still = np.zeros(30_000, np.int32)
    rows_ = (crowd, still, still.astype(np.int64), still - 1, 30_000)
    assert pairs.plan(*rows_, WINDOWS, 2, None).scanned == 0
    assert pairs.plan(*rows_, WINDOWS, 1, None).scanned == 30_000**2
    # a chain: each account's second object is lost with the account before it
    n = 500
    account = np.repeat(np.arange(n, dtype=np.int32), 2)
    object_ = np.concatenate([[0], np.repeat(np.arange(1, n, dtype=np.int32), 2), [n]])
    links = (account, object_.astype(np.int32), np.zeros(2 * n, np.int64), account * 0 - 1, n)
    assert pairs.plan(*links, WINDOWS, 1, None).scanned == 4 * (n - 1)


def test_pairs_of_bursts_that_meet_again_come_in_batches() -> None:
    # 600 accounts together in three bursts: each of their 179,700 pairs is real
    crowd = np.tile(np.arange(600, dtype=np.int32), 3)
    bursts = np.repeat(np.arange(3, dtype=np.int32), 600)
    rows_ = crowd, bursts, bursts.astype(np.int64) * 10**6, bursts * 0 - 1, 600
    assert pairs.plan(*rows_, WINDOWS, 3, None).scanned == 3 * 600**2
    sizes = [
        part.size for part in pairs.pair_batches(*rows_, WINDOWS, 3, None, 1, budget=4_000_000)
    ]
    assert sum(sizes) == 600 * 599 // 2 and max(sizes) < 10_000
    with pytest.raises(EngineError, match="memory budget"):
        pairs.count_pairs(*rows_, WINDOWS, 3, None, 1, budget=4_000_000)
    capped = pairs.count_pairs(*rows_, WINDOWS, 3, 100, 1)
    assert capped.edges.size == 0 and (capped.dropped == 3).all()


def test_pairs_count_an_object_once_with_its_smallest_delay() -> None:
    # both act on object 0 twice, a day apart: 50 s and 5 s; on object 1 once, 60 s apart
    w = world(
        [(0, 0, 0), (1, 0, 50), (0, 0, 90_000), (1, 0, 90_005), (0, 1, 10), (1, 1, 70)], 2, [5, 5]
    )
    got = CPU.count_pairs(*w.rows, WINDOWS, 1, None, 1).edges
    # object 1 is met exactly at the edge of the 60 s window; both objects have one target
    assert rows(got) == [(0, 1, [1, 2, 2], [1, 1, 1], 0, 90_005)]


def test_pairs_over_the_cap_in_a_wide_window_still_meet_in_a_narrow_one() -> None:
    # ten accounts spread over ten minutes on two objects; accounts 0 and 1 within 5 s on both
    spread = [(a, o, 50 * a) for a in range(2, 10) for o in (0, 1)]
    w = world([*spread, (0, 0, 0), (1, 0, 5), (0, 1, 0), (1, 1, 5)], 10, [-1, -1])
    got = CPU.count_pairs(*w.rows, WINDOWS, 2, 3, 1)
    assert rows(got.edges)[0] == (0, 1, [2, 2, 0], [2, 2, 0], 0, 5)
    assert got.dropped[0].tolist() == [0, 0, 2]


def test_pairs_fill_a_missing_target_from_the_object_s_other_rows() -> None:
    w = world([(0, 0, 0), (1, 0, 1), (0, 1, 0), (1, 1, 1)], 2, [7, 7])
    w.target[1] = -1
    got = CPU.count_pairs(*w.rows, WINDOWS, 1, None, 1).edges
    assert got.capped.tolist() == [[1, 1, 1]]


def test_pairs_of_nothing_and_of_one() -> None:
    none = (
        np.zeros(0, np.int32),
        np.zeros(0, np.int32),
        np.zeros(0, np.int64),
        np.zeros(0, np.int32),
    )
    for rows_, n in ((none, 0), (none, 3), (tuple(c[:1] for c in big_world(0).rows[:4]), 300)):
        got = CPU.count_pairs(*rows_, n, WINDOWS, 1, 100, 0)
        assert got.edges.size == 0 and got.edges.n.shape == (0, 3)
        assert got.dropped.shape == (n, 3) and not got.dropped.any()


def test_pairs_of_one_crowded_object_cost_no_memory() -> None:
    # 100,000 actions on one object in a day, and 30,000 accounts on one object within 30 s
    draw = np.random.default_rng(0)
    ladder = np.array([10, 60, 600, 3600, 21600, 86400], np.int64) * 1_000_000
    time = np.concatenate((draw.integers(0, 86_400, 100_000), draw.integers(0, 30, 30_000)))
    object_ = np.repeat(np.array([0, 1], np.int32), [100_000, 30_000])
    account = np.concatenate((draw.integers(0, 30_000, 100_000), np.arange(30_000)))
    rows_ = account.astype(np.int32), object_, time * 1_000_000, np.full(130_000, -1, np.int32)
    got = CPU.count_pairs(*rows_, 30_000, ladder, 2, 100, 0)
    assert got.edges.size == 0
    assert got.dropped[:, -1].sum() == 130_000
    totals = CPU.pair_totals(*rows_[:3], 2, ladder, None)
    assert totals[1, 1] == 30_000 * 29_999 // 2  # all of them within 60 s
    with pytest.raises(EngineError, match="memory budget"):
        pairs.count_pairs(*rows_, 30_000, ladder[:1], 1, None, 0, budget=10_000_000)


def test_pairs_plan_knows_the_work_beforehand() -> None:
    w = world([(0, 0, 0), (1, 0, 5), (2, 0, 5_000), (0, 1, 0), (1, 1, 5), (2, 2, 0)], 3, [-1] * 3)
    plan = pairs.plan(*w.rows, WINDOWS, 2, None)
    assert (plan.rows, plan.live, plan.scanned) == (6, 4, 8)


@pytest.mark.parametrize(
    "change",
    [
        {"account": np.array([0, 9], np.int32)},
        {"account": np.array([0, -1], np.int32)},
        {"object": np.array([0, -2], np.int32)},
        {"time": np.array([0, 2**62], np.int64)},
        {"time": np.array([0], np.int64)},
        {"windows": np.array([60, 10], np.int64)},
        {"windows": np.zeros(0, np.int64)},
        {"windows": np.array([2**61], np.int64)},
    ],
)
def test_pairs_refuse_what_breaks_the_contract(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "account": np.array([0, 1], np.int32),
        "object": np.array([0, 0], np.int32),
        "time": np.array([0, 5], np.int64),
        "target": np.array([-1, -1], np.int32),
        "n_accounts": 2,
        "windows": WINDOWS,
        "min_n": 1,
        "cap": None,
        "threads": 1,
    }
    assert CPU.count_pairs(**good).edges.size == 1
    with pytest.raises(EngineError):
        CPU.count_pairs(**(good | change))


def test_pairs_take_read_only_and_wider_columns_without_compiling_again() -> None:
    w = big_world(0, n=200)
    for column in (w.account, w.object, w.time, w.target):
        column.setflags(write=False)
    a = CPU.count_pairs(*w.rows, WINDOWS, 1, 5, 1)
    wide = (w.account.astype(np.int64), w.object[::1], w.time, w.target.astype(np.int64), 300)
    same_edges(a.edges, CPU.count_pairs(*wide, WINDOWS, 1, 5, 1).edges)
    kernels: tuple[Any, ...] = (accumulate.accumulate, live.spans)
    assert all(len(k.signatures) == 1 for k in kernels)
