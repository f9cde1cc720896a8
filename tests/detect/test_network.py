"""The network: a planted crew's pairs stand, chance gives none, and nothing hangs on names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import multiplex, network, scoring, sifting, strata, weak
from klieg.sockets import make, silent
from klieg.tables import MULTIPLEX, POSTS, SECOND, TIME, Actions, Network, Posts

DAY = 86_400 * SECOND
MONDAY = 4 * DAY + 2_000 * 7 * DAY
CONFIG = Config(threads=1, stratum_actions=50, stratum_accounts=20)
ENGINE = make("engines", "cpu", CONFIG)
CREW = 8


def rows_of(seed: int, *, crew: int = CREW, acts: int = 14, n: int = 1500) -> list[tuple]:
    """(time, account, link, site, tag): 200 organic accounts, and a crew within 30 s.

    Half of what the crew does is as ordinary as anyone's: habits alone do not set it apart.
    """
    rng = np.random.default_rng(seed)
    rows = []
    who = [f"o{rng.integers(200)}" for _ in range(n)] + [f"c{i % crew}" for i in range(crew * acts)]
    for account in who:
        link = int(rng.zipf(1.4)) % 400
        at = MONDAY + link * 3000 * SECOND + int(rng.exponential(7200 * SECOND))
        rows.append((at, account, f"u{link}", f"s{link % 50}", f"#{link % 30}"))
    for j in range(acts):
        at = MONDAY + int(rng.integers(10 * DAY))
        for a in range(crew):
            moment = at + int(rng.integers(30 * SECOND))
            rows.append((moment, f"c{a}", f"p{j}", f"q{j}", f"#{rng.integers(30)}"))
    return rows


def world(rows: list[tuple]) -> tuple[dict[str, Actions], Posts]:
    """Posts in canonical order, a link and a hashtag layer; first act of an account per object."""
    rows = sorted(rows)
    ids = {a: i for i, a in enumerate(dict.fromkeys(r[1] for r in rows))}
    account = np.array([ids[r[1]] for r in rows], np.int32)
    time = np.array([r[0] for r in rows], np.int64)
    columns = {f.name: pa.nulls(len(rows), f.type) for f in POSTS}
    columns["platform"] = pa.array(["x"] * len(rows))
    columns["post_id"] = pa.array([str(i) for i in range(len(rows))])
    columns["account_id"] = pa.array([r[1] for r in rows])
    columns["time"] = pa.array(time).cast(TIME)
    names = pa.array(list(ids), pa.string())
    posts = Posts(
        pa.table(columns, schema=POSTS), account, time, names, pa.array(["x"] * len(ids)), 0
    )
    link = layer("link", posts, [r[2] for r in rows], [r[3] for r in rows])
    return {"link": link, "hashtags": layer("hashtags", posts, [r[4] for r in rows])}, posts


def layer(signal: str, posts: Posts, objects, targets=None) -> Actions:
    seen: set[tuple[int, object]] = set()
    kept = []
    for i, (a, o) in enumerate(zip(posts.account.tolist(), objects, strict=True)):
        if o is not None and (a, o) not in seen:
            seen.add((a, o))
            kept.append(i)
    number = {o: i for i, o in enumerate(dict.fromkeys(objects[i] for i in kept))}
    aim = {t: i for i, t in enumerate(dict.fromkeys(targets[i] for i in kept))} if targets else {}
    return Actions(
        signal,
        posts.account[kept],
        np.array([number[objects[i]] for i in kept], np.int32),
        posts.time[kept],
        np.array(kept, np.int64),
        np.array([aim[targets[i]] if targets else -1 for i in kept], np.int32),
        pa.array([str(o) for o in number], pa.string()),
        pa.array([str(t) for t in aim], pa.string()),
        posts.n_accounts,
    )


def build(rows: list[tuple], config: Config = CONFIG) -> tuple[Network, Posts]:
    layers, posts = world(rows)
    return network.build(layers, posts, config, ENGINE, silent), posts


def pairs(net: Network, posts: Posts, name: str, kind: str) -> set[tuple[str, str]]:
    scored = net.layers[name].scored
    rows = np.flatnonzero(getattr(scored, kind))
    ids = posts.account_ids.to_pylist()
    return {tuple(sorted((ids[scored.edges.left[i]], ids[scored.edges.right[i]]))) for i in rows}


def test_network_validates_a_planted_crew_and_nobody_else():
    net, posts = build(rows_of(1))
    found = pairs(net, posts, "link", "validated")
    crew = {(f"c{i}", f"c{j}") for i in range(CREW) for j in range(i + 1, CREW)}
    assert found == crew
    assert not pairs(net, posts, "hashtags", "validated")
    stat = net.layers["link"].stat
    assert stat.validated == len(crew) <= stat.weak
    assert stat.shuffled == (0,)
    assert stat.validated_e <= stat.validated_by <= stat.validated


def test_network_of_a_world_without_a_crew_is_quiet():
    for seed in range(4):
        net, _ = build(rows_of(seed, crew=0), replace(CONFIG, shuffles=3))
        for stat in (x.stat for x in net.layers.values()):
            assert stat.validated == 0
            assert stat.threshold == 0.0
            assert stat.shuffled == (0, 0, 0)
            assert len(stat.shuffled_weak) == 3


def test_network_multiplex_stands_last_and_validates_nothing():
    net, posts = build(rows_of(1))
    assert list(net.layers) == ["link", "hashtags", MULTIPLEX]
    assert not pairs(net, posts, MULTIPLEX, "validated")
    assert pairs(net, posts, MULTIPLEX, "weak")
    assert set(net.flat) == set(net.layers)


def test_network_q_and_m_run_over_all_layers():
    net, _ = build(rows_of(1))
    single = [net.layers[n].stat for n in ("link", "hashtags")]
    m = sum(s.pairs for s in single)
    assert all(s.pairs == s.eligible * (s.eligible - 1) // 2 for s in single)
    scored = net.layers["link"].scored
    assert (scored.validated == (scored.q <= CONFIG.false_alarms)).all()
    strongest = int(np.argmin(scored.p))
    rank = sum(
        int((net.layers[n].scored.p <= scored.p[strongest]).sum())
        for n in net.layers
        if n != MULTIPLEX
    )
    assert scored.q[strongest] <= scored.p[strongest] * m / rank * (1 + 1e-9)


def test_network_keeps_only_edges_with_evidence():
    net, _ = build(rows_of(2))
    for part in net.layers.values():
        scored = part.scored
        assert (scored.weak | scored.validated).all()
        best = scored.best.astype(int)
        rows = np.arange(scored.edges.size)
        assert (scored.edges.capped[rows, best] >= CONFIG.weak_count).all()
        assert (scored.p >= scored.p_window[rows, best]).all()
        assert (scored.edges.left < scored.edges.right).all()


def test_network_weak_graphs_hold_the_crew_in_its_window():
    net, posts = build(rows_of(1))
    graph = next(g for g in net.weak if (g.layer, g.window, g.interest) == ("link", 60, True))
    ids = posts.account_ids.to_pylist()
    inside = [
        (a, b)
        for a, b in zip(graph.left, graph.right, strict=True)
        if ids[a][0] == ids[b][0] == "c"
    ]
    assert len(inside) == CREW * (CREW - 1) // 2
    assert {g.layer for g in net.weak} >= {"link", MULTIPLEX}


def test_network_one_target_is_no_evidence():
    # the crew's links all lead to one site: capped, they meet on it once
    rows = [r if r[1][0] == "o" else (*r[:3], "one site", r[4]) for r in rows_of(1)]
    net, posts = build(rows)
    assert not pairs(net, posts, "link", "validated")
    layers, _ = world(rows)
    able = scoring.eligible(layers["link"], CONFIG)
    assert not able[[i for i, a in enumerate(posts.account_ids.to_pylist()) if a[0] == "c"]].any()


def test_network_eligible_needs_two_objects_and_two_targets():
    rows = [
        (1, "a", "u", "s", "#1"),
        (2, "a", "v", "t", "#1"),
        (3, "b", "u", "s", "#1"),
        (4, "c", "w", "s", "#1"),
        (5, "c", "u", "s", "#2"),
    ]
    layers, posts = world(rows)
    named = posts.account_ids.to_pylist()
    able = {n: scoring.eligible(layers[n], CONFIG) for n in layers}
    assert [named[i] for i in np.flatnonzero(able["link"])] == ["a"]
    assert [named[i] for i in np.flatnonzero(able["hashtags"])] == ["c"]


def test_network_without_layers_is_empty():
    posts = world([(1, "a", "u", "s", "#1")])[1]
    assert network.build({}, posts, CONFIG, ENGINE, silent) == Network({}, {}, ())


def test_network_of_one_post_has_no_edges():
    net, _ = build([(MONDAY, "a", "u", "s", "#1")])
    assert [x.scored.edges.size for x in net.layers.values()] == [0, 0, 0]
    assert not net.weak


def test_network_without_shuffles_says_so():
    net, _ = build(rows_of(1), replace(CONFIG, shuffles=0))
    assert net.layers["link"].stat.shuffled == ()
    assert net.layers["link"].stat.tail_shuffled == ()


def _facts(net: Network, posts: Posts, names: dict[str, str]) -> list[tuple]:
    ids = [names.get(a, a) for a in posts.account_ids.to_pylist()]
    facts = []
    for name, part in net.layers.items():
        scored = part.scored
        facts += [
            (name, *sorted((ids[a], ids[b])), p, q, e)
            for a, b, p, q, e in zip(
                scored.edges.left, scored.edges.right, scored.p, scored.q, scored.e, strict=True
            )
        ]
    facts += [
        (g.layer, g.window, g.interest, *sorted((ids[a], ids[b])))
        for g in net.weak
        for a, b in zip(g.left, g.right, strict=True)
    ]
    return sorted(facts, key=str) + [x.stat.shuffled_weak for x in net.layers.values()]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 50), weeks=st.integers(-200, 200), turn=st.integers(1, 10**6))
def test_network_ignores_names_row_order_and_whole_weeks(seed, weeks, turn):
    rows = rows_of(seed, n=600)
    # times must differ: rows of one instant are ordered by name
    rows = [(t * 1000 + i, *rest) for i, (t, *rest) in enumerate(rows)]
    rows = [(MONDAY + (t - MONDAY * 1000) // 1000, *rest) for t, *rest in rows]
    rows = list({r[0]: r for r in rows}.values())
    order = np.random.default_rng(turn).permutation(len(rows))
    rename = {a: f"n{hash((a, turn)) % 10**9}" for a in {r[1] for r in rows}}
    moved = [
        (t + weeks * 7 * DAY, rename[a], f"~{link}", f"~{site}", tag)
        for t, a, link, site, tag in (rows[i] for i in order)
    ]
    one, two = build(rows), build(moved)
    back = {new: old for old, new in rename.items()}
    assert _facts(*one, {}) == _facts(*two, back)


def test_network_is_the_same_within_a_tight_budget(monkeypatch):
    rows = rows_of(2)
    # two layers at a time, and one after the other with pairs in pieces
    monkeypatch.setattr(network, "BYTES", 10**6)
    wide, tight = (replace(CONFIG, threads=2, memory=size) for size in ("64GiB", "1GiB"))
    layers, _ = world(rows)
    assert [network._abreast(layers, c) for c in (wide, tight)] == [2, 1]
    assert _facts(*build(rows, wide), {}) == _facts(*build(rows, tight), {})


@pytest.mark.parametrize("size", ["1MiB", "1GiB"])
def test_network_pieces_on_disk_give_the_same_as_all_pairs_at_once(monkeypatch, size):
    rows = rows_of(2)
    # the woven layer too, whatever it takes; 256 pairs in a piece of the smaller budget
    monkeypatch.setattr(multiplex, "BYTES", 0)
    read: list[int] = []
    kept = sifting._read
    monkeypatch.setattr(sifting, "_read", lambda *a: read.append(a[2]) or kept(*a))
    whole, tight = build(rows), build(rows, replace(CONFIG, memory=size))
    assert _facts(*whole, {}) == _facts(*tight, {})
    for name, layer in whole[0].layers.items():
        other = tight[0].layers[name]
        assert layer.stat == other.stat
        for column in ("expected", "p_window", "best", "p", "e", "q", "weak", "validated"):
            one, two = getattr(layer.scored, column), getattr(other.scored, column)
            assert one.tobytes() == two.tobytes(), (name, column)
    assert len(whole[0].weak) == len(tight[0].weak)
    for one, two in zip(whole[0].weak, tight[0].weak, strict=True):
        assert (one.layer, one.window, one.interest) == (two.layer, two.window, two.interest)
        assert one.left.tobytes() + one.right.tobytes() == two.left.tobytes() + two.right.tobytes()
    assert read
    assert size == "1GiB" or (max(read) == 256 and len(read) > 20)


def test_network_a_layer_that_is_left_out_is_told_of(monkeypatch):
    rows = rows_of(2)
    assert MULTIPLEX in build(rows)[0].layers
    assert multiplex.notes(build(rows)[0]) == ()
    monkeypatch.setattr(multiplex, "BYTES", 2**30)
    net, posts = build(rows, replace(CONFIG, memory="64MiB"))
    assert MULTIPLEX not in net.layers
    assert MULTIPLEX not in net.flat
    assert "not woven" in multiplex.notes(net)[0]
    # nothing else changes: it enters neither m nor the other layers
    whole, _ = build(rows)
    for name, layer in net.layers.items():
        assert layer.stat == whole.layers[name].stat
    assert network.build({}, posts, CONFIG, ENGINE, silent).layers == {}
    assert multiplex.notes(network.build({}, posts, CONFIG, ENGINE, silent)) == ()


def test_network_slim_studies_lose_no_pair_that_is_kept():
    layers, posts = world(rows_of(2))
    pools, plain = strata.opinions(layers, posts, CONFIG)
    whole = scoring.study(layers["link"], pools["link"], CONFIG, ENGINE)
    slim = scoring.slim(whole, CONFIG)
    assert 0 < len(slim.rows) < len(whole.rows) == len(slim.tests.p)
    level = max(CONFIG.weak_p, CONFIG.false_alarms)
    assert (whole.tests.p[np.setdiff1d(whole.rows, slim.rows)] >= level).all()
    assert (slim.edges.capped == whole.edges.capped[slim.rows]).all()
    assert (slim.expected == whole.expected[slim.rows]).all()
    with pytest.raises(ValueError, match="slim"):
        weak.weak_graphs("link", layers["link"], plain["link"], slim, CONFIG, ENGINE)


def test_network_is_the_same_on_the_reference_engine():
    layers, posts = world(rows_of(3, crew=4, acts=6, n=150))
    slow = make("engines", "reference", CONFIG)
    one = _facts(network.build(layers, posts, CONFIG, ENGINE, silent), posts, {})
    two = _facts(network.build(layers, posts, CONFIG, slow, silent), posts, {})
    assert len(one) == len(two) > len(layers) + 1
    for mine, theirs in zip(one, two, strict=True):
        for x, y in zip(mine, theirs, strict=True):
            assert x == (pytest.approx(y, rel=1e-9) if isinstance(y, float) else y)


def shared_columns(path: Path, account: str, when: str, objects: str, unit: int):
    table = pq.read_table(path, columns=[account, when, objects]).drop_null()
    time = table.column(when).to_numpy().astype(np.float64) * unit
    order = np.argsort(time, kind="stable")
    table = table.take(pa.array(order))
    accounts = table.column(account).combine_chunks().cast(pa.string()).dictionary_encode()
    time = time[order].astype(np.int64)
    columns = {f.name: pa.nulls(len(time), f.type) for f in POSTS}
    columns["platform"] = pa.array(["x"] * len(time))
    columns["post_id"] = pa.array([str(i) for i in range(len(time))])
    columns["account_id"] = accounts.cast(pa.string())
    columns["time"] = pa.array(time).cast(TIME)
    posts = Posts(
        pa.table(columns, schema=POSTS),
        accounts.indices.to_numpy().astype(np.int32),
        time,
        accounts.dictionary,
        pa.array(["x"] * len(accounts.dictionary)),
        0,
    )
    return posts, table.column(objects).cast(pa.string()).to_pylist()


@pytest.mark.parametrize(
    ("file", "columns", "signal", "least"),
    [
        ("german_elections.parquet", ("account_id", "timestamp", "url_id"), "link", 30),
        (
            "russian_coord_tweets.parquet",
            ("account_id", "timestamp_share", "object_id"),
            "repost",
            0,  # nothing but one operation: its own habits explain it
        ),
    ],
)
def test_network_of_real_posts_holds_its_promise_on_shuffles(data, file, columns, signal, least):
    posts, objects = shared_columns(data / file, *columns, SECOND)
    actions = layer(signal, posts, objects)
    net = network.build({signal: actions}, posts, Config(shuffles=2), ENGINE, silent)
    stat = net.layers[signal].stat
    assert stat.validated >= least
    assert max(stat.shuffled) <= 2
    assert stat.tail_shuffled[0] <= 1.0


def test_network_is_the_same_on_one_thread_and_on_many_and_tells_progress_in_order():
    told: list[tuple[str, int, int | None]] = []
    layers, posts = world(rows_of(2, n=600))
    one = network.build(layers, posts, CONFIG, ENGINE, silent)
    many = network.build(
        layers, posts, replace(CONFIG, threads=4), ENGINE, lambda *step: told.append(step)
    )
    assert told == [
        ("strata", 0, None),
        *((stage, i, 3) for stage in ("pairs", "shuffles") for i in range(4)),
    ]
    assert list(one.layers) == list(many.layers) == ["link", "hashtags", MULTIPLEX]
    for name in one.layers:
        a, b = one.layers[name], many.layers[name]
        assert a.stat == b.stat
        assert np.array_equal(a.scored.p, b.scored.p)
        assert np.array_equal(a.strata.object_stratum, b.strata.object_stratum)
    assert [(w.layer, w.window, w.interest) for w in one.weak] == [
        (w.layer, w.window, w.interest) for w in many.weak
    ]


def test_network_passes_on_what_a_layer_raises():
    layers, posts = world(rows_of(2, n=100))
    with pytest.raises(AttributeError, match="count_pairs"):
        network.build(layers, posts, CONFIG, object(), silent)
