"""telegram-tracker's table of messages. Knows its header.

Ids are put together as Telegram Desktop's importer has them (``channel10/2``), so that both meet.
The table knows which message a forwarded one repeats, if its channel is public.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.columns import first_filled, put
from klieg.sources.desk import Desk
from klieg.sources.frames import Frame, lossless
from klieg.sources.tabular import fixed

__all__ = ["source"]

_MAPPING = {
    "post_id": "message_of_chat",
    "account_id": "sender",
    "handle": "channel_name",
    "time": "date",
    "text": "said",
    "is_repost": "is_forward",
    "repost_of": "forwarded_message",
    "repost_of_account": "forwarded_peer",
    "is_reply": "is_reply",
    "reply_to": "answered_message",
    "urls": "url",
    "views": "views",
    "reposts": "number_forwards",
    "replies": "number_replies",
}
_READS = (
    *("channel_id", "msg_id", "message", "cleaned_message", "msg_from_peer", "msg_from_id"),
    *("forward_msg_from_peer_type", "forward_msg_from_peer_id", "forward_msg_link"),
    "reply_to_msg_id",
)


def _derive(frame: Frame, desk: Desk) -> Frame:
    channel = _peer(None, _id(frame, "channel_id"))
    person = _peer(first_filled(frame, "msg_from_peer"), _id(frame, "msg_from_id"))
    origin = _peer(
        first_filled(frame, "forward_msg_from_peer_type"), _id(frame, "forward_msg_from_peer_id")
    )
    link = first_filled(frame, "forward_msg_link")
    repeated = pc.struct_field(pc.extract_regex(link, r"/(?P<n>\d+)(?:\?.*)?$"), "n")
    return put(
        frame,
        {
            "message_of_chat": _message(channel, _id(frame, "msg_id")),
            "sender": pc.coalesce(person, channel),
            "said": first_filled(frame, "message", "cleaned_message"),
            "forwarded_peer": origin,
            "forwarded_message": _message(origin, repeated),
            "answered_message": _message(channel, _id(frame, "reply_to_msg_id")),
        },
    )


def _id(frame: Frame, name: str) -> Any:
    column = first_filled(frame, name)
    return pa.chunked_array([lossless(c)[0] for c in column.chunks], pa.string())


def _peer(kind: Any, number: Any) -> Any:
    """``channel10`` or ``user7``; what is not called a user is a channel."""
    word: Any = pa.scalar("channel")
    if kind is not None:
        person = pc.fill_null(pc.match_substring(kind, "User"), False)
        word = pc.if_else(person, "user", "channel")
    return pc.binary_join_element_wise(word, number, "")


def _message(peer: Any, number: Any) -> Any:
    return pc.binary_join_element_wise(peer, number, "/")


_SAMPLE = (
    b"signature,channel_id,channel_name,msg_id,message,date,msg_from_peer,msg_from_id,views,"
    b"number_replies,number_forwards,is_forward,forward_msg_from_peer_type,"
    b"forward_msg_from_peer_id,forward_msg_link,is_reply,reply_to_msg_id,url\n"
    b"s.1,10,news,2,read this,2024-05-01 10:00:00+00:00,,,238,0,2,0,,,,0,,https://e.org/1\n"
    b"s.2,10,news,3,hello,2024-05-01 10:00:05+00:00,,,9,0,0,1,PeerChannel,12.0,"
    b"https://t.me/others/44,0,,\n"
    b"s.3,10,news,4,indeed,2024-05-01 10:00:09+00:00,PeerUser,7,,,,0,,,,1,2.0,\n"
)

source = fixed(
    "telegram_tracker",
    ("channel_id", "msg_id", "date", "is_forward", "forward_msg_from_peer_id"),
    _MAPPING,
    (_SAMPLE,),
    platform="telegram",
    derive=_derive,
    reads=_READS,
)
