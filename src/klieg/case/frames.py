"""The case as flat Arrow tables: what notebooks, CSV and Parquet are made of.

One function a table, ids as they stand in the input, times as timestamps, one row a thing. The room
knows no file format and adds no number of its own but the surprise, −log10 p.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from klieg.case.behind import id_column
from klieg.case.run import window_ladder
from klieg.errors import ConfigError
from klieg.tables import ACTS, TIME

if TYPE_CHECKING:
    from klieg.case.case import Case
    from klieg.tables import F64, Finding, Layer

__all__ = ["FRAMES", "frame", "surprise"]

REVIEW = "unreviewed"
"""What every finding says until two people have confirmed it."""


def frame(case: Case, name: str) -> pa.Table:
    """One of FRAMES by name; ConfigError lists them."""
    if name not in FRAMES:
        raise ConfigError("table", name, " | ".join(FRAMES))
    return FRAMES[name](case)


def findings(case: Case) -> pa.Table:
    """One row a finding, in the order of the case."""
    rows = [
        {
            "id": f.id,
            "class": f.class_,
            "subclass": f.subclass or None,
            "band": f.band,
            "review": REVIEW,
            "look_alike": f.look_alike.kind if f.look_alike else None,
            "look_alike_reason": f.look_alike.reason if f.look_alike else None,
            "signals": "; ".join(f.signals),
            "accounts": len(f.members),
            "posts": len(f.posts),
            "acts": len(f.acts),
            "start": f.start,
            "end": f.end,
            "window_s": f.window,
            "observed": f.observed,
            "expected": f.expected,
            "q": f.q,
            "net": f.net,
            "rho": f.rho,
            "sentence": f.sentence,
            "counter_evidence": " ".join(f.counter_evidence),
            "terms": "; ".join(f.narrative.terms) if f.narrative else None,
            "probability": f.posterior.probability if f.posterior else None,
            "likelihood_ratio": f.posterior.likelihood_ratio if f.posterior else None,
            "controls": len(f.controls.nets) if f.controls else None,
            "controls_highest_net": f.controls.nets[-1] if f.controls and f.controls.nets else None,
            "dealt_class": f.dealt or None,
            "retests": len(f.retests),
            "retests_stood": sum(r.stands for r in f.retests),
        }
        for f in case.findings
    ]
    return _table(rows, _FINDINGS)


def members(case: Case) -> pa.Table:
    """One row an account in a finding, in the order of the finding."""
    pairs = [(f, m) for f in case.findings for m in f.members]
    index = pa.array([m.account for _, m in pairs], pa.int64())
    return pa.table(
        {
            "finding": pa.array([f.id for f, _ in pairs], pa.string()),
            "platform": case.posts.account_platforms.take(index),
            "account_id": case.posts.account_ids.take(index),
            "evidence": pa.array([float(m.evidence) for _, m in pairs], pa.float64()),
            "posts": pa.array([int(m.posts) for _, m in pairs], pa.int64()),
            "acts": pa.array([int(m.acts) for _, m in pairs], pa.int64()),
            "class": pa.array([f.class_ for f, _ in pairs], pa.string()),
            "band": pa.array([f.band for f, _ in pairs], pa.string()),
            "review": pa.array([REVIEW] * len(pairs), pa.string()),
            "probability": pa.array([m.probability for _, m in pairs], pa.float64()),
        }
    )


def edges(case: Case) -> pa.Table:
    """One row a pair and layer that was kept (weak, validated or grouped), at its best window."""
    parts = [_edges_of(case, layer) for layer in case.layers]
    return pa.concat_tables([_EDGES.empty_table(), *parts])


def posts(case: Case) -> pa.Table:
    """Every post as read, with the findings it took part in (ids joined by "; ", null if none)."""
    taking_part = [(f.id, f.posts) for f in case.findings]
    return case.posts.table.append_column("findings", _part(taking_part, case.posts.n))


def acts(case: Case) -> pa.Table:
    """Every act without text as read, with the findings it took part in."""
    if case.posts.acts is None:
        return ACTS.empty_table().append_column("findings", pa.array([], pa.string()))
    taking_part = [(f.id, f.acts) for f in case.findings]
    return case.posts.acts.table.append_column("findings", _part(taking_part, case.posts.n_acts))


def _part(found: Sequence[tuple[str, Sequence[int]]], n: int) -> pa.Array:
    """(n,) ids of the findings that each row took part in, null if none."""
    part: dict[int, list[str]] = {}
    for name, rows in found:
        for row in rows:
            part.setdefault(int(row), []).append(name)
    marks: list[str | None] = [None] * n
    for row, ids in part.items():
        marks[row] = "; ".join(ids)
    return pa.array(marks, pa.string())


def highlights(case: Case) -> pa.Table:
    """One row a highlighted post and finding, with the reason."""
    marks = case.highlights
    rows = np.array([h.post for h in marks], np.int64)
    ids = {name: id_column(case.posts, name, rows) for name in _IDS}
    others = [id_column(case.posts, "post_id", h.counterparts).to_pylist() for h in marks]
    return pa.table(
        {
            "finding": pa.array([h.finding for h in marks], pa.string()),
            **ids,
            "time": id_column(case.posts, "time", rows),
            "signal": pa.array([h.signal for h in marks], pa.string()),
            "object": pa.array([h.object for h in marks], pa.string()),
            "partners": pa.array([int(h.partners) for h in marks], pa.int64()),
            "expected": pa.array([float(h.expected) for h in marks], pa.float64()),
            "start": pa.array([int(h.start) for h in marks], pa.int64()),
            "end": pa.array([int(h.end) for h in marks], pa.int64()),
            "counterparts": pa.array(["; ".join(ids) for ids in others], pa.string()),
            "reason": pa.array([h.reason for h in marks], pa.string()),
            "review": pa.array([REVIEW] * len(marks), pa.string()),
        }
    )


def act_highlights(case: Case) -> pa.Table:
    """One row a highlighted act without text and finding, with the reason."""
    marks = case.act_highlights
    whole = acts(case).select(["platform", "account_id", "act", "time"])
    told = whole.take(pa.array([h.act for h in marks], pa.int64())).combine_chunks()
    partners = pa.array([int(h.partners) for h in marks], pa.int64())
    columns = {
        "finding": pa.array([h.finding for h in marks], pa.string()),
        **dict(zip(told.column_names, told.columns, strict=True)),
        "signal": pa.array([h.signal for h in marks], pa.string()),
        "object": pa.array([h.object for h in marks], pa.string()),
        "partners": partners,
        "expected": pa.array([float(h.expected) for h in marks], pa.float64()),
        "reason": pa.array([h.reason for h in marks], pa.string()),
        "review": pa.array([REVIEW] * len(marks), pa.string()),
    }
    return pa.table(columns)


def impact(case: Case) -> pa.Table:
    """One row a measure: of the whole data set (finding null), then of each finding."""
    owned = [(None, i) for i in case.impact]
    rows = [
        {
            "finding": finding,
            "metric": i.metric,
            "subject": i.subject,
            "with": i.with_group,
            "without": i.without,
            "coalesced": i.coalesced,
            "low": i.low,
            "high": i.high,
            "note": i.note,
        }
        for finding, i in [*owned, *((f.id, i) for f in case.findings for i in f.impact)]
    ]
    return _table(rows, _IMPACT)


def power(case: Case) -> pa.Table:
    """One row a signal: the smallest campaign that these posts could have shown."""
    rows = [
        {
            "signal": p.signal,
            "accounts": p.accounts,
            "joint_acts": p.joint_acts,
            "jitter_s": p.jitter,
            "power": p.power,
        }
        for p in case.power
    ]
    return _table(rows, _POWER)


FRAMES: Mapping[str, Callable[[Case], pa.Table]] = {
    "findings": findings,
    "members": members,
    "edges": edges,
    "posts": posts,
    "acts": acts,
    "highlights": highlights,
    "act_highlights": act_highlights,
    "impact": impact,
    "power": power,
}
"""Every table of a case by name."""


def surprise(p: F64) -> F64:
    """−log10 p, at most 323.3: a p that underflowed to 0 is as small as a float can say."""
    return np.asarray(-np.log10(np.maximum(p, np.nextafter(0.0, 1.0))) + 0.0, np.float64)


def strongest(findings_: tuple[Finding, ...]) -> dict[int, tuple[list[str], str, str]]:
    """Account → its findings' ids, and class and band of the first (the case's strongest)."""
    found: dict[int, tuple[list[str], str, str]] = {}
    for f in findings_:
        for member in f.members:
            found.setdefault(int(member.account), ([], f.class_, f.band))[0].append(f.id)
    return found


_IDS = ("platform", "post_id", "account_id")


def _schema(**kinds: Any) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in kinds.items()])


_FINDINGS = _schema(
    id=pa.string(),
    **{"class": pa.string()},
    subclass=pa.string(),
    band=pa.string(),
    review=pa.string(),
    look_alike=pa.string(),
    look_alike_reason=pa.string(),
    signals=pa.string(),
    accounts=pa.int64(),
    posts=pa.int64(),
    acts=pa.int64(),
    start=TIME,
    end=TIME,
    window_s=pa.int64(),
    observed=pa.int64(),
    expected=pa.float64(),
    q=pa.float64(),
    net=pa.float64(),
    rho=pa.float64(),
    sentence=pa.string(),
    counter_evidence=pa.string(),
    terms=pa.string(),
    probability=pa.float64(),
    likelihood_ratio=pa.float64(),
    controls=pa.int64(),
    controls_highest_net=pa.float64(),
    dealt_class=pa.string(),
    retests=pa.int64(),
    retests_stood=pa.int64(),
)
_EDGES = _schema(
    signal=pa.string(),
    left_platform=pa.string(),
    left=pa.string(),
    right_platform=pa.string(),
    right=pa.string(),
    n=pa.int64(),
    capped=pa.int64(),
    expected=pa.float64(),
    surprise=pa.float64(),
    p=pa.float64(),
    q=pa.float64(),
    e=pa.float64(),
    window_s=pa.int64(),
    first=TIME,
    last=TIME,
    validated=pa.bool_(),
    weak=pa.bool_(),
    grouped=pa.bool_(),
)
_IMPACT = _schema(
    finding=pa.string(),
    metric=pa.string(),
    subject=pa.string(),
    **{"with": pa.float64()},
    without=pa.float64(),
    coalesced=pa.float64(),
    low=pa.float64(),
    high=pa.float64(),
    note=pa.string(),
)
_POWER = _schema(
    signal=pa.string(),
    accounts=pa.int64(),
    joint_acts=pa.int64(),
    jitter_s=pa.int64(),
    power=pa.float64(),
)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema)


def _edges_of(case: Case, layer: Layer) -> pa.Table:
    scored, found = layer.scored, layer.scored.edges
    ladder = np.array(window_ladder(case.run, found.n.shape[1]), np.int64)
    pick = (np.arange(found.size), scored.best)
    left, right = pa.array(found.left), pa.array(found.right)
    ids, platforms = case.posts.account_ids, case.posts.account_platforms
    columns = [
        pa.array([layer.actions.signal] * found.size, pa.string()),
        *(platforms.take(left), ids.take(left), platforms.take(right), ids.take(right)),
        *(pa.array(found.n[pick].astype(np.int64)), pa.array(found.capped[pick].astype(np.int64))),
        *(pa.array(scored.expected[pick]), pa.array(surprise(scored.p))),
        *(pa.array(scored.p), pa.array(scored.q), pa.array(scored.e)),
        pa.array(ladder[scored.best]),
        *(pa.array(found.first).cast(TIME), pa.array(found.last).cast(TIME)),
        *(pa.array(scored.validated), pa.array(scored.weak), pa.array(scored.grouped)),
    ]
    return pa.table(columns, schema=_EDGES)
