"""Jetstream's first version as one query: what ``jetstream`` reads frame by frame, acts too.

A file with anything the query does not take (the second version, frames without a key, a stranger's
record whose keys are ours but not their values) is left to the tolerant path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.duck import GaveUp
from klieg.sources.nested import (
    Items,
    all_null,
    at,
    chosen,
    either,
    filled,
    firsts,
    gathered,
    items,
    kept,
    no_word,
    owner_of,
    together,
    true,
)
from klieg.sources.platforms.bluesky_records import ACTS, POST, REPOST

if TYPE_CHECKING:
    from klieg.tables import Bool

__all__ = ["COLUMNS", "QUERY", "shaped"]

_BLOB = 'STRUCT(cid VARCHAR, ref STRUCT("$link" VARCHAR))'
_LINK = "STRUCT(uri VARCHAR)"
_SEEN = f"images STRUCT(image {_BLOB})[], video {_BLOB}, external {_LINK}"
_RECORD = (
    '"text" JSON, langs VARCHAR[], tags VARCHAR[], subject JSON,'
    f" reply STRUCT(parent {_LINK}, root {_LINK}),"
    f" embed STRUCT(record STRUCT(uri VARCHAR, record {_LINK}), media STRUCT({_SEEN}), {_SEEN}),"
    " facets STRUCT(features STRUCT(uri VARCHAR, tag VARCHAR, did VARCHAR)[])[]"
)
COLUMNS = {
    "did": "VARCHAR",
    "time_us": "VARCHAR",
    "kind": "VARCHAR",
    "commit": "STRUCT(operation VARCHAR, collection VARCHAR, rkey VARCHAR, record"
    f" STRUCT({_RECORD}))",
    "account": "STRUCT(active BOOLEAN, status VARCHAR)",
    "payload": "JSON",
    "collection": "JSON",
}
"""The keys of a frame that are read."""

QUERY = """
WITH raw AS (
  SELECT *, commit.record AS r,
    left(commit.record.subject::VARCHAR, 1) = '"' AS bare
  FROM read_json($path, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = $longest, columns = $columns)
)
SELECT did, time_us, kind, account.status AS status, commit IS NOT NULL AS committed,
  commit.operation AS operation, commit.collection AS coll, commit.rkey AS rkey,
  r IS NOT NULL AS recorded, r.langs AS langs, r.tags AS tags, r.reply AS reply, r.embed AS embed,
  r.facets AS facets, r."text"->>'$' AS words,
  r."text" IS NOT NULL AND left(r."text"::VARCHAR, 1) <> '"' AND r."text"::VARCHAR <> 'null'
    AS wordless,
  bare, CASE WHEN bare THEN r.subject->>'$' ELSE r.subject->>'$.uri' END AS subject,
  payload IS NOT NULL OR collection IS NOT NULL AS second,
  coalesce(try_cast(time_us AS BIGINT), round(try_cast(time_us AS DOUBLE))::BIGINT) AS us
FROM raw
"""
"""Frames as they are; ``shaped`` makes posts and acts of them."""

_DID = "^at://(?P<did>did:[^/]*)"
_NAMES = ("did", "kind", "coll", "rkey", "operation", "status")
_EARLIEST, _LATEST = 100_000_000_000_000, 4_102_444_800_000_000  # µs
_COLLECTIONS, _ACTS = pa.array(list(ACTS)), pa.array(list(ACTS.values()))


def shaped(batch: pa.RecordBatch) -> dict[str, Any]:
    """Frames as posts and acts, whole columns at a time; see ``queried``."""
    c = dict(zip(batch.schema.names, batch.columns, strict=True))
    is_post, is_repost = (true(pc.equal(c["coll"], name)) for name in (POST, REPOST))
    acted = _ACTS.take(pc.index_in(c["coll"], _COLLECTIONS))
    acts, gone = true(acted.is_valid()), true(pc.equal(c["operation"], "delete"))
    closed = true(pc.equal(c["kind"], "account")) & true(pc.equal(c["status"], "deleted"))
    address = pc.binary_join_element_wise("at://", c["did"], "/", c["coll"], "/", c["rkey"], "")
    subject = filled(c["subject"])
    bare = true(c["bare"])  # a subject that is a word and not a link
    original, parent = chosen(is_repost & ~bare, subject), at(c["reply"], "parent.uri")
    parent = chosen(is_post, parent)
    record = at(c["embed"], "record")
    quoted = chosen(is_post, either(at(record, "uri"), at(record, "record.uri")))
    other = _other(c, (is_post, is_repost, acts), gone, subject)
    return {
        "post_id": address,
        "account_id": c["did"],
        "written": c["time_us"],
        "time": c["us"].cast(pa.timestamp("us")),
        "text": chosen(is_post, c["words"]),
        "lang": chosen(is_post, firsts(c["langs"])),
        "kind": _kind(is_repost, filled(parent), filled(quoted)),
        "repost_of": original,
        "repost_of_account": owner_of(original, _DID),
        "reply_to": parent,
        "reply_to_account": owner_of(parent, _DID),
        "quote_of": quoted,
        "root_id": chosen(is_post, at(c["reply"], "root.uri")),
        **_lists(c, is_post),
        "media": _media(c["embed"], is_post),
        "act": acted,
        "object_id": chosen(acts, subject),
        "object_account": _whose(chosen(acts, subject), bare),
        "gone": chosen(gone & (is_post | is_repost | acts), address),
        "closed": chosen(closed, filled(c["did"])),
        "other": other,
    }


def _kind(is_repost: Bool, parent: Any, quoted: Any) -> Any:
    kinds = pa.array(["repost", "reply", "quote", "post"])
    said = [is_repost, true(parent.is_valid()), true(quoted.is_valid())]
    return kinds.take(pa.array(np.select(said, [0, 1, 2], 3)))


def _whose(subject: Any, bare: Bool) -> Any:
    """The account that was acted on: in an address, or named alone."""
    found = owner_of(subject, _DID)
    return found if not bare.any() else pc.coalesce(found, chosen(bare, subject))


def _lists(c: dict[str, Any], is_post: Bool) -> dict[str, Any]:
    n = len(is_post)
    facet, features = items(c["facets"], "features")
    inner, feature = items(features)
    rows = facet[inner]

    def of(part: str) -> Items:
        return _some((rows, at(feature, part)), is_post)

    linked = of("uri")
    card = chosen(is_post, _card(c["embed"]))
    if not all_null(card):
        linked = together(linked, _new(linked, filled(card)))
    tags = together(of("tag"), _some(items(c["tags"]), is_post))
    named = {"urls": linked, "hashtags": tags, "mentions": of("did")}
    return {name: gathered(n, found, is_post) for name, found in named.items()}


def _some(found: Items, is_post: Bool) -> Items:
    """Those items that hold something, of posts only."""
    rows, values = found
    return kept(found, true(filled(values).is_valid()) & is_post[rows])


def _card(embed: Any) -> Any:
    return either(at(embed, "external.uri"), at(embed, "media.external.uri"))


def _new(linked: Items, card: Any) -> Items:
    """Cards that are not among the links of their post."""
    rows, values = linked
    same = true(pc.equal(values, card.take(pa.array(rows))))
    fresh = true(card.is_valid())
    fresh[rows[same]] = False
    return np.flatnonzero(fresh), card.filter(pa.array(fresh))


def _media(embed: Any, is_post: Bool) -> Any:
    """Pictures, then the film, by the hash of their bytes."""
    n = len(is_post)
    if all_null(embed):
        return pa.nulls(n, _MEDIA)
    inner = at(embed, "media")
    beside = true(
        pc.or_(
            pc.or_(*(at(inner, k).is_valid() for k in ("images", "video"))),
            at(inner, "external").is_valid(),
        )
    )
    found, kinds = [], []
    for holder, there in ((embed, is_post & ~beside), (inner, is_post & beside)):
        rows, blob = items(at(holder, "images"), "image")
        found.append(_some((rows, _hash(blob)), there))
        kinds.append("image")
    for holder, there in ((embed, is_post & ~beside), (inner, is_post & beside)):
        found.append(_some((np.arange(n), _hash(at(holder, "video"))), there))
        kinds.append("video")
    structs = [
        (
            rows,
            pa.StructArray.from_arrays(
                [pa.repeat(kind, len(rows)), pa.nulls(len(rows), pa.string()), phash],
                names=["type", "url", "phash"],
            ),
        )
        for kind, (rows, phash) in zip(kinds, found, strict=True)
    ]
    rows, values = together(*structs)
    some = np.bincount(rows, minlength=n) > 0
    return gathered(n, (rows, values), some)


def _hash(blob: Any) -> Any:
    ref = at(blob, "ref")
    return pc.if_else(ref.is_valid(), pc.struct_field(ref, ["$link"]), at(blob, "cid"))


_MEDIA = pa.list_(pa.struct([(part, pa.string()) for part in ("type", "url", "phash")]))


def _other(c: dict[str, Any], what: tuple[Bool, Bool, Bool], gone: Bool, subject: Any) -> Any:
    """What a frame is that is neither post nor act; gives up at what the other path must judge."""
    is_post, is_repost, acts = what
    left = np.ones(len(gone), np.bool_)

    def refuse(odd: Any, why: str) -> None:
        if (odd & left).any():
            raise GaveUp(why)

    def empty(name: str) -> Any:
        return ~true(filled(c[name]).is_valid())

    if any(no_word(c[name]).any() for name in _NAMES):
        raise GaveUp("names that are no words")
    if no_word(items(c["langs"])[1]).any():
        raise GaveUp("languages that are no words")
    refuse(true(c["second"]), "frames of the second version")
    notice = ~true(c["committed"])
    refuse(notice & empty("kind"), "lines that are no frames")
    left &= ~notice
    refuse(~true(c["coll"].is_valid()), "commits to no collection")
    known = is_post | is_repost | acts
    strange = left & ~known
    left &= known
    refuse(empty("did") | empty("rkey"), "frames without a key")
    deleted = left & gone
    left &= ~gone
    us = np.asarray(c["us"].fill_null(0))
    refuse((us < _EARLIEST) | (us >= _LATEST), "times that are none")
    refuse(~true(c["recorded"]), "commits without a record")
    nothing = ~true(subject.is_valid())
    refuse(is_repost & (nothing | true(c["bare"])), "reposts of nothing")
    refuse(acts & (nothing | no_word(subject)), "acts on nothing")
    refuse(is_post & true(c["wordless"]), "texts that are no words")
    found = chosen(notice, c["kind"])
    if strange.any():
        short = pc.replace_substring_regex(c["coll"], r"^app\.bsky\.", "")
        short = pc.replace_substring(short, ".", "_")
        found = pc.coalesce(found, chosen(strange, short))
    return pc.if_else(pa.array(deleted), "delete", found) if deleted.any() else found
