"""Tables that tools and platforms export: what each header's columns become, and its traps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from klieg.errors import InputError
from klieg.sources import preview, read
from klieg.tables import Intake


def rows_of(
    path: Path, text: str, format_: str, **more: Any
) -> tuple[list[dict[str, Any]], Intake]:
    """The posts of a file as rows, in canonical order, read by the format that must know it."""
    path.write_text(text, encoding="utf-8")
    posts, intake = read([str(path)], **more)
    assert intake.inputs[0]["format"] == format_
    return posts.table.to_pylist(), intake


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


# --- CrowdTangle ---------------------------------------------------------------------------------

PAGES = (
    "Page Name,User Name,Facebook Id,Page Created,Followers at Posting,Post Created,Type,Likes,"
    "Comments,Shares,Post Views,URL,Message,Link,Final Link\n"
)


def page(link: str, final: str = "", *, when: str = "2024-05-01 10:00:00 EDT") -> str:
    return (
        f'Hill Times,hilltimes,200,2010-01-01 00:00:00,"5,200",{when},Link,7,1,2,90,'
        f"https://www.facebook.com/200/posts/1,Hello,{link},{final}\n"
    )


def test_exports_crowdtangle_pages(tmp_path: Path) -> None:
    text = PAGES + page("https://short.example/a", "https://news.example/long")
    (row,), intake = rows_of(tmp_path / "a.csv", text, "crowdtangle")
    assert (row["platform"], row["account_id"], row["text"]) == ("facebook", "200", "Hello")
    assert row["time"] == utc(2024, 5, 1, 14)  # four hours behind
    assert row["urls"] == ["https://news.example/long"]
    assert row["metrics"] == {"likes": 7, "reposts": 2, "replies": 1, "views": 90}
    account = row["account"]
    assert (account["handle"], account["name"]) == ("hilltimes", "Hill Times")
    assert (account["followers"], account["created_at"]) == (5200, utc(2010, 1, 1))
    assert not intake.notes


@pytest.mark.parametrize(
    "link",
    [
        "https://www.facebook.com/200/posts/1",  # the post itself
        "https://www.facebook.com/hilltimes/photos/a.1/2",
        "https://m.facebook.com/HillTimes/videos/3",
        "https://www.facebook.com/photo.php?fbid=4",
    ],
)
def test_exports_crowdtangle_own_pictures_are_no_links(tmp_path: Path, link: str) -> None:
    (row,), _ = rows_of(tmp_path / "a.csv", PAGES + page(link), "crowdtangle")
    assert not row["urls"]


def test_exports_crowdtangle_another_pages_film_is_a_link(tmp_path: Path) -> None:
    link = "https://www.facebook.com/rivernews/videos/3"
    (row,), _ = rows_of(tmp_path / "a.csv", PAGES + page(link), "crowdtangle")
    assert row["urls"] == [link]


def test_exports_crowdtangle_instagram_and_groups(tmp_path: Path) -> None:
    instagram = (
        "Account,User Name,Post Created,Likes,Comments,Views,URL,Link,Photo,Title,Description\n"
        "Ada,ada.draws,2024-01-05 12:00:00 EST,5,1,77,https://www.instagram.com/p/A1/,"
        "https://www.instagram.com/p/A1/,https://p.example/1.jpg,,Hello\n"
    )
    (row,), intake = rows_of(tmp_path / "i.csv", instagram, "crowdtangle")
    assert (row["platform"], row["account_id"], row["text"]) == ("instagram", "ada.draws", "Hello")
    assert (row["time"], row["urls"]) == (utc(2024, 1, 5, 17), None)
    assert any("known by handle or name" in note for note in intake.notes)
    group = PAGES.replace("Page Name", "Group Name") + page("https://news.example/a")
    (row,), intake = rows_of(tmp_path / "g.csv", group, "crowdtangle")
    assert row["account"]["name"] == "Hill Times"
    assert any("does not say who wrote" in note for note in intake.notes)


def test_exports_crowdtangle_numbers_a_spreadsheet_rounded_are_not_used(tmp_path: Path) -> None:
    text = PAGES + page("").replace(",200,", ",1.00064E+14,")
    (row,), intake = rows_of(tmp_path / "a.csv", text, "crowdtangle")
    assert row["account_id"] == "hilltimes"
    assert any("float notation" in note for note in intake.notes)


def test_exports_unknown_zone_refuses_the_column_by_name(tmp_path: Path) -> None:
    text = PAGES + page("", when="2024-05-01 10:00:00 ZZT")
    with pytest.raises(InputError, match=r"'Post Created': the times name a zone .* 'ZZT'"):
        rows_of(tmp_path / "a.csv", text, "crowdtangle")


def test_exports_one_unknown_zone_among_many_costs_its_row(tmp_path: Path) -> None:
    good = "".join(page("").replace("posts/1", f"posts/{i}") for i in range(2, 9))
    text = PAGES + good + page("", when="2024-05-01 10:00:00 ZZT")
    rows, intake = rows_of(tmp_path / "a.csv", text, "crowdtangle", max_bad=0.5)
    assert (len(rows), dict(intake.rejected)) == (1, {"no_readable_time": 1})  # equal posts merge


# --- Meta Content Library ------------------------------------------------------------------------


def test_exports_meta_content_library_table(tmp_path: Path) -> None:
    text = (
        "id,creation_time,lang,text,hashtags,link_attachment.link,post_owner.id,post_owner.name,"
        "post_owner.type,post_owner.username,statistics.like_count,statistics.share_count,"
        "statistics.views\n"
        "1,2024-05-01T10:00:00+00:00,en,hello,\"['Day', 'two']\",https://e.org/a,501,Ada,creator,"
        "ada,5,,900\n"
        "2,2024-05-01T10:00:01+00:00,xx,too,,,,Hill,page,hill,,3,12\n"
    )
    (first, second), intake = rows_of(tmp_path / "a.csv", text, "meta_content_library")
    assert (first["platform"], first["account_id"]) == ("instagram", "501")
    assert (first["hashtags"], first["urls"]) == (["day", "two"], ["https://e.org/a"])
    assert (first["metrics"]["likes"], first["metrics"]["views"]) == (5, 900)
    assert (second["platform"], second["account_id"]) == ("facebook", "hill")
    assert second["metrics"]["reposts"] == 3
    assert any("known by handle" in note for note in intake.notes)


# --- Clemson / 538 -------------------------------------------------------------------------------

TROLLS = (
    "external_author_id,author,content,region,language,publish_date,harvested_date,following,"
    "followers,updates,post_type,account_type,retweet,account_category,tweet_id,tco1_step1,"
    "tco2_step1\n"
)


def test_exports_clemson_dates_have_the_month_first_by_definition(tmp_path: Path) -> None:
    # no day above 12 in the whole file: a reader of dates could not tell
    text = TROLLS + (
        "9.06E+17,10_GOP,one,US,English,10/1/2017 19:58,x,1052,9636,253,,Right,0,RightTroll,"
        "914580356430536707,https://e.org/a,https://e.org/b\n"
        "9.06E+17,10_GOP,'@x two,US,Russian,2/3/2017 1:05,x,1,2,3,RETWEET,Right,1,RightTroll,"
        "914580356430536708,,\n"
        "1234,10_GOP,three,US,English,2/3/2017 1:06,x,1,2,3,QUOTE_TWEET,Right,0,RightTroll,"
        "914580356430536709,,\n"
    )
    (second, third, first), intake = rows_of(tmp_path / "a.csv", text, "clemson")
    assert first["time"] == utc(2017, 10, 1, 19, 58)
    assert {r["account_id"] for r in (first, second, third)} == {"10_GOP"}
    assert (first["post_id"], first["platform"]) == ("914580356430536707", "x")
    assert first["urls"] == ["https://e.org/a", "https://e.org/b"]
    assert (first["kind"], second["kind"], third["kind"]) == ("post", "repost", "quote")
    assert (first["lang"], second["lang"], first["resolution"]) == ("en", "ru", 60)
    assert any("an account is its handle" in note for note in intake.notes)


# --- Community Notes -----------------------------------------------------------------------------


def test_exports_community_notes_are_replies_and_ratings_are_acts(tmp_path: Path) -> None:
    notes = (
        "noteId\tnoteAuthorParticipantId\tcreatedAtMillis\ttweetId\tsummary\n"
        "11\tA1\t1714557600123\t901\tSo &amp; so &lt;see&gt;\n"
    )
    (row,), _ = rows_of(tmp_path / "n.tsv", notes, "community_notes")
    assert (row["platform"], row["account_id"]) == ("community_notes", "A1")
    assert (row["text"], row["kind"], row["reply_to"]) == ("So & so <see>", "reply", "901")
    assert row["time"].microsecond == 123_000
    ratings = (
        "noteId\traterParticipantId\tcreatedAtMillis\tversion\thelpful\tnotHelpful\tagree\t"
        "helpfulnessLevel\n"
        "11\tB\t1714557700000\t2\t0\t0\t0\tHELPFUL\n"
        "11\tC\t1714557701000\t1\t0\t1\t0\t\n"
        "11\tD\t1714557702000\t1\t0\t0\t0\t\n"
    )
    path = tmp_path / "r.tsv"
    path.write_text(ratings)
    posts, intake = read([str(path)])
    assert (posts.n, posts.n_acts, dict(intake.counts)) == (0, 3, {"act_rating": 3})
    acts = posts.acts.table.to_pylist()
    assert [a["object_id"] for a in acts] == ["11", "11", "11"]
    assert [a["value"] for a in acts] == ["HELPFUL", "NOT_HELPFUL", None]
    assert [a["act_id"] for a in acts] == ["11/B", "11/C", "11/D"]
    assert {(a["platform"], a["act"]) for a in acts} == {("community_notes", "rating")}


# --- advertisements ------------------------------------------------------------------------------


def test_exports_ads_are_dated_as_scanned_and_belong_to_their_page(tmp_path: Path) -> None:
    header = "fname,Ad_ID,Impressions,Create_Date,Ad_Text,Ad_Landing_Page,txt_create\n"
    page_ = "https://www.facebook.com/Hill-1/"
    body = (
        f"a,1,3,x,one,{page_},06/09/15 03:50:21 PM PDT\n"
        f"b,2,3,x,two,{page_},07 /10/15 05: 35:23 AM PDT\n"
        f"c,3,3,x,three,{page_},11/10/1607:17:06 AM PST\n"
        f"d,4,3,x,four,{page_},06/23/16 06:07:51 AM PDT Ad Custom Includes: x\n"
        f"e,5,3,x,five,{page_},03/04/16 12:4&00 AM PST\n"
        "f,6,3,x,six,NA,06/09/15 03:50:21 AM PDT\n"
    )
    rows, intake = rows_of(tmp_path / "a.csv", header + body, "facebook_ads", max_bad=0.5)
    assert [r["time"] for r in rows] == [
        utc(2015, 6, 9, 22, 50, 21),
        utc(2015, 7, 10, 12, 35, 23),
        utc(2016, 6, 23, 13, 7, 51),
        utc(2016, 11, 10, 15, 17, 6),
    ]
    assert {r["account_id"] for r in rows} == {"facebook.com/Hill-1"}
    assert dict(intake.rejected) == {"no_readable_time": 1}
    assert dict(intake.counts) == {"not_a_post_advertisement_without_page": 1}


# --- rtweet, twitteR -----------------------------------------------------------------------------


def test_exports_rtweet_marks_are_taken_off_ids(tmp_path: Path) -> None:
    text = (
        '"user_id","status_id","created_at","screen_name","text","source","is_quote","is_retweet",'
        '"hashtags","urls_expanded_url","mentions_screen_name","retweet_status_id","retweet_text",'
        '"retweet_user_id","lang"\n'
        '"x7","xx3","2018-10-15 23:56:09","ada","hello #Day","Web",FALSE,FALSE,"Day two",'
        '"https://e.org/a","bob cid",,,,"en"\n'
        '"xx8","x4","2018-10-15 23:56:20","bob","RT @ada: hel","Web",FALSE,TRUE,,,,"x3",'
        '"hello #Day","x7","und"\n'
        '"xerxes","5","2018-10-15 23:57:20","xerxes","own","Web",FALSE,FALSE,,,,,,,"en"\n'
    )
    (first, second, third), _ = rows_of(tmp_path / "a.csv", text, "rtweet")
    assert (first["account_id"], first["post_id"]) == ("7", "3")
    assert (first["hashtags"], first["mentions"]) == (["day", "two"], ["bob", "cid"])
    assert (second["account_id"], second["repost_of"]) == ("8", "3")
    assert (second["repost_of_account"], second["text"]) == ("7", "hello #Day")
    assert (second["kind"], second["lang"], second["urls"]) == ("repost", None, None)
    assert third["account_id"] == "xerxes"  # an x that marks nothing stays


def test_exports_twitter_r_knows_accounts_by_handle(tmp_path: Path) -> None:
    text = (
        '"","text","favorited","favoriteCount","replyToSN","created","truncated","replyToSID","id",'
        '"statusSource","screenName","retweetCount","isRetweet"\n'
        '"1","hello",FALSE,3,NA,2017-02-23 03:19:36,FALSE,NA,"834603589737668609",'
        '"<a href=""https://e.org/"">dlvr.it</a>","ada",0,FALSE\n'
        '"2","RT @ada: hello",FALSE,0,"ada",2017-02-23 03:19:40,FALSE,"834603589737668609",'
        '"834603589737668617","web","bob",0,TRUE\n'
    )
    (first, second), intake = rows_of(tmp_path / "a.csv", text, "twitter_r")
    assert (first["account_id"], first["client"]) == ("ada", "dlvr.it")
    assert (first["reply_to"], first["metrics"]["likes"]) == (None, 3)
    assert (second["kind"], second["reply_to"]) == ("repost", "834603589737668609")
    assert any("known by handle" in note for note in intake.notes)


# --- YouTube tables ------------------------------------------------------------------------------


def test_exports_youtube_tables_by_name_or_channel(tmp_path: Path) -> None:
    spam = "COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS\nz1,Ada,2013-11-07T06:20:48,hello,0\n"
    (row,), intake = rows_of(tmp_path / "s.csv", spam, "youtube")
    assert (row["platform"], row["post_id"], row["account_id"]) == ("youtube", "z1", "Ada")
    assert any("known by the name shown" in note for note in intake.notes)
    tools = (
        "id,replyCount,likeCount,publishedAt,authorName,text,authorChannelId,isReplyTo\n"
        "U1,1,4,2024-05-01 10:00:00,Ada,hello,UCa,\nU1.2,,0,2024-05-01 10:01:00,Bob,re,UCb,U1\n"
    )
    (first, second), intake = rows_of(tmp_path / "t.csv", tools, "youtube")
    assert (first["account_id"], first["metrics"]["likes"]) == ("UCa", 4)
    assert (second["kind"], second["reply_to"]) == ("comment", "U1")
    assert not any("name shown" in note for note in intake.notes)


# --- 4CAT ----------------------------------------------------------------------------------------


def test_exports_fourcat_columns_of_different_platforms(tmp_path: Path) -> None:
    x = (
        "id,thread_id,timestamp,unix_timestamp,link,body,author,author_fullname,author_id,source,"
        "language_guess,retweet_count,like_count,is_retweet,retweeted_user,is_quote_tweet,"
        "hashtags,urls,mentions\n"
        "31,30,2024-05-01 12:00:00,1714557600,https://x.com/ada/status/31,hello,ada,Ada,7,Web,en,"
        '1,2,no,,no,"Day,two","https://e.org/a,https://e.org/b","bob,cid"\n'
        "32,32,2024-05-01 12:00:08,1714557608,https://x.com/b/status/32,RT @ada: hello,bob,Bob,8,"
        "Web,en,1,0,yes,ada,no,,,\n"
    )
    (first, second), _ = rows_of(tmp_path / "x.csv", x, "fourcat")
    assert (first["platform"], first["account_id"], first["root_id"]) == ("x", "7", "30")
    assert first["time"] == utc(2024, 5, 1, 10)  # the number, not what a local clock wrote
    assert first["hashtags"] == ["day", "two"]
    assert first["urls"] == ["https://e.org/a", "https://e.org/b"]
    assert first["mentions"] == ["bob", "cid"]
    assert (second["kind"], second["repost_of_account"]) == ("repost", "ada")
    tiktok = (
        "id,thread_id,author,author_full,body,timestamp,music_id,tiktok_url,likes,comments,shares,"
        "plays,hashtags\n"
        "44,44,bob,Bob,hello,1714557600,77,https://tiktok.com/@bob/video/44,4,3,2,1,day\n"
    )
    (row,), intake = rows_of(tmp_path / "t.csv", tiktok, "fourcat")
    assert (row["platform"], row["account_id"]) == ("tiktok", "bob")
    assert row["objects"] == [{"trace": "sound", "id": "77"}]
    assert row["metrics"] == {"likes": 4, "reposts": 2, "replies": 3, "views": 1}
    assert any("known by handle" in note for note in intake.notes)


def test_exports_fourcat_anonymous_boards_make_no_account(tmp_path: Path) -> None:
    text = "thread_id,id,timestamp,body,author\n" + "".join(
        f"1,{i},2024-05-01 10:00:0{i},post {i},{who}\n"
        for i, who in enumerate(("Anonymous", "ada", "[deleted]", "Anonymous"))
    )
    (row,), intake = rows_of(tmp_path / "a.csv", text, "fourcat")
    assert row["account_id"] == "ada"
    assert dict(intake.counts) == {"not_a_post_anonymous_or_deleted_author": 3}


# --- every shape ---------------------------------------------------------------------------------


def test_exports_dry_run_tells_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(PAGES + page("https://news.example/a"))
    (told,) = preview([str(tmp_path / "a.csv")])
    assert told["format"] == "crowdtangle"
    assert told["mapping"]["time"] == "Post Created"
    assert told["mapping"]["name"] == "Page Name"
    assert told["mapping"]["account_id"] == "Facebook Id, else User Name, else the name"
    assert told["rows"][0]["account_id"] == "200"


def test_exports_a_mapping_of_the_users_own_goes_first(tmp_path: Path) -> None:
    text = "COMMENT_ID,AUTHOR,DATE,CONTENT,NOTE\nz1,Ada,2013-11-07T06:20:48,hello,other\n"
    (row,), _ = rows_of(tmp_path / "a.csv", text, "youtube", mapping={"text": "NOTE"})
    assert row["text"] == "other"
    with pytest.raises(InputError, match="did you mean 'NOTE'"):
        rows_of(tmp_path / "a.csv", text, "youtube", mapping={"text": "NOTES"})


def test_exports_parquet_of_the_same_columns_is_the_same(tmp_path: Path) -> None:
    table = pa.table(
        {
            "noteId": pa.array([11, 12], pa.int64()),
            "raterParticipantId": pa.array(["A", "B"], pa.large_string()),
            "createdAtMillis": pa.array([1714557600000, 1714557601000], pa.int64()),
            "helpfulnessLevel": pa.array(["HELPFUL", None]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    posts, intake = read([str(tmp_path / "r.parquet")])
    assert intake.inputs[0]["format"] == "community_notes"
    assert posts.acts.table["act_id"].to_pylist() == ["11/A", "12/B"]
    assert posts.acts.table["value"].to_pylist() == ["HELPFUL", None]
