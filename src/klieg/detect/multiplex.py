"""One layer for all signals: a crew that mixes reposts, links and copies is weak in each alone.

Each post gives one act, on the rarest thing it did; pools stay those of the signal the act came
from, so accounts are still exchangeable inside them. The room knows no null model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg import memory
from klieg.detect.columns import appearance, first_rows
from klieg.tables import MULTIPLEX, RETOLD, Actions, Strata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klieg.config import Config
    from klieg.tables import I32, I64, Network

__all__ = ["BYTES", "Woven", "combine", "notes", "pools", "too_large", "weave"]

BYTES = 150
"""What weaving takes, an action of all layers."""

_ORDER = ("copies", "link", "repost", "hashtags", "reply", "mention", "image", "object", "domain")
"""Which signal a post's act is taken from where two of its objects are equally rare."""


@dataclass(frozen=True, slots=True)
class Woven:
    """All layers' acts as one layer, and which object of which layer each of its objects was."""

    actions: Actions
    names: tuple[str, ...]  # the layers, in the order in which their objects were stacked
    origin: I64  # (n_objects,) the object's number among those of all layers, stacked


def combine(layers: Mapping[str, Actions], strata: Mapping[str, Strata]) -> tuple[Actions, Strata]:
    """All layers as one, and its pools: ``weave`` and ``pools``."""
    woven = weave(layers)
    return woven.actions, pools(woven, strata)


def too_large(layers: Mapping[str, Actions], config: Config) -> bool:
    """Whether weaving would take more than half of the memory budget: then there is no such layer.

    It repeats acts of the other layers and validates nothing of its own, so what is lost are groups
    that are weak in each single layer; ``notes`` says so.
    """
    budget = memory.size_of(config.memory)
    return budget is not None and BYTES * sum(a.n for a in layers.values()) > budget / 2


def notes(network: Network) -> tuple[str, ...]:
    """A sentence where the layers were not woven."""
    if not network.layers or MULTIPLEX in network.layers:
        return ()
    acts = sum(layer.actions.n for layer in network.layers.values())
    return (
        f"The signals were not woven into one layer: of {acts:,} acts that would take about "
        f"{memory.human(BYTES * acts)}, over half of the memory budget. A group that is weak in "
        "every single signal can have been missed; a larger budget finds it.",
    )


def weave(layers: Mapping[str, Actions]) -> Woven:
    """All layers as one: objects and targets side by side, labelled ``signal: label``.

    A post's act is its object with the fewest actions (ties: a fixed order of signals, then their
    names); a domain never stands for a post that has a link. An account keeps its first act on an
    object, so no object is acted on twice by one account.
    """
    rank = {name: i for i, name in enumerate(_ORDER)}
    own = [n for n in layers if n != MULTIPLEX]
    # a signal that tells other signals' posts again would stand for them, or make them weigh twice
    told = [n for n in own if n not in RETOLD] or own
    names = sorted(told, key=lambda n: (rank.get(n, len(rank)), n))
    if not names:
        raise ValueError("there is no layer to combine")
    parts = [layers[name] for name in names]
    row = _rarest(names, parts)
    account = np.concatenate([p.account for p in parts])[row]
    item = _stacked([p.object for p in parts], [p.n_objects for p in parts])[row]
    width = sum(p.n_objects for p in parts)
    kept = first_rows(account.astype(np.int64) * max(width, 1) + item)
    return _woven(names, parts, row[kept], account[kept], item[kept])


def pools(woven: Woven, strata: Mapping[str, Strata]) -> Strata:
    """Pools and parents per (layer, stratum), in the order of the layers, empty ones included."""
    held = [strata[name] for name in woven.names]
    member = _stacked([s.object_stratum for s in held], [s.size for s in held])
    parent = _stacked([s.parent for s in held], [len(s.parent_names) for s in held])
    told = list(zip(woven.names, held, strict=True))
    return Strata(
        object_stratum=member[woven.origin].astype(np.int32),
        parent=parent.astype(np.int32),
        names=tuple(f"{n} · {x}" for n, s in told for x in s.names),
        parent_names=tuple(f"{n} · {x}" for n, s in told for x in s.parent_names),
    )


def _stacked(values: list[np.ndarray], sizes: list[int]) -> I64:
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
    n_posts = int(post.max(initial=-1)) + 1
    least = np.full(n_posts, np.iinfo(np.int64).max)
    rank = rare * len(parts) + turn
    if "domain" in names and "link" in names:
        linked = np.zeros(n_posts, np.bool_)
        linked[parts[names.index("link")].post] = True
        rank[(turn == names.index("domain")) & linked[post]] = least.max(initial=0)
    np.minimum.at(least, post, rank)
    rows = np.flatnonzero(rank == least[post])
    first = np.full(n_posts, -1)
    first[post[rows[::-1]]] = rows[::-1]  # of several writes to a slot the last one holds
    return first[first >= 0]


def _woven(names: list[str], parts: list[Actions], row: I64, account: I32, item: I64) -> Woven:
    target = _stacked([p.target for p in parts], [len(p.target_labels) for p in parts])[row]
    used, number = appearance(item)
    aimed = target[target >= 0]
    hit, aim = appearance(aimed)
    target[target >= 0] = aim
    origin = item[used]
    actions = Actions(
        signal=MULTIPLEX,
        account=account,
        object=number.astype(np.int32),
        time=np.concatenate([p.time for p in parts])[row],
        post=np.concatenate([p.post for p in parts])[row],
        target=target.astype(np.int32),
        labels=_labels(names, [p.labels for p in parts], origin),
        target_labels=_labels(names, [p.target_labels for p in parts], aimed[hit]),
        n_accounts=max(p.n_accounts for p in parts),
    )
    return Woven(actions, tuple(names), origin)


def _labels(names: list[str], columns: list[pa.Array], rows: I64) -> pa.Array:
    told = [
        pc.binary_join_element_wise(f"{name}: ", column.cast(pa.string()), "")
        for name, column in zip(names, columns, strict=True)
    ]
    return pa.concat_arrays(told).take(pa.array(rows))
