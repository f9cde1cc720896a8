"""Jetstream's first version as one query: what ``jetstream`` reads frame by frame, acts too.

A file with anything the query does not take (the second version, frames without a key, a stranger's
record whose keys are ours but not their values) is left to the tolerant path.
"""

from __future__ import annotations

__all__ = ["COLUMNS", "QUERY"]

_BLOB = 'STRUCT(cid VARCHAR, ref STRUCT("$link" VARCHAR))'
_LINK = "STRUCT(uri VARCHAR)"
_SEEN = f"images STRUCT(image {_BLOB})[], video {_BLOB}, external {_LINK}"
_RECORD = (
    '"text" JSON, langs VARCHAR[], tags VARCHAR[], subject JSON,'
    f" reply STRUCT(parent {_LINK}, root {_LINK}),"
    f" embed STRUCT(record STRUCT(uri VARCHAR, record {_LINK}), media STRUCT({_SEEN}), {_SEEN}),"
    " facets STRUCT(features STRUCT(uri VARCHAR, tag VARCHAR, did VARCHAR)[])[]"
)
COLUMNS = {
    "did": "VARCHAR",
    "time_us": "VARCHAR",
    "kind": "VARCHAR",
    "commit": "STRUCT(operation VARCHAR, collection VARCHAR, rkey VARCHAR, record"
    f" STRUCT({_RECORD}))",
    "account": "STRUCT(active BOOLEAN, status VARCHAR)",
    "payload": "JSON",
    "collection": "JSON",
}
"""The keys of a frame that are read."""

QUERY = """
WITH raw AS (
  SELECT *, commit.collection AS coll, commit.record AS r,
    'at://' || did || '/' || commit.collection || '/' || commit.rkey AS address,
    commit.operation IS NOT DISTINCT FROM 'delete' AS gone,
    commit.collection = 'app.bsky.feed.post' AS is_post,
    commit.collection = 'app.bsky.feed.repost' AS is_repost,
    CASE commit.collection WHEN 'app.bsky.feed.like' THEN 'like'
      WHEN 'app.bsky.graph.follow' THEN 'follow' WHEN 'app.bsky.graph.block' THEN 'block'
      END AS acted
  FROM read_json($path, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = $longest, columns = $columns)
), said AS (
  SELECT *, CASE WHEN is_repost THEN nullif(r.subject->>'$.uri', '') END AS original,
    CASE WHEN acted IS NULL THEN NULL WHEN left(r.subject::VARCHAR, 1) = '"'
      THEN nullif(r.subject->>'$', '') ELSE nullif(r.subject->>'$.uri', '') END AS subject,
    r.reply.parent.uri AS parent,
    coalesce(nullif(r.embed.record.uri, ''), r.embed.record.record.uri) AS quoted,
    flatten(list_transform(r.facets, lambda f: f.features)) AS feats,
    coalesce(nullif(r.embed.external.uri, ''), r.embed.media.external.uri) AS card,
    r.embed.media.images IS NOT NULL OR r.embed.media.video IS NOT NULL
      OR r.embed.media.external IS NOT NULL AS beside,
    coalesce(try_cast(time_us AS BIGINT), round(try_cast(time_us AS DOUBLE))::BIGINT) AS us
  FROM raw
), told AS (
  SELECT *,
    list_filter(list_transform(coalesce(feats, []), lambda f: f.uri), lambda u: u <> '') AS linked,
    list_append(
      list_transform(CASE WHEN beside THEN r.embed.media.images ELSE r.embed.images END,
        lambda i: {'type': 'image', 'blob': i.image}),
      {'type': 'video', 'blob': CASE WHEN beside THEN r.embed.media.video ELSE r.embed.video END})
      AS blobs
  FROM said
), hashed AS (
  SELECT *, list_filter(list_transform(blobs, lambda b: {'type': b."type", 'url': NULL::VARCHAR,
      'phash': nullif(CASE WHEN b.blob.ref IS NULL THEN b.blob.cid ELSE b.blob.ref."$link" END, '')
    }), lambda m: m.phash IS NOT NULL) AS shown
  FROM told
)
SELECT address AS post_id, did AS account_id, time_us AS written,
  make_timestamp(us) AS time,
  CASE WHEN is_post THEN r."text"->>'$' END AS text,
  CASE WHEN is_post THEN r.langs[1] END AS lang,
  CASE WHEN is_repost THEN 'repost' WHEN nullif(parent, '') IS NOT NULL THEN 'reply'
       WHEN nullif(quoted, '') IS NOT NULL THEN 'quote' ELSE 'post' END AS kind,
  original AS repost_of,
  nullif(regexp_extract(original, '^at://(did:[^/]*)', 1), '') AS repost_of_account,
  CASE WHEN is_post THEN parent END AS reply_to,
  CASE WHEN is_post THEN nullif(regexp_extract(parent, '^at://(did:[^/]*)', 1), '') END
    AS reply_to_account,
  CASE WHEN is_post THEN quoted END AS quote_of,
  CASE WHEN is_post THEN r.reply.root.uri END AS root_id,
  CASE WHEN is_post THEN CASE WHEN nullif(card, '') IS NULL OR list_contains(linked, card)
    THEN linked ELSE list_append(linked, card) END END AS urls,
  CASE WHEN is_post THEN list_concat(list_filter(list_transform(coalesce(feats, []),
    lambda f: f.tag), lambda t: t IS NOT NULL), coalesce(r.tags, [])) END AS hashtags,
  CASE WHEN is_post THEN list_filter(list_transform(coalesce(feats, []), lambda f: f.did),
    lambda d: d IS NOT NULL) END AS mentions,
  CASE WHEN is_post AND len(shown) > 0 THEN shown END AS media,
  acted AS act, subject AS object_id,
  coalesce(nullif(regexp_extract(subject, '^at://(did:[^/]*)', 1), ''),
    CASE WHEN left(r.subject::VARCHAR, 1) = '"' THEN subject END) AS object_account,
  CASE WHEN gone AND (is_post OR is_repost OR acted IS NOT NULL) THEN address END AS gone,
  CASE WHEN kind = 'account' AND account.status = 'deleted' THEN nullif(did, '') END AS closed,
  CASE WHEN left(did, 1) IN ('{', '[') OR left(kind, 1) IN ('{', '[')
         OR left(coll, 1) IN ('{', '[') OR left(commit.rkey, 1) IN ('{', '[')
         OR left(commit.operation, 1) IN ('{', '[') OR left(account.status, 1) IN ('{', '[')
         THEN '!names that are no words'
       WHEN len(list_filter(r.langs, lambda l: left(l, 1) IN ('{', '['))) > 0
         THEN '!languages that are no words'
       WHEN payload IS NOT NULL OR collection IS NOT NULL THEN '!frames of the second version'
       WHEN commit IS NULL AND nullif(kind, '') IS NULL THEN '!lines that are no frames'
       WHEN commit IS NULL THEN kind
       WHEN coll IS NULL THEN '!commits to no collection'
       WHEN NOT (is_post OR is_repost) AND acted IS NULL THEN
         replace(regexp_replace(coll, '^app\\.bsky\\.', ''), '.', '_')
       WHEN nullif(did, '') IS NULL OR nullif(commit.rkey, '') IS NULL THEN '!frames without a key'
       WHEN gone THEN 'delete'
       WHEN us IS NULL OR us < 100000000000000 OR us >= 4102444800000000
         THEN '!times that are none'
       WHEN r IS NULL THEN '!commits without a record'
       WHEN is_repost AND original IS NULL THEN '!reposts of nothing'
       WHEN acted IS NOT NULL AND (subject IS NULL OR left(subject, 1) IN ('{', '['))
         THEN '!acts on nothing'
       WHEN is_post AND r."text" IS NOT NULL AND left(r."text"::VARCHAR, 1) <> '"'
         AND r."text"::VARCHAR <> 'null' THEN '!texts that are no words'
  END AS other
FROM hashed
"""
"""Frames as posts; see ``queried``."""
