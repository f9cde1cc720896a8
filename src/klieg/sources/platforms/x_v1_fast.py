"""X API v1.1 statuses as one query: what ``x_v1`` reads status by status.

A file with anything the query does not take (pages of a search, texts that are no words) is left to
the tolerant path.
"""

from __future__ import annotations

__all__ = ["COLUMNS", "QUERY"]

_MEDIA = 'media STRUCT("type" VARCHAR, media_url_https VARCHAR, media_url VARCHAR)[]'
_ENTITIES = (
    "STRUCT(urls STRUCT(url VARCHAR, expanded_url VARCHAR, unwound STRUCT(url VARCHAR))[],"
    ' hashtags STRUCT("text" VARCHAR)[], user_mentions STRUCT(screen_name VARCHAR)[],'
    f" {_MEDIA})"
)
_SHOWN = f"STRUCT({_MEDIA})"
_EXTENDED = f"STRUCT(full_text JSON, entities {_ENTITIES}, extended_entities {_SHOWN})"
_NAMED = "id JSON, id_str VARCHAR"
_SAID = (
    f"{_NAMED}, full_text JSON, text JSON, entities {_ENTITIES}, extended_entities {_SHOWN},"
    f" extended_tweet {_EXTENDED}"
)
COLUMNS = {
    "id": "JSON",
    "id_str": "VARCHAR",
    "created_at": "VARCHAR",
    "full_text": "JSON",
    "text": "JSON",
    "lang": "VARCHAR",
    "source": "VARCHAR",
    "user": f"STRUCT({_NAMED}, screen_name VARCHAR, name VARCHAR, created_at VARCHAR,"
    " followers_count JSON, friends_count JSON, verified BOOLEAN)",
    "entities": _ENTITIES,
    "extended_entities": _SHOWN,
    "extended_tweet": _EXTENDED,
    "retweeted_status": f"STRUCT({_SAID}, user STRUCT({_NAMED}))",
    "quoted_status": f"STRUCT({_NAMED})",
    "quoted_status_id": "JSON",
    "quoted_status_id_str": "VARCHAR",
    "in_reply_to_status_id": "JSON",
    "in_reply_to_status_id_str": "VARCHAR",
    "in_reply_to_user_id": "JSON",
    "in_reply_to_user_id_str": "VARCHAR",
    "favorite_count": "JSON",
    "retweet_count": "JSON",
    "reply_count": "JSON",
    "statuses": "JSON",
    "delete": f"STRUCT(status STRUCT({_NAMED}))",
    **dict.fromkeys(
        (
            *("limit", "scrub_geo", "status_withheld", "user_withheld", "disconnect", "warning"),
            *("event", "errors", "error", "screen_name"),
        ),
        "JSON",
    ),
}
"""The keys of a line that are read."""


def _id(holder: str, stem: str = "id") -> str:
    """The ``_str`` key, or the number where it is one without a point."""
    number = f"{holder}{stem}::VARCHAR"
    return (
        f"coalesce(nullif({holder}{stem}_str, ''),"
        f" CASE WHEN regexp_full_match({number}, '-?[0-9]+') THEN {number} END)"
    )


def _whole(key: str) -> str:
    """A count that is written as a whole number and is none below nothing."""
    number = f"{key}::VARCHAR"
    return f"CASE WHEN regexp_full_match({number}, '[0-9]{{1,18}}') THEN {number}::BIGINT END"


def _words(holder: str) -> str:
    parts = (f"{holder}extended_tweet.full_text", f"{holder}full_text", f"{holder}text")
    return "coalesce(" + ", ".join(f"nullif({p}->>'$', '')" for p in parts) + ")"


_TEXTS = (
    *("full_text", '"text"', "extended_tweet.full_text", "rt.full_text", "rt.text"),
    "rt.extended_tweet.full_text",
)
_NO_WORDS = " OR ".join(
    f"({key} IS NOT NULL AND left({key}::VARCHAR, 1) <> '\"' AND {key}::VARCHAR <> 'null')"
    for key in _TEXTS
)


_IDS = (
    *("id", "in_reply_to_status_id", "in_reply_to_user_id", "quoted_status_id", '"user".id'),
    *("rt.id", "rt.user.id", "quoted_status.id", '"delete".status.id'),
)
_WORDS_FOR_IDS = " OR ".join(  # where a number should be, and nothing else says which
    f"(nullif({key}_str, '') IS NULL AND left({key}::VARCHAR, 1) = '\"'"
    f" AND {key}::VARCHAR <> '\"\"')"
    for key in _IDS
)


def _time(key: str) -> str:
    """``Wed May 01 10:00:00 +0000 2024``; other writings are for the tolerant path."""
    return f"try_strptime({key}, '%a %b %d %H:%M:%S +0000 %Y')"


def _media(items: str) -> str:
    return (
        f"list_filter(list_transform({items}, lambda m: {{'type': nullif(m.\"type\", ''),"
        " 'url': coalesce(nullif(m.media_url_https, ''), nullif(m.media_url, '')),"
        " 'phash': NULL::VARCHAR}), lambda m: m.\"type\" IS NOT NULL OR m.url IS NOT NULL)"
    )


QUERY = f"""
WITH raw AS (
  SELECT *, retweeted_status AS rt, {_words("")} AS own_words,
    {_words("retweeted_status.")} AS rt_words
  FROM read_json($path, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = $longest, columns = $columns)
), ids AS (
  SELECT *, {_id("")} AS own_id, {_id("rt.")} AS rt_id,
    coalesce({_id("", "quoted_status_id")}, {_id("quoted_status.")}) AS quote_id,
    {_id("", "in_reply_to_status_id")} AS reply_id,
    {_time("created_at")} AS posted, {_time('"user".created_at')} AS born,
    CASE WHEN rt_words IS NOT NULL
      THEN coalesce(rt.extended_tweet.entities,
        CASE WHEN rt.extended_tweet IS NULL THEN rt.entities END)
      ELSE coalesce(extended_tweet.entities, CASE WHEN extended_tweet IS NULL THEN entities END)
    END AS ent,
    CASE WHEN rt_words IS NOT NULL
      THEN CASE WHEN rt.extended_tweet IS NULL THEN rt.extended_entities.media
        ELSE rt.extended_tweet.extended_entities.media END
      ELSE CASE WHEN extended_tweet IS NULL THEN extended_entities.media
        ELSE extended_tweet.extended_entities.media END
    END AS shown
  FROM raw
)
SELECT own_id AS post_id, {_id('"user".')} AS account_id, created_at AS written,
  posted AS time, coalesce(rt_words, own_words) AS text, lang,
  CASE WHEN rt IS NOT NULL THEN 'repost' WHEN reply_id IS NOT NULL THEN 'reply'
       WHEN quote_id IS NOT NULL THEN 'quote' ELSE 'post' END AS kind,
  rt_id AS repost_of, {_id("rt.user.")} AS repost_of_account,
  reply_id AS reply_to, {_id("", "in_reply_to_user_id")} AS reply_to_account,
  CASE WHEN rt IS NULL THEN quote_id END AS quote_of,
  list_filter(list_transform(coalesce(ent.urls, []),
      lambda u: coalesce(nullif(u.unwound.url, ''), nullif(u.expanded_url, ''), u.url)),
    lambda u: u IS NOT NULL AND NOT (contains(u, '/status/') AND
      list_contains([coalesce(own_id, ''), coalesce(rt_id, ''), coalesce(quote_id, '')],
        split_part(list_last(string_split(u, '/status/')), '?', 1)))) AS urls,
  list_transform(coalesce(ent.hashtags, []), lambda h: h.text) AS hashtags,
  list_transform(coalesce(ent.user_mentions, []), lambda m: m.screen_name) AS mentions,
  CASE WHEN len({_media("shown")}) > 0 THEN {_media("shown")} ELSE {_media("ent.media")} END
    AS media,
  source AS client,
  {{'handle': nullif("user".screen_name, ''), 'name': nullif("user".name, ''),
    'created_at': born, 'followers': {_whole('"user".followers_count')},
    'following': {_whole('"user".friends_count')}, 'verified': "user".verified}} AS account,
  {{'likes': {_whole("favorite_count")}, 'reposts': {_whole("retweet_count")},
    'replies': {_whole("reply_count")}, 'views': NULL::BIGINT}} AS metrics,
  CASE WHEN "user" IS NULL THEN {_id('"delete".status.')} END AS gone,
  CASE WHEN statuses IS NOT NULL THEN '!pages of a search'
       WHEN "user" IS NOT NULL AND {_id('"user".')} IS NULL THEN '!statuses of nobody'
       WHEN rt IS NOT NULL AND rt_id IS NULL THEN '!reposts of nothing'
       WHEN (extended_tweet IS NOT NULL AND extended_tweet.full_text IS NULL)
         OR (rt.extended_tweet IS NOT NULL AND rt.extended_tweet.full_text IS NULL)
         THEN '!long texts without a text'
       WHEN {_WORDS_FOR_IDS} THEN '!ids that are no numbers'
       WHEN left(quoted_status.id_str, 1) IN ('{{', '[') THEN '!names that are no words'
       WHEN {_NO_WORDS} THEN '!texts that are no words'
       WHEN (created_at IS NOT NULL AND posted IS NULL)
         OR ("user".created_at IS NOT NULL AND born IS NULL) THEN '!times written another way'
       WHEN "user" IS NOT NULL AND (text IS NOT NULL OR full_text IS NOT NULL) THEN NULL
       WHEN left("delete".status.id_str, 1) IN ('{{', '[') THEN '!names that are no words'
       WHEN {_id('"delete".status.')} IS NOT NULL THEN 'delete'
       ELSE '!notices of the stream' END AS other
FROM ids
"""
"""Statuses as posts; see ``queried``."""
