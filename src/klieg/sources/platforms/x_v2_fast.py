"""Flattened X API v2 through DuckDB's JSON reader, whole columns at a time.

Takes a file of one post a line, or gives up (and says why) so that the tolerant path can take over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sockets import Input
from klieg.sources.desk import Desk
from klieg.sources.duck import GaveUp, batches, open_reader
from klieg.sources.formats import BATCH
from klieg.sources.frames import lossless
from klieg.sources.inputs import file_name
from klieg.sources.languages import codes
from klieg.sources.limits import limits
from klieg.sources.lists import tidy
from klieg.sources.rows import IDS
from klieg.sources.shelf import Shelf
from klieg.sources.times import in_range
from klieg.tables import POSTS, Reject

__all__ = ["read_fast"]

_ENTITIES = (
    "STRUCT(urls STRUCT(url VARCHAR, expanded_url VARCHAR, unwound_url VARCHAR,"
    " display_url VARCHAR, media_key VARCHAR)[],"
    " hashtags STRUCT(tag VARCHAR)[], mentions STRUCT(username VARCHAR)[])"
)
_COLUMNS = {
    "id": "VARCHAR",
    "author_id": "VARCHAR",
    "created_at": "VARCHAR",
    "text": "VARCHAR",
    "lang": "VARCHAR",
    "conversation_id": "VARCHAR",
    "in_reply_to_user_id": "VARCHAR",
    "source": "VARCHAR",
    "note_tweet": f"STRUCT(text VARCHAR, entities {_ENTITIES})",
    "entities": _ENTITIES,
    "referenced_tweets": 'STRUCT("type" VARCHAR, id VARCHAR, text VARCHAR, author_id VARCHAR,'
    f" note_tweet STRUCT(text VARCHAR, entities {_ENTITIES}), entities {_ENTITIES})[]",
    "author": "STRUCT(id VARCHAR, username VARCHAR, name VARCHAR, created_at VARCHAR,"
    " verified BOOLEAN, public_metrics STRUCT(followers_count BIGINT, following_count BIGINT))",
    "public_metrics": "STRUCT(like_count BIGINT, retweet_count BIGINT, reply_count BIGINT,"
    " impression_count BIGINT)",
    "attachments": 'STRUCT(media STRUCT("type" VARCHAR, url VARCHAR, preview_image_url VARCHAR)[])',
    "username": "VARCHAR",
    "tweet_count": "VARCHAR",
    "data": "VARCHAR",
    "errors": "VARCHAR",
    "title": "VARCHAR",
}
_QUERY = """
WITH told AS (
  SELECT *, list_transform(referenced_tweets, lambda r: r."type") AS types,
    list_transform(referenced_tweets, lambda r: {'id': r.id, 'author_id': r.author_id}) AS brief
  FROM read_json($path, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = $longest, columns = $columns)
), raw AS (
  SELECT *, referenced_tweets[list_position(types, 'retweeted')] AS rt,
    brief[list_position(types, 'replied_to')] AS re, brief[list_position(types, 'quoted')] AS qt
  FROM told
), said AS (
  SELECT *, rt.text IS NOT NULL AS retold,
    CASE WHEN rt.text IS NOT NULL THEN rt.note_tweet ELSE note_tweet END AS long,
    CASE WHEN rt.text IS NOT NULL THEN rt.entities ELSE entities END AS short_entities
  FROM raw
), picked AS (
  SELECT *, coalesce(long.entities, short_entities) AS ent FROM said
)
SELECT id AS post_id, coalesce(author_id, author.id) AS account_id,
  try_cast(created_at AS TIMESTAMP) AS time, created_at AS written,
  coalesce(long.text, CASE WHEN retold THEN rt.text ELSE text END) AS text, lang,
  CASE WHEN rt IS NOT NULL THEN 'repost' WHEN re IS NOT NULL THEN 'reply'
       WHEN qt IS NOT NULL THEN 'quote' ELSE 'post' END AS kind,
  rt.id AS repost_of, CASE WHEN retold THEN rt.author_id END AS repost_of_account,
  re.id AS reply_to, coalesce(in_reply_to_user_id, re.author_id) AS reply_to_account,
  qt.id AS quote_of, conversation_id AS root_id,
  list_filter(list_transform(list_filter(coalesce(ent.urls, []), lambda u: u.media_key IS NULL
      AND NOT coalesce(starts_with(u.display_url, 'pic.x')
        OR starts_with(u.display_url, 'pic.twit'), false)),
      lambda u: coalesce(nullif(u.unwound_url, ''), nullif(u.expanded_url, ''), u.url)),
    lambda u: u IS NOT NULL AND NOT (contains(u, '/status/') AND
      list_contains([coalesce(id, ''), CASE WHEN retold THEN coalesce(rt.id, '') ELSE '' END,
        coalesce(qt.id, '')],
        split_part(list_last(string_split(u, '/status/')), '?', 1)))) AS urls,
  list_transform(coalesce(ent.hashtags, []), lambda h: h.tag) AS hashtags,
  list_transform(coalesce(ent.mentions, []), lambda m: m.username) AS mentions,
  list_transform(attachments.media, lambda m: {'type': m."type",
    'url': coalesce(m.url, m.preview_image_url), 'phash': NULL::VARCHAR}) AS media,
  source AS client,
  CASE WHEN author IS NOT NULL THEN {'handle': nullif(author.username, ''),
    'name': nullif(author.name, ''), 'created_at': try_cast(author.created_at AS TIMESTAMP),
    'followers': author.public_metrics.followers_count,
    'following': author.public_metrics.following_count, 'verified': author.verified} END AS account,
  CASE WHEN public_metrics IS NOT NULL THEN {'likes': public_metrics.like_count,
    'reposts': public_metrics.retweet_count, 'replies': public_metrics.reply_count,
    'views': public_metrics.impression_count} END AS metrics,
  CASE WHEN text IS NOT NULL AND (id IS NOT NULL OR author_id IS NOT NULL) THEN NULL
       WHEN data IS NOT NULL THEN 'data'
       WHEN tweet_count IS NOT NULL THEN 'count'
       WHEN username IS NOT NULL THEN 'user'
       WHEN errors IS NOT NULL OR title IS NOT NULL THEN 'error' ELSE 'other' END AS other
FROM picked
"""


def read_fast(source: Input, desk: Desk) -> Iterator[pa.RecordBatch]:
    """Batches of POSTS from a plain file of one post a line; gives up before it counts anything."""
    file = file_name(source)
    done = 0
    begun: deque[Future[_Read]] = deque()
    beside = min(2, limits().threads)
    posts, rest = Shelf(), list[_Read]()
    with open_reader(source.path) as (db, path), ThreadPoolExecutor(beside) as pool:
        for batch in _batches(db, path, desk):
            begun.append(pool.submit(_posts, batch, done, file, desk.name))
            done += batch.num_rows
            if len(begun) > beside:  # no more at once than are worked on
                rest.append(_shelved(begun.popleft(), posts))
        while begun:
            rest.append(_shelved(begun.popleft(), posts))
    for read in rest:
        for kind, rows in read.others:
            desk.skip(kind, rows)
        for reject in read.rejects:
            desk(reject)
    yield from posts.batches()
    desk.rows += done


@dataclass(frozen=True, slots=True)
class _Read:
    """One batch as posts, and what it held beside them."""

    posts: pa.RecordBatch | None  # None once they are put aside
    others: list[tuple[str, int]]  # what is no post, by kind
    rejects: list[Reject]


def _shelved(begun: Future[_Read], posts: Shelf) -> _Read:
    read = begun.result()
    assert read.posts is not None
    posts.put(read.posts)
    return replace(read, posts=None)


def _batches(db: Any, path: Path, desk: Desk) -> Iterator[pa.RecordBatch]:
    for batch in batches(db, _QUERY, path, _COLUMNS, BATCH, told=desk.read):
        if (pc.sum(pc.equal(batch.column("other"), "data")).as_py() or 0) > 0:
            raise GaveUp("it holds pages among the posts")
        yield batch


def _posts(batch: pa.RecordBatch, done: int, file: str, name: str) -> _Read:
    n = batch.num_rows
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    for field in IDS:
        columns[field], _ = lossless(columns[field])
    columns["time"] = in_range(columns["time"])
    other = columns["other"]
    others = [(v["values"], v["counts"]) for v in pc.value_counts(other.drop_null()).to_pylist()]
    rejects = []
    keep = np.asarray(other.is_null())
    rows = np.arange(done + 1, done + n + 1)
    for column, reason in (("account_id", "no_account"), ("time", "no_readable_time")):
        missing = keep & np.asarray(columns[column].is_null())
        for i in np.flatnonzero(missing):
            value = batch.column("written")[int(i)].as_py() if column == "time" else None
            rejects.append(Reject(name, int(rows[i]), column, value, reason))
        keep &= ~missing
    for field in ("urls", "hashtags", "mentions"):
        columns[field] = tidy(columns[field], field)
    columns["lang"] = codes(columns["lang"])
    columns["text"] = _nonempty(columns["text"])
    columns["client"] = _nonempty(columns["client"])
    columns["platform"] = pa.repeat("x", n)
    columns["resolution"] = pa.array(np.ones(n, np.int32))
    columns["source_file"] = pa.repeat(file, n)
    columns["source_row"] = pa.array(rows)
    named = pa.array([f"row:{file}:{i}" for i in rows]) if columns["post_id"].null_count else None
    if named is not None:
        columns["post_id"] = pc.coalesce(columns["post_id"], named)
    arrays = [_fitted(columns.get(f.name), f, n) for f in POSTS]
    whole = pa.RecordBatch.from_arrays(arrays, schema=POSTS)
    return _Read(whole if keep.all() else whole.filter(pa.array(keep)), others, rejects)


def _nonempty(text: Any) -> Any:
    return pc.if_else(pc.equal(text, ""), None, text)


def _fitted(column: Any, field: pa.Field, n: int) -> Any:
    if column is None:
        return pa.nulls(n, field.type)
    return column if column.type == field.type else column.cast(field.type)
