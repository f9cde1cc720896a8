"""What an engine promises: the integers of ``engine/reference.py`` exactly, its floats within 1e-9.

Every method is tried on small seeded worlds: none, one and odd numbers of rows, ties and hubs,
times before 1970, several threads and a small memory budget. The room knows the specification and
no other engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from klieg.config import Config
from klieg.contracts.promise import Check, Plugin, expect
from klieg.engine.reference import ReferenceEngine
from klieg.engine.reference_bursts import log_factor
from klieg.sockets import Engine

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64

__all__ = ["CHECKS"]

CLOSE = 1e-9
CLOSE_SINGLE = 1e-6  # similarities of vectors are float32
SIZES = (0, 1, 2, 7, 33, 129)
LADDERS = ([10], [10, 60, 600])
ORIGINS = (0, -1_000, 1_700_000_000_000_000)
CAPS = (None, 0, 2, 50)
SPEC = ReferenceEngine()

Cases: TypeAlias = "Iterator[tuple[str, tuple[Any, ...]]]"
"""What is tried, in words, and the arguments."""


# --- worlds --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _World:
    """Actions in no particular order, and how many of everything there are."""

    account: NDArray[np.int32]
    object: NDArray[np.int32]
    time: NDArray[np.int64]
    target: NDArray[np.int32]
    n_accounts: int
    n_objects: int

    @property
    def rows(self) -> tuple[I32, I32, I64, I32, int]:
        return self.account, self.object, self.time, self.target, self.n_accounts

    def permuted(self, order: NDArray[np.int64]) -> _World:
        return replace(
            self,
            account=self.account[order],
            object=self.object[order],
            time=self.time[order],
            target=self.target[order],
        )


def _world(n: int, seed: int) -> _World:
    """Few busy accounts, one hub object, times on a grid of tens so that windows are met exactly.

    A tenth of the rows name another target than their object's other rows do.
    """
    rng = np.random.default_rng([n, seed])
    n_accounts, n_objects = max(n // 3, 1) + 2, max(n // 4, 1) + 1
    object_ = np.minimum(rng.zipf(1.5, n) - 1, n_objects - 1).astype(np.int32)
    aims = rng.integers(-1, 4, n_objects)
    target = np.where(rng.random(n) < 0.1, rng.integers(-1, 4, n), aims[object_])
    return _World(
        (n_accounts * rng.random(n) ** 2).astype(np.int32),
        object_,
        rng.integers(0, 90, n) * 10 + ORIGINS[seed % len(ORIGINS)],
        target.astype(np.int32),
        n_accounts,
        n_objects,
    )


def _worlds() -> Iterator[tuple[_World, I64]]:
    for seed, n in enumerate(SIZES):
        for ladder in LADDERS:
            yield _world(n, seed), np.array(ladder, np.int64)


def _made(plugin: Plugin) -> list[Engine]:
    """The engine as configured in several ways, none of which may change a result."""
    return [
        plugin.made(Config(threads=1)),
        plugin.made(Config(threads=3, memory="1MiB")),
    ]


# --- comparing -----------------------------------------------------------------------------------


def _equal(method: str, where: str, wanted: Any, got: Any) -> None:
    """Expect the reference's answer: types, shapes, integers exactly, floats closely."""
    if is_dataclass(wanted):
        for field in fields(wanted):
            part = f"{method}().{field.name}"
            _equal(part, where, getattr(wanted, field.name), getattr(got, field.name))
    elif isinstance(wanted, tuple):
        expect(len(wanted) == len(got), f"{method} should give {len(wanted)} values")
        for i, (one, two) in enumerate(zip(wanted, got, strict=True)):
            _equal(f"{method}[{i}]", where, one, two)
    elif isinstance(wanted, np.ndarray):
        _equal_arrays(method, where, wanted, got)
    else:
        expect(wanted == got, f"{method} of {where} should be {wanted}; it is {got}")


def _equal_arrays(method: str, where: str, wanted: NDArray[Any], got: Any) -> None:
    expect(
        isinstance(got, np.ndarray) and got.dtype == wanted.dtype and got.shape == wanted.shape,
        f"{method} of {where} should be {wanted.dtype} of shape {wanted.shape}; it is "
        f"{getattr(got, 'dtype', type(got).__name__)} of shape {getattr(got, 'shape', ())}",
    )
    if wanted.dtype.kind == "f":
        close = CLOSE if wanted.dtype.itemsize == 8 else CLOSE_SINGLE
        good = np.isclose(got, wanted, rtol=close, atol=0.0)
    else:
        good = got == wanted
    if not good.all():
        at = np.unravel_index(int(np.argmin(good)), wanted.shape)
        where_at = [int(i) for i in at]
        expect(
            False,
            f"{method} of {where} should equal the reference; at {where_at} it is {got[at]}, the "
            f"reference says {wanted[at]}",
        )


# --- counting ------------------------------------------------------------------------------------


def _said(world: _World, ladder: I64, more: str = "") -> str:
    return f"{len(world.time)} actions, windows {ladder.tolist()} µs{more}"


def _named(plugin: Plugin) -> None:
    name = plugin.made().name
    expect(
        name == plugin.name,
        f"`name` should be the name it is registered under, {plugin.name!r}; it is {name!r}",
    )


def _by_hand(plugin: Plugin) -> None:
    """Three accounts on one object at 0, 10 and 25 µs, answers worked out on paper."""
    ids, zeros = np.arange(3, dtype=np.int32), np.zeros(3, np.int32)
    time, ladder = np.array([0, 10, 25], np.int64), np.array([10, 20], np.int64)
    engine = plugin.made()
    near = engine.occupancy(zeros, time, ladder).tolist()
    expect(near == [[1, 1], [1, 2], [0, 1]], f"occupancy worked out by hand differs: {near}")
    edges = engine.count_pairs(ids, zeros, time, zeros, 3, ladder, 1, None, 1).edges
    pairs = list(zip(edges.left.tolist(), edges.right.tolist(), edges.n.tolist(), strict=True))
    expect(
        pairs == [(0, 1, [1, 1]), (1, 2, [0, 1])],
        f"count_pairs worked out by hand differs: {pairs}",
    )
    tail = engine.poisson_tail(np.array([1], np.int64), np.array([0.5]))[0]
    expect(abs(tail - (1 - np.exp(-0.5))) < 1e-12, f"poisson_tail by hand differs: {tail}")


def _occupancy() -> Cases:
    for world, ladder in _worlds():
        yield _said(world, ladder), (world.object, world.time, ladder)


def _pair_totals() -> Cases:
    for world, ladder in _worlds():
        for cap in CAPS:
            columns = (world.account, world.object, world.time)
            yield _said(world, ladder, f", cap {cap}"), (*columns, world.n_objects, ladder, cap)


def _count_pairs() -> Cases:
    for world, ladder in _worlds():
        for min_n, cap in ((1, None), (2, None), (1, 0), (1, 2), (2, 50)):
            for threads in (1, 3):
                said = f", min_n {min_n}, cap {cap}, {threads} threads"
                yield _said(world, ladder, said), (*world.rows, ladder, min_n, cap, threads)


def _rescore_pairs() -> Cases:
    for world, ladder in _worlds():
        pairs = [(a, b) for a in range(world.n_accounts) for b in range(a + 1, world.n_accounts)]
        for some in (pairs[:0], pairs[:1], pairs[::3]):
            left, right = (np.array([pair[i] for pair in some], np.int32) for i in (0, 1))
            for threads in (1, 3):
                said = f", {len(some)} pairs, {threads} threads"
                yield _said(world, ladder, said), (*world.rows, ladder, left, right, threads)


def _row_order(plugin: Plugin) -> None:
    for engine in _made(plugin):
        for world, ladder in _worlds():
            order = np.random.default_rng(len(world.time)).permutation(len(world.time))
            other = world.permuted(order)
            said = _said(world, ladder, ", rows in another order")
            one = engine.count_pairs(*world.rows, ladder, 1, 2, 1)
            _equal("count_pairs", said, one, engine.count_pairs(*other.rows, ladder, 1, 2, 1))
            near = engine.occupancy(world.object, world.time, ladder)
            moved = engine.occupancy(other.object, other.time, ladder)
            _equal("occupancy", said, near[order], moved)


def _chunked(plugin: Plugin) -> None:
    """``pair_batches`` joined is ``count_pairs``: in order, none empty, again when read again."""
    for engine in _made(plugin):
        for world, ladder in _worlds():
            for min_n, cap, threads in ((1, None, 1), (1, 2, 3), (2, 50, 1)):
                said = _said(world, ladder, f", min_n {min_n}, cap {cap}, {threads} threads")
                args = (*world.rows, ladder, min_n, cap, threads)
                whole, batches = engine.count_pairs(*args), engine.pair_batches(*args)
                _equal("pair_batches().dropped", said, whole.dropped, batches.dropped)
                for _ in range(2):
                    pieces = list(batches)
                    expect(all(piece.size for piece in pieces), "no batch of pairs is empty")
                    for field in fields(whole.edges) if pieces else ():
                        parts = [getattr(piece, field.name) for piece in pieces]
                        wanted = getattr(whole.edges, field.name)
                        _equal(f"pair_batches {field.name}", said, wanted, np.concatenate(parts))
                    expect(bool(pieces) == bool(whole.edges.size), f"pair_batches of {said}")


def _inputs_unchanged(plugin: Plugin) -> None:
    world, ladder = _world(129, 4), np.array(LADDERS[1], np.int64)
    columns = world.account, world.object, world.time, world.target
    before = [column.tolist() for column in columns]
    for engine in _made(plugin):
        engine.count_pairs(*world.rows, ladder, 1, 2, 1)
        engine.occupancy(world.object, world.time, ladder)
        engine.tiles(world.object, world.time, 100, 0)
        kept = before == [column.tolist() for column in columns]
        expect(kept, "the arrays handed over should stay as they are; the engine wrote into them")


# --- acts ----------------------------------------------------------------------------------------


def _ranges(world: _World, window: int) -> tuple[_World, I32, I32]:
    """The world in (object, time) order, and the rows within the window of each act."""
    world = world.permuted(np.lexsort((world.time, world.object)))
    # times are < 2^52 apart: one key stands for both
    key = world.object.astype(np.int64) * (1 << 52) + (world.time - world.time.min(initial=0))
    lo = np.searchsorted(key, key - window, "left").astype(np.int32)
    return world, lo, np.searchsorted(key, key + window, "right").astype(np.int32)


def _act_cases() -> Iterator[tuple[str, _World, I32, I32, I32]]:
    """Sorted worlds with ranges; every act a post of its own, or several acts a post."""
    for seed, n in enumerate(SIZES):
        for window in (0, 10, 100):
            world, lo, hi = _ranges(_world(n, seed), window)
            rows = np.arange(n, dtype=np.int32)
            some = np.random.default_rng(n).integers(0, n // 3 + 1, n).astype(np.int32)
            for said, post in (("own posts", rows), ("shared posts", some)):
                yield f"{n} acts within {window} µs, {said}", world, post, lo, hi


def _act_company() -> Cases:
    for said, world, post, lo, hi in _act_cases():
        yield said, (world.account, post, lo, hi)


def _count_acts(plugin: Plugin) -> None:
    engines = _made(plugin)
    for said, world, post, lo, hi in _act_cases():
        anchors = np.ones(len(post), np.bool_), np.arange(len(post)) % 3 == 0
        for anchor, min_n, directed in product(anchors, (1, 2, 5), (True, False)):
            columns = (world.account, post, world.time, lo, hi, anchor)
            args = (*columns, world.n_accounts, min_n, directed)
            if directed and min_n == 2:  # looks back only: met by acts that it does not meet
                args = (*args[:4], np.arange(1, len(hi) + 1, dtype=np.int32), *args[5:])
            wanted = list(SPEC.count_acts(*args, 1))
            for engine, threads in zip(engines, (1, 3), strict=True):
                got = list(engine.count_acts(*args, threads))
                expect(all(batch.size for batch in got), "no batch of edges is empty")
                expect(bool(wanted) == bool(got), f"count_acts of {said}")
                for field in fields(wanted[0]) if wanted else ():
                    parts = [getattr(batch, field.name) for batch in got]
                    whole = getattr(wanted[0], field.name)
                    _equal(f"count_acts {field.name}", said, whole, np.concatenate(parts))


# --- bursts --------------------------------------------------------------------------------------


def _tiles() -> Cases:
    for world, _ in _worlds():
        for window, phase in ((10, 0), (100, 50), (7, 3)):
            said = f"{len(world.time)} actions, window {window} µs, phase {phase}"
            yield said, (world.object, world.time, window, phase)


def _burst_evidence() -> Cases:
    rates, weights = np.array([2.0, 8.0, 32.0]), np.array([0.2, 0.5, 0.9, 0.99])
    for world, _ in _worlds():
        tile, count = SPEC.tiles(world.object, world.time, 100, 0)
        rng = np.random.default_rng(count)
        burst = tile[rng.random(len(tile)) < 0.4]
        actors = np.maximum(np.bincount(tile, minlength=count), 1).astype(np.int32)
        share = rng.uniform(1e-4, 0.3, count)
        none = np.zeros(count, np.int64)
        base: F64 = log_factor(none, actors * share, rates, weights).sum(axis=1)
        said = f"{len(burst)} rows in {count} bursts"
        yield said, (burst, actors, share, base, rates, weights)


# --- similarity ----------------------------------------------------------------------------------


def _texts(n: int, seed: int) -> tuple[I64, NDArray[np.uint64]]:
    """Sets of codes in families of near-copies, a few of them empty."""
    rng = np.random.default_rng([n, seed])
    words = rng.integers(0, 2**63, 400, np.int64).astype(np.uint64)
    families = [rng.choice(words, 25, replace=False) for _ in range(max(n // 5, 1))]
    sets = []
    for _ in range(n):
        kin = families[rng.integers(len(families))]
        kept = kin[
            rng.random(len(kin)) < rng.choice([0.0, 0.7, 0.95, 1.0], p=[0.05, 0.3, 0.5, 0.15])
        ]
        sets.append(
            np.unique(np.append(kept, rng.choice(words, int(rng.integers(0, 3)))))[: len(kin)]
        )
    starts = np.cumsum([0, *map(len, sets)]).astype(np.int64)
    return starts, np.concatenate([*sets, np.zeros(0, np.uint64)]).astype(np.uint64)


def _near_copies() -> Cases:
    for seed, n in enumerate(SIZES):
        for tau in (0.5, 0.8, 1.0):
            yield f"{n} texts, tau {tau}, seed {seed}", (*_texts(n, seed), tau, seed)
    yield "a crowd of near-copies of one text", (*_crowd(), 0.8, 0)


def _similar_sets() -> Cases:
    for seed, n in enumerate(SIZES):
        for tau in (0.3, 0.5, 0.8, 1.0):
            yield f"{n} texts, tau {tau}", (*_texts(n, seed), tau)
    yield "a crowd of near-copies of one text", (*_crowd(), 0.8)


def _crowd() -> tuple[I64, NDArray[np.uint64]]:
    """More near-copies of one text than a text may keep partners."""
    n, size = 270, 12
    shared = np.arange(1, size, dtype=np.uint64)
    values = np.concatenate([np.append(shared, np.uint64(1_000 + i)) for i in range(n)])
    return np.arange(n + 1, dtype=np.int64) * size, values


def _similar_pairs() -> Cases:
    for n in SIZES:
        rng = np.random.default_rng(n)
        a, b = (rng.normal(size=(m, 5)).astype(np.float32) + 1e-3 for m in (n, n // 2))
        a, b = ((v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32) for v in (a, b))
        times = (rng.integers(0, 900, n), rng.integers(0, 900, n // 2))
        for tau, window in ((0.3, 100), (0.9, 1_000)):
            yield f"{n} and {n // 2} vectors, tau {tau}", (a, b, tau, times, window)


# --- tails and components ------------------------------------------------------------------------


def _poisson_tail() -> Cases:
    counts, means = (0, 1, 2, 3, 10, 41, 300), (0.0, 1e-12, 1e-3, 0.7, 5.0, 60.0, 250.0)
    n = np.repeat(np.array(counts, np.int64), len(means))
    lam = np.tile(np.array(means), len(counts))
    for size in (0, 1, len(n)):
        yield f"{size} pairs (n, λ)", (n[:size], lam[:size])


def _poisson_binomial_tail() -> Cases:
    for rows in SIZES:
        rng = np.random.default_rng(rows)
        sizes = rng.integers(0, 40, rows)
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        probs = rng.random(int(starts[-1])) ** 4
        n = rng.integers(0, np.maximum(sizes // 2, 1) + 2).astype(np.int64)
        yield f"{rows} rows of probabilities", (starts, probs, n)


def _components() -> Cases:
    for n in SIZES:
        rng = np.random.default_rng(n)
        for edges in (0, n // 3, n):
            left, right = (rng.integers(0, max(n, 1), edges).astype(np.int32) for _ in "ab")
            yield f"{n} nodes, {edges} edges", (left, right, n)


def _equals_reference(method: str, cases: Callable[[], Cases]) -> Check:
    """The check that a method gives the reference's answers, however the engine is configured."""

    def trial(plugin: Plugin) -> None:
        engines = _made(plugin)
        for said, args in cases():
            wanted = getattr(SPEC, method)(*args)
            for engine in engines:
                _equal(method, said, wanted, getattr(engine, method)(*args))

    promise = f"`{method}` equals the reference, whatever the size, threads and memory."
    return Check(method, promise, trial)


CHECKS = (
    Check("named", "It has the name it is registered under.", _named),
    Check("by_hand", "Three actions worked out on paper come out right.", _by_hand),
    Check("row_order", "The order of the actions changes nothing.", _row_order),
    Check("chunked", "Batches of pairs, joined, are the pairs counted whole.", _chunked),
    Check("inputs_unchanged", "The arrays handed over are not written to.", _inputs_unchanged),
    _equals_reference("occupancy", _occupancy),
    _equals_reference("pair_totals", _pair_totals),
    _equals_reference("count_pairs", _count_pairs),
    _equals_reference("rescore_pairs", _rescore_pairs),
    _equals_reference("act_company", _act_company),
    Check(
        "count_acts", "`count_acts` equals the reference, in batches that are joined.", _count_acts
    ),
    _equals_reference("tiles", _tiles),
    _equals_reference("burst_evidence", _burst_evidence),
    _equals_reference("near_copies", _near_copies),
    _equals_reference("similar_sets", _similar_sets),
    _equals_reference("similar_pairs", _similar_pairs),
    _equals_reference("poisson_tail", _poisson_tail),
    _equals_reference("poisson_binomial_tail", _poisson_binomial_tail),
    _equals_reference("components", _components),
)
"""Every promise of an engine: each method of the socket, and what they have in common."""
