"""One layer for all signals: a crew that mixes reposts, links and copies is weak in each alone.

Each post gives one act, on the rarest thing it did; pools stay those of the signal the act came
from, so accounts are still exchangeable inside them. The room knows no null model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.detect.columns import appearance
from klieg.tables import MULTIPLEX, Actions, Strata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.tables import I64, Bool

__all__ = ["combine"]

_ORDER = ("copies", "link", "repost", "hashtags", "reply", "mention", "image", "object", "domain")
"""Which signal a post's act is taken from where two of its objects are equally rare."""


def combine(layers: Mapping[str, Actions], strata: Mapping[str, Strata]) -> tuple[Actions, Strata]:
    """All layers as one: objects, targets and strata side by side, labelled ``signal: label``.

    A post's act is its object with the fewest actions (ties: a fixed order of signals, then their
    names); a domain never stands for a post that has a link. An account keeps its first act on an
    object, so no object is acted on twice by one account.
    """
    rank = {name: i for i, name in enumerate(_ORDER)}
    names = sorted((n for n in layers if n != MULTIPLEX), key=lambda n: (rank.get(n, len(rank)), n))
    if not names:
        raise ValueError("there is no layer to combine")
    parts = [layers[name] for name in names]
    row = _rarest(names, parts)
    row = row[_first_acts(parts, row)]
    return _actions(names, parts, row), _strata(names, parts, [strata[n] for n in names], row)


def _stacked(parts: list[Actions], values: list[np.ndarray], sizes: list[int]) -> I64:
    """One column over all layers, each layer's ids after those before it; −1 stays −1."""
    base = np.r_[0, np.cumsum(sizes)]
    return np.concatenate(
        [np.where(v < 0, -1, v + b) for v, b in zip(values, base[:-1], strict=True)]
    ).astype(np.int64)


def _rarest(names: list[str], parts: list[Actions]) -> I64:
    """Rows of the stacked layers that stand for their post, in post order."""
    post = np.concatenate([p.post for p in parts])
    rare = np.concatenate([np.bincount(p.object, minlength=p.n_objects)[p.object] for p in parts])
    turn = np.repeat(np.arange(len(parts)), [p.n for p in parts])
    allowed = np.ones(len(post), np.bool_)
    if "domain" in names and "link" in names:
        linked = np.unique(parts[names.index("link")].post)
        allowed = (turn != names.index("domain")) | ~np.isin(post, linked)
    rows = np.flatnonzero(allowed)
    rows = rows[np.lexsort((turn[rows], rare[rows], post[rows]))]
    return rows[_changes(post[rows])]


def _first_acts(parts: list[Actions], row: I64) -> I64:
    """Positions in ``row`` (post order) where an account first acts on an object."""
    account = np.concatenate([p.account for p in parts])[row].astype(np.int64)
    item = _stacked(parts, [p.object for p in parts], [p.n_objects for p in parts])[row]
    width = sum(p.n_objects for p in parts)
    _, first = np.unique(account * max(width, 1) + item, return_index=True)
    return np.sort(first)


def _changes(values: I64) -> Bool:
    new: Bool = np.r_[True, values[1:] != values[:-1]][: len(values)]
    return new


def _actions(names: list[str], parts: list[Actions], row: I64) -> Actions:
    item = _stacked(parts, [p.object for p in parts], [p.n_objects for p in parts])[row]
    target = _stacked(parts, [p.target for p in parts], [len(p.target_labels) for p in parts])[row]
    used, number = appearance(item)
    aimed = target[target >= 0]
    hit, aim = appearance(aimed)
    target[target >= 0] = aim
    return Actions(
        signal=MULTIPLEX,
        account=np.concatenate([p.account for p in parts])[row],
        object=number.astype(np.int32),
        time=np.concatenate([p.time for p in parts])[row],
        post=np.concatenate([p.post for p in parts])[row],
        target=target.astype(np.int32),
        labels=_labels(names, [p.labels for p in parts]).take(pa.array(item[used])),
        target_labels=_labels(names, [p.target_labels for p in parts]).take(pa.array(aimed[hit])),
        n_accounts=max(p.n_accounts for p in parts),
    )


def _labels(names: list[str], columns: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays(
        [
            pc.binary_join_element_wise(f"{name}: ", column.cast(pa.string()), "")
            for name, column in zip(names, columns, strict=True)
        ]
    )


def _strata(names: list[str], parts: list[Actions], pools: list[Strata], row: I64) -> Strata:
    """Pools and parents per (layer, stratum), in the order of the layers, empty ones included."""
    item = _stacked(parts, [p.object for p in parts], [p.n_objects for p in parts])[row]
    used, _ = appearance(item)
    member = _stacked(parts, [s.object_stratum for s in pools], [s.size for s in pools])
    parent = _stacked(parts, [s.parent for s in pools], [len(s.parent_names) for s in pools])
    return Strata(
        object_stratum=member[item[used]].astype(np.int32),
        parent=parent.astype(np.int32),
        names=tuple(f"{n} · {x}" for n, s in zip(names, pools, strict=True) for x in s.names),
        parent_names=tuple(
            f"{n} · {x}" for n, s in zip(names, pools, strict=True) for x in s.parent_names
        ),
    )
