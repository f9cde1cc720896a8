"""Arrow arrays over NumPy memory, and back, without a copy.

``pyarrow.array`` looks for pandas first and imports it where it is installed, which costs more than
reading a small file: here buffers are handed over as they are. The room knows nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from klieg.tables import I64, Bool

__all__ = ["bits", "lengths", "number_array", "numbers"]

T = TypeVar("T", bound=np.generic)

_KINDS = {"i4": pa.int32(), "i8": pa.int64(), "f8": pa.float64(), "u8": pa.uint64()}


def number_array(values: NDArray[np.generic]) -> pa.Array:
    """(n,) 32- or 64-bit numbers as an Arrow array of the same type."""
    data = np.ascontiguousarray(values)
    kind = _KINDS[f"{data.dtype.kind}{data.dtype.itemsize}"]
    return pa.Array.from_buffers(kind, len(data), [None, pa.py_buffer(data)])


def numbers(array: pa.Array, dtype: type[T]) -> NDArray[T]:
    """(n,) the numbers of an Arrow array without nulls; read-only."""
    if not len(array):
        return np.zeros(0, dtype)
    size = np.dtype(dtype).itemsize
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * size)


def bits(mask: Bool) -> pa.Array:
    """(n,) truth values as Arrow keeps them, one bit each."""
    packed = pa.py_buffer(np.packbits(mask, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, packed])


def lengths(strings: pa.Array) -> I64:
    """(n,) bytes of each string; 0 where it is null."""
    wide = pa.types.is_large_binary(strings.type) or pa.types.is_large_string(strings.type)
    dtype = np.int64 if wide else np.int32
    if not len(strings):
        return np.zeros(0, np.int64)
    first = strings.offset * np.dtype(dtype).itemsize
    ends = np.frombuffer(strings.buffers()[1], dtype, len(strings) + 1, first)
    found: I64 = np.diff(ends).astype(np.int64)
    if strings.null_count:
        found[strings.is_null().to_numpy(zero_copy_only=False)] = 0
    return found
