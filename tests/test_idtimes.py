"""Times that ids carry: by hand, on real ids, and believed only where posts agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.idtimes import UNKNOWN, creation_times, known_times, trusted
from klieg.pipeline import read
from klieg.tables import POSTS, SECOND, Posts

X_EPOCH = 1_288_834_974_657
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"


def tid(us: int, clock: int = 7) -> str:
    number, letters = (us << 10) | clock, ""
    for _ in range(13):
        letters, number = LETTERS[number & 31] + letters, number >> 5
    return letters


def told(ids: list[str | None], platform: str) -> list[int]:
    return creation_times(pa.array(ids, pa.string()), platform).tolist()


@given(st.integers(1_300_000_000_000, 2_500_000_000_000), st.integers(0, 2**22 - 1))
def test_idtimes_x_keeps_the_millisecond(ms: int, low: int) -> None:
    assert told([str(((ms - X_EPOCH) << 22) + low)], "x") == [ms * 1000]


@given(st.integers(1_460_000_000_000, 2_500_000_000_000), st.integers(0, 2**16 - 1))
def test_idtimes_mastodon_keeps_the_millisecond(ms: int, low: int) -> None:
    number = str((ms << 16) + low)
    address = f"https://social.example/users/ada/statuses/{number}"
    assert told([number, address], "mastodon") == [ms * 1000] * 2


@given(st.integers(1_650_000_000_000_000, 2_500_000_000_000_000), st.integers(0, 1023))
def test_idtimes_bluesky_keeps_the_microsecond(us: int, clock: int) -> None:
    key = tid(us, clock)
    assert told([key, f"at://did:plc:abc/app.bsky.feed.post/{key}"], "bluesky") == [us, us]


@pytest.mark.parametrize(
    ("platform", "given_id"),
    [
        ("x", None),
        ("x", "29000000000"),  # counted one by one, before snowflakes
        ("x", "row:posts.csv:7"),
        ("x", "1.23e18"),
        ("x", "99999999999999999999"),  # larger than any id
        ("mastodon", "12345"),
        ("bluesky", "self"),
        ("bluesky", "at://did:plc:abc/app.bsky.feed.generator/atproto"),
        ("bluesky", "2222222222222"),  # 1970
        ("telegram", "1235714275752267776"),
        ("reddit", "t3_abc"),
    ],
)
def test_idtimes_says_nothing_where_ids_say_nothing(platform: str, given_id: str | None) -> None:
    assert told([given_id], platform) == [UNKNOWN]


def posts_at(rows: list[tuple[str, str, int]], resolution: int = 0) -> Posts:
    """(platform, id, µs) in time order."""
    table = pa.Table.from_pylist(
        [
            {"platform": p, "post_id": i, "account_id": "a", "time": t}
            for p, i, t in sorted(rows, key=lambda r: r[2])
        ],
        POSTS,
    )
    time = np.array(sorted(t for _, _, t in rows), np.int64)
    who = np.zeros(len(rows), np.int32)
    return Posts(table, who, time, pa.array(["a"]), pa.array(["x"]), resolution)


def flake(us: int) -> str:
    return str((us // 1000 - X_EPOCH) << 22)


NOW = 1_700_000_000 * SECOND


def test_idtimes_trusts_ids_that_agree_with_their_posts_and_no_others() -> None:
    good = [("x", flake(NOW + k * SECOND), NOW + k * SECOND) for k in range(200)]
    one_off = [("x", flake(NOW - 10**12), NOW + 300 * SECOND)]
    assert trusted(posts_at(good)) == {"x"}
    assert trusted(posts_at(good + one_off)) == {"x"}
    assert trusted(posts_at(good + one_off * 3)) == frozenset()
    assert trusted(posts_at([("x", "one", NOW)])) == frozenset()
    # a clock of minutes may be off by one
    minute = [("x", flake(NOW + 59 * SECOND), NOW)]
    assert trusted(posts_at(minute)) == frozenset()
    assert trusted(posts_at(minute, resolution=60)) == {"x"}


def test_idtimes_a_post_that_was_read_tells_its_own_time() -> None:
    posts = posts_at([("x", flake(NOW), NOW + SECOND), ("mastodon", "5", NOW + 9 * SECOND)])
    ids = pa.array([flake(NOW), flake(NOW - 60 * SECOND), "5", "6", None, "nonsense"])
    where = pa.array(["x", "x", "mastodon", "mastodon", "x", "x"])
    assert known_times(posts, ids, where).tolist() == [
        NOW + SECOND,
        NOW - 60 * SECOND,
        NOW + 9 * SECOND,
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
    ]


def test_idtimes_distrusted_ids_tell_nothing() -> None:
    posts = posts_at([("x", flake(NOW), NOW + 3600 * SECOND)])
    assert known_times(posts, pa.array([flake(NOW - SECOND)]), pa.array(["x"]))[0] == UNKNOWN


@pytest.mark.parametrize(
    ("name", "platform", "least"),
    [
        ("x_api_v2/brexit.jsonl", "x", 100),
        ("twitter_v1.1/rumoureval_thread.jsonl", "x", 33),
        ("twitter_gnip/tweet_updates_activity.jsonl", "x", 22),
        ("mastodon/statuses.jsonl", "mastodon", 131),
        ("bluesky_jetstream/golden_v1.jsonl", "bluesky", 2),
    ],
)
def test_idtimes_real_ids_agree_with_real_posts(
    data: Path, name: str, platform: str, least: int
) -> None:
    posts, _ = read(data / "payloads" / name)
    found = creation_times(posts.table["post_id"].combine_chunks(), platform)
    known = found != UNKNOWN
    assert int(known.sum()) >= least
    off = (posts.time[known] - found[known]) / SECOND
    assert np.abs(off).max() <= 1.0  # the posts' own clocks are cut to the second
    assert trusted(posts) == {platform}
