"""Tables the R package rtweet writes: one post a row, what it repeats beside it. Their header.

Its CSV marks ids with an ``x`` (in some files two) to keep spreadsheets from rounding them; the
same account with and without would be two, so the marks are taken off. A repost's whole text and
its original stand in columns of their own.
"""

from __future__ import annotations

import pyarrow.compute as pc

from klieg.sources.columns import first_filled, put
from klieg.sources.desk import Desk
from klieg.sources.frames import Frame
from klieg.sources.tabular import fixed

__all__ = ["source"]

_SAID = "retweet_text, else text"
_MAPPING = {
    "post_id": "status_id",
    "account_id": "user_id",
    "time": "created_at",
    "text": _SAID,
    "lang": "lang",
    "client": "source",
    "is_repost": "is_retweet",
    "is_quote": "is_quote",
    "repost_of": "retweet_status_id",
    "repost_of_account": "retweet_user_id",
    "reply_to": "reply_to_status_id",
    "reply_to_account": "reply_to_user_id",
    "quote_of": "quoted_status_id",
    "hashtags": "hashtags",
    "urls": ("urls_expanded_url", "urls_url"),
    "mentions": "mentions_screen_name",
    "media_url": "media_url",
    "handle": "screen_name",
    "name": "name",
    "followers": "followers_count",
    "following": "friends_count",
    "verified": "verified",
    "account_created_at": "account_created_at",
    "likes": "favorite_count",
    "reposts": "retweet_count",
    "replies": "reply_count",
}
_IDS = (
    *("status_id", "user_id", "retweet_status_id", "retweet_user_id", "reply_to_status_id"),
    *("reply_to_user_id", "quoted_status_id"),
)


def _derive(frame: Frame, desk: Desk) -> Frame:
    bare = {
        name: pc.replace_substring_regex(first_filled(frame, name), r"^x+(\d+)$", r"\1")
        for name in _IDS
        if name in frame.table.column_names
    }
    return put(frame, {**bare, _SAID: first_filled(frame, "retweet_text", "text")})


_SAMPLE = (
    b'"user_id","status_id","created_at","screen_name","text","source","reply_to_status_id",'
    b'"is_quote","is_retweet","hashtags","retweet_status_id","retweet_text","retweet_user_id"\n'
    b'"x7","x3","2018-10-15 23:56:09","ada","hello #Day","Web",,FALSE,FALSE,"Day",,,\n'
    b'"x8","x4","2018-10-15 23:56:20","bob","RT @ada: hel","Web",,FALSE,TRUE,,"x3","hello #Day",'
    b'"x7"\n'
)

source = fixed(
    "rtweet",
    ("user_id", "status_id", "created_at", "screen_name", "text", "is_retweet"),
    _MAPPING,
    (_SAMPLE,),
    platform="x",
    derive=_derive,
    reads=("text", "retweet_text"),
)
