"""Impact: what the conversation looks like with a group, without it, and with it as one voice.

Always "of the posts in this data set", never "of the public"; attitudes and votes are out of reach
(3.6). The room knows layers and findings; it does not know how a finding was found, nor any text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klieg.tables import MULTIPLEX, Actions, Finding, Impact, Member, Posts

if TYPE_CHECKING:
    from klieg.tables import F64, I32, I64, Bool

__all__ = ["Ground", "of_case", "of_finding", "of_member", "prepare", "probability"]

DRAWS = 400
SUBJECTS = 5
TRUE_SHARE = {"strong": 0.999, "likely": 0.99, "notable": 0.9, "insufficient data": 0.5}
"""Band → least share of such findings that are what they claim: P(group) without a posterior."""


@dataclass(frozen=True, slots=True)
class _Removal:
    """Who is taken out, and how sure that is."""

    account: I32  # (g,)
    group: I32  # (g,) which finding the account is drawn with
    group_p: F64  # (G,)
    member_p: F64  # (g,)

    def draws(self, seed: int) -> Bool:
        """(DRAWS, g) removed or not: a group is drawn first, then its members given it."""
        rng = np.random.default_rng([seed, len(self.account)])
        stands = rng.random((DRAWS, len(self.group_p))) < self.group_p
        kept = rng.random((DRAWS, len(self.account))) < self.member_p
        drawn: Bool = stands[:, self.group] & kept
        return drawn


@dataclass(frozen=True, slots=True)
class Ground:
    """One layer's acts, each account's first act on each object, and where each label stands."""

    actions: Actions
    first: I64  # (d,) rows: one an account and object
    accounts: int  # distinct accounts in the layer
    index: Mapping[str, int]


def prepare(layers: Mapping[str, Actions]) -> dict[str, Ground]:
    """What every finding's impact reads of the layers, worked out once."""
    return {
        name: Ground(
            actions,
            _distinct(actions),
            int(np.count_nonzero(np.bincount(actions.account))),
            {label: i for i, label in reversed(list(enumerate(actions.labels.to_pylist())))},
        )
        for name, actions in layers.items()
        if name != MULTIPLEX and actions.n
    }


def probability(finding: Finding) -> float:
    """P(group): its posterior; without one the least share of its band that is what it claims."""
    return finding.posterior.probability if finding.posterior else TRUE_SHARE[finding.band]


def of_member(member: Member) -> float:
    """P(account in the group | group): its posterior; without one by its evidence alone."""
    if member.probability is not None:
        return member.probability
    return 1.0 / (1.0 + float(np.exp(-min(max(member.evidence, -30.0), 30.0))))


def of_finding(
    finding: Finding, layers: Mapping[str, Ground], posts: Posts, *, seed: int = 0
) -> tuple[Impact, ...]:
    """Share of the whole data set and of the finding's main objects, three views each."""
    removal = _removal([finding])
    rows = [_of_posts(finding, removal, posts, seed)] if finding.posts or not finding.acts else []
    for signal in finding.signals:
        if signal in layers:
            rows += _of_objects(
                _main_objects(finding, layers[signal]), removal, layers[signal], seed
            )
    return tuple(rows)


def of_case(
    findings: Sequence[Finding],
    layers: Mapping[str, Ground],
    *,
    top: int = 10,
    seed: int = 0,
) -> tuple[Impact, ...]:
    """The most acted-on objects of each layer with and without every ``coordinated`` finding.

    What ranks in either world is listed, so that a trend the groups made is seen to fall and the
    one it hid is seen to rise.
    """
    chosen = [f for f in findings if f.class_ == "coordinated"]
    if not chosen:
        return ()
    removal = _removal(chosen)
    rows: list[Impact] = []
    for ground in layers.values():
        actions = ground.actions
        counts = np.bincount(actions.object, minlength=actions.n_objects)
        ours = np.isin(actions.account, removal.account)
        left = counts - np.bincount(actions.object[ours], minlength=actions.n_objects)
        leading = np.union1d(_largest(counts, top), _largest(left, top))
        leading = leading[np.lexsort((leading, -counts[leading]))]
        rows += _of_objects(leading.astype(np.int32), removal, ground, seed)
    return tuple(rows)


def _removal(findings: Sequence[Finding]) -> _Removal:
    # an account in several findings leaves with the one that is surest of it
    best: dict[int, tuple[float, int]] = {}
    surest: dict[int, float] = {}
    for g, finding in enumerate(findings):
        group = probability(finding)
        for member in finding.members:
            p = of_member(member)
            if p * group > surest.get(member.account, -1.0):
                surest[member.account] = p * group
                best[member.account] = (p, g)
    account = np.array(sorted(best), np.int32)
    return _Removal(
        account,
        np.array([best[int(a)][1] for a in account], np.int32),
        np.array([probability(f) for f in findings], float),
        np.array([best[int(a)][0] for a in account], float),
    )


def _largest(counts: np.ndarray, top: int) -> np.ndarray:
    order = np.lexsort((np.arange(len(counts)), -counts))[:top]
    kept: np.ndarray = order[counts[order] > 1]
    return kept


def _main_objects(finding: Finding, ground: Ground) -> I32:
    """The objects with most joint evidence in this layer."""
    weight: dict[str, float] = {}
    for act in finding.joint_acts:
        if act.signal == ground.actions.signal:
            weight[act.object] = weight.get(act.object, 0.0) + act.weight
    names = sorted(weight, key=lambda label: (-weight[label], label))[:SUBJECTS]
    return np.array([ground.index[n] for n in names if n in ground.index], np.int32)


def _of_posts(finding: Finding, removal: _Removal, posts: Posts, seed: int) -> Impact:
    """Share of all posts that took part: with them, and what stays if the members' acts go."""
    n, k = posts.n, len(finding.posts)
    by_member = np.bincount(
        posts.account[np.array(finding.posts, np.int64)], minlength=posts.n_accounts
    )[removal.account]
    gone = removal.draws(seed) @ by_member
    without = (k - gone) / np.maximum(n - gone, 1)
    low, high = np.quantile(without, [0.025, 0.975])
    expected = float(np.sum(by_member * removal.member_p) * removal.group_p[0])
    without_group = (k - expected) / max(n - expected, 1)
    return Impact(
        "acts",
        "all posts of this data set",
        k / max(n, 1),
        without_group,
        len(finding.joint_acts) / max(n - k + len(finding.joint_acts), 1),
        min(float(low), without_group),
        max(float(high), without_group),
        "share of all posts that took part in this finding",
    )


def _of_objects(objects: I32, removal: _Removal, ground: Ground, seed: int) -> list[Impact]:
    """Share of voice of each object in its layer by acts and by accounts."""
    if not len(objects):
        return []
    actions = ground.actions
    place = np.full(actions.n_objects, -1, np.int64)
    place[objects] = np.arange(len(objects))
    member = np.full(actions.n_accounts, -1, np.int64)
    member[removal.account] = np.arange(len(removal.account))
    rows: list[Impact] = []
    for metric in ("acts", "accounts"):
        rows_used = slice(None) if metric == "acts" else ground.first
        account, obj = actions.account[rows_used], actions.object[rows_used]
        rows += _shares(metric, account, obj, place, member, objects, removal, ground, seed)
    return sorted(rows, key=lambda r: r.subject)


def _distinct(actions: Actions) -> I64:
    """Rows of each account's first act on each object."""
    key = actions.account.astype(np.int64) * max(actions.n_objects, 1) + actions.object
    first: I64 = np.sort(np.unique(key, return_index=True)[1])
    return first


def _shares(
    metric: str,
    account: I32,
    obj: I32,
    place: np.ndarray,
    member: np.ndarray,
    objects: I32,
    removal: _Removal,
    ground: Ground,
    seed: int,
) -> list[Impact]:
    actions = ground.actions
    who, what = member[account], place[obj]
    ours, subject = who >= 0, what >= 0
    counts = np.bincount(what[subject], minlength=len(objects)).astype(float)
    table = np.zeros((len(removal.account), len(objects)))
    np.add.at(table, (who[ours & subject], what[ours & subject]), 1.0)
    # the denominator: all acts of the layer, or all accounts seen in it
    whole = float(len(account) if metric == "acts" else ground.accounts)
    weight = np.bincount(who[ours], minlength=len(removal.account)).astype(float)
    if metric == "accounts":
        weight = np.minimum(weight, 1.0)
    drawn = removal.draws(seed).astype(float)
    share = (counts - drawn @ table) / np.maximum(whole - drawn @ weight, 1.0)[:, None]
    low, high = np.quantile(share, [0.025, 0.975], axis=0)
    p = removal.member_p * removal.group_p[removal.group]
    without = (counts - p @ table) / max(whole - float(p @ weight), 1.0)
    voices = _voices(table, removal)
    together = (counts - table.sum(0) + voices) / max(
        whole
        - float(weight.sum())
        + float(voices.sum() if metric == "acts" else len(removal.group_p)),
        1.0,
    )
    later = _after_first(account, obj, objects, member, actions) if metric == "acts" else None
    labels = actions.labels.take(objects).to_pylist()
    return [
        Impact(
            metric,
            f"{actions.signal}: {labels[j]}",
            float(counts[j] / max(whole, 1.0)),
            float(without[j]),
            float(together[j]),
            float(min(low[j], without[j])),
            float(max(high[j], without[j])),
            _note(later[j] if later is not None else None, table[:, j].sum(), counts[j], metric),
        )
        for j in range(len(objects))
    ]


def _voices(table: np.ndarray, removal: _Removal) -> np.ndarray:
    """(subjects,) how many groups spoke for each subject: one voice each."""
    spoke = np.zeros((len(removal.group_p), table.shape[1]), bool)
    np.logical_or.at(spoke, removal.group, table > 0)
    voices: np.ndarray = spoke.sum(0).astype(float)
    return voices


def _after_first(
    account: I32, obj: I32, objects: I32, member: np.ndarray, actions: Actions
) -> list[int]:
    """Acts of others that came after the group's first act: at most these may be owed to it."""
    later = []
    for o in objects:
        mine = obj == o
        who, time = account[mine], actions.time[mine]
        ours = member[who] >= 0
        later.append(int((~ours & (time > time[ours].min())).sum()) if ours.any() else 0)
    return later


def _note(later: int | None, ours: float, all_: float, metric: str) -> str:
    if metric == "accounts":
        return f"{ours:.0f} of {all_:.0f} accounts on it are members"
    return (
        f"{ours:.0f} of {all_:.0f} acts on it are members'; "
        f"between none and all of {later} later acts of others may have followed from them"
    )
