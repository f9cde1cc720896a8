"""Highlights: why each post is marked, with whom, and which characters are shared.

One highlight a post and finding: the strongest signal in which the post has company of another
member. The room reads acts and raw text; it never judges a post and knows no account's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from klieg import text
from klieg.tables import MULTIPLEX, SECOND, Actions, Finding, Highlight, Posts, Strata

if TYPE_CHECKING:
    from klieg.sockets import Engine
    from klieg.tables import F64, I64

__all__ = ["of_finding"]

COUNTERPARTS = 10

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
}


def of_finding(
    finding: Finding,
    layers: Mapping[str, tuple[Actions, Strata]],
    posts: Posts,
    engine: Engine,
) -> tuple[Highlight, ...]:
    """Every post of the finding with its reason, in post order."""
    members = np.zeros(posts.n_accounts, bool)
    members[[m.account for m in finding.members]] = True
    took_part = np.zeros(posts.n, bool)
    took_part[list(finding.posts)] = True
    found: dict[int, Highlight] = {}
    for signal in finding.signals:
        if signal != MULTIPLEX and signal in layers:
            actions, strata = layers[signal]
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
    near = np.flatnonzero(np.isin(actions.object, np.unique(actions.object[mine])))
    window = np.array([finding.window * SECOND], np.int64)
    actors = engine.occupancy(actions.object[near], actions.time[near], window)[:, 0] + 1
    actors_of = dict(zip(near.tolist(), actors.tolist(), strict=True))
    share = _share(actions, strata, members)
    order = mine[np.lexsort((actions.time[mine], actions.object[mine]))]
    bounds = np.flatnonzero(np.diff(actions.object[order])) + 1
    out: list[Highlight] = []
    for rows in np.split(order, bounds):
        time, who = actions.time[rows], actions.account[rows]
        for j, row in enumerate(rows):
            post = int(actions.post[row])
            if post in done:
                continue
            company = _company(j, time, who, finding.window * SECOND)
            if len(company):
                expected = actors_of[int(row)] * share[strata.object_stratum[actions.object[row]]]
                out.append(_highlight(finding, actions, rows, j, company, float(expected), posts))
    return out


def _share(actions: Actions, strata: Strata, members: np.ndarray) -> F64:
    """(strata,) share of each pool's acts that are members': chance that a slot is a member's."""
    pool = strata.object_stratum[actions.object]
    whole = np.bincount(pool, minlength=strata.size)
    ours = np.bincount(pool[members[actions.account]], minlength=strata.size)
    share: F64 = ours / np.maximum(whole, 1)
    return share


def _company(j: int, time: I64, who: np.ndarray, window: int) -> np.ndarray:
    """Positions of other members' acts within the window, nearest in time first."""
    lo, hi = np.searchsorted(time, [time[j] - window, time[j] + window + 1])
    near = np.arange(lo, hi)
    near = near[who[near] != who[j]]
    chosen: np.ndarray = near[np.lexsort((near, np.abs(time[near] - time[j])))]
    return chosen


def _highlight(
    finding: Finding,
    actions: Actions,
    rows: np.ndarray,
    j: int,
    company: np.ndarray,
    expected: float,
    posts: Posts,
) -> Highlight:
    row = rows[j]
    post = int(actions.post[row])
    label = str(actions.labels[int(actions.object[row])])
    others = actions.post[rows[company[:COUNTERPARTS]]]
    partners = len(np.unique(actions.account[rows[company]]))
    start, end = _span(actions.signal, label, post, int(others[0]), posts)
    gap = abs(int(actions.time[rows[company[0]]]) - int(actions.time[row])) / SECOND
    what = REASON.get(actions.signal, f"shared the same {actions.signal}")
    return Highlight(
        post,
        finding.id,
        actions.signal,
        label,
        tuple(int(o) for o in others),
        partners,
        expected,
        start,
        end,
        f"{partners} other member{'s' if partners > 1 else ''} of this group {what} within "
        f"{_span_words(finding.window)}, the nearest {_span_words(gap)} away; "
        f"chance would put {expected:.2g} there.",
    )


def _span(signal: str, label: str, post: int, other: int, posts: Posts) -> tuple[int, int]:
    """[start, end) of the raw text that the post shares with its nearest counterpart."""
    raw = posts.table.column("text")[post].as_py()
    if not raw:
        return 0, 0
    if signal == "copies":
        spans = text.diff_spans(raw, posts.table.column("text")[other].as_py() or "")
        return (spans[0][0], spans[-1][1]) if spans else (0, 0)
    if signal == "hashtags":
        tags = posts.table.column("hashtags")[post].as_py() or []
        folded = raw.casefold()
        places = [folded.find("#" + t.casefold()) for t in tags]
        if len(folded) == len(raw) and places and min(places) >= 0:
            last = max(range(len(places)), key=places.__getitem__)
            return min(places), places[last] + len(tags[last]) + 1
        return 0, 0
    needle = {"mention": "@" + label, "link": label, "domain": label}.get(signal)
    at = raw.casefold().find(needle.casefold()) if needle else -1
    return (at, at + len(needle)) if needle and at >= 0 else (0, 0)


def _span_words(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            n = seconds / size
            shown = f"{n:.0f}" if abs(n - round(n)) < 0.05 else f"{n:.1f}"
            return f"{shown} {word}{'' if shown == '1' else 's'}"
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
