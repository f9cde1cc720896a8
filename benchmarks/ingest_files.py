"""One simulated world written in nine formats, and which of their columns a reader needs.

Used by ``bench_ingest.py``. Every file holds the same posts (the CooRTweet frame only those that
share something); the JSON formats carry what the platforms send, the cut text of a repost with the
whole one inside it included.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from klieg.sources.simulate import simulate
from klieg.sources.simulate.writing import write_posts

POSTS_AN_ACCOUNT = 24.4  # what the simulator makes of its defaults


@dataclass(frozen=True, slots=True)
class File:
    """One format: its file's name, its writer, and what a bare reader is asked for."""

    name: str
    kind: str  # csv, parquet or jsonl
    write: Callable[[pa.Table, Path], None]
    columns: tuple[str, ...] | Mapping[str, str]  # names, or of JSON name → DuckDB type


def world(rows: int, seed: int) -> pa.Table:
    """About ``rows`` posts."""
    return simulate(seed=seed, accounts=max(50, int(rows / POSTS_AN_ACCOUNT))).posts


def _times(posts: pa.Table, form: str) -> Any:
    # milliseconds, cut to seconds as exports have them
    whole = pc.floor_temporal(posts["time"], unit="second").cast(pa.timestamp("s", tz="UTC"))
    return pc.strftime(whole, format=form)


def _flat(posts: pa.Table) -> dict[str, Any]:
    names = ("platform", "post_id", "account_id", "text", "lang", "kind")
    columns: dict[str, Any] = {name: posts[name] for name in names}
    columns["created_at"] = _times(posts, "%Y-%m-%dT%H:%M:%SZ")
    for name in ("repost_of", "repost_of_account", "reply_to", "reply_to_account", "quote_of"):
        columns[name] = posts[name]
    columns["client"] = posts["client"]
    for name in ("urls", "hashtags", "mentions"):
        columns[name] = pc.binary_join(posts[name], " ")
    account = posts["account"]
    for name in ("handle", "name", "followers", "following"):
        columns[name] = pc.struct_field(account, name)
    return columns


_FLAT = (
    *("platform", "post_id", "account_id", "text", "lang", "kind", "created_at", "repost_of"),
    *("repost_of_account", "reply_to", "reply_to_account", "quote_of", "client", "urls"),
    *("hashtags", "mentions", "handle", "name", "followers", "following"),
)


def _csv(posts: pa.Table, path: Path) -> None:
    pacsv.write_csv(pa.table(_flat(posts)), path)


def _csv_gz(posts: pa.Table, path: Path) -> None:
    plain = path.with_suffix("")
    if not plain.exists():
        _csv(posts, plain)
    with plain.open("rb") as file, gzip.open(path, "wb", compresslevel=6) as out:
        shutil.copyfileobj(file, out, 1 << 20)


def _parquet(posts: pa.Table, path: Path) -> None:
    columns = _flat(posts)
    columns["created_at"] = posts["time"]
    for name in ("urls", "hashtags", "mentions"):
        columns[name] = posts[name]
    pq.write_table(pa.table(columns), path, compression="zstd")


def _listed(column: Any) -> Any:
    inner = pc.binary_join(column, "', '")
    return pc.coalesce(
        pc.binary_join_element_wise("['", inner, "']", ""), pa.scalar("[]", pa.string())
    )


def _archive(posts: pa.Table, path: Path) -> None:
    account = posts["account"]
    nothing = pa.chunked_array([pa.nulls(posts.num_rows, pa.string())])
    born = pc.strftime(
        pc.struct_field(account, "created_at").cast(pa.timestamp("s", tz="UTC")), format="%Y-%m-%d"
    )
    zero = pa.chunked_array([pa.repeat(0, posts.num_rows)])
    table = pa.table(
        {
            "tweetid": posts["post_id"],
            "userid": posts["account_id"],
            "user_display_name": pc.struct_field(account, "name"),
            "user_screen_name": pc.struct_field(account, "handle"),
            "user_reported_location": nothing,
            "user_profile_description": pc.struct_field(account, "name"),
            "user_profile_url": nothing,
            "follower_count": pc.struct_field(account, "followers"),
            "following_count": pc.struct_field(account, "following"),
            "account_creation_date": born,
            "account_language": posts["lang"],
            "tweet_language": posts["lang"],
            "tweet_text": posts["text"],
            "tweet_time": _times(posts, "%Y-%m-%d %H:%M"),
            "tweet_client_name": posts["client"],
            "in_reply_to_tweetid": posts["reply_to"],
            "in_reply_to_userid": posts["reply_to_account"],
            "quoted_tweet_tweetid": posts["quote_of"],
            "is_retweet": pc.equal(posts["kind"], "repost"),
            "retweet_userid": posts["repost_of_account"],
            "retweet_tweetid": posts["repost_of"],
            "latitude": nothing,
            "longitude": nothing,
            "quote_count": zero,
            "reply_count": zero,
            "like_count": zero,
            "retweet_count": zero,
            "hashtags": _listed(posts["hashtags"]),
            "urls": _listed(posts["urls"]),
            "user_mentions": _listed(posts["mentions"]),
            "poll_choices": nothing,
        }
    )
    pacsv.write_csv(table, path)


_ARCHIVE = (
    *("tweetid", "userid", "user_display_name", "user_screen_name", "follower_count"),
    *("following_count", "account_creation_date", "tweet_language", "tweet_text", "tweet_time"),
    *("tweet_client_name", "in_reply_to_tweetid", "in_reply_to_userid", "quoted_tweet_tweetid"),
    *("is_retweet", "retweet_userid", "retweet_tweetid", "reply_count", "like_count"),
    *("retweet_count", "hashtags", "urls", "user_mentions"),
)


def _seconds(posts: pa.Table) -> Any:
    return pc.divide(posts["time"].cast(pa.int64()), 1_000_000)


def _coortweet(posts: pa.Table, path: Path) -> None:
    shared = pc.coalesce(posts["repost_of"], posts["reply_to"], posts["quote_of"])
    table = pa.table(
        {
            "object_id": shared,
            "account_id": posts["account_id"],
            "content_id": posts["post_id"],
            "timestamp_share": _seconds(posts),
        }
    )
    pacsv.write_csv(table.filter(shared.is_valid()), path)


def _coordnet(posts: pa.Table, path: Path) -> None:
    table = pa.table(
        {
            "message_id": posts["post_id"],
            "user_id": posts["account_id"],
            "username": pc.struct_field(posts["account"], "handle"),
            "repost_id": posts["repost_of"],
            "reply_id": posts["reply_to"],
            "message": posts["text"],
            "timestamp": _seconds(posts),
            "urls": _listed(posts["urls"]),
        }
    )
    pacsv.write_csv(table, path)


def _lines(make: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[pa.Table, Path], None]:
    def write(posts: pa.Table, path: Path) -> None:
        encoder = msgspec.json.Encoder()
        with path.open("wb") as out:
            for first in range(0, posts.num_rows, 20_000):
                rows = posts.slice(first, 20_000).to_pylist()
                out.write(encoder.encode_lines([make(row) for row in rows]))

    return write


def _generic(row: dict[str, Any]) -> dict[str, Any]:
    made = {
        "id": row["post_id"],
        "created_at": row["time"].isoformat(timespec="seconds"),
        "text": row["text"],
        "lang": row["lang"],
        "kind": row["kind"],
        "repost_of": row["repost_of"],
        "reply_to": row["reply_to"],
        "urls": row["urls"] or [],
        "hashtags": row["hashtags"] or [],
        "author": {
            "id": row["account_id"],
            "username": row["account"]["handle"],
            "followers_count": row["account"]["followers"],
        },
    }
    return {k: v for k, v in made.items() if v is not None}


def _v1_user(number: str, handle: str, name: str, followers: int | None) -> dict[str, Any]:
    return {
        "id": int(number),
        "id_str": number,
        "name": name,
        "screen_name": handle,
        "location": "",
        "url": None,
        "description": f"{name}, here since the beginning",
        "translator_type": "none",
        "protected": False,
        "verified": False,
        "followers_count": followers,
        "friends_count": 120,
        "listed_count": 1,
        "favourites_count": 2211,
        "statuses_count": 9187,
        "created_at": "Mon Oct 10 05:25:54 +0000 2022",
        "utc_offset": None,
        "time_zone": None,
        "geo_enabled": False,
        "lang": None,
        "profile_background_color": "F5F8FA",
        "profile_image_url_https": f"https://pbs.example/profile_images/{number}/x_normal.jpg",
        "default_profile": True,
        "following": None,
    }


def _v1_status(row: dict[str, Any], number: str, user: dict[str, Any]) -> dict[str, Any]:
    return {
        "created_at": row["time"].strftime("%a %b %d %H:%M:%S +0000 %Y"),
        "id": int(number),
        "id_str": number,
        "full_text": row["text"],
        "truncated": False,
        "display_text_range": [0, len(row["text"] or "")],
        "source": f'<a href="https://x.example" rel="nofollow">{row["client"]}</a>',
        "in_reply_to_status_id_str": row["reply_to"],
        "in_reply_to_user_id_str": row["reply_to_account"],
        "user": user,
        "geo": None,
        "coordinates": None,
        "place": None,
        "contributors": None,
        "is_quote_status": row["quote_of"] is not None,
        "quoted_status_id_str": row["quote_of"],
        "quote_count": 0,
        "reply_count": 0,
        "retweet_count": 3,
        "favorite_count": 1,
        "entities": {
            "hashtags": [{"text": t, "indices": [0, 9]} for t in row["hashtags"] or []],
            "urls": [
                {"url": "https://t.example/x", "expanded_url": u, "display_url": u[8:30]}
                for u in row["urls"] or []
            ],
            "user_mentions": [
                {"screen_name": m, "id_str": "1", "indices": [0, 9]} for m in row["mentions"] or []
            ],
            "symbols": [],
        },
        "favorited": False,
        "retweeted": False,
        "filter_level": "low",
        "lang": row["lang"],
        "timestamp_ms": str(int(row["time"].timestamp() * 1000)),
    }


def _x_v1(row: dict[str, Any]) -> dict[str, Any]:
    account = row["account"]
    user = _v1_user(row["account_id"], account["handle"], account["name"], account["followers"])
    made = _v1_status(row, row["post_id"], user)
    if row["repost_of"]:
        other = _v1_user(row["repost_of_account"] or "1", "somebody", "Somebody", 7)
        made["retweeted_status"] = _v1_status(row, row["repost_of"], other)
        made["full_text"] = ("RT @somebody: " + row["text"])[:139] + "…"
    return made


def _jetstream(row: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {"createdAt": row["time"].isoformat(timespec="milliseconds")}
    collection = "app.bsky.feed.repost" if row["repost_of"] else "app.bsky.feed.post"
    if row["repost_of"]:
        record["subject"] = {
            "cid": "bafyreib",
            "uri": _at(row["repost_of_account"], "repost_of", row),
        }
    else:
        record |= {"$type": collection, "text": row["text"], "langs": [row["lang"]]}
        if row["reply_to"]:
            where = {"cid": "bafyreia", "uri": _at(row["reply_to_account"], "reply_to", row)}
            record["reply"] = {"parent": where, "root": where}
        if row["urls"]:
            record["facets"] = [
                {
                    "features": [{"$type": "app.bsky.richtext.facet#link", "uri": u}],
                    "index": {"byteStart": 0, "byteEnd": 9},
                }
                for u in row["urls"]
            ]
    moment = int(row["time"].timestamp() * 1_000_000)
    return {
        "did": f"did:plc:{row['account_id']}",
        "time_us": moment,
        "kind": "commit",
        "commit": {
            "rev": "3l3qo2vutsw2b",
            "operation": "create",
            "collection": collection,
            "rkey": row["post_id"],
            "record": record,
            "cid": "bafyreidc6sydkkbchcyg62v77wbhzvb2mvytlmsychqgwf2xojjtirmzj4",
        },
    }


def _at(account: str | None, field: str, row: dict[str, Any]) -> str:
    return f"at://did:plc:{account or 'x'}/app.bsky.feed.post/{row[field]}"


_LINK = "STRUCT(url VARCHAR, expanded_url VARCHAR, display_url VARCHAR)"
_V1_ENTITIES = (
    f"STRUCT(urls {_LINK}[], hashtags STRUCT(text VARCHAR)[],"
    " user_mentions STRUCT(screen_name VARCHAR)[])"
)
_V1_USER = (
    "STRUCT(id_str VARCHAR, screen_name VARCHAR, name VARCHAR, created_at VARCHAR,"
    " followers_count BIGINT, friends_count BIGINT, verified BOOLEAN)"
)
_V1 = {
    "id_str": "VARCHAR",
    "created_at": "VARCHAR",
    "full_text": "VARCHAR",
    "lang": "VARCHAR",
    "source": "VARCHAR",
    "in_reply_to_status_id_str": "VARCHAR",
    "in_reply_to_user_id_str": "VARCHAR",
    "quoted_status_id_str": "VARCHAR",
    "reply_count": "BIGINT",
    "retweet_count": "BIGINT",
    "favorite_count": "BIGINT",
    "entities": _V1_ENTITIES,
    "user": _V1_USER,
    "retweeted_status": f"STRUCT(id_str VARCHAR, full_text VARCHAR, entities {_V1_ENTITIES},"
    ' "user" STRUCT(id_str VARCHAR))',
}
_V2_ENTITIES = (
    "STRUCT(urls STRUCT(url VARCHAR, expanded_url VARCHAR)[], hashtags STRUCT(tag VARCHAR)[],"
    " mentions STRUCT(username VARCHAR)[])"
)
_V2 = {
    "id": "VARCHAR",
    "author_id": "VARCHAR",
    "created_at": "VARCHAR",
    "text": "VARCHAR",
    "lang": "VARCHAR",
    "conversation_id": "VARCHAR",
    "in_reply_to_user_id": "VARCHAR",
    "source": "VARCHAR",
    "entities": _V2_ENTITIES,
    "referenced_tweets": 'STRUCT("type" VARCHAR, id VARCHAR, text VARCHAR, author_id VARCHAR,'
    f" entities {_V2_ENTITIES})[]",
    "author": "STRUCT(id VARCHAR, username VARCHAR, name VARCHAR, created_at VARCHAR,"
    " verified BOOLEAN, public_metrics STRUCT(followers_count BIGINT, following_count BIGINT))",
}
_GENERIC = {
    "id": "VARCHAR",
    "created_at": "VARCHAR",
    "text": "VARCHAR",
    "lang": "VARCHAR",
    "kind": "VARCHAR",
    "repost_of": "VARCHAR",
    "reply_to": "VARCHAR",
    "urls": "VARCHAR[]",
    "hashtags": "VARCHAR[]",
    "author": "STRUCT(id VARCHAR, username VARCHAR, followers_count BIGINT)",
}
_JETSTREAM = {
    "did": "VARCHAR",
    "time_us": "BIGINT",
    "kind": "VARCHAR",
    "commit": "STRUCT(operation VARCHAR, collection VARCHAR, rkey VARCHAR, record STRUCT("
    'text VARCHAR, langs VARCHAR[], subject STRUCT("uri" VARCHAR),'
    " reply STRUCT(parent STRUCT(uri VARCHAR), root STRUCT(uri VARCHAR)),"
    " facets STRUCT(features STRUCT(uri VARCHAR, tag VARCHAR, did VARCHAR)[])[]))",
}

FILES = (
    File("generic.csv", "csv", _csv, _FLAT),
    File("generic.csv.gz", "csv", _csv_gz, _FLAT),
    File("x_archive.csv", "csv", _archive, _ARCHIVE),
    File(
        "coortweet.csv",
        "csv",
        _coortweet,
        ("object_id", "account_id", "content_id", "timestamp_share"),
    ),
    File(
        "coordnet.csv",
        "csv",
        _coordnet,
        (
            *("message_id", "user_id", "username", "repost_id", "reply_id", "message"),
            *("timestamp", "urls"),
        ),
    ),
    File("generic.parquet", "parquet", _parquet, _FLAT),
    File("generic.jsonl", "jsonl", _lines(_generic), _GENERIC),
    File("x_v2.jsonl", "jsonl", write_posts, _V2),
    File("x_v1.jsonl", "jsonl", _lines(_x_v1), _V1),
    File("jetstream.jsonl", "jsonl", _lines(_jetstream), _JETSTREAM),
)
