"""Exports, the door: a case in the format that the suffix of its path names.

``.json .csv .parquet .gexf .graphml .html .klieg``; the room behind each suffix knows its format.
The door knows which is which and nothing of what they write.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from klieg.case.behind import account_index
from klieg.case.export.as_csv import write_csv
from klieg.case.export.as_graph import write_graph
from klieg.case.export.as_json import document, schema, write_json
from klieg.case.export.as_parquet import write_parquet
from klieg.case.frames import REVIEW, frame
from klieg.case.share import pseudonymise
from klieg.case.whole import whole
from klieg.errors import ConfigError

if TYPE_CHECKING:
    from klieg.case.case import Case

__all__ = [
    "SUFFIXES",
    "dehydrated",
    "document",
    "export",
    "schema",
    "write_csv",
    "write_graph",
    "write_json",
    "write_parquet",
]

SUFFIXES = (".json", ".csv", ".parquet", ".gexf", ".graphml", ".html", ".klieg")
TABULAR = (".csv", ".parquet")
IDS = frozenset(
    {
        *("id", "finding", "platform", "post_id", "account_id", "left_platform", "left"),
        *("right_platform", "right", "partner_post_id", "partner_account_id", "counterparts"),
    }
)


def export(
    case: Case,
    path: str | Path,
    *,
    table: str | None = None,
    finding: str | None = None,
    pair: tuple[str | int, str | int] | None = None,
    share: bool = False,
    key: bytes | None = None,
    dehydrate: bool = False,
    raw_cells: bool = False,
) -> None:
    """Write the case to ``path``, whole or not at all; the suffix chooses the format.

    ``.csv`` and ``.parquet`` hold one ``table`` (findings, members, edges, posts, highlights,
    impact or power; findings by default), or the posts behind a ``finding`` or a ``pair`` of
    accounts. ``share`` writes the pseudonymised, unreviewed form (``key``: the case's local key by
    default), ``dehydrate`` ids only, ``raw_cells`` CSV cells that a spreadsheet may run. Raises
    ConfigError for what does not go together, NotInCase, StoreError.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError("format", path.name, " | ".join(SUFFIXES))
    rows_only = {"table": table, "finding": finding, "pair": pair, "dehydrate": dehydrate or None}
    for name, value in rows_only.items():
        if value is not None and suffix not in TABULAR:
            raise ConfigError(name, value, f"for {' and '.join(TABULAR)} only, not {suffix}")
    if suffix == ".html":
        # its templates are heavy to load: only whoever wants a page pays for them
        page = import_module("klieg.case.export.html").render(case, share=share, key=key)
        with whole(path) as file:
            file.write_text(page, encoding="utf-8", newline="\n")
        return
    shown = pseudonymise(case, key) if share else case
    if suffix == ".klieg":
        shown.save(path)
        return
    with whole(path) as file:
        if suffix in TABULAR:
            # a pair is named by its ids in the input, so it is looked up before ids are replaced
            ends = [account_index(case.posts, account) for account in pair or ()]
            rows = _rows(shown, table, finding, ends)
            rows = dehydrated(rows) if dehydrate else rows
            rows = _stamped(rows) if share else rows
            if suffix == ".csv":
                write_csv(rows, file, raw_cells=raw_cells)
            else:
                write_parquet(rows, file)
        elif suffix == ".json":
            write_json(shown, file)
        else:
            write_graph(shown, file, format=suffix)


def dehydrated(table: pa.Table) -> pa.Table:
    """Only the columns that hold ids: what a platform lets one publish, to be fetched again."""
    return table.select([name for name in table.column_names if name in IDS])


def _rows(case: Case, table: str | None, finding: str | None, pair: list[int]) -> pa.Table:
    if finding is not None:
        return case.finding_posts(finding)
    return case.edge_posts(*pair) if pair else frame(case, table or "findings")


def _stamped(table: pa.Table) -> pa.Table:
    if "review" in table.column_names:
        return table
    return table.append_column("review", pa.array([REVIEW] * table.num_rows, pa.string()))
