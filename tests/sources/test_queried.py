"""The fast and the tolerant path of X v1.1 and Jetstream give the same posts, or the fast one says
that it gave up: over hand-made records, damaged ones and the real files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.sources import duck, open_input
from klieg.sources.desk import Desk
from klieg.sources.platforms import jetstream, x_v1
from klieg.tables import Reject

USER = {
    "id": 7,
    "id_str": "7",
    "screen_name": "ada",
    "name": "Ada",
    "created_at": "Sat Oct 18 22:39:40 +0000 2014",
    "followers_count": 3,
    "friends_count": -1,
    "verified": True,
}
LINKS = {
    "urls": [
        {"url": "t.co/1", "expanded_url": "https://e.org/1", "unwound": {"url": "https://f.org/"}},
        {"url": "t.co/2", "expanded_url": "https://twitter.com/x/status/3?s=20"},
        {"url": "https://t.co/3"},
    ],
    "hashtags": [{"text": "Day"}],
    "user_mentions": [{"screen_name": "bob"}],
    "media": [
        {"type": "photo", "media_url": "http://p.org/1", "media_url_https": "https://p.org/1"}
    ],
}


def status(number: int, text: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "created_at": "Wed May 01 10:00:00 +0000 2024",
        "id": number,
        "id_str": str(number),
        "text": text,
        "lang": "en",
        "source": '<a href="http://x.com">Web &amp; more</a>',
        "user": USER,
        "favorite_count": 2,
        "retweet_count": None,
        **more,
    }


LONG = {"full_text": "the whole text", "entities": LINKS, "extended_entities": {"media": []}}
STATUSES: list[Any] = [
    status(1, entities=LINKS),
    status(2, "RT @b: cut", retweeted_status=status(3, "cut", extended_tweet=LONG)),
    status(4, in_reply_to_status_id_str="3", in_reply_to_user_id=9, entities={"urls": []}),
    status(5, "see", quoted_status_id=3, quoted_status=status(3), entities=LINKS),
    status(6, "RT", retweeted_status=status(5, quoted_status_id_str="3", entities=LINKS)),
    status(7, "", full_text="full", extended_entities={"media": LINKS["media"]}, entities=LINKS),
    status(8, source="", lang=None, user={"id": 9007199254740993}),
    status(9, created_at=None),
    {"delete": {"status": {"id_str": "77", "id": 77, "user_id_str": "7"}}},
]
A = "did:plc:a"
TO = "at://did:plc:b/app.bsky.feed.post/3z"


def frame(rkey: str, record: Any = None, *, kind: str = "post", operation: str = "create") -> Any:
    commit = {"operation": operation, "collection": f"app.bsky.feed.{kind}", "rkey": rkey}
    if record is not None:
        commit["record"] = record
    return {"did": A, "time_us": 1714557600000123, "kind": "commit", "commit": commit}


PICTURE = {"image": {"ref": {"$link": "bafy1"}, "mimeType": "image/jpeg"}}
FACETS = [
    {"features": [{"uri": "https://e.org/1"}, {"tag": "Vote"}]},
    {"features": [{"did": "did:plc:z"}, {"uri": "https://e.org/2"}]},
]
CARD = {"external": {"uri": "https://e.org/2"}}
FRAMES: list[Any] = [
    frame("1", {"text": "hello", "langs": ["de-AT", "en"], "tags": ["More"], "facets": FACETS}),
    frame("2", {"subject": {"uri": TO}}, kind="repost"),
    frame("3", {"text": "re", "reply": {"parent": {"uri": TO}, "root": {"uri": TO}}}),
    frame("4", {"text": "q", "embed": {"record": {"uri": TO}}}),
    frame("5", {"text": "qm", "embed": {"record": {"record": {"uri": TO}}, "media": CARD}}),
    frame("6", {"text": "card", "facets": FACETS, "embed": CARD}),
    frame("7", {"text": "card", "embed": {"external": {"uri": "https://e.org/3"}}}),
    frame("8", {"text": "", "embed": {"images": [PICTURE, {"image": {"cid": "old"}}]}}),
    frame("9", {"text": "film", "embed": {"video": {"ref": {"$link": "bafy2"}}}}),
    frame("10", {"text": '"quoted" {"a": 1} \n ü'}),
    frame("11", operation="delete"),
    frame("12", {"subject": "did:plc:z"}, kind="like"),
    frame("13", {"subject": {"uri": "https://no.at"}}, kind="repost"),
    {"did": A, "time_us": 1, "kind": "identity", "identity": {}},
    {"did": "did:plc:q", "time_us": 2, "kind": "account", "account": {"status": "deleted"}},
]


def taken(module: Any, path: Path) -> tuple[list[Any], Any, Desk]:
    rejects: list[Reject] = []
    desk = Desk("a.jsonl", rejects.append)
    batches = list(module.source.read(open_input(str(path)), {}, desk))
    rows = [row for batch in (*batches, *desk.acts) for row in batch.to_pylist()]
    assert desk.rows == len(rows) + len(rejects) + sum(desk.skipped.values())
    told = Counter((r.line, r.column, r.value, r.reason) for r in rejects)
    return rows, (told, desk.skipped, desk.deleted, desk.closed, desk.rows), desk


def both(module: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the fast path took the file; asserts that it changed nothing."""
    monkeypatch.setattr(duck, "LARGE", 1 << 60)
    slow, slow_told, _ = taken(module, path)
    monkeypatch.setattr(duck, "LARGE", 1)
    fast, fast_told, desk = taken(module, path)
    assert fast == slow
    assert fast_told == slow_told
    return not any("gave up" in note for note in desk.notes)


def written(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


@pytest.mark.parametrize(("module", "records"), [(x_v1, STATUSES), (jetstream, FRAMES)])
def test_queried_both_paths_give_the_same_posts(
    module: Any, records: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert both(module, written(tmp_path / "a.jsonl", records), monkeypatch)
    for i, record in enumerate(records):
        assert both(module, written(tmp_path / f"{i}.jsonl", [record] * 3), monkeypatch)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (x_v1, "twitter_v1.1/clef2020_covid_extended.jsonl"),
        (x_v1, "twitter_v1.1/rumoureval_thread.jsonl"),
        (x_v1, "twitter_v1.1/tweet_updates_samples.jsonl"),
        (x_v1, "twitter_gnip/original_format_examples.json"),
        (jetstream, "bluesky_jetstream/expected_v1.jsonl"),
    ],
)
def test_queried_both_paths_agree_on_real_files(
    module: Any, name: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert both(module, data / "payloads" / name, monkeypatch)


@pytest.mark.parametrize(
    ("module", "record"),
    [
        (x_v1, {"statuses": [status(1)]}),
        (x_v1, status(1, text=7)),
        (x_v1, status(1, full_text={"a": 1})),
        (x_v1, status(1, created_at="2024-05-01T10:00:00Z")),
        (x_v1, status(1, user={"id_str": {"a": 1}})),
        (x_v1, status(1, entities=[])),
        (x_v1, status(1, in_reply_to_user_id="x")),
        (x_v1, status(1, quoted_status_id=3, quoted_status={"id": 3, "id_str": {}})),
        (x_v1, status(1, entities={"hashtags": [{"text": {"a": 1}}]})),
        (x_v1, status(1, user={"screen_name": "nobody"})),
        (x_v1, {"delete": {"status": {"id_str": {"a": 1}}}}),
        (x_v1, {"limit": {"track": 9}}),
        (x_v1, {"screen_name": "ada"}),
        (jetstream, {"payload": frame("1", {"text": "x"})}),
        (jetstream, frame("1", {"text": 7})),
        (jetstream, frame("1", {"text": ["x"]})),
        (jetstream, frame("1", {"text": "x", "facets": [7]})),
        (jetstream, frame("1", {"subject": 7}, kind="repost")),
        (jetstream, frame("1", {"subject": "did:plc:z"}, kind="repost")),
        (jetstream, frame("1", {"text": "x", "tags": [{"a": 1}]})),
        (jetstream, frame("1", {"text": "x", "langs": ["en", {}]})),
        (jetstream, frame("1", {"text": "x", "embed": {"images": [{"image": {"cid": {}}}]}})),
        (jetstream, frame("1")),
        (jetstream, frame("1", {"text": "old"}) | {"time_us": 7}),
        (jetstream, frame("", {"text": "x"})),
        (jetstream, frame("1", {"text": "x"}) | {"did": {"a": 1}}),
        (jetstream, {"a": 1}),
    ],
)
def test_queried_what_the_query_does_not_take_is_left_to_the_other_path(
    module: Any, record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = STATUSES if module is x_v1 else FRAMES
    assert not both(module, written(tmp_path / "a.jsonl", [*good, record]), monkeypatch)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in [(*path, k), *leaves(v, (*path, k))]]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in [(*path, i), *leaves(v, (*path, i))]]
    return []


# (but a number where a word should be: the query takes it for a word)
ODD = st.sampled_from([None, "", "x", "ü", {}, {"a": 1}, [], [None], ["x"], [{}]])


@settings(max_examples=80)
@given(st.data())
def test_queried_both_paths_agree_whatever_a_field_holds(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    module, records = data.draw(st.sampled_from([(x_v1, STATUSES), (jetstream, FRAMES)]))
    record = json.loads(json.dumps(data.draw(st.sampled_from(records))))
    path = data.draw(st.sampled_from(leaves(record)))
    holder: Any = record
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = data.draw(ODD)
    file = written(tmp_path_factory.mktemp("odd") / "a.jsonl", [records[0], record])
    with pytest.MonkeyPatch.context() as patch:
        both(module, file, patch)
