"""Creation times that ids carry: snowflakes of X and Mastodon, TIDs of Bluesky.

An id tells when a post was made even where the post itself was not collected. What it tells is
believed only where it agrees with the times of the posts at hand: ids may be made up, renumbered,
or from a time before such ids. The room knows ids and two columns of the posts; no signal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.tables import I64, Posts

__all__ = ["PLATFORMS", "UNKNOWN", "creation_times", "known_times", "trusted"]

PLATFORMS: Final = ("bluesky", "mastodon", "x")
"""Platforms whose post ids carry their times."""

UNKNOWN: Final = np.iinfo(np.int64).min
"""In place of a time that no id and no post tells."""

_X_EPOCH_MS = 1_288_834_974_657  # 4 November 2010: X (then Twitter) began with snowflakes
_X_FIRST = 30_000_000_000  # ids before that day were counted one by one, to about 29.7e9
_MASTODON_FIRST = 1_451_606_400_000 << 16  # 2016, before Mastodon's first server
_STATUS = r"(?:^|/)(?P<id>[0-9]+)$"
_TID = r"(?:^|/)(?P<tid>[2-7a-j][2-7a-z]{12})$"
_TID_LETTERS = b"234567abcdefghijklmnopqrstuvwxyz"
_TID_FIRST = 1_640_995_200_000_000  # 2022, before Bluesky's first server
_SLACK = 5 * SECOND  # an id is drawn a little before, or after, the time that is written down
_AGREE = 0.99  # of the posts at hand, whose own ids must tell their own times


def creation_times(ids: pa.Array, platform: str) -> I64:
    """(n,) microseconds since 1970 that post ids of a platform carry; UNKNOWN where they do not.

    X: milliseconds since November 2010 above 22 bits; Mastodon: the last part of a status's
    address, milliseconds since 1970 above 16 bits; Bluesky: the last part of an ``at://`` address,
    13 letters of base 32, microseconds above 10 bits. The last is the *client's* clock, and may be
    set to anything. Sources: X's announcement
    of snowflake (2010), ``lib/mastodon/snowflake.rb``, atproto.com/specs/tid.

    >>> import numpy, pyarrow
    >>> numpy.datetime64(int(creation_times(pyarrow.array(["1235714275752267776"]), "x")[0]), "us")
    np.datetime64('2020-03-05T23:50:16.089000')
    """
    if platform == "bluesky":
        return _tids(ids)
    if platform not in PLATFORMS:
        return np.full(len(ids), UNKNOWN)
    if platform == "x":
        number = _numbers(_one(ids))
        time, first = ((number >> 22) + _X_EPOCH_MS) * 1000, _X_FIRST
    else:
        number = _numbers(pc.struct_field(pc.extract_regex(_one(ids), _STATUS), "id"))
        time, first = (number >> 16) * 1000, _MASTODON_FIRST
    return np.where(number >= first, time, UNKNOWN)


def trusted(posts: Posts) -> frozenset[str]:
    """Platforms whose ids tell the times of the posts at hand, within their clock and 5 s.

    Of at least one post, and of 99 % of those whose ids tell any time at all. Imported and bridged
    posts keep an old time under a new id; they are the one percent.
    """
    good = []
    platform = posts.table.column("platform")
    slack = _SLACK + max(posts.resolution, 0) * SECOND
    for name in PLATFORMS:
        rows = np.flatnonzero(np.asarray(pc.equal(platform, name)))
        if not len(rows):
            continue
        told = creation_times(_one(posts.table.column("post_id").take(pa.array(rows))), name)
        known = told != UNKNOWN
        off = np.abs(told[known] - posts.time[rows[known]])
        if known.any() and float((off <= slack).mean()) >= _AGREE:
            good.append(name)
    return frozenset(good)


def known_times(posts: Posts, ids: pa.Array, platform: pa.Array) -> I64:
    """(n,) microseconds when posts of these ids were made; UNKNOWN where nothing tells.

    ``ids`` and ``platform`` (n,) strings. A post that was read tells its own time; of any other its
    id does, where ids of that platform are ``trusted`` here.
    """
    found = np.full(len(ids), UNKNOWN)
    believed = trusted(posts)
    ids, platform = _one(ids), _one(platform)
    for name in pc.unique(platform).drop_null().to_pylist():
        here = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(platform, name), False)))
        asked = ids.take(pa.array(here))
        own = np.flatnonzero(np.asarray(pc.equal(posts.table.column("platform"), name)))
        read = _one(posts.table.column("post_id").take(pa.array(own)))
        at = np.asarray(pc.fill_null(pc.index_in(asked, read), -1))
        at = np.where(np.asarray(asked.is_valid()), at, -1)
        if name in believed:
            found[here] = creation_times(asked, name)
        found[here[at >= 0]] = posts.time[own[at[at >= 0]]]
    return found


def _numbers(ids: pa.Array) -> I64:
    """(n,) ids of 1 to 18 digits, or 19 that fit, as numbers; −1 for anything else."""
    plain = pc.fill_null(pc.match_substring_regex(ids, r"^[0-9]{1,18}$|^[1-8][0-9]{18}$"), False)
    number = pc.cast(pc.if_else(plain, ids, pa.scalar(None, pa.string())), pa.int64())
    return np.asarray(pc.fill_null(number, -1)).astype(np.int64)


def _tids(ids: pa.Array) -> I64:
    found = np.full(len(ids), UNKNOWN)
    tid = pc.struct_field(pc.extract_regex(_one(ids), _TID), "tid")
    rows = np.flatnonzero(np.asarray(tid.is_valid()))
    if not len(rows):
        return found
    letters = np.frombuffer("".join(tid.drop_null().to_pylist()).encode(), np.uint8)
    value = np.full(256, 0, np.int64)
    value[np.frombuffer(_TID_LETTERS, np.uint8)] = np.arange(32)
    digits = value[letters].reshape(-1, 13)
    number = np.zeros(len(rows), np.int64)
    for k in range(13):
        number = (number << 5) | digits[:, k]
    time = number >> 10
    found[rows] = np.where(time >= _TID_FIRST, time, UNKNOWN)
    return found


def _one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column
