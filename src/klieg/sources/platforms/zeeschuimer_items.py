"""Items as platforms send them to a browser, as posts: one short mapping a platform.

None of these shapes is documented and all of them drift, so every field is fetched by a tolerant
getter and what is missing is missing. Read from the public code of 4CAT and Zeeschuimer. The room
knows shapes of items; neither files nor wrappers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klieg.sources.markup import plain
from klieg.sources.pages import at, count, moment, number, objects, words_at
from klieg.sources.platforms.zeeschuimer_x import tweet_post

__all__ = ["SITES", "site_of"]

Item = dict[str, Any]
Post = dict[str, Any] | None


def site_of(platform: str) -> str:
    """A wrapper's word for a platform, made even: ``www.twitter.com`` and ``x.com`` are ``x``.

    >>> site_of("www.tiktok.com"), site_of("tiktok-comments"), site_of("twitter.com")
    ('tiktok', 'tiktok_comments', 'x')
    """
    word = platform.lower().removeprefix("www.").split("/")[0]
    comments = "comment" in platform.lower()
    name = word.removesuffix("-comments").split(".")[0].replace("-", "_")
    name = {"twitter": "x", "truthsocial": "truth", "truth_social": "truth"}.get(name, name)
    return f"{name}_comments" if comments and name else name


def _medium(kind: str | None, address: str | None) -> dict[str, str | None]:
    return {"type": kind, "url": address, "phash": None}


# --- TikTok, Douyin ------------------------------------------------------------------------------


def _tiktok(item: Item) -> Post:
    author = at(item, "author")
    handle = words_at(author, "uniqueId") or words_at(item, "author")
    extra, sound = objects(item, "textExtra"), words_at(item, "music", "id")
    counted = at(item, "stats") or at(item, "statsV2")
    if at(item, "createTime") is None and at(item, "desc") is None:
        return None
    return {
        "platform": "tiktok",
        "post_id": words_at(item, "id"),
        "account_id": words_at(author, "id") or words_at(item, "authorId") or handle,
        "time": moment(item, "createTime"),
        "text": at(item, "desc"),
        "lang": words_at(item, "textLanguage"),
        "kind": "post",
        "hashtags": _some(words_at(e, "hashtagName") for e in extra),
        "mentions": _some(words_at(e, "userUniqueId") for e in extra),
        "objects": [{"trace": "sound", "id": sound}] if sound else None,
        "account": {
            "handle": handle,
            "name": words_at(author, "nickname") or words_at(item, "nickname"),
            "followers": count(item, "authorStats.followerCount", "authorStatsV2.followerCount"),
            "following": number(item, "authorStats", "followingCount"),
            "verified": at(author, "verified"),
        },
        "metrics": {
            "likes": number(counted, "diggCount"),
            "reposts": number(counted, "shareCount"),
            "replies": number(counted, "commentCount"),
            "views": number(counted, "playCount"),
        },
    }


def _tiktok_comment(item: Item) -> Post:
    above, video = words_at(item, "reply_id"), words_at(item, "aweme_id")
    if not words_at(item, "cid"):
        return None
    return {
        "platform": "tiktok",
        "post_id": words_at(item, "cid"),
        "account_id": words_at(item, "user", "uid") or words_at(item, "user", "unique_id"),
        "time": moment(item, "create_time"),
        "text": at(item, "text"),
        "lang": words_at(item, "comment_language"),
        "kind": "comment",
        "reply_to": above if above and above != "0" else video,
        "root_id": video,
        "account": {
            "handle": words_at(item, "user", "unique_id"),
            "name": words_at(item, "user", "nickname"),
        },
        "metrics": {
            "likes": number(item, "digg_count"),
            "replies": number(item, "reply_comment_total"),
        },
    }


def _douyin(item: Item) -> Post:
    author = at(item, "author") or at(item, "authorInfo")
    time = moment(item, "create_time") or moment(item, "createTime")
    if time is None:
        return None
    return {
        "platform": "douyin",
        "post_id": words_at(item, "aweme_id") or words_at(item, "awemeId"),
        "account_id": words_at(author, "uid") or words_at(author, "sec_uid"),
        "time": time,
        "text": at(item, "desc"),
        "kind": "post",
        "account": {"name": words_at(author, "nickname")},
        "metrics": {"likes": number(item, "statistics", "digg_count")},
    }


# --- Instagram, Threads, Facebook ----------------------------------------------------------------


def _instagram(item: Item) -> Post:
    for wrapper in ("node", "media"):
        inner = at(item, wrapper)
        item = inner if isinstance(inner, dict) else item
    owner = at(item, "user") or at(item, "owner")
    time = moment(item, "taken_at") or moment(item, "taken_at_timestamp")
    if time is None:
        return None
    caption = at(item, "caption", "text") or at(
        item, "edge_media_to_caption", "edges", 0, "node", "text"
    )
    return {
        "platform": "instagram",
        "post_id": words_at(item, "code") or words_at(item, "shortcode") or words_at(item, "id"),
        **_meta_owner(owner),
        "time": time,
        "text": caption,
        "kind": "post",
        "metrics": {
            "likes": count(item, "like_count", "edge_media_preview_like.count"),
            "replies": count(item, "comment_count", "edge_media_to_comment.count"),
            "views": count(item, "play_count", "video_view_count"),
        },
    }


def _instagram_comment(item: Item) -> Post:
    time = moment(item, "created_at") or moment(item, "created_at_utc")
    if time is None:
        return None
    return {
        "platform": "instagram",
        "post_id": words_at(item, "pk") or words_at(item, "id"),
        **_meta_owner(at(item, "user")),
        "time": time,
        "text": at(item, "text"),
        "kind": "comment",
        "reply_to": words_at(item, "parent_comment_id") or words_at(item, "media_id"),
        "root_id": words_at(item, "media_id"),
        "metrics": {"likes": number(item, "comment_like_count")},
    }


def _meta_owner(user: Any) -> dict[str, Any]:
    handle = words_at(user, "username")
    return {
        "account_id": words_at(user, "pk") or words_at(user, "id") or handle,
        "account": {
            "handle": handle,
            "name": words_at(user, "full_name"),
            "followers": number(user, "follower_count"),
            "verified": at(user, "is_verified"),
        },
    }


def _threads(item: Item) -> Post:
    about = at(item, "text_post_app_info")
    repeated, quoted = (
        words_at(about, "share_info", kind, "code") for kind in ("reposted_post", "quoted_post")
    )
    answered = words_at(about, "reply_to_author", "id")
    link = words_at(about, "link_preview_attachment", "url")
    if words_at(item, "taken_at") is None:
        return None
    reply = answered is not None or at(about, "is_reply") is True
    return {
        "platform": "threads",
        "post_id": words_at(item, "code") or words_at(item, "pk"),
        **_meta_owner(at(item, "user")),
        "time": moment(item, "taken_at"),
        "text": at(item, "caption", "text"),
        "kind": "repost" if repeated else "reply" if reply else "quote" if quoted else "post",
        "repost_of": repeated,
        "quote_of": quoted,
        "reply_to_account": answered,
        "urls": [link] if link else None,
        "metrics": {
            "likes": number(item, "like_count"),
            "reposts": number(about, "repost_count"),
            "replies": number(about, "direct_reply_count"),
        },
    }


def _facebook(item: Item) -> Post:
    story = at(item, "comet_sections", "content", "story")
    author = at(story, "actors", 0)
    told = objects(item, "comet_sections", "context_layout", "story", "comet_sections", "metadata")
    times = (moment(m, "story", "creation_time") for m in told)
    if not isinstance(story, dict):
        return None
    handle = (words_at(author, "url") or "").rstrip("/").rsplit("/", 1)[-1]
    return {
        "platform": "facebook",
        "post_id": words_at(story, "post_id") or words_at(item, "post_id"),
        "account_id": words_at(author, "id") or handle,
        "time": next((t for t in times if t), None) or moment(item, "creation_time"),
        "text": at(story, "message", "text"),
        "kind": "post",
        "account": {"handle": handle, "name": words_at(author, "name")},
    }


# --- Truth Social, Gab, LinkedIn, 9GAG -----------------------------------------------------------


def _fediverse(platform: str) -> Callable[[Item], Post]:
    """Sites that run or ran Mastodon's software, and send what it sends."""

    def make(item: Item) -> Post:
        if words_at(item, "created_at") is None or at(item, "type") in {"group", "user"}:
            return None
        repeated, owner = at(item, "reblog"), at(item, "account")
        said = repeated if isinstance(repeated, dict) else item
        reply, quoted = words_at(item, "in_reply_to_id"), words_at(item, "quote_id")
        link = words_at(said, "card", "url")
        return {
            "platform": platform,
            "post_id": words_at(item, "id"),
            "account_id": words_at(owner, "id") or words_at(owner, "username"),
            "time": words_at(item, "created_at"),
            "text": plain(words_at(said, "content") or ""),
            "lang": words_at(said, "language"),
            "kind": "repost" if repeated else "reply" if reply else "quote" if quoted else "post",
            "repost_of": words_at(repeated, "id"),
            "repost_of_account": words_at(repeated, "account", "id"),
            "reply_to": reply,
            "reply_to_account": words_at(item, "in_reply_to_account_id"),
            "quote_of": quoted,
            "urls": [link] if link else None,
            "hashtags": _some(words_at(t, "name") for t in objects(said, "tags")),
            "mentions": _some(words_at(m, "username") for m in objects(said, "mentions")),
            "media": [
                _medium(words_at(m, "type"), words_at(m, "url"))
                for m in objects(said, "media_attachments")
            ]
            or None,
            "account": {
                "handle": words_at(owner, "username"),
                "name": words_at(owner, "display_name"),
                "created_at": words_at(owner, "created_at"),
                "followers": number(owner, "followers_count"),
                "following": number(owner, "following_count"),
                "verified": at(owner, "verified"),
            },
            "metrics": {
                "likes": number(item, "favourites_count"),
                "reposts": count(item, "reblogs_count", "reposts_count"),
                "replies": number(item, "replies_count"),
            },
        }

    return make


def _linkedin(item: Item) -> Post:
    urn = words_at(item, "updateMetadata", "urn") or words_at(item, "preDashEntityUrn") or ""
    digits = urn.partition("urn:li:activity:")[2].split(",")[0].split(")")[0]
    owner = words_at(item, "actor", "navigationContext", "actionTarget") or ""
    handle = owner.rpartition("linkedin.com/")[2].split("?")[0].rstrip("/")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        return None
    counted = at(item, "*socialDetail", "*totalSocialActivityCounts")
    link = words_at(item, "content", "navigationContext", "actionTarget") or words_at(
        item, "content", "articleComponent", "navigationContext", "actionTarget"
    )
    return {
        "platform": "linkedin",
        "post_id": digits,
        "account_id": handle,
        # LinkedIn says "2w" only, but the first bits of its ids are milliseconds since 1970
        "time": moment((int(digits) >> 22) // 1000),
        "text": at(item, "commentary", "text", "text"),
        "kind": "post",
        "urls": [link] if link else None,
        "account": {"handle": handle, "name": words_at(item, "actor", "name", "text")},
        "metrics": {
            "likes": number(counted, "numLikes"),
            "reposts": number(counted, "numShares"),
            "replies": number(counted, "numComments"),
        },
    }


def _ninegag(item: Item) -> Post:
    if words_at(item, "creationTs") is None:
        return None
    parts = (words_at(item, "title"), words_at(item, "description"))
    link = words_at(item, "sourceUrl")
    handle = words_at(item, "creator", "username")
    return {
        "platform": "9gag",
        "post_id": words_at(item, "id"),
        "account_id": words_at(item, "creator", "userId") or handle,
        "time": moment(item, "creationTs"),
        "text": "\n".join(p for p in parts if p),
        "kind": "post",
        "urls": [link] if link else None,
        "hashtags": _some(words_at(t, "key") for t in objects(item, "tags")),
        "account": {"handle": handle, "name": words_at(item, "creator", "fullName")},
        "metrics": {
            "likes": number(item, "upVoteCount"),
            "replies": number(item, "commentsCount"),
        },
    }


def _some(words: Any) -> list[str] | None:
    return [w for w in words if w] or None


SITES: dict[str, Callable[[Item], Post]] = {
    "9gag": _ninegag,
    "douyin": _douyin,
    "facebook": _facebook,
    "gab": _fediverse("gab"),
    "instagram": _instagram,
    "instagram_comments": _instagram_comment,
    "linkedin": _linkedin,
    "threads": _threads,
    "tiktok": _tiktok,
    "tiktok_comments": _tiktok_comment,
    "truth": _fediverse("truth_social"),
    "x": tweet_post,
    "x_comments": tweet_post,
}
"""How the items of each platform become posts, by the platform's name."""
