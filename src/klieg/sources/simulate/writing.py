"""Posts to files, as a platform would hand them out: X API v2 lines, CSV or Parquet.

The JSON lines are what ``twarc2 flatten`` gives, so that reading them exercises the same reader as
real exports do. The room knows no truth.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from klieg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["write_posts"]

_CHUNK = 20_000
_REFERENCE_TYPES = (
    ("repost_of", b"retweeted"),
    ("quote_of", b"quoted"),
    ("reply_to", b"replied_to"),
)
_REFERENCES = (
    "repost_of",
    "repost_of_account",
    "reply_to",
    "reply_to_account",
    "quote_of",
    "root_id",
    "client",
)
_JSON = [
    *("post_id", "account_id", "time", "text", "lang", "kind", "urls", "hashtags", "mentions"),
    *_REFERENCES,
]


class _Author(NamedTuple):
    username: str
    body: msgspec.Raw


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
    authors = _authors(posts, encoder)
    whole = _referenced(posts, authors, encoder)
    with path.open("wb") as out:
        for first in range(0, posts.num_rows, _CHUNK):
            chunk = _rows(posts.slice(first, _CHUNK))
            out.write(encoder.encode_lines([_post(row, whole, authors) for row in chunk]))


def _rows(posts: pa.Table) -> list[dict[str, Any]]:
    return list(posts.select(_JSON).to_pylist())


def _authors(posts: pa.Table, encoder: msgspec.json.Encoder) -> dict[str, _Author]:
    """Every account's ready-made ``author`` object, by id."""
    ids = posts["account_id"].combine_chunks().dictionary_encode().indices
    _, first = np.unique(ids.to_numpy(), return_index=True)
    rows = posts.select(["account_id", "account"]).take(pa.array(first))
    out: dict[str, _Author] = {}
    for row in rows.to_pylist():
        account = row["account"]
        body = {
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
        out[row["account_id"]] = _Author(account["handle"], msgspec.Raw(encoder.encode(body)))
    return out


def _referenced(
    posts: pa.Table, authors: Mapping[str, _Author], encoder: msgspec.json.Encoder
) -> dict[str, bytes]:
    """The posts that others refer to, by id: a flattened line carries them whole."""
    wanted = pa.concat_arrays(
        [posts[c].combine_chunks().drop_null() for c in ("repost_of", "reply_to", "quote_of")]
    ).unique()
    chosen = posts.filter(pc.is_in(posts["post_id"], wanted))
    return {row["post_id"]: encoder.encode(_plain(row, authors)) for row in _rows(chosen)}


def _post(
    row: Mapping[str, Any], whole: Mapping[str, bytes], authors: Mapping[str, _Author]
) -> dict[str, Any]:
    out = _plain(row, authors)
    refs = [
        msgspec.Raw(b'{"type":"' + kind + b'",' + whole[row[column]][1:])
        for column, kind in _REFERENCE_TYPES
        if row[column] is not None and row[column] in whole
    ]
    if row["kind"] == "repost" and row["repost_of_account"] in authors:
        # what the API really sends: the repost's own text is cut, the whole one lies below
        name = authors[row["repost_of_account"]].username
        out["text"] = _cut(f"RT @{name}: {row['text']}")
        out["entities"] = {"mentions": [{"username": name, "id": row["repost_of_account"]}]}
    if row["reply_to_account"] is not None:
        out["in_reply_to_user_id"] = row["reply_to_account"]
    if refs:
        out["referenced_tweets"] = refs
    return out


def _plain(row: Mapping[str, Any], authors: Mapping[str, _Author]) -> dict[str, Any]:
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
        "author": authors[row["account_id"]].body,
    }
    if entities:
        out["entities"] = entities
    return out


def _cut(text: str, limit: int = 140) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _iso(time: datetime) -> str:
    # Arrow hands out UTC; isoformat is three times as fast as strftime
    return time.isoformat(timespec="milliseconds")[:23] + "Z"
