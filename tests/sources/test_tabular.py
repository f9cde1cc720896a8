"""Tables: columns by their names, by the user's word, and what is told about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from klieg.errors import InputError
from klieg.sources import preview, read
from klieg.tables import POSTS


def rows_of(path: Path, **more: Any) -> list[dict[str, Any]]:
    return read([str(path)], **more)[0].table.to_pylist()


def csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_tabular_columns_are_found_whatever_their_case_and_dashes(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "Tweet-ID,User Name,Created At,Full_Text,inReplyToStatusId\n"
        "11,ada,2024-05-01T10:00:00Z,hello,\n12,bob,2024-05-01T10:00:07Z,hi,11\n",
    )
    first, second = rows_of(file)
    assert (first["post_id"], first["account_id"], first["text"]) == ("11", "ada", "hello")
    assert (second["reply_to"], second["kind"], first["kind"]) == ("11", "reply", "post")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tabular_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    lines = [["id", "user", "date", "text"], ["1", "ada", "2024-05-01T10:00:00Z", "a b"]]
    file = csv(tmp_path / "a.csv", "".join(delimiter.join(x) + "\n" for x in lines))
    assert rows_of(file)[0]["text"] == "a b"


def test_tabular_byte_order_mark_and_utf16_are_read(tmp_path: Path) -> None:
    text = "id,user,date,text\n1,ada,2024-05-01T10:00:00Z,grün\n"
    for name, encoding in (("a.csv", "utf-8-sig"), ("b.csv", "utf-16")):
        (tmp_path / name).write_bytes(text.encode(encoding))
        row = rows_of(tmp_path / name)[0]
        assert (row["post_id"], row["text"]) == ("1", "grün")


def test_tabular_unnamed_index_columns_are_passed_over(tmp_path: Path) -> None:
    body = "0,7,ada,2024-05-01T10:00:00Z,hello\n1,8,bob,2024-05-01T10:00:01Z,hi\n"
    for name, header in (("a.csv", ",id,user,date,text\n"), ("b.csv", "id,user,date,text\n")):
        assert rows_of(csv(tmp_path / name, header + body))[0]["post_id"] == "7"


def test_tabular_most_complete_column_wins_and_losers_are_named(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "id,author_id,username,created_at,text\n"
        "1,,ada,2024-05-01T10:00:00Z,a\n2,77,bob,2024-05-01T10:00:01Z,b\n",
    )
    posts, intake = read([str(file)])
    assert posts.account_ids.to_pylist() == ["ada", "bob"]
    assert any("username (100.0% filled) rather than author_id (50.0%)" in n for n in intake.notes)
    shown = preview([str(file)])[0]
    assert shown["mapping"]["account_id"] == "username"
    assert len(shown["losers"]) == 1


def test_tabular_ties_go_to_ids_before_handles(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "author,author_id,created_at,text\nada,7,2024-05-01T10:00:00Z,a\n",
    )
    assert rows_of(file)[0]["account_id"] == "7"


def test_tabular_map_names_columns(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "k,who,when,what,link\n1,ada,2024-05-01T10:00:00Z,hello,u9\n")
    mapping = {"account_id": "who", "time": "when", "text": "what", "trace:link": "link"}
    row = rows_of(file, mapping=mapping)[0]
    assert (row["account_id"], row["text"]) == ("ada", "hello")
    assert row["objects"] == [{"trace": "link", "id": "u9"}]


def test_tabular_map_of_a_missing_column_says_what_there_is(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "id,user,date,text\n1,ada,2024-05-01T10:00:00Z,a\n")
    with pytest.raises(InputError, match="did you mean 'text'") as refused:
        read([str(file)], mapping={"text": "txt"})
    assert "id, user, date, text" in str(refused.value)
    with pytest.raises(InputError, match="no field 'words'"):
        read([str(file)], mapping={"words": "text"})


def test_tabular_columns_that_say_nothing_end_in_a_sentence_that_helps(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "a,b,c\n1,2,3\n")
    with pytest.raises(InputError) as refused:
        read([str(file)])
    assert refused.value.exit_code == 3
    assert "a, b, c" in str(refused.value)
    assert "--map account_id=COLUMN" in str(refused.value)


def test_tabular_date_and_hour_columns_are_joined(tmp_path: Path) -> None:
    for name, header, clock, tick in (
        ("a.csv", "hour", "13", 3600),
        ("b.csv", "time", "13:45:10", 1),
    ):
        file = csv(tmp_path / name, f"user,date,{header},text\nada,2024-05-01,{clock},a\n")
        row = rows_of(file)[0]
        assert row["time"].isoformat()[:13] == "2024-05-01T13"
        assert row["resolution"] == tick


def test_tabular_crawl_stamps_give_way_to_the_times_of_posts(tmp_path: Path) -> None:
    body = "".join(
        f"ada,2024-05-01T10:{i // 60:02}:{i % 60:02}Z,2024-06-01T00:00:00Z,text {i}\n"
        for i in range(120)
    )
    file = csv(tmp_path / "a.csv", "user,published_at,created_at,text\n" + body)
    posts, intake = read([str(file)])
    assert posts.table["time"][0].as_py().month == 5
    assert any("not the times of posts" in note for note in intake.notes)


def test_tabular_a_table_with_crawl_stamps_only_is_refused(tmp_path: Path) -> None:
    body = "".join(f"ada,2024-06-01T00:00:00Z,text {i}\n" for i in range(120))
    file = csv(tmp_path / "a.csv", "user,created_at,text\n" + body)
    with pytest.raises(InputError, match="'created_at': most rows share one time"):
        read([str(file)])
    assert len(rows_of(file, mapping={"time": "created_at"})) == 120


def test_tabular_empty_strings_and_na_are_null_but_never_in_texts(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "id,user,date,text,reply_to,lang\n1,ada,2024-05-01T10:00:00Z,NA,NA,\n"
        "2,ada,2024-05-01T10:00:07Z,so,1,en\n",
    )
    row = rows_of(file)[0]
    assert (row["text"], row["reply_to"], row["lang"], row["kind"]) == ("NA", None, None, "post")


def test_tabular_ids_stay_strings_and_floats_are_not_ids(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "id,user,date,text\n"
        "1198490071219032064,ada,2024-05-01T10:00:00Z,exact\n"
        "1.19849007121903E+18,ada,2024-05-01T10:01:00Z,lost\n"
        '"1,60932880042844E+018",ada,2024-05-01T10:02:00Z,lost too\n'
        "123.0,ada,2024-05-01T10:03:00Z,whole\n"
        ",ada,2024-05-01T10:04:00Z,none\n",
    )
    posts, intake = read([str(file)])
    assert posts.table["post_id"].to_pylist() == [
        "1198490071219032064",
        "row:a.csv:2",
        "row:a.csv:3",
        "123",
        "row:a.csv:5",
    ]
    assert intake.counts["row_id"] == 3


def test_tabular_ready_made_objects(tmp_path: Path) -> None:
    table = pa.table(
        {
            "account_id": ["a", "b"],
            "post_id": [1, 2],
            "timestamp": [1629589836.0, 1629589840.0],
            "url_id": pa.array([5, None], pa.int64()),
            "hashtag_id": pa.array([None, 9.0], pa.float64()),
            "domain_id": ["d", "e"],
            "phash_id": pa.nulls(2, pa.int64()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    first, second = rows_of(tmp_path / "a.parquet")
    assert first["objects"] == [{"trace": "domain", "id": "d"}, {"trace": "link", "id": "5"}]
    assert second["objects"] == [{"trace": "domain", "id": "e"}, {"trace": "hashtags", "id": "9"}]


def test_tabular_lists_in_every_dress(tmp_path: Path) -> None:
    dresses = ["['Vote', '#Now']", '["Vote","Now"]', "[Vote, Now]", "vote now", "#vote|#now"]
    body = "".join(
        f'{i},ada,{1714557600 + i * 90},t{i},"{d.replace(chr(34), chr(34) * 2)}"\n'
        for i, d in enumerate(dresses)
    )
    file = csv(
        tmp_path / "a.csv", "id,user,time,text,hashtags\n" + body + "9,ada,1714559000,t,[]\n"
    )
    assert [r["hashtags"] for r in rows_of(file)] == [["vote", "now"]] * 5 + [[]]


def test_tabular_commas_inside_addresses_stay(tmp_path: Path) -> None:
    urls = "['https://e.org/a,b?x=[1]', 'https://e.org/c']"
    file = csv(tmp_path / "a.csv", f'user,time,text,urls\nada,1714557600,t,"{urls}"\n')
    assert rows_of(file)[0]["urls"] == ["https://e.org/a,b?x=[1]", "https://e.org/c"]


def test_tabular_kinds_from_flags_words_and_the_rt_convention(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "id,user,time,text,is_retweet,post_type\n"
        "1,ada,1714557600,plain,False,original\n"
        "2,ada,1714557700,shared,True,original\n"
        "3,ada,1714557800,RT @bob: by hand,False,original\n"
        "4,ada,1714557900,answer,False,reply\n",
    )
    assert [r["kind"] for r in rows_of(file)] == ["post", "repost", "repost", "reply"]


def test_tabular_language_names_become_codes(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "user,time,text,language\nada,1714557600,a,Russian\nada,1714557700,b,en-GB\n"
        "ada,1714557800,c,und\nada,1714557900,d,Farsi (Persian)\n",
    )
    assert [r["lang"] for r in rows_of(file)] == ["ru", "en", None, "fa"]


def test_tabular_nested_json_and_wrapped_json(tmp_path: Path) -> None:
    nested = {
        "id": "5",
        "created_at": "2024-05-01T10:00:00Z",
        "content": "hi",
        "account": {"id": "7", "acct": "ada", "followers_count": 3},
        "tags": [{"name": "Day", "url": "https://x"}],
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(nested) + "\n")
    row = rows_of(tmp_path / "a.jsonl", format="tabular")[0]
    assert (row["account_id"], row["account"]["followers"], row["hashtags"]) == ("7", 3, ["day"])
    wrapped = {"kind": "t1", "data": {"id": "c1", "author": "bob", "created_utc": 1, "body": "yo"}}
    (tmp_path / "b.jsonl").write_text(json.dumps(wrapped) + "\n")
    row = rows_of(tmp_path / "b.jsonl", format="tabular")[0]
    assert (row["account_id"], row["text"], row["kind"]) == ("bob", "yo", "post")


def test_tabular_one_document_holding_a_list_of_posts(tmp_path: Path) -> None:
    items = [
        {"id": str(i), "user": "ada", "time": 1714557600 + i, "text": f"t{i}"} for i in range(3)
    ]
    (tmp_path / "a.json").write_text(json.dumps(items, indent=2))
    (tmp_path / "b.json").write_text(json.dumps({"meta": {"n": 3}, "posts": items}, indent=2))
    assert len(rows_of(tmp_path / "a.json")) == 3
    assert len(rows_of(tmp_path / "b.json")) == 3


def test_tabular_parquet_keeps_types_and_flattens_structs(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": [1198490071219032064],
            "created_at": pa.array([1714557600000], pa.timestamp("ms", "UTC")),
            "text": ["hello"],
            "user": [{"id": "7", "screen_name": "ada"}],
            "hashtags": [["A", "B"]],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    row = rows_of(tmp_path / "a.parquet")[0]
    assert (row["post_id"], row["account_id"]) == ("1198490071219032064", "7")
    assert row["hashtags"] == ["a", "b"]


def test_tabular_result_has_the_shared_schema(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "user,time,text\nada,1714557600,a\n")
    posts, _ = read([str(file)])
    assert posts.table.schema.equals(POSTS)


def test_tabular_collection_column_separates_collections(tmp_path: Path) -> None:
    with_client = "id,user,time,text,client,source\n1,ada,1714557600,a,web,airline\n"
    without = "id,user,time,text,source\n1,ada,1714557600,a,web\n"
    row = rows_of(csv(tmp_path / "a.csv", with_client))[0]
    assert (row["client"], row["collection"]) == ("web", "airline")
    row = rows_of(csv(tmp_path / "b.csv", without))[0]
    assert (row["client"], row["collection"]) == ("web", None)
