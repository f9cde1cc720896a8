"""The second generator, collections of a world, and worlds that other people made."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from klieg.errors import ConfigError, InputError
from klieg.sources.simulate import (
    COLLECTIONS,
    Campaign,
    LookAlike,
    World,
    account_list,
    channels,
    collect,
    hashtag,
    keyword,
    read_truth,
    read_world,
    sample,
    simulate,
)

CREW = Campaign("repost", 12, 6)
CHAT = LookAlike("group chat", 16, 6)


@pytest.fixture(scope="module")
def made() -> World:
    return simulate(seed=6, accounts=900, days=8, campaigns=(CREW,), look_alikes=(CHAT,))


@pytest.fixture(scope="module")
def feeds() -> World:
    return simulate(
        seed=6, accounts=900, days=8, campaigns=(CREW,), look_alikes=(CHAT,), generator="feeds"
    )


def test_feeds_are_another_world_and_the_same_for_the_same_seed(made: World, feeds: World) -> None:
    again = simulate(
        seed=6, accounts=900, days=8, campaigns=(CREW,), look_alikes=(CHAT,), generator="feeds"
    )
    assert again.posts.equals(feeds.posts) and again.truth == feeds.truth
    assert not feeds.posts.equals(made.posts)
    assert feeds.posts["time"].to_pylist() == sorted(feeds.posts["time"].to_pylist())
    with pytest.raises(ConfigError, match="generator"):
        simulate(generator="dice")  # type: ignore[arg-type]


def test_feeds_reactions_follow_what_was_shown(feeds: World) -> None:
    rows = {r["post_id"]: r for r in feeds.posts.to_pylist()}
    acts: Counter[tuple[str, str, str]] = Counter()
    ages = []
    for r in rows.values():
        for column in ("repost_of", "reply_to", "quote_of"):
            if r[column] is not None:
                source = rows[r[column]]
                assert source["time"] < r["time"] and source["account_id"] != r["account_id"]
                if r["account_id"] not in feeds.truth.accounts:
                    acts[r["account_id"], r[column], column] += 1
                ages.append((r["time"] - source["time"]).total_seconds())
    assert max(acts.values()) == 1  # nobody acts twice alike on a post
    assert 600 < np.median(ages) < 12 * 3600
    reposted = Counter(r["repost_of"] for r in rows.values() if r["repost_of"])
    sizes = np.array(sorted(reposted.values(), reverse=True))
    assert sizes[0] > 8 * np.median(sizes)  # cascades: most go nowhere, a few far


def test_feeds_members_live_there_too_and_planting_moves_nobody(feeds: World) -> None:
    quiet = simulate(seed=6, accounts=900, days=8, campaigns=(), look_alikes=(), generator="feeds")
    rest = feeds.posts.filter(
        pc.is_in(feeds.posts["post_id"], quiet.posts["post_id"].combine_chunks())
    )
    assert rest.equals(quiet.posts)
    crew = feeds.truth.campaigns[0]
    mine = [r for r in feeds.posts.to_pylist() if r["account_id"] in crew.accounts]
    assert len(mine) > 1.5 * len(crew.posts)
    assert {"repost", "reply", "post"} <= {r["kind"] for r in mine}


def test_feeds_camouflage_is_the_share_of_ordinary_posts() -> None:
    about = Campaign("copies", 30, 10, camouflage=0.9)
    world = simulate(
        seed=4, accounts=1200, days=10, campaigns=(about,), look_alikes=(), generator="feeds"
    )
    (group,) = world.truth.groups
    mine = sum(a in group.accounts for a in world.posts["account_id"].to_pylist())
    assert abs(1 - len(group.posts) / mine - 0.9) < 0.06


def consistent(world: World) -> None:
    here = set(world.posts["post_id"].to_pylist())
    active = set(world.posts["account_id"].to_pylist())
    for group in world.truth.groups:
        assert group.accounts and set(group.accounts) <= active
        assert set(group.posts) <= here
        assert group.parameters["of_accounts"] >= len(group.accounts)
        assert "collected" in group.parameters


@pytest.mark.parametrize("how", COLLECTIONS)
def test_collect_keeps_posts_and_truth_in_step(made: World, how: str) -> None:
    got, again = collect(made, how, seed=3), collect(made, how, seed=3)
    assert got.posts.equals(again.posts) and got.truth == again.truth
    assert 0 < got.posts.num_rows < made.posts.num_rows
    assert set(got.posts["post_id"].to_pylist()) <= set(made.posts["post_id"].to_pylist())
    assert got.posts.schema == made.posts.schema
    consistent(got)


def test_collect_queries_hold_every_post_that_matches_and_no_other(made: World) -> None:
    got = hashtag(made, "#Transit")
    expected = [
        r["post_id"]
        for r in made.posts.to_pylist()
        if "transit" in [t.lower() for t in r["hashtags"] or ()]
    ]
    assert got.posts["post_id"].to_pylist() == expected and expected
    got = keyword(made, "bakery")
    assert got.posts.num_rows and all("bakery" in t.lower() for t in got.posts["text"].to_pylist())


def test_collect_samples_are_of_the_size_asked_for(made: World) -> None:
    n = made.posts.num_rows
    assert abs(sample(made, 0.1, seed=1).posts.num_rows / n - 0.1) < 0.01
    assert not sample(made, 0.1, seed=1).posts.equals(sample(made, 0.1, seed=2).posts)
    with pytest.raises(ConfigError):
        sample(made, 0.0)
    with pytest.raises(ConfigError, match="collect"):
        collect(made, "census")


def test_collect_account_lists_hold_all_that_the_listed_posted(made: World) -> None:
    crew = made.truth.campaigns[0]
    got = account_list(made, crew.accounts)
    assert set(got.posts["account_id"].to_pylist()) == set(crew.accounts)
    assert got.truth.campaigns[0].posts == crew.posts
    some = set(account_list(made, n=60).posts["account_id"].to_pylist())
    assert len(some) == 60 and {a for g in made.truth.groups for a in g.accounts} <= some


def test_collect_channels_forward_each_other(made: World) -> None:
    got = channels(made, 60)
    rows = got.posts.to_pylist()
    inside = {r["account_id"] for r in rows}
    assert len(inside) <= 60
    assert {r["platform"] for r in rows} == {"telegram"}
    assert {r["kind"] for r in rows} == {"message", "repost"}
    assert all(r["time"].microsecond == 0 and r["resolution"] == 1 for r in rows)

    def share(rows: list[dict[str, object]], members: set[str]) -> float:
        forwards = [r for r in rows if r["repost_of"]]
        return sum(r["repost_of_account"] in members for r in forwards) / len(forwards)

    some = account_list(made, sorted(set(made.posts["account_id"].to_pylist()))[:60])
    others = some.posts.to_pylist()
    assert share(rows, inside) > 3 * share(others, {r["account_id"] for r in others})


def test_read_world_takes_a_folder_of_posts_and_their_truth(made: World, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    half = made.posts.num_rows // 2
    for name, part in (("a.parquet", made.posts[:half]), ("b.csv", made.posts[half:])):
        World(part, made.truth).write(folder / name)
    (folder / "a.truth.json").unlink()
    (folder / "b.truth.json").rename(folder / "truth.json")
    (folder / "README.md").write_text("ours", encoding="utf-8")
    got, intake = read_world(folder)
    assert intake.rows == made.posts.num_rows  # a repost made twice is read once
    assert got.posts.num_rows == intake.posts >= 0.999 * intake.rows
    assert got.truth.accounts == made.truth.accounts
    assert len(got.truth.posts) >= 0.99 * len(made.truth.posts)


def test_read_world_takes_a_table_of_truth(made: World, tmp_path: Path) -> None:
    made.write(tmp_path / "w.csv")
    (tmp_path / "w.truth.json").unlink()
    crew = made.truth.campaigns[0]
    lines = ["label,account_id,post_id", "look-alike:one-brand-2,nobody,"]
    lines += [f"campaign:theirs-1,{a}," for a in crew.accounts]
    lines += [f"campaign:theirs-1,,{p}" for p in crew.posts]
    (tmp_path / "w.truth.csv").write_text("\n".join(lines), encoding="utf-8")
    got, intake = read_world(tmp_path / "w.csv")
    (group,) = got.truth.groups
    assert group.kind == "theirs" and group.accounts == crew.accounts
    assert group.posts == crew.posts
    assert any("1 accounts and 0 posts" in note for note in intake.notes)
    kinds = {g.kind for g in read_truth(tmp_path / "w.truth.csv").groups}
    assert kinds == {"theirs", "one brand"}


def test_read_world_says_what_is_missing(made: World, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(InputError, match="truth"):
        read_world(folder)
    (folder / "truth.csv").write_text("label,account_id\ncampaign:x,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no posts"):
        read_world(folder)
    made.write(folder / "w.parquet")
    (folder / "w.truth.json").unlink()
    (folder / "truth.csv").write_text("label,account_id\nplan:x,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="not a truth file"):
        read_world(folder)  # a label without campaign: or look-alike:
    body = {"groups": [{"label": "campaign:a-1", "accounts": ["zz"]}]}
    (folder / "truth.csv").unlink()
    (folder / "truth.json").write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(InputError, match="no account"):
        read_world(folder)
