"""What a collection of a world would hold: a query, a sample, a list of accounts, channels.

Each gives a world again: the posts somebody would have got, and the truth about those that are in
them. References to posts outside stay as they are, as in a real collection. The room knows no
detector and draws from its own seed only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.errors import ConfigError
from klieg.sources.simulate.truth import TrueGroup, Truth
from klieg.sources.simulate.world import World

if TYPE_CHECKING:
    from klieg.tables import Bool

__all__ = [
    "COLLECTIONS",
    "account_list",
    "channels",
    "collect",
    "hashtag",
    "keyword",
    "sample",
]


_WORD = re.compile(r"(?<![\w@#/.])[^\W\d_]{6,}(?![\w/.])")


def hashtag(world: World, tag: str | None = None) -> World:
    """Posts that carry one hashtag (the most used one if none is named), reposts of them too."""
    tags = pc.list_flatten(world.posts["hashtags"])
    if tag is None:
        tag = _first(Counter(tags.to_pylist()), "hashtags", world)
    rows = pc.list_parent_indices(world.posts["hashtags"].combine_chunks())
    hit = pc.equal(pc.utf8_lower(tags.combine_chunks()), tag.lower().lstrip("#"))
    keep = np.zeros(world.posts.num_rows, bool)
    keep[rows.filter(hit).to_numpy()] = True
    return _narrowed(world, keep, f"hashtag {tag}")


def keyword(world: World, word: str | None = None) -> World:
    """Posts whose text holds one word (the most used of six letters or more, if none is named)."""
    text = world.posts["text"]
    if word is None:
        count: Counter[str] = Counter()
        for line in text.to_pylist():
            count.update(set(_WORD.findall((line or "").lower())))
        word = _first(count, "words", world)
    pattern = rf"(?i)(^|\W){re.escape(word)}($|\W)"
    hit = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    return _narrowed(world, hit.to_numpy(), f"keyword {word}")


def sample(world: World, share: float, *, seed: int = 0) -> World:
    """Each post with the same chance, as a platform's sampled stream hands it out."""
    if not 0 < share <= 1:
        raise ConfigError("sample share", share, "above 0, up to 1")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    return _narrowed(world, rng.random(world.posts.num_rows) < share, f"sample {share:g}")


def account_list(
    world: World, accounts: Sequence[str] | None = None, *, n: int = 300, seed: int = 0
) -> World:
    """Everything that listed accounts posted and nothing else.

    Without a list: whoever is planted, and ordinary accounts up to ``n`` in all, drawn by how much
    they post, as lists are made of accounts that somebody noticed.
    """
    ids = world.posts["account_id"]
    if accounts is None:
        chosen = sorted(world.truth.accounts)[:n]
        counted = pc.value_counts(ids.combine_chunks())
        names, volume = counted.field(0), counted.field(1).to_numpy()
        order = np.argsort(np.array(names.to_pylist()), kind="stable")  # not by appearance
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
        score = np.log(volume[order]) + rng.gumbel(size=len(order))
        known = set(chosen)
        for i in order[np.argsort(-score, kind="stable")]:
            if len(chosen) >= n:
                break
            if names[int(i)].as_py() not in known:
                chosen.append(names[int(i)].as_py())
        accounts = chosen
    keep = pc.is_in(ids, pa.array(list(accounts), pa.string()))
    return _narrowed(world, keep.to_numpy(), f"{len(accounts)} listed accounts")


def channels(world: World, n: int = 60, *, of: Sequence[str] = ()) -> World:
    """``n`` channels that forward each other, as a snowball over forwards collects them.

    It starts from the accounts in ``of``, or from the most forwarded one, and adds whoever has most
    forwards to or from those it has. Posts become messages of channels, to the second; channels do
    not reply. Forwards from outside stay.
    """
    posts = world.posts
    is_repost = pc.equal(posts["kind"], "repost")
    pairs = posts.filter(is_repost).select(["account_id", "repost_of_account"])
    names = pc.unique(posts["account_id"].combine_chunks())
    by = pc.index_in(pairs["account_id"], names).to_numpy()
    whom = pc.fill_null(pc.index_in(pairs["repost_of_account"], names), -1).to_numpy()
    inside = np.zeros(len(names), bool)
    ties = np.zeros(len(names), np.int64)
    first = pc.index_in(pa.array(list(of), pa.string()), names).drop_null().to_numpy()
    if not len(first):
        first = np.array([np.argmax(np.bincount(whom[whom >= 0], minlength=len(names)))])
    for row in first[:n]:
        _join_in(int(row), inside, ties, by, whom)
    while inside.sum() < min(n, len(names)):
        _join_in(int(np.argmax(np.where(inside, -1, ties))), inside, ties, by, whom)
    member = pc.is_in(posts["account_id"], names.filter(pa.array(inside)))
    keep = pc.and_(member, pc.not_equal(posts["kind"], "reply")).to_numpy()
    out = _narrowed(world, keep, f"{int(inside.sum())} channels")
    return replace(out, posts=_as_messages(out.posts))


def _join_in(
    row: int,
    inside: Bool,
    ties: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    by: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
    whom: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
) -> None:
    inside[row] = True
    np.add.at(ties, whom[(by == row) & (whom >= 0)], 1)
    np.add.at(ties, by[whom == row], 1)


def _as_messages(posts: pa.Table) -> pa.Table:
    """The same rows as a messenger shows them: to the second, no client, quotes as messages."""
    n = posts.num_rows
    forwarded = pc.equal(posts["kind"], "repost")
    seconds = pc.floor_temporal(posts["time"], unit="second")
    changed = {
        "platform": pa.array(["telegram"] * n, pa.string()),
        "time": seconds.cast(posts.schema.field("time").type),
        "resolution": pa.array(np.ones(n, np.int32)),
        "kind": pc.if_else(forwarded, "repost", "message"),
        "quote_of": pa.nulls(n, pa.string()),
        "client": pa.nulls(n, pa.string()),
    }
    for name, column in changed.items():
        i = posts.schema.get_field_index(name)
        posts = posts.set_column(i, posts.schema.field(name), column)
    return posts


def _narrowed(world: World, keep: Bool, how: str) -> World:
    posts = world.posts.filter(pa.array(np.asarray(keep, bool))).combine_chunks()
    here = set(posts["post_id"].to_pylist())
    active = set(pc.unique(posts["account_id"]).to_pylist())
    groups = []
    for group in world.truth.groups:
        accounts = tuple(a for a in group.accounts if a in active)
        if accounts:
            kept = tuple(p for p in group.posts if p in here)
            about = dict(group.parameters) | {
                "collected": how,
                "of_accounts": len(group.accounts),
                "of_posts": len(group.posts),
            }
            groups.append(TrueGroup(group.label, group.kind, accounts, kept, about))
    return World(posts, Truth.of(tuple(groups)))


def _first(count: Counter[str], what: str, world: World) -> str:
    if not count:
        raise ConfigError("collection", what, f"a world with {what}: this one has none")
    return min(count.items(), key=lambda x: (-x[1], x[0]))[0]


COLLECTIONS: dict[str, Callable[[World, int], World]] = {
    "hashtag": lambda world, seed: hashtag(world),
    "keyword": lambda world, seed: keyword(world),
    "sample-1": lambda world, seed: sample(world, 0.01, seed=seed),
    "sample-10": lambda world, seed: sample(world, 0.1, seed=seed),
    "account-list": lambda world, seed: account_list(world, seed=seed),
    "channels": lambda world, seed: channels(world),
}
"""The ways in which people collect, by name."""


def collect(world: World, how: str, *, seed: int = 0) -> World:
    """The world as collected in one of the named ways; ConfigError for another name."""
    if how not in COLLECTIONS:
        raise ConfigError("collect", how, ", ".join(COLLECTIONS))
    return COLLECTIONS[how](world, seed)
