"""Schemas of posts and acts, and the words for signals, classes and bands. No behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    I32 = NDArray[np.int32]
    I64 = NDArray[np.int64]
    U32 = NDArray[np.uint32]
    U8 = NDArray[np.uint8]
    F64 = NDArray[np.float64]
    Bool = NDArray[np.bool_]

__all__ = [
    "ACTS",
    "BANDS",
    "KINDS",
    "MULTIPLEX",
    "POSTS",
    "REACTIONS",
    "RETOLD",
    "SECOND",
    "TIME",
    "Band",
    "Class",
]


SECOND = 1_000_000  # microseconds: all times inside klieg are int64 microseconds

TIME = pa.timestamp("us", tz="UTC")

_MEDIA = pa.struct([("type", pa.string()), ("url", pa.string()), ("phash", pa.string())])

POSTS = pa.schema(
    [
        pa.field("platform", pa.string(), nullable=False),
        pa.field("post_id", pa.string(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("resolution", pa.int32()),  # seconds its clock ticks in: 0 finer than 1 s, 1, 60
        pa.field("collection", pa.string()),  # separate collections are separate strata
        pa.field("text", pa.string()),
        pa.field("lang", pa.string()),
        pa.field("kind", pa.string()),  # post, repost, reply, quote, comment, message
        pa.field("repost_of", pa.string()),
        pa.field("repost_of_account", pa.string()),
        pa.field("reply_to", pa.string()),
        pa.field("reply_to_account", pa.string()),
        pa.field("quote_of", pa.string()),
        pa.field("root_id", pa.string()),
        pa.field("urls", pa.list_(pa.string())),
        pa.field("hashtags", pa.list_(pa.string())),
        pa.field("mentions", pa.list_(pa.string())),
        pa.field("media", pa.list_(_MEDIA)),
        pa.field("client", pa.string()),
        pa.field(
            "account",
            pa.struct(
                [
                    ("handle", pa.string()),
                    ("name", pa.string()),
                    ("created_at", TIME),
                    ("followers", pa.int64()),
                    ("following", pa.int64()),
                    ("verified", pa.bool_()),
                ]
            ),
        ),
        pa.field(
            "metrics",
            pa.struct(
                [
                    ("likes", pa.int64()),
                    ("reposts", pa.int64()),
                    ("replies", pa.int64()),
                    ("views", pa.int64()),
                ]
            ),
        ),
        pa.field("objects", pa.list_(pa.struct([("trace", pa.string()), ("id", pa.string())]))),
        pa.field("source_file", pa.string()),
        pa.field("source_row", pa.int64()),
    ]
)
"""One row a post. Unknown is null, never a made-up 0; an empty string is null."""

ACTS = pa.schema(
    [
        pa.field("platform", pa.string(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("act", pa.string(), nullable=False),  # like, follow, vote, report, rating, …
        pa.field("object_id", pa.string(), nullable=False),  # a post's id, an account's, a note's
        pa.field("time", TIME, nullable=False),
        pa.field("value", pa.string()),  # which way: up, down, HELPFUL; another way, another object
        pa.field("object_account", pa.string()),  # whose the object is, where that is known
        pa.field("act_id", pa.string()),  # the act's own address, by which it may be taken back
        pa.field("resolution", pa.int32()),  # as of POSTS
        pa.field("collection", pa.string()),
        pa.field("source_file", pa.string()),
        pa.field("source_row", pa.int64()),
    ]
)
"""Acts without text, one row an act: likes, follows, votes, reports, ratings."""

REACTIONS = ("follow", "like", "rating", "reaction", "report", "vote")
"""Signals that read acts in place of posts; ``reaction`` holds every act without its own."""

RETOLD = ("fast_repost", "synchrony")
"""Signals that tell again of posts whose acts others hold: never woven in, nor alone enough."""

KINDS = ("post", "repost", "reply", "quote", "comment", "message")

Class = Literal["coordinated", "amplification", "suggestive", "look-alike", "abstain"]

Band = Literal["strong", "likely", "notable", "insufficient data"]

BANDS: tuple[Band, ...] = ("insufficient data", "notable", "likely", "strong")  # weakest first

MULTIPLEX = "multiplex"
"""The name of the layer that holds every signal's acts at once, one act a post."""
