"""Threat: files that are programs: pickles, arrays, model files, Parquet with types of its own."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from klieg.errors import InputError
from klieg.sources import preview, read


class Trap:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def array(path: Path) -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.array([Trap(path)], object), allow_pickle=True)
    return sink.getvalue()


def model(path: Path) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Trap(path)))
    return sink.getvalue()


MADE = {
    **{f"p{n}.pkl": lambda path, n=n: pickle.dumps(Trap(path), protocol=n) for n in range(6)},
    "a.npy": array,
    "model.pt": model,
    "model.safetensors": lambda path: struct.pack("<Q", 64) + b'{"w":{"dtype":"F32"}}' + b"\0" * 99,
}


@pytest.mark.parametrize("name", sorted(MADE))
@pytest.mark.parametrize("disguise", ["", ".csv", ".jsonl", ".parquet"])
def test_hostile_pickles_are_refused_and_never_opened(
    tmp_path: Path, name: str, disguise: str
) -> None:
    trap = tmp_path / "sprung"
    path = tmp_path / (name + disguise)
    path.write_bytes(MADE[name](trap))
    for look in (read, preview):
        with pytest.raises(InputError) as refused:
            look([str(path)])
        assert refused.value.exit_code == 3
    assert not trap.exists()


def test_hostile_pickles_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(InputError, match="Python objects"):
        read([str(tmp_path / "a.pkl")])


class Shady(pa.ExtensionType):
    """An extension type: what a reader that trusts the file would look up and run."""

    def __init__(self) -> None:
        super().__init__(pa.string(), "klieg.test.shady")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, raw: bytes) -> Shady:
        raise AssertionError("a type of the file's own was made")


def posts() -> dict[str, pa.Array]:
    return {
        "id": pa.array(["1", "2"]),
        "user": pa.array(["ada", "bob"]),
        "created_at": pa.array([1714557600, 1714557607]),
        "text": pa.array(["a", "b"]),
    }


@pytest.mark.parametrize("nested", [False, True])
def test_hostile_parquet_types_of_its_own_are_refused_by_name(tmp_path: Path, nested: bool) -> None:
    odd: pa.Array = pa.ExtensionArray.from_storage(Shady(), pa.array(["x", "y"]))
    if nested:
        odd = pa.StructArray.from_arrays([odd], ["inner"])
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(posts() | {"extra": odd}), path)
    with pytest.raises(InputError, match=r"klieg\.test\.shady") as refused:
        read([str(path)])
    assert refused.value.column == "extra"


def test_hostile_parquet_a_pickled_type_is_not_unpickled(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    field = pa.field(
        "text",
        pa.string(),
        metadata={
            "ARROW:extension:name": "arrow.py_extension_type",
            "ARROW:extension:metadata": pickle.dumps(Trap(trap), protocol=0).decode(),
        },
    )
    columns = posts()
    schema = pa.schema([pa.field(n, c.type) for n, c in columns.items() if n != "text"] + [field])
    pq.write_table(
        pa.Table.from_arrays([columns[f.name] for f in schema], schema=schema),
        tmp_path / "a.parquet",
    )
    with pytest.raises(InputError, match="code along"):
        read([str(tmp_path / "a.parquet")])
    assert not trap.exists()


def test_hostile_parquet_json_is_text(tmp_path: Path) -> None:
    tags = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(['["x"]', "[]"]))
    pq.write_table(pa.table(posts() | {"hashtags": tags}), tmp_path / "a.parquet")
    table = read([str(tmp_path / "a.parquet")])[0].table
    assert table["hashtags"].to_pylist() == [["x"], []]


def test_hostile_parquet_of_plain_and_strange_types_is_read_or_refused_by_column(
    tmp_path: Path,
) -> None:
    strange = {
        "blob": pa.array([b"\xff\0", b"x"], pa.binary()),
        "when": pa.array([1, 2], pa.duration("s")),
        "half": pa.array(np.array([1, 2], np.float16)),
        "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
        "dec": pa.array([1, 2]).cast(pa.decimal128(30, 2)),
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(posts() | strange), path)
    assert read([str(path)])[0].n == 2
    for name, column in strange.items():
        pq.write_table(pa.table(posts() | {"text": column}), path)
        try:
            assert read([str(path)])[0].n == 2
        except InputError as refused:
            assert refused.exit_code == 3, name
