"""Mastodon: names that hold everywhere, numbers that hold on one server, and HTML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from klieg.sources import read
from klieg.sources.markup import fits, links, plain
from klieg.tables import Intake, Posts


def taken(path: Path, *records: object) -> tuple[Posts, Intake]:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return read([str(path)])


def profile(number: str, name: str, host: str = "home.test", seen_from: str = "home.test") -> Any:
    return {
        "id": number,
        "username": name,
        "acct": name if host == seen_from else f"{name}@{host}",
        "url": f"https://{host}/@{name}",
        "created_at": "2020-01-01T00:00:00.000Z",
        "followers_count": 3,
    }


def status(number: str, content: str = "<p>hello</p>", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "uri": f"https://home.test/users/ada/statuses/{number}",
        "created_at": "2024-05-01T10:00:00.123Z",
        "visibility": "public",
        "language": "en",
        "content": content,
        "reblog": None,
        "account": profile("7", "ada"),
        "mentions": [],
        "tags": [],
        "media_attachments": [],
        "favourites_count": 2,
        **more,
    }


def test_mastodon_accounts_have_one_name_wherever_they_are_seen(tmp_path: Path) -> None:
    """The same account has another number and another ``acct`` on every server."""
    at_home = status("1", account=profile("7", "ada", "far.test", "far.test"))
    from_afar = status("2", "<p>b</p>", account=profile("999", "ada", "far.test", "home.test"))
    namesake = status("3", "<p>c</p>", account=profile("7", "ada", "other.test", "other.test"))
    posts, _ = taken(tmp_path / "a.jsonl", at_home, from_afar, namesake)
    assert sorted(posts.account_ids.to_pylist()) == ["ada@far.test", "ada@other.test"]


def test_mastodon_html_is_read_as_a_reader_sees_it(tmp_path: Path) -> None:
    content = (
        '<p>Look &lt;here&gt;:<br>now</p><p><a href="https://e.org/long" rel="nofollow">'
        '<span class="invisible">https://</span><span class="ellipsis">e.org/lo</span>'
        '<span class="invisible">ng</span></a> <a href="https://home.test/tags/day" class="mention '
        'hashtag">#<span>Day</span></a> <a href="https://home.test/@bob" class="u-url mention">@'
        "<span>bob</span></a></p><script>alert(1)</script>"
    )
    full = status(
        "1",
        content,
        spoiler_text="careful",
        tags=[{"name": "Day"}],
        mentions=[profile("8", "bob")],
        card={"url": "https://e.org/card"},
    )
    row = taken(tmp_path / "a.jsonl", full)[0].table.to_pylist()[0]
    assert row["text"] == "careful\nLook <here>:\nnow\nhttps://e.org/long #Day @bob"
    assert row["urls"] == ["https://e.org/long"]
    assert (row["hashtags"], row["mentions"]) == (["day"], ["bob@home.test"])
    assert (row["lang"], row["resolution"], row["metrics"]["likes"]) == ("en", 0, 2)


def test_mastodon_a_card_is_a_link_where_the_words_have_none(tmp_path: Path) -> None:
    row = taken(tmp_path / "a.jsonl", status("1", card={"url": "https://e.org/"}))
    assert row[0].table["urls"].to_pylist() == [["https://e.org/"]]


def test_mastodon_reblogs_repeat_the_uri(tmp_path: Path) -> None:
    original = status("9", "<p>said</p>", account=profile("8", "bob"))
    reblog = status("1", "", reblog=original)
    row = taken(tmp_path / "a.jsonl", reblog)[0].table.to_pylist()[0]
    assert (row["kind"], row["text"], row["account_id"]) == ("repost", "said", "ada@home.test")
    assert (row["repost_of"], row["repost_of_account"]) == (original["uri"], "bob@home.test")


def test_mastodon_replies_name_a_uri_or_a_number_of_their_server(tmp_path: Path) -> None:
    first = status("1", "<p>a</p>")
    known = status("2", "<p>b</p>", in_reply_to_id="1", in_reply_to_account_id="7")
    unknown = status("3", "<p>c</p>", in_reply_to_id=44, in_reply_to_account_id="99")
    by = {
        r["text"]: r
        for r in taken(tmp_path / "a.jsonl", known, unknown, first)[0].table.to_pylist()
    }
    assert (by["b"]["reply_to"], by["b"]["reply_to_account"]) == (first["uri"], "ada@home.test")
    assert (by["c"]["reply_to"], by["c"]["reply_to_account"]) == ("home.test#44", None)
    assert by["c"]["kind"] == "reply"


def test_mastodon_a_number_that_means_two_things_means_nothing(tmp_path: Path) -> None:
    here = status("1", "<p>a</p>")
    there = status(
        "1", "<p>b</p>", uri="https://b.test/1", account=profile("7", "z", "b.test", "b.test")
    )
    reply = status("2", "<p>c</p>", in_reply_to_id="1", in_reply_to_account_id="7")
    by = {
        r["text"]: r for r in taken(tmp_path / "a.jsonl", here, there, reply)[0].table.to_pylist()
    }
    assert (by["c"]["reply_to"], by["c"]["reply_to_account"]) == ("?#1", None)


def test_mastodon_quotes_are_quotes_and_no_links(tmp_path: Path) -> None:
    quoted = status("9", "<p>q</p>", url="https://home.test/@bob/9")
    content = (
        '<p class="quote-inline">RE: <a href="https://home.test/@bob/9">x</a></p><p>indeed</p>'
    )
    quote = status("1", content, quote={"state": "accepted", "quoted_status": quoted})
    row = taken(tmp_path / "a.jsonl", quote)[0].table.to_pylist()[0]
    assert (row["kind"], row["quote_of"], row["urls"]) == ("quote", quoted["uri"], [])


def test_mastodon_what_is_not_public_is_said(tmp_path: Path) -> None:
    posts, intake = taken(
        tmp_path / "a.jsonl",
        status("1", "<p>psst</p>", visibility="direct"),
        status("2", "<p>all</p>", visibility="unlisted"),
    )
    assert {r["text"]: r["kind"] for r in posts.table.to_pylist()} == {
        "psst": "message",
        "all": "post",
    }
    assert any("not public" in note for note in intake.notes)


def test_mastodon_the_stream_updates_and_deletes(tmp_path: Path) -> None:
    def update(number: str, text: str) -> dict[str, Any]:
        payload = json.dumps(status(number, text))
        return {"stream": ["public"], "event": "update", "payload": payload}

    posts, intake = taken(
        tmp_path / "a.jsonl",
        update("1", "<p>a</p>"),
        update("2", "<p>b</p>"),
        {"stream": ["public"], "event": "delete", "payload": "1"},
        {"stream": ["public"], "event": "delete", "payload": "777"},
        {"stream": ["user"], "event": "filters_changed"},
    )
    assert posts.table["text"].to_pylist() == ["b"]
    assert intake.inputs[0]["format"] == "mastodon"
    assert dict(intake.counts) == {
        "deleted": 1,
        "not_a_post_delete": 2,
        "not_a_post_event": 1,
    }


def test_mastodon_pages_of_a_search_and_of_a_thread(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"statuses": [status("1")], "accounts": [], "hashtags": []}, indent=1)
    )
    assert read([str(path)])[0].n == 1
    thread = {"ancestors": [status("1")], "descendants": [status("2", "<p>b</p>")]}
    path.write_text(json.dumps(thread, indent=1))
    assert read([str(path)])[0].n == 2


def test_mastodon_statuses_without_an_address_or_account_are_refused(tmp_path: Path) -> None:
    good = [status(str(i), f"<p>{i}</p>") for i in range(400)]
    nameless = status("x", account={"id": "9", "username": "ada"})
    placeless = {k: v for k, v in status("y").items() if k != "uri"}
    posts, intake = taken(tmp_path / "a.jsonl", *good, nameless, placeless)
    assert posts.n == 400
    assert dict(intake.rejected) == {"no_account": 1, "no_id": 1}


# --- hostile HTML --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "<div>" * 50_000,
        "<p>x" * 30_000,
        "y" * ((1 << 20) + 1),
    ],
)
def test_mastodon_endless_html_costs_its_status(tmp_path: Path, content: str) -> None:
    good = [status(str(i), f"<p>{i}</p>") for i in range(200)]
    posts, intake = taken(tmp_path / "a.jsonl", *good, status("x", content))
    assert (posts.n, dict(intake.rejected)) == (200, {"content_too_long": 1})


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<b>a", "a"),
        ("a</p></p></div>b", "a\nb"),
        ("<p>a<style>b{}</style></p>", "a"),
        ("<p onclick=x>a<img src=x onerror=alert(1)></p>", "a"),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("<p>\u202eسلام</p>", "\u202eسلام"),
        ("<p>a\ud800b</p>", "a?b"),
        ("<!--a", ""),
        ("<a b='" * 1000, ""),
    ],
)
def test_mastodon_torn_html_is_read(content: str, text: str) -> None:
    assert plain(content) == text


def test_mastodon_links_without_addresses_are_none() -> None:
    assert links("<a>x</a><a href>y</a><a href='javascript:1' class>z</a>") == [
        ("javascript:1", "")
    ]
    assert not fits("<" * 20_001)
