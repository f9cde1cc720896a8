"""Find all pairs of vectors with a dot product of tau or more: blocks of products on the device.

Equal to ``reference_similarity.similar_pairs``. A block is multiplied in single precision with a
margin that no rounding reaches; what comes near is computed again in double precision, so neither
block shapes nor the device change the result. The room does not know what the vectors stand for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from klieg.engine.compiled import column
from klieg.engine.gpu_device import Place, roomy
from klieg.engine.similarity import MOST_VECTOR_PAIRS
from klieg.errors import EngineError

if TYPE_CHECKING:
    from klieg.tables import I32, I64

    F32 = NDArray[np.float32]

__all__ = ["similar_pairs"]

BLOCK_BYTES = 9
"""Of one product in a block: four bytes, a flag, and what finding the flags takes."""

MARGIN = 1e-2
"""More than products of bfloat16 lose on unit rows (7.8e-3): whatever precision torch is told to
multiply in, what is near tau is seen and computed again."""

SETTLED = 1e-12
"""Far more than a sum of doubles can be off by when it is taken in another order."""

SCORED = 65_536
"""Pairs computed again at a time."""


@roomy
def similar_pairs(
    at: Place, a: F32, b: F32, tau: float, times: tuple[I64, I64], window: int
) -> tuple[I32, I32, F32]:
    """Pairs (i, j) sorted, dot(a_i, b_j) ≥ tau and |time_i − time_j| ≤ window (microseconds).

    EngineError beyond ``MOST_VECTOR_PAIRS`` pairs: nothing else bounds them.
    """
    left, right = _by_time(a, times[0]), _by_time(b, times[1])
    rows, others = at.tensor(left[1]), at.tensor(right[1])
    floor = tau - MARGIN - 1.2e-7 * rows.shape[1]
    side = max(1, int((min(at.chunk, 2**31) / BLOCK_BYTES / 8) ** 0.5))
    found, total = [], 0
    for i in range(0, len(rows), side):
        stop = min(i + side, len(rows))
        begin = int(np.searchsorted(right[2], left[2][i] - window))
        end = int(np.searchsorted(right[2], left[2][stop - 1] + window, side="right"))
        for j in range(begin, end, 8 * side):
            near = rows[i:stop] @ others[j : min(j + 8 * side, end)].T >= floor
            hits = torch.nonzero(near).cpu().numpy() + np.array([i, j])
            hits = hits[np.abs(left[2][hits[:, 0]] - right[2][hits[:, 1]]) <= window]
            score = _scores((left[1], right[1]), (rows, others), hits)
            good = score >= np.float32(tau)
            found.append((left[0][hits[good, 0]], right[0][hits[good, 1]], score[good]))
            total += int(good.sum())
            if total > MOST_VECTOR_PAIRS:
                raise EngineError(f"more than {MOST_VECTOR_PAIRS:,} similar pairs: raise tau")
    return _sorted(found)


def _by_time(rows: F32, time: I64) -> tuple[I64, F32, I64]:
    stamps = column(time, np.int64, "times", len(rows))
    order = np.argsort(stamps, kind="stable")
    return order, np.ascontiguousarray(rows[order], np.float32), stamps[order]


def _scores(host: tuple[F32, F32], device: tuple[Tensor, Tensor], hits: I64) -> F32:
    """(h,) dot products in double precision, rounded; the same bytes on every device.

    Where two orders of summation could round to different singles, the sum is taken on the host.
    """
    out = np.empty(len(hits), np.float32)
    doubles = device[0].device.type != "mps"
    for first in range(0, len(hits), SCORED):
        some = hits[first : first + SCORED]
        open_ = np.arange(len(some))
        if doubles:
            p, q = (torch.from_numpy(some[:, k].copy()).to(device[0].device) for k in (0, 1))
            dots = (device[0][p].double() * device[1][q].double()).sum(1).cpu().numpy()
            out[first : first + len(some)] = dots
            low, high = (dots - SETTLED).astype(np.float32), (dots + SETTLED).astype(np.float32)
            open_ = np.flatnonzero(low != high)
        rows = host[0][some[open_, 0]], host[1][some[open_, 1]]
        out[first + open_] = np.einsum("ij,ij->i", *rows, dtype=np.float64)
    return out


def _sorted(found: list[tuple[I64, I64, F32]]) -> tuple[I32, I32, F32]:
    if not found:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    i, j, score = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((j, i))
    return i[order].astype(np.int32), j[order].astype(np.int32), score[order]
