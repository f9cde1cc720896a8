"""4CAT's CSV exports: ``id, thread_id, author, body, timestamp`` and what each platform adds.

Every data source of 4CAT has columns of its own, and they change from version to version: of the
names a field has had, the first that is there is taken. An author is known by handle where there is
no number. Boards where everybody is called Anonymous have no accounts, and their rows are counted
apart.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.columns import first_filled, joined, keep, put
from klieg.sources.desk import Desk
from klieg.sources.frames import Frame
from klieg.sources.tabular import fixed

__all__ = ["source"]

_NUMBERS = ("author_id", "account_id", "user_id", "owner_id")
_LINKS = ("urls", "link_url", "links", "url_original", "outlinks")
_PICTURES = ("images", "image_urls", "image_url", "media_urls", "media_url", "thumbnail_url")
_ADDRESSES = ("link", "post_url", "tiktok_url", "url", "author_url", "author_profile")
_SITE, _URLS = "(site of the post's address)", "(all columns of links)"
_ACCOUNT, _TIME = "author_id, else author", "unix_timestamp, else timestamp"
_MAPPING: dict[str, str | tuple[str, ...]] = {
    "platform": _SITE,
    "post_id": "id",
    "account_id": _ACCOUNT,
    "time": _TIME,
    "text": "body",
    "lang": ("language_guess", "language", "lang"),
    "root_id": "thread_id",
    "is_repost": ("is_retweet", "is_repost", "is_forward"),
    "is_quote": ("is_quote_tweet", "is_quote"),
    "is_reply": "is_reply",
    "repost_of": ("retweet_id", "reposted_id"),
    "repost_of_account": ("retweeted_user", "reposted_user"),
    "reply_to": ("parent", "reply_to", "replied_to_post"),
    "reply_to_account": ("replied_user", "replied_to_user", "reply_to_user"),
    "hashtags": ("hashtags", "tags"),
    "mentions": ("mentions", "mentioned", "author_mentions"),
    "urls": _URLS,
    "media_url": _PICTURES,
    "trace:sound": "music_id",
    "handle": ("author", "account_username"),
    "name": ("author_fullname", "author_full", "author_name", "account_display_name"),
    "followers": ("author_followers", "account_followers"),
    "likes": ("like_count", "likes", "num_likes", "reactions", "score", "likes_count"),
    "reposts": ("retweet_count", "repost_count", "reposts", "shares", "reblogs_count"),
    "replies": ("reply_count", "comments", "num_comments", "replies", "replies_count"),
    "views": ("impression_count", "plays", "views", "view_count"),
}
_READS = (*_NUMBERS, *_LINKS, *_ADDRESSES, "author", "timestamp", "unix_timestamp")
_HOST = r"^https?://(?:[\w-]+\.)*?(?P<host>[\w-]+)\.(?:com|net|org|social|app|tv|me|cn)(?:[/:?#]|$)"
_SITES = {"twitter": "x", "truthsocial": "truth_social", "bsky": "bluesky", "t": "telegram"}
_NOBODY = pa.array(["anonymous", "[deleted]", "[removed]", "deleted"])


def _derive(frame: Frame, desk: Desk) -> Frame:
    number, handle = first_filled(frame, *_NUMBERS), first_filled(frame, "author")
    nobody = pc.is_in(pc.utf8_lower(handle), value_set=_NOBODY)
    nobody = pc.and_(pc.fill_null(nobody, False), number.is_null())
    desk.skip("anonymous_or_deleted_author", int(pc.sum(nobody).as_py() or 0))
    if pc.any(pc.and_(number.is_null(), handle.is_valid())).as_py():
        desk.note("some rows give no account number: their accounts are known by handle")
    return keep(
        put(
            frame,
            {
                _ACCOUNT: pc.coalesce(number, handle),
                # written out it may be in the clock of whoever ran 4CAT
                _TIME: first_filled(frame, "unix_timestamp", "timestamp"),
                _URLS: joined(frame, *_LINKS),
                _SITE: _platform(frame),
            },
        ),
        pc.invert(nobody),
    )


def _platform(frame: Frame) -> Any:
    """Where the posts stand, by the site their own address is on."""
    address = first_filled(frame, *_ADDRESSES)
    host = pc.utf8_lower(pc.struct_field(pc.extract_regex(address, _HOST), "host"))
    coded = host.combine_chunks().dictionary_encode()
    sites = [_SITES.get(h, h) for h in coded.dictionary.to_pylist()]
    named = pa.array(sites, pa.string()).take(coded.indices)
    return pa.chunked_array([pc.coalesce(named, pa.scalar("unknown"))])


_SAMPLES = (
    b"id,thread_id,timestamp,unix_timestamp,link,body,author,author_fullname,author_id,source,"
    b"language_guess,retweet_count,like_count,is_retweet,retweeted_user,is_reply,hashtags,urls\n"
    b"31,31,2024-05-01 10:00:00,1714557600,https://x.com/ada/status/31,hello #Day,ada,Ada,7,Web,en,"
    b"1,2,no,,no,Day,https://e.example/a\n"
    b"32,32,2024-05-01 10:00:08,1714557608,https://x.com/bob/status/32,RT @ada: hello #Day,bob,Bob,"
    b"8,Web,en,1,0,yes,ada,no,Day,\n",
    b"thread_id,id,timestamp,body,author,score,parent\n"
    b"t1,c1,2024-05-01 10:00:00,hello,ada,3,t1\nt1,c2,2024-05-01 10:00:31,hello too,bob,1,c1\n",
)

source = fixed(
    "fourcat",
    ("id", "thread_id", "author", "body", "timestamp"),
    _MAPPING,
    _SAMPLES,
    derive=_derive,
    reads=_READS,
)
