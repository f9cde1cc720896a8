"""The table of advertisements an operation bought on Facebook, as published in 2018. Its header.

An advertisement names nobody but the page it leads to, so that page is the account. Times are in
the fullest column that has them, month first, with the zone by name (PDT, PST).
"""

from __future__ import annotations

import pyarrow.compute as pc

from klieg.sources.columns import first_filled, keep, put
from klieg.sources.desk import Desk
from klieg.sources.frames import Frame
from klieg.sources.tabular import fixed

__all__ = ["source"]

_PAGE, _TIME = "Ad_Landing_Page (page)", "txt_create, else Create_Date"
_MAPPING = {
    "post_id": "Ad_ID",
    "account_id": _PAGE,
    "time:mdy": _TIME,
    "text": "Ad_Text",
    "views": "Impressions",
}
# scanned paper read by machine: blanks around the marks, marks left out, words run on behind
_READ = (
    r"^\s*(\d\d) ?/ ?(\d\d) ?/ ?(\d\d) ?(\d\d) ?[:-]? ?(\d\d) ?[:-]? ?(\d\d) ?([AP]M) "
    r"(P[DS]T)\b.*$"
)


def _derive(frame: Frame, desk: Desk) -> Frame:
    desk.note("the account of an advertisement is the page it leads to")
    page = first_filled(frame, "Ad_Landing_Page")
    named = page.is_valid()
    desk.skip("advertisement_without_page", len(page) - int(pc.sum(named).as_py() or 0))
    time = pc.replace_substring_regex(
        first_filled(frame, "txt_create", "Create_Date"), _READ, r"\1/\2/\3 \4:\5:\6 \7 \8"
    )
    page = pc.replace_substring_regex(page, r"^https?://(?:www\.)?|[/?#]+$", "")
    return keep(put(frame, {_PAGE: page, _TIME: time}), named)


_SAMPLE = (
    b"fname,Ad_ID,Clicks,Impressions,Create_Date,End_Date,Ad_Text,Ad_Landing_Page,txt_create\n"
    b"a.pdf,1,3,310,2015-06-09,NA,Such a day,https://www.facebook.com/Day-Page-1/,"
    b"06/09/15 03:50:21 AM PDT\n"
    b"b.pdf,2,0,12,2015-06-19,NA,Join us,https://www.facebook.com/Hill-Page-2/,"
    b"06/19/15 05:57:56 AM PDT\n"
)

source = fixed(
    "facebook_ads",
    ("Ad_ID", "Ad_Text", "Ad_Landing_Page", "Create_Date"),
    _MAPPING,
    (_SAMPLE,),
    platform="facebook",
    derive=_derive,
    reads=("Ad_Landing_Page", "txt_create", "Create_Date"),
)
