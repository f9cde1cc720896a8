"""Bluesky: AppView pages, threads and stored records; Jetstream's second version; deletions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from klieg.errors import InputError
from klieg.sources import open_input, read
from klieg.sources.platforms import bluesky, jetstream
from klieg.tables import Intake, Posts

A, B = "did:plc:a", "did:plc:b"


def taken(path: Path, *records: object, **more: Any) -> tuple[Posts, Intake]:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return read([str(path)], **more)


def address(rkey: str, did: str = A, kind: str = "post") -> str:
    return f"at://{did}/app.bsky.feed.{kind}/{rkey}"


def view(rkey: str, text: str = "hello", did: str = A, **record: Any) -> dict[str, Any]:
    return {
        "uri": address(rkey, did),
        "cid": "c",
        "author": {"did": did, "handle": "ada.test", "displayName": "Ada"},
        "record": {"text": text, "createdAt": "1999-01-01T00:00:00Z", **record},
        "indexedAt": "2024-05-01T10:00:00.123Z",
        "likeCount": 2,
        "repostCount": 0,
    }


def by_id(posts: Posts) -> dict[str, dict[str, Any]]:
    return {r["post_id"]: r for r in posts.table.to_pylist()}


def test_bluesky_time_is_when_it_was_seen_not_what_the_client_claims(tmp_path: Path) -> None:
    posts, intake = taken(tmp_path / "a.jsonl", {"posts": [view("1")]})
    row = posts.table.to_pylist()[0]
    assert posts.time.tolist() == [1714557600123000]
    assert (row["platform"], row["account_id"], row["account"]["handle"]) == (
        "bluesky",
        A,
        "ada.test",
    )
    assert (row["metrics"]["likes"], row["metrics"]["reposts"], row["metrics"]["replies"]) == (
        2,
        0,
        None,
    )
    assert not any("claim" in note for note in intake.notes)


def test_bluesky_a_reposted_entry_of_a_feed_is_the_repost(tmp_path: Path) -> None:
    reason = {
        "$type": "app.bsky.feed.defs#reasonRepost",
        "by": {"did": B, "handle": "bob.test"},
        "indexedAt": "2024-05-01T11:00:00Z",
    }
    pinned = {"$type": "app.bsky.feed.defs#reasonPin"}
    feed = {
        "feed": [
            {"post": view("1"), "reason": reason},
            {"post": view("1"), "reason": {**reason, "uri": address("9", B, "repost")}},
            {"post": view("2"), "reason": pinned},
        ],
        "cursor": "x",
    }
    posts, intake = taken(tmp_path / "a.jsonl", feed)
    by = by_id(posts)
    first = by[f"{address('1')}?reposted-by={B}"]
    assert (first["kind"], first["account_id"], first["repost_of"]) == ("repost", B, address("1"))
    assert (first["repost_of_account"], first["time"].hour) == (A, 11)
    assert first["metrics"] is None, "the likes are the original's"
    assert by[address("2")]["kind"] == "post"
    assert intake.rows == 3


def test_bluesky_threads_are_opened_both_ways(tmp_path: Path) -> None:
    reply = {"parent": {"uri": address("2")}, "root": {"uri": address("1")}}
    thread = {
        "thread": {
            "post": view("2"),
            "parent": {"post": view("1", "first")},
            "replies": [
                {"post": view("3", "re", B, reply=reply), "replies": [{"post": view("4", "rere")}]},
                {"uri": address("5"), "notFound": True},
                {"uri": address("6"), "blocked": True},
            ],
        }
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(thread, indent=1))
    posts, intake = read([str(path)])
    by = by_id(posts)
    assert sorted(by) == [address("1"), address("2"), address("4"), address("3", B)]
    third = by[address("3", B)]
    assert (third["kind"], third["reply_to"], third["root_id"]) == (
        "reply",
        address("2"),
        address("1"),
    )
    assert dict(intake.counts) == {"not_a_post_blocked": 1, "not_a_post_not_found": 1}


def test_bluesky_facets_embeds_and_pictures(tmp_path: Path) -> None:
    rich = view(
        "1",
        facets=[{"features": [{"uri": "https://e.org/1"}, {"tag": "Vote"}, {"did": B}]}],
        tags=["more"],
        embed={
            "record": {"record": {"uri": address("9", B)}},
            "media": {"images": [{"image": {"ref": {"$link": "bafy1"}}}]},
        },
    )
    old = view(
        "2", "older", embed={"images": [{"image": {"cid": "bafy2", "mimeType": "image/png"}}]}
    )
    posts, _ = taken(tmp_path / "a.jsonl", rich, old)
    by = by_id(posts)
    row = by[address("1")]
    assert (row["urls"], row["hashtags"], row["mentions"]) == (
        ["https://e.org/1"],
        ["vote", "more"],
        [B],
    )
    assert (row["kind"], row["quote_of"]) == ("quote", address("9", B))
    assert [m["phash"] for r in by.values() for m in r["media"]] == ["bafy1", "bafy2"]


def test_bluesky_stored_records_have_a_claimed_time_and_it_is_said(tmp_path: Path) -> None:
    claim = "2024-05-01T10:00:00Z"
    records = [
        {"uri": address("1"), "cid": "c", "value": {"text": "a", "createdAt": claim}},
        {
            "uri": address("2", B, "repost"),
            "cid": "c",
            "value": {"subject": {"uri": address("1")}, "createdAt": claim},
        },
        {"uri": "at://did:plc:a/app.bsky.feed.generator/x", "cid": "c", "value": {"did": "d"}},
    ]
    posts, intake = taken(tmp_path / "a.jsonl", {"records": records})
    assert [r["kind"] for r in posts.table.to_pylist()] == ["post", "repost"]
    assert any("createdAt" in note for note in intake.notes)
    assert intake.counts["not_a_post_feed_generator"] == 1


def test_bluesky_lists_of_people_are_no_posts() -> None:
    people = json.dumps({"follows": [{"did": A, "handle": "ada.test"}], "cursor": "x"}).encode()
    assert bluesky.source.sniff(people, "a") == 0.0


def test_bluesky_appview_and_jetstream_meet_in_one_post(tmp_path: Path) -> None:
    frame = {
        "did": A,
        "time_us": 1714557599000000,
        "kind": "commit",
        "commit": {
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": "1",
            "record": {"text": "hello"},
        },
    }
    (tmp_path / "a.jsonl").write_text(json.dumps({"posts": [view("1")]}) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps(frame) + "\n")
    posts, intake = read([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")])
    assert (posts.n, intake.counts["duplicate_id"]) == (1, 1)
    assert [i["format"] for i in intake.inputs] == ["bluesky", "jetstream"]


# --- Jetstream v2 --------------------------------------------------------------------------------


def event(seq: int, kind: str = "commit", **more: Any) -> dict[str, Any]:
    return {
        "$type": f"network.bsky.jetstream.subscribeEvents#{kind}",
        "seq": seq,
        "did": A,
        "time": "2024-05-01T10:00:00.000001Z",
        **more,
    }


def commit(seq: int, rkey: str, operation: str = "create", **more: Any) -> dict[str, Any]:
    said = {"record": {"text": f"text {rkey}"}} if operation != "delete" else {}
    place = {"operation": operation, "collection": "app.bsky.feed.post", "rkey": rkey}
    return event(seq, **{**place, **said, **more})


def test_jetstream_v2_is_read_bare_and_enveloped(tmp_path: Path) -> None:
    frames = [commit(1, "a"), {"$type": "message", "payload": commit(2, "b")}, event(3, "sync")]
    posts, intake = taken(tmp_path / "a.jsonl", *frames)
    assert intake.inputs[0]["format"] == "jetstream"
    assert posts.time.tolist() == [1714557600000001] * 2
    assert posts.table["post_id"].to_pylist() == [address("a"), address("b")]
    assert dict(intake.counts) == {"not_a_post_sync": 1}


def test_jetstream_v2_deletes_posts_and_whole_accounts(tmp_path: Path) -> None:
    other = {"did": B}
    posts, intake = taken(
        tmp_path / "a.jsonl",
        commit(1, "a"),
        commit(2, "b"),
        commit(3, "c") | other,
        commit(4, "a", "delete"),
        event(5, "account", active=False, status="deleted") | other,
        event(6, "account", active=False, status="deactivated"),
    )
    assert posts.table["text"].to_pylist() == ["text b"]
    assert intake.counts["deleted"] == 2
    assert intake.counts["not_a_post_account"] == 2


def test_jetstream_v1_accounts_deleted_elsewhere_take_their_posts(tmp_path: Path) -> None:
    gone = {
        "did": A,
        "time_us": 1714557700000000,
        "kind": "account",
        "account": {"active": False, "status": "deleted", "did": A, "seq": 1},
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(gone) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({"posts": [view("1"), view("2", did=B)]}) + "\n")
    posts, _ = read([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")])
    assert posts.account_ids.to_pylist() == [B]


@pytest.mark.parametrize("time", [None, "yesterday", "2024-05-01T10:00:00", 1714557600, {}, -1])
def test_jetstream_without_a_witnessed_time_a_frame_is_refused(tmp_path: Path, time: Any) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(commit(1, "a") | {"time": time}) + "\n")
    with pytest.raises(InputError, match="1 of 1 rows"):
        read([str(path)], format="jetstream")


def test_jetstream_frames_without_a_key_are_refused_by_name(tmp_path: Path) -> None:
    frames = [commit(i, f"k{i}") for i in range(200)]
    odd = commit(999, "x")
    del odd["rkey"]
    _, intake = taken(tmp_path / "a.jsonl", *frames, odd, quarantine=tmp_path / "q.jsonl")
    assert dict(intake.rejected) == {"no_rkey": 1}
    told = json.loads((tmp_path / "q.jsonl").read_text())
    assert (told["line"], told["column"]) == (201, "rkey")


def test_jetstream_records_of_strangers_are_not_even_decoded(tmp_path: Path) -> None:
    strange = {"text": 7, "facets": "none", "reply": [], "subject": "did:plc:z"}
    frames = [commit(1, "a"), commit(2, "b", collection="com.example.note", record=strange)]
    posts, intake = taken(tmp_path / "a.jsonl", *frames)
    assert posts.n == 1
    assert intake.counts["not_a_post_com_example_note"] == 1
    assert not intake.rejected


def test_jetstream_both_versions_are_recognised_in_a_torn_head(tmp_path: Path) -> None:
    for sample in jetstream.source.examples():
        path = tmp_path / "a.jsonl"
        path.write_bytes(sample)
        assert jetstream.source.sniff(open_input(str(path)).head[:300], "a") > 0.5
