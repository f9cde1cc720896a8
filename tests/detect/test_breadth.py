"""Breadth: evidence credited to authors and domains, and what stands without the top two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import breadth, bursts, outside
from klieg.detect.bursts import Terms
from klieg.detect.clock import Timing
from klieg.engine import reference_bursts
from klieg.sockets import Engine, make
from klieg.tables import SECOND, Actions, Group, Strata

CONFIG = Config()
MEMBERS = np.arange(6, dtype=np.int32)


@pytest.fixture(scope="module")
def engine() -> Engine:
    made: Engine = make("engines", "cpu", CONFIG)
    return made


def _actions(acts: list[tuple[int, int, float]], target: Any, n_targets: int) -> Actions:
    acts = sorted(acts, key=lambda a: a[2])
    obj = np.array([a[1] for a in acts], np.int32)
    n = int(obj.max()) + 1
    return Actions(
        "link",
        np.array([a[0] for a in acts], np.int32),
        obj,
        np.array([int(a[2] * SECOND) for a in acts], np.int64),
        np.arange(len(acts), dtype=np.int64),
        np.array([target(int(o)) for o in obj], np.int32),
        pa.array([f"o{i}" for i in range(n)]),
        pa.array([f"t{i}.example" for i in range(n_targets)]),
        300,
    )


def _world(seed: int) -> list[tuple[int, int, float]]:
    """Six members on 30 objects within 5 minutes, 12 outsiders on each over two days."""
    rng = np.random.default_rng(seed)
    acts: list[tuple[int, int, float]] = []
    for o in range(150):
        born = float(rng.uniform(0, 10 * 86_400))
        who = rng.choice(np.arange(6, 300), 12, replace=False)
        acts += [(int(a), o, born + float(rng.uniform(0, 172_800))) for a in who]
        if o < 30:
            at = born + 3600
            acts += [(a, o, at + float(rng.uniform(0, 300))) for a in range(6)]
    return acts


def _measured(actions: Actions, engine: Engine) -> tuple[Any, float]:
    strata = Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("a",), ("a",))
    tilings = bursts.prepare(actions, strata, CONFIG, engine)
    net = bursts.net([tilings], MEMBERS, 300)
    group = Group(MEMBERS, "link", 600, 0.0, net, 0.0, {}, np.ones(6), 1.0, (), {})
    return breadth.measure(group, tilings, net), net


def test_breadth_falls_with_the_number_of_targets(engine: Engine) -> None:
    wide, net = _measured(_actions(_world(1), lambda o: o % 30, 30), engine)
    narrow, same = _measured(
        _actions(_world(1), lambda o: o % 2 if o < 30 else 2 + o % 28, 30), engine
    )
    assert net == pytest.approx(same)
    assert wide.effective_targets > 20 and wide.net_without_two > 0.8 * net
    assert narrow.effective_targets < 2.5 and narrow.net_without_two < 0.1 * net
    assert wide.objects == narrow.objects >= 30
    assert narrow.top_targets[0][0] in ("t0.example", "t1.example")
    assert sum(share for _, share in narrow.top_targets[:2]) > 0.9


def test_breadth_objects_without_a_target_stand_for_themselves(engine: Engine) -> None:
    found, _ = _measured(_actions(_world(2), lambda o: -1, 0), engine)
    assert found.effective_targets > 20
    assert found.top_targets[0][0].startswith("o")


def _terms(weight: list[float]) -> Terms:
    n = len(weight)
    return Terms(
        np.arange(n, dtype=np.int32),
        np.full(n, 2, np.int32),
        np.full(n, 4, np.int32),
        np.full(n, 0.1),
        np.array(weight),
        np.arange(n + 1, dtype=np.int64) * 2,
        np.arange(2 * n, dtype=np.int32),
        0.99,
        -1.0,
    )


@given(st.lists(st.floats(-3, 30), min_size=1, max_size=12), st.integers(1, 4))
def test_breadth_credits_every_positive_target_once(weight: list[float], n_targets: int) -> None:
    n = len(weight)
    acts = [(j % 2, j // 2, float(j)) for j in range(2 * n)]
    actions = _actions(acts, lambda o: o % n_targets, n_targets)
    targets, credit = breadth.by_target(actions, _terms(weight))
    plain = {t: sum(weight[t::n_targets]) for t in range(min(n, n_targets))}
    assert dict(zip(targets.tolist(), credit.tolist(), strict=True)) == pytest.approx(
        {t: w for t, w in plain.items() if w > 0}
    )
    assert list(credit) == sorted(credit, reverse=True)


def test_breadth_private_share_counts_acts() -> None:
    def timing(outsiders: list[int], acts: list[int]) -> Timing:
        n = np.zeros((4, len(acts)))
        k = np.array(acts, np.int32)
        return Timing(
            k,
            np.array(outsiders, np.int32),
            k,
            k,
            n.astype(np.int64),
            n,
            n,
            n.astype(np.int64),
            n,
            0,
            "",
        )

    assert breadth.private_share([timing([0, 1, 2], [6, 2, 2])]) == pytest.approx(0.8)
    assert breadth.private_share([timing([0], [5]), timing([9], [5])]) == pytest.approx(0.5)
    assert breadth.private_share([]) == 0.0


# --- the pairs that everybody else leads to expect ------------------------------------------------


def test_breadth_outsiders_expectation_is_the_plain_sum(engine: Engine) -> None:
    """Σ over member pairs and targets of 1 − exp(−n_a n_b S_T / (E² − Σ n²)), one by one."""
    actions = _actions(_world(3), lambda o: o % 7, 7)
    strata = Strata(
        (np.arange(actions.n_objects) % 2).astype(np.int32),
        np.zeros(2, np.int32),
        ("a", "b"),
        ("all",),
    )
    found = outside.expected_pairs(
        outside.prepare(actions, strata, CONFIG, engine), MEMBERS, engine
    )
    out = np.flatnonzero(actions.account >= 6)
    plain = np.zeros(len(CONFIG.windows_s))
    for c in range(2):
        here = [r for r in out if actions.object[r] % 2 == c]
        n_out = np.bincount(actions.account[here], minlength=300).astype(float)
        scale = 1 / (n_out.sum() ** 2 - (n_out**2).sum())
        mine = np.bincount(
            actions.account[(actions.account < 6) & (actions.object % 2 == c)], minlength=6
        )
        for t in range(7):
            on = [r for r in here if actions.target[r] == t]
            for w, seconds in enumerate(CONFIG.windows_s):
                pairs = sum(
                    actions.object[p] == actions.object[q]
                    and abs(actions.time[p] - actions.time[q]) <= seconds * SECOND
                    for i, p in enumerate(on)
                    for q in on[i + 1 :]
                )
                for a in range(6):
                    for b in range(a):
                        plain[w] += 1 - np.exp(-mine[a] * mine[b] * 2 * pairs * scale)
    assert found == pytest.approx(plain, rel=2e-3)


def test_breadth_a_random_set_shows_what_outsiders_lead_to_expect(engine: Engine) -> None:
    """Over many random sets the observed pairs are the expected ones, on average."""
    actions = _actions(_world(4), lambda o: -1, 0)
    strata = Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("a",), ("a",))
    ready = outside.prepare(actions, strata, CONFIG, engine)
    rng = np.random.default_rng(0)
    seen = chance = 0.0
    for _ in range(60):
        members = np.sort(rng.choice(np.arange(6, 300), 25, replace=False)).astype(np.int32)
        day = outside.window_counts(ready, members, CONFIG, engine)[-1]
        seen, chance = seen + day.observed, chance + day.expected
    assert seen / chance == pytest.approx(1.0, abs=0.1)


def test_breadth_counts_large_groups_from_below(engine: Engine, monkeypatch) -> None:
    """Without making pairs: exact where each target has one object, never more otherwise."""
    rng = np.random.default_rng(3)
    members = np.sort(rng.choice(300, 120, replace=False)).astype(np.int32)
    for target, exact in ((lambda o: -1, True), (lambda o: o % 7, False)):
        actions = _actions(_world(4), target, 0 if exact else 7)
        pool = Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("a",), ("a",))
        ready = outside.prepare(actions, pool, CONFIG, engine)
        rows = outside.rows_of(ready, members)
        monkeypatch.setattr(outside, "ENUMERATED", 10**9)
        pairs = outside._seen(ready, rows, engine)
        monkeypatch.setattr(outside, "ENUMERATED", 0)
        below = outside._seen(ready, rows, engine)
        assert pairs[-1] > 0
        assert (below <= pairs).all()
        assert not exact or (below >= 0.9 * pairs).all()
        assert exact or below[-1] < pairs[-1]


def test_breadth_tiles_are_the_specification(engine: Engine) -> None:
    """The joint bursts that breadth reads are the engine's specified tiles."""
    actions = _actions(_world(5), lambda o: o, 150)
    ids, n = reference_bursts.tiles(actions.object, actions.time, 600 * SECOND, 0)
    strata = Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("a",), ("a",))
    terms = bursts.terms(bursts.prepare(actions, strata, CONFIG, engine), MEMBERS, 600, 0.0)
    mine = ids[actions.account < 6]
    assert n >= len(terms.k) == len(np.unique(mine))
    assert terms.k.sum() == len(mine)
