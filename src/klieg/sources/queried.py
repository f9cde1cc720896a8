"""Posts as a DuckDB query finds them: cleaned, sifted and counted, whole columns at a time.

The query gives the columns of POSTS that it knows, and ``other``: null for a post, a word for what
else a row is, and ``!`` before a reason to leave the file to the tolerant path, which tells each
row's fault. Where it gives ``act``, rows that hold one are acts, with the columns of ACTS. A number
where a word should be is taken for a word; the tolerant path refuses it. Nothing is counted before
the whole file is read. The room knows no format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.sockets import Input
from klieg.sources import duck
from klieg.sources.desk import Desk
from klieg.sources.duck import GaveUp, batches, open_reader
from klieg.sources.formats import BATCH, Reader
from klieg.sources.frames import lossless
from klieg.sources.inputs import file_name
from klieg.sources.languages import codes
from klieg.sources.lists import tidy
from klieg.sources.looks import begins_with
from klieg.sources.nested import Shaper, filled, no_word
from klieg.sources.peek import peek
from klieg.sources.rows import IDS
from klieg.sources.shelf import Shelf
from klieg.sources.times import in_range
from klieg.tables import ACTS, POSTS, Reject

__all__ = ["fast_or_tolerant"]

_NAMES = (*IDS, "root_id", "lang")
_LISTS = ("urls", "hashtags", "mentions")
_OBJECT = r'^(?:\{["}]|\[(?:["\[{\]\d-]|null|true|false))'


def fast_or_tolerant(
    tolerant: Reader,
    query: str,
    columns: Mapping[str, str],
    fields: Mapping[str, str],
    *,
    platform: str,
    resolution: int,
    client: Callable[[str], str | None] | None = None,
    shaped: Shaper | None = None,
) -> Reader:
    """A reader that takes large files of one record a line through the query, others as before.

    ``client`` makes a program's name of what the query gives for it; ``shaped`` makes the columns
    that are asked for of those that the query gives, and may give up itself.
    """

    def read(source: Input, mapping: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
        shape = peek(source.head)
        plain = shape.kind == "jsonl" and shape.encoding == "utf-8"
        if plain and source.path.stat().st_size >= duck.LARGE:
            try:
                found = _Found(file_name(source), platform, resolution, client)
                with open_reader(source.path) as (db, path):
                    for batch in batches(db, query, path, columns, BATCH, told=desk.read):
                        found.take(_shaped(batch, shaped), desk.name)
            except GaveUp as why:
                desk.note(f"read line by line, as the fast path gave up ({why})")
            else:
                desk.mapping.update(fields)
                found.settle(desk)
                yield from found.posts.batches()
                return
        yield from tolerant(source, mapping, desk)

    return read


def _shaped(batch: pa.RecordBatch, shaped: Shaper | None) -> pa.RecordBatch:
    if shaped is None:
        return batch
    columns = shaped(batch)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


class _Found:
    """What was found so far; the desk hears of it when the whole file is read."""

    def __init__(
        self,
        file: str,
        platform: str,
        resolution: int,
        client: Callable[[str], str | None] | None,
    ) -> None:
        self.file, self.platform, self.resolution = file, platform, resolution
        self.client = client
        self.posts = Shelf()
        self.acts: list[pa.RecordBatch] = []
        self.rejects: list[Reject] = []
        self.others: Counter[str] = Counter()
        self.gone: list[str] = []
        self.closed: list[str] = []
        self.rows = 0

    def settle(self, desk: Desk) -> None:
        """Tell the desk everything."""
        desk.rows += self.rows
        for reject in self.rejects:
            desk(reject)
        for post_id in self.gone:
            desk.delete(self.platform, post_id)
        for account in self.closed:
            desk.close(self.platform, account)
        for kind, rows in self.others.items():
            desk.skip(kind, rows)
        for acts in self.acts:
            desk.act(acts)

    def take(self, batch: pa.RecordBatch, name: str) -> None:
        """One batch of rows: its posts, and what is none."""
        line = np.arange(self.rows + 1, self.rows + batch.num_rows + 1)
        self.rows += batch.num_rows
        other = batch.column("other")
        for found in pc.value_counts(other.drop_null()).to_pylist():
            if found["values"].startswith("!"):
                raise GaveUp(found["values"][1:])
            if found["values"] != "delete":  # (told one by one)
                self.others[found["values"]] += found["counts"]
        for column, told in (("gone", self.gone), ("closed", self.closed)):
            if column in batch.schema.names:
                told += batch.column(column).drop_null().to_pylist()
        keep = np.asarray(other.is_null())
        if keep.any():
            batch, line = _those(batch, line, keep)
            if "act" in batch.schema.names and batch.column("act").null_count < batch.num_rows:
                acted = np.asarray(batch.column("act").is_valid())
                self.acts.append(self._acts(*_those(batch, line, acted), name))
                batch, line = _those(batch, line, ~acted)
            self.posts.put(self._posts(batch, line, name))

    def _acts(self, batch: pa.RecordBatch, line: Any, name: str) -> pa.RecordBatch:
        n = batch.num_rows
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns |= {
            "platform": pa.repeat(self.platform, n),
            "time": in_range(columns["time"]),
            "act_id": columns["post_id"],
            "resolution": pa.repeat(np.int32(self.resolution), n),
            "source_file": pa.repeat(self.file, n),
            "source_row": pa.array(line),
        }
        for field in ("account_id", "object_id", "object_account", "act_id"):
            columns[field] = _exact(columns[field])
        good = self._sifted(columns, line, name)
        arrays = [_fitted(columns.get(f.name), f, n) for f in ACTS]
        return pa.RecordBatch.from_arrays(arrays, schema=ACTS).filter(pa.array(good))

    def _posts(self, batch: pa.RecordBatch, line: Any, name: str) -> pa.RecordBatch:
        n = batch.num_rows
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        _no_objects(columns)
        for field in IDS:
            if field in columns:
                columns[field] = _exact(columns[field])
        columns["time"] = in_range(columns["time"])
        for field in _LISTS:
            columns[field] = tidy(columns[field], field)
        columns["lang"] = codes(columns["lang"])
        for field in ("text", "client", "root_id"):
            if field in columns:
                columns[field] = filled(columns[field])
        if self.client is not None:
            coded = columns["client"].dictionary_encode()
            named = [self.client(word) or None for word in coded.dictionary.to_pylist()]
            columns["client"] = pa.array(named, pa.string()).take(coded.indices)
        columns["media"] = _not_empty(columns["media"])
        columns["platform"] = pa.repeat(self.platform, n)
        columns["resolution"] = pa.repeat(np.int32(self.resolution), n)
        columns["source_file"] = pa.repeat(self.file, n)
        columns["source_row"] = pa.array(line)
        if columns["post_id"].null_count:
            own = pa.array([f"row:{self.file}:{i}" for i in line.tolist()])
            columns["post_id"] = pc.coalesce(columns["post_id"], own)
        good = self._sifted(columns, line, name)
        arrays = [_fitted(columns.get(f.name), f, n) for f in POSTS]
        posts = pa.RecordBatch.from_arrays(arrays, schema=POSTS)
        return posts if good.all() else posts.filter(pa.array(good))

    def _sifted(self, columns: Mapping[str, Any], line: Any, name: str) -> Any:
        good = np.ones(len(line), np.bool_)
        for column, reason in (("account_id", "no_account"), ("time", "no_readable_time")):
            missing = good & np.asarray(columns[column].is_null())
            for i in np.flatnonzero(missing).tolist():
                value = columns["written"][i].as_py() or None if column == "time" else None
                self.rejects.append(Reject(name, int(line[i]), column, value, reason))
            good &= ~missing
        return good


def _no_objects(columns: Mapping[str, Any]) -> None:
    """Where it was told to expect a word, DuckDB writes out an object: for the other path."""
    account = columns.get("account")
    people = {} if account is None else {f: pc.struct_field(account, f) for f in ("handle", "name")}
    for part in ("type", "url", "phash"):
        people[part] = pc.struct_field(columns["media"].flatten(), part)
    for field in (*_NAMES, "client", *_LISTS, *people):
        column = columns.get(field, people.get(field))
        if column is not None:
            words = column.flatten() if field in _LISTS else column
            suspects = words.filter(pa.array(no_word(words)))  # mostly none, and a text may be one
            if pc.any(pc.match_substring_regex(suspects, _OBJECT)).as_py():
                raise GaveUp(f"{field} holds an object somewhere")


def _those(batch: pa.RecordBatch, line: Any, keep: Any) -> tuple[pa.RecordBatch, Any]:
    return (batch, line) if keep.all() else (batch.filter(pa.array(keep)), line[keep])


def _exact(ids: Any) -> Any:
    """Ids without those that lost digits; what begins like no number did not."""
    ids = filled(ids)
    return lossless(ids)[0] if begins_with(ids, b"0123456789+-").any() else ids


def _not_empty(lists: Any) -> Any:
    size = pc.list_value_length(lists)
    if not pc.any(pc.equal(size, 0)).as_py():
        return lists
    return pc.if_else(pc.greater(size, 0), lists, None)


def _fitted(column: Any, field: pa.Field, n: int) -> Any:
    if column is None:
        return pa.nulls(n, field.type)
    return column if column.type == field.type else column.cast(field.type)
