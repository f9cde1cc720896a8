"""The case as one JSON document: ``{schema_version, run, totals, findings}``, with its schema.

Keys stand in a fixed order, ids are those of the input, times ISO 8601 UTC, what is no number is
null. No timing stands in it: equal runs are equal bytes. The room knows no other format.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from klieg import evidence
from klieg.case.behind import id_column
from klieg.case.export.as_csv import instant
from klieg.case.frames import REVIEW
from klieg.case.values import finite, hints, plain
from klieg.tables import Impact

if TYPE_CHECKING:
    from klieg.case.case import Case
    from klieg.tables import Finding, Posts

__all__ = ["SCHEMA_VERSION", "document", "schema", "write_json"]

SCHEMA_VERSION = "1"
CLASSES = ("coordinated", "amplification", "suggestive", "look-alike", "abstain")
LAYER = (
    *("signal", "actions", "objects", "eligible", "pairs", "candidates", "validated", "weak"),
    *("expected_false", "shuffled", "shuffled_weak", "threshold", "omitted_bound"),
    *("crowds", "crowd_pairs", "crowd_scored", "crowd_possible"),
    *("other_shuffles", "insufficient"),
)


def document(case: Case) -> dict[str, Any]:
    """The document as plain values: what ``scan --json`` prints."""
    whole = {
        "schema_version": SCHEMA_VERSION,
        "run": {**plain(case.run), "inputs": case.intake.inputs},
        "totals": _totals(case),
        "findings": [_finding(case, finding) for finding in case.findings],
    }
    clean: dict[str, Any] = finite(plain(whole), otherwise="null")
    return clean


def write_json(case: Case, path: str | Path) -> None:
    """Write the document, indented, UTF-8, with a final line feed."""
    text = json.dumps(document(case), ensure_ascii=False, indent=2, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    text = (files("klieg.case.export") / "case.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _totals(case: Case) -> dict[str, Any]:
    posts = case.posts
    return {
        "rows": case.intake.rows,
        "posts": posts.n,
        "acts": posts.n_acts,
        "accounts": posts.n_accounts,
        "span": _whole_span(posts),
        "counts": case.intake.counts,
        "rejected": case.intake.rejected,
        "findings": {name: sum(f.class_ == name for f in case.findings) for name in CLASSES},
        "highlighted_posts": len({int(h.post) for h in case.highlights}),
        "highlighted_acts": len({int(h.act) for h in case.act_highlights}),
        "layers": [{name: getattr(layer.stat, name) for name in LAYER} for layer in case.layers],
        "impact": [_impact(impact) for impact in case.impact],
        "power": [
            {
                "signal": p.signal,
                "accounts": p.accounts,
                "joint_acts": p.joint_acts,
                "jitter_seconds": p.jitter,
                "power": p.power,
            }
            for p in case.power
        ],
        "notes": [*case.intake.notes, *case.notes],
    }


def _finding(case: Case, finding: Finding) -> dict[str, Any]:
    members = _members(case, finding)
    return {
        "id": finding.id,
        "class": finding.class_,
        "subclass": finding.subclass or None,
        "band": finding.band,
        "review": REVIEW,
        "look_alike": finding.look_alike,
        "signals": finding.signals,
        "accounts": [member["account"] for member in members],
        "posts": _post_ids(case, finding.posts),
        "acts": _acts(case, finding.acts),
        "span": _span(finding.start, finding.end),
        "window_seconds": finding.window,
        "observed": finding.observed,
        "expected": finding.expected,
        "q": finding.q,
        "net": finding.net,
        "rho": finding.rho,
        "windows": finding.windows,
        "sentence": finding.sentence,
        "counter_evidence": finding.counter_evidence,
        "members": members,
        "joint_acts": [
            {**plain(act), "posts": _post_ids(case, act.posts), "acts": _acts(case, act.acts)}
            for act in finding.joint_acts
        ],
        "clock": finding.clock,
        "breadth": finding.breadth,
        "gap_rhythm": finding.gap_rhythm,
        "narrative": {
            "terms": finding.narrative.terms,
            "exemplars": _post_ids(case, finding.narrative.exemplars),
        }
        if finding.narrative
        else None,
        "impact": [_impact(impact) for impact in finding.impact],
        "history": finding.history,
        "stability": finding.stability,
        "controls": finding.controls,
        "retests": finding.retests,
        "dealt_class": finding.dealt or None,
        "posterior": finding.posterior,
        "survived": finding.survived,
        "followed": _followed(case, finding),
        "earned": finding.earned,
    }


def _followed(case: Case, finding: Finding) -> list[dict[str, Any]]:
    """Whom the group follows: no members."""
    index = pa.array([f.account for f in finding.followed], pa.int64())
    ids = case.posts.account_ids.take(index).to_pylist()
    platforms = case.posts.account_platforms.take(index).to_pylist()
    return [
        {"platform": platform, **plain(f), "account": account}
        for f, platform, account in zip(finding.followed, platforms, ids, strict=True)
    ]


def _members(case: Case, finding: Finding) -> list[dict[str, Any]]:
    index = pa.array([member.account for member in finding.members], pa.int64())
    ids = case.posts.account_ids.take(index).to_pylist()
    platforms = case.posts.account_platforms.take(index).to_pylist()
    return [
        {
            "platform": platform,
            "account": account,
            "evidence": m.evidence,
            "posts": m.posts,
            "acts": m.acts,
            "probability": m.probability,
        }
        for m, platform, account in zip(finding.members, platforms, ids, strict=True)
    ]


def _post_ids(case: Case, rows: tuple[int, ...]) -> list[str]:
    ids: list[str] = id_column(case.posts, "post_id", rows).to_pylist()
    return ids


def _acts(case: Case, rows: tuple[int, ...]) -> list[dict[str, Any]]:
    """What can be shown of acts without text: who did what to what, which way, and when."""
    if not rows or case.posts.acts is None:
        return []
    names = ["platform", "account_id", "act", "object_id", "value"]
    table = case.posts.acts.table.select(names).take(pa.array(rows, pa.int64()))
    times = case.posts.acts.time[list(rows)].tolist()
    return [
        {
            "platform": row["platform"],
            "account": row["account_id"],
            "act": row["act"],
            "object": row["object_id"],
            "value": row["value"],
            "time": instant(time),
        }
        for row, time in zip(table.to_pylist(), times, strict=True)
    ]


def _impact(impact: Impact) -> dict[str, Any]:
    value = {name: getattr(impact, name) for name in hints(Impact)}
    value["with"] = value.pop("with_group")
    order = ("metric", "subject", "with", "without", "coalesced", "low", "high", "note")
    return {name: value[name] for name in order}


def _whole_span(posts: Posts) -> dict[str, str] | None:
    times = evidence.times(posts)
    return _span(int(times.min()), int(times.max())) if len(times) else None


def _span(start: int, end: int) -> dict[str, str]:
    return {"start": instant(start), "end": instant(end)}
