"""Inputs as the coordination-network-toolkit reads them: messages with an id, each once.

Which rows a network looks at is decided here: reposts for one, all but reposts for the others,
every message for the last. The room knows the toolkit's columns, not what is done with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from klieg.errors import InputError
from klieg.parity.arrow import bits, lengths
from klieg.parity.intern import Names, fresh
from klieg.parity.reading import Sheet, batches, expected_rows, seconds

if TYPE_CHECKING:
    from klieg.tables import F64, I32, Bool

__all__ = ["NETWORKS", "Messages", "read_messages"]

NETWORKS = ("co_retweet", "co_link", "co_reply", "co_tweet", "co_similar_tweet", "co_post")
TEXTS = ("co_tweet", "co_similar_tweet")
_THING = {
    "co_retweet": "repost_id",
    "co_link": "urls",
    "co_reply": "reply_id",
    "co_tweet": "message",
    "co_similar_tweet": "message",
}


class Messages(NamedTuple):
    """The rows that a network looks at, in the order of the inputs, and what their codes mean."""

    account: I32  # (n,)
    post: I32  # (n,)
    thing: I32  # (n,) what it shares, as written; zeros for co_post
    time: F64  # (n,) seconds
    first: Bool  # (n,) the first row of its message id; co_link alone has others
    event: Bool  # (n,) from an events frame, where the links of a message are rows of their own
    accounts: Names
    things: Names


def read_messages(sheets: Sequence[Sheet], network: str) -> Messages:
    """Read the columns that a network needs; InputError for one that is not there."""
    expected = sum(map(expected_rows, sheets))
    accounts, posts, things = Names(expected // 4), Names(expected), Names(expected // 4)
    parts = [_Part(*(np.zeros(0, t) for t in ("i4", "i4", "i4", "f8", "?", "?")))]
    for sheet in sheets:
        event = sheet.layout == "events"
        for row, (ids, users, times, *rest) in batches(sheet, _columns(sheet, network)):
            time = seconds(times, sheet, row)
            known = posts.size
            post = posts.codes(ids)
            first = fresh(post, known)
            thing = rest[0] if rest else None
            keep = _looked_at(network, first, thing, rest[1] if rest[1:] else None, event=event)
            mask = None if keep.all() else bits(keep)
            account = accounts.codes(_only(users, mask))
            shared = np.zeros_like(account)
            if thing is not None:
                shared = things.codes(_only(thing, mask))
            events = np.full(len(account), event)
            parts.append(_Part(account, post[keep], shared, time[keep], first[keep], events))
    return Messages(
        np.concatenate([part.account for part in parts]),
        np.concatenate([part.post for part in parts]),
        np.concatenate([part.thing for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.event for part in parts]),
        accounts,
        things,
    )


class _Part(NamedTuple):
    """A batch of ``Messages``, without the names."""

    account: I32
    post: I32
    thing: I32
    time: F64
    first: Bool
    event: Bool


def _only(column: pa.Array, mask: pa.Array | None) -> pa.Array:
    return column if mask is None else column.filter(mask)


def _columns(sheet: Sheet, network: str) -> list[str]:
    """Message, account, time; then what is shared, and what marks a repost where it matters."""
    if sheet.layout == "events":
        if network in TEXTS:
            raise InputError(
                f"{network} compares texts, and an events frame has none: it needs a table with "
                "the columns message_id, user_id, repost_id, message and timestamp",
                path=sheet.source.name,
            )
        shared = [] if network == "co_post" else ["object_id"]
        return ["content_id", "account_id", "timestamp_share", *shared]
    columns = ["message_id", "user_id", "timestamp"]
    if network == "co_post":
        return columns
    return [*columns, _THING[network], *([] if network == "co_retweet" else ["repost_id"])]


def _looked_at(
    network: str, first: Bool, thing: pa.Array | None, repost: pa.Array | None, *, event: bool
) -> Bool:
    """(n,) the rows that can matter."""
    if network == "co_link":
        # later rows of a message too: in an events frame they are its other links, and otherwise
        # the toolkit takes their links although it drops them, which is told
        return first | True if repost is None else ~filled(repost)
    keep = first if repost is None else first & ~filled(repost)
    if thing is not None and network not in TEXTS:
        keep = keep & filled(thing)
    return keep


def filled(strings: pa.Array) -> Bool:
    """(n,) neither null nor empty."""
    found: Bool = lengths(strings) > 0
    return found
