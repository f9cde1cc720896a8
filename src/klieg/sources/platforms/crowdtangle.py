"""CrowdTangle's CSV exports: Facebook pages and groups, Instagram, Reddit. Knows their headers.

Times carry a zone by name ("EST", "EDT"). A row names the page, group or account that posted; in a
group that is the group, for CrowdTangle does not say who wrote. Exports were often cut down before
they were passed on, so an account without its number is known by its handle or name, and said so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.columns import first_filled, is_lossy, put
from klieg.sources.desk import Desk
from klieg.sources.frames import Frame
from klieg.sources.peek import Peek
from klieg.sources.tabular import fixed

__all__ = ["source"]

_NAMES = ("Page Name", "Group Name", "Account", "Subreddit")
_SITE, _LINK = "(site of URL)", "Final Link, else Link"
_ACCOUNT = "Facebook Id, else User Name, else the name"
_MAPPING = {
    "platform": _SITE,
    "account_id": _ACCOUNT,
    "post_id": "URL",
    "time": "Post Created",
    "text": ("Message", "Description", "Title"),
    "urls": _LINK,
    "handle": "User Name",
    "name": _NAMES,
    "followers": ("Followers at Posting", "Likes at Posting"),
    "account_created_at": "Page Created",
    "likes": "Likes",
    "reposts": "Shares",
    "replies": "Comments",
    "views": ("Total Views", "Post Views", "Views"),
}
_READS = ("Facebook Id", "Link", "Final Link")
_OWNER = r"^https?://(?:www\.|m\.|web\.)?(?:facebook|instagram|reddit)\.com/(?P<owner>[^/?#]+)"
_HOST = r"^https?://(?:[\w-]+\.)*(?P<host>\w+)\.com/"
_NATIVE = pa.array(["photo.php", "photo", "photos", "p", "reel", "tv"])


def _derive(frame: Frame, desk: Desk) -> Frame:
    columns = frame.table.column_names
    number = first_filled(frame, "Facebook Id")
    if is_lossy(number):
        desk.note("Facebook Id stands in float notation: accounts are known by handle or name")
        number = first_filled(frame)
    elif "Facebook Id" not in columns:
        desk.note("there is no column of account numbers: accounts are known by handle or name")
    if "Group Name" in columns:
        desk.note("the account of a post is its group: CrowdTangle does not say who wrote in it")
    address = first_filled(frame, "URL")
    return put(
        frame,
        {
            _SITE: _platform(address),
            _ACCOUNT: pc.coalesce(number, first_filled(frame, "User Name", *_NAMES)),
            _LINK: _links(frame, number, address),
        },
    )


def _platform(address: Any) -> Any:
    """Where the posts of these addresses stand: Facebook, if nothing else is said."""
    host = pc.struct_field(pc.extract_regex(address, _HOST), "host")
    known = pc.is_in(host, value_set=pa.array(["instagram", "reddit"]))
    return pc.if_else(pc.fill_null(known, False), host, "facebook")


def _links(frame: Frame, number: Any, address: Any) -> Any:
    """Links that lead away: not to the post itself, nor to the account's own pictures and films."""
    link = first_filled(frame, "Final Link", "Link")
    owner = pc.utf8_lower(pc.struct_field(pc.extract_regex(link, _OWNER), "owner"))
    handle = pc.utf8_lower(first_filled(frame, "User Name"))
    own = pc.fill_null(pc.equal(link, address), False)
    for mine in (pc.equal(owner, handle), pc.equal(owner, number)):
        own = pc.or_(own, pc.fill_null(mine, False))
    own = pc.or_(own, pc.fill_null(pc.is_in(owner, value_set=_NATIVE), False))
    return pc.if_else(own, None, link)


def _recognised(shape: Peek) -> float:
    if shape.kind not in {"csv", "parquet"} or not shape.has("Post Created", "URL"):
        return 0.0
    told = any(shape.has(name) for name in _NAMES)
    return 0.9 if told and (shape.has("Message") or shape.has("Description")) else 0.0


_SAMPLES = (
    b"Page Name,User Name,Facebook Id,Followers at Posting,Post Created,Type,Likes,Comments,Shares,"
    b"URL,Message,Link,Final Link\n"
    b"River News,rivernews,100,5200,2024-05-01 10:00:00 EDT,Link,7,1,2,"
    b"https://www.facebook.com/100/posts/1,Hello,https://e.example/a,\n"
    b"Hill Times,hilltimes,200,310,2024-05-01 10:00:09 EDT,Photo,1,0,0,"
    b"https://www.facebook.com/200/posts/2,Hello too,"
    b"https://www.facebook.com/hilltimes/photos/9,\n",
    b"Account,User Name,Followers at Posting,Post Created,Type,Likes,Comments,Views,URL,Link,"
    b"Photo,Title,Description\n"
    b"Ada,ada.draws,90,2024-05-01 12:00:00 EST,Photo,5,1,,https://www.instagram.com/p/Aa1/,"
    b"https://www.instagram.com/p/Aa1/,https://p.example/1.jpg,,Hello #day\n",
)

source = replace(
    fixed("crowdtangle", (), _MAPPING, _SAMPLES, derive=_derive, reads=_READS),
    recognised=_recognised,
)
