"""The posts behind a claim: which posts stand behind an edge or a finding, and beside whom.

Every row is one post (or act without text, which has neither id nor words) acting on one object,
with the nearest of another account on the same object within the widest window. The room knows no
test and no threshold: it shows what was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg import evidence
from klieg.case.run import window_ladder
from klieg.errors import NotInCase
from klieg.tables import MULTIPLEX, SECOND, TIME, Layer, Posts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.case.case import Case
    from klieg.tables import I64, Finding

__all__ = ["BEHIND", "account_index", "edge_posts", "finding_of", "finding_posts", "id_column"]

BEHIND = pa.schema(
    [
        pa.field("signal", pa.string()),
        pa.field("object", pa.string()),
        pa.field("platform", pa.string()),
        pa.field("post_id", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("time", TIME),
        pa.field("text", pa.string()),
        pa.field("partner_post_id", pa.string()),
        pa.field("partner_account_id", pa.string()),
        pa.field("partner_time", TIME),
        pa.field("delay_s", pa.float64()),  # seconds after the partner's post; negative: before it
    ]
)
"""One row a post and object; ids as they stand in the input."""

NEAR = 5000  # ids that a wrong one is compared with, to suggest the nearest


@dataclass(frozen=True, slots=True)
class _Act:
    layer: Layer
    object: int
    post: int
    partner: int  # post row, −1 where nobody else was near


def edge_posts(case: Case, a: str | int, b: str | int) -> pa.Table:
    """Posts of accounts a and b on objects both acted on within the widest window.

    An account is its id in the input, ``platform:id`` where two platforms share one, or its index.
    Empty if the two never met. Raises NotInCase with the nearest ids.
    """
    pair = [account_index(case.posts, a), account_index(case.posts, b)]
    return _table(case.posts, list(_acts(case, pair)))


def finding_posts(case: Case, id: str) -> pa.Table:  # noqa: A002 - the word of the case
    """Every post that took part in a finding, with each object it shared and its nearest partner.

    Raises NotInCase with the nearest ids.
    """
    finding = finding_of(case, id)
    took_part = {*finding.posts, *(case.posts.n + row for row in finding.acts)}
    acts = [
        act
        for act in _acts(case, [member.account for member in finding.members])
        if act.post in took_part
    ]
    alone = sorted(took_part - {act.post for act in acts})
    return _table(case.posts, acts, alone)


def finding_of(case: Case, id: str) -> Finding:  # noqa: A002 - the word of the case
    """The finding with this id; NotInCase names the nearest."""
    for finding in case.findings:
        if finding.id == id:
            return finding
    known = [finding.id for finding in case.findings]
    raise NotInCase(f"there is no finding {id!r} in the case{_hint(id, known)}")


def account_index(posts: Posts, account: str | int) -> int:
    """The index of an account given as an id, as ``platform:id``, or as an index already."""
    if isinstance(account, int):
        if 0 <= account < posts.n_accounts:
            return account
        raise NotInCase(f"there is no account number {account}: the case has {posts.n_accounts}")
    found = np.flatnonzero(pc.equal(posts.account_ids, account).to_numpy(zero_copy_only=False))
    if not len(found) and ":" in account:
        platform, _, name = account.partition(":")
        same = pc.and_(
            pc.equal(posts.account_ids, name), pc.equal(posts.account_platforms, platform)
        )
        found = np.flatnonzero(same.to_numpy(zero_copy_only=False))
    if len(found) == 1:
        return int(found[0])
    if len(found):
        places = posts.account_platforms.take(pa.array(found)).to_pylist()
        choices = ", ".join(f"{place}:{account}" for place in places)
        raise NotInCase(f"several platforms have an account {account!r}: say {choices}")
    alike = pc.starts_with(posts.account_ids, account[:2])
    near = posts.account_ids.filter(alike).slice(0, NEAR).to_pylist()
    raise NotInCase(f"there is no account {account!r} in the case{_hint(account, near)}")


def id_column(posts: Posts, name: str, rows: Sequence[int] | NDArray[Any]) -> pa.Array:
    """A column of Posts at these rows of evidence; −1, and what acts do not have, gives null."""
    index = np.asarray(rows, np.int64)
    acted = index >= posts.n
    taken = posts.table[name].take(pa.array(index, mask=(index < 0) | acted)).combine_chunks()
    if not acted.any() or posts.acts is None or name not in posts.acts.table.column_names:
        return taken
    column = posts.acts.table[name].take(pa.array(index - posts.n, mask=~acted))
    return pc.if_else(acted, column.combine_chunks(), taken)


def _acts(case: Case, accounts: Sequence[int]) -> Iterator[_Act]:
    """Acts of these accounts beside another of them, in the order of layers, objects and posts."""
    for layer in case.layers:
        if layer.actions.signal == MULTIPLEX:
            continue
        actions = layer.actions
        rows = np.flatnonzero(np.isin(actions.account, accounts))
        rows = rows[np.lexsort((rows, actions.time[rows], actions.object[rows]))]
        widest = window_ladder(case.run, layer.scored.edges.n.shape[1])[-1] * SECOND
        partner = _nearest(actions.object[rows], actions.account[rows], actions.time[rows], widest)
        for at in np.flatnonzero(partner >= 0):
            row, other = rows[at], rows[partner[at]]
            yield _Act(
                layer, int(actions.object[row]), int(actions.post[row]), int(actions.post[other])
            )


def _nearest(obj: NDArray[Any], account: NDArray[Any], time: NDArray[Any], widest: int) -> I64:
    """(n,) position of the nearest action of another account on the object, −1 if none is near.

    Rows are sorted by (object, time); of two equally near, the earlier.
    """
    before, after = _last_other(obj, account), np.full(len(obj), -1, np.int64)
    turned = _last_other(obj[::-1], account[::-1])[::-1]
    after[turned >= 0] = len(obj) - 1 - turned[turned >= 0]
    far = np.iinfo(np.int64).max
    back = np.where(before >= 0, time - time[before], far)
    ahead = np.where(after >= 0, time[after] - time, far)
    nearest = np.where(back <= ahead, before, after)
    nearest[np.minimum(back, ahead) > widest] = -1
    return nearest


def _last_other(obj: NDArray[Any], account: NDArray[Any]) -> I64:
    """Per row the last row before it with the same object and another account, −1 if none."""
    last = np.full(len(obj), -1, np.int64)
    for i in range(1, len(obj)):
        if obj[i] == obj[i - 1]:
            last[i] = last[i - 1] if account[i] == account[i - 1] else i - 1
    return last


def _table(posts: Posts, acts: Sequence[_Act], alone: Sequence[int] = ()) -> pa.Table:
    rows = np.array([*(act.post for act in acts), *alone], np.int64)
    partners = np.array([*(act.partner for act in acts), *([-1] * len(alone))], np.int64)
    time = evidence.times(posts)
    delay = np.where(partners >= 0, (time[rows] - time[partners]) / SECOND, np.nan)
    none = [None] * len(alone)
    columns = {
        "signal": pa.array([*(act.layer.actions.signal for act in acts), *none], pa.string()),
        "object": pa.array(
            [*(act.layer.actions.labels[act.object].as_py() for act in acts), *none], pa.string()
        ),
        **{
            name: id_column(posts, name, rows)
            for name in ("platform", "post_id", "account_id", "time", "text")
        },
        "partner_post_id": id_column(posts, "post_id", partners),
        "partner_account_id": id_column(posts, "account_id", partners),
        "partner_time": id_column(posts, "time", partners),
        "delay_s": pa.array(delay, mask=partners < 0),
    }
    return pa.table(columns, schema=BEHIND)


def _hint(wanted: str, known: Sequence[str]) -> str:
    near = get_close_matches(wanted, known, 3, cutoff=0.5)
    return f"; nearest: {', '.join(near)}" if near else ""
