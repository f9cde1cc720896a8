"""Simulated worlds: the ordinary part is lifelike, and the same for the same seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.errors import ConfigError
from klieg.sources.simulate import Campaign, World, simulate
from klieg.tables import POSTS

QUIET: dict[str, tuple[()]] = {"campaigns": (), "look_alikes": ()}


@pytest.fixture(scope="module")
def quiet() -> World:
    return simulate(seed=3, accounts=1200, days=14, **QUIET)


def microseconds(posts: pa.Table) -> np.ndarray:
    return posts["time"].cast(pa.int64()).to_numpy()


def grams(text: str) -> set[str]:
    text = text.lower()
    return {text[i : i + 3] for i in range(len(text) - 2)}


def test_simulate_gives_posts_in_canonical_order(quiet: World) -> None:
    assert quiet.posts.schema == POSTS
    keys = list(zip(microseconds(quiet.posts), quiet.posts["post_id"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert pc.count_distinct(quiet.posts["post_id"]).as_py() == quiet.posts.num_rows
    assert 15 < quiet.posts.num_rows / 1200 < 35


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_simulate_is_the_same_for_the_same_seed(seed: int) -> None:
    one = simulate(seed=seed, accounts=120, days=4, campaigns=(), look_alikes=None)
    two = simulate(seed=seed, accounts=120, days=4, campaigns=(), look_alikes=None)
    assert one.posts.equals(two.posts)
    assert one.truth == two.truth
    assert not one.posts.equals(
        simulate(seed=seed + 1, accounts=120, days=4, campaigns=(), look_alikes=None).posts
    )


@settings(max_examples=3, deadline=None)
@given(weeks=st.integers(-60, 60))
def test_simulate_shifted_by_weeks_changes_the_times_alone(weeks: int) -> None:
    start = np.datetime64("2026-03-02") + np.timedelta64(7 * weeks, "D")
    here = simulate(seed=5, accounts=150, days=7)
    there = simulate(seed=5, accounts=150, days=7, start=f"{start}T00:00:00Z")
    moved = microseconds(there.posts) - microseconds(here.posts)
    assert set(moved.tolist()) == {7 * weeks * 86_400_000_000}
    for column in ("account_id", "text", "kind", "urls", "hashtags", "repost_of_account"):
        assert here.posts[column].equals(there.posts[column])


def test_simulate_weekdays_follow_the_calendar() -> None:
    for start in ("2026-03-02", "2026-03-07"):  # a Monday, a Saturday
        world = simulate(seed=5, accounts=500, days=28, start=start, **QUIET)
        # 1970 began on a Thursday: Saturday is 2, Sunday 3
        weekday = (microseconds(world.posts) // 86_400_000_000) % 7
        a_day = np.bincount(weekday, minlength=7)
        assert a_day[2:4].mean() < 0.93 * a_day[[0, 1, 4, 5, 6]].mean()


def test_simulate_references_are_older_and_right(quiet: World) -> None:
    posts = quiet.posts
    time = dict(zip(posts["post_id"].to_pylist(), microseconds(posts), strict=True))
    author = dict(zip(posts["post_id"].to_pylist(), posts["account_id"].to_pylist(), strict=True))
    text = dict(zip(posts["post_id"].to_pylist(), posts["text"].to_pylist(), strict=True))
    kinds = Counter(posts["kind"].to_pylist())
    assert set(kinds) == {"post", "repost", "reply", "quote"}
    for row in posts.to_pylist():
        for column in ("repost_of", "reply_to", "quote_of"):
            if row[column] is not None:
                assert time[row[column]] < time[row["post_id"]]
        if row["kind"] == "repost":
            assert row["repost_of_account"] == author[row["repost_of"]] != row["account_id"]
            assert row["text"] == text[row["repost_of"]]
        if row["kind"] == "reply":
            assert row["reply_to_account"] == author[row["reply_to"]]
            assert row["root_id"] == row["reply_to"]
    reposts = posts.filter(pc.equal(posts["kind"], "repost"))
    pairs = reposts.group_by(["account_id", "repost_of"]).aggregate([([], "count_all")])
    assert pairs.num_rows == reposts.num_rows


def test_simulate_activity_and_attention_are_heavy_tailed(quiet: World) -> None:
    posts = quiet.posts
    activity = np.sort(np.unique(posts["account_id"].to_numpy(), return_counts=True)[1])
    assert activity[-len(activity) // 100 :].sum() > 0.1 * activity.sum()
    assert np.median(activity) < 0.6 * activity.mean()
    targets = posts["repost_of"].combine_chunks().drop_null().to_numpy(zero_copy_only=False)
    reposts = np.sort(np.unique(targets, return_counts=True)[1])
    assert np.median(reposts) <= 2 and reposts[-1] >= 15
    stories = pc.list_flatten(posts.filter(pc.equal(posts["kind"], "post"))["urls"])
    shares = np.unique([u.split("?")[0] for u in stories.to_pylist()], return_counts=True)[1]
    assert shares.max() > 5 * np.median(shares)


def test_simulate_attention_decays_and_people_differ_in_speed(quiet: World) -> None:
    posts = quiet.posts.filter(pc.equal(quiet.posts["kind"], "repost"))
    born = dict(zip(quiet.posts["post_id"].to_pylist(), microseconds(quiet.posts), strict=True))
    age = microseconds(posts) - np.array([born[x] for x in posts["repost_of"].to_pylist()])
    minutes = age / 60e6
    assert 15 < np.median(minutes) < 180
    # the logarithm of the age spreads over orders of magnitude, both ways
    assert np.percentile(minutes, 95) > 30 * np.percentile(minutes, 25)
    account, which = np.unique(posts["account_id"].to_numpy(), return_inverse=True)
    medians = np.array(
        [np.median(minutes[which == a]) for a in range(len(account)) if (which == a).sum() > 20]
    )
    assert np.percentile(medians, 90) > 6 * np.percentile(medians, 10)


def test_simulate_nights_and_time_zones(quiet: World) -> None:
    posts = quiet.posts
    for lang, zone in (("de", 1), ("ru", 3)):
        rows = pc.and_(pc.equal(posts["lang"], lang), pc.not_equal(posts["kind"], "repost"))
        hour = (microseconds(posts.filter(rows)) // 3_600_000_000 + zone) % 24
        count = np.bincount(hour, minlength=24)
        assert count[2:6].mean() < 0.45 * count[17:22].mean()


def test_simulate_gaps_are_bursty(quiet: World) -> None:
    time, account = microseconds(quiet.posts), quiet.posts["account_id"].to_numpy()
    order = np.lexsort((time, account))
    gaps = np.diff(time[order])[account[order][1:] == account[order][:-1]] / 1e6
    burstiness = (gaps.std() - gaps.mean()) / (gaps.std() + gaps.mean())
    assert 0.25 < burstiness < 0.8  # 0 is Poisson; posts in the wild have .3 to .6
    assert (time % 1_000_000 != 0).mean() > 0.99


@pytest.mark.parametrize("lang", ["en", "de", "ru", "es"])
def test_simulate_texts_differ_like_real_ones(quiet: World, lang: str) -> None:
    rows = pc.and_(pc.equal(quiet.posts["lang"], lang), pc.equal(quiet.posts["kind"], "post"))
    texts = [t.split(" https:")[0] for t in quiet.posts.filter(rows)["text"].to_pylist()]
    rng = np.random.default_rng(1)
    sets = [grams(texts[i]) for i in rng.permutation(len(texts))[:1500]]
    pairs = rng.integers(0, len(sets), (30_000, 2))
    close = sum(len(sets[i] & sets[j]) >= 0.5 * len(sets[i] | sets[j]) for i, j in pairs if i != j)
    assert close / len(pairs) < 6e-4  # real tweets on one topic: 3e-5 … 2e-4


def test_simulate_text_lengths_lie_in_the_range_of_real_posts(quiet: World, data: Path) -> None:
    real = pq.read_table(data / "organic_twitter_dev.parquet", columns=["text", "source"])
    real = real.filter(pc.equal(real["source"], "airline_2015"))
    there = np.percentile(pc.utf8_length(real["text"]).to_numpy(), [10, 50, 90])
    own = quiet.posts.filter(pc.not_equal(quiet.posts["kind"], "repost"))
    here = np.percentile(pc.utf8_length(own["text"]).to_numpy(), [10, 50, 90])
    assert (np.abs(np.log(here / there)) < np.log(1.6)).all()


def test_simulate_invents_every_domain_and_names_nobody(quiet: World) -> None:
    urls = pc.list_flatten(simulate(seed=1, accounts=300, days=7).posts["urls"]).unique()
    hosts = {u.split("/")[2] for u in urls.to_pylist()}
    assert hosts and all(h.endswith(".example") for h in hosts)
    handles = pc.struct_field(quiet.posts["account"].combine_chunks(), "handle").unique()
    assert all(h.rsplit("_", 1)[1].isdigit() for h in handles.to_pylist())


@pytest.mark.parametrize(
    "wrong",
    [
        {"accounts": 5},
        {"days": 0},
        {"languages": ("tlh",)},
        {"languages": ()},
        {"start": "last Tuesday"},
        {"accounts": 100, "campaigns": [Campaign("repost", acts=5000)]},
        {"campaigns": [Campaign("repost", community=99)]},
    ],
)
def test_simulate_refuses_impossible_worlds(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        simulate(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "knobs",
    [{"size": 1}, {"acts": 0}, {"jitter_s": -1}, {"participation": 0}, {"camouflage": 1.0}],
)
def test_simulate_refuses_impossible_campaigns(knobs: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Campaign("repost", **knobs)  # type: ignore[arg-type]


def test_simulate_small_and_single_language_worlds() -> None:
    world = simulate(seed=2, accounts=20, days=1, languages=("es",), **QUIET)
    assert set(world.posts["lang"].to_pylist()) <= {"es"}
    assert world.truth.groups == ()


def test_simulate_circles_share_favourites_nobody_organised(quiet: World) -> None:
    # some pairs of ordinary accounts repost the same authors far beyond what fame explains
    posts = quiet.posts.filter(pc.equal(quiet.posts["kind"], "repost"))
    account = np.unique(posts["account_id"].to_numpy(), return_inverse=True)[1]
    author = np.unique(posts["repost_of_account"].to_numpy(), return_inverse=True)[1]
    seen = np.zeros((account.max() + 1, author.max() + 1), bool)
    seen[account, author] = True
    busy = seen[seen.sum(axis=1) >= 10].astype(np.float32)
    shared = busy @ busy.T
    expected = busy.sum(axis=1)[:, None] * busy.sum(axis=1) * (busy.mean(axis=0) ** 2).sum()
    expected /= busy.mean(axis=0).sum() ** 2
    pairs = np.triu_indices(len(busy), 1)
    assert (shared[pairs] >= 6).mean() > 3e-4
    assert (shared[pairs] > 4 * expected[pairs] + 3).mean() > 1e-4
