"""A tweet as X sends it to a browser: what Zeeschuimer and 4CAT store, old and new.

The shape has changed several times and is documented nowhere: facts about an account have moved
twice, long texts stand beside the short ones, and what limits who may see a tweet wraps it. Read
from the public code of 4CAT. The room knows this one shape.
"""

from __future__ import annotations

from typing import Any

from klieg.sources.markup import plain
from klieg.sources.pages import at, count, number, objects, words_at

__all__ = ["tweet_post"]

Item = dict[str, Any]


def tweet_post(item: Item) -> Item | None:
    """The post, or None for what is none (an advert, a tombstone)."""
    tweet = _bare(item)
    legacy = at(tweet, "legacy")
    if not isinstance(legacy, dict):
        return None
    repeated = _bare(at(legacy, "retweeted_status_result", "result"))
    repeated = repeated if at(repeated, "legacy") else {}
    quoted = words_at(legacy, "quoted_status_id_str") or words_at(
        _bare(at(tweet, "quoted_status_result", "result")), "rest_id"
    )
    reply, said = words_at(legacy, "in_reply_to_status_id_str"), repeated or tweet
    entities = at(said, "note_tweet", "note_tweet_results", "result", "entity_set") or at(
        said, "legacy", "entities"
    )
    own = {words_at(tweet, "rest_id"), words_at(repeated, "rest_id"), quoted}
    return {
        "platform": "x",
        "post_id": words_at(tweet, "rest_id") or words_at(legacy, "id_str"),
        "account_id": words_at(legacy, "user_id_str") or _number(tweet),
        "time": words_at(legacy, "created_at"),
        "text": _text(said),
        "lang": words_at(legacy, "lang"),
        "kind": "repost" if repeated else "reply" if reply else "quote" if quoted else "post",
        "repost_of": words_at(repeated, "rest_id") or words_at(repeated, "legacy", "id_str"),
        "repost_of_account": words_at(repeated, "legacy", "user_id_str") or _number(repeated),
        "reply_to": reply,
        "reply_to_account": words_at(legacy, "in_reply_to_user_id_str"),
        "quote_of": None if repeated else quoted,
        "root_id": words_at(legacy, "conversation_id_str"),
        "urls": _urls(entities, own),
        "hashtags": [words_at(h, "text") for h in objects(entities, "hashtags")],
        "mentions": [words_at(m, "screen_name") for m in objects(entities, "user_mentions")],
        "media": _media(said),
        "client": plain(words_at(tweet, "source") or words_at(legacy, "source") or ""),
        "account": _account(tweet),
        "metrics": {
            "likes": number(legacy, "favorite_count"),
            "reposts": number(legacy, "retweet_count"),
            "replies": number(legacy, "reply_count"),
            "views": count(tweet, "views.count", "ext_views.count"),
        },
    }


def _bare(item: Any) -> Item:
    """Some tweets lie one level deeper, beside what limits who may see them."""
    inner = at(item, "tweet")
    found = inner if isinstance(inner, dict) else item
    return found if isinstance(found, dict) else {}


def _user(tweet: Item) -> Any:
    return at(tweet, "core", "user_results", "result") or at(tweet, "user")


def _number(tweet: Item) -> str | None:
    user = _user(tweet)
    return words_at(user, "rest_id") or words_at(user, "id_str")


def _account(tweet: Item) -> dict[str, Any]:
    user = _user(tweet)

    def told(key: str) -> Any:  # the same facts have moved twice
        places = (at(user, "legacy", key), at(user, "core", key), at(user, key))
        return next((value for value in places if value is not None), None)

    return {
        "handle": told("screen_name"),
        "name": told("name"),
        "created_at": told("created_at"),
        "followers": told("followers_count"),
        "following": told("friends_count"),
        "verified": told("verified"),
    }


def _text(tweet: Item) -> Any:
    long = at(tweet, "note_tweet", "note_tweet_results", "result", "text")
    return long or at(tweet, "legacy", "full_text") or at(tweet, "legacy", "text")


def _urls(entities: Any, own: set[str | None]) -> list[str]:
    links = [words_at(u, "expanded_url") or words_at(u, "url") for u in objects(entities, "urls")]
    return [u for u in links if u and u.rsplit("/status/", 1)[-1].split("?")[0] not in own]


def _media(tweet: Item) -> list[dict[str, Any]] | None:
    found = objects(tweet, "legacy", "extended_entities", "media")
    found = found or objects(tweet, "legacy", "entities", "media")
    return [
        {"type": words_at(m, "type"), "url": words_at(m, "media_url_https"), "phash": None}
        for m in found
    ] or None
