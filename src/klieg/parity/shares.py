"""Inputs as CooRTweet reads them: one row an account sharing an object, repeated rows and all.

The toolkit's eight columns are read so too: a message that shares what the network names (a repost,
a link, …) is a row, one a link. The room knows the columns, not what is done with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.errors import ConfigError
from klieg.parity.arrow import bits, numbers
from klieg.parity.intern import Names
from klieg.parity.messages import filled
from klieg.parity.reading import Sheet, batches, expected_rows, seconds

if TYPE_CHECKING:
    from klieg.tables import F64, I32, Bool

__all__ = ["OBJECTS", "Shares", "read_shares"]

OBJECTS = {
    "co_retweet": "repost_id",
    "co_link": "urls",
    "co_reply": "reply_id",
    "co_tweet": "message",
}
"""Network → the column of the toolkit's table that is the object."""


class Shares(NamedTuple):
    """The rows of all inputs; objects and contents are codes of one list of names."""

    account: I32  # (n,)
    content: I32  # (n,)
    object: I32  # (n,)
    time: F64  # (n,) seconds
    modality: I32  # (n,) which input a row came from
    void: (
        Bool  # (n,) its object, account or content is null: it counts as a row, and pairs with none
    )

    def only(self, keep: Bool) -> Shares:
        """These rows."""
        if keep.all():
            return self
        columns = self.account[keep], self.content[keep], self.object[keep]
        return Shares(*columns, self.time[keep], self.modality[keep], self.void[keep])


def read_shares(sheets: Sequence[Sheet], network: str) -> tuple[Shares, Names, tuple[str, ...]]:
    """All rows with an object, the accounts' names, and what a reader must know.

    Raises InputError for a column that is not there, ConfigError for a network without an object.
    """
    expected = sum(map(expected_rows, sheets))
    accounts, ids = Names(expected // 4), Names(2 * expected)
    parts = [Shares(*(np.zeros(0, t) for t in ("i4", "i4", "i4", "f8", "i4", "?")))]
    empty = 0
    for modality, sheet in enumerate(sheets):
        columns, split = _columns(sheet, network)
        for row, (contents, users, times, objects) in batches(sheet, columns):
            time = seconds(times, sheet, row)
            account, content = accounts.codes(users), ids.codes(contents)
            if split:
                objects, at = _links(objects)
                account, content, time = account[at], content[at], time[at]
            keep = filled(objects)
            void = np.zeros(len(time), np.bool_)
            if sheet.layout == "events":
                void = _null(contents) | _null(users) | _null(objects)
                empty += int((~keep & ~void).sum())
            elif not keep.all():
                objects = objects.filter(bits(keep))
                account, content = account[keep], content[keep]
                time, void = time[keep], void[keep]
            shared = ids.codes(objects)
            modalities = np.full(len(shared), modality, np.int32)
            parts.append(Shares(account, content, shared, time, modalities, void))
    whole = Shares(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    nulls = int(whole.void.sum())
    notes = []
    if empty > 1:
        notes.append(f"{empty:,} rows have an empty object_id, which they share: CooRTweet's rule")
    if nulls:
        notes.append(f"{nulls:,} rows lack an object, account or content: they make no pair")
    return whole, accounts, tuple(notes)


def _null(strings: pa.Array) -> Bool:
    """(n,) a missing value, which is not the empty string."""
    if not strings.null_count:
        return np.zeros(len(strings), np.bool_)
    found: Bool = strings.is_null().to_numpy(zero_copy_only=False)
    return found


def _columns(sheet: Sheet, network: str) -> tuple[list[str], bool]:
    """Content, account, time and object; whether the object is a list of links."""
    if sheet.layout == "events":
        return ["content_id", "account_id", "timestamp_share", "object_id"], False
    if network not in OBJECTS:
        raise ConfigError("network", network, f"{' | '.join(OBJECTS)} for like = 'coortweet'")
    return ["message_id", "user_id", "timestamp", OBJECTS[network]], network == "co_link"


def _links(cells: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Every link of every cell, and the row it stands in."""
    parts = pc.split_pattern(cells.fill_null(b"").cast(pa.large_binary()), " ")
    return pc.list_flatten(parts), numbers(pc.list_parent_indices(parts), np.int64)
