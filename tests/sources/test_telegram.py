"""Telegram: Desktop's export in pieces, telegram-tracker's table, and both together."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from klieg.errors import InputError
from klieg.sources import open_input, preview, read
from klieg.sources.desk import Desk
from klieg.sources.pieces import ANY, members
from klieg.sources.platforms import telegram
from klieg.tables import Intake, Posts, Reject


def message(number: int, text: Any = "hello", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "message",
        "date": "2024-05-01T14:00:00",
        "date_unixtime": str(1714557600 + number),
        "from": "Ada",
        "from_id": "user7",
        "text": text,
        **more,
    }


def chat(*messages: dict[str, Any], kind: str = "public_supergroup", number: int = 11) -> Any:
    return {"name": "Talk", "type": kind, "id": number, "messages": list(messages)}


def taken(path: Path, document: Any, **more: Any) -> tuple[Posts, Intake]:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    return read([str(path)], **more)


def rows(posts: Posts) -> dict[str, dict[str, Any]]:
    return {r["post_id"]: r for r in posts.table.to_pylist()}


def test_telegram_time_is_the_unix_time_and_local_times_are_refused(tmp_path: Path) -> None:
    good = [message(i, f"text {i}") for i in range(200)]
    local = message(999)
    del local["date_unixtime"]
    posts, intake = taken(tmp_path / "a.json", chat(*good, local), quarantine=tmp_path / "q.jsonl")
    assert posts.time.tolist()[0] == 1714557600_000_000
    assert dict(intake.rejected) == {"local_time_without_date_unixtime": 1}
    told = json.loads((tmp_path / "q.jsonl").read_text())
    assert (told["line"], told["column"], told["value"]) == (201, "date", "2024-05-01T14:00:00")
    assert any("3.4 or later" in note for note in intake.notes)


def test_telegram_an_old_export_is_refused_whole_with_the_reason(tmp_path: Path) -> None:
    old = [{k: v for k, v in message(i).items() if k != "date_unixtime"} for i in range(5)]
    with pytest.raises(InputError, match="local_time_without_date_unixtime"):
        taken(tmp_path / "a.json", chat(*old))


def test_telegram_texts_are_put_together_and_their_parts_told(tmp_path: Path) -> None:
    parts = [
        "see ",
        {"type": "link", "text": "e.org/1"},
        " and ",
        {"type": "text_link", "text": "this", "href": "https://e.org/2"},
        {"type": "hashtag", "text": "#Day"},
        {"type": "mention", "text": "@bob"},
        {"type": "mention_name", "text": "Cyd", "user_id": 9},
        {"type": "bold", "text": "!"},
    ]
    marked = [p if isinstance(p, dict) else {"type": "plain", "text": p} for p in parts]
    posts, _ = taken(
        tmp_path / "a.json",
        chat(
            message(1, parts, text_entities=marked),
            message(2, parts[:2]),
            message(3, "bare", text_entities=[]),
            message(4, "old"),
            message(5, "", poll={"question": "Which?", "answers": []}),
            message(6, "", media_type="sticker", file="x.webp"),
        ),
    )
    by = rows(posts)
    first = by["channel11/1"]
    assert first["text"] == "see e.org/1 and this#Day@bobCyd!"
    assert first["urls"] == ["http://e.org/1", "https://e.org/2"]
    assert (first["hashtags"], first["mentions"]) == (["day"], ["bob", "user9"])
    assert by["channel11/2"]["urls"] == ["http://e.org/1"]
    assert (by["channel11/3"]["urls"], by["channel11/4"]["urls"]) == ([], None)
    assert by["channel11/5"]["text"] == "Which?"
    assert (by["channel11/6"]["text"], by["channel11/6"]["media"][0]["type"]) == (None, "sticker")


def test_telegram_a_channel_is_an_account(tmp_path: Path) -> None:
    unsigned = {k: v for k, v in message(1).items() if k not in {"from", "from_id"}}
    posts, _ = taken(
        tmp_path / "a.json",
        chat(unsigned, message(2, "b", from_id="channel10"), kind="public_channel", number=10),
    )
    assert posts.account_ids.to_pylist() == ["channel10"]
    assert {r["kind"] for r in rows(posts).values()} == {"post"}
    assert rows(posts)["channel10/1"]["account"]["name"] == "Talk"


def test_telegram_forwards_are_reposts_by_id_or_by_name(tmp_path: Path) -> None:
    posts, intake = taken(
        tmp_path / "a.json",
        chat(
            message(1, "a", forwarded_from="News", forwarded_from_id="channel12"),
            message(2, "b", forwarded_from="News"),
            message(3, "c", forwarded_from=None),
            message(4, "d"),
        ),
    )
    by = rows(posts)
    assert [by[f"channel11/{i}"]["kind"] for i in (1, 2, 3, 4)] == [
        *["repost"] * 3,
        "message",
    ]
    assert [by[f"channel11/{i}"]["repost_of_account"] for i in (1, 2, 3)] == [
        "channel12",
        "name:News",
        None,
    ]
    assert all(r["repost_of"] is None for r in by.values()), "exports do not say which message"
    assert any("by name only" in note for note in intake.notes)


def test_telegram_replies_stay_in_their_chat_or_name_another(tmp_path: Path) -> None:
    posts, _ = taken(
        tmp_path / "a.json",
        chat(
            message(1, "a", reply_to_message_id=7),
            message(2, "b", reply_to_message_id=7, reply_to_peer_id="channel10"),
        ),
    )
    assert [r["reply_to"] for r in rows(posts).values()] == ["channel11/7", "channel10/7"]
    assert {r["kind"] for r in rows(posts).values()} == {"reply"}


def test_telegram_service_messages_are_no_posts(tmp_path: Path) -> None:
    service = {**message(2), "type": "service", "action": "pin_message"}
    _, intake = taken(tmp_path / "a.json", chat(message(1), service, {**message(3), "type": None}))
    assert dict(intake.counts) == {"not_a_post_other": 1, "not_a_post_service": 1}


def test_telegram_all_chats_of_an_account_are_kept_apart(tmp_path: Path) -> None:
    document = {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": 1, "bio": ""},
        "contacts": {"list": [{"first_name": "x", "messages": [message(99)]}]},
        "chats": {
            "about": "…",
            "list": [
                chat(message(1), number=11),
                chat(message(1, "b"), kind="private_group", number=12),
                chat(message(1, "c"), kind="personal_chat", number=13),
                {"type": "saved_messages", "id": 14, "messages": []},
            ],
        },
        "left_chats": {"list": [chat(message(1, "d"), kind="private_channel", number=15)]},
    }
    posts, intake = taken(tmp_path / "a.json", document)
    assert sorted(rows(posts)) == ["channel11/1", "channel15/1", "chat12/1", "user13/1"]
    assert intake.rows == 4


def test_telegram_numbers_of_old_exports_are_users(tmp_path: Path) -> None:
    posts, _ = taken(tmp_path / "a.json", chat(message(1, from_id=4567890123)))
    assert posts.account_ids.to_pylist() == ["user4567890123"]


def test_telegram_nobody_is_made_up(tmp_path: Path) -> None:
    good = [message(i, f"text {i}") for i in range(300)]
    odd = [
        {**message(900), "from_id": None},
        {**message(901), "id": None},
        {**message(902), "text": {"a": 1}},
        7,
    ]
    posts, intake = taken(tmp_path / "a.json", chat(*good, *odd), max_bad=0.02)
    assert posts.n == 300
    assert dict(intake.rejected) == {
        "no_account": 1,
        "no_id": 1,
        "not_an_object": 1,
        "wrong_shape": 1,
    }


def test_telegram_a_dry_run_reads_the_beginning_and_calls_nothing_torn(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(chat(*(message(i) for i in range(500))), indent=1))
    (seen,) = preview([str(path)])
    assert (seen["format"], seen["rejected"]) == ("telegram", {})
    assert 5 < seen["looked_at"] < 200
    assert seen["mapping"]["time"] == "messages.date_unixtime"


# --- the document in pieces ----------------------------------------------------------------------


def pieces(path: Path, content: bytes, *lists: tuple[str, ...]) -> tuple[list[Any], list[Reject]]:
    path.write_bytes(content)
    told: list[Reject] = []
    desk = Desk("a.json", told.append)
    found = [(n, dict(s), m) for n, s, m in members(open_input(str(path)), desk, lists)]
    assert desk.rows == len(found) + len(told)
    return found, told


def test_pieces_come_with_what_was_said_before_them(tmp_path: Path) -> None:
    content = b'{"a": 1, "b": {"a": 2, "x": [{"y": [1, {"z": null}]}, 5, []]}, "x": [true]}'
    found, told = pieces(tmp_path / "a.json", content, ("b", "x"), ("x",))
    assert [m for _, _, m in found] == [{"y": [1, {"z": None}]}, 5, [], True]
    assert [s.get("a") for _, s, _ in found] == [2, 2, 2, 1]
    assert not told
    nested = b'[{"l": [1, 2]}, {"l": [3], "m": [4]}]'
    found, _ = pieces(tmp_path / "b.json", nested, (ANY, "l"))
    assert [m for _, _, m in found] == [1, 2, 3]


@pytest.mark.parametrize("cut", range(12, 118, 5))
def test_pieces_are_read_as_far_as_a_torn_document_goes(tmp_path: Path, cut: int) -> None:
    whole = json.dumps({"messages": [{"id": i, "text": "x" * 10} for i in range(4)]}).encode()
    found, told = pieces(tmp_path / "a.json", whole[:cut], ("messages",))
    assert len(told) == 1
    assert told[0].reason == "not_json"
    complete = whole[:cut].count(b"}")
    assert [m["id"] for _, _, m in found] == list(range(complete))


def test_pieces_after_the_end_are_told(tmp_path: Path) -> None:
    found, told = pieces(tmp_path / "a.json", b'{"messages": [1]}\n~ no ~\n', ("messages",))
    assert (len(found), [r.reason for r in told]) == (1, ["not_json"])


@pytest.mark.parametrize("depth", [64, 65, 5_000, 300_000])
def test_pieces_too_deep_cost_themselves(tmp_path: Path, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    found, told = pieces(tmp_path / "a.json", b'{"m": [1, ' + deep + b", 2]}", ("m",))
    assert [m for _, _, m in found if isinstance(m, int)] == [1, 2]
    assert [r.reason for r in told] == ([] if depth <= 64 else ["nested_deeper_than_64"])


def test_pieces_outside_members_may_not_be_bottomless_either(tmp_path: Path) -> None:
    found, told = pieces(tmp_path / "a.json", b'{"x": ' + b"[" * 500_000, ("m",))
    assert (found, len(told)) == ([], 1)


@pytest.mark.parametrize(
    "odd",
    [b'"\\ud83d"', b'"a\x00b"', b'"\xff\xfe"', b"9" * 5000, b"1e999999", b'"\\u0000"', b"-0.5"],
)
def test_pieces_of_any_kind_never_raise(tmp_path: Path, odd: bytes) -> None:
    found, told = pieces(
        tmp_path / "a.json", b'{"pad": "' + b"x" * 99 + b'", "m": [1, ' + odd + b"]}", ("m",)
    )
    assert found[0][2] == 1
    assert len(found) + len(told) == 2


def test_pieces_in_utf_16_and_behind_a_mark(tmp_path: Path) -> None:
    text = '{"m": ["ü", 2]}'
    for content in (text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()):
        found, told = pieces(tmp_path / "a.json", content, ("m",))
        assert ([m for _, _, m in found], told) == (["ü", 2], [])


def test_pieces_take_no_more_memory_for_a_longer_document(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.json"
        path.write_text(json.dumps(chat(*(message(i) for i in range(count)))))
        opened, desk = open_input(str(path)), Desk("a", lambda reject: None)
        tracemalloc.start()
        assert sum(1 for _ in members(opened, desk, [("messages",)])) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(6_000) < 1.5 * peak(2_000)


# --- telegram-tracker ----------------------------------------------------------------------------

HEADER = (
    "channel_id,channel_name,msg_id,message,cleaned_message,date,msg_from_peer,msg_from_id,views,"
    "number_replies,number_forwards,is_forward,forward_msg_from_peer_type,"
    "forward_msg_from_peer_id,forward_msg_link,is_reply,reply_to_msg_id,url\n"
)


def test_telegram_tracker_ids_are_put_together(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        HEADER + "10,news,2,read,,2023-01-30 16:25:32+00:00,,,238,0,2,0,,,,0,,https://e.org/1\n"
        "10,news,3,,cleaned,2023-01-30 16:26:32+00:00,,,,,,1,PeerChannel,12.0,"
        "https://t.me/x/44?single,0,,\n"
        "10,news,4,c,,2023-01-30 16:27:32+00:00,,,,,,1,PeerUser,7.0,,0,,\n"
        "10,news,5,d,,2023-01-30 16:28:32+00:00,PeerUser,9,,,,0,,,,1,2.0,\n"
        "10,news,6,e,,2023-01-30 16:29:32+00:00,,,,,,1,PeerChannel,,,0,,\n"
    )
    posts, intake = read([str(path)])
    by = rows(posts)
    assert intake.inputs[0]["format"] == "telegram_tracker"
    assert (by["channel10/2"]["account_id"], by["channel10/2"]["urls"]) == (
        "channel10",
        ["https://e.org/1"],
    )
    assert (by["channel10/2"]["metrics"]["views"], by["channel10/3"]["metrics"]) == (238, None)
    third = by["channel10/3"]
    assert (third["text"], third["repost_of"], third["repost_of_account"]) == (
        "cleaned",
        "channel12/44",
        "channel12",
    )
    assert (by["channel10/4"]["repost_of"], by["channel10/4"]["repost_of_account"]) == (
        None,
        "user7",
    )
    assert (by["channel10/5"]["account_id"], by["channel10/5"]["reply_to"]) == (
        "user9",
        "channel10/2",
    )
    assert (by["channel10/6"]["kind"], by["channel10/6"]["repost_of_account"]) == ("repost", None)


def test_telegram_both_formats_meet_in_one_post(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        HEADER + "10,news,2,hello,,2024-05-01T10:00:02+00:00,,,238,0,2,0,,,,0,,\n"
    )
    export = chat(message(2, from_id="channel10"), kind="public_channel", number=10)
    (tmp_path / "b.json").write_text(json.dumps(export, indent=1))
    posts, intake = read([str(tmp_path / "a.csv"), str(tmp_path / "b.json")])
    assert (posts.n, intake.counts["duplicate_id"]) == (1, 1)
    assert "conflicting_id" not in intake.counts


def test_telegram_is_recognised_by_its_messages_only() -> None:
    for head in (b'{"messages": [{"id": 1, "role": "user"}]}', b'{"name": "x", "type": "y"}'):
        assert telegram.source.sniff(head, "result.json") == 0.0
