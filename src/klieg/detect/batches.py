"""Whether the members of a found group were made in one go: evidence beside the group, no layer.

A batch is accounts made in the same hour or day, with handles of one shape, posting by one client.
How many members share one is held against all accounts of the pool, exactly: a popular day (a wave
of newcomers, a platform's launch) is full of strangers and says little. Membership was settled by
other things, so nothing was searched here but the batches themselves, and they are all paid for.
The room knows when accounts were made; no post, and never who made them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.tables import I32, I64, Bool, Layer, Posts

__all__ = ["Made", "Together", "neighbours", "prepare", "sentence", "shapes", "together"]

_HOUR: Final = 3600 * SECOND
BINS: Final = ((_HOUR, "hour"), (6 * _HOUR, "six hours"), (24 * _HOUR, "day"))
"""Within what accounts count as made together; each from two starts, half a bin apart."""

_KINDS: Final = ("", "handles of one shape", "handles of one shape and one client")
MOSTLY: Final = 0.5
"""Share of the members from which on a batch is the group's, and of a batch that strangers hold
from which on it is a wave."""


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of the making of every account."""

    created: I64  # (A,) microseconds; meaningless where not known
    known: Bool  # (A,)
    shape: I32  # (A,) code of the handle's shape, −1 without a handle
    client: I32  # (A,) code of the client most of its posts came by, −1 unknown
    cell: tuple[I64, ...]  # one (A,) batch code per way of binning; −1 where it has none
    ways: tuple[tuple[str, str], ...]  # of each way: within what, and what else is alike


@dataclass(frozen=True, slots=True)
class Together:
    """The batch that says most about a group."""

    members: int  # k: members in it
    known: int  # n: members whose making is known
    others: int  # accounts of the pool in it that are no members
    pool: int  # N: accounts of the pool whose making is known, members among them
    expected: float  # members chance would put there: n · K / N
    p: float  # exact hypergeometric tail, times the batches tried (at most 1)
    within: str  # hour, six hours, day
    alike: str  # what else is alike; "" if the time alone
    start: int  # microseconds: the earliest member's making
    end: int

    @property
    def wave(self) -> bool:
        """Whether strangers hold half of the batch or more: newcomers of a popular day."""
        return self.others >= MOSTLY * (self.members + self.others)


def prepare(posts: Posts) -> Made:
    """When, under what kind of name and by what client every account was made and posts."""
    whole = posts.table.column("account").combine_chunks()
    whole = whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)
    made = pc.struct_field(whole, "created_at").cast(pa.int64())
    handle = pc.struct_field(whole, "handle")
    first, known = _first(posts, made)
    created = np.asarray(made.take(pa.array(first, mask=~known)).fill_null(0))
    named, has = _first(posts, handle)
    shape = np.where(has, _codes(shapes(handle.take(pa.array(named, mask=~has)))), -1).astype(
        np.int32
    )
    client = _usual(posts)
    cells, ways = [], []
    for size, word in BINS:
        for start in (0, size // 2):
            when = (created + start) // size
            for kind, extra in enumerate(((), (shape,), (shape, client))):
                told = known.copy()
                for code in extra:
                    told &= code >= 0
                cells.append(_joined(told, when, *extra))
                ways.append((word, _KINDS[kind]))
    return Made(created, known, shape, client, tuple(cells), tuple(ways))


def shapes(handles: pa.Array) -> pa.Array:
    """Handles with every run of letters as ``a`` and every digit as ``0``: Name123 is a000.

    >>> shapes(pa.array(["Maria48213377", "free_voice_7", None])).to_pylist()
    ['a00000000', 'a_a_0', None]
    """
    return pc.replace_substring_regex(
        pc.replace_substring_regex(handles, r"\p{L}+", "a"), r"\p{N}", "0"
    )


def neighbours(layer: Layer, members: I32) -> Bool:
    """(A,) accounts of the pools in which most of the members' acts of a layer lie."""
    actions, pools = layer.actions, layer.strata
    inside = np.zeros(layer.actions.n_accounts, np.bool_)
    inside[members] = True
    of = pools.object_stratum[actions.object]
    held = np.bincount(of[inside[actions.account]], minlength=pools.size)
    order = np.argsort(-held, kind="stable")
    enough = int(np.searchsorted(np.cumsum(held[order]), MOSTLY * held.sum())) + 1
    pool = inside.copy()
    pool[actions.account[np.isin(of, order[:enough])]] = True
    return pool


def together(made: Made, members: I32, pool: Bool) -> Together | None:
    """The batch that says most about these accounts, against the pool; None where nothing is known.

    ``pool`` (A,) holds the members too. Every batch of two accounts or more of the pool, whoever is
    in it, is paid for (Bonferroni), so P(p ≤ α) ≤ α if the members were drawn at random.
    """
    inside = np.zeros(len(made.known), np.bool_)
    inside[members] = True
    counted = made.known & (pool | inside)
    n, size = int((inside & counted).sum()), int(counted.sum())
    if n < 2 or size <= n:
        return None
    from scipy.stats import hypergeom  # half a second that a case without findings need not wait

    tried, best = 0, None
    for cell, way in zip(made.cell, made.ways, strict=True):
        rows = np.flatnonzero(counted & (cell >= 0))
        code, number = np.unique(cell[rows], return_inverse=True)
        everybody = np.bincount(number, minlength=len(code))
        mine = np.bincount(number[inside[rows]], minlength=len(code))
        tried += int((everybody >= 2).sum())
        at = np.flatnonzero(mine >= 2)
        if not len(at):
            continue
        p = hypergeom.sf(mine[at] - 1, size, everybody[at], n)
        i = int(np.lexsort((code[at], -mine[at], p))[0])
        if best is None or (p[i], -mine[at[i]]) < best[:2]:
            who = rows[(number == at[i]) & inside[rows]]
            best = (float(p[i]), -int(mine[at[i]]), int(everybody[at[i]]), way, who)
    if best is None:
        return None
    p0, k, K, way, who = best[0], -best[1], best[2], best[3], best[4]
    times = made.created[who]
    return Together(
        *(k, n, K - k, size, n * K / size, min(1.0, p0 * tried), *way),
        start=int(times.min()),
        end=int(times.max()),
    )


def sentence(found: Together) -> str:
    """What was seen, what chance would give, and whether a wave explains it."""
    alike = f", with {found.alike}" if found.alike else ""
    less = "fewer than 0.1" if found.expected < 0.1 else f"{found.expected:.1f}"
    odds = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
    told = (
        f"{found.members:,} of {found.known:,} accounts whose making is known were made within one "
        f"{found.within}{alike}; of {found.pool:,} accounts of the same pool chance would put "
        f"{less} there ({odds}, every batch paid for)."
    )
    if found.wave:
        told += (
            f" {found.others:,} accounts outside the group were made in the same batch: a wave of "
            "newcomers explains it as well."
        )
    return told


def _first(posts: Posts, values: pa.Array) -> tuple[I64, Bool]:
    """((A,) row of each account's first post with a value, else 0; (A,) whether it has one)."""
    rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    row = np.full(posts.n_accounts, posts.n, np.int64)
    np.minimum.at(row, posts.account[rows], rows)
    has = row < posts.n
    return np.where(has, row, 0), has


def _usual(posts: Posts) -> I32:
    """(A,) the client most of an account's posts came by; ties to the one seen first."""
    coded = posts.table.column("client").combine_chunks().dictionary_encode()
    coded = coded if isinstance(coded, pa.Array) else pa.concat_arrays(coded.chunks)
    code = np.asarray(coded.indices.fill_null(-1)).astype(np.int64)
    width = len(coded.dictionary)
    usual = np.full(posts.n_accounts, -1, np.int32)
    rows = np.flatnonzero(code >= 0)
    if not len(rows):
        return usual
    pair, count = np.unique(
        posts.account[rows].astype(np.int64) * width + code[rows], return_counts=True
    )
    order = np.lexsort((pair, -count, pair // width))
    top = order[np.diff(pair[order] // width, prepend=-1) != 0]
    usual[pair[top] // width] = (pair[top] % width).astype(np.int32)
    return usual


def _codes(values: pa.Array) -> I64:
    found: I64 = np.asarray(values.dictionary_encode().indices.fill_null(-1)).astype(np.int64)
    return found


def _joined(told: Bool, *codes: I64 | I32) -> I64:
    """(A,) one number per combination of codes; −1 where it is not told."""
    cell = np.full(len(told), -1, np.int64)
    rows = np.flatnonzero(told)
    if len(rows):
        each = np.stack([c[rows].astype(np.int64) for c in codes])
        cell[rows] = np.unique(each, axis=1, return_inverse=True)[1].ravel()
    return cell
