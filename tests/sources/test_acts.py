"""Acts beside posts: one numbering of accounts, each act once, what was taken back is gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.errors import InputError
from klieg.sources import assemble, duck, preview, read
from klieg.sources.acts import REMOVED, beside, conform
from klieg.sources.acts_table import named
from klieg.sources.desk import Desk
from klieg.sources.loading import pack, read_one, unpack
from klieg.tables import ACTS, POSTS, Posts

START = datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp()


def act(who: str, what: str, seconds: float, kind: str = "like", **more: Any) -> dict[str, Any]:
    moment = datetime.fromtimestamp(START + seconds, UTC)
    return {
        "platform": "x",
        "account_id": who,
        "act": kind,
        "object_id": what,
        "time": moment,
        **more,
    }


def acts(*rows: dict[str, Any]) -> pa.Table:
    return conform(pa.Table.from_pylist(list(rows), ACTS))


def posts(*rows: tuple[str, float]) -> Posts:
    table = [
        {
            "platform": "x",
            "post_id": f"p{i}",
            "account_id": who,
            "time": datetime.fromtimestamp(START + seconds, UTC),
        }
        for i, (who, seconds) in enumerate(rows)
    ]
    return assemble([pa.Table.from_pylist(table, POSTS)])[0]


def told(made: Posts) -> list[tuple[str, str, str]]:
    assert made.acts is not None
    names = made.account_ids.to_pylist()
    rows = made.acts.table.to_pylist()
    assert [names[a] for a in made.acts.account] == [r["account_id"] for r in rows]
    assert (np.diff(made.acts.time) >= 0).all()
    return [(r["account_id"], r["act"], r["object_id"]) for r in rows]


def test_acts_accounts_are_the_posts_own_and_new_ones_stand_behind() -> None:
    made, counts = beside(
        posts(("ada", 0), ("bob", 5)),
        [acts(act("cyd", "p0", 9), act("bob", "p0", 3), act("cyd", "p1", 20), act("dan", "p0", 1))],
    )
    assert made.account_ids.to_pylist() == ["ada", "bob", "dan", "cyd"]
    assert made.n == 2 and made.n_acts == 4 and made.n_accounts == 4
    assert [a for a, _, _ in told(made)] == ["dan", "bob", "cyd", "cyd"]
    assert counts == {"act_like": 4}


def test_acts_the_same_name_on_two_platforms_is_two_accounts() -> None:
    made, _ = beside(
        posts(("ada", 0)), [acts(act("ada", "p0", 1), act("ada", "p0", 2, platform="bluesky"))]
    )
    assert made.acts is not None
    assert made.acts.account.tolist() == [0, 1]
    assert made.account_platforms.to_pylist() == ["x", "bluesky"]


def test_acts_of_no_platform_are_on_that_of_the_posts() -> None:
    made, counts = beside(posts(("ada", 0)), [acts(act("ada", "p0", 1, platform="unknown"))])
    assert (made.n_accounts, counts["platform_taken_from_posts"]) == (1, 1)
    both = assemble(
        [
            pa.Table.from_pylist(
                [
                    {
                        "platform": p,
                        "post_id": p,
                        "account_id": "ada",
                        "time": act("", "", 0)["time"],
                    }
                    for p in ("x", "bluesky")
                ],
                POSTS,
            )
        ]
    )[0]
    made, counts = beside(both, [acts(act("ada", "p0", 1, platform="unknown"))])
    assert made.n_accounts == 3 and "platform_taken_from_posts" not in counts


def test_acts_each_counts_once() -> None:
    same = act("ada", "p0", 1)
    made, counts = beside(
        posts(),
        [
            acts(same, same, act("ada", "p0", 2)),
            acts(same, act("ada", "p0", 1, "follow"), act("ada", "p0", 1, value="up")),
        ],
    )
    assert len(told(made)) == 4
    assert counts == {"act_like": 3, "act_follow": 1, "duplicate_act": 2}


def test_acts_of_one_address_are_one_whatever_their_time() -> None:
    one, two = act("ada", "p0", 1, act_id="l1"), act("ada", "p0", 7, act_id="l1")
    made, counts = beside(posts(), [acts(two, one, act("bob", "p0", 9, act_id="l2"))])
    assert made.acts is not None
    assert made.acts.table["time"].to_pylist()[0] == one["time"]
    assert counts == {"act_like": 2, "duplicate_act": 1}


def test_acts_taken_back_are_gone_and_later_ones_stay() -> None:
    rows = acts(
        act("ada", "p0", 1),
        act("ada", "p0", 5, "unlike"),
        act("ada", "p0", 9),
        act("bob", "p0", 1),
        act("ada", "p1", 1),
        act("ada", "p0", 1, "vote"),
    )
    made, counts = beside(posts(), [rows])
    assert sorted(told(made)) == [
        ("ada", "like", "p0"),
        ("ada", "like", "p1"),
        ("ada", "vote", "p0"),
        ("bob", "like", "p0"),
    ]
    assert counts == {"act_like": 3, "act_vote": 1, "withdrawal": 1, "withdrawn_act": 1}


def test_acts_deleted_by_address_and_those_of_closed_accounts_are_gone() -> None:
    rows = acts(act("ada", "p0", 1, act_id="l1"), act("bob", "p0", 2), act("cyd", "p0", 3))
    made, counts = beside(
        posts(), [rows], deleted=[("x", "l1"), ("y", "l2")], closed=[("x", "bob")]
    )
    assert told(made) == [("cyd", "like", "p0")]
    assert counts == {"act_like": 1, "withdrawn_act": 2}


def test_acts_counts_name_the_commonest_kinds() -> None:
    rows = [act("ada", "p0", i, f"kind{i % 40:02}") for i in range(100)]
    _, counts = beside(posts(), [acts(*rows)])
    assert len(counts) == 21 and counts["act_of_other_kinds"] == 40
    assert sum(counts.values()) == 100


EVENT = st.tuples(
    st.integers(0, 4),
    st.sampled_from(["like", "vote", "unlike"]),
    st.integers(0, 2),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENT, max_size=30), st.randoms(use_true_random=False), st.integers(1, 4))
def test_acts_order_and_split_change_nothing(
    events: list[tuple[int, str, int, int]], shuffled: Any, parts: int
) -> None:
    rows = [
        act(f"a{who}", f"p{what}", at, kind, source_file="f", source_row=i)
        for i, (who, kind, what, at) in enumerate(events)
    ]
    plain, counts = beside(posts(("a3", 1)), [acts(*rows)])
    shuffled.shuffle(rows)
    cut = [acts(*rows[i::parts]) for i in range(parts)]
    other, again = beside(posts(("a3", 1)), cut)
    assert counts == again
    assert sum(counts.values()) == len(rows)
    if plain.acts is None:
        assert other.acts is None
        return
    assert other.acts is not None
    assert plain.account_ids.equals(other.account_ids)
    assert np.array_equal(plain.acts.account, other.acts.account)
    same = [n for n in ACTS.names if n not in {"source_file", "source_row"}]
    assert plain.acts.table.select(same).equals(other.acts.table.select(same))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=20))
def test_acts_names_of_accounts_change_nothing(events: list[tuple[int, int]]) -> None:
    def made(name: str) -> Posts:
        rows = [act(name.format(9 - who), f"p{what}", i) for i, (who, what) in enumerate(events)]
        return beside(posts((name.format(8), 0)), [acts(*rows)])[0]

    one, two = made("a{}"), made("{}z")
    assert one.acts is not None and two.acts is not None
    assert np.array_equal(one.acts.account, two.acts.account)


# --- tables --------------------------------------------------------------------------------------


def write(path: Path, content: str) -> str:
    path.write_text(content)
    return str(path)


def test_acts_table_of_any_names_is_known_by_its_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "user_id,action,target_id,timestamp,score\n"
        "7,Liked,p1,2024-05-01T10:00:00Z,\n"
        "8,downvote,p1,2024-05-01T10:00:07Z,\n"
        "9,rate,n1,2024-05-01T10:01:07Z,HELPFUL\n"
        "7,Super-Like,p2,2024-05-01T10:02:00Z,\n",
    )
    made, intake = read([path])
    assert made.acts is not None
    rows = made.acts.table.to_pylist()
    assert [(r["act"], r["value"]) for r in rows] == [
        ("like", None),
        ("vote", "down"),
        ("rating", "HELPFUL"),
        ("super_like", None),
    ]
    assert intake.inputs[0]["format"] == "acts"
    assert intake.inputs[0]["mapping"]["object_id"] == "target_id"
    assert (intake.rows, intake.posts, made.n_acts) == (4, 0, 4)


def test_acts_table_says_by_its_column_what_was_done(tmp_path: Path) -> None:
    path = write(
        tmp_path / "l.csv", "user_id,liked_post_id,liked_at\n7,p1,1714557600\n8,p1,1714557601\n"
    )
    made, intake = read([path])
    assert dict(intake.counts) == {"act_like": 2}
    path = write(tmp_path / "m.csv", "who,what,when\n7,p1,1714557600\n8,p1,1714557601\n")
    mapping = {"account_id": "who", "object_id:report": "what", "time": "when"}
    made, intake = read([path], format="acts", mapping=mapping)
    assert dict(intake.counts) == {"act_report": 2}
    assert made.account_ids.to_pylist() == ["7", "8"]


def test_acts_table_bad_rows_are_quarantined(tmp_path: Path) -> None:
    good = "".join(f"u{i},like,p{i % 3},{1714557600 + i}\n" for i in range(20))
    path = write(
        tmp_path / "a.csv",
        "account_id,act,object_id,time\n" + good + ",like,p1,1714557600\nu1,,p1,1714557600\n"
        "u2,like,,1714557600\nu3,like,p1,never\n",
    )
    made, intake = read([path], max_bad=0.5, quarantine=tmp_path / "q.jsonl")
    assert made.n_acts == 20
    assert dict(intake.rejected) == {
        "no_account": 1,
        "no_act": 1,
        "no_object": 1,
        "no_readable_time": 1,
    }
    assert len((tmp_path / "q.jsonl").read_text().splitlines()) == 4


def test_acts_table_without_a_time_or_with_a_crawls_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "account_id,act,object_id\nada,like,p1\n")
    with pytest.raises(InputError, match="no column for time"):
        read([path], format="acts")
    rows = "".join(f"u{i},like,p1,1714557600\n" for i in range(200))
    path = write(tmp_path / "b.csv", "account_id,act,object_id,time\n" + rows)
    with pytest.raises(InputError, match="stamp of a crawl"):
        read([path])
    made, _ = read([path], mapping={"time": "time"})
    assert made.n_acts == 200


def test_acts_table_a_name_that_is_none_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "account_id,act,object_id,time\nada,like,p1,1714557600\n")
    with pytest.raises(InputError, match="did you mean 'object_id'"):
        read([path], mapping={"object_id": "objectid"})
    with pytest.raises(InputError, match="acts have no field 'text'"):
        read([path], mapping={"text": "act"}, format="acts")


def test_acts_table_with_words_of_its_own_is_a_table_of_posts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.csv", "user_id,action,post_id,created_at,text\n7,post,1,1714557600,hello\n"
    )
    made, intake = read([path])
    assert (made.n, made.n_acts, intake.inputs[0]["format"]) == (1, 0, "tabular")


def test_acts_table_is_shown_by_a_dry_run(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "account_id,act,object_id,time\nada,like,p1,1714557600\n")
    (shown,) = preview([path])
    assert (shown["format"], shown["acts"], shown["looked_at"]) == ("acts", 1, 1)
    assert shown["rows"][0]["object_id"] == "p1"


def test_acts_of_a_frame_take_any_known_names() -> None:
    frame = pa.table({"user": ["a", "b"], "reaction": ["like", "heart"], "post_id": ["1", "1"]})
    frame = frame.append_column("time", pa.array([1714557600, 1714557601]))
    table = named(frame)
    assert table.schema.equals(ACTS)
    assert table["act"].to_pylist() == ["like", "like"]
    with pytest.raises(InputError, match="no_account in row 1"):
        named(frame.set_column(0, "user", pa.array([None, "b"])))


# --- Jetstream -----------------------------------------------------------------------------------


def frame(did: str, rkey: str, second: int, operation: str = "create", **record: Any) -> str:
    collection = record.pop("collection", "app.bsky.feed.like")
    commit: dict[str, Any] = {"operation": operation, "collection": collection, "rkey": rkey}
    if operation == "create":
        commit["record"] = record
    stamp = 1714557600000000 + second * 1_000_000
    return json.dumps({"did": did, "time_us": stamp, "kind": "commit", "commit": commit})


POST = "at://did:plc:a/app.bsky.feed.post/3k"
LIKES = "\n".join(
    [
        frame("did:plc:b", "1", 1, subject={"uri": POST}),
        frame("did:plc:c", "1", 2, subject={"uri": POST}),
        frame("did:plc:b", "2", 3, collection="app.bsky.graph.follow", subject="did:plc:a"),
        frame("did:plc:c", "1", 4, "delete"),
        frame("did:plc:d", "9", 5, "delete", collection="app.bsky.graph.block"),
        frame("did:plc:a", "3k", 0, collection="app.bsky.feed.post", text="hello"),
        "",
    ]
)


@pytest.mark.parametrize("fast", [False, True])
def test_acts_of_jetstream_and_their_deletions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(duck, "LARGE", 0 if fast else 1 << 40)
    made, intake = read([write(tmp_path / "j.jsonl", LIKES)])
    assert not intake.notes
    assert dict(intake.counts) == {
        "act_follow": 1,
        "act_like": 1,
        "not_a_post_delete": 2,
        "withdrawn_act": 1,
    }
    assert told(made) == [("did:plc:b", "like", POST), ("did:plc:b", "follow", "did:plc:a")]
    assert made.acts is not None
    assert made.acts.table["object_account"].to_pylist() == ["did:plc:a", "did:plc:a"]
    assert made.account_ids.to_pylist() == ["did:plc:a", "did:plc:b"]


def test_acts_of_jetstream_bad_ones_cost_themselves(tmp_path: Path) -> None:
    odd = [
        frame("did:plc:b", "1", 1),
        frame("did:plc:b", "2", 1, subject=7),
        frame("did:plc:b", "3", 1, subject={"uri": ""}),
    ]
    path = write(tmp_path / "j.jsonl", LIKES + "\n".join(odd) + "\n")
    made, intake = read([path], max_bad=0.9)
    assert made.n_acts == 2
    assert sum(intake.rejected.values()) == 3


def test_acts_travel_with_what_a_worker_read(tmp_path: Path) -> None:
    path = write(tmp_path / "j.jsonl", LIKES)
    here = read_one(path, None, {}, lambda r: None)
    away = unpack(pack(read_one(path, None, {}, lambda r: None), []), lambda r: None)
    assert here.desk.n_acts == away.desk.n_acts == 3
    assert pa.Table.from_batches(here.desk.acts).equals(pa.Table.from_batches(away.desk.acts))
    assert here.tables[0].equals(away.tables[0])
    assert isinstance(away.desk, Desk)


def test_acts_and_posts_of_several_files_meet(tmp_path: Path) -> None:
    first = write(
        tmp_path / "p.csv", "id,user,created_at,text\np1,ada,1714557600,hi\np2,bob,1714557601,ho\n"
    )
    second = write(
        tmp_path / "l.csv",
        "platform,account_id,act,object_id,time\nunknown,bob,like,p1,1714557700\n",
    )
    made, intake = read([second, first])
    assert (made.n, made.n_acts, made.n_accounts) == (2, 1, 2)
    assert {str(i["format"]) for i in intake.inputs} == {"acts", "tabular"}
    assert intake.rows == 3
    assert not set(REMOVED) & set(intake.counts)


# --- Mastodon ------------------------------------------------------------------------------------

ADA = {"id": "7", "username": "ada", "acct": "ada", "url": "https://m.test/@ada"}
CYD = {"id": "9", "username": "cyd", "acct": "cyd@far.test", "url": "https://far.test/@cyd"}
STATUS = {
    "id": "3",
    "uri": "https://m.test/users/ada/statuses/3",
    "created_at": "2024-05-01T10:00:00Z",
    "visibility": "public",
    "content": "<p>hello</p>",
    "reblog": None,
    "account": ADA,
}


def notice(kind: str, number: int, **more: Any) -> dict[str, Any]:
    moment = f"2024-05-01T10:00:{number:02}Z"
    return {"id": str(number), "type": kind, "created_at": moment, "account": CYD, **more}


def test_acts_of_mastodon_are_favourites_in_notifications(tmp_path: Path) -> None:
    lines = [
        notice("favourite", 1, status=STATUS),
        notice("follow", 2),
        notice("reblog", 3, status=STATUS),
        notice("favourite", 4, status={**STATUS, "uri": None}),
    ]
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    made, intake = read([write(tmp_path / "n.jsonl", text)], max_bad=0.5)
    assert intake.inputs[0]["format"] == "mastodon"
    assert told(made) == [("cyd@far.test", "like", STATUS["uri"])]
    assert made.acts is not None
    assert made.acts.table["object_account"].to_pylist() == ["ada@m.test"]
    assert dict(intake.rejected) == {"no_object": 1}
    assert dict(intake.counts) == {
        "act_like": 1,
        "not_a_post_notification_follow": 1,
        "not_a_post_notification_reblog": 1,
    }


def test_acts_of_mastodon_stand_beside_statuses_in_a_stream(tmp_path: Path) -> None:
    lines = [
        {"stream": ["user"], "event": "update", "payload": json.dumps(STATUS)},
        {
            "stream": ["user"],
            "event": "notification",
            "payload": json.dumps(notice("favourite", 5, status=STATUS)),
        },
    ]
    text = "\n".join(json.dumps(line) for line in lines) + "\n"
    made, _ = read([write(tmp_path / "s.jsonl", text)])
    assert (made.n, made.n_acts) == (1, 1)
    assert made.acts is not None
    assert made.acts.table["object_id"][0].as_py() == made.table["post_id"][0].as_py()
