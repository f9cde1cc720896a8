"""Pairs inside a group: tested from outside, added or marked once, nobody else's touched."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from klieg.config import Config
from klieg.detect import inside, outside
from klieg.sockets import make
from klieg.tables import SECOND, Actions, Edges, Layer, Network, ScoredEdges, Strata

CONFIG = Config(windows_s=(60, 3600))
ENGINE = make("engines", "cpu", CONFIG)
CREW = tuple(range(300, 310))


def world(seed: int, *, together: int = 6) -> Actions:
    """300 accounts at random on 400 objects; ten more meet on objects that nobody else touches."""
    draw = np.random.default_rng(seed)
    who, what = draw.integers(0, 300, 4000), draw.integers(0, 400, 4000)
    when = draw.random(4000) * 7 * 86_400
    for i in range(together):
        who = np.concatenate((who, CREW))
        what = np.concatenate((what, np.full(len(CREW), 400 + i)))
        when = np.concatenate((when, i * 86_400 + draw.random(len(CREW)) * 50))
    first = np.unique(who * 1000 + what, return_index=True)[1]
    order = first[np.argsort(when[first], kind="stable")]
    n = len(order)
    return Actions(
        "link",
        who[order].astype(np.int32),
        what[order].astype(np.int32),
        (when[order] * SECOND).astype(np.int64),
        np.arange(n, dtype=np.int64),
        np.full(n, -1, np.int32),
        pa.array([str(i) for i in range(400 + together)]),
        pa.array([], pa.string()),
        310,
    )


def pool(actions: Actions, crew_apart: bool = False) -> Strata:
    own = (np.arange(actions.n_objects) >= 400).astype(np.int32) * crew_apart
    n = int(own.max(initial=0)) + 1
    return Strata(own, np.zeros(n, np.int32), tuple(map(str, range(n))), ("all",))


def network(actions: Actions, kept: tuple[tuple[int, int], ...] = (), **pools: bool) -> Network:
    """A network whose layer kept these pairs as weak ones."""
    left, right = (np.array([k[i] for k in kept], np.int32) for i in (0, 1))
    n, times = np.full((len(kept), 2), 2, np.uint32), np.zeros(len(kept), np.int64)
    half, true = np.full((len(kept), 2), 1e-4), np.ones(len(kept), np.bool_)
    scored = ScoredEdges(
        "link",
        Edges(left, right, n, n, times, times),
        *(half, half, np.zeros(len(kept), np.uint8), half[:, 0], half[:, 0], half[:, 0]),
        *(true, ~true, ~true),
    )
    layer = Layer(actions, pool(actions, **pools), scored, None)  # type: ignore[arg-type]
    return Network({"link": layer}, {"link": pool(actions)}, ())


def finding(members, signals=("link",)):
    return SimpleNamespace(signals=signals, members=[SimpleNamespace(account=a) for a in members])


def grouped(net: Network) -> set[tuple[int, int]]:
    scored = net.layers["link"].scored
    rows = np.flatnonzero(scored.grouped)
    return set(
        zip(scored.edges.left[rows].tolist(), scored.edges.right[rows].tolist(), strict=True)
    )


@pytest.mark.parametrize("crew_apart", [False, True])
def test_inside_a_crew_that_is_its_own_pool_keeps_all_its_pairs(crew_apart: bool) -> None:
    net = network(world(1), crew_apart=crew_apart)
    found = inside.confirm([finding(CREW)], net, CONFIG, ENGINE)
    assert grouped(found) == {(a, b) for a in CREW for b in CREW if a < b}


@pytest.mark.parametrize("seed", range(5))
def test_inside_ordinary_accounts_called_a_group_get_no_edge(seed: int) -> None:
    some = np.random.default_rng(seed).choice(300, 40, replace=False).tolist()
    assert grouped(inside.confirm([finding(some)], network(world(seed)), CONFIG, ENGINE)) == set()


def test_inside_marks_what_is_kept_and_adds_the_rest_in_order() -> None:
    net = network(world(2), kept=((3, 4), (300, 301), (305, 309)))
    scored = inside.confirm([finding(CREW)], net, CONFIG, ENGINE).layers["link"].scored
    pairs = list(zip(scored.edges.left.tolist(), scored.edges.right.tolist(), strict=True))
    assert pairs == sorted(set(pairs)) and len(pairs) == 46
    assert scored.weak.sum() == 3 and not scored.validated.any()
    kept = pairs.index((300, 301))
    assert scored.grouped[kept] and scored.p[kept] == 1e-4  # an edge keeps the p it had
    assert not scored.grouped[pairs.index((3, 4))]


def test_inside_looks_only_where_a_finding_says_and_not_at_huge_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = network(world(3))
    assert grouped(inside.confirm([finding(CREW, ("copies",))], net, CONFIG, ENGINE)) == set()
    assert inside.confirm([], net, CONFIG, ENGINE).layers == net.layers
    monkeypatch.setattr(inside, "MOST_MEMBERS", 9)
    assert grouped(inside.confirm([finding(CREW)], net, CONFIG, ENGINE)) == set()


def test_inside_two_findings_that_share_a_pair_count_it_once() -> None:
    net = network(world(4))
    found = inside.confirm([finding(CREW[:7]), finding(CREW[3:])], net, CONFIG, ENGINE)
    scored = found.layers["link"].scored
    pairs = list(zip(scored.edges.left.tolist(), scored.edges.right.tolist(), strict=True))
    assert len(pairs) == len(set(pairs)) == len(grouped(found))


def test_inside_what_a_crew_does_together_does_not_raise_what_is_expected_of_it() -> None:
    few, many = world(5, together=2), world(5, together=12)
    crew = np.array(CREW, np.int32)
    a, b = crew[:-1], crew[1:]
    rates = []
    for actions in (few, many):
        counted = outside.prepare(actions, pool(actions), CONFIG, ENGINE)
        acts = np.bincount(actions.account, minlength=310)
        rate = outside.expected_of_pairs(counted, crew, a, b, ENGINE)
        rates.append(rate / (acts[a] * acts[b])[:, None])
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-12)


def test_inside_expectation_is_the_margin_formula_over_outside_acts_alone() -> None:
    actions = world(6)
    crew = np.array(CREW, np.int32)
    counted = outside.prepare(actions, pool(actions), CONFIG, ENGINE)
    got = outside.expected_of_pairs(counted, crew, crew[:1], crew[1:2], ENGINE)[0]
    rest = np.flatnonzero(actions.account < 300)
    who, what, when = (c[rest] for c in (actions.account, actions.object, actions.time))
    own = np.bincount(who).astype(float)
    for w, seconds in enumerate(CONFIG.windows_s):
        met = 0
        for o in np.unique(what):
            at, by = when[what == o], who[what == o]
            near = np.abs(at[:, None] - at[None, :]) <= seconds * SECOND
            met += int((near & (by[:, None] != by[None, :])).sum())
        expected = 6 * 6 * max(met, 2) / (own.sum() ** 2 - (own**2).sum())
        assert got[w] == pytest.approx(expected)


def test_inside_leaves_other_layers_as_they_are() -> None:
    net = network(world(7))
    both = replace(net, layers={**net.layers, "copies": net.layers["link"]})
    found = inside.confirm([finding(CREW)], both, CONFIG, ENGINE)
    assert found.layers["copies"] is both.layers["copies"]
