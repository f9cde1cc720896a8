"""X API v1.1 statuses whole columns at a time: what ``x_v1`` reads status by status.

A file with anything that is not taken here (pages of a search, texts that are no words) is left to
the tolerant path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.duck import GaveUp
from klieg.sources.long_times import long_form
from klieg.sources.looks import all_digits
from klieg.sources.nested import (
    Items,
    all_null,
    at,
    chosen,
    either,
    filled,
    gathered,
    items,
    kept,
    no_word,
    together,
    true,
)

if TYPE_CHECKING:
    from klieg.tables import Bool

__all__ = ["COLUMNS", "QUERY", "shaped"]

_MEDIA = 'media STRUCT("type" VARCHAR, media_url_https VARCHAR, media_url VARCHAR)[]'
_ENTITIES = (
    "STRUCT(urls STRUCT(url VARCHAR, expanded_url VARCHAR, unwound STRUCT(url VARCHAR))[],"
    ' hashtags STRUCT("text" VARCHAR)[], user_mentions STRUCT(screen_name VARCHAR)[],'
    f" {_MEDIA})"
)
_SHOWN = f"STRUCT({_MEDIA})"
_EXTENDED = f"STRUCT(full_text JSON, entities {_ENTITIES}, extended_entities {_SHOWN})"
_NAMED = "id VARCHAR, id_str VARCHAR"
_SAID = (
    f"{_NAMED}, full_text JSON, text JSON, entities {_ENTITIES}, extended_entities {_SHOWN},"
    f" extended_tweet {_EXTENDED}"
)
COLUMNS = {
    "id": "VARCHAR",
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
    "quoted_status_id": "VARCHAR",
    "quoted_status_id_str": "VARCHAR",
    "in_reply_to_status_id": "VARCHAR",
    "in_reply_to_status_id_str": "VARCHAR",
    "in_reply_to_user_id": "VARCHAR",
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

QUERY = f"""
WITH raw AS (
  SELECT *, retweeted_status AS rt
  FROM read_json($path, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = $longest, columns = $columns)
)
SELECT id, id_str, created_at, lang, source, "user" AS who, quoted_status_id, quoted_status_id_str,
  quoted_status AS quoted, in_reply_to_status_id, in_reply_to_status_id_str,
  in_reply_to_user_id, in_reply_to_user_id_str, favorite_count, retweet_count, reply_count,
  {_words("")} AS own_words, {_words("rt.")} AS rt_words, rt IS NOT NULL AS repeats,
  rt.id AS rt_id, rt.id_str AS rt_id_str, rt."user" AS rt_user,
  extended_tweet IS NOT NULL AS long, rt.extended_tweet IS NOT NULL AS rt_long,
  entities AS own_short, extended_tweet.entities AS own_long,
  rt.entities AS rt_short, rt.extended_tweet.entities AS rt_long_entities,
  extended_entities.media AS own_short_media,
  extended_tweet.extended_entities.media AS own_long_media,
  rt.extended_entities.media AS rt_short_media,
  rt.extended_tweet.extended_entities.media AS rt_long_media,
  (extended_tweet IS NOT NULL AND extended_tweet.full_text IS NULL)
    OR (rt.extended_tweet IS NOT NULL AND rt.extended_tweet.full_text IS NULL) AS cut,
  {_NO_WORDS} AS wordless,
  "text" IS NOT NULL OR full_text IS NOT NULL AS said,
  statuses IS NOT NULL AS page, "delete".status AS deleted
FROM raw
"""
"""Statuses as they are; ``shaped`` makes posts of them."""


def shaped(batch: pa.RecordBatch) -> dict[str, Any]:
    """Statuses as posts, whole columns at a time; see ``queried``."""
    c = dict(zip(batch.schema.names, batch.columns, strict=True))
    n, who = batch.num_rows, c["who"]
    own, repeated = _id(c["id_str"], c["id"]), _id(c["rt_id_str"], c["rt_id"])
    quoted = c["quoted"]
    quote = pc.coalesce(
        _id(c["quoted_status_id_str"], c["quoted_status_id"]),
        _id(at(quoted, "id_str"), at(quoted, "id")),
    )
    reply = _id(c["in_reply_to_status_id_str"], c["in_reply_to_status_id"])
    account = _id(at(who, "id_str"), at(who, "id"))
    gone = _id(at(c["deleted"], "id_str"), at(c["deleted"], "id"))
    repeats, retold = true(c["repeats"]), true(c["rt_words"].is_valid())
    posted = _time(c["created_at"])
    other = _other(c, account, repeats & ~true(repeated.is_valid()), gone)
    found = _Entities(c, retold)
    kinds = pa.array(["repost", "reply", "quote", "post"])
    what = np.select([repeats, true(reply.is_valid()), true(quote.is_valid())], [0, 1, 2], 3)
    return {
        "post_id": own,
        "account_id": account,
        "written": c["created_at"],
        "time": posted,
        "text": pc.coalesce(c["rt_words"], c["own_words"]),
        "lang": c["lang"],
        "kind": kinds.take(pa.array(what)),
        "repost_of": repeated,
        "repost_of_account": _id(at(c["rt_user"], "id_str"), at(c["rt_user"], "id")),
        "reply_to": reply,
        "reply_to_account": _id(c["in_reply_to_user_id_str"], c["in_reply_to_user_id"]),
        "quote_of": chosen(~repeats, quote),
        "urls": gathered(n, _addresses(found, own, repeated, quote)),
        "hashtags": gathered(n, found.of("hashtags", lambda h: at(h, "text"))),
        "mentions": gathered(n, found.of("user_mentions", lambda m: at(m, "screen_name"))),
        "media": _media(found, n),
        "client": c["source"],
        "account": _account(who),
        "metrics": _metrics(c),
        "gone": chosen(~true(who.is_valid()), gone),
        "other": other,
    }


def _id(written: Any, number: Any) -> Any:
    """The ``_str`` key, or the number where it is one without a point."""
    written = filled(written)
    if all_null(number) or not written.null_count:
        return written
    missing = ~true(written.is_valid()) & true(filled(number).is_valid())
    if not missing.any():
        return written
    some = number.filter(pa.array(missing))
    if not pc.all(pc.match_substring_regex(some, "^-?[0-9]+$")).as_py():
        raise GaveUp("ids that are no numbers")
    return pc.coalesce(written, chosen(missing, number))


def _time(written: Any) -> Any:
    """``Wed May 01 10:00:00 +0000 2024``; other writings are for the tolerant path."""
    found = long_form(written)
    if found is None:
        raise GaveUp("times written another way")
    return found


class _Entities:
    """What a text holds: of the repeated status where there is one, of the longer text of each."""

    def __init__(self, c: dict[str, Any], retold: Bool) -> None:
        longer = np.where(retold, true(c["rt_long"]), true(c["long"]))
        self.holders = tuple(
            (c[name], c[media], (retold == again) & (longer == long))
            for name, media, again, long in (
                ("own_short", "own_short_media", False, False),
                ("own_long", "own_long_media", False, True),
                ("rt_short", "rt_short_media", True, False),
                ("rt_long_entities", "rt_long_media", True, True),
            )
        )

    def of(self, key: str, word: Any) -> Items:
        """A word of each of the things that stand in a list of the entities."""
        return self._joined([(at(e, key), mine) for e, _, mine in self.holders], word)

    def shown(self, word: Any) -> Items:
        """The same of the extended entities' media."""
        return self._joined([(media, mine) for _, media, mine in self.holders], word)

    def _joined(self, lists: list[tuple[Any, Bool]], word: Any) -> Items:
        found = []
        for column, mine in lists:
            rows, things = items(column)
            words = word(things)
            found.append(kept((rows, words), mine[rows] & true(words.is_valid())))
        return together(*found)


def _address(url: Any) -> Any:
    return either(at(url, "unwound.url"), either(at(url, "expanded_url"), at(url, "url")))


def _addresses(found: _Entities, *own: Any) -> Items:
    """Addresses as they unwind, but not those of the post itself, the repeated or quoted one."""
    rows, addresses = found.of("urls", _address)
    suspects = np.flatnonzero(true(pc.match_substring(addresses, "/status/")))
    if not len(suspects):
        return rows, addresses
    keep = np.ones(len(rows), np.bool_)
    at_rows = pa.array(rows[suspects])
    ids = zip(*(ids.take(at_rows).to_pylist() for ids in own), strict=True)
    for i, address, mine in zip(
        suspects.tolist(), addresses.take(pa.array(suspects)).to_pylist(), ids, strict=True
    ):
        last = address.rsplit("/status/", 1)[-1].split("?")[0]
        keep[i] = last not in mine
    return kept((rows, addresses), keep)


def _medium(m: Any) -> Any:
    """A struct of media; null where it says nothing."""
    kind, url = filled(at(m, "type")), either(at(m, "media_url_https"), filled(at(m, "media_url")))
    nothing = pa.array(~(true(kind.is_valid()) | true(url.is_valid())))
    fields = [kind, url, pa.nulls(len(m), pa.string())]
    return pa.StructArray.from_arrays(fields, names=["type", "url", "phash"], mask=nothing)


def _media(found: _Entities, n: int) -> Any:
    rows, shown = found.shown(_medium)
    more, others = found.of("media", _medium)
    has = np.bincount(rows, minlength=n) > 0
    rows, shown = together((rows, shown), kept((more, others), ~has[more]))
    return gathered(n, (rows, shown), known=np.bincount(rows, minlength=n) > 0)


def _whole(number: Any) -> Any:
    """Counts written as whole numbers, none below nothing; others are none."""
    text = number.cast(pa.string())
    if all_null(text):
        return pa.nulls(len(text), pa.int64())
    if not all_digits(text) or (pc.max(pc.binary_length(text)).as_py() or 0) > 18:
        text = pc.if_else(pc.match_substring_regex(text, "^[0-9]{1,18}$"), text, None)
    return text.cast(pa.int64())


def _account(who: Any) -> Any:
    parts = {
        "handle": filled(at(who, "screen_name")),
        "name": filled(at(who, "name")),
        "created_at": _time(at(who, "created_at")),
        "followers": _whole(at(who, "followers_count")),
        "following": _whole(at(who, "friends_count")),
        "verified": at(who, "verified"),
    }
    return pa.StructArray.from_arrays(list(parts.values()), names=list(parts))


def _metrics(c: dict[str, Any]) -> Any:
    counts = [_whole(c[f"{key}_count"]) for key in ("favorite", "retweet", "reply")]
    views = pa.nulls(len(counts[0]), pa.int64())
    return pa.StructArray.from_arrays(
        [*counts, views], names=["likes", "reposts", "replies", "views"]
    )


def _other(c: dict[str, Any], account: Any, nameless: Bool, gone: Any) -> Any:
    """``delete`` for what is no status; gives up at what the other path must judge."""
    somebody = true(c["who"].is_valid())
    status, deleted = somebody & true(c["said"]), true(gone.is_valid())
    for odd, why in (
        (true(c["page"]), "pages of a search"),
        (somebody & ~true(account.is_valid()), "statuses of nobody"),
        (nameless, "reposts of nothing"),
        (true(c["cut"]), "long texts without a text"),
        (no_word(at(c["quoted"], "id_str")), "names that are no words"),
        (no_word(at(c["deleted"], "id_str")), "names that are no words"),
        (true(c["wordless"]), "texts that are no words"),
        (~status & ~deleted, "notices of the stream"),
    ):
        if odd.any():
            raise GaveUp(why)
    nothing = pa.nulls(len(status), pa.string())
    return nothing if status.all() else pc.if_else(pa.array(status), nothing, "delete")
