"""Highlights: why each post or act is marked, with whom, and which characters are shared.

One highlight a post and finding: the strongest signal in which the post has company of another
member; acts without text have highlights of their own kind. The room reads acts and raw text; it
never judges a post and knows no account's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from klieg import evidence, text
from klieg.tables import (
    MULTIPLEX,
    SECOND,
    ActHighlight,
    Actions,
    Finding,
    Highlight,
    Posts,
    Strata,
)

if TYPE_CHECKING:
    from klieg.sockets import Engine
    from klieg.tables import F64

__all__ = ["acts_of_finding", "of_finding"]

COUNTERPARTS = 10
IN_TEXT = ("copies", "hashtags", "mention", "link", "domain")

REASON = {
    "repost": "reposted the same post",
    "link": "posted the same link",
    "domain": "linked to the same site",
    "hashtags": "used the same hashtags in the same order",
    "mention": "mentioned the same account",
    "reply": "replied to the same post",
    "copies": "posted the same text",
    "image": "posted the same picture",
    "object": "acted on the same object",
    "fast_repost": "passed on the same author within seconds",
    "synchrony": "began to post at the same time",
    "like": "liked the same post",
    "follow": "followed the same account",
    "vote": "voted the same way on the same thing",
    "rating": "gave the same thing the same rating",
    "report": "reported the same thing",
    "reaction": "did the same to the same thing",
}


def of_finding(
    finding: Finding,
    layers: Mapping[str, tuple[Actions, Strata]],
    posts: Posts,
    engine: Engine,
) -> tuple[Highlight, ...]:
    """Every post of the finding with its reason, in post order."""
    return _marks(finding, layers, posts, engine, acts=False)


def acts_of_finding(
    finding: Finding,
    layers: Mapping[str, tuple[Actions, Strata]],
    posts: Posts,
    engine: Engine,
) -> tuple[ActHighlight, ...]:
    """Every act without text of the finding with its reason, in the acts' order."""
    if not finding.acts:
        return ()
    return tuple(
        ActHighlight(
            m.post - posts.n,
            *(m.finding, m.signal, m.object),
            tuple(row - posts.n for row in m.counterparts),
            *(m.partners, m.expected, m.reason),
        )
        for m in _marks(finding, layers, posts, engine, acts=True)
    )


def _marks(
    finding: Finding,
    layers: Mapping[str, tuple[Actions, Strata]],
    posts: Posts,
    engine: Engine,
    *,
    acts: bool,
) -> tuple[Highlight, ...]:
    """Posts, or acts, with their reason: as highlights whose post is a row of evidence."""
    members = np.zeros(posts.n_accounts, bool)
    members[[m.account for m in finding.members]] = True
    took_part = np.zeros(evidence.size(posts), bool)
    took_part[list(finding.posts)] = True
    took_part[posts.n + np.array(finding.acts, np.int64)] = True
    found: dict[int, Highlight] = {}
    for signal in finding.signals:
        if signal != MULTIPLEX and signal in layers:
            actions, strata = layers[signal]
            if evidence.of_acts(posts, actions) != acts:
                continue
            for highlight in _of_signal(
                finding, actions, strata, members, took_part, posts, engine, found
            ):
                found[highlight.post] = highlight
    return tuple(found[p] for p in sorted(found))


def _of_signal(
    finding: Finding,
    actions: Actions,
    strata: Strata,
    members: np.ndarray,
    took_part: np.ndarray,
    posts: Posts,
    engine: Engine,
    done: Mapping[int, Highlight],
) -> list[Highlight]:
    mine = np.flatnonzero(members[actions.account] & took_part[actions.post])
    if not len(mine):
        return []
    mine = mine[np.lexsort((actions.time[mine], actions.object[mine]))]
    expected = _expected(finding, actions, strata, members, mine, engine)
    raw = _texts(actions, mine, posts)
    bounds = np.flatnonzero(np.diff(actions.object[mine])) + 1
    starts = [0, *bounds.tolist(), len(mine)]
    time, who = actions.time[mine].tolist(), actions.account[mine].tolist()
    post, obj = actions.post[mine].tolist(), actions.object[mine].tolist()
    labels = dict(zip(obj, actions.labels.take(pa.array(obj, pa.int32())).to_pylist(), strict=True))
    tags = posts.table.column("hashtags") if actions.signal == "hashtags" else None
    out: list[Highlight] = []
    for lo, hi in pairwise(starts):
        others = _partners(lo, hi, time, who, finding.window * SECOND)
        for j in range(lo, hi):
            if post[j] in done:
                continue
            near = _company(j, lo, hi, time, who, finding.window * SECOND)
            if near:
                partners = others[j - lo]
                gap = abs(time[near[0]] - time[j]) / SECOND
                label = labels[obj[j]]
                used = (tags[post[j]].as_py() or []) if tags is not None else []
                span = _span(actions.signal, label, raw[j], raw[near[0]], used)
                out.append(
                    Highlight(
                        post[j],
                        finding.id,
                        actions.signal,
                        label,
                        tuple(post[k] for k in near),
                        partners,
                        expected[j],
                        *span,
                        _reason(actions.signal, partners, finding.window, gap, expected[j]),
                    )
                )
    return out


def _expected(
    finding: Finding,
    actions: Actions,
    strata: Strata,
    members: np.ndarray,
    mine: np.ndarray,
    engine: Engine,
) -> list[float]:
    """Members that chance would put into each act's window: actors × the pool's share."""
    wanted = np.zeros(actions.n_objects, bool)
    wanted[actions.object[mine]] = True
    near = np.flatnonzero(wanted[actions.object])
    window = np.array([finding.window * SECOND], np.int64)
    actors = np.zeros(actions.n, np.int64)
    actors[near] = engine.occupancy(actions.object[near], actions.time[near], window)[:, 0] + 1
    share = _share(actions, strata, members)[strata.object_stratum[actions.object[mine]]]
    chance: list[float] = (actors[mine] * share).tolist()
    return chance


def _share(actions: Actions, strata: Strata, members: np.ndarray) -> F64:
    """(strata,) share of each pool's acts that are members': chance that a slot is a member's."""
    pool = strata.object_stratum[actions.object]
    whole = np.bincount(pool, minlength=strata.size)
    ours = np.bincount(pool[members[actions.account]], minlength=strata.size)
    share: F64 = ours / np.maximum(whole, 1)
    return share


def _texts(actions: Actions, rows: np.ndarray, posts: Posts) -> list[str | None]:
    """Raw texts, only where the signal's objects stand in the text."""
    if actions.signal not in IN_TEXT:
        return [None] * len(rows)
    column = posts.table.column("text").take(pa.array(actions.post[rows]))
    raw: list[str | None] = column.to_pylist()
    return raw


def _company(
    j: int, lo: int, hi: int, time: Sequence[int], who: Sequence[int], window: int
) -> list[int]:
    """Positions of the COUNTERPARTS acts of other members nearest in time, within the window."""
    near: list[int] = []
    left, right = j - 1, j + 1
    while len(near) < COUNTERPARTS:
        back = time[j] - time[left] if left >= lo else window + 1
        ahead = time[right] - time[j] if right < hi else window + 1
        if min(back, ahead) > window:
            return near
        if back <= ahead:
            at, left = left, left - 1
        else:
            at, right = right, right + 1
        if who[at] != who[j]:
            near.append(at)
    return near


def _partners(lo: int, hi: int, time: Sequence[int], who: Sequence[int], window: int) -> list[int]:
    """How many other members act within the window of each act on the object: two pointers."""
    inside: Counter[int] = Counter()
    found: list[int] = []
    first = last = lo
    for j in range(lo, hi):
        while last < hi and time[last] - time[j] <= window:
            inside[who[last]] += 1
            last += 1
        while time[j] - time[first] > window:
            inside[who[first]] -= 1
            if not inside[who[first]]:
                del inside[who[first]]
            first += 1
        found.append(len(inside) - 1)
    return found


def _reason(signal: str, partners: int, window: int, gap: float, expected: float) -> str:
    what = REASON.get(signal, f"shared the same {signal}")
    return (
        f"{partners} other member{'s' if partners > 1 else ''} of this group {what} within "
        f"{_span_words(window)}, the nearest {_span_words(gap)} away; "
        f"chance would put {expected:.2g} there."
    )


def _span(
    signal: str, label: str, raw: str | None, other: str | None, tags: Sequence[str]
) -> tuple[int, int]:
    """[start, end) of the raw text that the post shares with its nearest counterpart."""
    if not raw:
        return 0, 0
    if signal == "copies":
        spans = _shared(raw, other or "")
        return (spans[0][0], spans[-1][1]) if spans else (0, 0)
    folded = raw.casefold()
    if len(folded) != len(raw):
        return 0, 0  # folding changed the length, so places would be off
    if signal == "hashtags":
        places = [folded.find("#" + t.casefold()) for t in tags]
        if places and min(places) >= 0:
            last = max(range(len(places)), key=places.__getitem__)
            return min(places), places[last] + len(tags[last]) + 1
        return 0, 0
    needle = "@" + label if signal == "mention" else label
    at = folded.find(needle.casefold())
    return (at, at + len(needle)) if at >= 0 else (0, 0)


@lru_cache(maxsize=4096)
def _shared(a: str, b: str) -> tuple[tuple[int, int], ...]:
    return tuple(text.diff_spans(a, b))


def _span_words(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            n = seconds / size
            shown = f"{n:.0f}" if abs(n - round(n)) < 0.05 else f"{n:.1f}"
            return f"{shown} {word}{'' if shown == '1' else 's'}"
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
