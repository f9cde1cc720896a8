"""What is planted in a world: campaigns keep their word, look-alikes theirs, nobody else moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.errors import ConfigError, InputError
from klieg.sources.simulate import (
    Campaign,
    LookAlike,
    TrueGroup,
    Truth,
    World,
    read_truth,
    simulate,
)

MINUTE = 60_000_000


def world(
    *, campaigns: Sequence[Campaign] = (), look_alikes: Sequence[LookAlike] = (), seed: int = 4
) -> World:
    return simulate(seed=seed, accounts=1500, days=10, campaigns=campaigns, look_alikes=look_alikes)


def joint(made: World, group: TrueGroup) -> list[dict[str, Any]]:
    chosen = made.posts.filter(pc.is_in(made.posts["post_id"], pa.array(group.posts)))
    rows: list[dict[str, Any]] = chosen.to_pylist()
    assert len(rows) == len(group.posts)
    return rows


def spread(rows: list[dict[str, Any]], column: str) -> dict[str, float]:
    """Minutes from the first to the last joint act on each object."""
    times: dict[str, list[float]] = {}
    for row in rows:
        times.setdefault(str(row[column]), []).append(row["time"].timestamp() / 60)
    return {k: max(v) - min(v) for k, v in times.items()}


def test_simulate_campaigns_leave_the_ordinary_part_alone() -> None:
    quiet = world()
    for planted in (
        world(campaigns=(Campaign("repost"), Campaign("edited"), Campaign("hashtags"))),
        world(look_alikes=(LookAlike("fans", 20), LookAlike("one brand", 6))),
    ):
        rest = planted.posts.filter(
            pc.is_in(planted.posts["post_id"], quiet.posts["post_id"].combine_chunks())
        )
        assert rest.equals(quiet.posts)
        assert planted.posts.num_rows > quiet.posts.num_rows


def test_simulate_an_added_campaign_changes_no_other() -> None:
    one = world(campaigns=(Campaign("link"),))
    two = world(campaigns=(Campaign("link"), Campaign("copies")))
    assert two.truth.groups[0] == one.truth.groups[0]


def test_simulate_repost_campaign_is_twenty_by_ten_within_ten_minutes() -> None:
    made = world(campaigns=(Campaign("repost", size=20, acts=10, jitter_s=600),))
    (group,) = made.truth.groups
    rows = joint(made, group)
    assert len(group.accounts) == 20
    assert Counter(Counter(r["account_id"] for r in rows).values()) == {10: 20}
    per_object = Counter(r["repost_of"] for r in rows)
    assert len(per_object) == 10 and set(per_object.values()) == {20}
    assert len({r["repost_of_account"] for r in rows}) == 10
    assert max(spread(rows, "repost_of").values()) <= 10
    everyone = Counter(made.posts["repost_of"].to_pylist())
    assert min(everyone[o] - 20 for o in per_object) >= 6  # outsiders, as in real amplification
    assert not {r["repost_of_account"] for r in rows} & set(group.accounts)


def test_simulate_link_campaign_pushes_many_domains() -> None:
    made = world(campaigns=(Campaign("link", size=12, acts=6, jitter_s=300),))
    rows = joint(made, made.truth.groups[0])
    urls = Counter(r["urls"][0] for r in rows)
    assert len(urls) == 6 and set(urls.values()) == {12}
    assert len({u.split("/")[2] for u in urls}) == 6
    assert len({r["text"] for r in rows}) > 65  # the same links, everybody's own words
    spreads: dict[str, list[float]] = {}
    for r in rows:
        spreads.setdefault(r["urls"][0], []).append(r["time"].timestamp())
    assert all(max(t) - min(t) <= 300 for t in spreads.values())


def test_simulate_copies_and_edited_copies() -> None:
    made = world(campaigns=(Campaign("copies", size=9, acts=5), Campaign("edited", size=9, acts=5)))
    exact, edited = (joint(made, g) for g in made.truth.groups)
    same = Counter(r["text"].lower() for r in exact)
    assert len(same) == 5 and set(same.values()) == {9}
    assert len({r["text"].lower() for r in edited}) > 25
    words = [set(r["text"].lower().split()) for r in edited]
    near = [
        sorted(len(a & b) / len(a | b) for j, b in enumerate(words) if i != j)[-8:]
        for i, a in enumerate(words)
    ]
    # the eight nearest are the other members' versions: a quarter of the words differs
    assert 0.5 < np.median(near) < 0.85


def test_simulate_hashtag_campaign_repeats_ordered_sequences() -> None:
    made = world(campaigns=(Campaign("hashtags", size=11, acts=8),))
    rows = joint(made, made.truth.groups[0])
    sequences = Counter(tuple(r["hashtags"]) for r in rows)
    assert len(sequences) == 8 and set(sequences.values()) == {11}
    assert all(len(s) >= 3 for s in sequences)
    bare = {r["text"].split(" #")[0] for r in rows}
    assert len(bare) > 80
    for row in rows:
        places = [row["text"].index(f"#{t}") for t in row["hashtags"]]
        assert places == sorted(places)


@pytest.mark.parametrize("delays", ["exponential", "log-normal"])
def test_simulate_delays_follow_the_chosen_shape(delays: Any) -> None:
    made = world(campaigns=(Campaign("repost", size=40, acts=6, jitter_s=1800, delays=delays),))
    rows = joint(made, made.truth.groups[0])
    first: dict[str, float] = {}
    for r in rows:
        first[r["repost_of"]] = min(first.get(r["repost_of"], 1e18), r["time"].timestamp())
    delay = np.array([r["time"].timestamp() - first[r["repost_of"]] for r in rows])
    if delays == "exponential":
        assert 1400 < delay.mean() < 2200
    else:
        assert 1200 < np.median(delay) < 2200 and delay.mean() > 1.2 * np.median(delay)


@settings(max_examples=6, deadline=None)
@given(
    size=st.integers(2, 30),
    acts=st.integers(1, 8),
    jitter=st.integers(1, 7200),
    part=st.floats(0.3, 1.0),
)
def test_simulate_campaign_parameters_hold(size: int, acts: int, jitter: int, part: float) -> None:
    about = Campaign("repost", size=size, acts=acts, jitter_s=jitter, participation=part)
    made = simulate(seed=1, accounts=600, days=8, campaigns=(about,), look_alikes=())
    (group,) = made.truth.groups
    rows = joint(made, group)
    assert len(group.accounts) == size
    assert len(rows) <= size * acts  # what would fall behind the end of the world is dropped
    assert len(rows) >= 0.9 * size * acts
    assert len({r["repost_of"] for r in rows}) <= about.objects
    assert max(spread(rows, "repost_of").values()) <= jitter / 60 + 0.001


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_simulate_camouflage_is_the_share_of_ordinary_posts(share: float) -> None:
    made = world(campaigns=(Campaign("copies", size=30, acts=10, camouflage=share),))
    (group,) = made.truth.groups
    mine = made.posts.filter(pc.is_in(made.posts["account_id"], pa.array(group.accounts)))
    ordinary = 1 - len(group.posts) / mine.num_rows
    assert abs(ordinary - share) < 0.06


def test_simulate_members_live_like_their_community() -> None:
    made = world(campaigns=(Campaign("repost", size=300, acts=3, community=0),))
    (group,) = made.truth.groups
    member = pc.is_in(made.posts["account_id"], pa.array(group.accounts))
    took_part = pc.is_in(made.posts["post_id"], pa.array(group.posts))
    theirs = made.posts.filter(pc.and_(member, pc.invert(took_part)))
    others = made.posts.filter(pc.invert(member))
    others = others.filter(pc.equal(others["lang"], "en"))
    for column in ("kind", "client"):
        a, b = (Counter(t[column].to_pylist()) for t in (theirs, others))
        for key in b:
            assert abs(a[key] / theirs.num_rows - b[key] / others.num_rows) < 0.08
    assert 12 < theirs.num_rows / 300 < 24  # 18 in ten days, like everybody


def test_simulate_truth_agrees_with_the_posts() -> None:
    made = simulate(seed=7, accounts=1500, days=10)
    author = dict(
        zip(made.posts["post_id"].to_pylist(), made.posts["account_id"].to_pylist(), strict=True)
    )
    seen: set[str] = set()
    for group in made.truth.groups:
        assert group.posts and len(group.posts) == len(set(group.posts))
        assert {author[p] for p in group.posts} <= set(group.accounts)
        assert not seen & set(group.accounts)  # nobody is in two groups
        seen |= set(group.accounts)
    assert made.truth.accounts == {a: g.label for g in made.truth.groups for a in g.accounts}
    assert {g.kind for g in made.truth.campaigns} == {
        "repost",
        "link",
        "copies",
        "edited",
        "hashtags",
    }
    assert {g.kind for g in made.truth.look_alikes} == {
        "fans",
        "syndication",
        "breaking news",
        "share button",
        "one brand",
    }


def test_simulate_fans_repost_one_author_at_once() -> None:
    made = world(look_alikes=(LookAlike("fans", 25, acts=8),))
    (group,) = made.truth.groups
    rows = joint(made, group)
    assert len({r["repost_of_account"] for r in rows}) == 1
    assert not {r["repost_of_account"] for r in rows} & set(group.accounts)
    born = dict(zip(made.posts["post_id"].to_pylist(), made.posts["time"].to_pylist(), strict=True))
    delay = [(r["time"] - born[r["repost_of"]]).total_seconds() for r in rows]
    assert 20 < np.median(delay) < 90
    assert len(group.accounts) == 25


@pytest.mark.parametrize("wire", [False, True])
def test_simulate_syndication_carries_one_text_at_press_time(wire: bool) -> None:
    made = world(look_alikes=(LookAlike("syndication", 10, acts=12, wire=wire),))
    rows = joint(made, made.truth.groups[0])
    texts: dict[str, list[dict[str, Any]]] = {}
    for r in rows:
        texts.setdefault(r["text"].split(" https:")[0].lower(), []).append(r)
    assert len(texts) == 12
    domains = {(r["account_id"], r["urls"][0].split("/")[2]) for r in rows}
    assert len(domains) == 10 and len({d for _, d in domains}) == (1 if wire else 10)
    for story in texts.values():
        times = [r["time"].timestamp() for r in story]
        assert len(story) < 2 or np.median(np.array(times) - min(times)) < 180


def test_simulate_breaking_news_is_many_accounts_and_few_links() -> None:
    made = world(look_alikes=(LookAlike("breaking news", 300, acts=3),))
    (group,) = made.truth.groups
    rows = joint(made, group)
    assert len(group.accounts) == 300
    assert len({r["urls"][0] for r in rows}) <= 3
    times = np.array([r["time"].timestamp() for r in rows])
    assert np.percentile(times, 75) - times.min() < 3600


def test_simulate_share_button_is_a_template_at_independent_times() -> None:
    made = world(look_alikes=(LookAlike("share button", 60, acts=6),))
    rows = joint(made, made.truth.groups[0])
    assert {r["client"] for r in rows} == {"StrideLog"}
    assert len({r["urls"][0] for r in rows}) == 1
    shape = Counter("".join("#" if c.isdigit() else c for c in r["text"].lower()) for r in rows)
    assert len(shape) <= 2
    days = {r["time"].date() for r in rows}
    assert len(days) == 10


def test_simulate_one_brand_posts_at_the_same_second() -> None:
    made = world(look_alikes=(LookAlike("one brand", 6, acts=15),))
    rows = joint(made, made.truth.groups[0])
    seconds: dict[str, set[int]] = {}
    for r in rows:
        seconds.setdefault(r["urls"][0], set()).add(int(r["time"].timestamp()))
    assert len(seconds) == 15 and all(len(s) == 1 for s in seconds.values())
    assert len({u.split("/")[2] for u in seconds}) == 1


@pytest.mark.parametrize("knobs", [{"size": 1}, {"acts": 0}, {"delay_s": 0}])
def test_simulate_refuses_impossible_look_alikes(knobs: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        LookAlike("fans", **{"size": 5, **knobs})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small() -> World:
    return simulate(
        seed=6,
        accounts=250,
        days=5,
        campaigns=(Campaign("repost", size=5, acts=4), Campaign("hashtags", size=5, acts=4)),
        look_alikes=(LookAlike("one brand", 5, acts=4),),
    )


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_simulate_writes_the_same_bytes_and_the_truth_beside(
    small: World, tmp_path: Path, suffix: str
) -> None:
    posts, truth = small.write(tmp_path / f"one{suffix}")
    again, _ = small.write(tmp_path / f"two{suffix}")
    assert posts.read_bytes() == again.read_bytes()
    assert truth == tmp_path / "one.truth.json"
    assert read_truth(posts) == read_truth(truth) == small.truth


def test_simulate_writes_parquet_and_csv_that_read_back(small: World, tmp_path: Path) -> None:
    posts, _ = small.write(tmp_path / "w.parquet")
    assert pq.read_table(posts).equals(small.posts)
    table, _ = small.write(tmp_path / "w.csv")
    back = pacsv.read_csv(table, convert_options=pacsv.ConvertOptions(strings_can_be_null=True))
    assert back["text"].to_pylist() == small.posts["text"].to_pylist()


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_simulate_files_come_back_through_our_own_readers(
    small: World, tmp_path: Path, suffix: str
) -> None:
    from klieg import pipeline

    path, _ = small.write(tmp_path / f"w{suffix}")
    posts, intake = pipeline.read(path)
    direct, _ = pipeline.read(small.posts)
    assert not intake.rejected
    assert posts.account_ids.equals(direct.account_ids)
    assert np.array_equal(posts.time, direct.time)
    for column in (
        "post_id",
        "text",
        "lang",
        "kind",
        "repost_of",
        "repost_of_account",
        "reply_to",
        "reply_to_account",
        "quote_of",
        "urls",
        "hashtags",
    ):
        # one reader knows that there is no link, another only that it saw none
        back, there = ([v or None for v in t.table[column].to_pylist()] for t in (posts, direct))
        assert back == there, column


def test_simulate_refuses_an_unknown_suffix(small: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.jsonl"):
        small.write(tmp_path / "world.xlsx")


@pytest.mark.parametrize("body", ["", "[]", '{"groups": [{"label": 3}]}', "\x00"])
def test_simulate_refuses_what_is_no_truth(tmp_path: Path, body: str) -> None:
    file = tmp_path / "w.truth.json"
    file.write_text(body, encoding="utf-8")
    with pytest.raises(InputError, match="truth"):
        read_truth(file)
    with pytest.raises(InputError, match="truth"):
        read_truth(tmp_path / "absent.truth.json")


def test_simulate_truth_knows_the_first_label_of_an_account() -> None:
    one = TrueGroup("campaign:link-1", "link", ("a", "b"), ("1",))
    two = TrueGroup("look-alike:fans-1", "fans", ("b", "c"), ("1", "2"))
    truth = Truth.of((one, two))
    assert truth.accounts == {
        "a": "campaign:link-1",
        "b": "campaign:link-1",
        "c": "look-alike:fans-1",
    }
    assert truth.campaigns == (one,) and truth.look_alikes == (two,)


def test_simulate_no_two_campaigns_share_an_object() -> None:
    made = world(campaigns=(Campaign("repost", community=0), Campaign("repost", community=0)))
    first, second = ({r["repost_of"] for r in joint(made, g)} for g in made.truth.groups)
    assert len(first) == len(second) == 10 and not first & second
