"""A case as rows of its database, and back: which value stands in which table.

Scalars that a query filters by are columns, the rest of a value is its ``detail``. The room knows
the tables of ``migrations`` and no file: opening, locking and replacing are the store's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from klieg.case.run import Run, without_folder
from klieg.case.values import as_text, hints, plain, restore
from klieg.tables import ActHighlight, Finding, Highlight, Impact, Intake, Power

if TYPE_CHECKING:
    from klieg.case.case import Case

__all__ = ["insert", "read_values", "write_provenance", "write_values"]

T = TypeVar("T")

FINDING = (
    *("id", "class_", "subclass", "band", "start", "end", "window", "observed", "expected"),
    *("q", "net", "rho", "sentence"),
)
IN_OTHER_TABLES = ("members", "posts", "acts", "impact")
MEMBER = ("account", "evidence", "posts", "acts", "probability")
HIGHLIGHT = (
    *("post", "finding", "signal", "object", "counterparts", "partners", "expected"),
    *("start", "end", "reason"),
)
ACT_HIGHLIGHT = (
    *("act", "finding", "signal", "object", "counterparts", "partners", "expected", "reason"),
)
IMPACT = ("metric", "subject", "with_group", "without", "coalesced", "low", "high", "note")
POWER = ("signal", "accounts", "joint_acts", "jitter", "power")


def write_values(db: sqlite3.Connection, case: Case) -> None:
    """Insert everything but the layers and the run: inputs, accounts, findings, highlights …"""
    inputs = [_named(entry) for entry in case.intake.inputs]
    insert(db, "input", ((i, f.get("path"), as_text(f)) for i, f in enumerate(inputs)))
    accounts = zip(
        case.posts.account_platforms.to_pylist(), case.posts.account_ids.to_pylist(), strict=True
    )
    insert(db, "account", ((i, *row) for i, row in enumerate(accounts)))
    for i, finding in enumerate(case.findings):
        _write_finding(db, i, finding)
    insert(db, "highlight", ((i, *_row(h, HIGHLIGHT)) for i, h in enumerate(case.highlights)))
    acts = ((i, *_row(h, ACT_HIGHLIGHT)) for i, h in enumerate(case.act_highlights))
    insert(db, "act_highlight", acts)
    impacts: Iterator[tuple[str | None, Impact]] = chain(
        ((None, impact) for impact in case.impact),
        ((finding.id, impact) for finding in case.findings for impact in finding.impact),
    )
    insert(db, "impact", ((i, f, *_row(v, IMPACT)) for i, (f, v) in enumerate(impacts)))
    insert(db, "power", ((i, *_row(p, POWER)) for i, p in enumerate(case.power)))


def read_values(db: sqlite3.Connection) -> dict[str, Any]:
    """run, intake, findings, highlights, impact, power and notes as ``Case`` takes them."""
    row = _one_row(db, "run")
    read = {name: json.loads(row[name]) for name in ("config", "signals", "command", "notes")}
    intake = {
        "inputs": [json.loads(text) for (text,) in db.execute(_in_order("detail", "input"))],
        "rows": row["rows_read"],
        "posts": row["posts_kept"],
        "counts": json.loads(row["counts"]),
        "rejected": json.loads(row["rejected"]),
        "notes": json.loads(row["intake_notes"]),
    }
    impacts = _impacts(db)
    return {
        "run": restore(Run, {**row, **read}),
        "intake": restore(Intake, intake),
        "findings": tuple(_findings(db, impacts)),
        "highlights": tuple(_values(db, "highlight", Highlight, HIGHLIGHT)),
        "act_highlights": tuple(_values(db, "act_highlight", ActHighlight, ACT_HIGHLIGHT)),
        "impact": tuple(impacts.get(None, ())),
        "power": tuple(_values(db, "power", Power, POWER)),
        "notes": tuple(read["notes"]),
    }


def read_accounts(db: sqlite3.Connection) -> tuple[pa.Array, pa.Array]:
    """(A,) ids as in the input and (A,) platforms."""
    rows = db.execute("select account_id, platform from account order by account").fetchall()
    return (
        pa.array([account for account, _ in rows], pa.string()),
        pa.array([platform for _, platform in rows], pa.string()),
    )


def insert(db: sqlite3.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows whose values stand in the order of the table's columns."""
    width = len(db.execute(f"select * from {table} limit 0").description)
    db.executemany(f"insert into {table} values ({','.join('?' * width)})", rows)


def write_provenance(
    db: sqlite3.Connection, case: Case, posts_sha256: str, acts_sha256: str = ""
) -> None:
    """Insert the run: what made the case, and the hashes of the posts and acts that go with it."""
    run, intake = case.run, case.intake
    row = (
        *(run.version, int(run.seed), run.engine, run.embedder, run.llm),
        *(as_text(run.config), as_text(run.signals), as_text(run.command), as_text(case.notes)),
        *(case.posts.n, int(case.posts.resolution), posts_sha256),
        *(int(intake.rows), int(intake.posts)),
        *(as_text(intake.counts), as_text(intake.rejected), as_text(intake.notes)),
        *(case.posts.n_acts, acts_sha256),
    )
    insert(db, "run", [row])


def _named(entry: Mapping[str, Any]) -> dict[str, Any]:
    path = entry.get("path")
    return dict(entry) if path is None else {**entry, "path": without_folder(str(path))}


def _write_finding(db: sqlite3.Connection, position: int, finding: Finding) -> None:
    detail = {
        name: getattr(finding, name)
        for name in hints(Finding)
        if name not in FINDING and name not in IN_OTHER_TABLES
    }
    insert(db, "finding", [(position, *_row(finding, FINDING), as_text(detail))])
    members = ((finding.id, i, *_row(m, MEMBER)) for i, m in enumerate(finding.members))
    insert(db, "member", members)
    insert(db, "finding_post", ((finding.id, int(post)) for post in finding.posts))
    insert(db, "finding_act", ((finding.id, int(act)) for act in finding.acts))


def _findings(db: sqlite3.Connection, impacts: dict[str | None, list[Impact]]) -> list[Finding]:
    members: dict[str, list[dict[str, Any]]] = {}
    for finding, *row in db.execute(
        f"select finding, {','.join(MEMBER)} from member order by finding, position"
    ):
        members.setdefault(finding, []).append(dict(zip(MEMBER, row, strict=True)))
    posts, acts = _rows_of(db, "post"), _rows_of(db, "act")
    found = []
    for *row, detail in db.execute(_in_order((*FINDING, "detail"), "finding")):
        value = {**dict(zip(FINDING, row, strict=True)), **json.loads(detail)}
        value["members"] = members.get(value["id"], [])
        value["posts"] = posts.get(value["id"], [])
        value["acts"] = acts.get(value["id"], [])
        value["impact"] = [plain(impact) for impact in impacts.get(value["id"], ())]
        found.append(restore(Finding, value))
    return found


def _rows_of(db: sqlite3.Connection, what: str) -> dict[str, list[int]]:
    """Finding → the posts or acts that took part, ascending."""
    found: dict[str, list[int]] = {}
    for finding, row in db.execute(f"select finding, {what} from finding_{what} order by 1, 2"):
        found.setdefault(finding, []).append(row)
    return found


def _impacts(db: sqlite3.Connection) -> dict[str | None, list[Impact]]:
    impacts: dict[str | None, list[Impact]] = {}
    for finding, *row in db.execute(_in_order(("finding", *IMPACT), "impact")):
        value = restore(Impact, dict(zip(IMPACT, row, strict=True)))
        impacts.setdefault(finding, []).append(value)
    return impacts


def _values(
    db: sqlite3.Connection, table: str, kind: type[T], columns: Sequence[str]
) -> Iterator[T]:
    listed = [i for i, name in enumerate(columns) if _is_list(kind, name)]
    for row in db.execute(_in_order(columns, table)):
        values = list(row)
        for i in listed:
            values[i] = json.loads(values[i])
        yield restore(kind, dict(zip(columns, values, strict=True)))


def _is_list(kind: Any, name: str) -> bool:
    return getattr(hints(kind)[name], "__origin__", None) is tuple


def _row(value: Any, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(_cell(getattr(value, name)) for name in columns)


def _cell(value: Any) -> Any:
    if value is None or type(value) in (int, float, str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    return as_text(value)


def _in_order(columns: str | Sequence[str], table: str) -> str:
    names = [columns] if isinstance(columns, str) else columns
    quoted = ",".join(f'"{name.rstrip("_")}"' for name in names)
    return f"select {quoted} from {table} order by position"


def _one_row(db: sqlite3.Connection, table: str) -> dict[str, Any]:
    cursor = db.execute(f"select * from {table}")
    rows = cursor.fetchall()
    if len(rows) != 1:
        raise ValueError(f"{table} holds {len(rows)} rows, not one")
    return dict(zip((c[0] for c in cursor.description), rows[0], strict=True))
