"""Batches: shapes of handles, the exact tail, waves of newcomers, and groups drawn at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import comb
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import batches
from klieg.pipeline import scan
from klieg.sources import assemble
from klieg.sources.simulate import GENERATORS, simulate
from klieg.tables import ACTS, POSTS, Posts

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def posts_of(
    made: list[datetime | None],
    handles: list[str | None] | None = None,
    clients: list[str | None] | None = None,
) -> Posts:
    """One post an account, in the order given."""
    n = len(made)
    rows = [
        {
            "platform": "x",
            "post_id": f"p{i:05}",
            "account_id": f"a{i}",
            "time": NOW + timedelta(seconds=i),
            "client": (clients or [None] * n)[i],
            "account": {"created_at": made[i], "handle": (handles or [None] * n)[i]},
        }
        for i in range(n)
    ]
    return assemble([pa.Table.from_pylist(rows, schema=POSTS)])[0]


def scattered(n: int, seed: int = 0) -> list[datetime | None]:
    """Made at any time in eight years before."""
    days = np.random.default_rng(seed).uniform(30, 3000, n)
    return [NOW - timedelta(days=float(d)) for d in days]


def found(posts: Posts, members: list[int]) -> batches.Together | None:
    everybody = np.ones(posts.n_accounts, np.bool_)
    return batches.together(batches.prepare(posts), np.array(members, np.int32), everybody)


@pytest.mark.parametrize(
    ("handle", "shape"),
    [
        ("Maria48213377", "a00000000"),
        ("free_voice_7", "a_a_0"),
        ("Ольга1990", "a0000"),
        ("___", "___"),
        ("42", "00"),
        (None, None),
    ],
)
def test_batches_shape_of_a_handle(handle: str | None, shape: str | None) -> None:
    assert batches.shapes(pa.array([handle], pa.string())).to_pylist() == [shape]


def test_batches_the_tail_is_the_exact_hypergeometric_times_the_batches() -> None:
    hour = NOW - timedelta(days=400)
    made = [hour + timedelta(minutes=i) for i in range(3)] + scattered(37)
    told = found(posts_of(made), [0, 1, 2, 3])
    assert told is not None
    assert (told.members, told.known, told.others, told.pool) == (3, 4, 0, 40)
    exact = comb(3, 3) * comb(37, 1) / comb(40, 4)
    # batches of two or more: the three, in each of 3 widths × 2 starts, and chance neighbours
    assert told.p / exact == pytest.approx(round(told.p / exact))
    assert 6 <= round(told.p / exact) <= 20
    assert told.expected == pytest.approx(4 * 3 / 40)
    assert told.start == int(hour.timestamp()) * 1_000_000


def test_batches_a_popular_day_is_a_wave() -> None:
    launch = NOW - timedelta(days=90)
    wave = [launch + timedelta(minutes=3 * i) for i in range(200)]
    posts = posts_of(wave + scattered(300))
    told = found(posts, list(range(0, 200, 10)))
    assert told is not None
    assert told.wave
    assert "newcomers" in batches.sentence(told)
    alone = found(posts_of(wave[:20] + scattered(480)), list(range(20)))
    assert alone is not None
    assert not alone.wave
    assert alone.p < told.p
    assert "newcomers" not in batches.sentence(alone)


def test_batches_names_and_client_tell_a_batch_from_the_wave_it_hides_in() -> None:
    launch = NOW - timedelta(days=90)
    made = [launch + timedelta(minutes=i) for i in range(100)] + scattered(200)
    handles = [f"Name{10_000_000 + i}" for i in range(10)] + [
        f"n{'_' * (i % 9)}x" for i in range(290)
    ]
    clients = ["Web"] * 10 + ["Android"] * 290
    told = found(posts_of(made, handles, clients), list(range(10)))
    assert told is not None
    assert (told.members, told.others) == (10, 0)
    assert "one shape" in told.alike
    assert not told.wave


def test_batches_nothing_known_nothing_said() -> None:
    assert found(posts_of([None] * 30), [0, 1, 2]) is None
    assert found(posts_of(scattered(30)), [0]) is None
    made = scattered(30)
    assert found(posts_of(made), list(range(30))) is None  # nobody to compare with


def test_batches_accounts_that_only_act_have_no_making() -> None:
    rows = [
        {"platform": "x", "account_id": f"a{i}", "act": "like", "object_id": "p", "time": NOW}
        for i in range(5)
    ]
    assert found(assemble([pa.Table.from_pylist(rows, schema=ACTS)])[0], [0, 1]) is None


def test_batches_groups_drawn_at_random_are_seldom_surprising() -> None:
    rng = np.random.default_rng(1)
    # a fifth joined on five popular days: clumped, and still exchangeable
    made = scattered(800, 2)
    for i in range(160):
        made[i] = NOW - timedelta(days=100 * (i % 5) + 50, minutes=float(rng.uniform(0, 600)))
    posts = posts_of(made, [f"n{i % 7}" for i in range(800)], ["Web", "Android"] * 400)
    known, everybody = batches.prepare(posts), np.ones(800, np.bool_)
    small = 0
    for _ in range(150):
        members = np.sort(rng.choice(800, 25, replace=False)).astype(np.int32)
        told = batches.together(known, members, everybody)
        small += told is not None and told.p <= 0.1
    assert small <= 22  # 15 of 150 at most on average; two standard deviations above


@given(st.randoms(use_true_random=False))
def test_batches_members_order_and_names_change_nothing(random: object) -> None:
    hour = NOW - timedelta(days=400)
    made = [hour + timedelta(minutes=i) for i in range(5)] + scattered(40)
    members = [0, 1, 2, 3, 4, 20]
    plain = found(posts_of(made), members)
    order = list(range(45))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = posts_of([made[i] for i in order])
    assert found(moved, sorted(order.index(m) for m in members)) == plain


@pytest.mark.parametrize("generator", GENERATORS)
def test_batches_are_told_beside_a_crew_made_in_one_go_and_no_other(generator: str) -> None:
    def told(name: str) -> list[bool]:
        world = simulate(seed=6, accounts=2500, days=10, worlds=(name,), generator=generator)  # type: ignore[arg-type]
        case = scan(world.posts, config=Config(shuffles=0, threads=1, signals=("repost",)))
        crew = set(world.truth.groups[0].accounts)
        ids = case.posts.account_ids.to_pylist()
        return [
            any("were made within one" in sentence for sentence in f.counter_evidence)
            for f in case.findings
            if len(crew & {ids[m.account] for m in f.members}) >= 10
        ]

    assert told("batch-crew") == [True]
    assert told("crew") == [False]


def test_batches_real_profiles(data: Path) -> None:
    """One labelled collection holds accounts made on one day; people of the same study do not."""
    pq = pytest.importorskip("pyarrow.parquet")
    rows = pq.read_table(data / "bots_osome_profiles_dev.parquet").to_pylist()
    read = [datetime.strptime(r["created_at"], "%a %b %d %H:%M:%S %z %Y") for r in rows]
    posts = posts_of(list(read), [r["screen_name"] for r in rows])
    kind = [f"{r['dataset']} {r['label']}" for r in rows]
    p = {}
    for name in sorted(set(kind)):
        told = found(posts, [i for i, k in enumerate(kind) if k == name])
        assert told is not None
        p[name] = told.p
    assert p.pop("cresci-rtbust-2019 bot") < 1e-5
    assert len(p) == 2
    assert min(p.values()) > 0.05
