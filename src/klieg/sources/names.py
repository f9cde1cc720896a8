"""Which column means what: the aliases of every field, and the choice between several that match.

Names are compared without case and punctuation, so ``createdAt``, ``created_at`` and ``Created At``
are one. The most complete of several matching columns wins (to the nearest per cent), then the
better alias, then the alphabet; the losers are named. The room knows names, not values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from klieg.errors import InputError
from klieg.sources.peek import plain_name

__all__ = ["ALIASES", "READY_MADE", "TRACE", "candidates", "checked", "choose", "wanted"]

TRACE = "trace:"

ALIASES: dict[str, str] = {
    # strong aliases; a bar opens the weak ones, which win only where no strong one is there
    "platform": "platform site network social_network source_platform platform_name | sm_platform",
    "collection": "collection corpus dataset_name | source dataset source_collection data_source",
    "post_id": "post_id id id_str tweet_id tweetid status_id message_id msg_id content_id"
    " comment_id"
    " video_id item_id activity_id statusid messageid post_ids data.id data.id_str | uri",
    "account_id": "account_id author_id user_id userid user_id_str user.id_str user.id author.id"
    " account.id author_did did from_id channel_id author_fullname from_user_id_str"
    " from_user_id author_account_id from.id"
    " owner_id page_id external_author_id | account author username user_name user"
    " screen_name screenname handle user_screen_name user.screen_name user.username"
    " author.username account.acct account.username author.handle author_name from_user"
    " author_handle channel_name channel page_name page account profile login nick"
    " from_user_name from_user_screen_name author_username account_acct from.name influencer"
    " data.author",
    "time": "time created_at timestamp published_at publish_date date datetime created_utc"
    " tweet_time post_created post_time posted_at posted_time create_time timestamp_share"
    " timestamp_utc time_us date_unixtime published publishedat date_time unix_time epoch"
    " created_time tweet_created_at date_published published_time unix_timestamp"
    " data.created_utc | created createdat_millis created_at_millis postdate post_date day"
    " date_posted posted create_date crawled_at",
    "clock": "hour time_of_day clock hh_mm hour_minute | time",
    "text": "text full_text tweet_text body message content tweet post_text message_text caption"
    " comment comment_text selftext post_content body_text video_description text_original"
    " textdisplay data.body data.selftext video_title"
    " | cleaned_message title post status comment_body data.title hit_sentence opening_text snippet"
    " headline",
    "lang": "lang language tweet_language lang_code language_code post_language | account_language",
    "kind": "kind post_type tweet_type message_type type_of_post | type",
    "is_repost": "is_retweet is_repost is_rt is_reblog is_share is_forward retweet isretweet",
    "is_reply": "is_reply isreply",
    "is_quote": "is_quote is_quote_status isquote quoted",
    "repost_of": "repost_of repost_id retweet_of retweet_id retweeted_id retweet_tweetid"
    " retweet_status_id retweeted_status_id retweeted_status.id_str reblog.id reposted_id"
    " shared_id retweeted_tweet_id forward_msg_link repost_of_id parent_post_id rt_id",
    "repost_of_account": "repost_of_account retweet_userid retweet_user_id retweeted_user_id"
    " retweeted_status.user.id_str reblog.account.id forward_msg_from_peer_id"
    " repost_of_user_id retweet_of_user_id | retweet_screen_name retweeted_user",
    "reply_to": "reply_to reply_id in_reply_to in_reply_to_id in_reply_to_status_id reply_to_id"
    " in_reply_to_status_id_str in_reply_to_tweetid in_reply_to_tweet_id"
    " reply_to_status_id parent_id reply_to_msg_id replytosid in_reply_to_post_id"
    " reply_to_post_id data.parent_id reply_parent_uri parent_uri",
    "reply_to_account": "reply_to_account in_reply_to_user_id in_reply_to_userid reply_to_user_id"
    " in_reply_to_account_id in_reply_to_user_id_str replytouid reply_to_userid"
    " reply_to_account_id | reply_to_user in_reply_to_screen_name replytosn"
    " reply_to_screen_name",
    "quote_of": "quote_of quote_id quoted_status_id quoted_tweet_tweetid quoted_status_id_str"
    " quoted_id quoted_tweet_id quote_of_id quoted_status.id_str quote.id",
    "root_id": "root_id conversation_id thread_id thread root link_id thread_ts discussion_id"
    " conversation data.link_id reply_root_uri root_uri",
    "urls": "urls url_list links link expanded_urls urls_expanded_url entities.urls.expanded_url"
    " shared_url shared_urls external_url outlinks urls_expanded expanded_url | url"
    " urls_url",
    "hashtags": "hashtags hashtag hash_tags tags entities.hashtags.text entities.hashtags.tag"
    " tags.name hashtag_names tag hashtag_list post_hashtags tweet_hashtags",
    "mentions": "mentions user_mentions mentioned_users mentions_user_id mention mentions_ids"
    " entities.user_mentions.id_str entities.mentions.username mentions.id"
    " mentioned_accounts | mentions_screen_name mentions_username",
    "media_url": "media_url media_urls media image_url images photos media_attachments.url"
    " entities.media.media_url_https video_url image photo_url media_expanded_url",
    "client": "client tweet_client_name status_source statussource app application application.name"
    " post_client client_name via | source",
    "handle": "handle username screen_name screenname user_screen_name user.screen_name"
    " account.acct author.username author.handle author_handle user.username | account"
    " author user_name",
    "name": "name display_name user_display_name user.name account.display_name author.name"
    " author_name displayname full_name user_full_name from_user_realname"
    " | page_name channel_name channel_title",
    "account_created_at": "account_created_at account_creation_date user.created_at user_created_at"
    " account.created_at author.created_at author_created_at",
    "followers": "followers followers_count follower_count user_followers user.followers_count"
    " account.followers_count user_followers_count followers_at_posting page_followers"
    " from_user_followercount",
    "following": "following friends_count following_count user.friends_count"
    " account.following_count"
    " user_friends_count followees",
    "verified": "verified user_verified user.verified is_verified author.verified",
    "likes": "likes like_count favorite_count likes_count favourites favorites favoritecount"
    " favourites_count_post public_metrics.like_count reactions_count score likecount ups"
    " digg_count",
    "reposts": "reposts retweet_count retweets repost_count retweetcount reblogs_count share_count"
    " shares public_metrics.retweet_count number_forwards forwards retweets_count"
    " reposts_count",
    "replies": "replies reply_count replies_count num_comments comments comment_count"
    " number_replies"
    " public_metrics.reply_count comments_count",
    "views": "views view_count impressions impression_count views_count plays play_count"
    " public_metrics.impression_count",
}
"""Aliases of each field, in order of trust."""

READY_MADE: dict[str, str] = {
    "object_id": "object",
    "url_id": "link",
    "hashtag_id": "hashtags",
    "domain_id": "domain",
    "phash_id": "image",
    "image_id": "image",
    "phash": "image",
    "music_id": "sound",
    "sound_id": "sound",
}
"""Columns that hold objects somebody else made, and the trace each belongs to."""

_TIERS: dict[str, dict[str, int]] = {}
for _field, _words in ALIASES.items():
    _strong, _, _weak = _words.partition("|")
    _TIERS[_field] = {plain_name(w): 1 for w in _weak.split()} | {
        plain_name(w): 0 for w in _strong.split()
    }


def candidates(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns that match each field, best alias first."""
    found: dict[str, list[str]] = {}
    for field, tiers in _TIERS.items():
        matching = [c for c in columns if plain_name(_bare(c)) in tiers]
        if matching:
            found[field] = sorted(matching, key=lambda c: (tiers[plain_name(_bare(c))], c))
    if "client" in found and "collection" in found and plain_name(found["client"][0]) == "source":
        found["collection"] = [c for c in found["collection"] if c not in found["client"]]
    return {field: names for field, names in found.items() if names}


def _bare(column: str) -> str:
    # Reddit's and others' records lie inside a wrapper: {"kind": …, "data": {…}}
    return column.removeprefix("data.")


def wanted(columns: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """Every column that may be needed, in the order of the input."""
    needed = set(mapping.values())
    for names in candidates(columns).values():
        needed.update(names)
    return [c for c in columns if c in needed or plain_name(c) in _READY_PLAIN]


_READY_PLAIN = {plain_name(c): trace for c, trace in READY_MADE.items()}


def checked(mapping: Mapping[str, str], columns: Sequence[str], *, path: str) -> None:
    """Raise InputError if a mapping names a column or a field that does not exist."""
    for given, column in mapping.items():
        if column not in columns:
            near = get_close_matches(column, columns, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            shown = ", ".join(columns[:60]) + (", …" if len(columns) > 60 else "")
            raise InputError(
                f"--map {given}={column} names no column{hint} The columns are: {shown}", path=path
            )
        field, _, rest = given.partition(":")
        fits = rest in {"", "dmy", "mdy"} if field == "time" else not rest and field in ALIASES
        if not fits and not (field == "trace" and rest):
            raise InputError(
                f"--map {given}={column}: no field {given!r}. Fields are {', '.join(ALIASES)}; "
                "time:dmy and time:mdy say which of day and month stands first, trace:NAME names "
                "ready-made objects",
                path=path,
            )


def choose(
    columns: Sequence[str], filled: Mapping[str, float], mapping: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The column of each field, and a sentence for each column that matched but lost.

    ``filled`` is the share of usable values in each column. ``mapping`` (field → column) is the
    user's word and is not weighed.
    """
    chosen = {
        TRACE + _READY_PLAIN[plain_name(c)]: c
        for c in columns
        if plain_name(c) in _READY_PLAIN and filled.get(c, 0) > 0
    }
    losers: list[str] = []
    for field, names in candidates(columns).items():
        rank = {c: i for i, c in enumerate(names)}
        tier = {c: _TIERS[field][plain_name(_bare(c))] for c in names}
        best = sorted(names, key=lambda c: (-round(filled.get(c, 0), 2), tier[c], c))
        usable = [c for c in best if filled.get(c, 0) > 0]
        if field != "account_id":  # a handle beside a nearly empty id column is weighed with it
            usable = [c for c in usable if tier[c] == 0] or usable
        if not usable or field in mapping:
            continue
        chosen[field] = usable[0]
        losers.extend(
            f"{field}: {usable[0]} ({filled[usable[0]]:.1%} filled) rather than "
            f"{c} ({filled[c]:.1%})"
            for c in sorted(usable[1:], key=rank.__getitem__)
        )
    return chosen | dict(mapping), losers
