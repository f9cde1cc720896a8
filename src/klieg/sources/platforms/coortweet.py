"""CooRTweet's frame: one row an account sharing an object. Knows its four columns."""

from __future__ import annotations

from klieg.sources.tabular import fixed

__all__ = ["source"]

_MAPPING = {
    "trace:object": "object_id",
    "account_id": "account_id",
    "post_id": "content_id",
    "time": "timestamp_share",
}
_SAMPLE = (
    b"object_id,account_id,content_id,timestamp_share\n"
    b"o1,ada,c1,1623881091\no1,bob,c2,1623881096\no2,ada,c3,1623881190\n"
)

source = fixed("coortweet", tuple(_MAPPING.values()), _MAPPING, (_SAMPLE,))
