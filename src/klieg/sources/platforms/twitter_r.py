"""Tables the R package twitteR writes. Knows their header.

They name accounts by handle only, and do not say which post a repost repeats.
"""

from __future__ import annotations

from klieg.sources.desk import Desk
from klieg.sources.frames import Frame
from klieg.sources.tabular import fixed

__all__ = ["source"]

_MAPPING = {
    "post_id": "id",
    "account_id": "screenName",
    "handle": "screenName",
    "time": "created",
    "text": "text",
    "client": "statusSource",
    "is_repost": "isRetweet",
    "reply_to": "replyToSID",
    "likes": "favoriteCount",
    "reposts": "retweetCount",
}


def _derive(frame: Frame, desk: Desk) -> Frame:
    desk.note("twitteR gives no account numbers: accounts are known by handle")
    return frame


_SAMPLE = (
    b'"text","favorited","favoriteCount","replyToSN","created","truncated","replyToSID","id",'
    b'"replyToUID","statusSource","screenName","retweetCount","isRetweet","retweeted"\n'
    b'"hello all",FALSE,0,NA,2017-02-23 03:19:36,FALSE,NA,"834603589737668609",NA,'
    b'"<a href=""https://e.example/"">e.example</a>","ada",0,FALSE,FALSE\n'
    b'"RT @ada: hello all",FALSE,0,NA,2017-02-23 03:19:40,FALSE,NA,"834603589737668617",NA,'
    b'"<a href=""https://e.example/"">e.example</a>","bob",0,TRUE,FALSE\n'
)

source = fixed(
    "twitter_r",
    ("text", "created", "screenName", "statusSource", "isRetweet", "replyToSID"),
    _MAPPING,
    (_SAMPLE,),
    platform="x",
    derive=_derive,
)
