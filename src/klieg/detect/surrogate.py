"""The clock surrogate: who acted on what is kept, how soon each acted is dealt anew.

Inside a layer, delays since an object's first sight change hands among acts of accounts as fast, on
objects as popular. Texts hardly exist outside the group that posts them, and swapping would hand it
its own delays; as their pace, their delays are taken from links or reposts. Shared interest
survives that, a plan does not: read again on dealt delays, no group may be ``coordinated``. The
room knows no class; it deals, and somebody else reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from klieg.detect import pace
from klieg.detect.controls import mix
from klieg.detect.timed import TEXTUAL
from klieg.tables import MULTIPLEX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.detect.controls import U64
    from klieg.detect.pace import ClockData
    from klieg.tables import F64, I64, Actions, Layer

__all__ = ["DECILES", "dealt", "layers"]

DECILES: Final = 10
"""Classes of speed; an account that never raced is in one of its own."""

ENOUGH: Final = 20
"""Like acts of the other layer from which a delay is drawn."""


def layers(
    found: Mapping[str, Layer],
    clock: ClockData,
    key: U64,
    *,
    seed: int = 0,
    free: I64 | None = None,
) -> dict[str, Layer]:
    """Every layer but the multiplex with its delays dealt anew.

    ``free`` are the accounts of whose links texts take their delays: those outside every group, as
    for their pace; all if None.
    """
    speed = _deciles(clock.speed_sum, clock.speed_acts)
    told = {name: layer.actions for name, layer in found.items() if name != MULTIPLEX}
    usual = next((told[n] for n in ("link", "repost") if n in clock.pairs), None)
    return {
        name: replace(
            found[name],
            actions=dealt(
                actions,
                speed,
                key,
                seed=seed,
                usual=usual if name in TEXTUAL else None,
                free=free,
            ),
        )
        for name, actions in told.items()
    }


def dealt(
    actions: Actions,
    speed: I64,
    key: U64,
    *,
    seed: int = 0,
    usual: Actions | None = None,
    free: I64 | None = None,
) -> Actions:
    """The same acts at other times, in time order; each object keeps its first act.

    Dealt is when an account first acted on an object; what it did there again keeps its distance.

    ``speed`` (A,) class of every account, ``key`` (A,) its fingerprint: what is dealt depends on
    when accounts act, never on a number or a name. With ``usual`` delays are drawn from those of
    ``free`` accounts in that layer, with replacement; without, they are swapped.
    """
    if actions.n < 2:
        return actions
    own = _delays(actions, speed, key)
    turn = mix(own.mark ^ mix(np.array([seed], np.uint64)))
    if usual is None:
        slots = own.row[np.lexsort((own.mark, own.cell))]
        lots = own.delay[np.lexsort((turn, own.cell))]
    else:
        slots, lots = own.row, _drawn(own, _of(_delays(usual, speed, key), usual, free), turn)
    shift = np.zeros(actions.n, np.int64)
    shift[slots] = own.born[actions.object[slots]] + lots - actions.time[slots]
    return _in_time(replace(actions, time=actions.time + shift[own.leader]))


@dataclass(frozen=True, slots=True)
class _Delays:
    """Each account's first act on an object, but the very first on it, in the order of rows."""

    row: I64  # (d,)
    delay: I64  # (d,) microseconds since the first act on the object
    cell: I64  # (d,) popularity of the object and speed of the account
    mark: U64  # (d,) a fingerprint of the act
    born: I64  # (n_objects,) microseconds
    leader: I64  # (n,) of every act, the account's first on that object: what moves it along


def _delays(actions: Actions, speed: I64, key: U64) -> _Delays:
    born = np.full(actions.n_objects, np.iinfo(np.int64).max)
    np.minimum.at(born, actions.object, actions.time)
    origin = int(actions.time.min()) if actions.n else 0
    mark = mix(key[actions.account] ^ mix((actions.time - origin).astype(np.uint64)))
    mark = mix(mark ^ (born[actions.object] - origin).astype(np.uint64))
    order = np.lexsort((mark, actions.time, actions.object))
    pair = actions.object.astype(np.int64) * actions.n_accounts + actions.account
    once, first, which = np.unique(pair, return_index=True, return_inverse=True)
    actors = np.bincount(once // actions.n_accounts, minlength=actions.n_objects)
    popular = pace.same_popularity(actors.astype(np.int32))
    later = np.zeros(actions.n, np.bool_)
    later[first] = True
    later[order[np.diff(actions.object[order], prepend=-1) != 0]] = False
    row = np.flatnonzero(later)
    obj = actions.object[row]
    cell = popular[obj] * (DECILES + 1) + speed[actions.account[row]]
    return _Delays(row, actions.time[row] - born[obj], cell, mark[row], born, first[which])


def _of(found: _Delays, actions: Actions, free: I64 | None) -> _Delays:
    """The delays of some accounts."""
    if free is None:
        return found
    kept = np.isin(actions.account[found.row], free)
    return replace(
        found,
        row=found.row[kept],
        delay=found.delay[kept],
        cell=found.cell[kept],
        mark=found.mark[kept],
    )


def _drawn(own: _Delays, usual: _Delays, turn: U64) -> I64:
    """(d,) a delay for each act from like acts of another layer; from as popular ones at least."""
    out = own.delay.copy()
    wide = DECILES + 1
    for fine, theirs in ((own.cell // wide, usual.cell // wide), (own.cell, usual.cell)):
        order = np.lexsort((usual.mark, usual.delay, theirs))
        begin = np.searchsorted(theirs[order], fine)
        size = np.searchsorted(theirs[order], fine, side="right") - begin
        enough = size >= ENOUGH
        lot = (turn[enough] % size[enough].astype(np.uint64)).astype(np.int64)
        out[enough] = usual.delay[order][begin[enough] + lot]
    return out


def _in_time(actions: Actions) -> Actions:
    """Rows by time, as every room expects them."""
    order = np.argsort(actions.time, kind="stable")
    return replace(
        actions,
        account=actions.account[order],
        object=actions.object[order],
        time=actions.time[order],
        post=actions.post[order],
        target=actions.target[order],
    )


def _deciles(total: F64, acts: I64) -> I64:
    """(A,) decile of each account's speed; DECILES for who never raced."""
    speed = total / (acts + pace.SHRINK_SPEED)
    known = acts > 0
    if not known.any():
        return np.full(len(speed), DECILES)
    cuts = np.quantile(speed[known], np.arange(1, DECILES) / DECILES)
    found = np.searchsorted(cuts, speed, side="right").astype(np.int64)
    return np.where(known, found, DECILES)
