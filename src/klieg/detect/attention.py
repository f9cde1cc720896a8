"""Fourth null: accounts that come early to popular things, or where the crowd is, meet there.

Whoever acts often draws a popular object more than once; the first act is the one kept, so busy
accounts stand at its beginning, side by side, and others all over its life. *Who* is on an object
is then described well, *when* is not: two busy accounts may meet on it twice as often as two
others. Here objects are told apart by pool and by octave of popularity, their slots by the age of
the object or by how many acted within an hour: ``λ'' = Σ_g n_a^g n_b^g K_g/E_g² · π_g``, in which
K_g/E_g² is the chance to be on one object of the class at all and π_g, by the cells of both, that
of two slots of one object to lie within the window. It never expects more than all the objects of
each class that two accounts share by chance. Twice: inside the layer's pools, and inside those
without interest, which are finer in popularity. The room knows nothing of thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import rhythm
from klieg.detect.columns import appearance
from klieg.engine.compiled import column
from klieg.engine.windows import occupancy_sorted
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, U8, Actions, Strata

__all__ = ["CROWDED", "LEAST", "expected", "measure"]

LEAST = 10_000
"""Acts a class must hold, or a crew on things of its own would be much of it: twenty accounts on
fifteen objects are 3 % of so many. In smaller data no two accounts share enough to need it."""

CROWDED = 3600 * SECOND
"""Within it the others on the object are counted; cells are powers of four of them."""

_CROWDS = 9  # the last from 16,384 on
_EVER = np.int64(2**61 - 1)  # a window that holds every pair of slots of an object


@dataclass(frozen=True, slots=True)
class _Classes:
    """Pools by popularity."""

    of: I32  # (n_objects,) class of each object, or −1
    narrow: F64  # (G,) 1 if the class is of a single octave
    acts: I64  # (G,)


def measure(actions: Actions, pools: tuple[Strata, ...], windows: I64) -> tuple[rhythm.Cells, ...]:
    """Chances by each of the ``pools`` and by both kinds of cells; none where all is small."""
    degree = np.bincount(actions.object, minlength=actions.n_objects)
    homes = [column(p.object_stratum, np.int32, "object_stratum") for p in pools]
    if len(homes) > 1 and np.array_equal(homes[0], homes[-1]):
        homes = homes[:1]
    told = [_classes(home, degree) for home in homes]
    if all((classes.of < 0).all() for classes in told):
        return ()
    slots = rhythm.lay_out(actions)
    popular = np.zeros(actions.n_objects, np.bool_)
    for classes in told:
        popular |= classes.of >= 0
    # classes of all pools at once, so that pairs are counted only once
    joint = np.full(actions.n_objects, -1, np.int32)
    first, joint[popular] = appearance(_joined([c.of[popular] for c in told]))
    rows = np.flatnonzero(popular[slots.object])
    object_, time = slots.object[rows], slots.time[rows]
    kinds = []
    ladder = np.append(windows, _EVER)
    crowd = occupancy_sorted(object_, time, np.array([CROWDED]))[:, 0]
    for cell, n in (
        (rhythm.ages(object_, time, slots.first), len(rhythm.AGES) + 1),
        (_crowds(crowd), _CROWDS),
    ):
        size = rhythm.sizes(object_, cell, joint, len(first), n)
        pairs = rhythm.pairs_by_cell(object_, time, cell, joint, len(first), n, ladder)
        of = np.zeros(actions.n, np.uint8)
        of[slots.row[rows]] = cell
        for classes in told:
            group = classes.of[popular][first]
            kinds.append(_chances(classes, group, size, pairs, of))
    return tuple(kinds)


def expected(
    actions: Actions, kinds: tuple[rhythm.Cells, ...], n_windows: int, left: I32, right: I32
) -> F64:
    """(p, W) co-actions that the most of the ``kinds`` expects of each pair; 0 without any."""
    most = np.zeros((len(left), n_windows))
    for told, _ in rhythm.sums(actions, kinds, left, right):
        np.maximum(most, told, out=most)
    return most


def _classes(home: I32, degree: I64) -> _Classes:
    """Octaves of popularity inside each pool, joined downwards until they hold LEAST acts."""
    # (an object on which one account acted makes no pair)
    octave = np.floor(np.log2(np.maximum(degree, 1)) + 1e-9).astype(np.int64) - 1
    size, height = int(home.max(initial=-1)) + 1, int(octave.max(initial=-1)) + 1
    live = octave >= 0
    acts = np.zeros((size, height), np.int64)
    np.add.at(acts, (home[live], octave[live]), degree[live])
    number = np.full((size, height), -1, np.int32)
    narrow: list[float] = []
    held: list[int] = []
    for c in np.flatnonzero(acts.sum(axis=1) >= LEAST):
        top, total = height, 0
        for k in range(height - 1, -1, -1):
            total += int(acts[c, k])
            if total >= LEAST:
                number[c, k:top] = len(held)
                narrow.append(float(np.count_nonzero(acts[c, k:top]) == 1))
                held.append(total)
                top, total = k, 0
        if total:  # too few below: with those above
            number[c, :top] = len(held) - 1
            narrow[-1] = 0.0
            held[-1] += total
    of = np.full(len(home), -1, np.int32)
    of[live] = number[home[live], octave[live]]
    return _Classes(of, np.array(narrow), np.array(held, np.int64))


def _joined(columns: list[I32]) -> I64:
    """(n,) one number for each combination."""
    code: I64 = columns[0].astype(np.int64) + 1
    for values in columns[1:]:
        code = code * (int(values.max(initial=-1)) + 2) + values + 1
    return code


def _crowds(others: I32) -> U8:
    """(n,) nobody, 1–3, 4–15, … others within the hour."""
    steps = 4 ** np.arange(_CROWDS - 1)
    return np.searchsorted(steps, others, side="right").astype(np.uint8)


def _chances(classes: _Classes, group: I32, size: F64, pairs: F64, of: U8) -> rhythm.Cells:
    """Sum fine classes into those of one kind of pool, and make chances of their pairs.

    ``group`` (F,) class of each fine one, −1 for none; ``size`` (F, n); ``pairs`` (F, W + 1, n, n),
    the last of them all pairs of slots on an object.
    """
    kept = np.flatnonzero(group >= 0)
    acts = np.zeros((len(classes.acts), size.shape[1]))
    met = np.zeros((len(classes.acts), *pairs.shape[1:]))
    np.add.at(acts, group[kept], size[kept])
    np.add.at(met, group[kept], pairs[kept])
    ever, within = met[:, -1:], met[:, :-1]
    share = ever.sum(axis=(2, 3)) / np.maximum(acts.sum(axis=1), 1.0)[:, None] ** 2
    fill = np.divide(within, ever, out=np.zeros_like(within), where=ever > 0)
    fill *= share[:, :, None, None]
    # over several octaves the early slots are mostly those of the rarer ones: there the chance to
    # be on one object is not that of the class
    room = acts[:, :, None] * acts[:, None, :]
    sparse = np.divide(within, room[:, None], out=np.zeros_like(within), where=room[:, None] > 0)
    wide = classes.narrow == 0.0
    fill[wide] = np.minimum(fill[wide], sparse[wide])
    none = np.zeros(within.shape[:2])
    return rhythm.Cells(size.shape[1], of, classes.of, fill, none)
