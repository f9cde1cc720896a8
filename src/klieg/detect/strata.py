"""The pools inside which accounts are exchangeable: platform × collection × language × interest.

A pool is the object's, never the account's. Pools too small for what they test merge into their
parent's ``other``: first into the language, then into the platform and collection, which are never
pooled with another. The room knows no windows, no pairs and no counts of co-actions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg import evidence
from klieg.detect import acted
from klieg.detect.columns import appearance, numbered, plurality, spread
from klieg.detect.interest import DAY, communities, week_start
from klieg.detect.language import languages
from klieg.engine.compiled import column
from klieg.engine.spill import unmapped
from klieg.tables import Strata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from klieg.config import Config
    from klieg.tables import I32, Actions, Bool, Posts

__all__ = ["flat", "infer", "opinions"]

_NONE, _OTHER = -1, -2  # language unknown or no interest; merged because too small

BLOCK = DAY // 8

_RHYTHMIC = "synchrony"
"""The signal whose objects are stretches of time. Accounts differ in when they are awake, so its
pools are three hours of the day, on weekdays or weekends, and never communities of interest."""


def opinions(
    layers: Mapping[str, Actions], posts: Posts, config: Config
) -> tuple[dict[str, Strata], dict[str, Strata]]:
    """Each layer's pools, and the same without interest: the second opinion of the search.

    Interest communities are cross-fitted on the parity of days since the start of the week of the
    first post, so shifting all times by whole weeks changes nothing.
    """
    homes = _homes(layers, posts)
    plain = _pools(layers, homes, config, {})
    if not evidence.size(posts):
        return dict(plain), plain
    interest = communities(layers, week_start(evidence.first_time(posts)), config)
    chosen = {name: layers[name] for name in interest}
    taste = {name: label for name, (label, _) in interest.items()}
    return plain | _pools(chosen, homes, config, taste), plain


def infer(layers: Mapping[str, Actions], posts: Posts, config: Config) -> dict[str, Strata]:
    """Each layer's pools, with communities where the layer is chosen by interest."""
    return opinions(layers, posts, config)[0]


def flat(layers: Mapping[str, Actions], posts: Posts, config: Config) -> dict[str, Strata]:
    """Each layer's pools without interest."""
    return _pools(layers, _homes(layers, posts), config, {})


@dataclass(frozen=True, slots=True)
class _Homes:
    """Where each layer's objects belong before interest is asked."""

    place: dict[str, I32]  # (n_objects,) platform × collection; −1 where nobody acted
    tongue: dict[str, I32]  # (n_objects,) language, or −1
    places: tuple[str, ...]
    tongues: tuple[str, ...]


def _homes(layers: Mapping[str, Actions], posts: Posts) -> _Homes:
    place, places = acted.places(posts, *_places(posts))
    where = {n: _of_objects(a, place) for n, a in layers.items()}
    del place
    language, tongues = languages(posts)
    language = acted.tongues(posts, language)
    return _Homes(where, {n: _of_objects(a, language) for n, a in layers.items()}, places, tongues)


def _of_objects(actions: Actions, told: I32) -> I32:
    """(n_objects,) what most of the posts with it are ``told`` to be."""
    found = plurality(actions.object, told[actions.post], actions.n_objects)
    for values in (actions.object, actions.post):
        unmapped(values)
    return found


def _pools(
    layers: Mapping[str, Actions], homes: _Homes, config: Config, interest: Mapping[str, I32]
) -> dict[str, Strata]:
    pools = {}
    for name, actions in layers.items():
        where = homes.place[name]
        taste = interest.get(name, np.full(actions.n_objects, _NONE, np.int32))
        if name == _RHYTHMIC:
            taste = _hours(actions)
        key = np.stack((where, homes.tongue[name], taste), axis=1).astype(np.int64)
        # an object nobody acted on belongs anywhere; it must not make a pool of its own
        key[where < 0] = (0, _NONE, _NONE)
        _merge(key, actions, config)
        pools[name] = _numbered(key, homes.places, homes.tongues)
        if name == _RHYTHMIC:
            pools[name] = _by_the_clock(pools[name])
    return pools


def _hours(actions: Actions) -> I32:
    """(n_objects,) block of the object's first act: 0–7 on weekdays, 8–15 on weekends."""
    first = np.full(actions.n_objects, np.iinfo(np.int64).max)
    np.minimum.at(first, actions.object, actions.time)
    if not actions.n:
        return np.zeros(actions.n_objects, np.int32)
    block = (first - week_start(int(actions.time.min()))) // BLOCK
    hours: I32 = (block % 8 + 8 * (block // 8 % 7 >= 5)).astype(np.int32)
    return hours


def _by_the_clock(pools: Strata) -> Strata:
    """The same pools under their names, each its own parent.

    The parent's share stands in where a group is much of a pool, lest it be its own chance. No crew
    makes an hour of the day its own, and the share of all hours is no chance of being awake at one.
    """
    names = tuple(re.sub(r"interest (\d+)$", _spoken, name) for name in pools.names)
    return Strata(pools.object_stratum, np.arange(pools.size, dtype=np.int32), names, names)


def _spoken(found: re.Match[str]) -> str:
    block = int(found[1]) - 1
    days = "weekends" if block >= 8 else "weekdays"
    return f"{days} {block % 8 * 3:02}–{block % 8 * 3 + 3:02} h UTC"


def _places(posts: Posts) -> tuple[I32, tuple[str, ...]]:
    """((n,) platform × collection of each post, names) by first appearance."""
    platform = posts.table.column("platform").combine_chunks().dictionary_encode()
    collection = posts.table.column("collection").combine_chunks().dictionary_encode()
    width = len(collection.dictionary) + 1
    joint = column(platform.indices.to_numpy(zero_copy_only=False), np.int32, "platform").copy()
    joint *= np.int32(width)
    joint += collection.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    joint += 1
    first, code = numbered(joint, width * len(platform.dictionary))
    names = ["", *collection.dictionary.to_pylist()]
    labels = []
    for row in first:
        outer, inner = divmod(int(joint[row]), width)
        parts = platform.dictionary[outer].as_py(), names[inner]
        labels.append(" · ".join(part for part in parts if part))
    return code, tuple(labels)


def _merge(key: NDArray[np.int64], actions: Actions, config: Config) -> None:
    """Fold small pools into their parent's rest, in place: columns place, language, taste."""
    small = _small(key, actions, config)
    key[small & (key[:, 2] >= 0), 2] = _NONE
    small = _small(key, actions, config)
    key[small & (key[:, 2] < 0), 1] = _OTHER


def _small(key: NDArray[np.int64], actions: Actions, config: Config) -> Bool:
    """(n_objects,) whether the pool of the object has too few actions or accounts."""
    pool = appearance(_code(key))[1]
    row = pool.astype(np.int32)[actions.object]
    n_pools = int(pool.max(initial=-1)) + 1
    who = column(actions.account, np.int32, "account")
    accounts = spread(row, who, n_pools, actions.n_accounts)
    acts = np.bincount(row, minlength=n_pools)
    for values in (actions.account, actions.object):
        unmapped(values)
    small: Bool = (acts < config.stratum_actions) | (accounts < config.stratum_accounts)
    return small[pool]


def _code(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) one number per (place, language, taste), as small as can be."""
    low = key.min(axis=0, initial=0)
    width = key.max(axis=0, initial=0) - low + 1
    code: NDArray[np.int64] = (key - low) @ np.array([width[1] * width[2], width[2], 1])
    return code


def _numbered(key: NDArray[np.int64], places: tuple[str, ...], tongues: tuple[str, ...]) -> Strata:
    """Pools numbered by the first object in them, with their names and parents."""
    first, member = appearance(_code(key))
    pools = key[first]
    seen, parent = appearance(pools[:, 0])
    alone = np.bincount(parent)[parent] == 1
    return Strata(
        object_stratum=member.astype(np.int32),
        parent=parent.astype(np.int32),
        names=tuple(
            _name(pool, places, tongues, bool(only))
            for pool, only in zip(pools, alone, strict=True)
        ),
        parent_names=tuple(places[i] if places else "" for i in pools[seen, 0]),
    )


def _name(
    pool: NDArray[np.int64], places: tuple[str, ...], tongues: tuple[str, ...], alone: bool
) -> str:
    place, tongue, taste = (int(x) for x in pool)
    parts = [places[place] if places else ""]
    if tongue >= 0:
        parts.append(tongues[tongue])
    elif not alone:
        parts.append("other" if tongue == _OTHER else "no language")
    if taste >= 0:
        parts.append(f"interest {taste + 1}")
    return " · ".join(part for part in parts if part)
