"""Small worlds that checks of signals run over: examples in company, a quiet town, a planted crew.

A world is made of what a plugin says its trace looks like; what it should find there is known. The
room knows posts and the way from actions to findings, no signal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from klieg import evidence
from klieg.config import Config
from klieg.contracts.promise import Check, Plugin, expect
from klieg.pipeline import detect
from klieg.sockets import make
from klieg.sources import assemble
from klieg.tables import ACTS, POSTS, SECOND

if TYPE_CHECKING:
    from klieg.tables import Finding, Posts

__all__ = ["Carry", "checks", "company", "mingled", "planted", "quiet", "town"]

Carry = Callable[[int], Mapping[str, object]]
"""The columns of a post that acts on the k-th object of a trace, k = 0 … 299."""

START = 1_772_409_600 * SECOND  # a Monday
HOUR = 3_600 * SECOND
CREW, OBJECTS, TARGETS = 12, 300, 16
MATCH = 0.5
"""Jaccard of accounts from which a finding counts as the planted crew."""
_POST_IDS = ("post_id", "repost_of", "reply_to", "quote_of", "root_id")
_ACCOUNT_IDS = ("account_id", "repost_of_account", "reply_to_account", "object_account")

_COMPANY: tuple[dict[str, object], ...] = (
    {"kind": "post", "text": "good morning to the whole street", "lang": "en"},
    {"kind": "post", "text": "RT @ada: good morning to the whole street"},
    {"kind": "reply", "reply_to": "n0", "reply_to_account": "n0", "text": "@ada and to you"},
    {"kind": "repost", "repost_of": "n0", "repost_of_account": "n0"},
    {"kind": "quote", "quote_of": "n0", "text": "so it is", "urls": ["https://example.org/a?b=1"]},
    {"kind": "post", "hashtags": ["one", "two", "three"], "text": "#one #two #three"},
    {"kind": "post", "mentions": ["ada"], "text": "hello @ada", "client": "web"},
    {"kind": "post", "media": [{"type": "photo", "url": None, "phash": "00ff00ff00ff00ff"}]},
    {"kind": "comment", "root_id": "n0", "text": "ça va — 你好 👍🏽", "lang": "fr"},
    {"kind": "message", "objects": [{"trace": "song", "id": "s1"}], "text": "x"},
    {"kind": None, "text": None},
)


def mingled(examples: Sequence[pa.Table]) -> pa.Table:
    """Examples several times over, among posts that carry other traces: rows of POSTS.

    Examples that are acts come among other acts instead: rows of ACTS, beside ``company``. Copies
    of an example act on the same objects: at the same moment and later, by the same accounts and
    by others, on the same platform and on another one.
    """
    acted = bool(examples) and "act" in examples[0].column_names
    rows = _acts() if acted else _company()
    for i, example in enumerate(examples):
        table = example.to_pylist()
        for j, (hours, people, platform) in enumerate(
            ((0, "", ""), (0, "b", ""), (7, "c", ""), (30, "", ""), (1, "d", "another"))
        ):
            rows += _copy(table, f"{i}.{j}.", people, hours * HOUR, platform)
    return pa.Table.from_pylist(rows, schema=ACTS if acted else POSTS)


def company() -> pa.Table:
    """Posts that carry every other trace, for acts to be beside: rows of POSTS."""
    return pa.Table.from_pylist(_company(), schema=POSTS)


def _acts() -> list[dict[str, Any]]:
    """Every kind of act, on posts of the company and on other things."""
    kinds = ("like", "follow", "vote", "rating", "report", "bookmark", "block", "like", "vote")
    return [
        {
            "platform": "another" if i % 5 == 4 else "x",
            "account_id": f"m{i % 4}",
            "act": kind,
            "object_id": ("n0", "n4", "elsewhere")[i % 3],
            "value": "up" if kind == "vote" else None,
            "object_account": "somebody" if i % 2 else None,
            "act_id": f"act{i}",
            "time": START + i * 13 * SECOND,
        }
        for i, kind in enumerate(kinds)
    ]


def _company() -> list[dict[str, Any]]:
    return [
        {
            "platform": "another" if i % 5 == 4 else "x",
            "post_id": f"n{i}",
            "account_id": f"n{i % 7}",
            "time": START + i * 11 * SECOND,
            **columns,
        }
        for i, columns in enumerate(_COMPANY)
    ]


def _copy(
    table: list[dict[str, Any]], mark: str, people: str, later: int, platform: str
) -> list[dict[str, Any]]:
    own = {row["post_id"] for row in table if "post_id" in row}
    start = min((row["time"].timestamp() for row in table), default=0.0)
    rows = []
    for row in table:
        moment = round((row["time"].timestamp() - start) * SECOND)
        copy = {**row, "time": START + later + moment}
        copy |= {c: mark + row[c] for c in _POST_IDS if c in row and row[c] in own}
        rows.append(copy | {"account_id": row["account_id"] + people})
        rows[-1]["platform"] = platform or row["platform"]
    return rows


def renamed(table: pa.Table, seed: int) -> pa.Table:
    """The same posts under other account names, in another alphabetical order."""
    rows = table.to_pylist()
    known = sorted({row[c] for row in rows for c in _ACCOUNT_IDS if row.get(c) is not None})
    order = np.random.default_rng(seed).permutation(len(known))
    new = {name: f"{int(k):05d}" for name, k in zip(known, order, strict=True)}
    for row in rows:
        row |= {c: new[row[c]] for c in _ACCOUNT_IDS if row.get(c) is not None}
    return pa.Table.from_pylist(rows, schema=table.schema)


def town(carry: Carry, *, crew: int, seed: int) -> Posts:
    """150 accounts act on 300 objects over ten days, each at its own hour; a crew does in minutes.

    Objects are popular by a power law and fade with a half-life of some hours. The first ``crew``
    accounts also act on 16 objects within 5 minutes of each other. What ``carry`` gives makes posts
    of it, or, with ``act``, acts without text; a value that is a function is given the time in µs.
    """
    rng = np.random.default_rng([seed, crew])
    popular = 1.0 / np.arange(1, OBJECTS + 1) ** 0.8
    born = rng.uniform(0, 9 * 86_400, OBJECTS)
    acts: list[tuple[int, int, float]] = []
    for account in range(150):
        some = rng.choice(OBJECTS, 14, p=popular / popular.sum())
        acts += [(account, int(k), born[k] + rng.exponential(20_000)) for k in sorted(set(some))]
    for k in rng.choice(np.arange(30, OBJECTS), TARGETS, replace=False):
        start = born[k] + rng.uniform(3_000, 40_000)
        acts += [(account, int(k), start + rng.uniform(0, 300)) for account in range(crew)]
    rows = [
        {
            "platform": "x",
            "post_id": f"p{i}",
            "account_id": f"account {account}",
            "time": START + int(seconds * SECOND),
            "resolution": 0,
            "lang": "en",
            "kind": "post",
            "text": f"some words of my own {i * 7919 % 9973} here",
            **_at(carry(k), START + int(seconds * SECOND)),
        }
        for i, (account, k, seconds) in enumerate(acts)
    ]
    schema = ACTS if "act" in carry(0) else POSTS
    return assemble([pa.Table.from_pylist(rows, schema=schema)])[0]


def _at(carried: Mapping[str, object], time: int) -> dict[str, object]:
    """The columns of one post: what is a function is asked for the post's time, in microseconds."""
    return {name: value(time) if callable(value) else value for name, value in carried.items()}


def _findings(plugin: Plugin, posts: Posts) -> tuple[Finding, ...]:
    config = Config(threads=1, shuffles=0, signals=(plugin.name,))
    engine = make("engines", config.engine, config)
    actions = plugin.made(config, engine=engine).actions(posts)
    expect(
        actions.n > evidence.size(posts) // 2,
        f"{plugin.name} should see most of the {evidence.size(posts):,} posts or acts that carry "
        f"its trace, it acts on {actions.n:,}",
    )
    return detect({plugin.name: actions}, posts, config=config, engine=engine)[0]


def quiet(plugin: Plugin, carry: Carry) -> None:
    """Nobody planned anything: findings may be look-alikes or abstain, nothing else."""
    for seed in range(2):
        found = _findings(plugin, town(carry, crew=0, seed=seed))
        said = [f"{f.class_} ({len(f.members)} accounts)" for f in found]
        expect(
            all(f.class_ in ("look-alike", "abstain") for f in found),
            f"a world without campaigns should stay silent, {plugin.name} gives {said} "
            f"at seed {seed}",
        )


def planted(plugin: Plugin, carry: Carry) -> None:
    """A crew of twelve: one finding must be it, and not be explained away."""
    posts = town(carry, crew=CREW, seed=1)
    names = posts.account_ids.to_pylist()
    crew = {f"account {i}" for i in range(CREW)}
    best = 0.0
    for finding in _findings(plugin, posts):
        members = {names[m.account] for m in finding.members}
        if finding.class_ != "look-alike":
            best = max(best, len(members & crew) / len(members | crew))
    expect(
        best >= MATCH,
        f"a crew of {CREW} accounts that does the same {TARGETS} things within minutes should be "
        f"found by {plugin.name}; the nearest finding has Jaccard {best:.2f} with it",
    )


def checks(carry: Carry) -> tuple[Check, ...]:
    """The two checks that need to know how posts carry a trace."""
    return (
        Check(
            "quiet_world",
            "A world without campaigns stays silent: no finding but look-alikes and abstentions.",
            partial(quiet, carry=carry),
        ),
        Check(
            "planted_world",
            "A planted crew is found, with few others beside it.",
            partial(planted, carry=carry),
        ),
    )
