"""Where acts without text belong: platform and collection, and the language of what they were on.

An act on a post that was read counts as that post's language; of anything else nothing is known.
Acts that share a signal with others are a place of their own each, so that no pool mixes them. The
room knows two tables and dense codes, no actions and no strata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.detect.columns import numbered
from klieg.tables import REACTIONS

if TYPE_CHECKING:
    from klieg.tables import I32, Posts

__all__ = ["places", "tongues"]


def places(posts: Posts, place: I32, labels: tuple[str, ...]) -> tuple[I32, tuple[str, ...]]:
    """((size,) place of each row of evidence, labels): the posts' first, the acts' behind."""
    if posts.acts is None:
        return place, labels
    table = posts.acts.table
    parts = [_text(table.column(name)) for name in ("platform", "collection")]
    act = _text(table.column("act"))
    parts.append(pc.if_else(pc.is_in(act, pa.array(REACTIONS)), "", act))
    joined = pc.binary_join_element_wise(*parts, " · ").dictionary_encode()
    own = [" · ".join(p for p in name.split(" · ") if p) for name in joined.dictionary.to_pylist()]
    every = {label: i for i, label in enumerate(labels)}
    index = np.array([every.setdefault(label, len(every)) for label in own], np.int32)
    code = index[np.asarray(joined.indices)]
    both = np.concatenate([place, code]).astype(np.int32)
    if len(place):
        return both, tuple(every)
    first, number = numbered(both, len(every))  # by first appearance, whatever the names
    names = list(every)
    return number, tuple(names[int(both[row])] for row in first)


def tongues(posts: Posts, language: I32) -> I32:
    """(size,) language of each row of evidence: the posts', and of each act its post's, or −1."""
    if posts.acts is None:
        return language
    thing = posts.acts.table.column("object_id").combine_chunks().dictionary_encode()
    found = np.full(posts.n_acts, -1, np.int32)
    platform = posts.acts.table.column("platform").combine_chunks()
    for name in pc.unique(platform).to_pylist():
        here = np.flatnonzero(np.asarray(pc.equal(posts.table.column("platform"), name)))
        ids = posts.table.column("post_id").take(pa.array(here)).combine_chunks()
        at = pc.index_in(thing.dictionary, ids).fill_null(-1)
        row = np.asarray(at)[np.asarray(thing.indices)]
        known = (row >= 0) & np.asarray(pc.equal(platform, name))
        found[known] = language[here[row[known]]]
    return np.concatenate([language, found]).astype(np.int32)


def _text(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().fill_null("")
