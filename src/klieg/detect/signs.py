"""What a group's own posts show beside who met whom: tools, names, marks of the clock, links.

Counts and shares, each from posts anybody can read again; a sign that the data do not carry is
left at nothing. The room knows no class and draws no conclusion.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.tables import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.tables import I32, I64, Posts

__all__ = [
    "Machine",
    "Name",
    "Signs",
    "Tool",
    "hosts",
    "machine",
    "measure",
    "name",
    "passes",
    "tool",
]

MARK: Final = 300  # seconds: people and programs that plan set times in fives
AFTER_MARK: Final = 10  # seconds after a mark that count as on it
PACE: Final = 5.0  # seconds between posts that no hand keeps up
RUN: Final = 10  # posts in a run of that pace
STEM: Final = 5  # letters of a name that two accounts share
CYCLES: Final = (3 * 3600, 6 * 3600, 12 * 3600)  # seconds between crawls: every hour is a habit
SLOTS: Final = 50  # parts of a cycle: two per cent each
MOST_TEXTS: Final = 200
SAMPLE: Final = 20_000  # posts of everybody that a share is read from


@dataclass(frozen=True, slots=True)
class Tool:
    """The client that most joint posts came from."""

    client: str
    share: float  # of the members' joint posts
    others: float  # of everybody else's posts


@dataclass(frozen=True, slots=True)
class Name:
    """A word that members bear in their handle or name."""

    word: str
    members: float  # share of members who bear it
    others: int  # other accounts that do
    said: float  # share of joint posts whose text, tags or links have it too


@dataclass(frozen=True, slots=True)
class Machine:
    """How the times of posts lie, as a machine or a hand would put them."""

    on_mark: float  # share of joint posts in the ten seconds after a full five minutes (chance 3 %)
    runs: float  # share of members whose joint posts are mostly one run of seconds each


@dataclass(frozen=True, slots=True)
class Signs:
    """All of it, for one group."""

    members: int
    tool: Tool
    name: Name
    machine: Machine
    passes: tuple[float, float]  # densest 2 % of a crawl's cycle: members' other posts, others'
    replies: float  # share of joint posts that reply
    answered: int  # posts they reply to
    twice: float  # share of joint (member, post) acts that are both a repost and a reply
    domain: tuple[str, float]  # most linked domain, and the share of joint posts that lead there
    texts: tuple[str, ...]  # texts of joint posts, most frequent first, at most MOST_TEXTS
    weight: tuple[int, ...]  # joint posts with each
    distinct: int  # different texts
    texts_of: int  # joint posts that have one
    sources: tuple[tuple[str, int], ...]  # text of each post reposted together, and how often


def measure(posts: Posts, members: I32, rows: I64) -> Signs:
    """Signs of a group. ``rows`` are posts of members in joint bursts, ascending, each once."""
    texts = _column(posts, "text", rows)
    count = Counter(t for t in texts if t)
    told = sorted(count.items(), key=lambda x: (-x[1], x[0]))[:MOST_TEXTS]
    names = hosts(posts, rows)
    said = [f"{text} {host}" for text, host in zip(texts, names, strict=True)]
    seen = Counter(n for n in names if n)
    top = min(seen.items(), key=lambda x: (-x[1], x[0]), default=("", 0))
    mine, rest = np.flatnonzero(np.isin(posts.account, members)), _others(posts, members)
    reply, twice, asked = _answers(posts, mine, rows)
    return Signs(
        len(members),
        tool(posts, rest, rows),
        name(posts, members, mine, rest, said),
        machine(posts, rows),
        passes(posts, np.setdiff1d(mine, rows), rest, least=len(members)),
        reply,
        asked,
        twice,
        (top[0], top[1] / max(len(rows), 1)),
        tuple(t for t, _ in told),
        tuple(n for _, n in told),
        len(count),
        count.total(),
        _sources(posts, rows),
    )


def tool(posts: Posts, rest: I64, rows: I64) -> Tool:
    """The client behind most joint posts, and how usual it is elsewhere."""
    clients = Counter(c for c in _column(posts, "client", rows) if c)
    if not clients:
        return Tool("", 0.0, 1.0)
    client, n = min(clients.items(), key=lambda x: (-x[1], x[0]))
    theirs = [c for c in _column(posts, "client", rest) if c]
    used = sum(c == client for c in theirs) / len(theirs) if theirs else 1.0
    return Tool(client, n / len(rows), used)


def name(posts: Posts, members: I32, mine: I64, rest: I64, said: Sequence[str]) -> Name:
    """The longest word that most members bear, who else does, and how many posts have it."""
    bear = sorted(_bearers(posts, mine))
    stems = {_stem(a, b) for a, b in pairwise(bear)} - {""}
    count = {stem: sum(b.startswith(stem) for b in bear) for stem in stems}
    if not count:
        return Name("", 0.0, 0, 0.0)
    word, n = min(count.items(), key=lambda x: (-x[1], -len(x[0]), x[0]))
    if 2 * n < len(members) or not said:
        return Name(word, n / len(members), 0, 0.0)
    others = sum(b.startswith(word) for b in _bearers(posts, rest))
    having = sum(word in _plain(text) for text in said)
    return Name(word, n / len(members), others, having / len(said))


def machine(posts: Posts, rows: I64) -> Machine:
    """Where the times of joint posts lie on the clock, and one after another."""
    if not len(rows):
        return Machine(0.0, 0.0)
    time = posts.time[rows]
    on_mark = float((time // SECOND % MARK < AFTER_MARK).mean()) if posts.resolution <= 1 else 0.0
    return Machine(on_mark, _runs(posts.account[rows], time))


def passes(posts: Posts, mine: I64, rest: I64, *, least: int = 1) -> tuple[float, float]:
    """Share of posts in the densest fiftieth of a cycle: of the members, and of the others.

    Over the cycle that gathers the members' posts most. ``mine`` are what they posted apart from
    the joint acts: a few moments of those lie well in *some* cycle, whoever made them, and a
    crawler stamps everything. Fewer than ``least`` say nothing.
    """
    if len(mine) < max(least, 1) or posts.resolution > 1:
        return 0.0, 0.0
    best = max(CYCLES, key=lambda c: _densest(posts.time[mine], c)[0])
    share, slot = _densest(posts.time[mine], best)
    theirs = _slots(posts.time[rest], best)
    return share, float((theirs == slot).mean()) if len(rest) else 0.0


def hosts(posts: Posts, rows: I64) -> list[str]:
    """The host of each post's first link, without ``www.``; empty where it has none."""
    urls = posts.table.column("urls").take(pa.array(rows)).combine_chunks()
    first = pc.list_slice(urls, 0, 1)
    found = pc.replace_substring_regex(
        pc.utf8_lower(pc.list_flatten(first)), r"^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?:www\.)?", ""
    )
    found = pc.replace_substring_regex(found, r"[/:?#].*$", "")
    out = [""] * len(rows)
    for row, host in zip(pc.list_parent_indices(first).to_pylist(), found.to_pylist(), strict=True):
        out[row] = host or ""
    return out


def _column(posts: Posts, column: str, rows: I64) -> list[str]:
    found = posts.table.column(column).take(pa.array(rows))
    return [x or "" for x in found.to_pylist()]


def _others(posts: Posts, members: I32) -> I64:
    """Posts of everybody else, evenly spread over the run, at most SAMPLE."""
    step = max(1, posts.n // SAMPLE)
    rows = np.arange(0, posts.n, step)
    return np.asarray(rows[~np.isin(posts.account[rows], members)], np.int64)


def _bearers(posts: Posts, rows: I64) -> list[str]:
    """Handle of each account of these posts (its name where it has none), in plain letters."""
    _, last = np.unique(posts.account[rows][::-1], return_index=True)
    account = posts.table.column("account").take(pa.array(rows[::-1][last]))
    borne = [(a or {}).get("handle") or (a or {}).get("name") or "" for a in account.to_pylist()]
    return [plain for plain in map(_plain, borne) if plain]


def _stem(a: str, b: str) -> str:
    """Letters with which both begin."""
    shared = takewhile(lambda x: x[0] == x[1] and not x[0].isdigit(), zip(a, b, strict=False))
    word = "".join(x for x, _ in shared)
    return word if len(word) >= STEM else ""


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _runs(account: I32, time: I64) -> float:
    """Share of accounts with most of their posts in one run of RUN or more at machine pace."""
    order = np.lexsort((time, account))
    account, time = account[order], time[order]
    same = np.r_[False, np.diff(account) == 0]
    quick = same & (np.r_[0, np.diff(time)] <= PACE * SECOND)
    run = np.cumsum(~quick)
    _, first, length = np.unique(run, return_index=True, return_counts=True)
    best = np.zeros(int(account.max()) + 1, np.int64)
    np.maximum.at(best, account[first], length)
    every = np.bincount(account, minlength=len(best))
    there = every > 0
    return float(((best >= RUN) & (best >= 0.8 * every))[there].mean())


def _slots(time: I64, cycle: int) -> I64:
    found: I64 = time // SECOND % cycle * SLOTS // cycle
    return found


def _densest(time: I64, cycle: int) -> tuple[float, int]:
    count = np.bincount(_slots(time, cycle), minlength=SLOTS)
    return float(count.max() / len(time)), int(count.argmax())


def _answers(posts: Posts, mine: I64, rows: I64) -> tuple[float, float, int]:
    """Share of joint posts that reply; share of acts that repost and answer; posts answered."""
    account = posts.account
    answered = {
        (int(a), t)
        for a, t in zip(account[mine].tolist(), _column(posts, "reply_to", mine), strict=True)
        if t
    }
    reposted = {
        (int(a), t)
        for a, t in zip(account[rows].tolist(), _column(posts, "repost_of", rows), strict=True)
        if t
    }
    replies = [t for t in _column(posts, "reply_to", rows) if t]
    both = len(reposted & answered) / len(reposted) if reposted else 0.0
    return len(replies) / max(len(rows), 1), both, len(set(replies))


def _sources(posts: Posts, rows: I64) -> tuple[tuple[str, int], ...]:
    """What was reposted: a repost carries the text that it passes on."""
    wanted = _column(posts, "repost_of", rows)
    texts = dict(zip(wanted, _column(posts, "text", rows), strict=True))
    often = Counter(w for w in wanted if w)
    return tuple((texts[w], n) for w, n in sorted(often.items()))
