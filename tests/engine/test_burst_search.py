"""The search's kernels: close to the exact evidence, and tidy with their scratch arrays."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest

from klieg.config import Config
from klieg.detect import bursts
from klieg.engine import burst_company, burst_search
from klieg.sockets import make
from klieg.tables import Actions, Strata

CONFIG = Config(windows_s=(600, 21600))
CREW = np.arange(6, dtype=np.int32)
NOBODY = np.zeros(0, np.int32)
T = 1  # ten minutes, offset one half
OMEGA = 2


@pytest.fixture(scope="module")
def world() -> bursts.Tilings:
    """300 accounts, 200 objects in two pools; accounts 0 … 5 meet on ten objects."""
    rng = np.random.default_rng(3)
    who = rng.choice(300, 6000, p=np.arange(1, 301) / np.arange(1, 301).sum())
    what = np.minimum((200 * rng.random(6000) ** 2).astype(int), 199)
    when = rng.integers(0, 3 * 86_400, 6000)
    for i in range(10):
        who = np.append(who, CREW)
        what = np.append(what, np.full(6, 7 * i))
        when = np.append(when, 20_000 * i + rng.integers(0, 300, 6))
    order = np.argsort(when, kind="stable")
    n = len(order)
    layer = Actions(
        "link",
        who[order].astype(np.int32),
        what[order].astype(np.int32),
        1_699_833_600_000_000 + when[order] * 1_000_000,
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.int32),
        pa.array([str(i) for i in range(200)]),
        pa.array(["x"]),
        300,
    )
    strata = Strata(
        (np.arange(200) % 2).astype(np.int32), np.zeros(2, np.int32), ("a", "b"), ("all",)
    )
    return bursts.prepare(layer, strata, CONFIG, make("engines", "cpu", CONFIG))


@pytest.fixture(autouse=True)
def by_the_bound_of_small_groups(monkeypatch):
    """The search goes by it whatever a group fills of its pool; the court weighs anew."""
    monkeypatch.setattr(bursts, "DENSE", 2.0)


def scratch(world: bursts.Tilings) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(len(world.lattice.actors), np.int32), np.zeros(300, np.int32)


def exact(world: bursts.Tilings, members) -> float:
    cells = bursts.log_evidence(world, np.sort(np.array(members, np.int32)))
    return float(cells.reshape(4, 4)[T, OMEGA])


def test_burst_search_screens_many_groups_as_the_engine_weighs_each(world):
    counts, _ = scratch(world)
    groups = [CREW, np.arange(100, 140, dtype=np.int32), np.array([7, 9, 299], np.int32)]
    starts = np.cumsum([0, *map(len, groups)]).astype(np.int64)
    found = burst_search.screen(
        world.lattice, starts, np.concatenate(groups), np.arange(4), 1.0, NOBODY, counts
    )
    for group, cells in zip(groups, found, strict=True):
        np.testing.assert_allclose(
            cells, bursts.log_evidence(world, group).reshape(4, 4), rtol=1e-3, atol=0.02
        )
    assert not counts.any()


def test_burst_search_inflation_multiplies_what_is_expected(world):
    counts, _ = scratch(world)
    found = burst_search.screen(
        world.lattice, np.array([0, 6]), CREW, np.arange(4), 3.0, NOBODY, counts
    )
    np.testing.assert_allclose(
        found[0], bursts.log_evidence(world, CREW, inflation=3.0).reshape(4, 4), atol=0.05
    )


@pytest.mark.parametrize(("sign", "group"), [(-1, CREW), (1, CREW[:4])])
def test_burst_search_marginals_are_what_joining_or_leaving_does(world, sign, group):
    counts, _ = scratch(world)
    others = group if sign < 0 else np.array([4, 5, 200, 299], np.int32)
    gains = burst_search.marginals(world.lattice, group, others, sign, T, OMEGA, counts)
    before = exact(world, group)
    for other, gain in zip(others, gains, strict=True):
        after = np.setdiff1d(group, [other]) if sign < 0 else np.append(group, other)
        assert gain == pytest.approx(exact(world, after) - before, abs=2.5, rel=0.25)
    assert not counts.any()


def together(world: bursts.Tilings) -> list[tuple[set[int], int]]:
    """Every burst of the tiling: its accounts."""
    lattice = world.lattice
    code = lattice.code[:, T]
    return [(set(lattice.account[code == u].tolist()), int(u)) for u in np.unique(code[code >= 0])]


def test_burst_search_company_shares_two_telling_bursts(world):
    counts, tally = scratch(world)
    found, times = burst_company.company(world.lattice, CREW[:4], T, OMEGA, 1.5, counts, tally)
    assert {4, 5} <= set(found.tolist())
    assert not {0, 1, 2, 3} & set(found.tolist())
    assert np.array_equal(np.sort(found), found)
    met = {int(a): 0 for a in found}
    for who, _ in together(world):
        if len(who & set(CREW[:4].tolist())):
            for a in who & set(met):
                met[a] += 1
    assert all(2 <= n <= met[int(a)] for a, n in zip(found, times, strict=True))
    assert not counts.any()
    assert not tally.any()


def test_burst_search_companions_count_the_bursts_two_members_share(world):
    counts, _ = scratch(world)
    left, right, shared = burst_company.companions(world.lattice, CREW, T, counts)
    expected = dict.fromkeys(itertools.combinations(range(6), 2), 0)
    for who, _ in together(world):
        inside = who & set(CREW.tolist())
        if len(inside) >= 2 and len(who) <= burst_company.CROWD * len(inside):
            for pair in itertools.combinations(sorted(inside), 2):
                expected[pair] += 1
    assert dict(
        zip(zip(left.tolist(), right.tolist(), strict=True), shared.tolist(), strict=True)
    ) == {pair: n for pair, n in expected.items() if n}
    assert not counts.any()


def test_burst_search_group_without_acts(world):
    counts, _ = scratch(world)
    nobody = np.zeros(0, np.int32)
    found = burst_search.screen(
        world.lattice, np.array([0, 0]), nobody, np.arange(4), 1.0, NOBODY, counts
    )
    assert not found.any()


def test_burst_search_warm_compiles_what_the_search_calls():
    burst_company.warm()
    kernels = (burst_search.screen, burst_search.marginals, burst_company.company)
    assert all(kernel.signatures for kernel in (*kernels, burst_company.companions))
