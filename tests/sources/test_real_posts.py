"""Real files, whole: what each holds, counted by hand once and held since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from klieg.errors import InputError
from klieg.sources import read
from klieg.sources.reading import REMOVED
from klieg.tables import Intake, Posts


def taken(path: Path, **more: Any) -> tuple[Posts, Intake]:
    posts, intake = read([str(path)], **more)
    removed = sum(intake.counts.get(k, 0) for k in REMOVED)
    others = sum(n for k, n in intake.counts.items() if k.startswith("not_a_post_"))
    assert intake.rows == posts.n + posts.n_acts + removed + others + sum(intake.rejected.values())
    return posts, intake


def kinds(posts: Posts) -> dict[str, int]:
    return {v["values"]: v["counts"] for v in pc.value_counts(posts.table["kind"]).to_pylist()}


def test_real_operation(data: Path) -> None:
    posts, intake = taken(data / "io_ira_twitter_dev.parquet")
    assert (intake.rows, posts.n, posts.n_accounts) == (173_406, 173_213, 640)
    assert dict(intake.counts) == {"duplicate_text": 193, "row_id": 173_213}
    assert posts.resolution == 60
    assert set(posts.table["lang"].unique().to_pylist()) == {"ru", "en", "de"}
    assert kinds(posts)["repost"] > 111_000


def test_real_organic_posts(data: Path) -> None:
    posts, intake = taken(data / "organic_twitter_dev.parquet")
    assert intake.rows == 57_259
    assert dict(intake.rejected) == {"no_account": 100}
    assert dict(intake.counts) == {
        "conflicting_id": 92,
        "duplicate_id": 92,
        "duplicate_text": 1113,
        "row_id": 8588,
    }
    assert len(posts.table["collection"].unique()) == 5 - 1  # the fifth has no accounts
    assert any("account (99.8% filled) rather than account_id" in n for n in intake.notes)


def test_real_mix(data: Path) -> None:
    posts, intake = taken(data / "mix_airline_2015.parquet")
    assert (posts.n, posts.n_accounts, posts.resolution) == (15_322, 7_730, 60)
    assert not intake.counts
    assert not intake.rejected


def test_real_election_sharing(data: Path) -> None:
    posts, intake = taken(data / "german_elections.parquet")
    assert (intake.rows, posts.n, posts.n_accounts) == (218_971, 194_326, 58_317)
    assert dict(intake.counts) == {"duplicate_id": 24_645, "row_id": 3}
    traces = pc.struct_field(posts.table["objects"].combine_chunks().flatten(), "trace")
    assert set(traces.unique().to_pylist()) == {"link", "hashtags", "domain", "image"}
    widest = pc.max(pc.list_value_length(posts.table["objects"])).as_py()
    assert widest == 7  # rows of one post give it their objects


def test_real_reposts(data: Path) -> None:
    posts, intake = taken(data / "russian_coord_tweets.parquet")
    assert (intake.rows, posts.n, posts.n_accounts) == (35_125, 35_085, 9_509)
    assert intake.inputs[0]["format"] == "coortweet"
    items = posts.table["objects"].combine_chunks().flatten()
    assert len(items) == 35_124  # 35,125 rows, one of them twice: no object is lost with an id
    assert len(pc.struct_field(items, "id").unique()) == 7_285


@pytest.mark.parametrize(
    ("name", "format_", "posts", "accounts", "counts"),
    [
        ("x_api_v2/brexit.jsonl", "x_v2", 100, 98, {}),
        ("x_api_v2/cashtags.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/cotweet.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/counts.jsonl", "x_v2", 0, 0, {"not_a_post_count": 169}),
        ("x_api_v2/edited_after.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/geo_tweets.jsonl", "x_v2", 2, 2, {}),
        ("x_api_v2/kpop.jsonl", "x_v2", 100, 87, {}),
        ("x_api_v2/many_urls.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/media_tweet.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/mentions_tweet.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/noflat.jsonl", "x_v2", 100, 96, {}),
        ("x_api_v2/quoted_edit.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/two_tweets.jsonl", "x_v2", 1, 1, {}),
        ("x_api_v2/users.jsonl", "x_v2", 0, 0, {"not_a_post_user": 96}),
        ("twitter_v1.1/clef2020_covid_extended.jsonl", "x_v1", 60, 53, {}),
        ("twitter_v1.1/rumoureval_thread.jsonl", "x_v1", 33, 24, {}),
        (
            "twitter_v1.1/tweet_updates_samples.jsonl",
            "x_v1",
            26,
            4,
            {"duplicate_id": 3, "conflicting_id": 1},
        ),
        ("twitter_gnip/original_format_examples.json", "x_v1", 25, 1, {}),
        (
            "twitter_io_archive/RNA_0621_tweets_csv_hashed_2019.head300.csv",
            "x_archive",
            300,
            18,
            {},
        ),
        (
            "bluesky_jetstream/expected_v1.jsonl",
            "jetstream",
            32,
            142,
            {
                "act_like": 105,
                "act_follow": 6,
                "act_block": 1,
                "not_a_post_actor_status": 1,
                "not_a_post_fm_teal_alpha_actor_status": 1,
                "not_a_post_account": 1,
                "not_a_post_identity": 1,
                "not_a_post_delete": 4,
            },
        ),
        ("coordnet_csv/sample_data.csv", "coordnet", 98, 10, {"duplicate_text": 2}),
        ("crowdtangle_csv_reduced/db2_rows_with_genocide.csv", "crowdtangle", 382, 61, {}),
        (
            "reddit_api/comments.jsonl",
            "reddit",
            619,
            421,
            {"duplicate_text": 6, "not_a_post_deleted_author": 16},
        ),
        ("reddit_api/submissions.jsonl", "reddit", 306, 279, {}),
        ("mastodon/statuses.jsonl", "mastodon", 132, 7, {"duplicate_text": 96}),
        ("twitter_gnip/activity_streams_examples.json", "gnip", 25, 1, {}),
        ("twitter_gnip/tweet_updates_activity.jsonl", "gnip", 22, 2, {}),
        (
            "telegram_tracker_csv/processed_part_334.head150.csv",
            "telegram_tracker",
            146,
            1,
            {"duplicate_text": 4},
        ),
        ("bluesky_appview/thread_view_post_with_embed_media.json", "bluesky", 1, 1, {}),
        (
            "bluesky_jetstream/golden_v1.jsonl",
            "jetstream",
            2,
            5,
            {
                "not_a_post_account": 1,
                "not_a_post_actor_profile": 1,
                "act_like": 1,
                "act_block": 1,
                "act_follow": 1,
                "not_a_post_identity": 1,
                "not_a_post_org_hypercerts_claim_activity": 1,
                "not_a_post_place_stream_broadcast_origin": 1,
            },
        ),
        ("youtube_comments_csv/Youtube01-Psy.csv", "youtube", 350, 345, {}),
        (
            "youtube_comments_csv/Youtube05-Shakira.csv",
            "youtube",
            368,
            319,
            {"duplicate_id": 1, "duplicate_text": 1},
        ),
        (
            "community_notes_tsv/notes_and_status.head200.tsv",
            "community_notes",
            198,
            184,
            {"duplicate_text": 2},
        ),
        (
            "community_notes_tsv/ratings.head300.tsv",
            "community_notes",
            0,
            49,
            {"act_rating": 300},
        ),
        (
            "facebook_ira_ads_csv/fb_russia_ads_clean.head.csv",
            "facebook_ads",
            406,
            34,
            {"duplicate_text": 52},
        ),
        ("tiktok_research_api/example_resp_q_user.json", "tiktok", 0, 0, {"not_a_post_user": 1}),
    ],
)
def test_real_payload(
    data: Path, name: str, format_: str, posts: int, accounts: int, counts: dict[str, int]
) -> None:
    got, intake = taken(data / "payloads" / name)
    assert intake.inputs[0]["format"] == format_
    assert (got.n, got.n_accounts, dict(intake.counts)) == (posts, accounts, counts)
    assert not intake.rejected


def test_real_stream_with_a_torn_last_frame(data: Path) -> None:
    path = data / "payloads" / "x_api_v2" / "streaming_output_with_error.jsonl"
    with pytest.raises(InputError, match="1 of 8 rows"):
        read([str(path)])
    posts, intake = taken(path, max_bad=0.2)
    assert (posts.n, dict(intake.rejected)) == (7, {"not_json": 1})


def test_real_pages_join_what_they_carry(data: Path) -> None:
    posts, _ = taken(data / "payloads" / "x_api_v2" / "noflat.jsonl")
    table = posts.table.filter(pc.equal(posts.table["kind"], "repost"))
    assert table.num_rows > 30
    cut = pc.sum(pc.ends_with(table["text"], "…")).as_py()
    assert cut <= 3, "texts of reposts are still cut short"
    assert table["repost_of"].null_count == 0
    assert posts.table["account"].null_count == 0


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("bluesky_appview/feed_record.json", "a Bluesky feed generator"),
        ("bluesky_appview/get_follows.json", "a list of whom a Bluesky account follows"),
        ("bluesky_jetstream/manifest.json", "the manifest of a Jetstream capture"),
        ("tiktok_research_api/example_query.json", "a query to TikTok's Research API"),
        ("tiktok_research_api/example_request.json", "a query to TikTok's Research API"),
        ("tiktok_research_api/example_resp_comments.json", "the comments name no account"),
        ("tiktok_research_api/example_resp_q_videos.json", "the videos name no account"),
        ("twitter_io_archive/RNA_0621_users_csv_hashed.csv", "the accounts of X's archive"),
    ],
)
def test_real_files_without_posts_are_called_what_they_are(
    data: Path, name: str, what: str
) -> None:
    with pytest.raises(InputError, match=what) as refused:
        read([str(data / "payloads" / name)])
    assert refused.value.exit_code == 3


def test_real_r_tables_have_a_torn_row_each(data: Path) -> None:
    for name, format_, posts, accounts, torn in (
        ("r_rtweet_csv/all_tweets.head.csv", "rtweet", 100, 72, 1),
        ("r_twitteR_csv/modi.head.csv", "twitter_r", 230, 105, 2),
    ):
        got, intake = taken(data / "payloads" / name)
        assert intake.inputs[0]["format"] == format_
        assert (got.n, got.n_accounts, dict(intake.rejected)) == (
            posts,
            accounts,
            {"torn_row": torn},
        )
        assert not any(i.startswith("x") for i in got.account_ids.to_pylist() if i[1:].isdigit())


def test_real_tables_whole(data: Path) -> None:
    posts, intake = taken(data / "io_facebook_ira_ads.parquet")
    assert (intake.inputs[0]["format"], intake.rows) == ("facebook_ads", 3517)
    assert dict(intake.rejected) == {"no_readable_time": 19}
    assert intake.counts["not_a_post_advertisement_without_page"] == 28
    posts, _ = taken(data / "community_ratings_data.parquet")
    assert (posts.n, posts.n_acts, posts.n_accounts) == (0, 4031, 816)
    posts, _ = taken(data / "community_notes_and_status.parquet")
    assert posts.n_accounts == 2872
    posts, intake = taken(data / "youtube_spam_comments.parquet", max_bad=0.2)
    assert (intake.inputs[0]["format"], dict(intake.rejected)) == (
        "youtube",
        {"no_readable_time": 245},
    )


def test_real_everything_at_once(data: Path) -> None:
    names = [
        data / "mix_airline_2015.parquet",
        data / "payloads" / "x_api_v2" / "brexit.jsonl",
        data / "payloads" / "bluesky_jetstream" / "expected_v1.jsonl",
        data / "payloads" / "coordnet_csv" / "sample_data.csv",
    ]
    posts, intake = read([str(n) for n in names])
    assert posts.n == 15_322 + 100 + 32 + 98
    assert set(posts.account_platforms.to_pylist()) == {"unknown", "x", "bluesky"}
    assert len(intake.inputs) == 4
