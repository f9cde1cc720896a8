"""From posts to a case, whole: planted groups found, quiet worlds silent, equal bytes.

Worlds here are small and made in this file or by the simulator; invariances run the whole pipeline.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import klieg
from klieg.case import Case, file_hashes
from klieg.config import Config
from klieg.sources.simulate import Campaign
from klieg.tables import POSTS

WEEK = 7 * 86_400_000_000
FEW = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def small_world(seed: int = 1, crew: int = 12) -> pa.Table:
    """150 accounts share links of 25 sites over ten days; a crew shares 16 links in minutes."""
    rng = np.random.default_rng(seed)
    n_links, rows = 300, []
    popularity = 1.0 / np.arange(1, n_links + 1) ** 0.8
    born = rng.uniform(0, 9 * 86400, n_links)
    for account in range(150):
        links = set(rng.choice(n_links, 14, p=popularity / popularity.sum()))
        rows += [(account, int(k), born[k] + rng.exponential(20000)) for k in sorted(links)]
    for link in rng.choice(np.arange(30, n_links), 16, replace=False):
        start = born[link] + rng.uniform(3000, 40000)
        rows += [(a, int(link), start + rng.uniform(0, 300)) for a in range(crew)]
    rows.sort(key=lambda r: r[2])
    time = [1_772_409_600_000_000 + int(t * 1e6) for _, _, t in rows]
    columns: dict[str, object] = {f.name: pa.nulls(len(rows), f.type) for f in POSTS}
    columns |= {
        "platform": pa.array(["x"] * len(rows)),
        "post_id": pa.array([f"p{i}" for i in range(len(rows))]),
        "account_id": pa.array([f"account {a}" for a, _, _ in rows]),
        "time": pa.array(time, POSTS.field("time").type),
        "resolution": pa.array([0] * len(rows), pa.int32()),
        "kind": pa.array(["post"] * len(rows)),
        "lang": pa.array(["en"] * len(rows)),
        "text": pa.array(
            [f"some words of my own {i * 7919 % 9973} here" for i in range(len(rows))]
        ),
        "urls": pa.array([[f"https://site{k % 25}.example/story/{k}"] for _, k, _ in rows]),
    }
    return pa.table(columns, POSTS)


def saved(case: Case, folder: Path, name: str) -> dict[str, str]:
    path = folder / f"{name}.klieg"
    case.save(path, force=True)
    return file_hashes(path)


def crew_of(case: Case) -> set[str]:
    names = case.posts.account_ids.to_pylist()
    return {names[m.account] for f in case.findings for m in f.members}


@pytest.fixture(scope="module")
def plain() -> Case:
    return klieg.scan(small_world())


def test_end_to_end_finds_the_crew_and_nobody_else(plain: Case) -> None:
    crew = {f"account {a}" for a in range(12)}
    assert len(crew_of(plain) & crew) >= 10
    assert not crew_of(plain) - crew


def test_end_to_end_highlights_only_posts_of_members(plain: Case) -> None:
    members = {f.id: {m.account for m in f.members} for f in plain.findings}
    assert plain.highlights
    for mark in plain.highlights:
        assert int(plain.posts.account[mark.post]) in members[mark.finding]
        assert mark.partners >= 1
        assert mark.post in next(f for f in plain.findings if f.id == mark.finding).posts


def test_end_to_end_without_the_crew_is_silent() -> None:
    case = klieg.scan(small_world(crew=0))
    assert case.findings == ()
    assert all(layer.stat.validated == 0 for layer in case.layers)
    assert case.power, "a report with no finding still says what could have been seen"


@FEW
@given(st.integers(0, 2**31))
def test_end_to_end_row_order_changes_no_byte(plain: Case, tmp_path: Path, seed: int) -> None:
    table = small_world()
    order = np.random.default_rng(seed).permutation(table.num_rows)
    shuffled = klieg.scan(table.take(order))
    assert saved(shuffled, tmp_path, "a") == saved(plain, tmp_path, "b")


@FEW
@given(st.integers(1, 5), st.integers(0, 2**31))
def test_end_to_end_shards_of_the_input_change_no_finding(
    plain: Case, tmp_path: Path, shards: int, seed: int
) -> None:
    """The same posts in several files: everything but the list of files is the same."""
    table = small_world()
    home = np.random.default_rng(seed).integers(0, shards, table.num_rows)
    paths = []
    for i in range(shards):
        paths.append(tmp_path / f"shard{i}.parquet")
        pq.write_table(table.filter(pa.array(home == i)), paths[-1])
    split = klieg.scan([p for p in paths if pq.read_metadata(p).num_rows])
    assert split.findings == plain.findings
    assert split.highlights == plain.highlights
    assert [layer.stat for layer in split.layers] == [layer.stat for layer in plain.layers]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_end_to_end_threads_change_no_byte(plain: Case, tmp_path: Path, threads: int) -> None:
    case = klieg.scan(small_world(), config=Config(threads=threads))
    assert saved(case, tmp_path, "a") == saved(plain, tmp_path, "b")


def test_end_to_end_reference_engine_agrees(plain: Case) -> None:
    """The specification and the compiled engine tell the same story."""
    case = klieg.scan(small_world(), config=Config(engine="reference"))
    assert [f.id for f in case.findings] == [f.id for f in plain.findings]
    for a, b in zip(case.findings, plain.findings, strict=True):
        assert (a.class_, a.band, a.posts, a.observed) == (b.class_, b.band, b.posts, b.observed)
        assert a.net == pytest.approx(b.net)


@FEW
@given(st.integers(0, 2**31))
def test_end_to_end_renaming_accounts_renames_the_findings(plain: Case, seed: int) -> None:
    table = small_world()
    names = sorted(set(table["account_id"].to_pylist()))
    fresh = np.random.default_rng(seed).permutation(len(names))
    new = {name: f"n{fresh[i]}" for i, name in enumerate(names)}
    column = pa.array([new[a] for a in table["account_id"].to_pylist()])
    at = table.schema.get_field_index("account_id")
    case = klieg.scan(table.set_column(at, POSTS.field("account_id"), column))
    assert case.findings == plain.findings  # members are canonical indices
    assert crew_of(case) == {new[a] for a in crew_of(plain)}


@FEW
@given(st.integers(-900, 900))
def test_end_to_end_shifting_by_whole_weeks_only_shifts(plain: Case, weeks: int) -> None:
    table = small_world()
    shifted = np.asarray(table["time"].cast(pa.int64())) + weeks * WEEK
    at = table.schema.get_field_index("time")
    case = klieg.scan(
        table.set_column(at, POSTS.field("time"), pa.array(shifted, POSTS.field("time").type))
    )
    assert [f.id for f in case.findings] == [f.id for f in plain.findings]
    for a, b in zip(case.findings, plain.findings, strict=True):
        assert (a.class_, a.q, a.net, a.posts, a.windows, a.sentence) == (
            b.class_,
            b.q,
            b.net,
            b.posts,
            b.windows,
            b.sentence,
        )
        assert a.start - b.start == weeks * WEEK


def test_end_to_end_two_platforms_never_share_an_account() -> None:
    table = small_world(crew=0)
    at = table.schema.get_field_index("platform")
    other = table.set_column(at, POSTS.field("platform"), pa.array(["y"] * table.num_rows))
    case = klieg.scan(pa.concat_tables([table, other]))
    assert case.posts.n_accounts == 2 * 150
    assert case.posts.n == 2 * table.num_rows


def test_end_to_end_empty_posts_make_an_honest_case(tmp_path: Path) -> None:
    case = klieg.scan(POSTS.empty_table())
    assert case.posts.n == 0
    assert case.findings == ()
    case.save(tmp_path / "empty.klieg")
    klieg.export(case, tmp_path / "empty.html")
    assert "No group of accounts" in (tmp_path / "empty.html").read_text("utf-8")


def test_end_to_end_simulated_campaign_is_coordinated_and_pure() -> None:
    world = klieg.simulate(
        seed=21,
        accounts=1500,
        campaigns=(Campaign("repost", size=20, acts=10, jitter_s=600),),
        look_alikes=(),
    )
    case = klieg.scan(world.posts)
    scores = klieg.evaluate(case, world.truth)
    (row,) = [c for c in scores.campaigns if c.label.startswith("campaign:")]
    assert row.recall >= 0.9
    assert row.purity >= 0.95
    assert not any(f.band == "strong" for f in case.findings)


def test_end_to_end_quiet_world_has_no_coordinated_finding() -> None:
    world = klieg.simulate(seed=22, accounts=1500, campaigns=())
    case = klieg.scan(world.posts)
    assert [f.id for f in case.findings if f.class_ == "coordinated"] == []
