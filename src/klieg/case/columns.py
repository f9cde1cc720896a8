"""Posts and actions as Arrow columns on disk, and back, exactly.

The parquet beside a case holds the canonical posts and, per signal, two columns that say what the
post did: ``act:<signal>`` (the object's label) and ``act:<signal>:target`` (its author or domain).
Acts without text stand in a second one, with the same columns of the signals that read them.
Everything is written in fixed blocks, so that equal posts give equal bytes. The room knows no
database and no finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from klieg import evidence, memory
from klieg.tables import ACTS, POSTS, Actions, Acts, Layer, Posts

if TYPE_CHECKING:
    from klieg.tables import I32

__all__ = [
    "acts_of",
    "kept_as",
    "numbers",
    "pack",
    "read_acts",
    "read_posts",
    "restore_actions",
    "strings",
    "unpack",
    "write_acts",
    "write_posts",
]

ROW_GROUP = 131_072  # posts in a row group of the parquet
PART = 262_144  # rows in one block of packed arrays: well under the 1 GB a SQLite value may hold

Array = NDArray[Any]
Kept = Literal["columns", "numbered", "whole"]


def write_posts(file: Path, posts: Posts, layers: Sequence[Layer]) -> None:
    """Write the posts and each layer's act columns (zstd); equal posts, equal bytes."""
    own = [layer for layer in layers if not evidence.of_acts(posts, layer.actions)]
    _write(file, posts.table.select(POSTS.names), POSTS, own, first=0)


def write_acts(file: Path, posts: Posts, layers: Sequence[Layer]) -> None:
    """The same of the acts without text and the layers that read them."""
    assert posts.acts is not None
    own = [layer for layer in layers if int(layer.actions.post.max(initial=-1)) >= posts.n]
    _write(file, posts.acts.table.select(ACTS.names), ACTS, own, first=posts.n)


def _write(
    file: Path, table: pa.Table, columns_of: pa.Schema, layers: Sequence[Layer], *, first: int
) -> None:
    acts = [acts_of(layer.actions, table.num_rows, first=first) for layer in layers]
    names = [f"act:{layer.actions.signal}" for layer in layers]
    fields = [pa.field(n, pa.string()) for name in names for n in (name, f"{name}:target")]
    schema = pa.schema([*columns_of, *fields])
    with pq.ParquetWriter(file, schema, compression="zstd", store_schema=True) as writer:
        for start in range(0, max(table.num_rows, 1), ROW_GROUP):
            part = table.slice(start, ROW_GROUP).combine_chunks()
            columns = part.columns
            for layer, (objects, targets) in zip(layers, acts, strict=True):
                columns.append(_named(layer.actions.labels, objects[start : start + ROW_GROUP]))
                columns.append(
                    _named(layer.actions.target_labels, targets[start : start + ROW_GROUP])
                )
            writer.write_table(pa.table(columns, schema=schema), row_group_size=ROW_GROUP)
            if memory.short():  # of posts on disk no more than one block is held
                memory.release()


def acts_of(actions: Actions, size: int, *, first: int = 0) -> tuple[I32, I32]:
    """Per row of evidence from ``first`` on the object and its target, −1 where there is none."""
    objects = np.full(size, -1, np.int32)
    targets = np.full(size, -1, np.int32)
    here = (actions.post >= first) & (actions.post < first + size)
    objects[actions.post[here] - first] = actions.object[here]
    targets[actions.post[here] - first] = actions.target[here]
    return objects, targets


def read_posts(
    file: Path, account_ids: pa.Array, account_platforms: pa.Array, resolution: int
) -> tuple[Posts, pa.Table]:
    """The posts, and the act columns beside them; ValueError if an account is not in the list."""
    # ParquetFile, not read_table: a folder named a=b would become a column
    table = pq.ParquetFile(file).read()
    posts = table.select(POSTS.names).cast(POSTS)
    account = _index_of(posts, account_ids, account_platforms)
    time = posts["time"].cast(pa.int64()).to_numpy().astype(np.int64, copy=False)
    return (
        Posts(posts, account, time, account_ids, account_platforms, resolution),
        table.select([name for name in table.column_names if name.startswith("act:")]),
    )


def read_acts(file: Path, posts: Posts, columns: pa.Table) -> tuple[Posts, pa.Table]:
    """The posts with the acts in the file beside them, and the act columns of both, in one."""
    table = pq.ParquetFile(file).read()
    acts = table.select(ACTS.names).cast(ACTS)
    account = _index_of(acts, posts.account_ids, posts.account_platforms)
    time = acts["time"].cast(pa.int64()).to_numpy().astype(np.int64, copy=False)
    more = [name for name in table.column_names if name.startswith("act:")]
    names = list(dict.fromkeys([*columns.column_names, *more]))
    both = {
        name: pa.chunked_array(
            [
                *(columns[name].chunks if name in columns.column_names else _nulls(posts.n)),
                *(table[name].chunks if name in more else _nulls(len(acts))),
            ],
            pa.string(),
        )
        for name in names
    }
    return replace(posts, acts=Acts(acts, account, time)), pa.table(both)


def _nulls(n: int) -> list[pa.Array]:
    return [pa.nulls(n, pa.string())]


def kept_as(actions: Actions, posts: Posts) -> Kept:
    """How little is enough to give these actions back index for index.

    ``columns``: the two columns alone, where names are distinct and numbered by first appearance.
    ``numbered``: the columns and the numbers beside them, where two objects share a name.
    ``whole``: everything.
    """
    post = actions.post
    if not (
        actions.n_accounts == posts.n_accounts
        and (np.diff(post) > 0).all()
        and np.array_equal(actions.account, evidence.accounts(posts)[post])
        and np.array_equal(actions.time, evidence.times(posts)[post])
    ):
        return "whole"
    named = (
        (actions.object, actions.labels),
        (actions.target[actions.target >= 0], actions.target_labels),
    )
    if all(_by_first_appearance(*pair) for pair in named):
        return "columns"
    return "numbered" if all(_every_name_used(*pair) for pair in named) else "whole"


def restore_actions(
    signal: str, acts: pa.Table, posts: Posts, numbered: tuple[I32, I32] | None = None
) -> Actions:
    """The actions behind a signal's two columns.

    Objects and targets are numbered by first appearance, or by ``numbered`` (of each action).
    """
    # large_string: the labels of 10^8 posts do not fit the 2 GB that one string array holds
    names, target_names = (
        acts[name].cast(pa.large_string()).combine_chunks()
        for name in (f"act:{signal}", f"act:{signal}:target")
    )
    post = np.flatnonzero(names.is_valid().to_numpy(zero_copy_only=False)).astype(np.int64)
    rows = pa.array(post)
    if numbered is None:
        objects, labels = _dictionary(names.take(rows))
        targets, target_labels = _dictionary(target_names.take(rows))
    else:
        objects, targets = numbered
        labels = _first_names(objects, names.take(rows))
        target_labels = _first_names(targets, target_names.take(rows))
    return Actions(
        signal=signal,
        account=evidence.accounts(posts)[post],
        object=objects,
        time=evidence.times(posts)[post],
        post=post,
        target=targets,
        labels=labels,
        target_labels=target_labels,
        n_accounts=posts.n_accounts,
    )


def pack(columns: Mapping[str, Array | pa.Array]) -> Iterator[bytes]:
    """Equally long arrays (1-d, or 2-d with fixed width) as Arrow IPC streams, in parts."""
    table = pa.table({name: _arrow(values) for name, values in columns.items()})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    for start in range(0, max(table.num_rows, 1), PART):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table.slice(start, PART), max_chunksize=PART)
        yield sink.getvalue().to_pybytes()


def unpack(parts: Iterable[bytes]) -> pa.Table:
    """The table that ``pack`` was given."""
    return pa.concat_tables([pa.ipc.open_stream(part).read_all() for part in parts])


def numbers(column: pa.ChunkedArray) -> Array:
    """A packed numeric or boolean column as NumPy, 2-d where it was."""
    whole = column.combine_chunks()
    if pa.types.is_fixed_size_list(whole.type):
        flat: Array = whole.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(whole), whole.type.list_size)
    values: Array = whole.to_numpy(zero_copy_only=False)
    return values


def strings(column: pa.ChunkedArray) -> pa.Array:
    """A packed column of strings as one array."""
    return column.combine_chunks()


def _named(labels: pa.Array, index: I32) -> pa.Array:
    named = labels.cast(pa.string()).take(pa.array(index, mask=index < 0))
    return named.combine_chunks() if isinstance(named, pa.ChunkedArray) else named


def _dictionary(names: pa.Array) -> tuple[I32, pa.Array]:
    encoded = names.dictionary_encode()
    index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return index, encoded.dictionary.cast(pa.string())


def _first_names(number: I32, names: pa.Array) -> pa.Array:
    """The name that stands where each number is first used."""
    first = np.zeros(int(number.max(initial=-1)) + 1, np.int64)
    used = np.flatnonzero(number >= 0)[::-1]
    first[number[used]] = used
    return names.take(pa.array(first)).cast(pa.string())


def _index_of(posts: pa.Table, account_ids: pa.Array, platforms: pa.Array) -> I32:
    index = np.full(posts.num_rows, -1, np.int32)
    for platform in pc.unique(platforms):
        of_platform = np.flatnonzero(pc.equal(platforms, platform).to_numpy(zero_copy_only=False))
        here = pc.equal(posts["platform"], platform).to_numpy()
        found = pc.index_in(posts["account_id"], value_set=account_ids.take(pa.array(of_platform)))
        local = found.fill_null(-1).to_numpy()
        here &= local >= 0
        index[here] = of_platform[local[here]]
    if (index < 0).any():
        raise ValueError(f"the account of row {int(index.argmin())} is not in the case")
    return index


def _by_first_appearance(index: Array, labels: pa.Array) -> bool:
    highest = np.maximum.accumulate(index, dtype=np.int64) if len(index) else index
    new = np.diff(highest, prepend=-1)
    return bool(
        ((new == 0) | (new == 1)).all()
        and new.sum() == len(labels)
        and labels.null_count == 0
        and pc.count_distinct(labels).as_py() == len(labels)
    )


def _every_name_used(index: Array, labels: pa.Array) -> bool:
    return labels.null_count == 0 and len(np.unique(index)) == len(labels)


def _arrow(values: Array | pa.Array) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if isinstance(values, pa.Array):
        return values
    if values.ndim == 2:
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return pa.array(np.ascontiguousarray(values))
