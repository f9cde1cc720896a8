"""The Clemson/538 CSV of posts by accounts of the Internet Research Agency. Knows its header.

Its dates have the month first, by definition of the format. ``external_author_id`` was saved in
float notation in part of the files, so an account is known by its handle, ``author``. Some files
carry ids of posts, others do not.
"""

from __future__ import annotations

from klieg.sources.columns import joined, put
from klieg.sources.desk import Desk
from klieg.sources.frames import Frame
from klieg.sources.tabular import fixed

__all__ = ["source"]

_URLS = "tco1_step1 + tco2_step1 + tco3_step1"
_MAPPING = {
    "post_id": "tweet_id",
    "account_id": "author",
    "handle": "author",
    "time:mdy": "publish_date",
    "text": "content",
    "lang": "language",
    "kind": "post_type",
    "is_repost": "retweet",
    "followers": "followers",
    "following": "following",
    "urls": _URLS,
}
_LINKS = ("tco1_step1", "tco2_step1", "tco3_step1")


def _derive(frame: Frame, desk: Desk) -> Frame:
    desk.note("an account is its handle: the numbers in external_author_id have lost digits")
    return put(frame, {_URLS: joined(frame, *_LINKS)})


_SAMPLE = (
    b"external_author_id,author,content,region,language,publish_date,harvested_date,following,"
    b"followers,updates,post_type,account_type,retweet,account_category,tweet_id,tco1_step1\n"
    b"9.06E+17,ADA_L,Hello all,Unknown,English,10/1/2017 19:58,10/1/2017 19:59,1052,9636,253,,"
    b"Right,0,RightTroll,914580356430536707,https://e.example/a\n"
    b"9.06E+17,BOB_B,'@ada_l hello,Unknown,English,10/2/2017 2:59,10/2/2017 3:00,10,12,9,RETWEET,"
    b"Right,1,RightTroll,914686351012712448,\n"
)

source = fixed(
    "clemson",
    ("external_author_id", "author", "content", "publish_date"),
    _MAPPING,
    (_SAMPLE,),
    platform="x",
    derive=_derive,
    reads=_LINKS,
)
