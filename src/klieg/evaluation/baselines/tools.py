"""The tools people cite, at their defaults: our edge-for-edge parity mode on the same posts.

The posts are written as each tool's own table, and ``klieg.parity`` says what it would return. The
rooms know no truth.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from klieg.evaluation.baselines.traces import traces
from klieg.parity import DEFAULTS, network_like
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.parity import LikeNetwork
    from klieg.tables import F64, Bool, Posts

__all__ = ["cnt", "coortweet"]

CNT_NETWORKS = ("co_retweet", "co_link", "co_tweet")
SHARED = ("repost", "link", "hashtags", "copies")


def cnt(posts: Posts, *, window_s: float = DEFAULTS["cnt"]["time_window"]) -> tuple[F64, Bool]:
    """(A,) weight of an account's edges in CNT's networks of reposts, links and equal texts.

    Its defaults: 1 s, two posts. Named: who has an edge.
    """
    table = pa.table(
        {
            "message_id": posts.table["post_id"],
            "user_id": _numbered(posts),
            "username": _numbered(posts),
            "repost_id": pc.fill_null(posts.table["repost_of"], ""),
            "reply_id": pc.fill_null(posts.table["reply_to"], ""),
            "message": pc.fill_null(posts.table["text"], ""),
            "timestamp": pa.array(posts.time // SECOND),
            "urls": pc.fill_null(pc.binary_join(posts.table["urls"].combine_chunks(), " "), ""),
        }
    )
    score = np.zeros(posts.n_accounts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages.parquet"
        pq.write_table(table, path)
        for network in CNT_NETWORKS:
            found = network_like(path, like="cnt", network=network, time_window=window_s)
            score += _strength(found, posts)
    return score, score > 0


def coortweet(posts: Posts, *, edge_weight: float | None = 0.5) -> tuple[F64, Bool]:
    """(A,) weight of an account's edges in CooRTweet's network of everything shared.

    Its defaults: 10 s, two participations, edges above the median weight. Named: who has an edge.
    """
    shares = traces(posts)
    columns: dict[str, list[pa.Array]] = {"object_id": [], "account_id": [], "timestamp_share": []}
    for name in SHARED:
        trace = shares.by[name]
        columns["object_id"].append(
            pc.binary_join_element_wise(name, pc.cast(pa.array(trace.object), pa.string()), " ")
        )
        columns["account_id"].append(pc.cast(pa.array(trace.account), pa.string()))
        columns["timestamp_share"].append(pa.array(trace.time // SECOND))
    whole = {k: pa.concat_arrays(v) for k, v in columns.items()}
    n = len(whole["object_id"])
    whole["content_id"] = pc.cast(pa.array(np.arange(n)), pa.string())
    if not n:
        return np.zeros(posts.n_accounts), np.zeros(posts.n_accounts, np.bool_)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        pq.write_table(pa.table(whole), path)
        every = _strength(network_like(path, like="coortweet"), posts)
        if edge_weight is None:
            return every, every > 0
        kept = _strength(network_like(path, like="coortweet", edge_weight=edge_weight), posts)
    return every, kept > 0


def _numbered(posts: Posts) -> pa.Array:
    return pc.cast(pa.array(posts.account), pa.string())


def _strength(found: LikeNetwork, posts: Posts) -> F64:
    """(A,) summed weight of the edges at each account; loops left out."""
    table = found.to_table()
    ends = [table[c].cast(pa.int64()).to_numpy() for c in table.column_names[:2]]
    weight = table["weight"].to_numpy().astype(np.float64)
    apart = ends[0] != ends[1]
    out = np.zeros(posts.n_accounts)
    for end in ends:
        out += np.bincount(end[apart], weight[apart], minlength=posts.n_accounts)
    return out
