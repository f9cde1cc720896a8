"""Posts to files, as a platform would hand them out: X API v2 lines, CSV or Parquet.

The JSON lines are what ``twarc2 flatten`` gives, so that reading them exercises the same reader as
real exports do. The room knows no truth.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from klieg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["write_posts"]

_CHUNK = 20_000
_REFERENCES = (
    "repost_of",
    "repost_of_account",
    "reply_to",
    "reply_to_account",
    "quote_of",
    "root_id",
    "client",
)


def write_posts(posts: pa.Table, path: Path) -> None:
    """One file of POSTS by its suffix; InputError for one that is none of the three."""
    writers = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise InputError("cannot tell the format: name it .jsonl, .csv or .parquet", path=str(path))
    writers[path.suffix](posts, path)


def _write_parquet(posts: pa.Table, path: Path) -> None:
    pq.write_table(posts, path, compression="zstd")


def _write_csv(posts: pa.Table, path: Path) -> None:
    columns: dict[str, pa.Array] = {
        name: posts[name] for name in ("platform", "post_id", "account_id", "text", "lang", "kind")
    }
    columns["time"] = pc.strftime(
        posts["time"].cast(pa.timestamp("ms", tz="UTC")), format="%Y-%m-%dT%H:%M:%SZ"
    )
    for name in _REFERENCES:
        columns[name] = posts[name]
    for name in ("urls", "hashtags", "mentions"):
        columns[name] = pc.binary_join(posts[name], " ")
    for name in ("handle", "name"):
        columns[name] = pc.struct_field(posts["account"], name)
    table = pa.table(columns)
    pacsv.write_csv(table, path)


def _write_jsonl(posts: pa.Table, path: Path) -> None:
    encoder = msgspec.json.Encoder()
    rows = _referenced(posts)
    with path.open("wb") as out:
        for first in range(0, posts.num_rows, _CHUNK):
            chunk = posts.slice(first, _CHUNK).to_pylist()
            out.write(encoder.encode_lines([_post(row, rows) for row in chunk]))


def _referenced(posts: pa.Table) -> dict[str, dict[str, Any]]:
    """The posts that others refer to, by id: a flattened line carries them whole."""
    wanted = pa.concat_arrays(
        [posts[c].combine_chunks().drop_null() for c in ("repost_of", "reply_to", "quote_of")]
    ).unique()
    chosen = posts.filter(pc.is_in(posts["post_id"], wanted))
    return {row["post_id"]: row for row in chosen.to_pylist()}


def _post(row: Mapping[str, Any], rows: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    refs = []
    for column, kind in (
        ("repost_of", "retweeted"),
        ("quote_of", "quoted"),
        ("reply_to", "replied_to"),
    ):
        if row[column] is not None and row[column] in rows:
            refs.append({"type": kind, **_plain(rows[row[column]])})
    out = _plain(row)
    if row["kind"] == "repost" and refs:
        who = refs[0]["author"]["username"]
        # what the API really sends: the repost's own text is cut, the whole one lies below
        out["text"] = _cut(f"RT @{who}: {row['text']}")
        out["entities"] = {"mentions": [_mention(refs[0]["author"])]}
    if row["reply_to_account"] is not None:
        out["in_reply_to_user_id"] = row["reply_to_account"]
    if refs:
        out["referenced_tweets"] = refs
    return out


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    entities: dict[str, Any] = {}
    if row["urls"]:
        entities["urls"] = [{"url": u, "expanded_url": u} for u in row["urls"]]
    if row["hashtags"]:
        entities["hashtags"] = [{"tag": t} for t in row["hashtags"]]
    if row["mentions"]:
        entities["mentions"] = [{"username": m} for m in row["mentions"]]
    out: dict[str, Any] = {
        "id": row["post_id"],
        "author_id": row["account_id"],
        "created_at": _iso(row["time"]),
        "text": row["text"],
        "lang": row["lang"],
        "conversation_id": row["root_id"] or row["post_id"],
        "source": row["client"],
        "author": _author(row),
    }
    if entities:
        out["entities"] = entities
    return out


def _author(row: Mapping[str, Any]) -> dict[str, Any]:
    account = row["account"]
    return {
        "id": row["account_id"],
        "username": account["handle"],
        "name": account["name"],
        "created_at": _iso(account["created_at"]),
        "verified": account["verified"],
        "public_metrics": {
            "followers_count": account["followers"],
            "following_count": account["following"],
        },
    }


def _mention(author: Mapping[str, Any]) -> dict[str, Any]:
    return {"username": author["username"], "id": author["id"]}


def _cut(text: str, limit: int = 140) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _iso(time: datetime) -> str:
    utc = time.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
