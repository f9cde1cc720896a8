"""The coordination-network-toolkit's CSV of eight columns. Knows its header."""

from __future__ import annotations

from klieg.sources.tabular import fixed

__all__ = ["source"]

_MAPPING = {
    "post_id": "message_id",
    "account_id": "user_id",
    "handle": "username",
    "repost_of": "repost_id",
    "reply_to": "reply_id",
    "text": "message",
    "time": "timestamp",
    "urls": "urls",
}
_SAMPLE = (
    b"message_id,user_id,username,repost_id,reply_id,message,timestamp,urls\n"
    b"1,4,user_4,,,mango apple,1606451170.518101,['http://example.com/2']\n"
    b"2,1,user_1,1,,camel,1606451171.518142,\"['http://example.com/4', 'http://example.com/6']\"\n"
)

source = fixed("coordnet", tuple(_MAPPING.values()), _MAPPING, (_SAMPLE,))
