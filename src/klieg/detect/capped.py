"""How many targets a pair is expected to meet on: a concave curve, tabulated once, read in O(1).

For a stratum and window, ``F(z) = Σ_T (1 − exp(−z·S_T))`` over its targets T, with ``z`` the pair's
share of all slot pairs. F is concave, so a tangent never lies below it: nodes stand a quarter of an
octave apart and the nearest node's tangent is read off. That is at most ``MAX_EXCESS`` too high and
never too low, which is the safe side for a tail probability. The room knows no account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from klieg.tables import F64, I64

__all__ = ["MAX_EXCESS", "NODES_PER_OCTAVE", "CappedTable", "tabulate"]

NODES_PER_OCTAVE = 4
MAX_EXCESS = 0.014
"""Relative: ½(2^⅛ − 1)²·sup x²/(eˣ − 1) = 0.27 % from tangents, 1.1 % from rounding S_T up."""

_EXACT = 64  # totals up to here are kept as they are, larger ones rounded up by ≤ 2^(1/64) − 1
_LINEAR = 2.0**-9  # below z·S_max of this, z·ΣS is less than 0.1 % too high


@dataclass(frozen=True, slots=True)
class CappedTable:
    """Tangents of F at the nodes ``z = 2^((first + k)/4)``; below the first, z·ΣS is used."""

    first: int
    value: F64  # (C, W, K) F at the node
    slope: F64  # (C, W, K) F' at the node


def tabulate(stratum: NDArray[np.int64], totals: I64, n_strata: int, z_max: float) -> CappedTable:
    """Curves of every stratum and window.

    ``stratum`` (t,) of each target, ``totals`` (t, W) its S_T; ``z_max`` the largest z asked for
    (beyond it the last tangent still bounds F from above).
    """
    n_windows = totals.shape[1]
    largest = float(totals.max(initial=0))
    first = int(np.floor(NODES_PER_OCTAVE * np.log2(_LINEAR / max(largest, 1.0))))
    last = max(first, int(np.ceil(NODES_PER_OCTAVE * np.log2(max(z_max, 1e-300)))))
    node = 2.0 ** (np.arange(first, last + 1) / NODES_PER_OCTAVE)
    value = np.zeros((n_strata, n_windows, len(node)))
    slope = np.zeros_like(value)
    for w in range(n_windows):
        some = totals[:, w] > 0
        size, code = _rounded_up(totals[some, w])
        width = int(code.max(initial=0)) + 1
        key, many = np.unique(stratum[some] * width + code, return_counts=True)
        s = size(key % width)
        cuts = np.searchsorted(key // width, np.arange(n_strata + 1))
        for c in np.flatnonzero(np.diff(cuts)):
            here = slice(cuts[c], cuts[c + 1])
            decay = np.exp(-np.outer(node, s[here]))
            value[c, w] = (1.0 - decay) @ many[here]
            slope[c, w] = decay @ (many[here] * s[here])
    return CappedTable(first, value, slope)


def _rounded_up(total: I64) -> tuple[Callable[[I64], F64], I64]:
    """Codes of totals on a fine logarithmic grid, and what a code stands for (never less)."""
    fine = np.ceil(_EXACT * np.log2(np.maximum(total, 1) / _EXACT)).astype(np.int64)
    code = np.where(total <= _EXACT, total, _EXACT + np.maximum(fine, 1))

    def size(of: I64) -> F64:
        rounded = _EXACT * 2.0 ** ((of - _EXACT) / _EXACT)
        whole: F64 = np.where(of <= _EXACT, of.astype(np.float64), rounded)
        return whole

    return size, code
