"""X's archive of information operations, a CSV of some 30 columns a post. Knows its header.

Accounts are hashed, lists are written as text, times have minutes only, and there are no posts of
anybody else.
"""

from __future__ import annotations

from klieg.sources.tabular import fixed

__all__ = ["source"]

_MAPPING = {
    "post_id": "tweetid",
    "account_id": "userid",
    "name": "user_display_name",
    "handle": "user_screen_name",
    "followers": "follower_count",
    "following": "following_count",
    "account_created_at": "account_creation_date",
    "lang": "tweet_language",
    "text": "tweet_text",
    "time": "tweet_time",
    "client": "tweet_client_name",
    "reply_to": "in_reply_to_tweetid",
    "reply_to_account": "in_reply_to_userid",
    "quote_of": "quoted_tweet_tweetid",
    "is_repost": "is_retweet",
    "repost_of": "retweet_tweetid",
    "repost_of_account": "retweet_userid",
    "likes": "like_count",
    "reposts": "retweet_count",
    "replies": "reply_count",
    "hashtags": "hashtags",
    "urls": "urls",
    "mentions": "user_mentions",
}
_SAMPLE = (
    b'"tweetid","userid","user_screen_name","tweet_language","tweet_text","tweet_time",'
    b'"is_retweet","retweet_tweetid","hashtags","urls","user_mentions"\n'
    b'"11","a=","a=","en","RT @x: good day","2019-11-24 06:34","True","9","[\'day\']","[]",'
    b"\"['77']\"\n"
    b'"12","b=","b=","und","good evening","2019-11-24 06:35","False","","[]","[]","[]"\n'
)

source = fixed(
    "x_archive",
    ("tweetid", "userid", "tweet_text", "tweet_time"),
    _MAPPING,
    (_SAMPLE,),
    platform="x",
)
