"""Columns of a table, once named, as posts: cleaning of ids, counts, lists, kinds and objects.

Whole columns at a time, in Arrow and NumPy. A row without account or time goes to the desk. The
room is told which column is which; it opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.desk import Desk
from klieg.sources.languages import codes
from klieg.sources.lists import listed
from klieg.sources.looks import all_digits, may_be_blank, suspects
from klieg.sources.marks import truth, valid
from klieg.sources.names import TRACE
from klieg.sources.times import Times
from klieg.tables import KINDS, POSTS, Reject

__all__ = ["ABSENT", "Frame", "build", "identifiers", "lossless", "words"]

ABSENT = pa.array(["", "NA", "N/A", "NaN", "nan", "None", "none", "null", "NULL", "absent"])
_NUMBERLIKE = r"^[+-]?\d+(?:[.,]\d|[eE]\+?\d)"  # a cheap first look: most ids end here
_LOSSY = r"^[+-]?\d+([.,]\d+)?[eE]\+?\d+$"
_TAIL = r"^(\d{1,15})[.,]0+$"
_LONG_TAIL = r"^\d{16,}[.,]\d+$"
_KIND_WORDS = {
    **{k: k for k in KINDS},
    **dict.fromkeys(("retweet", "rt", "reblog", "share", "forward", "retweeted"), "repost"),
    **dict.fromkeys(("original", "tweet", "status", "text", "submission"), "post"),
    **dict.fromkeys(("replied_to", "reply_to"), "reply"),
    **dict.fromkeys(("quoted", "quote_tweet"), "quote"),
}
_KINDS, _POST = ("post", *(k for k in KINDS if k != "post")), 0
_REFERENCES = ("repost_of", "reply_to", "quote_of", "root_id")
_ACCOUNTS = ("repost_of_account", "reply_to_account")


@dataclass(frozen=True, slots=True)
class Frame:
    """A table as it was read: its columns by their own names, and where each row stood."""

    table: pa.Table
    row: Any  # (n,) int64: number of the record in its file, the first is 1
    file: str


def build(
    frame: Frame, chosen: Mapping[str, str], times: Times, *, desk: Desk, platform: str | None
) -> pa.Table:
    """The rows of a frame as POSTS; those that cannot be posts are told to the desk."""
    n = frame.table.num_rows
    get = _getter(frame, chosen)
    out: dict[str, Any] = {"source_row": frame.row, "source_file": pa.repeat(frame.file, n)}
    out["account_id"], lossy_account = identifiers(get("account_id"), n)
    out["post_id"], _ = identifiers(get("post_id"), n)
    lost = 0
    for field in (*_REFERENCES, *_ACCOUNTS):
        out[field], lossy = identifiers(get(field), n)
        lost += int(lossy.sum())
    desk.lost += lost
    out["text"] = _text(get("text"), n)
    for field in ("urls", "hashtags", "mentions"):
        out[field] = listed(get(field), field, n)
    out["objects"] = _objects(frame, chosen, n)
    out["media"] = _media(listed(get("media_url"), "urls", n))
    out["kind"] = _kind(get, out, n)
    out["lang"] = codes(words(get("lang"), n))
    out["client"] = _untagged(words(get("client"), n))
    out["collection"] = words(get("collection"), n)
    out["platform"] = _platform(words(get("platform"), n), platform or "unknown", n)
    out["account"], out["metrics"] = _account(get, n), _metrics(get, n)
    keep = _sift(frame, out, times, lossy_account, chosen, desk)
    return _finish(out, times, keep, frame.file)


def words(column: Any, n: int) -> Any:
    """A column of strings, trimmed; empty strings and the usual words for *absent* are null."""
    if column is None:
        return pa.nulls(n, pa.string())
    text = _strings(column)
    odd = suspects(text)
    if not len(odd):
        return text
    if len(odd) < n // 4:
        some = text.take(pa.array(odd))
        if _cleaned(some).equals(some):
            return text
    return _cleaned(text)


def _cleaned(text: Any) -> Any:
    trimmed = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.is_in(trimmed, ABSENT), None, trimmed)


def identifiers(column: Any, n: int) -> tuple[Any, Any]:
    """Ids as strings, and which rows held one in float notation, its last digits lost (now null).

    ``123.0`` is 123; ``1.198e+18`` and floats past 2^53 are lost.
    """
    if column is None:
        return pa.nulls(n, pa.string()), np.zeros(n, np.bool_)
    flat = _flat(column)
    if pa.types.is_floating(flat.type):
        x = np.asarray(flat.fill_null(np.nan), np.float64)
        lossy = np.isfinite(x) & ((np.abs(x) >= 2**53) | (x != np.floor(x)))
        whole = np.where(np.isfinite(x) & ~lossy, x, 0).astype(np.int64)
        usable = np.isfinite(x) & ~lossy
        return pa.array(whole).cast(pa.string()).filter(pa.array(usable)).take(
            _slots(usable)
        ), lossy
    if pa.types.is_string(flat.type) and all_digits(flat):  # nothing to clean
        return flat, np.zeros(n, np.bool_)
    return lossless(words(flat, n))


def lossless(ids: Any) -> tuple[Any, Any]:
    """The same for ids that are strings already."""
    if all_digits(ids) or pc.all(pc.ascii_is_decimal(ids)).as_py() in (True, None):
        return ids, np.zeros(len(ids), np.bool_)  # far cheaper than a pattern
    suspect = np.asarray(pc.match_substring_regex(ids, _NUMBERLIKE).fill_null(False))
    if not suspect.any():
        return ids, suspect
    lossy = suspect & (
        truth(pc.match_substring_regex(ids, _LOSSY))
        | truth(pc.match_substring_regex(ids, _LONG_TAIL))
    )
    ids = pc.if_else(pa.array(lossy), None, ids)
    return pc.replace_substring_regex(ids, _TAIL, r"\1"), lossy


def _slots(usable: Any) -> Any:
    at = np.cumsum(usable) - 1
    return pa.array(at, mask=~usable)


def _getter(frame: Frame, chosen: Mapping[str, str]) -> Any:
    def get(field: str) -> Any:
        column = chosen.get(field)
        return None if column is None else frame.table.column(column)

    return get


def _strings(column: Any) -> Any:
    flat = _flat(column)
    if pa.types.is_dictionary(flat.type):
        flat = flat.cast(flat.type.value_type)
    if pa.types.is_floating(flat.type):
        return identifiers(flat, len(flat))[0]
    if pa.types.is_nested(flat.type):
        return pa.nulls(len(flat), pa.string())
    return flat.cast(pa.string())


def _flat(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _text(column: Any, n: int) -> Any:
    if column is None:
        return pa.nulls(n, pa.string())
    text = _strings(column)
    maybe = may_be_blank(text)
    some = pc.utf8_trim_whitespace(text.take(pa.array(maybe)))
    if pc.all(pc.not_equal(some, "")).as_py() in (True, None):
        return text
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(text), ""), None, text)


def _untagged(text: Any) -> Any:
    if not pc.any(pc.match_substring(text, "<")).as_py():
        return text
    return pc.replace_substring_regex(text, r"<[^>]*>", "")


def _platform(own: Any, otherwise: str, n: int) -> Any:
    if own.null_count == n:
        return pa.repeat(otherwise.lower(), n)
    coded = pc.coalesce(own, pa.scalar(otherwise)).dictionary_encode()
    return pc.utf8_lower(coded.dictionary).take(coded.indices)


def counts(column: Any, n: int) -> Any:
    """Whole numbers; ``1,234`` and ``12.0`` are read, anything else is null."""
    if column is None:
        return pa.nulls(n, pa.int64())
    if pa.types.is_integer(column.type) and not pa.types.is_uint64(column.type):
        return _flat(column).cast(pa.int64())
    plain = words(column, n)
    if plain.null_count == n:
        return pa.nulls(n, pa.int64())
    if all_digits(plain):
        if (pc.max(pc.binary_length(plain)).as_py() or 0) <= 18:  # fits 64 bits
            return plain.cast(pa.int64())
    else:
        plain = pc.replace_substring_regex(plain, r"(,(\d{3})|\.0+$)", r"\2")
    return pc.if_else(pc.match_substring_regex(plain, r"^-?\d{1,18}$"), plain, None).cast(
        pa.int64()
    )


def booleans(column: Any, n: int) -> Any:
    """True, false or null from the many ways to write them."""
    if column is None:
        return pa.nulls(n, pa.bool_())
    flat = _flat(column)
    if pa.types.is_boolean(flat.type):
        return flat
    coded = words(flat, n).dictionary_encode()
    low = pc.utf8_lower(coded.dictionary)
    yes = pc.is_in(low, pa.array(["true", "t", "1", "yes", "y", "1.0"]))
    no = pc.is_in(low, pa.array(["false", "f", "0", "no", "n", "0.0"]))
    return pc.if_else(yes, True, pc.if_else(no, False, None)).take(coded.indices)


def _kind(get: Any, out: Mapping[str, Any], n: int) -> Any:
    """What a post is: its own word, its flags, its references, or ``RT @`` at its start."""
    word = words(get("kind"), n).dictionary_encode()
    known = [_KIND_WORDS.get(w.lower()) for w in word.dictionary.to_pylist()]
    places = np.array([-1 if k is None else _KINDS.index(k) for k in known] + [-1])
    said = places[np.asarray(word.indices.fill_null(len(known)))]  # −1: not said
    retold = truth(pc.starts_with(out["text"], "RT @"))
    if retold.any():
        retold = retold & truth(pc.match_substring_regex(out["text"], r"^RT @\w+"))
    repost = truth(booleans(get("is_repost"), n)) | valid(out["repost_of"]) | retold
    reply = truth(booleans(get("is_reply"), n)) | valid(out["reply_to"])
    quote = truth(booleans(get("is_quote"), n)) | valid(out["quote_of"])
    own = (said > _POST) & ~retold
    found = np.where(said < 0, _POST, said)
    for flag, kind in ((quote, "quote"), (reply, "reply"), (repost, "repost")):
        found[flag & ~own] = _KINDS.index(kind)
    return pa.array(_KINDS).take(pa.array(found))


def _objects(frame: Frame, chosen: Mapping[str, str], n: int) -> Any:
    """Ready-made objects, one struct a filled column, in the order of the trace names."""
    kind = POSTS.field("objects").type
    traces = sorted(f for f in chosen if f.startswith(TRACE))
    if not traces:
        return pa.nulls(n, kind)
    columns = [identifiers(frame.table.column(chosen[t]), n)[0] for t in traces]
    filled = np.column_stack([valid(c) for c in columns])
    rows, which = np.nonzero(filled)
    ids = pa.concat_arrays(columns).take(pa.array(which * n + rows))
    names = pa.array([t.removeprefix(TRACE) for t in traces]).take(pa.array(which))
    items = pa.StructArray.from_arrays([names, ids], fields=list(kind.value_type))
    return _lists(items, filled.sum(1), kind)


def _lists(items: Any, sizes: Any, kind: Any) -> Any:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), items, type=kind, mask=pa.array(np.asarray(sizes) == 0)
    )


def _media(urls: Any) -> Any:
    kind = POSTS.field("media").type
    items = urls.flatten()
    nothing = pa.nulls(len(items), pa.string())
    structs = pa.StructArray.from_arrays([nothing, items, nothing], fields=list(kind.value_type))
    sizes = np.asarray(pc.list_value_length(urls).fill_null(0))
    return _lists(structs, sizes, kind)


def _account(get: Any, n: int) -> Any:
    # profile dates come in every form; one that cannot be read is unknown, not an error
    created = pc.cast(pa.nulls(n), POSTS.field("account").type.field("created_at").type)
    column = get("account_created_at")
    if column is not None:
        created = _dates(words(column, n) if not pa.types.is_timestamp(column.type) else column)
    return _struct(
        "account",
        [
            words(get("handle"), n),
            words(get("name"), n),
            created,
            counts(get("followers"), n),
            counts(get("following"), n),
            booleans(get("verified"), n),
        ],
    )


def _dates(column: Any) -> Any:
    kind = POSTS.field("account").type.field("created_at").type
    flat = _flat(column)
    if pa.types.is_timestamp(flat.type):
        return flat.cast(pa.timestamp("us", flat.type.tz)).cast(pa.int64()).cast(kind)
    coded = flat.dictionary_encode()  # accounts have few birthdays
    day = pc.utf8_slice_codeunits(coded.dictionary, 0, 10)
    fits = pc.match_substring_regex(day, r"^(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])$")
    stamps = pc.if_else(fits, day, None).cast(pa.timestamp("us"))
    return stamps.cast(pa.int64()).cast(kind).take(coded.indices)


def _metrics(get: Any, n: int) -> Any:
    return _struct("metrics", [counts(get(f), n) for f in ("likes", "reposts", "replies", "views")])


def _struct(field: str, parts: list[Any]) -> Any:
    kind = POSTS.field(field).type
    if all(p.null_count == len(p) for p in parts):
        return pa.nulls(len(parts[0]), kind)
    some = all(p.null_count for p in parts)  # else no row can be without any
    mask = pa.array(~np.logical_or.reduce([valid(p) for p in parts])) if some else None
    return pa.StructArray.from_arrays(parts, fields=list(kind), mask=mask)


def _sift(
    frame: Frame,
    out: Mapping[str, Any],
    times: Times,
    lossy: Any,
    chosen: Mapping[str, str],
    desk: Desk,
) -> Any:
    """Which rows are posts; the others go to the desk with the column and value at fault."""
    nameless = ~valid(out["account_id"])
    bad = {
        ("account_id", "account_id_in_float_notation"): lossy,
        ("account_id", "no_account"): nameless & ~lossy,
        ("time", "no_readable_time"): ~times.ok,
    }
    keep = np.ones(len(times.us), np.bool_)
    for (field, reason), rows in bad.items():
        column = chosen.get(field)
        for i in np.flatnonzero(rows & keep):
            value = None if column is None else frame.table.column(column)[int(i)].as_py()
            shown = None if value is None else str(value)
            desk(Reject(frame.file, int(frame.row[int(i)].as_py()), column, shown, reason))
        keep &= ~rows
    return keep


def _finish(out: dict[str, Any], times: Times, keep: Any, file: str) -> pa.Table:
    out["time"] = pa.array(times.us).cast(POSTS.field("time").type)
    out["resolution"] = pa.array(times.resolution)
    if out["post_id"].null_count:
        named = pc.binary_join_element_wise(
            pa.scalar(f"row:{file}"), out["source_row"].cast(pa.string()), ":"
        )
        out["post_id"] = pc.coalesce(out["post_id"], named)
    arrays = [
        out[f.name].cast(f.type) if out[f.name].type != f.type else out[f.name] for f in POSTS
    ]
    table = pa.Table.from_arrays(arrays, schema=POSTS)
    return table if keep.all() else table.filter(pa.array(keep))
